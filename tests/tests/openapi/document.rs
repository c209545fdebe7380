//! The document as tests use it: its operations, and whether an answer is as it says.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use campanile_tests::{Answer, text};
use jsonschema::Validator;
use serde_json::{Value, json};

/// Whose key opens an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opener {
    Nobody,
    /// A tenant's, or a reseller's that acts for it.
    Tenant,
    /// A reseller's about what is its own, or the operator's.
    Reseller,
    Operator,
}

/// An operation of the document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// `POST`
    pub(crate) method: String,
    /// With `{…}` in it.
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) opener: Opener,
    /// The least role of a key that opens it, where those have one.
    pub(crate) role: Option<String>,
    /// The schema of each `{…}` in its path.
    pub(crate) path_parameters: BTreeMap<String, Value>,
    /// With what it has to be asked behind the `?`.
    pub(crate) query: Vec<(String, Value)>,
    /// The schema of its body, and one that is taken.
    pub(crate) body: Option<(Value, Value)>,
    /// The media type of a file that is its body.
    pub(crate) file: Option<String>,
    responses: Value,
}

pub(crate) struct Document {
    pub(crate) value: Value,
    /// Its components, in which no object has members that are not described.
    strict: Value,
    /// What was made of each schema: that takes longer than to ask for what it describes.
    validators: RefCell<HashMap<String, Rc<Validator>>>,
}

impl Document {
    pub(crate) fn new(value: Value) -> Self {
        let mut strict = value["components"].clone();
        close(&mut strict);
        Self {
            value,
            strict,
            validators: RefCell::default(),
        }
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.value["paths"].as_object().expect("paths");
        let of_path = |(path, item): (&String, &Value)| -> Vec<Operation> {
            let all = item.as_object().expect("operations");
            all.iter()
                .map(|(method, described)| operation(path, method, described))
                .collect()
        };
        paths.iter().flat_map(of_path).collect()
    }

    /// The schema, with `$ref`s followed.
    pub(crate) fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(place) => self
                .value
                .pointer(&place[1..])
                .unwrap_or_else(|| panic!("{place} is nowhere")),
            None => schema,
        }
    }

    /// Fails when the answer is not as the document says of that operation.
    #[track_caller]
    pub(crate) fn assert_describes(&self, operation: &Operation, answer: &Answer) {
        let what = format!(
            "{} {}: {} {}",
            operation.method, operation.path, answer.status, answer.text
        );
        let response = self.resolved(&operation.responses[answer.status.to_string()]);
        assert!(response.is_object(), "this status is not documented: {what}");
        let content = response["content"].as_object().expect("what it brings");
        if content.is_empty() {
            assert!(answer.text.is_empty(), "nothing is documented: {what}");
            return;
        }
        let form = content.get(&answer.content_type);
        let form = form.unwrap_or_else(|| panic!("this type is not documented: {}, {what}", answer.content_type));
        if !answer.content_type.ends_with("json") {
            return;
        }
        let faults = self.faults(&form["schema"], &answer.json());
        assert!(faults.is_empty(), "not as documented: {what}\n{}", faults.join("\n"));
    }

    /// Why a value is not of that schema.
    pub(crate) fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        let faults = validator.iter_errors(value);
        faults
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Rc<Validator> {
        let mut known = self.validators.borrow_mut();
        let made = known.entry(schema.to_string()).or_insert_with(|| {
            let whole = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "allOf": [schema],
                "components": self.strict,
            });
            Rc::new(jsonschema::validator_for(&whole).expect("a schema"))
        });
        Rc::clone(made)
    }
}

impl Operation {
    /// Whether its answer ends only when what it tells of does.
    pub(crate) fn is_stream(&self) -> bool {
        self.responses["200"]["content"]["text/event-stream"].is_object()
    }
}

/// Clients ignore what they do not know; this test wants to know all.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            let is_open = members.get("properties").is_some_and(Value::is_object) && !members.contains_key("allOf");
            if is_open && !members.contains_key("additionalProperties") {
                members.insert("unevaluatedProperties".to_owned(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn operation(path: &str, method: &str, described: &Value) -> Operation {
    let parameters = described["parameters"].as_array().expect("parameters");
    let at = |place: &str| {
        let those = parameters.iter().filter(|parameter| parameter["in"] == place);
        let named = those.map(|parameter| (text(&parameter["name"]), parameter.clone()));
        named.collect::<Vec<_>>()
    };
    let required = |(name, parameter): (String, Value)| {
        (parameter["required"] == true).then_some((name, parameter["schema"].clone()))
    };
    let security = described["security"][0].as_object().and_then(|one| one.iter().next());
    let opener = security.map(|(name, _)| name.as_str());
    let content = &described["requestBody"]["content"];
    let body = &content["application/json"];
    let media = content.as_object().and_then(|content| content.keys().max());
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        id: text(&described["operationId"]),
        opener: match opener {
            None => Opener::Nobody,
            Some("tenantKey") => Opener::Tenant,
            Some("resellerKey") => Opener::Reseller,
            Some("operatorKey") => Opener::Operator,
            Some(other) => panic!("a key of another kind: {other}"),
        },
        role: security.and_then(|(_, roles)| roles[0].as_str().map(str::to_owned)),
        path_parameters: at("path")
            .into_iter()
            .map(|(name, parameter)| (name, parameter["schema"].clone()))
            .collect(),
        query: at("query").into_iter().filter_map(required).collect(),
        body: body
            .is_object()
            .then(|| (body["schema"].clone(), body["example"].clone())),
        file: media.filter(|media| *media != "application/json").cloned(),
        responses: described["responses"].clone(),
    }
}
