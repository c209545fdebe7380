//! Who joins a campaign after its launch.

use super::*;
use crate::people::Given;

const HOME: u64 = 33_600_000_001;
const OTHER: u64 = 33_600_000_002;

fn person(reference: &str, number: u64, first: &str) -> Given {
    Given {
        reference: Some(reference.to_owned()),
        number: Some(Some(Recipient(number))),
        first_name: Some(first.to_owned()),
        ..Given::default()
    }
}

impl Bench {
    async fn come(&self, tenant: TenantId, people: &[Given]) {
        self.people.upsert(tenant, people, (None, None)).await.unwrap();
    }

    /// What the numbers of a campaign have, after another look at who has come.
    async fn told(&self, (tenant, id): (TenantId, CampaignId)) -> Vec<(u64, String)> {
        self.campaigns.join_campaign((tenant, id)).await.unwrap();
        let all = (PageCursor::START, 100);
        let page = self.campaigns.recipients((tenant, id), &Which::default(), all).await;
        let cipher = self.campaigns.find(tenant, id).await.unwrap().cipher;
        let mut told = Vec::new();
        for row in page.unwrap().rows {
            let values = cipher.open(&row.variables).unwrap();
            let name = crate::domain::variables(&values).next().unwrap_or_default().to_owned();
            told.push((row.recipient.0, name));
        }
        told.sort();
        told
    }
}

fn are(told: &[(u64, String)], wanted: &[(u64, &str)]) {
    let told: Vec<(u64, &str)> = told.iter().map(|(number, text)| (*number, text.as_str())).collect();
    assert_eq!(told, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_a_family_who_comes_late_is_told_by_name_and_nobody_twice() {
    let bench = Bench::start("joining-family").await;
    let tenant = bench.tenant(100).await;
    bench
        .come(tenant, &[person("ann", HOME, "Ann"), person("bob", HOME, "Bob")])
        .await;
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let order = format!(
        r#"{{"name": "Rappel", "text": "Bonjour [Prenom]", "sender": "Clinique", "purpose": "transactional",
            "late_joiners_until": "{until}", "audience": {{"filter": {{}}}}}}"#
    );
    let created = bench
        .campaigns
        .create(tenant, std::io::Cursor::new(order))
        .await
        .unwrap();
    let of = (tenant, created.campaign.id);
    bench.campaigns.launch(tenant, of.1).await.unwrap();
    bench
        .until("running", tenant, of.1, |now, _| now == CampaignState::Running)
        .await;
    let launched = [(HOME, "Ann"), (HOME, "Bob")];
    are(&bench.told(of).await, &launched);
    bench
        .come(
            tenant,
            &[
                person("cleo", HOME, "Cléo"),
                person("dan", OTHER, "Dan"),
                person("eve", OTHER, "Eve"),
            ],
        )
        .await;
    let all = [launched[0], launched[1], (HOME, "Cléo"), (OTHER, "Dan"), (OTHER, "Eve")];
    are(&bench.told(of).await, &all);
    // Looked at again, by another name, and as one who has somebody's name at the same number.
    bench
        .come(tenant, &[person("bob", HOME, "Bobby"), person("dan 2", OTHER, "Dan")])
        .await;
    are(&bench.told(of).await, &all);
    let joined = bench.campaigns.find(tenant, of.1).await.unwrap();
    assert_eq!((joined.total, joined.held), (5, 5));
}
