use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use super::Served;
use super::problem::Problem;
use crate::ledger::Totals;
use crate::smscs::VirtualSmsc;

/// Prometheus' text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// Values that one label may take in one SMSC: accounts, outcomes and statuses are the scenario's, which may name
/// thousands. The rest together is `other`.
const VALUES_MAX: usize = 100;

const OTHER: &str = "other";

/// The totals in Prometheus' text format. They are kept by the ledger, so a registry is filled when somebody looks, and
/// costs nothing in between.
pub(super) async fn metrics(State(served): State<Served>) -> Result<Response, Problem> {
    let text = exposition(served.smscs.all());
    let text = text.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

fn exposition(smscs: &[VirtualSmsc]) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    let metrics = Metrics::new(&registry)?;
    for smsc in smscs {
        metrics.fill(&smsc.name, &smsc.handle.totals());
        let scenario = smsc.handle.scenario();
        metrics.scenario.with_label_values(&[&smsc.name, &scenario.name]).set(1);
    }
    metrics.build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    TextEncoder::new().encode_to_string(&registry.gather())
}

struct Metrics {
    build: IntGaugeVec,
    scenario: IntGaugeVec,
    sessions: IntGaugeVec,
    recipients: IntGaugeVec,
    unanswered: IntGaugeVec,
    submits: IntCounterVec,
    accepted: IntCounterVec,
    answers: IntCounterVec,
    outcomes: IntCounterVec,
    acked: IntCounterVec,
    receipts: IntCounterVec,
    inbound: IntCounterVec,
    replies: IntCounterVec,
}

impl Metrics {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone())).map(|()| gauge)
        };
        let counter = |name: &str, help: &str, label: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &["smsc", label])?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        Ok(Self {
            build: gauge("smppsim_build_info", "1, with the version.", &["version"])?,
            scenario: gauge(
                "smppsim_scenario_info",
                "1, with the scenario that is obeyed.",
                &["smsc", "scenario"],
            )?,
            sessions: gauge("smppsim_sessions", "Sessions that are bound.", &["smsc"])?,
            recipients: gauge(
                "smppsim_recipients",
                "Distinct recipients since the start or the last reset.",
                &["smsc"],
            )?,
            unanswered: gauge("smppsim_unanswered", "Submits that were not answered.", &["smsc"])?,
            submits: counter("smppsim_submits_total", "Submits, by account.", "account")?,
            accepted: counter(
                "smppsim_accepted_total",
                "Submits that were accepted, by account.",
                "account",
            )?,
            answers: counter("smppsim_answers_total", "Answers, by command_status.", "command_status")?,
            outcomes: counter(
                "smppsim_outcomes_total",
                "Submits, by the outcome that they were dealt.",
                "outcome",
            )?,
            acked: counter(
                "smppsim_receipts_acked_total",
                "Receipts acknowledged, by state.",
                "stat",
            )?,
            receipts: counter("smppsim_receipts_total", "Receipts, by what became of them.", "event")?,
            inbound: counter("smppsim_inbound_total", "Segments of inbound messages.", "event")?,
            replies: counter(
                "smppsim_replies_total",
                "Replies, by the rule that people followed.",
                "rule",
            )?,
        })
    }

    fn fill(&self, smsc: &str, totals: &Totals) {
        let set = |gauge: &IntGaugeVec, value: u64| {
            gauge
                .with_label_values(&[smsc])
                .set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set(&self.sessions, totals.sessions);
        set(&self.recipients, totals.recipients);
        set(&self.unanswered, totals.unanswered);
        let accounts = &totals.by_account;
        count(
            &self.submits,
            smsc,
            accounts.iter().map(|(name, account)| (name.as_str(), account.submits)),
        );
        count(
            &self.accepted,
            smsc,
            accounts.iter().map(|(name, account)| (name.as_str(), account.accepted)),
        );
        count(&self.answers, smsc, named(&totals.by_status));
        count(&self.outcomes, smsc, named(&totals.by_outcome));
        count(
            &self.acked,
            smsc,
            totals.by_stat.iter().map(|(&name, &count)| (name, count)),
        );
        let events = [
            ("due", totals.receipts_due),
            ("sent", totals.receipts_sent),
            ("resent", totals.receipts_resent),
            ("acked", totals.receipts_acked),
            ("refused", totals.receipts_refused),
        ];
        count(&self.receipts, smsc, events.into_iter());
        let inbound = [("sent", totals.inbound_sent), ("acked", totals.inbound_acked)];
        count(&self.inbound, smsc, inbound.into_iter());
        count(&self.replies, smsc, named(&totals.by_reply));
    }
}

fn named(counts: &BTreeMap<String, u64>) -> impl Iterator<Item = (&str, u64)> {
    counts.iter().map(|(name, &count)| (name.as_str(), count))
}

fn count<'v>(counters: &IntCounterVec, smsc: &str, values: impl Iterator<Item = (&'v str, u64)>) {
    for (place, (value, count)) in values.enumerate() {
        let value = if place < VALUES_MAX { value } else { OTHER };
        counters.with_label_values(&[smsc, value]).inc_by(count);
    }
}
