//! The document is sound, the one that is committed, and read with nothing from elsewhere.

use std::process::Command;

use campanile_tests::{Stand, peers, programs};
use serde_json::{Value, json};

use crate::openapi::document::Document;

const COMMITTED: &str = include_str!("../../../docs/openapi.json");

fn committed() -> Document {
    Document::new(serde_json::from_str(COMMITTED).expect("JSON"))
}

#[test]
fn req_004_07_the_document_is_that_of_the_code_and_served_without_a_key() {
    let printed = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"))
        .arg("openapi")
        .output()
        .expect("the program");
    let printed = String::from_utf8(printed.stdout).expect("a text");
    assert!(
        printed == COMMITTED,
        "write it anew: cargo run -p campanile -- openapi > docs/openapi.json"
    );

    let stand = Stand::new(programs!(), "openapi", "", |smsc| smsc);
    let public = stand.engine.public();
    let served = public.get("/openapi.json");
    assert_eq!((served.status, served.content_type.as_str()), (200, "application/json"));
    assert_eq!(served.text, COMMITTED);

    let page = public.get("/docs");
    assert_eq!((page.status, page.content_type.as_str()), (200, "text/html"));
    assert!(
        !["=\"http", "=\"//", "url("].iter().any(|from| page.text.contains(from)),
        "nothing comes from elsewhere: {}",
        page.text
    );
    let style = public.get("/docs/style.css");
    assert_eq!((style.status, style.content_type.as_str()), (200, "text/css"));
    let operations = committed().operations();
    let unseen = operations
        .iter()
        .find(|operation| !page.text.contains(&format!("id=\"{}\"", operation.id)));
    assert!(unseen.is_none() && !page.text.contains("<script"), "{unseen:?}");
    assert!(
        page.text.contains("<code>next_cursor</code>"),
        "what stands between backticks is code"
    );
    public.get("/docs/index.html").expect_problem(&[404]);
}

#[test]
fn the_document_is_sound() {
    if peers::skipped() {
        return;
    }
    let validator = "import json, sys; from openapi_spec_validator import OpenAPIV31SpecValidator as Validator\n\
                     [print(fault.json_path, fault.message) for fault in Validator(json.load(open(sys.argv[1]))).iter_errors()]";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let output = peers::python().args(["-c", validator, file]).output().expect("Python");
    let [said, complained] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(
        output.status.success(),
        "scripts/install-peers.sh installs it: {complained}"
    );
    assert!(said.is_empty(), "{said}");
}

#[test]
fn every_body_has_an_example_of_its_own_schema() {
    let document = committed();
    for operation in document.operations() {
        let Some((schema, example)) = &operation.body else {
            continue;
        };
        let faults = document.faults(schema, example);
        assert!(faults.is_empty(), "{}: {}", operation.id, faults.join("\n"));
    }
}

#[test]
fn documented_fields_are_known_and_others_are_refused() {
    let stand = Stand::new(programs!(), "openapi-fields", "", |smsc| smsc);
    let (document, operator) = (committed(), stand.engine.operator());
    let owner = crate::openapi::world::Owner::new(&stand, "Hirondelle");
    for operation in document.operations() {
        let Some((schema, example)) = &operation.body else {
            continue;
        };
        let http = match operation.opener {
            crate::openapi::document::Opener::Operator | crate::openapi::document::Opener::Reseller => operator.clone(),
            crate::openapi::document::Opener::Tenant => owner.admin.clone(),
            crate::openapi::document::Opener::Nobody => owner.admin.from_page(crate::openapi::world::ORIGIN),
        };
        let ids = operation
            .path_parameters
            .iter()
            .map(|(name, schema)| (name, schema["pattern"].as_str().expect("an id")));
        let path = ids.fold(operation.path.clone(), |path, (name, pattern)| {
            path.replace(
                &format!("{{{name}}}"),
                &owner.make(&operator, (pattern, &operation.path)),
            )
        });
        let unknown = |field: &str| {
            let mut body = example.clone();
            // Of no type that a field has: whoever knows the field says so.
            body[field] = json!([[{}]]);
            let answer = http.ask(&operation.method, &path, Some(&body)).json();
            let errors = answer["errors"].as_array().cloned().unwrap_or_default();
            errors
                .iter()
                .any(|fault| fault["code"] == "unknown_field" && fault["pointer"] == format!("/{field}"))
        };
        let properties = document.resolved(schema)["properties"].as_object().expect("members");
        for field in properties.keys() {
            assert!(!unknown(field), "{}: the engine does not know {field}", operation.id);
        }
        assert!(
            unknown("something"),
            "{}: what is not documented is taken",
            operation.id
        );
    }
}

#[test]
fn codes_are_a_closed_list() {
    let document = committed();
    let codes = &document.value["components"]["schemas"]["ProblemCode"]["enum"];
    let codes: Vec<&str> = codes
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    assert!(codes.contains(&"insufficient_credit") && codes.is_sorted(), "{codes:?}");
    let refusals = document.value["components"]["responses"].as_object().expect("refusals");
    assert!(!refusals.is_empty());
    for (name, refusal) in refusals {
        let schema = &refusal["content"]["application/problem+json"]["schema"];
        let own = schema["properties"]["code"]["enum"].as_array().expect("codes");
        own.iter()
            .for_each(|code| assert!(codes.contains(&code.as_str().expect("a word")), "{name}: {code}"));
    }
}

#[test]
fn what_differs_from_the_document_is_seen() {
    let document = committed();
    let schema = json!({ "$ref": "#/components/schemas/Moved" });
    let answer = json!({ "id": "cmp_0123456789abc", "state": "running" });
    assert_eq!(document.faults(&schema, &answer), [] as [String; 0]);
    let with = |member: &str, value: Value| {
        let mut other = answer.clone();
        other[member] = value;
        document.faults(&schema, &other).len()
    };
    let counts = [
        with("more", json!(1)),
        with("state", json!("running late")),
        with("id", json!("msg_0123456789abc")),
    ];
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}
