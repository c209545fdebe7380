use super::*;
use proptest::prelude::*;

#[test]
fn every_septet_comes_back() {
    for septet in (0..128u8).filter(|septet| *septet != 0x1B) {
        let text = decode(&[septet], 0);
        assert_eq!(
            encode(&text, Encoding::Gsm7),
            Some(vec![septet]),
            "septet {septet:#04x} is {text:?}"
        );
    }
    assert_eq!(encode("^{}\\[~]|€\u{0C}", Encoding::Gsm7).unwrap().len(), 20);
    assert_eq!(decode(&[0x1B, 0x65, 0x1B, 0x14], 0), "€^");
}

#[test]
fn octets_that_are_no_text_are_survived() {
    assert_eq!(decode(&[b'a', 0x1B], 0), "a\u{FFFD}");
    assert_eq!(decode(&[0x1B, b'a', 0x1B, 0x1B, 0xE9], 0), "a \u{FFFD}");
    assert_eq!(decode(&[0x00, 0x41, 0xD8, 0x3D, 0x00], 8), "A\u{FFFD}\u{FFFD}");
    assert_eq!(decode(b"caf\xE9", 3), "café");
    assert_eq!(decode(b"caf\xE9", 1), "caf\u{FFFD}");
    assert_eq!(decode(&[0x05], 0xF1), "é");
    for group in [0x00, 0x40, 0x50, 0xC0, 0xC8, 0xD0, 0xF0] {
        assert_eq!(decode(&[0x05, b't', 0x05], group), "été", "{group:#04x}");
    }
    for group in [0x08, 0x48, 0xE0, 0xE8] {
        assert_eq!(decode(&[0x00, 0xE9, 0x00, b't'], group), "ét", "{group:#04x}");
    }
    assert_eq!(decode(b"\0S\0T\0O\0P", 0), "STOP");
    assert_eq!(decode(b"\0S", 0), "@S");
    assert_eq!(decode(b"\0S\0T!", 0), "@S@T!");
    assert_eq!(decode(&[0x00, 0xE9], 0x18), "é");
}

#[test]
fn french_letters_are_on_the_right_side() {
    for character in "éèàùìòÉÇäöüñåæøß€@£".chars() {
        assert!(Encoding::Gsm7.units(character).is_some(), "{character} is GSM 03.38");
    }
    for character in "êôâîûëïçœŒ«»’“”–…ÀÈÊÔ\u{A0}\u{202F}".chars() {
        assert_eq!(Encoding::Gsm7.units(character), None, "{character} is not GSM 03.38");
        assert!(counterpart(character).is_some(), "{character} has a counterpart");
    }
    assert_eq!(Encoding::Gsm7.units('€'), Some(2));
}

#[test]
fn french_texts_are_transliterated() {
    let cases = [
        ("Merci d’avoir choisi l’hôpital", "Merci d'avoir choisi l'hopital"),
        ("répondez “OUI” : à bientôt…", "répondez \"OUI\" : à bientot..."),
        ("ŒUVRE, cœur, naïf, Noël, ça, où", "OEUVRE, coeur, naif, Noel, ca, où"),
        ("«\u{A0}Prêt\u{202F}?\u{A0}» – n° 5", "\" Pret ? \" - no 5"),
        ("À Évry, Être, Çà", "A Évry, Etre, Çà"),
        ("Łukasz Dvořák, Nguyễn Ánh, Șerban", "Lukasz Dvorak, Nguyen Anh, Serban"),
        (
            "e\u{301}te\u{301}, ho\u{302}pital, Franc\u{327}ois",
            "été, hopital, Francois",
        ),
        ("20 €, 5 €", "20 €, 5 €"),
    ];
    for (text, wanted) in cases {
        assert_eq!(transliterate(text), wanted);
    }
    assert!(matches!(transliterate("déjà GSM"), Cow::Borrowed(_)));
    assert_eq!(transliterate("Привет 😀"), "Привет 😀");
}

#[test]
fn a_policy_chooses_text_and_encoding() {
    let with_emoji = "À bientôt 😀";
    assert_eq!(
        choose("À bientôt", EncodingPolicy::GsmTransliterate),
        ("A bientot".into(), Encoding::Gsm7)
    );
    assert_eq!(
        choose(with_emoji, EncodingPolicy::GsmTransliterate),
        (with_emoji.into(), Encoding::Ucs2)
    );
    assert_eq!(
        choose("À bientôt", EncodingPolicy::Auto),
        ("À bientôt".into(), Encoding::Ucs2)
    );
    assert_eq!(choose("déjà", EncodingPolicy::Auto), ("déjà".into(), Encoding::Gsm7));
    assert_eq!(choose("ok", EncodingPolicy::Ucs2), ("ok".into(), Encoding::Ucs2));
    for policy in [
        EncodingPolicy::GsmTransliterate,
        EncodingPolicy::Auto,
        EncodingPolicy::Ucs2,
    ] {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    assert_eq!("gsm".parse::<EncodingPolicy>(), Err(UnknownPolicy));
}

#[test]
fn culprits_say_where_and_what() {
    let found: Vec<_> = culprits("été ’ 😀")
        .map(|c| (c.character, c.position, c.offset, c.counterpart))
        .collect();
    assert_eq!(found, [('’', 4, 6, Some("'")), ('😀', 6, 10, None)]);
    assert_eq!(culprits("déjà vu [20 €]").count(), 0);
}

#[test]
fn every_counterpart_is_short_and_gsm() {
    for character in '\0'..=char::MAX {
        if let Some(counterpart) = counterpart(character) {
            assert!(gsm7::fits(counterpart), "{character:?} → {counterpart:?}");
            assert!(counterpart.chars().count() <= 4, "{character:?} → {counterpart:?}");
        }
    }
    for letter in '\u{100}'..='\u{17F}' {
        assert!(
            counterpart(letter).is_some_and(|found| found.chars().all(char::is_alphabetic)),
            "{letter}"
        );
    }
}

#[test]
fn what_can_be_gsm_is_gsm_and_the_rest_is_put_together() {
    let policy = EncodingPolicy::GsmTransliterate;
    assert_eq!(choose("‼\u{FE0F} Rappel", policy), ("!! Rappel".into(), Encoding::Gsm7));
    assert_eq!(
        choose("\u{275B}demain\u{275C}", policy),
        ("'demain'".into(), Encoding::Gsm7)
    );
    assert_eq!(
        choose("De\u{301}me\u{301}nagement", policy),
        ("Déménagement".into(), Encoding::Gsm7)
    );
    assert_eq!(
        choose("De\u{301}mé", EncodingPolicy::Auto),
        ("Démé".into(), Encoding::Gsm7)
    );
    assert_eq!(choose("e\u{301} 🎉", policy), ("é 🎉".into(), Encoding::Ucs2));
    assert_eq!(choose("e\u{301}", EncodingPolicy::Ucs2), ("é".into(), Encoding::Ucs2));
}

#[test]
fn what_counterparts_make_longer_than_ucs2_is_ucs2() {
    let dots = "…".repeat(70);
    assert_eq!(choose(&dots, EncodingPolicy::GsmTransliterate).1, Encoding::Ucs2);
    assert_eq!(
        choose(&"…".repeat(53), EncodingPolicy::GsmTransliterate).1,
        Encoding::Gsm7
    );
    let typical = "à bientôt… ".repeat(15);
    assert_eq!(choose(&typical, EncodingPolicy::GsmTransliterate).1, Encoding::Gsm7);
}

#[test]
fn septets_are_packed_as_the_standard_shows() {
    // GSM 03.38, 6.1.2.1: "hellohello" is the example that every implementation is held to.
    let packed = |text: &str, elements| {
        let mut out = Vec::new();
        pack(&encode(text, Encoding::Gsm7).unwrap(), elements, &mut out);
        out
    };
    assert_eq!(
        packed("hellohello", 0),
        [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]
    );
    // Behind a header of six octets there is one bit of fill.
    assert_eq!(packed("a", 5), [0xC2]);
    // Seven bits are left: they would be an @.
    assert_eq!(packed("1234567", 0).last(), Some(&(0x0D << 1)));
    for length in 0..=160 {
        let text = "Rendez-vous à 9 h, 20 €. "
            .repeat(8)
            .chars()
            .take(length)
            .collect::<String>();
        for elements in [0, 3, 5, 6, 8, 12] {
            let octets = packed(&text, elements);
            let header = vec![0xFF; elements];
            assert_eq!(
                read((&header, &octets), 0, Alphabet::Gsm7Packed),
                text,
                "{length} behind {elements}"
            );
        }
    }
}

#[test]
fn what_an_alphabet_means_by_data_coding_0_is_read_so() {
    assert_eq!(read((b"", b"caf\xE9"), 0, Alphabet::Latin1), "café");
    assert_eq!(read((b"", b"caf\x05"), 0, Alphabet::Gsm7), "café");
    assert_eq!(read((b"", &[0x00, 0xE9]), 8, Alphabet::Latin1), "é");
}

/// Every letter of each table, septet by septet: 3GPP TS 23.038, annex A.
#[test]
fn national_tables_are_those_of_the_standard() {
    let single = |language, septets: &[u8]| {
        let pairs: Vec<u8> = septets.iter().flat_map(|septet| [0x1B, *septet]).collect();
        read((&[0x24, 1, language], &pairs), 0, Alphabet::Gsm7)
    };
    assert_eq!(single(1, &[0x47, 0x49, 0x53, 0x63, 0x67, 0x69, 0x73, 0x65]), "ĞİŞçğış€");
    assert_eq!(
        single(2, &[0x09, 0x41, 0x49, 0x4F, 0x55, 0x61, 0x69, 0x6F, 0x75]),
        "çÁÍÓÚáíóú"
    );
    let portuguese = [
        0x05, 0x09, 0x0B, 0x0C, 0x0E, 0x0F, 0x1F, 0x41, 0x49, 0x4F, 0x55, 0x5B, 0x5C, 0x61, 0x69, 0x6F, 0x75, 0x7B,
        0x7C, 0x7F,
    ];
    assert_eq!(single(3, &portuguese), "êçÔôÁáÊÀÍÓÚÃÕÂíóúãõâ");
    let locking = |language, septets: &[u8]| read((&[0x25, 1, language], septets), 0, Alphabet::Gsm7);
    assert_eq!(
        locking(1, &[0x04, 0x07, 0x0B, 0x0C, 0x1C, 0x1D, 0x40, 0x60, b'a']),
        "€ıĞğŞşİça"
    );
    assert_eq!(
        locking(
            3,
            &[
                0x04, 0x06, 0x07, 0x08, 0x09, 0x0B, 0x0C, 0x0E, 0x0F, 0x1C, 0x1D, 0x5B, 0x5C, 0x7B, 0x7C, 0x15
            ]
        ),
        "êúíóçÔôÁáÂâÃÕãõ∞"
    );
    assert_eq!(
        locking(9, b"a{"),
        "aä",
        "a table that nobody here knows is the default one"
    );
}

#[test]
fn a_table_is_used_where_it_saves_a_segment() {
    let languages = Language::NAMES.map(|(_, language)| language);
    let chosen = |text: &str, policy, format| {
        let (_, encoding, shift) = choose_for(text, policy, &languages, format);
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
        choose_for(spanish, EncodingPolicy::GsmTransliterate, &languages, usual).1,
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
    assert_eq!(choose_for("été à l’hôpital", policy, &[], latin).1, Encoding::Gsm7);
    assert_eq!(
        choose_for("l’été, 5 €", policy, &[], latin),
        ("l’été, 5 €".into(), Encoding::Ucs2, Shift::NONE)
    );
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(text in "\\PC{0,200}") {
        for encoding in [Encoding::Gsm7, Encoding::Latin1, Encoding::Ucs2] {
            if let Some(bytes) = encode(&text, encoding) {
                // The ohm sign and the letter omega are one septet.
                prop_assert_eq!(decode(&bytes, encoding.data_coding()).replace('\u{2126}', "Ω"), text.replace('\u{2126}', "Ω"));
            }
        }
    }

    #[test]
    fn what_is_chosen_can_be_encoded(text in "[a-zéêôœ’“»… €\\[😀Δ]{0,200}") {
        for policy in [EncodingPolicy::GsmTransliterate, EncodingPolicy::Auto, EncodingPolicy::Ucs2] {
            let (chosen, encoding) = choose(&text, policy);
            prop_assert!(encode(&chosen, encoding).is_some());
        }
    }

    #[test]
    fn any_octets_decode_to_a_bounded_text(bytes in proptest::collection::vec(any::<u8>(), 0..300), data_coding: u8) {
        prop_assert!(decode(&bytes, data_coding).chars().count() <= bytes.len());
    }
}
