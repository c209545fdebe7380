//! `[rules]`: which laws and charters of sending are obeyed.

use std::sync::Arc;

use ::rules::{Pack, Rules as Obeyed};
use kit::settings::{Given, Table};

use super::pack;

/// More than anybody sends to; each is looked through for every number.
const PACKS_MAX: usize = 100;

/// `[rules]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// `packs`: the names of what is built in, and the paths of files. Of two for one country the younger holds, from its first day on.
    /// Default `fr-seed`; none: advertising goes at any hour.
    packs: Vec<Arc<Pack>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            packs: Pack::named("fr-seed").into_iter().collect(),
        }
    }
}

impl Rules {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let names: Vec<&str> = ::rules::names().collect();
        let allowed = format!(
            "a list of packs, each once: {}, or files such as \"packs/mine.toml\"; [] for none",
            names.join(", ")
        );
        let entries = table.parsed("packs", allowed, |given: Given<'_>| {
            let texts = given.texts().filter(|texts| texts.len() <= PACKS_MAX)?;
            let once = (0..texts.len()).all(|at| !texts[..at].contains(&texts[at]));
            let known = texts.iter().all(|text| pack::is_file(text) || names.contains(text));
            (once && known).then_some(texts)
        });
        let packs = entries.map(|entries| -> Vec<Arc<Pack>> {
            let read = |entry: &str| match pack::is_file(entry) {
                true => pack::of_file(table, entry),
                false => Pack::named(entry),
            };
            entries.into_iter().filter_map(read).collect()
        });
        table.finish();
        let Some(packs) = packs else {
            return Self::default();
        };
        for problem in clashes(&packs) {
            table.fault("packs", problem);
        }
        Self { packs }
    }

    /// What is obeyed.
    pub(crate) fn obeyed(&self) -> Obeyed {
        Obeyed::new(self.packs.clone())
    }

    /// The packs, in the order in which they are named.
    pub(crate) fn packs(&self) -> &[Arc<Pack>] {
        &self.packs
    }
}

/// Packs of which nobody could tell which is meant, or which holds.
fn clashes(packs: &[Arc<Pack>]) -> Vec<String> {
    let pairs = packs
        .iter()
        .enumerate()
        .flat_map(|(at, one)| packs[..at].iter().map(move |other| (other, one)));
    let clash = |(other, one): (&Arc<Pack>, &Arc<Pack>)| {
        if one.name == other.name {
            Some(format!(
                "two files are called {:?}: packs are told apart by their names",
                one.name
            ))
        } else if (&one.country, one.valid_from) == (&other.country, other.valid_from) {
            Some(format!(
                "{:?} and {:?} are both for {} and hold from {}: which of them is obeyed? Leave one out, or change its valid_from",
                other.name, one.name, one.country, one.valid_from
            ))
        } else {
            None
        }
    };
    pairs.filter_map(clash).collect()
}
