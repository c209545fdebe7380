//! Who is written to: some whose receipt the scenario decides, and some whose last digits choose a fate of their own
//! (`magic = true`, smpp-sim's README), so that each status is known beforehand.

use serde_json::{Value, json};

use super::case::Known;

/// The place of a scenario among those that run beside each other: two digits of its numbers.
pub const PLACES_MAX: usize = 100;

/// Short messages to numbers without a fate of their own.
const ORDINARY: u32 = 12;

/// Long ones.
const ORDINARY_LONG: u32 = 4;

/// Last three digits, and what becomes of the message, whatever the carrier's manners are.
const FATES: [(u32, &str); 9] = [
    (901, "unknown_number"),
    (902, "transmission_failed"),
    (905, "reception_error"),
    (906, "unknown_number"),
    (907, "reception_error"),
    (908, "recredited"),
    (909, "transmitted"),
    (913, ORDINARY_STATUS),
    (920, "reception_error"),
];

/// Fates that long messages meet, too.
const LONG_FATES: [u32; 4] = [901, 905, 909, 913];

/// What becomes of a message where nobody says anything else.
const ORDINARY_STATUS: &str = "delivered";

/// Characters of a long message's field: three segments with the words around it.
const LONG: usize = 350;

/// One recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// E.164 with `+`.
    pub to: String,
    /// Whether the message takes three segments.
    pub long: bool,
    /// The status that it must come to.
    pub status: String,
}

/// Everybody who gets a message under the scenario at that place.
pub fn people(place: usize, known: &Known) -> Vec<Person> {
    assert!(place < PLACES_MAX, "two digits are the place");
    let person = |(serial, digits): (u32, u32), long| Person {
        to: format!("+336{place:02}{serial:03}{digits:03}"),
        long,
        status: status(digits, known),
    };
    let more = (0..known.stage.more as u32).map(|more| person((10 + more / 900, more % 900), false));
    let short = (0..ORDINARY).map(|digits| person((0, digits), false));
    let long = (0..ORDINARY_LONG).map(|digits| person((1, digits), true));
    let fates = FATES.iter().map(|(digits, _)| person((0, *digits), false));
    let long_fates = LONG_FATES.iter().map(|digits| person((1, *digits), true));
    short.chain(long).chain(fates).chain(long_fates).chain(more).collect()
}

fn status(digits: u32, known: &Known) -> String {
    let ordinary = if known.ordinary.is_empty() {
        ORDINARY_STATUS
    } else {
        &known.ordinary
    };
    let own = FATES
        .iter()
        .find(|(fate, status)| *fate == digits && *status != ORDINARY_STATUS);
    let usual = own.map_or(ordinary, |(_, status)| status);
    known
        .numbers
        .get(&digits.to_string())
        .map_or(usual, String::as_str)
        .to_owned()
}

/// The numbers that belong to a place, as a prefix of an SMSC.
pub fn prefix(place: usize) -> String {
    format!("336{place:02}")
}

/// A campaign to them, from that sender.
pub fn order(people: &[Person], sender: &str) -> Value {
    let recipients: Vec<Value> = people
        .iter()
        .map(|person| {
            let rest = if person.long {
                "rendez-vous ".repeat(LONG / 12)
            } else {
                "demain".to_owned()
            };
            json!({ "to": person.to, "Rappel": rest })
        })
        .collect();
    json!({
        "name": "Rappel",
        "text": "Cabinet Martin : [Rappel]",
        "sender": sender,
        "purpose": "transactional",
        "audience": { "recipients": recipients },
    })
}
