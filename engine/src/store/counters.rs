//! What a campaign's messages came to: counted from the journal, in front of its results.

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, bytes};
use crate::domain::{CampaignId, ENDED, Ending, JournalEvent, Partition, Reason, Status};

/// Counters of a campaign in one partition.
const COUNTERS: usize = 22;

/// Octets of a counter.
const OCTETS: usize = 4;

/// Octets of all of them, before the results.
pub(super) const COUNTERS_LENGTH: usize = COUNTERS * OCTETS;

/// What is counted, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counter {
    /// Messages that SMSCs took.
    Accepted,
    Spent,
    /// Credits given back.
    Recredited,
    /// Messages in doubt.
    InDoubt,
    Doubtful,
    /// Messages canceled.
    Canceled,
    /// Messages left out by the lease.
    Skipped,
    /// Messages whose time was over before they were sent. They are among the ends as well.
    Expired,
    /// The first of the ends: each status, not billed and billed.
    Ends = 8,
}

/// What one event changes, as counter and by how much.
pub(crate) fn changes(event: &JournalEvent) -> impl Iterator<Item = (u8, i32)> {
    let mut list = [(0, 0); 6];
    let mut n = 0;
    let mut note = |counter: u8, by: i32| {
        list[n] = (counter, by);
        n += 1;
    };
    match event {
        JournalEvent::Moved {
            from,
            to,
            credits,
            before,
            result,
            ..
        } => {
            let billed = |ending| matches!(ending, Ending::Status { accepted: true, .. });
            let taken = *to == b'E' || *to == ENDED && result.is_some_and(|result| billed(result.ending));
            if taken && *from != b'E' {
                note(Counter::Accepted as u8, 1);
                note(Counter::Spent as u8, i32::from(*credits));
            }
            match (from, to) {
                (b'I', b'I') => {}
                (b'I', _) => {
                    note(Counter::InDoubt as u8, -1);
                    note(Counter::Doubtful as u8, -i32::from(*before));
                }
                (_, b'I') => {
                    note(Counter::InDoubt as u8, 1);
                    note(Counter::Doubtful as u8, i32::from(*credits));
                }
                _ => {}
            }
            if let Some(result) = result {
                note(place(result.ending), 1);
                if result.reason == Reason::Expired {
                    note(Counter::Expired as u8, 1);
                }
                let recredited = Ending::Status {
                    status: Status::Recredited,
                    accepted: true,
                };
                if result.ending == recredited {
                    note(Counter::Recredited as u8, i32::from(*credits));
                }
            }
        }
        JournalEvent::Range { result, count, .. } => {
            note(place(result.ending), *count as i32);
            if result.reason == Reason::Expired {
                note(Counter::Expired as u8, *count as i32);
            }
        }
    }
    list.into_iter().take(n)
}

/// The statuses that messages entered by such changes, and how many did. What was taken is transmitted from then on, and
/// does not enter that status again when no receipt comes.
pub(crate) fn entered(changes: &[(u8, i32)]) -> impl Iterator<Item = (Status, u64)> {
    let counted = |counter: u8| {
        changes
            .iter()
            .find(|(known, _)| *known == counter)
            .map_or(0, |(_, by)| *by)
    };
    let of_ends = move |status: Status| {
        let places = [false, true].map(|accepted| place(Ending::Status { status, accepted }));
        counted(places[0])
            + if status == Status::Transmitted {
                0
            } else {
                counted(places[1])
            }
    };
    let taken = counted(Counter::Accepted as u8);
    Status::ALL.iter().filter_map(move |status| {
        let count = of_ends(*status) + if *status == Status::Transmitted { taken } else { 0 };
        u64::try_from(count)
            .ok()
            .filter(|count| *count > 0)
            .map(|count| (*status, count))
    })
}

fn place(ending: Ending) -> u8 {
    match ending {
        Ending::Canceled => Counter::Canceled as u8,
        Ending::Skipped => Counter::Skipped as u8,
        Ending::Status { status, accepted } => Counter::Ends as u8 + 2 * status as u8 + u8::from(accepted),
    }
}

/// What a campaign's messages came to: sums over partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters([u64; COUNTERS]);

impl Counters {
    /// Reads packed counters; missing ones are 0.
    pub(crate) fn unpack(packed: &[u8]) -> Self {
        let mut counters = Self::default();
        for (sum, octets) in counters.0.iter_mut().zip(packed.chunks_exact(OCTETS)) {
            *sum = octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet));
        }
        counters
    }

    /// As [`Counters::unpack`] reads them.
    pub(super) fn pack(&self) -> [u8; COUNTERS_LENGTH] {
        let mut packed = [0; COUNTERS_LENGTH];
        for (octets, sum) in packed.chunks_exact_mut(OCTETS).zip(self.0) {
            octets.copy_from_slice(&(sum as u32).to_be_bytes());
        }
        packed
    }

    /// Counters, each by its number, grow by so much.
    pub(super) fn grow(&mut self, by: &[(u8, i32)]) {
        for (counter, by) in by {
            if let Some(sum) = self.0.get_mut(usize::from(*counter)) {
                *sum = sum.saturating_add_signed(i64::from(*by));
            }
        }
    }

    /// Adds those of another partition.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }

    const fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }

    /// Messages that SMSCs took.
    pub(crate) const fn accepted(&self) -> u64 {
        self.get(Counter::Accepted)
    }

    pub(crate) const fn spent(&self) -> u64 {
        self.get(Counter::Spent)
    }

    /// Credits given back.
    pub(crate) const fn recredited(&self) -> u64 {
        self.get(Counter::Recredited)
    }

    /// Messages in doubt.
    pub(crate) const fn in_doubt(&self) -> u64 {
        self.get(Counter::InDoubt)
    }

    /// Credits of messages in doubt.
    pub(crate) const fn doubtful_credits(&self) -> u64 {
        self.get(Counter::Doubtful)
    }

    /// Messages canceled.
    pub(crate) const fn canceled(&self) -> u64 {
        self.get(Counter::Canceled)
    }

    /// Messages left out by the lease.
    pub(crate) const fn skipped(&self) -> u64 {
        self.get(Counter::Skipped)
    }

    /// Messages that SMSCs took and that have not ended.
    pub(crate) fn enroute(&self) -> u64 {
        self.accepted().saturating_sub(self.ends(1).sum())
    }

    /// Messages whose time was over before they were sent.
    pub(crate) const fn expired(&self) -> u64 {
        self.get(Counter::Expired)
    }

    fn ends(&self, accepted: usize) -> impl Iterator<Item = u64> {
        let ends = &self.0[Counter::Ends as usize..];
        ends.chunks_exact(2).map(move |pair| pair[accepted])
    }

    /// Messages in each status, in the order of [`Status`]: what was taken and has not ended is transmitted.
    pub(crate) fn statuses(&self) -> Vec<(Status, u64)> {
        let open = self.enroute();
        let mut statuses: Vec<(Status, u64)> = Status::ALL.iter().map(|status| (*status, 0)).collect();
        for ((status, count), (refused, billed)) in statuses.iter_mut().zip(self.ends(0).zip(self.ends(1))) {
            *count = refused + billed + if *status == Status::Transmitted { open } else { 0 };
        }
        statuses
    }

    /// Messages of which nothing more is to be sent: taken, refused, canceled or left out.
    pub(crate) fn sent(&self) -> u64 {
        self.accepted() + self.ends(0).sum::<u64>() + self.canceled() + self.skipped()
    }

    /// Messages at their end.
    pub(crate) fn ended(&self) -> u64 {
        self.ends(0).sum::<u64>() + self.ends(1).sum::<u64>() + self.canceled() + self.skipped()
    }
}

impl Store {
    /// The key of a campaign's counters and results in a partition.
    pub(super) fn results_key(&self, partition: Partition, campaign: CampaignId) -> String {
        format!("{}res:{}", self.base(partition), campaign.0)
    }

    /// What a campaign's messages came to, in each partition.
    pub(crate) async fn counters(&self, campaign: CampaignId) -> Result<Counters, StoreError> {
        let all = self.counters_of(&[campaign]).await?;
        Ok(all.into_iter().next().unwrap_or_default())
    }

    /// Those of campaigns in one partition, in the order asked for.
    pub(crate) async fn counters_in(
        &self,
        partition: Partition,
        campaigns: &[CampaignId],
    ) -> Result<Vec<Counters>, StoreError> {
        let get = |campaign: &CampaignId| self.get_counters(*campaign, partition);
        let replies = self.run(&self.bulk, campaigns.iter().map(get).collect()).await?;
        let read = |reply| bytes(reply).map(|packed| Counters::unpack(&packed));
        replies.into_iter().map(read).collect()
    }

    fn get_counters(&self, campaign: CampaignId, partition: Partition) -> redis::Cmd {
        let mut get = redis::cmd("GETRANGE");
        get.arg(self.results_key(partition, campaign))
            .arg(0)
            .arg(COUNTERS_LENGTH - 1);
        get
    }

    /// Those of several campaigns, in the order asked for.
    pub(crate) async fn counters_of(&self, campaigns: &[CampaignId]) -> Result<Vec<Counters>, StoreError> {
        let get = |(campaign, partition)| self.get_counters(campaign, partition);
        let everywhere = |campaign: &CampaignId| {
            let campaign = *campaign;
            self.all_partitions().map(move |partition| (campaign, partition))
        };
        let calls = campaigns.iter().flat_map(everywhere).map(get).collect();
        let mut replies = self.run(&self.bulk, calls).await?.into_iter();
        let mut sum = || {
            let mut sum = Counters::default();
            for reply in replies.by_ref().take(usize::from(self.partitions())) {
                sum.add(&Counters::unpack(&bytes(reply)?));
            }
            Ok(sum)
        };
        campaigns.iter().map(|_| sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;
    use crate::domain::{Event, GivesBack, Mark, Message, Trace, Traces, Transition, UnixMicros, events};

    fn count(transitions: &[&Transition]) -> Counters {
        let mut sums = [0i64; COUNTERS];
        for transition in transitions {
            let packed = transition.journal.clone().unwrap_or_default();
            for event in events(&packed, 0) {
                changes(&event.unwrap()).for_each(|(counter, by)| sums[usize::from(counter)] += i64::from(by));
            }
        }
        Counters(sums.map(|sum| sum as u64))
    }

    fn traces(mark: Mark) -> Traces {
        Traces {
            at: UnixMicros(1),
            segments: vec![Trace::new(mark), Trace::new(mark)],
        }
    }

    #[test]
    fn a_message_is_in_one_place_whatever_happens_to_it() {
        let doubted = leased(1, 2)
            .apply(Event::Doubted(traces(Mark::Lost)), UnixMicros(1))
            .unwrap();
        assert_eq!((count(&[&doubted]).in_doubt(), count(&[&doubted]).sent()), (1, 0));
        let (doubtful, _) = Message::unpack(leased(1, 2).recipient, &doubted.replacement).unwrap();
        let accepted = doubtful
            .apply(Event::Accepted(traces(Mark::Taken)), UnixMicros(1))
            .unwrap();
        let both = count(&[&doubted, &accepted]);
        assert_eq!(
            (both.in_doubt(), both.accepted(), both.spent(), both.sent()),
            (0, 1, 2, 1)
        );
        let transmitted = |counters: &Counters| counters.statuses()[5].1;
        assert_eq!((transmitted(&both), both.ended()), (1, 0));
        let expired = doubtful.apply(Event::Expired, UnixMicros(1)).unwrap();
        let failed = count(&[&doubted, &expired]);
        assert_eq!(
            (
                failed.in_doubt(),
                failed.accepted(),
                failed.ended(),
                failed.statuses()[1].1
            ),
            (0, 0, 1, 1)
        );
    }

    #[test]
    fn what_was_taken_enters_transmitted_once_and_its_end_later() {
        let accepted = leased(1, 2)
            .apply(Event::Accepted(traces(Mark::Taken)), UnixMicros(1))
            .unwrap();
        let packed = accepted.journal.clone().unwrap_or_default();
        let taken: Vec<_> = events(&packed, 0)
            .flat_map(|event| changes(&event.unwrap()).collect::<Vec<_>>())
            .collect();
        assert_eq!(entered(&taken).collect::<Vec<_>>(), [(Status::Transmitted, 1)]);
        let end = |status| (place(Ending::Status { status, accepted: true }), 3);
        let ends = [end(Status::Delivered), end(Status::Transmitted)];
        assert_eq!(entered(&ends).collect::<Vec<_>>(), [(Status::Delivered, 3)]);
    }

    #[test]
    fn a_credit_that_is_given_back_was_spent_before() {
        let accepted = leased(1, 2)
            .apply(Event::Accepted(traces(Mark::Taken)), UnixMicros(1))
            .unwrap();
        let (enroute, _) = Message::unpack(leased(1, 2).recipient, &accepted.replacement).unwrap();
        let receipt = |segment| Event::Receipt {
            segment,
            status: Status::Recredited,
            code: 0,
            gives_back: GivesBack::NONE,
        };
        let first = enroute.apply(receipt(0), UnixMicros(1)).unwrap();
        let (half, _) = Message::unpack(leased(1, 2).recipient, &first.replacement).unwrap();
        let last = half.apply(receipt(1), UnixMicros(1)).unwrap();
        let all = count(&[&accepted, &first, &last]);
        assert_eq!(
            (all.spent(), all.recredited(), all.ended(), all.statuses()[5].1),
            (2, 2, 1, 0)
        );
    }

    #[test]
    fn rows_that_end_together_are_counted_together() {
        let mut range = b"r\x03n".to_vec();
        range.extend_from_slice(&1u64.to_be_bytes());
        range.extend_from_slice(&[0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 0]);
        let event = events(&range, 1).next().unwrap().unwrap();
        let JournalEvent::Range { result, .. } = event else {
            panic!()
        };
        assert_eq!(result.reason, Reason::NoRoute);
        assert_eq!(changes(&event).map(|(_, by)| by).collect::<Vec<_>>(), [256]);
    }
}
