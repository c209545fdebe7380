//! `[rules]`: which laws and charters of sending are obeyed.

use ::rules::Rules as Packs;
use kit::settings::{Given, Table};

/// `[rules]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// `packs`: of two for one country the younger holds, from its first day on. Default `fr-seed`; none: advertising goes at any hour.
    packs: Vec<&'static str>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { packs: vec!["fr-seed"] }
    }
}

impl Rules {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let names: Vec<&str> = ::rules::names().collect();
        let allowed = format!("a list of packs, each once: {}; [] for none", names.join(", "));
        let packs = table.parsed("packs", allowed, |given: Given<'_>| {
            let texts = given.texts()?;
            let packs: Vec<&'static str> = texts.iter().map(|text| known(text)).collect::<Option<_>>()?;
            let once = |(at, pack)| !packs[..at].contains(pack);
            packs.iter().enumerate().all(once).then_some(packs)
        });
        table.finish();
        packs.map_or_else(Self::default, |packs| Self { packs })
    }

    /// What is obeyed.
    pub(crate) fn packs(&self) -> Packs {
        // Unknown names were refused when they were read.
        Packs::of(self.packs.iter().copied()).unwrap_or_default()
    }
}

fn known(text: &str) -> Option<&'static str> {
    ::rules::names().find(|name| *name == text)
}
