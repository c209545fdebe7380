//! Why a run did not come about, and which exit code says so.

/// What is behind a run that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Arguments that contradict each other or are too much: exit code 2.
    #[error("{0:#}")]
    Usage(anyhow::Error),
    /// A profile or another file that was given is wrong: exit code 3.
    #[error("{0:#}")]
    Configuration(anyhow::Error),
    /// Nobody answers there: exit code 4.
    #[error("{0:#}")]
    Unreachable(anyhow::Error),
    /// The other side says no: exit code 5.
    #[error("{0:#}")]
    Refused(anyhow::Error),
}

/// Thresholds that do not hold, or ledgers that do not agree; k6 uses the same.
pub(crate) const MISSED: u8 = 99;

/// Measured, and the figures mean nothing or next to nothing: the report says why.
pub(crate) const DOUBTFUL: u8 = 98;

/// What a shell reports for a program that ended by SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code of an error.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Failure>() {
        None => 1,
        Some(Failure::Usage(_)) => 2,
        Some(Failure::Configuration(_)) => 3,
        Some(Failure::Unreachable(_)) => 4,
        Some(Failure::Refused(_)) => 5,
    }
}
