//! The journal of a real Redis, written down.

use std::time::Duration;

use super::*;
use crate::campaign::tests::Bench;
use crate::database;
use crate::domain::{Message, MessageId, Recipient, TenantId};
use crate::store::{JOURNAL_READ_MAX, LeasedMessage};

async fn history(bench: &Bench, settings: config::History) -> History {
    let deps = HistoryDeps {
        store: bench.store.clone(),
        database: database::tests::open(bench.folder()).await.unwrap(),
        clock: bench.clock,
        metrics: Metrics::new(9).unwrap(),
        settings,
        webhooks: None,
        fullness: Fullness::default(),
        names: Arc::new(|_| Some("north".to_owned())),
        prices: Arc::new(|_| None),
        erased: bench.mirror.erased(),
    };
    History::open(deps).await.unwrap()
}

async fn all(history: &History, tenant: TenantId) -> Vec<Past> {
    history.find(tenant, &Asked::default(), 1_000).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_remembered_once_with_the_last_that_is_known_of_it() {
    let bench = Bench::start("history").await;
    let (tenant, other) = (bench.tenant(1_000).await, bench.tenant(1_000).await);
    let campaign = bench.create(tenant, 0..100).await;
    bench.campaigns.launch(tenant, campaign).await.unwrap();
    bench.launched(tenant, campaign).await;
    let leased = bench.lease(3).await;
    bench.accept(&leased).await;
    let first = history(&bench, config::History::default()).await;
    assert!(!first.0.step(&mut None).await.unwrap().more);
    let taken = all(&first, tenant).await;
    assert_eq!(taken.len(), leased.len());
    assert!(all(&first, other).await.is_empty());
    let id = |leased: &LeasedMessage| Message::unpack(leased.recipient, &leased.message).unwrap().0.id;
    let ids: std::collections::HashSet<MessageId> = leased.iter().map(id).collect();
    for past in &taken {
        assert!(ids.contains(&past.id));
        assert_eq!(
            (past.status.as_str(), past.reason.as_str(), past.credits),
            ("transmitted", "", 1)
        );
        assert!(past.taken_at.is_some() && past.ended_at.is_none());
        assert_eq!(first.message(tenant, past.id).await.unwrap().as_ref(), Some(past));
        assert_eq!(first.message(other, past.id).await.unwrap(), None);
    }
    // Another process goes on where this one was, and what was read already is not read again.
    let second = history(&bench, config::History::default()).await;
    let rows = |history: &History| history.0.deps.metrics.history_rows_total.get();
    second.0.step(&mut None).await.unwrap();
    assert_eq!(rows(&second), 0);
    bench.campaigns.cancel(tenant, campaign).await.unwrap();
    bench.campaigns.books().round().await;
    second.0.step(&mut None).await.unwrap();
    // What was stopped before anything was done for it has no history.
    assert_eq!(all(&second, tenant).await.len(), leased.len());

    let one = &taken[0];
    let asked = async |asked: Asked| second.find(tenant, &asked, 1_000).await.unwrap().len();
    let by_number = Asked {
        recipient: Some(one.recipient),
        ..Asked::default()
    };
    assert_eq!(asked(by_number).await, 1);
    let stranger = Asked {
        recipient: Some(Recipient(1)),
        ..Asked::default()
    };
    assert_eq!(asked(stranger).await, 0);
    for (id, found) in [(campaign, leased.len()), (crate::domain::CampaignId(campaign.0 + 1), 0)] {
        let of_campaign = Asked {
            campaign: Some(id),
            ..Asked::default()
        };
        assert_eq!(asked(of_campaign).await, found);
    }
    let mut pages = Vec::new();
    let mut page = Asked::default();
    loop {
        let some = second.find(tenant, &page, 7).await.unwrap();
        page.behind = some.last().map(|last| last.place);
        pages.extend(some.iter().map(|past| past.id));
        if some.len() < 7 {
            break;
        }
    }
    pages.sort_unstable();
    let mut expected: Vec<MessageId> = ids.into_iter().collect();
    expected.sort_unstable();
    assert_eq!(pages, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_waits_until_it_is_written_down_and_no_longer() {
    let bench = Bench::start("history-trim").await;
    let tenant = bench.tenant(1_000).await;
    let campaign = bench.create(tenant, 0..200).await;
    bench.campaigns.launch(tenant, campaign).await.unwrap();
    bench.launched(tenant, campaign).await;
    let leased = bench.lease(200).await;
    bench.accept(&leased).await;
    bench.campaigns.books().round().await;
    let small = config::History {
        journal_max: 1,
        ..config::History::default()
    };
    let history = history(&bench, small).await;
    // Nothing was read of it: all of it stays, whatever the books say.
    assert_eq!(history.trims(Partition(0), "1-0"), "");
    history.0.look_at_room().await.unwrap();
    assert!(history.0.deps.fullness.get());
    history.0.step(&mut None).await.unwrap();
    for partition in bench.store.all_partitions() {
        let left = bench.store.journal(partition, "").await.unwrap();
        assert!(left.len() <= 1, "{} {}", partition.0, left.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_old_is_forgotten() {
    let bench = Bench::start("history-old").await;
    let tenant = bench.tenant(1_000).await;
    let campaign = bench.create(tenant, 0..20).await;
    bench.campaigns.launch(tenant, campaign).await.unwrap();
    bench.launched(tenant, campaign).await;
    let leased = bench.lease(20).await;
    bench.accept(&leased).await;
    let stop = CancellationToken::new();
    for (keep, left) in [(Duration::from_secs(3_600), leased.len()), (Duration::ZERO, 0)] {
        let settings = config::History {
            keep,
            ..config::History::default()
        };
        let history = history(&bench, settings).await;
        history.0.step(&mut None).await.unwrap();
        let last = all(&history, tenant)
            .await
            .first()
            .and_then(|past| past.taken_at)
            .unwrap();
        while bench.clock.unix().0 / 1_000 <= last.unsigned_abs() {
            tokio::task::yield_now().await;
        }
        if left > 0 {
            // Behind what is young, and more than is looked at in one change.
            let age = Sql::new("UPDATE message SET at = 1 WHERE id = (SELECT MAX(id) FROM message)");
            let mut change = history.0.deps.database.change().await.unwrap();
            change.run(age).await.unwrap();
            change.commit().await.unwrap();
        }
        let looked_to = history.forget_old((i64::MIN, 4), &stop).await.unwrap();
        assert_eq!(looked_to, i64::MIN, "to the end");
        assert_eq!(all(&history, tenant).await.len(), left.saturating_sub(1));
    }
}

/// The groups of a tenant's messages, each as its keys, its messages and what is skipped.
async fn groups(history: &History, tenant: TenantId, by: &[Dimension]) -> Vec<(Vec<Option<String>>, u64, u64)> {
    let question = Question {
        tenant: Some(tenant),
        ..Question::of_all(by.to_vec(), UnixMicros(u64::MAX / 2))
    };
    let found = history.statistics(&question).await.unwrap().unwrap();
    let shown = |group: Group| (group.keys, group.sums.statuses.iter().sum(), group.sums.skipped);
    found.into_iter().map(shown).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_put_together_by_what_campaigns_were_when_these_are_gone() {
    let bench = Bench::start("history-figures").await;
    let (tenant, other) = (bench.tenant(1_000).await, bench.tenant(1_000).await);
    let campaign = bench.create(tenant, 0..50).await;
    bench.campaigns.launch(tenant, campaign).await.unwrap();
    bench.launched(tenant, campaign).await;
    let leased = bench.lease(50).await;
    bench.accept(&leased).await;
    let history = history(&bench, config::History::default()).await;
    history.0.step(&mut None).await.unwrap();
    bench.store.retire(tenant, campaign).await.unwrap();
    let all = leased.len() as u64;
    let text = |text: &str| Some(text.to_owned());
    for (by, keys) in [
        (vec![], vec![]),
        (vec![Dimension::Campaign], vec![text(&campaign.to_string())]),
        (
            vec![Dimension::Purpose, Dimension::Smsc],
            vec![text("marketing"), text("north")],
        ),
        (vec![Dimension::Country], vec![text("FR")]),
        (vec![Dimension::Category], vec![None]),
        (vec![Dimension::Status], vec![text("transmitted")]),
        (vec![Dimension::Tenant], vec![text(&tenant.to_string())]),
    ] {
        assert_eq!(groups(&history, tenant, &by).await, [(keys, all, 0)], "{by:?}");
    }
    for by in [Dimension::Hour, Dimension::Day, Dimension::Week, Dimension::Month] {
        let found = groups(&history, tenant, &[by]).await;
        assert_eq!(
            found.iter().map(|(_, messages, _)| messages).sum::<u64>(),
            all,
            "{by:?}"
        );
        assert!(found.iter().all(|(keys, ..)| keys[0].is_some()));
    }
    assert_eq!(groups(&history, other, &[Dimension::Smsc]).await, []);
    assert_eq!(Dimension::OF_TENANT.last(), Some(&"country"));
}

#[tokio::test]
async fn the_lag_rises_while_the_database_is_away() {
    let bench = Bench::start("history-lag").await;
    let tenant = bench.tenant(1_000).await;
    let campaign = bench.create(tenant, 0..20).await;
    bench.campaigns.launch(tenant, campaign).await.unwrap();
    bench.launched(tenant, campaign).await;
    let leased = bench.lease(20).await;
    let history = history(&bench, config::History::default()).await;
    history.0.watched_step(&mut None).await.unwrap();
    let lag = || history.0.deps.metrics.history_lag_seconds.get();
    assert!(lag() < 60.0, "{}", lag());
    bench.accept(&leased).await;
    history.0.deps.database.close().await;
    crate::clock::pass(Duration::from_secs(700)).await;
    assert!(history.0.watched_step(&mut None).await.is_err());
    assert!(lag() >= 700.0, "{}", lag());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_next_is_read_while_this_is_written_down_and_dropped_when_another_has_read_on() {
    let bench = Bench::start("history-ahead").await;
    let tenant = bench.tenant(10_000).await;
    let campaign = bench.create(tenant, 0..5_000).await;
    bench.campaigns.launch(tenant, campaign).await.unwrap();
    bench.launched(tenant, campaign).await;
    let mut taken = 0;
    // Each makes an entry in the journal of each partition: more than a step reads.
    for _ in 0..JOURNAL_READ_MAX + 20 {
        let leased = bench.lease(1).await;
        bench.accept_unbooked(&leased).await;
        taken += leased.len() as u64;
    }
    let first = history(&bench, config::History::default()).await;
    let second = history(&bench, config::History::default()).await;
    let (mut ahead, mut stale) = (None, None);
    assert!(first.0.step(&mut ahead).await.unwrap().more);
    assert!(ahead.is_some(), "nothing has it rest");
    // Another process finds what it has read written down, and goes on where this one is.
    assert!(second.0.step(&mut stale).await.unwrap().more);
    assert!(stale.is_none());
    while second.0.step(&mut stale).await.unwrap().more {}
    // So does this one, when it has read what that one wrote down.
    first.0.step(&mut ahead).await.unwrap();
    assert!(ahead.is_none());
    let rows = |history: &History| history.0.deps.metrics.history_rows_total.get();
    assert_eq!(rows(&first) + rows(&second), taken);
    first.0.step(&mut ahead).await.unwrap();
    assert_eq!(rows(&first) + rows(&second), taken);
}
