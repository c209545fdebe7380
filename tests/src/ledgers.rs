//! The engine's ledger against the simulator's, recipient by recipient.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use lab::ledgers::{Circumstances, Comparison, compare};
use lab::{Credits, Listed, Row};

use crate::engine::Engine;
use crate::sim::Sim;
use crate::tenant::{Campaign, CampaignView, Tenant};
use crate::wait::eventually;

/// Balances are booked every two seconds while a campaign runs, and at once when it may be done.
const BALANCE_LIMIT: Duration = Duration::from_secs(20);

/// What both say about one campaign, read when nothing moves any more.
#[derive(Debug)]
pub struct Ledgers {
    view: CampaignView,
    listed: Vec<Listed>,
    rows: Vec<Row>,
    credits: Credits,
    context: String,
}

impl Ledgers {
    /// Reads both. `context` (the seed, the fault) is in each failure message.
    pub fn read(engine: &Engine, sim: &Sim, tenant: &Tenant, campaign: &Campaign, context: &str) -> Self {
        let listed = campaign.recipients(engine);
        // The balance follows the messages, which takes some seconds.
        let what = format!("{context}: the tenant's balance has followed the campaign");
        let (view, credits) = eventually(&what, BALANCE_LIMIT, || {
            let (view, credits) = (campaign.view(engine), engine.credits(tenant));
            (credits.held == view.credits.held).then_some((view, credits))
        });
        Self {
            view,
            listed,
            rows: sim.ledger(),
            credits,
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
        let (found, agreed) = self.compared(messages);
        assert_eq!(found, agreed, "{}: the ledgers do not agree", self.context);
        self.assert_credits();
    }

    /// Whether both sides say the same of every message.
    pub fn agree(&self, messages: usize) -> bool {
        let (found, agreed) = self.compared(messages);
        found == agreed
    }

    /// What is found, and what would be where they agree.
    fn compared(&self, messages: usize) -> (Comparison, Comparison) {
        let found = compare(messages as u64, &self.listed, &self.rows, Circumstances::Disturbed);
        let agreed = Comparison {
            billed: found.billed,
            ..Comparison::default()
        };
        (found, agreed)
    }

    /// Promise 1: every message is listed, once, and the counts are those of the list.
    #[track_caller]
    pub fn assert_nothing_lost(&self, messages: usize) {
        let context = &self.context;
        let different: HashSet<&str> = self.listed.iter().map(|message| message.to.as_str()).collect();
        assert_eq!(
            (self.listed.len(), different.len()),
            (messages, messages),
            "{context}: recipients that the engine lists"
        );
        assert_eq!(self.view.progress.total, messages as u64, "{context}: {:?}", self.view);
        self.view.assert_adds_up();
        let mut counted: HashMap<&str, u64> = HashMap::new();
        for message in &self.listed {
            *counted.entry(&message.status).or_default() += 1;
        }
        for (status, count) in &self.view.statuses {
            let listed = counted.get(status.as_str()).copied().unwrap_or(0);
            assert_eq!(
                *count, listed,
                "{context}: {status} in the view, and in the list of recipients"
            );
        }
    }

    /// Promise 4: granted = available + held + spent; and the campaign alone holds and spends here.
    #[track_caller]
    pub fn assert_credits(&self) {
        assert_conserved(&self.credits, &self.context);
        let campaign = &self.view.credits;
        assert_eq!(
            (self.credits.held, self.credits.spent),
            // What was given back is no longer spent.
            (campaign.held, campaign.spent - campaign.recredited),
            "{}: held and spent, tenant {:?}, campaign {campaign:?}",
            self.context,
            self.credits
        );
    }
}

/// granted = available + held + spent.
#[track_caller]
pub(crate) fn assert_conserved(credits: &Credits, context: &str) {
    assert_eq!(
        credits.imbalance(),
        0,
        "{context}: credits are not conserved: {credits:?}"
    );
}
