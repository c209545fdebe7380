//! What the numbers of a campaign have had, so that nobody gets it twice who comes to fit it later, and everybody of a family once. Pure.
//!
//! A row says to which number it goes and what it says, and not to whom. So whoever would be told by name what their number was not told
//! is somebody new, or somebody whose name was changed since: of each number as many stay without it as it has texts that nobody would
//! get now, and these are those that have been known for longest.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::domain::Recipient;

/// Those of a campaign. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Had(Arc<Mutex<Texts>>);

#[derive(Debug, Default)]
struct Texts {
    /// By number and what it was told, by a digest: whether somebody who fits the campaign would be told that now.
    told: FxHashMap<(Recipient, u64), bool>,
    /// How many of its texts nobody would get now, as far as it is known; of every number that has any.
    left: FxHashMap<Recipient, u32>,
}

impl Had {
    /// A number was told that.
    pub(super) fn add(&self, number: Recipient, says: u64) {
        self.change(|texts| {
            if texts.told.insert((number, says), false).is_none() {
                *texts.left.entry(number).or_default() += 1;
            }
        });
    }

    /// Whether one of somebody's numbers was told that: then it was told them.
    pub(super) fn has(&self, numbers: &[Recipient], says: u64) -> bool {
        self.change(|texts| {
            let mut has = false;
            for number in numbers {
                let Some(seen) = texts.told.get_mut(&(*number, says)) else {
                    continue;
                };
                has = true;
                if !std::mem::replace(seen, true) {
                    texts.left.entry(*number).and_modify(|left| *left -= 1);
                }
            }
            has
        })
    }

    /// Whether a number was told anything.
    pub(super) fn knows(&self, number: Recipient) -> bool {
        self.change(|texts| texts.left.contains_key(&number))
    }

    /// How many of a number's texts nobody would get now.
    pub(super) fn left(&self, number: Recipient) -> u32 {
        self.change(|texts| texts.left.get(&number).copied().unwrap_or(0))
    }

    /// Those of some who get something now, when all who fit the campaign were seen; they come as they have been known.
    pub(super) fn newest<T>(&self, some: Vec<(Recipient, T)>) -> Vec<T> {
        let mut passed: FxHashMap<Recipient, u32> = FxHashMap::default();
        let is_new = |(number, one): (Recipient, T)| {
            let passed = passed.entry(number).or_default();
            *passed = passed.saturating_add(1);
            (*passed > self.left(number)).then_some(one)
        };
        some.into_iter().filter_map(is_new).collect()
    }

    /// Whole at every instant, so a panic elsewhere does not spoil it.
    fn change<T>(&self, change: impl FnOnce(&mut Texts) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Recipient = Recipient(33_612_345_601);
    const OTHER: Recipient = Recipient(33_612_345_602);
    const ANN: u64 = 1;
    const BOB: u64 = 2;
    const CLEO: u64 = 3;

    fn had(told: &[(Recipient, u64)]) -> Had {
        let had = Had::default();
        told.iter().for_each(|(number, says)| had.add(*number, *says));
        had
    }

    #[test]
    fn who_comes_to_a_family_is_told_by_name_and_nobody_again() {
        let had = had(&[(HOME, ANN), (HOME, BOB)]);
        assert!(had.has(&[HOME], ANN));
        assert!(!had.has(&[HOME], CLEO));
        assert!(had.has(&[OTHER, HOME], BOB), "at one of their numbers");
        assert_eq!(had.left(HOME), 0);
        assert_eq!(had.newest(vec![(HOME, "Cléo")]), ["Cléo"]);
        assert_eq!(had.newest(vec![(OTHER, "Dan"), (OTHER, "Eve")]), ["Dan", "Eve"]);
        assert!(had.knows(HOME) && !had.knows(OTHER));
    }

    #[test]
    fn whose_name_was_changed_is_not_told_again_and_who_is_new_beside_them_is() {
        let had = had(&[(HOME, ANN), (HOME, BOB)]);
        assert!(had.has(&[HOME], BOB));
        assert_eq!(had.left(HOME), 1, "Ann is called Anne now, or fits it no more");
        assert_eq!(had.newest(vec![(HOME, "Anne")]), [""; 0]);
        assert_eq!(had.newest(vec![(HOME, "Anne"), (HOME, "Cléo")]), ["Cléo"]);
        // Seen again it counts once.
        assert!(had.has(&[HOME], BOB));
        assert_eq!(had.left(HOME), 1);
    }
}
