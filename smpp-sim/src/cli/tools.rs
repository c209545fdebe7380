use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;
use kit::output;
use presets::{PRESETS, Preset};

use super::arguments::Arguments;
use super::{EXIT_SCENARIO, EXIT_USAGE};
use crate::model::{MAGIC_NUMBERS, Setup};
use crate::reader::BUILT_IN;

/// Lists every fault of every file.
pub(super) fn check(files: &[PathBuf]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match Setup::load(file) {
            Ok(setup) => eprintln!("{}: {} is free of faults", file.display(), setup.name),
            Err(faults) => {
                eprintln!("{faults}");
                code = ExitCode::from(EXIT_SCENARIO);
            }
        }
    }
    code
}

/// Lists the scenarios that are built in, or prints one.
pub(super) fn scenarios(show: Option<&str>) -> io::Result<ExitCode> {
    let Some(name) = show else {
        let about = |name| Setup::named(name).map(|setup| setup.about).unwrap_or_default();
        let width = BUILT_IN
            .iter()
            .map(|scenario| scenario.name.len())
            .max()
            .unwrap_or_default();
        let lines = BUILT_IN
            .iter()
            .map(|scenario| format!("{:<width$}  {}\n", scenario.name, about(scenario.name)));
        return print(&lines.collect::<String>());
    };
    match BUILT_IN.iter().find(|scenario| scenario.name == name) {
        Some(scenario) => print(scenario.text),
        None => {
            if let Err(faults) = Setup::named(name) {
                eprintln!("{faults}");
            }
            Ok(ExitCode::from(EXIT_SCENARIO))
        }
    }
}

/// Lists the presets of carriers, or prints one.
pub(super) fn presets(show: Option<&str>) -> io::Result<ExitCode> {
    let Some(name) = show else {
        let lines = PRESETS
            .iter()
            .map(|preset| format!("{:<12} {}\n", preset.name, preset.about()));
        return print(&lines.collect::<String>());
    };
    match Preset::named(name) {
        Some(preset) => print(preset.text),
        None => {
            let names: Vec<_> = Preset::names().collect();
            eprintln!("smpp-sim: no preset is called {name:?}; there are {}", names.join(", "));
            Ok(ExitCode::from(EXIT_USAGE))
        }
    }
}

/// Lists the magic numbers.
pub(super) fn magic() -> io::Result<ExitCode> {
    // Outcomes bear their numbers in their names: magic_901_invalid_destination.
    let words = |name: &str| name.splitn(3, '_').last().unwrap_or_default().replace('_', " ");
    let lines = MAGIC_NUMBERS
        .iter()
        .map(|magic| format!("{}  {}\n", magic.digits, words(magic.name)));
    print(&lines.collect::<String>())
}

/// Prints completions for a shell.
pub(super) fn completions(shell: Shell) -> io::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "smpp-sim", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints the man page of the whole program, or writes a page for every command into a directory.
pub(super) fn man(directory: Option<&Path>) -> io::Result<ExitCode> {
    let command = Arguments::command();
    match directory {
        Some(directory) => {
            let in_directory = |error: io::Error| {
                let said = format!("{}: {error}", directory.display());
                io::Error::new(error.kind(), said)
            };
            std::fs::create_dir_all(directory).map_err(in_directory)?;
            clap_mangen::generate_to(command, directory).map_err(in_directory)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            return print(&String::from_utf8_lossy(&page));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints to standard output. Who stops reading has what he wants.
pub(super) fn print(text: &str) -> io::Result<ExitCode> {
    output::print(text).map(|_| ExitCode::SUCCESS)
}
