//! The canonical run: the figures that the README states.
//!
//! Two phases, each on a stage of its own with an empty store. First the load is queued while the SMSC is away, which
//! shows what a queued message costs in Redis. Then it is sent, from the first launch call to the last receipt settled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::load::{Load, LoadPlan};
use super::report::{Figure, Figures, Goal};
use super::simulator::Totals;
use super::stage::{Stage, StagePlan, Usage};
use super::watch::Watch;
use crate::cli::BenchArguments;
use crate::clock;
use crate::process::Processes;

/// The goals, for a machine of two cores that runs everything, this program included.
const RATE: Goal = Goal::AtLeast(40_000.0);
const REDIS_CPU: Goal = Goal::AtMost(10.0);
const ENGINE_CPU: Goal = Goal::AtMost(10.0);
const SIM_CPU: Goal = Goal::AtMost(4.0);
const REDIS_BYTES: Goal = Goal::AtMost(250.0);

/// What the main phase showed.
struct MainPhase {
    ingest: Duration,
    /// From the first launch call to the last receipt settled.
    seconds: f64,
    /// From the first launch call to the last submit_sm accepted by the SMSC.
    submit_seconds: f64,
    before: Usage,
    after: Usage,
    engine_peak_rss_bytes: u64,
}

/// Runs both phases.
///
/// # Errors
/// A program failed, or engine, simulator and plan do not agree on what became of every message.
pub(crate) fn measure(arguments: &BenchArguments, processes: &Processes) -> Result<Figures> {
    let stage_plan = StagePlan::new(arguments)?;
    let plan = LoadPlan {
        tenants: arguments.tenants,
        campaigns: arguments.tenants,
        recipients: arguments.recipients,
    };
    println!(
        "{} tenants, {} recipients each: {} messages; {} sessions, window {}, receipts after 0 to {}",
        plan.tenants,
        plan.recipients,
        plan.total(),
        arguments.sessions,
        arguments.window,
        humantime::format_duration(arguments.receipt_delay_max)
    );
    println!("queueing while the SMSC is away ...");
    let bytes = queued_bytes(plan, &stage_plan, processes).context("while queueing")?;
    println!("sending ...");
    let main = main_phase(plan, arguments, &stage_plan, processes).context("while sending")?;
    figures(plan, &main, bytes)
}

/// Redis's memory for each queued message, all that comes with it included: audience, campaign, queue.
fn queued_bytes(plan: LoadPlan, stage_plan: &StagePlan, processes: &Processes) -> Result<f64> {
    let stage = Stage::set(stage_plan, processes)?;
    let mut load = Load::enrol(stage.api(), plan)?;
    let before = stage.redis_memory()?;
    load.ingest()?;
    load.launch(0..load.campaigns())?;
    load.wait_queued(0..load.campaigns(), processes)?;
    let after = stage.redis_memory()?;
    Ok(after.saturating_sub(before) as f64 / plan.total() as f64)
}

fn main_phase(
    plan: LoadPlan,
    arguments: &BenchArguments,
    stage_plan: &StagePlan,
    processes: &Processes,
) -> Result<MainPhase> {
    let mut stage = Stage::set(stage_plan, processes)?;
    stage.start_simulator()?;
    let mut load = Load::enrol(stage.api(), plan)?;
    let ingest = load.ingest()?;

    let before = stage.usage()?;
    let mut watch = Watch::start(arguments.receipt_delay_max);
    let submit_seconds = send(&load, &stage, &mut watch, plan.total())?;
    let after = stage.usage()?;

    load.verify()?;
    // The last acknowledgements may still be on their way: they are written after the store has the receipts.
    stage
        .simulator()?
        .wait_for(&["receipts_acked"], plan.total(), Duration::from_secs(5))?;
    check_ledger(&stage.simulator()?.totals()?, plan.total())?;
    ensure!(
        watch.settled() == plan.total(),
        "the engine's metrics count {} settled messages",
        watch.settled()
    );
    let engine_peak_rss_bytes = stage.engine_peak_rss_bytes()?;
    Ok(MainPhase {
        ingest,
        seconds: watch.seconds(),
        submit_seconds,
        before,
        after,
        engine_peak_rss_bytes,
    })
}

/// Launches everything, watches it settle, and gives the seconds until the SMSC had accepted the last submit_sm.
fn send(load: &Load, stage: &Stage, watch: &mut Watch, total: u64) -> Result<f64> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let submits = scope.spawn(|| last_submit(stage, total, &over));
        let launch = scope.spawn(|| load.launch(0..load.campaigns()));
        let watched = watch.until(total, stage);
        over.store(true, Ordering::Relaxed);
        let launched = launch.join().ok().context("the launching thread panicked")?;
        let seconds = submits.join().ok().context("the counting thread panicked")?;
        // A dead engine fails all three: the watch quotes its log.
        watched.and(launched).and(seconds)
    })
}

/// Seconds until the simulator has accepted `total` submit_sm, or until the sending is `over` without that.
fn last_submit(stage: &Stage, total: u64, over: &AtomicBool) -> Result<f64> {
    let started = clock::now();
    // One long poll after the other, each short enough to notice a stall; the simulator answers when it has them all.
    while !stage
        .simulator()?
        .wait_for(&["accepted"], total, Duration::from_secs(2))?
        && !over.load(Ordering::Relaxed)
    {}
    Ok(started.elapsed().as_secs_f64())
}

/// The simulator's ledger agrees: every message came once, to a recipient of its own, and its receipt was taken.
fn check_ledger(totals: &Totals, messages: u64) -> Result<()> {
    let expected = Totals {
        submits: messages,
        accepted: messages,
        rejected: 0,
        recipients: messages,
        receipts_due: messages,
        receipts_acked: messages,
    };
    ensure!(
        *totals == expected,
        "the simulator's ledger should say {expected:?}, but says {totals:?}"
    );
    Ok(())
}

fn figures(plan: LoadPlan, main: &MainPhase, bytes_per_message: f64) -> Result<Figures> {
    let total = plan.total() as f64;
    let settled = main.after.submitted_to_settled.since(&main.before.submitted_to_settled);
    let p99 = settled
        .quantile(0.99)
        .context("the engine's histogram has no buckets")?
        * 1e3;
    let (rate, ingest) = (total / main.seconds, total / main.ingest.as_secs_f64());
    let submitted = total / main.submit_seconds;
    let rss = main.engine_peak_rss_bytes as f64;

    let mut rows = vec![
        Figure::new(
            "messages_per_second",
            rate,
            0,
            "messages a second, submitted and settled",
        )
        .goal(RATE),
        Figure::new(
            "ingest_recipients_per_second",
            ingest,
            0,
            "recipients a second taken in",
        ),
        Figure::new(
            "submit_to_settled_p99_ms",
            p99,
            0,
            "ms from submitted to settled at most for 99 %, SMSC's delay included",
        ),
    ];
    rows.extend(cpu_figures(main, total));
    rows.extend([
        Figure::new(
            "redis_bytes_per_queued_message",
            bytes_per_message,
            0,
            "bytes in Redis a queued message",
        )
        .goal(REDIS_BYTES),
        Figure::new("engine_peak_rss_bytes", rss, 0, "bytes resident in the engine at most"),
        Figure::new("messages", total, 0, "messages"),
        Figure::new(
            "seconds",
            main.seconds,
            3,
            "s from the first launch call to the last receipt settled",
        ),
        Figure::new("tenants", f64::from(plan.tenants), 0, "tenants"),
        Figure::new(
            "messages_per_second_submitted",
            submitted,
            0,
            "messages a second accepted by the SMSC",
        ),
    ]);
    let version = &main.after.redis.version;
    Ok(Figures {
        heading: format!("Every message delivered, every credit in its place (Redis {version})."),
        rows,
    })
}

/// CPU time for each message of the main phase, user and system together.
fn cpu_figures(main: &MainPhase, total: f64) -> Vec<Figure> {
    let (before, after) = (&main.before, &main.after);
    let each = |key, from: f64, to: f64, meaning| Figure::new(key, (to - from) * 1e6 / total, 1, meaning);
    let redis = (before.redis.cpu_seconds, after.redis.cpu_seconds);
    let engine = (before.engine_cpu_seconds, after.engine_cpu_seconds);
    let sim = (before.sim_cpu_seconds, after.sim_cpu_seconds);
    let own = (before.own_cpu_seconds, after.own_cpu_seconds);
    let mut figures = vec![
        each(
            "redis_us_per_message",
            redis.0,
            redis.1,
            "µs of Redis's CPU a message, all threads",
        )
        .goal(REDIS_CPU),
        each(
            "engine_us_per_message",
            engine.0,
            engine.1,
            "µs of the engine's CPU a message",
        )
        .goal(ENGINE_CPU),
        each(
            "sim_us_per_message",
            sim.0,
            sim.1,
            "µs of the simulator's CPU a message",
        )
        .goal(SIM_CPU),
        each(
            "loadtest_us_per_message",
            own.0,
            own.1,
            "µs of this program's own CPU a message",
        ),
    ];
    let main_thread = before
        .redis
        .main_thread_cpu_seconds
        .zip(after.redis.main_thread_cpu_seconds);
    let main_thread = main_thread.map(|(from, to)| {
        each(
            "redis_main_thread_us_per_message",
            from,
            to,
            "µs of Redis's main thread a message",
        )
    });
    figures.extend(main_thread);
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubled_message_shows() {
        let right = Totals {
            submits: 10,
            accepted: 10,
            rejected: 0,
            recipients: 10,
            receipts_due: 10,
            receipts_acked: 10,
        };
        assert!(check_ledger(&right, 10).is_ok());
        assert!(
            check_ledger(
                &Totals {
                    submits: 11,
                    accepted: 11,
                    ..right.clone()
                },
                10
            )
            .is_err()
        );
        assert!(
            check_ledger(
                &Totals {
                    receipts_acked: 9,
                    ..right
                },
                10
            )
            .is_err()
        );
    }
}
