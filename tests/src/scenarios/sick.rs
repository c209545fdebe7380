//! An SMSC falls sick beside a healthy one that serves half of the same campaign: the healthy one does not notice.

use std::time::Duration;

use lab::ledgers::{Circumstances, Comparison, compare};
use lab::{Row, Signal, SmscSettings};
use serde_json::{Value, json};

use super::ground::{Ground, LIMIT, Terms};
use super::run::{Figures, Run, Scenario};
use crate::programs::Lab;
use crate::sim::Sim;
use crate::tenant::{Campaign, CampaignOrder};

/// All of this file, with a minute of sickness, and the healthy one's rate judged.
pub const ALL: &[Scenario] = &[SILENT, DEAF, CLOSING];

/// It answers nothing.
pub const SILENT: Scenario = Scenario::new("sick-silent", |run| judged(run, Sickness::Silent));

/// It reads nothing.
pub const DEAF: Scenario = Scenario::new("sick-deaf", |run| judged(run, Sickness::Deaf));

/// It closes every connection.
pub const CLOSING: Scenario = Scenario::new("sick-closing", |run| judged(run, Sickness::Closing));

/// The same for some seconds: it is sick until the healthy one has had its half, and no time is judged.
pub const BRIEFLY: &[Scenario] = &[
    Scenario::new("briefly-silent", |run| briefly(run, Sickness::Silent)),
    Scenario::new("briefly-deaf", |run| briefly(run, Sickness::Deaf)),
    Scenario::new("briefly-closing", |run| briefly(run, Sickness::Closing)),
];

#[derive(Clone, Copy, Debug)]
enum Sickness {
    Silent,
    Deaf,
    Closing,
}

/// What each of the two takes, as configured.
const RATE: u64 = 300;

/// Of the healthy one's share, in percent of what it had in as long before.
const KEPT_MIN: u64 = 95;

/// How long the healthy one is watched before, and then beside the sick one.
const BEFORE_SECONDS: u64 = 10;
const SICK_SECONDS: u64 = 60;

/// Whoever gives up on the sick one does so soon; what it had is then in doubt.
const PATIENCE: &str = "response_timeout = \"5s\"\nenquire_link_interval = \"5s\"\nbind_timeout = \"2s\"";

/// What the sick one had and the engine gave up on is found dead first, and then the rest is sent.
const RECOVERY: Duration = Duration::from_secs(120);

/// Two simulators, each with half of one campaign.
struct Pair {
    ground: Ground,
    sick: Sim,
    campaign: Campaign,
    /// Messages in all.
    messages: usize,
}

fn judged(run: &Run, sickness: Sickness) -> Figures {
    // The healthy one must not run dry before it is over.
    let half = (RATE * (BEFORE_SECONDS + SICK_SECONDS + 10)) as usize;
    let pair = Pair::new(run, half);
    let healthy = &pair.ground.stand.sim;
    healthy.wait_for("accepted", RATE * BEFORE_SECONDS, LIMIT);
    pair.fall(sickness);
    let fell_after = healthy.totals().accepted;
    let limit = 2 * Duration::from_secs(SICK_SECONDS);
    healthy.wait_for("accepted", fell_after + RATE * SICK_SECONDS, limit);
    pair.recover(sickness);

    // A second of both sides' beginnings is left out.
    let times: Vec<u64> = healthy.ledger().iter().map(|row| row.received_at_us).collect();
    let fell_after = fell_after as usize;
    let before = per_second(&times[RATE as usize..fell_after]);
    let beside = per_second(&times[fell_after..fell_after + (RATE * SICK_SECONDS) as usize]);
    let kept = (100.0 * beside / before) as u64;
    assert!(
        kept >= KEPT_MIN,
        "{}: {before:.1} a second before, {beside:.1} beside the sick one",
        pair.ground.context
    );
    let mut figures = pair.end();
    figures.insert("healthy one, percent of its rate", kept);
    figures.insert("its rate beside the sick one, of ten seconds", (10.0 * beside) as u64);
    figures
}

fn briefly(run: &Run, sickness: Sickness) -> Figures {
    let mut dice = run.dice();
    let half = 3 * RATE as usize;
    let pair = Pair::new(run, half);
    let healthy = &pair.ground.stand.sim;
    healthy.wait_for("accepted", dice.roll(20..=RATE), LIMIT);
    pair.fall(sickness);
    healthy.wait_for("accepted", half as u64, LIMIT);
    pair.recover(sickness);
    pair.end()
}

/// Messages a second, between the first and the last.
fn per_second(times_us: &[u64]) -> f64 {
    let (first, last) = (times_us.iter().min(), times_us.iter().max());
    let seconds = last.zip(first).map_or(0.0, |(last, first)| (last - first) as f64 / 1e6);
    (times_us.len() - 1) as f64 / seconds
}

impl Pair {
    /// `half`: messages for each.
    fn new(run: &Run, half: usize) -> Self {
        let mut ground = Ground::new(run, &Terms::new(""));
        let sick = Lab::new(run.programs, &format!("{}s", run.directory())).sim("");
        let smsc = |name: &str, sim: &Sim| {
            SmscSettings::new(name, sim.smpp_address()).line(&format!("rate = \"{RATE}/s\"\n{PATIENCE}"))
        };
        let mut settings = ground.settings.clone();
        settings.smscs = vec![
            smsc("healthy", &ground.stand.sim).line("prefixes = [\"336\"]"),
            smsc("sick", &sick).line("prefixes = [\"337\"]"),
        ];
        ground.stand.engine.restart_with(&settings);
        // In turns, so that both have as much to do at any time.
        let numbers = (0..half).flat_map(|index| ["+3361", "+3376"].map(|prefix| format!("{prefix}{index:07}")));
        let recipients: Vec<Value> = numbers.map(|to| json!({ "to": to })).collect();
        let order = CampaignOrder::to_audience(&json!({ "recipients": recipients }));
        let campaign = ground.stand.tenant.order(&ground.stand.engine, &order);
        sick.wait_for("accepted", 1, LIMIT);
        Self {
            ground,
            sick,
            campaign,
            messages: 2 * half,
        }
    }

    fn fall(&self, sickness: Sickness) {
        match sickness {
            Sickness::Silent => self.sick.switch("[faults]\nmute = { after = 1 }\n"),
            Sickness::Deaf => self.sick.signal(Signal::STOP),
            Sickness::Closing => {
                self.sick.switch("[faults]\nconnect = { what = \"close\" }\n");
                self.sick.close_sessions();
            }
        }
    }

    fn recover(&self, sickness: Sickness) {
        match sickness {
            Sickness::Silent | Sickness::Closing => self.sick.switch_to("healthy"),
            Sickness::Deaf => self.sick.signal(Signal::CONT),
        }
    }

    /// Waits until every message has an end or is in doubt, and compares all three ledgers.
    fn end(&self) -> Figures {
        let (engine, context) = (&self.ground.stand.engine, &self.ground.context);
        let sims = [&self.ground.stand.sim, &self.sick];
        let what = format!("{context}: every message has an end or is in doubt");
        let view = self.campaign.wait(engine, &what, RECOVERY, |view| {
            let received = sims.iter().all(|sim| sim.receipts_are_in());
            received && view.progress.queued + view.status("transmitted") == 0
        });
        view.assert_adds_up();
        let rows: Vec<Row> = sims.iter().flat_map(|sim| sim.ledger()).collect();
        let listed = self.campaign.recipients(engine);
        let found = compare(self.messages as u64, &listed, &rows, Circumstances::Disturbed);
        let agreed = Comparison {
            billed: found.billed,
            ..Comparison::default()
        };
        assert_eq!(found, agreed, "{context}: the ledgers do not agree");
        let by_healthy = listed.iter().filter(|row| row.to.starts_with("+336"));
        let delivered_by_healthy = by_healthy.filter(|row| row.status == "delivered").count();
        assert_eq!(delivered_by_healthy, self.messages / 2, "{context}");
        self.ground.assert_credits(&self.ground.stand.tenant);
        Figures::from([
            ("delivered", view.status("delivered")),
            ("in doubt", view.progress.in_doubt),
        ])
    }
}
