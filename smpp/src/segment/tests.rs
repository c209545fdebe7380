use super::*;
use crate::text::{EncodingPolicy, Language, choose, decode};
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
            segments: 3,
            free: 152
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

fn formed(text: &str, concatenation: Concatenation, alphabet: Alphabet) -> Segments {
    let format = Format {
        concatenation,
        alphabet,
    };
    segment_as(text, (Encoding::Gsm7, Shift::NONE), 0x0102, format).unwrap()
}

#[test]
fn segments_are_concatenated_as_the_smsc_takes_it() {
    let text = "a".repeat(305);
    let short = formed(&text, Concatenation::Udh8, Alphabet::Gsm7);
    assert_eq!((short.len(), short.carriage()), (2, Carriage::Header));
    assert_eq!(short.get(1).unwrap()[..6], [5, 0, 3, 2, 2, 2]);
    let long = formed(&text, Concatenation::Udh16, Alphabet::Gsm7);
    assert_eq!((long.len(), long.carriage()), (3, Carriage::Header));
    assert_eq!(long.get(0).unwrap()[..7], [6, 8, 4, 1, 2, 3, 1]);
    assert_eq!(long.get(0).unwrap().len(), 7 + 152);
    let sar = formed(&text, Concatenation::Sar, Alphabet::Gsm7);
    assert_eq!((sar.len(), sar.carriage(), sar.udhi()), (2, Carriage::Sar(2), false));
    assert_eq!(sar.get(0).unwrap(), &[b'a'; 153]);
    let payload = formed(&text, Concatenation::Payload, Alphabet::Gsm7);
    assert_eq!((payload.len(), payload.carriage()), (1, Carriage::Payload));
    assert_eq!(payload.get(0).unwrap().len(), 305);
    for concatenation in Concatenation::NAMES.map(|(_, concatenation)| concatenation) {
        let one = formed("Bonjour", concatenation, Alphabet::Gsm7);
        assert_eq!((one.carriage(), one.get(0)), (Carriage::Plain, Some(&b"Bonjour"[..])));
    }
    let ucs2 = |concatenation| measure_as(&"ê".repeat(134), (Encoding::Ucs2, Shift::NONE), concatenation);
    assert_eq!(ucs2(Concatenation::Udh8).map(|measure| measure.segments), Some(2));
    assert_eq!(ucs2(Concatenation::Udh16).map(|measure| measure.segments), Some(3));
}

#[test]
fn gsm_is_written_as_the_smsc_takes_it() {
    let packed = formed(&"a".repeat(161), Concatenation::Udh8, Alphabet::Gsm7Packed);
    assert_eq!(packed.iter().map(<[u8]>::len).collect::<Vec<_>>(), [140, 6 + 8]);
    let text: String = packed
        .iter()
        .map(|part| crate::text::read((&part[1..6], &part[6..]), 0, Alphabet::Gsm7Packed))
        .collect();
    assert_eq!(text, "a".repeat(161));
    assert_eq!(
        formed("hello", Concatenation::Udh8, Alphabet::Gsm7Packed).get(0),
        Some(&[0xE8, 0x32, 0x9B, 0xFD, 0x06][..])
    );
    let latin = formed("été @[", Concatenation::Udh8, Alphabet::Latin1);
    assert_eq!((latin.get(0), latin.data_coding()), (Some(&b"\xE9t\xE9 @["[..]), 0));
    assert_eq!(formed("été", Concatenation::Udh8, Alphabet::Latin1As3).data_coding(), 3);
    // What the SMSC makes of it are septets: 153 of them in a part, and a bracket takes two.
    let long = formed(&"[".repeat(81), Concatenation::Udh8, Alphabet::Latin1);
    assert_eq!(long.iter().map(<[u8]>::len).collect::<Vec<_>>(), [6 + 76, 6 + 5]);
}

#[test]
fn tables_are_named_in_each_segment() {
    let shift = Shift {
        locking: None,
        single: Some(Language::Portuguese),
    };
    let cut = |text: &str, concatenation| {
        let format = Format {
            concatenation,
            alphabet: Alphabet::Gsm7,
        };
        segment_as(text, (Encoding::Gsm7, shift), 7, format)
    };
    let one = cut("não", Concatenation::Udh8).unwrap();
    assert_eq!(
        (one.get(0), one.udhi()),
        (Some(&b"\x03\x24\x01\x03n\x1B\x7Bo"[..]), true)
    );
    let limits =
        |length| measure_as(&"a".repeat(length), (Encoding::Gsm7, shift), Concatenation::Udh8).map(|m| m.segments);
    assert_eq!([155, 156, 298, 299].map(limits), [Some(1), Some(2), Some(2), Some(3)]);
    let two = cut(&"a".repeat(156), Concatenation::Udh8).unwrap();
    assert_eq!(two.get(1).unwrap(), b"\x08\x00\x03\x07\x02\x02\x24\x01\x03aaaaaaa");
    assert_eq!(cut(&"a".repeat(156), Concatenation::Sar), None);
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
            segments: 1,
            free: 22
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
