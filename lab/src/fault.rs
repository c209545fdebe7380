//! Why the programs could not be started or asked.

use std::fmt::Display;
use std::time::Duration;

/// What every call here returns.
pub type Result<T> = std::result::Result<T, Fault>;

/// Something did not go as it must. The message is whole: it names the cause and what the program said last.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Everything was ended by a signal or a time limit: nothing may be started or waited for any more.
    #[error("the run is over")]
    Over,
    /// The operating system said no.
    #[error("cannot {what}: {cause}")]
    System {
        /// In the infinitive: `write campanile.toml`.
        what: String,
        /// Its words.
        cause: std::io::Error,
    },
    /// A program ended by itself.
    #[error("{name} ended before it could {what}{last_words}")]
    Ended {
        /// Which program.
        name: String,
        /// What it was to do, in the infinitive.
        what: String,
        /// Empty when it said nothing.
        last_words: String,
    },
    /// A program took too long.
    #[error("{name} did not {what} in {limit:?}{last_words}")]
    Late {
        /// Which program.
        name: String,
        /// What it was to do, in the infinitive.
        what: String,
        /// How long it had.
        limit: Duration,
        /// Empty when it said nothing.
        last_words: String,
    },
    /// No answer came: nobody listens, or the connection broke.
    #[error("{request}: {cause}")]
    NoAnswer {
        /// Method and URL.
        request: String,
        /// Why there is none.
        cause: Box<ureq::Error>,
    },
    /// The answer's status is not a success.
    #[error("{request}: {status}: {quote}")]
    Refused {
        /// Method and URL.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        quote: String,
    },
    /// Something has another shape than its contract says.
    #[error("{what}: {why}")]
    Unexpected {
        /// What was read, with its beginning.
        what: String,
        /// Where it differs.
        why: String,
    },
    /// Redis cannot be reached, or refuses.
    #[error("Redis: {0}")]
    Redis(redis::RedisError),
}

impl From<redis::RedisError> for Fault {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error)
    }
}

/// For `map_err`: names what was tried.
pub(crate) fn cannot(what: impl Display) -> impl FnOnce(std::io::Error) -> Fault {
    move |cause| Fault::System {
        what: what.to_string(),
        cause,
    }
}
