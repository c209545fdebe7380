//! What waits is counted as it is.

use std::collections::BTreeMap;

use super::*;
use crate::store::InLine;

/// Rows, of these paused; messages to be leased again, of these halted, of the others behind another.
type Sums = [u64; 5];

fn sums<'a>(lines: impl Iterator<Item = &'a InLine>) -> Sums {
    let of = |line: &InLine| [line.rows, line.paused_rows, line.again, line.halted_again, line.behind];
    lines.map(of).fold(Sums::default(), |sums, more| {
        std::array::from_fn(|at| sums[at] + more[at])
    })
}

impl Bench {
    async fn of_campaigns(&self, campaigns: &[CampaignId]) -> Sums {
        let mut lines = Vec::new();
        for id in campaigns {
            lines.extend(self.store.campaign_census(*id).await.unwrap().lines);
        }
        sums(lines.iter())
    }

    /// What is counted of each campaign adds up to what is there. Not looked at while something moves.
    pub(super) async fn assert_counted(&self, campaigns: &[CampaignId], context: &str) {
        let before = self.of_campaigns(campaigns).await;
        let all = sums(self.store.census().await.unwrap().lines.iter());
        if self.of_campaigns(campaigns).await == before {
            assert_eq!(before, all, "{context}");
        }
    }

    async fn launch_to(&self, tenant: TenantId, recipients: u64) -> CampaignId {
        let id = self.create(tenant, 0..recipients).await;
        self.campaigns.launch(tenant, id).await.unwrap();
        self.launched(tenant, id).await;
        id
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_counted_by_where_it_is() {
    let bench = Bench::start("census").await;
    let tenant = bench.tenant(1_000).await;
    let first = bench.launch_to(tenant, 100).await;
    let census = bench.store.census().await.unwrap();
    assert_eq!(sums(census.lines.iter()), [100, 0, 0, 0, 0]);
    assert!(
        census
            .heads
            .iter()
            .all(|head| head.campaign == first && head.tenant == tenant)
    );
    assert!(!census.heads.is_empty());
    let leased = bench.lease(1_000).await;
    let second = bench.launch_to(tenant, 100).await;
    assert!(bench.lease(1_000).await.is_empty(), "each waits for an answer");
    assert_eq!(bench.of_campaigns(&[second]).await, [0, 0, 100, 0, 100]);
    assert_eq!(bench.of_campaigns(&[first]).await, [0; 5]);
    bench.accept(&leased).await;
    assert_eq!(
        bench.of_campaigns(&[second]).await,
        [0, 0, 100, 0, 0],
        "nothing is ahead any more"
    );
    let third = bench.launch_to(tenant, 60).await;
    for id in [second, third] {
        bench.campaigns.pause(tenant, id).await.unwrap();
    }
    assert_eq!(bench.of_campaigns(&[second, third]).await, [60, 60, 100, 100, 0]);
    bench.assert_counted(&[first, second, third], "paused").await;
    let paused = bench.store.campaign_census(third).await.unwrap();
    assert!(paused.paused_at.is_some() && paused.resumed_at.is_none());
    assert!(bench.lease(1_000).await.is_empty());
    for id in [second, third] {
        bench.campaigns.resume(tenant, id).await.unwrap();
    }
    let resumed = bench.store.campaign_census(third).await.unwrap();
    assert!(resumed.paused_at.is_none() && resumed.resumed_at >= paused.paused_at);
    assert_eq!(bench.of_campaigns(&[second, third]).await, [60, 0, 100, 0, 0]);
    bench.assert_counted(&[first, second, third], "resumed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_queued_of_each_tenant_is_counted_in_steps() {
    let bench = Bench::start("census-tenants").await;
    let (busy, idle) = (bench.tenant(1_000).await, bench.tenant(1_000).await);
    let mut backlogs = super::super::Backlogs::default();
    assert_eq!(backlogs.step(&bench.store).await.unwrap(), Some(BTreeMap::new()));
    let mut sent = bench.launch_to(busy, 1).await;
    for _ in 0..250 {
        sent = bench.launch_to(busy, 1).await;
    }
    bench.launch_to(idle, 30).await;
    assert_eq!(backlogs.step(&bench.store).await.unwrap(), None, "the rest comes next");
    let all = backlogs.step(&bench.store).await.unwrap().unwrap();
    assert_eq!(all, BTreeMap::from([(busy, 251), (idle, 30)]));
    bench.campaigns.cancel(busy, sent).await.unwrap();
    let canceled = |_, counters: &Counters| counters.canceled() == 1;
    bench.until("canceled", busy, sent, canceled).await;
    let all = loop {
        if let Some(all) = backlogs.step(&bench.store).await.unwrap() {
            break all;
        }
    };
    assert_eq!(all[&busy], 250);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_credits_is_counted_until_it_is_launched() {
    let bench = Bench::start("census-credits").await;
    let tenant = bench.tenant(20).await;
    let id = bench.create(tenant, 0..30).await;
    let short = bench.campaigns.launch(tenant, id).await;
    assert!(matches!(short, Err(CampaignFault::Short { .. })), "{short:?}");
    let counted = async || bench.store.census().await.unwrap().unqueued.short;
    assert_eq!(counted().await, 30);
    let since = bench.store.unqueued_since((tenant, id)).await.unwrap();
    assert!(since.is_some());

    // A crash between the refusal and its listing: the auditor lists it.
    bench.store.unlist_unqueued().await.unwrap();
    assert_eq!(counted().await, 0);
    let metrics = Metrics::new(9).unwrap();
    let mut auditor = super::super::Auditor::new((bench.store.clone(), bench.mirror.clone()), metrics, bench.clock);
    auditor.step().await.unwrap();
    assert_eq!(counted().await, 30);

    bench.store.falsify((tenant, None), "available", 10).await.unwrap();
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    assert_eq!(counted().await, 0);
    assert_eq!(bench.store.unqueued_since((tenant, id)).await.unwrap(), None);
}
