//! Looks through the records for what nobody will move: leases of the dead, receipts that never came.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Doorbell;
use super::leases::{DEAD_AFTER_US, Leases};
use crate::clock::Clock;
use crate::config::InDoubt;
use crate::domain::{
    Enroute, Message, Partition, Reason, Recipient, ResultSlot, SmscId, State, Status, split_messages,
};
use crate::receipt::Parked;
use crate::store::{Letter, Move, MoveKind, Store, StoreError};

/// Records in one step, and the pause between steps of the slow round: a million records take a quarter of an hour.
const STEP: usize = 500;
const PAUSE: Duration = Duration::from_millis(500);

/// How often the dead are looked for.
const ROUND: Duration = Duration::from_secs(1);

/// What is swept, and how it is decided.
pub struct Sweeper {
    /// Where.
    pub store: Store,
    /// Who is alive.
    pub leases: Arc<Leases>,
    /// The time.
    pub clock: Clock,
    /// What becomes of messages that may have been sent.
    pub in_doubt: InDoubt,
    /// How long receipts are waited for.
    pub receipt_timeout: Duration,
    /// No other process uses this database: whoever was there before is dead.
    pub alone: bool,
    /// Receipts that waited for messages that are moved here.
    pub unparked: mpsc::Sender<Vec<(Recipient, Vec<u8>)>>,
    /// Who wants to know what is due again.
    pub doorbells: Vec<(SmscId, Doorbell)>,
}

/// Why messages are looked for.
#[derive(Clone, Copy)]
enum Search {
    /// Leased by a process that is gone: may have been sent.
    Dead(u32),
    /// Leased by us in a reply that never came: surely not sent.
    Unreachable(u32),
    /// Older than receipts take.
    Expired,
}

impl Sweeper {
    /// Sweeps until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let slow = self.expire_for_ever();
        let quick = self.recover_for_ever();
        tokio::select! {
            () = stop.cancelled() => {}
            () = slow => {}
            () = quick => {}
        }
    }

    async fn recover_for_ever(&self) {
        loop {
            if let Err(error) = self.recover().await {
                tracing::debug!(%error, "cannot look for leases of the dead; it is tried again");
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    /// One look at all epochs.
    async fn recover(&self) -> Result<(), StoreError> {
        let (own, now) = (self.leases.own(), self.clock.unix_us());
        for epoch in self
            .store
            .epochs()
            .await?
            .into_iter()
            .filter(|epoch| !own.contains(&epoch.number))
        {
            if self.alone || now.saturating_sub(epoch.seen_at) > DEAD_AFTER_US {
                let found = self.everywhere(Search::Dead(epoch.number)).await?;
                self.store.forget_epoch(epoch.number).await?;
                tracing::warn!(
                    epoch = epoch.number,
                    messages = found,
                    "an engine process ended without a word; its leases are settled"
                );
            }
        }
        for epoch in self.leases.unreachable() {
            let found = self.everywhere(Search::Unreachable(epoch)).await?;
            self.leases.forget(epoch);
            self.store.forget_epoch(epoch).await?;
            tracing::info!(epoch, messages = found, "leases whose reply was lost are queued again");
        }
        Ok(())
    }

    async fn everywhere(&self, search: Search) -> Result<usize, StoreError> {
        let mut found = 0;
        for partition in self.store.all_partitions() {
            let mut cursor = 0;
            loop {
                let step = self.store.scan_records(partition, cursor, STEP).await?;
                found += self.settle(&step.records, search).await?;
                cursor = step.cursor;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(found)
    }

    async fn expire_for_ever(&self) {
        loop {
            for partition in self.store.all_partitions() {
                if let Err(error) = self.expire(partition).await {
                    tracing::debug!(%error, "cannot look for old messages; it is tried again");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn expire(&self, partition: Partition) -> Result<(), StoreError> {
        let mut cursor = 0;
        loop {
            let step = self.store.scan_records(partition, cursor, STEP).await?;
            self.settle(&step.records, Search::Expired).await?;
            cursor = step.cursor;
            if cursor == 0 {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.forget_parked(partition).await
    }

    /// Receipts that found no message within the time for receipts never will.
    async fn forget_parked(&self, partition: Partition) -> Result<(), StoreError> {
        let oldest = self
            .clock
            .unix_us()
            .saturating_sub(self.receipt_timeout.as_micros() as u64);
        let step = self.store.scan_parked(partition, 0, STEP).await?;
        let old: Vec<(Recipient, Vec<u8>)> = step
            .records
            .iter()
            .flat_map(|(recipient, packed)| {
                Parked::split(packed).map(|(parked, one)| (*recipient, parked, one.to_vec()))
            })
            .filter(|(_, parked, _)| parked.at < oldest)
            .map(|(recipient, _, one)| (recipient, one))
            .collect();
        if old.is_empty() {
            Ok(())
        } else {
            self.store.unpark(&old).await.map(drop)
        }
    }

    async fn settle(&self, records: &[(Recipient, Vec<u8>)], search: Search) -> Result<usize, StoreError> {
        let now = self.clock.unix_us();
        let messages = records.iter().flat_map(|(_, record)| split_messages(record));
        let moves: Vec<Move> = messages
            .filter_map(|message| self.decide(&message, search, now))
            .collect();
        if moves.is_empty() {
            return Ok(0);
        }
        let done = self.store.commit(now, &moves, &[]).await?;
        for item in moves.iter().filter(|item| item.due.is_some()) {
            let partition = item.recipient.partition(self.store.partitions());
            self.doorbells
                .iter()
                .for_each(|(_, doorbell)| doorbell.ring(partition, false));
        }
        if !done.parked.is_empty() && self.unparked.send(done.parked).await.is_err() {
            tracing::debug!("parked receipts stay parked: the engine ends");
        }
        Ok(done.moved.into_iter().filter(|moved| *moved).count())
    }

    fn decide(&self, message: &Message<'_>, search: Search, now: u64) -> Option<Move> {
        match search {
            Search::Dead(epoch) if message.state == State::Leased && message.epoch == epoch => {
                Some(match self.in_doubt {
                    InDoubt::Hold => doubt(message, now),
                    InDoubt::Resend => release(message, now),
                    InDoubt::Fail => finish(
                        message,
                        MoveKind::Answer,
                        (Status::TransmissionFailed, Reason::InDoubt),
                        now,
                    ),
                })
            }
            Search::Unreachable(epoch) if message.state == State::Leased && message.epoch == epoch => {
                Some(release(message, now))
            }
            Search::Expired => self.expired(message, now),
            Search::Dead(_) | Search::Unreachable(_) => None,
        }
    }

    /// Enroute for too long: it stays transmitted, without a receipt. In doubt for too long: failed.
    fn expired(&self, message: &Message<'_>, now: u64) -> Option<Move> {
        let oldest = now.saturating_sub(self.receipt_timeout.as_micros() as u64);
        match message.state {
            State::Enroute => {
                let old = Enroute::unpack(message.entry.body).is_some_and(|enroute| enroute.accepted_at < oldest);
                old.then(|| {
                    let mut end = finish(message, MoveKind::Expire, (Status::Transmitted, Reason::NoReceipt), now);
                    end.counts = None;
                    end
                })
            }
            State::InDoubt => (u64::from(message.epoch) * 1_000_000 < oldest).then(|| {
                finish(
                    message,
                    MoveKind::Expire,
                    (Status::TransmissionFailed, Reason::InDoubt),
                    now,
                )
            }),
            State::Leased | State::Deferred | State::Waiting => None,
            State::Queued | State::Final(_) | State::Canceled => None,
        }
    }
}

fn doubt(message: &Message<'_>, now: u64) -> Move {
    let replacement = message.doubted(now);
    Move {
        replacement,
        counts: Some(Letter::IN_DOUBT),
        ..Move::end(MoveKind::Doubt, message)
    }
}

fn release(message: &Message<'_>, now: u64) -> Move {
    let replacement = message.with_state(State::Deferred, message.attempts);
    Move {
        replacement,
        due: Some(now),
        ..Move::end(MoveKind::Release, message)
    }
}

fn finish(message: &Message<'_>, kind: MoveKind, (status, reason): (Status, Reason), now: u64) -> Move {
    let accepted = message.state == State::Enroute;
    let result = ResultSlot {
        status: Some(status),
        accepted,
        reason,
        code: 0,
        at: (now / 1_000_000) as u32,
    };
    let counts = Some(Letter::of(&result));
    Move {
        counts,
        result: Some(result),
        ..Move::end(kind, message)
    }
}
