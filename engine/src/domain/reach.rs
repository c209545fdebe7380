//! Where an audience is: of which countries, and whether much of it is in one block of numbers.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use rustc_hash::FxHashMap;

use super::{Country, Recipient};

/// Numbers that differ in their last three digits alone, by the digits before these: people do not live in such blocks, and
/// whoever sends to numbers of their own for what these bring has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Block(pub(crate) u64);

/// From so many recipients on, a block is unusual: an employer's telephones are fewer among the patients of a practice.
pub(crate) const BLOCK_MIN: u32 = 20;

/// And from that share of all on, in percent: in the audience of a chain of opticians, twenty are chance.
pub(crate) const BLOCK_PERCENT: u32 = 10;

/// From so many on, whatever the audience: a fifth of a block. Of a million patients of one region, fewer have neighbouring numbers.
const BLOCK_FULL: u32 = 200;

/// Blocks that are counted at a time: one that has too much of an audience is found among so many, with at most a ten-thousandth of the
/// audience too few.
const BLOCKS_COUNTED: usize = 10_000;

/// Unusual blocks that are known of an audience.
const BLOCKS_MAX: usize = 20;

/// Numbers of an audience that are known one by one, those with most neighbours first: all of a small one, and of a large one those that
/// several small ones might share a block with.
const NEAR_MAX: usize = 256;

/// Of one block, as many as make it unusual.
const NEAR_OF_BLOCK: usize = BLOCK_MIN as usize;

/// Countries that are counted: there are some 250.
const COUNTRIES_MAX: usize = 300;

impl Block {
    pub(crate) const fn of(recipient: Recipient) -> Self {
        Self(recipient.0 / 1_000)
    }
}

/// The digits that its numbers have in common.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Whether so many of a block are unusual among so many.
pub(crate) const fn is_unusual(count: u32, of: u64) -> bool {
    count >= BLOCK_FULL || (count >= BLOCK_MIN && count as u64 * 100 >= of * BLOCK_PERCENT as u64)
}

/// What is to be known of an audience before it is sent to, each with how many recipients are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The largest first.
    pub(crate) countries: Vec<(Country, u32)>,
    /// Those that are unusual, the largest first: some of them.
    pub(crate) blocks: Vec<(Block, u32)>,
    /// Numbers that may make a block unusual together with those of other campaigns: some of them.
    pub(crate) near: Vec<Recipient>,
}

/// Counts recipients, each given once, in little memory.
#[derive(Debug, Default)]
pub(crate) struct ReachCounter {
    all: u32,
    countries: Vec<(Country, u32)>,
    blocks: FxHashMap<Block, Counted>,
}

/// A block: how many of it, and the first of them.
#[derive(Debug, Default)]
struct Counted {
    count: u32,
    first: Vec<Recipient>,
}

impl ReachCounter {
    pub(crate) fn count(&mut self, recipient: Recipient) {
        self.all += 1;
        if let Some(country) = Country::of(recipient) {
            match self.countries.iter().position(|(known, _)| *known == country) {
                Some(at) => self.countries[at].1 += 1,
                None if self.countries.len() < COUNTRIES_MAX => self.countries.push((country, 1)),
                None => {}
            }
        }
        // Misra and Gries: one that does not fit takes one from each of the others, so that whoever has more than others stays.
        if self.blocks.len() < BLOCKS_COUNTED || self.blocks.contains_key(&Block::of(recipient)) {
            let counted = self.blocks.entry(Block::of(recipient)).or_default();
            counted.count += 1;
            if counted.first.len() < NEAR_OF_BLOCK {
                counted.first.push(recipient);
            }
        } else {
            self.blocks.retain(|_, counted| {
                counted.count -= 1;
                counted.count > 0
            });
        }
    }

    pub(crate) fn reach(self) -> Reach {
        let mut countries = self.countries;
        countries.sort_by_key(|(_, count)| Reverse(*count));
        let mut counted: Vec<_> = self.blocks.into_iter().collect();
        counted.sort_by_key(|(block, counted)| (Reverse(counted.count), *block));
        let unusual = |(_, count): &(Block, u32)| is_unusual(*count, self.all.into());
        let blocks = counted.iter().map(|(block, counted)| (*block, counted.count));
        let blocks = blocks.filter(unusual).take(BLOCKS_MAX).collect();
        let near = counted.into_iter().flat_map(|(_, counted)| counted.first);
        Reach {
            countries,
            blocks,
            near: near.take(NEAR_MAX).collect(),
        }
    }
}

/// As it is stored, but for the numbers: `FR:120 BE:3 b33612345:25`.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let countries = self
            .countries
            .iter()
            .map(|(country, count)| format!("{country}:{count}"));
        let blocks = self.blocks.iter().map(|(block, count)| format!("b{block}:{count}"));
        f.write_str(&countries.chain(blocks).collect::<Vec<_>>().join(" "))
    }
}

/// What is stored is no reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reach of an audience")]
pub(crate) struct NoReach;

impl FromStr for Reach {
    type Err = NoReach;

    fn from_str(stored: &str) -> Result<Self, NoReach> {
        let mut reach = Self::default();
        for one in stored.split_ascii_whitespace() {
            let (what, count) = one.split_once(':').ok_or(NoReach)?;
            let count = count.parse().map_err(|_| NoReach)?;
            match what.strip_prefix('b') {
                Some(block) => reach.blocks.push((Block(block.parse().map_err(|_| NoReach)?), count)),
                None => reach.countries.push((what.parse().map_err(|_| NoReach)?, count)),
            }
        }
        Ok(reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach_of(numbers: impl IntoIterator<Item = u64>) -> Reach {
        let mut counter = ReachCounter::default();
        numbers.into_iter().for_each(|number| counter.count(Recipient(number)));
        counter.reach()
    }

    /// Numbers of patients: each in a block of its own.
    fn patients(count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(|at| 33_600_000_123 + at * 1_000)
    }

    #[test]
    fn a_block_is_unusual_from_twenty_recipients_and_a_tenth_on() {
        let block = |count: u64| (0..count).map(|at| 33_799_999_000 + at);
        assert_eq!(reach_of(block(19)).blocks, []);
        assert_eq!(reach_of(block(20)).blocks, [(Block(33_799_999), 20)]);
        assert_eq!(
            reach_of(patients(180).chain(block(20))).blocks,
            [(Block(33_799_999), 20)]
        );
        assert_eq!(reach_of(patients(181).chain(block(20))).blocks, []);
        assert_eq!(reach_of(patients(100_000)).blocks, []);
    }

    #[test]
    fn a_block_that_is_used_up_is_found_in_a_large_audience_wherever_its_numbers_stand() {
        let block = |at: u64| 33_799_000_000 + at;
        let mut numbers: Vec<u64> = patients(200_000).chain((0..1_000).map(block)).collect();
        // The generator goes through all numbers, so that no two have the same place.
        numbers.sort_by_key(|number| kit::random::scramble(*number));
        let found = reach_of(numbers);
        let [(Block(33_799_000), count)] = found.blocks[..] else {
            panic!("{found:?}");
        };
        assert!((980..=1_000).contains(&count), "{count}");
        assert_eq!(found.countries, [(Country::FRANCE, 201_000)]);
    }

    #[test]
    fn countries_are_counted_and_a_reach_is_read_as_it_was_stored() {
        let belgians = (0..30).map(|at| 32_470_123_000 + at);
        let reach = reach_of(patients(100).chain(belgians));
        let belgium: Country = "BE".parse().unwrap();
        assert_eq!(reach.countries, [(Country::FRANCE, 100), (belgium, 30)]);
        assert_eq!(reach.blocks, [(Block(32_470_123), 30)]);
        assert_eq!(reach.to_string(), "FR:100 BE:30 b32470123:30");
        let stored: Reach = reach.to_string().parse().unwrap();
        assert_eq!((&stored.countries, &stored.blocks), (&reach.countries, &reach.blocks));
        // Those who are neighbours first, as many as are of use.
        assert_eq!((reach.near.len(), reach.near[19]), (120, Recipient(32_470_123_019)));
        let near = reach_of(patients(1_000)).near;
        assert_eq!(near.len(), NEAR_MAX);
        assert_eq!("".parse(), Ok(Reach::default()));
        assert_eq!("FR".parse::<Reach>(), Err(NoReach));
    }
}
