//! `campanile campaigns edit`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::create::{PurposeOf, TEXT_OCTETS_MAX};
use super::view::{account, path_of};
use crate::ctl::door::{Asked, text_of};
use crate::ctl::failure::Failure;

/// The longest change, in octets: as long as the API takes one.
const BODY_OCTETS_MAX: u64 = 1 << 20;

/// What a draft is to be otherwise.
#[derive(Clone, Debug, Args)]
pub(crate) struct EditOf {
    /// Its id, cmp_….
    id: String,
    /// The change as JSON, as PATCH /v1/campaigns/{id} takes it; - is standard input.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["name", "sender", "purpose", "text", "text_file", "rate", "expires_at", "clear"]
    )]
    body: Option<PathBuf>,
    /// What it is called.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Under which name or number it is sent.
    #[arg(long, value_name = "SENDER")]
    sender: Option<String>,
    /// What it is for.
    #[arg(long)]
    purpose: Option<PurposeOf>,
    /// The text, with its fields, such as [Prenom|cher patient].
    #[arg(long, value_name = "TEXT", conflicts_with = "text_file")]
    text: Option<String>,
    /// The text in a file; - is standard input.
    #[arg(long, value_name = "FILE")]
    text_file: Option<PathBuf>,
    /// How many of its messages begin in what time at most, such as 5/s, 30/min or 600/h.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// From when on nothing of it goes, such as 2026-12-24T18:00:00+01:00.
    #[arg(long, value_name = "INSTANT")]
    expires_at: Option<String>,
    /// A field that it is to be without, such as validity; more of them by repeating it.
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
    #[command(flatten)]
    at: Asked,
}

impl EditOf {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let change = self.change()?;
        let answer = self.at.open()?.patch(&path_of(&self.id), &change)?;
        self.at.show(&answer, account)
    }

    fn change(&self) -> Result<Value, Failure> {
        if let Some(file) = &self.body {
            let read = serde_json::from_str(&text_of(file, BODY_OCTETS_MAX)?);
            return read.map_err(|error| Failure::Usage(format!("--body is no JSON: {error}")));
        }
        let text = match &self.text_file {
            // The line break at the end of a file is none of the text.
            Some(file) => Some(
                text_of(file, TEXT_OCTETS_MAX)?
                    .trim_end_matches(['\r', '\n'])
                    .to_owned(),
            ),
            None => self.text.clone(),
        };
        let given = [
            ("name", self.name.clone()),
            ("sender", self.sender.clone()),
            ("purpose", self.purpose.map(|purpose| purpose.code().to_owned())),
            ("text", text),
            ("rate", self.rate.clone()),
            ("expires_at", self.expires_at.clone()),
        ];
        let mut change: Map<String, Value> = Map::new();
        for (name, value) in given {
            change.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        for name in &self.clear {
            if change.insert(name.clone(), Value::Null).is_some() {
                return Err(Failure::Usage(format!("{name} is given and cleared")));
            }
        }
        if change.is_empty() {
            return Err(Failure::Usage("nothing is to be otherwise".to_owned()));
        }
        Ok(change.into())
    }
}
