//! What a query has found.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row, TypeInfo};

use super::DatabaseError;

/// A row; columns are numbered as the query names them, from 0.
pub(crate) enum Found<'r> {
    Sqlite(&'r SqliteRow),
    Postgres(&'r PgRow),
}

impl Found<'_> {
    /// A number.
    ///
    /// # Errors
    /// When it is none, as for the rest.
    pub(crate) fn number(&self, column: usize) -> Result<i64, DatabaseError> {
        let number = self.number_if_any(column)?;
        number.ok_or(DatabaseError::Corrupt("nothing in place of a number"))
    }

    /// A number, or nothing.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn number_if_any(&self, column: usize) -> Result<Option<i64>, DatabaseError> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            // As a query says it that counts nothing stored: `1`.
            Self::Postgres(row) if row.try_column(column)?.type_info().name() == "INT4" => {
                let narrow: Option<i32> = row.try_get(column)?;
                Ok(narrow.map(i64::from))
            }
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn text(&self, column: usize) -> Result<String, DatabaseError> {
        let text = self.text_if_any(column)?;
        text.ok_or(DatabaseError::Corrupt("nothing in place of a text"))
    }

    /// A text, or nothing.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn text_if_any(&self, column: usize) -> Result<Option<String>, DatabaseError> {
        Ok(self.words(column)?.map(str::to_owned))
    }

    /// What a text says of something; `what`, when it says nothing that is known.
    ///
    /// # Errors
    /// When it is no text, or says nothing that is known.
    pub(crate) fn parsed<T>(
        &self,
        column: usize,
        what: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, DatabaseError> {
        let parsed = self.words(column)?.and_then(read);
        parsed.ok_or(DatabaseError::Corrupt(what))
    }

    fn words(&self, column: usize) -> Result<Option<&str>, DatabaseError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}
