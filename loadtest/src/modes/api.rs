//! `loadtest api`: POST /v1/messages from many connections, at a rate or as fast as answers come.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use kit::clock::{Clock, micros};
use lab::Http;
use serde::Serialize;
use tokio::sync::oneshot;

use super::doubt;
use super::judge::{exit_code, verdicts};
use crate::cli::{ApiArguments, Asked, PREFIX_IN_USE, secret};
use crate::clock;
use crate::esme::Signals;
use crate::esme::meters::{Latencies, Seconds, ms};
use crate::failure::Failure;
use crate::load::{Schedule, Taken};
use crate::random::Draws;
use crate::results::{Counts, Latency, Rates, Results};
use crate::shares;
use crate::traffic::Numbers;
use crate::{machine, report, safety};

/// The longest that a connection without anything to do sleeps before it looks again, in µs.
const LOOK_US: u64 = 5_000;

/// This many calls in a row without any answer mean that nobody is there.
const SILENCE_MAX: u32 = 20;

/// What every message says unless `--text` says something else.
const TEXT: &str = "Bonjour, votre rendez-vous au Centre du Parc est confirmé demain à 14h30.";

#[derive(Serialize)]
struct Message<'a> {
    to: String,
    text: &'a str,
    sender: &'a str,
    purpose: &'static str,
}

/// What all connections share.
struct Shared {
    schedule: Schedule,
    seconds: Seconds,
    corrected: Latencies,
    raw: Latencies,
    counts: Counts,
    answers: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
    /// Accepted messages and the sum of their latencies in µs, by tenant.
    tenants: Vec<(u64, u64)>,
    in_flight: u64,
    silent: u32,
    last_us: u64,
}

/// What each connection needs to know.
struct Caller {
    arguments: ApiArguments,
    /// The API as each tenant calls it.
    tenants: Vec<Http>,
    numbers: Numbers,
    sender: String,
    warm_up_us: u64,
    clock: Clock,
    /// `None`: the run is over, and whoever is still answered is not counted.
    shared: Mutex<Option<Shared>>,
    /// A signal came: nothing more is sent.
    interrupted: AtomicBool,
    /// A second one came: answers are not waited for.
    abandoned: AtomicBool,
}

/// Sends and reports; the exit code.
///
/// # Errors
/// [`Failure`]; no engine answers there.
pub(crate) fn run(asked: &Asked, arguments: &ApiArguments) -> Result<u8> {
    let started_at = clock::date_and_time();
    let caller = Arc::new(caller(arguments).map_err(Failure::Usage)?);
    run_to_its_end(&caller);
    let interrupted = caller.interrupted.load(Ordering::Relaxed);
    let taken = caller.shared().take();
    let mut shared = taken.context("the run has no figures")?;
    if interrupted {
        // What is still asked for has no answer.
        shared.counts.submitted += shared.in_flight;
    }
    if shared.counts.answered == 0 && shared.silent > 0 && !interrupted {
        return Err(Failure::Unreachable(anyhow::anyhow!("nobody answers at {}", arguments.api)).into());
    }
    if let Some(status) = no_key_is_known(&shared) {
        let refused = anyhow::anyhow!("{} knows no key of --key-file: HTTP status {status}", arguments.api);
        return Err(Failure::Refused(refused).into());
    }
    let mut results = results(shared, caller.warm_up_us);
    if interrupted {
        results
            .notes
            .push("interrupted by a signal: this is what was measured until then".to_owned());
    }
    machine::head(
        &mut results,
        &asked.mode,
        arguments.load.seed,
        asked.configuration.clone(),
    );
    results.started_at = started_at;
    results.thresholds = verdicts(&arguments.judge, &results, &[]);
    doubt::look(&mut results);
    report::write(&results, &arguments.outputs)?;
    Ok(exit_code(interrupted, &results))
}

/// The status of all answers, if it says that whoever asks may not.
fn no_key_is_known(shared: &Shared) -> Option<&str> {
    let (status, _) = shared.answers.first_key_value()?;
    (shared.answers.len() == 1 && ["401", "403"].contains(&status.as_str())).then_some(status)
}

fn caller(arguments: &ApiArguments) -> Result<Caller> {
    arguments.outputs.check()?;
    safety::check(&safety::host_of(&arguments.api)?, arguments.i_own.as_deref())?;
    let keys = arguments.key_file.iter().map(|file| secret("--key-file", file));
    let keys: Vec<String> = keys.collect::<Result<_>>()?;
    let numbers = arguments.traffic.recipients(PREFIX_IN_USE, arguments.load.seed)?;
    let sender = arguments.traffic.from.first().context("--from is missing")?;
    let warm_up_us = micros(arguments.load.warm_up);
    let shared = Shared {
        schedule: arguments.load.schedule()?,
        seconds: Seconds::new(warm_up_us)?,
        corrected: Latencies::new()?,
        raw: Latencies::new()?,
        counts: Counts::default(),
        answers: BTreeMap::new(),
        errors: BTreeMap::new(),
        tenants: vec![(0, 0); keys.len()],
        in_flight: 0,
        silent: 0,
        last_us: 0,
    };
    let http = Http::new(&arguments.api);
    Ok(Caller {
        arguments: arguments.clone(),
        tenants: keys.iter().map(|key| http.with_key(key)).collect(),
        numbers,
        sender: sender.to_string(),
        warm_up_us,
        clock: Clock::from_zero(),
        shared: Mutex::new(Some(shared)),
        interrupted: AtomicBool::new(false),
        abandoned: AtomicBool::new(false),
    })
}

/// All connections, until the last message is answered, or a second signal ends the wait for answers. A thread that still waits for
/// one then ends with the process.
fn run_to_its_end(caller: &Arc<Caller>) {
    let (over, run_over) = oneshot::channel();
    let watching = Arc::clone(caller);
    let watch = thread::spawn(move || watching.heed_signals(run_over));
    // Nobody sends on it: it is closed when the last connection has ended.
    let (working, ended) = mpsc::sync_channel::<()>(1);
    let connection = |_| {
        let (caller, working) = (Arc::clone(caller), working.clone());
        thread::spawn(move || {
            let _until_here = working;
            caller.send_all();
        })
    };
    let mut threads: Vec<_> = (0..caller.arguments.connections).map(connection).collect();
    drop(working);
    while ended.recv_timeout(Duration::from_micros(LOOK_US)) == Err(RecvTimeoutError::Timeout) {
        if caller.abandoned.load(Ordering::Relaxed) {
            return;
        }
    }
    drop(over);
    threads.push(watch);
    if let Some(panic) = threads.into_iter().find_map(|thread| thread.join().err()) {
        std::panic::resume_unwind(panic);
    }
}

impl Caller {
    fn shared(&self) -> MutexGuard<'_, Option<Shared>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heed_signals(&self, run_over: oneshot::Receiver<()>) {
        // Without a runtime a signal ends the program, as it would any other.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            let mut signals = Signals::new();
            let told = async {
                signals.next().await;
                self.interrupted.store(true, Ordering::Relaxed);
                kit::output::complain("loadtest: nothing more is sent; a second signal ends the wait for answers");
                signals.next().await;
                self.abandoned.store(true, Ordering::Relaxed);
            };
            tokio::select! {
                () = told => {}
                _ = run_over => {}
            }
        });
    }

    /// One connection's work.
    fn send_all(&self) {
        while let Some(taken) = self.next() {
            self.send(taken);
        }
    }

    /// Waits for the next message; `None`: there will be none.
    fn next(&self) -> Option<Taken> {
        loop {
            let now_us = self.clock.now_us();
            let mut guard = self.shared();
            let shared = guard.as_mut()?;
            let (seconds, counts) = (&mut shared.seconds, &mut shared.counts);
            shared.schedule.pass(now_us, |due_us| {
                seconds.at(due_us).offered += 1;
                counts.offered += u64::from(due_us >= self.warm_up_us);
            });
            shared
                .seconds
                .close_until(now_us, (shared.in_flight, shared.schedule.backlog()));
            if shared.silent >= SILENCE_MAX || self.interrupted.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(taken) = shared.schedule.take(now_us) {
                shared.in_flight += 1;
                shared.seconds.at(now_us).submitted += 1;
                return Some(taken);
            }
            if shared.schedule.is_over(now_us) {
                return None;
            }
            let until_us = shared.schedule.next_due_us().unwrap_or(now_us + LOOK_US);
            drop(guard);
            thread::sleep(Duration::from_micros(
                until_us.saturating_sub(now_us).clamp(100, LOOK_US),
            ));
        }
    }

    fn send(&self, taken: Taken) {
        let draws = Draws::new(self.arguments.load.seed, "api");
        let tenant = shares::choose(draws.unit(taken.number), self.tenants.len(), self.arguments.zipf);
        let marketing = Draws::new(self.arguments.load.seed, "lanes").unit(taken.number) < self.arguments.marketing;
        let texts = &self.arguments.traffic.text;
        let text = match texts.len() as u64 {
            0 => TEXT,
            count => texts[(taken.number % count) as usize].as_str(),
        };
        let message = Message {
            to: format!("+{}", self.numbers.number(taken.number)),
            text,
            sender: &self.sender,
            purpose: if marketing { "marketing" } else { "transactional" },
        };
        let written_us = self.clock.now_us();
        let answer = self.tenants[tenant].post("/v1/messages", &message);
        let status = answer.map(|answer| answer.status);
        self.note(taken.due_us.min(written_us), written_us, (tenant, status));
    }

    fn note(&self, due_us: u64, written_us: u64, (tenant, status): (usize, lab::Result<u16>)) {
        let now_us = self.clock.now_us();
        let mut guard = self.shared();
        let Some(shared) = guard.as_mut() else { return };
        shared.in_flight -= 1;
        let measured = due_us >= self.warm_up_us;
        shared.counts.submitted += u64::from(measured);
        shared.counts.warm_up += u64::from(!measured);
        let Ok(status) = status else {
            shared.silent += 1;
            *shared.errors.entry("no_answer".to_owned()).or_default() += 1;
            return;
        };
        shared.silent = 0;
        let accepted = (200..300).contains(&status);
        let (corrected_us, raw_us) = (now_us - due_us, now_us - written_us);
        let row = shared.seconds.at(now_us);
        row.answered += 1;
        row.refused += u64::from(!accepted);
        shared.seconds.answered(corrected_us, raw_us);
        if !measured {
            return;
        }
        shared.last_us = now_us;
        shared.counts.answered += 1;
        shared.counts.accepted += u64::from(accepted);
        shared.counts.refused += u64::from(!accepted);
        *shared.answers.entry(status.to_string()).or_default() += 1;
        shared.corrected.record(corrected_us);
        shared.raw.record(raw_us);
        if accepted {
            let (count, sum_us) = &mut shared.tenants[tenant];
            *count += 1;
            *sum_us += corrected_us;
        }
    }
}

fn results(mut shared: Shared, warm_up_us: u64) -> Results {
    let seconds = shared.last_us.saturating_sub(warm_up_us) as f64 / 1e6;
    let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    shared.counts.unanswered = shared.counts.submitted - shared.counts.answered;
    shared.counts.dropped = shared.schedule.dropped();
    let throughputs: Vec<f64> = shared.tenants.iter().map(|(count, _)| rate(*count)).collect();
    let waits = shared.tenants.iter().filter(|(count, _)| *count > 0);
    let waits: Vec<f64> = waits.map(|(count, sum_us)| ms(sum_us / count)).collect();
    let latency = Latency {
        corrected: shared.corrected.distribution(),
        raw: shared.raw.distribution(),
    };
    Results {
        seconds,
        rates: Rates {
            offered: rate(shared.counts.offered),
            submits_per_second: rate(shared.counts.submitted),
            answers_per_second: rate(shared.counts.answered),
            receipts_per_second: 0.0,
        },
        latencies: BTreeMap::from([("api".to_owned(), latency)]),
        per_second: shared.seconds.finish((0, shared.schedule.backlog())),
        fairness: shares::fairness(&throughputs, &waits),
        counts: shared.counts,
        answers: shared.answers,
        errors: shared.errors,
        ..Results::default()
    }
}
