//! The canonical run: the figures that the README states.
//!
//! Two phases, each on a stage of its own with an empty store. First the load is queued while the SMSC is away, which
//! shows what a queued message costs in Redis. Then it is sent, from the first launch call to the last receipt settled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::{Lane, Processes, Row, Sim, Totals, number_of, variable_octets};

use super::load::{Load, LoadPlan};
use super::report::{Figure, Figures, Goal};
use super::stage::{Stage, StagePlan, Usage};
use super::watch::Watch;
use crate::cli::BenchArguments;
use crate::clock;

/// The goals, for a machine of two cores that runs everything, this program included.
const RATE: Goal = Goal::AtLeast(60_000.0);
const REDIS_CPU: Goal = Goal::AtMost(9.0);
const ENGINE_CPU: Goal = Goal::AtMost(7.0);
const SIM_CPU: Goal = Goal::AtMost(2.8);
const REDIS_BYTES: Goal = Goal::AtMost(40.0);
const SETTLED_P99_MS: Goal = Goal::AtMost(1_500.0);
const ACK_P99_MS: Goal = Goal::AtMost(300.0);

/// The lane in which the stop set is asked.
const LANE: Lane = Lane::Marketing;

/// The simulator's ledger is sampled in this many places, each of that many rows: all of its million would be 100 MB.
const SAMPLES: u64 = 20;
const SAMPLE_ROWS: u64 = 500;

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
    /// `None`: the engine has no stop set.
    opted_out: Option<u64>,
    /// What the finished messages left in Redis, beside what was there before them.
    finished_bytes: u64,
    /// From a receipt's hand-over to its acknowledgement as the simulator saw it, 99 %, in ms.
    ack_p99_ms: Option<f64>,
}

/// Runs both phases.
///
/// # Errors
/// A program failed, or engine, simulator and plan do not agree on what became of every message.
pub(crate) fn measure(arguments: &BenchArguments, processes: &Processes) -> Result<Figures> {
    measure_on(&StagePlan::new(arguments)?, arguments, processes)
}

/// The same on stages of this plan.
pub(crate) fn measure_on(stage_plan: &StagePlan, arguments: &BenchArguments, processes: &Processes) -> Result<Figures> {
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
        arguments.stage.sessions,
        arguments.stage.window,
        humantime::format_duration(arguments.receipt_delay_max)
    );
    println!("queueing while the SMSC is away ...");
    let bytes = queued_bytes(plan, stage_plan, processes).context("while queueing")?;
    println!("sending ...");
    let main = main_phase(plan, arguments, stage_plan, processes).context("while sending")?;
    figures(plan, &main, bytes)
}

/// Redis's memory for each queued message, all that comes with it included: audience, campaign, queue.
fn queued_bytes(plan: LoadPlan, stage_plan: &StagePlan, processes: &Processes) -> Result<f64> {
    let stage = Stage::set(stage_plan, processes)?;
    let mut load = Load::enrol(stage.api(), plan)?.in_lane(LANE);
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
    let opted_out = opt_out(&stage, plan.total(), arguments.opted_out)?;
    let mut load = Load::enrol(stage.api(), plan)?.in_lane(LANE);
    let memory_before = stage.redis_memory()?;
    let ingest = load.ingest()?;

    let before = stage.usage()?;
    let mut watch = Watch::start(arguments.receipt_delay_max);
    let submit_seconds = send(&load, &stage, &mut watch, plan.total())?;
    let after = stage.usage()?;

    load.verify()?;
    // The last acknowledgements may still be on their way: they are written after the store has the receipts.
    stage
        .simulator()?
        .wait_for("receipts_acked", plan.total(), Duration::from_secs(5))?;
    check_ledger(&stage.totals()?, plan.total())?;
    ensure!(
        watch.settled() == plan.total(),
        "the engine's metrics count {} settled messages",
        watch.settled()
    );
    let engine_peak_rss_bytes = stage.engine_peak_rss_bytes()?;
    let finished_bytes = stage.redis_memory()?.saturating_sub(memory_before);
    let ack_p99_ms = ack_p99_ms(stage.simulator()?, plan.total())?;
    Ok(MainPhase {
        ingest,
        seconds: watch.seconds(),
        submit_seconds,
        before,
        after,
        engine_peak_rss_bytes,
        opted_out,
        finished_bytes,
        ack_p99_ms,
    })
}

/// Opts out `count` numbers behind the recipients' and gives how many the engine took; `None`: it has no stop set.
fn opt_out(stage: &Stage, recipients: u64, count: u32) -> Result<Option<u64>> {
    let numbers = recipients..recipients + u64::from(count);
    let numbers: Vec<String> = numbers.map(|n| format!("+{}", number_of(n))).collect();
    let added = stage.opt_out(&numbers).context("while opting out")?;
    if added.is_none() {
        println!("this engine has no stop set: going on without one");
    }
    Ok(added)
}

/// The 99th percentile, in ms, of the time from a receipt sent to its acknowledgement, over samples of the ledger.
fn ack_p99_ms(simulator: &Sim, messages: u64) -> Result<Option<f64>> {
    let mut waits = Vec::new();
    for sample in 0..SAMPLES {
        let (from, limit) = (sample * messages / SAMPLES, SAMPLE_ROWS.min(messages / SAMPLES + 1));
        for row in Row::some(simulator.http(), &format!("from={from}&limit={limit}"))? {
            let acked = row.receipt_sent_at_us.zip(row.receipt_acked_at_us);
            waits.extend(acked.map(|(sent, acked)| acked.saturating_sub(sent)));
        }
    }
    waits.sort_unstable();
    Ok(quantile(&waits, 0.99).map(|us| us as f64 / 1e3))
}

/// The value that the share `q` of the sorted values does not exceed.
pub(crate) fn quantile(sorted: &[u64], q: f64) -> Option<u64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
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
    while !stage.simulator()?.wait_for("accepted", total, Duration::from_secs(2))? && !over.load(Ordering::Relaxed) {}
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
        ..totals.clone()
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
        )
        .goal(SETTLED_P99_MS),
    ];
    rows.extend(ack_figures(main));
    rows.extend(cpu_figures(main, total));
    rows.extend(memory_figures(main, plan.total(), bytes_per_message));
    rows.extend([
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
    let store = &main.after.redis.server;
    Ok(Figures {
        heading: format!("Every message delivered, every credit in its place ({store})."),
        rows,
    })
}

/// How long receipts wait for their deliver_sm_resp, told by the engine and by the simulator.
fn ack_figures(main: &MainPhase) -> [Figure; 2] {
    let engine = main.after.receipt_ack.since(&main.before.receipt_ack).quantile(0.99);
    [
        Figure::new(
            "receipt_ack_p99_ms",
            engine.map(|seconds| seconds * 1e3),
            0,
            "ms from a receipt's arrival to its acknowledgement at most for 99 %",
        )
        .goal(ACK_P99_MS),
        Figure::new(
            "receipt_ack_p99_ms_at_simulator",
            main.ack_p99_ms,
            0,
            "ms of the same as the simulator saw it",
        ),
    ]
}

/// Redis's memory by message. Variables count by the octets of their values, without names and lengths.
fn memory_figures(main: &MainPhase, messages: u64, queued: f64) -> [Figure; 5] {
    let total = messages as f64;
    let variables = variable_octets(messages) as f64 / total;
    [
        Figure::new(
            "redis_bytes_per_queued_message",
            queued,
            0,
            "bytes in Redis a queued message",
        ),
        Figure::new(
            "variable_bytes_per_message",
            variables,
            1,
            "of them are the values of its variables",
        ),
        Figure::new(
            "redis_bytes_per_queued_message_besides_variables",
            queued - variables,
            0,
            "bytes in Redis a queued message besides its variables",
        )
        .goal(REDIS_BYTES),
        Figure::new(
            "redis_bytes_per_finished_message",
            main.finished_bytes as f64 / total,
            0,
            "bytes in Redis a finished message: rows, results, what is remembered of the recipient",
        ),
        Figure::new(
            "opted_out",
            main.opted_out.map(|count| count as f64),
            0,
            "numbers in the stop set",
        ),
    ]
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
    figures.push(Figure::new(
        "idle_share",
        after.machine.idle_share_since(&before.machine),
        2,
        "of the machine's CPU time is idle",
    ));
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
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&values, 0.99), Some(99));
        assert_eq!(quantile(&values[..1], 0.99), Some(1));
        assert_eq!(quantile(&[], 0.99), None);
    }

    #[test]
    fn a_doubled_message_shows() {
        let right = Totals {
            submits: 10,
            accepted: 10,
            rejected: 0,
            lost: 0,
            answered: 10,
            unanswered: 0,
            recipients: 10,
            receipts_due: 10,
            receipts_acked: 10,
            receipts_refused: 0,
            duplicates: 0,
            replies_due: 0,
            by_status: BTreeMap::new(),
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
