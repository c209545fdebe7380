use std::time::Duration;

use ipnet::IpNet;
use smpp::command_status::CommandStatus;
use smpp::frame::BindKind;
use smpp::text::Alphabet;

use super::misbehaviour::Misbehaviour;
use crate::version::Version;

/// The longest password that a bind may bring: what a PDU before the bind has room for, and to spare.
pub(crate) const PASSWORD_MAX: usize = 255;

/// One system_id and its rights.
#[derive(Clone, Debug)]
pub struct Account {
    /// `None`: any.
    pub system_id: Option<String>,
    /// `None`: any.
    pub password: Option<String>,
    /// Which binds it may open.
    pub binds: Vec<BindKind>,
    /// How many sessions at one time.
    pub sessions: usize,
    /// Unanswered submits in one session.
    pub window: u32,
    /// What a submit beyond the window gets.
    pub beyond_window: Beyond,
    /// Submits in any one second, over all its sessions; `None`: no limit.
    pub rate: Option<u32>,
    /// How many more than the rate any one second may have.
    pub burst: u32,
    /// Submits in any one second of one session; `None`: no limit.
    pub rate_per_session: Option<u32>,
    /// What a submit beyond either rate gets, or beyond `max_tps` of the scenario.
    pub beyond_rate: Beyond,
    /// How late [`Beyond::Late`] is, in wall time.
    pub late_by: Duration,
    /// Networks that it may bind from; empty: any.
    pub allow: Vec<IpNet>,
    /// The system_type that its binds must have; `None`: any.
    pub system_type: Option<String>,
    /// Octets of a bind's password, right or wrong.
    pub password_max: usize,
    /// Versions that its binds may say.
    pub versions: Vec<Version>,
    /// `sc_interface_version` of the answers to its binds; `None`: absent.
    pub interface_version: Option<u8>,
    /// Whether answers to 5.0 say how busy the SMSC is.
    pub congestion: bool,
    /// How it writes data_coding 0.
    pub alphabet: Alphabet,
    /// Whether messages with fields that the standard forbids are refused.
    pub strict: bool,
    /// How it misbehaves.
    pub faults: Misbehaviour,
}

impl Account {
    /// Anybody, in any way, without limits.
    pub(crate) fn open(faults: Misbehaviour) -> Self {
        use smpp::frame::BindKind::{Receiver, Transceiver, Transmitter};
        Self {
            system_id: None,
            password: None,
            binds: vec![Transceiver, Transmitter, Receiver],
            sessions: 64,
            window: 10_000,
            beyond_window: Beyond::Refused(CommandStatus::ESME_RTHROTTLED),
            rate: None,
            burst: 0,
            rate_per_session: None,
            beyond_rate: Beyond::Refused(CommandStatus::ESME_RTHROTTLED),
            late_by: Duration::from_secs(2),
            allow: Vec::new(),
            system_type: None,
            password_max: PASSWORD_MAX,
            versions: vec![Version::V33, Version::V34, Version::V50],
            interface_version: Some(Version::V34.octet()),
            congestion: false,
            alphabet: Alphabet::default(),
            strict: false,
            faults,
        }
    }
}

/// What a submit gets that is one too many, for the window or for the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// That status: `ESME_RTHROTTLED`, `ESME_RMSGQFUL` or a carrier's own.
    Refused(CommandStatus),
    /// It is accepted, and answered late.
    Late,
    /// It is neither accepted nor answered.
    Silence,
    /// It is not accepted, and the connection is closed.
    Close,
}
