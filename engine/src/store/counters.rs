//! What a campaign's messages came to, counted by the scripts that move them.
//!
//! In every partition one hash has, for each campaign, a field a letter: the campaign (5 octets, as a [`MessageId`] begins)
//! and the letter.

use redis::Cmd;

use super::{Store, StoreError, array, integer};
use crate::domain::{CampaignId, ResultSlot, Status};

/// What is counted of a campaign, by its letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter(pub u8);

impl Letter {
    /// Messages that were enqueued.
    pub const QUEUED: Self = Self(b'Q');
    /// Messages that SMSCs took. The script adds their credits to [`Letter::SPENT`].
    pub const ACCEPTED: Self = Self(b'A');
    /// Messages in doubt. The script takes them off when they are none any more.
    pub const IN_DOUBT: Self = Self(b'I');
    /// Credits of accepted messages.
    pub const SPENT: Self = Self(b'$');
    /// Credits given back.
    pub const RECREDITED: Self = Self(b'%');
    /// Messages that were canceled.
    pub const CANCELED: Self = Self(ResultSlot::CANCELED);

    /// Messages that ended so.
    pub const fn of(result: &ResultSlot) -> Self {
        Self(result.letter())
    }

    /// Every letter that a campaign may have.
    fn all() -> impl Iterator<Item = Self> {
        let ends = Status::ALL
            .into_iter()
            .flat_map(|status| [true, false].map(|accepted| Self(status.letter(accepted))));
        let others = [
            Self::QUEUED,
            Self::ACCEPTED,
            Self::IN_DOUBT,
            Self::SPENT,
            Self::RECREDITED,
            Self::CANCELED,
        ];
        others.into_iter().chain(ends)
    }
}

/// What a campaign's messages came to: sums over all partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Recipients enqueued.
    pub expanded: u64,
    /// Messages that SMSCs took.
    pub accepted: u64,
    /// Their credits.
    pub accepted_credits: u64,
    /// Credits given back.
    pub recredited_credits: u64,
    /// Messages in doubt.
    pub in_doubt: u64,
    /// Messages canceled.
    pub canceled: u64,
    finals: [u64; 7],
    finals_accepted: u64,
}

impl Counters {
    /// Messages in each status, in the order of [`Status::ALL`].
    pub fn statuses(&self) -> [(Status, u64); 7] {
        std::array::from_fn(|at| {
            let status = Status::ALL[at];
            let count = if status == Status::Transmitted {
                self.accepted.saturating_sub(self.finals_accepted)
            } else {
                self.finals[at]
            };
            (status, count)
        })
    }

    /// Messages that are still to be sent: queued, deferred, waiting or with an SMSC for an answer.
    pub fn queued(&self) -> u64 {
        let refused: u64 = self.finals.iter().sum::<u64>() - self.finals_accepted;
        self.expanded
            .saturating_sub(self.accepted + refused + self.in_doubt + self.canceled)
    }

    fn add(&mut self, letter: Letter, n: u64) {
        match letter {
            Letter::QUEUED => self.expanded += n,
            Letter::ACCEPTED => self.accepted += n,
            Letter::IN_DOUBT => self.in_doubt += n,
            Letter::SPENT => self.accepted_credits += n,
            Letter::RECREDITED => self.recredited_credits += n,
            Letter::CANCELED => self.canceled += n,
            Letter(letter) => self.add_final(letter, n),
        }
    }

    fn add_final(&mut self, letter: u8, n: u64) {
        let Some((status, accepted)) = Status::from_letter(letter) else {
            return;
        };
        let at = Status::ALL.iter().position(|known| *known == status).unwrap_or(0);
        self.finals[at] += n;
        self.finals_accepted += if accepted { n } else { 0 };
    }
}

impl Store {
    /// What a campaign's messages came to.
    pub async fn counters(&self, campaign: CampaignId) -> Result<Counters, StoreError> {
        let letters: Vec<Letter> = Letter::all().collect();
        let fields: Vec<Vec<u8>> = letters.iter().map(|letter| field(campaign, *letter)).collect();
        let calls: Vec<Cmd> = self
            .all_partitions()
            .map(|partition| {
                let mut get = redis::cmd("HMGET");
                get.arg(format!("{}counts", self.base(partition))).arg(&fields);
                get
            })
            .collect();
        let mut counters = Counters::default();
        for reply in self.run(&self.bulk, &calls).await? {
            for (letter, value) in letters.iter().zip(array(reply)?) {
                counters.add(*letter, integer(&value)?.max(0) as u64);
            }
        }
        Ok(counters)
    }
}

fn field(campaign: CampaignId, letter: Letter) -> Vec<u8> {
    let mut field = campaign.0.to_be_bytes()[3..].to_vec();
    field.push(letter.0);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_in_one_place() {
        let mut counters = Counters::default();
        let letters = [
            (b'Q', 100),
            (b'A', 80),
            (b'$', 90),
            (b'I', 2),
            (b'D', 60),
            (b'R', 1),
            (b'%', 2),
            (b'u', 5),
            (b'c', 3),
        ];
        for (letter, n) in letters {
            counters.add(Letter(letter), n);
        }
        let statuses: u64 = counters.statuses().iter().map(|(_, count)| count).sum();
        assert_eq!(
            statuses + counters.queued() + counters.in_doubt + counters.canceled,
            100
        );
        assert_eq!(
            (
                counters.queued(),
                counters.accepted_credits,
                counters.recredited_credits
            ),
            (10, 90, 2)
        );
        assert_eq!(counters.statuses()[5], (Status::Transmitted, 19));
    }

    #[test]
    fn a_field_begins_as_the_message_ids_of_its_campaign_do() {
        use crate::domain::{MessageId, Partition};
        let id = MessageId::new(CampaignId(77), Partition(3), 16, 9);
        assert_eq!(field(CampaignId(77), Letter::QUEUED)[..5], id.0.to_be_bytes()[..5]);
    }
}
