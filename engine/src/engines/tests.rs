//! Several engines on a real Redis: what one has, no other has.

use std::time::Duration;

use crate::campaign::tests::Bench;
use crate::domain::SmscId;
use crate::store::{RateAsk, StoreError, Tenure, TenureAsk, Terms};

const WHOLE: u32 = 1_000_000;

const TERMS: Terms = Terms {
    long: Duration::from_secs(60),
    short: Duration::from_secs(60),
    known: Duration::from_secs(60),
};

/// One engine of some that want seats of one group.
struct Wanting {
    epoch: u32,
    held: Vec<u32>,
}

impl Wanting {
    async fn ask(&mut self, bench: &Bench, total: u32) -> Result<Tenure, StoreError> {
        let wanted = (0..total).filter(|number| !self.held.contains(number)).collect();
        let ask = TenureAsk {
            group: "1:0".to_owned(),
            total,
            held: self.held.clone(),
            wanted,
            usable: true,
        };
        let tenure = bench.store.tenure(self.epoch, TERMS, &[ask]).await?.remove(0);
        self.held = tenure.seats.iter().map(|(number, _)| *number).collect();
        Ok(tenure)
    }

    fn make_room(&mut self, tenure: &Tenure) {
        self.held.truncate(self.held.len() - tenure.surplus);
    }
}

fn engines(count: u32) -> Vec<Wanting> {
    let one = |epoch| Wanting {
        epoch,
        held: Vec::new(),
    };
    (1..=count).map(one).collect()
}

/// No seat is two engines', whoever asks when.
fn are_apart(engines: &[Wanting]) {
    let mut all: Vec<u32> = engines.iter().flat_map(|engine| engine.held.clone()).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[tokio::test]
async fn seats_are_shared_evenly_and_each_is_one_engines() {
    let bench = Bench::start("engines-seats").await;
    let mut engines = engines(3);
    let first = engines[0].ask(&bench, 4).await.unwrap();
    assert_eq!((first.others, first.seats.len(), first.unaware), (0, 4, false));
    let second = engines[1].ask(&bench, 4).await.unwrap();
    assert_eq!((second.others, second.seats.len(), second.unaware), (1, 0, true));
    for _ in 0..4 {
        for at in 0..3 {
            let tenure = engines[at].ask(&bench, 4).await.unwrap();
            engines[at].make_room(&tenure);
            are_apart(&engines);
        }
    }
    let counts: Vec<usize> = engines.iter().map(|engine| engine.held.len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 4, "{counts:?}");
    assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");
    // What one had is free when it is buried, and another's token is a later one.
    let tokens = engines[1].ask(&bench, 4).await.unwrap().seats;
    bench.store.bury(1).await.unwrap();
    engines.remove(0);
    for _ in 0..2 {
        for engine in &mut engines {
            engine.ask(&bench, 4).await.unwrap();
        }
    }
    are_apart(&engines);
    assert_eq!(engines.iter().map(|engine| engine.held.len()).sum::<usize>(), 4);
    let later = engines[0].ask(&bench, 4).await.unwrap().seats;
    let newest = later.iter().map(|(_, token)| *token).max();
    assert!(newest >= tokens.iter().map(|(_, token)| *token).max());
}

#[tokio::test]
async fn shares_of_a_rate_are_never_more_than_the_whole() {
    let bench = Bench::start("engines-rates").await;
    let seed = 7_u64;
    println!("seed {seed}");
    let mut draws = 0;
    let mut below = |most: u64| {
        draws += 1;
        (kit::random::mix(seed.wrapping_add(draws)) % most) as usize
    };
    let mut shares = [0_u32; 4];
    let ask = async |epoch: usize, need: u32, least: u32| {
        let ask = RateAsk {
            smsc: SmscId(1),
            epoch: epoch as u32 + 1,
            keep: Duration::from_secs(60),
            need,
            least,
            takes: WHOLE,
        };
        bench.store.rate_share(&ask).await.unwrap().0
    };
    for _ in 0..300 {
        let who = below(4);
        let need = [0, 100_000, WHOLE][below(3)];
        shares[who] = ask(who, need, 10_000).await;
        assert!(shares.iter().sum::<u32>() <= WHOLE, "{shares:?}");
    }
    // Where all need everything, each has the same; where one does, it has nearly all.
    for _ in 0..2 {
        for (who, share) in shares.iter_mut().enumerate() {
            *share = ask(who, WHOLE, 10_000).await;
        }
    }
    assert_eq!(shares, [WHOLE / 4; 4]);
    for who in [1, 2, 3, 0] {
        shares[who] = ask(who, if who == 0 { WHOLE } else { 0 }, 10_000).await;
    }
    assert!(
        shares[0] >= 960_000 && shares[1..].iter().all(|share| *share >= 10_000),
        "{shares:?}"
    );
    // Of a rate of one a second with a burst of one, two engines have a half each and the others nothing.
    for _ in 0..3 {
        for (who, share) in shares.iter_mut().enumerate() {
            *share = ask(who, WHOLE, 500_000).await;
        }
    }
    assert_eq!(shares, [500_000, 500_000, 0, 0]);
}
