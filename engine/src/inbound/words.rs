//! Whether a text says that no more messages are wanted: pure.

use serde::Deserialize;

use crate::replies::words;
use crate::store::OptsOut;

/// The words of opt-outs, in capitals and without accents; `data/opt_out.toml` says what each list is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct OptOutWords {
    first: Vec<String>,
    ends: Vec<String>,
    alone: Vec<String>,
    cancel: Vec<String>,
    wants: Vec<String>,
    lists: Vec<String>,
    messages: Vec<String>,
    between: Vec<String>,
    beside: Vec<String>,
    about: Vec<String>,
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
        let mut words = words(text);
        if words.starts_with(&SPELLED.map(str::to_owned)) {
            words.splice(..SPELLED.len(), [SPELLED.concat()]);
        }
        let Some(first) = words.first() else {
            return OptsOut::No;
        };
        let is = |list: &[String]| list.contains(first);
        match words.len() {
            1 if is(&self.alone) => OptsOut::Yes,
            1 if is(&self.cancel) => OptsOut::UnlessItAnswers,
            _ if self.is_plain(text, &words) || self.is_asked(&words) => OptsOut::Yes,
            _ => OptsOut::No,
        }
    }

    /// "STOP" and its like come first, whatever follows.
    fn is_plain(&self, text: &str, words: &[String]) -> bool {
        let [first, behind @ ..] = words else { return false };
        let is_about = behind.first().is_some_and(|second| self.about.contains(second));
        // Whether to stop a treatment is asked of a doctor.
        let asks = text.contains('?') && is_about && !self.are_messages(behind);
        self.stops(first) && !asks
    }

    /// Whether it is said politely, or in a sentence.
    fn is_asked(&self, words: &[String]) -> bool {
        let polite = words.iter().take_while(|word| self.beside.contains(word)).count();
        (0..=polite).any(|at| self.asks_so(&words[at..]))
    }

    fn asks_so(&self, words: &[String]) -> bool {
        let [first, behind @ ..] = words else { return false };
        let said = words.join(" ");
        let begun = |phrases: &[String]| {
            let mut phrases = phrases.iter();
            phrases.find_map(|phrase| said.strip_prefix(phrase.as_str()).filter(|rest| !is_in_a_word(rest)))
        };
        let is_only = self.are_beside(behind);
        (self.stops(first) || self.ends.contains(first)) && (is_only || self.are_messages(behind))
            || begun(&self.lists).is_some()
            || begun(&self.wants).is_some_and(|rest| {
                let rest: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                self.are_messages(&rest)
            })
    }

    /// `STOP`, and `STOP36180` as well.
    fn stops(&self, word: &str) -> bool {
        let bare = word.trim_end_matches(|character: char| character.is_ascii_digit());
        self.first.iter().any(|first| first == word) || bare == SPELLED.concat()
    }

    fn are_beside(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.beside.contains(word))
    }

    /// Whether messages come first, but for what joins words.
    fn are_messages(&self, words: &[String]) -> bool {
        let mut words = words.iter().skip_while(|word| self.between.contains(word));
        words.next().is_some_and(|word| self.messages.contains(word))
    }
}

/// As some type it, so that no machine mistakes it.
const SPELLED: [&str; 4] = ["S", "T", "O", "P"];

/// Whether a phrase ended within a word.
fn is_in_a_word(rest: &str) -> bool {
    !(rest.is_empty() || rest.starts_with(' '))
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
            "STOP36180",
            "stop 36180",
            "S T O P",
            "S.T.O.P.",
            "st0p",
            "svp stop",
            "Stoppez !",
            "Bonsoir, stop merci",
            "Je veux STOP",
            "merci de stop",
            "Arrêtez vos messages",
            "arrêtez de m'envoyer des pubs",
            "stop aux sms ?",
            "Désabonnez-moi",
            "merci de me désinscrire",
            "désinscrivez-moi svp",
            "Plus de SMS svp",
            "plus aucun message",
            "Je ne souhaite plus recevoir vos messages",
            "bonjour je veux plus recevoir de pub",
            "Ne m'envoyez plus de texto",
            "Supprimez mon numéro svp",
            "Retirez-moi de vos listes",
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
            "Arrêt de travail",
            "arrêt maladie jusqu'à lundi",
            "Arrêter les antibiotiques avant ?",
            "Stoppez-vous le traitement ?",
            "Stop aux anticoagulants ?",
            "à quel arrêt de bus descendre",
            "bus direct non stop",
            "je n'ai plus de sms dans mon forfait",
            "je ne peux pas recevoir de photos",
            "Plus de place ?",
            "Supprimez-moi de la liste d'attente",
            "Supprimez mon rendez-vous",
            "S T O",
            "stoppeur",
        ] {
            assert_eq!(words.mean(text), OptsOut::No, "{text}");
        }
    }
}
