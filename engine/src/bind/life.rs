//! What a session comes to: how it is told to end, what the keeper of its bind is told while it lasts, and how it ended.

use smpp::command_status::CommandStatus;
use smpp::frame::BindResp;
use tokio_util::sync::CancellationToken;

use super::tls::TlsFault;

/// How binds are told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Let the windows empty, unbind, do not come back.
    pub(crate) drain: CancellationToken,
    /// End at once.
    pub(crate) now: CancellationToken,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum End {
    #[error("the SMSC closed the connection before it answered the bind")]
    ClosedUnbound,
    #[error("the SMSC closed the connection")]
    RemoteClose,
    #[error("the bind was not answered")]
    BindTimeout,
    #[error("bind refused: {0}")]
    BindRefused(CommandStatus),
    #[error("enquire_link was not answered")]
    EnquireTimeout,
    #[error("submissions were not answered")]
    Unresponsive,
    #[error("the SMSC unbound")]
    PeerUnbind,
    #[error("the SMSC sent what is no PDU")]
    Protocol,
    /// After the handshake.
    #[error("the SMSC or we ended TLS: {0}")]
    Tls(TlsFault),
    #[error("we unbound")]
    Local,
    #[error("it was not renewed in Redis in time: another engine may have the session by now")]
    Lapsed,
    #[error("we unbound: another engine has too few sessions")]
    MadeRoom,
    #[error("it reached session_max_age and is bound anew")]
    Renewed,
}

impl End {
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::ClosedUnbound | Self::RemoteClose => "remote_close",
            Self::BindTimeout | Self::BindRefused(_) | Self::Protocol => "protocol",
            Self::EnquireTimeout => "enquire_timeout",
            Self::Unresponsive => "unresponsive",
            Self::PeerUnbind => "unbind",
            Self::Tls(_) => "tls_error",
            Self::Local => "local",
            Self::Lapsed => "lapsed",
            Self::MadeRoom => "made_room",
            Self::Renewed => "renewed",
        }
    }

    /// Some carriers lock an account that asks too often with a wrong password.
    pub(super) fn is_about_credentials(&self) -> bool {
        let about = [
            CommandStatus::ESME_RINVPASWD,
            CommandStatus::ESME_RINVSYSID,
            CommandStatus::ESME_RBINDFAIL,
        ];
        matches!(self, Self::BindRefused(status) if about.contains(status))
    }

    /// The result of an attempt to bind that ended so.
    pub(super) const fn attempt(&self) -> &'static str {
        match self {
            Self::BindRefused(_) => "refused",
            Self::BindTimeout => "timeout",
            Self::Tls(_) => "tls_error",
            Self::ClosedUnbound
            | Self::RemoteClose
            | Self::EnquireTimeout
            | Self::Unresponsive
            | Self::PeerUnbind
            | Self::Protocol
            | Self::Local
            | Self::Lapsed
            | Self::MadeRoom
            | Self::Renewed => "closed",
        }
    }
}

/// What an SMSC says of itself when it accepts a bind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) system_id: String,
    /// `sc_interface_version`; without it, it takes no optional parameters (3.4, 4.1.2).
    pub(super) version: Option<u8>,
}

impl Said {
    pub(super) fn of(response: &BindResp<'_>) -> Self {
        Self {
            system_id: String::from_utf8_lossy(response.system_id).into_owned(),
            version: response.sc_interface_version,
        }
    }
}

/// What happened to a session that the keeper of its bind has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Messages may go; or one may, since the session before was not answered.
    Bound(Said),
    /// The SMSC answered enquire_link.
    Alive,
    /// The first submission of the session was answered, or the first after a silence.
    Answered,
    /// Submissions are not answered.
    Silent,
    /// How busy the SMSC says it is, 0 to 99.
    Congestion(u8),
    /// So many places of its window are used from now on; `true`: fewer than before.
    Window(usize, bool),
    /// It was told to end: what is unanswered is waited for, nothing more is taken.
    Draining,
}

/// How a session ended.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) end: End,
    /// It left submissions unanswered, and was given up for it or never had an answer.
    pub(super) silent: bool,
}
