use std::io::Write;
use std::ops::ControlFlow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::domain::{Country, Recipient};

fn manners() -> Manners {
    Manners {
        country: Country::FRANCE,
        zone: TimeZone::get("Europe/Paris").unwrap(),
        read_on: None,
    }
}

fn spool(octets: &[u8]) -> Result<Spool, SheetFault> {
    Spool::of(octets, &std::env::temp_dir())
}

#[derive(Default)]
struct Kept {
    mapping: Option<Mapping>,
    rows: Vec<(u64, Result<Contact, RowFault>)>,
    max: Option<usize>,
}

impl Taker for Kept {
    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
        self.mapping = Some(mapping.clone());
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RowRead<'_>) -> ControlFlow<()> {
        self.rows.push((row.cells.line, row.contact));
        if self.max.is_some_and(|max| self.rows.len() >= max) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Kept {
    fn columns(&self) -> String {
        let columns = self.mapping.as_ref().unwrap().columns.iter();
        columns.map(Column::to_string).collect::<Vec<_>>().join(",")
    }

    fn contacts(self) -> Vec<Contact> {
        self.rows.into_iter().map(|(_, contact)| contact.unwrap()).collect()
    }

    /// Line, last name and number of each row; or the code of what is wrong.
    fn shown(&self) -> Vec<String> {
        let shown = self.rows.iter().map(|(line, contact)| match contact {
            Ok(contact) => {
                let name = contact.last_name.clone().unwrap_or_default();
                format!("{line} {name} {}", contact.number.unwrap().number)
            }
            Err(fault) => format!("{line} {}", fault.problem.code()),
        });
        shown.collect()
    }
}

fn try_read(octets: &[u8], columns: Option<&str>) -> Result<Kept, SheetFault> {
    let columns = columns.map(|told| told.split(',').map(|column| column.parse().unwrap()).collect());
    let reading = Reading {
        columns,
        manners: manners(),
        rows_max: 1_000,
    };
    let mut kept = Kept::default();
    reading.read(spool(octets)?, &mut kept)?;
    Ok(kept)
}

fn read(octets: &[u8]) -> Kept {
    try_read(octets, None).unwrap()
}

#[test]
fn files_of_every_habit_are_read_alike() {
    let text = "Nom;Portable\r\nBéarn;06 12 34 56 78\r\nd'Œuf;=\"0687654321\"\r\n";
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    let tabs = text
        .replace(';', "\t")
        .replace("=\"0687654321\"", "\"=\"\"0687654321\"\"\"");
    let wide = |bytes: fn(u16) -> [u8; 2]| {
        format!("\u{FEFF}{tabs}")
            .encode_utf16()
            .flat_map(bytes)
            .collect::<Vec<_>>()
    };
    let commas = text.replace(';', ",").replace("\r\n", "\n");
    let returns = text.replace("\r\n", "\r").replace(';', "|");
    let expected = ["2 Béarn +33612345678", "3 d'Œuf +33687654321"];
    for (octets, encoding, delimiter) in [
        (text.as_bytes().to_vec(), "utf-8", b';'),
        (format!("\u{FEFF}{text}").into_bytes(), "utf-8", b';'),
        (latin.to_vec(), "windows-1252", b';'),
        (wide(u16::to_le_bytes), "utf-16le", b'\t'),
        (wide(u16::to_be_bytes), "utf-16be", b'\t'),
        (commas.into_bytes(), "utf-8", b','),
        (returns.into_bytes(), "utf-8", b'|'),
    ] {
        let kept = read(&octets);
        assert_eq!(kept.shown(), expected, "{encoding}");
        let mapping = kept.mapping.as_ref().unwrap();
        assert_eq!(mapping.encoding.map(encoding::Encoding::code), Some(encoding));
        assert_eq!((mapping.delimiter, mapping.header), (Some(delimiter), Some(1)));
        assert_eq!(kept.columns(), "last_name,number");
    }
}

#[test]
fn columns_are_told_or_recognised_or_guessed() {
    for (text, told, columns, rows) in [
        ("0612345678\n0687654321\n", None, "number", 2),
        (
            "Martin;Pau;0612345678\nLeroy;Dax;0687654321",
            None,
            "attributes.Colonne 1,attributes.Colonne 2,number",
            2,
        ),
        (
            "Martin;0612345678;Pau",
            Some("last_name,number"),
            "last_name,number,-",
            1,
        ),
        (
            "Achternaam;Gsm nummer\nMartin;0612345678",
            Some("last_name,number"),
            "last_name,number",
            1,
        ),
        (
            "Martin;06123\nLeroy;0687654321",
            Some("last_name,number"),
            "last_name,number",
            2,
        ),
        (
            "Nom;Mobile;;Ville\nMartin;0612345678;x;Pau",
            None,
            "last_name,number,-,attributes.Ville",
            1,
        ),
        ("Mobile\n0612345678;Pau", None, "number,-", 1),
        (
            "Nom;Téléphone;Tél. portable\nMartin;0559123456;0612345678",
            None,
            "last_name,other_numbers,number",
            1,
        ),
        ("Nom;Mobile\n\n;;\nMartin;0612345678", None, "last_name,number", 1),
        (
            "NOM_PATIENT;PRENOM_PATIENT;DATE_NAISS;TEL_PORTABLE;Accord SMS\nMartin;Zoé;03/04/1981;0612345678;oui",
            None,
            "last_name,first_name,birth_date,number,consent",
            1,
        ),
    ] {
        let kept = try_read(text.as_bytes(), told).unwrap();
        assert_eq!((kept.columns().as_str(), kept.rows.len()), (columns, rows), "{text}");
    }
}

#[test]
fn a_title_above_the_names_is_left_out() {
    for (text, told, line, columns, rows) in [
        (
            "Liste des patients - Cabinet X;;\nNom;Portable;Ville\nMartin;0612345678;Pau",
            None,
            Some(2),
            "last_name,number,attributes.Ville",
            1,
        ),
        (
            "Cabinet des Lilas, Lyon\n\nExport du 30/11/2026\nNom;Portable\nMartin;0612345678\nLeroy;0687654321",
            None,
            Some(4),
            "last_name,number",
            2,
        ),
        // A title that could be a name: the row that names the number is meant.
        (
            "Cabinet\nNom;Portable\nMartin;0612345678",
            None,
            Some(2),
            "last_name,number",
            1,
        ),
        ("Liste\nPortable\n0612345678", None, Some(2), "number", 1),
        (
            "Patiënten\nAchternaam;Gsm nummer\nMartin;0612345678",
            Some("last_name,number"),
            Some(2),
            "last_name,number",
            1,
        ),
        // People without a number, whose names could be those of columns, are people.
        (
            "Nom;Portable;Ville\nSite;;Pau\nLeroy;0687654321;Dax",
            None,
            Some(1),
            "last_name,number,attributes.Ville",
            2,
        ),
        // What has a number is a person, and what follows are people.
        (
            "0612345678;Pau\nPortable;Ville",
            None,
            None,
            "number,attributes.Colonne 2",
            2,
        ),
    ] {
        let kept = try_read(text.as_bytes(), told).unwrap();
        let header = kept.mapping.as_ref().unwrap().header;
        let found = (header, kept.columns(), kept.rows.len());
        assert_eq!(found, (line, columns.to_owned(), rows), "{text}");
    }
    let Err(SheetFault::Columns(faults)) = try_read("Patients\nNom;Prénom;Ville\nMartin;Zoé;Pau".as_bytes(), None)
    else {
        panic!("it has no numbers");
    };
    let expected = SheetProblem::NoNumberColumn {
        heads: Some(2),
        within: heads::HEADS_WITHIN,
    };
    assert_eq!(faults[0].problem, expected.into());
}

#[test]
fn consents_and_years_of_two_digits_are_read_as_they_are_meant() {
    let text = "NOM_PATIENT;TEL_PORTABLE;Né(e) le;Dernier RDV;Accord SMS\n\
                Martin;0612345678;03/04/81;02/01/26;oui\nLeroy;0687654321;15/12/26;15/12/26;non\n";
    let reading = Reading {
        columns: None,
        manners: Manners {
            read_on: Some(Date::constant(2026, 11, 30)),
            ..manners()
        },
        rows_max: ROWS_MAX,
    };
    let mut kept = Kept::default();
    reading.read(spool(text.as_bytes()).unwrap(), &mut kept).unwrap();
    let read = kept.contacts().into_iter().map(|contact| {
        let agreed = contact.consent.map(|consent| consent.given);
        (contact.birth_date, (contact.last_visit, contact.visit_to_come), agreed)
    });
    let day = |year, month, day| Some(Date::constant(year, month, day));
    assert_eq!(
        read.collect::<Vec<_>>(),
        [
            (day(1981, 4, 3), (day(2026, 1, 2), None), Some(true)),
            // Nobody was born tomorrow, and who is awaited comes soon.
            (day(1926, 12, 15), (None, day(2026, 12, 15)), Some(false)),
        ]
    );
}

#[test]
fn a_file_without_numbers_or_with_too_much_is_refused() {
    let code = |octets: &[u8], told| match try_read(octets, told) {
        Err(SheetFault::Columns(faults)) => faults[0].problem.code(),
        Err(SheetFault::Empty) => "nothing",
        Err(SheetFault::TooManyColumns { .. }) => "columns",
        Err(SheetFault::TooManyRows { max: 1_000 }) => "rows",
        Err(SheetFault::OldWorkbook) => "old",
        Err(SheetFault::BrokenWorkbook(_)) => "broken",
        other => panic!("{:?}", other.map(|kept| kept.shown())),
    };
    assert_eq!(code(b"Nom;Ville\nMartin;Pau", None), "no_number_column");
    assert_eq!(
        code(b"Nom;Mobile\nMartin;0612345678", Some("last_name")),
        "no_number_column"
    );
    assert_eq!(code(b"0612345678", Some("number,last_name")), "too_many");
    assert_eq!(code(b"", None), "nothing");
    assert_eq!(code(b"\r\n\r\n", None), "nothing");
    assert_eq!(code(";".repeat(300).as_bytes(), None), "columns");
    assert_eq!(code("0612345678\n".repeat(1_001).as_bytes(), None), "rows");
    assert_eq!(code(b"\xD0\xCF\x11\xE0\xA1\xB1", None), "old");
    assert_eq!(code(b"PK\x03\x04 no archive", None), "broken");
    let many = (0..40).map(|at| format!("c{at};")).collect::<String>() + "mobile\n";
    assert_eq!(code(many.as_bytes(), None), "too_many");
}

#[test]
fn whoever_takes_the_rows_may_break_off() {
    let reading = Reading {
        columns: None,
        manners: manners(),
        rows_max: ROWS_MAX,
    };
    let mut kept = Kept {
        max: Some(25),
        ..Kept::default()
    };
    let rows = "0612345678\n".repeat(100);
    let read = reading.read(spool(rows.as_bytes()).unwrap(), &mut kept);
    assert!(matches!(read, Err(SheetFault::Stopped)) && kept.rows.len() == 25);
}

/// A workbook of one sheet, as programs write it.
fn workbook(sheet: &str, texts: &str) -> Vec<u8> {
    const TYPES: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: u8, kind: &str, target: &str| {
        format!("<Relationship Id=\"r{id}\" Type=\"{TYPES}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |inner: String| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{inner}</Relationships>"
        )
    };
    let parts = [
        ("_rels/.rels", relations(relation(1, "officeDocument", "xl/workbook.xml"))),
        (
            "xl/_rels/workbook.xml.rels",
            relations(
                relation(1, "worksheet", "worksheets/sheet1.xml")
                    + &relation(2, "sharedStrings", "sharedStrings.xml")
                    + &relation(3, "styles", "styles.xml"),
            ),
        ),
        (
            "xl/workbook.xml",
            format!("<workbook xmlns:r=\"{TYPES}\"><sheets><sheet name=\"Feuil1\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"),
        ),
        (
            "xl/styles.xml",
            "<styleSheet><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\" applyNumberFormat=\"1\"/></cellXfs></styleSheet>"
                .to_owned(),
        ),
        ("xl/sharedStrings.xml", texts.to_owned()),
        ("xl/worksheets/sheet1.xml", format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>")),
    ];
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

const TEXTS: &str =
    "<sst uniqueCount=\"3\"><si><t>Nom</t></si><si><t>Mobile</t></si><si><r><t>Bé</t></r><r><t>arn</t></r></si></sst>";

#[test]
fn a_workbook_has_texts_numbers_and_dates() {
    let sheet = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c>\
                 <c r=\"D1\" t=\"inlineStr\"><is><t>Date de naissance</t></is></c></row>\
                 <row r=\"3\"><c r=\"A3\" t=\"s\"><v>2</v></c><c r=\"B3\"><v>33612345678</v></c><c r=\"D3\" s=\"1\"><v>29679</v></c></row>\
                 <row r=\"4\"><c r=\"B4\"><v>612345678</v></c></row>\
                 <row r=\"5\"><c r=\"B5\" t=\"str\"><f>A1</f><v>06 87 65 43 21</v></c><c r=\"D5\" t=\"e\"><v>#N/A</v></c></row>";
    let kept = read(&workbook(sheet, TEXTS));
    assert_eq!(kept.columns(), "last_name,number,-,birth_date");
    assert_eq!(
        kept.shown(),
        ["3 Béarn +33612345678", "4  +33612345678", "5  +33687654321"]
    );
    assert_eq!(
        kept.rows[0].1.as_ref().unwrap().birth_date,
        Some("1981-04-03".parse().unwrap())
    );
    assert_eq!(kept.mapping.unwrap().encoding, None);
}

#[test]
fn a_column_of_appointments_is_no_visit_where_one_is_to_come() {
    let reading = Reading {
        columns: None,
        manners: Manners {
            read_on: Some("2026-12-01".parse().unwrap()),
            ..manners()
        },
        rows_max: 1_000,
    };
    for (name, day, column) in [
        ("Date RDV", "04/12/2026 09:05", "attributes.Date RDV"),
        ("Date RDV", "30/11/2026", "last_visit"),
        ("Rendez-vous", "04/12/26", "attributes.Rendez-vous"),
        ("Dernier RDV", "04/12/2026", "last_visit"),
    ] {
        let file = format!("Portable;{name}\n0612345678;01/03/2026\n0687654321;{day}\n");
        let mut kept = Kept::default();
        reading.read(spool(file.as_bytes()).unwrap(), &mut kept).unwrap();
        assert_eq!(kept.columns(), format!("number,{column}"), "{day}");
        let last = kept.contacts().pop().unwrap();
        let is_visit = last.last_visit.is_some();
        assert_eq!(is_visit, day == "30/11/2026", "{name} {day}");
        assert_eq!(last.visit_to_come.is_some(), name == "Dernier RDV", "{day}");
    }
}

#[test]
fn a_workbook_that_would_fill_the_memory_is_refused() {
    // Texts have the lowest bound of what is kept in memory: 64 MiB.
    let text = format!("<si><t>{}</t></si>", "x".repeat(64));
    let bomb = format!("<sst>{}</sst>", text.repeat(1_000_000));
    let refused = |sheet: &str, texts: &str| try_read(&workbook(sheet, texts), None).map(|kept| kept.shown());
    let refused_bomb = refused("", &bomb);
    assert!(
        matches!(refused_bomb, Err(SheetFault::WorkbookUnpacksTooLarge { .. })),
        "{refused_bomb:?}"
    );
    for (sheet, texts) in [
        ("", "<sst uniqueCount=\"99999999999999\"></sst>"),
        ("<row><c t=\"s\"><v>99</v></c></row>", TEXTS),
        (
            "<row r=\"2\"><c><v>1</v></c></row><row r=\"1\"><c><v>1</v></c></row>",
            TEXTS,
        ),
        ("<row r=\"4294967296\"><c><v>1</v></c></row>", TEXTS),
    ] {
        let refused = refused(sheet, texts);
        assert!(
            matches!(refused, Err(SheetFault::BrokenWorkbook(_))),
            "{sheet}: {refused:?}"
        );
    }
    let wide = "<row r=\"1\"><c r=\"XFD1\"><v>1</v></c></row>";
    assert!(matches!(refused(wide, TEXTS), Err(SheetFault::TooManyColumns { .. })));
    let mut cut = workbook("<row><c><v>612345678</v></c></row>", TEXTS);
    cut.truncate(cut.len() - 100);
    assert!(matches!(
        try_read(&cut, None).map(|kept| kept.shown()),
        Err(SheetFault::BrokenWorkbook(_))
    ));
}

fn name() -> impl Strategy<Value = String> {
    "[-=+@'\"; ,|\t\r\né€a-zA-Z0-9\u{a0}]{1,12}"
}

fn mobile() -> impl Strategy<Value = Phone> {
    let number = prop_oneof![600_000_000u64..630_000_000, 750_000_000u64..790_000_000];
    number.prop_map(|number| Phone {
        number: Recipient(33_000_000_000 + number),
        mobile: true,
    })
}

fn consent() -> impl Strategy<Value = Consent> {
    // To the minute, as people are shown it.
    let at = (0i64..66_000_000).prop_map(|minutes| Timestamp::from_second(minutes * 60).unwrap());
    (any::<bool>(), of(at), of(name()), of(name())).prop_map(|(given, at, source, wording)| Consent {
        given,
        at,
        source,
        wording,
    })
}

fn day() -> impl Strategy<Value = Date> {
    (1_000i16..=9_999, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| Date::new(year, month, day).unwrap())
}

fn several() -> impl Strategy<Value = Vec<String>> {
    vec(name(), 0..4).prop_map(|mut names| {
        names.sort();
        names.dedup();
        names
    })
}

/// Names without spaces around them, as people have them.
fn attributes() -> impl Strategy<Value = std::collections::BTreeMap<String, String>> {
    btree_map("(nom|Ville|ligne|=x|attributes\\.a|[a-z]{1,5})", name(), 0..5)
}

fn contact() -> impl Strategy<Value = Contact> {
    let kind = prop_oneof![Just(Kind::Patient), Just(Kind::Staff)];
    let texts = (of(name()), of(name()), of(name()), of(name()));
    let others = vec((mobile(), of("[-=+@'\"; ,|:\né€a-z0-9]{0,6}[a-z]")), 0..3);
    (
        texts,
        (of(mobile()), others),
        (of(kind), of(day()), of(day())),
        (several(), several()),
        of(consent()),
        attributes(),
    )
        .prop_map(
            |(texts, (number, mut others), (kind, birth_date, last_visit), (practices, tags), consent, attributes)| {
                others.sort_by_key(|(phone, _)| phone.number.0);
                others.dedup_by_key(|(phone, _)| phone.number.0);
                others.retain(|(phone, _)| Some(*phone) != number);
                // Without a number nobody has another, and they are known by their reference.
                if number.is_none() {
                    others.clear();
                }
                Contact {
                    reference: texts.0.or(number.is_none().then(|| "D-1".to_owned())),
                    number,
                    other_numbers: others.iter().map(|(phone, _)| *phone).collect(),
                    labels: others
                        .into_iter()
                        .filter_map(|(phone, label)| Some((phone.number, label?.trim().to_owned())))
                        .collect(),
                    first_name: texts.1,
                    last_name: texts.2,
                    kind,
                    birth_date,
                    practices,
                    tags,
                    last_visit,
                    last_visit_practice: texts.3,
                    visit_to_come: None,
                    consent,
                    attributes,
                }
            },
        )
}

proptest! {
    #![proptest_config(crate::test_cases(256))]

    #[test]
    fn what_is_exported_comes_back(contacts in vec(contact(), 1..30)) {
        let names: std::collections::BTreeSet<String> =
            contacts.iter().flat_map(|contact| contact.attributes.keys().cloned()).collect();
        for dialect in [Dialect::ExcelFr, Dialect::Rfc4180] {
            let export = Export::new(dialect, manners(), names.iter().cloned().collect());
            let mut file = export.head();
            contacts.iter().for_each(|contact| file += &export.line(contact));
            // No cell but a quoted number begins as a formula.
            prop_assert_eq!(read(file.as_bytes()).contacts(), contacts.clone(), "{}", file);
        }
    }

    #[test]
    fn no_file_breaks_the_reading(octets in vec(prop_oneof![Just(b';'), Just(b'"'), Just(b'\n'), Just(b'0'), any::<u8>()], 0..200)) {
        if let Ok(kept) = try_read(&octets, None) {
            prop_assert!(kept.rows.len() <= octets.len());
        }
    }
}

#[test]
fn an_export_is_as_its_dialect_says() {
    let contact = Contact {
        reference: Some("=1".into()),
        number: Some(Phone {
            number: Recipient(33_612_345_678),
            mobile: true,
        }),
        other_numbers: vec![Phone {
            number: Recipient(32_470_123_456),
            mobile: true,
        }],
        labels: [(Recipient(32_470_123_456), "travail".to_owned())].into(),
        last_name: Some("O;\"Neil\"".into()),
        birth_date: Some("1981-04-03".parse().unwrap()),
        consent: Some(Consent {
            given: true,
            at: Some("2026-01-02T13:30:00Z".parse().unwrap()),
            source: None,
            wording: None,
        }),
        attributes: [("Ville".to_owned(), "Pau".to_owned())].into(),
        ..Contact::default()
    };
    let file = |dialect| {
        let export = Export::new(dialect, manners(), vec!["Ville".to_owned()]);
        export.head() + &export.line(&contact)
    };
    assert_eq!(
        file(Dialect::ExcelFr),
        "\u{FEFF}reference;nom;prenom;telephone;e164;autres_telephones;type;date_naissance;cabinets;derniere_visite;\
         cabinet_derniere_visite;etiquettes;consentement;date_consentement;source_consentement;texte_consentement;Ville\r\n\
         '=1;\"O;\"\"Neil\"\"\";;06 12 34 56 78;\"+33612345678\";travail: +32 470 12 34 56;;03/04/1981;;;;;oui;02/01/2026 14:30;;;Pau\r\n"
    );
    assert_eq!(
        file(Dialect::Rfc4180),
        "reference,last_name,first_name,telephone,e164,other_numbers,kind,birth_date,practices,last_visit,last_visit_practice,\
         tags,consent,consent_date,consent_source,consent_wording,Ville\n\
         '=1,\"O;\"\"Neil\"\"\",,06 12 34 56 78,\"+33612345678\",travail: +32 470 12 34 56,,1981-04-03,,,,,true,2026-01-02T13:30:00Z,,,Pau\n"
    );
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&file(Dialect::Jsonl)).unwrap(),
        serde_json::json!({
            "reference": "=1", "last_name": "O;\"Neil\"", "telephone": "06 12 34 56 78", "e164": "+33612345678",
            "other_numbers": [{"number": "+32470123456", "label": "travail"}], "birth_date": "1981-04-03", "consent": true,
            "consent_date": "2026-01-02T13:30:00Z", "attributes": {"Ville": "Pau"},
        })
    );
}

#[test]
fn a_list_of_errors_is_read_again_when_it_is_mended() {
    struct Listed(ErrorList, String, usize);
    impl Taker for Listed {
        fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
            self.2 = mapping.names.len();
            self.1 += &self.0.head(&mapping.names);
            ControlFlow::Continue(())
        }

        fn row(&mut self, row: RowRead<'_>) -> ControlFlow<()> {
            if let Err(fault) = row.contact {
                self.1 += &self.0.line(row.cells, self.2, fault.problem.code());
            }
            ControlFlow::Continue(())
        }
    }
    let reading = Reading {
        columns: None,
        manners: manners(),
        rows_max: ROWS_MAX,
    };
    let mut listed = Listed(ErrorList::new(Dialect::ExcelFr), String::new(), 0);
    let text = "Nom;Mobile;Ville\nMartin;0612345678;Pau\n=Leroy;+3368765432;\n";
    reading.read(spool(text.as_bytes()).unwrap(), &mut listed).unwrap();
    assert_eq!(
        listed.1,
        "\u{FEFF}Nom;Mobile;Ville;ligne;erreur\r\n'=Leroy;'+3368765432;;3;invalid_number\r\n"
    );
    let mended = listed.1.replace("+3368765432", "+33687654321");
    assert_eq!(read(mended.as_bytes()).shown(), ["2 =Leroy +33687654321"]);
}
