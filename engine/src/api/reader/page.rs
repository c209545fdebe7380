//! The document as a page: this module says what is on it, `templates/reader.html` how it looks. Every value is escaped there.

use askama::Template;
use serde_json::{Map, Value};

/// Where schemas stand in the document.
const SCHEMAS: &str = "#/components/schemas/";

/// Methods, in the order in which they are shown.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

pub(super) fn html(document: &Value) -> askama::Result<String> {
    Page::of(document).render()
}

#[derive(Template)]
#[template(path = "reader.html")]
struct Page<'a> {
    title: &'a str,
    version: &'a str,
    about: Vec<&'a str>,
    groups: Vec<Group<'a>>,
    schemas: Vec<Described<'a>>,
}

struct Group<'a> {
    name: &'a str,
    operations: Vec<Shown<'a>>,
}

/// An operation.
struct Shown<'a> {
    method: &'a str,
    path: &'a str,
    id: &'a str,
    summary: &'a str,
    text: &'a str,
    key: String,
    parameters: Vec<Row<'a>>,
    body: Option<(Vec<Piece<'a>>, String)>,
    answers: Vec<Row<'a>>,
}

/// Something with a name, what it is, and what is said of it.
struct Row<'a> {
    name: &'a str,
    note: &'static str,
    kind: Vec<Piece<'a>>,
    text: &'a str,
}

/// A schema that has a name.
struct Described<'a> {
    name: &'a str,
    text: Vec<&'a str>,
    kind: Vec<Piece<'a>>,
    members: Vec<Row<'a>>,
}

/// Words, or the name of a schema.
enum Piece<'a> {
    Words(String),
    Name(&'a str),
}

impl<'a> Page<'a> {
    fn of(document: &'a Value) -> Self {
        let info = &document["info"];
        let group = |tag: &'a Value| {
            let name = text(&tag["name"]);
            Group {
                name,
                operations: of_group(document, name),
            }
        };
        Self {
            title: text(&info["title"]),
            version: text(&info["version"]),
            about: text(&info["description"]).split("\n\n").collect(),
            groups: document["tags"].as_array().into_iter().flatten().map(group).collect(),
            schemas: members(&document["components"]["schemas"]).map(described).collect(),
        }
    }
}

fn of_group<'a>(document: &'a Value, group: &str) -> Vec<Shown<'a>> {
    let mut all = Vec::new();
    for (path, item) in members(&document["paths"]) {
        for method in METHODS {
            let operation = &item[method];
            if operation["tags"][0] == group {
                all.push(shown(document, (method, path), operation));
            }
        }
    }
    all
}

fn shown<'a>(document: &'a Value, (method, path): (&'a str, &'a str), operation: &'a Value) -> Shown<'a> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameter = |given: &'a Value| {
        let given = followed(document, given);
        Row {
            name: text(&given["name"]),
            note: if given["required"] == true { "required" } else { "" },
            kind: kind(&given["schema"]),
            text: text(&given["description"]),
        }
    };
    let body = &operation["requestBody"]["content"]["application/json"];
    let answer = |(status, answer): (&'a str, &'a Value)| {
        let answer = followed(document, answer);
        let first = members(&answer["content"]).next();
        // A refusal says itself which.
        let schema = first
            .map(|(_, form)| &form["schema"])
            .filter(|schema| schema["allOf"].is_null());
        Row {
            name: status,
            note: "",
            kind: schema.map(kind).unwrap_or_default(),
            text: text(&answer["description"]),
        }
    };
    Shown {
        method,
        path,
        id: text(&operation["operationId"]),
        summary: text(&operation["summary"]),
        text: text(&operation["description"]),
        key: key(&operation["security"]),
        parameters: parameters.map(parameter).collect(),
        body: body
            .is_object()
            .then(|| (kind(&body["schema"]), format!("{:#}", body["example"]))),
        answers: members(&operation["responses"]).map(answer).collect(),
    }
}

/// Itself, or what it refers to.
fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(value)
}

fn key(security: &Value) -> String {
    match members(&security[0]).next() {
        None => "no key".to_owned(),
        Some(("operatorKey", _)) => "the operator's key".to_owned(),
        Some(("resellerKey", roles)) => {
            let role = text(&roles[0]);
            format!("the operator's key, or a reseller's of the role {role} or above")
        }
        Some((_, roles)) => format!("a tenant's key of the role {} or above", text(&roles[0])),
    }
}

fn described<'a>((name, schema): (&'a str, &'a Value)) -> Described<'a> {
    let required = schema["required"].as_array();
    let member = |(name, schema): (&'a str, &'a Value)| Row {
        name,
        note: if required.is_some_and(|all| all.iter().any(|one| one == name)) {
            ""
        } else {
            "optional"
        },
        kind: kind(schema),
        text: text(&schema["description"]),
    };
    Described {
        name,
        text: text(&schema["description"])
            .split('\n')
            .filter(|line| !line.is_empty())
            .collect(),
        kind: if schema["properties"].is_object() {
            Vec::new()
        } else {
            kind(schema)
        },
        members: members(&schema["properties"]).map(member).collect(),
    }
}

/// What a value of a schema is, in words.
fn kind(schema: &Value) -> Vec<Piece<'_>> {
    if let Some(place) = schema["$ref"].as_str() {
        return vec![Piece::Name(place.trim_start_matches(SCHEMAS))];
    }
    let choices = ["oneOf", "anyOf"].iter().find_map(|name| schema[*name].as_array());
    // Of an object, they say which members go together.
    if let Some(choices) = choices.filter(|_| !schema["properties"].is_object()) {
        return between(choices.iter().map(kind), " or ");
    }
    let mut pieces = vec![Piece::Words(types(&schema["type"]))];
    if schema["items"].is_object() {
        pieces.push(Piece::Words(" of ".to_owned()));
        pieces.extend(kind(&schema["items"]));
    }
    pieces.extend(limits(schema).map(|limit| Piece::Words(format!(", {limit}"))));
    pieces
}

fn between<'a>(all: impl Iterator<Item = Vec<Piece<'a>>>, word: &str) -> Vec<Piece<'a>> {
    let mut joined = Vec::new();
    for pieces in all {
        if !joined.is_empty() {
            joined.push(Piece::Words(word.to_owned()));
        }
        joined.extend(pieces);
    }
    joined
}

fn types(given: &Value) -> String {
    match given {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "value".to_owned(),
    }
}

fn limits(schema: &Value) -> impl Iterator<Item = String> {
    let said = [
        ("format", ""),
        ("const", "always "),
        ("minimum", "from "),
        ("maximum", "up to "),
        ("minLength", "characters from "),
        ("maxLength", "characters up to "),
        ("minItems", "elements from "),
        ("maxItems", "elements up to "),
        ("pattern", "as "),
    ];
    let limit = |(name, words): (&str, &str)| match &schema[name] {
        Value::Null => None,
        Value::String(text) => Some(format!("{words}{text}")),
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(format!("{words}{value}"))
        }
    };
    let words = schema["enum"]
        .as_array()
        .map(|words| words.iter().map(text).collect::<Vec<_>>().join(", "));
    said.into_iter()
        .filter_map(limit)
        .chain(words)
        .collect::<Vec<_>>()
        .into_iter()
}

fn members(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members: Option<&Map<String, Value>> = object.as_object();
    members
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
