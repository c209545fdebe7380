use std::sync::Arc;

use kit::settings::{Given, Table};

use super::values::names;
use crate::model::{Base, ID_FORMATS, IdFormat, IdShape};

/// The widest padding and the longest cut: `message_id` has 64 characters in the standard (3.4, 5.2.23), and carriers
/// that write more write twice that.
const CHARACTERS_MAX: u64 = 128;

/// Characters of a prefix or a suffix.
const AFFIX_MAX: usize = 64;

/// What is added to numbers stays below this, so that the sum fits 128 bits: 38 digits are more than any id has.
const PLUS_MAX: u128 = 10u128.pow(38);

/// The format under that key: by its name, or shape by shape. `None`: the key is not there, or wrong.
pub(super) fn id_format(table: &Table<'_>, key: &'static str) -> Option<Arc<IdFormat>> {
    if !table.has(key) {
        return None;
    }
    if !table.is_table(key) {
        let names: Vec<_> = ID_FORMATS.iter().map(|named| (named.0, named.0)).collect();
        return table.choice(key, &names).and_then(IdFormat::named).map(Arc::new);
    }
    let table = table.table(key);
    let answer = shape(&table, "answer").unwrap_or(IdShape::of(Base::Decimal));
    let receipt = shape(&table, "receipt").unwrap_or_else(|| answer.clone());
    let format = IdFormat {
        text: shape(&table, "text").unwrap_or_else(|| receipt.clone()),
        tlv: shape(&table, "tlv").unwrap_or_else(|| receipt.clone()),
        answer,
    };
    table.finish();
    Some(Arc::new(format))
}

/// A shape: the name of its digits, or a table.
fn shape(table: &Table<'_>, key: &'static str) -> Option<IdShape> {
    if !table.has(key) {
        return None;
    }
    if !table.is_table(key) {
        return table.choice(key, &names()).map(IdShape::of);
    }
    let table = table.table(key);
    let shape = IdShape {
        base: table.choice("base", &names()).unwrap_or(Base::Decimal),
        upper: table
            .choice("case", &[("lower", false), ("upper", true)])
            .unwrap_or(false),
        width: table.integer("width", 0..=CHARACTERS_MAX, 0) as u8,
        even: table.boolean("even", false),
        cut: match table.has("cut") {
            true => table.integer("cut", 1..=CHARACTERS_MAX, 1) as u8,
            false => 0,
        },
        plus: table
            .parsed(
                "plus",
                "a whole number, as a string if it is long: up to 38 digits",
                plus,
            )
            .unwrap_or(0),
        reuse: table.integer("reuse_after", 1..=u64::from(u32::MAX), 0) as u32,
        prefix: affix(&table, "prefix"),
        suffix: affix(&table, "suffix"),
    };
    table.finish();
    Some(shape)
}

fn plus(value: Given<'_>) -> Option<u128> {
    let integer = value.whole().map(u128::from);
    let number = integer.or_else(|| value.text()?.parse().ok());
    number.filter(|number| *number < PLUS_MAX)
}

fn affix(table: &Table<'_>, key: &'static str) -> String {
    let allowed = "up to 64 characters of ASCII, with {recipient}, {total} and {part} in them";
    let affix = table.parsed(key, allowed, |value| {
        let text = value.text()?;
        let plain = text.len() <= AFFIX_MAX && text.bytes().all(|octet| octet.is_ascii_graphic());
        (plain && names_are_known(text)).then(|| text.to_owned())
    });
    affix.unwrap_or_default()
}

fn names_are_known(text: &str) -> bool {
    text.split('{').skip(1).all(|rest| {
        let name = rest.split_once('}').map(|(name, _)| name);
        matches!(name, Some("recipient" | "total" | "part"))
    })
}
