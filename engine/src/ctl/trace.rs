//! `campanile trace`.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::client::{Where, quoted};
use super::failure::Failure;
use super::output::{cell, print};
use super::smscs::with_names;
use crate::config::count;

/// Which PDUs, and how many.
#[derive(Clone, Debug, Args)]
pub(crate) struct TraceOf {
    /// The name of the SMSC's [[smsc]].
    smsc: String,
    /// How long, 1 to 600.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = count::<u16, 600>)]
    seconds: u16,
    /// How many PDUs at most, 1 to 100,000.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = count::<u32, 100_000>)]
    limit: u32,
    #[command(flatten)]
    at: Where,
}

impl TraceOf {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let name = quoted(&self.smsc);
        let path = format!("/v1/smscs/{name}/trace?seconds={}&limit={}", self.seconds, self.limit);
        let length = Duration::from_secs(self.seconds.into());
        let client = self.at.open()?;
        let followed = client.follow(&path, length, |line| {
            if self.at.json {
                return print(&format!("{line}\n"));
            }
            serde_json::from_str::<Value>(line).map_or(Ok(true), |object| print(&shown(&object)))
        });
        followed.map_err(|failure| with_names((&client, &self.smsc), failure))
    }
}

/// A PDU as a line.
fn shown(object: &Value) -> String {
    if let Some(missed) = object.get("missed").filter(|_| object.get("end").is_none()) {
        return format!("{missed} PDUs had no room\n");
    }
    if let Some(end) = object["end"].as_str() {
        let (shown, missed) = (cell(&object["shown"]), cell(&object["missed"]));
        return format!("end ({end}): {shown} shown, {missed} missed\n");
    }
    let columns = ["time", "session", "direction", "command", "status", "sequence"];
    let mut cells: Vec<String> = columns.iter().map(|key| cell(&object[*key])).collect();
    let fields = ["source_addr", "destination_addr", "message_id", "short_message"];
    let known = fields.iter().filter(|field| object["fields"].get(**field).is_some());
    cells.extend(known.map(|field| format!("{field}={}", cell(&object["fields"][*field]))));
    if let Some(stat) = object["receipt"]["stat"].as_str() {
        cells.push(format!("stat={stat}"));
    }
    cells.join("\t") + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pdu_is_a_line() {
        let pdu = json!({ "time": "t", "session": 0, "direction": "out", "command": "submit_sm", "status": "ESME_ROK",
            "sequence": 7, "fields": { "destination_addr": "••78" } });
        assert_eq!(
            shown(&pdu),
            "t\t0\tout\tsubmit_sm\tESME_ROK\t7\tdestination_addr=••78\n"
        );
        assert_eq!(shown(&json!({ "missed": 3 })), "3 PDUs had no room\n");
        let end = json!({ "end": "limit", "shown": 2, "missed": 0 });
        assert_eq!(shown(&end), "end (limit): 2 shown, 0 missed\n");
    }
}
