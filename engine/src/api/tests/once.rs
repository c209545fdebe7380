//! `Idempotency-Key` on a real Redis: what is repeated is done once.

use std::time::Duration;

use futures::future::join_all;

use tokio_util::sync::CancellationToken;

use super::super::trace::Ending;
use super::*;
use crate::domain::TenantId;
use crate::store::{Claim, Claimed, Grant, KeyOwner, Token};

struct Said {
    status: u16,
    replayed: bool,
    body: Value,
}

impl Api {
    /// A POST with an idempotency key.
    async fn post(&self, path: &str, key: &str, once: &str, body: &Value) -> Said {
        let request = Request::builder().method("POST").uri(path);
        let request = request
            .header("authorization", format!("Bearer {key}"))
            .header("idempotency-key", once)
            .body(Body::from(body.to_string()))
            .unwrap();
        let (parts, body) = self.public.call(request).await.unwrap().into_parts();
        let octets = to_bytes(body, 1 << 22).await.unwrap();
        Said {
            status: parts.status.as_u16(),
            replayed: parts.headers.contains_key("idempotency-replayed"),
            body: serde_json::from_slice(&octets).unwrap(),
        }
    }

    async fn credits(&self, key: &str) -> Value {
        self.expect("GET /v1/tenant", key, &Value::Null, 200).await["credits"].clone()
    }

    /// A process that died with this claim; whoever repeats the request takes it over.
    async fn dead_claim(&self, caller: KeyOwner, path: &str, once: &str) -> Token {
        let claim = Claim {
            caller,
            token: Token::of_key(caller, path, once),
            number: [1; 16],
            lasts: Duration::ZERO,
        };
        assert_eq!(self.bench.store.claim(&claim, None).await.unwrap(), Claimed::Yours);
        claim.token
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_file_is_one_import() {
    let api = Api::start("once-import").await;
    let (_, key) = api.tenant(10).await;
    let file = async |query: &str, text: &str| {
        let request = Request::builder().method("POST").uri(format!("/v1/imports{query}"));
        let request = request
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "text/csv")
            .header("idempotency-key", "file")
            .extension(Ending(CancellationToken::new()))
            .body(Body::from(text.to_owned()))
            .unwrap();
        let (parts, body) = api.public.call(request).await.unwrap().into_parts();
        let octets = to_bytes(body, 1 << 22).await.unwrap();
        let body: Value = serde_json::from_slice(&octets).unwrap();
        (
            parts.status.as_u16(),
            parts.headers.contains_key("idempotency-replayed"),
            body,
        )
    };
    let text = "nom;portable\nMartin;0612345678\n";
    // What is only looked at is looked at again.
    for _ in 0..2 {
        let (status, replayed, tried) = file("?dry_run=true", text).await;
        assert_eq!((status, replayed), (200, false), "{tried}");
    }
    let (status, replayed, first) = file("", text).await;
    assert_eq!((status, replayed), (202, false), "{first}");
    let (status, replayed, again) = file("", text).await;
    assert_eq!((status, replayed, &again), (202, true, &first));
    let (status, _, changed) = file("", "nom;portable\nDurand;0612345679\n").await;
    assert_eq!((status, &changed["code"]), (422, &json!("idempotency_key_reused")));
    let all = api.expect("GET /v1/imports", &key, &Value::Null, 200).await;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(1), "{all}");
}

fn message(text: &str) -> Value {
    json!({ "to": "+33612345678", "text": text, "sender": "Cabinet" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_message_is_sent_once_and_answered_as_the_first_time() {
    let api = Api::start("once-message").await;
    let ((_, key), (_, other)) = (api.tenant(10).await, api.tenant(10).await);
    let first = api.post("/v1/messages", &key, "a", &message("Bonjour")).await;
    assert_eq!((first.status, first.replayed), (202, false), "{}", first.body);
    let again = api.post("/v1/messages", &key, "\"a\"", &message("Bonjour")).await;
    assert_eq!((again.status, again.replayed, &again.body), (202, true, &first.body));
    let changed = api.post("/v1/messages", &key, "a", &message("Bonsoir")).await;
    assert_eq!(
        (changed.status, &changed.body["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    assert_eq!(api.credits(&key).await["held"], 1);
    // The same word is another tenant's own key, and another one for something else.
    let stranger = api.post("/v1/messages", &other, "a", &message("Bonsoir")).await;
    assert_eq!((stranger.status, stranger.replayed), (202, false));
    assert_ne!(stranger.body["id"], first.body["id"]);
    let new = api.post("/v1/messages", &key, "b", &message("Bonjour")).await;
    assert_eq!((new.status, api.credits(&key).await["held"].clone()), (202, json!(2)));
    let wrong = api.post("/v1/messages", &key, "a b", &message("Bonjour")).await;
    assert_eq!(
        (wrong.status, &wrong.body["code"]),
        (400, &json!("invalid_idempotency_key"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_at_once_is_carried_out_once() {
    let api = Api::start("once-at-once").await;
    let (_, key) = api.tenant(10).await;
    let body = message("Bonjour");
    let said = join_all((0..12).map(|_| api.post("/v1/messages", &key, "a", &body))).await;
    assert_eq!(
        said.iter().filter(|said| said.status == 202 && !said.replayed).count(),
        1
    );
    for said in &said {
        let running = (said.status, &said.body["code"]) == (409, &json!("operation_running"));
        assert!(said.status == 202 || running, "{}: {}", said.status, said.body);
    }
    assert_eq!(api.credits(&key).await["held"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_frees_the_key() {
    let api = Api::start("once-refused").await;
    let (id, key) = api.tenant(0).await;
    let short = api.post("/v1/messages", &key, "a", &message("Bonjour")).await;
    assert_eq!(short.status, 402, "{}", short.body);
    let grant = json!({ "amount": 5 });
    api.expect(&format!("POST /v1/tenants/{id}/credits"), OPERATOR, &grant, 201)
        .await;
    let sent = api.post("/v1/messages", &key, "a", &message("Bonsoir")).await;
    assert_eq!((sent.status, sent.replayed), (202, false), "{}", sent.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credits_are_granted_once_even_when_the_first_answer_was_lost_with_its_process() {
    let api = Api::start("once-grant").await;
    let (id, key) = api.tenant(0).await;
    let (path, body) = (
        format!("/v1/tenants/{id}/credits"),
        json!({ "amount": 50, "reference": "F-2" }),
    );
    for replayed in [false, true] {
        let granted = api.post(&path, OPERATOR, "a", &body).await;
        assert_eq!((granted.status, granted.replayed), (201, replayed), "{}", granted.body);
    }
    assert_eq!(api.credits(&key).await["granted"], 50);
    let token = api.dead_claim(KeyOwner::Operator, &path, "b").await;
    let tenant: TenantId = id.parse().unwrap();
    let grant = Grant {
        tenant,
        credits: 50,
        reference: "F-2",
        token,
    };
    let now = api.bench.clock.unix();
    assert_eq!(api.bench.store.grant(&grant, now).await.unwrap(), Some(Some(100)));
    let taken_over = api.post(&path, OPERATOR, "b", &body).await;
    assert_eq!((taken_over.status, taken_over.replayed), (201, false));
    assert_eq!(api.credits(&key).await["granted"], 100);
    let ledger = api.expect("GET /v1/ledger", &key, &Value::Null, 200).await;
    assert_eq!(ledger["data"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_a_dead_process_is_not_sent_again() {
    let api = Api::start("once-dead").await;
    let (id, key) = api.tenant(10).await;
    let tenant: TenantId = id.parse().unwrap();
    let token = api.dead_claim(KeyOwner::Tenant(tenant), "/v1/messages", "a").await;
    let order = crate::campaign::DirectOrder {
        to: "+33612345678".into(),
        text: "Bonjour".into(),
        sender: "Cabinet".into(),
        purpose: crate::domain::Purpose::Transactional,
        own_number: false,
        encoding: None,
        validity: None,
        parameters: crate::domain::Parameters::default(),
        without_consent: false,
        in_hours: false,
        guests_only: false,
        link: None,
    };
    let sent = api.bench.campaigns.send(tenant, &order, token).await.unwrap();
    let again = api.post("/v1/messages", &key, "a", &message("Bonjour")).await;
    assert_eq!((again.status, &again.body["id"]), (202, &json!(sent.to_string())));
    assert_eq!(api.credits(&key).await["held"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_made_and_launched_once() {
    let api = Api::start("once-campaign").await;
    let (_, key) = api.tenant(100).await;
    let order = |text: &str| serde_json::from_str::<Value>(&body(0..50, text)).unwrap();
    let made = api.post("/v1/campaigns", &key, "a", &order("Bonjour")).await;
    assert_eq!((made.status, made.replayed), (201, false), "{}", made.body);
    let again = api.post("/v1/campaigns", &key, "a", &order("Bonjour")).await;
    assert_eq!((again.status, again.replayed, &again.body), (201, true, &made.body));
    let changed = api.post("/v1/campaigns", &key, "a", &order("Bonsoir")).await;
    assert_eq!(
        (changed.status, &changed.body["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    let list = api.expect("GET /v1/campaigns", &key, &Value::Null, 200).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let launch = format!("/v1/campaigns/{}/launch", made.body["id"].as_str().unwrap());
    for replayed in [false, true] {
        let launched = api.post(&launch, &key, "a", &Value::Null).await;
        assert_eq!(
            (launched.status, launched.replayed),
            (202, replayed),
            "{}",
            launched.body
        );
    }
    assert_eq!(api.credits(&key).await["held"], 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_made_once_and_its_key_is_kept_nowhere() {
    let api = Api::start("once-tenant").await;
    let body = json!({ "name": "Cabinet", "weight": 3 });
    let first = api.post("/v1/tenants", OPERATOR, "a", &body).await;
    let id = first.body["id"].as_str().unwrap().to_owned();
    let grant = json!({ "amount": 5 });
    api.expect(&format!("POST /v1/tenants/{id}/credits"), OPERATOR, &grant, 201)
        .await;
    let again = api.post("/v1/tenants", OPERATOR, "a", &body).await;
    assert_eq!(
        (again.status, again.replayed, &again.body["id"]),
        (201, false, &first.body["id"])
    );
    assert_eq!(again.body["credits"]["available"], 5);
    let keys = [&first, &again].map(|said| said.body["api_key"].as_str().unwrap().to_owned());
    assert_ne!(keys[0], keys[1]);
    for key in &keys {
        assert_eq!(
            api.expect("GET /v1/tenant", key, &Value::Null, 200).await["id"],
            id.as_str()
        );
    }
    let changed = api
        .post("/v1/tenants", OPERATOR, "a", &json!({ "name": "Autre" }))
        .await;
    assert_eq!(changed.status, 422, "{}", changed.body);
}
