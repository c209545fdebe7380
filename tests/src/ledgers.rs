//! The engine's ledger against the simulator's, recipient by recipient.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::engine::Engine;
use crate::sim::{Row, Sim};
use crate::tenant::{Campaign, CampaignView, Tenant};
use crate::wait::eventually;

/// Balances are booked every two seconds while a campaign runs, and at once when it may be done.
const BALANCE_LIMIT: Duration = Duration::from_secs(20);

/// What both say about one campaign, read when nothing moves any more.
#[derive(Debug)]
pub struct Ledgers {
    view: CampaignView,
    /// Status by recipient (digits), as the engine says.
    engine: HashMap<String, String>,
    /// Submits by recipient (digits), as the simulator saw them.
    sim: HashMap<String, Vec<Row>>,
    tenant: Value,
    context: String,
}

/// The campaign and its tenant when the balance has followed the messages, which takes some seconds.
fn balanced(engine: &Engine, tenant: &Tenant, campaign: &Campaign, context: &str) -> (CampaignView, Value) {
    let what = format!("{context}: the tenant's balance has followed the campaign");
    eventually(&what, BALANCE_LIMIT, || {
        let (view, balance) = (campaign.view(engine), engine.tenant_view(tenant));
        (balance["credits"]["held"] == view.credits.held).then_some((view, balance))
    })
}

impl Ledgers {
    /// Reads both. `context` (the seed, the fault) stands in each failure message.
    pub fn read(engine: &Engine, sim: &Sim, tenant: &Tenant, campaign: &Campaign, context: &str) -> Self {
        let rows = campaign.recipients(engine);
        let listed = rows.len();
        let statuses: HashMap<String, String> = rows
            .into_iter()
            .map(|row| (row.to.trim_start_matches('+').to_owned(), row.status))
            .collect();
        assert_eq!(statuses.len(), listed, "{context}: a recipient is listed twice");
        let (view, balance) = balanced(engine, tenant, campaign, context);
        Self {
            view,
            engine: statuses,
            sim: sim.ledger_by_recipient(),
            tenant: balance,
            context: context.to_owned(),
        }
    }

    /// The campaign as it was read.
    pub fn view(&self) -> &CampaignView {
        &self.view
    }

    /// Everything that holds after any fault: nothing lost, nothing doubled, the right status, sums, credits.
    #[track_caller]
    pub fn assert_consistent(&self, messages: usize) {
        self.assert_nothing_lost(messages);
        self.assert_nothing_doubled();
        self.assert_statuses();
        self.assert_credits();
    }

    /// Promise 1: every message is listed, once, and the counts are those of the list.
    #[track_caller]
    pub fn assert_nothing_lost(&self, messages: usize) {
        let context = &self.context;
        assert_eq!(
            self.engine.len(),
            messages,
            "{context}: recipients listed by the engine"
        );
        assert_eq!(self.view.progress.total, messages as u64, "{context}: {:?}", self.view);
        self.view.assert_adds_up();
        let mut counted: HashMap<&str, u64> = HashMap::new();
        for status in self.engine.values() {
            *counted.entry(status).or_default() += 1;
        }
        for (status, count) in &self.view.statuses {
            let listed = counted.get(status.as_str()).copied().unwrap_or(0);
            assert_eq!(
                *count, listed,
                "{context}: {status} in the view, and in the list of recipients"
            );
        }
    }

    /// Promise 2: no segment of a message was accepted twice. Refused submits may be repeated.
    #[track_caller]
    pub fn assert_nothing_doubled(&self) {
        for (recipient, rows) in &self.sim {
            let mut parts: Vec<u8> = rows
                .iter()
                .filter(|row| row.accepted_at_us.is_some())
                .map(|row| row.part)
                .collect();
            let accepted = parts.len();
            parts.sort_unstable();
            parts.dedup();
            assert_eq!(
                parts.len(),
                accepted,
                "{}: {recipient} was submitted twice: {rows:?}",
                self.context
            );
        }
    }

    /// Each recipient's status is what the simulator did to it. For messages of one segment.
    #[track_caller]
    pub fn assert_statuses(&self) {
        let none = Vec::new();
        for (recipient, status) in &self.engine {
            let rows = self.sim.get(recipient).unwrap_or(&none);
            let allowed = allowed_statuses(rows);
            assert!(
                allowed.contains(&status.as_str()),
                "{}: {recipient} is {status}, and the simulator's rows mean one of {allowed:?}: {rows:?}",
                self.context
            );
        }
        for recipient in self.sim.keys() {
            assert!(
                self.engine.contains_key(recipient),
                "{}: {recipient} is not the campaign's",
                self.context
            );
        }
    }

    /// Promise 4: granted = available + held + spent; and the campaign alone holds and spends here.
    #[track_caller]
    pub fn assert_credits(&self) {
        let credits = &self.tenant["credits"];
        assert_conserved(credits, &self.context);
        let amount = |name: &str| credits[name].as_u64();
        let campaign = &self.view.credits;
        assert_eq!(
            amount("held"),
            Some(campaign.held),
            "{}: held, tenant {credits}, campaign {campaign:?}",
            self.context
        );
        assert_eq!(
            amount("spent"),
            // What was given back is no longer spent.
            Some(campaign.spent - campaign.recredited),
            "{}: spent, tenant {credits}, campaign {campaign:?}",
            self.context
        );
    }
}

/// What may have become of a message of one segment, given all its submits.
fn allowed_statuses(rows: &[Row]) -> &'static [&'static str] {
    let Some(accepted) = rows.iter().find(|row| row.accepted_at_us.is_some()) else {
        // Never accepted. Unless its last submit was refused for good, it waits, or was written to a connection that broke.
        let refused = rows
            .iter()
            .any(|row| row.command_status.is_some_and(|status| status != 0));
        return if refused {
            &[
                "unknown_number",
                "not_routed",
                "transmission_failed",
                "queued",
                "in_doubt",
            ]
        } else {
            &["queued", "in_doubt", "canceled"]
        };
    };
    if accepted.receipts_acked == 0 {
        return if accepted.answered_at_us.is_some() {
            &["transmitted", "in_doubt"]
        } else {
            &["in_doubt"]
        };
    }
    match accepted.stat.as_deref() {
        Some("DELIVRD") => &["delivered"],
        _ => &["reception_error", "unknown_number", "not_routed", "recredited"],
    }
}

/// granted = available + held + spent.
#[track_caller]
pub(crate) fn assert_conserved(credits: &Value, context: &str) {
    let amount = |name: &str| {
        credits[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{context}: no {name} in {credits}"))
    };
    assert_eq!(
        amount("granted"),
        amount("available") + amount("held") + amount("spent"),
        "{context}: credits are not conserved: {credits}"
    );
}
