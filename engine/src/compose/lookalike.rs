//! Names that look like somebody else's: a bank's, a health body's, a carrier's. Pure; the names are data (`protected_senders.txt`).

use std::sync::Arc;

use super::fold::fold;
use super::generic::GenericNames;
use super::likeness::likeness;
use super::sender::SENDER_MAX;

/// From so many letters on a name is found at the beginning and the end of another as well: shorter ones are part of many words.
const PART_MIN: usize = 5;

/// And from so many that people tell apart.
const LIKENESS_MIN: usize = 3;

/// The beginning of a longer name is that name from so many letters on.
const BEGINNING_MIN: usize = 8;

/// Names under which nobody writes but who was approved for them. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProtectedNames {
    /// Somebody's.
    names: Arc<[Name]>,
    /// Anybody's.
    generic: GenericNames,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    /// As people write it.
    name: String,
    likeness: String,
    /// It is found in longer names as well.
    in_others: bool,
    /// Of one that no sender can be whole: what senders can be of it.
    beginnings: Vec<String>,
}

impl ProtectedNames {
    /// Those that everybody knows, and these.
    pub(crate) fn new(more: &[String]) -> Self {
        let known = include_str!("../data/protected_senders.txt").lines().map(str::trim);
        let known = known.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let all = known.map(str::to_owned).chain(more.iter().cloned());
        Self {
            names: all.map(Name::new).collect(),
            generic: GenericNames::new(&[]),
        }
    }

    /// The same, where these are generic as well.
    pub(crate) fn and_generic(self, more: &[String]) -> Self {
        let generic = GenericNames::new(more);
        Self { generic, ..self }
    }

    /// These alone.
    pub(crate) fn only(names: &[String]) -> Self {
        Self {
            names: names.iter().cloned().map(Name::new).collect(),
            generic: GenericNames::none(),
        }
    }

    /// The generic name that one is, if it says nothing of who writes.
    pub(crate) fn generic(&self, name: &str) -> Option<&str> {
        self.generic.found(name)
    }

    /// The name that one looks like, if there is one.
    pub(crate) fn resembled(&self, name: &str) -> Option<&str> {
        let given = likeness(name);
        let fits = |known: &&Name| {
            let likeness = known.likeness.as_str();
            let is_part = known.in_others && (given.starts_with(likeness) || given.ends_with(likeness));
            likeness == given || is_part || known.beginnings.contains(&given)
        };
        self.names.iter().find(fits).map(|known| known.name.as_str())
    }
}

impl Name {
    fn new(name: String) -> Self {
        let likeness = likeness(&name);
        // One that is the same letter again and again, or no letter at all, is part of too much.
        let in_others = likeness.chars().count() >= LIKENESS_MIN && fold(&name).chars().count() >= PART_MIN;
        Self {
            beginnings: beginnings(&name),
            name,
            likeness,
            in_others,
        }
    }
}

/// The likenesses of what a sender can be of a longer name. It has some of the last word: the words before are often anybody's, as
/// `Clinique` of `Clinique du Parc` is.
fn beginnings(name: &str) -> Vec<String> {
    let letters = fold(name);
    let last = name
        .split_whitespace()
        .last()
        .map_or(0, |word| fold(word).chars().count());
    let count = letters.chars().count();
    if count <= SENDER_MAX {
        return Vec::new();
    }
    let least = BEGINNING_MIN.max(count - last + 1);
    let begun = (least..=SENDER_MAX).map(|most| letters.chars().take(most).collect::<String>());
    begun.map(|begun| likeness(&begun)).collect()
}

/// Whether there is something in a name that people would see.
pub(crate) fn is_seen(name: &str) -> bool {
    !likeness(name).is_empty()
}

impl Default for ProtectedNames {
    fn default() -> Self {
        Self::new(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_one_letter_is_in_no_other() {
        let names = ProtectedNames::only(&["aaaaa".to_owned(), ".....".to_owned()]);
        assert_eq!(names.resembled("Cabinet"), None);
        assert_eq!(names.resembled("Alain"), None);
        assert_eq!(names.resembled("AAA"), Some("aaaaa"));
        assert!(!is_seen("....."));
    }

    #[test]
    fn the_beginning_of_a_name_that_is_too_long_for_a_sender_is_that_name() {
        let names = ProtectedNames::new(&["Clinique du Parc".to_owned(), "Centre Dentaire Lafayette".to_owned()]);
        for (given, name) in [
            ("CreditAgric", "Credit Agricole"),
            ("CreditAgri", "Credit Agricole"),
            ("CREDIT AGRI", "Credit Agricole"),
            ("Cred1tAgr1c", "Credit Agricole"),
            ("CaisseEparg", "Caisse Epargne"),
            ("SocieteGene", "Societe Generale"),
            ("BanquePopul", "Banque Populaire"),
            ("CreditMutue", "Credit Mutuel"),
            ("BanquePosta", "Banque Postale"),
            ("AssuranceMa", "Assurance Maladie"),
            ("FranceTrava", "France Travail"),
            ("MondialRela", "Mondial Relay"),
            ("FranceConn", "FranceConnect"),
            ("MutuelleGen", "Mutuelle Generale"),
            ("MonEspaceSa", "Mon Espace Sante"),
            ("CliniqueDuP", "Clinique du Parc"),
        ] {
            assert_eq!(names.resembled(given), Some(name), "{given}");
        }
        for ordinary in [
            "Clinique",
            "CliniqueDu",
            "CliniqueSud",
            "Assurance",
            "Assurances",
            "Mutuelle",
            "MonEspace",
            "MonEspaceRDV",
            "Banque",
            "Societe",
            "Credit",
            "FranceSante",
            "CentreDenta",
            "CentreMedic",
            "CabDentaire",
            "CabinetMed",
            "Osteopathe",
            "Radiologie",
            "Ophtalmo",
            "LaboBiologie",
            "DrMartin",
            "Pharmacie",
            "SageFemme",
            "Kine Lyon",
        ] {
            assert_eq!(names.resembled(ordinary), None, "{ordinary}");
        }
    }

    #[test]
    fn short_names_are_protected_as_they_are_alone() {
        let names = ProtectedNames::default();
        for (given, name) in [
            ("Free", Some("Free")),
            ("FREE", Some("Free")),
            ("Fr33", Some("Free")),
            ("Freedom", None),
            ("Freelance", None),
            ("FreeMobile", Some("Free Mobile")),
            ("GOUV", Some("Gouv")),
            ("Gouv.fr", Some("Gouv.fr")),
            ("GouvFr", Some("Gouv.fr")),
            ("AvisGouvFr", Some("Gouv.fr")),
            ("Gouvieux", None),
        ] {
            assert_eq!(names.resembled(given), name, "{given}");
        }
    }

    #[test]
    fn names_that_look_like_a_protected_one_are_told() {
        let names = ProtectedNames::new(&["Clinique du Parc".to_owned()]);
        for (given, name) in [
            ("ameli", Some("Ameli")),
            ("AMELI", Some("Ameli")),
            ("Arneli", Some("Ameli")),
            ("AmeIi", Some("Ameli")),
            ("Ame1i", Some("Ameli")),
            ("4meli", Some("Ameli")),
            ("Ammelli", Some("Ameli")),
            ("Аmeli", Some("Ameli")),
            ("A-meli", Some("Ameli")),
            ("AmeliInfo", Some("Ameli")),
            ("InfoAmeli", Some("Ameli")),
            ("LaPoste", Some("La Poste")),
            ("LaP0ste", Some("La Poste")),
            ("lmpots", Some("Impots")),
            ("1MPOTS", Some("Impots")),
            ("B N P", Some("BNP")),
            ("8NP", Some("BNP")),
            ("CliniqueParc", None),
            ("CliniqueDuParc", Some("Clinique du Parc")),
            ("Cabinet", None),
            ("OSTEO", None),
            ("Clinique", None),
            ("Dentiste", None),
            ("Imports", None),
            ("Sebnpa", None),
            ("Camelia", None),
            ("Poste4", None),
        ] {
            assert_eq!(names.resembled(given), name, "{given}");
        }
    }
}
