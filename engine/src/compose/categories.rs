//! What campaigns are about, with texts to begin with.

use crate::domain::Purpose;

/// A kind of campaign that clinics send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Category {
    /// The word in the API.
    pub(crate) code: &'static str,
    pub(crate) purpose: Purpose,
    /// What it is called, and a text to begin with: in French and in English.
    pub(crate) french: Words,
    pub(crate) english: Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) label: &'static str,
    pub(crate) text: &'static str,
}

const fn category(
    code: &'static str,
    purpose: Purpose,
    french: [&'static str; 2],
    english: [&'static str; 2],
) -> Category {
    const fn words([label, text]: [&'static str; 2]) -> Words {
        Words { label, text }
    }
    Category {
        code,
        purpose,
        french: words(french),
        english: words(english),
    }
}

impl Category {
    /// All of them.
    pub(crate) const ALL: [Self; 14] = [
        category(
            "move",
            Purpose::Transactional,
            [
                "Déménagement",
                "Bonjour [Prenom|à vous], votre cabinet déménage : à partir du …, nous vous recevons au …",
            ],
            [
                "Move",
                "Hello [Prenom|dear patient], your practice is moving: from … on we see you at …",
            ],
        ),
        category(
            "opening_hours",
            Purpose::Transactional,
            [
                "Horaires",
                "Bonjour [Prenom|à vous], nos horaires changent à partir du … : …",
            ],
            [
                "Opening hours",
                "Hello [Prenom|dear patient], our opening hours change from … on: …",
            ],
        ),
        category(
            "fees",
            Purpose::Transactional,
            [
                "Tarif",
                "Bonjour [Prenom|à vous], le tarif de la consultation sera de … à partir du …",
            ],
            ["Fees", "Hello [Prenom|dear patient], a consultation costs … from … on"],
        ),
        category(
            "holidays",
            Purpose::Transactional,
            [
                "Congés",
                "Bonjour [Prenom|à vous], le cabinet est fermé du … au …. En cas d'urgence : …",
            ],
            [
                "Holidays",
                "Hello [Prenom|dear patient], the practice is closed from … to …. In an emergency: …",
            ],
        ),
        category(
            "replacement",
            Purpose::Transactional,
            [
                "Remplacement",
                "Bonjour [Prenom|à vous], pendant mon absence du … au …, … vous reçoit au cabinet",
            ],
            [
                "Replacement",
                "Hello [Prenom|dear patient], while I am away from … to …, … sees you at the practice",
            ],
        ),
        category(
            "reminder",
            Purpose::Transactional,
            [
                "Rappel de rendez-vous",
                "Bonjour [Prenom|à vous], votre rendez-vous est le … à …",
            ],
            [
                "Appointment reminder",
                "Hello [Prenom|dear patient], your appointment is on … at …",
            ],
        ),
        category(
            "weather",
            Purpose::Transactional,
            [
                "Intempéries",
                "Bonjour [Prenom|à vous], à cause des intempéries, le cabinet est fermé aujourd'hui. Nous vous rappelons",
            ],
            [
                "Weather",
                "Hello [Prenom|dear patient], the practice is closed today because of the weather. We will call you",
            ],
        ),
        category(
            "greetings",
            Purpose::Marketing,
            [
                "Vœux",
                "[Prenom|Bonjour], toute l'équipe vous souhaite une bonne année !",
            ],
            [
                "Greetings",
                "[Prenom|Hello], the whole team wishes you a happy new year!",
            ],
        ),
        category(
            "birthday",
            Purpose::Marketing,
            ["Anniversaire", "Bon anniversaire [Prenom] ! Toute l'équipe du cabinet"],
            ["Birthday", "Happy birthday [Prenom]! From the whole team"],
        ),
        category(
            "open_day",
            Purpose::Marketing,
            [
                "Portes ouvertes",
                "[Prenom|Bonjour], venez à nos portes ouvertes le … de … à …",
            ],
            ["Open day", "[Prenom|Hello], come to our open day on … from … to …"],
        ),
        category(
            "private_sale",
            Purpose::Marketing,
            [
                "Ventes privées",
                "[Prenom|Bonjour], nos ventes privées commencent le … : …",
            ],
            ["Private sale", "[Prenom|Hello], our private sale begins on …: …"],
        ),
        category(
            "promotion",
            Purpose::Marketing,
            ["Promotion", "[Prenom|Bonjour], jusqu'au … : …"],
            ["Promotion", "[Prenom|Hello], until …: …"],
        ),
        category(
            "exceptional_opening",
            Purpose::Marketing,
            [
                "Ouverture exceptionnelle",
                "[Prenom|Bonjour], nous ouvrons exceptionnellement le … de … à …",
            ],
            [
                "Exceptional opening",
                "[Prenom|Hello], we are open exceptionally on … from … to …",
            ],
        ),
        category(
            "stock_available",
            Purpose::Marketing,
            ["Produit disponible", "[Prenom|Bonjour], … est de nouveau disponible"],
            ["Stock available", "[Prenom|Hello], … is available again"],
        ),
    ];

    /// The words of all.
    pub(crate) const CODES: [&'static str; Self::ALL.len()] = {
        let mut codes = [""; Self::ALL.len()];
        let mut at = 0;
        while at < codes.len() {
            codes[at] = Self::ALL[at].code;
            at += 1;
        }
        codes
    };

    /// The one of that word.
    pub(crate) fn named(code: &str) -> Option<&'static Self> {
        const ALL: &[Category] = &Category::ALL;
        ALL.iter().find(|category| category.code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::Template;

    #[test]
    fn every_category_has_texts_whose_fields_contacts_have() {
        for category in Category::ALL {
            for words in [category.french, category.english] {
                let read = Template::parse(words.text, &["Prenom"]);
                assert!(read.is_ok() && !words.label.is_empty(), "{category:?}: {read:?}");
            }
            assert_eq!(
                Category::named(category.code).map(|found| found.code),
                Some(category.code)
            );
        }
        assert_eq!(Category::named("spam"), None);
    }
}
