//! What the engine that has the duty shows for all: whoever has lost it shows it no more.

use super::Metrics;

impl Metrics {
    /// The duty is another engine's: what only the one that has it finds out would stand still here. When an auditor was last
    /// through stays as it is: it is a time, and the latest counts.
    pub(crate) fn are_without_duty(&self) {
        self.whole(|| {
            // As labels come and go, so do the series: a balance of 0 would be taken for one.
            for shown in [
                &self.campaigns,
                &self.credit_balance,
                &self.credit_held,
                &self.tenant_queue_messages,
                &self.tenant_info,
                &self.receipts_pending,
                &self.receipts_overdue,
            ] {
                shown.reset();
            }
            self.receipts_pending_oldest_age_seconds.reset();
            for shown in [
                &self.ledger_imbalance,
                &self.status_imbalance,
                &self.history_journal_bytes,
                &self.webhook_backlog,
                &self.webhook_endpoints_disabled,
                &self.receipts_parked,
                &self.redis_used_memory_bytes,
            ] {
                shown.set(0);
            }
            self.history_lag_seconds.set(0.0);
            self.webhook_lag_seconds.set(0.0);
        });
    }
}
