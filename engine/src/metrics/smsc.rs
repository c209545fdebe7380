//! What the hot path of one SMSC counts: children of the metrics that were looked up once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus::{Histogram, IntCounter};
use smpp::receipt::Stat;

use super::Metrics;
use crate::domain::{Purpose, Status};

impl Metrics {
    /// The children that an SMSC's hot path uses.
    pub(crate) fn smsc(&self, name: &str) -> SmscMetrics {
        self.begin_smsc_at_zero(name);
        SmscMetrics {
            submitted_ok: self.submits_total.with_label_values(&[name, "ok"]),
            submitted_error: self.submits_total.with_label_values(&[name, "error"]),
            submitted_timeout: self.submits_total.with_label_values(&[name, "timeout"]),
            submitted_unsent: self.submits_total.with_label_values(&[name, "unsent"]),
            duration: self.submit_duration_seconds.with_label_values(&[name]),
            leased: self.leased_messages_total.with_label_values(&[name]),
            receipt_latency: self.receipt_latency_seconds.with_label_values(&[name]),
            window_wait: self.window_wait_seconds.with_label_values(&[name]),
            throttled_locally: self.throttled_total.with_label_values(&[name, "local"]),
            throttled_by_smsc: self.throttled_total.with_label_values(&[name, "smsc"]),
            statuses: Status::ALL
                .iter()
                .map(|status| self.messages_total.with_label_values(&[name, status.code()]))
                .collect(),
            in_queue: Purpose::ALL
                .iter()
                .map(|purpose| self.time_in_queue_seconds.with_label_values(&[purpose.code()]))
                .collect(),
            submit_sm: self.pdus_total.with_label_values(&[name, "out", "submit_sm"]),
            submit_sm_resp: self.pdus_total.with_label_values(&[name, "in", "submit_sm_resp"]),
            deliver_sm: self.pdus_total.with_label_values(&[name, "in", "deliver_sm"]),
            deliver_sm_resp: self.pdus_total.with_label_values(&[name, "out", "deliver_sm_resp"]),
            doubted: self.submit_unknown_outcome_total.with_label_values(&[name]),
            duplicates: self.receipt_duplicates_total.with_label_values(&[name]),
            found_elsewhere: Arc::default(),
            octets_in: self.pdu_bytes_total.with_label_values(&[name, "in"]),
            octets_out: self.pdu_bytes_total.with_label_values(&[name, "out"]),
            name: name.to_owned(),
            all: self.clone(),
        }
    }
}

/// An SMSC's children of the metrics, looked up once.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is the metric of that name, described above")]
pub(crate) struct SmscMetrics {
    pub(crate) name: String,
    pub(crate) all: Metrics,
    pub(crate) submitted_ok: IntCounter,
    pub(crate) submitted_error: IntCounter,
    pub(crate) submitted_timeout: IntCounter,
    pub(crate) submitted_unsent: IntCounter,
    pub(crate) duration: Histogram,
    pub(crate) leased: IntCounter,
    pub(crate) receipt_latency: Histogram,
    pub(crate) window_wait: Histogram,
    pub(crate) throttled_locally: IntCounter,
    pub(crate) throttled_by_smsc: IntCounter,
    pub(crate) submit_sm: IntCounter,
    pub(crate) submit_sm_resp: IntCounter,
    pub(crate) deliver_sm: IntCounter,
    pub(crate) deliver_sm_resp: IntCounter,
    pub(crate) doubted: IntCounter,
    pub(crate) duplicates: IntCounter,
    found_elsewhere: Arc<AtomicBool>,
    pub(crate) octets_in: IntCounter,
    pub(crate) octets_out: IntCounter,
    /// In the order of [`Status`].
    statuses: Arc<[IntCounter]>,
    /// In the order of the lanes.
    in_queue: Arc<[Histogram]>,
}

impl SmscMetrics {
    /// A message entered that status.
    pub(crate) fn status(&self, status: Status) {
        self.statuses[status as usize].inc();
    }

    /// Messages that entered that status since the start.
    pub(crate) fn count(&self, status: Status) -> u64 {
        self.statuses[status as usize].get()
    }

    /// A message of that lane was leased after that long.
    pub(crate) fn time_in_queue(&self, lane: u8, seconds: f64) {
        if let Some(histogram) = self.in_queue.get(usize::from(lane)) {
            histogram.observe(seconds);
        }
    }

    /// A receipt came.
    pub(crate) fn receipt(&self, stat: Stat) {
        self.all
            .receipts_total
            .with_label_values(&[self.name.as_str(), stat.name()])
            .inc();
    }

    /// A segment was accepted that cost so many millionths of the currency; `None`: there is no price for its number.
    pub(crate) fn cost(&self, currency: &str, micros: Option<u64>) {
        match micros {
            Some(micros) => {
                let labels = [self.name.as_str(), currency];
                self.all
                    .smsc_cost_micros_total
                    .with_label_values(&labels)
                    .inc_by(micros);
            }
            None => {
                let unpriced = &self.all.smsc_unpriced_segments_total;
                unpriced.with_label_values(&[self.name.as_str()]).inc();
            }
        }
    }

    /// A receipt was parked for that reason.
    pub(crate) fn parked(&self, reason: &str) {
        let labels = [self.name.as_str(), reason];
        self.all.receipts_parked_total.with_label_values(&labels).inc();
    }

    /// A receipt's message was not found at the source address, where the standard has it: said once.
    pub(crate) fn found_elsewhere(&self, how: &str) {
        if !self.found_elsewhere.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                smsc = self.name,
                how,
                "receipts of this SMSC do not name the recipient as their source address"
            );
        }
    }

    /// An answer that refused.
    pub(crate) fn refused(&self, command_status: Option<&str>) {
        self.submitted_error.inc();
        let labels = [&self.name, command_status.unwrap_or("other")];
        self.all.submit_errors_total.with_label_values(&labels).inc();
    }
}
