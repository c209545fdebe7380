use kit::random::mix;

use crate::model::Scenario;
use crate::random::Draw;

/// A card that stands for no outcome: a place of the population that the quotas leave to the weights.
const BLANK: u16 = u16::MAX;

/// The quotas as cards: every outcome as often as its quota says, shuffled by the seed.
///
/// Where the scenario names the population, the n-th member owns the n-th card: neither order nor sessions matter.
/// Everybody else draws the last card that nobody has taken. So every card goes to one recipient, and the counts are
/// exact for any list of as many recipients as there are cards, whoever they are.
#[derive(Debug)]
pub(super) struct Deck {
    cards: Vec<u16>,
    taken: Vec<bool>,
    /// Where drawing goes on: all cards from there to the end are taken.
    left: usize,
}

impl Deck {
    pub(super) fn shuffled(scenario: &Scenario) -> Self {
        let mut cards: Vec<u16> = Vec::new();
        for (place, &quota) in scenario.quotas.iter().enumerate() {
            cards.extend(std::iter::repeat_n(place as u16, quota as usize));
        }
        if let Some(known) = scenario.rules.population() {
            cards.resize(cards.len().max(known.count as usize), BLANK);
        }
        shuffle(&mut cards, scenario.seed);
        Self {
            taken: vec![false; cards.len()],
            left: cards.len(),
            cards,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// Takes a card: that one, if it is there still, else the last one that is left and no blank. Its place.
    pub(super) fn draw(&mut self, own: Option<u32>) -> Option<u32> {
        let own = own
            .map(|own| own as usize)
            .filter(|&own| self.taken.get(own) == Some(&false));
        let place = own.or_else(|| self.last())?;
        assert!(!self.taken[place], "a card is dealt twice");
        self.taken[place] = true;
        Some(place as u32)
    }

    fn last(&mut self) -> Option<usize> {
        while let Some(place) = self.left.checked_sub(1) {
            if !self.taken[place] && self.cards[place] != BLANK {
                return Some(place);
            }
            self.left = place;
        }
        None
    }

    /// The outcome on a card; `None` on a blank.
    pub(super) fn outcome(&self, place: u32) -> Option<usize> {
        let card = self.cards.get(place as usize).filter(|&&card| card != BLANK)?;
        Some(usize::from(*card))
    }
}

/// Fisher and Yates' shuffle, driven by the seed.
fn shuffle(cards: &mut [u16], seed: u64) {
    let mut bits = mix(seed ^ Draw::Deck as u64);
    for last in (1..cards.len()).rev() {
        bits = mix(bits);
        cards.swap(last, (bits % (last as u64 + 1)) as usize);
    }
}
