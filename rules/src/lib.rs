//! When advertising may be sent, by law and charter. Laws are data: `data/packs` has the hours, unless an operator brings them, `data/countries.toml` whose they are,
//! `data/holidays.toml` the public holidays. Pure: whoever asks brings the time.
//!
//! The recipient's own time decides. What is not advertising is no business of this crate.

mod holidays;
mod pack;
mod zone;
mod decision;

pub use decision::{Decision, Why};
pub use holidays::easter;
pub use pack::{DAYS, HOLIDAYS, Pack, names, version_of};
pub use zone::{Zone, countries};

use std::sync::Arc;

use jiff::Timestamp;

/// A pack that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is none of that name.
    #[error("no pack is called {0:?}")]
    Unknown(String),
}

/// The packs that are obeyed. Of two for one country the younger holds, from its first day on.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    packs: Vec<Arc<Pack>>,
    zones: Vec<Found>,
}

/// A zone of the packs that are obeyed, by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZoneIndex(pub usize);

#[derive(Clone, Debug)]
struct Found {
    zone: &'static Zone,
    /// Of the country of this one.
    pack: Arc<Pack>,
}

impl Rules {
    /// The packs of ours of these names; none: advertising may go at any hour.
    ///
    /// # Errors
    /// [`Fault::Unknown`].
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, Fault> {
        let known = |name| Pack::named(name).ok_or_else(|| Fault::Unknown(name.to_owned()));
        let packs: Result<Vec<_>, Fault> = names.into_iter().map(known).collect();
        Ok(Self::new(packs?))
    }

    /// These packs, whoever wrote them.
    pub fn new(packs: Vec<Arc<Pack>>) -> Self {
        let mut zones: Vec<Found> = Vec::new();
        for pack in &packs {
            if !zones.iter().any(|known| known.pack.country == pack.country) {
                let found = |zone| Found {
                    zone,
                    pack: pack.clone(),
                };
                zones.extend(Zone::of(&pack.country).iter().map(found));
            }
        }
        let mut packs = packs;
        packs.sort_by_key(|pack| std::cmp::Reverse(pack.valid_from));
        Self { packs, zones }
    }

    /// The packs, the youngest first.
    pub fn packs(&self) -> &[Arc<Pack>] {
        &self.packs
    }

    /// Whether anything is closed at any time.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// All zones, by their index.
    pub fn zones(&self) -> impl Iterator<Item = (ZoneIndex, &'static Zone)> {
        let zones = self.zones.iter().enumerate();
        zones.map(|(at, found)| (ZoneIndex(at), found.zone))
    }

    /// Whose hours a number has: by the longest prefix; one that none has, the first zone's. `None`: there are no rules.
    pub fn zone_of(&self, number: u64) -> Option<ZoneIndex> {
        let mut digits = [0; 20];
        let digits = decimal(number, &mut digits);
        let longest = self.zones.iter().enumerate().rev();
        let longest = longest.max_by_key(|(_, found)| found.zone.length_of_prefix(digits));
        longest.map(|(at, _)| ZoneIndex(at))
    }

    /// Whether advertising may go to a zone at that time, why, and until when that is so.
    pub fn decide(&self, zone: ZoneIndex, at: Timestamp) -> Decision {
        let Some(found) = self.zones.get(zone.0) else {
            return Decision::ALWAYS;
        };
        let of_country = self.packs.iter().filter(|pack| pack.country == found.pack.country);
        let of_country: Vec<&Arc<Pack>> = of_country.collect();
        decision::decide(&of_country, found.zone, at)
    }
}

/// The digits of a number, without allocating: this is asked for every recipient.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    while at > 0 && (number > 0 || at == digits.len()) {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    std::str::from_utf8(&digits[at..]).unwrap_or_default()
}
