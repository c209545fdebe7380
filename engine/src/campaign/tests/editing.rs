//! Drafts that are edited, and launched meanwhile.

use serde_json::{Value, json};

use super::*;
use crate::database::{Found, Sql};
use crate::links::{Links, ShortLinks};
use crate::store::{Edit, Edited};

impl Bench {
    async fn edit(&self, (tenant, id): (TenantId, CampaignId), change: Value) -> Result<(), CampaignFault> {
        let change = change.as_object().cloned().unwrap();
        self.campaigns.edit((tenant, id), change, false).await
    }
}

fn long(text: &str) -> String {
    format!("{text} {}", "a".repeat(170))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_have_the_prices_of_the_last_edit_and_a_launch_of_an_older_one_begins_anew() {
    let bench = Bench::start("editing").await;
    let tenant = bench.tenant(1_000).await;
    let id = bench.create(tenant, 0..100).await;
    let stale = bench.campaigns.find(tenant, id).await.unwrap();
    let text = long("Bonjour [Nom]");
    bench.edit((tenant, id), json!({ "text": text })).await.unwrap();
    let edited = bench.campaigns.find(tenant, id).await.unwrap();
    assert_eq!((&edited.text, edited.edits, edited.unpriced), (&text, 1, false));
    assert_eq!((edited.estimate_credits, edited.total), (200, 100));
    let estimate = serde_json::to_value(bench.campaigns.estimate(tenant, id).await.unwrap()).unwrap();
    assert_eq!(estimate["max"]["credits"], 200, "{estimate}");
    // Whoever has read what it was before holds nothing for that.
    let held = bench.campaigns.launch_as(&stale, None).await;
    assert!(matches!(held, Err(CampaignFault::Edited)), "{held:?}");
    assert_eq!(bench.credits(tenant).await.held, 0);
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    assert_eq!(bench.credits(tenant).await.held, 200);
    let late = bench.edit((tenant, id), json!({ "name": "Trop tard" })).await;
    assert!(matches!(late, Err(CampaignFault::NotADraft(_))), "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_was_cut_off_is_priced_by_the_launch() {
    let bench = Bench::start("editing-cut-off").await;
    let tenant = bench.tenant(1_000).await;
    let id = bench.create(tenant, 0..50).await;
    let before = bench.campaigns.find(tenant, id).await.unwrap();
    let after = Campaign {
        text: long("Bonjour [Nom]"),
        edits: 1,
        unpriced: true,
        ..before.clone()
    };
    let edit = Edit {
        before: &before,
        after: &after,
        pasted: None,
        left_out: None,
    };
    assert_eq!(bench.store.edit_campaign(&edit).await.unwrap(), Edited::Done);
    assert_eq!(
        bench.store.edit_campaign(&edit).await.unwrap(),
        Edited::Changed,
        "by who has read what was before"
    );
    let launched = bench
        .store
        .launch(&after, (None, &share(&bench, tenant).await), bench.clock.unix())
        .await;
    assert_eq!(launched.unwrap(), Launch::Edited, "its rows have the prices of before");
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    let launched = bench.campaigns.find(tenant, id).await.unwrap();
    assert_eq!((launched.unpriced, launched.held), (false, 100));
    // Prices of an edit are put into no row that is queued.
    let late = bench.store.begin_pricing((id, 2)).await;
    assert!(matches!(late, Err(StoreError::TakenOver)), "{late:?}");
}

async fn share(bench: &Bench, tenant: TenantId) -> Share {
    bench.store.admission(tenant).await.unwrap().share(bench.clock.unix())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_edits_of_one_version_one_is_made() {
    let bench = Bench::start("editing-twice").await;
    let tenant = bench.tenant(1_000).await;
    let id = bench.create(tenant, 0..50).await;
    let edit = |number: usize| {
        let change = json!({ "text": long(&format!("Texte {number}")), "name": format!("Nom {number}") });
        let change = change.as_object().cloned().unwrap();
        bench.campaigns.edit((tenant, id), change, false)
    };
    let (one, other, third) = tokio::join!(edit(1), edit(2), edit(3));
    for made in [one, other, third] {
        assert!(matches!(made, Ok(()) | Err(CampaignFault::Edited)), "{made:?}");
    }
    let edited = bench.campaigns.find(tenant, id).await.unwrap();
    let number = edited.name.trim_start_matches("Nom ");
    assert!(edited.text.starts_with(&format!("Texte {number} ")), "{}", edited.text);
    let (edits, credits) = (edited.edits, edited.estimate_credits);
    assert!((1..=3).contains(&edits) && credits == 100, "{edits} {credits}");
    bench.campaigns.launch(tenant, id).await.unwrap();
    assert_eq!(bench.credits(tenant).await.held, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_links_lead_is_what_the_last_edit_says_whoever_comes_late() {
    let bench = Bench::start("editing-links").await;
    let database = crate::database::tests::open(bench.folder()).await.unwrap();
    let metrics = Metrics::new(9).unwrap();
    let seen = (bench.clock, &metrics);
    let links = Links::new((database.clone(), bench.mirror.clone()), seen, Duration::ZERO);
    let leads = async || {
        let query = Sql::new("SELECT url FROM short_link");
        database.row(query, |row: &Found<'_>| row.text(0)).await.unwrap()
    };
    for (edits, url, wanted) in [(0, "a", "a"), (2, "c", "c"), (1, "b", "c"), (2, "d", "d")] {
        let said = ShortLinks {
            of: (TenantId(1), CampaignId(1)),
            edits,
            domain: "rdv.example",
            url,
            expires_at: None,
        };
        links.keep(said).await.unwrap();
        assert_eq!(leads().await.as_deref(), Some(wanted), "{edits}");
    }
}
