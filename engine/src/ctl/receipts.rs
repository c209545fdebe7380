//! `campanile receipts`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Where, quoted};
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows, say_next};
use super::tenants::List;
use crate::domain::Recipient;

/// What is asked of receipts.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ReceiptsAsk {
    /// Receipts that fit no message, and why.
    Parked(Parked),
    /// Match parked receipts once more: those that fit now leave the list.
    Replay(Replay),
}

/// A page of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct Parked {
    #[command(flatten)]
    list: List,
    /// Show numbers whole.
    #[arg(long)]
    whole: bool,
}

/// Some of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct Replay {
    /// Their ids, as the list shows them.
    #[arg(required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    at: Where,
}

impl ReceiptsAsk {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Parked(parked) => parked.run(),
            Self::Replay(replay) => replay.run(),
        }
    }
}

impl Parked {
    fn run(&self) -> Result<(), Failure> {
        let at = &self.list.at;
        let path = format!("/v1/receipts/parked?{}", self.list.page.query());
        let mut answer = at.open()?.get(&path)?;
        if !self.whole {
            mask(&mut answer);
        }
        if at.json {
            return print_json(&answer);
        }
        let mut table = Table::new(&[
            "id",
            "at",
            "smsc",
            "reason",
            "recipient",
            "smsc_message_id",
            "stat",
            "err",
        ]);
        for parked in rows(&answer) {
            let keys = [
                "id",
                "at",
                "smsc",
                "reason",
                "recipient",
                "smsc_message_id",
                "stat",
                "err",
            ];
            table.row(keys.map(|key| cell(&parked[key])));
        }
        table.print()?;
        say_next(&answer);
        Ok(())
    }
}

/// Hides the middle of numbers; words that are none stay.
fn mask(answer: &mut Value) {
    for parked in answer["data"].as_array_mut().into_iter().flatten() {
        for key in ["recipient", "destination"] {
            let number = parked[key].as_str().and_then(|text| text.parse().ok());
            if let Some(number) = number {
                parked[key] = Recipient(number).masked().into();
            }
        }
    }
}

impl Replay {
    fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let mut asked = Vec::new();
        for id in &self.ids {
            let path = format!("/v1/receipts/parked/{}/replay", quoted(id));
            let replayed = client
                .post(&path, &json!({}))
                .map_err(|failure| match failure.is_not_found() {
                    true => failure.because(&format!(
                        "{id:?} is the id of no parked receipt: campanile receipts parked lists them"
                    )),
                    false => failure,
                });
            asked.push(replayed?);
        }
        if self.at.json {
            return print_json(&json!({ "data": asked }));
        }
        let mut table = Table::new(&["replayed"]);
        asked.iter().for_each(|one| table.row([cell(&one["id"])]));
        table.print()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_words_are_not() {
        let mut answer = json!({ "data": [{ "recipient": "33612345678", "destination": "OSTEO" }] });
        mask(&mut answer);
        assert_eq!(
            answer["data"][0],
            json!({ "recipient": "+336••••5678", "destination": "OSTEO" })
        );
    }
}
