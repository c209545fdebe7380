//! What a receipt makes of its recipient's record.

use super::Settler;
use super::case::Question;
use super::sheet::{Made, Sheet};
use super::traced::Settled;
use crate::domain::{Event, Mark, Message, Note, Record, State, UnixMicros, digest};
use crate::receipt::{Found, Unmatched, find, is_plausible};

/// What came of a receipt at one place.
pub(super) enum Matched {
    /// It moves its message.
    Moves(Made),
    /// It repeats what an earlier receipt said.
    Duplicate(Question),
    /// Its message may still be answered.
    Early(Question),
    /// It matches nothing there, for that reason.
    Unmatched(Question, Unmatched),
    /// The record may have changed since it was last seen: it is read.
    Read(Question),
}

impl Settler {
    /// Matches a receipt against a record, and makes its move there.
    pub(super) async fn match_here(&self, mut question: Question, sheet: &mut Sheet) -> Matched {
        question.known = None;
        let recipient = question.at;
        let record = match Record::unpack(recipient, sheet.swap.draft.octets()) {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(%error, recipient = recipient.masked(), "a record cannot be read");
                return Matched::Unmatched(question, Unmatched::UnknownId);
            }
        };
        let found = find(&record, question.smsc, &question.news);
        if !sheet.fresh && !matches!(found, Found::Segment(..)) {
            return Matched::Read(question);
        }
        let (message, segment, event) = match found {
            Found::Segment(at, segment) => {
                let message = record.messages[at];
                (message, segment, self.receipt(&question, &message, segment))
            }
            Found::Doubtful(at, segment) => {
                let message = record.messages[at];
                if !self.is_about(&question, &message).await {
                    return Matched::Unmatched(question, Unmatched::Implausible);
                }
                (message, segment, self.found(&question, &message, segment))
            }
            Found::Duplicate => return Matched::Duplicate(question),
            Found::Early => return Matched::Early(question),
            Found::Ambiguous => return Matched::Unmatched(question, Unmatched::Ambiguous),
            Found::Nothing => return Matched::Unmatched(question, Unmatched::UnknownId),
        };
        let now = self.clock.unix();
        let settled = Settled {
            id: message.id,
            part: u8::try_from(segment).unwrap_or(u8::MAX),
            taken_at: message.traces().map_or(UnixMicros::default(), |traces| traces.at),
        };
        let whole = matches!(event, Event::Whole { .. });
        let transition = match message.apply(event, now) {
            Ok(transition) => transition,
            Err(error) => {
                tracing::error!(%error, "a receipt moves nothing");
                return Matched::Unmatched(question, Unmatched::Contended);
            }
        };
        let note = settled_note(&question, &message, whole);
        match sheet.swap.draft.make(&transition, &note, now) {
            Ok(true) => {
                sheet.moved = true;
                Matched::Moves(Made::Receipt(question, transition.step, settled))
            }
            Ok(false) | Err(_) => Matched::Unmatched(question, Unmatched::Contended),
        }
    }

    fn receipt(&self, question: &Question, message: &Message<'_>, segment: usize) -> Event {
        let verdict = self.verdict(question);
        if self.speaks_for_all(question, message) {
            return Event::Whole {
                status: verdict.status,
                code: verdict.code,
                gives_back: self.store.gives_back(message.tenant),
            };
        }
        Event::Receipt {
            segment,
            status: verdict.status,
            code: verdict.code,
            gives_back: self.store.gives_back(message.tenant),
        }
    }

    fn found(&self, question: &Question, message: &Message<'_>, segment: usize) -> Event {
        let verdict = self.verdict(question);
        if self.speaks_for_all(question, message) {
            return Event::Whole {
                status: verdict.status,
                code: verdict.code,
                gives_back: self.store.gives_back(message.tenant),
            };
        }
        Event::Found {
            segment,
            smsc_id: question.news.ids().next().unwrap_or_default().to_vec(),
            status: verdict.status,
            code: verdict.code,
            gives_back: self.store.gives_back(message.tenant),
        }
    }

    /// Whether a receipt is the only one of its message: by what its SMSC is known to do, or since it counts all segments.
    fn speaks_for_all(&self, question: &Question, message: &Message<'_>) -> bool {
        let segments = message.traces_or(Mark::Lost, message.segments).segments.len();
        let counted = usize::from(question.news.segments) == segments;
        let known = || {
            let side = self.side(question.smsc);
            side.is_some_and(|side| side.settings().config.reports_once())
        };
        segments > 1 && (counted || known())
    }

    /// Whether a receipt may be about a message in doubt: what it says of date and text does not speak against it.
    async fn is_about(&self, question: &Question, message: &Message<'_>) -> bool {
        debug_assert_eq!(message.state, State::InDoubt);
        if question.insisted {
            return true;
        }
        let since = message.traces().map_or(UnixMicros::default(), |traces| traces.at);
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
        let Ok(variables) = order.open(row.variables) else {
            return true;
        };
        order
            .text_of(message.id, &variables)
            .is_none_or(|text| begins_alike(&text, quoted))
    }
}

/// What is remembered of a receipt: its id, and with one that speaks for the whole message those of all its segments, since an SMSC
/// may send others after it.
fn settled_note(question: &Question, message: &Message<'_>, whole: bool) -> Note {
    let own = digest(question.smsc, question.news.ids().next().unwrap_or_default());
    if !whole {
        return Note::Settled(own);
    }
    let segments = message.traces().map(|traces| traces.segments).unwrap_or_default();
    let ids = segments.iter().filter(|trace| !trace.smsc_id.is_empty());
    let others = ids.map(|trace| digest(question.smsc, &trace.smsc_id));
    Note::AllSettled(others.filter(|other| *other != own).chain([own]).collect())
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
