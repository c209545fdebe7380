use std::fmt;

use super::builtin::{BUILT_IN, QUIRKS};
use super::table::nearest;

/// One thing that is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, or the name of the scenario.
    pub file: String,
    /// Line in the file, from 1; 0 when the fault is no line's.
    pub line: usize,
    /// The key, with its tables: `outcome[2].stat`.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// Everything that is wrong with a scenario, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub(super) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        Self::single(file, format!("cannot be read: {error}"))
    }

    pub(super) fn no_such_scenario(name: &str) -> Self {
        let hint = match nearest(name, BUILT_IN.iter().map(|built_in| built_in.name)) {
            Some(known) => format!("did you mean {known:?}?"),
            None => {
                let general = BUILT_IN.iter().map(|built_in| built_in.name);
                let names: Vec<_> = general.filter(|name| !name.starts_with(QUIRKS)).collect();
                format!(
                    "there are {}, and those that `smpp-sim scenarios` lists",
                    names.join(", ")
                )
            }
        };
        Self::single(name, format!("no such file, and no scenario of that name; {hint}"))
    }

    pub(super) fn several(file: &str) -> Self {
        Self::single(file, "describes several SMSCs; one is wanted here".to_owned())
    }

    fn single(file: &str, detail: String) -> Self {
        Self(vec![Fault {
            file: file.to_owned(),
            line: 0,
            key: String::new(),
            detail,
        }])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}
