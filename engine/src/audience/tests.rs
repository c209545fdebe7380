use super::guard::STRING_OCTETS_MAX;
use super::row::{Row, RowSink};
use super::*;
use crate::compose::Wording;
use crate::domain::UnixMicros;

use crate::compose::Sender;
use crate::domain::{Country, Purpose};
use crate::fault::{FAULTS_MAX, FieldFault, FieldProblem, JsonType};

/// Keeps every row as text: place, number, variables.
#[derive(Default)]
struct Kept {
    rows: Vec<String>,
    count: usize,
    max: Option<usize>,
}

impl RowSink for Kept {
    fn row(&mut self, row: Row<'_>) -> Result<(), SinkFull> {
        self.count += 1;
        if self.max.is_some_and(|max| self.count > max) {
            return Err(SinkFull::Closed);
        }
        if self.rows.len() < 10 {
            let values: Vec<_> = row
                .values
                .iter()
                .map(|(column, value)| format!("{column}={value}"))
                .collect();
            self.rows.push(format!("{} {} {}", row.place, row.to, values.join(",")));
        }
        Ok(())
    }
}

fn rules() -> Rules<'static> {
    Rules {
        wording: Wording::default(),
        now: UnixMicros(1),
        find_template: &|_| Ok(None),
        again: None,
    }
}

fn read(body: &str) -> (Result<CampaignDraft, ReadFault>, Kept) {
    let mut kept = Kept::default();
    (read_campaign(body.as_bytes(), rules(), &mut kept), kept)
}

fn faults(body: &str) -> Vec<(String, FieldProblem)> {
    match read(body).0 {
        Err(ReadFault::Fields(faults)) => faults
            .into_iter()
            .map(|FieldFault { pointer, problem, .. }| (pointer, problem))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn with_audience(audience: &str) -> String {
    format!(r#"{{"name":"n","text":"t","sender":"OSTEO","purpose":"marketing","audience":{audience}}}"#)
}

fn with_recipients(recipients: &str) -> String {
    with_audience(&format!(r#"{{"recipients":[{recipients}]}}"#))
}

#[test]
fn a_campaign_is_read_and_its_rows_handed_on() {
    let (draft, kept) = read(
        r#"{"audience": {"recipients": [
             {"to": "+33612345678", "Nom": "Martin", "Prénom": "Zo\u00e9"},
             {"Prénom": "Al", "to": "x", "Age": 42, "vip": true},
             {"to": 33687654321, "Nom": null, "Solde": -1.5}],
           "numbers": "0612345678; 0687654321"},
           "purpose": "transactional", "sender": "OSTEO", "text": "Bonjour [Prenom] [Nom]", "name": " Vœux "}"#,
    );
    let draft = draft.unwrap();
    assert_eq!((draft.name.as_str(), draft.purpose), ("Vœux", Purpose::Transactional));
    assert_eq!(draft.sender, Sender::parse("OSTEO").unwrap());
    assert_eq!(draft.columns.names(), ["Nom", "Prénom", "Age", "vip", "Solde"]);
    let mut text = String::new();
    draft.template.render(&["Martin", "Zoé"], &mut text);
    assert_eq!(text, "Bonjour Zoé Martin");
    assert_eq!(
        kept.rows,
        [
            "/audience/recipients/0/to +33612345678 0=Martin,1=Zoé",
            "/audience/recipients/1/to x 1=Al,2=42,3=true",
            "/audience/recipients/2/to 33687654321 0=,4=-1.5",
            "/audience/numbers#0 0612345678 ",
            "/audience/numbers#12 0687654321 ",
        ]
    );
}

#[test]
fn every_fault_comes_at_once_with_its_pointer() {
    let body = r#"{"nam": "x", "name": 3, "text": "", "sender": "a b", "purpose": "spam", "purpose": "marketing",
        "audience": {"recipient": [], "numbers": ["+33612345678"],
                     "recipients": [{"to": true}, {"Nom": "x"}, 7, {"to": "1", "a/b~": {"c": [1]}}, {"to": 3.36123E+10}]}}"#;
    let unknown = |nearest: &str| FieldProblem::UnknownField {
        nearest: Some(nearest.to_owned()),
    };
    let wrong = |expected, found| FieldProblem::WrongType { expected, found };
    let wanted = [
        ("/nam", unknown("name")),
        ("/name", wrong(JsonType::String, JsonType::Number)),
        ("/purpose", FieldProblem::DuplicateField),
        ("/audience/recipient", unknown("recipients")),
        ("/audience/numbers", wrong(JsonType::String, JsonType::Array)),
        ("/audience/recipients/0/to", wrong(JsonType::String, JsonType::Boolean)),
        ("/audience/recipients/1/to", FieldProblem::Missing),
        ("/audience/recipients/2", wrong(JsonType::Object, JsonType::Number)),
        (
            "/audience/recipients/3/a~1b~0",
            wrong(JsonType::String, JsonType::Object),
        ),
        ("/audience/recipients/4/to", wrong(JsonType::String, JsonType::Number)),
        ("/text", FieldProblem::Empty),
        ("/sender", FieldProblem::InvalidSender),
        (
            "/purpose",
            FieldProblem::UnknownValue {
                allowed: &["transactional", "marketing"],
            },
        ),
    ];
    assert_eq!(
        faults(body),
        wanted.map(|(pointer, problem)| (pointer.to_owned(), problem))
    );
}

#[test]
fn what_is_missing_is_named() {
    let pointers = |body: &str| faults(body).into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>();
    assert_eq!(pointers("{}"), ["/name", "/text", "/sender", "/purpose", "/audience"]);
    assert_eq!(pointers(&with_audience("{}")), ["/audience"]);
    let fields = &["numbers", "recipients", "filter", "lists", "segments"];
    assert_eq!(faults(&with_audience("{}"))[0].1, FieldProblem::MissingOneOf { fields });
    assert_eq!(pointers("[]"), ["",][..]);
}

#[test]
fn an_unknown_merge_field_is_a_fault_even_if_the_audience_came_first() {
    let body = with_recipients(r#"{"to":"+33612345678","Nom":"x"}"#).replace(r#""t""#, r#""[Non]""#);
    let problem = FieldProblem::UnknownMergeField {
        name: "Non".to_owned(),
        nearest: Some("Nom".to_owned()),
        columns: ["Nom".to_owned()].into(),
        french: Box::default(),
    };
    assert_eq!(faults(&body), [("/text".to_owned(), problem)]);
}

#[test]
fn values_columns_and_names_have_limits() {
    let row = |count: usize| {
        let columns: Vec<_> = (0..count).map(|column| format!(r#""c{column}":"v""#)).collect();
        format!(r#"{{"to":"1",{}}}"#, columns.join(","))
    };
    assert!(read(&with_recipients(&row(32))).0.is_ok());
    assert_eq!(
        faults(&with_recipients(&row(33))),
        [(
            "/audience/recipients/0/c32".to_owned(),
            FieldProblem::TooMany { max: 32 }
        )]
    );
    for (name, value, good) in [(64, 500, true), (65, 1, false), (1, 501, false), (1_000, 1, false)] {
        let row = format!(r#"{{"to":"1","{}":"{}"}}"#, "é".repeat(name), "é".repeat(value));
        assert_eq!(read(&with_recipients(&row)).0.is_ok(), good, "{name} {value}");
    }
    assert!(matches!(
        faults(&with_recipients(r#"{"to":"1","to":"2","a":"1","a":"2"}"#)).as_slice(),
        [(_, FieldProblem::DuplicateField), (_, FieldProblem::DuplicateField)]
    ));
    let name = "n".repeat(101);
    let body = with_recipients("").replace(r#""n""#, &format!("\"{name}\""));
    assert_eq!(
        faults(&body),
        [("/name".to_owned(), FieldProblem::TooLong { max: 100, given: 101 })]
    );
}

#[test]
fn broken_json_says_where() {
    for body in [
        "",
        "{",
        "{\"name\": \"x\",}",
        "nul",
        &with_recipients("{]"),
        &format!("{} x", with_recipients("")),
    ] {
        let found = faults(body);
        assert!(
            matches!(found.as_slice(), [(pointer, FieldProblem::InvalidJson { .. })] if pointer.is_empty()),
            "{body}"
        );
    }
    let FieldProblem::InvalidJson {
        line,
        column,
        ref reason,
        is_cut: false,
    } = faults("{\"name\":\n  x}")[0].1
    else {
        panic!()
    };
    assert_eq!((line, column, reason.as_str()), (2, 3, "expected value"));
    // "é" as Windows writes it.
    let latin: &[u8] = b"{\n\"name\": \"\xe9\"}";
    match read_campaign(latin, rules(), &mut Kept::default()) {
        Err(ReadFault::Fields(faults)) => assert_eq!(faults[0].problem, FieldProblem::NotUtf8 { line: 2 }),
        other => panic!("{other:?}"),
    }
}

#[test]
fn faults_are_limited_and_stop_the_reading() {
    let rows = vec!["1"; 100_000].join(",");
    assert_eq!(faults(&with_recipients(&rows)).len(), FAULTS_MAX);
}

#[test]
fn a_sink_that_is_full_stops_the_reading() {
    for audience in [
        r#"{"numbers":"1,2,3,4,5"}"#,
        r#"{"recipients":[{"to":"1"},{"to":"2"},{"to":"3"},{"to":"4"}]}"#,
    ] {
        let mut kept = Kept {
            max: Some(2),
            ..Kept::default()
        };
        let read = read_campaign(with_audience(audience).as_bytes(), rules(), &mut kept);
        assert!(matches!(read, Err(ReadFault::Full(SinkFull::Closed))), "{read:?}");
        assert_eq!(kept.count, 3, "nothing comes after the refusal");
    }
}

#[test]
fn a_body_that_breaks_off_is_no_fault_of_its_fields() {
    struct Broken(usize);
    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            if self.0 > 1 {
                return Err(std::io::Error::other("too large"));
            }
            buffer[..8].copy_from_slice(b"{\"name\":");
            Ok(8)
        }
    }
    let read = read_campaign(Broken(0), rules(), &mut Kept::default());
    assert!(matches!(read, Err(ReadFault::Body(_))), "{read:?}");
}

#[test]
fn a_string_without_end_is_not_gathered() {
    struct Endless(u64);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += buffer.len() as u64;
            buffer.fill(if self.0 == buffer.len() as u64 { b'"' } else { b'x' });
            buffer[1..].fill(b'x');
            Ok(buffer.len())
        }
    }
    let mut body = Endless(0);
    match read_campaign(&mut body, rules(), &mut Kept::default()) {
        Err(ReadFault::Fields(faults)) => assert_eq!(faults[0].problem.code(), "too_long"),
        other => panic!("{other:?}"),
    }
    assert!(body.0 < 2 * STRING_OCTETS_MAX as u64);
}

#[test]
fn a_hundred_thousand_recipients_stream_through() {
    /// A body that exists only as it is read.
    struct Rows(u64, Vec<u8>);
    impl std::io::Read for Rows {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.1.is_empty() && self.0 <= 100_000 {
                let row = match self.0 {
                    0 => with_recipients("").split("]").next().unwrap().to_owned(),
                    100_000 => "{\"to\":\"x\"}]}}".to_owned(),
                    number => format!("{{\"to\":\"+336{number:08}\",\"Nom\":\"Martin\"}},"),
                };
                self.1 = row.into_bytes();
                self.0 += 1;
            }
            let length = self.1.len().min(buffer.len());
            buffer[..length].copy_from_slice(&self.1[..length]);
            self.1.drain(..length);
            Ok(length)
        }
    }
    struct Numbers(u64);
    impl RecipientSink for Numbers {
        fn recipient(&mut self, _: crate::domain::Recipient, values: Values<'_>) -> Result<(), SinkFull> {
            self.0 += values.iter().map(|(_, value)| value.len() as u64).sum::<u64>();
            Ok(())
        }
    }
    let mut numbers = Numbers(0);
    let mut ingest = Ingest::new(&mut numbers, Country::FRANCE, 1_000_000);
    read_campaign(Rows(0, Vec::new()), rules(), &mut ingest).unwrap();
    let (counts, rejected) = ingest.finish();
    assert_eq!(
        counts,
        Counts {
            accepted: 99_999,
            invalid: 1,
            not_mobile: 0,
            not_allowed: 0,
            not_guests: 0,
            duplicates: 0,
            no_consent: 0,
            unreachable: 0,
            frequency_cap: 0,
            by_request: 0,
            value_too_long: 0,
            values_refused: 0,
            shortened: 0,
        }
    );
    assert_eq!(rejected[0].place.to_string(), "/audience/recipients/99999/to");
    assert_eq!(numbers.0, 6 * 99_999);
}
