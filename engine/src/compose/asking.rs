//! Whether a text asks for an answer, as far as its words say so.

use super::fold::fold;
use super::sender::{OwnedSenders, Sender};

/// What asks for one: without case, accents and spaces.
const ASKS: [&str; 12] = [
    "repondez",
    "repondre",
    "repondspar",
    "reponsepar",
    "parretour",
    "retournezoui",
    "envoyezoui",
    "tapez1",
    "replywith",
    "replyto",
    "pleasereply",
    "textback",
];

/// What says that none is read.
const ASKS_NOT: [&str; 6] = [
    "pasrepondre",
    "nerepondezpas",
    "nerepondspas",
    "donotreply",
    "dontreply",
    "noreply",
];

/// Whether one of these texts asks for an answer that nobody can give: its sender is a name, or one of our numbers that carries none.
pub(crate) fn asks_in_vain<'a>(
    mut texts: impl Iterator<Item = &'a str>,
    (sender, numbers): (&str, &OwnedSenders),
) -> bool {
    Sender::parse(sender).is_ok_and(|sender| numbers.is_one_way(&sender)) && texts.any(asks)
}

fn asks(text: &str) -> bool {
    let folded = fold(text);
    let says = |words: &[&str]| words.iter().any(|word| folded.contains(word));
    says(&ASKS) && !says(&ASKS_NOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_answer_a_name() {
        let mut numbers = OwnedSenders::default();
        numbers.give("36034".to_owned(), Vec::new(), true);
        numbers.give("36035".to_owned(), Vec::new(), false);
        for (text, sender, expected) in [
            ("Votre RDV est demain. Répondez OUI pour confirmer.", "Cabinet", true),
            ("Votre RDV est demain. Répondez OUI pour confirmer.", "36034", false),
            ("Votre RDV est demain. Répondez OUI pour confirmer.", "36035", true),
            ("Votre RDV est demain.", "36035", false),
            ("Merci de répondre 1 ou 2", "+33612345678", false),
            ("Merci de répondre 1 ou 2", "Cabinet", true),
            ("Reply with YES to confirm", "Clinic", true),
            ("Merci de ne pas répondre à ce message", "Cabinet", false),
            ("Portes ouvertes samedi. STOP au 36180", "Cabinet", false),
            ("Des questions ? Appelez-nous.", "Cabinet", false),
        ] {
            assert_eq!(asks_in_vain([text].into_iter(), (sender, &numbers)), expected, "{text}");
        }
    }
}
