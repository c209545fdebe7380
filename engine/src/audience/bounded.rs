//! A JSON value that is kept as it is, as long as it is not too large; the rest of a larger one is skipped.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The most octets of texts and keys.
pub(super) const OCTETS_MAX: usize = 1 << 20;

/// The most values in it, each of which takes some memory by itself.
const VALUES_MAX: usize = 100_000;

/// Takes a value; `None`: it is too large.
pub(super) struct Bounded;

impl<'de> DeserializeSeed<'de> for Bounded {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        let room = Room {
            octets: Cell::new(OCTETS_MAX),
            values: Cell::new(VALUES_MAX),
        };
        deserializer.deserialize_any(Part(&room))
    }
}

/// What may still come.
struct Room {
    octets: Cell<usize>,
    values: Cell<usize>,
}

impl Room {
    /// Whether there is room for one more value with so many octets.
    fn take(&self, octets: usize) -> bool {
        let left = (self.octets.get().checked_sub(octets)).zip(self.values.get().checked_sub(1));
        let (octets, values) = left.unwrap_or_default();
        self.octets.set(octets);
        self.values.set(values);
        left.is_some()
    }

    fn keep(&self, octets: usize, value: impl FnOnce() -> Value) -> Option<Value> {
        self.take(octets).then(value)
    }
}

#[derive(Clone, Copy)]
struct Part<'r>(&'r Room);

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Option<Value>, E> {
        Ok(self.0.keep(0, || value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Option<Value>, E> {
        Ok(self.0.keep(0, || value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Option<Value>, E> {
        Ok(self.0.keep(0, || value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Option<Value>, E> {
        Ok(self.0.keep(0, || Number::from_f64(value).into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<Value>, E> {
        Ok(self.0.keep(text.len(), || text.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
        Ok(self.0.keep(0, || Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<Value>, A::Error> {
        let mut list = Vec::new();
        let mut fits = self.0.take(0);
        while fits && let Some(item) = items.next_element_seed(self)? {
            fits = item.is_some();
            list.extend(item);
        }
        while !fits && items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(fits.then_some(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Option<Value>, A::Error> {
        let mut object = Map::new();
        let mut fits = self.0.take(0);
        while fits && let Some(key) = entries.next_key::<String>()? {
            fits = self.0.take(key.len());
            let value = entries.next_value_seed(self)?;
            fits &= value.is_some();
            object.extend(value.map(|value| (key, value)));
        }
        while !fits && entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(fits.then_some(Value::Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Value> {
        let mut json = serde_json::Deserializer::from_str(text);
        let read = Bounded.deserialize(&mut json).unwrap();
        json.end().unwrap();
        read
    }

    #[test]
    fn a_value_is_kept_as_it_is_and_one_that_is_too_large_is_skipped() {
        let text = r#"{"all":[{"field":"tag","in":["a",1,true,null,1.5]},{}]}"#;
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(read(&format!("[{}0]", "0,".repeat(VALUES_MAX))), None);
        assert_eq!(
            read(&format!("{{\"a\":[[\"{}\"]],\"b\":1}}", "x".repeat(OCTETS_MAX))),
            None
        );
        assert!(read(&format!("\"{}\"", "x".repeat(OCTETS_MAX - 10))).is_some());
    }
}
