//! What a query has found.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::DatabaseError;

/// A row; columns are numbered as the query names them, from 0.
pub(crate) struct Found<'r>(pub(super) &'r AnyRow);

impl Found<'_> {
    /// A number.
    ///
    /// # Errors
    /// When it is none, as for the rest.
    pub(crate) fn number(&self, column: usize) -> Result<i64, DatabaseError> {
        Ok(self.0.try_get(column)?)
    }

    /// A number, or nothing.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn number_if_any(&self, column: usize) -> Result<Option<i64>, DatabaseError> {
        Ok(self.0.try_get(column)?)
    }

    /// A text.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn text(&self, column: usize) -> Result<String, DatabaseError> {
        Ok(self.0.try_get(column)?)
    }

    /// A text, or nothing.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn text_if_any(&self, column: usize) -> Result<Option<String>, DatabaseError> {
        Ok(self.0.try_get(column)?)
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
        read(&self.text(column)?).ok_or(DatabaseError::Corrupt(what))
    }
}
