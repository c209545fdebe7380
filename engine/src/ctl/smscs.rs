//! `campanile smsc list|suspend|resume|rate|drain`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use kit::words::nearest;
use serde_json::{Value, json};

use super::client::{Client, Where, quoted};
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows};
use super::status::{binds, in_flight};
use crate::clock::Clock;
use crate::config::time;

/// Between two looks at what is in flight.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What is asked of SMSCs that an engine is bound to.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SmscAsk {
    /// How each SMSC stands: state, binds, window, rate, routes.
    List(ListOf),
    /// Nothing more is submitted to it until it is resumed; its sessions stay bound.
    Suspend(One),
    /// Messages are submitted to it again.
    Resume(One),
    /// It is given no more than that, by all engines together; "configured": what its configuration says.
    #[command(after_help = "Examples:\n  campanile smsc rate north 50/s\n  campanile smsc rate north configured")]
    Rate(Rate),
    /// Suspend it, and wait until it has answered everything.
    Drain(Drain),
}

/// All of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListOf {
    #[command(flatten)]
    at: Where,
}

/// One of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct One {
    /// The name of its [[smsc]].
    name: String,
    #[command(flatten)]
    at: Where,
}

/// One, and how fast it is fed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Rate {
    /// The name of its [[smsc]].
    name: String,
    /// Segments in a time, such as 50/s, 60/min or 1000/h, at most what is configured; or "configured".
    rate: String,
    #[command(flatten)]
    at: Where,
}

/// One that is to have nothing.
#[derive(Clone, Debug, Args)]
pub(crate) struct Drain {
    #[command(flatten)]
    one: One,
    /// How long its answers are waited for. It stays suspended after that, too.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    timeout: Duration,
}

impl SmscAsk {
    /// Asks, and prints the answer.
    pub(crate) fn run(&self) -> ExitCode {
        super::ended(match self {
            Self::List(list) => list.run(),
            Self::Suspend(one) => one.order("suspend", &json!({})),
            Self::Resume(one) => one.order("resume", &json!({})),
            Self::Rate(Rate { name, rate, at }) => order((name, at), "rate", &json!({ "rate": rate })),
            Self::Drain(drain) => drain.run(),
        })
    }
}

impl ListOf {
    fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.get("/v1/smscs")?;
        if self.at.json {
            print_json(&answer)?;
        } else {
            table(rows(&answer)).print()?;
        }
        Ok(())
    }
}

impl One {
    fn order(&self, what: &str, body: &Value) -> Result<(), Failure> {
        order((&self.name, &self.at), what, body)
    }
}

fn order((name, at): (&str, &Where), what: &str, body: &Value) -> Result<(), Failure> {
    let client = at.open()?;
    let ordered = client.post(&format!("/v1/smscs/{}/{what}", quoted(name)), body);
    let answer = ordered.map_err(|failure| with_names((&client, name), failure))?;
    if at.json {
        print_json(&answer)?;
    } else {
        table(&[answer]).print()?;
    }
    Ok(())
}

fn table(smscs: &[Value]) -> Table {
    let mut table = Table::new(&[
        "name",
        "state",
        "binds",
        "usable",
        "in_flight",
        "window",
        "rate",
        "serving",
    ]);
    for smsc in smscs {
        let rate = match smsc["rate"]["effective"].as_f64() {
            Some(_) => format!("{}/s", cell(&smsc["rate"]["effective"])),
            None => "unlimited".to_owned(),
        };
        table.row([
            cell(&smsc["name"]),
            cell(&smsc["state"]),
            binds(smsc),
            cell(&smsc["usable"]),
            in_flight(smsc),
            cell(&smsc["window"]),
            rate,
            cell(&smsc["serving"]),
        ]);
    }
    table
}

impl Drain {
    fn run(&self) -> Result<(), Failure> {
        let One { name, at } = &self.one;
        let (client, clock) = (at.open()?, Clock::new());
        // Whoever cannot be found, or does not answer, is told so by what comes next.
        let before = find(&client, name).unwrap_or(Value::Null);
        let suspended = client.post(&format!("/v1/smscs/{}/suspend", quoted(name)), &json!({}));
        let mut smsc = suspended.map_err(|failure| with_names((&client, name), failure))?;
        let (until, mut last) = (clock.now() + self.timeout, None);
        loop {
            let others = at_others(&before, &smsc);
            let left = under_way(&smsc) + others.iter().map(|(_, left)| left).sum::<u64>();
            if last.replace(left) != Some(left) {
                progress(name, left);
            }
            if left == 0 {
                break;
            }
            if clock.now() >= until {
                let within = humantime::format_duration(self.timeout);
                let of = |(engine, left): &(String, u64)| format!(", {left} of them at engine {engine}");
                let elsewhere: String = others.iter().filter(|(_, left)| *left > 0).map(of).collect();
                return Err(Failure::Other(format!(
                    "{name} is suspended, and has not answered {left}{elsewhere}, after {within}; see campanile engines, or wait longer (--timeout)"
                )));
            }
            std::thread::sleep(LOOK_AGAIN);
            smsc = find(&client, name)?;
        }
        if at.json {
            print_json(&smsc)?;
        } else {
            table(&[smsc]).print()?;
        }
        Ok(())
    }
}

/// What an engine has under way; one that has not heard yet that nothing more is to go may have something.
fn under_way(said: &Value) -> u64 {
    let in_flight = said["in_flight"].as_u64().unwrap_or(0);
    if said["suspended"] == true {
        in_flight
    } else {
        in_flight.max(1)
    }
}

/// What other engines have under way, each by its id and host. What one said before the SMSC was suspended says nothing of what it has now; one
/// that is silent has nothing any more.
fn at_others(before: &Value, now: &Value) -> Vec<(String, u64)> {
    let Some(engines) = now["engines"].as_array() else {
        return vec![("of which Redis does not tell".to_owned(), 1)];
    };
    let old = |engine: &Value| {
        let mut before = before["engines"].as_array().into_iter().flatten();
        before.any(|old| old["id"] == engine["id"] && old["seen_at"] == engine["seen_at"])
    };
    let others = engines
        .iter()
        .filter(|engine| engine["this"] != true && engine["silent"] != true);
    let left = |engine: &Value| {
        let said = under_way(engine);
        let left = if old(engine) { said.max(1) } else { said };
        (format!("{} on {}", cell(&engine["id"]), cell(&engine["host"])), left)
    };
    others.map(left).collect()
}

/// That there is no SMSC of that name, with the names that there are.
pub(super) fn with_names((client, name): (&Client, &str), failure: Failure) -> Failure {
    if !failure.is_not_found() {
        return failure;
    }
    let Ok(listed) = client.get("/v1/smscs") else {
        return failure;
    };
    failure.because(&no_smsc(name, &listed))
}

fn no_smsc(name: &str, listed: &Value) -> String {
    let names: Vec<&str> = rows(listed).iter().filter_map(|smsc| smsc["name"].as_str()).collect();
    let meant = nearest(name, names.iter().copied());
    let meant = meant
        .map(|meant| format!("; did you mean {meant:?}?"))
        .unwrap_or_default();
    format!(
        "{name:?} is no [[smsc]] of this engine: there are {}{meant}",
        names.join(", ")
    )
}

fn find(client: &Client, name: &str) -> Result<Value, Failure> {
    let listed = client.get("/v1/smscs")?;
    let found = rows(&listed).iter().find(|smsc| smsc["name"] == name);
    found
        .cloned()
        .ok_or_else(|| Failure::Other(format!("{name} was removed from the configuration meanwhile")))
}

/// One line that changes at a terminal; a line for each change elsewhere.
fn progress(name: &str, left: u64) {
    let mut error = std::io::stderr().lock();
    let written = if error.is_terminal() {
        let end = if left == 0 { "\n" } else { "" };
        write!(error, "\r\x1b[K{name}: {left} in flight{end}")
    } else {
        writeln!(error, "{name}: {left} in flight")
    };
    let _unread = written.and_then(|()| error.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_no_smsc_is_told_which_there_are() {
        let listed = json!({ "data": [{ "name": "north" }, { "name": "south" }] });
        assert_eq!(
            no_smsc("nort", &listed),
            "\"nort\" is no [[smsc]] of this engine: there are north, south; did you mean \"north\"?"
        );
    }

    #[test]
    fn an_engine_has_something_until_it_has_heard_and_has_said_so_since() {
        let said = |seen_at: &str, suspended: bool, in_flight: u64| {
            json!({ "engines": [
                { "id": 1, "this": true, "seen_at": seen_at, "suspended": suspended, "in_flight": 99 },
                { "id": 2, "this": false, "seen_at": seen_at, "suspended": suspended, "in_flight": in_flight },
            ] })
        };
        let before = said("1", true, 0);
        let left = |now: &Value| at_others(&before, now).iter().map(|(_, left)| left).sum::<u64>();
        assert_eq!(left(&before), 1, "it was resumed since, for all one knows");
        assert_eq!(left(&said("2", false, 0)), 1);
        assert_eq!(left(&said("2", true, 3)), 3);
        assert_eq!(left(&said("3", true, 0)), 0);
        assert_eq!(left(&json!({ "engines": null })), 1, "Redis does not tell");
        let mut silent = said("1", true, 3);
        silent["engines"][1]["silent"] = true.into();
        assert_eq!(left(&silent), 0, "others have resolved what it had");
    }
}
