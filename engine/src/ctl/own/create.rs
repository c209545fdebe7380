//! `campanile campaigns create`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::ctl::door::{Asked, Once, opened, read_filter, text_of};
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell};

/// A text that no tenant may send, whatever was agreed on: 1,224 characters of four octets, and some room to be told so.
const TEXT_OCTETS_MAX: u64 = 64 << 10;

/// A million numbers with what stands between them.
const NUMBERS_OCTETS_MAX: u64 = 64 << 20;

const PATH: &str = "/v1/campaigns";
const JSON: &str = "application/json";

/// For what a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PurposeOf {
    /// What people need to know: at any hour.
    Transactional,
    /// Advertising: with a way out, within the hours of the law.
    Marketing,
}

impl PurposeOf {
    /// As the API has it.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Marketing => "marketing",
        }
    }
}

/// What a campaign says, and how fast.
#[derive(Clone, Debug, Args)]
pub(super) struct Said {
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
}

impl Said {
    /// As the API has them: those that are given.
    pub(super) fn fields(&self) -> Result<Map<String, Value>, Failure> {
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
        ];
        let given = given.into_iter();
        Ok(given
            .filter_map(|(key, value)| Some((key.to_owned(), value?.into())))
            .collect())
    }
}

/// A campaign that is to be.
#[derive(Clone, Debug, Args)]
pub(crate) struct Create {
    /// The whole of it as JSON, as POST /v1/campaigns takes it, a million recipients at the most; - is standard input.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["name", "sender", "purpose", "text", "text_file", "numbers_file", "filter", "lists", "segments", "rate", "late_joiners_until"]
    )]
    body: Option<PathBuf>,
    #[command(flatten)]
    said: Said,
    /// Numbers between commas, semicolons, spaces or line breaks; - is standard input.
    #[arg(long, value_name = "FILE")]
    numbers_file: Option<PathBuf>,
    /// Which contacts are meant, as JSON; {} means everybody.
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    /// A list whose members are meant, lst_…; more of them by repeating it.
    #[arg(long = "list", value_name = "LIST")]
    lists: Vec<String>,
    /// A segment, seg_…; more of them by repeating it.
    #[arg(long = "segment", value_name = "SEGMENT")]
    segments: Vec<String>,
    /// Until when people get it as well who come to fit it after its launch, such as 2026-12-24T18:00:00+01:00.
    #[arg(long, value_name = "INSTANT")]
    late_joiners_until: Option<String>,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    at: Asked,
}

impl Create {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let once = self.once.key.as_deref();
        let draft = match &self.body {
            Some(file) => client.send((PATH, once), JSON, &mut opened(file)?)?,
            None => client.post_once(PATH, &self.order()?, once)?,
        };
        self.at.show(&draft, |draft| {
            let mut table = Table::new(&["what", "value"]);
            for key in ["id", "state"] {
                table.row([key.to_owned(), cell(&draft[key])]);
            }
            for part in ["audience", "estimate"] {
                for (key, value) in draft[part].as_object().into_iter().flatten() {
                    table.row([format!("{part} {key}"), cell(value)]);
                }
            }
            table.print()
        })
    }

    /// What is not said is left out, so that the engine says what is missing, and all of it at once.
    fn order(&self) -> Result<Value, Failure> {
        let mut order = self.said.fields()?;
        if let Some(until) = &self.late_joiners_until {
            order.insert("late_joiners_until".to_owned(), until.as_str().into());
        }
        order.insert("audience".to_owned(), self.audience()?);
        Ok(Value::Object(order))
    }

    fn audience(&self) -> Result<Value, Failure> {
        let mut audience = json!({});
        if let Some(file) = &self.numbers_file {
            audience["numbers"] = text_of(file, NUMBERS_OCTETS_MAX)?.into();
        }
        if let Some(filter) = &self.filter {
            audience["filter"] = read_filter(filter)?;
        }
        for (key, ids) in [("lists", &self.lists), ("segments", &self.segments)] {
            if !ids.is_empty() {
                audience[key] = ids.as_slice().into();
            }
        }
        Ok(audience)
    }
}
