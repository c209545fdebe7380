//! The dashboards, from the whole to the parts.

mod overview;
mod smscs;
mod receipts;
mod tenants;
mod internals;
mod simulator;

use crate::board::Board;

/// Messages that wait, by reason.
pub(crate) const WAITING: &str = "campanile_waiting_messages";

/// For how long the oldest message that is due has waited, by lane.
pub(crate) const OLDEST: &str = "campanile_queue_oldest_age_seconds";

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
