//! Does the rate hold when things grow? Each question is a pair of runs that differ in one thing, taken in turns.
//!
//! * **Backlog**: queue that many messages while the SMSC is away; then let it come, and launch more as messages are
//!   accepted, so that as many stay queued. Rate: settled messages a second between 20 % and 100 % of the measured ones.
//! * **Tenants**: the same messages, belonging to many tenants or to one, all queued while the SMSC is away. Rate:
//!   settled messages a second between 10 % and 90 % of them, once it has come.
//!
//! * **Huge** (`--huge`): the backlog once more with ten millions, once, and the memory that Redis has given out for it.
//! * **Launch and stop**: one campaign of a million, its SMSC waiting: from the launch call to the first submit_sm, and
//!   from the cancel call to the last one.
//!
//! The first share is left out because nothing is settled before the first receipts come, the last because the receipts
//! of the last messages are waited for with nothing left to send.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::Processes;

use super::load::{Load, LoadPlan};
use super::report::{Figure, Figures, Goal};
use super::stage::{Stage, StagePlan};
use super::watch::Watch;
use crate::cli::BenchArguments;
use crate::clock;

/// The short backlog, in messages.
const BACKLOG_SHORT: u32 = 10_000;

/// Recipients of one campaign where there are few tenants, so that a backlog is topped up in small steps.
const CAMPAIGN: u32 = 1_000;

/// Tenants of the backlog runs.
const TENANTS: u32 = 200;

/// Messages that may be accepted and not yet settled: a second of receipts' delay at a rate beyond the goal. They are
/// prepared in addition, so that the backlog does not run dry before the measured ones are settled.
const ENROUTE_MAX: u32 = 200_000;

/// Between two looks at a backlog that needs nothing: at the goal's rate, half a campaign.
const TOP_UP: Duration = Duration::from_millis(12);

/// What "as good" means: the share of the rate that must be left.
const RATIO: Goal = Goal::AtLeast(0.9);

/// From the last settled message to the last credit in its place.
const BOOKS: Goal = Goal::AtMost(3.0);

/// Launching and stopping a million.
const AT_ONCE_MS: Goal = Goal::AtMost(300.0);

/// A launched campaign that has not begun by then is not going to.
const BEGINS_WITHIN: Duration = Duration::from_secs(60);

/// No submit_sm for this long after a stop: it was the last.
const QUIET: Duration = Duration::from_secs(2);

/// How long a launch and a stop took to show at the SMSC, in ms.
struct AtOnce {
    launch_ms: f64,
    stop_ms: f64,
}

/// A run with a backlog: messages a second, and octets that Redis gave out for what was queued.
struct Backlogged {
    rate: f64,
    octets: u64,
}

/// One set of runs.
struct Runs<'a> {
    arguments: &'a BenchArguments,
    plan: StagePlan,
    processes: &'a Processes,
}

/// Runs every kind in turns and compares the medians.
///
/// # Errors
/// A program failed, or a run did not settle its messages.
pub(crate) fn measure(arguments: &BenchArguments, processes: &Processes) -> Result<Figures> {
    let runs = Runs {
        arguments,
        plan: StagePlan::new(arguments)?,
        processes,
    };
    let messages = arguments.messages;
    println!("backlog: settled messages a second between 20 % and 100 % of {messages}, while as many stay queued");
    println!(
        "tenants: settled messages a second between 10 % and 90 % of {messages}, all queued before the SMSC comes"
    );
    let mut rates = [const { Vec::new() }; 4];
    let (mut books, mut launches, mut stops) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=arguments.rounds {
        println!("round {round} of {}", arguments.rounds);
        rates[0].push(runs.with_backlog(BACKLOG_SHORT)?.rate);
        rates[1].push(runs.with_backlog(arguments.backlog)?.rate);
        rates[2].push(runs.with_tenants(1)?.0);
        let (rate, closed) = runs.with_tenants(arguments.many_tenants)?;
        rates[3].push(rate);
        books.push(closed.as_secs_f64());
        let at_once = runs.at_once()?;
        launches.push(at_once.launch_ms);
        stops.push(at_once.stop_ms);
    }
    let medians = rates.map(median);
    let mut figures = figures(arguments, medians);
    figures
        .rows
        .extend(at_once_figures(median(books), median(launches), median(stops)));
    if let Some(messages) = arguments.huge {
        let huge = runs.with_backlog(messages)?;
        figures.rows.extend(huge_figures(messages, &huge, medians[0]));
    }
    Ok(figures)
}

/// The medians: short and long backlog, one and many tenants.
fn figures(arguments: &BenchArguments, [short, long, one, many]: [f64; 4]) -> Figures {
    let whole = |key, value: u32, meaning| Figure::new(key, f64::from(value), 0, meaning);
    let rate = |key, value, meaning| Figure::new(key, value, 0, meaning);
    let rows = vec![
        rate(
            "messages_per_second_backlog_short",
            short,
            "messages a second with a backlog of ten thousand",
        ),
        rate(
            "messages_per_second_backlog_long",
            long,
            "messages a second with the long backlog",
        ),
        Figure::new(
            "backlog_ratio",
            long / short,
            3,
            "of the rate is left with the long backlog",
        )
        .goal(RATIO),
        rate(
            "messages_per_second_one_tenant",
            one,
            "messages a second with one tenant",
        ),
        rate(
            "messages_per_second_many_tenants",
            many,
            "messages a second with many tenants",
        ),
        Figure::new("tenants_ratio", many / one, 3, "of the rate is left with many tenants").goal(RATIO),
        whole("backlog", arguments.backlog, "messages in the long backlog"),
        whole("many_tenants", arguments.many_tenants, "tenants are many"),
        whole("messages", arguments.messages, "messages measured in each run"),
        whole("rounds", arguments.rounds, "rounds, of which the median counts"),
    ];
    Figures {
        heading: "How the rate holds when things grow".to_owned(),
        rows,
    }
}

fn at_once_figures(books: f64, launch: f64, stop: f64) -> [Figure; 3] {
    [
        Figure::new(
            "books_seconds_many_tenants",
            books,
            1,
            "s from the last message settled until every credit of many tenants was debited",
        )
        .goal(BOOKS),
        Figure::new(
            "launch_to_first_submit_ms",
            launch,
            0,
            "ms from the launch to the first submit_sm",
        )
        .goal(AT_ONCE_MS),
        Figure::new(
            "stop_to_last_submit_ms",
            stop,
            0,
            "ms from the stop to the last submit_sm",
        )
        .goal(AT_ONCE_MS),
    ]
}

fn huge_figures(messages: u32, huge: &Backlogged, short: f64) -> [Figure; 5] {
    let octets = huge.octets as f64;
    [
        Figure::new("huge", f64::from(messages), 0, "messages in the huge backlog"),
        Figure::new(
            "messages_per_second_huge",
            huge.rate,
            0,
            "messages a second with the huge backlog",
        ),
        Figure::new(
            "huge_ratio",
            huge.rate / short,
            3,
            "of the rate is left with the huge backlog",
        )
        .goal(RATIO),
        Figure::new(
            "redis_bytes_huge",
            octets,
            0,
            "bytes in Redis for it, audiences not yet launched included",
        ),
        Figure::new(
            "redis_bytes_per_message_huge",
            octets / f64::from(messages),
            0,
            "bytes in Redis for each of its messages",
        ),
    ]
}

impl Runs<'_> {
    /// The rate while about `backlog` messages are queued.
    fn with_backlog(&self, backlog: u32) -> Result<Backlogged> {
        let measured = self.arguments.messages;
        let campaigns = (backlog + measured + ENROUTE_MAX).div_ceil(CAMPAIGN);
        let load = LoadPlan {
            tenants: TENANTS,
            campaigns,
            recipients: CAMPAIGN,
        };
        let queued_first = backlog.div_ceil(CAMPAIGN) as usize;
        let (mut stage, load) = self.queue(load, queued_first)?;
        let octets = stage.redis_memory()?;

        stage.start_simulator()?;
        let mut watch = Watch::start(self.arguments.receipt_delay_max);
        let mut launched = queued_first;
        while watch.look(&stage)? < u64::from(measured) && !watch.stalled() {
            stage.check_open()?;
            let accepted = stage.totals()?.accepted;
            // As many launched and not accepted as at the start: what was accepted is made good.
            let wanted = queued_first + (accepted / u64::from(CAMPAIGN)) as usize;
            let wanted = wanted.min(load.campaigns());
            if wanted > launched {
                load.launch(launched..wanted)?;
                launched = wanted;
            } else {
                std::thread::sleep(TOP_UP);
            }
        }
        let rate = watch.rate_between(0.2, 1.0, u64::from(measured));
        let rate = rate.with_context(|| format!("backlog {backlog}: {} of {measured} settled", watch.settled()))?;
        println!("  backlog {backlog}: {rate:.0} messages a second");
        Ok(Backlogged { rate, octets })
    }

    /// The rate of the same number of messages that belong to `tenants` tenants, and the time until all credits were
    /// in their places after the last one had settled.
    fn with_tenants(&self, tenants: u32) -> Result<(f64, Duration)> {
        let recipients = (self.arguments.messages / tenants).clamp(1, CAMPAIGN);
        let campaigns = self.arguments.messages.div_ceil(recipients);
        let plan = LoadPlan {
            tenants,
            campaigns,
            recipients,
        };
        let (mut stage, load) = self.queue(plan, campaigns as usize)?;

        stage.start_simulator()?;
        let mut watch = Watch::start(self.arguments.receipt_delay_max);
        watch.until(plan.total(), &stage)?;
        let closed = stage.wait_until_debited(plan.total())?;
        load.verify()?;
        let rate = watch.rate_between(0.1, 0.9, plan.total());
        let rate =
            rate.with_context(|| format!("{tenants} tenants: {} of {} settled", watch.settled(), plan.total()))?;
        println!("  {tenants} tenants: {rate:.0} messages a second");
        Ok((rate, closed))
    }

    /// Launches one large campaign beside an SMSC that waits for it, and stops it when a tenth was sent.
    fn at_once(&self) -> Result<AtOnce> {
        let recipients = self.arguments.launch;
        let plan = LoadPlan {
            tenants: 1,
            campaigns: 1,
            recipients,
        };
        let mut stage = Stage::set(&self.plan, self.processes)?;
        stage.start_simulator()?;
        let mut load = Load::enrol(stage.api(), plan)?;
        load.ingest()?;
        let simulator = stage.simulator()?;
        let began = |submits, what| -> Result<()> {
            let begun = simulator.wait_for("submits", submits, BEGINS_WITHIN)?;
            ensure!(begun, "{submits} submit_sm did not come within a minute after {what}");
            Ok(())
        };
        let launched = clock::now();
        let launch_ms = thread::scope(|scope| {
            let launch = scope.spawn(|| load.launch(0..1));
            let first = began(1, "the launch").map(|()| launched.elapsed().as_secs_f64() * 1e3);
            let called = launch.join().ok().context("the launching thread panicked")?;
            called.and(first)
        })?;
        began(u64::from(recipients) / 10, "the launch")?;
        let stopping = clock::now();
        load.cancel(0)?;
        let last = stage.last_submit(QUIET)?;
        let stop_ms = last.saturating_duration_since(stopping).as_secs_f64() * 1e3;
        println!(
            "  launch of {recipients}: {launch_ms:.0} ms to the first submit_sm; stop: {stop_ms:.0} ms to the last"
        );
        Ok(AtOnce { launch_ms, stop_ms })
    }

    /// A stage without an SMSC on which the load is prepared and its `first` campaigns are queued.
    fn queue(&self, plan: LoadPlan, first: usize) -> Result<(Stage, Load)> {
        let stage = Stage::set(&self.plan, self.processes)?;
        let mut load = Load::enrol(stage.api(), plan)?;
        load.ingest()?;
        load.launch(0..first)?;
        load.wait_queued(0..first, self.processes)?;
        Ok((stage, load))
    }
}

/// The middle value; of an even number, the lower of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 1.0);
        assert_eq!(median(vec![5.0]), 5.0);
        assert!(median(vec![]).is_nan());
    }
}
