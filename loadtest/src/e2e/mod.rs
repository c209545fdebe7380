//! `loadtest e2e`: campaigns through the whole product, until nothing moves any more; then the engine's ledger and the
//! simulator's must agree on every message.
//!
//! Start reading at [`run`]. `ground` has the programs, `crowd` the tenants and their campaigns.

mod crowd;
mod ground;

use std::time::Duration;

use anyhow::Result;
use lab::ledgers::{self, Circumstances};
use lab::{Credits, Listed, Processes, Row};

use crate::cli::{Asked, E2eArguments};
use crate::clock;
use crate::esme::meters::{Latencies, Seconds};
use crate::failure::{Failure, MISSED};
use crate::modes::verdicts;
use crate::results::{Conservation, Counts, Latency, Rates, Results, Second, Verdict};
use crate::{machine, report, shares};
use crowd::Crowd;
use ground::Ground;

/// Between two looks at whether anything moves.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Runs the campaigns and compares; the exit code.
pub(crate) fn run(asked: &Asked, arguments: &E2eArguments, processes: &Processes) -> Result<u8> {
    arguments.outputs.check().map_err(Failure::Usage)?;
    let started_at = clock::date_and_time();
    let ground = Ground::set(arguments, processes)?;
    let total = u64::from(arguments.tenants) * u64::from(arguments.recipients);
    let shares = shares::deal(total, arguments.tenants as usize, arguments.zipf);
    let crowd = Crowd::enrol(ground.api(), &shares, (arguments.marketing, arguments.seed))?;
    crowd.ingest()?;
    let before = ground.cpu_seconds();
    let launched_us = kit::clock::wall_us();
    crowd.launch()?;
    let unfinished = come_to_rest(arguments, &crowd, &ground, processes)?;
    let after = ground.cpu_seconds();

    let submits = ground.submits()?;
    let conservation = compare(total, &crowd.listed()?, &submits, &crowd.credits()?);
    let mut results = measured(&submits, launched_us)?;
    results.counts.offered = total;
    results.per_second = per_second(&submits, launched_us, total)?;
    results.fairness = fairness(&crowd, &submits, launched_us);
    for (name, seconds) in after {
        let earlier = before.get(&name).copied().unwrap_or(0.0);
        results
            .cpu_us_per_message
            .insert(name, (seconds - earlier) * 1e6 / total as f64);
    }
    let held = conservation.holds();
    results.conservation = Some(conservation);
    machine::head(&mut results, &asked.mode, arguments.seed, asked.configuration.clone());
    results.started_at = started_at;
    if let Some(unfinished) = unfinished {
        unfinished.say(&mut results, arguments.timeout);
    }
    let verdicts = verdicts(&arguments.judge, &results, &[]);
    results.thresholds.extend(verdicts);
    report::write(&results, &arguments.outputs)?;
    let held = held && results.thresholds.iter().all(|verdict| verdict.held);
    Ok(if held { 0 } else { MISSED })
}

/// The engine's ledger against the simulator's, and the credits against both.
fn compare(expected: u64, listed: &[Listed], submits: &[Row], credits: &[Credits]) -> Conservation {
    let found = ledgers::compare(expected, listed, submits, Circumstances::Undisturbed);
    let spent: u64 = credits.iter().map(|credits| credits.spent).sum();
    Conservation {
        between: "engine and simulator".to_owned(),
        lost: found.lost,
        doubled: found.doubled,
        wrong_status: found.wrong_status,
        credit_delta: credits.iter().map(Credits::imbalance).sum::<i64>() + spent as i64 - found.billed as i64,
        examples: found.examples,
        ..Conservation::default()
    }
}

/// What had not come to rest when the time was over.
struct Unfinished {
    queued: u64,
    /// Due, and not acknowledged by the engine.
    receipts: u64,
}

impl Unfinished {
    /// Whoever waits for `timeout` wants to know what for: the ledgers are compared all the same, and the run does not hold.
    fn say(&self, results: &mut Results, timeout: Duration) {
        let Self { queued, receipts } = self;
        results.counts.lost = *receipts;
        results.notes.push(format!(
            "not at rest {} after the launch (--timeout): {queued} messages are queued, {receipts} receipts are due and not \
             acknowledged",
            humantime::format_duration(timeout)
        ));
        results.thresholds.push(Verdict {
            threshold: "unfinished==0".to_owned(),
            // Neither queued nor owed a receipt: then something still moved.
            measured: (queued + receipts).max(1) as f64,
            held: false,
            aborted: true,
        });
    }
}

/// Waits until nothing is queued, every receipt that is due is acknowledged, and nothing has moved for a while; `None` then.
fn come_to_rest(
    arguments: &E2eArguments,
    crowd: &Crowd,
    ground: &Ground,
    processes: &Processes,
) -> Result<Option<Unfinished>> {
    let began = clock::now();
    let mut last = None;
    let mut since = began;
    loop {
        let (queued, totals) = (crowd.queued()?, ground.totals()?);
        let receipts = totals.receipts_open();
        let state = (queued, totals);
        if last.as_ref() != Some(&state) {
            since = clock::now();
            last = Some(state);
        }
        if queued + receipts == 0 && since.elapsed() >= arguments.settle {
            return Ok(None);
        }
        if began.elapsed() >= arguments.timeout {
            return Ok(Some(Unfinished { queued, receipts }));
        }
        processes.check_open()?;
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Counts, rates and latencies by the simulator's clock, from the launch on.
fn measured(submits: &[Row], launched_us: u64) -> Result<Results> {
    let mut results = Results::default();
    let (mut queue, mut whole) = (Latencies::new()?, Latencies::new()?);
    let (mut last_submit, mut last_receipt) = (launched_us, launched_us);
    let mut counts = Counts::default();
    for submit in submits {
        counts.submitted += 1;
        counts.answered += u64::from(submit.answered_at_us.is_some());
        last_submit = last_submit.max(submit.received_at_us);
        queue.record(submit.received_at_us.saturating_sub(launched_us));
        if let Some(status) = submit.command_status {
            let status = smpp::command_status::CommandStatus(status).to_string();
            *results.answers.entry(status).or_default() += 1;
        }
        match submit.accepted_at_us {
            Some(_) => counts.accepted += 1,
            None => counts.refused += u64::from(submit.answered_at_us.is_some()),
        }
        if let (Some(stat), Some(acked_us)) = (&submit.stat, submit.receipt_acked_at_us) {
            counts.receipts += 1;
            last_receipt = last_receipt.max(acked_us);
            *results.receipts.entry(stat.to_lowercase()).or_default() += 1;
            whole.record(acked_us.saturating_sub(launched_us));
        }
    }
    let rate = |count: u64, until_us: u64| match until_us.saturating_sub(launched_us) {
        0 => 0.0,
        us => count as f64 * 1e6 / us as f64,
    };
    results.rates = Rates {
        offered: 0.0,
        submits_per_second: rate(counts.submitted, last_submit),
        answers_per_second: rate(counts.answered, last_submit),
        receipts_per_second: rate(counts.receipts, last_receipt),
    };
    counts.unanswered = counts.submitted - counts.answered;
    results.counts = counts;
    results.seconds = last_receipt.max(last_submit).saturating_sub(launched_us) as f64 / 1e6;
    for (name, latencies) in [("queue", queue), ("end_to_end", whole)] {
        let distribution = latencies.distribution();
        let both = Latency {
            corrected: distribution.clone(),
            raw: distribution,
        };
        results.latencies.insert(name.to_owned(), both);
    }
    Ok(results)
}

/// What the simulator saw in each second since the launch; the engine's queues are the backlog.
fn per_second(submits: &[Row], launched_us: u64, total: u64) -> Result<Vec<Second>> {
    let mut seconds = Seconds::new(0)?;
    for submit in submits {
        seconds.at(submit.received_at_us.saturating_sub(launched_us)).submitted += 1;
        if let Some(answered_us) = submit.answered_at_us {
            let second = seconds.at(answered_us.saturating_sub(launched_us));
            second.answered += 1;
            second.refused += u64::from(submit.accepted_at_us.is_none());
        }
        if let Some(acked_us) = submit.receipt_acked_at_us {
            seconds.at(acked_us.saturating_sub(launched_us)).receipts += 1;
        }
    }
    let mut rows = seconds.finish((0, 0));
    let (mut submitted, mut answered) = (0, 0);
    for row in &mut rows {
        submitted += row.submitted;
        answered += row.answered;
        row.in_flight = submitted.saturating_sub(answered);
        row.backlog = total.saturating_sub(submitted);
    }
    // All of them were due at the launch.
    if let Some(first) = rows.first_mut() {
        first.offered = total;
    }
    Ok(rows)
}

/// Each tenant's throughput from the launch to its last message, and how long its first one waited.
fn fairness(crowd: &Crowd, submits: &[Row], launched_us: u64) -> Option<crate::results::Fairness> {
    let mut spans = vec![(0u64, u64::MAX, 0u64); crowd.tenants()];
    for submit in submits {
        let Some(tenant) = crowd.tenant_of(&submit.recipient) else {
            continue;
        };
        let (count, first, last) = &mut spans[tenant];
        *count += 1;
        *first = (*first).min(submit.received_at_us);
        *last = (*last).max(submit.received_at_us);
    }
    let served = spans.iter().filter(|(count, _, _)| *count > 0);
    let (mut throughputs, mut waits) = (Vec::new(), Vec::new());
    for (count, first, last) in served {
        throughputs.push(*count as f64 * 1e6 / last.saturating_sub(launched_us).max(1) as f64);
        waits.push(first.saturating_sub(launched_us) as f64 / 1e3);
    }
    shares::fairness(&throughputs, &waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_that_are_lost_or_paid_for_nothing_show() {
        let credits = |held, spent| Credits {
            granted: 10,
            withdrawn: 0,
            available: 10 - spent,
            held,
            spent,
        };
        assert!(compare(0, &[], &[], &[credits(0, 0)]).holds());
        assert_eq!(compare(0, &[], &[], &[credits(0, 3)]).credit_delta, 3);
        assert_eq!(compare(0, &[], &[], &[credits(2, 1)]).credit_delta, -2 + 1);
    }
}
