use smpp::frame::{BindKind, CommandId, PDU_LENGTH_MAX, Pdu, Sm, split};
use smpp::receipt::{Receipt, parse, same_id};
use smpp_sim::{Options, Scenario};

use crate::common::tshark::Decoded;
use crate::common::{Client, message};

/// What every case sends; it is in `text:` of the receipts.
pub(crate) const TEXT: &[u8] = b"Bonjour";

/// The first recipient; others follow.
pub(crate) const RECIPIENT: u64 = 33_612_345_000;

/// `esm_class` with a user data header (3.4, 5.2.12).
const UDHI: u8 = 0x40;

/// One personality and how it is provoked.
#[derive(Clone)]
pub(crate) struct Case {
    /// The built-in scenario that has it, or `preset` and the name of one.
    pub(crate) scenario: &'static str,
    time_scale: f64,
    /// The first recipient.
    first: u64,
    recipients: u64,
    segments: u8,
    registered_delivery: u8,
    /// Another session of the account that is bound before anything is submitted.
    other: Option<BindKind>,
    /// Deliveries to the submitting session, and to the other one.
    expected: (usize, usize),
    /// So many deliveries are not acknowledged.
    ignored: usize,
    check: fn(&Judged),
    /// What our own reader is to find, given the id in the answer.
    reads: fn(&[u8], &Receipt<'_>),
}

impl Case {
    /// One message, one answer, one receipt that our reader matches with the answer.
    pub(crate) fn of(scenario: &'static str, check: fn(&Judged)) -> Self {
        Self {
            scenario,
            time_scale: 1.0,
            first: RECIPIENT,
            recipients: 1,
            segments: 1,
            registered_delivery: 1,
            other: None,
            expected: (1, 0),
            ignored: 0,
            check,
            reads: |answer, receipt| assert!(matches(answer, receipt)),
        }
    }

    /// To a recipient with these last digits.
    pub(crate) fn to(self, last: u64) -> Self {
        let first = RECIPIENT + last;
        Self { first, ..self }
    }

    pub(crate) fn recipients(self, recipients: u64) -> Self {
        Self { recipients, ..self }
    }

    pub(crate) fn segments(self, segments: u8) -> Self {
        Self { segments, ..self }
    }

    pub(crate) fn registered_delivery(self, registered_delivery: u8) -> Self {
        Self {
            registered_delivery,
            ..self
        }
    }

    pub(crate) fn other(self, kind: BindKind) -> Self {
        let other = Some(kind);
        Self { other, ..self }
    }

    pub(crate) fn expecting(self, here: usize, there: usize) -> Self {
        let expected = (here, there);
        Self { expected, ..self }
    }

    pub(crate) fn ignoring(self, ignored: usize) -> Self {
        Self { ignored, ..self }
    }

    pub(crate) fn time_scale(self, time_scale: f64) -> Self {
        Self { time_scale, ..self }
    }

    /// Our reader finds something else than a receipt whose id is the answer's.
    pub(crate) fn reading(self, reads: fn(&[u8], &Receipt<'_>)) -> Self {
        Self { reads, ..self }
    }

    /// What is wrong with it as tshark sees it.
    pub(crate) fn judge(&self, judged: &Judged) -> Option<String> {
        let judging = std::panic::AssertUnwindSafe(|| (self.check)(judged));
        let failed = std::panic::catch_unwind(judging).is_err();
        failed.then(|| {
            format!(
                "{} to {}, as tshark sees it: {:?}",
                self.scenario,
                self.first,
                judged.receipt()
            )
        })
    }

    /// What is wrong with the first delivery as `smpp::receipt` reads it.
    pub(crate) fn read(&self, seen: &Seen) -> Option<String> {
        let name = self.scenario;
        let answer = message_id(&seen.answers[0]);
        let octets = seen.deliveries.first().or(seen.elsewhere.first())?;
        let raw = split(octets, PDU_LENGTH_MAX).unwrap().unwrap();
        let (Pdu::DeliverSm(sm) | Pdu::DataSm(sm)) = raw.decode().unwrap() else {
            return Some(format!("{name}: neither deliver_sm nor data_sm"));
        };
        let Some(receipt) = parse(&sm) else {
            return Some(format!("{name}: our reader sees no receipt"));
        };
        let judging = std::panic::AssertUnwindSafe(|| (self.reads)(&answer, &receipt));
        let failed = std::panic::catch_unwind(judging).is_err();
        failed.then(|| format!("{name}, as our reader sees it: {receipt:?}"))
    }
}

/// Whether one of the receipt's ids is the answer's.
pub(crate) fn matches(answer: &[u8], receipt: &Receipt<'_>) -> bool {
    receipt.ids().any(|id| same_id(answer, id.as_bytes()))
}

fn message_id(answer: &[u8]) -> Vec<u8> {
    let raw = split(answer, PDU_LENGTH_MAX).unwrap().unwrap();
    let Pdu::SubmitSmResp(answer) = raw.decode().unwrap() else {
        panic!("no submit_sm_resp: {:?}", raw.header);
    };
    answer.message_id.to_vec()
}

/// What the client was sent, octet for octet.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) answers: Vec<Vec<u8>>,
    pub(crate) deliveries: Vec<Vec<u8>>,
    pub(crate) elsewhere: Vec<Vec<u8>>,
    /// Whether the first delivery came before the first answer.
    early: bool,
}

/// The same as tshark sees it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) answers: Vec<Decoded>,
    pub(crate) deliveries: Vec<Decoded>,
    pub(crate) elsewhere: Vec<Decoded>,
    pub(crate) early: bool,
}

impl Seen {
    /// Every PDU, in the order of [`Seen::judged`].
    pub(crate) fn frames(&self) -> impl Iterator<Item = Vec<u8>> {
        let all = self.answers.iter().chain(&self.deliveries).chain(&self.elsewhere);
        all.cloned()
    }

    pub(crate) fn judged(&self, decoded: &mut impl Iterator<Item = Decoded>) -> Judged {
        let mut next = |count: usize| decoded.by_ref().take(count).collect();
        Judged {
            answers: next(self.answers.len()),
            deliveries: next(self.deliveries.len()),
            elsewhere: next(self.elsewhere.len()),
            early: self.early,
        }
    }
}

impl Judged {
    pub(crate) fn answer_id(&self) -> &str {
        self.answers[0].get("smpp.message_id").unwrap_or_default()
    }

    pub(crate) fn receipt(&self) -> &Decoded {
        self.deliveries.first().unwrap_or_else(|| &self.elsewhere[0])
    }

    /// The text of the first receipt, octet by octet.
    pub(crate) fn text(&self) -> String {
        text(self.receipt())
    }

    /// What stands behind a key in the text of the first receipt, up to the next space.
    pub(crate) fn field(&self, key: &str) -> String {
        field(&self.text(), key)
            .unwrap_or_else(|| panic!("no {key}"))
            .to_owned()
    }

    pub(crate) fn tlv_id(&self) -> Option<&str> {
        self.receipt().get("smpp.receipted_message_id")
    }
}

/// The octets of the text, in `short_message` or in `message_payload`.
pub(crate) fn octets(delivery: &Decoded) -> Vec<u8> {
    let message = delivery.octets("smpp.message");
    if message.is_empty() {
        return delivery.octets("smpp.message_payload");
    }
    message
}

pub(crate) fn text(delivery: &Decoded) -> String {
    octets(delivery).into_iter().map(char::from).collect()
}

pub(crate) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(key)?;
    after.split(|letter: char| letter.is_ascii_whitespace()).next()
}

/// Runs the simulator, submits, and acknowledges until everything has come that is expected.
pub(crate) async fn play(case: Case) -> Seen {
    let scenario = match case.scenario.strip_prefix("preset ") {
        Some(name) => Scenario::parse(&format!("preset = {name:?}"), name),
        None => Scenario::named(case.scenario),
    };
    let mut scenario = scenario.unwrap_or_else(|faults| panic!("{faults}"));
    scenario.time_scale = case.time_scale;
    let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    let mut other = match case.other {
        Some(kind) => Some(Client::bound(running.smpp_addr, kind).await),
        None => None,
    };
    submit(&mut client, &case);
    client.flush().await;
    let mut seen = Seen::default();
    let (here, there) = case.expected;
    let answers = case.recipients as usize * usize::from(case.segments);
    while seen.answers.len() < answers || seen.deliveries.len() < here {
        let octets = client.receive_octets().await.expect("the session is open");
        let ignored = seen.deliveries.len() < case.ignored;
        if let Some(sequence) = delivery(&octets) {
            seen.early |= seen.answers.is_empty();
            seen.deliveries.push(octets);
            if !ignored {
                client.queue_acknowledgement(sequence);
                client.flush().await;
            }
        } else {
            seen.answers.push(octets);
        }
    }
    while let Some(other) = other.as_mut().filter(|_| seen.elsewhere.len() < there) {
        let octets = other.receive_octets().await.expect("the session is open");
        let sequence = delivery(&octets).expect("nothing was submitted here");
        seen.elsewhere.push(octets);
        other.queue_acknowledgement(sequence);
        other.flush().await;
    }
    running.handle.close_sessions();
    running.stop().await;
    seen
}

fn submit(client: &mut Client, case: &Case) {
    let mut sequence = 0;
    for recipient in case.first..case.first + case.recipients {
        let recipient = recipient.to_string();
        for part in 1..=case.segments {
            sequence += 1;
            let header = [5, 0, 3, 0x84, case.segments, part];
            let long = [&header[..], TEXT].concat();
            let sm = Sm {
                registered_delivery: case.registered_delivery,
                esm_class: if case.segments > 1 { UDHI } else { 0 },
                ..message(&recipient, if case.segments > 1 { &long } else { TEXT })
            };
            client.queue_sm(sequence, &sm);
        }
    }
}

/// The sequence number, if it is a deliver_sm or a data_sm.
fn delivery(octets: &[u8]) -> Option<u32> {
    let raw = split(octets, PDU_LENGTH_MAX).unwrap().unwrap();
    let command = raw.header.command_id;
    (command == CommandId::DELIVER_SM || command == CommandId::DATA_SM).then_some(raw.header.sequence)
}
