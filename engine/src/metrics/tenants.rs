//! Which tenants are shown by themselves: a label that anybody can make more values of needs a limit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::proto::Metric;
use rustc_hash::FxHashSet;
use serde::Serialize;

use super::Metrics;
use crate::domain::TenantId;

/// The label of all tenants that have none of their own.
pub(super) const OTHER: &str = "_other";

/// The tenants that have a label of their own: the first that were seen. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct TenantLabels {
    max: usize,
    known: Arc<Mutex<FxHashSet<TenantId>>>,
}

impl TenantLabels {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            known: Arc::default(),
        }
    }

    /// The tenant's own label; `None`: there are as many as there may be.
    pub(super) fn label(&self, id: TenantId) -> Option<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = known.contains(&id) || known.len() < self.max && known.insert(id);
        shown.then(|| id.0.to_string())
    }
}

/// What is shown of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct TenantShown {
    /// Its id; `_other`: those that have no label of their own.
    pub(crate) tenant: String,
    pub(crate) name: Option<String>,
    /// Messages that are to be sent.
    pub(crate) queued: u64,
    /// How long its oldest message waits; `null`: none does.
    pub(crate) oldest_seconds: Option<f64>,
    /// Credits that it may still use, and those set aside.
    pub(crate) available: i64,
    pub(crate) held: i64,
    /// Messages that reached each status since the start.
    pub(crate) statuses: BTreeMap<String, u64>,
}

impl Metrics {
    /// What this engine shows of tenants, which is everything at the one that has the duty: those whose messages wait longest first,
    /// then those with most messages. At most so many.
    pub(crate) fn tenants_shown(&self, most: usize) -> Vec<TenantShown> {
        let mut shown: BTreeMap<String, TenantShown> = BTreeMap::new();
        let mut take = |of: &dyn Collector, put: fn(&mut TenantShown, &Metric)| {
            for family in of.collect() {
                for metric in family.get_metric() {
                    let one = shown.entry(label(metric, "tenant")).or_default();
                    put(one, metric);
                }
            }
        };
        take(&self.tenant_info, |one, metric| one.name = Some(label(metric, "name")));
        take(&self.credit_balance, |one, metric| one.available = gauge(metric) as i64);
        take(&self.credit_held, |one, metric| one.held = gauge(metric) as i64);
        take(&self.tenant_queue_messages, |one, metric| {
            one.queued = gauge(metric) as u64
        });
        take(&self.tenant_queue_oldest_age_seconds, |one, metric| {
            one.oldest_seconds = Some(gauge(metric));
        });
        take(&self.tenant_messages_total, |one, metric| {
            let count = metric.get_counter().get_value() as u64;
            one.statuses.insert(label(metric, "status"), count);
        });
        // An engine that has lost the duty knows no names any more, and what it counted stands still.
        let is_known = shown.values().any(|one| one.name.is_some());
        let mut all: Vec<TenantShown> = shown
            .into_iter()
            .filter(|(label, one)| is_known && (one.name.is_some() || label == OTHER))
            .map(|(label, one)| TenantShown {
                tenant: label.parse().map_or(label, |number| TenantId(number).to_string()),
                ..one
            })
            .collect();
        all.sort_by(|one, other| {
            let rank = |of: &TenantShown| (of.oldest_seconds.unwrap_or(-1.0), of.statuses.values().sum::<u64>());
            let ((age, count), (other_age, other_count)) = (rank(one), rank(other));
            other_age.total_cmp(&age).then(other_count.cmp(&count))
        });
        all.truncate(most);
        all
    }
}

fn label(metric: &Metric, name: &str) -> String {
    let mut pairs = metric.get_label().iter();
    let pair = pairs.find(|pair| pair.name() == name);
    pair.map(|pair| pair.value().to_owned()).unwrap_or_default()
}

fn gauge(metric: &Metric) -> f64 {
    metric.get_gauge().get_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_shown_whose_messages_wait_first_and_then_the_busiest() {
        let metrics = Metrics::new(9).unwrap();
        for (label, delivered) in [("7", 5), ("8", 90), ("9", 50), ("_other", 1)] {
            metrics.credit_balance.with_label_values(&[label]).set(1_000);
            let counter = &metrics.tenant_messages_total;
            counter.with_label_values(&[label, "delivered"]).inc_by(delivered);
        }
        assert!(metrics.tenants_shown(9).is_empty(), "it has not the duty");
        for (label, name) in [("7", "Cabinet Martin"), ("8", "Clinique"), ("9", "Centre")] {
            metrics.tenant_info.with_label_values(&[label, name]).set(1);
        }
        metrics
            .tenant_queue_oldest_age_seconds
            .with_label_values(&["7"])
            .set(3.0);
        let shown = metrics.tenants_shown(3);
        let ids: Vec<&str> = shown.iter().map(|one| one.tenant.as_str()).collect();
        assert_eq!(ids, [7, 8, 9].map(|number| TenantId(number).to_string()));
        let first = &shown[0];
        assert_eq!(
            (first.name.as_deref(), first.oldest_seconds),
            (Some("Cabinet Martin"), Some(3.0))
        );
        assert_eq!((first.available, first.statuses["delivered"]), (1_000, 5));
        assert_eq!(metrics.tenants_shown(9)[3].tenant, "_other");
    }

    #[test]
    fn the_first_tenants_have_labels_of_their_own_and_keep_them() {
        let labels = TenantLabels::new(2);
        assert_eq!(labels.label(TenantId(7)).as_deref(), Some("7"));
        assert_eq!(labels.label(TenantId(9)).as_deref(), Some("9"));
        assert_eq!(labels.label(TenantId(8)), None);
        assert_eq!(labels.label(TenantId(7)).as_deref(), Some("7"));
    }
}
