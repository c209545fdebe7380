//! Receipts that the store could not match octet for octet, against their recipient's record: several of one message make
//! one move.

use super::Settler;
use super::case::{Case, Matched, Of, Question};
use super::rounds::Tray;
use crate::domain::{Event, Message, MessageId, Recipient, Record, State, Transition, digest};
use crate::receipt::{Found, Unmatched, find, is_plausible};
use crate::store::{Ask, Note};

/// What receipts make of one message.
struct Pending {
    id: MessageId,
    transition: Transition,
    questions: Vec<Question>,
    taken_at: u64,
}

impl Settler {
    /// Matches receipts of one recipient. Returns those that match nothing there, each with the reason.
    pub(super) async fn match_here(
        &self,
        (recipient, mut record): (Recipient, Vec<u8>),
        receipts: Vec<Question>,
        next: &mut Vec<Case>,
        tray: &mut Tray,
    ) -> Vec<(Question, Unmatched)> {
        let (mut pending, mut unmatched) = (Vec::new(), Vec::new());
        for question in receipts {
            let read = match Record::unpack(recipient, &record) {
                Ok(read) => read,
                Err(error) => {
                    tracing::error!(%error, recipient = recipient.masked(), "a record cannot be read");
                    unmatched.push((question, Unmatched::UnknownId));
                    continue;
                }
            };
            let event = match find(&read, question.smsc, &question.news) {
                Found::Segment(at, segment) => Ok((read.messages[at], self.receipt(&question, segment))),
                Found::Doubtful(at, segment) => {
                    let message = read.messages[at];
                    match self.is_about(&question, &message).await {
                        true => Ok((message, self.found(&question, segment))),
                        false => Err(Unmatched::Implausible),
                    }
                }
                Found::Duplicate => {
                    self.duplicate(question, tray);
                    continue;
                }
                Found::Early => {
                    tray.early(question);
                    continue;
                }
                Found::Ambiguous => Err(Unmatched::Ambiguous),
                Found::Nothing => Err(Unmatched::UnknownId),
            };
            match event.and_then(|(message, event)| self.make(&message, event)) {
                Ok((transition, taken_at)) => {
                    record = replaced(&record, &transition);
                    add(&mut pending, transition, question, taken_at);
                }
                Err(reason) => unmatched.push((question, reason)),
            }
        }
        next.extend(pending.into_iter().map(case));
        unmatched
    }

    fn make(&self, message: &Message<'_>, event: Event) -> Result<(Transition, u64), Unmatched> {
        let taken_at = message.traces().map_or(0, |traces| traces.at);
        let made = message.apply(event, self.clock.unix_us());
        made.map(|transition| (transition, taken_at)).map_err(|error| {
            tracing::error!(%error, "a receipt moves nothing");
            Unmatched::Contended
        })
    }

    fn receipt(&self, question: &Question, segment: usize) -> Event {
        let verdict = self.verdict(question);
        Event::Receipt {
            segment,
            status: verdict.status,
            code: verdict.code,
        }
    }

    fn found(&self, question: &Question, segment: usize) -> Event {
        let verdict = self.verdict(question);
        Event::Found {
            segment,
            smsc_id: question.news.ids().next().unwrap_or_default().to_vec(),
            status: verdict.status,
            code: verdict.code,
        }
    }

    /// Whether a receipt may be about a message in doubt: what it says of date and text does not speak against it.
    async fn is_about(&self, question: &Question, message: &Message<'_>) -> bool {
        debug_assert_eq!(message.state, State::InDoubt);
        if question.insisted {
            return true;
        }
        let since = message.traces().map_or(0, |traces| traces.at);
        is_plausible(&question.news, since) && self.may_quote(question, message).await
    }

    /// Whether the text that a receipt quotes may be the message's; what cannot be told counts as yes.
    async fn may_quote(&self, question: &Question, message: &Message<'_>) -> bool {
        let Some(quoted) = question.news.text.as_deref().filter(|text| !text.trim().is_empty()) else {
            return true;
        };
        let Ok(Some(order)) = self.orders.get(message.tenant, message.id.campaign()).await else {
            return true;
        };
        let place = message.id.place(self.store.partitions());
        let Ok(rows) = self.store.audience(message.id.campaign(), &[place], 1).await else {
            return true;
        };
        let row = rows.into_iter().flatten().next().unwrap_or_default();
        let Ok(row) = crate::domain::Row::unpack(&row) else {
            return true;
        };
        order.text(row.variables).is_none_or(|text| begins_alike(&text, quoted))
    }
}

/// Whether two texts begin with the same letters and digits, as far as both go: SMSCs cut and transliterate.
fn begins_alike(text: &str, quoted: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        let ascii = text.bytes().filter(u8::is_ascii_alphanumeric);
        ascii.map(|octet| octet.to_ascii_lowercase()).take(12).collect()
    };
    let (text, quoted) = (letters(text), letters(quoted));
    let both = text.len().min(quoted.len());
    text[..both] == quoted[..both]
}

/// The record after a move.
fn replaced(record: &[u8], transition: &Transition) -> Vec<u8> {
    let at = record
        .windows(transition.expected.len())
        .position(|octets| octets == transition.expected);
    let Some(at) = at else { return record.to_vec() };
    let length = Message::unpack(transition.recipient, &record[at..]).map_or(0, |(_, length)| length);
    [&record[..at], &transition.replacement, &record[at + length..]].concat()
}

fn add(pending: &mut Vec<Pending>, transition: Transition, question: Question, taken_at: u64) {
    let id = MessageId(u64::from_be_bytes(
        transition.expected[7..].try_into().unwrap_or_default(),
    ));
    match pending.iter_mut().find(|known| known.id == id) {
        Some(known) => {
            known.transition = known.transition.clone().then(transition);
            known.questions.push(question);
        }
        None => pending.push(Pending {
            id,
            transition,
            questions: vec![question],
            taken_at,
        }),
    }
}

fn case(pending: Pending) -> Case {
    let digests = pending.questions.iter().map(|question| {
        let id = question.news.ids().next().unwrap_or_default();
        digest(question.smsc, id)
    });
    let note = Note::Settled(digests.collect());
    Case::new(
        Ask::Move(pending.transition, note),
        Of::Matched(Matched {
            questions: pending.questions,
            taken_at: pending.taken_at,
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_by_its_beginning() {
        assert!(begins_alike("Rendez-vous à 9 h", "RENDEZ VOUS"));
        assert!(begins_alike("Bonjour Zoé, le cabinet", "Bonjour Zo"));
        assert!(!begins_alike("Bonjour Zoé", "Votre code est"));
    }
}
