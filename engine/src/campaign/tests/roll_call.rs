//! Messages that somebody has taken away, or put in two places: found, and mended.

use strum::VariantArray;
use tokio::sync::mpsc;

use super::super::RollCall;
use super::*;
use crate::domain::State;
use crate::guard::Verdict;
use crate::store::Misplaced;

impl Bench {
    pub(super) fn roll_call(&self) -> (RollCall, Metrics) {
        let metrics = Metrics::new(9).unwrap();
        let seen = (self.store.clone(), metrics.clone(), self.clock);
        let (unparked, _) = mpsc::channel(1);
        (RollCall::new(seen, Verdict::unguarded(), unparked), metrics)
    }

    /// Looks everywhere once, with books that have the whole journal. Returns what was found since the start.
    pub(super) async fn look(&self, (roll_call, metrics): &mut (RollCall, Metrics)) -> Vec<(&'static str, u64)> {
        self.campaigns.books().round().await;
        for partition in self.store.all_partitions() {
            roll_call.look_through(partition).await.unwrap();
        }
        roll_call.end_round();
        let total = |kind: &'static str| (kind, metrics.misplaced_messages_total.with_label_values(&[kind]).get());
        let all = Misplaced::VARIANTS.iter().map(|kind| total(kind.code()));
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// Queues a row a second time.
    async fn queue_again(&self, id: CampaignId, leased: &LeasedMessage) {
        let (partition, position) = message(leased).id.place(16);
        let version = self.campaigns.0.deps.routes.version();
        let span: Vec<u8> = [position, 1, version]
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect();
        let key = format!("{{}}spans:1:1:0:{}", id.0);
        self.store
            .tamper(partition, &[b"RPUSH", key.as_bytes(), &span])
            .await
            .unwrap();
        self.store
            .tamper(partition, &[b"HINCRBY", b"{}depth", b"1:1:0", b"1"])
            .await
            .unwrap();
    }

    async fn tamper_with(&self, leased: &LeasedMessage, command: &[&[u8]]) {
        let partition = leased.recipient.partition(16);
        self.store.tamper(partition, command).await.unwrap();
    }
}

/// It surely was not sent, and is due again.
fn unsent() -> Event {
    Event::Deferred {
        back: crate::domain::Back::Unsent,
        traces: None,
        attempts: 1,
        due: UnixMicros(1),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_its_way_is_where_it_belongs_at_every_step() {
    let bench = Bench::start("whereabouts").await;
    let tenant = bench.tenant(1_000).await;
    let (draft, id) = (bench.create(tenant, 500..520).await, bench.create(tenant, 0..200).await);
    let mut looked = bench.roll_call();
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    assert_eq!(bench.look(&mut looked).await, []);
    let leased = bench.lease(5).await;
    assert_eq!(bench.look(&mut looked).await, []);
    bench.accept(&leased).await;
    assert_eq!(bench.look(&mut looked).await, []);
    bench.receipts(&leased, Status::Delivered).await;
    assert_eq!(bench.look(&mut looked).await, []);
    bench.campaigns.cancel(tenant, id).await.unwrap();
    bench.campaigns.launch(tenant, draft).await.unwrap();
    bench.launched(tenant, draft).await;
    assert_eq!(bench.look(&mut looked).await, []);
    let rest = bench.lease(100).await;
    bench.reject(&rest).await;
    assert_eq!(bench.look(&mut looked).await, []);
    assert!(looked.1.roll_call_last_run_timestamp_seconds.get() > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_nowhere_is_in_doubt_and_its_credits_are_settled() {
    let bench = Bench::start("lost").await;
    let tenant = bench.tenant(100).await;
    let id = bench.create(tenant, 0..40).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    let leased = bench.lease(100).await;
    assert_eq!(leased.len(), 40);
    // In a partition each: one while it is with the SMSC, one in doubt, one that has been taken.
    let [unanswered, doubtful, taken] = [0, 20, 39].map(|at| &leased[at..=at]);
    let partitions: HashSet<_> = [unanswered, doubtful, taken]
        .map(|one| one[0].recipient.partition(16))
        .into();
    assert_eq!(partitions.len(), 3);
    bench
        .make(doubtful, |message| {
            (Event::Doubted(traces(message, Mark::Lost)), Note::None)
        })
        .await;
    bench.accept(&[&leased[1..20], &leased[21..]].concat()).await;
    for one in [unanswered, doubtful, taken] {
        let key = one[0].recipient.0.to_be_bytes();
        bench.tamper_with(&one[0], &[b"HDEL", b"{}rec", &key]).await;
    }
    let mut looked = bench.roll_call();
    assert_eq!(bench.look(&mut looked).await, [("lost", 3)]);
    let again = "put back, and not missed again";
    assert_eq!(bench.look(&mut looked).await, [("lost", 3)], "{again}");
    let sums = |counters: &Counters| {
        let statuses: u64 = counters.statuses().iter().map(|(_, count)| count).sum();
        (statuses, counters.in_doubt())
    };
    assert_eq!(sums(&bench.store.counters(id).await.unwrap()), (38, 2));
    // The SMSC's answer comes after all; of the others, nothing.
    let answered = |message: &Message<'_>| {
        assert_eq!((message.state, message.smsc), (State::InDoubt, SmscId::UNKNOWN));
        (accepted(message), Note::Taken(36_180))
    };
    bench.make(unanswered, answered).await;
    let expired = |state| {
        move |message: &Message<'_>| {
            assert_eq!(message.state, state);
            (Event::Expired, Note::None)
        }
    };
    bench.make(doubtful, expired(State::InDoubt)).await;
    bench.make(taken, expired(State::Enroute)).await;
    let others = [&leased[..20], &leased[21..39]].concat();
    bench.receipts(&others, Status::Delivered).await;
    let completed = |state, counters: &Counters| state == CampaignState::Completed && counters.ended() == 40;
    bench.until("completed", tenant, id, completed).await;
    assert_eq!(bench.look(&mut looked).await, [("lost", 3)], "{again}");
    let counters = bench.store.counters(id).await.unwrap();
    assert_eq!((sums(&counters), counters.spent()), ((40, 0), 39));
    let credits = bench.credits(tenant).await;
    assert_eq!((credits.held, credits.available, credits.spent), (0, 61, 39));
}

/// One segment with that mark.
fn traces(message: &Message<'_>, mark: Mark) -> Traces {
    message.traces_or(mark, 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_two_places_stays_in_the_later_one() {
    let bench = Bench::start("doubled").await;
    let tenant = bench.tenant(100).await;
    let id = bench.create(tenant, 0..60).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    let leased = bench.lease(2).await;
    let (ended, under_way) = leased.split_at(1);
    bench.reject(ended).await;
    // One that has ended, and one that is under way, are queued again.
    for message in [&ended[0], &under_way[0]] {
        bench.queue_again(id, message).await;
    }
    // One is twice in its record; one has ended, and is in its record again.
    let (twice, once_more) = (&under_way[1], &ended[0]);
    let record = [&twice.message[..], &twice.message[..]].concat();
    let key = twice.recipient.0.to_be_bytes();
    bench.tamper_with(twice, &[b"HSET", b"{}rec", &key, &record]).await;
    let key = once_more.recipient.0.to_be_bytes();
    bench
        .tamper_with(once_more, &[b"HSET", b"{}rec", &key, &once_more.message])
        .await;
    let mut looked = bench.roll_call();
    let found = [("queued_twice", 1), ("recorded_twice", 1), ("ended_twice", 1)];
    assert_eq!(bench.look(&mut looked).await, found);
    assert_eq!(bench.look(&mut looked).await, found);
    // Everything else is leased once.
    let rest = bench.lease(100).await;
    assert_eq!(ids(&rest).len(), rest.len());
    assert_eq!(leased.len() + rest.len(), 60);
    assert!(ids(&rest).is_disjoint(&ids(&leased)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_never_have_been_leased_is_leased() {
    let bench = Bench::start("adrift").await;
    let tenant = bench.tenant(100).await;
    let id = bench.create(tenant, 0..40).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    let leased = bench.lease(1).await;
    bench.make(&leased, |_| (unsent(), Note::None)).await;
    for partition in bench.store.all_partitions() {
        bench
            .store
            .tamper(partition, &[b"DEL", b"{}ring:1:1:0", b"{}due:1:1:0"])
            .await
            .unwrap();
    }
    assert_eq!(bench.lease(100).await.len(), 0);
    let mut looked = bench.roll_call();
    let lines = bench.store.all_partitions().count() as u64;
    let found = bench.look(&mut looked).await;
    assert_eq!(found[0], ("never_due", leased.len() as u64));
    assert!(found[1].0 == "adrift" && found[1].1 <= lines, "{found:?}");
    assert_eq!(bench.look(&mut looked).await, found);
    assert_eq!(bench.lease(100).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_spans_that_are_lost_nobody_waits_and_nothing_is_counted_as_queued() {
    let bench = Bench::start("spans-lost").await;
    let tenant = bench.tenant(1_000).await;
    let (first, second) = (bench.create(tenant, 0..100).await, bench.create(tenant, 200..300).await);
    for id in [first, second] {
        bench.campaigns.launch(tenant, id).await.unwrap();
        bench.launched(tenant, id).await;
    }
    let key = format!("{{}}spans:1:1:0:{}", first.0);
    let in_some: Vec<Partition> = bench.store.all_partitions().take(8).collect();
    for partition in &in_some {
        bench.store.tamper(*partition, &[b"DEL", key.as_bytes()]).await.unwrap();
    }
    let leased = bench.lease(100).await;
    let of = |id: CampaignId| {
        leased
            .iter()
            .filter(|leased| message(leased).id.campaign() == id)
            .count()
    };
    assert_eq!(of(second), 100);
    let lost = 100 - of(first) as u64;
    assert!(lost > 0);
    let mut looked = bench.roll_call();
    assert_eq!(bench.look(&mut looked).await, [("lost", lost)]);
    let found = bench.look(&mut looked).await;
    assert_eq!(found, [("lost", lost), ("miscounted", lost)]);
    assert_eq!(bench.look(&mut looked).await, found);
    for partition in bench.store.all_partitions() {
        let counted: i64 = bench.store.depths(partition).await.unwrap().values().sum();
        assert_eq!(counted, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_without_spans_is_left_before_anybody_leases_from_it() {
    let bench = Bench::start("line-left").await;
    let tenant = bench.tenant(1_000).await;
    let id = bench.create(tenant, 0..100).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    let key = format!("{{}}spans:1:1:0:{}", id.0);
    for partition in bench.store.all_partitions() {
        bench.store.tamper(partition, &[b"DEL", key.as_bytes()]).await.unwrap();
    }
    let mut looked = bench.roll_call();
    assert_eq!(bench.look(&mut looked).await, [("lost", 100)]);
    let queued = bench.store.queued_of(Partition(0), &[id]).await.unwrap();
    assert_eq!((queued[0].adrift, queued[0].by_line.len()), (0, 0));
    // What is counted wrongly while something moves is looked at again, and not before.
    bench
        .store
        .tamper(Partition(3), &[b"HINCRBY", b"{}depth", b"1:0:0", b"7"])
        .await
        .unwrap();
    assert_eq!(bench.look(&mut looked).await, [("lost", 100), ("miscounted", 100)]);
    assert_eq!(bench.look(&mut looked).await, [("lost", 100), ("miscounted", 107)]);
    assert_eq!(bench.lease(100).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_moves_while_it_is_looked_for_is_not_missed() {
    let bench = Bench::start("moving").await;
    let tenant = bench.tenant(100_000).await;
    let mut looked = bench.roll_call();
    let lives = async {
        for round in 0..6 {
            let id = bench.create(tenant, round * 1_000..round * 1_000 + 3_000).await;
            bench.campaigns.launch(tenant, id).await.unwrap();
            bench.launched(tenant, id).await;
            let mut leased = bench.lease(20).await;
            while !leased.is_empty() {
                let (some, others) = leased.split_at(leased.len() / 2);
                bench.accept(some).await;
                let (deferred, refused) = others.split_at(others.len() / 2);
                bench.make(deferred, |_| (unsent(), Note::None)).await;
                bench.reject(refused).await;
                bench.receipts(some, Status::Delivered).await;
                leased = bench.lease(20).await;
            }
        }
    };
    let mut lives = std::pin::pin!(lives);
    let mut rounds = 0;
    loop {
        tokio::select! {
            () = &mut lives => break,
            found = bench.look(&mut looked) => assert_eq!(found, []),
        }
        rounds += 1;
    }
    assert!(rounds > 3, "{rounds}");
    assert_eq!(bench.look(&mut looked).await, []);
}
