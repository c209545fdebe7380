//! The tools that explain: what a PDU, a receipt, an id, a text or a number is to the engine. By the engine's own rules,
//! without it.

mod hex;
mod lines;
mod pdu;
mod show;
mod zones;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use kit::output::complain;
use serde_json::{Value, json};
use smpp::frame::Sm;
use smpp::receipt::{self, Receipt, Relation};
use smpp::text::EncodingPolicy;

use crate::audience::{NUMBER_OCTETS_MAX, NumberFault, look_up};
use crate::compose::analyse;
use crate::domain::Country;
use lines::{IN_PART, each_line, each_whole, unwritten};
use pdu::each_pdu;
use show::Show;
use zones::Zones;

/// `esm_class` of a delivery receipt (3.4, 5.2.12).
const RECEIPT: u8 = 0x04;

/// What is to be explained. Files are read line by line; without one, or for `-`, standard input is.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Decode {
    /// PDUs in hexadecimal, field by field: names, values, meanings, texts, and what is wrong with each.
    ///
    /// Digits with or without spaces, commas, `0x` or `\x` between them, one PDU after another, and the dumps of xxd, hexdump
    /// and Wireshark. An empty line ends a PDU. Exit code 1: something is no hexadecimal, or a PDU is not whole.
    Pdu {
        /// Always JSON, one object a PDU; by default only where standard output is no terminal.
        #[arg(long)]
        json: bool,
        /// Files of hexadecimal.
        files: Vec<PathBuf>,
    },
    /// The fields of delivery receipts: one text, or one JSON string, a line.
    ///
    /// Absent fields are null, empty ones "". Exit code 1: a line is no receipt.
    Receipt {
        /// Always JSON, one object a line; by default only where standard output is no terminal.
        #[arg(long)]
        json: bool,
        /// Files of receipts.
        files: Vec<PathBuf>,
    },
    /// Whether the id of an answer and the id of a receipt are of one message, and by which equality.
    ///
    /// Exit code 0: they are; 1: they are not.
    Ids {
        /// Always JSON.
        #[arg(long)]
        json: bool,
        /// The id in the submit_sm_resp.
        answer: String,
        /// The id in the receipt.
        receipt: String,
    },
    /// Encoding, segments and credits of texts, one a line, and the characters that cost.
    Text {
        /// gsm_transliterate: exchange what GSM 03.38 lacks; auto: change nothing; ucs2: always UCS-2.
        #[arg(long, default_value = "gsm_transliterate")]
        policy: EncodingPolicy,
        /// The whole of a file is one text, with the ends of its lines but the last.
        #[arg(long)]
        whole: bool,
        /// Always JSON.
        #[arg(long)]
        json: bool,
        /// Files of texts.
        files: Vec<PathBuf>,
    },
    /// What phone numbers are, one a line: mobiles, landlines, their country and time zone.
    ///
    /// Exit code 1: a line is no number.
    Number {
        /// Whose national numbers are meant where a number has no `+`: ISO 3166-1, two letters.
        #[arg(long, default_value = "FR")]
        region: Country,
        /// Always JSON.
        #[arg(long)]
        json: bool,
        /// Files of numbers.
        files: Vec<PathBuf>,
    },
}

impl Decode {
    /// Explains it on standard output.
    pub(crate) fn run(self) -> ExitCode {
        match self {
            Self::Pdu { json, files } => each_pdu(&files, Show::new(json)),
            Self::Receipt { json, files } => each_line(&files, Show::new(json), of_receipt),
            Self::Text {
                policy,
                whole,
                json,
                files,
            } => {
                let explain = |text: &str| of_text(text, policy);
                if whole {
                    each_whole(&files, Show::new(json), explain)
                } else {
                    each_line(&files, Show::new(json), explain)
                }
            }
            Self::Number { region, json, files } => {
                let zones = Zones::built_in();
                each_line(&files, Show::new(json), |line| of_number(line, region, &zones))
            }
            Self::Ids { json, answer, receipt } => {
                let relation = receipt::relation(answer.as_bytes(), receipt.as_bytes());
                match Show::new(json).object(&of_ids(relation)) {
                    Ok(_) => ExitCode::from(u8::from(relation.is_none())),
                    Err(error) => {
                        complain(unwritten(&error));
                        ExitCode::from(IN_PART)
                    }
                }
            }
        }
    }
}

/// Why a line cannot be explained.
type Refusal = String;

fn of_receipt(line: &str) -> Result<Value, Refusal> {
    let quoted = line.trim_start().starts_with('"');
    let text: String = if quoted {
        serde_json::from_str(line).map_err(|error| format!("not a JSON string: {error}"))?
    } else {
        line.to_owned()
    };
    let sm = Sm {
        esm_class: RECEIPT,
        short_message: text.as_bytes(),
        ..Sm::default()
    };
    let receipt = receipt::parse(&sm).filter(|receipt| receipt.id.is_some() || receipt.stat_text.is_some());
    let receipt = receipt.ok_or("no receipt: neither id nor stat is in it")?;
    Ok(receipt_fields(&receipt))
}

/// What the text of a receipt says; null where it does not.
fn receipt_fields(receipt: &Receipt<'_>) -> Value {
    json!({
        "id": receipt.id,
        "stat": receipt.stat_text,
        "err": receipt.err,
        "sub": receipt.sub,
        "dlvrd": receipt.dlvrd,
        "submit_date": receipt.submit_date,
        "done_date": receipt.done_date,
        "text": receipt.text,
    })
}

fn of_ids(relation: Option<Relation>) -> Value {
    let by = relation.map(Relation::word);
    json!({ "same": relation.is_some(), "by": by })
}

fn of_text(line: &str, policy: EncodingPolicy) -> Result<Value, Refusal> {
    let analysis = analyse(line, policy).map_err(|error| error.to_string())?;
    Ok(json!({
        "encoding": analysis.encoding.name(),
        "characters": analysis.measure.units,
        "segments": analysis.measure.segments,
        "credits": analysis.measure.segments,
        "offending": analysis.offending,
    }))
}

fn of_number(line: &str, region: Country, zones: &Zones) -> Result<Value, Refusal> {
    let known = look_up(line, region).map_err(|fault| match fault {
        NumberFault::NotANumber => {
            format!("not a phone number: digits, up to {NUMBER_OCTETS_MAX} octets with what stands between them")
        }
        NumberFault::Invalid | NumberFault::NotMobile => "no number of its country's plan".to_owned(),
        NumberFault::LostDigits => "a spreadsheet has kept only some of its digits".to_owned(),
    })?;
    let zone = zones.of(&known);
    Ok(json!({
        "e164": known.e164,
        "kind": known.kind,
        "country": known.country,
        "time_zone": zone,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_as_a_text_and_as_a_json_string() {
        let text = r#"id:7 sub:001 dlvrd:001 submit date:2601011200 done date:2601011201 stat:DELIVRD err:000 text:"#;
        let read = of_receipt(text).unwrap();
        assert_eq!(
            (&read["id"], &read["stat"], &read["text"]),
            (&json!("7"), &json!("DELIVRD"), &json!(""))
        );
        let quoted = serde_json::to_string(text).unwrap();
        assert_eq!(of_receipt(&quoted).unwrap(), read);
        assert_eq!(of_receipt("id:7 stat:DELIVRD").unwrap()["err"], Value::Null);
        for bad in ["Bonjour", "\"id:7", ""] {
            assert!(of_receipt(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_is_measured_under_each_policy() {
        let view = |text: &str, policy| {
            let read = of_text(text, policy).unwrap();
            (
                read["encoding"].as_str().unwrap().to_owned(),
                read["segments"].as_u64().unwrap(),
            )
        };
        let text = "L’hôpital".to_owned() + &"e".repeat(100);
        assert_eq!(view(&text, EncodingPolicy::GsmTransliterate), ("gsm7".to_owned(), 1));
        assert_eq!(view(&text, EncodingPolicy::Auto), ("ucs2".to_owned(), 2));
        assert_eq!(view("Bonjour", EncodingPolicy::Ucs2), ("ucs2".to_owned(), 1));
        let read = of_text("a’😀", EncodingPolicy::GsmTransliterate).unwrap();
        assert_eq!(
            read["offending"],
            json!([
                { "character": "’", "position": 1, "becomes": "'" },
                { "character": "😀", "position": 2, "becomes": null },
            ])
        );
    }

    #[test]
    fn numbers_have_a_kind_a_country_and_a_time_zone() {
        let zones = Zones::built_in();
        for (text, e164, kind, country, zone) in [
            ("06 12 34 56 78", "+33612345678", "mobile", "FR", "Europe/Paris"),
            ("01 42 68 53 00", "+33142685300", "landline", "FR", "Europe/Paris"),
            ("0692 12 34 56", "+262692123456", "mobile", "RE", "Indian/Reunion"),
            ("+32470123456", "+32470123456", "mobile", "BE", "Europe/Brussels"),
        ] {
            let expected = json!({ "e164": e164, "kind": kind, "country": country, "time_zone": zone });
            assert_eq!(of_number(text, Country::FRANCE, &zones), Ok(expected), "{text}");
        }
        assert!(of_number("12", Country::FRANCE, &zones).is_err());
        assert!(of_number("Martin", Country::FRANCE, &zones).is_err());
    }
}
