//! `campanile campaigns watch`.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;

use super::view::{account, path_of};
use crate::clock::Clock;
use crate::config::time;
use crate::ctl::client::Client;
use crate::ctl::door::Asked;
use crate::ctl::failure::Failure;
use crate::ctl::output::progress;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// A campaign that is looked at until it is sent.
#[derive(Clone, Debug, Args)]
pub(crate) struct Watch {
    /// Its id, cmp_….
    id: String,
    /// For how long at the most. Default: as long as it takes.
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    #[command(flatten)]
    at: Asked,
}

impl Watch {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let begun = Clock::new().now();
        let campaign = self.last(&client, begun)?;
        self.at.show(&campaign, account)?;
        match campaign["state"].as_str() {
            Some("completed" | "stopped" | "canceled") => Ok(()),
            state => Err(Failure::Other(format!("{} is {}", self.id, words(state, &campaign)))),
        }
    }

    /// As it is when nothing more is to be sent, or the time is over.
    fn last(&self, client: &Client, begun: Instant) -> Result<Value, Failure> {
        loop {
            let campaign = client.get(&path_of(&self.id))?;
            let over = is_over(&campaign) || self.timeout.is_some_and(|limit| begun.elapsed() >= limit);
            progress(&line(&campaign), over);
            if over {
                return Ok(campaign);
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Whether it moves no more by itself.
fn is_over(campaign: &Value) -> bool {
    let moving = ["resolving", "launching", "running", "paused", "scheduled"];
    !campaign["state"].as_str().is_some_and(|state| moving.contains(&state))
}

/// How far it is, in one line.
fn line(campaign: &Value) -> String {
    let state = campaign["state"].as_str().unwrap_or_default();
    let statuses = campaign["statuses"].as_object().into_iter().flatten();
    let sent: u64 = statuses.filter_map(|(_, count)| count.as_u64()).sum();
    let waiting = campaign["waiting"]["detail"]
        .as_str()
        .map(|detail| format!(": {detail}"));
    let total = &campaign["progress"]["total"];
    format!("{state} {sent} of {total}{}", waiting.unwrap_or_default())
}

/// Why it is not sent, as far as the campaign says it.
fn words(state: Option<&str>, campaign: &Value) -> String {
    let state = state.unwrap_or("in no state that is known");
    match campaign["refused"].as_str() {
        Some(refused) => format!("{state}: {refused}"),
        None => state.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_campaign_is_over_when_nothing_moves_by_itself() {
        for (state, over) in [
            ("running", false),
            ("completed", true),
            ("blocked_insufficient_credit", true),
            ("draft", true),
        ] {
            assert_eq!(is_over(&json!({ "state": state })), over, "{state}");
        }
    }

    #[test]
    fn one_line_says_how_far_it_is() {
        let campaign = json!({
            "state": "running", "statuses": { "delivered": 2, "transmitted": 1 }, "progress": { "total": 9 },
            "waiting": { "detail": "It is too late." },
        });
        assert_eq!(line(&campaign), "running 3 of 9: It is too late.");
        assert_eq!(
            words(Some("draft"), &json!({ "refused": "empty_audience" })),
            "draft: empty_audience"
        );
    }
}
