//! Files that a configuration names and a start needs: they are looked at before anything else is begun.

use std::path::{Path, PathBuf};

use kit::settings::{Faults, Table};
use rustix::fs::{Access, access};

use crate::config::{Config, LineFile, Setting, settings};
use crate::encryption::{KeyFileFault, MasterKeys};

/// Octets of an operator's key: it opens everything.
const OPERATOR_KEY: std::ops::RangeInclusive<usize> = 16..=256;

/// The configuration of an engine that is to run.
///
/// # Errors
/// As [`Config::load`], and what is wrong with the files that it names.
pub(crate) fn load(path: &Path) -> Result<Config, Faults> {
    Config::load_with(path, look)
}

/// The same, and what counts for each of its accounts, with who said it.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_with_origins(path: &Path) -> Result<(Config, Vec<Vec<Setting>>), Faults> {
    let mut all = Vec::new();
    let config = Config::load_with(path, |root, config| {
        look(root, config);
        all = settings(root, &config.smsc);
    })?;
    Ok((config, all))
}

fn look(root: &Table<'_>, config: &Config) {
    if let Some(file) = &config.api.operator_key_file {
        operator_key(&root.table("api"), file);
    }
    let encryption = root.table("encryption");
    // Where nobody names it, it is beside the data, which only the engine may see.
    if encryption.has("key_file") {
        master_key(&encryption, &config.encryption.key_file);
    }
    line_file(&root.table("audit"), &config.audit);
    line_file(&root.table("message_log"), &config.message_log);
}

fn operator_key(table: &Table<'_>, file: &Path) {
    let (least, most) = OPERATOR_KEY.into_inner();
    let allowed = format!("a file whose first line is a key of {least} to {most} characters");
    match std::fs::read_to_string(file) {
        Ok(text) if OPERATOR_KEY.contains(&text.lines().next().unwrap_or_default().trim().len()) => {}
        Ok(_) => table.fault_of_value("operator_key_file", format!("is not allowed: {allowed}")),
        Err(error) => table.fault_of_value(
            "operator_key_file",
            format!("cannot be read: {error}; {allowed} is needed"),
        ),
    }
}

/// One that is not there is made by the first start.
fn master_key(table: &Table<'_>, file: &Path) {
    let problem = match MasterKeys::read(file) {
        Ok(Some(_)) => return,
        Ok(None) => match takes_files(&standing(file)) {
            Ok(()) => return,
            Err(error) => format!("is not there and cannot be made: {error}"),
        },
        Err(KeyFileFault::Unreadable { source, .. }) => format!("cannot be read: {source}"),
        Err(KeyFileFault::NoKey { line, .. }) => format!(
            "is not allowed: its line {line} is no key; 32 random octets in base64 are, as `openssl rand -base64 32` makes them"
        ),
        Err(
            fault @ (KeyFileFault::Unmade { .. }
            | KeyFileFault::Missing(_)
            | KeyFileFault::Other(_)
            | KeyFileFault::Encryption(_)),
        ) => format!("cannot be used: {fault}"),
    };
    table.fault_of_value("key_file", problem);
}

/// It is written, and makes way for a new one beside it.
fn line_file(table: &Table<'_>, file: &LineFile) {
    let Some(path) = &file.path else { return };
    let taken = takes_files(&folder_of(path)).and_then(|()| match path.exists() {
        true => access(path, Access::WRITE_OK).map_err(|error| error.to_string()),
        false => Ok(()),
    });
    if let Err(error) = taken {
        table.fault_of_value(
            "path",
            format!("cannot be written: {error}; a file in a folder that is there and takes files is allowed"),
        );
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// The nearest folder above a file that is there: what is between them is made with it.
fn standing(file: &Path) -> PathBuf {
    let mut folder = folder_of(file);
    while !folder.exists() {
        folder = folder_of(&folder);
    }
    folder
}

fn takes_files(folder: &Path) -> Result<(), String> {
    if !folder.is_dir() {
        return Err(format!("{} is no folder", folder.display()));
    }
    let writable = access(folder, Access::WRITE_OK | Access::EXEC_OK);
    writable.map_err(|error| format!("{}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMSC: &str = "[[smsc]]\nname = \"north\"\naddress = \"h:1\"\nsystem_id = \"s\"\npassword = \"\"\n";

    /// What is wrong with a configuration of these lines in a folder of that name, after `prepare` has seen it. `{folder}` in the
    /// lines is the folder.
    fn faults(lines: &str, prepare: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let file = folder.path().join("campanile.toml");
        let lines = lines.replace("{folder}", &folder.path().display().to_string());
        std::fs::write(&file, format!("{lines}\n{SMSC}")).unwrap();
        load(&file).map_or_else(|faults| faults.to_string(), |_| String::new())
    }

    #[test]
    fn files_that_a_start_needs_are_looked_at() {
        let cases = [
            (
                "[api]\noperator_key_file = \"{folder}/nokey\"",
                "api.operator_key_file",
                "cannot be read",
            ),
            (
                "[api]\noperator_key_file = \"{folder}/wrong\"",
                "api.operator_key_file",
                "a key of 16 to 256 characters",
            ),
            (
                "[encryption]\nkey_file = \"{folder}/wrong\"",
                "encryption.key_file",
                "its line 1 is no key",
            ),
            (
                "[encryption]\nkey_file = \"{folder}/wrong/key\"",
                "encryption.key_file",
                "cannot be",
            ),
            (
                "[audit]\npath = \"{folder}/missing/audit.log\"",
                "audit.path",
                "is no folder",
            ),
            (
                "[message_log]\npath = \"{folder}/wrong/messages.log\"",
                "message_log.path",
                "is no folder",
            ),
        ];
        for (lines, key, why) in cases {
            let said = faults(lines, |folder| std::fs::write(folder.join("wrong"), "short\n").unwrap());
            assert!(
                said.contains(&format!("campanile.toml:2: {key}: \"")),
                "{lines}: {said}"
            );
            assert!(said.contains(why), "{lines}: {said}");
        }
    }

    #[test]
    fn what_is_right_or_made_by_the_start_is_no_fault() {
        let lines = "[api]\noperator_key_file = \"{folder}/operator\"\n[encryption]\nkey_file = \"{folder}/keys/new\"\n\
                     [audit]\npath = \"{folder}/audit.log\"\n[message_log]\npath = \"{folder}/messages.log\"";
        let said = faults(lines, |folder| {
            std::fs::write(folder.join("operator"), "0123456789abcdef\n").unwrap();
            std::fs::write(folder.join("audit.log"), "{}\n").unwrap();
        });
        assert_eq!(said, "");
    }
}
