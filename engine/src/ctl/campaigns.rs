//! `campanile campaign`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Where, quoted};
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows, say_next};
use super::tenants::List;

/// What is asked of campaigns.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CampaignAsk {
    /// Campaigns of all tenants, newest first.
    List(List),
    /// One of them: whose, how far, the seven statuses, credits.
    Show(One),
    /// Nothing more of it is sent until it is resumed.
    Pause(One),
    /// Goes on with a paused one.
    Resume(One),
    /// Ends it: what an SMSC does not have yet is canceled. There is no way back.
    Stop(Stop),
}

/// A campaign.
#[derive(Clone, Debug, Args)]
pub(crate) struct One {
    /// Its id, cmp_….
    id: String,
    #[command(flatten)]
    at: Where,
}

/// A campaign that is to end.
#[derive(Clone, Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    one: One,
    /// Yes, for good.
    #[arg(long)]
    yes: bool,
}

impl CampaignAsk {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::List(list) => show_list(list),
            Self::Show(one) => one.show(),
            Self::Pause(one) => one.order("pause"),
            Self::Resume(one) => one.order("resume"),
            Self::Stop(Stop { one, yes: true }) => one.order("cancel"),
            Self::Stop(Stop { one, yes: false }) => Err(Failure::Usage(format!(
                "what is not sent of {} would be canceled for good: say --yes if that is meant",
                one.id
            ))),
        }
    }
}

fn show_list(list: &List) -> Result<(), Failure> {
    let path = format!("/v1/campaigns?{}", list.page.query());
    let answer = list.at.open_with_key()?.get(&path)?;
    if list.at.json {
        return print_json(&answer);
    }
    let mut table = Table::new(&["id", "tenant", "state", "purpose", "recipients", "created", "name"]);
    for campaign in rows(&answer) {
        table.row([
            cell(&campaign["id"]),
            cell(&campaign["tenant"]),
            cell(&campaign["state"]),
            cell(&campaign["purpose"]),
            cell(&campaign["audience"]["accepted"]),
            cell(&campaign["created_at"]),
            cell(&campaign["name"]),
        ]);
    }
    table.print()?;
    say_next(&answer);
    Ok(())
}

impl One {
    fn path(&self) -> String {
        format!("/v1/campaigns/{}", quoted(&self.id))
    }

    fn order(&self, what: &str) -> Result<(), Failure> {
        let path = format!("{}/{what}", self.path());
        let answer = self.at.open_with_key()?.post(&path, &json!({}))?;
        if self.at.json {
            return print_json(&answer);
        }
        let mut table = Table::new(&["id", "state"]);
        table.row([cell(&answer["id"]), cell(&answer["state"])]);
        table.print()
    }

    fn show(&self) -> Result<(), Failure> {
        let answer = self.at.open_with_key()?.get(&self.path())?;
        if self.at.json {
            return print_json(&answer);
        }
        let mut table = Table::new(&["what", "value"]);
        for key in [
            "id",
            "tenant",
            "name",
            "kind",
            "state",
            "purpose",
            "created_at",
            "scheduled_at",
            "launched_at",
        ] {
            table.row([key.to_owned(), cell(&answer[key])]);
        }
        for (what, value) in waiting(&answer["waiting"]) {
            table.row([what, value]);
        }
        for part in ["progress", "statuses", "credits"] {
            for (key, value) in answer[part].as_object().into_iter().flatten() {
                table.row([title(part, key), cell(value)]);
            }
        }
        table.print()
    }
}

/// Why it does not move: in words, since and until when, and how many messages for which reason.
fn waiting(of: &Value) -> Vec<(String, String)> {
    let mut rows = vec![("waiting".to_owned(), cell(&of["detail"]))];
    for key in ["since", "until"] {
        if !of[key].is_null() {
            rows.push((format!("waiting {key}"), cell(&of[key])));
        }
    }
    for one in of["reasons"].as_array().into_iter().flatten() {
        rows.push((format!("waiting for {}", cell(&one["reason"])), cell(&one["messages"])));
    }
    rows
}

fn title(part: &str, key: &str) -> String {
    if part == "credits" {
        format!("credits {key}")
    } else {
        key.to_owned()
    }
}
