//! The lab's HTTP client for tests: it panics when no answer comes, and checks what comes.

use std::ops::Deref;

use serde_json::Value;

use crate::fail::OrFail;

/// One server, and the key to show to it.
#[derive(Clone, Debug)]
pub struct Http(lab::Http);

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer(lab::Answer);

impl Http {
    /// What is there is asked over it.
    pub fn new(http: &lab::Http) -> Self {
        Self(http.clone())
    }

    /// `127.0.0.1:8080`.
    pub fn address(&self) -> &str {
        self.0.address()
    }

    /// The same server with a bearer key.
    pub fn with_key(&self, key: &str) -> Self {
        Self(self.0.with_key(key))
    }

    /// The same server, for one request that is done once however often it comes.
    pub fn once(&self, idempotency_key: &str) -> Self {
        Self(self.0.once(idempotency_key))
    }

    /// The same server, asked for words in that language.
    pub fn in_language(&self, language: &str) -> Self {
        Self(self.0.in_language(language))
    }

    /// The same server, asked as a browser does from a page of that origin.
    pub fn from_page(&self, origin: &str) -> Self {
        Self(self.0.from_page(origin))
    }

    /// The same server, for a tenant that a reseller's key acts for.
    pub fn acting_for(&self, tenant: &str) -> Self {
        Self(self.0.acting_for(tenant))
    }

    /// The same server, for what is done if that is still its version.
    pub fn if_match(&self, tag: &str) -> Self {
        Self(self.0.if_match(tag))
    }

    /// The same server, for what is shown unless that is its version.
    pub fn if_none_match(&self, tag: &str) -> Self {
        Self(self.0.if_none_match(tag))
    }

    /// `GET path`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        Answer(self.0.get(path).or_fail())
    }

    /// `POST path` with a JSON body.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        Answer(self.0.post(path, body).or_fail())
    }

    /// `PATCH path` with a JSON body.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer(self.0.patch(path, body).or_fail())
    }

    /// `DELETE path`.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        Answer(self.0.delete(path).or_fail())
    }

    /// A request of any method; without a body where there is none.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        Answer(self.0.ask(method, path, body).or_fail())
    }

    /// `POST path` with a body that claims to be JSON.
    #[track_caller]
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        self.try_post_bytes(path, body).or_fail()
    }

    /// `POST path` with a body of that media type.
    #[track_caller]
    pub fn post_as(&self, media_type: &str, path: &str, body: &[u8]) -> Answer {
        Answer(self.0.post_as(media_type, path, body).or_fail())
    }

    /// `POST path`; a fault when the connection breaks before the answer, as it does when a program is killed.
    pub fn try_post_bytes(&self, path: &str, body: &[u8]) -> lab::Result<Answer> {
        self.0.post_bytes(path, body).map(Answer)
    }
}

impl Deref for Answer {
    type Target = lab::Answer;

    fn deref(&self) -> &lab::Answer {
        &self.0
    }
}

impl Answer {
    /// It has that status, and says nothing.
    #[track_caller]
    pub fn expect_none(&self, status: u16) {
        assert_eq!((self.status, self.text.as_str()), (status, ""));
    }

    /// The body as JSON; panics when it is something else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// The body as JSON, if the status is the expected one; panics with the body otherwise.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "unexpected status, with the body {}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Checks that this is a problem document (RFC 9457) with one of `statuses`, and returns it.
    #[track_caller]
    pub fn expect_problem(&self, statuses: &[u16]) -> Value {
        assert!(
            statuses.contains(&self.status),
            "{} instead of one of {statuses:?}: {}",
            self.status,
            self.text
        );
        assert_eq!(self.content_type, "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        for member in ["type", "title", "code"] {
            assert!(
                problem[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member} is missing: {problem}"
            );
        }
        problem
    }

    /// As `expect_problem`, and one of its `errors` points at `pointer` (RFC 6901), with a code and a detail.
    #[track_caller]
    pub fn expect_field_problem(&self, statuses: &[u16], pointer: &str) {
        let problem = self.expect_problem(statuses);
        let errors = problem["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("no errors: {problem}"));
        let fault = errors.iter().find(|fault| fault["pointer"] == pointer);
        let fault = fault.unwrap_or_else(|| panic!("no error points at {pointer}: {problem}"));
        for member in ["code", "detail"] {
            assert!(
                fault[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member} is missing: {problem}"
            );
        }
    }
}

/// The text that a value of an answer is.
#[track_caller]
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}
