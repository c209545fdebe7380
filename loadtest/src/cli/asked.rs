//! The command line as it was given, for the reports: what a run was asked to do.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::{Arguments, Command};

/// What does not change a run, or is nobody's business: where reports go, where the password is.
const LEFT_OUT: [&str; 9] = [
    "password_file",
    "json",
    "out",
    "html",
    "hdr",
    "csv",
    "junit",
    "quiet",
    "keep",
];

/// A command, and the keys and values that it was given or has by default.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The command.
    pub(crate) command: Command,
    /// Its name.
    pub(crate) mode: String,
    /// Its arguments as text, without secrets and without the names of report files.
    pub(crate) configuration: Vec<(String, String)>,
}

impl Asked {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// clap's: it knows how to say what is wrong, and its exit code.
    pub(crate) fn parse(command_line: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Arguments::command().try_get_matches_from(command_line)?;
        let arguments = Arguments::from_arg_matches(&matches)?;
        let (mode, of_mode) = matches.subcommand().unwrap_or(("", &matches));
        Ok(Self {
            command: arguments.command,
            mode: mode.to_owned(),
            configuration: configuration(of_mode),
        })
    }
}

fn configuration(matches: &ArgMatches) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for id in matches.ids() {
        let name = id.as_str();
        if LEFT_OUT.contains(&name)
            || matches
                .value_source(name)
                .is_none_or(|source| source == ValueSource::EnvVariable)
        {
            continue;
        }
        // Groups of arguments are ids, too, and have no text of their own.
        let Ok(Some(values)) = matches.try_get_raw(name) else {
            continue;
        };
        let values: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
        rows.push((name.replace('_', "-"), values.join(" ")));
    }
    rows
}
