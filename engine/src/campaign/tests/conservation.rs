//! Credits after a long row of random events.

use super::*;
use crate::domain::ResellerId;
use crate::mirror::{ByOperator, Move, Transferred};
use crate::store::TransferKind;

/// xorshift64: the same numbers for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What random operations work on.
#[derive(Default)]
struct Life {
    campaigns: Vec<CampaignId>,
    leased: Vec<LeasedMessage>,
    accepted: Vec<LeasedMessage>,
}

impl Bench {
    /// One operation, whatever comes of it.
    async fn anything(&self, tenant: TenantId, life: &mut Life, dice: &mut Dice) {
        let id = life
            .campaigns
            .get(dice.roll(life.campaigns.len().max(1) as u64) as usize)
            .copied();
        match (dice.roll(9), id) {
            (0, _) => drop(self.grant(tenant, 1 + dice.roll(200), "more").await.unwrap()),
            (1, _) => {
                let first = dice.roll(1_000);
                life.campaigns
                    .push(self.create(tenant, first..first + 1 + dice.roll(60)).await);
            }
            (2, Some(id)) => drop(self.campaigns.launch(tenant, id).await),
            (3, Some(id)) => drop(self.campaigns.pause(tenant, id).await),
            (4, Some(id)) => drop(self.campaigns.resume(tenant, id).await),
            (5, Some(id)) if dice.roll(6) == 0 => drop(self.campaigns.cancel(tenant, id).await),
            (6, _) => life.leased.extend(self.lease(1 + dice.roll(4) as usize).await),
            (7, _) => {
                let half = life.leased.split_off(life.leased.len() / 2);
                if dice.roll(3) == 0 {
                    self.reject(&half).await
                } else {
                    self.accept(&half).await
                }
                life.accepted.extend(half);
            }
            (8, _) => {
                let some = life.accepted.split_off(life.accepted.len() / 2);
                let status = if dice.roll(2) == 0 {
                    Status::Recredited
                } else {
                    Status::Delivered
                };
                self.receipts(&some, status).await;
            }
            (_, Some(id)) => self.campaigns.books().look(&[(tenant, id)]).await,
            (_, None) => {}
        }
        for id in &life.campaigns {
            self.campaigns.books().look(&[(tenant, *id)]).await;
        }
    }

    /// A reseller gives its tenant something, or takes something back.
    async fn transfer(&self, (reseller, tenant): (ResellerId, TenantId), dice: &mut Dice) {
        let kind = if dice.roll(2) == 0 {
            TransferKind::Give
        } else {
            TransferKind::TakeBack
        };
        let order = Move {
            reseller,
            tenant,
            kind,
            credits: 1 + dice.roll(90),
            reference: "",
            token: self.token(),
        };
        self.mirror.transfer(&order, self.clock.unix()).await.unwrap();
    }

    /// Both sides of each movement come to nothing, and each account has what Redis says.
    async fn is_balanced(&self, (reseller, tenant): (ResellerId, TenantId), when: &str) {
        let credits = self.credits(tenant).await;
        let (accounts, uneven) = self.mirror.books(tenant).await;
        assert_eq!(uneven, [""; 0], "{when}");
        assert_eq!(accounts.values().sum::<i64>(), 0, "{when}: {accounts:?}");
        let has = |account: &str| accounts.get(account).copied().unwrap_or_default();
        let of_tenant = |account: &str| has(&format!("tenant:{}:{account}", tenant.0));
        let wanted = [credits.available, credits.held, credits.spent].map(u64::cast_signed);
        assert_eq!(
            ["available", "held", "spent"].map(of_tenant),
            wanted,
            "{when}: {accounts:?}"
        );
        let balance = self.mirror.balance(reseller).await.unwrap();
        assert_eq!(
            has(&format!("reseller:{}", reseller.0)),
            balance.available.cast_signed(),
            "{when}"
        );
        let on_their_way = accounts
            .iter()
            .find(|(account, credits)| account.starts_with("transfer:") && **credits != 0);
        assert_eq!(on_their_way, None, "{when}");
    }

    /// Everything is sent or given up, and booked.
    async fn wind_up(&self, tenant: TenantId, life: &mut Life, seed: u64) {
        for id in &life.campaigns {
            drop(self.campaigns.resume(tenant, *id).await);
            let launched = |state| !matches!(state, CampaignState::Launching);
            self.until("launched", tenant, *id, |state, _| launched(state)).await;
        }
        loop {
            self.accept(&std::mem::take(&mut life.leased)).await;
            life.leased = self.lease(1_000).await;
            if life.leased.is_empty() {
                break;
            }
        }
        for id in &life.campaigns {
            self.campaigns.books().round().await;
            self.campaigns.books().look(&[(tenant, *id)]).await;
            let counters = self.store.counters(*id).await.unwrap();
            let campaign = self.campaigns.find(tenant, *id).await.unwrap();
            assert_eq!(campaign.held, 0, "seed {seed}: {campaign:?} {counters:?}");
            assert_eq!(campaign.spent, counters.spent(), "seed {seed}: {campaign:?}");
            assert_eq!(campaign.recredited, counters.recredited(), "seed {seed}: {campaign:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credits_are_conserved_whatever_happens() {
    let bench = Bench::start("conserved").await;
    let mut looked = bench.roll_call();
    for seed in 1..=4 {
        let (mut dice, mut life) = (Dice(seed * 0x9E37_79B9), Life::default());
        let tenant = bench.tenant(300).await;
        for step in 0..120 {
            bench.anything(tenant, &mut life, &mut dice).await;
            let credits = bench.credits(tenant).await;
            let sum = credits.available + credits.held + credits.spent;
            assert_eq!(credits.granted, sum, "seed {seed}, step {step}: {credits:?}");
            bench
                .assert_counted(&life.campaigns, &format!("seed {seed}, step {step}"))
                .await;
            if step % 8 == 0 {
                assert_eq!(bench.look(&mut looked).await, [], "seed {seed}, step {step}");
            }
        }
        bench.wind_up(tenant, &mut life, seed).await;
        let credits = bench.credits(tenant).await;
        assert_eq!(
            credits.granted,
            credits.available + credits.spent,
            "seed {seed}: {credits:?}"
        );
        assert_eq!(credits.held, 0, "seed {seed}: {credits:?}");
        assert!(
            credits.spent > 0 && credits.recredited > 0,
            "seed {seed} does too little: {credits:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_movement_of_credits_has_two_sides_and_each_account_what_came_less_what_went() {
    let bench = Bench::start("double-entry").await;
    for seed in 1..=3 {
        let (mut dice, mut life) = (Dice(seed * 0x51ED_2701), Life::default());
        let made = (bench.token(), bench.clock.unix());
        let reseller = bench.mirror.make_reseller("Ostéo Réseau", made).await.unwrap().id;
        let granted = (bench.token(), bench.clock.unix());
        let grant = (reseller, ByOperator::Grant);
        let granted = bench.mirror.book_reseller(grant, (700, "Facture"), granted).await;
        assert_eq!(granted.unwrap(), Transferred::Done);
        let tenant = bench.hosted_tenant(reseller).await;
        bench.grant(tenant, 300, "first").await.unwrap();
        for step in 0..60 {
            bench.anything(tenant, &mut life, &mut dice).await;
            if step % 3 == 0 {
                bench.transfer((reseller, tenant), &mut dice).await;
            }
            if step % 20 == 0 {
                let (take, now) = ((reseller, ByOperator::Withdraw), bench.clock.unix());
                let token = bench.token();
                bench.mirror.book_reseller(take, (17, ""), (token, now)).await.unwrap();
            }
            bench
                .is_balanced((reseller, tenant), &format!("seed {seed}, step {step}"))
                .await;
        }
        bench.wind_up(tenant, &mut life, seed).await;
        bench
            .is_balanced((reseller, tenant), &format!("seed {seed}, at the end"))
            .await;
        let kinds = bench.mirror.ledger(tenant, None, 500).await.unwrap();
        for kind in ["grant", "withdraw", "hold", "debit"] {
            assert!(kinds.iter().any(|line| line.kind == kind), "seed {seed} has no {kind}");
        }
    }
}
