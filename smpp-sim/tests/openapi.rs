//! The OpenAPI document against the running server: every path, every method, every answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::common;
use crate::common::{Client, exchange_http, recipients, sim};
use serde_json::{Value, json};
use smpp::frame::BindKind;

fn document() -> Value {
    serde_json::from_str(include_str!("../openapi.json")).unwrap()
}

/// Follows a reference within the document.
fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// The query that the document's examples make.
fn query(document: &Value, operation: &Value) -> String {
    let mut query = String::from("?");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolve(document, parameter);
        let name = parameter["name"].as_str().unwrap();
        match &parameter["example"] {
            Value::Null => {}
            Value::String(text) => query.push_str(&format!("{name}={text}&")),
            Value::Object(fields) => fields
                .iter()
                .for_each(|(name, value)| query.push_str(&format!("{name}={value}&"))),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                query.push_str(&format!("{name}={other}&"))
            }
        }
    }
    query
}

/// What the document says about an answer: its media type and the schema, which may refer to the rest of the document.
fn described(document: &Value, operation: &Value, status: u16) -> (String, Value) {
    let responses = &operation["responses"];
    let exact = &responses[status.to_string()];
    let response = resolve(document, if exact.is_null() { &responses["default"] } else { exact });
    let (kind, content) = response["content"].as_object().unwrap().iter().next().unwrap();
    let schema = json!({ "components": document["components"], "allOf": [content["schema"]] });
    (kind.clone(), schema)
}

fn check(schema: &Value, body: &Value, what: &str) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(body)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:?}\n{body}");
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let running = sim("magic = true\n[[phase]]\nname = \"well\"\nsubmits = 1000\n[[phase]]\nname = \"dead\"\n").await;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    client.exchange(&recipients(33_600_000_000, 5), 5).await;
    let document = document();
    // What changes the world comes last, so that the rest has something to show.
    let mut operations: Vec<(String, String, Value)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    let order = |method: &str, path: &str| match (method, path) {
        (_, "/capture/start") => 0,
        ("POST", "/inbound") => 1,
        ("GET", _) => 2,
        (_, "/capture/stop") => 3,
        (_, "/sessions/unbind" | "/sessions/close") => 5,
        _ => 4,
    };
    operations.sort_by_key(|(method, path, _)| order(method, path));
    for (method, path, operation) in &operations {
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        let body = if example.is_null() {
            String::new()
        } else {
            example.to_string()
        };
        let request = format!("{method} {path}{}", query(&document, operation));
        let answer = exchange_http(running.http_addr, &request, "", &body).await;
        assert!(
            (200..300).contains(&answer.status),
            "{request}: {} {}",
            answer.status,
            answer.text()
        );
        let (kind, schema) = described(&document, operation, answer.status);
        let given = answer.header("content-type").unwrap_or_default();
        assert!(given.starts_with(&kind), "{request}: {given}, not {kind}");
        match kind.as_str() {
            "application/json" => check(&schema, &serde_json::from_slice(&answer.body).unwrap(), &request),
            "application/x-ndjson" => {
                assert_eq!(answer.text().lines().count(), 5);
                for line in answer.text().lines() {
                    check(&schema, &serde_json::from_str(line).unwrap(), &request);
                }
            }
            _ => assert!(!answer.body.is_empty(), "{request}"),
        }
    }
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_method_that_is_not_described_is_refused() {
    let running = sim("").await;
    let document = document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if methods.get(method.to_lowercase()).is_some() {
                continue;
            }
            let answer = exchange_http(running.http_addr, &format!("{method} {path}"), "", "").await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
    running.stop().await;
}

/// Requests that are refused: the body, the status, the field at fault and its value.
const REFUSED: [(&str, &str, u16, &str, &str); 24] = [
    ("GET /messages?limit=9999&colour=red", "", 400, "limit", "9999"),
    ("GET /messages?since=yesterday", "", 400, "since", "yesterday"),
    ("GET /messages?order=sideways", "", 400, "order", "sideways"),
    ("GET /messages?cursor=nowhere", "", 400, "cursor", "nowhere"),
    ("GET /ledger?from=-1", "", 400, "from", "-1"),
    ("GET /sessions?smsc=other", "", 400, "smsc", "other"),
    ("GET /wait?accepted=many", "", 400, "accepted", "many"),
    ("GET /wait?acepted=1", "", 400, "acepted", "1"),
    ("GET /wait", "", 400, "counter", ""),
    ("GET /wait?accepted=1&accepted=2", "", 400, "accepted", "2"),
    ("GET /messages?status=FOO", "", 400, "status", "FOO"),
    ("POST /scenario", " \n", 400, "body", ""),
    ("POST /phase", "", 400, "name", ""),
    ("POST /phase?name=dead", "", 404, "name", "dead"),
    (
        "POST /inbound",
        r#"{"from":"1","to":"2","text":"x","account":"nobody"}"#,
        409,
        "account",
        "nobody",
    ),
    ("POST /sessions/close?session=7", "", 404, "session", "7"),
    (
        "POST /inbound",
        r#"{"from":"","to":"36034","text":"x"}"#,
        400,
        "from",
        "",
    ),
    (
        "POST /inbound",
        r#"{"from":"1","to":"2","text":"x","smsc":"other"}"#,
        400,
        "smsc",
        "other",
    ),
    ("POST /inbound", r#"{"from":"1"}"#, 400, "to", ""),
    ("POST /inbound", "[]", 400, "body", ""),
    (
        "POST /inbound",
        r#"{"from":"1","to":"2","text":"x","encoding":"utf8"}"#,
        400,
        "encoding",
        "utf8",
    ),
    (
        "POST /inbound",
        r#"{"from":"1","to":"2","text":"x","sessions":7}"#,
        400,
        "sessions",
        "7",
    ),
    (
        "POST /inbound",
        r#"{"from":"1","to":"2","text":"x","colour":"red"}"#,
        400,
        "colour",
        "\"red\"",
    ),
    ("GET /messages?stat=foo", "", 400, "stat", "foo"),
];

#[tokio::test]
async fn what_is_refused_names_field_value_and_what_is_allowed() {
    let running = sim("").await;
    let document = document();
    let problem =
        json!({ "components": document["components"], "allOf": [{ "$ref": "#/components/schemas/Problem" }] });
    for (request, body, status, field, value) in REFUSED {
        let answer = exchange_http(running.http_addr, request, "", body).await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, status, "{request}: {said}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        check(&problem, &said, request);
        let first = &said["errors"][0];
        assert_eq!(
            (first["field"].as_str(), first["value"].as_str()),
            (Some(field), Some(value)),
            "{said}"
        );
    }
    let (_, faults) = common::http(running.http_addr, "POST /scenario", "seed = \"x\"").await;
    check(&problem, &serde_json::from_str(&faults).unwrap(), "faults");
    assert!(faults.contains("scenario.toml:1: seed"), "{faults}");
    assert_eq!(
        exchange_http(running.http_addr, "GET /nothing", "", "").await.status,
        404
    );
    running.stop().await;
}

#[tokio::test]
async fn a_web_page_from_elsewhere_gets_nothing() {
    let running = sim("").await;
    let port = running.http_addr.port();
    let ask = |request: &'static str, headers: String| exchange_http(running.http_addr, request, headers.leak(), "");
    assert_eq!(
        ask("GET /ledger", "Host: evil.example\r\n".to_owned()).await.status,
        403
    );
    let cross = format!("Host: 127.0.0.1:{port}\r\nOrigin: http://evil.example\r\n");
    assert_eq!(ask("POST /reset", cross).await.status, 403);
    let sandboxed = format!("Host: 127.0.0.1:{port}\r\nOrigin: null\r\n");
    assert_eq!(ask("POST /reset", sandboxed).await.status, 403);
    let own = format!("Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n");
    assert_eq!(ask("POST /reset", own).await.status, 200);
    running.stop().await;
}

#[tokio::test]
async fn a_token_is_wanted_by_everything_but_the_pages_own_files() {
    let scenario = smpp_sim::Scenario::healthy();
    let mut options = smpp_sim::Options::ephemeral();
    options.token = Some("a token of some length".to_owned());
    let running = smpp_sim::start(scenario, options).await.unwrap();
    let ask = |request: &'static str, headers: &'static str| exchange_http(running.http_addr, request, headers, "");
    for open in ["GET /", "GET /page.js", "GET /livez"] {
        assert_eq!(ask(open, "").await.status, 200, "{open}");
    }
    let refused = ask("GET /ledger/totals", "").await;
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, Some("Bearer"))
    );
    assert_eq!(
        ask("POST /reset", "Authorization: Bearer a token of some lengtH\r\n")
            .await
            .status,
        401
    );
    assert_eq!(
        ask("POST /reset", "Authorization: Bearer a token of some length\r\n")
            .await
            .status,
        200
    );
    running.stop().await;

    let mut reachable = smpp_sim::Options::ephemeral();
    reachable.http.set_ip([0, 0, 0, 0].into());
    let refused = smpp_sim::start(smpp_sim::Scenario::healthy(), reachable)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("token"), "{refused}");
}
