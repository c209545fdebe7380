//! The backlog against a database, without a receiver.

use std::path::Path;

use super::attempt::{Attempt, Rules, judge};
use super::backlog::{DeliveryKind, News};
use super::post::{Answer, NoAnswer};
use super::signature::Secret;
use super::*;
use crate::campaign::tests::Bench;
use crate::database;

const SECOND: Duration = Duration::from_secs(1);
const NOW: UnixMicros = UnixMicros(1_800_000_000_000_000);

pub(crate) async fn open(store: &Store, folder: &Path, settings: config::Webhooks) -> Webhooks {
    let deps = WebhookDeps {
        store: store.clone(),
        database: database::tests::open(folder).await.unwrap(),
        clock: Clock::new(),
        metrics: Metrics::new(9).unwrap(),
        settings,
    };
    Webhooks::open(deps).await.unwrap()
}

fn endpoint(id: u64) -> Endpoint {
    Endpoint {
        id: EndpointId(id),
        tenant: TenantId(1),
        url: "https://example.net/".to_owned(),
        description: String::new(),
        filters: vec!["*".to_owned()],
        secret: Secret::new().unwrap(),
        former: Vec::new(),
        created_at: NOW,
        told_from: NOW,
        failures: 0,
        failing_since: None,
        resting_until: UnixMicros(0),
        disabled: None,
        dropped: 0,
    }
}

fn news(endpoint: &Endpoint) -> News {
    News {
        endpoint: endpoint.id,
        kind: DeliveryKind::Messages,
        news: "[]".to_owned(),
        events: 7,
    }
}

/// What is kept of these, in their order.
async fn kept(database: &Database, endpoint: &Endpoint, count: usize) -> Vec<Delivery> {
    let mut change = database.change().await.unwrap();
    endpoint.save(&mut change).await.unwrap();
    backlog::add(&mut change, &vec![news(endpoint); count], NOW)
        .await
        .unwrap();
    change.commit().await.unwrap();
    backlog::due(database, endpoint.id, NOW, 10_000).await.unwrap()
}

fn attempt(began_at: UnixMicros, code: u16) -> Attempt {
    Attempt {
        began_at,
        took: SECOND,
        result: Ok(Answer {
            code,
            retry_after: None,
        }),
    }
}

#[tokio::test]
async fn an_endpoint_rests_is_disabled_after_its_last_attempt_and_one_of_several_at_once_counts() {
    let folder = tempfile::tempdir().unwrap();
    let database = database::tests::open(folder.path()).await.unwrap();
    let mut endpoint = endpoint(5);
    let mut all = kept(&database, &endpoint, 3).await;
    let rules = |now| Rules {
        retries: &[Duration::ZERO, SECOND, SECOND],
        now,
        chance: 0.0,
    };
    assert!(judge(&mut endpoint, &mut all[0], &attempt(NOW, 500), &rules(NOW)));
    assert!(!judge(&mut endpoint, &mut all[1], &attempt(NOW, 500), &rules(NOW)));
    assert_eq!((endpoint.failures, endpoint.resting_until), (1, NOW.plus(SECOND)));
    assert_eq!(
        (all[0].attempts, all[0].next_at, all[0].code),
        (1, NOW.plus(SECOND), Some(500))
    );
    let silence = Attempt {
        began_at: NOW.plus(SECOND),
        took: SECOND,
        result: Err(NoAnswer::Timeout),
    };
    let later = NOW.plus(2 * SECOND);
    assert!(judge(&mut endpoint, &mut all[2], &silence, &rules(later)));
    assert_eq!((all[2].code, all[2].fault.as_deref()), (None, Some("timeout")));
    let last = NOW.plus(4 * SECOND);
    assert!(judge(&mut endpoint, &mut all[0], &attempt(last, 302), &rules(last)));
    assert_eq!(
        endpoint.disabled.map(|(_, reason)| reason),
        Some(endpoint::Disabled::Failing)
    );
    assert_eq!(endpoint.failing_since, Some(NOW));
    endpoint.disabled = None;
    assert!(judge(&mut endpoint, &mut all[1], &attempt(last, 204), &rules(last)));
    assert_eq!((endpoint.failures, all[1].state), (0, DeliveryState::Delivered));
    judge(&mut endpoint, &mut all[2], &attempt(last, 410), &rules(last));
    assert_eq!(
        endpoint.disabled.map(|(_, reason)| reason),
        Some(endpoint::Disabled::Gone)
    );
}

#[tokio::test]
async fn what_is_old_or_over_leaves_and_what_was_tried_least_is_next() {
    let folder = tempfile::tempdir().unwrap();
    let database = database::tests::open(folder.path()).await.unwrap();
    let endpoint = endpoint(5);
    let all = kept(&database, &endpoint, 1_200).await;
    assert_eq!(all.len(), 1_200);
    let mut change = database.change().await.unwrap();
    for one in &all[..1_100] {
        let told = Delivery {
            state: DeliveryState::Delivered,
            ..one.clone()
        };
        backlog::note(&mut change, &told).await.unwrap();
    }
    let tried = Delivery {
        attempts: 1,
        ..all[1_100].clone()
    };
    backlog::note(&mut change, &tried).await.unwrap();
    backlog::tidy(&mut change, endpoint.id, NOW.minus(SECOND))
        .await
        .unwrap();
    change.commit().await.unwrap();
    let due = backlog::due(&database, endpoint.id, NOW, 100).await.unwrap();
    assert_eq!((due[0].id, due[99].id), (all[1_101].id, all[1_100].id));
    let shown = backlog::page(&database, (endpoint.id, None), None, 10_000)
        .await
        .unwrap();
    assert_eq!((shown.len(), shown[0].id), (1_100, all[1_199].id));
    let mut change = database.change().await.unwrap();
    let dropped = backlog::expire(&mut change, NOW.plus(SECOND)).await.unwrap();
    assert_eq!(dropped, [(endpoint.id, 700)]);
    change.commit().await.unwrap();
    assert!(backlog::waiting(&database).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_goes_on_where_the_last_one_was_and_keeps_the_journal_from_there() {
    let bench = Bench::start("webhooks-places").await;
    let folder = tempfile::tempdir().unwrap();
    let (partition, other) = (Partition(3), Partition(4));
    let webhooks = open(&bench.store, folder.path(), config::Webhooks::default()).await;
    assert_eq!(webhooks.trims(partition, "9-0"), "9-0", "nobody is to be told");
    let database = webhooks.0.database.clone();
    let mut change = database.change().await.unwrap();
    endpoint(5).save(&mut change).await.unwrap();
    let place = (follow::journal_of(partition), "1700000000000-3".to_owned());
    let known = FxHashMap::default();
    let places = [place];
    assert!(backlog::move_on(&mut change, &places, &known).await.unwrap());
    assert!(
        !backlog::move_on(&mut change, &places, &known).await.unwrap(),
        "it was read on elsewhere"
    );
    assert!(
        backlog::move_on(&mut change, &places, &places.iter().cloned().collect())
            .await
            .unwrap()
    );
    change.commit().await.unwrap();
    let again = open(&bench.store, folder.path(), config::Webhooks::default()).await;
    let books = "1900000000000-0";
    assert_eq!(again.trims(partition, books), "1700000000000-3");
    assert_eq!(
        again.trims(other, books),
        "1799999999000-0",
        "from when it was to be told"
    );
    assert_eq!(
        again.trims(other, "1600000000000-0"),
        "1600000000000-0",
        "the books are behind"
    );
    *again.0.read_at.lock().unwrap() = Some(again.0.now().minus(2 * HELD));
    assert_eq!(again.trims(partition, books), books, "it is not waited for any longer");
}
