use std::net::SocketAddr;
use std::path::PathBuf;

use super::scenario::Scenario;

/// What the only SMSC of a file without `[[smsc]]` is called.
pub const DEFAULT_SMSC: &str = "default";

/// Everything that one process is to be: one SMSC, or several, each with a scenario of its own.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What people call it.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// At least one, each with a name of its own.
    pub smscs: Vec<SmscSetup>,
    /// The first 16 hexadecimal digits of the file's SHA-256; empty when there was no file.
    pub hash: String,
}

/// One SMSC of several.
#[derive(Clone, Debug)]
pub struct SmscSetup {
    /// What selects it over HTTP, and its label in metrics.
    pub name: String,
    /// Where it takes binds; `None`: where `Options` say, which serves one such SMSC.
    pub listen: Option<SocketAddr>,
    /// Where and how it takes binds over TLS.
    pub tls: Option<Tls>,
    /// What it obeys.
    pub scenario: Scenario,
}

/// TLS as an SMSC speaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Where it takes binds over TLS.
    pub listen: SocketAddr,
    /// With which certificate.
    pub certificate: Certificate,
    /// Whether TLS 1.2 is refused.
    pub only_13: bool,
    /// Clients must show a certificate that one of these authorities has signed (PEM).
    pub client_ca: Option<PathBuf>,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// PEM files: the chain, its own certificate first, and the private key.
    Files {
        /// The chain, PEM.
        certificate: PathBuf,
        /// The private key, PEM.
        key: PathBuf,
    },
    /// Made at the start, and signed by itself.
    SelfSigned {
        /// Names and addresses that it is valid for.
        names: Vec<String>,
        /// Whether its time was over before the start, as a fault.
        expired: bool,
    },
}

impl Tls {
    /// A certificate of its own for localhost.
    pub fn self_signed(listen: SocketAddr) -> Self {
        Self {
            listen,
            certificate: Certificate::SelfSigned {
                names: Self::own_names(),
                expired: false,
            },
            only_13: false,
            client_ca: None,
        }
    }

    /// What a certificate of its own is valid for when nobody says.
    pub(crate) fn own_names() -> Vec<String> {
        ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec()
    }
}

impl From<Scenario> for Setup {
    fn from(scenario: Scenario) -> Self {
        Self {
            name: scenario.name.clone(),
            about: scenario.about.clone(),
            smscs: vec![SmscSetup {
                name: DEFAULT_SMSC.to_owned(),
                listen: None,
                tls: None,
                scenario,
            }],
            hash: String::new(),
        }
    }
}
