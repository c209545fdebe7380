//! JSON in which each field stands once: of two, the caller cannot know which one counts.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::fault::FAULTS_MAX;

/// A value, and the pointers of fields that stand there twice.
///
/// # Errors
/// It is no JSON.
pub(super) fn parse(octets: &[u8]) -> Result<(Value, Vec<String>), serde_json::Error> {
    let mut twice = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(octets);
    let value = Place {
        pointer: String::new(),
        twice: &mut twice,
    }
    .deserialize(&mut json)?;
    json.end()?;
    Ok((value, twice))
}

/// A name, as it stands in a pointer (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where a value stands.
struct Place<'a> {
    pointer: String,
    twice: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        loop {
            let place = Place {
                pointer: format!("{}/{}", self.pointer, all.len()),
                twice: &mut *self.twice,
            };
            match list.next_element_seed(place)? {
                Some(value) => all.push(value),
                None => return Ok(Value::Array(all)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let pointer = format!("{}/{}", self.pointer, escaped(&name));
            if all.contains_key(&name) && self.twice.len() < FAULTS_MAX {
                self.twice.push(pointer.clone());
            }
            let value = object.next_value_seed(Place {
                pointer,
                twice: &mut *self.twice,
            })?;
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_json_says_is_read_as_it_is() {
        for text in [
            r#"{"a": [1, -2, 2.5, true, null, "é", {"b/c": []}], "d": 18446744073709551615}"#,
            "[]",
            "3",
            r#""text""#,
        ] {
            let (read, twice) = parse(text.as_bytes()).unwrap();
            assert_eq!(read, serde_json::from_str::<Value>(text).unwrap(), "{text}");
            assert_eq!(twice, Vec::<String>::new(), "{text}");
        }
        for text in ["", "{", "[1,]", "{} {}", r#"{"a" 1}"#] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_stands_twice_is_told_by_its_pointer() {
        let text = r#"{"to": 1, "list": [{"x": 1}, {"x/y": 1, "x/y": 2}], "to": 2, "to": 3}"#;
        let (_, twice) = parse(text.as_bytes()).unwrap();
        assert_eq!(twice, ["/list/1/x~1y", "/to", "/to"]);
    }
}
