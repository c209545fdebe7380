//! What GSM 03.38 lacks, exchanged for the nearest thing that it has: French typography first, then every other Latin
//! letter by its base letter. Scripts and emoji have no counterpart and stay.

use std::borrow::Cow;

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
    if let Some(whole) = composed(letter, accent) {
        out.pop();
        out.push(whole);
    } else if !letter.is_ascii() && !gsm7::contains(letter) {
        out.push(accent);
    }
}

fn composed(letter: char, accent: char) -> Option<char> {
    let whole = match (accent, letter) {
        ('\u{0300}', 'a') => 'à',
        ('\u{0300}', 'e') => 'è',
        ('\u{0300}', 'i') => 'ì',
        ('\u{0300}', 'o') => 'ò',
        ('\u{0300}', 'u') => 'ù',
        ('\u{0301}', 'e') => 'é',
        ('\u{0301}', 'E') => 'É',
        ('\u{0303}', 'n') => 'ñ',
        ('\u{0303}', 'N') => 'Ñ',
        ('\u{0308}', 'a') => 'ä',
        ('\u{0308}', 'A') => 'Ä',
        ('\u{0308}', 'o') => 'ö',
        ('\u{0308}', 'O') => 'Ö',
        ('\u{0308}', 'u') => 'ü',
        ('\u{0308}', 'U') => 'Ü',
        ('\u{030A}', 'a') => 'å',
        ('\u{030A}', 'A') => 'Å',
        ('\u{0327}', 'C') => 'Ç',
        _ => return None,
    };
    Some(whole)
}

/// What stands in for a character that GSM 03.38 lacks: at most four characters, all of them GSM 03.38. None: nothing
/// does, or none is needed.
pub fn counterpart(character: char) -> Option<&'static str> {
    if gsm7::contains(character) {
        return None;
    }
    match character {
        '\u{00A0}'..='\u{00FF}' => latin1(character),
        '\u{0100}'..='\u{017F}' => Some(latin_extended_a(character)),
        '\u{0180}'..='\u{024F}' => latin_extended_b(character),
        '\u{1EA0}'..='\u{1EF9}' => Some(vietnamese(character)),
        '\u{0300}'..='\u{036F}' => Some(""),
        _ => punctuation(character),
    }
}

fn latin1(character: char) -> Option<&'static str> {
    let counterpart = match character {
        '\u{00A0}' => " ",
        'À' | 'Á' | 'Â' | 'Ã' => "A",
        'á' | 'â' | 'ã' | 'ª' => "a",
        'ç' | '¢' => "c",
        'È' | 'Ê' | 'Ë' => "E",
        'ê' | 'ë' => "e",
        'Ì' | 'Í' | 'Î' | 'Ï' => "I",
        'í' | 'î' | 'ï' => "i",
        'Ð' => "D",
        'ð' => "d",
        'Ò' | 'Ó' | 'Ô' | 'Õ' => "O",
        // The degree sign is mostly the o of "n°" in French texts.
        'ó' | 'ô' | 'õ' | 'º' | '°' => "o",
        'Ù' | 'Ú' | 'Û' => "U",
        'ú' | 'û' | 'µ' => "u",
        'Ý' => "Y",
        'ý' | 'ÿ' => "y",
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
        _ => return None,
    };
    Some(counterpart)
}

/// U+0100 to U+017F, a letter each; the block has no gap. `_` marks those that need more than one letter.
const EXTENDED_A: &str = "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi__JjKkkLlLlLlLlLlNnNnNnnNnOoOoOo__RrRrRrSsSsSsSsTtTtTt\
                          UuUuUuUuUuUuWwYyYZzZzZzs";

fn latin_extended_a(character: char) -> &'static str {
    match character {
        'Œ' => "OE",
        'œ' => "oe",
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        _ => {
            let place = (u32::from(character) - 0x100) as usize;
            EXTENDED_A.get(place..=place).unwrap_or("")
        }
    }
}

fn latin_extended_b(character: char) -> Option<&'static str> {
    let counterpart = match character {
        'Ǎ' | 'Ǟ' | 'Ǡ' | 'Ȁ' | 'Ȃ' | 'Ȧ' => "A",
        'ǎ' | 'ǟ' | 'ǡ' | 'ȁ' | 'ȃ' | 'ȧ' => "a",
        'Ȅ' | 'Ȇ' | 'Ȩ' => "E",
        'ȅ' | 'ȇ' | 'ȩ' => "e",
        'ƒ' => "f",
        'Ǧ' => "G",
        'ǧ' => "g",
        'Ǐ' | 'Ȉ' | 'Ȋ' => "I",
        'ǐ' | 'ȉ' | 'ȋ' => "i",
        'Ơ' | 'Ǒ' | 'Ǫ' | 'Ȍ' | 'Ȏ' => "O",
        'ơ' | 'ǒ' | 'ǫ' | 'ȍ' | 'ȏ' => "o",
        'Ș' => "S",
        'ș' => "s",
        'Ț' => "T",
        'ț' => "t",
        'Ư' | 'Ǔ' | 'Ǖ' | 'Ǘ' | 'Ǚ' | 'Ǜ' | 'Ȕ' | 'Ȗ' => "U",
        'ư' | 'ǔ' | 'ǖ' | 'ǘ' | 'ǚ' | 'ǜ' | 'ȕ' | 'ȗ' => "u",
        _ => return None,
    };
    Some(counterpart)
}

/// U+1EA0 to U+1EF9: runs of one vowel, capitals on even places.
fn vietnamese(character: char) -> &'static str {
    let (capital, small) = match character {
        ..='\u{1EB7}' => ("A", "a"),
        ..='\u{1EC7}' => ("E", "e"),
        ..='\u{1ECB}' => ("I", "i"),
        ..='\u{1EE3}' => ("O", "o"),
        ..='\u{1EF1}' => ("U", "u"),
        _ => ("Y", "y"),
    };
    if u32::from(character).is_multiple_of(2) {
        capital
    } else {
        small
    }
}

fn punctuation(character: char) -> Option<&'static str> {
    let counterpart = match character {
        '\t' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => " ",
        // Zero width: they show nothing. The joiners U+200C and U+200D are not among them, they make emoji.
        '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2060}' | '\u{FEFF}' => "",
        '\u{0085}' | '\u{2028}' | '\u{2029}' => "\n",
        '‘' | '’' | '‚' | '‛' | '‹' | '›' | '′' | '`' | 'ʼ' | 'ʹ' | 'ˈ' => "'",
        '“' | '”' | '„' | '‟' | '″' | '〝' | '〞' => "\"",
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
