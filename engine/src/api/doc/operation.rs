//! One operation as it is documented: who may ask, what is given, what is answered, why it is refused.

use std::collections::BTreeSet;

use axum::http::Method;
use axum::routing::MethodFilter;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::api::gate;
use crate::api::problem::ProblemCode;
use crate::domain::Role;

/// Which key opens an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Key {
    /// None is asked for.
    Nobody,
    /// A tenant's, or a reseller's that acts for the tenant.
    Tenant,
    /// The operator's, or a reseller's about what is its own.
    Reseller,
    Operator,
}

/// Methods that a route may have.
#[allow(dead_code, reason = "not every one has a route")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub(in crate::api) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// As it stands in the document.
    pub(super) const fn word(self) -> &'static str {
        self.into_str()
    }

    pub(super) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    pub(super) const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

/// Makes the schema of a type.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// An answer of success.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: &'static str,
    /// Its media types; none without a body.
    pub(super) content: Vec<(&'static str, Shape)>,
}

/// A part of the path that is given.
pub(super) struct PathParameter {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) shape: Shape,
}

/// What is documented of a route; [`Routes::add`](super::Routes::add) takes it together with its handler.
pub(in crate::api) struct Operation {
    pub(super) key: Key,
    pub(super) verb: Verb,
    pub(super) path: &'static str,
    /// What clients that are made of the document call it.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) text: &'static str,
    pub(super) path_parameters: Vec<PathParameter>,
    pub(super) query: Option<Shape>,
    /// Its shape, and one that is taken.
    pub(super) body: Option<(Shape, Value)>,
    /// Nothing in its place is as good as an empty object.
    pub(super) without_body: bool,
    /// The media types of a file that is its body.
    pub(super) file: &'static [&'static str],
    pub(super) answers: Vec<Answer>,
    /// Whether some of its words follow `Accept-Language`.
    pub(super) speaks: bool,
    /// Whether a sandbox may ask for it.
    pub(super) in_sandbox: bool,
    /// Whether a key may ask for it that reaches guests alone, though it changes something.
    by_teams: bool,
    /// The least that a tenant's key must be, where its verb does not say that.
    own_role: Option<Role>,
    own_refusals: Vec<ProblemCode>,
}

impl Operation {
    pub(in crate::api) const fn new((verb, path): (Verb, &'static str), key: Key, id: &'static str) -> Self {
        Self {
            key,
            verb,
            path,
            id,
            summary: "",
            text: "",
            path_parameters: Vec::new(),
            query: None,
            body: None,
            without_body: false,
            file: &[],
            answers: Vec::new(),
            speaks: false,
            in_sandbox: true,
            by_teams: false,
            own_role: None,
            own_refusals: Vec::new(),
        }
    }

    /// A tenant's or reseller's key of that role opens it, or of any above. If it is not said: `read`, to look, and `full`, to change something.
    pub(in crate::api) const fn needs(mut self, role: Role) -> Self {
        self.own_role = Some(role);
        self
    }

    /// It asks people for something that a sandbox has no use for.
    pub(in crate::api) const fn not_in_sandbox(mut self) -> Self {
        self.in_sandbox = false;
        self
    }

    /// It changes something, and looks itself whom a key reaches: one that reaches guests alone may ask for it.
    pub(in crate::api) const fn by_teams(mut self) -> Self {
        self.by_teams = true;
        self
    }

    pub(super) fn for_teams(&self) -> bool {
        self.by_teams || self.role() == Role::Read
    }

    /// The least role of a key that opens it.
    pub(super) fn role(&self) -> Role {
        let usual = match self.verb {
            Verb::Get => Role::Read,
            Verb::Post | Verb::Put | Verb::Patch | Verb::Delete => Role::Full,
        };
        self.own_role.unwrap_or(usual)
    }

    /// A line of what it does, and more of it in Markdown, which may be empty.
    pub(in crate::api) const fn says(mut self, summary: &'static str, text: &'static str) -> Self {
        self.summary = summary;
        self.text = text;
        self
    }

    /// A `{name}` of its path.
    pub(in crate::api) fn at<T: JsonSchema>(mut self, name: &'static str, text: &'static str) -> Self {
        let shape = shape::<T>;
        self.path_parameters.push(PathParameter { name, text, shape });
        self
    }

    /// What may stand behind the `?`: the members of that object.
    pub(in crate::api) const fn asks<T: JsonSchema>(mut self) -> Self {
        self.query = Some(shape::<T>);
        self
    }

    /// A JSON body, with an example that is taken as it is: tests send it.
    pub(in crate::api) fn takes<T: JsonSchema>(mut self, example: Value) -> Self {
        self.body = Some((shape::<T>, example));
        self
    }

    /// The same, or nothing at all.
    pub(in crate::api) fn takes_if_any<T: JsonSchema>(mut self, example: Value) -> Self {
        self.without_body = true;
        self.takes::<T>(example)
    }

    /// A file as its body, of one of these media types.
    pub(in crate::api) const fn takes_file(mut self, media: &'static [&'static str]) -> Self {
        self.file = media;
        self
    }

    /// An answer of success, in JSON.
    pub(in crate::api) fn answers<T: JsonSchema>(mut self, status: u16, text: &'static str) -> Self {
        let content = vec![("application/json", shape::<T> as Shape)];
        self.answers.push(Answer { status, text, content });
        self
    }

    /// The last answer in another media type, too, as a text.
    pub(in crate::api) fn or_as(mut self, media: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push((media, shape::<String>));
        }
        self
    }

    /// An answer of success that is no JSON.
    pub(in crate::api) fn answers_text(mut self, text: &'static str, media: &'static str) -> Self {
        let content = vec![(media, shape::<String> as Shape)];
        self.answers.push(Answer {
            status: 200,
            text,
            content,
        });
        self
    }

    /// An answer of success without a body.
    #[allow(dead_code, reason = "every route that there is answers something")]
    pub(in crate::api) fn answers_nothing(mut self, status: u16, text: &'static str) -> Self {
        let content = Vec::new();
        self.answers.push(Answer { status, text, content });
        self
    }

    /// Some of its words are in the caller's language.
    pub(in crate::api) const fn speaks(mut self) -> Self {
        self.speaks = true;
        self
    }

    /// Why it is refused, beside what [`Operation::refusals`] concludes from the rest.
    pub(in crate::api) fn refuses(mut self, codes: &[ProblemCode]) -> Self {
        self.own_refusals.extend(codes);
        self
    }

    /// Whether an `Idempotency-Key` counts: what is only looked at is looked at again.
    pub(super) fn is_once(&self) -> bool {
        let changes = self.verb == Verb::Post && self.role() > Role::Read;
        changes && self.key != Key::Nobody
    }

    /// Every reason for which it may be refused.
    pub(super) fn refusals(&self) -> BTreeSet<ProblemCode> {
        use ProblemCode as Code;
        let mut codes: BTreeSet<Code> = self.own_refusals.iter().copied().collect();
        codes.insert(Code::Internal);
        if self.key != Key::Nobody {
            codes.extend([Code::Unauthorized, Code::Forbidden, Code::TooManyRequests]);
            // The tenant that a reseller acts for may be another's.
            codes.extend([Code::KeyExpired, Code::AddressNotAllowed, Code::NotFound]);
            codes.extend([Code::DatabaseLost, Code::Unavailable]);
        }
        if matches!(self.key, Key::Tenant | Key::Reseller) && self.role() > Role::Read {
            codes.insert(Code::RoleNotAllowed);
        }
        if self.key == Key::Tenant && self.role() > Role::Read {
            codes.insert(Code::GuestsOnly);
        }
        if !self.path_parameters.is_empty() {
            codes.insert(Code::NotFound);
        }
        let has_body = self.body.is_some() || !self.file.is_empty();
        if self.query.is_some() || has_body {
            codes.extend([Code::InvalidRequest, Code::InvalidFields]);
        }
        // Parameters, of which it has none.
        if self.key != Key::Nobody {
            codes.insert(Code::InvalidRequest);
        }
        // A key of idempotency has the body read where there is none.
        if has_body || self.is_once() {
            codes.extend([Code::BodyTooLarge, Code::RequestTimeout, Code::UnsupportedMediaType]);
        }
        if self.is_once() {
            codes.extend([
                Code::InvalidIdempotencyKey,
                Code::OperationRunning,
                Code::IdempotencyKeyReused,
            ]);
        }
        if self.verb == Verb::Post && gate::takes_in(self.path) {
            codes.insert(Code::IntakeClosed);
        }
        codes
    }
}

fn shape<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}
