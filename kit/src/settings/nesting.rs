//! Tables within tables, and over them.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::Given;
use super::kind::{ARRAY_ITEM, Kind};
use super::notes::join;
use super::source::At;
use super::table::Table;

impl<'a> Table<'a> {
    /// The table of a key; an empty one when it is absent, since its keys may have defaults, or be in the environment.
    pub fn table(&self, key: &'static str) -> Table<'a> {
        self.note(key, &Kind::Table);
        let path = self.path_of(key);
        let Some(value) = self.value(key) else {
            return Table::new(self.source, path, self.at.clone(), None);
        };
        if !value.get_ref().is_table() {
            self.refuse(key, Given::Value(value), &Kind::Table);
        }
        let own = self.entries.is_some_and(|entries| entries.contains_key(key));
        let under = self.under.as_ref().filter(|_| own).and_then(|(path, entries)| {
            let entries = entries.get(key)?.get_ref().as_table()?;
            Some((join(path, key), entries))
        });
        Table {
            under,
            ..self.at_value(path, value)
        }
    }

    /// The tables of `[[key]]`, at most `max`.
    pub fn tables(&self, key: &'static str, max: usize) -> Vec<Table<'a>> {
        self.note(key, &Kind::Tables);
        let path = self.path_of(key);
        if self.is_probe() && !self.hidden.contains(&key) {
            return vec![Table::new(self.source, path + ARRAY_ITEM, self.at.clone(), None)];
        }
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.refuse(key, Given::Value(value), format!("write [[{path}]], with two brackets"));
            return Vec::new();
        };
        if items.len() > max {
            self.fault(key, format!("{} are too many: at most {max}", items.len()));
        }
        let mut tables = Vec::new();
        for (place, item) in items.iter().enumerate().take(max) {
            let table = self.at_value(format!("{path}[{place}]"), item);
            match table.entries {
                Some(_) => tables.push(table),
                None => {
                    let shown = Given::Value(item).shown(self.source.text);
                    table.fault("", format!("{shown} is not allowed: a table"));
                }
            }
        }
        tables
    }

    /// Whether the key is there, with a table for its value; for keys that take something simpler, too.
    pub fn is_table(&self, key: &'static str) -> bool {
        self.note(key, &Kind::Described("a value, or a table that says more".to_owned()));
        self.value(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Every key with its value, for tables whose keys are data.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Given<'a>)> + use<'a> {
        let entries = self.entries.or(self.under.as_ref().map(|(_, entries)| *entries));
        let entries = entries.into_iter().flat_map(DeTable::iter);
        entries.map(|(key, value)| (&**key.get_ref(), Given::Value(value)))
    }

    /// Every key of this table, and of the tables in it, with its value as it stands in the file, in one line; lists of tables are left
    /// out, and what the environment says in a key's place.
    pub fn said(&self) -> Vec<(String, String)> {
        let mut said = Vec::new();
        let mut rest: Vec<_> = self
            .entries
            .map(|entries| (self.path.clone(), entries))
            .into_iter()
            .collect();
        while let Some((path, entries)) = rest.pop() {
            for (key, value) in entries {
                let path = join(&path, key.get_ref());
                let is_listed = |value: &DeValue<'_>| {
                    value
                        .as_array()
                        .and_then(|list| list.first())
                        .is_some_and(|one| one.get_ref().is_table())
                };
                let overrides = self.source.overrides.as_ref();
                if let Some(table) = value.get_ref().as_table() {
                    rest.push((path, table));
                } else if !is_listed(value.get_ref()) && overrides.is_none_or(|overrides| overrides.of(&path).is_none())
                {
                    said.push((path, Given::Value(value).shown(self.source.text)));
                }
            }
        }
        said
    }

    /// This table laid over another: what it does not say, the other says. `hidden` keys of both are passed over.
    pub fn over(&self, base: &Table<'a>, hidden: &'static [&'static str]) -> Table<'a> {
        Table {
            under: base.entries.map(|entries| (base.path.clone(), entries)),
            hidden,
            ..Table::new(self.source, self.path.clone(), self.at.clone(), self.entries)
        }
    }

    fn at_value(&self, path: String, value: &'a Spanned<DeValue<'a>>) -> Table<'a> {
        Table::new(
            self.source,
            path,
            At::Octet(value.span().start),
            value.get_ref().as_table(),
        )
    }
}
