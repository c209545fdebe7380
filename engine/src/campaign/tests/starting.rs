//! Each campaign begins once.

use super::*;

/// The first message of that campaign is leased so long after its launch, as these campaigns know it. Returns how many campaigns
/// began, and how late all together.
async fn begin(campaigns: &Campaigns, (tenant, id): (TenantId, CampaignId), later: Duration) -> (u64, f64) {
    let order = campaigns.orders().get(tenant, id).await.unwrap().unwrap();
    if order.begins() {
        campaigns.begun(&order, (order.launched_at, order.launched_at.plus(later)));
    }
    campaigns.books().round().await;
    let delays = &campaigns.0.deps.metrics.campaign_start_delay_seconds;
    let lanes = Purpose::ALL
        .iter()
        .map(|purpose| delays.with_label_values(&[purpose.code()]));
    lanes.fold((0, 0.0), |(count, sum), lane| {
        (count + lane.get_sample_count(), sum + lane.get_sample_sum())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_begins_once_whoever_leases_its_first_message() {
    let bench = Bench::start("starting").await;
    let tenant = bench.tenant(100).await;
    let id = bench.create(tenant, 0..30).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    let seconds = Duration::from_secs;
    assert_eq!(begin(&bench.campaigns, (tenant, id), seconds(90)).await, (1, 90.0));
    assert_eq!(begin(&bench.campaigns, (tenant, id), seconds(91)).await, (1, 90.0));
    // Another process, or this one after a restart.
    let others = campaigns(&bench.store, bench.kept(), Arc::default()).await;
    assert_eq!(begin(&others, (tenant, id), seconds(200)).await, (0, 0.0));
}
