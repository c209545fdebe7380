//! Why a database cannot be used, or did not do something.

use std::path::PathBuf;

/// A database that cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseFault {
    /// Its folder cannot be made.
    #[error("cannot make the folder of the database {}: {source}", file.display())]
    Folder {
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be opened, is no database, or is not ours to write.
    #[error("cannot use the database {place}: {source}")]
    Open {
        /// The file, or the server without its password.
        place: String,
        #[source]
        source: sqlx::Error,
    },
    /// The file can be read and not written.
    #[error(
        "the database {place} cannot be written to: check who owns it and its folder, and whether the disk is read-only"
    )]
    ReadOnly { place: String },
    /// Another program has it.
    #[error("the database {place} is locked by another program: close that, then start again")]
    Locked { place: String },
    /// Tables of a version that this one does not know.
    #[error("the database {place} was written by a later version of Campanile: use that version, or restore a backup")]
    Later { place: String },
    /// Tables that are not as this version made them.
    #[error("the tables of the database {place} cannot be brought to this version: {source}")]
    Migration {
        place: String,
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// It goes with another Redis, where its tenants are others.
    #[error(
        "the database {place} belongs to another Redis database (its id is {theirs}), and this one ({ours}) has tenants of its own: \
         restore the Redis that it was used with, or choose another database (database.file, database.url)"
    )]
    OtherStore {
        place: String,
        theirs: String,
        ours: String,
    },
    /// It stopped answering during the start.
    #[error(transparent)]
    Query(#[from] DatabaseError),
}

/// The database did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// It is not there, busy, full or read-only. Ask again later.
    #[error("the database does not do it: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A row is not as the query says.
    #[error("the database holds something unexpected: {0}")]
    Unexpected(#[source] sqlx::Error),
    /// What is stored is not what this program writes.
    #[error("the database holds something unexpected: {0}")]
    Corrupt(&'static str),
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        let ours = matches!(
            error,
            sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::ColumnIndexOutOfBounds { .. }
                | sqlx::Error::Decode(_)
                | sqlx::Error::Encode(_)
                | sqlx::Error::TypeNotFound { .. }
        );
        if ours {
            Self::Unexpected(error)
        } else {
            Self::Unavailable(error)
        }
    }
}
