//! One object after the other: JSON for programs, words for people.

use std::io::{self, IsTerminal};

use kit::output::print;
use serde::Serialize;
use serde_json::Value;

/// How objects are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    json: bool,
}

impl Show {
    /// JSON if it is asked for, and where nobody reads along.
    pub(super) fn new(json: bool) -> Self {
        Self {
            json: json || !std::io::stdout().is_terminal(),
        }
    }

    /// Shows it. `false`: nobody reads any more.
    pub(super) fn object(self, object: &Value) -> io::Result<bool> {
        self.written(object, || words(object))
    }

    /// Shows what has words of its own for people. `false`: nobody reads any more.
    pub(super) fn written(self, object: &impl Serialize, words: impl FnOnce() -> String) -> io::Result<bool> {
        let shown = if self.json {
            serde_json::to_string(object)? + "\n"
        } else {
            words()
        };
        print(&shown)
    }
}

/// A line for each field that is there, and an empty one behind them.
fn words(object: &Value) -> String {
    let fields = object.as_object().into_iter().flatten();
    let present = fields.filter(|(_, value)| !value.is_null());
    let lines = present.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}: {text}\n"),
        None => format!("{name}: {value}\n"),
    });
    lines.collect::<String>() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_shown_what_is_there() {
        let object = serde_json::json!({ "id": "7", "stat": null, "segments": 2 });
        assert_eq!(words(&object), "id: 7\nsegments: 2\n\n");
    }
}
