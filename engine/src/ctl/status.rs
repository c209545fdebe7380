//! `campanile status`.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::client::Where;
use super::failure::Failure;
use super::output::{Table, cell, print, print_json};

/// Everything at a glance.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatusOf {
    #[command(flatten)]
    at: Where,
}

impl StatusOf {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.get("/v1/status")?;
        if self.at.json {
            return print_json(&answer);
        }
        let mut about = Table::new(&["what", "value"]);
        for (what, value) in facts(&answer) {
            about.row([what.to_owned(), value]);
        }
        about.print()?;
        print("\n")?;
        let mut smscs = Table::new(&["smsc", "state", "binds", "in_flight", "window", "rate", "last_error"]);
        for smsc in smscs_of(&answer) {
            smscs.row(row(smsc));
        }
        smscs.print()?;
        if tenants_of(&answer).is_empty() {
            return Ok(());
        }
        print("\n")?;
        let mut tenants = Table::new(&["tenant", "name", "queued", "oldest_s", "available", "held"]);
        for tenant in tenants_of(&answer) {
            tenants.row(tenant_row(tenant));
        }
        tenants.print()
    }
}

/// What is true of the whole engine, in the order of the page.
pub(super) fn facts(status: &Value) -> Vec<(&'static str, String)> {
    let reasons = status["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    let why: Vec<String> = reasons.iter().map(|reason| cell(&reason["detail"])).collect();
    let ready = if status["ready"] == true {
        "yes".to_owned()
    } else {
        format!("no: {}", why.join("; "))
    };
    let uptime = Duration::from_secs(status["uptime_seconds"].as_u64().unwrap_or(0));
    vec![
        ("ready", ready),
        ("version", cell(&status["version"])),
        ("uptime", humantime::format_duration(uptime).to_string()),
        ("queued", cell(&status["backlog"]["queued"])),
        ("deferred", cell(&status["backlog"]["deferred"])),
        ("waiting for", reasons_of(&status["backlog"])),
        ("sql", sql_of(&status["sql"])),
        ("settling behind, s", cell(&status["settling"]["behind_seconds"])),
        ("receipts parked", cell(&status["receipts_parked"])),
        ("redis may lose data", cell(&status["redis_loss_allowed"])),
    ]
}

/// Whether the database is there, and by how much what is kept in it is behind. Another engine knows that where this one has not the duty.
fn sql_of(sql: &Value) -> String {
    let there = if sql["away"] == true { "away" } else { "there" };
    let behind = |what: &str| {
        let seconds = sql[format!("{what}_behind_seconds")].as_f64();
        seconds.map_or_else(String::new, |seconds| format!(", {what} {seconds:.0} s behind"))
    };
    format!("{there}{}{}", behind("history"), behind("mirror"))
}

/// Why what waits does so, the gravest reason first.
fn reasons_of(backlog: &Value) -> String {
    let reasons = backlog["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    let words = reasons
        .iter()
        .map(|one| format!("{} {}", cell(&one["reason"]), cell(&one["messages"])));
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    }
}

/// Tenants whose messages wait, and the busiest.
pub(super) fn tenants_of(status: &Value) -> &[Value] {
    status["tenants"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A tenant as a row: id, name, how many messages wait and for how long, credits.
pub(super) fn tenant_row(tenant: &Value) -> [String; 6] {
    ["tenant", "name", "queued", "oldest_seconds", "available", "held"].map(|key| cell(&tenant[key]))
}

/// Its SMSCs.
pub(super) fn smscs_of(status: &Value) -> &[Value] {
    status["smscs"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// An SMSC as a row: name, state, binds, in flight, window, rate, last error.
pub(super) fn row(smsc: &Value) -> [String; 7] {
    let binds = &smsc["binds"];
    let rate = &smsc["rate"]["effective"];
    [
        cell(&smsc["name"]),
        cell(&smsc["state"]),
        self::binds(smsc),
        in_flight(smsc),
        cell(&smsc["window"]),
        if rate.is_null() {
            "unlimited".to_owned()
        } else {
            format!("{}/s", cell(rate))
        },
        match binds["last_error_at"].as_str() {
            Some(at) => format!("{} ({at})", cell(&binds["last_error"])),
            None => cell(&binds["last_error"]),
        },
    ]
}

/// How many of an SMSC's binds have a session, at all engines: `1/2`.
pub(super) fn binds(smsc: &Value) -> String {
    let binds = &smsc["binds"];
    let own = binds["bound"].as_u64().unwrap_or(0);
    format!("{}/{}", own + of_others(smsc, "bound"), cell(&binds["configured"]))
}

/// How much an SMSC has not answered, at all engines.
pub(super) fn in_flight(smsc: &Value) -> String {
    let own = smsc["in_flight"].as_u64().unwrap_or(0);
    (own + of_others(smsc, "in_flight")).to_string()
}

/// What the other engines say of an SMSC.
fn of_others(smsc: &Value, what: &str) -> u64 {
    let engines = smsc["engines"].as_array().into_iter().flatten();
    let others = engines.filter(|engine| engine["this"] != true);
    others.filter_map(|engine| engine[what].as_u64()).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_smsc_is_shown_as_all_engines_have_it() {
        let engines = json!([{ "this": true, "bound": 1, "in_flight": 8 }, { "this": false, "bound": 1, "in_flight": 2 }, { "this": false, "bound": null }]);
        let shared = json!({ "in_flight": 9, "binds": { "bound": 1, "configured": 2 }, "engines": engines });
        assert_eq!(
            (binds(&shared), in_flight(&shared)),
            ("2/2".to_owned(), "11".to_owned())
        );
        let alone = json!({ "in_flight": 9, "binds": { "bound": 1, "configured": 2 }, "engines": null });
        assert_eq!((binds(&alone), in_flight(&alone)), ("1/2".to_owned(), "9".to_owned()));
    }
}
