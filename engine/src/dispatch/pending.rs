//! Messages whose final receipt has not come, counted in a walk through all records: pure.

use rustc_hash::FxHashMap;

use crate::domain::{Record, SmscId, State, UnixMicros};
use crate::metrics::Metrics;

/// What a walk found, by the SMSC that took the messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending(FxHashMap<SmscId, Count>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    messages: u64,
    /// Of these, those that should have had their receipt.
    overdue: u64,
    /// When the oldest was taken.
    oldest: UnixMicros,
}

impl Pending {
    /// Adds the messages of a record. Those taken before `overdue` should have had their receipt.
    pub(super) fn add(&mut self, record: &Record<'_>, overdue: UnixMicros) {
        let taken = record.messages.iter().filter(|message| message.state == State::Enroute);
        for message in taken {
            let Some(traces) = message.traces() else { continue };
            let count = self.0.entry(message.smsc).or_insert(Count {
                messages: 0,
                overdue: 0,
                oldest: traces.at,
            });
            count.messages += 1;
            count.overdue += u64::from(traces.at < overdue);
            count.oldest = count.oldest.min(traces.at);
        }
    }

    /// Shows it in place of what the walk before found.
    pub(super) fn show(&self, metrics: &Metrics, name: impl Fn(SmscId) -> Option<String>, now: UnixMicros) {
        metrics.whole(|| {
            metrics.receipts_pending.reset();
            metrics.receipts_overdue.reset();
            metrics.receipts_pending_oldest_age_seconds.reset();
            for (smsc, count) in &self.0 {
                // Several that are gone share a name.
                let name = name(*smsc).unwrap_or_else(|| "removed".to_owned());
                let labels = [name.as_str()];
                let oldest = metrics.receipts_pending_oldest_age_seconds.with_label_values(&labels);
                oldest.set(oldest.get().max(now.since(count.oldest).as_secs_f64()));
                metrics
                    .receipts_pending
                    .with_label_values(&labels)
                    .add(count.messages as i64);
                metrics
                    .receipts_overdue
                    .with_label_values(&labels)
                    .add(count.overdue as i64);
            }
        });
    }
}
