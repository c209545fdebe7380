//! A statement that is put together, with its values apart from its words.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

/// A value of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(Some(number.into()))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

/// A statement. What others have given is always a value, never one of its words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sql {
    words: String,
    values: Vec<Value>,
}

impl Sql {
    /// Begins with these words.
    pub(crate) fn new(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            values: Vec::new(),
        }
    }

    /// More words of ours.
    pub(crate) fn push(&mut self, words: &str) -> &mut Self {
        self.words.push_str(words);
        self
    }

    /// A value.
    pub(crate) fn value(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.words.push('$');
        self.words.push_str(&self.values.len().to_string());
        self
    }

    /// Values between commas.
    pub(crate) fn list(&mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            self.value(value);
        }
        self
    }

    pub(super) fn query(self) -> Query<'static, Any, AnyArguments> {
        // Words are ours: see `push`.
        let query = sqlx::query(AssertSqlSafe(self.words));
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Number(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
        })
    }
}
