//! `field_lengths` of a campaign's body: how long the values of its merge fields are at most, and what becomes of longer ones.

use kit::words::nearest;
use serde_json::Value;

use super::row::{COLUMNS_MAX, VALUE_MAX};
use super::taker::escape;
use crate::compose::{find_column, fold, nearest_column};
use crate::domain::{Length, Lengths, Longer};
use crate::fault::{FieldFault, FieldProblem, JsonType};

/// What stands for every field that is not named itself.
const OTHERS: &str = "*";

const FIELDS: [&str; 2] = ["max", "longer"];

/// Reads all of them. `columns`: those that the texts name, with their numbers.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn read(given: &Value, columns: &[(usize, &str)]) -> Result<Lengths, Vec<FieldFault>> {
    let Value::Object(fields) = given else {
        let problem = FieldProblem::wrong_type(JsonType::Object, given);
        return Err(vec![FieldFault::new("/field_lengths", problem)]);
    };
    if fields.len() > COLUMNS_MAX + 1 {
        let problem = FieldProblem::TooMany { max: COLUMNS_MAX + 1 };
        return Err(vec![FieldFault::new("/field_lengths", problem)]);
    }
    let names: Vec<&str> = columns.iter().map(|(_, name)| *name).collect();
    let (mut lengths, mut others, mut faults) = (Vec::new(), None, Vec::new());
    for (name, value) in fields {
        let pointer = format!("/field_lengths/{}", escape(name));
        let read = length(value, &pointer, &mut faults);
        if name == OTHERS {
            others = read;
            continue;
        }
        let Some((column, _)) = find_column(name, &names).and_then(|at| columns.get(at)) else {
            let nearest = nearest_column(name, &names);
            let problem = FieldProblem::UnknownMergeField {
                name: name.clone(),
                nearest,
                columns: names.iter().map(|name| (*name).to_owned()).collect(),
                french: Box::default(),
            };
            faults.push(FieldFault::new(pointer, problem));
            continue;
        };
        if lengths.iter().any(|length: &Length| length.column == *column) {
            faults.push(FieldFault::new(pointer, FieldProblem::DuplicateField));
            continue;
        }
        lengths.extend(read.map(|(max, longer)| Length {
            column: *column,
            max,
            longer,
        }));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    if let Some((max, longer)) = others {
        for (column, _) in columns {
            if lengths.iter().all(|length| length.column != *column) {
                lengths.push(Length {
                    column: *column,
                    max,
                    longer,
                });
            }
        }
    }
    Ok(Lengths::of_columns(lengths))
}

/// Those of the fields that are among these columns.
pub(super) fn of_those(given: Value, columns: &[(usize, &str)]) -> Value {
    let names: Vec<&str> = columns.iter().map(|(_, name)| *name).collect();
    let Value::Object(mut fields) = given else { return given };
    fields.retain(|name, _| find_column(name, &names).is_some());
    Value::Object(fields)
}

/// The columns that may have a length: codes are whole, or none.
pub(super) fn measurable<'c>(
    columns: impl Iterator<Item = (usize, &'c str)>,
    has_codes: bool,
) -> Vec<(usize, &'c str)> {
    columns
        .filter(|(_, name)| !(has_codes && fold(name) == "code"))
        .collect()
}

fn length(given: &Value, pointer: &str, faults: &mut Vec<FieldFault>) -> Option<(usize, Longer)> {
    let Some(fields) = given.as_object() else {
        let problem = FieldProblem::wrong_type(JsonType::Object, given);
        faults.push(FieldFault::new(pointer, problem));
        return None;
    };
    for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        let nearest = nearest(name, FIELDS).map(str::to_owned);
        let pointer = format!("{pointer}/{}", escape(name));
        faults.push(FieldFault::new(pointer, FieldProblem::UnknownField { nearest }));
    }
    let mut checked = |name: &str, problem| faults.push(FieldFault::new(format!("{pointer}/{name}"), problem));
    let max = match fields.get("max") {
        None => Err(FieldProblem::Missing),
        Some(Value::Number(number)) => {
            let (min, max) = (1, VALUE_MAX as i64);
            let number = number.as_i64().filter(|number| (min..=max).contains(number));
            number.ok_or(FieldProblem::OutOfRange { min, max })
        }
        Some(other) => Err(FieldProblem::wrong_type(JsonType::Number, other)),
    };
    let longer = match fields.get("longer") {
        None => Err(FieldProblem::Missing),
        Some(Value::String(word)) => {
            const ALLOWED: &[&str] = &Longer::CODES;
            word.parse()
                .map_err(|_| FieldProblem::UnknownValue { allowed: ALLOWED })
        }
        Some(other) => Err(FieldProblem::wrong_type(JsonType::String, other)),
    };
    let max = max.map_err(|problem| checked("max", problem)).ok();
    let longer = longer.map_err(|problem| checked("longer", problem)).ok();
    Some((max? as usize, longer?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Fitted;

    const COLUMNS: [(usize, &str); 2] = [(0, "Nom"), (2, "Prénom")];

    #[test]
    fn each_field_has_its_own_length_or_that_of_the_others() {
        let given = json!({ "*": { "max": 5, "longer": "skip" }, "prenom": { "max": 3, "longer": "truncate" } });
        let lengths = read(&given, &COLUMNS).unwrap();
        assert_eq!(lengths.fit(2, " Zoé "), Fitted::AsItIs(" Zoé "));
        assert_eq!(lengths.fit(2, " Zoélie"), Fitted::Cut("Zoé"));
        assert_eq!(
            lengths.fit(2, "Zo élie"),
            Fitted::Cut("Zo"),
            "no space is left at its end"
        );
        assert_eq!(lengths.fit(0, "Petit"), Fitted::AsItIs("Petit"));
        assert_eq!(lengths.fit(0, "Martin"), Fitted::TooLong);
        assert_eq!(
            lengths.fit(1, "Saint-Pierre"),
            Fitted::AsItIs("Saint-Pierre"),
            "the text does not name it"
        );
        assert!(lengths.changes_rows() && lengths.has_longer(&["Martin"]));
        assert!(!lengths.has_longer(&["Petit", "Saint-Pierre", "Zoé"]));
        let stored: Lengths = serde_json::from_str(&serde_json::to_string(&lengths).unwrap()).unwrap();
        assert_eq!(stored, lengths);
    }

    #[test]
    fn what_is_sent_all_the_same_changes_nothing() {
        let lengths = read(&json!({ "Nom": { "max": 5, "longer": "send" } }), &COLUMNS).unwrap();
        assert_eq!(lengths.fit(0, "Martin"), Fitted::AsItIs("Martin"));
        assert!(!lengths.changes_rows() && lengths.has_longer(&["Martin"]));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_its_place() {
        let given = json!({
            "Nome": { "max": 5, "longer": "send" },
            "Nom": { "max": 0, "longer": "cut", "min": 1 },
            "nom": { "max": 5, "longer": "send" },
            "*": 5,
        });
        let faults = read(&given, &COLUMNS).unwrap_err();
        let mut told: Vec<_> = faults
            .iter()
            .map(|fault| (fault.pointer.as_str(), fault.problem.code()))
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                ("/field_lengths/*", "wrong_type"),
                ("/field_lengths/Nom/longer", "unknown_value"),
                ("/field_lengths/Nom/max", "out_of_range"),
                ("/field_lengths/Nom/min", "unknown_field"),
                ("/field_lengths/Nome", "unknown_merge_field"),
            ]
        );
        let twice = json!({ "Nom": { "max": 5, "longer": "send" }, "nom": { "max": 6, "longer": "send" } });
        let faults = read(&twice, &COLUMNS).unwrap_err();
        assert_eq!(
            faults.iter().map(|fault| fault.problem.code()).collect::<Vec<_>>(),
            ["duplicate_field"]
        );
    }

    #[test]
    fn codes_are_whole_or_none() {
        let columns = || [(0, "Nom"), (1, "Code")].into_iter();
        assert_eq!(measurable(columns(), true), [(0, "Nom")]);
        assert_eq!(measurable(columns(), false).len(), 2);
    }
}
