//! Ringing for other engines: what one has queued, any of them may send; what one was told, the one with the duty follows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Engines;
use crate::domain::Partition;
use crate::store::{Listener, Servers};

/// What is rung for within so long is rung for together.
const TOGETHER: Duration = Duration::from_millis(2);

/// The pause before the bell is listened for again.
const AGAIN: Duration = Duration::from_millis(500);

/// What other engines should look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    /// Partitions where something is queued, a bit each.
    pub(crate) waiting: u64,
    /// Those where something urgent is.
    pub(crate) urgent: u64,
    /// Something is not as it was that is followed: somebody has written, or is to be told something else.
    pub(crate) changed: bool,
}

impl Call {
    /// As when it is not known what was missed.
    pub(crate) const ALL: Self = Self {
        waiting: u64::MAX,
        urgent: u64::MAX,
        changed: true,
    };

    /// Of a database with so many partitions.
    fn within(self, partitions: u16) -> Self {
        let all = u64::MAX
            .checked_shr(u64::BITS - u32::from(partitions))
            .unwrap_or(u64::MAX);
        Self {
            waiting: self.waiting & all,
            urgent: self.urgent & all,
            ..self
        }
    }

    fn is_nothing(self) -> bool {
        self == Self::default()
    }

    fn told_by(self, number: u32) -> String {
        format!(
            "{number} {:x} {:x} {}",
            self.waiting,
            self.urgent,
            u8::from(self.changed)
        )
    }

    /// Who rang, and for what.
    fn read(text: &str) -> Option<(u32, Self)> {
        let mut words = text.split(' ');
        let number = words.next()?.parse().ok()?;
        let mut mask = || u64::from_str_radix(words.next()?, 16).ok();
        let (waiting, urgent) = (mask()?, mask()?);
        let changed = words.next()? == "1";
        Some((
            number,
            Self {
                waiting,
                urgent,
                changed,
            },
        ))
    }
}

/// What is to be rung for.
#[derive(Default)]
pub(super) struct Bell {
    pending: Mutex<Call>,
    rung: Notify,
    /// Somebody else is there.
    is_heard: AtomicBool,
}

impl Bell {
    pub(super) fn set_heard(&self, is_heard: bool) {
        self.is_heard.store(is_heard, Ordering::Relaxed);
    }

    fn note(&self, note: impl FnOnce(&mut Call)) {
        if self.is_heard.load(Ordering::Relaxed) {
            note(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
            self.rung.notify_one();
        }
    }
}

impl Engines {
    /// Something was queued in a partition.
    pub(crate) fn queued(&self, partition: Partition, urgent: bool) {
        self.0.bell.note(|call| {
            call.waiting |= 1 << partition.0;
            call.urgent |= u64::from(urgent) << partition.0;
        });
    }

    /// Something that the engine with the duty follows may be otherwise.
    pub(crate) fn changed(&self) {
        if !self.has_duty() {
            self.0.bell.note(|call| call.changed = true);
        }
    }

    /// Rings for others, and tells `heard` what they ring for, until `stop`.
    pub(crate) async fn listen(self, servers: Servers, heard: impl Fn(Call), stop: CancellationToken) {
        if self.0.seats.are_all_ours() {
            return;
        }
        let both = async { tokio::join!(self.ring(), self.hear(&servers, heard)) };
        let _stopped = stop.run_until_cancelled(both).await;
    }

    async fn ring(&self) {
        loop {
            self.0.bell.rung.notified().await;
            tokio::time::sleep(TOGETHER).await;
            let call = std::mem::take(&mut *self.0.bell.pending.lock().unwrap_or_else(PoisonError::into_inner));
            if call.is_nothing() {
                continue;
            }
            if let Err(error) = self.0.store.ring(&call.told_by(self.0.number)).await {
                tracing::debug!(%error, "others look by themselves for what is queued: they could not be told");
            }
        }
    }

    async fn hear(&self, servers: &Servers, heard: impl Fn(Call)) {
        let partitions = self.0.store.partitions();
        let heard = |call: Call| heard(call.within(partitions));
        loop {
            match Listener::connect(servers).await {
                Ok(mut listener) => {
                    heard(Call::ALL);
                    while let Some(text) = listener.next().await {
                        let call = Call::read(&text).filter(|(number, _)| *number != self.0.number);
                        call.into_iter().for_each(|(_, call)| heard(call));
                    }
                }
                Err(error) => tracing::debug!(%error, "other engines cannot be heard; it is tried again"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_sixteen_partitions_there_are_sixteen() {
        assert_eq!(Call::ALL.within(16).waiting, 0xFFFF);
        assert_eq!(Call::ALL.within(64).urgent, u64::MAX);
        assert_eq!(Call::ALL.within(1).waiting, 1);
    }

    #[test]
    fn what_is_rung_for_is_read_as_it_was_told() {
        let call = Call {
            waiting: 1 << 63 | 5,
            urgent: 4,
            changed: true,
        };
        assert_eq!(Call::read(&call.told_by(17)), Some((17, call)));
        for odd in ["", "17", "17 5", "x 1 1 1", "17 g 1 1"] {
            assert_eq!(Call::read(odd), None, "{odd}");
        }
    }
}
