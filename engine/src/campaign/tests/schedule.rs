//! Campaigns launch by themselves at their time: once, and at no other.

use super::*;
use crate::store::Planned;

impl Bench {
    /// A campaign whose launch is planned, so long ago or from now.
    async fn planned(&self, tenant: TenantId, at: UnixMicros) -> CampaignId {
        let id = self.create(tenant, 0..10).await;
        self.campaigns.schedule(tenant, id, at).await.unwrap();
        id
    }

    fn in_an_hour(&self) -> UnixMicros {
        self.clock.unix().plus(Duration::from_secs(3_600))
    }

    async fn plans(&self) -> usize {
        let ever = self.clock.unix().plus(Duration::from_secs(1_000_000));
        self.store.due_launches(ever).await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_campaign_launches_at_its_time_whoever_of_several_engines_looks() {
    let bench = Bench::start("planned").await;
    let tenant = bench.tenant(1_000).await;
    let (due, later) = (bench.clock.unix(), bench.in_an_hour());
    let id = bench.planned(tenant, due).await;
    let other = bench.planned(tenant, later).await;
    assert_eq!(bench.state(tenant, id).await, CampaignState::Scheduled);
    let second = campaigns(&bench.store, bench.kept(), Arc::default()).await;
    let (one, two) = tokio::join!(bench.campaigns.launch_due(), second.launch_due());
    one.and(two).unwrap();
    bench.launched(tenant, id).await;
    let credits = bench.credits(tenant).await;
    assert_eq!((credits.available, credits.held), (990, 10), "held once");
    assert_eq!(bench.state(tenant, other).await, CampaignState::Scheduled);
    assert_eq!(bench.plans().await, 1, "what was launched is planned no more");
    let found = bench.campaigns.find(tenant, id).await.unwrap();
    assert_eq!(found.scheduled_at, Some(due));
    let again = bench.campaigns.schedule(tenant, id, later).await;
    assert!(matches!(again, Err(CampaignFault::AlreadyStarted(_))), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_planned_anew_taken_back_or_canceled_is_not_launched_then() {
    let bench = Bench::start("replanned").await;
    let tenant = bench.tenant(1_000).await;
    let (due, later) = (bench.clock.unix(), bench.in_an_hour());
    let (anew, back, canceled) = (
        bench.planned(tenant, due).await,
        bench.planned(tenant, due).await,
        bench.planned(tenant, due).await,
    );
    bench.campaigns.schedule(tenant, anew, later).await.unwrap();
    bench.campaigns.unschedule(tenant, back).await.unwrap();
    bench.campaigns.cancel(tenant, canceled).await.unwrap();
    bench.campaigns.launch_due().await.unwrap();
    let state = async |id| bench.state(tenant, id).await;
    assert_eq!(state(anew).await, CampaignState::Scheduled);
    assert_eq!(state(back).await, CampaignState::Draft);
    assert_eq!(state(canceled).await, CampaignState::Canceled);
    assert_eq!(bench.credits(tenant).await.held, 0);
    assert_eq!(bench.plans().await, 1, "void ones are gone");
    let never = bench.campaigns.schedule(tenant, canceled, later).await;
    assert!(
        matches!(never, Err(CampaignFault::WrongState(CampaignState::Canceled))),
        "{never:?}"
    );
    // Whoever will not wait launches it at once; its time finds it launched.
    bench.campaigns.launch(tenant, anew).await.unwrap();
    bench.launched(tenant, anew).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_time_that_its_campaign_says_launches_it() {
    let bench = Bench::start("void-plan").await;
    let tenant = bench.tenant(1_000).await;
    let due = bench.clock.unix();
    let id = bench.planned(tenant, UnixMicros(1)).await;
    bench.campaigns.schedule(tenant, id, due).await.unwrap();
    let planned = |at| Planned {
        tenant,
        campaign: id,
        at,
    };
    let listed = bench.store.due_launches(bench.clock.unix()).await.unwrap();
    assert_eq!(listed, [planned(UnixMicros(1)), planned(due)]);
    // Whoever read the first plan just before it was made void.
    let campaign = bench.campaigns.find(tenant, id).await.unwrap();
    let late = bench.campaigns.launch_as(&campaign, Some(UnixMicros(1))).await;
    assert!(
        matches!(late, Err(CampaignFault::WrongState(CampaignState::Scheduled))),
        "{late:?}"
    );
    bench.campaigns.launch_due().await.unwrap();
    bench.launched(tenant, id).await;
    assert_eq!(bench.plans().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_a_credit_short_waits_for_another_date() {
    let bench = Bench::start("planned-short").await;
    let tenant = bench.tenant(9).await;
    let id = bench.planned(tenant, bench.clock.unix()).await;
    bench.campaigns.launch_due().await.unwrap();
    assert_eq!(bench.state(tenant, id).await, CampaignState::Blocked);
    let credits = bench.credits(tenant).await;
    assert_eq!((credits.available, credits.held), (9, 0), "all or nothing");
    bench.grant(tenant, 1, "the last one").await.unwrap();
    bench.campaigns.launch_due().await.unwrap();
    assert_eq!(
        bench.state(tenant, id).await,
        CampaignState::Blocked,
        "not behind anybody's back"
    );
    let now = bench.clock.unix();
    bench.campaigns.schedule(tenant, id, now).await.unwrap();
    bench.campaigns.launch_due().await.unwrap();
    bench.launched(tenant, id).await;
    assert_eq!(bench.credits(tenant).await.held, 10);
}
