//! Whether a text asks for an answer, as far as its words say so.

use super::fold::fold;
use super::sender::Sender;

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

/// Whether one of these texts asks for an answer that nobody can give: its sender is a name.
pub(crate) fn asks_in_vain<'a>(mut texts: impl Iterator<Item = &'a str>, sender: &str) -> bool {
    let is_name = Sender::parse(sender).is_ok_and(|sender| sender.is_name());
    is_name && texts.any(asks)
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
        for (text, sender, expected) in [
            ("Votre RDV est demain. Répondez OUI pour confirmer.", "Cabinet", true),
            ("Votre RDV est demain. Répondez OUI pour confirmer.", "36034", false),
            ("Merci de répondre 1 ou 2", "Cabinet", true),
            ("Reply with YES to confirm", "Clinic", true),
            ("Merci de ne pas répondre à ce message", "Cabinet", false),
            ("Portes ouvertes samedi. STOP au 36180", "Cabinet", false),
            ("Des questions ? Appelez-nous.", "Cabinet", false),
        ] {
            assert_eq!(asks_in_vain([text].into_iter(), sender), expected, "{text}");
        }
    }
}
