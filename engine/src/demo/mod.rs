//! `campanile demo`: the main job in one go. It does what a reseller would do, over HTTP, to an ordinary engine that is
//! bound to an ordinary SMSC; the engine knows nothing of it.

mod client;
mod patients;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use smpp_sim::{Running, Scenario};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::config::{Config, Rate, Secret, Smsc};
use crate::run::{Ready, RunFault, run};
use crate::shutdown::Shutdown;
use client::{Client, Refused};
use report::Credits;

/// The scenario: which SMSC answers and receipts there will be, to the message.
const SCENARIO: &str = "fr-4379";

/// Patients of the clinic, as many as the scenario has outcomes for.
const PATIENTS: u64 = 4_379;

/// Credits that the reseller grants.
const GRANTED: u64 = 5_000;

/// What the simulated SMSC allows in a second: enough to be done soon, little enough to watch it.
const RATE: u32 = 1_000;

/// The clinic's text, as clinics write them.
const TEXT: &str = "Bonjour [Prenom] [Nom], votre cabinet d'ostéopathie déménage le 2 mars au 12 rue des Lilas. \
                    À bientôt ! STOP au 36180";

/// The demo is over after that long, whatever happens.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to run the demo.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// Leave engine and simulator running afterwards, until Ctrl-C, and say where they are.
    #[arg(long)]
    keep: bool,
}

/// Why the demo did not come to its end.
#[derive(Debug, thiserror::Error)]
enum DemoFault {
    #[error(transparent)]
    Engine(#[from] RunFault),
    #[error("the engine ended during the demo")]
    Ended,
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the simulator cannot start: {0}")]
    Simulator(String),
    #[error("not done after {PATIENCE:?}: {0}")]
    Late(Value),
    #[error("cannot use a temporary folder: {0}")]
    Folder(#[source] std::io::Error),
}

/// Runs it.
pub(crate) async fn show(options: Options) -> ExitCode {
    match demo(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("campanile demo: {fault}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(options: Options) -> Result<(), DemoFault> {
    let folder = std::env::temp_dir().join(format!("campanile-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(DemoFault::Folder)?;
    let shutdown = Shutdown::default();
    let simulator = simulator().await?;
    let (told, ready) = oneshot::channel();
    let config = config(&simulator, folder.clone());
    let engine = run(config, shutdown.clone(), move |ready: &Ready| {
        let _nobody_waits = told.send(ready.clone());
    });
    let story = async {
        let ready = ready.await.map_err(|_| DemoFault::Ended)?;
        let told = tell(&ready, &simulator).await;
        if options.keep && told.is_ok() {
            stay(&ready, &simulator).await;
        }
        shutdown.orderly.cancel();
        told
    };
    let (ended, told) = tokio::join!(engine, story);
    simulator.stop().await;
    let _left_behind = std::fs::remove_dir_all(&folder);
    ended?;
    told
}

async fn simulator() -> Result<Running, DemoFault> {
    let scenario = Scenario::named(SCENARIO).map_err(|fault| DemoFault::Simulator(fault.to_string()))?;
    let started = smpp_sim::start(scenario, smpp_sim::Options::ephemeral()).await;
    started.map_err(|fault| DemoFault::Simulator(fault.to_string()))
}

fn config(simulator: &Running, data_dir: PathBuf) -> Config {
    let smsc = Smsc {
        password: Secret::new("secret"),
        window: 100,
        sessions: 2,
        rate: Some(Rate::per_second(RATE)),
        ..Smsc::new("demo", simulator.smpp_addr.to_string(), "campanile")
    };
    let mut config = Config {
        smsc: vec![Arc::new(smsc)],
        ..Config::default()
    };
    config.api.listen.set_port(0);
    config.admin.listen.set_port(0);
    config.redis.data_dir = data_dir;
    config
}

/// The story: a clinic, its credits, its patients, its campaign, and what came of it.
async fn tell(ready: &Ready, simulator: &Running) -> Result<(), DemoFault> {
    let operator = Client::new(ready.api, ready.new_operator_key.clone().unwrap_or_default());
    println!(
        "Campanile: a clinic writes to its {PATIENTS} patients, through an embedded Redis and a simulated SMSC.\n"
    );
    let clinic = operator
        .post("/v1/tenants", json!({ "name": "Cabinet d'ostéopathie des Lilas" }))
        .await?;
    let id = text(&clinic, "id");
    let tenant = Client::new(ready.api, text(&clinic, "api_key"));
    operator
        .post(
            &format!("/v1/tenants/{id}/credits"),
            json!({ "amount": GRANTED, "reference": "demo" }),
        )
        .await?;
    let before = Credits::of(&operator.get(&format!("/v1/tenants/{id}")).await?);

    let order = json!({
        "name": "Déménagement du cabinet",
        "text": TEXT,
        "sender": "OSTEO",
        "purpose": "marketing",
        "audience": { "recipients": patients::all(PATIENTS) },
    });
    let campaign = tenant.post("/v1/campaigns", order).await?;
    let path = format!("/v1/campaigns/{}", text(&campaign, "id"));
    println!(
        "  {} recipients, {} credits estimated",
        campaign["estimate"]["recipients"], campaign["estimate"]["credits"]
    );

    let clock = Clock::new();
    let since = clock.now();
    tenant.post(&format!("{path}/launch"), json!({})).await?;
    let held = Credits::of(&operator.get(&format!("/v1/tenants/{id}")).await?);
    let done = watch(&tenant, &path, simulator).await?;
    let took = clock.now() - since;
    let after = Credits::of(&operator.get(&format!("/v1/tenants/{id}")).await?);

    print!("{}", report::table(&done));
    print!(
        "{}",
        report::credits(
            &before,
            &held,
            &after,
            done["credits"]["recredited"].as_u64().unwrap_or(0)
        )
    );
    let rate = PATIENTS as f64 / took.as_secs_f64();
    println!(
        "\n  {PATIENTS} messages from launch to last receipt in {:.1} s: {rate:.0}/s",
        took.as_secs_f64()
    );
    println!(
        "  (the SMSC of the demo allows {RATE}/s and takes up to 2 s for a receipt; see `make bench` for the engine's own pace)"
    );
    println!(
        "\n  Where to look next: README.md, `campanile serve --help`, and `campanile demo --keep`, which leaves all this running."
    );
    Ok(())
}

/// Shows how far it is, until nothing more is to come.
async fn watch(tenant: &Client, path: &str, simulator: &Running) -> Result<Value, DemoFault> {
    let bar = ProgressBar::new(PATIENTS);
    let style = ProgressStyle::with_template("  {bar:40} {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let clock = Clock::new();
    let deadline = clock.now() + PATIENCE;
    loop {
        let view = tenant.get(path).await?;
        let totals = simulator.handle.totals();
        let statuses = view["statuses"].as_object().into_iter().flatten();
        let sent: u64 = statuses.filter_map(|(_, count)| count.as_u64()).sum();
        bar.set_position(sent);
        bar.set_message(format!("{} receipts", totals.receipts_acked));
        // Every message costs one credit here; the books follow the messages.
        let booked = view["credits"]["recredited"] == view["statuses"]["recredited"] && view["credits"]["held"] == 0;
        let told = totals.receipts_acked == totals.receipts_due && sent == PATIENTS;
        if view["state"] == "completed" && told && booked {
            bar.finish_and_clear();
            return Ok(view);
        }
        if clock.now() > deadline {
            return Err(DemoFault::Late(view));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn stay(ready: &Ready, simulator: &Running) {
    println!("\n  Still running, until Ctrl-C:");
    println!(
        "    API        http://{}/v1  (operator key {})",
        ready.api,
        ready.new_operator_key.as_deref().unwrap_or("-")
    );
    println!("    metrics    http://{}/metrics", ready.admin);
    println!(
        "    simulator  http://{}/ledger/totals  (SMPP on {})",
        simulator.http_addr, simulator.smpp_addr
    );
    let _interrupted = tokio::signal::ctrl_c().await;
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
