//! How it is asked that the configuration be read again while the engine runs, and what comes of it.

use std::fmt;

use tokio::sync::{mpsc, oneshot};

use crate::config::{Faults, Others};
use crate::database::DatabaseError;
use crate::guard::Reason;
use crate::outcome::BrokenTable;
use crate::store::StoreError;

/// What a new configuration has changed, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Changes {
    /// SMSCs that are bound now and were not.
    pub(crate) added: Vec<String>,
    /// SMSCs that are something else now, in the sessions that they have.
    pub(crate) changed: Vec<String>,
    /// SMSCs that are something else now, and are bound anew for it.
    pub(crate) rebound: Vec<String>,
    /// SMSCs that are unbound once what they have is answered.
    pub(crate) removed: Vec<String>,
    /// What is another besides.
    #[serde(flatten)]
    pub(crate) others: Others,
}

/// `added north, removed south`; `nothing`.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("added", &self.added),
            ("changed", &self.changed),
            ("rebound", &self.rebound),
            ("removed", &self.removed),
        ];
        let named = kinds.into_iter().filter(|(_, names)| !names.is_empty());
        let named: Vec<String> = named
            .map(|(kind, names)| format!("{kind} {}", names.join(" ")))
            .chain(Some(self.others.to_string()).filter(|others| !others.is_empty()))
            .collect();
        match named.is_empty() {
            true => f.write_str("nothing"),
            false => f.write_str(&named.join(", ")),
        }
    }
}

/// Why everything stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadFault {
    /// The new configuration has faults.
    #[error("{0}")]
    Invalid(#[from] Faults),
    /// Something has changed that holds from the start to the end.
    #[error("{} changed, which needs a restart; [[smsc]], [[route]], [[number]], [rules] and certificates may change while it runs", .0.join(" and "))]
    NeedsRestart(Vec<String>),
    /// Nothing may be written into the database for now.
    #[error("{0}")]
    Guarded(Reason),
    /// The store does not answer.
    #[error("the store does not answer: {0}")]
    Store(#[from] StoreError),
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Database(#[from] DatabaseError),
    /// A defect of the build.
    #[error(transparent)]
    Table(#[from] BrokenTable),
    /// The engine is about to end.
    #[error("the engine is stopping")]
    Stopping,
}

/// What whoever asked is told.
pub(crate) type Reloaded = Result<Changes, ReloadFault>;

/// Where the answer goes.
pub(crate) type Wish = oneshot::Sender<Reloaded>;

/// Where it is asked. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Reloads(mpsc::Sender<Wish>);

impl Reloads {
    /// Those who ask, and where their wishes come out, one after the other.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Wish>) {
        let (wishes, asked) = mpsc::channel(1);
        (Self(wishes), asked)
    }

    /// Reads the configuration again: all of it holds then, or nothing has changed.
    ///
    /// # Errors
    /// See [`ReloadFault`].
    pub(crate) async fn ask(&self) -> Reloaded {
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| ReloadFault::Stopping)?;
        answered.await.unwrap_or(Err(ReloadFault::Stopping))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_said_by_name() {
        let changes = Changes {
            added: vec!["north".to_owned(), "east".to_owned()],
            removed: vec!["south".to_owned()],
            ..Changes::default()
        };
        assert_eq!(changes.to_string(), "added north east, removed south");
        let others = Others {
            routes: vec!["fr".to_owned()],
            ..Others::default()
        };
        let changes = Changes { others, ..changes };
        assert_eq!(changes.to_string(), "added north east, removed south, routes fr");
        assert_eq!(Changes::default().to_string(), "nothing");
    }
}
