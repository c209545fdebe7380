//! Which text, in which encoding and with which tables, takes the fewest segments: the one place that decides it.

use std::borrow::Cow;

use crate::segment::{self, Format};
use crate::text::{self, Encoding, EncodingPolicy, Language, Shift, composed};

/// The text as it is to be sent to one SMSC, which takes texts in that form and whose recipients have these languages'
/// tables: with the fewest segments. A table is used where that takes fewer than UCS-2 would, and UCS-2 where counterparts
/// take more. What the SMSC's alphabet lacks makes a text UCS-2.
pub fn choose<'t>(
    text: &'t str,
    policy: EncodingPolicy,
    tables: &[Language],
    format: Format,
) -> (Cow<'t, str>, Encoding, Shift) {
    let (chosen, encoding) = text::choose(text, policy);
    match encoding {
        Encoding::Gsm7 if is_shorter_as_ucs2(text, &chosen) => (composed(text), Encoding::Ucs2, Shift::NONE),
        Encoding::Gsm7 if !format.alphabet.has(&chosen) => (composed(text), Encoding::Ucs2, Shift::NONE),
        Encoding::Ucs2 if policy != EncodingPolicy::Ucs2 => {
            let shift = shift_for(&chosen, tables, format).unwrap_or_default();
            let encoding = if shift.is_none() { encoding } else { Encoding::Gsm7 };
            (chosen, encoding, shift)
        }
        Encoding::Gsm7 | Encoding::Latin1 | Encoding::Ucs2 => (chosen, encoding, Shift::NONE),
    }
}

/// The tables with which a text takes the fewest segments, if that are fewer than as UCS-2.
fn shift_for(text: &str, tables: &[Language], format: Format) -> Option<Shift> {
    if tables.is_empty() || !format.alphabet.is_gsm7() {
        return None;
    }
    let measure = |encoding, shift| segment::measure_as(text, (encoding, shift), format.concatenation);
    let least = measure(Encoding::Ucs2, Shift::NONE).map_or(usize::MAX, |measure| measure.segments);
    let shifts = tables.iter().flat_map(|language| Shift::of(*language));
    let fitting = shifts.filter_map(|shift| measure(Encoding::Gsm7, shift).map(|measure| (measure, shift)));
    // Without a header in each segment, nothing says to the handset which tables they use.
    let can_say = |segments| segments == 1 || format.concatenation.has_header();
    let fewer = fitting.filter(|(measure, _)| measure.segments < least && can_say(measure.segments));
    fewer
        // More phones have single shift tables than locking ones.
        .min_by_key(|(measure, shift)| (measure.segments, shift.locking.is_some(), measure.units))
        .map(|(_, shift)| shift)
}

/// Whether counterparts of several characters (`…`, `½`) have made a text longer than it is worth.
fn is_shorter_as_ucs2(text: &str, changed: &str) -> bool {
    // One segment is the least that there is: nearly all texts end here.
    if changed.len() <= 160 || changed.chars().count() <= text.chars().count() {
        return false;
    }
    let count = |text: &str, encoding| segment::count(text, encoding).unwrap_or(usize::MAX);
    count(&composed(text), Encoding::Ucs2) < count(changed, Encoding::Gsm7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Alphabet;

    #[test]
    fn what_counterparts_make_longer_than_ucs2_is_ucs2() {
        let usual = |text: &str| choose(text, EncodingPolicy::GsmTransliterate, &[], Format::default()).1;
        let dots = "…".repeat(70);
        assert_eq!(usual(&dots), Encoding::Ucs2);
        assert_eq!(usual(&"…".repeat(53)), Encoding::Gsm7);
        let typical = "à bientôt… ".repeat(15);
        assert_eq!(usual(&typical), Encoding::Gsm7);
    }

    #[test]
    fn a_table_is_used_where_it_saves_a_segment() {
        let languages = Language::NAMES.map(|(_, language)| language);
        let chosen = |text: &str, policy, format| {
            let (_, encoding, shift) = choose(text, policy, &languages, format);
            (encoding, shift)
        };
        let (auto, usual) = (EncodingPolicy::Auto, Format::default());
        let single = |language| {
            let shift = Shift {
                locking: None,
                single: Some(language),
            };
            (Encoding::Gsm7, shift)
        };
        let plain = (Encoding::Ucs2, Shift::NONE);
        let turkish = "Yarın saat 9'da randevunuz var, lütfen gelemeyecekseniz bize bildirin.".to_owned();
        assert_eq!(
            chosen(&turkish, auto, usual).0,
            Encoding::Ucs2,
            "70 characters are one segment anyway"
        );
        assert_eq!(chosen(&(turkish.clone() + "!"), auto, usual), single(Language::Turkish));
        let spanish = "Mañana tiene una cita a las 9 de la mañana con el Dr. Martínez, avísenos si no puede venir.";
        assert_eq!(chosen(spanish, auto, usual), single(Language::Spanish));
        assert_eq!(
            choose(spanish, EncodingPolicy::GsmTransliterate, &languages, usual).1,
            Encoding::Gsm7
        );
        assert_eq!(chosen(spanish, EncodingPolicy::Ucs2, usual), plain);
        let emoji = format!("{spanish} 😀");
        assert_eq!(chosen(&emoji, auto, usual), plain);
        // Many letters of one language: a locking table takes half of what escapes do.
        let dense = "ãõ".repeat(70);
        let (encoding, shift) = chosen(&dense, auto, usual);
        assert_eq!((encoding, shift.locking), (Encoding::Gsm7, Some(Language::Portuguese)));
        let packed = Format {
            alphabet: Alphabet::Latin1,
            ..usual
        };
        assert_eq!(chosen(spanish, auto, packed), plain, "no septets, no tables");
        let sar = Format {
            concatenation: crate::segment::Concatenation::Sar,
            ..usual
        };
        assert_eq!(chosen(spanish, auto, sar), single(Language::Spanish));
        assert_eq!(
            chosen(&spanish.repeat(3), auto, sar),
            plain,
            "no header in each segment"
        );
    }

    #[test]
    fn what_an_alphabet_lacks_makes_a_text_ucs2() {
        let latin = Format {
            alphabet: Alphabet::Latin1,
            ..Format::default()
        };
        let policy = EncodingPolicy::GsmTransliterate;
        assert_eq!(choose("été à l’hôpital", policy, &[], latin).1, Encoding::Gsm7);
        assert_eq!(
            choose("l’été, 5 €", policy, &[], latin),
            ("l’été, 5 €".into(), Encoding::Ucs2, Shift::NONE)
        );
    }
}
