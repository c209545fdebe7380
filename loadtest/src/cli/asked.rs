//! The command line as it was given, for the reports: what a run was asked to do.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::command::{Arguments, Command};

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
    pub(crate) command: Command,
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
        let mut command = Arguments::command();
        let matches = command.try_get_matches_from_mut(command_line);
        let matches = matches.map_err(|error| naming_the_variable(error, &command))?;
        let arguments = Arguments::from_arg_matches(&matches)?;
        let (mode, of_mode) = matches.subcommand().unwrap_or(("", &matches));
        Ok(Self {
            command: arguments.command,
            mode: mode.to_owned(),
            configuration: configuration(command.find_subcommand(mode), of_mode),
        })
    }
}

/// The same error, with the variable of the environment that a wrong value is from: whoever has set it long ago knows no such option.
fn naming_the_variable(mut error: clap::Error, command: &clap::Command) -> clap::Error {
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(_) | None => None,
    };
    let (Some(argument), Some(value)) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue)) else {
        return error;
    };
    // How arguments are written is known when the command has been built.
    let mut command = command.clone();
    command.build();
    let arguments = command.get_subcommands().flat_map(clap::Command::get_arguments);
    let meant = arguments.filter(|known| known.to_string() == argument);
    let named = meant.filter_map(clap::Arg::get_env).find(|name| {
        let mut set = std::env::vars_os();
        set.any(|(key, given)| key == **name && given.to_string_lossy() == value)
    });
    if let Some(name) = named {
        let shown = format!(
            "{argument} (from {}, unless the command line says so)",
            name.to_string_lossy()
        );
        error.insert(ContextKind::InvalidArg, ContextValue::String(shown));
    }
    error
}

/// Of the mode's arguments alone: the matches have the names of groups of arguments, too.
fn configuration(mode: Option<&clap::Command>, matches: &ArgMatches) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for argument in mode.into_iter().flat_map(clap::Command::get_arguments) {
        let name = argument.get_id().as_str();
        if LEFT_OUT.contains(&name) || matches.try_contains_id(name).is_err() || matches.value_source(name).is_none() {
            continue;
        }
        let Ok(Some(values)) = matches.try_get_raw(name) else {
            continue;
        };
        let values: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
        rows.push((name.replace('_', "-"), values.join(" ")));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_secrets_are_no_part_of_what_a_run_was_asked_to_do() {
        let configuration = |more: &[&str]| {
            let usual = [
                "loadtest",
                "smpp",
                "--target",
                "127.0.0.1:1",
                "--system-id",
                "me",
                "--count",
                "5",
            ];
            let line = usual.iter().chain(more).map(OsString::from);
            Asked::parse(line).unwrap().configuration
        };
        let plain = configuration(&[]);
        let row = |name: &str| {
            plain
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!((row("count"), row("sessions")), (Some("5"), Some("4")));
        assert!(
            plain.iter().all(|(key, _)| !key.contains(char::is_uppercase)),
            "{plain:?}"
        );
        let reported = ["--html", "a.html", "--json", "--password-file", "secret"];
        assert_eq!(plain, configuration(&reported));
    }
}
