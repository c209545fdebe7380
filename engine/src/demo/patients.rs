//! The patients of a clinic that does not exist.

use serde_json::{Value, json};

const NAMES: [&str; 12] = [
    "Martin", "Bernard", "Dubois", "Thomas", "Robert", "Richard", "Petit", "Durand", "Leroy", "Moreau", "Lefèvre",
    "Garcia",
];
const FIRST_NAMES: [&str; 10] = [
    "Camille", "Zoé", "Jules", "Inès", "Léo", "Chloé", "Hugo", "Manon", "Élise", "Noël",
];

/// That many, each with a mobile number of their own, the name and the first name.
pub(super) fn all(count: u64) -> Vec<Value> {
    let patient = |at: u64| {
        json!({
            // Neighbouring numbers, but not in order: 7,919 is prime to the 100,000 numbers of the block.
            "to": format!("+336121{:05}", at * 7_919 % 100_000),
            "Nom": NAMES[(at % 12) as usize],
            "Prenom": FIRST_NAMES[(at / 12 % 10) as usize],
        })
    };
    (0..count).map(patient).collect()
}
