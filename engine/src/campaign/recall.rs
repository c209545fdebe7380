//! Messages that end by themselves while they wait: they are called back, or their time is over while no SMSC is there that takes them.

use super::{CampaignFault, Campaigns};
use crate::domain::{Event, MessageId, Note, Partition, Recipient, Record, State, TenantId};
use crate::store::{Recall, RecipientRow, StoreError, Whereabouts};

/// What came of calling a message back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recalled {
    /// It is not sent; asked again, this is said again.
    Canceled,
    /// It is being handed over now. It may come back, and can be called back then.
    UnderWay,
    /// It is with an SMSC, or has ended some other way: the word of its state.
    TooLate(&'static str),
}

/// What came of ending messages.
#[derive(Debug, Default)]
struct Ended {
    /// How many have.
    count: usize,
    /// Those that are with a dispatcher or in a window, and may come back.
    under_way: Vec<MessageId>,
}

impl Campaigns {
    /// Keeps a message that waits from being sent, and gives back what is held for it. What an SMSC has is not called back.
    ///
    /// # Errors
    /// [`CampaignFault::WrongState`] of a campaign that was not launched, or as [`Campaigns::message`].
    pub(crate) async fn call_back(&self, tenant: TenantId, id: MessageId) -> Result<Recalled, CampaignFault> {
        let state = self.find(tenant, id.campaign()).await?.state;
        if state.is_before_launch() {
            return Err(CampaignFault::WrongState(state));
        }
        let row = self.message(tenant, id).await?;
        if let Some(known) = already(&row) {
            return Ok(known);
        }
        let (partition, _) = id.place(self.store().partitions());
        if self.recall((partition, Recall::Asked), &[id]).await?.count > 0 {
            return Ok(Recalled::Canceled);
        }
        let row = self.message(tenant, id).await?;
        Ok(already(&row).unwrap_or(Recalled::UnderWay))
    }

    /// Ends the messages by themselves that wait and whose time is over, as if they had been leased.
    pub(super) async fn end_outdated(&self) -> Result<(), StoreError> {
        loop {
            let lists = self.store().outdated(self.now()).await?;
            if lists.is_empty() {
                return Ok(());
            }
            for list in lists {
                let messages = self.store().outdated_in(list).await?;
                let ended = self.recall((list.0, Recall::Outdated), &messages).await?;
                // What comes back is worth nothing either.
                self.store()
                    .list_outdated((list.0, self.now().minute() + 1), &ended.under_way)
                    .await?;
                self.store().forget_outdated(list, messages.len()).await?;
            }
        }
    }

    /// Sends nothing more of the messages that wait, in the order of their ids.
    async fn recall(&self, of: (Partition, Recall), messages: &[MessageId]) -> Result<Ended, StoreError> {
        let places = self.store().recall_queued(of, messages).await?;
        let mut ended = Ended::default();
        let mut recorded = Vec::new();
        for (id, place) in messages.iter().zip(&places) {
            match place {
                Whereabouts::Queued => ended.count += 1,
                Whereabouts::Recorded(recipient) => recorded.push((*id, *recipient)),
                Whereabouts::Over => {}
            }
        }
        if recorded.is_empty() {
            return Ok(ended);
        }
        let recipients: Vec<Recipient> = recorded.iter().map(|(_, recipient)| *recipient).collect();
        let records = self.store().records(&recipients).await?;
        let event = match of.1 {
            Recall::Asked => Event::Recalled,
            Recall::Outdated => Event::Outdated,
        };
        let mut moves = Vec::new();
        for ((id, recipient), bytes) in recorded.iter().zip(&records) {
            let bad = |form| StoreError::bad_record(*recipient, form);
            let record = Record::unpack(*recipient, bytes).map_err(bad)?;
            let Some(message) = record.messages.iter().find(|message| message.id == *id) else {
                continue;
            };
            if message.state == State::Leased {
                ended.under_way.push(*id);
            } else if let Ok(transition) = message.apply(event.clone(), self.now()) {
                moves.push((transition, Note::None));
            }
        }
        let made = self.store().make(self.now(), &moves).await?;
        // One of which an SMSC has a part is followed on.
        let over = moves
            .iter()
            .zip(&made.done)
            .filter(|((transition, _), done)| **done && transition.result.is_some());
        ended.count += over.count();
        Ok(ended)
    }
}

/// How a message stands that cannot be called back, or was; `None`: it waits, or is under way.
fn already(row: &RecipientRow) -> Option<Recalled> {
    if let Some(result) = row.result {
        let word = result.ending.word();
        return Some(match result.ending.is_canceled() {
            true => Recalled::Canceled,
            false => Recalled::TooLate(word),
        });
    }
    match row.state? {
        State::Queued | State::Waiting | State::Deferred | State::Leased => None,
        State::Canceled => Some(Recalled::Canceled),
        state @ (State::InDoubt | State::Enroute | State::Final(_) | State::Skipped) => {
            Some(Recalled::TooLate(state.word()))
        }
    }
}
