//! What the hot path of one SMSC counts: children of the metrics that were looked up once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus::{Histogram, IntCounter};
use smpp::receipt::Stat;
use smpp::text::Encoding;

use super::Metrics;
use crate::domain::{Purpose, Status};

/// The encodings, with their words.
const ENCODINGS: [(Encoding, &str); 3] = [
    (Encoding::Gsm7, "gsm7"),
    (Encoding::Latin1, "latin1"),
    (Encoding::Ucs2, "ucs2"),
];

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
            outside_hours: self.submits_outside_hours_total.with_label_values(&[name]),
            encodings: ENCODINGS
                .map(|(_, word)| self.message_segments_total.with_label_values(&[name, word]))
                .into(),
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
    pub(crate) outside_hours: IntCounter,
    /// In the order of [`ENCODINGS`].
    encodings: Arc<[IntCounter]>,
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

    /// So many segments were composed.
    pub(crate) fn composed(&self, encoding: Encoding, segments: usize) {
        let counters = ENCODINGS.iter().zip(&*self.encodings);
        let own = counters.filter(|((known, _), _)| *known == encoding);
        own.for_each(|(_, counter)| counter.inc_by(segments as u64));
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
    use std::hint::black_box;
    use std::time::Duration;

    use super::*;

    /// Messages of each thread: enough that their cost can be told, where this is built to be measured.
    const MESSAGES: u64 = if cfg!(debug_assertions) { 50_000 } else { 2_000_000 };

    const THREADS: u64 = 4;

    /// What comes and goes together at full speed.
    const BATCH: u64 = 40;

    /// Everything that one message of one segment has counted that is accepted and delivered.
    fn one_message(own: &SmscMetrics, seconds: f64) {
        own.time_in_queue(1, seconds);
        own.composed(Encoding::Gsm7, 1);
        own.duration.observe(seconds);
        own.submitted_ok.inc();
        own.submit_sm_resp.inc();
        own.status(Status::Transmitted);
        own.deliver_sm.inc();
        own.receipt(Stat::Delivrd);
        own.status(Status::Delivered);
        own.receipt_latency.observe(seconds);
        own.all.submitted_to_settled_seconds.observe(seconds);
        own.all.receipt_ack_seconds.observe(seconds);
    }

    /// What is counted once for all that goes or comes together.
    fn one_batch(own: &SmscMetrics) {
        own.leased.inc_by(BATCH);
        own.submit_sm.inc_by(BATCH);
        own.octets_out.inc_by(BATCH * 150);
        own.octets_in.inc_by(BATCH * 250);
        own.deliver_sm_resp.inc_by(BATCH);
        own.window_wait.observe(0.001);
        for op in ["lease", "commit", "commit"] {
            own.all.redis_op(op, Duration::from_millis(1), 1);
        }
        let tenant = own.all.tenant(crate::domain::TenantId(7));
        for status in [Status::Transmitted, Status::Delivered] {
            let of_tenant = &own.all.tenant_messages_total;
            let labels = [tenant.as_str(), status.code()];
            of_tenant.with_label_values(&labels).inc_by(BATCH);
        }
    }

    fn all_of_one_thread(own: &SmscMetrics) {
        for message in 0..MESSAGES {
            one_message(black_box(own), black_box(message as f64 / 1e4));
            if message % BATCH == 0 {
                one_batch(black_box(own));
            }
        }
    }

    /// Of all threads of this process so far.
    fn processor_seconds() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        // Behind the program's name, which may have anything in it: proc(5), utime and stime, in hundredths.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2);
        ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }

    /// What it costs is said, and nothing is made of it: that depends on the machine and on how this was built (README, How fast).
    #[test]
    fn what_several_threads_count_at_once_is_exact() {
        let metrics = Metrics::new(9).unwrap();
        let before = processor_seconds();
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                let own = metrics.smsc("north");
                scope.spawn(move || all_of_one_thread(&own));
            }
        });
        let all = THREADS * MESSAGES;
        let cost = (processor_seconds() - before) / all as f64;
        println!("{:.0} ns of processor a message", cost * 1e9);
        let own = metrics.smsc("north");
        for status in [Status::Transmitted, Status::Delivered] {
            assert_eq!(own.count(status), all);
        }
        assert_eq!((own.submitted_ok.get(), own.leased.get()), (all, all));
        assert_eq!(own.duration.get_sample_count(), all);
        let of_tenant = metrics.tenant_messages_total.with_label_values(&["7", "delivered"]);
        assert_eq!(of_tenant.get(), all);
        let text = String::from_utf8(metrics.exposition()).unwrap();
        for line in [
            format!("campanile_receipts_total{{smsc=\"north\",stat=\"delivrd\"}} {all}"),
            format!("campanile_message_segments_total{{encoding=\"gsm7\",smsc=\"north\"}} {all}"),
            format!("campanile_receipt_latency_seconds_count{{smsc=\"north\"}} {all}"),
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}");
        }
    }
}
