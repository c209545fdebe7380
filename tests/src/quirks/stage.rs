//! Some scenarios beside each other: one Redis, one simulator with an SMSC for each, one engine with an account at each, and a
//! tenant with a campaign for each.

use std::collections::BTreeMap;
use std::time::Duration;

use lab::ledgers::{Circumstances, Comparison, compare};
use lab::{EngineSettings, Listed, Row, SmscSettings, Totals};

use serde::Deserialize;

use super::case::Case;
use super::people::{Person, order, people, prefix};
use crate::engine::Engine;
use crate::fail::OrFail;
use crate::ledgers::assert_conserved;
use crate::programs::{Lab, Programs};
use crate::redis_server::RedisServer;
use crate::sim::Sim;
use crate::tenant::{Campaign, CampaignOrder, Tenant};

/// Far above what the slowest scenario takes beside the others.
const LIMIT: Duration = Duration::from_secs(30);

/// More than the campaign of one scenario costs.
const CREDITS: u64 = 10_000;

/// Everything that runs. Dropped from the top down: the engine ends before what it talks to.
pub struct Stage {
    runs: Vec<Run>,
    engine: Engine,
    sim: Sim,
    _redis: RedisServer,
    _lab: Lab,
}

/// How hard it is made for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// As the scenario says.
    Usual,
    /// Receipts do not say whom they are about: only ids are left.
    WithoutAddresses,
    /// Two tenants write to the same people at once: only ids tell whose receipt it is.
    TwoToEach,
    /// Receipts come from the sender, which is a telephone's number, to the recipient.
    Turned,
}

impl Trial {
    /// Who writes, as the handset shows it.
    const fn senders(self) -> &'static [&'static str] {
        match self {
            Self::Usual | Self::WithoutAddresses => &["Clinique"],
            Self::TwoToEach => &["Clinique", "Cabinet"],
            Self::Turned => &["+33712345678"],
        }
    }

    /// How the simulator writes the addresses of receipts.
    const fn addresses(self) -> &'static str {
        match self {
            Self::Usual | Self::TwoToEach => "usual",
            Self::WithoutAddresses => "missing",
            Self::Turned => "swapped",
        }
    }

    /// What the account needs for it.
    const fn setting(self) -> Option<&'static str> {
        match self {
            Self::Usual | Self::TwoToEach | Self::Turned => None,
            Self::WithoutAddresses => Some("receipts_by_id = true"),
        }
    }
}

/// One scenario under way.
struct Run {
    case: Case,
    /// Of its SMSC, at the simulator and in the engine.
    name: String,
    people: Vec<Person>,
    mailings: Vec<Mailing>,
}

/// One tenant's campaign.
struct Mailing {
    sender: &'static str,
    tenant: Tenant,
    campaign: Campaign,
}

/// A receipt that fits no message.
#[derive(Deserialize)]
struct Parked {
    smsc: String,
}

impl Mailing {
    /// The sender as it is submitted.
    fn source(&self) -> &str {
        self.sender.trim_start_matches('+')
    }
}

/// What became of one scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which.
    pub case: Case,
    /// Where the ledgers of engine and simulator do not agree.
    pub comparison: Comparison,
    /// Status → messages, as the engine has it.
    pub statuses: BTreeMap<String, u64>,
    /// Messages whose status is not the one that their number says, in words.
    pub wrong: Vec<String>,
    /// Receipts that stay parked.
    pub parked: u64,
    /// Final receipts that the simulator owed, copies included.
    pub receipts: u64,
    /// command_status → submissions that the simulator answered so.
    pub answers: BTreeMap<String, u64>,
}

impl Outcome {
    fn add(&mut self, found: Comparison, listed: &[Listed], wrong: Vec<String>) {
        let all = &mut self.comparison;
        all.lost += found.lost;
        all.doubled += found.doubled;
        all.wrong_status += found.wrong_status;
        all.billed += found.billed;
        all.examples.extend(found.examples);
        self.wrong.extend(wrong);
        for message in listed {
            *self.statuses.entry(message.status.clone()).or_default() += 1;
        }
    }
}

impl Stage {
    /// Starts everything, and sends. `name`: the test's, unique.
    pub fn new(programs: Programs, name: &str, trial: Trial, cases: Vec<Case>) -> Self {
        let lab = Lab::new(programs, name);
        let redis = lab.redis();
        let names: Vec<String> = (0..cases.len()).map(|place| format!("quirk-{place}")).collect();
        let sim = lab.several_smscs(&scenario(trial, &names, &cases));
        let accounts = names.iter().zip(&cases).enumerate();
        let smscs = accounts.map(|(place, (name, case))| account(trial, (place, name), case, &sim));
        let engine = lab.engine(&EngineSettings::new(Some(redis.url()), smscs.collect()));
        let runs = names.into_iter().zip(cases).enumerate();
        let runs = runs.map(|(place, (name, case))| Run::launch(&engine, trial, (place, name), case));
        Self {
            runs: runs.collect(),
            engine,
            sim,
            _redis: redis,
            _lab: lab,
        }
    }

    /// Waits until each scenario is at rest, and compares.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = self
            .runs
            .iter()
            .map(|run| run.outcome(&self.engine, &self.sim))
            .collect();
        let admin = lab::Engine::admin(&self.engine);
        let parked: Vec<Parked> = admin.pages("/v1/receipts/parked?limit=100").or_fail();
        for (outcome, run) in outcomes.iter_mut().zip(&self.runs) {
            outcome.parked = parked.iter().filter(|receipt| receipt.smsc == run.name).count() as u64;
        }
        outcomes
    }
}

/// The simulator's scenario: an SMSC for each, with the numbers that have a fate of their own.
fn scenario(trial: Trial, names: &[String], cases: &[Case]) -> String {
    let smscs = names.iter().zip(cases).map(|(name, case)| {
        let mut smsc = case.scenario.clone();
        let dialect = table_in(table_in(&mut smsc, "receipt"), "dialect");
        dialect.insert("addresses".to_owned(), trial.addresses().into());
        smsc.insert("name".to_owned(), name.clone().into());
        smsc.insert("listen".to_owned(), "127.0.0.1:0".into());
        smsc.insert("magic".to_owned(), true.into());
        if let Some(scale) = case.known.stage.time_scale {
            smsc.insert("time_scale".to_owned(), scale.into());
        }
        toml::Value::Table(smsc)
    });
    let mut whole = toml::Table::new();
    whole.insert("name".to_owned(), "quirks".into());
    whole.insert("smsc".to_owned(), smscs.collect::<Vec<_>>().into());
    whole.to_string()
}

/// The table of that name in another, made if there is none.
fn table_in<'a>(table: &'a mut toml::Table, name: &str) -> &'a mut toml::Table {
    let entry = table.entry(name).or_insert_with(|| toml::Table::new().into());
    entry.as_table_mut().expect("a table")
}

fn account(trial: Trial, (place, name): (usize, &str), case: &Case, sim: &Sim) -> SmscSettings {
    let address = sim.smpp_address_of(name).expect("the simulator has that SMSC");
    let smsc = SmscSettings::new(name, address);
    let smsc = match &case.known.preset {
        Some(preset) => smsc.preset(preset),
        None => smsc
            .sessions(case.known.stage.sessions.unwrap_or(1))
            .bind(case.known.bind.as_deref().unwrap_or("transceiver")),
    };
    let smsc = smsc.line(&format!("prefixes = [\"{}\"]", prefix(place)));
    let settings = case.known.settings.iter().map(String::as_str);
    settings.chain(trial.setting()).fold(smsc, SmscSettings::line)
}

impl Run {
    fn launch(engine: &Engine, trial: Trial, (place, name): (usize, String), case: Case) -> Self {
        let people = people(place, &case.known);
        let mailing = |sender: &&'static str| {
            let tenant = engine.tenant(&format!("{} {sender}", case.name), CREDITS);
            let body = order(&people, sender);
            Mailing {
                sender,
                campaign: tenant.order(engine, &CampaignOrder { body }),
                tenant,
            }
        };
        Self {
            mailings: trial.senders().iter().map(mailing).collect(),
            case,
            name,
            people,
        }
    }

    fn outcome(&self, engine: &Engine, sim: &Sim) -> Outcome {
        // What does not come to rest as it should is for the comparison to tell.
        let _in_time = lab::poll(LIMIT, || self.rests(engine, sim).then_some(()));
        let rows = Row::some(sim.http(), &format!("smsc={}", self.name)).or_fail();
        let totals = Totals::of_smsc(sim.http(), &self.name).or_fail();
        let mut outcome = Outcome {
            case: self.case.clone(),
            comparison: Comparison::default(),
            statuses: BTreeMap::new(),
            wrong: Vec::new(),
            parked: 0,
            receipts: totals.receipts_due,
            answers: totals.by_status,
        };
        for mailing in &self.mailings {
            assert_conserved(&engine.credits(&mailing.tenant), &self.case.name);
            let listed = mailing.campaign.recipients(engine);
            let own: Vec<Row> = rows
                .iter()
                .filter(|row| row.source == mailing.source())
                .cloned()
                .collect();
            let found = compare(self.people.len() as u64, &listed, &own, Circumstances::Undisturbed);
            outcome.add(found, &listed, self.wrong(&listed));
        }
        outcome
    }

    /// Whether all is submitted, every receipt acknowledged, and each status what it should be.
    fn rests(&self, engine: &Engine, sim: &Sim) -> bool {
        let totals = Totals::of_smsc(sim.http(), &self.name).or_fail();
        let expected = self.expected();
        let ended = |mailing: &Mailing| {
            let view = mailing.campaign.view(engine);
            let mut statuses = view.statuses.iter();
            view.progress.queued == 0
                && statuses.all(|(status, count)| expected.get(status.as_str()).copied().unwrap_or_default() == *count)
        };
        totals.receipts_due == totals.receipts_acked && self.mailings.iter().all(ended)
    }

    fn expected(&self) -> BTreeMap<&str, u64> {
        let mut expected = BTreeMap::new();
        for person in &self.people {
            *expected.entry(person.status.as_str()).or_default() += 1;
        }
        expected
    }

    fn wrong(&self, listed: &[Listed]) -> Vec<String> {
        let said: BTreeMap<&str, &str> = listed
            .iter()
            .map(|message| (message.to.as_str(), message.status.as_str()))
            .collect();
        let wrong = self.people.iter().filter_map(|person| {
            let is = said.get(person.to.as_str()).copied().unwrap_or("not listed");
            let length = if person.long { "long" } else { "short" };
            (is != person.status).then(|| format!("{} ({length}) is {is}, not {}", person.to, person.status))
        });
        wrong.collect()
    }
}
