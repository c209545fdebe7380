//! Books that are right, and books that somebody has falsified.

use super::super::Auditor;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_add_up_is_found_and_shown_until_it_is_right_again() {
    let bench = Bench::start("auditing").await;
    let tenant = bench.tenant(100).await;
    let id = bench.create(tenant, 0..30).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    bench.accept(&bench.lease(100).await).await;
    let completed = |state, _: &Counters| state == CampaignState::Completed;
    bench.until("completed", tenant, id, completed).await;
    let metrics = Metrics::new(9).unwrap();
    let mut auditor = Auditor::new(
        (bench.store.clone(), bench.mirror.clone()),
        metrics.clone(),
        bench.clock,
    );
    let imbalances = || (metrics.ledger_imbalance.get(), metrics.status_imbalance.get());
    auditor.step().await.unwrap();
    assert_eq!(imbalances(), (0, 0));
    assert!(metrics.reconciliation_last_run_timestamp_seconds.get() > 0.0);
    let number = tenant.0.to_string();
    let of_tenant = |gauge: &prometheus::IntGaugeVec| gauge.with_label_values(&[number.as_str()]).get();
    assert_eq!(
        (of_tenant(&metrics.credit_balance), of_tenant(&metrics.credit_held)),
        (70, 0)
    );
    assert_eq!(metrics.campaigns.with_label_values(&["completed"]).get(), 1);
    bench.store.falsify((tenant, None), "available", 5).await.unwrap();
    bench.store.falsify((tenant, Some(id)), "total", 2).await.unwrap();
    auditor.step().await.unwrap();
    assert_eq!(imbalances(), (5, 2));
    bench.store.falsify((tenant, None), "available", -5).await.unwrap();
    bench.store.falsify((tenant, Some(id)), "total", -2).await.unwrap();
    auditor.step().await.unwrap();
    assert_eq!(imbalances(), (0, 0));
}
