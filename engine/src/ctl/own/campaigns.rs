//! `campanile campaigns`: a tenant's own.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::create::Create;
use super::edit::EditOf;
use super::export::Export;
use super::report::Report;
use super::view::{account, path_of};
use super::watch::Watch;
use crate::campaign::RESENT;
use crate::ctl::door::{Asked, Once, Page};
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell, print, rows, say_next};

/// What is asked of a tenant's campaigns.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CampaignsAsk {
    /// Campaigns, newest first.
    List(List),
    /// Make a campaign; nothing is sent before its launch.
    #[command(
        after_help = "Examples:\n  campanile campaigns create --name Fermeture --sender OSTEO --purpose transactional \\\n      \
                      --text-file text.txt --numbers-file numbers.txt\n  campanile campaigns create --name Fermeture --sender OSTEO \
                      --purpose transactional \\\n      --text \"Bonjour [Prenom]\" --filter '{\"field\": \"practice\", \"is\": \"Lyon\"}'\n  \
                      campanile campaigns create --body campaign.json"
    )]
    Create(Box<Create>),
    /// One of them: how far, the seven statuses, credits, why it waits.
    Show(One),
    /// Have a draft say something else; what is not given stays.
    #[command(
        after_help = "Examples:\n  campanile campaigns edit cmp_… --text-file text.txt --rate 30/min\n  campanile campaigns edit cmp_… --clear \
                      expires_at --clear validity\n  campanile campaigns edit cmp_… --body change.json"
    )]
    Edit(Box<EditOf>),
    /// What it will take and cost, before it is launched.
    Estimate(One),
    /// Launch it: the credits of its estimate are held, all of them or none.
    Launch(Ordered),
    /// Have it launch by itself at a date, or take that back.
    Schedule(Schedule),
    /// How fast it goes at most, also while it runs.
    #[command(after_help = "Example:\n  campanile campaigns rate cmp_… 30/min")]
    Rate(Rate),
    /// Look on until it is sent, with a line that changes at a terminal.
    ///
    /// Ends when nothing more is to be sent, and shows the campaign as it is then. Exit code 1: it was not launched, or did not end in time.
    #[command(
        after_help = "Example:\n  campanile campaigns launch cmp_… && campanile campaigns watch cmp_… --timeout 2h"
    )]
    Watch(Watch),
    /// Nothing more of it is sent until it is resumed.
    Pause(Ordered),
    /// Goes on with a paused one.
    Resume(Ordered),
    /// Ends it: what an SMSC does not have yet is canceled. There is no way back.
    Stop(Stop),
    /// Make a draft like it, to the same recipients or to those whom its filters mean now.
    Duplicate(Duplicate),
    /// Make a draft for those of its recipients whose messages failed, or had another status.
    #[command(after_help = "Example:\n  campanile campaigns resend cmp_… --status reception_error --name \"Relance\"")]
    Resend(Resend),
    /// Forgets one that was not launched: a draft, or one that is planned, blocked or canceled.
    Delete(Delete),
    /// The seven statuses, with counts and shares; estimate and cost.
    #[command(after_help = "Example:\n  campanile campaigns report cmp_… --language fr --csv report.csv")]
    Report(Report),
    /// What became of each recipient, as a file.
    #[command(after_help = "Example:\n  campanile campaigns export cmp_… --status unknown_number --output unknown.csv")]
    Export(Export),
}

/// Campaigns, page by page.
#[derive(Clone, Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    at: Asked,
}

/// A campaign.
#[derive(Clone, Debug, Args)]
pub(crate) struct One {
    /// Its id, cmp_….
    id: String,
    #[command(flatten)]
    at: Asked,
}

/// A campaign that is told to move.
#[derive(Clone, Debug, Args)]
pub(crate) struct Ordered {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    once: Once,
}

/// A campaign that is to end.
#[derive(Clone, Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    ordered: Ordered,
    /// Yes, for good.
    #[arg(long)]
    yes: bool,
}

/// A campaign of which another is made.
#[derive(Clone, Debug, Args)]
pub(crate) struct Duplicate {
    #[command(flatten)]
    ordered: Ordered,
    /// What the draft is called. Without it: as the campaign, with " (2)".
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// A campaign that goes again to some.
#[derive(Clone, Debug, Args)]
pub(crate) struct Resend {
    #[command(flatten)]
    duplicate: Duplicate,
    /// Those whose messages have that status; more of them by repeating it. Without it: those that may come out better.
    #[arg(long = "status", value_name = "STATUS", value_parser = PossibleValuesParser::new(RESENT))]
    statuses: Vec<String>,
    /// Also to those who have it, or may have it: beside a status that says so.
    #[arg(long)]
    again: bool,
}

/// A campaign that is to be forgotten.
#[derive(Clone, Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    one: One,
    /// Yes, for good.
    #[arg(long)]
    yes: bool,
}

/// A campaign and its date.
#[derive(Clone, Debug, Args)]
pub(crate) struct Schedule {
    /// Its id, cmp_….
    id: String,
    /// The date, such as 2026-12-24T09:00, or with its offset; never: it is a draft again.
    when: String,
    /// By whose clocks a time without an offset is. Default: the tenant's.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    #[command(flatten)]
    at: Asked,
}

/// A campaign and its rate.
#[derive(Clone, Debug, Args)]
pub(crate) struct Rate {
    /// Its id, cmp_….
    id: String,
    /// How many messages begin in what time at most, such as 5/s, 30/min or 600/h; none: as many as can.
    rate: String,
    #[command(flatten)]
    at: Asked,
}

/// The word that takes a rate back.
const NONE: &str = "none";

/// The date that takes one back.
const NEVER: &str = "never";

impl CampaignsAsk {
    pub(in crate::ctl) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Create(create) => create.run(),
            Self::Show(one) => {
                let answer = one.at.open()?.get(&path_of(&one.id))?;
                one.at.show(&answer, account)
            }
            Self::Edit(edit) => edit.run(),
            Self::Estimate(one) => one.estimate(),
            Self::Launch(ordered) => ordered.order("launch"),
            Self::Schedule(schedule) => schedule.run(),
            Self::Rate(rate) => rate.run(),
            Self::Watch(watch) => watch.run(),
            Self::Pause(ordered) => ordered.order("pause"),
            Self::Resume(ordered) => ordered.order("resume"),
            Self::Stop(Stop { ordered, yes: true }) => ordered.order("cancel"),
            Self::Stop(Stop { ordered, yes: false }) => Err(Failure::Usage(format!(
                "what is not sent of {} would be canceled for good: say --yes if that is meant",
                ordered.one.id
            ))),
            Self::Duplicate(duplicate) => duplicate.run(),
            Self::Resend(resend) => resend.run(),
            Self::Delete(delete) => delete.run(),
            Self::Report(report) => report.run(),
            Self::Export(export) => export.run(),
        }
    }
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        // What gathers single messages is `messages list`'s.
        let page = self.page.query();
        let answer = self.at.open()?.get(&format!("/v1/campaigns?kind=audience&{page}"))?;
        self.at.show(&answer, |answer| {
            let columns = ["id", "state", "purpose", "recipients", "credits", "created", "name"];
            let mut table = Table::new(&columns);
            for campaign in rows(answer) {
                let estimate = &campaign["estimate"];
                table.row([
                    cell(&campaign["id"]),
                    cell(&campaign["state"]),
                    cell(&campaign["purpose"]),
                    cell(&campaign["audience"]["accepted"]),
                    cell(&estimate["credits"]),
                    cell(&campaign["created_at"]),
                    cell(&campaign["name"]),
                ]);
            }
            table.print()?;
            say_next(answer);
            Ok(())
        })
    }
}

impl Duplicate {
    fn run(&self) -> Result<(), Failure> {
        self.make("duplicate", json!({}))
    }

    fn make(&self, what: &str, mut body: Value) -> Result<(), Failure> {
        if let Some(name) = &self.name {
            body["name"] = name.as_str().into();
        }
        let Ordered { one, once } = &self.ordered;
        let path = format!("{}/{what}", path_of(&one.id));
        let made = one.at.open()?.post_once(&path, &body, once.key.as_deref())?;
        one.at.show(&made, account)
    }
}

impl Resend {
    fn run(&self) -> Result<(), Failure> {
        let mut body = json!({});
        if !self.statuses.is_empty() {
            body["statuses"] = self.statuses.as_slice().into();
        }
        if self.again {
            body["again"] = true.into();
        }
        self.duplicate.make("resend", body)
    }
}

impl Ordered {
    fn order(&self, what: &str) -> Result<(), Failure> {
        let path = format!("{}/{what}", path_of(&self.one.id));
        let at = &self.one.at;
        let answer = at.open()?.post_once(&path, &json!({}), self.once.key.as_deref())?;
        at.show(&answer, moved)
    }
}

impl Delete {
    fn run(&self) -> Result<(), Failure> {
        let One { id, at } = &self.one;
        if !self.yes {
            let why = format!("{id} would be forgotten for good: say --yes if that is meant");
            return Err(Failure::Usage(why));
        }
        at.open()?.delete(&path_of(id))?;
        at.show(&json!({ "id": id, "deleted": true }), |_| {
            print(&format!("{id} is forgotten\n")).map(drop)
        })
    }
}

impl Schedule {
    fn run(&self) -> Result<(), Failure> {
        let mut body = json!({ "scheduled_at": (self.when != NEVER).then_some(&self.when) });
        if let Some(zone) = &self.time_zone {
            body["time_zone"] = zone.as_str().into();
        }
        let path = format!("{}/schedule", path_of(&self.id));
        let answer = self.at.open()?.post(&path, &body)?;
        self.at.show(&answer, |answer| {
            let mut table = Table::new(&["id", "state", "scheduled_at"]);
            table.row(["id", "state", "scheduled_at"].map(|key| cell(&answer[key])));
            table.print()
        })
    }
}

impl Rate {
    fn run(&self) -> Result<(), Failure> {
        let body = json!({ "rate": (self.rate != NONE).then_some(&self.rate) });
        let path = format!("{}/rate", path_of(&self.id));
        let answer = self.at.open()?.post(&path, &body)?;
        self.at.show(&answer, |answer| {
            let mut table = Table::new(&["id", "state", "rate"]);
            table.row(["id", "state", "rate"].map(|key| cell(&answer[key])));
            table.print()
        })
    }
}

impl One {
    fn estimate(&self) -> Result<(), Failure> {
        let path = format!("{}/estimate", path_of(&self.id));
        let answer = self.at.open()?.post(&path, &json!({}))?;
        self.at.show(&answer, |answer| {
            let mut table = Table::new(&["what", "value"]);
            for part in ["max", "expected", "by_segments", "excluded", "balance"] {
                for (key, value) in answer[part].as_object().into_iter().flatten() {
                    table.row([format!("{part} {key}"), cell(value)]);
                }
            }
            for key in ["opted_out", "next_open_at"] {
                table.row([key.to_owned(), cell(&answer[key])]);
            }
            for sample in answer["samples"].as_array().into_iter().flatten() {
                table.row([format!("text of {}", cell(&sample["segments"])), cell(&sample["text"])]);
            }
            table.print()
        })
    }
}

/// Where it has moved.
fn moved(answer: &Value) -> Result<(), Failure> {
    let mut table = Table::new(&["id", "state"]);
    table.row(["id", "state"].map(|key| cell(&answer[key])));
    table.print()
}
