//! The document: OpenAPI 3.1, whose schemas are those of JSON Schema 2020-12.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::transform_subschemas;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::operation::{Key, Operation, Shape};
use super::{Routes, Verb, above};
use crate::api::problem::{ProblemCode, ProblemDocument, title};
use crate::domain::Language;

/// Where schemas that have names stand.
const SCHEMAS: &str = "/components/schemas";

const ABOUT: &str = "Tenants and resellers ask here. Keys go in `Authorization: Bearer …`: a tenant's opens what is the tenant's, a \
reseller's makes tenants and manages them, or acts for the one that `X-Tenant-Id` names, the operator's makes resellers and grants credits. What belongs to another tenant does not exist for this one: 404.

Bodies are JSON. A field or parameter of another name is refused, with the name that was probably meant. Times are RFC 3339, numbers \
E.164, ids opaque. Refusals are `application/problem+json` (RFC 9457) in French or English, by `Accept-Language`; go by `code`, \
which is never translated and of the closed list `ProblemCode`. Further fields may come into answers: ignore those that you do not know.

A POST with an `Idempotency-Key` is carried out once, and answered for a day as the first time. Lists are given in pages: \
`next_cursor` is the `cursor` of the next, and `null` where there is none; the header `Link` has its address.

What is shown under an id has an `ETag`: a change with `If-Match` is made if it is still that version, and is refused with 412 if not.";

const TENANT_KEY: &str = "A tenant's key, `sk_live_…`. Beside each operation stands the least role that opens it: `read` looks at everything \
of the tenant and has things worked out that change nothing, `send` sends as well, campaigns and single messages, `full` changes all but \
the tenant's keys, and `admin` those, too.";

const RESELLER_KEY: &str = "A reseller's key, `rk_live_…`: it makes tenants, and manages those that are its own. Roles are as for tenants: \
beside `read` and `full`, `admin` gives and takes keys.";

const ACTS_FOR: &str = "The tenant, `ten_…`, for which a reseller's key acts as the tenant's own would. One that is another's does not exist: 404.";

impl Routes {
    /// The document of these routes.
    pub(in crate::api) fn document(&self) -> Value {
        let (mut schemas, mut refusals) = (Schemas::new(), Refusals::default());
        let tagged = self.tagged();
        let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for (tag, operation) in &self.operations {
            let versions = Versions::of(operation, &tagged);
            let described = describe((tag, operation, versions), (&mut schemas, &mut refusals));
            let at = paths.entry(operation.path).or_default();
            at.insert(operation.verb.word().to_owned(), described);
        }
        // Refusals name it.
        schemas.of_answers.subschema_for::<ProblemDocument<'_>>();
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Campanile",
                "summary": "A multi-tenant SMS campaign engine.",
                "description": ABOUT,
                "version": env!("CARGO_PKG_VERSION"),
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/", "description": "Where this document comes from." }],
            "tags": self.tags(),
            "paths": paths,
            "components": {
                "securitySchemes": {
                    "tenantKey": { "type": "http", "scheme": "bearer", "description": TENANT_KEY },
                    "resellerKey": { "type": "http", "scheme": "bearer", "description": RESELLER_KEY },
                    "actsFor": { "type": "apiKey", "in": "header", "name": "X-Tenant-Id", "description": ACTS_FOR },
                    "operatorKey": { "type": "http", "scheme": "bearer", "description": "The operator's key." },
                },
                "parameters": parameters(),
                "headers": headers(),
                "responses": refusals.named,
                "schemas": schemas.into_definitions(),
            },
        })
    }

    /// In the order in which they come first.
    fn tags(&self) -> Vec<Value> {
        let mut tags: Vec<&str> = Vec::new();
        for (tag, _) in &self.operations {
            if !tags.contains(tag) {
                tags.push(tag);
            }
        }
        tags.into_iter().map(|name| json!({ "name": name })).collect()
    }
}

/// The schemas of what is given and of what is answered: of the same type, an optional member may be missing in the one, and is
/// `null` in the other.
struct Schemas {
    of_requests: SchemaGenerator,
    of_answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let under = |contract: Contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = SCHEMAS.into();
                if contract.is_deserialize() {
                    settings.transforms.push(Box::new(not_null));
                }
                settings.contract = contract;
            });
            settings.into_generator()
        };
        Self {
            of_requests: under(Contract::Deserialize),
            of_answers: under(Contract::Serialize),
        }
    }

    fn request(&mut self, shape: Shape) -> Schema {
        shape(&mut self.of_requests)
    }

    fn answer(&mut self, shape: Shape) -> Schema {
        shape(&mut self.of_answers)
    }

    fn into_definitions(mut self) -> Map<String, Value> {
        let mut all = self.of_requests.take_definitions(true);
        all.extend(self.of_answers.take_definitions(true));
        all
    }
}

/// An optional member of what is given is left out: `null` is for `Nullable`, which is a `oneOf`.
fn not_null(schema: &mut Schema) {
    transform_subschemas(&mut not_null, schema);
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(mut choices)) = object.remove("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        match &choices[..] {
            [Value::Object(only)] => object.extend(only.clone()),
            _ => drop(object.insert("anyOf".to_owned(), choices.into())),
        }
    }
}

/// Whether what an operation shows or changes has versions, which tags name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Versions {
    None,
    /// It shows one.
    Shows,
    /// It changes what has versions, and answers with the new one or without.
    Changes {
        answers: bool,
    },
}

impl Versions {
    fn of(operation: &Operation, tagged: &FxHashSet<&'static str>) -> Self {
        let is_itself = tagged.contains(operation.path);
        match operation.verb {
            Verb::Get if is_itself => Self::Shows,
            Verb::Put | Verb::Patch if is_itself => Self::Changes { answers: true },
            Verb::Delete | Verb::Post if is_itself => Self::Changes { answers: false },
            Verb::Post if above(operation).is_some_and(|above| tagged.contains(above)) => {
                Self::Changes { answers: false }
            }
            Verb::Get | Verb::Put | Verb::Patch | Verb::Delete | Verb::Post => Self::None,
        }
    }
}

fn describe(
    (tag, operation, versions): (&str, &Operation, Versions),
    (schemas, refusals): (&mut Schemas, &mut Refusals),
) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [tag],
        "summary": operation.summary,
        "parameters": parameters_of((operation, versions), schemas),
        "responses": responses_of((operation, versions), (schemas, refusals)),
        "security": match operation.key {
            Key::Nobody => json!([]),
            // OpenAPI 3.1.0, 4.8.30: the roles that are asked for.
            Key::Tenant => json!([
                { "tenantKey": [operation.role().code()] },
                { "resellerKey": [operation.role().code()], "actsFor": [] },
            ]),
            Key::Reseller => json!([{ "resellerKey": [operation.role().code()] }, { "operatorKey": [] }]),
            Key::Operator => json!([{ "operatorKey": [] }]),
        },
    });
    if !operation.text.is_empty() {
        described["description"] = operation.text.into();
    }
    if let Some((body, example)) = &operation.body {
        let schema = schemas.request(*body);
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        described["requestBody"] = json!({ "required": !operation.without_body, "content": content });
    }
    if !operation.file.is_empty() {
        let file = |media: &&str| ((*media).to_owned(), json!({}));
        let content: Map<String, Value> = operation.file.iter().map(file).collect();
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described
}

fn parameters_of((operation, versions): (&Operation, Versions), schemas: &mut Schemas) -> Vec<Value> {
    let mut all = Vec::new();
    for part in &operation.path_parameters {
        let schema = schemas.request(part.shape);
        all.push(
            json!({ "name": part.name, "in": "path", "required": true, "description": part.text, "schema": schema }),
        );
    }
    if let Some(query) = operation.query {
        // Its members are the parameters: the object itself has no name in the document.
        let object = query_object(query);
        all.extend(members(&object));
    }
    let named = |name: &str| json!({ "$ref": format!("#/components/parameters/{name}") });
    if operation.is_once() {
        all.push(named("IdempotencyKey"));
    }
    match versions {
        Versions::Shows => all.push(named("IfNoneMatch")),
        Versions::Changes { .. } => all.push(named("IfMatch")),
        Versions::None => {}
    }
    if operation.speaks {
        all.push(named("AcceptLanguage"));
    }
    all
}

fn query_object(query: Shape) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.contract = Contract::Deserialize;
    });
    let mut object = query(&mut settings.into_generator());
    not_null(&mut object);
    object.to_value()
}

fn members(object: &Value) -> Vec<Value> {
    let required: Vec<&str> = object["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = object["properties"].as_object().into_iter().flatten();
    let member = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let text = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({
            "name": name, "in": "query", "required": required.contains(&name.as_str()), "description": text.unwrap_or_default(), "schema": schema,
        })
    };
    properties.map(member).collect()
}

fn responses_of(
    (operation, versions): (&Operation, Versions),
    (schemas, refusals): (&mut Schemas, &mut Refusals),
) -> Map<String, Value> {
    let mut all = Map::new();
    for answer in &operation.answers {
        let content: Map<String, Value> = answer
            .content
            .iter()
            .map(|(media, shape)| ((*media).to_owned(), json!({ "schema": schemas.answer(*shape) })))
            .collect();
        let mut headers = json!({ "X-Request-Id": header("RequestId") });
        if operation.is_once() {
            headers["Idempotency-Replayed"] = header("IdempotencyReplayed");
        }
        if matches!(versions, Versions::Shows | Versions::Changes { answers: true }) {
            headers["ETag"] = header("ETag");
        }
        if operation.verb == Verb::Get && content.values().any(is_page) {
            headers["Link"] = header("Link");
        }
        all.insert(
            answer.status.to_string(),
            json!({ "description": answer.text, "headers": headers, "content": content }),
        );
    }
    if versions == Versions::Shows {
        let headers = json!({ "X-Request-Id": header("RequestId"), "ETag": header("ETag") });
        let described = json!({ "description": "It is as `If-None-Match` has it.", "headers": headers });
        all.insert("304".to_owned(), described);
    }
    let mut codes = operation.refusals();
    if matches!(versions, Versions::Changes { .. }) {
        codes.extend([ProblemCode::PreconditionFailed, ProblemCode::OperationRunning]);
    }
    let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        all.insert(status.to_string(), refusals.reference(status, &codes));
    }
    all
}

/// Refusals that several operations have, under a name each.
#[derive(Default)]
struct Refusals {
    named: BTreeMap<String, Value>,
}

impl Refusals {
    fn reference(&mut self, status: u16, codes: &[ProblemCode]) -> Value {
        let (wanted, first) = (refusal(status, codes), format!("Refusal{status}"));
        let others = (2..).map(|number| format!("Refusal{status}_{number}"));
        let free = |name: &String| self.named.get(name).is_none_or(|known| *known == wanted);
        let name = std::iter::once(first.clone()).chain(others).find(free).unwrap_or(first);
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        self.named.insert(name, wanted);
        reference
    }
}

/// The refusals of one status: a problem with one of some codes.
fn refusal(status: u16, codes: &[ProblemCode]) -> Value {
    let mut words: Vec<&str> = codes.iter().map(|code| code.word()).collect();
    words.sort_unstable();
    let lines: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.word(), title(*code, Language::En)))
        .collect();
    let schema = json!({
        "allOf": [{ "$ref": format!("#{SCHEMAS}/Problem") }],
        "properties": { "code": { "enum": words }, "status": { "const": status } },
    });
    let mut headers = json!({ "X-Request-Id": header("RequestId"), "Content-Language": header("ContentLanguage") });
    let waits = matches!(status, 429 | 503) || codes.contains(&ProblemCode::OperationRunning);
    if waits {
        headers["Retry-After"] = header("RetryAfter");
    }
    if status == 401 {
        headers["WWW-Authenticate"] = header("WwwAuthenticate");
    }
    json!({
        "description": lines.join("; ") + ".",
        "headers": headers,
        "content": { "application/problem+json": { "schema": schema } },
    })
}

/// Whether a body is some rows of a list, and where the next ones are.
fn is_page(body: &Value) -> bool {
    let name = body["schema"]["$ref"]
        .as_str()
        .and_then(|place| place.rsplit('/').next());
    name.is_some_and(|name| name.starts_with("PageOf"))
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn headers() -> Value {
    json!({
        "RequestId": { "description": "By which this request is found in the log.", "schema": { "type": "string" } },
        "Link": {
            "description": "Where the next page is, `rel=\"next\"` (RFC 8288); not there behind the last one.",
            "schema": { "type": "string" },
        },
        "IdempotencyReplayed": {
            "description": "The answer is that of an earlier request with the same `Idempotency-Key`.",
            "schema": { "type": "string", "const": "true" },
        },
        "ETag": {
            "description": "The version of what is shown here. Its part ahead of the dot is of what requests change, and all that                             `If-Match` compares; the other is of all that is shown.",
            "schema": { "type": "string", "pattern": "^\"[0-9a-f]{24}\\.[0-9a-f]{24}\"$" },
        },
        "RetryAfter": { "description": "Seconds to wait.", "schema": { "type": "integer", "minimum": 1 } },
        "ContentLanguage": { "description": "Of `title` and `detail`.", "schema": { "enum": ["fr", "en"] } },
        "WwwAuthenticate": { "description": "How a key is shown.", "schema": { "const": "Bearer" } },
    })
}

fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Names what is asked for: repeated with it, the request is carried out once. 1 to 255 visible ASCII \
                            characters without quotes and backslashes, or such in quotes.",
            "schema": { "type": "string", "pattern": "^[!#-\\[\\]-~]{1,255}$" },
            "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
        },
        "IfMatch": {
            "name": "If-Match", "in": "header", "required": false,
            "description": "The `ETag` of what was looked at, or several: it is done if that is still so, and refused with 412 if it was changed                             since. Of requests with it about the same thing one is carried out after the other. Figures that go on by                             themselves, as progress and balances, do not matter.",
            "schema": { "type": "string" },
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "The `ETag` of what is known, or several: 304 without a body if nothing of it has changed.",
            "schema": { "type": "string" },
        },
        "AcceptLanguage": {
            "name": "Accept-Language", "in": "header", "required": false,
            "description": "`fr` or `en`: the language of what is said in words.",
            "schema": { "type": "string" },
            "example": "fr",
        },
    })
}
