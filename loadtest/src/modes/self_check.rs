//! `loadtest self-check`: what this machine's generator can do, against a simulator in the same process.

use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result};
use smpp_sim::{Options, Scenario};
use tokio::sync::oneshot;

use crate::cli::{Asked, SelfCheckArguments};
use crate::esme::{self, Account, Book, Observer, Outcome, Plan, Rules, Target};
use crate::failure::MISSED;
use crate::load::{Arrivals, Limits, Rate, Schedule, Shape};
use crate::results::Results;
use crate::traffic::{Mix, Numbers, Traffic};
use crate::{clock, machine, report};

/// The constant rate that is tried is this share of what the closed model reached...
const SHARE: f64 = 0.3;

/// ...for so long, in seconds...
const CONSTANT_SECONDS: u64 = 5;

/// ...and no whole second of it may have another count than the rate's, by more than this share.
const DEVIATION_MAX: f64 = 0.02;

/// Receipts come within a second; longer means that something is wrong.
const DRAIN_US: u64 = 20_000_000;

/// Loads the simulator twice, closed and at a constant rate, and reports the closed run; the exit code.
pub(crate) fn run(asked: &Asked, arguments: &SelfCheckArguments) -> Result<u8> {
    arguments.outputs.check()?;
    let started_at = clock::date_and_time();
    let simulator = Simulator::start()?;
    let closed = Limits {
        count: arguments.count,
        length_us: u64::MAX,
        backlog_max: 1,
    };
    let mut outcome = load(arguments, &simulator.address, Schedule::closed(closed))?;
    let mut results = esme::results(&mut outcome, 0);
    let rate = (results.rates.submits_per_second * SHARE).floor().max(1.0);
    let open = Limits {
        count: u64::MAX,
        length_us: CONSTANT_SECONDS * 1_000_000,
        backlog_max: arguments.count,
    };
    let arrivals = Arrivals::even(Shape::constant(Rate(rate)));
    let mut outcome = load(arguments, &simulator.address, Schedule::open(arrivals, open))?;
    let constant = esme::results(&mut outcome, 0);
    simulator.stop();

    let deviation = deviation(&constant, rate);
    results.notes.push(format!(
        "at a constant {rate} a second, the worst second was off by {:.2} %, 99 % of the wake-ups were at most {:.1} ms late",
        deviation * 100.0,
        outcome.pulse.lag.percentile_ms(99.0),
    ));
    if deviation > DEVIATION_MAX {
        results.saturation.push(format!(
            "at {rate} a second, a second was off by {:.1} %",
            deviation * 100.0
        ));
    }
    machine::head(&mut results, &asked.mode, arguments.seed, asked.configuration.clone());
    results.started_at = started_at;
    report::write(&results, &arguments.outputs)?;
    let sound = results.counts.lost + results.counts.doubled + constant.counts.lost + constant.counts.doubled == 0;
    Ok(if sound { 0 } else { MISSED })
}

fn load(arguments: &SelfCheckArguments, address: &str, schedule: Schedule) -> Result<Outcome> {
    let kinds = ["gsm7:1=1".parse().map_err(anyhow::Error::msg)?];
    let mix = Mix::of_kinds(&kinds, 120)?;
    let senders = vec!["CLINIQUE".parse().map_err(anyhow::Error::msg)?];
    let plan = Plan {
        target: Target {
            address: address.to_owned(),
            tls: None,
        },
        account: Account {
            system_id: "self-check".to_owned(),
            password: String::new(),
            system_type: String::new(),
            interface_version: 0x34,
        },
        sessions: vec![smpp::frame::BindKind::Transceiver; arguments.sessions as usize],
        window: arguments.window as usize,
        timers: crate::cli::ordinary_timers(),
        reconnects: 0,
        traffic: Traffic::new(Numbers::under("336", arguments.seed)?, senders, mix, arguments.seed),
    };
    let rules = Rules {
        warm_up_us: 0,
        drain_us: DRAIN_US,
        outstanding_max: usize::MAX,
        receipts: true,
    };
    esme::run(plan, (schedule, rules), &mut Unobserved)
}

/// By how much the worst whole second was off.
fn deviation(results: &Results, rate: f64) -> f64 {
    let whole = results.per_second.iter().take(CONSTANT_SECONDS as usize);
    whole
        .map(|second| (second.submitted as f64 / rate - 1.0).abs())
        .fold(0.0, f64::max)
}

struct Unobserved;

impl Observer for Unobserved {
    fn look(&mut self, _book: &Book, _now_us: u64) -> bool {
        true
    }
}

/// A healthy simulator on a thread of its own.
struct Simulator {
    address: String,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<Result<()>>,
}

impl Simulator {
    fn start() -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("simulator".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let running = smpp_sim::start(Scenario::named("healthy")?, Options::ephemeral()).await?;
                ready.send(running.smpp_addr.to_string())?;
                // Stopped, or forgotten by who started it: both end it.
                stopped.await.ok();
                running.stop().await;
                Ok(())
            })
        })?;
        match address.recv() {
            Ok(address) => Ok(Self { address, stop, thread }),
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error).context("the simulator does not start"),
                Ok(Ok(())) | Err(_) => anyhow::bail!("the simulator ended before it began"),
            },
        }
    }

    fn stop(self) {
        // What it may say at its end changes nothing about what was measured.
        self.stop.send(()).ok();
        self.thread.join().ok();
    }
}
