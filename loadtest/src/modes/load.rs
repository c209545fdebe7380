//! Loads over SMPP: `smpp`, `soak`, `replay`.

use anyhow::{Result, ensure};
use kit::clock::micros;

use super::doubt;
use super::judge::{Judge, exit_code, verdicts};
use super::memory::Memory;
use crate::cli::{Asked, JudgeArguments, ReplayArguments, SmppArguments, SoakArguments};
use crate::esme::{self, Book, Observer, Plan, Rules};
use crate::failure::Failure;
use crate::load::{Arrivals, Limits, Schedule};
use crate::progress::Progress;
use crate::report::Outputs;
use crate::traffic::{Recording, Traffic};
use crate::{clock, machine, report};

/// A load that is ready to be carried out.
struct Order<'a> {
    plan: Plan,
    schedule: Schedule,
    rules: Rules,
    judge: &'a JudgeArguments,
    outputs: &'a Outputs,
    seed: u64,
    memory: Memory,
}

/// `loadtest smpp`; the exit code.
///
/// # Errors
/// [`Failure`], or a report that cannot be written.
pub(crate) fn smpp(asked: &Asked, arguments: &SmppArguments) -> Result<u8> {
    let order = order(arguments, Memory::unlimited()).map_err(Failure::Usage)?;
    carry_out(asked, order)
}

/// `loadtest soak`; the exit code.
pub(crate) fn soak(asked: &Asked, arguments: &SoakArguments) -> Result<u8> {
    let memory = Memory::new(arguments.target_pid, arguments.rss_growth_max);
    let order = order(&arguments.smpp, memory.map_err(Failure::Usage)?).map_err(Failure::Usage)?;
    carry_out(asked, order)
}

/// `loadtest replay`; the exit code.
///
/// # Errors
/// As [`smpp`]; a file with faulty rows is a wrong configuration.
pub(crate) fn replay(asked: &Asked, arguments: &ReplayArguments) -> Result<u8> {
    arguments.outputs.check().map_err(Failure::Usage)?;
    let recording = Recording::load(&arguments.file).map_err(Failure::Configuration)?;
    let moments = recording.moments(arguments.speed);
    let count = moments.len() as u64;
    let longest = moments.last().copied().unwrap_or(0);
    let limits = Limits {
        count,
        length_us: micros(crate::cli::DURATION_MAX),
        backlog_max: count,
    };
    let too_long = || {
        Failure::Usage(anyhow::anyhow!(
            "--speed {}: the replay would take over 24h",
            arguments.speed
        ))
    };
    ensure!(longest < limits.length_us, too_long());
    let traffic = Traffic::recorded(recording);
    let rules = Rules {
        warm_up_us: 0,
        drain_us: micros(arguments.drain),
        outstanding_max: count as usize,
        receipts: arguments.target.gets_receipts(&traffic),
    };
    carry_out(
        asked,
        Order {
            plan: arguments.target.plan(traffic).map_err(Failure::Usage)?,
            schedule: Schedule::open(Arrivals::listed(moments), limits),
            rules,
            judge: &arguments.judge,
            outputs: &arguments.outputs,
            seed: 0,
            memory: Memory::unlimited(),
        },
    )
}

fn order(arguments: &SmppArguments, memory: Memory) -> Result<Order<'_>> {
    arguments.outputs.check()?;
    let traffic = arguments.traffic.traffic(arguments.load.seed)?;
    let rules = arguments.rules(&traffic);
    Ok(Order {
        plan: arguments.target.plan(traffic)?,
        schedule: arguments.load.schedule()?,
        rules,
        judge: &arguments.judge,
        outputs: &arguments.outputs,
        seed: arguments.load.seed,
        memory,
    })
}

fn carry_out(asked: &Asked, order: Order<'_>) -> Result<u8> {
    let started_at = clock::date_and_time();
    let warm_up_us = order.rules.warm_up_us;
    let mut watch = Watch {
        judge: Judge::new(order.judge, warm_up_us),
        progress: Progress::new(order.outputs.quiet),
        memory: order.memory,
        warm_up_us,
    };
    let mut outcome = esme::run(order.plan, (order.schedule, order.rules), &mut watch)?;
    watch.progress.finish();

    let mut results = esme::results(&mut outcome, warm_up_us);
    // No figure and no threshold means anything then.
    let only_warm_up = results.counts.warm_up > 0 && results.counts.submitted == 0;
    ensure!(
        !only_warm_up || outcome.pulse.signals > 0,
        "nothing was measured: all {} messages were sent within the warm-up; give a longer --duration or a higher --count",
        results.counts.warm_up
    );
    machine::head(&mut results, &asked.mode, order.seed, asked.configuration.clone());
    results.started_at = started_at;
    results.thresholds = verdicts(order.judge, &results, &watch.judge.broken);
    watch.memory.say(&mut results);
    doubt::look(&mut results);
    report::write(&results, order.outputs)?;
    Ok(exit_code(outcome.pulse.signals > 0, &results))
}

/// Progress, memory and thresholds, while the run goes on.
struct Watch {
    judge: Judge,
    progress: Progress,
    memory: Memory,
    warm_up_us: u64,
}

impl Observer for Watch {
    fn look(&mut self, book: &Book, now_us: u64) -> bool {
        self.progress.show(book, now_us);
        if now_us >= self.warm_up_us {
            self.memory.look();
        }
        self.judge.allows(book, now_us)
    }
}
