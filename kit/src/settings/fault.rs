//! What is wrong with settings.

use std::fmt;

/// One thing that is wrong. Shows as `campanile.toml:12: smsc[0].window: 0 is not allowed: a whole number from 1 to 10000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Where it was found.
    pub place: Place,
    /// The key, with its tables: `smsc[0].window`. Empty for what is wrong with the whole.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

/// Where a value, or its absence, was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The file as a whole, by the name that it was read under.
    File(String),
    /// A line of a file, from 1.
    Line(String, usize),
    /// An environment variable, by its name.
    Environment(String),
}

/// Everything that is wrong with one file, in the order of the file; never empty. Shows one line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// One fault of a file as a whole: that it cannot be read, for example.
    pub fn of_file(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(vec![Fault {
            place: Place::File(file.into()),
            key: String::new(),
            problem: problem.into(),
        }])
    }
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

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
