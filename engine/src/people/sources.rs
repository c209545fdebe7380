//! Whence each field of a contact is, and since when: which file, which call, which form, which message. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::contact::Details;
use crate::domain::UnixMicros;

/// What brings something about people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize)]
#[strum(serialize_all = "snake_case", const_into_str)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceKind {
    /// A request of the API.
    Api,
    /// A file.
    Import,
    /// A form of the tenant's own page.
    Form,
    /// What they have written themselves.
    Message,
}

impl SourceKind {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// One of them: by its id, `req_…`, `imp_…`, `frm_…` or `inb_…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    pub(crate) id: String,
}

impl Source {
    pub(crate) fn new(kind: SourceKind, id: impl ToString) -> Self {
        let id = id.to_string();
        Self { kind, id }
    }
}

/// Whence the fields of one contact are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sources {
    /// Kind, id, and when, in microseconds: each that a field is from.
    from: Vec<(SourceKind, String, u64)>,
    /// By the name of the field: a place in `from`.
    fields: BTreeMap<String, usize>,
}

impl Sources {
    /// As it is stored; nothing, where nothing is known.
    pub(super) fn read(stored: &str) -> Option<Self> {
        match stored {
            "" => Some(Self::default()),
            json => serde_json::from_str(json).ok(),
        }
    }

    pub(super) fn stored(&self) -> String {
        match self.fields.is_empty() {
            true => String::new(),
            // Texts and numbers always can be written.
            false => serde_json::to_string(self).unwrap_or_default(),
        }
    }

    /// What is different behind a change is from there; what is gone is from nowhere.
    pub(super) fn note(&mut self, (before, after): (&Details, &Details), (source, at): (&Source, UnixMicros)) {
        let (known, now) = (values(before), values(after));
        let place = self.from.len();
        for (field, value) in &now {
            if known.get(field) != Some(value) {
                self.fields.insert(field.clone(), place);
            }
        }
        self.fields.retain(|field, _| now.contains_key(field));
        self.from.push((source.kind, source.id.clone(), at.0));
        self.tidy();
    }

    /// Each field with whence it is, and since when.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, SourceKind, &str, UnixMicros)> {
        self.fields.iter().filter_map(|(field, place)| {
            let (kind, id, at) = self.from.get(*place)?;
            Some((field.as_str(), *kind, id.as_str(), UnixMicros(*at)))
        })
    }

    /// Without those that no field is from any more.
    fn tidy(&mut self) {
        let used: Vec<bool> = (0..self.from.len())
            .map(|place| self.fields.values().any(|of| *of == place))
            .collect();
        let behind = |place: usize| used[..place].iter().filter(|used| **used).count();
        for place in self.fields.values_mut() {
            *place = behind(*place);
        }
        let mut used = used.iter();
        self.from.retain(|_| used.next().copied().unwrap_or_default());
    }
}

/// What is known of a person, by the names of the fields; attributes as `attributes.Ville`. What is empty is not known.
fn values(details: &Details) -> BTreeMap<String, String> {
    let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string());
    let list = |texts: &[String]| texts.join("|");
    let own = [
        ("reference", details.reference.clone()),
        ("number", details.number.map(|number| number.to_string())),
        ("first_name", Some(details.first_name.clone())),
        ("last_name", Some(details.last_name.clone())),
        ("kind", Some(details.kind.code().to_owned())),
        ("birth_date", day(details.birth_date)),
        ("last_visit", day(details.last_visit)),
        ("practices", Some(list(&details.practices))),
        ("tags", Some(list(&details.tags))),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let attributes = details.attributes.iter();
    let attributes = attributes.map(|(name, value)| (format!("attributes.{name}"), value.clone()));
    own.chain(attributes).filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_from_what_changed_it_last() {
        let mut sources = Sources::default();
        let first = Details {
            first_name: "Zoé".to_owned(),
            attributes: [
                ("Ville".to_owned(), "Lyon".to_owned()),
                ("dos".to_owned(), "oui".to_owned()),
            ]
            .into(),
            ..Details::default()
        };
        let file = Source::new(SourceKind::Import, "imp_1");
        sources.note((&Details::default(), &first), (&file, UnixMicros(1)));
        let second = Details {
            last_name: "Martin".to_owned(),
            attributes: [("Ville".to_owned(), "Paris".to_owned())].into(),
            ..first.clone()
        };
        let call = Source::new(SourceKind::Api, "req_2");
        sources.note((&first, &second), (&call, UnixMicros(2)));
        let told: Vec<_> = sources.iter().map(|(field, _, id, at)| (field, id, at.0)).collect();
        assert_eq!(
            told,
            [
                ("attributes.Ville", "req_2", 2),
                ("first_name", "imp_1", 1),
                ("last_name", "req_2", 2),
            ],
            "a kind that everybody has is from nowhere, and so is what is gone"
        );
        // What no field is from any more is forgotten.
        let third = Details {
            first_name: "Zoélie".to_owned(),
            ..second.clone()
        };
        let form = Source::new(SourceKind::Form, "frm_3");
        sources.note((&second, &third), (&form, UnixMicros(3)));
        assert_eq!(
            sources.from.iter().map(|(_, id, _)| id.as_str()).collect::<Vec<_>>(),
            ["req_2", "frm_3"]
        );
        assert_eq!(Sources::read(&sources.stored()), Some(sources));
        assert_eq!(Sources::read(""), Some(Sources::default()));
    }
}
