//! What is wrong with a configuration: every fault, each with its place and what is allowed there.

use std::fmt;

/// One thing that is wrong. Shows as `campanile.toml:12: smsc[0].window: 0 is not allowed: 1 to 10000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where it was given.
    pub(crate) place: Place,
    /// The key, with its tables: `smsc[0].window`. Empty for what is wrong with the whole.
    pub(crate) key: String,
    /// What is wrong, and what is allowed.
    pub(crate) problem: String,
}

/// Where a value, or its absence, was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The file as a whole.
    File(String),
    /// A line of the file, from 1.
    Line(String, usize),
    /// An environment variable, by its name.
    Environment(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.write_str(file),
            Self::Line(file, line) => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}: {}", self.place, self.problem);
        }
        write!(f, "{}: {}: {}", self.place, self.key, self.problem)
    }
}

/// Everything that is wrong with a configuration, in the order of the file; at least one. Shows one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
