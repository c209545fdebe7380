//! `[[smsc.price]]`: what an SMSC takes for a segment, by prefix and date, in exact decimals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kit::settings::{Given, Table};

use super::value;
use crate::domain::{Recipient, UnixMicros, instant};

/// The longest list: every operator of the world, twice over.
const PRICES_MAX: usize = 10_000;

/// A price has at most that many digits behind its point.
const DECIMALS: usize = 6;

/// And is below that many of its currency: no segment costs more.
const WHOLE_MAX: u64 = 1_000;

const DATE_ALLOWED: &str = "a day, such as \"2026-07-01\" (0 h UTC), or a time, such as \"2026-07-01T00:00:00+02:00\"";

/// Millionths of a currency: prices are whole numbers of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Micros(pub(crate) u64);

/// A currency: three capital letters (ISO 4217).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Currency([u8; 3]);

/// Neither an amount nor a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no price")]
pub(crate) struct NoMoney;

/// What one SMSC takes for a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PriceList {
    /// `None`: it says no prices.
    currency: Option<Currency>,
    /// By prefix as a number, 0 for all numbers; in the order of their times, which leave no gaps.
    by_prefix: BTreeMap<u64, Vec<Price>>,
}

/// A price, and when it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Price {
    /// `from`: it holds from then on. Default: it always did.
    from: UnixMicros,
    /// `until`: not then any more. Default: for good.
    until: Option<UnixMicros>,
    /// `per_segment`.
    per_segment: Micros,
}

/// How cheap the SMSCs of a route are, for the numbers of some prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PriceClass {
    /// The beginnings of its numbers, the longest of all classes deciding; empty: all.
    pub(crate) prefixes: Vec<String>,
    /// From each of these moments on, the rank of each SMSC in the order of the route: 0 is the cheapest, and the last one stands for
    /// an SMSC without a price.
    pub(crate) ranks: Vec<(UnixMicros, Vec<u8>)>,
}

impl Currency {
    /// The three letters.
    pub(crate) fn code(&self) -> &str {
        // They are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = NoMoney;

    fn from_str(text: &str) -> Result<Self, NoMoney> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| NoMoney)?;
        let capital = letters.iter().all(u8::is_ascii_uppercase);
        capital.then_some(Self(letters)).ok_or(NoMoney)
    }
}

impl FromStr for Micros {
    type Err = NoMoney;

    fn from_str(text: &str) -> Result<Self, NoMoney> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS {
            return Err(NoMoney);
        }
        let whole: Option<u64> = whole.parse().ok().filter(|whole| *whole < WHOLE_MAX);
        let decimals: Option<u64> = format!("{decimals:0<DECIMALS$}").parse().ok();
        let micros = whole.zip(decimals).map(|(whole, rest)| whole * 1_000_000 + rest);
        micros.map(Self).ok_or(NoMoney)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Price {
    fn holds(&self, at: UnixMicros) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

impl PriceList {
    /// The currency of all of them; `None`: there are no prices.
    pub(crate) fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// What a segment to that number costs then: the longest prefix that has a price then decides.
    pub(crate) fn price(&self, recipient: Recipient, at: UnixMicros) -> Option<Micros> {
        self.priced_by(recipient, at).map(|(_, price)| price)
    }

    /// The same, with the prefix that decides; 0: the price is that of all numbers.
    pub(crate) fn priced_by(&self, recipient: Recipient, at: UnixMicros) -> Option<(u64, Micros)> {
        if self.by_prefix.is_empty() {
            return None;
        }
        shorter(recipient.0).find_map(|prefix| Some((prefix, self.at(prefix, at)?)))
    }

    fn at(&self, prefix: u64, at: UnixMicros) -> Option<Micros> {
        let prices = self.by_prefix.get(&prefix)?.iter();
        prices
            .rev()
            .find(|price| price.holds(at))
            .map(|price| price.per_segment)
    }

    /// Each as an inline table of the configuration.
    pub(super) fn tables(&self) -> Vec<String> {
        let code = self.currency.as_ref().map(Currency::code).unwrap_or_default();
        let prefix = |prefix: u64| match prefix {
            0 => String::new(),
            prefix => format!("prefix = \"{prefix}\", "),
        };
        let table = |(key, price): (&u64, &Price)| {
            let from = Some(price.from).filter(|from| from.0 > 0);
            let from = from
                .map(|from| format!("from = \"{}\", ", shown(from)))
                .unwrap_or_default();
            let until = price.until.map(|until| format!("until = \"{}\", ", shown(until)));
            let per_segment = price.per_segment;
            format!(
                "{{ {}{from}{}per_segment = \"{per_segment}\", currency = \"{code}\" }}",
                prefix(*key),
                until.unwrap_or_default()
            )
        };
        let all = self.by_prefix.iter();
        all.flat_map(|(key, prices)| prices.iter().map(move |price| (key, price)))
            .map(table)
            .collect()
    }

    /// Reads those of an SMSC.
    pub(super) fn read(table: &Table<'_>) -> Self {
        let mut list = Self::default();
        for table in table.tables("price", PRICES_MAX) {
            list.read_one(&table);
            table.finish();
        }
        list
    }

    fn read_one(&mut self, table: &Table<'_>) {
        let prefix = table
            .parsed("prefix", "1 to 15 digits in quotes, such as \"33\"", |given| {
                value::prefix(given.text()?)?.parse().ok()
            })
            .unwrap_or(0);
        let from = table.parsed("from", DATE_ALLOWED, moment).unwrap_or_default();
        let until = table.parsed("until", DATE_ALLOWED, moment);
        let allowed = format!(
            "a decimal in quotes, below {WHOLE_MAX} and with at most {DECIMALS} digits behind the point, such as \"0.045\""
        );
        table.required("per_segment", &allowed);
        let per_segment = table.parsed("per_segment", allowed, |given| given.text()?.parse().ok());
        let allowed = "the three capital letters of a currency, such as \"EUR\"";
        table.required("currency", allowed);
        let currency = table.parsed("currency", allowed, |given| given.text()?.parse().ok());
        if until.is_some_and(|until| until <= from) {
            return table.fault_of_value("until", "is not allowed: it must be later than from");
        }
        if let (Some(known), Some(currency)) = (self.currency, currency)
            && known != currency
        {
            return table.fault_of_value(
                "currency",
                format!("is not allowed: the prices before it are in {known}"),
            );
        }
        let (Some(per_segment), Some(currency)) = (per_segment, currency) else {
            return;
        };
        self.currency = Some(currency);
        let price = Price {
            from,
            until,
            per_segment,
        };
        self.add(table, prefix, price);
    }

    /// The prices of a prefix follow each other: the end of one is the beginning of the next.
    fn add(&mut self, table: &Table<'_>, prefix: u64, price: Price) {
        let prices = self.by_prefix.entry(prefix).or_default();
        let last = prices.last();
        match last.map(|last| (last, last.until)) {
            Some((last, _)) if price.from <= last.from => table.fault_of_value(
                "from",
                "is not allowed: the prices of a prefix stand in the order of their times, and this one begins no later than the one before",
            ),
            Some((_, None)) => table.fault_of_value(
                "from",
                "is not allowed: the price before it for this prefix has no until, so that both would hold",
            ),
            Some((_, Some(until))) if until > price.from => {
                table.fault_of_value("from", format!("is not allowed: the price before it for this prefix holds until {}", shown(until)));
            }
            Some((_, Some(until))) if until < price.from => {
                let gap = format!("is not allowed: from {} on, there would be no price for this prefix", shown(until));
                table.fault_of_value("from", gap);
            }
            _ => prices.push(price),
        }
    }

    /// The moments at which prices of that prefix, or of a shorter one, begin or end.
    fn moments(&self, prefix: u64) -> impl Iterator<Item = UnixMicros> {
        let prices = shorter(prefix).filter_map(|prefix| self.by_prefix.get(&prefix));
        prices
            .flatten()
            .flat_map(|price| [Some(price.from), price.until])
            .flatten()
    }
}

/// Cuts the numbers of a route by which of its SMSCs is how cheap for them, and when: the numbers of a class have the same
/// order at any time, so that it is known when they are queued. The first class has the route's own prefixes among it.
pub(crate) fn price_classes(prefixes: &[String], lists: &[&PriceList]) -> Vec<PriceClass> {
    let own: Vec<u64> = match prefixes {
        [] => vec![0],
        _ => prefixes.iter().filter_map(|prefix| prefix.parse().ok()).collect(),
    };
    let priced = lists.iter().flat_map(|list| list.by_prefix.keys().copied());
    let within = priced.filter(|prefix| own.iter().any(|own| shorter(*prefix).any(|shorter| shorter == *own)));
    let all: BTreeSet<u64> = own.iter().copied().chain(within).collect();
    let mut classes: Vec<PriceClass> = Vec::new();
    for prefix in all {
        let ranks = ranks(prefix, lists);
        let text = if prefix == 0 { String::new() } else { prefix.to_string() };
        match classes.iter_mut().find(|class| class.ranks == ranks) {
            Some(class) => class.prefixes.push(text),
            None => classes.push(PriceClass {
                prefixes: vec![text],
                ranks,
            }),
        }
    }
    classes
}

/// The rank of each list for the numbers of a prefix, at every moment at which it changes.
fn ranks(prefix: u64, lists: &[&PriceList]) -> Vec<(UnixMicros, Vec<u8>)> {
    let moments = lists.iter().flat_map(|list| list.moments(prefix));
    let moments: BTreeSet<UnixMicros> = moments.chain([UnixMicros::default()]).collect();
    let mut ranks: Vec<(UnixMicros, Vec<u8>)> = Vec::new();
    for moment in moments {
        let at_moment = ranks_at(prefix, lists, moment);
        if ranks.last().is_none_or(|(_, before)| *before != at_moment) {
            ranks.push((moment, at_moment));
        }
    }
    ranks
}

fn ranks_at(prefix: u64, lists: &[&PriceList], at: UnixMicros) -> Vec<u8> {
    let price = |list: &&PriceList| shorter(prefix).find_map(|prefix| list.at(prefix, at));
    let prices: Vec<Option<Micros>> = lists.iter().map(price).collect();
    let different: BTreeSet<Micros> = prices.iter().flatten().copied().collect();
    let rank = |price: &Option<Micros>| match price {
        Some(price) => different.range(..price).count() as u8,
        None => different.len() as u8,
    };
    prices.iter().map(rank).collect()
}

/// 33612345678, 3361234567, …, 3, 0: a number has at most 15 digits.
fn shorter(number: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(number), |prefix| (*prefix > 0).then_some(prefix / 10))
}

fn moment(given: Given<'_>) -> Option<UnixMicros> {
    let text = given.text()?;
    let day = |text: &str| {
        let midnight = text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(midnight.timestamp())
    };
    let at = match text.len() {
        10 => day(text)?,
        _ => instant(text)?,
    };
    u64::try_from(at.as_microsecond()).ok().map(UnixMicros)
}

fn shown(at: UnixMicros) -> String {
    at.timestamp().map(|at| at.to_string()).unwrap_or_default()
}

#[cfg(test)]
impl PriceList {
    /// Prices in euros: prefix, from, until, millionths.
    pub(crate) fn of(prices: &[(&str, u64, Option<u64>, u64)]) -> Self {
        let mut list = Self {
            currency: Some(Currency(*b"EUR")),
            ..Self::default()
        };
        for (prefix, from, until, per_segment) in prices {
            list.by_prefix
                .entry(prefix.parse().unwrap_or(0))
                .or_default()
                .push(Price {
                    from: UnixMicros(*from),
                    until: until.map(UnixMicros),
                    per_segment: Micros(*per_segment),
                });
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_shown_as_they_are_written() {
        let list = PriceList::of(&[("", 0, None, 90_000), ("33", 1_782_864_000_000_000, None, 1_045_000)]);
        let shown = [
            "{ per_segment = \"0.090000\", currency = \"EUR\" }",
            "{ prefix = \"33\", from = \"2026-07-01T00:00:00Z\", per_segment = \"1.045000\", currency = \"EUR\" }",
        ];
        assert_eq!(list.tables(), shown);
    }

    #[test]
    fn decimals_are_exact() {
        for (text, micros) in [
            ("0.045", Some(45_000)),
            ("0.0449999", None),
            ("0.044999", Some(44_999)),
            ("1", Some(1_000_000)),
            ("0", Some(0)),
            ("999.999999", Some(999_999_999)),
            ("1000", None),
            ("-1", None),
            (".5", None),
            ("5.", None),
            ("0,045", None),
            ("4.5e-2", None),
        ] {
            assert_eq!(text.parse().ok(), micros.map(Micros), "{text}");
        }
    }

    #[test]
    fn the_longest_prefix_that_has_a_price_then_decides() {
        let list = PriceList::of(&[
            ("", 0, None, 90_000),
            ("33", 0, Some(100), 40_000),
            ("33", 100, None, 45_000),
            ("33639", 50, Some(150), 20_000),
        ]);
        let price = |number, at| list.price(Recipient(number), UnixMicros(at)).unwrap().0;
        assert_eq!(price(33_612_345_678, 0), 40_000);
        assert_eq!(price(33_612_345_678, 99), 40_000);
        assert_eq!(price(33_612_345_678, 100), 45_000);
        assert_eq!(price(33_639_123_456, 49), 40_000);
        assert_eq!(price(33_639_123_456, 50), 20_000);
        assert_eq!(price(33_639_123_456, 150), 45_000);
        assert_eq!(price(32_470_123_456, 0), 90_000);
        assert_eq!(
            PriceList::default().price(Recipient(33_612_345_678), UnixMicros(0)),
            None
        );
    }

    #[test]
    fn numbers_are_cut_by_who_is_cheapest_and_when() {
        let north = PriceList::of(&[("33", 0, None, 40), ("33639", 0, None, 90)]);
        let south = PriceList::of(&[
            ("", 0, None, 50),
            ("337", 0, Some(100), 30),
            ("337", 100, None, 60),
            ("336", 0, None, 45),
        ]);
        let classes = price_classes(&[], &[&north, &south]);
        let class = |prefixes: &[&str], ranks: &[(u64, [u8; 2])]| PriceClass {
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            ranks: ranks
                .iter()
                .map(|(at, ranks)| (UnixMicros(*at), ranks.to_vec()))
                .collect(),
        };
        let expected = [
            class(&["", "33639"], &[(0, [1, 0])]),
            class(&["33", "336"], &[(0, [0, 1])]),
            class(&["337"], &[(0, [1, 0]), (100, [0, 1])]),
        ];
        assert_eq!(classes, expected);
        let french: Vec<String> = vec!["337".to_owned(), "32".to_owned()];
        let classes = price_classes(&french, &[&north, &south]);
        assert_eq!(classes[0], class(&["32"], &[(0, [1, 0])]));
        assert_eq!(classes.len(), 2);
    }
}
