//! What is found of one setting.

use serde_json::{Value, json};

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    /// As it should be.
    Fine,
    /// It works, and could be better.
    Warning,
    /// Something is lost or stops by it.
    Bad,
}

impl Grade {
    const fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) grade: Grade,
    found: String,
    /// What is wrong with it, and the command that mends it.
    wrong: Option<(String, String)>,
}

impl Finding {
    /// As it should be.
    pub(super) fn fine(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            grade: Grade::Fine,
            found: found.into(),
            wrong: None,
        }
    }

    /// It should be another.
    pub(super) fn wrong(
        (what, grade): (&'static str, Grade),
        found: impl Into<String>,
        wrong: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            what,
            grade,
            found: found.into(),
            wrong: Some((wrong.into(), mend.into())),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let (wrong, mend) = self.wrong.clone().unzip();
        json!({ "what": self.what, "grade": self.grade.word(), "found": self.found, "wrong": wrong, "mend": mend })
    }

    /// Grade, what, found, wrong, mend.
    pub(super) fn cells(&self) -> [String; 5] {
        let (wrong, mend) = self.wrong.clone().unzip();
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        [
            self.grade.word().to_owned(),
            self.what.to_owned(),
            self.found.clone(),
            or_none(wrong),
            or_none(mend),
        ]
    }
}
