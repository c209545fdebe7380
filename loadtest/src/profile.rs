//! Profiles: the arguments of a run in a TOML file, each key a flag. Checked whole: every fault is named with its line.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::{ArgAction, Command, CommandFactory};
use toml::de::{DeTable, DeValue};

use crate::cli::Arguments;

/// A profile that comes with the program.
pub(crate) struct BuiltIn {
    /// Its name in `loadtest run NAME`.
    pub(crate) name: &'static str,
    text: &'static str,
}

macro_rules! built_in {
    ($($name:literal)*) => {
        &[$(BuiltIn { name: $name, text: include_str!(concat!("../profiles/", $name, ".toml")) },)*]
    };
}

/// All that come with the program, also in `profiles/`.
pub(crate) const BUILT_IN: &[BuiltIn] =
    built_in!["canonical" "capacity" "constant" "e2e" "smoke" "soak" "spike" "steps"];

/// Modes that a profile may have: those that measure.
const MODES: [&str; 8] = [
    "smpp",
    "soak",
    "replay",
    "api",
    "capacity",
    "e2e",
    "self-check",
    "bench",
];

/// A larger file is no profile.
const PROFILE_MAX: u64 = 1 << 20;

/// The command line that a profile stands for, with what follows it on the command line behind it: that wins.
///
/// # Errors
/// The file cannot be read, or every fault of it with file, line and key.
pub(crate) fn command_line(profile: &str, further: &[OsString]) -> Result<Vec<OsString>> {
    let path = Path::new(profile);
    if path.is_file() {
        let size = std::fs::metadata(path)?.len();
        if size > PROFILE_MAX {
            bail!("{profile}: {size} bytes: at most {PROFILE_MAX}");
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {profile}"))?;
        return parse(&text, profile, further);
    }
    match BUILT_IN.iter().find(|built_in| built_in.name == profile) {
        Some(built_in) => parse(built_in.text, &format!("{profile}.toml"), further),
        None => {
            let names: Vec<_> = BUILT_IN.iter().map(|built_in| built_in.name).collect();
            bail!(
                "{profile}: no such file, and no profile of that name: {}",
                names.join(", ")
            )
        }
    }
}

/// Each built-in profile with its one line for people.
pub(crate) fn list() -> String {
    let mut list = String::new();
    for built_in in BUILT_IN {
        let about = built_in.text.lines().find_map(|line| line.strip_prefix("about = "));
        // Writing to a string cannot fail.
        writeln!(
            list,
            "  {:10} {}",
            built_in.name,
            about.unwrap_or_default().trim_matches('"')
        )
        .ok();
    }
    list
}

fn parse(text: &str, file: &str, further: &[OsString]) -> Result<Vec<OsString>> {
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            let line = line_of(text, error.span().map_or(0, |span| span.start));
            bail!("{file}:{line}: {}", error.message());
        }
    };
    let mode = match table.get("mode").map(|value| value.get_ref().as_str()) {
        Some(Some(mode)) if MODES.contains(&mode) => mode,
        Some(_) | None => bail!("{file}: mode: it must be there and be one of {}", MODES.join(", ")),
    };
    let root = Arguments::command();
    let command = root.find_subcommand(mode).context("a mode without a command")?;
    let mut line = vec![OsString::from("loadtest"), OsString::from(mode)];
    let mut faults = Vec::new();
    for (key, value) in table
        .iter()
        .filter(|(key, _)| !["mode", "about"].contains(&key.get_ref().as_ref()))
    {
        match flags(command, key.get_ref(), value.get_ref()) {
            Ok(flags) => line.extend(flags.into_iter().map(OsString::from)),
            Err(fault) => faults.push((key.span().start, format!("{}: {fault}", key.get_ref()))),
        }
    }
    if !faults.is_empty() {
        faults.sort();
        let faults: Vec<_> = faults
            .into_iter()
            .map(|(at, fault)| format!("{file}:{}: {fault}", line_of(text, at)))
            .collect();
        bail!("{}", faults.join("\n"));
    }
    line.extend_from_slice(further);
    Ok(line)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|octet| *octet == b'\n').count() + 1
}

/// The flags of one key, tried on the command by themselves.
fn flags(command: &Command, key: &str, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let name = key.replace('_', "-");
    let known = |command: &Command| {
        let longs = command.get_arguments().filter_map(|argument| argument.get_long());
        longs.map(str::to_owned).collect::<Vec<_>>()
    };
    let Some(argument) = command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(&name))
    else {
        return Err(format!("no such key; allowed are {}", known(command).join(", ")));
    };
    let several = matches!(argument.get_action(), ArgAction::Append);
    if !argument.get_action().takes_values() {
        let on = value.as_bool().ok_or("true or false is wanted")?;
        return Ok(if on { vec![format!("--{name}")] } else { Vec::new() });
    }
    let one = std::slice::from_ref(value);
    let values: Vec<&DeValue<'_>> = match value.as_array() {
        Some(values) if several => values.iter().map(|value| value.get_ref()).collect(),
        Some(_) | None => one.iter().collect(),
    };
    let flag = |value| Ok(format!("--{name}={}", scalar(value)?));
    let flags: Vec<String> = values.into_iter().map(flag).collect::<Result<_, String>>()?;
    let alone = command.clone().mut_args(|argument| argument.required(false));
    let tried = std::iter::once(command.get_name().to_owned()).chain(flags.iter().cloned());
    alone.try_get_matches_from(tried).map_err(|error| first_line(&error))?;
    Ok(flags)
}

fn scalar(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.as_str().replace('_', "")),
        DeValue::Float(number) => Ok(number.as_str().replace('_', "")),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            Err("a text or a number is wanted".to_owned())
        }
    }
}

/// clap's message without what belongs to a command line.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let said: Vec<_> = lines.collect();
    said.join(" ").trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Asked, BenchArguments, Command as Mode};

    fn bench(line: Vec<OsString>) -> BenchArguments {
        let Mode::Bench(bench) = Asked::parse(line).unwrap().command else {
            panic!("another mode")
        };
        bench
    }

    #[test]
    fn every_profile_that_is_shipped_is_sound() {
        for built_in in BUILT_IN {
            let line = command_line(built_in.name, &[]).unwrap_or_else(|error| panic!("{error:#}"));
            assert!(Asked::parse(line).is_ok(), "{}", built_in.name);
        }
        assert_eq!(list().lines().count(), BUILT_IN.len());
    }

    #[test]
    fn the_canonical_profile_is_what_bench_does_by_itself() {
        let line = command_line("canonical", &[]).unwrap();
        let by_itself = bench(vec!["loadtest".into(), "bench".into()]);
        assert_eq!(format!("{:?}", bench(line)), format!("{by_itself:?}"));
    }

    #[test]
    fn what_follows_on_the_command_line_wins() {
        let line = command_line("canonical", &["--tenants".into(), "7".into()]).unwrap();
        let bench = bench(line);
        assert_eq!((bench.tenants, bench.recipients), (7, 5_000));
    }

    #[test]
    fn all_faults_are_named_with_line_and_key() {
        let text = "mode = \"smpp\"\nrate = \"fast\"\nsession = 4\nwindow = 0\nquiet = 3\nthreshold = [\"lost=0\"]\ncount = [1]\nduration = \"0s\"\n";
        let fault = parse(text, "mine.toml", &[]).unwrap_err().to_string();
        for part in [
            "mine.toml:2: rate:",
            "mine.toml:3: session: no such key; allowed are",
            "mine.toml:4: window:",
            "mine.toml:5: quiet: true or false",
            "mine.toml:6: threshold:",
            "mine.toml:7: count:",
            "mine.toml:8: duration:",
            "a whole number from 1 to 10000",
        ] {
            assert!(fault.contains(part), "{part} is not in\n{fault}");
        }
        assert!(
            parse("mode = \"fly\"", "x", &[])
                .unwrap_err()
                .to_string()
                .contains("smpp, soak")
        );
        assert!(parse("mode = ", "x", &[]).unwrap_err().to_string().starts_with("x:1: "));
    }
}
