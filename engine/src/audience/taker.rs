//! A JSON value of any type, taken by someone who wants one type and can say that it is another.
//!
//! serde stops at the first value of a wrong type; here it is noted, skipped, and the reading goes on.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::row::COLUMN_NAME_MAX;
use crate::fault::JsonType;

/// Takes one JSON value. What it does not say how to take is of the wrong type.
pub(super) trait Taker<'de>: Sized {
    /// A value of a type that is not wanted came; what it holds is skipped.
    fn wrong(self, found: JsonType);

    /// A string.
    fn string<E: Error>(self, _text: &str) -> Result<(), E> {
        self.wrong(JsonType::String);
        Ok(())
    }

    /// A number, a boolean or null, by its text.
    fn scalar<E: Error>(self, found: JsonType, _text: &str) -> Result<(), E> {
        self.wrong(found);
        Ok(())
    }

    /// A number with a fraction or an exponent, or one beyond 64 bits.
    fn fraction<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(JsonType::Number, &value.to_string())
    }

    /// An array.
    fn array<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.wrong(JsonType::Array);
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    /// An object.
    fn object<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.wrong(JsonType::Object);
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// A [`Taker`] as serde wants it.
pub(super) struct Take<T>(pub(super) T);

impl<'de, T: Taker<'de>> DeserializeSeed<'de> for Take<T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Taker<'de>> Visitor<'de> for Take<T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.scalar(JsonType::Boolean, if value { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.0.scalar(JsonType::Number, &value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.0.scalar(JsonType::Number, &value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.0.fraction(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.string(text)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.scalar(JsonType::Null, "")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        self.0.array(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        self.0.object(entries)
    }
}

/// The longest key that is kept whole: longer than any that is allowed, short enough to show.
const KEY_OCTETS_MAX: usize = 512;

/// A key of an object, into a buffer that is used again; cut if it is longer than any key could be.
pub(super) struct Key<'k>(pub(super) &'k mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        self.0.clear();
        let end = (0..=key.len().min(KEY_OCTETS_MAX))
            .rev()
            .find(|end| key.is_char_boundary(*end));
        self.0.push_str(&key[..end.unwrap_or(0)]);
        Ok(())
    }
}

/// A key as a part of a JSON pointer (RFC 6901, 3), cut to what a column may be called.
pub(super) fn escape(key: &str) -> String {
    let cut: String = key.chars().take(COLUMN_NAME_MAX).collect();
    cut.replace('~', "~0").replace('/', "~1")
}
