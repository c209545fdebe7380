//! `campanile messages`: single ones.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::create::PurposeOf;
use crate::ctl::client::quoted;
use crate::ctl::door::{Asked, Once, text_of};
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell};

/// Longer than any text may be.
const TEXT_OCTETS_MAX: u64 = 64 << 10;

/// What is asked of single messages.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MessagesAsk {
    /// Send one message, ahead of all campaigns.
    #[command(
        after_help = "Examples:\n  campanile messages send --to +33612345678 --sender OSTEO --text \"RDV demain 9 h\"\n  \
                      campanile messages send --to 0612345678 --sender OSTEO --text-file - --once rdv-4711 < text.txt"
    )]
    Send(Send),
    /// How far a message is.
    Show(Show),
    /// Call a message back that still waits.
    Cancel(Show),
}

/// A message that is to be.
#[derive(Clone, Debug, Args)]
pub(crate) struct Send {
    /// Its recipient.
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// Under which name or number it is sent.
    #[arg(long, value_name = "SENDER")]
    sender: String,
    /// The text.
    #[arg(
        long,
        value_name = "TEXT",
        required_unless_present = "text_file",
        conflicts_with = "text_file"
    )]
    text: Option<String>,
    /// The text in a file; - is standard input.
    #[arg(long, value_name = "FILE")]
    text_file: Option<PathBuf>,
    /// What it is for.
    #[arg(long, default_value = "transactional")]
    purpose: PurposeOf,
    /// A page to which [lien] in the text leads, by a short link.
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    at: Asked,
}

/// A message.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// Its id, msg_….
    id: String,
    #[command(flatten)]
    at: Asked,
}

impl MessagesAsk {
    pub(in crate::ctl) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Send(send) => send.run(),
            Self::Show(show) => show.run(),
            Self::Cancel(cancel) => cancel.call_back(),
        }
    }
}

impl Send {
    fn run(&self) -> Result<(), Failure> {
        let text = match &self.text_file {
            // The line break at the end of a file is none of the text.
            Some(file) => text_of(file, TEXT_OCTETS_MAX)?
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
            None => self.text.clone().unwrap_or_default(),
        };
        let mut body = json!({ "to": self.to, "sender": self.sender, "text": text, "purpose": self.purpose.code() });
        if let Some(link) = &self.link {
            body["link"] = link.as_str().into();
        }
        let client = self.at.open()?;
        let answer = client.post_once("/v1/messages", &body, self.once.key.as_deref())?;
        self.at.show(&answer, |answer| table(answer, &["id", "status"]))
    }
}

impl Show {
    fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.get(&format!("/v1/messages/{}", quoted(&self.id)))?;
        self.at.show(&answer, |answer| {
            table(answer, &["id", "to", "status", "reason", "code", "at"])
        })
    }

    fn call_back(&self) -> Result<(), Failure> {
        let path = format!("/v1/messages/{}/cancel", quoted(&self.id));
        let answer = self.at.open()?.post(&path, &json!({}))?;
        self.at.show(&answer, |answer| table(answer, &["id", "status"]))
    }
}

fn table(message: &Value, columns: &[&'static str]) -> Result<(), Failure> {
    let mut table = Table::new(columns);
    table.row(columns.iter().map(|column| cell(&message[*column])));
    table.print()
}
