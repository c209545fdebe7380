use std::fmt;

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

    pub(super) fn several(file: &str) -> Self {
        Self::single(file, "describes several SMSCs; only one is allowed here".to_owned())
    }

    pub(super) fn single(file: &str, detail: String) -> Self {
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
