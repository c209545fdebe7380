//! Completions and man pages, made from the arguments themselves.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use kit::output;

use crate::cli::Arguments;

/// Prints the completions of a shell; the exit code.
pub(crate) fn completions(shell: Shell) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "loadtest", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Writes `loadtest.1` and a page for each command into a directory, which is made if it is not there; the exit code.
pub(crate) fn pages(directory: &Path) -> Result<u8> {
    let place = || directory.display().to_string();
    std::fs::create_dir_all(directory).with_context(place)?;
    clap_mangen::generate_to(Arguments::command(), directory).with_context(place)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_examples() {
        let directory = tempfile::tempdir().unwrap();
        pages(directory.path()).unwrap();
        let mut command = Arguments::command();
        command.build();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let page = directory.path().join(format!("loadtest-{}.1", sub.get_name()));
            assert!(page.is_file(), "{}", page.display());
            let plain = ["completions", "man", "schema"].contains(&sub.get_name());
            assert!(
                plain || sub.get_after_help().is_some(),
                "{} has no examples",
                sub.get_name()
            );
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
