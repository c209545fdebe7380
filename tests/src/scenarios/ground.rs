//! What most scenarios happen on: a [`Stand`], and the words for what they do to it.

use std::collections::HashMap;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use lab::{EngineSettings, Row, Signal, SmscSettings};
use serde_json::json;

use super::run::Run;
use crate::ledgers::assert_conserved;
use crate::programs::Lab;
use crate::stand::{CREDITS, Stand};
use crate::tenant::{Campaign, CampaignOrder, CampaignView, Tenant, recipients};
use crate::wait::eventually;

/// How long a small campaign may take to come where a scenario wants it. Far above what it takes.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Leases and binds that died with their owner have to be found dead first.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Beyond `shutdown_timeout`: what a process may take to start ending, and to be gone, on a busy machine.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(4);

/// A stand under known settings, so that it can be started again under others.
#[derive(Debug)]
pub struct Ground {
    /// Engine, simulator, Redis, the first tenant.
    pub stand: Stand,
    /// What the engine was started with.
    pub settings: EngineSettings,
    /// For failure messages: scenario and seed.
    pub context: String,
}

/// How a ground differs from the usual one.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The simulator's scenario, in TOML.
    pub scenario: String,
    /// More lines of the SMSC.
    pub smsc_lines: Vec<&'static str>,
    /// Unanswered submits.
    pub window: u32,
    /// `shutdown_timeout`.
    pub shutdown_timeout: Duration,
}

impl Terms {
    /// One session, a window of 100, two seconds to shut down.
    pub fn new(scenario: &str) -> Self {
        Self {
            scenario: scenario.to_owned(),
            smsc_lines: Vec::new(),
            window: 100,
            shutdown_timeout: Duration::from_secs(2),
        }
    }

    /// One more line of the SMSC.
    pub fn line(mut self, line: &'static str) -> Self {
        self.smsc_lines.push(line);
        self
    }
}

impl Ground {
    /// Starts everything.
    pub fn new(run: &Run, terms: &Terms) -> Self {
        let mut settings = EngineSettings::new(None, Vec::new());
        settings.shutdown_timeout = terms.shutdown_timeout;
        let lab = Lab::new(run.programs, &run.directory());
        let stand = Stand::under(lab, &terms.scenario, |redis, sim| {
            let smsc = SmscSettings::new("north", sim.smpp_address()).window(terms.window);
            let smsc = terms.smsc_lines.iter().fold(smsc, |smsc, line| smsc.line(line));
            settings.redis_url = Some(redis.url());
            settings.smscs = vec![smsc];
            settings.clone()
        });
        Self {
            stand,
            settings,
            context: run.context(),
        }
    }

    /// Another tenant with credits enough.
    pub fn neighbour(&self) -> Tenant {
        self.stand.engine.tenant("Cabinet des Lilas", CREDITS)
    }

    /// A running campaign of that text to the first `count` recipients.
    pub fn launch(&self, tenant: &Tenant, count: usize, text: &str) -> Campaign {
        let order = CampaignOrder::to_first(count).with("text", json!(text));
        tenant.order(&self.stand.engine, &order)
    }

    /// A message by itself; `text` tells it from others in the simulator's ledger.
    pub fn send(&self, tenant: &Tenant, to: &str, text: &str) {
        let message = json!({ "to": to, "text": text, "sender": "Lilas" });
        tenant
            .http(&self.stand.engine)
            .post("/v1/messages", &message)
            .expect(202);
    }

    /// Waits until that campaign is as `condition` says.
    pub fn wait(&self, campaign: &Campaign, what: &str, condition: impl Fn(&CampaignView) -> bool) -> CampaignView {
        let what = format!("{}: {what}", self.context);
        campaign.wait(&self.stand.engine, &what, LIMIT, condition)
    }

    /// Polls `condition` until it yields a value; `what` and the seed are in the failure message.
    #[track_caller]
    pub fn eventually<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        eventually(&format!("{}: {what}", self.context), LIMIT, condition)
    }

    /// SIGTERM: it has to end within its `shutdown_timeout` and a moment, whatever else stands still.
    pub fn must_end(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        self.stand.engine.signal(Signal::TERM);
        let limit = self.settings.shutdown_timeout + SHUTDOWN_MARGIN;
        let what = format!("{}: the engine has ended after SIGTERM", self.context);
        let status = eventually(&what, limit, || self.stand.engine.exited());
        (status, began.elapsed())
    }

    /// Waits until every message has an end or is in doubt, no receipt is under way, and the hold is at most what is in doubt:
    /// `credits_each` a message.
    pub fn wait_until_ended(&self, campaign: &Campaign, credits_each: u64) -> CampaignView {
        let sim = &self.stand.sim;
        let what = format!("{}: every message has an end or is in doubt", self.context);
        let view = campaign.wait(&self.stand.engine, &what, END_LIMIT, |view| {
            let received = sim.receipts_are_in();
            let moving = view.progress.queued + view.status("transmitted");
            received && moving == 0 && view.credits.held <= credits_each * view.progress.in_doubt
        });
        view.assert_adds_up();
        view
    }

    /// Waits until nothing moves any more. Where receipts were lost with a simulator, their messages stay transmitted.
    pub fn wait_until_quiet(&self, campaign: &Campaign, lost_receipts: bool) -> CampaignView {
        if !lost_receipts {
            return self.wait_until_ended(campaign, 1);
        }
        let sim = &self.stand.sim;
        let what = format!("{}: all is submitted and receipted", self.context);
        campaign.wait(&self.stand.engine, &what, END_LIMIT, |view| {
            let received = sim.receipts_are_in();
            received && view.nothing_queued() && view.credits.held == view.progress.in_doubt
        })
    }

    /// No segment was accepted twice. `text` selects one campaign's.
    #[track_caller]
    pub fn assert_nothing_doubled(&self, text: &str) {
        let mut accepted: HashMap<(String, u8), Vec<Row>> = HashMap::new();
        for row in self.rows(text).into_iter().filter(|row| row.accepted_at_us.is_some()) {
            accepted.entry((row.recipient.clone(), row.part)).or_default().push(row);
        }
        for ((recipient, part), rows) in accepted {
            assert_eq!(
                rows.len(),
                1,
                "{}: segment {part} for {recipient} was taken twice: {rows:?}",
                self.context
            );
        }
    }

    /// The submits whose segment has that text in it; all when it is empty.
    pub fn rows(&self, text: &str) -> Vec<Row> {
        let mut rows = self.stand.sim.ledger();
        rows.retain(|row| text.is_empty() || row.text.as_deref().is_some_and(|said| said.contains(text)));
        rows
    }

    /// granted = available + held + spent.
    #[track_caller]
    pub fn assert_credits(&self, tenant: &Tenant) {
        assert_conserved(&self.stand.engine.credits(tenant), &self.context);
    }

    /// A message of another tenant to the first of these recipients goes out: nobody's leftovers hold it.
    pub fn assert_others_may_send(&self) {
        let other = self.neighbour();
        let to = recipients(1).next().expect("one recipient");
        self.send(&other, &to, OTHERS_TEXT);
        self.eventually("the neighbour's message is on the wire", || {
            self.rows(OTHERS_TEXT).pop()
        });
    }
}

/// A simulator's scenario: what is answered takes a while, so that windows are full whenever a fault comes.
pub const SLOW_ANSWERS: &str = r#"
[answer]
delay = { uniform = ["20ms", "60ms"] }
[receipt]
delay = { uniform = ["0s", "300ms"] }
"#;

/// In every message of [`Ground::assert_others_may_send`], and in no other.
pub const OTHERS_TEXT: &str = "Lilas";

/// A text of that many segments, at least two, in GSM 03.38.
pub fn text_of_segments(segments: usize) -> String {
    // 153 characters a segment, when there are several (3GPP TS 23.040, 9.2.3.24.1).
    "rendez-vous ".repeat(segments * 153 / 12)
}
