//! `campanile message`.

use clap::{Args, Subcommand, ValueEnum};
use kit::output::complain;
use serde_json::Value;

use super::client::{Where, quoted};
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows};
use crate::audience::normalise;
use crate::domain::Country;

/// What is asked of messages.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MessageAsk {
    /// The life of a message, in order of time: asked for, taken, its end, receipts that fit nothing.
    ///
    /// Found by its id (msg_…), by a number (all that is known of messages to it), or by the id that an SMSC gave it, which is
    /// looked for in all records. Numbers are masked.
    #[command(
        after_help = "Examples:\n  campanile message trace msg_0abc…\n  campanile message trace +33612345678\n  \
                            campanile message trace 1a2b3c --as smsc-id"
    )]
    Trace(Trace),
}

/// By what it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Our id, msg_….
    Id,
    /// A recipient.
    Number,
    /// The id that an SMSC gave it.
    SmscId,
}

/// What is looked for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Trace {
    /// A message's id, a number, or an SMSC's id of a message.
    what: String,
    /// What that is. Default: msg_… is an id, a mobile's number a number, everything else an SMSC's id.
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<Kind>,
    /// Show numbers whole.
    #[arg(long)]
    whole: bool,
    #[command(flatten)]
    at: Where,
}

impl MessageAsk {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let Self::Trace(trace) = self;
        trace.run()
    }
}

impl Trace {
    fn run(&self) -> Result<(), Failure> {
        let by = match self.kind.unwrap_or_else(|| guess(&self.what)) {
            Kind::Id => "id",
            Kind::Number => "number",
            Kind::SmscId => "smsc_id",
        };
        let whole = u8::from(self.whole);
        let path = format!("/v1/messages?{by}={}&whole={whole}", quoted(&self.what));
        let answer = self.at.open_with_key()?.search(&path)?;
        if self.at.json {
            return print_json(&answer);
        }
        let mut table = Table::new(&[
            "at", "event", "to", "message", "smsc", "smsc_ids", "reason", "code", "rules",
        ]);
        for event in rows(&answer) {
            let at = match event["at"].as_str() {
                Some(at) => at.to_owned(),
                None => "now".to_owned(),
            };
            // A receipt has an error in place of a code.
            let code = if event["code"].is_null() {
                &event["err"]
            } else {
                &event["code"]
            };
            let rules = match (event["pack"].as_str(), event["pack_version"].as_str()) {
                (Some(pack), Some(version)) => format!("{pack} {version}"),
                _ => cell(&Value::Null),
            };
            table.row([
                at,
                cell(&event["event"]),
                cell(&event["to"]),
                cell(&event["message"]),
                cell(&event["smsc"]),
                cell(&event["smsc_message_ids"]),
                cell(&event["reason"]),
                cell(code),
                rules,
            ]);
        }
        table.print()?;
        if rows(&answer).is_empty() {
            complain(format_args!("Nothing is known of {}, or not any more.", self.what));
        }
        Ok(())
    }
}

fn guess(what: &str) -> Kind {
    if what.starts_with("msg_") {
        Kind::Id
    } else if normalise(what, Country::FRANCE).is_ok() {
        Kind::Number
    } else {
        Kind::SmscId
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_guessed() {
        for (what, kind) in [
            ("msg_0", Kind::Id),
            ("+33612345678", Kind::Number),
            ("06 12 34 56 78", Kind::Number),
            ("1a2b", Kind::SmscId),
            ("12345", Kind::SmscId),
        ] {
            assert_eq!(guess(what), kind, "{what}");
        }
    }
}
