use prometheus::{IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use crate::ledger::Totals;

/// Prometheus' text format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// The totals in Prometheus' text format. They are kept by the ledger, so a registry is filled when somebody looks, and
/// costs nothing in between. Labels are command statuses, states, and the outcomes and accounts of the scenario.
pub(super) fn exposition(totals: &Totals, sessions: usize) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    let mut metrics = Metrics { registry: &registry };
    metrics.gauge("smppsim_sessions", "Sessions that are bound.", sessions as u64)?;
    metrics.gauge(
        "smppsim_recipients",
        "Distinct recipients since the start or the last reset.",
        totals.recipients,
    )?;
    metrics.gauge(
        "smppsim_unanswered",
        "Submits that were not answered.",
        totals.unanswered,
    )?;
    let accounts = totals
        .by_account
        .iter()
        .map(|(name, account)| (name.as_str(), account.submits));
    metrics.counters("smppsim_submits_total", "Submits, by account.", "account", accounts)?;
    let accepted = totals
        .by_account
        .iter()
        .map(|(name, account)| (name.as_str(), account.accepted));
    metrics.counters(
        "smppsim_accepted_total",
        "Submits that were accepted, by account.",
        "account",
        accepted,
    )?;
    let statuses = totals.by_status.iter().map(|(name, &count)| (name.as_str(), count));
    metrics.counters(
        "smppsim_answers_total",
        "Answers, by command_status.",
        "command_status",
        statuses,
    )?;
    let outcomes = totals.by_outcome.iter().map(|(name, &count)| (name.as_str(), count));
    metrics.counters(
        "smppsim_outcomes_total",
        "Submits, by the outcome that they were dealt.",
        "outcome",
        outcomes,
    )?;
    let stats = totals.by_stat.iter().map(|(&name, &count)| (name, count));
    metrics.counters(
        "smppsim_receipts_acked_total",
        "Receipts acknowledged, by state.",
        "stat",
        stats,
    )?;
    let events = [
        ("due", totals.receipts_due),
        ("sent", totals.receipts_sent),
        ("resent", totals.receipts_resent),
        ("acked", totals.receipts_acked),
        ("refused", totals.receipts_refused),
    ];
    metrics.counters(
        "smppsim_receipts_total",
        "Receipts, by what became of them.",
        "event",
        events.into_iter(),
    )?;
    let inbound = [("sent", totals.inbound_sent), ("acked", totals.inbound_acked)];
    metrics.counters(
        "smppsim_inbound_total",
        "Segments of inbound messages.",
        "event",
        inbound.into_iter(),
    )?;
    TextEncoder::new().encode_to_string(&registry.gather())
}

struct Metrics<'a> {
    registry: &'a Registry,
}

impl Metrics<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> Result<(), prometheus::Error> {
        let gauge = IntGauge::new(name, help)?;
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.registry.register(Box::new(gauge))
    }

    fn counters<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'v str, u64)>,
    ) -> Result<(), prometheus::Error> {
        let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
        for (value, count) in values {
            counters.with_label_values(&[value]).inc_by(count);
        }
        self.registry.register(Box::new(counters))
    }
}
