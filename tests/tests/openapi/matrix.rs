//! Every operation with every kind of key, about what is one's own, another's and nobody's.

use std::collections::BTreeMap;
use std::time::Duration;

use campanile_tests::{Answer, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::openapi::document::{Document, Opener, Operation};
use crate::openapi::world::{Owner, is_of_id, strange};

const LIMIT: Duration = Duration::from_secs(30);

/// Whose the things are that a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    /// Of another tenant of the same reseller.
    Siblings,
    /// Of a tenant of another reseller.
    Anothers,
    Nobodys,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    WithoutKey,
    WithWrongKey,
    WithRevokedKey,
    WithExpiredKey,
    WithKeyOfElsewhere,
    Operator,
    /// With the tenant's first key, which is `full`.
    Tenant,
    /// With one of its keys of that role.
    TenantAs(&'static str),
    /// With a key of the tenant's sandbox, which is `full`.
    Sandbox,
    /// With a key that reaches the tenant's guests alone, which is `full`.
    Team,
    /// The tenant's reseller.
    Reseller,
    ResellerAs(&'static str),
    /// The same, for the tenant.
    ResellerFor,
    /// The same, for a tenant of another reseller.
    ResellerForAnothers,
}

/// Nobody whom the engine knows, and a tenant.
const TENANTS: [Asker; 11] = [
    Asker::WithoutKey,
    Asker::WithWrongKey,
    Asker::WithRevokedKey,
    Asker::WithExpiredKey,
    Asker::WithKeyOfElsewhere,
    Asker::Tenant,
    Asker::TenantAs("read"),
    Asker::TenantAs("send"),
    Asker::TenantAs("admin"),
    Asker::Sandbox,
    Asker::Team,
];

/// Those who have tenants.
const MANAGERS: [Asker; 5] = [
    Asker::Operator,
    Asker::Reseller,
    Asker::ResellerAs("read"),
    Asker::ResellerFor,
    Asker::ResellerForAnothers,
];

impl Asker {
    /// About whose things it asks: one that opens nothing at all is not told either what is there.
    fn asks_about(self) -> &'static [Whose] {
        match self {
            Self::WithoutKey
            | Self::WithWrongKey
            | Self::WithRevokedKey
            | Self::WithExpiredKey
            | Self::WithKeyOfElsewhere
            | Self::ResellerForAnothers => &[Whose::Own, Whose::Nobodys],
            // What is there and another's is refused to it as well.
            Self::Team => &[Whose::Own],
            Self::TenantAs(_) | Self::Sandbox | Self::ResellerAs(_) => &[Whose::Own, Whose::Anothers],
            Self::Operator | Self::Tenant | Self::Reseller | Self::ResellerFor => {
                &[Whose::Own, Whose::Siblings, Whose::Anothers, Whose::Nobodys]
            }
        }
    }
}

/// What a sandbox has no use for.
const LIVE_ONLY: [&str; 2] = ["askForNumber", "askForSender"];

/// What a team's key sends, to guests, whatever else is the tenant's.
const BY_TEAMS: [&str; 3] = ["sendMessage", "createCampaign", "testCampaign"];

/// Each opens what those before it open.
const ROLES: [&str; 4] = ["read", "send", "full", "admin"];

struct Matrix {
    stand: Stand,
    document: Document,
    one: Owner,
    sibling: Owner,
    another: Owner,
    revoked: Http,
    expired: Http,
    of_elsewhere: Http,
    /// A key of each role.
    of_role: BTreeMap<&'static str, Http>,
    /// A key of its sandbox.
    sandbox: Http,
    /// A team's key.
    team: Http,
    /// A reseller's key of the role `read`.
    reseller_reads: Http,
}

impl Matrix {
    fn new() -> Self {
        let stand = Stand::under(Lab::new(programs!(), "openapi-matrix"), "", |redis, sim| {
            let [north, bench] = ["north", "bench"].map(|name| SmscSettings::new(name, sim.smpp_address()));
            EngineSettings::new(Some(redis.url()), vec![north, bench.line("sandbox = true")])
        });
        let document = Document::new(stand.engine.public().get("/openapi.json").expect(200));
        let (one, another) = (Owner::new(&stand, "Hirondelle"), Owner::new(&stand, "Cormoran"));
        let sibling = one.sibling(&stand, "Mésange");
        let (operator, public) = (stand.engine.operator(), stand.engine.public());
        let keys = format!("/v1/tenants/{}/keys", one.tenant.id);
        let make = |bounds: Value| operator.post(&keys, &bounds).expect(201);
        let with = |made: &Value| public.with_key(made["api_key"].as_str().expect("a key"));
        let made = make(json!({}));
        let revoke = format!("{keys}/{}/revoke", made["id"].as_str().expect("an id"));
        operator.ask("POST", &revoke, None).expect(200);
        let revoked = with(&made);
        let expired = with(&make(json!({ "expires_at": soon() })));
        let of_elsewhere = with(&make(json!({ "addresses": ["192.0.2.0/24", "2001:db8::1"] })));
        let of_role = ROLES.map(|role| (role, with(&make(json!({ "role": role })))));
        let sandbox = with(&make(json!({ "kind": "sandbox" })));
        let team = with(&make(json!({ "kind": "team" })));
        let reseller_keys = format!("/v1/resellers/{}/keys", one.reseller.id);
        let reader = with(&operator.post(&reseller_keys, &json!({ "role": "read" })).expect(201));
        eventually("a key has expired", LIMIT, || {
            (expired.get("/v1/tenant").status == 401).then_some(())
        });
        Self {
            stand,
            document,
            one,
            sibling,
            another,
            revoked,
            expired,
            of_elsewhere,
            of_role: of_role.into(),
            sandbox,
            team,
            reseller_reads: reader,
        }
    }

    fn http(&self, asker: Asker) -> Http {
        let public = self.stand.engine.public();
        match asker {
            Asker::WithoutKey => public,
            Asker::WithWrongKey => public.with_key("sk_live_00000000000000000000000000000000"),
            Asker::WithRevokedKey => self.revoked.clone(),
            Asker::WithExpiredKey => self.expired.clone(),
            Asker::WithKeyOfElsewhere => self.of_elsewhere.clone(),
            Asker::Operator => self.stand.engine.operator(),
            Asker::Tenant => self.one.http.clone(),
            Asker::TenantAs(role) => self.of_role[role].clone(),
            Asker::Sandbox => self.sandbox.clone(),
            Asker::Team => self.team.clone(),
            Asker::Reseller => self.one.reseller.http.clone(),
            Asker::ResellerAs(_) => self.reseller_reads.clone(),
            Asker::ResellerFor => self.one.reseller.http.acting_for(&self.one.tenant.id),
            Asker::ResellerForAnothers => self.one.reseller.http.acting_for(&self.another.tenant.id),
        }
    }

    /// Asks for an operation about fresh things.
    fn ask(&self, operation: &Operation, asker: Asker, whose: Whose) -> Answer {
        let operator = self.stand.engine.operator();
        if asker == Asker::Team {
            // Those to whom examples write; what was asked before may have taken them off the list.
            let guests = json!({ "numbers": ["+33612345678", "+33612345679", "+33612345680"] });
            self.one.http.post("/v1/guests", &guests).expect(200);
        }
        let mut path = operation.path.clone();
        for (name, schema) in &operation.path_parameters {
            let value = match (&schema["enum"][0], schema["pattern"].as_str(), whose) {
                (Value::String(word), ..) => word.clone(),
                (_, Some(pattern), Whose::Own) => self.one.make(&operator, (pattern, &operation.path)),
                (_, Some(pattern), Whose::Siblings) => self.sibling.make(&operator, (pattern, &operation.path)),
                (_, Some(pattern), Whose::Anothers) => self.another.make(&operator, (pattern, &operation.path)),
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
                        Whose::Own => self.one.make(&operator, (pattern, &operation.path)),
                        Whose::Siblings => self.sibling.make(&operator, (pattern, &operation.path)),
                        Whose::Anothers => self.another.make(&operator, (pattern, &operation.path)),
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
        let mut body = operation.body.as_ref().map(|(_, example)| example.clone());
        if let Some(tenant) = body.as_mut().and_then(|body| body.get_mut("tenant")) {
            let owner = match whose {
                Whose::Own | Whose::Nobodys => &self.one,
                Whose::Siblings => &self.sibling,
                Whose::Anothers => &self.another,
            };
            *tenant = json!(owner.tenant.id);
        }
        let answer = self.http(asker).ask(&operation.method, &path, body.as_ref());
        if let Some(suspended) = path.strip_suffix("/suspend").filter(|_| answer.status == 200) {
            // What is asked next is about tenants that may do something.
            operator.post(&format!("{suspended}/resume"), &json!({})).expect(200);
        }
        answer
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
        if !is_open && let Some((status, code)) = refusal(operation, asker) {
            // Whether it is there is not told either.
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (status, &json!(code)),
                "{case}"
            );
            return;
        }
        if is_open && !operation.path_parameters.is_empty() {
            // From no page: whoever asks, and whosever form it is.
            let status = if whose == Whose::Nobodys { 404 } else { 403 };
            assert_eq!(answer.status, status, "{case}");
            return;
        }
        let in_path = operation.path_parameters.values();
        let in_query = operation.query.iter().map(|(_, schema)| self.document.resolved(schema));
        let in_query = in_query.filter(|schema| is_of_ids(schema));
        let has_ids = in_query
            .chain(in_path)
            .any(|schema| schema["pattern"].as_str().is_some_and(is_of_id));
        let is_there = match whose {
            // What is its tenant's is another's.
            Whose::Own => asker != Asker::Sandbox,
            Whose::Siblings => operation.opener != Opener::Tenant,
            Whose::Anothers => operation.opener != Opener::Tenant && asker == Asker::Operator,
            Whose::Nobodys => false,
        };
        if has_ids && !is_there {
            assert_eq!(answer.status, 404, "{case}");
        } else {
            let done = (200..300).contains(&answer.status) || answer.status == 409;
            assert!(done, "{case}");
        }
        // The path of what is asked for, which is in a refusal, is what was given.
        let told = answer.text.replace(
            &self.another.tenant.id,
            if whose == Whose::Anothers { "" } else { "another's" },
        );
        if asker != Asker::Operator && !is_open {
            let told_of = [self.another.mark, "another's"]
                .into_iter()
                .find(|mark| told.contains(mark));
            assert_eq!(told_of, None, "of another tenant: {case}");
        }
    }
}

/// Why that key does not open it, if it does not.
fn refusal(operation: &Operation, asker: Asker) -> Option<(u16, &'static str)> {
    let (opener, role) = match asker {
        Asker::WithoutKey | Asker::WithWrongKey | Asker::WithRevokedKey => return Some((401, "unauthorized")),
        Asker::WithExpiredKey => return Some((401, "key_expired")),
        Asker::WithKeyOfElsewhere => return Some((403, "address_not_allowed")),
        Asker::ResellerForAnothers => return Some((404, "not_found")),
        Asker::Operator => return (operation.opener == Opener::Tenant).then_some((403, "forbidden")),
        Asker::Tenant => (Opener::Tenant, "full"),
        Asker::TenantAs(role) => (Opener::Tenant, role),
        Asker::Sandbox if LIVE_ONLY.contains(&&*operation.id) => return Some((403, "forbidden")),
        Asker::Sandbox | Asker::Team => (Opener::Tenant, "full"),
        Asker::Reseller => (Opener::Reseller, "admin"),
        Asker::ResellerAs(role) => (Opener::Reseller, role),
        Asker::ResellerFor => (Opener::Tenant, "admin"),
    };
    if operation.opener != opener {
        return Some((403, "forbidden"));
    }
    let is_read = operation.role.as_deref() == Some("read");
    if asker == Asker::Team && !is_read && !BY_TEAMS.contains(&&*operation.id) {
        return Some((403, "guests_only"));
    }
    let rank = |role: &str| ROLES.iter().position(|known| *known == role).expect("a role");
    let needed = operation.role.as_deref().expect("the document says the role");
    (rank(role) < rank(needed)).then_some((403, "role_not_allowed"))
}

/// A moment away, as a date.
fn soon() -> String {
    let at = Timestamp::now() + SignedDuration::from_secs(1);
    at.to_string()
}

fn all_operations_by(askers: &[Asker]) {
    let matrix = Matrix::new();
    for operation in matrix.document.operations() {
        for asker in askers {
            for whose in asker.asks_about() {
                matrix.check(&operation, *asker, *whose);
            }
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
    all_operations_by(&TENANTS);
}

#[test]
fn every_operation_opens_to_those_who_have_tenants_about_these_and_no_others() {
    all_operations_by(&MANAGERS);
}

#[test]
fn what_another_tenant_tries_changes_nothing() {
    let matrix = Matrix::new();
    let (owner, operator) = (&matrix.another, matrix.stand.engine.operator());
    let tenant = || operator.get(&format!("/v1/tenants/{}", owner.tenant.id)).expect(200);
    let before = (owner.http.get("/v1/campaigns").expect(200), tenant());
    let path = format!("/v1/campaigns/{}", owner.make(&operator, ("^cmp_", "/v1/campaigns")));
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
