//! Encodings and validity: what is stored of them is what was priced and is what is composed.

use super::*;
use crate::domain::TermChanges;

/// The tenant's texts are encoded like that from now on.
async fn encoded(bench: &Bench, tenant: TenantId, encoding: EncodingPolicy) {
    let changes = TermChanges {
        encoding: Some(encoding),
        ..TermChanges::default()
    };
    bench.store.change_terms(tenant, changes).await.unwrap();
}

fn order(encoding: Option<EncodingPolicy>, validity: Option<Duration>) -> DirectOrder {
    DirectOrder {
        to: "06 12 34 56 78".into(),
        text: "à bientôt ".repeat(8),
        sender: "Clinique".into(),
        purpose: Purpose::Transactional,
        own_number: false,
        encoding,
        validity,
        parameters: Parameters::default(),
        without_consent: false,
        in_hours: false,
        guests_only: false,
        link: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_priced_by_its_own_encoding_or_its_tenants() {
    let bench = Bench::start("direct-encoding").await;
    let tenant = bench.tenant(100).await;
    let send = async |encoding| {
        let before = bench.credits(tenant).await.held;
        let sent = bench
            .campaigns
            .send(tenant, &order(encoding, None), bench.token())
            .await;
        let id = sent.unwrap();
        (id, bench.credits(tenant).await.held - before)
    };
    let (usual, price) = send(None).await;
    assert_eq!(price, 1);
    let (own, price) = send(Some(EncodingPolicy::Ucs2)).await;
    assert_eq!(price, 2);
    encoded(&bench, tenant, EncodingPolicy::Auto).await;
    bench.campaigns.forget_hours(tenant);
    let (changed, price) = send(None).await;
    assert_eq!(price, 2);
    assert_ne!(
        usual.campaign(),
        changed.campaign(),
        "messages of another default are gathered elsewhere"
    );
    // All are to one person: they come one after the other, whatever their order.
    let mut found = Vec::new();
    for leased in bench.lease(100).await {
        let (message, _) = Message::unpack(leased.recipient, &leased.message).unwrap();
        let order = bench
            .campaigns
            .orders()
            .get(tenant, message.id.campaign())
            .await
            .unwrap()
            .unwrap();
        let variables = order.open(&leased.variables).unwrap();
        found.push((message.id, order.encoding(&variables)));
    }
    let wanted = [
        (usual, EncodingPolicy::GsmTransliterate),
        (own, EncodingPolicy::Ucs2),
        (changed, EncodingPolicy::Auto),
    ];
    assert!(
        !found.is_empty() && found.iter().all(|one| wanted.contains(one)),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_keeps_its_encoding_and_its_validity() {
    let bench = Bench::start("campaign-encoding").await;
    let tenant = bench.tenant(100).await;
    encoded(&bench, tenant, EncodingPolicy::Auto).await;
    let text = "à bientôt ".repeat(8);
    let create = async |more: &str| {
        let body = format!(
            r#"{{"name":"x","text":"{text}","sender":"OSTEO","purpose":"marketing"{more},
                "audience":{{"numbers":"+33612345678"}}}}"#
        );
        let created = bench
            .campaigns
            .create(tenant, std::io::Cursor::new(body))
            .await
            .unwrap();
        bench.campaigns.find(tenant, created.campaign.id).await.unwrap()
    };
    let tenants = create("").await;
    assert_eq!((tenants.encoding, tenants.estimate_credits), (EncodingPolicy::Auto, 2));
    assert_eq!(tenants.validity, None);
    let own = create(r#","encoding":"gsm_transliterate","validity":60"#).await;
    assert_eq!(
        (own.encoding, own.estimate_credits),
        (EncodingPolicy::GsmTransliterate, 1)
    );
    assert_eq!(own.validity, Some(Duration::from_secs(60)));
    // Another default from now on changes nothing that was priced.
    encoded(&bench, tenant, EncodingPolicy::Ucs2).await;
    let order = bench.campaigns.orders().get(tenant, tenants.id).await.unwrap().unwrap();
    assert_eq!(order.encoding(b""), EncodingPolicy::Auto);
    assert_eq!(order.expires_at(b""), None);
    let order = bench.campaigns.orders().get(tenant, own.id).await.unwrap().unwrap();
    assert_eq!(
        order.expires_at(b""),
        Some(own.created_at.plus(Duration::from_secs(60)))
    );
}

#[test]
fn variables_of_a_single_message_are_those_of_older_versions_where_nothing_is_said() {
    use crate::campaign::orders::DirectVariables;
    let pack = |encoding, validity, parameters: &str| {
        let variables = DirectVariables {
            sender: "OSTEO",
            text: "Bonjour",
            asked_at: UnixMicros(7),
            encoding,
            validity,
            parameters: &parameters.parse().unwrap(),
        };
        let packed = variables.pack();
        crate::domain::variables(&packed).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        pack(EncodingPolicy::GsmTransliterate, None, ""),
        ["OSTEO", "Bonjour", "7"]
    );
    assert_eq!(pack(EncodingPolicy::Auto, None, ""), ["OSTEO", "Bonjour", "7", "auto"]);
    let minute = Some(Duration::from_secs(60));
    assert_eq!(
        pack(EncodingPolicy::GsmTransliterate, minute, ""),
        ["OSTEO", "Bonjour", "7", "", "60"]
    );
    assert_eq!(
        pack(EncodingPolicy::GsmTransliterate, None, "60;;CMT"),
        ["OSTEO", "Bonjour", "7", "", "", "60;;CMT"]
    );
}
