//! `[log]`: how much the engine says of itself, and in which form.

use std::fmt;

use kit::settings::Table;
use kit::words::nearest;
use tracing_subscriber::EnvFilter;

/// The levels, as directives name them.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What other programs call them.
const USUAL: [(&str, &str); 7] = [
    ("critical", "error"),
    ("fatal", "error"),
    ("warning", "warn"),
    ("information", "info"),
    ("notice", "info"),
    ("verbose", "debug"),
    ("all", "trace"),
];

/// What a word by itself may be.
const LEVELS_ALLOWED: &str =
    "a word by itself is a level: off, error, warn, info, debug or trace; a target has a level behind it, TARGET=LEVEL";

/// The longest list of directives, in octets: a line that somebody types.
const DIRECTIVES_MAX: usize = 1_000;

/// What has the last word over `filter`.
const RUST_LOG: &str = "RUST_LOG";

/// The client library tells of each of its attempts while a server is away, hundreds a second: what comes of them, we say.
const QUIET: &str = "redis=error";

/// What directives are, for messages about faults.
const ALLOWED: &str = "a level (off, error, warn, info, debug, trace), or TARGET=LEVEL, several with commas between them, such as \
                       \"info,campanile::bind=debug\"";

/// `[log]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    /// `format`: the form of its lines. Default `auto`.
    pub(crate) format: LogFormat,
    /// `filter`: what is said, unless RUST_LOG says it. Default `info`.
    pub(crate) filter: Directives,
}

/// The form of the log's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people at a terminal, JSON elsewhere.
    #[default]
    Auto,
    Json,
    Pretty,
}

impl LogFormat {
    const NAMES: [(&str, Self); 3] = [("auto", Self::Auto), ("json", Self::Json), ("pretty", Self::Pretty)];
}

/// Which lines are written: levels by target, as `tracing` reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directives(String);

/// Directives that cannot be meant; says which, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DirectivesFault(String);

impl Default for Directives {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Directives {
    /// Reads them. A word that is no level is refused: as a target it would silence everything else.
    ///
    /// # Errors
    /// The first that is wrong, and what is allowed.
    pub(crate) fn parse(text: &str) -> Result<Self, DirectivesFault> {
        let text = text.trim();
        if text.is_empty() || text.len() > DIRECTIVES_MAX {
            let given = text.len();
            return Err(DirectivesFault(format!(
                "{given} octets are not allowed: 1 to {DIRECTIVES_MAX}, {ALLOWED}"
            )));
        }
        for directive in each(text) {
            check(directive)?;
        }
        let whole = each(text).collect::<Vec<_>>().join(",");
        match EnvFilter::try_new(&whole) {
            Ok(_) if !whole.is_empty() => Ok(Self(whole)),
            Ok(_) | Err(_) => Err(refused(text)),
        }
    }

    /// As a filter.
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::new(format!("{QUIET},{}", self.0))
    }
}

fn check(directive: &str) -> Result<(), DirectivesFault> {
    if EnvFilter::try_new(directive).is_err() {
        return Err(refused(directive));
    }
    let is_word = !directive.contains(['=', '[']);
    let level = LEVELS.iter().any(|level| directive.eq_ignore_ascii_case(level));
    if !is_word || level {
        return Ok(());
    }
    // As a target, it would silence everything else.
    let meant = nearest(directive, LEVELS).or_else(|| {
        USUAL
            .iter()
            .find(|(word, _)| *word == directive)
            .map(|(_, level)| *level)
    });
    let meant = meant
        .map(|meant| format!("did you mean {meant:?}? "))
        .unwrap_or_default();
    Err(DirectivesFault(format!(
        "{directive:?} is not allowed: {meant}{LEVELS_ALLOWED}"
    )))
}

fn refused(directive: &str) -> DirectivesFault {
    DirectivesFault(format!("{directive:?} is not allowed: {ALLOWED}"))
}

/// The directives of a list. Commas within brackets are the directive's own.
fn each(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let parts = text.split(move |letter| {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth <= 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// What `RUST_LOG` says; `None` when it is not set.
pub(crate) fn rust_log() -> Option<Result<Directives, DirectivesFault>> {
    let (_, value) = std::env::vars_os().find(|(name, _)| name == RUST_LOG)?;
    let text = value.into_string().ok().filter(|text| !text.is_empty())?;
    Some(Directives::parse(&text))
}

pub(super) fn read(table: &Table<'_>) -> Log {
    let filter = table.parsed("filter", ALLOWED, |given| Directives::parse(given.text()?).ok());
    let log = Log {
        format: table.choice("format", &LogFormat::NAMES).unwrap_or_default(),
        filter: filter.unwrap_or_default(),
    };
    table.finish();
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_levels_and_levels_by_target() {
        for text in [
            "info",
            "WARN",
            "info,campanile::bind=debug",
            " debug , hyper=off ",
            "campanile=info",
            "campanile::api=debug",
            "[request]=debug,info",
        ] {
            assert_eq!(
                Directives::parse(text).unwrap().to_string(),
                text.replace(' ', ""),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            (
                "warning",
                "\"warning\" is not allowed: did you mean \"warn\"? a word by itself is a level: off, error",
            ),
            ("verbose", "\"verbose\" is not allowed: did you mean \"debug\"?"),
            ("information", "\"information\" is not allowed: did you mean \"info\"?"),
            ("chatty", "\"chatty\" is not allowed: a word by itself is a level"),
            (
                "campanile::api",
                "\"campanile::api\" is not allowed: a word by itself is a level",
            ),
            ("campanile", "\"campanile\" is not allowed: a word by itself is a level"),
            ("inof", "\"inof\" is not allowed: did you mean \"info\"?"),
            ("info,debgu", "\"debgu\" is not allowed: did you mean \"debug\"?"),
            ("info,campanile=loud", "\"campanile=loud\" is not allowed: a level (off"),
            ("", "0 octets are not allowed: 1 to 1000"),
        ] {
            let fault = Directives::parse(text).unwrap_err().to_string();
            assert!(fault.starts_with(said), "{text}: {fault}");
        }
        assert!(Directives::parse(&"a=info,".repeat(200)).is_err());
    }
}
