//! Every operation with every kind of key, about what is one's own, another's and nobody's.

use campanile_tests::{Answer, Http, Stand, programs};
use serde_json::{Value, json};

use crate::document::{Document, Opener, Operation};
use crate::world::{Owner, strange};

/// Whose the things are that a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    Anothers,
    Nobodys,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    WithoutKey,
    WithWrongKey,
    WithRevokedKey,
    Operator,
    Tenant,
}

const ASKERS: [Asker; 5] = [
    Asker::WithoutKey,
    Asker::WithWrongKey,
    Asker::WithRevokedKey,
    Asker::Operator,
    Asker::Tenant,
];

struct Matrix {
    stand: Stand,
    document: Document,
    one: Owner,
    another: Owner,
    revoked: Http,
}

impl Matrix {
    fn new() -> Self {
        let stand = Stand::new(programs!(), "openapi-matrix", "", |smsc| smsc);
        let document = Document::new(stand.engine.public().get("/openapi.json").expect(200));
        let (one, another) = (
            Owner::new(&stand.engine, "Hirondelle"),
            Owner::new(&stand.engine, "Cormoran"),
        );
        let operator = stand.engine.operator();
        let keys = format!("/v1/tenants/{}/keys", one.tenant.id);
        let made = operator.post(&keys, &json!({})).expect(201);
        let revoke = format!("{keys}/{}/revoke", made["id"].as_str().expect("an id"));
        operator.ask("POST", &revoke, None).expect(200);
        let revoked = stand.engine.public().with_key(made["api_key"].as_str().expect("a key"));
        Self {
            stand,
            document,
            one,
            another,
            revoked,
        }
    }

    fn http(&self, asker: Asker) -> Http {
        let public = self.stand.engine.public();
        match asker {
            Asker::WithoutKey => public,
            Asker::WithWrongKey => public.with_key("sk_live_00000000000000000000000000000000"),
            Asker::WithRevokedKey => self.revoked.clone(),
            Asker::Operator => self.stand.engine.operator(),
            Asker::Tenant => self.one.http.clone(),
        }
    }

    /// Asks for an operation about fresh things.
    fn ask(&self, operation: &Operation, asker: Asker, whose: Whose) -> Answer {
        let operator = self.stand.engine.operator();
        let mut path = operation.path.clone();
        for (name, schema) in &operation.path_parameters {
            let value = match (&schema["enum"][0], schema["pattern"].as_str(), whose) {
                (Value::String(word), ..) => word.clone(),
                (_, Some(pattern), Whose::Own) => self.one.make(&operator, pattern),
                (_, Some(pattern), Whose::Anothers) => self.another.make(&operator, pattern),
                (_, Some(pattern), Whose::Nobodys) => strange(pattern),
                (_, None, _) => panic!("{}: what is {name}?", operation.id),
            };
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        let query = operation.query.iter().map(|(name, schema)| {
            let schema = self.document.resolved(schema);
            let value = match schema["pattern"].as_str() {
                // Several ids of a kind.
                Some(pattern) if is_of_ids(schema) => {
                    let id = || match whose {
                        Whose::Own => self.one.make(&operator, pattern),
                        Whose::Anothers => self.another.make(&operator, pattern),
                        Whose::Nobodys => strange(pattern),
                    };
                    [id(), id()].join(",")
                }
                _ => schema["examples"][0].as_str().expect("an example").to_owned(),
            };
            format!("{name}={}", value.replace('+', "%2B"))
        });
        let query = query.collect::<Vec<_>>().join("&");
        if !query.is_empty() {
            path = format!("{path}?{query}");
        }
        if operation.is_stream() {
            path = format!("{path}?seconds=1");
        }
        if let Some(media) = &operation.file {
            // Looked at, and not taken in: one at a time of a tenant is.
            let path = format!("{path}?dry_run=true");
            return self
                .http(asker)
                .post_as(media, &path, b"nom;portable\nMartin;0612345678\n");
        }
        let body = operation.body.as_ref().map(|(_, example)| example);
        self.http(asker).ask(&operation.method, &path, body)
    }

    #[track_caller]
    fn check(&self, operation: &Operation, asker: Asker, whose: Whose) {
        let answer = self.ask(operation, asker, whose);
        let case = format!(
            "{} by {asker:?} about {whose:?}: {} {}",
            operation.id, answer.status, answer.text
        );
        self.document.assert_describes(operation, &answer);
        let is_open = operation.opener == Opener::Nobody;
        let opens = is_open
            || match asker {
                Asker::WithoutKey | Asker::WithWrongKey | Asker::WithRevokedKey => {
                    assert_eq!(answer.status, 401, "{case}");
                    return;
                }
                Asker::Operator => operation.opener == Opener::Operator,
                Asker::Tenant => operation.opener == Opener::Tenant,
            };
        if !opens {
            // Whether it is there is not told either.
            assert_eq!(answer.status, 403, "{case}");
            return;
        }
        let in_path = operation.path_parameters.values();
        let in_query = operation.query.iter().map(|(_, schema)| self.document.resolved(schema));
        let in_query = in_query.filter(|schema| is_of_ids(schema));
        let has_ids = in_query.chain(in_path).any(|schema| schema["pattern"].is_string());
        let is_there = match whose {
            Whose::Own => true,
            Whose::Anothers => operation.opener == Opener::Operator,
            Whose::Nobodys => false,
        };
        if has_ids && !is_there {
            assert_eq!(answer.status, 404, "{case}");
        } else {
            let done = (200..300).contains(&answer.status) || answer.status == 409;
            assert!(done, "{case}");
        }
        if asker == Asker::Tenant && !is_open {
            let (id, mark) = (&self.another.tenant.id, self.another.mark);
            assert!(
                !answer.text.contains(id) && !answer.text.contains(mark),
                "of another tenant: {case}"
            );
        }
    }
}

/// Whether it is of ids of campaigns, with commas between them.
fn is_of_ids(schema: &Value) -> bool {
    schema["pattern"]
        .as_str()
        .is_some_and(|pattern| pattern.starts_with("^cmp_"))
}

#[test]
fn every_operation_opens_to_its_key_only_and_to_nobody_about_what_is_anothers() {
    let matrix = Matrix::new();
    for operation in matrix.document.operations() {
        for asker in ASKERS {
            for whose in [Whose::Own, Whose::Anothers, Whose::Nobodys] {
                matrix.check(&operation, asker, whose);
            }
        }
    }
}

#[test]
fn what_another_tenant_tries_changes_nothing() {
    let matrix = Matrix::new();
    let (owner, operator) = (&matrix.another, matrix.stand.engine.operator());
    let tenant = || operator.get(&format!("/v1/tenants/{}", owner.tenant.id)).expect(200);
    let before = (owner.http.get("/v1/campaigns").expect(200), tenant());
    let path = format!("/v1/campaigns/{}", owner.make(&operator, "^cmp_"));
    let campaign = owner.http.get(&path).expect(200);
    let id = campaign["id"].as_str().expect("an id");
    for operation in matrix.document.operations() {
        let about_campaigns = operation.path.starts_with("/v1/campaigns/{id}") && operation.method != "GET";
        if !about_campaigns {
            continue;
        }
        let body = operation.body.as_ref().map(|(_, example)| example);
        let answer = matrix
            .one
            .http
            .ask(&operation.method, &operation.path.replace("{id}", id), body);
        answer.expect_problem(&[404]);
    }
    assert_eq!(owner.http.get(&path).expect(200), campaign);
    assert_eq!(tenant(), before.1);
}
