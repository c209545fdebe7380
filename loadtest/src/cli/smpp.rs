//! `loadtest smpp`: an ESME that loads any SMSC.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use kit::clock::micros;
use smpp::frame::BindKind;
use smpp::session::Timers;

use super::load::{LoadArguments, duration, whole};
use crate::cli::JudgeArguments;
use crate::esme::{Account, Plan, Rules, Target, Tls};
use crate::report::Outputs;
use crate::traffic::{Kind, Mix, Numbers, Sender, Traffic};

pub(super) const EXAMPLES: &str = "\
Examples:
  loadtest smpp --target 127.0.0.1:2775 --system-id me --password-file secret --duration 10s
      closed model: four sessions, each with its window full, as fast as the SMSC takes it
  loadtest smpp --target 127.0.0.1:2775 --system-id me --password-file secret --rate 1000/s --duration 1m
      open model: 1,000 messages a second, whatever the SMSC does; latency from the intended moment
  loadtest smpp ... --rate 2000/s --warm-up 5s --duration 65s --threshold 'submit_latency:p(99)<250ms' --threshold 'lost==0'
      exit code 99 if one of them does not hold
  loadtest smpp ... --spike 500/s,5000/s:20s+5s --html report.html
  LOADTEST_TARGET=127.0.0.1:2775 LOADTEST_SYSTEM_ID=me loadtest smpp -p secret -r 1000/s -d 1m
      short flags, and the environment for what stays the same
  loadtest smpp ... --mix gsm7:1=80 --mix ucs2:3=20 --to-prefix 3361299 --from CLINIQUE --from 36034

Exit codes: 0 measured, 1 failed, 2 wrong arguments, 3 wrong file, 4 nobody there, 5 refused,
98 the figures mean nothing (under a second, mostly unanswered, ids that cannot be followed), 99 thresholds missed, 130 interrupted.";

/// How sessions are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Binds {
    /// Each session is a transceiver.
    Transceiver,
    /// Each session is a pair of a transmitter and a receiver.
    Pair,
    /// Transmitters only: no receipts come.
    Transmitter,
}

/// Where to, as whom, over how many sessions.
#[derive(Args, Clone, Debug)]
pub(crate) struct TargetArguments {
    /// The SMSC, as HOST:PORT
    #[arg(
        long,
        short,
        env = "LOADTEST_TARGET",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:2775",
        help_heading = "Target"
    )]
    pub(crate) target: String,
    /// The account
    #[arg(
        long,
        short = 'u',
        env = "LOADTEST_SYSTEM_ID",
        value_name = "TEXT",
        default_value = "loadtest",
        help_heading = "Target"
    )]
    pub(crate) system_id: String,
    /// A file whose first line is the password; absent: an empty password
    #[arg(
        long,
        short,
        env = "LOADTEST_PASSWORD_FILE",
        value_name = "FILE",
        help_heading = "Target"
    )]
    pub(crate) password_file: Option<PathBuf>,
    /// system_type of the bind
    #[arg(long, value_name = "TEXT", default_value = "", help_heading = "Target")]
    pub(crate) system_type: String,
    /// interface_version of the bind: 3.3, 3.4 or 5.0
    #[arg(long, value_name = "VERSION", default_value = "3.4", value_parser = interface_version, help_heading = "Target")]
    pub(crate) interface_version: u8,
    /// Sessions
    #[arg(long, short, env = "LOADTEST_SESSIONS", value_name = "N", default_value_t = 4, value_parser = whole::<1, 256>, help_heading = "Target")]
    pub(crate) sessions: u32,
    /// How they are bound
    #[arg(long, value_enum, default_value_t = Binds::Transceiver, help_heading = "Target")]
    pub(crate) binds: Binds,
    /// Unanswered submit_sm in each session
    #[arg(long, short, env = "LOADTEST_WINDOW", value_name = "N", default_value_t = 500, value_parser = whole::<1, 10_000>, help_heading = "Target")]
    pub(crate) window: u32,
    /// Speak TLS
    #[arg(long, help_heading = "Target")]
    pub(crate) tls: bool,
    /// The certificates to trust, in PEM
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// The name that the SMSC's certificate must have; absent: the host of --target
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub(crate) tls_name: Option<String>,
    /// The one host outside this machine that you have the right to load
    #[arg(long, env = "LOADTEST_I_OWN", value_name = "HOST", help_heading = "Target")]
    pub(crate) i_own: Option<String>,
    /// A submit_sm without an answer for this long is overdue
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration, help_heading = "Target")]
    pub(crate) response_timeout: Duration,
    /// After this much silence the SMSC is asked with enquire_link
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration, help_heading = "Target")]
    pub(crate) enquire_link: Duration,
    /// Tries to bind again after a connection was lost, in a row
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = whole::<0, 1_000>, help_heading = "Target")]
    pub(crate) reconnects: u32,
}

/// What is sent.
#[derive(Args, Clone, Debug)]
pub(crate) struct TrafficArguments {
    /// Numbers to make up: 11 digits that begin so; absent: 336, and 3361 through the API, which looks closer
    #[arg(long, value_name = "DIGITS", help_heading = "Traffic")]
    pub(crate) to_prefix: Option<String>,
    /// A file of numbers, one a line, used round and round instead of made-up ones
    #[arg(long, value_name = "FILE", help_heading = "Traffic")]
    pub(crate) numbers: Option<PathBuf>,
    /// Sender: letters, a short code or a number; several are used in turn
    #[arg(long, value_name = "SENDER", default_value = "CLINIQUE", help_heading = "Traffic")]
    pub(crate) from: Vec<Sender>,
    /// Share of texts by encoding and segments; several make a mix
    #[arg(
        long,
        value_name = "ENCODING:SEGMENTS=WEIGHT",
        default_value = "gsm7:1=1",
        help_heading = "Traffic"
    )]
    pub(crate) mix: Vec<Kind>,
    /// Characters of made-up texts of one segment, as far as they fit
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = whole::<10, 160>, help_heading = "Traffic")]
    pub(crate) text_length: u32,
    /// A text of your own instead of made-up ones; several are used at random
    #[arg(long, value_name = "TEXT", help_heading = "Traffic")]
    pub(crate) text: Vec<String>,
    /// registered_delivery: 1 asks for every receipt, 0 for no receipt, 2 for those of failures
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Traffic")]
    pub(crate) registered_delivery: u8,
    /// How many accepted messages without a receipt are remembered; beyond, nothing more is sent. 40 bytes each
    #[arg(long, value_name = "N", default_value_t = 3_600_000, value_parser = whole::<1, 50_000_000>, help_heading = "Traffic")]
    pub(crate) outstanding_max: u32,
}

/// `loadtest smpp`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SmppArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    #[command(flatten)]
    pub(crate) traffic: TrafficArguments,
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

impl TargetArguments {
    /// Whether receipts come back on these sessions.
    pub(crate) fn gets_receipts(&self, traffic: &Traffic) -> bool {
        traffic.wants_receipts() && self.binds != Binds::Transmitter
    }

    /// The plan of a run with that traffic.
    ///
    /// # Errors
    /// A file cannot be read, or arguments contradict each other.
    pub(crate) fn plan(&self, traffic: Traffic) -> Result<Plan> {
        let host = crate::safety::host_of(&self.target)?;
        crate::safety::check(&host, self.i_own.as_deref())?;
        let tls = match &self.tls_ca {
            Some(roots) if self.tls => Some(Tls::trusting(roots, self.tls_name.clone().unwrap_or(host))?),
            None if self.tls => {
                bail!("--tls needs to know whom to trust: --tls-ca FILE with the SMSC's certificate or its issuer's")
            }
            Some(_) => bail!("--tls-ca has no use without --tls"),
            None => None,
        };
        let kinds: &[BindKind] = match self.binds {
            Binds::Transceiver => &[BindKind::Transceiver],
            Binds::Pair => &[BindKind::Transmitter, BindKind::Receiver],
            Binds::Transmitter => &[BindKind::Transmitter],
        };
        let sessions = self.sessions as usize * kinds.len();
        Ok(Plan {
            target: Target {
                address: self.target.clone(),
                tls,
            },
            account: Account {
                system_id: self.system_id.clone(),
                password: self
                    .password_file
                    .as_deref()
                    .map_or(Ok(String::new()), |file| secret("--password-file", file))?,
                system_type: self.system_type.clone(),
                interface_version: self.interface_version,
            },
            sessions: kinds.iter().copied().cycle().take(sessions).collect(),
            window: self.window as usize,
            timers: Timers {
                bind: self.response_timeout,
                enquire_link: self.enquire_link,
                response: self.response_timeout,
            },
            reconnects: self.reconnects,
            traffic,
        })
    }
}

/// What made-up numbers begin with: 100 million of them, which look like French mobiles.
const PREFIX: &str = "336";

/// What they begin with where a number has to be in a range that is given out, as an API may demand: 10 million of them.
pub(crate) const PREFIX_IN_USE: &str = "3361";

impl TrafficArguments {
    /// Who gets the messages: `prefix` is for made-up numbers, unless the arguments have one.
    ///
    /// # Errors
    /// A file or a prefix that cannot be used.
    pub(crate) fn recipients(&self, prefix: &str, seed: u64) -> Result<Numbers> {
        match &self.numbers {
            Some(file) => Numbers::load(file),
            None => Numbers::under(self.to_prefix.as_deref().unwrap_or(prefix), seed),
        }
    }

    /// The messages of a run with that seed.
    ///
    /// # Errors
    /// A file or a text that cannot be used.
    pub(crate) fn traffic(&self, seed: u64) -> Result<Traffic> {
        let numbers = self.recipients(PREFIX, seed)?;
        let mix = if self.text.is_empty() {
            Mix::of_kinds(&self.mix, self.text_length as usize)?
        } else {
            Mix::of_texts(&self.text)?
        };
        let traffic = Traffic::new(numbers, self.from.clone(), mix, seed);
        Ok(traffic.registered_delivery(self.registered_delivery))
    }
}

impl SmppArguments {
    /// The rules of the run's book.
    pub(crate) fn rules(&self, traffic: &Traffic) -> Rules {
        Rules {
            warm_up_us: micros(self.load.warm_up),
            drain_us: micros(self.load.drain),
            outstanding_max: self.traffic.outstanding_max as usize,
            receipts: self.target.gets_receipts(traffic),
        }
    }
}

/// The first line of a file: secrets are no arguments, since everybody on the machine sees those.
///
/// # Errors
/// The file cannot be read, or its first line is empty.
pub(crate) fn secret(option: &str, file: &std::path::Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{option} {}", file.display()))?;
    let line = text.lines().next().unwrap_or_default();
    ensure!(!line.is_empty(), "{option} {}: its first line is empty", file.display());
    Ok(line.to_owned())
}

fn interface_version(text: &str) -> Result<u8, String> {
    match text {
        "3.3" => Ok(0x33),
        "3.4" => Ok(0x34),
        "5.0" => Ok(0x50),
        _ => Err("3.3, 3.4 or 5.0".to_owned()),
    }
}
