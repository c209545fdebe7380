//! `campanile campaigns edit`.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::create::Said;
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
    #[command(flatten)]
    said: Said,
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
        let mut change = self.said.fields()?;
        if let Some(at) = &self.expires_at {
            change.insert("expires_at".to_owned(), at.as_str().into());
        }
        for name in &self.clear {
            if change.insert(name.clone(), Value::Null).is_some() {
                return Err(Failure::Usage(format!("{name} is given and cleared")));
            }
        }
        if change.is_empty() {
            return Err(Failure::Usage("nothing is given that is to change: --text, --name, --clear FIELD, or --body FILE with all that PATCH takes".to_owned()));
        }
        Ok(change.into())
    }
}
