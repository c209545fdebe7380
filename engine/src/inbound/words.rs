//! Whether a text says that no more messages are wanted: pure.

use serde::Deserialize;

use crate::replies::words;
use crate::store::OptsOut;

/// The words of opt-outs, in capitals and without accents.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct OptOutWords {
    /// With or without more behind them.
    first: Vec<String>,
    /// Only by themselves.
    alone: Vec<String>,
    /// Only by themselves, and not to a tenant whose appointments they answer.
    cancel: Vec<String>,
}

/// The built-in table cannot be read: a defect of the build.
#[derive(Debug, thiserror::Error)]
#[error("the built-in table opt_out.toml is broken")]
pub(crate) struct BrokenWords;

impl OptOutWords {
    /// The built-in ones.
    pub(super) fn built_in() -> Result<Self, BrokenWords> {
        toml::from_str(include_str!("../data/opt_out.toml")).map_err(|_| BrokenWords)
    }

    /// Whether the text is an opt-out.
    pub(super) fn mean(&self, text: &str) -> OptsOut {
        let words = words(text);
        let Some(first) = words.first() else {
            return OptsOut::No;
        };
        let is = |list: &[String]| list.contains(first);
        match words.len() {
            _ if is(&self.first) => OptsOut::Yes,
            1 if is(&self.alone) => OptsOut::Yes,
            1 if is(&self.cancel) => OptsOut::UnlessItAnswers,
            _ => OptsOut::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_say_it_in_many_ways() {
        let words = OptOutWords::built_in().unwrap();
        for text in [
            "STOP",
            "stop",
            " Stop. ",
            "STOP SVP",
            "« stop »",
            "Arrêt",
            "ARRÊTEZ !",
            "Désabo",
            "stop au 36180",
            "quit",
            "ＳＴＯＰ",
            "baja",
        ] {
            assert_eq!(words.mean(text), OptsOut::Yes, "{text}");
        }
        for text in ["Annuler", "CANCEL.", "annulation"] {
            assert_eq!(words.mean(text), OptsOut::UnlessItAnswers, "{text}");
        }
        for text in [
            "",
            "!",
            "OK",
            "Je stoppe tout",
            "Annuler mon rendez-vous de 9 h",
            "NONSTOP",
            "1",
            "fin de semaine ?",
        ] {
            assert_eq!(words.mean(text), OptsOut::No, "{text}");
        }
    }
}
