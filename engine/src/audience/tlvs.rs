//! `tlvs` of a campaign or a message: `[{"tag": 5120, "value": "1101…"}, {"tag": "0x1401", "hex": "00ff"}]`.

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess};
use serde_json::Value;

use super::taker::{Key, Take, Taker, escape};
use crate::domain::{TLV_OCTETS_MAX, TLVS_MAX, TlvList, hexadecimal};
use crate::fault::{FieldFault, FieldProblem, JsonType};

/// The field's name.
pub(super) const TLVS: &str = "tlvs";

/// What has been read of them.
#[derive(Debug, Default)]
pub(super) struct TlvsRead {
    pub(super) list: TlvList,
    /// At most a few for each of [`TLVS_MAX`].
    pub(super) faults: Vec<FieldFault>,
}

/// Reads the value of `tlvs`.
///
/// # Errors
/// Every fault in it.
pub(crate) fn read_tlvs(value: Value) -> Result<TlvList, Vec<FieldFault>> {
    let mut read = TlvsRead::default();
    if Take(Tlvs(&mut read)).deserialize(value).is_err() {
        read.fault(pointer(""), FieldProblem::UnknownField { nearest: None });
    }
    if read.faults.is_empty() {
        Ok(read.list)
    } else {
        Err(read.faults)
    }
}

impl TlvsRead {
    fn fault(&mut self, pointer: String, problem: FieldProblem) {
        self.faults.push(FieldFault::new(pointer, problem));
    }
}

fn pointer(within: &str) -> String {
    format!("/{TLVS}{within}")
}

/// The list.
pub(super) struct Tlvs<'r>(pub(super) &'r mut TlvsRead);

impl<'de> Taker<'de> for Tlvs<'_> {
    fn wrong(self, found: JsonType) {
        let expected = JsonType::Array;
        self.0.fault(pointer(""), FieldProblem::WrongType { expected, found });
    }

    fn array<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0..TLVS_MAX {
            let taker = Tlv {
                read: self.0,
                place: pointer(&format!("/{index}")),
                tag: None,
                value: None,
            };
            if items.next_element_seed(Take(taker))?.is_none() {
                return Ok(());
            }
        }
        if items.next_element::<IgnoredAny>()?.is_some() {
            self.0.fault(pointer(""), FieldProblem::TooMany { max: TLVS_MAX });
            while items.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(())
    }
}

/// One of them.
struct Tlv<'r> {
    read: &'r mut TlvsRead,
    place: String,
    /// Found, and of use if that is some.
    tag: Option<Option<u16>>,
    value: Option<Option<Vec<u8>>>,
}

impl<'de> Taker<'de> for Tlv<'_> {
    fn wrong(self, found: JsonType) {
        let expected = JsonType::Object;
        self.read.fault(self.place, FieldProblem::WrongType { expected, found });
    }

    fn object<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let mut key = String::new();
        while entries.next_key_seed(Key(&mut key))?.is_some() {
            let form = match key.as_str() {
                "tag" => Form::Tag,
                "value" => Form::Text,
                "hex" => Form::Hexadecimal,
                _ => {
                    let nearest = kit::words::nearest(&key, ["tag", "value", "hex"]).map(str::to_owned);
                    let key = escape(&key);
                    let place = format!("{}/{key}", self.place);
                    self.read.fault(place, FieldProblem::UnknownField { nearest });
                    entries.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            entries.next_value_seed(Take(Part(&mut self, form)))?;
        }
        self.finish();
        Ok(())
    }
}

impl Tlv<'_> {
    fn fault(&mut self, form: Form, problem: FieldProblem) {
        let place = format!("{}/{}", self.place, form.name());
        self.read.fault(place, problem);
    }

    fn set(&mut self, form: Form, octets: Result<Vec<u8>, FieldProblem>) {
        let octets = octets.map_err(|problem| self.fault(form, problem)).ok();
        if self.value.replace(octets).is_some() {
            self.fault(form, FieldProblem::DuplicateField);
        }
    }

    fn set_tag(&mut self, tag: Option<u16>) {
        let tag = tag.filter(|tag| TlvList::takes(*tag) && !self.read.list.has(*tag));
        if tag.is_none() {
            self.fault(Form::Tag, FieldProblem::InvalidTag);
        }
        if self.tag.replace(tag).is_some() {
            self.fault(Form::Tag, FieldProblem::DuplicateField);
        }
    }

    fn finish(mut self) {
        if self.tag.is_none() {
            self.fault(Form::Tag, FieldProblem::Missing);
        }
        if self.value.is_none() {
            let fields = &["value", "hex"];
            let place = self.place.clone();
            self.read.fault(place, FieldProblem::MissingOneOf { fields });
        }
        if let (Some(Some(tag)), Some(Some(value))) = (self.tag, &self.value) {
            self.read.list.push(tag, value);
        }
    }
}

#[derive(Clone, Copy)]
enum Form {
    Tag,
    Text,
    Hexadecimal,
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Text => "value",
            Self::Hexadecimal => "hex",
        }
    }
}

/// A field of one of them.
struct Part<'t, 'r>(&'t mut Tlv<'r>, Form);

impl<'de> Taker<'de> for Part<'_, '_> {
    fn wrong(self, found: JsonType) {
        let expected = match self.1 {
            Form::Tag => JsonType::Number,
            Form::Text | Form::Hexadecimal => JsonType::String,
        };
        self.0.fault(self.1, FieldProblem::WrongType { expected, found });
        match self.1 {
            Form::Tag => self.0.tag = Some(None),
            Form::Text | Form::Hexadecimal => self.0.value = Some(None),
        }
    }

    fn string<E: Error>(self, text: &str) -> Result<(), E> {
        match self.1 {
            // JSON has no hexadecimal numbers, and carriers write tags so.
            Form::Tag => {
                let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"));
                self.0
                    .set_tag(digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()));
            }
            Form::Text => self.0.set(Form::Text, ascii(text, TLV_OCTETS_MAX)),
            Form::Hexadecimal => {
                let octets = hexadecimal(text).ok_or(FieldProblem::InvalidHexadecimal);
                self.0.set(Form::Hexadecimal, octets);
            }
        }
        Ok(())
    }

    fn scalar<E: Error>(self, found: JsonType, text: &str) -> Result<(), E> {
        match (self.1, found) {
            (Form::Tag, JsonType::Number) => self.0.set_tag(text.parse().ok()),
            (Form::Tag | Form::Text | Form::Hexadecimal, _) => self.wrong(found),
        }
        Ok(())
    }
}

/// The octets of a text that an SMSC takes as it stands: none that ends it, and none beyond ASCII.
pub(crate) fn ascii(text: &str, max: usize) -> Result<Vec<u8>, FieldProblem> {
    let valid = text.len() <= max && text.bytes().all(|octet| octet.is_ascii() && octet != 0);
    if valid {
        Ok(text.as_bytes().to_vec())
    } else {
        Err(FieldProblem::NotAscii { max })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_are_numbers_in_either_form_and_values_texts_or_octets() {
        let given = json!([{"tag": 5120, "value": "1101"}, {"hex": "00FF", "tag": "0x1401"}, {"tag": 5, "value": ""}]);
        let list = read_tlvs(given).unwrap();
        let expected: [(u16, &[u8]); 3] = [(0x1400, b"1101"), (0x1401, &[0, 255]), (5, b"")];
        assert_eq!(list.iter().collect::<Vec<_>>(), expected);
        assert!(read_tlvs(json!([])).unwrap().is_empty());
    }

    #[test]
    fn every_fault_is_named() {
        let one = |value| json!([{"tag": 5120, "value": value}]);
        for (given, faults) in [
            (json!({}), vec![("/tlvs", "wrong_type")]),
            (json!([5]), vec![("/tlvs/0", "wrong_type")]),
            (json!([{}]), vec![("/tlvs/0/tag", "missing"), ("/tlvs/0", "missing")]),
            (json!([{"tag": 0, "value": ""}]), vec![("/tlvs/0/tag", "invalid_tag")]),
            (
                json!([{"tag": "5120", "value": ""}]),
                vec![("/tlvs/0/tag", "invalid_tag")],
            ),
            (
                json!([{"tag": "0x0424", "value": ""}]),
                vec![("/tlvs/0/tag", "invalid_tag")],
            ),
            (
                json!([{"tag": 70_000, "value": ""}]),
                vec![("/tlvs/0/tag", "invalid_tag")],
            ),
            (json!([{"tag": 1.5, "value": ""}]), vec![("/tlvs/0/tag", "invalid_tag")]),
            (json!([{"tag": null, "value": ""}]), vec![("/tlvs/0/tag", "wrong_type")]),
            (one(json!(5)), vec![("/tlvs/0/value", "wrong_type")]),
            (one(json!("é")), vec![("/tlvs/0/value", "not_ascii")]),
            (one(json!("x".repeat(256))), vec![("/tlvs/0/value", "not_ascii")]),
            (
                json!([{"tag": 5, "hex": "abc"}]),
                vec![("/tlvs/0/hex", "invalid_hexadecimal")],
            ),
            (
                json!([{"tag": 5, "hex": "+1"}]),
                vec![("/tlvs/0/hex", "invalid_hexadecimal")],
            ),
            (
                json!([{"tag": 5, "hex": "ab", "value": ""}]),
                vec![("/tlvs/0/value", "duplicate_field")],
            ),
            (
                json!([{"tag": 5, "hex": ""}, {"tag": 5, "hex": ""}]),
                vec![("/tlvs/1/tag", "invalid_tag")],
            ),
            (
                json!([{"tag": 5, "hex": "", "valeu": 1}]),
                vec![("/tlvs/0/valeu", "unknown_field")],
            ),
        ] {
            let found = read_tlvs(given.clone()).unwrap_err();
            let found: Vec<_> = found
                .iter()
                .map(|fault| (fault.pointer.as_str(), fault.problem.code()))
                .collect();
            assert_eq!(found, faults, "{given}");
        }
        let many: Vec<Value> = (1..=30).map(|tag| json!({"tag": tag, "value": ""})).collect();
        let found = read_tlvs(many.into()).unwrap_err();
        assert_eq!(
            found,
            [FieldFault::new("/tlvs", FieldProblem::TooMany { max: TLVS_MAX })]
        );
    }
}
