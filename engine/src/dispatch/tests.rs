//! Leases and the sweep on a real Redis: nothing is leased twice, and what nobody moves is ended in its time, and not before.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::leases::{Leases, Wanted};
use super::pending::Pending;
use super::{Bells, Sweeper};
use crate::bind::Seats;
use crate::campaign::tests::{Bench, smsc_id};
use crate::clock::pass;
use crate::config::{self, InDoubt};
use crate::domain::{
    CampaignId, Event, GateId, Mark, Message, Note, Partition, Recipient, SmscId, State, Trace, Traces,
};
use crate::guard::Verdict;
use crate::metrics::Metrics;
use crate::outcome::Meanings;
use crate::store::{LeasedMessage, ParkedOf};

const HOUR: Duration = Duration::from_secs(3_600);

/// A bench with a campaign of 40 messages, all of them leased by a process of epoch 1, and who sweeps behind it.
struct Swept {
    bench: Bench,
    campaign: CampaignId,
    leased: Vec<LeasedMessage>,
    sweeper: Sweeper,
    _unparked: mpsc::Receiver<Vec<ParkedOf>>,
}

impl Swept {
    async fn start(name: &str) -> Self {
        let bench = Bench::start(name).await;
        assert_eq!(bench.store.new_epoch(&[1]).await.unwrap(), 1);
        let tenant = bench.tenant(1_000).await;
        let campaign = bench.create(tenant, 0..40).await;
        bench.campaigns.launch(tenant, campaign).await.unwrap();
        bench.launched(tenant, campaign).await;
        let leased = bench.lease(1_000).await;
        assert_eq!(leased.len(), 40);
        let (unparked, receiver) = mpsc::channel(16);
        let times = (bench.clock, Metrics::new(9).unwrap(), Seats::all_ours());
        let leases = Leases::new(&bench.store, times, (unparked.clone(), 1)).await.unwrap();
        let sweeper = Sweeper {
            store: bench.store.clone(),
            leases: Arc::new(leases),
            clock: bench.clock,
            verdict: Verdict::unguarded(),
            in_doubt: InDoubt::Hold,
            meanings: Meanings::of(&config::Smsc::new("any", "", "")).unwrap(),
            receipt_timeout: 72 * HOUR,
            receipt_overdue: 25 * HOUR,
            name: Arc::new(|id| (id == SmscId(1)).then(|| "north".to_owned())),
            metrics: Metrics::new(9).unwrap(),
            trails_kept: 240 * HOUR,
            has_duty: Arc::new(|| true),
            alone: false,
            unparked,
            bells: Bells::default(),
        };
        Self {
            bench,
            campaign,
            leased,
            sweeper,
            _unparked: receiver,
        }
    }

    async fn accept(&self) {
        let at = self.bench.clock.unix();
        let accepted = |message: &Message<'_>| {
            let traces = Traces {
                at,
                segments: vec![Trace {
                    mark: Mark::Taken,
                    smsc_id: smsc_id(message),
                }],
            };
            (Event::Accepted(traces), Note::Taken(36_180))
        };
        self.bench.make(&self.leased, accepted).await;
    }

    async fn expire(&self) {
        let mut pending = Pending::default();
        for partition in self.bench.store.all_partitions() {
            self.sweeper.expire(partition, &mut pending).await.unwrap();
        }
        self.sweeper.show(&pending);
    }

    /// Of the SMSC: messages whose receipt has not come, those of which it should have, and for how many hours the oldest waits.
    fn pending(&self) -> (i64, i64, u64) {
        let metrics = &self.sweeper.metrics;
        let count = |gauge: &prometheus::IntGaugeVec| gauge.with_label_values(&["north"]).get();
        let age = metrics
            .receipts_pending_oldest_age_seconds
            .with_label_values(&["north"])
            .get();
        (
            count(&metrics.receipts_pending),
            count(&metrics.receipts_overdue),
            (age / 3_600.0).round() as u64,
        )
    }

    /// The states of the campaign's messages that did not end, and how those ended that did.
    async fn all(&self) -> (Vec<State>, Vec<&str>) {
        self.bench.campaigns.books().round().await;
        let (mut states, mut endings) = (Vec::new(), Vec::new());
        for partition in self.bench.store.all_partitions() {
            let looked = self
                .bench
                .store
                .look(self.campaign, partition, (0, 1_000))
                .await
                .unwrap();
            for row in looked.rows {
                states.extend(row.state);
                endings.extend(row.result.map(|result| result.ending.word()));
            }
        }
        (states, endings)
    }
}

#[tokio::test]
async fn a_message_without_a_receipt_ends_when_the_time_for_receipts_is_over() {
    let swept = Swept::start("sweep-receipts").await;
    swept.accept().await;
    swept.expire().await;
    assert_eq!(swept.pending(), (40, 0, 0));
    pass(71 * HOUR).await;
    swept.expire().await;
    assert_eq!(swept.pending(), (40, 40, 71));
    assert_eq!(swept.all().await, (vec![State::Enroute; 40], vec![]));
    pass(2 * HOUR).await;
    swept.expire().await;
    assert_eq!(swept.all().await, (vec![], vec!["transmitted"; 40]));
    swept.expire().await;
    assert_eq!(swept.pending(), (0, 0, 0));
}

#[tokio::test]
async fn leases_of_a_dead_process_are_put_in_doubt_once_it_is_silent() {
    let mut swept = Swept::start("sweep-dead").await;
    // Another process's last sign of life.
    swept.bench.store.beat(&[1]).await.unwrap();
    swept.sweeper.recover().await.unwrap();
    assert_eq!(swept.all().await, (vec![State::Leased; 40], vec![]));
    // A database of our own: whoever was there before is dead.
    swept.sweeper.alone = true;
    swept.sweeper.recover().await.unwrap();
    assert_eq!(swept.all().await, (vec![State::InDoubt; 40], vec![]));
}

#[tokio::test]
async fn what_was_leased_under_an_epoch_that_began_meanwhile_is_not_leased_again_after_a_silence() {
    let bench = Bench::start("lease-meanwhile").await;
    let tenant = bench.tenant(1_000).await;
    let campaign = bench.create(tenant, 0..400).await;
    bench.campaigns.launch(tenant, campaign).await.unwrap();
    bench.launched(tenant, campaign).await;
    let (unparked, _receiver) = mpsc::channel(16);
    let times = (bench.clock, Metrics::new(9).unwrap(), Seats::all_ours());
    let leases = Leases::new(&bench.store, times, (unparked, 1)).await.unwrap();
    let ((routes, version), stop) = (bench.routes(), CancellationToken::new());
    let some_of = async |partition| {
        let wanted = Wanted {
            smsc: SmscId(1),
            partition: Partition(partition),
            segments: 3,
            routes: &routes,
            gates: &[GateId::OPEN],
            version,
        };
        let got = leases.lease(&wanted, &stop).await.unwrap();
        assert!(!got.messages.is_empty());
        let recipients: Vec<Recipient> = got.messages.iter().map(|leased| leased.recipient).collect();
        (got.lease.epoch, recipients)
    };
    let (before, _) = some_of(0).await;
    let (_, turn) = leases.turns().next().unwrap();
    let mut turn = turn.lock().await;
    // It waits for the first of the turns.
    let after_the_silence = leases.begin_anew();
    tokio::pin!(after_the_silence);
    tokio::select! {
        biased;
        _ = &mut after_the_silence => panic!("it did not wait"),
        () = std::future::ready(()) => {}
    }
    leases.leave(&mut turn).await;
    let (epoch, first) = some_of(1).await;
    assert_ne!(epoch, before);
    drop(turn);
    after_the_silence.await.unwrap();
    let (_, second) = some_of(1).await;
    assert!(first.iter().all(|recipient| !second.contains(recipient)));
}
