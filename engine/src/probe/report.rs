//! What was learnt of an SMSC.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// All of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// The name of its `[[smsc]]`.
    pub(super) smsc: String,
    /// What failed, and what to do, in one sentence. `None`: nothing.
    pub(super) problem: Option<String>,
    /// The sessions that were tried, of a pair the transmitter first.
    pub(super) sessions: Vec<SessionReport>,
    /// The message, if one was to be sent.
    pub(super) message: Option<MessageReport>,
    /// Receipts and messages of others that came, and were given back.
    pub(super) given_back: u32,
    /// Settings that what was seen asks for.
    pub(super) suggestions: Vec<Suggestion>,
}

/// A session.
#[derive(Debug, Default, Serialize)]
pub(super) struct SessionReport {
    /// transceiver, transmitter or receiver.
    pub(super) kind: String,
    /// `interface_version` of our bind: `3.4`.
    pub(super) version: String,
    /// The address that was reached.
    pub(super) address: Option<String>,
    /// The version of TLS; `None` without.
    pub(super) tls: Option<String>,
    /// When its certificate's time is over: RFC 3339.
    pub(super) certificate_until: Option<String>,
    /// Until there was a connection, with TLS where that is wanted.
    pub(super) connect_ms: Option<Ms>,
    /// What the bind was answered: `ESME_ROK`.
    pub(super) bind_status: Option<String>,
    pub(super) bind_ms: Option<Ms>,
    /// `system_id` and `sc_interface_version` of that answer.
    pub(super) smsc_system_id: Option<String>,
    pub(super) smsc_version: Option<String>,
    pub(super) enquire_link_ms: Option<Ms>,
}

/// The message that was sent.
#[derive(Debug, Default, Serialize)]
pub(super) struct MessageReport {
    pub(super) to: String,
    pub(super) from: String,
    /// gsm7 or ucs2.
    pub(super) encoding: String,
    pub(super) segments: Vec<SegmentReport>,
}

/// A segment of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct SegmentReport {
    /// Whether a receipt was asked for.
    pub(super) receipt_wanted: bool,
    /// What it was answered.
    pub(super) status: Option<String>,
    /// What that counts as: `accepted`, or a word of `answers`.
    pub(super) means: Option<String>,
    pub(super) submit_ms: Option<Ms>,
    pub(super) id: Option<String>,
    /// `decimal, 10 characters`
    pub(super) id_form: Option<String>,
    /// In the order in which they came.
    pub(super) receipts: Vec<ReceiptReport>,
}

/// A receipt for a segment.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReceiptReport {
    /// From the submission on.
    pub(super) after_ms: Ms,
    /// deliver_sm or data_sm.
    pub(super) command: String,
    pub(super) esm_class: u8,
    pub(super) data_coding: u8,
    /// The text is in message_payload.
    pub(super) in_payload: bool,
    /// Which address names the recipient: source, destination or none.
    pub(super) recipient_in: String,
    /// Tags of its optional parameters: `0x001e`.
    pub(super) optional_parameters: Vec<String>,
    /// The keys of its text, in their order.
    pub(super) keys: Vec<String>,
    /// As it came.
    pub(super) text: String,
    pub(super) id_in_text: Option<IdReport>,
    pub(super) id_in_parameter: Option<IdReport>,
    pub(super) stat: Option<String>,
    pub(super) err: Option<String>,
    /// Whether it ends the segment.
    pub(super) is_final: bool,
    /// The status that it means.
    pub(super) means: Option<String>,
}

/// An id in a receipt.
#[derive(Debug, Serialize)]
pub(super) struct IdReport {
    pub(super) id: String,
    pub(super) form: String,
    /// By which equality it is that of the answer: `identical`; `None`: by none.
    pub(super) same_by: Option<&'static str>,
}

/// A setting, and why.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Suggestion {
    /// A line of the `[[smsc]]`.
    pub(super) setting: String,
    pub(super) why: String,
}

/// A time in milliseconds, to the microsecond.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ms(pub(super) Duration);

impl Ms {
    pub(super) fn value(self) -> f64 {
        self.0.as_micros() as f64 / 1_000.0
    }
}

impl Serialize for Ms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl Report {
    /// One line.
    pub(super) fn to_json(&self) -> String {
        let report = serde_json::to_string(self).unwrap_or_default();
        format!("{report}\n")
    }
}
