//! SMPP programs of other projects (tests/peers/README.md).

use std::path::{Path, PathBuf};
use std::process::Command;

use lab::{Process, Processes, Site};
use serde::Deserialize;

use crate::fail::OrFail;

/// How long a peer client tries before it gives up.
const CLIENT_LIMIT_SECONDS: u64 = 40;

/// A recipe of tests/peers, and what runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// python-smpplib.
    SmpplibClient,
    /// node-smpp.
    NodeClient,
    /// Net::SMPP.
    NetSmppClient,
    /// Kannel.
    KannelClient,
    /// smpp34.
    Smpp34Server,
    /// node-smpp.
    NodeServer,
    /// Net::SMPP.
    NetSmppServer,
    /// Kannel's drive_smpp.
    KannelServer,
    /// OpenTelemetry's own classes.
    OtlpReceiver,
}

/// What a peer client says at its end.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ClientResult {
    /// Submits answered ESME_ROK.
    pub accepted: u64,
    /// Submits answered with an error.
    pub refused: u64,
    /// Receipts that came.
    pub receipts: u64,
    /// Accepted messages whose receipt came, by id.
    pub matched: u64,
    /// Texts of the inbound messages, in the order of their characters.
    pub inbound: Vec<String>,
}

/// What a peer server says as it happens.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServerEvent {
    /// A submit_sm came and was accepted.
    Submit {
        /// Digits of the recipient.
        to: String,
        /// The id in the answer.
        id: String,
        /// What the segment says.
        text: String,
        /// Which message the segment is of; 0 for a message of one segment.
        #[serde(default)]
        reference: u16,
        /// Of how many segments.
        #[serde(default = "one")]
        segments: u8,
        /// Which of them, from 1.
        #[serde(default = "one")]
        part: u8,
    },
    /// The receipt of that id was acknowledged.
    ReceiptAcked {
        /// The id in the receipt.
        id: String,
    },
}

fn one() -> u8 {
    1
}

/// Whether the peers are left out by the one who runs the tests; said loudly, since it is no success.
pub fn skipped() -> bool {
    let skipped = std::env::var("CAMPANILE_PEERS").is_ok_and(|value| value == "skip");
    if skipped {
        eprintln!("SKIPPED: CAMPANILE_PEERS=skip, so no program of another project was talked to");
    }
    skipped
}

/// For how many seconds the API is to be asked for whatever its document allows, if the one who runs the tests says so.
pub fn fuzz_seconds() -> Option<u64> {
    std::env::var("CAMPANILE_FUZZ_SECONDS").ok()?.parse().ok()
}

impl Recipe {
    fn file(self) -> &'static str {
        match self {
            Self::SmpplibClient => "smpplib_client.py",
            Self::NodeClient => "node_client.js",
            Self::NetSmppClient => "net_smpp_client.pl",
            Self::KannelClient => "kannel_client.py",
            Self::Smpp34Server => "smpp34_server.py",
            Self::NodeServer => "node_server.js",
            Self::NetSmppServer => "net_smpp_server.pl",
            Self::KannelServer => "kannel_server.py",
            Self::OtlpReceiver => "otlp_receiver.py",
        }
    }

    fn command(self) -> Command {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tools = package.join("../.tools");
        let interpreter = match self {
            Self::SmpplibClient | Self::Smpp34Server | Self::OtlpReceiver => tools.join("python/bin/python"),
            Self::KannelClient | Self::KannelServer => PathBuf::from("python3"),
            Self::NodeClient | Self::NodeServer => PathBuf::from("node"),
            Self::NetSmppClient | Self::NetSmppServer => PathBuf::from("perl"),
        };
        let mut command = Command::new(interpreter);
        command.arg(package.join("peers").join(self.file()));
        command.env("NODE_PATH", tools.join("node/node_modules"));
        command
            .env("HOST", "127.0.0.1")
            .env("SYSTEM_ID", "campanile")
            .env("PASSWORD", "secret");
        command
    }
}

/// Node with a script of tests/peers, and the packages that are installed for it.
pub fn node(script: &str) -> Command {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("node");
    command.env("NODE_PATH", package.join("../.tools/node/node_modules"));
    command.arg(package.join("peers").join(script));
    command
}

/// Python with the packages that are installed for tests.
pub fn python() -> Command {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    Command::new(package.join("../.tools/python/bin/python"))
}

/// What a peer client is to do.
#[derive(Clone, Copy, Debug)]
pub struct ClientTask<'a> {
    /// How many messages of one segment to send.
    pub messages: u64,
    /// How many long ones after them.
    pub long: u64,
    /// What these say.
    pub long_text: &'a str,
    /// To this number and the ones after it.
    pub first: u64,
    /// How many inbound messages to wait for.
    pub inbound: usize,
    /// The certificate of the authority that it trusts: it speaks TLS then.
    pub authority: Option<&'a str>,
}

/// Runs a peer client against `address`.
///
/// Panics when the program is missing (scripts/install-peers.sh) or did not get every message accepted and matched.
pub fn run_client(recipe: Recipe, address: &str, task: &ClientTask<'_>) -> ClientResult {
    let port = address.rsplit(':').next().expect("an address ends with its port");
    let mut command = recipe.command();
    command
        .env("PORT", port)
        .env("COUNT", task.messages.to_string())
        .env("LONG", task.long.to_string())
        .env("LONG_TEXT", task.long_text)
        .env("INBOUND", task.inbound.to_string())
        .env("WINDOW", "10");
    command
        .env("FIRST", task.first.to_string())
        .env("LIMIT", CLIENT_LIMIT_SECONDS.to_string())
        .envs(task.authority.map(|file| ("TLS_CA", file)));
    let output = command.output().unwrap_or_else(|error| missing(recipe, &error));
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let result = said.lines().find_map(|line| line.strip_prefix("RESULT "));
    let result = result.unwrap_or_else(|| missing(recipe, &format!("{}\n{said}\n{errors}", output.status)));
    assert!(output.status.success(), "{recipe:?}: {result}\n{errors}");
    serde_json::from_str(result).unwrap_or_else(|error| panic!("{recipe:?}: {error}: {result}"))
}

/// A peer server; killed when dropped.
#[derive(Debug)]
pub struct PeerServer {
    process: Process,
    address: String,
}

impl PeerServer {
    /// Starts it on a free port, with more of its environment (tests/peers/README.md); its output goes to `directory`.
    pub fn start(recipe: Recipe, directory: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = recipe.command();
        command.env("PORT", "0").envs(environment.iter().copied());
        let site = Site::new(&Processes::default(), directory);
        let process = site.start(recipe.file(), command).or_fail();
        let port = process
            .wait_for_line(|line| line.strip_prefix("LISTENING ").map(str::to_owned))
            .or_fail();
        Self {
            process,
            address: format!("127.0.0.1:{port}"),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Everything that it has printed.
    pub fn lines(&self) -> Vec<String> {
        self.process.lines()
    }

    /// What happened so far, in order.
    pub fn events(&self) -> Vec<ServerEvent> {
        self.process
            .lines()
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}

fn missing(recipe: Recipe, why: &dyn std::fmt::Display) -> ! {
    panic!("{recipe:?} could not run ({why}): scripts/install-peers.sh installs it, CAMPANILE_PEERS=skip leaves it out")
}
