//! `campanile engines`.

use clap::Args;
use serde_json::Value;

use super::client::Where;
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows};

/// Which engines there are, and what each of them has alone.
#[derive(Clone, Debug, Args)]
pub(crate) struct EnginesOf {
    #[command(flatten)]
    at: Where,
}

impl EnginesOf {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.get("/v1/engines")?;
        if self.at.json {
            return print_json(&answer);
        }
        let mut table = Table::new(&[
            "id",
            "host",
            "pid",
            "version",
            "admin",
            "since",
            "seen_at",
            "duty",
            "sessions",
            "differs_in",
        ]);
        for engine in rows(&answer) {
            let [id, host, pid, version, admin, since, seen_at, duty] =
                ["id", "host", "pid", "version", "admin", "since", "seen_at", "duty"].map(|key| cell(&engine[key]));
            table.row([
                id,
                host,
                pid,
                version,
                admin,
                since,
                seen_at,
                duty,
                sessions(engine),
                differs_in(engine),
            ]);
        }
        table.print()
    }
}

/// `north 2, south 1`.
fn sessions(engine: &Value) -> String {
    let of = |of: &Value| format!("{} {}", cell(&of["smsc"]), cell(&of["sessions"]));
    let all: Vec<String> = engine["sessions"].as_array().into_iter().flatten().map(of).collect();
    all.join(", ")
}

/// The parts of its configuration that are not as those of the engine that is asked.
fn differs_in(engine: &Value) -> String {
    let parts: Vec<String> = engine["differs_in"]
        .as_array()
        .into_iter()
        .flatten()
        .map(cell)
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sessions_stand_behind_their_smscs() {
        let engine = json!({ "sessions": [{ "smsc": "north", "sessions": 2 }, { "smsc": "south", "sessions": 1 }] });
        assert_eq!(sessions(&engine), "north 2, south 1");
        assert_eq!(sessions(&json!({})), "");
    }
}
