//! A statement that is put together, with its values apart from its words.

use super::Dialect;

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
    /// What stands before each value, and behind the last.
    words: Vec<String>,
    values: Vec<Value>,
}

impl Sql {
    /// Begins with these words.
    pub(crate) fn new(words: &str) -> Self {
        Self {
            words: vec![words.to_owned()],
            values: Vec::new(),
        }
    }

    /// More words of ours.
    pub(crate) fn push(&mut self, words: &str) -> &mut Self {
        match self.words.last_mut() {
            Some(last) => last.push_str(words),
            None => self.words.push(words.to_owned()),
        }
        self
    }

    /// A value.
    pub(crate) fn value(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.words.push(String::new());
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

    /// Asks how it would be done.
    #[cfg(test)]
    pub(super) fn explain(&mut self) {
        if let Some(first) = self.words.first_mut() {
            first.insert_str(0, "EXPLAIN QUERY PLAN ");
        }
    }

    /// As that dialect has it, and its values in their order.
    pub(super) fn written(self, dialect: Dialect) -> (String, Vec<Value>) {
        let mut text = String::with_capacity(self.words.iter().map(|words| words.len() + 6).sum());
        for (at, words) in self.words.iter().enumerate() {
            match dialect {
                _ if at == 0 => {}
                // Each in its turn: to SQLite `$1` is a name, which it looks for among all others.
                Dialect::Sqlite => text.push('?'),
                Dialect::Postgres => {
                    text.push('$');
                    text.push_str(&at.to_string());
                }
            }
            text.push_str(words);
        }
        (text, self.values)
    }
}
