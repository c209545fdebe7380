//! Texts that leave before their campaigns do.

use super::*;
use crate::domain::{Language, TermChanges};

const DAY: Duration = Duration::from_secs(86_400);

impl Bench {
    /// A campaign to three that is over: it was stopped before anything was sent.
    async fn over(&self, tenant: TenantId) -> CampaignId {
        let id = self.create(tenant, 0..3).await;
        self.campaigns.launch(tenant, id).await.unwrap();
        self.launched(tenant, id).await;
        self.campaigns.cancel(tenant, id).await.unwrap();
        self.until("canceled", tenant, id, |_, counters| counters.canceled() == 3)
            .await;
        while self.store.active().await.unwrap().contains(&(tenant, id)) {
            self.campaigns.books().look_soon(tenant, id);
            self.campaigns.books().round().await;
        }
        id
    }

    async fn keep_for(&self, tenant: TenantId, days: Option<u16>) {
        let changes = TermChanges {
            text_days: Some(days),
            ..TermChanges::default()
        };
        self.store.change_terms(tenant, changes).await.unwrap();
        self.campaigns.keep_texts(tenant, days).await.unwrap();
    }

    async fn redact_in(&self, days: u32) {
        let then = self.clock.unix().plus(DAY * days);
        self.campaigns.redact_due(then).await.unwrap();
    }

    async fn is_erased(&self, tenant: TenantId, id: CampaignId) -> bool {
        self.campaigns.find(tenant, id).await.unwrap().is_erased()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_erased_when_their_time_is_over_and_what_was_counted_stays() {
    let bench = Bench::start("redaction").await;
    let tenant = bench.tenant(100).await;
    bench.keep_for(tenant, Some(2)).await;
    let id = bench.over(tenant).await;
    bench.redact_in(1).await;
    assert!(!bench.is_erased(tenant, id).await, "a day early");
    bench.redact_in(3).await;
    let campaign = bench.campaigns.find(tenant, id).await.unwrap();
    assert!(campaign.is_erased() && campaign.text.is_empty());
    assert_eq!(
        campaign.redacted.map(|(_, characters)| characters),
        Some("Bonjour [Nom]".len() as u64)
    );
    assert_eq!(
        (campaign.total, bench.store.counters(id).await.unwrap().canceled()),
        (3, 3)
    );
    let whom = bench
        .campaigns
        .copy(tenant, id, (None, crate::campaign::Whom::All))
        .await;
    assert!(matches!(whom, Err(CampaignFault::Erased)), "{whom:?}");
    // Another look finds nothing to do.
    bench.redact_in(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_time_counts_for_what_is_over_as_well() {
    let bench = Bench::start("redaction-later").await;
    let [tenant, other] = [bench.tenant(100).await, bench.tenant(100).await];
    let [id, others] = [bench.over(tenant).await, bench.over(other).await];
    bench.redact_in(1_000).await;
    assert!(!bench.is_erased(tenant, id).await, "as long as the campaign");
    bench.keep_for(tenant, Some(5)).await;
    bench.keep_for(tenant, None).await;
    bench.redact_in(6).await;
    assert!(!bench.is_erased(tenant, id).await, "taken back");
    bench.keep_for(tenant, Some(5)).await;
    bench.redact_in(6).await;
    assert!(bench.is_erased(tenant, id).await);
    assert!(!bench.is_erased(other, others).await, "another tenant's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_campaign_came_to_is_known_when_redis_was_lost() {
    let bench = Bench::start("past-lost").await;
    let tenant = bench.tenant(100).await;
    let id = bench.over(tenant).await;
    let (_, before) = bench.campaigns.view(tenant, id).await.unwrap();
    assert_eq!(bench.store.untold().await.unwrap(), [(tenant, id)]);
    bench.campaigns.tell_past().await.unwrap();
    assert_eq!(bench.store.untold().await.unwrap(), []);
    // Nobody keeps it before that.
    bench.store.retire(tenant, id).await.unwrap();
    let (_, shown) = bench.campaigns.view(tenant, id).await.unwrap();
    for what in ["state", "statuses", "progress", "credits", "audience"] {
        assert_eq!(shown[what], before[what], "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_campaign_came_to_is_shown_when_redis_keeps_it_no_more() {
    let bench = Bench::start("past").await;
    let (tenant, other) = (bench.tenant(100).await, bench.tenant(100).await);
    let id = bench.over(tenant).await;
    let (_, before) = bench.campaigns.view(tenant, id).await.unwrap();
    let figures = bench.campaigns.figures(tenant, id, Language::Fr).await.unwrap();
    let then = bench.clock.unix().plus(DAY * 400);
    bench.campaigns.retire_due(then).await.unwrap();
    let gone = bench.campaigns.find(tenant, id).await;
    assert!(matches!(gone, Err(CampaignFault::NotFound)), "{gone:?}");
    let (_, shown) = bench.campaigns.view(tenant, id).await.unwrap();
    for what in [
        "id",
        "name",
        "state",
        "statuses",
        "progress",
        "credits",
        "audience",
        "estimate",
        "launched_at",
    ] {
        assert_eq!(shown[what], before[what], "{what}");
    }
    assert!(shown["text"].is_null() && before["text"].is_string());
    assert_eq!(
        bench.campaigns.figures(tenant, id, Language::Fr).await.unwrap(),
        figures
    );
    let anothers = bench.campaigns.view(other, id).await;
    assert!(matches!(anothers, Err(CampaignFault::NotFound)), "{anothers:?}");
}
