//! The dashboards, from the whole to the parts.

mod overview;
mod smscs;
mod receipts;
mod tenants;
mod internals;
mod simulator;

use campanile::METRICS;

use crate::board::Board;

/// Messages that wait, by reason.
pub(crate) const WAITING: &str = METRICS.waiting_messages.name;

/// For how long the oldest message that is due has waited, by lane.
pub(crate) const OLDEST: &str = METRICS.queue_oldest_age_seconds.name;

/// Every dashboard.
pub(crate) fn all() -> [Board; 6] {
    [
        overview::board(),
        smscs::board(),
        receipts::board(),
        tenants::board(),
        internals::board(),
        simulator::board(),
    ]
}
