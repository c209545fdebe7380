//! Does the rate hold when things grow? Each question is a pair of runs that differ in one thing, taken in turns.
//!
//! * **Backlog**: queue so many messages while the SMSC is away; then let it come, and launch more as messages are
//!   accepted, so that as many stay queued. Rate: settled messages a second between 20 % and 100 % of the measured ones.
//! * **Tenants**: the same messages, belonging to many tenants or to one, all queued while the SMSC is away. Rate:
//!   settled messages a second between 10 % and 90 % of them, once it has come.
//!
//! The first share is left out because nothing is settled before the first receipts come, the last because the receipts
//! of the last messages are waited for with nothing left to send.

use std::time::Duration;

use anyhow::{Context, Result};

use super::load::{Load, LoadPlan};
use super::report::{Figure, Figures, Goal};
use super::stage::{Stage, StagePlan};
use super::watch::Watch;
use crate::cli::BenchArguments;
use crate::process::Processes;

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
    for round in 1..=arguments.rounds {
        println!("round {round} of {}", arguments.rounds);
        rates[0].push(runs.with_backlog(BACKLOG_SHORT)?);
        rates[1].push(runs.with_backlog(arguments.backlog)?);
        rates[2].push(runs.with_tenants(1)?);
        rates[3].push(runs.with_tenants(arguments.many_tenants)?);
    }
    Ok(figures(arguments, rates.map(median)))
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

impl Runs<'_> {
    /// The rate while about `backlog` messages are queued.
    fn with_backlog(&self, backlog: u32) -> Result<f64> {
        let measured = self.arguments.messages;
        let campaigns = (backlog + measured + ENROUTE_MAX).div_ceil(CAMPAIGN);
        let load = LoadPlan {
            tenants: TENANTS,
            campaigns,
            recipients: CAMPAIGN,
        };
        let queued_first = backlog.div_ceil(CAMPAIGN) as usize;
        let (mut stage, load) = self.queue(load, queued_first)?;

        stage.start_simulator()?;
        let mut watch = Watch::start(self.arguments.receipt_delay_max);
        let mut launched = queued_first;
        while watch.look(&stage)? < u64::from(measured) && !watch.stalled() {
            stage.check_open()?;
            let accepted = stage.simulator()?.totals()?.accepted;
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
        Ok(rate)
    }

    /// The rate of the same number of messages that belong to so many `tenants`.
    fn with_tenants(&self, tenants: u32) -> Result<f64> {
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
        load.verify()?;
        let rate = watch.rate_between(0.1, 0.9, plan.total());
        let rate =
            rate.with_context(|| format!("{tenants} tenants: {} of {} settled", watch.settled(), plan.total()))?;
        println!("  {tenants} tenants: {rate:.0} messages a second");
        Ok(rate)
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
fn median(mut values: Vec<f64>) -> f64 {
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
