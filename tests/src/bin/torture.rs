//! Every fault with many seeds: prints each run, then a summary as Markdown and as JSON.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Context;
use campanile_tests::scenarios::{self, Figures, Run, Scenario};
use campanile_tests::{Programs, started};
use clap::Parser;
use serde_json::json;

/// Runs the fault scenarios of the tests with many seeds.
#[derive(Parser, Debug)]
#[command(name = "torture")]
struct Arguments {
    /// How many seeds of each scenario.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Only the scenarios whose name contains this; may be given again.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// No run begins after this many minutes, nor after a signal; what was not run then counts as failed.
    #[arg(long, default_value_t = 480)]
    minutes: u64,
    /// Where the summary goes: NAME.json and NAME.md.
    #[arg(long, value_name = "NAME", default_value = "target/torture")]
    output: String,
    /// Lists the scenarios and ends.
    #[arg(long)]
    list: bool,
}

/// What became of the runs of one scenario.
#[derive(Debug)]
struct Row {
    name: &'static str,
    passed: u64,
    failed: Vec<u64>,
    not_run: u64,
    seconds: f64,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let chosen: Vec<Scenario> = scenarios::all()
        .into_iter()
        .filter(|scenario| is_chosen(&arguments.only, scenario.name))
        .collect();
    anyhow::ensure!(!chosen.is_empty(), "no scenario has a name like {:?}", arguments.only);
    if arguments.list {
        for scenario in &chosen {
            println!("{}", scenario.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let programs = programs()?;
    std::thread::spawn(end_on_a_signal);
    let until = now() + Duration::from_secs(60 * arguments.minutes);
    let rows: Vec<Row> = chosen
        .iter()
        .map(|scenario| torture(programs, scenario, &arguments, until))
        .collect();
    summarise(&rows, &arguments)?;
    let held = rows.iter().all(|row| row.failed.is_empty() && row.not_run == 0);
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// SIGINT and SIGTERM end what runs; the runs that are left are not begun, and the summary says so.
fn end_on_a_signal() {
    match lab::wait_for_stop() {
        Ok(signal) => {
            eprintln!("torture: {signal}: ending what was started");
            started().end_all(Duration::ZERO);
        }
        Err(fault) => eprintln!("torture: a signal will leave programs running: {fault}"),
    }
}

fn is_chosen(only: &[String], name: &str) -> bool {
    only.is_empty() || only.iter().any(|part| name.contains(part.as_str()))
}

/// The programs under test are beside this one: cargo builds them with it. Their paths are needed to the end.
fn programs() -> anyhow::Result<Programs> {
    let own = std::env::current_exe().context("find this program's own path")?;
    let folder = own.parent().context("this program lies in no folder")?;
    let path = |name: &str| -> anyhow::Result<&'static str> {
        let path = folder.join(name);
        let text = path.to_str().context("a path that is no UTF-8")?;
        Ok(String::leak(text.to_owned()))
    };
    let programs = Programs {
        engine: path("campanile-under-test")?,
        sim: path("smpp-sim-under-test")?,
        scratch: path("torture-runs")?,
    };
    for program in [programs.engine, programs.sim] {
        anyhow::ensure!(Path::new(program).exists(), "{program} is not built: use make torture");
    }
    Ok(programs)
}

fn torture(programs: Programs, scenario: &Scenario, arguments: &Arguments, until: Instant) -> Row {
    let began = now();
    let mut row = Row {
        name: scenario.name,
        passed: 0,
        failed: Vec::new(),
        not_run: 0,
        seconds: 0.0,
    };
    for seed in arguments.from..arguments.from + arguments.seeds {
        if now() >= until || started().check_open().is_err() {
            row.not_run += 1;
            continue;
        }
        let run = Run {
            programs,
            name: scenario.name,
            seed,
        };
        let begun = now();
        // The panic's message, the programs' last words and where their logs lie go to standard error.
        let outcome = catch_unwind(AssertUnwindSafe(|| (scenario.run)(&run)));
        let seconds = begun.elapsed().as_secs_f64();
        match outcome {
            Ok(figures) => {
                row.passed += 1;
                println!(
                    "{} seed {seed}: held, {seconds:.1} s, {}",
                    scenario.name,
                    line(&figures)
                );
            }
            Err(_) if started().check_open().is_err() => row.not_run += 1,
            Err(_) => {
                row.failed.push(seed);
                println!("{} seed {seed}: FAILED, {seconds:.1} s", scenario.name);
            }
        }
    }
    row.seconds = began.elapsed().as_secs_f64();
    row
}

fn line(figures: &Figures) -> String {
    let words: Vec<String> = figures.iter().map(|(name, value)| format!("{name} {value}")).collect();
    words.join(", ")
}

fn summarise(rows: &[Row], arguments: &Arguments) -> anyhow::Result<()> {
    let commit = commit();
    let document = json!({
        "commit": commit,
        "first_seed": arguments.from,
        "seeds": arguments.seeds,
        "scenarios": rows.iter().map(|row| json!({
            "name": row.name,
            "passed": row.passed,
            "failed_seeds": row.failed,
            "not_run": row.not_run,
            "seconds": row.seconds.round(),
        })).collect::<Vec<_>>(),
    });
    let mut table = format!("Commit {commit}, seeds {} and on.\n\n", arguments.from);
    table.push_str("| scenario | held | failed (seeds) | not run | seconds |\n|---|---|---|---|---|\n");
    for row in rows {
        let failed: Vec<String> = row.failed.iter().map(u64::to_string).collect();
        table.push_str(&format!(
            "| {} | {} | {} ({}) | {} | {:.0} |\n",
            row.name,
            row.passed,
            row.failed.len(),
            failed.join(" "),
            row.not_run,
            row.seconds
        ));
    }
    println!("\n{table}");
    let write = |ending: &str, text: &str| {
        let path = format!("{}.{ending}", arguments.output);
        std::fs::write(&path, text).with_context(|| format!("write {path}"))
    };
    write("json", &format!("{document:#}\n"))?;
    write("md", &table)
}

/// Which version this is about; with a word when files were changed since.
fn commit() -> String {
    let said = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let text = said.ok().filter(|output| output.status.success());
    text.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[allow(clippy::disallowed_methods, reason = "the torture is bounded by the real clock")]
fn now() -> Instant {
    Instant::now()
}
