//! Says the figures: a line each for people, and one line of JSON for programs, the last that is printed.

use std::borrow::Cow;
use std::io::Write;

use anyhow::Result;
use serde::{Serialize, Serializer};

/// What a figure should reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// One measured number.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    key: Cow<'static, str>,
    /// `None`: the program under measurement does not tell.
    value: Option<f64>,
    decimals: u8,
    meaning: Cow<'static, str>,
    goal: Option<Goal>,
}

/// Everything that a run has measured, in the order in which it is said.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) heading: String,
    pub(crate) rows: Vec<Figure>,
}

impl Figure {
    /// A figure under its `key` in the JSON, rounded to `decimals`, with its unit and `meaning` for people.
    pub(crate) fn new(
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Option<f64>>,
        decimals: u8,
        meaning: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            decimals,
            meaning: meaning.into(),
            goal: None,
        }
    }

    /// The same with a goal.
    pub(crate) fn goal(self, goal: Goal) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    fn line(&self) -> String {
        let Some(value) = self.value else {
            return format!("{:>14}  {}", "missing", self.meaning);
        };
        let number = format!("{value:.*}", usize::from(self.decimals));
        let verdict = match self.goal {
            Some(Goal::AtLeast(goal)) => format!(" (goal: at least {goal}: {})", met(value >= goal)),
            Some(Goal::AtMost(goal)) => format!(" (goal: at most {goal}: {})", met(value <= goal)),
            None => String::new(),
        };
        format!("{number:>14}  {}{verdict}", self.meaning)
    }
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

impl Figures {
    /// The value under `key`, if it was measured.
    pub(crate) fn value(&self, key: &str) -> Option<f64> {
        self.rows.iter().find(|figure| figure.key == key)?.value
    }

    /// Prints the lines, and last the JSON, to standard output.
    pub(crate) fn print(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{}", self.heading)?;
        for figure in &self.rows {
            writeln!(out, "{}", figure.line())?;
        }
        writeln!(out, "{}", serde_json::to_string(self)?)?;
        Ok(out.flush()?)
    }
}

impl Serialize for Figures {
    /// One object with a key for each figure, in their order.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.rows
                .iter()
                .map(|figure| (&figure.key, figure.value.map(|value| Rounded(value, figure.decimals)))),
        )
    }
}

/// A number as the JSON has it: an integer without decimals, else rounded.
struct Rounded(f64, u8);

impl Serialize for Rounded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.1 == 0 {
            return serializer.serialize_i64(self.0.round() as i64);
        }
        let scale = 10f64.powi(i32::from(self.1));
        serializer.serialize_f64((self.0 * scale).round() / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_keeps_keys_order_and_rounding() {
        let rows = vec![
            Figure::new("messages_per_second", 41_234.56, 0, "messages a second").goal(Goal::AtLeast(40_000.0)),
            Figure::new("engine_us_per_message", 9.876, 1, "µs"),
        ];
        let figures = Figures {
            heading: String::new(),
            rows,
        };
        let json = serde_json::to_string(&figures).unwrap();
        assert_eq!(json, r#"{"messages_per_second":41235,"engine_us_per_message":9.9}"#);
    }

    #[test]
    fn what_is_missing_is_said_and_null() {
        let figures = Figures {
            heading: String::new(),
            rows: vec![Figure::new("k", None::<f64>, 1, "µs").goal(Goal::AtMost(1.0))],
        };
        assert_eq!(figures.rows[0].line().trim(), "missing  µs");
        assert_eq!(serde_json::to_string(&figures).unwrap(), r#"{"k":null}"#);
        assert_eq!(figures.value("k"), None);
    }

    #[test]
    fn goals_are_judged() {
        let figure = |value| Figure::new("k", value, 1, "µs").goal(Goal::AtMost(10.0)).line();
        assert!(figure(10.0).ends_with("10.0  µs (goal: at most 10: met)"));
        assert!(figure(10.1).ends_with("MISSED)"));
    }
}
