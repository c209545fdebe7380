//! Does a reminder overtake? Single transactional messages are sent while half of all attempts are refused for now, so
//! that retries storm, and a long backlog of marketing messages is queued.
//!
//! Figure: the time from just before the POST to the first submit_sm of that message as the simulator's ledger has it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kit::clock::{micros, wall_us};
use lab::{Lane, Processes, Row, number_of};

use super::canonical::quantile;
use super::load::{Load, LoadPlan};
use super::report::{Figure, Figures, Goal};
use super::stage::{Stage, StagePlan};
use crate::cli::BenchArguments;

/// Single messages: enough for a 99th percentile, at a pace that is no load by itself.
const REMINDERS: u64 = 500;
const PAUSE: Duration = Duration::from_millis(10);

/// Messages of the backlog that are sent before the first reminder, so that the storm blows.
const STORM_FROM: u64 = 20_000;

const REMINDER: &str = "Rappel : votre rendez-vous est demain.";

const TENANTS: u32 = 20;
const CAMPAIGN: u32 = 1_000;

/// A message that is not on the wire by then is counted as this late.
const WITHIN: Duration = Duration::from_secs(30);

const WIRE_P99_MS: Goal = Goal::AtMost(100.0);

/// Queues the backlog, lets the storm begin, and sends the reminders.
///
/// # Errors
/// A program failed, or a reminder did not get to the wire.
pub(crate) fn measure(arguments: &BenchArguments, processes: &Processes) -> Result<Figures> {
    let plan = LoadPlan {
        tenants: TENANTS,
        campaigns: arguments.backlog.div_ceil(CAMPAIGN),
        recipients: CAMPAIGN,
    };
    println!(
        "{} marketing messages queued, every other attempt refused for now",
        plan.total()
    );
    let mut stage = Stage::set(&StagePlan::new(arguments)?, processes)?;
    let mut load = Load::enrol(stage.api(), plan)?.in_lane(Lane::Marketing);
    load.ingest()?;
    load.launch(0..load.campaigns())?;
    load.wait_queued(0..load.campaigns(), processes)?;
    let reminders = stage.api().enrol("Reminders", 2 * REMINDERS)?;
    stage.start_simulator()?;
    let storm = stage.simulator()?.wait_for("submits", STORM_FROM, WITHIN)?;
    ensure!(storm, "the backlog is not sent: {:?}", stage.totals()?);

    let mut sent = Vec::new();
    for number in (plan.total()..plan.total() + REMINDERS).map(number_of) {
        stage.check_open()?;
        sent.push((number, wall_us()));
        stage.api().send(&reminders, &format!("+{number}"), REMINDER)?;
        std::thread::sleep(PAUSE);
    }
    let submits = stage.totals()?.submits;
    let mut waits = Vec::new();
    for (number, posted_us) in sent {
        let arrived_us = first_submit_us(&stage, number)?;
        waits.push(arrived_us.saturating_sub(posted_us));
    }
    waits.sort_unstable();
    figures(&waits, submits, plan.total())
}

/// When the first submit to that number came, in µs since 1970.
fn first_submit_us(stage: &Stage, number: u64) -> Result<u64> {
    let deadline = wall_us() + micros(WITHIN);
    loop {
        let rows = Row::some(stage.simulator()?.http(), &format!("recipient={number}"))?;
        if let Some(first) = rows.iter().map(|row| row.received_at_us).min() {
            return Ok(first);
        }
        stage.check_open()?;
        ensure!(wall_us() < deadline, "the message to {number} did not get to the wire");
        std::thread::sleep(PAUSE);
    }
}

fn figures(waits: &[u64], submits: u64, backlog: u64) -> Result<Figures> {
    let ms = |q| Ok::<f64, anyhow::Error>(quantile(waits, q).context("no reminder was sent")? as f64 / 1e3);
    Ok(Figures {
        heading: "Single messages beside a storm of retries and a long backlog".to_owned(),
        rows: vec![
            Figure::new(
                "post_to_wire_p50_ms",
                ms(0.5)?,
                1,
                "ms from the POST to the wire for half of them",
            ),
            Figure::new(
                "post_to_wire_p99_ms",
                ms(0.99)?,
                1,
                "ms from the POST to the wire at most for 99 %",
            )
            .goal(WIRE_P99_MS),
            Figure::new(
                "post_to_wire_max_ms",
                ms(1.0)?,
                1,
                "ms from the POST to the wire at most",
            ),
            Figure::new("reminders", waits.len() as f64, 0, "messages sent one by one"),
            Figure::new("backlog", backlog as f64, 0, "messages queued when the SMSC came"),
            Figure::new(
                "submits",
                submits as f64,
                0,
                "submit_sm until the last of them was posted",
            ),
        ],
    })
}
