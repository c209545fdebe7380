//! `campanile smsc`: what is known of carriers, and what one of ours answers when it is tried. Without Redis, and beside an engine
//! that runs.

mod advice;
mod course;
mod fields;
mod presets;
mod report;
mod session;
mod shape;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use kit::output::{self, complain};
use kit::words::nearest;

use crate::audience::normalise;
use crate::clock::Clock;
use crate::compose::{Sender, Wording, compose};
use crate::config::{Config, Faults, Smsc, time};
use crate::domain::{Country, Recipient};
use course::Message;
use smpp::text::EncodingPolicy;

/// Something failed, and the last line says what.
const FAILED: u8 = 1;

/// What was asked for cannot be meant.
const USAGE: u8 = 2;

/// Marks the segments of the one message that is sent.
const REFERENCE: u16 = 1;

/// Carriers and our accounts at them.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Tool {
    /// List what is known of carriers (preset = "NAME" in an [[smsc]]), or each value of one, and where it is documented.
    Presets {
        /// One of them.
        name: Option<String>,
        /// JSON.
        #[arg(long)]
        json: bool,
    },
    /// Bind to an SMSC of the configuration as the engine would, ask whether it is there, send one message if told, and say what
    /// was learnt.
    ///
    /// It takes one of the account's sessions while it lasts (two of a pair). Redis and a running engine are left alone: receipts
    /// and messages of others that come to it are given back with a temporary error (ESME_RX_T_APPN), so that the SMSC delivers
    /// them again.
    ///
    /// Exit code 0: fine; 1: something failed, and the last line says what and what to do; 2: wrong usage; 3: invalid configuration.
    Test(Test),
}

/// What is tried.
#[derive(Clone, Debug, Args)]
pub(crate) struct Test {
    /// The name of its [[smsc]].
    name: String,
    /// The configuration, TOML.
    #[arg(long, value_name = "FILE", default_value = "campanile.toml")]
    config: PathBuf,
    /// Send one message to that mobile: it is real, and costs what one costs.
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Its text; several segments if it is long.
    #[arg(long, default_value = "Campanile: test", requires = "to")]
    text: String,
    /// Its sender: 3 to 11 letters and digits, a short code, or an international number with its +.
    #[arg(long, value_name = "SENDER", default_value = "Campanile", requires = "to")]
    from: String,
    /// How long its receipts are waited for.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    wait: Duration,
    /// JSON.
    #[arg(long)]
    json: bool,
}

/// Why nothing was tried.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The configuration has faults.
    Configuration(Faults),
    /// The arguments do not fit it.
    Usage(String),
}

/// Shows presets.
pub(crate) fn show_presets(name: Option<&str>, json: bool) -> ExitCode {
    match presets::shown(name, json) {
        Ok(text) => print((&text, ExitCode::SUCCESS)),
        Err(unknown) => usage(&unknown),
    }
}

/// Says why the arguments cannot be meant.
pub(crate) fn usage(problem: &str) -> ExitCode {
    complain(format_args!("campanile: {problem}"));
    ExitCode::from(USAGE)
}

impl Test {
    /// Tries the SMSC, and says what was learnt.
    ///
    /// # Errors
    /// Why nothing was tried.
    pub(crate) async fn run(&self) -> Result<ExitCode, Refused> {
        let config = Config::load(&self.config).map_err(Refused::Configuration)?;
        let smsc = self.chosen(&config)?;
        let message = self.message(&smsc)?;
        if !self.json {
            complain(format_args!(
                "{}: takes {} of the account's sessions while it lasts",
                smsc.name,
                smsc.bind.kinds().len()
            ));
        }
        let report = course::run(&smsc, message, self.wait, Clock::new()).await;
        let failed = report.problem.is_some();
        let code = if failed {
            ExitCode::from(FAILED)
        } else {
            ExitCode::SUCCESS
        };
        let text = if self.json { report.to_json() } else { report.to_words() };
        Ok(print((&text, code)))
    }

    fn chosen(&self, config: &Config) -> Result<Arc<Smsc>, Refused> {
        let found = config.smsc.iter().find(|smsc| smsc.name == self.name);
        found.cloned().ok_or_else(|| {
            let names: Vec<&str> = config.smsc.iter().map(|smsc| smsc.name.as_str()).collect();
            let meant = nearest(&self.name, names.iter().copied());
            let meant = meant
                .map(|meant| format!("; did you mean {meant:?}?"))
                .unwrap_or_default();
            let (name, file) = (&self.name, self.config.display());
            Refused::Usage(format!(
                "{name:?} is no [[smsc]] of {file}: there are {}{meant}",
                names.join(", ")
            ))
        })
    }

    /// The message that is to be sent, if one is.
    fn message(&self, smsc: &Smsc) -> Result<Option<Message>, Refused> {
        let Some(to) = &self.to else { return Ok(None) };
        let refused =
            |key: &str, given: &str, why: &str| Refused::Usage(format!("{key} {given:?} is not allowed: {why}"));
        if !smsc.bind.transmits() {
            return Err(refused("--to", to, "bind = \"receiver\" takes no messages"));
        }
        let recipient: Recipient =
            normalise(to, Country::FRANCE).map_err(|fault| refused("--to", to, fault.words()))?;
        let sender = Sender::parse(&self.from).map_err(|_| {
            let allowed =
                "3 to 11 letters and digits, a short code of 3 to 8 digits, or an international number with its +";
            refused("--from", &self.from, allowed)
        })?;
        Wording::default()
            .check(&self.text)
            .map_err(|_| refused("--text", &self.text, "1 to 480 characters, not all of them blank"))?;
        let segments = compose(&self.text, EncodingPolicy::GsmTransliterate, REFERENCE, &smsc.envelope)
            .map_err(|error| refused("--text", &self.text, &error.to_string()))?;
        Ok(Some(Message {
            recipient,
            sender,
            segments,
        }))
    }
}

/// Prints it; the exit code is that one, or says that it could not be written.
fn print((text, code): (&str, ExitCode)) -> ExitCode {
    match output::print(text) {
        Ok(_) => code,
        Err(error) => {
            complain(format_args!("campanile: the output cannot be written: {error}"));
            ExitCode::from(FAILED)
        }
    }
}
