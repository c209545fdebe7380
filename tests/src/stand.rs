//! The usual set-up: one Redis, one simulator, one engine, one tenant.

use std::cell::RefCell;
use std::time::Duration;

use lab::{EngineSettings, PostgresServer, SmscSettings, poll};
use serde_json::json;

use crate::engine::Engine;
use crate::ledgers::Ledgers;
use crate::programs::{Lab, Programs};
use crate::redis_server::RedisServer;
use crate::sim::Sim;
use crate::tap::Tap;
use crate::tenant::{Campaign, Tenant};
use crate::wait::eventually_or;

/// Within so long after everything has ended both sides say the same.
const AGREED_WITHIN: Duration = Duration::from_secs(20);

/// Enough for every campaign of these tests, and far from any limit of the engine.
pub(crate) const CREDITS: u64 = 1_000_000;

/// Everything that one end-to-end test needs. Dropped from the top down: the engine ends before what it talks to.
#[derive(Debug)]
pub struct Stand {
    /// The engine, bound to the simulator.
    pub engine: Engine,
    /// The simulator.
    pub sim: Sim,
    /// The engine's Redis.
    pub redis: RedisServer,
    /// A tenant with a million credits.
    pub tenant: Tenant,
    lab: Lab,
}

impl Stand {
    /// `name`: the test's, unique. `scenario`: the simulator's, in TOML. `adapt`: the bind's settings, if they are special.
    pub fn new(
        programs: Programs,
        name: &str,
        scenario: &str,
        adapt: impl FnOnce(SmscSettings) -> SmscSettings,
    ) -> Self {
        Self::with(programs, name, scenario, |_, smsc| adapt(smsc))
    }

    /// The same with a tap on the wire between engine and simulator.
    pub fn tapped(
        programs: Programs,
        name: &str,
        scenario: &str,
        adapt: impl FnOnce(SmscSettings) -> SmscSettings,
    ) -> (Self, Tap) {
        let mut tap = None;
        let stand = Self::with(programs, name, scenario, |sim, smsc| {
            let tap = tap.insert(Tap::new(sim.smpp_address()));
            adapt(smsc).at(&tap.address())
        });
        (stand, tap.expect("made with the settings"))
    }

    fn with(
        programs: Programs,
        name: &str,
        scenario: &str,
        adapt: impl FnOnce(&Sim, SmscSettings) -> SmscSettings,
    ) -> Self {
        let lab = Lab::new(programs, name);
        Self::under(lab, scenario, |redis, sim| {
            let smsc = adapt(sim, SmscSettings::new("north", sim.smpp_address()));
            EngineSettings::new(Some(redis.url()), vec![smsc])
        })
    }

    /// With an engine under the settings that are made for that Redis and that simulator.
    pub fn under(lab: Lab, scenario: &str, settings: impl FnOnce(&RedisServer, &Sim) -> EngineSettings) -> Self {
        let redis = lab.redis();
        let sim = lab.sim(scenario);
        let engine = lab.engine(&settings(&redis, &sim));
        let tenant = engine.tenant("Cabinet Martin", CREDITS);
        Self {
            engine,
            sim,
            redis,
            tenant,
            lab,
        }
    }

    /// Settings for [`Self::under`]: that simulator as the only SMSC, and webhooks to receivers of this machine.
    pub fn with_webhooks(redis: &RedisServer, sim: &Sim) -> EngineSettings {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings
            .tables
            .push("[webhooks]\nallow = [\"127.0.0.1/32\"]".to_owned());
        settings
    }

    /// The same on a PostgreSQL, which the caller keeps for as long as the stand.
    pub fn on_postgres(lab: Lab) -> (PostgresServer, Self) {
        let server = lab.postgres();
        let table = format!("[database]\nurl = \"{}\"", server.url());
        let stand = Self::under(lab, "", |redis, sim| {
            let mut settings = Self::with_webhooks(redis, sim);
            settings.tables.push(table);
            settings
        });
        (server, stand)
    }

    /// The test's directory and programs.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Gives a number of France to tenants.
    pub fn give_number(&self, number: &str, tenants: &[&Tenant]) {
        let operator = self.engine.operator();
        let number = json!({ "number": number, "country": "FR" });
        let kept = operator.post("/v1/inventory", &number).expect(201);
        let id = kept["id"].as_str().expect("an id");
        for tenant in tenants {
            let path = format!("/v1/tenants/{}/numbers/{id}", tenant.id);
            operator.ask("PUT", &path, None).expect(200);
        }
    }

    /// Launches a campaign to the first `messages` recipients.
    pub fn launch(&self, messages: usize) -> Campaign {
        self.tenant.launch(&self.engine, messages)
    }

    /// Waits until nothing moves any more: all is submitted, and each receipt that is due is acknowledged and counted.
    ///
    /// For one campaign of one segment a message, whose receipts all say DELIVRD.
    pub fn wait_until_settled(&self, campaign: &Campaign, limit: Duration) {
        let last = RefCell::new(String::new());
        let settled = || {
            let view = campaign.view(&self.engine);
            // Whom it means is not known yet.
            if view.state == "resolving" {
                return None;
            }
            view.assert_adds_up();
            let totals = self.sim.totals();
            let moving = view.progress.queued + view.status("transmitted");
            let receipts_out = totals.receipts_due - totals.receipts_acked;
            let uncounted = view.status("delivered") != totals.receipts_due - totals.duplicates;
            last.replace(format!("{view:?}, simulator {totals:?}"));
            // The books follow the messages after a moment: what is held then is what is in doubt, one credit each.
            let unbooked = view.credits.held != view.progress.in_doubt;
            (moving == 0 && receipts_out == 0 && !uncounted && !unbooked).then_some(())
        };
        eventually_or(limit, settled, || {
            format!(
                "not settled within {limit:?}: {}{}",
                last.borrow(),
                self.engine.process().last_words()
            )
        });
    }

    /// Reads both ledgers and checks what holds after any fault.
    #[track_caller]
    pub fn consistent_ledgers(&self, campaign: &Campaign, messages: usize, context: &str) -> Ledgers {
        let read = || Ledgers::read(&self.engine, &self.sim, &self.tenant, campaign, context);
        // A receipt that waited for its message is looked at once more when that is in doubt, and it counts as acknowledged before.
        let agreed = poll(AGREED_WITHIN, || Some(read()).filter(|ledgers| ledgers.agree(messages)));
        let ledgers = agreed.unwrap_or_else(read);
        ledgers.assert_consistent(messages);
        ledgers
    }

    /// Waits until nothing moves any more, and checks that the ledgers agree and every message is delivered.
    #[track_caller]
    pub fn all_delivered(&self, campaign: &Campaign, messages: usize, limit: Duration) {
        self.wait_until_settled(campaign, limit);
        let ledgers = self.consistent_ledgers(campaign, messages, "all are to be delivered");
        let view = ledgers.view();
        assert_eq!(view.status("delivered"), messages as u64, "{view:?}");
    }
}
