//! Terms of a tenant that are narrowed hold for what was made before as well.

use super::*;
use crate::domain::TermChanges;

impl Bench {
    async fn draft(&self, tenant: TenantId, text: &str, numbers: &str) -> CampaignId {
        let order = format!(
            r#"{{"name": "Rappel", "text": "{text}", "sender": "Clinique", "purpose": "transactional",
                "audience": {{"numbers": "{numbers}"}}}}"#
        );
        let created = self.campaigns.create(tenant, std::io::Cursor::new(order)).await;
        created.unwrap().campaign.id
    }

    /// Why a draft is not launched: where, and which code.
    async fn refusal(&self, tenant: TenantId, id: CampaignId) -> Option<(String, &'static str)> {
        match self.campaigns.launch(tenant, id).await {
            Ok(_) => None,
            Err(CampaignFault::Fields(faults)) => Some((faults[0].pointer.clone(), faults[0].problem.code())),
            Err(fault) => panic!("{fault}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn countries_and_domains_of_now_hold_for_drafts_and_planned_campaigns() {
    let bench = Bench::start("narrowed").await;
    let tenant = bench.tenant(100).await;
    let far = bench.draft(tenant, "Bonjour", "+33612395001;+262692123456").await;
    let near = bench.draft(tenant, "Bonjour", "+33612395001").await;
    let linked = bench.draft(tenant, "Voir https://x.example/a", "+33612395002").await;
    let own = bench
        .draft(tenant, "Voir https://cabinet.example/a", "+33612395003")
        .await;
    let planned = bench.draft(tenant, "Voir https://x.example/b", "+33612395004").await;
    bench
        .campaigns
        .schedule(tenant, planned, bench.clock.unix())
        .await
        .unwrap();
    let narrow = TermChanges {
        link_domains: Some(vec!["cabinet.example".to_owned()]),
        ..TermChanges::default()
    };
    bench.store.change_terms(tenant, narrow).await.unwrap();
    let france = "FR".parse().unwrap();
    bench.store.set_countries(tenant, &france).await.unwrap();
    let of_country = ("/audience".to_owned(), "country_not_allowed");
    assert_eq!(bench.refusal(tenant, far).await, Some(of_country));
    let of_link = ("/text".to_owned(), "link_not_allowed");
    assert_eq!(bench.refusal(tenant, linked).await, Some(of_link));
    assert_eq!(bench.refusal(tenant, near).await, None);
    assert_eq!(bench.refusal(tenant, own).await, None);
    bench.campaigns.launch_due().await.unwrap();
    let refused = bench.campaigns.find(tenant, planned).await.unwrap();
    assert_eq!(
        (refused.state, refused.refused_code()),
        (CampaignState::Draft, Some("link_not_allowed"))
    );
}
