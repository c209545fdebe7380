//! Where a receipt's message is looked for, place after place: at its addresses, among the recent ids, in the index. One that is
//! found nowhere is parked, and asked once more when an answer names its id.

use bytes::Bytes;
use smpp::receipt::index_form;

use super::Settler;
use super::case::{Answered, Case, Place, Question};
use super::group::{Indexed, questions};
use super::tray::Tray;
use crate::bind::Reply;
use crate::dispatch::Outlet;
use crate::domain::Recipient;
use crate::receipt::{Unmatched, forms};

/// A receipt's next step.
enum Next {
    /// The store is asked there.
    Ask(Question),
    /// The index is.
    Index(Question),
    /// It matches nothing.
    Park(Question),
}

impl Settler {
    /// Receipts as cases, each at the first place that it names.
    pub(super) async fn ask(&self, receipts: Vec<Question>, cases: &mut Vec<Case>, tray: &mut Tray) {
        cases.reserve(receipts.len());
        for mut question in receipts {
            if !tray.begin(&question) {
                continue;
            }
            if question.has_place() {
                let id = question.news.ids().next().unwrap_or_default();
                let known = self.whereabouts.take_record(question.smsc, id, question.at);
                question.known = known.map(Bytes::from);
                cases.push(Case::Receipt(question));
                continue;
            }
            let mut found = Vec::new();
            self.elsewhere(question, Unmatched::NoAddress, &mut found, tray).await;
            cases.extend(found.into_iter().map(Case::Receipt));
        }
    }

    /// Looks for a receipt's message at the next place; after the last, it is parked.
    pub(super) async fn elsewhere(
        &self,
        question: Question,
        reason: Unmatched,
        again: &mut Vec<Question>,
        tray: &mut Tray,
    ) {
        let mut next = self.after(question, reason);
        if let Next::Index(question) = next {
            next = match self.look_up(question).await {
                Ok(next) => next,
                Err(question) => return tray.left.receipts.push(question),
            };
        }
        match next {
            Next::Ask(question) => again.push(question),
            Next::Index(question) | Next::Park(question) => {
                for id in question.news.ids() {
                    self.whereabouts.expect(question.smsc, id, question.parking());
                }
                tray.unmatched(question);
            }
        }
    }

    /// Parks what matches nothing. An answer that came meanwhile did not find it: what it has named by now is asked again.
    pub(super) async fn park_unmatched(&self, cases: &mut Vec<Case>, tray: &mut Tray) {
        let park = std::mem::take(&mut tray.park);
        for mut question in self.park(park, tray).await {
            if let Some(recipient) = self.recent(&question).filter(|known| *known != question.at) {
                (question.at, question.place) = (recipient, Place::Whereabouts);
                if tray.begin(&question) {
                    cases.push(Case::Receipt(question));
                }
            }
        }
    }

    /// Receipts that were parked under these keys before an answer named their ids.
    pub(super) async fn expected(&self, keys: Vec<Recipient>, cases: &mut Vec<Case>, tray: &mut Tray) {
        for key in keys {
            let Some(packed) = self.if_there("parked", || self.store.parked_of(key)).await else {
                tray.left.named.push(key);
                continue;
            };
            let mut receipts = questions(&[(key, packed)], &self.text_key);
            // They are asked as they were when they came: nobody insists.
            receipts.iter_mut().for_each(|question| question.insisted = false);
            self.ask(receipts, cases, tray).await;
        }
    }

    /// The next place of a receipt that was not matched for that reason.
    fn after(&self, mut question: Question, reason: Unmatched) -> Next {
        if question.place == Place::Source || question.unmatched == Unmatched::UnknownId {
            question.unmatched = reason;
        }
        let tried = question.at;
        if question.place == Place::Source
            && let Some(other) = question.news.other.map(Recipient).filter(|other| *other != tried)
        {
            (question.at, question.place) = (other, Place::Destination);
            return Next::Ask(question);
        }
        if matches!(question.place, Place::Source | Place::Destination) {
            let known = self.recent(&question);
            question.place = Place::Whereabouts;
            if let Some(recipient) =
                known.filter(|known| ![question.news.recipient, question.news.other].contains(&Some(known.0)))
            {
                question.at = recipient;
                return Next::Ask(question);
            }
        }
        let has_index = self.side(question.smsc).is_some_and(is_indexed);
        if question.place == Place::Whereabouts && has_index {
            question.place = Place::Index;
            return Next::Index(question);
        }
        Next::Park(question)
    }

    /// Whose message it is, if its id is a recent one.
    fn recent(&self, question: &Question) -> Option<Recipient> {
        let mut ids = question.news.ids();
        ids.find_map(|id| self.whereabouts.of(question.smsc, id))
    }

    /// `Err`: the index is not there; it is asked again.
    async fn look_up(&self, mut question: Question) -> Result<Next, Question> {
        let forms: Vec<Vec<u8>> = question.news.ids().flat_map(forms).collect();
        for form in forms {
            let asked = self.if_there("index", || self.store.indexed(question.smsc, &form));
            let Some(found) = asked.await else {
                question.place = Place::Whereabouts;
                return Err(question);
            };
            if let Some(recipient) = found.filter(|found| *found != question.at) {
                question.at = recipient;
                return Ok(Next::Ask(question));
            }
        }
        Ok(Next::Park(question))
    }

    /// Keeps the ids of SMSCs whose receipts do not say whom they are about. Returns those that could not be kept.
    pub(super) async fn keep_index(&self, answers: &[Answered], mut ids: Vec<Indexed>) -> Vec<Indexed> {
        let kept_for = self.receipt_timeout.as_secs();
        let is_of_one = |answered: &&Answered| self.side(answered.smsc).is_some_and(is_indexed);
        let fresh = answers.iter().filter(is_of_one);
        ids.extend(fresh.flat_map(|answered| accepted(answered).map(|id| (answered.smsc, id))));
        ids.sort_by_key(|(smsc, _)| *smsc);
        let mut left = Vec::new();
        for of_one in ids.chunk_by(|one, other| one.0 == other.0) {
            let those: Vec<(Vec<u8>, Recipient)> = of_one.iter().map(|(_, id)| id.clone()).collect();
            let index = || self.store.index_ids(of_one[0].0, &those, kept_for);
            if self.if_there("index", index).await.is_none() {
                left.extend_from_slice(of_one);
            }
        }
        left
    }
}

/// Whether the ids of its answers are kept by themselves.
fn is_indexed(side: &Outlet) -> bool {
    side.settings().config.receipts_by_id
}

/// The ids that an SMSC gave a message's segments, in the form in which they are indexed.
fn accepted(answered: &Answered) -> impl Iterator<Item = (Vec<u8>, Recipient)> {
    answered.replies.iter().filter_map(|(_, reply)| {
        let Reply::Accepted(id) = reply else { return None };
        (!id.is_empty()).then(|| (index_form(id).into_owned(), answered.flight.recipient))
    })
}
