//! Names that say nothing of who writes: `RDV`, `COLIS`. Operators put another name in their place, or hold the message back. Pure; the names
//! are data (`generic_senders.txt`).

use std::sync::Arc;

use super::fold::fold;
use super::likeness::likeness;

/// Names under which nobody writes but who was approved for them, as they are anybody's. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GenericNames(Arc<[Generic]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Generic {
    /// As people write it.
    name: String,
    folded: String,
    likeness: String,
}

impl GenericNames {
    /// Those that operators block, and these.
    pub(super) fn new(more: &[String]) -> Self {
        let known = include_str!("../data/generic_senders.txt").lines().map(str::trim);
        let known = known.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let all = known.map(str::to_owned).chain(more.iter().cloned());
        Self(all.map(Generic::new).collect())
    }

    /// No name is one.
    pub(super) fn none() -> Self {
        Self(Arc::default())
    }

    /// The generic name that one is, if it is one: whatever its case, with digits before or behind it, or with another one (`InfoColis`).
    pub(super) fn found(&self, name: &str) -> Option<&str> {
        let given = fold(name);
        let bare = given.trim_matches(|letter: char| letter.is_ascii_digit());
        let mut likenesses = [given.as_str(), bare].map(likeness).into_iter();
        likenesses.find_map(|given| self.whole(&given))
    }

    fn whole(&self, given: &str) -> Option<&str> {
        let begins = |one: &&Generic| !one.likeness.is_empty() && given.starts_with(&one.likeness);
        let together = |one: &Generic, other: &Generic| likeness(&format!("{}{}", one.folded, other.folded));
        let is_whole = |one: &&Generic| {
            let with_another = || self.0.iter().any(|other| together(one, other) == given);
            one.likeness == given || with_another()
        };
        let mut found = self.0.iter().filter(begins).filter(is_whole);
        found.next().map(|found| found.name.as_str())
    }
}

impl Generic {
    fn new(name: String) -> Self {
        Self {
            folded: fold(&name),
            likeness: likeness(&name),
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_anybodys_is_told_from_one_that_says_who_writes() {
        let names = GenericNames::new(&["Promo".to_owned()]);
        for (given, name) in [
            ("RDV", Some("RDV")),
            ("rdv", Some("RDV")),
            ("Rdv2026", Some("RDV")),
            ("ALERT", Some("Alert")),
            ("Alerte", Some("Alerte")),
            ("bank", Some("Bank")),
            ("8ank", Some("Bank")),
            ("payment", Some("Payment")),
            ("parcel", Some("Parcel")),
            ("COLIS", Some("Colis")),
            ("C0LIS", Some("Colis")),
            ("InfoColis", Some("Info")),
            ("RDVinfo", Some("RDV")),
            ("AlerteSMS", Some("Alerte")),
            ("Promo", Some("Promo")),
            ("RDVMartin", None),
            ("MartinRDV", None),
            ("InfoLilas", None),
            ("Cabinet", None),
            ("Clinique", None),
            ("OSTEO", None),
            ("Banques", None),
            ("Smscenter", None),
            ("Codex", None),
        ] {
            assert_eq!(names.found(given), name, "{given}");
        }
        assert_eq!(GenericNames::none().found("RDV"), None);
    }
}
