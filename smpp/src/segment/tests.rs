use super::*;
use crate::text::{EncodingPolicy, choose, decode};
use proptest::prelude::*;

#[test]
fn gsm_lengths_at_every_border() {
    for (length, segments) in [
        (0, 1),
        (1, 1),
        (160, 1),
        (161, 2),
        (306, 2),
        (307, 3),
        (459, 3),
        (460, 4),
        (480, 4),
    ] {
        assert_eq!(
            count(&"a".repeat(length), Encoding::Gsm7),
            Some(segments),
            "{length} characters"
        );
    }
}

#[test]
fn ucs2_and_latin1_lengths_at_every_border() {
    for (length, segments) in [(70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)] {
        assert_eq!(
            count(&"ê".repeat(length), Encoding::Ucs2),
            Some(segments),
            "{length} characters"
        );
    }
    for (length, segments) in [(140, 1), (141, 2), (268, 2), (269, 3)] {
        assert_eq!(
            count(&"ê".repeat(length), Encoding::Latin1),
            Some(segments),
            "{length} characters"
        );
    }
}

#[test]
fn an_escape_pair_is_never_cut() {
    // Two septets that would lie on both sides of a border go to the next part together.
    assert_eq!(count(&format!("{}€", "a".repeat(158)), Encoding::Gsm7), Some(1));
    assert_eq!(count(&format!("{}€", "a".repeat(159)), Encoding::Gsm7), Some(2));
    let text = format!("{}€{}", "a".repeat(152), "b".repeat(151));
    let segments = segment(&text, Encoding::Gsm7, 7).unwrap();
    assert_eq!((segments.len(), segments.units()), (2, 305));
    assert_eq!(segments.get(0).unwrap().len(), 6 + 152);
    assert_eq!(segments.get(1).unwrap()[..8], [5, 0, 3, 7, 2, 2, 0x1B, 0x65]);
    // 306 septets would fill two parts, but the place lost at the border makes a third.
    assert_eq!(
        measure(&format!("{text}b"), Encoding::Gsm7),
        Some(Measure {
            units: 306,
            segments: 3
        })
    );
}

#[test]
fn a_surrogate_pair_is_never_cut() {
    assert_eq!(count(&"😀".repeat(35), Encoding::Ucs2), Some(1));
    assert_eq!(count(&"😀".repeat(36), Encoding::Ucs2), Some(2));
    let text = format!("{}😀{}", "a".repeat(66), "b".repeat(65));
    let segments = segment(&text, Encoding::Ucs2, 9).unwrap();
    assert_eq!(segments.len(), 2);
    assert_eq!(segments.get(0).unwrap().len(), 6 + 2 * 66);
    assert_eq!(
        segments.get(1).unwrap()[..10],
        [5, 0, 3, 9, 2, 2, 0xD8, 0x3D, 0xDE, 0x00]
    );
}

#[test]
fn one_segment_has_no_header() {
    let segments = segment("Bonjour é€", Encoding::Gsm7, 1).unwrap();
    assert!(!segments.udhi());
    assert_eq!(segments.iter().collect::<Vec<_>>(), [b"Bonjour \x05\x1B\x65"]);
    assert_eq!(segments.get(1), None);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    assert_eq!(count("ê", Encoding::Gsm7), None);
    assert_eq!(count("😀", Encoding::Latin1), None);
    let most = "a".repeat(255 * 153);
    assert_eq!(count(&most, Encoding::Gsm7), Some(255));
    assert_eq!(segment(&most, Encoding::Gsm7, 0).unwrap().len(), 255);
    assert_eq!(segment(&format!("{most}a"), Encoding::Gsm7, 0), None);
}

/// Texts of a clinic, built to the lengths that show what typography costs: 124 and 205 characters.
#[test]
fn typography_doubles_the_bill() {
    let thanks = "Merci d’avoir choisi l’hôpital des Tilleuls pour vos soins. Répondez “OUI” pour recevoir nos \
                  conseils et nos rappels de soin";
    assert_eq!(thanks.chars().count(), 124);
    let results = "Bonjour Lucie, vos résultats sont prêts. Vous pouvez les consulter dès maintenant sur votre espace \
                   personnel, ou les retirer à l’accueil du laboratoire, de 8h à 21h, avec votre carte vitale. \
                   À très bientôt";
    assert_eq!(results.chars().count(), 205);
    for (text, as_it_is, optimised) in [(thanks, 2, 1), (results, 4, 2)] {
        let (same, encoding) = choose(text, EncodingPolicy::Auto);
        assert_eq!((encoding, count(&same, encoding)), (Encoding::Ucs2, Some(as_it_is)));
        let (changed, encoding) = choose(text, EncodingPolicy::GsmTransliterate);
        assert_eq!((encoding, count(&changed, encoding)), (Encoding::Gsm7, Some(optimised)));
    }
    let (thanks, encoding) = choose(thanks, EncodingPolicy::GsmTransliterate);
    assert_eq!(
        measure(&format!("{thanks} STOP au 36034"), encoding),
        Some(Measure {
            units: 138,
            segments: 1
        })
    );
}

proptest! {
    #[test]
    fn count_is_what_segment_makes(text in "[aé€\\[ê😀]{0,700}", reference: u8) {
        for encoding in [Encoding::Gsm7, Encoding::Latin1, Encoding::Ucs2] {
            let segments = segment(&text, encoding, reference);
            prop_assert_eq!(count(&text, encoding), segments.as_ref().map(Segments::len));
        }
    }

    #[test]
    fn the_parts_are_the_text(text in "[aé€ê😀]{0,700}", gsm in "[aé€\\]]{0,900}", reference: u8) {
        for (text, encoding) in [(&text, Encoding::Ucs2), (&gsm, Encoding::Gsm7)] {
            let segments = segment(text, encoding, reference).unwrap();
            let mut joined = String::new();
            for (index, bytes) in segments.iter().enumerate() {
                let body = if segments.udhi() {
                    prop_assert_eq!(&bytes[..6], &[5, 0, 3, reference, segments.len() as u8, index as u8 + 1]);
                    &bytes[6..]
                } else {
                    bytes
                };
                let most = if encoding == Encoding::Gsm7 { 160 } else { 140 };
                prop_assert!(bytes.len() <= most);
                let part = decode(body, encoding.data_coding());
                prop_assert!(!part.contains('\u{FFFD}'), "nothing is cut in two");
                joined.push_str(&part);
            }
            prop_assert_eq!(&joined, text);
        }
    }
}
