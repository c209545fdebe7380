//! The story: a clinic, its credits, its patients, its campaign, and what came of it.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use lab::{
    Api, Campaign, CampaignBody, Engine, EngineSettings, Lane, Processes, Scenario, Scratch, Sim, SimSettings, Site,
    SmscSettings, Tenant, Totals, now, program,
};

use crate::report;

/// The scenario: which SMSC answers and receipts there will be, to the message.
const SCENARIO: &str = "fr-4379";

/// Patients of the clinic, as many as the scenario has outcomes for.
const PATIENTS: u32 = 4_379;

/// Credits that the reseller grants.
const GRANTED: u64 = 5_000;

/// What the simulated SMSC allows in a second: enough to be done soon, little enough to watch it.
const RATE: u32 = 1_000;

/// The clinic's text, as clinics write them.
const TEXT: &str = "Bonjour [Prenom] [Nom], votre cabinet d'ostéopathie déménage le 2 mars au 12 rue des Lilas. \
                    À bientôt ! STOP au 36180";

/// From the launch to the last receipt and the last credit.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the engine may take to end in order, its Redis included.
pub(crate) const SHUTDOWN_LIMIT: Duration = Duration::from_secs(25);

/// The programs. Dropped from top to bottom: the engine ends before its SMSC, and both before their directory.
pub(crate) struct Stand {
    engine: Engine,
    simulator: Sim,
    _scratch: Scratch,
}

impl Stand {
    /// Starts the simulator, and the engine bound to it.
    pub(crate) fn start(processes: &Processes, bin_dir: Option<&Path>) -> Result<Self> {
        let (campanile, smpp_sim) = (program(bin_dir, "campanile")?, program(bin_dir, "smpp-sim")?);
        let scratch = Scratch::temporary("campanile-demo-", false)?;
        let site = Site::new(processes, scratch.path());
        let scenario = Scenario::Named(SCENARIO.to_owned());
        let simulator = Sim::start(&site, &smpp_sim, &SimSettings::new(scenario))?;
        let smsc = SmscSettings::new("demo", simulator.smpp_address()).sessions(2);
        let smsc = smsc.line(&format!("rate = \"{RATE}/s\""));
        Ok(Self {
            engine: Engine::start(&site, &campanile, &EngineSettings::new(None, vec![smsc]))?,
            simulator,
            _scratch: scratch,
        })
    }

    /// Where a visitor may look.
    pub(crate) fn say_where(&self) {
        let Self { engine, simulator, .. } = self;
        let (api, key) = (engine.api().public().address(), engine.operator_key());
        let (admin, ledger) = (engine.admin().address(), simulator.http().address());
        println!("\n  Still running, until Ctrl-C:");
        println!("    API        http://{api}/v1  (operator key {key})");
        println!("    metrics    http://{admin}/metrics");
        println!(
            "    simulator  http://{ledger}/ledger/totals  (SMPP on {})",
            simulator.smpp_address()
        );
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // Whoever does not end in time is killed.
        self.engine.process().terminate(SHUTDOWN_LIMIT).ok();
    }
}

/// Tells it on standard output while it happens.
pub(crate) fn tell(stand: &Stand) -> Result<()> {
    println!(
        "Campanile: a clinic writes to its {PATIENTS} patients, through an embedded Redis and a simulated SMSC.\n"
    );
    let api = stand.engine.api();
    let clinic = api.enrol("Cabinet d'ostéopathie des Lilas", GRANTED)?;
    let before = api.credits(&clinic)?;
    let order = CampaignBody::new("Déménagement du cabinet".to_owned(), 0, PATIENTS)
        .with_text(TEXT)
        .with_sender("OSTEO")
        .in_lane(Lane::Marketing);
    let draft = api.create(&clinic, &order)?;
    let estimate = draft.estimate;
    println!(
        "  {} recipients, {} credits estimated",
        estimate.recipients, estimate.credits
    );

    let launched = now();
    api.launch(&clinic, &draft.id)?;
    let held = api.credits(&clinic)?;
    let done = watch(stand, api, (&clinic, &draft.id))?;
    let seconds = launched.elapsed().as_secs_f64();
    let after = api.credits(&clinic)?;

    print!("{}", report::table(&api.report(&clinic, &draft.id, "fr")?));
    print!("{}", report::credits(&before, &held, &after, done.credits.recredited));
    let rate = f64::from(PATIENTS) / seconds;
    println!("\n  {PATIENTS} messages from launch to last receipt in {seconds:.1} s: {rate:.0}/s");
    println!(
        "  (the SMSC of the demo allows {RATE}/s and takes up to 2 s for a receipt; see `make bench` for the engine's own pace)"
    );
    println!(
        "\n  Where to look next: README.md, `campanile serve --help`, and `make demo ARGS=--keep`, which leaves all this running."
    );
    Ok(())
}

/// Shows how far the campaign is, until nothing more is to come.
fn watch(stand: &Stand, api: &Api, (clinic, campaign): (&Tenant, &str)) -> Result<Campaign> {
    let bar = ProgressBar::new(PATIENTS.into());
    let style = ProgressStyle::with_template("  {bar:40} {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let done = stand.engine.process().wait_for("send the campaign", PATIENCE, || {
        let view = api.campaign(clinic, campaign)?;
        let totals = Totals::of(stand.simulator.http())?;
        let sent = view.with_status();
        bar.set_position(sent);
        bar.set_message(format!("{} receipts", totals.receipts_acked));
        // Every message costs one credit here; the books follow the messages.
        let booked = view.credits.recredited == view.status("recredited") && view.credits.held == 0;
        // The view was read first: receipts that came since are not in it yet.
        let silent = totals.accepted.saturating_sub(totals.receipts_due);
        let told = totals.receipts_open() == 0 && view.status("transmitted") == silent && sent == u64::from(PATIENTS);
        Ok((view.state == "completed" && told && booked).then_some(view))
    })?;
    bar.finish_and_clear();
    Ok(done)
}
