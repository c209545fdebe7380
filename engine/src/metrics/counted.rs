//! What is counted in more than one step.

use std::time::Duration;

use super::{Metrics, tenants};
use crate::domain::TenantId;

impl Metrics {
    /// The label under which a tenant is shown: its number, or `_other` when enough have labels of their own.
    pub(crate) fn tenant(&self, id: TenantId) -> String {
        self.tenants.label(id).unwrap_or_else(|| {
            self.metrics_label_overflow_total.inc();
            tenants::OTHER.to_owned()
        })
    }

    /// Counts one round trip to Redis.
    pub(crate) fn redis_op(&self, op: &str, took: Duration, items: usize) {
        self.redis_op_duration_seconds
            .with_label_values(&[op])
            .observe(took.as_secs_f64());
        self.redis_script_items_total
            .with_label_values(&[op])
            .inc_by(items as u64);
    }
}
