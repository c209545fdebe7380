//! Every metric of the engine: its name, its meaning, its labels; declared here and nowhere else.
//!
//! Labels are closed lists or configured names, never a campaign, a recipient or a message. The hot path uses children
//! that were looked up once (see [`SmscMetrics`]) and adds once a batch.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

use smpp::receipt::Stat;

use crate::domain::{Purpose, Status};

/// From the submission to its answer.
const ANSWER_BUCKETS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// From the answer to the receipt: three minutes is what people quote, three days what carriers try for.
const RECEIPT_BUCKETS: [f64; 22] = [
    0.05, 0.1, 0.25, 0.5, 1.0, 1.25, 1.5, 2.0, 5.0, 10.0, 30.0, 60.0, 180.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0,
    43200.0, 86400.0, 172_800.0, 259_200.0,
];

/// Round trips to Redis and HTTP requests.
const CALL_BUCKETS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 1.0, 5.0,
];

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ident $labels:tt $($buckets:expr)?;)*) => {
        /// The metrics of one engine, in a registry of its own.
        #[derive(Clone)]
        pub(crate) struct Metrics {
            registry: Registry,
            /// Held while several that belong together are set, and while all are read.
            together: Arc<Mutex<()>>,
            $($(#[doc = $help])+ pub $field: $kind,)*
        }

        impl Metrics {
            /// Every metric, registered, at zero.
            ///
            /// # Errors
            /// When two have one name, which the tests rule out.
            pub(crate) fn new() -> prometheus::Result<Self> {
                let registry = Registry::new_custom(Some("campanile".into()), None)?;
                $(let $field = make!($kind, stringify!($field), concat!($($help),+), $labels $(, $buckets)?)?;
                registry.register(Box::new($field.clone()))?;)*
                Ok(Self { registry, together: Arc::default(), $($field,)* })
            }
        }
    };
}

macro_rules! make {
    (IntCounter, $name:expr, $help:expr, []) => {
        IntCounter::new($name, $help.trim())
    };
    (Gauge, $name:expr, $help:expr, []) => {
        Gauge::new($name, $help.trim())
    };
    (IntGauge, $name:expr, $help:expr, []) => {
        IntGauge::new($name, $help.trim())
    };
    (Histogram, $name:expr, $help:expr, [], $buckets:expr) => {
        Histogram::with_opts(HistogramOpts::new($name, $help.trim()).buckets($buckets.to_vec()))
    };
    (HistogramVec, $name:expr, $help:expr, $labels:expr, $buckets:expr) => {
        HistogramVec::new(
            HistogramOpts::new($name, $help.trim()).buckets($buckets.to_vec()),
            &$labels,
        )
    };
    ($kind:ident, $name:expr, $help:expr, $labels:expr) => {
        $kind::new(Opts::new($name, $help.trim()), &$labels)
    };
}

metrics! {
    /// Whether the bind is in that state: disconnected, waiting (binds_per_hour is used up), connecting, binding, bound, stalled
    /// (bound, but submissions are not answered), draining.
    bind_state: IntGaugeVec ["smsc", "bind", "state"];
    /// Attempts to bind by result: ok, refused, timeout, closed (before the answer), tcp_error, tls_error.
    bind_attempts_total: IntCounterVec ["smsc", "bind", "result"];
    /// Sessions that ended, by reason: remote_close, enquire_timeout, unresponsive, unbind, protocol, tls_error, local,
    /// renewed (session_max_age).
    bind_disconnects_total: IntCounterVec ["smsc", "bind", "reason"];
    /// When the bind was last bound, in seconds since 1970.
    bind_bound_timestamp_seconds: GaugeVec ["smsc", "bind"];
    /// How busy the SMSC said last that it is: 0 idle to 99; absent where it says nothing (congestion_state, SMPP 5.0).
    bind_congestion_state: IntGaugeVec ["smsc", "bind"];
    /// When the time of a TLS certificate is over, in seconds since 1970: the SMSC's (server) as of the last connection, or
    /// ours (client).
    tls_certificate_expiry_timestamp_seconds: IntGaugeVec ["smsc", "side"];
    /// From enquire_link to its answer.
    enquire_link_rtt_seconds: HistogramVec ["smsc"] ANSWER_BUCKETS;
    /// PDUs by direction (in, out) and command.
    pdus_total: IntCounterVec ["smsc", "direction", "command"];
    /// Octets on the wire by direction.
    pdu_bytes_total: IntCounterVec ["smsc", "direction"];
    /// PDUs that were malformed, unexpected or truncated, by kind.
    pdu_errors_total: IntCounterVec ["smsc", "kind"];
    /// Unanswered submissions that hold a place in the window; one that is overdue gives its place back.
    window_in_flight: IntGaugeVec ["smsc", "bind"];
    /// The most unanswered submissions that are allowed.
    window_size: IntGaugeVec ["smsc", "bind"];
    /// Of these, those that may be used now: fewer while answers are slow.
    window_effective: IntGaugeVec ["smsc", "bind"];
    /// How long the dispatcher waited for a place in a window.
    window_wait_seconds: HistogramVec ["smsc"] CALL_BUCKETS;
    /// 1: an operator has suspended the SMSC, and nothing is submitted to it.
    smsc_suspended: IntGaugeVec ["smsc"];
    /// The share of the SMSC's newest messages that was delivered within the usual time, to that of its past: 1 when it is as usual.
    /// Absent until enough is known.
    smsc_quality: GaugeVec ["smsc"];
    /// What the segments that the SMSC accepted cost by its prices, in millionths of the currency.
    smsc_cost_micros_total: IntCounterVec ["smsc", "currency"];
    /// Segments that an SMSC with prices accepted, and for whose numbers it has none.
    smsc_unpriced_segments_total: IntCounterVec ["smsc"];
    /// 1: the SMSC takes nothing from its account, and is given nothing but one message now and then.
    smsc_stopped: IntGaugeVec ["smsc"];
    /// How often an account was given less than before, by cause: throttled (its rate was cut), congested (it said that it is
    /// busy), slow (a window shrank), stopped (it takes nothing).
    smsc_backoffs_total: IntCounterVec ["smsc", "cause"];
    /// Segments submitted, by result: ok, error, timeout (never answered), unsent.
    submits_total: IntCounterVec ["smsc", "result"];
    /// Answers that refused, by command_status; vendors' codes are other.
    submit_errors_total: IntCounterVec ["smsc", "command_status"];
    /// From the submission to its answer.
    submit_duration_seconds: HistogramVec ["smsc"] ANSWER_BUCKETS;
    /// Messages deferred to be submitted again, by reason: throttled, queue_full, temporary, unsent, in_doubt, other_route
    /// (another SMSC is asked), stopped (the SMSC takes nothing); spaced: for the first time, when sender_rate or recipient_rate
    /// allow it.
    submit_retries_total: IntCounterVec ["smsc", "reason"];
    /// Answers that came after the response timeout.
    submit_late_responses_total: IntCounterVec ["smsc"];
    /// Messages whose submission nobody answered: in doubt.
    submit_unknown_outcome_total: IntCounterVec ["smsc"];
    /// The configured rate in segments a second; absent when unlimited.
    throttle_limit_messages_per_second: GaugeVec ["smsc"];
    /// The rate that holds now, in segments a second: the configured one, or less while the SMSC throttles or is busy; absent when
    /// nothing limits it.
    throttle_effective_messages_per_second: GaugeVec ["smsc"];
    /// How often sending was slowed down: by the SMSC's answer, or locally by the rate.
    throttled_total: IntCounterVec ["smsc", "by"];
    /// Messages in the queues by route, paused campaigns' included.
    queue_messages: IntGaugeVec ["route", "lane"];
    /// Messages that are deferred to a later time or wait behind another to the same person, by route; by `@` and the SMSC
    /// for those of which that has a part, or which others of the route do not take.
    queue_deferred_messages: IntGaugeVec ["route"];
    /// Messages that wait, by why: guard (the state of Redis or of the clocks stops everything), paused, no_route (no SMSC is
    /// configured any more that may take them), closed_hours, suspended (an operator said so), stopped (the SMSC takes nothing
    /// from the account), not_bound, behind (another to the same person has no answer), brake (the SMSC throttles or is busy),
    /// retry (it did not take them for now), rate (the configured one), window (they go as answers come). Each has the first of
    /// these that holds; together they are queue_messages and queue_deferred_messages.
    waiting_messages: IntGaugeVec ["reason"];
    /// How long the oldest message that is due waits: since its launch, its acceptance by the API, or the time of its retry.
    /// Of a line's tenants some dozens are looked at, those whose turn it is next; paused campaigns are not.
    queue_oldest_age_seconds: GaugeVec ["lane"];
    /// From the launch, or the acceptance by the API, to the lease.
    time_in_queue_seconds: HistogramVec ["lane"] RECEIPT_BUCKETS;
    /// Messages that were leased.
    leased_messages_total: IntCounterVec ["smsc"];
    /// Messages that reached a status: the seven, counted when the message enters it.
    messages_total: IntCounterVec ["smsc", "status"];
    /// Recipients that were not taken, by reason: invalid_number, not_mobile,
    /// country_not_allowed, duplicate.
    messages_skipped_total: IntCounterVec ["reason"];
    /// Final receipts and others by stat; what is no standard one is OTHER.
    receipts_total: IntCounterVec ["smsc", "stat"];
    /// From the answer to the final receipt.
    receipt_latency_seconds: HistogramVec ["smsc"] RECEIPT_BUCKETS;
    /// From the arrival of a deliver_sm to its deliver_sm_resp: what it brought is stored then.
    receipt_ack_seconds: Histogram [] CALL_BUCKETS;
    /// Receipts that were parked since they matched no message, by reason: early, unknown_id, ambiguous, implausible,
    /// no_address, contended; no_room for those that could not be kept.
    receipts_parked_total: IntCounterVec ["smsc", "reason"];
    /// Recipients with receipts that are parked.
    receipts_parked: IntGauge [];
    /// Second copies of receipts that had settled a message.
    receipt_duplicates_total: IntCounterVec ["smsc"];
    /// Inbound messages that are no receipts.
    inbound_total: IntCounterVec ["smsc"];
    /// What became of inbound messages: kept, opt_out (kept, and the person is sent no more marketing), second_copy.
    inbound_actions_total: IntCounterVec ["action"];
    /// From the submission to the settled receipt in the store.
    submitted_to_settled_seconds: Histogram [] RECEIPT_BUCKETS;
    /// Launches by result: started, blocked_credit, failed.
    campaign_launches_total: IntCounterVec ["result"];
    /// Recipients that were enqueued.
    campaign_fanout_recipients_total: IntCounter [];
    /// From the launch to the last recipient enqueued.
    campaign_fanout_duration_seconds: Histogram [] RECEIPT_BUCKETS;
    /// Credits of campaigns that were booked, by type: debit (spent), refund (spent, and given back), release (held, and not
    /// needed).
    credits_total: IntCounterVec ["type"];
    /// 1: the configuration was read again without a fault when that was asked for last, or was never asked for.
    config_last_reload_successful: IntGauge [];
    /// When the configuration that holds was read, in seconds since 1970.
    config_last_reload_timestamp_seconds: Gauge [];
    /// HTTP requests by route, method and code.
    http_requests_total: IntCounterVec ["route", "method", "code"];
    /// How long HTTP requests took.
    http_request_duration_seconds: HistogramVec ["route"] CALL_BUCKETS;
    /// HTTP connections that are open, by listener: public, admin.
    http_connections: IntGaugeVec ["listener"];
    /// HTTP connections that were cut off, by reason: gave_way (it waited longest when another needed its place), refused
    /// (all places were being served), late_head, unread (its answer was not taken).
    http_connections_cut_total: IntCounterVec ["listener", "reason"];
    /// Round trips to Redis by what they are for: commit, lease, launch.
    redis_op_duration_seconds: HistogramVec ["op"] CALL_BUCKETS;
    /// Round trips to Redis that failed, by what they were for; they are repeated.
    redis_errors_total: IntCounterVec ["op"];
    /// Script calls, by what they were for.
    redis_script_items_total: IntCounterVec ["op"];
    /// Memory that Redis uses.
    redis_used_memory_bytes: IntGauge [];
    /// 1 while Redis has settings that lose data and redis.allow_loss accepts them.
    redis_loss_allowed: IntGauge [];
    /// By how many seconds a clock was set while the engine ran: host, server. 0 once it is believed again.
    clock_step_seconds: GaugeVec ["clock"];
    /// 1 while the state of Redis or of the clocks stops that work: intake, leases, expiries.
    guard_stopped: IntGaugeVec ["work"];
    /// What waits to be settled: the age of the oldest.
    settle_lag_seconds: Gauge [];
    /// 1, with the version.
    build_info: IntGaugeVec ["version"];
}

impl Metrics {
    /// Everything in Prometheus' text format, with the process's own figures.
    pub(crate) fn exposition(&self) -> Vec<u8> {
        let mut families = Vec::new();
        self.whole(|| families = self.registry.gather());
        families.extend(prometheus::gather());
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&families, &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }

    /// Sets several that belong together: nobody reads one of them without the others.
    pub(crate) fn whole(&self, set: impl FnOnce()) {
        let _held = self.together.lock().unwrap_or_else(PoisonError::into_inner);
        set();
    }

    /// When a certificate's time is over, where there is one.
    pub(crate) fn certificate_expiry(&self, smsc: &str, side: &str, expiry: Option<i64>) {
        if let Some(expiry) = expiry {
            let gauge = &self.tls_certificate_expiry_timestamp_seconds;
            gauge.with_label_values(&[smsc, side]).set(expiry);
        }
    }

    /// An account is given less than before.
    pub(crate) fn backed_off(&self, smsc: &str, cause: &str) {
        self.smsc_backoffs_total.with_label_values(&[smsc, cause]).inc();
    }

    /// An SMSC is configured no longer: what was measured of it is shown no more. What was counted stays.
    pub(crate) fn forget_smsc(&self, name: &str) {
        for gauge in [&self.smsc_suspended, &self.smsc_stopped] {
            let _was_shown = gauge.remove_label_values(&[name]).is_ok();
        }
        for gauge in [
            &self.throttle_limit_messages_per_second,
            &self.throttle_effective_messages_per_second,
        ] {
            let _was_shown = gauge.remove_label_values(&[name]).is_ok();
        }
        for side in ["server", "client"] {
            let expiry = &self.tls_certificate_expiry_timestamp_seconds;
            let _was_shown = expiry.remove_label_values(&[name, side]).is_ok();
        }
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

    /// The children that an SMSC's hot path uses.
    pub(crate) fn smsc(&self, name: &str) -> SmscMetrics {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_name_of_its_own_and_a_unit() {
        let metrics = Metrics::new().unwrap();
        metrics.smsc("north").status(Status::Delivered);
        let text = String::from_utf8(metrics.exposition()).unwrap();
        assert!(text.contains("campanile_messages_total{smsc=\"north\",status=\"delivered\"} 1"));
        assert!(
            text.contains("# HELP campanile_receipts_parked Recipients with receipts"),
            "{text}"
        );
    }
}
