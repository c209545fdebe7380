//! What GSM 03.38 lacks, exchanged for the nearest thing that it has: French typography first, then every other Latin
//! letter by its base letter. Scripts and emoji have no counterpart and stay.

use std::borrow::Cow;

use unicode_normalization::char::{compose, decompose_canonical};

use super::gsm7;

/// A character that keeps a text out of GSM 03.38, for an editor to underline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// The character itself.
    pub character: char,
    /// Its place in the text, counted in characters from 0.
    pub position: usize,
    /// Its place in the text, counted in UTF-8 octets from 0.
    pub offset: usize,
    /// What transliteration would write instead (it may be empty); None: nothing helps but leaving it out.
    pub counterpart: Option<&'static str>,
}

/// The characters that force a text into UCS-2, in their order; none for a text that is GSM 03.38 as it stands.
pub fn culprits(text: &str) -> impl Iterator<Item = Culprit> + '_ {
    text.char_indices()
        .enumerate()
        .filter(|(_, (_, character))| !gsm7::contains(*character))
        .map(|(position, (offset, character))| Culprit {
            character,
            position,
            offset,
            counterpart: counterpart(character),
        })
}

/// The text with every character that GSM 03.38 lacks exchanged for its counterpart; those that have none stay.
/// Letters followed by combining accents (as macOS writes them) are put together first. Borrowed when nothing changes.
pub fn transliterate(text: &str) -> Cow<'_, str> {
    let Some(first) = gsm7::foreign(text) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    for character in text[first..].chars() {
        if gsm7::contains(character) {
            out.push(character);
        } else if is_combining(character) {
            combine(&mut out, character);
        } else if let Some(counterpart) = counterpart(character) {
            out.push_str(counterpart);
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

fn is_combining(character: char) -> bool {
    ('\u{0300}'..='\u{036F}').contains(&character)
}

/// Puts an accent on the Latin letter before it where GSM 03.38 has the two as one, and drops it where not. On other
/// scripts accents are part of the letter: they stay.
fn combine(out: &mut String, accent: char) {
    let Some(letter) = out.chars().next_back() else {
        return out.push(accent);
    };
    if let Some(whole) = compose(letter, accent).filter(|whole| gsm7::contains(*whole)) {
        out.pop();
        out.push(whole);
    } else if !letter.is_ascii() && !gsm7::contains(letter) {
        out.push(accent);
    }
}

/// What stands in for a character that GSM 03.38 lacks: at most four characters, all of them GSM 03.38. None: nothing
/// does, or none is needed.
pub fn counterpart(character: char) -> Option<&'static str> {
    if gsm7::contains(character) {
        return None;
    }
    match character {
        '\u{00A0}'..='\u{00FF}' => latin1(character),
        '\u{0100}'..='\u{024F}' | '\u{1EA0}'..='\u{1EF9}' => latin_extended(character),
        '\u{0300}'..='\u{036F}' => Some(""),
        _ => punctuation(character),
    }
}

fn latin1(character: char) -> Option<&'static str> {
    let counterpart = match character {
        '\u{00A0}' => " ",
        'ª' => "a",
        '¢' => "c",
        'Ð' => "D",
        'ð' => "d",
        // The degree sign is mostly the o of "n°" in French texts.
        'º' | '°' => "o",
        'µ' => "u",
        'Þ' => "Th",
        'þ' => "th",
        '«' | '»' => "\"",
        '´' | '¸' => "'",
        '¨' => "\"",
        '\u{00AD}' => "",
        '¯' | '·' | '¬' => "-",
        '¦' => "|",
        '±' => "+/-",
        '¹' => "1",
        '²' => "2",
        '³' => "3",
        '¼' => "1/4",
        '½' => "1/2",
        '¾' => "3/4",
        '×' => "x",
        '÷' => "/",
        '©' => "(c)",
        '®' => "(r)",
        '¶' => "\n",
        _ => return base_letter(character),
    };
    Some(counterpart)
}

/// Latin letters that are no letter with an accent, and then those that are.
fn latin_extended(character: char) -> Option<&'static str> {
    let counterpart = match character {
        'Œ' => "OE",
        'œ' => "oe",
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'Đ' => "D",
        'đ' => "d",
        'ƒ' => "f",
        'Ħ' => "H",
        'ħ' => "h",
        'ı' => "i",
        'ĸ' => "k",
        'Ŀ' | 'Ł' => "L",
        'ŀ' | 'ł' => "l",
        'Ŋ' => "N",
        'ŋ' | 'ŉ' => "n",
        'ſ' => "s",
        'Ŧ' => "T",
        'ŧ' => "t",
        _ => return base_letter(character),
    };
    Some(counterpart)
}

/// The Latin letter under the accents.
fn base_letter(character: char) -> Option<&'static str> {
    let mut base = None;
    decompose_canonical(character, |part| base = base.or(Some(part)));
    let place = LETTERS.find(base?)?;
    LETTERS.get(place..=place)
}

/// Each letter as a text of its own is a piece of this.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn punctuation(character: char) -> Option<&'static str> {
    let counterpart = match character {
        '\t' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => " ",
        // They show nothing: zero width, marks of direction, and which of a sign and a picture is
        // meant. The joiners U+200C and U+200D are not among them, they make emoji.
        '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'
        | '\u{2066}'..='\u{2069}'
        | '\u{FE0E}'..='\u{FE0F}'
        | '\u{FEFF}' => "",
        '\u{0085}' | '\u{2028}' | '\u{2029}' => "\n",
        '‘' | '’' | '‚' | '‛' | '❛' | '❜' | '‹' | '›' | '′' | '`' | 'ʼ' | 'ʹ' | 'ˈ' => "'",
        '“' | '”' | '„' | '‟' | '❝' | '❞' | '″' | '〝' | '〞' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '•' | '‣' | '▪' | '●' | '⁃' => "-",
        '…' => "...",
        '⁄' | '∕' => "/",
        '∗' => "*",
        '‼' => "!!",
        '⁇' => "??",
        '⁈' => "?!",
        '⁉' => "!?",
        '→' | '➔' | '➜' => "->",
        '←' => "<-",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "<>",
        '≈' => "~",
        '™' => "TM",
        '№' => "No",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ẞ' => "SS",
        '⁰' => "0",
        _ => return None,
    };
    Some(counterpart)
}
