//! Three engines on one Redis, one after the other killed, ended in order, stopped and woken, or cut off from Redis, while the others
//! go on.

use lab::{EngineSettings, Signal, SmscSettings};
use serde_json::Value;

use super::Dice;
use super::ground::{Ground, SLOW_ANSWERS};
use super::run::{Figures, Run, Scenario};
use crate::drawbridge::Drawbridge;
use crate::engine::Engine;
use crate::programs::Lab;
use crate::stand::Stand;
use crate::tenant::Campaign;

/// All of this file.
pub const ALL: &[Scenario] = &[KILLED, ROLLED, STOPPED, CUT_OFF, CUT_OFF_AND_KILLED];

/// Engines are killed, and started again.
pub const KILLED: Scenario = Scenario::new("engines-killed", |run| {
    hold(run, &[Fault::Kill, Fault::Kill, Fault::Kill])
});

/// Each is ended in order and started again, as with an upgrade.
pub const ROLLED: Scenario = Scenario::new("engines-rolled", |run| {
    hold(run, &[Fault::Roll, Fault::Roll, Fault::Roll])
});

/// One is stopped until others have what it had, another for a moment.
pub const STOPPED: Scenario = Scenario::new("engines-stopped", |run| hold(run, &[Fault::Stop, Fault::Blink]));

/// One cannot reach Redis, while its sessions live, until others have what it had.
pub const CUT_OFF: Scenario = Scenario::new("engines-cut-off", |run| hold(run, &[Fault::Cut]));

/// The same, and others are killed meanwhile.
pub const CUT_OFF_AND_KILLED: Scenario = Scenario::new("engines-cut-and-killed", |run| hold(run, &[Fault::CutAndKill]));

const ENGINES: usize = 3;

/// So that faults come while there is work.
const RATE: &str = "rate = \"350/s\"";
const MESSAGES: usize = 3_500;

const WINDOW: u32 = 50;

/// How far the campaign goes on between two faults.
const STRIDE: std::ops::RangeInclusive<u64> = 50..=300;

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    Roll,
    /// Until others have its sessions.
    Stop,
    /// For a moment.
    Blink,
    Cut,
    CutAndKill,
}

impl Fault {
    /// How many windows may be in doubt after it: what was written by an engine that has no memory of it any more.
    const fn windows(self) -> u64 {
        match self {
            Self::Roll | Self::Blink => 0,
            Self::Kill | Self::Stop | Self::Cut => 1,
            Self::CutAndKill => 2,
        }
    }
}

/// The first is the ground's; the last one's way to Redis has a drawbridge.
struct Company {
    ground: Ground,
    others: Vec<Engine>,
    bridge: Drawbridge,
}

impl Company {
    fn new(run: &Run) -> Self {
        let mut settings = EngineSettings::new(None, Vec::new());
        let stand = Stand::under(Lab::new(run.programs, &run.directory()), SLOW_ANSWERS, |redis, sim| {
            let smsc = SmscSettings::new("north", sim.smpp_address()).window(WINDOW).line(RATE);
            settings = EngineSettings::new(Some(redis.url()), vec![smsc.sessions(ENGINES as u32)]);
            settings.clone()
        });
        let bridge = Drawbridge::new(&stand.redis.url());
        let mut others = vec![stand.engine.beside("second")];
        stand.engine.configure(&EngineSettings {
            redis_url: Some(bridge.url()),
            ..settings.clone()
        });
        others.push(stand.engine.beside("bridged"));
        stand.engine.configure(&settings);
        let ground = Ground {
            stand,
            settings,
            context: run.context(),
        };
        let company = Self { ground, others, bridge };
        company.ground.eventually("each has a session", || {
            (company.sessions(0) == [1; ENGINES]).then_some(())
        });
        company
    }

    fn engine(&self, at: usize) -> &Engine {
        match at.checked_sub(1) {
            None => &self.ground.stand.engine,
            Some(at) => &self.others[at],
        }
    }

    fn engine_mut(&mut self, at: usize) -> &mut Engine {
        match at.checked_sub(1) {
            None => &mut self.ground.stand.engine,
            Some(at) => &mut self.others[at],
        }
    }

    /// How many sessions each engine has that one of them knows of.
    fn sessions(&self, at: usize) -> Vec<u64> {
        let engines = self.engine(at).admin().get("/v1/engines").expect(200);
        let count = |engine: &Value| engine["sessions"][0]["sessions"].as_u64().unwrap_or(0);
        engines["data"].as_array().expect("a list").iter().map(count).collect()
    }

    /// Waits until the others have all sessions, as that one of them says.
    fn wait_for_heirs(&self, victim: usize, heir: usize) {
        let pid = self.engine(victim).process().pid();
        self.ground.eventually("others have its sessions", || {
            let engines = self.engine(heir).admin().get("/v1/engines").expect(200);
            let engines = engines["data"].as_array().expect("a list").clone();
            let others = engines.iter().filter(|engine| engine["pid"] != pid);
            let sum: u64 = others
                .map(|engine| engine["sessions"][0]["sessions"].as_u64().unwrap_or(0))
                .sum();
            (sum == ENGINES as u64).then_some(())
        });
    }

    fn suffer(&mut self, fault: Fault, victim: usize, progress: &mut Progress) {
        let heir = (victim + 1) % ENGINES;
        match fault {
            Fault::Kill => {
                self.engine(victim).kill();
                progress.go_on(self);
                self.engine_mut(victim).restart();
            }
            Fault::Roll => {
                assert!(self.engine(victim).shut_down().success());
                progress.go_on(self);
                self.engine_mut(victim).restart();
            }
            Fault::Blink => {
                self.engine(victim).signal(Signal::STOP);
                progress.go_on(self);
                self.engine(victim).signal(Signal::CONT);
            }
            Fault::Stop => {
                self.engine(victim).signal(Signal::STOP);
                self.wait_for_heirs(victim, heir);
                self.engine(victim).signal(Signal::CONT);
            }
            Fault::Cut | Fault::CutAndKill => {
                let bridged = ENGINES - 1;
                self.bridge.raise();
                if matches!(fault, Fault::CutAndKill) {
                    self.engine(0).kill();
                    self.wait_for_heirs(bridged, 1);
                    self.engine_mut(0).restart();
                } else {
                    self.wait_for_heirs(bridged, 0);
                }
                self.bridge.lower();
            }
        }
    }
}

/// How far the campaign has to have come for the next fault.
struct Progress {
    dice: Dice,
    accepted: u64,
}

impl Progress {
    fn go_on(&mut self, company: &Company) {
        let now = company.ground.stand.sim.totals().accepted;
        self.accepted = (now + self.dice.roll(STRIDE)).min(MESSAGES as u64 / 2);
        let what = format!("{} are accepted", self.accepted);
        company.ground.eventually(&what, || {
            (company.ground.stand.sim.totals().accepted >= self.accepted).then_some(())
        });
    }
}

fn hold(run: &Run, faults: &[Fault]) -> Figures {
    let mut company = Company::new(run);
    let campaign = company.ground.stand.launch(MESSAGES);
    let mut progress = Progress {
        dice: run.dice(),
        accepted: 0,
    };
    let first = progress.dice.roll(0..=ENGINES as u64 - 1) as usize;
    for (at, fault) in faults.iter().enumerate() {
        progress.go_on(&company);
        company.suffer(*fault, (first + at) % ENGINES, &mut progress);
    }
    let windows: u64 = faults.iter().map(|fault| fault.windows()).sum();
    balance(&company, &campaign, windows * u64::from(WINDOW))
}

/// Nothing is lost or doubled, and no more is in doubt than that.
fn balance(company: &Company, campaign: &Campaign, doubts: u64) -> Figures {
    let ground = &company.ground;
    let view = ground.wait_until_ended(campaign, 1);
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    ground.stand.consistent_ledgers(campaign, MESSAGES, &ground.context);
    assert!(
        view.progress.in_doubt <= doubts,
        "{}: at most {doubts} may be in doubt: {view:?}",
        ground.context
    );
    ground.eventually("all are there, and each has a session again", || {
        (company.sessions(0) == [1; ENGINES]).then_some(())
    });
    Figures::from([
        ("delivered", view.status("delivered")),
        ("in doubt", view.progress.in_doubt),
    ])
}
