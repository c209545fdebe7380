//! Campaigns of contacts: whom they mean is found out at the launch.

use super::*;
use crate::people::Given;
use crate::store::Begun;

fn person(number: u64, first: &str, tags: &[&str]) -> Given {
    Given {
        number: Some(Some(Recipient(33_600_000_000 + number))),
        first_name: Some(first.to_owned()),
        tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        ..Given::default()
    }
}

fn order(audience: &str) -> String {
    format!(
        r#"{{"name": "Rappel", "text": "Bonjour [Prenom|vous]", "sender": "Clinique", "purpose": "transactional", "audience": {audience}}}"#
    )
}

impl Bench {
    async fn create_of(&self, tenant: TenantId, audience: &str) -> Result<CampaignId, CampaignFault> {
        let body = order(audience);
        let created = self.campaigns.create(tenant, std::io::Cursor::new(body)).await?;
        Ok(created.campaign.id)
    }

    async fn is_in(&self, (tenant, id): (TenantId, CampaignId), state: CampaignState) -> Campaign {
        self.until(state.code(), tenant, id, |now, _| now == state).await;
        self.campaigns.find(tenant, id).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_added_before_the_launch_is_meant_and_who_is_excluded_is_not() {
    let bench = Bench::start("resolving").await;
    let tenant = bench.tenant(100).await;
    let mut people = vec![
        person(1, "Zoé", &["vip"]),
        person(2, "Hugo", &["vip", "presse"]),
        person(3, "Lou", &[]),
    ];
    // A family: one message to each who is named otherwise.
    people.push(person(1, "Tom", &["vip"]));
    bench.people.upsert(tenant, &people, (None, None)).await.unwrap();
    let audience = r#"{"filter": {"field": "tag", "is": "VIP"}, "numbers": "+33600000001;+33600000009,+33600000002",
        "exclude": {"filter": {"field": "tag", "is": "presse"}}}"#;
    let id = bench.create_of(tenant, audience).await.unwrap();
    let draft = bench.campaigns.find(tenant, id).await.unwrap();
    assert_eq!((draft.state, draft.total), (CampaignState::Draft, 0));
    let late = [person(4, "Late", &["vip"])];
    bench.people.upsert(tenant, &late, (None, None)).await.unwrap();
    let estimate = serde_json::to_value(bench.campaigns.estimate(tenant, id).await.unwrap()).unwrap();
    assert_eq!(estimate["max"]["recipients"], 4, "{estimate}");
    assert_eq!(
        bench.campaigns.launch(tenant, id).await.unwrap(),
        CampaignState::Resolving
    );
    let running = bench.is_in((tenant, id), CampaignState::Running).await;
    assert_eq!((running.total, running.held, running.duplicates), (4, 4, 1));
    let page = bench
        .campaigns
        .recipients((tenant, id), &Which::default(), (PageCursor::START, 10))
        .await
        .unwrap();
    let mut numbers: Vec<u64> = page.rows.iter().map(|row| row.recipient.0 - 33_600_000_000).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 1, 4, 9]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audience_of_nobody_and_one_that_is_gone_are_drafts_again_with_the_reason() {
    let bench = Bench::start("resolving-none").await;
    let tenant = bench.tenant(100).await;
    let list = bench.people.make_list(tenant, "Marathon").await.unwrap();
    let audience = format!(r#"{{"lists": ["{}"]}}"#, list.id);
    let (empty, gone) = (
        bench.create_of(tenant, &audience).await.unwrap(),
        bench.create_of(tenant, &audience).await.unwrap(),
    );
    bench.campaigns.launch(tenant, empty).await.unwrap();
    let refused = bench.is_in((tenant, empty), CampaignState::Draft).await;
    assert_eq!(refused.refused.as_deref(), Some("empty_audience"));
    // Launched again at once: the first may not be wholly over.
    bench.campaigns.launch(tenant, empty).await.unwrap();
    bench.is_in((tenant, empty), CampaignState::Draft).await;
    bench.people.forget_list(tenant, list.id).await.unwrap();
    bench.campaigns.launch(tenant, gone).await.unwrap();
    let refused = bench.is_in((tenant, gone), CampaignState::Draft).await;
    assert_eq!(refused.refused.as_deref(), Some("list_gone"));
    let unknown = bench.create_of(tenant, &audience).await;
    assert!(matches!(unknown, Err(CampaignFault::Fields(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_that_its_process_left_behind_is_begun_again() {
    let bench = Bench::start("resolving-again").await;
    let tenant = bench.tenant(10).await;
    let people: Vec<Given> = (0..5).map(|at| person(at, "P", &[])).collect();
    bench.people.upsert(tenant, &people, (None, None)).await.unwrap();
    let id = bench.create_of(tenant, r#"{"filter": {}}"#).await.unwrap();
    let (owner, dead) = ((tenant, id), 99);
    assert_eq!(
        bench
            .store
            .begin_resolving(owner, (&[CampaignState::Draft], 0), dead)
            .await
            .unwrap(),
        Begun::Yes
    );
    // Whom it means is not known: launched now, it would go to nobody, or to some for nothing.
    let early = bench.campaigns.launch(tenant, id).await;
    assert!(
        matches!(early, Err(CampaignFault::AlreadyStarted(CampaignState::Resolving))),
        "{early:?}"
    );
    bench.campaigns.take_over_resolving().await.unwrap();
    let running = bench.is_in(owner, CampaignState::Running).await;
    assert_eq!((running.total, running.held), (5, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_that_is_short_blocks_what_was_found_out_and_a_cancel_ends_it() {
    let bench = Bench::start("resolving-short").await;
    let tenant = bench.tenant(1).await;
    let people = [person(1, "A", &[]), person(2, "B", &[])];
    bench.people.upsert(tenant, &people, (None, None)).await.unwrap();
    let id = bench.create_of(tenant, r#"{"filter": {}}"#).await.unwrap();
    bench.campaigns.launch(tenant, id).await.unwrap();
    let blocked = bench.is_in((tenant, id), CampaignState::Blocked).await;
    assert_eq!((blocked.estimate_credits, blocked.held), (2, 0));
    bench.grant(tenant, 1, "second").await.unwrap();
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.is_in((tenant, id), CampaignState::Running).await;
    let other = bench.create_of(tenant, r#"{"filter": {}}"#).await.unwrap();
    assert_eq!(
        bench
            .store
            .begin_resolving((tenant, other), (&[CampaignState::Draft], 0), 1)
            .await
            .unwrap(),
        Begun::Yes
    );
    let canceled = bench.campaigns.cancel(tenant, other).await.unwrap();
    assert_eq!(canceled, CampaignState::Canceled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_taken_for_dead_changes_nothing_of_what_another_has_found() {
    let bench = Bench::start("resolving-fenced").await;
    let tenant = bench.tenant(100).await;
    let everybody: Vec<Given> = (1..=40).map(|number| person(number, "Zoé", &[])).collect();
    bench.people.upsert(tenant, &everybody, (None, None)).await.unwrap();
    let id = bench.create_of(tenant, r#"{"filter": {}}"#).await.unwrap();
    let (owner, store) = ((tenant, id), &bench.store);
    // One that began, and stands still since.
    let late = store.begin_finding(owner).await.unwrap();
    store.clear_found(id, late).await.unwrap();
    bench.campaigns.launch(tenant, id).await.unwrap();
    let running = bench.is_in(owner, CampaignState::Running).await;
    assert_eq!((running.total, running.finding), (40, late + 1));
    let batch = RowBatch {
        partition: Partition(0),
        position: 0,
        rows: Vec::new(),
        spans: Vec::new(),
    };
    let taken_over = |done: Result<(), StoreError>| matches!(done, Err(StoreError::TakenOver));
    let more = store.add_rows((id, &running.cipher), (0, late), &[batch]).await;
    assert!(taken_over(more));
    assert!(taken_over(store.clear_found(id, late).await));
    let rows = store.audience(id, &[(Partition(0), 0)], 1).await.unwrap();
    let other = vec![(Partition(0), 0, b"another".to_vec())];
    assert!(taken_over(store.set_rows((id, late), &other).await));
    assert_eq!(store.audience(id, &[(Partition(0), 0)], 1).await.unwrap(), rows);
    let of_late = Campaign {
        finding: late,
        total: 7,
        ..running.clone()
    };
    assert!(taken_over(store.save_counts(&of_late).await));
    assert_eq!(store.campaign(tenant, id).await.unwrap().unwrap().total, 40);
    let spans = store.draft_spans(id, Partition(0)).await.unwrap();
    let recut = store.recut_draft(
        (crate::campaign::launch::owner(&running), late),
        Partition(0),
        spans,
        (&[], 1),
    );
    assert!(taken_over(recut.await.map(drop)));
    // Nor is anything of what is queued taken out by whoever begins now.
    let next = store.begin_finding(owner).await.unwrap();
    assert!(taken_over(store.clear_found(id, next).await));
    let resolving = Campaign {
        state: CampaignState::Resolving,
        ..running
    };
    let share = store.admission(tenant).await.unwrap().share(bench.clock.unix());
    let launched = store.launch(&resolving, (None, &share), bench.clock.unix()).await;
    assert_eq!(launched.unwrap(), Launch::WrongState);
    let leased = bench.lease(100).await;
    assert_eq!(leased.len(), 40);
}
