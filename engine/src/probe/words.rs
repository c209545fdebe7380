//! A report for people.

use std::fmt::Write;

use super::report::{IdReport, Ms, ReceiptReport, Report, SegmentReport, SessionReport};

/// Where what is said of a thing begins.
const COLUMN: usize = 14;

impl Report {
    /// Lines; the last says whether it is fine.
    pub(super) fn to_words(&self) -> String {
        let mut lines = Lines::default();
        self.sessions.iter().for_each(|session| lines.session(session));
        if let Some(message) = &self.message {
            let (count, from, to) = (message.segments.len(), &message.from, &message.to);
            lines.add(
                "message",
                format!("from {from} to {to}, {}, {count} segment(s)", message.encoding),
            );
            for (place, segment) in message.segments.iter().enumerate() {
                lines.segment((place + 1, count), segment);
            }
        }
        if self.given_back > 0 {
            let count = self.given_back;
            lines.add(
                "given back",
                format!("{count} receipt(s) or message(s) of others, with ESME_RX_T_APPN"),
            );
        }
        for suggestion in &self.suggestions {
            lines.add("suggestion", format!("{}  # {}", suggestion.setting, suggestion.why));
        }
        match &self.problem {
            None => lines.add(&self.smsc, "fine"),
            Some(problem) => lines.add(&self.smsc, format!("failed: {problem}")),
        }
        lines.0
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, what: &str, said: impl AsRef<str>) {
        // Writing into a text does not fail.
        let _written = writeln!(self.0, "{what:<COLUMN$} {}", said.as_ref());
    }

    fn session(&mut self, session: &SessionReport) {
        if let (Some(address), Some(after)) = (&session.address, session.connect_ms) {
            let tls = session
                .tls
                .as_ref()
                .map_or_else(|| "no TLS".to_owned(), |tls| format!("TLS {tls}"));
            let until = session.certificate_until.as_ref();
            let until = until.map_or_else(String::new, |until| format!(", certificate until {until}"));
            self.add("address", format!("{address}, {tls}{until}, {}", ms(after)));
        }
        let (kind, version) = (&session.kind, &session.version);
        if let (Some(status), Some(after)) = (&session.bind_status, session.bind_ms) {
            let name = session.smsc_system_id.as_deref().unwrap_or("it gives no name");
            let speaks = session
                .smsc_version
                .as_deref()
                .map(|version| format!(", speaks {version}"));
            let speaks = speaks.unwrap_or_default();
            self.add(
                "bind",
                format!("{kind}, SMPP {version}: {status}, {}; {name}{speaks}", ms(after)),
            );
        }
        if let Some(after) = session.enquire_link_ms {
            self.add("enquire_link", ms(after));
        }
    }

    fn segment(&mut self, (place, count): (usize, usize), segment: &SegmentReport) {
        let Some(status) = &segment.status else { return };
        let after = segment.submit_ms.map(ms).unwrap_or_default();
        let id = segment.id.as_deref().zip(segment.id_form.as_deref());
        let id = id.map(|(id, form)| format!(", id {id} ({form})")).unwrap_or_default();
        self.add("submit", format!("{place} of {count}: {status}, {after}{id}"));
        for receipt in &segment.receipts {
            self.receipt((place, count), receipt);
        }
    }

    fn receipt(&mut self, (place, count): (usize, usize), receipt: &ReceiptReport) {
        let stat = receipt.stat.as_deref().unwrap_or("no stat");
        let err = receipt
            .err
            .as_ref()
            .map(|err| format!(" err {err}"))
            .unwrap_or_default();
        let means = receipt.means.as_deref().unwrap_or("not the last");
        let after = ms(receipt.after_ms);
        self.add("receipt", format!("{place} of {count}: {stat}{err}, {means}, {after}"));
        let ids = [
            ("text", &receipt.id_in_text),
            ("optional parameter", &receipt.id_in_parameter),
        ];
        for (place, id) in ids {
            if let Some(IdReport { id, form, same_by }) = id {
                let same = same_by.map_or("not that of the answer".to_owned(), |by| {
                    format!("the same as the answer's: {by}")
                });
                self.add("id", format!("in the {place}: {id} ({form}), {same}"));
            }
        }
        let place = if receipt.in_payload {
            "message_payload"
        } else {
            "short_message"
        };
        let (command, class, coding) = (&receipt.command, receipt.esm_class, receipt.data_coding);
        self.add(
            "dialect",
            format!(
                "{command}, esm_class 0x{class:02x}, data_coding {coding}, text in {place}, recipient in {}, keys {}, optional parameters {}",
                receipt.recipient_in,
                listed(&receipt.keys),
                listed(&receipt.optional_parameters)
            ),
        );
    }
}

fn listed(words: &[String]) -> String {
    if words.is_empty() {
        return "none".to_owned();
    }
    words.join(", ")
}

fn ms(time: Ms) -> String {
    format!("{:.1} ms", time.value())
}
