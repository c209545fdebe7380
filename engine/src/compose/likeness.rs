//! How names look. Pure.

use super::fold::fold;

/// What people see in a name at a glance: without case, accents, signs and doubled letters, and with one letter for those that look alike.
pub(super) fn likeness(name: &str) -> String {
    let mut seen = String::with_capacity(name.len());
    let plain = fold(name).replace("rn", "m").replace("vv", "w");
    for letter in plain.chars().filter_map(shape) {
        if !seen.ends_with(letter) {
            seen.push(letter);
        }
    }
    seen
}

/// The letter that one looks like; `None`: it is a sign.
fn shape(letter: char) -> Option<char> {
    match letter {
        '0' | 'о' | 'ο' => Some('o'),
        // A capital i, a small L, a one and a bar are one stroke.
        '1' | 'l' | '|' | '!' | 'і' | 'ι' | 'ı' => Some('i'),
        '2' => Some('z'),
        '3' | 'е' | 'ε' => Some('e'),
        '4' | '@' | 'а' | 'α' => Some('a'),
        '5' | '$' | 'ѕ' => Some('s'),
        '6' | '9' => Some('g'),
        '7' | 'т' | 'τ' => Some('t'),
        '8' | 'в' | 'β' => Some('b'),
        'с' => Some('c'),
        'р' | 'ρ' => Some('p'),
        'х' | 'χ' => Some('x'),
        'у' => Some('y'),
        'к' | 'κ' => Some('k'),
        'м' => Some('m'),
        'н' => Some('h'),
        letter if letter.is_alphanumeric() => Some(letter),
        _ => None,
    }
}
