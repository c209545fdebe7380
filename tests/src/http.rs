//! A small blocking HTTP client for JSON.

use std::time::Duration;

use serde_json::Value;

/// Long enough for a long poll of the simulator; everything else answers in milliseconds.
const TIMEOUT: Duration = Duration::from_secs(130);

/// The largest answer read: the ledger of a hundred thousand messages is about 50 MB.
const BODY_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// One server, and the key to show to it.
#[derive(Clone, Debug)]
pub struct Http {
    agent: ureq::Agent,
    base: String,
    key: Option<String>,
    /// The `Idempotency-Key` of requests, if any.
    once: Option<String>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type without its parameters; empty when there is none.
    pub content_type: String,
    /// The body as it came.
    pub text: String,
}

impl Http {
    /// A client for `address` (`127.0.0.1:8080`) that shows no key.
    pub fn new(address: &str) -> Self {
        let settings = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT));
        Self {
            agent: settings.build().into(),
            base: format!("http://{address}"),
            key: None,
            once: None,
        }
    }

    /// `127.0.0.1:8080`.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The same server with a bearer key.
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// The same server without a key.
    pub fn without_key(&self) -> Self {
        Self {
            key: None,
            ..self.clone()
        }
    }

    /// The same server, for one request that is done once however often it comes.
    pub fn once(&self, idempotency_key: &str) -> Self {
        Self {
            once: Some(idempotency_key.to_owned()),
            ..self.clone()
        }
    }

    /// `GET path`; panics when no answer comes at all.
    pub fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.get(&url);
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        read(&url, request.call())
    }

    /// `POST path` with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string().as_bytes())
    }

    /// `POST path` with a body that claims to be JSON.
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        self.try_post_bytes(path, body)
            .unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// `POST path`; an error when the connection breaks before the answer, as it does when a program is killed.
    pub fn try_post_bytes(&self, path: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.post(&url).content_type("application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(once) = &self.once {
            request = request.header("idempotency-key", once);
        }
        request.send(body).map(|response| read(&url, Ok(response)))
    }
}

fn read(url: &str, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.unwrap_or_else(|error| panic!("{url}: {error}"));
    let content_type = response.body().mime_type().unwrap_or_default().to_owned();
    let text = response.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_string();
    let text = text.unwrap_or_else(|error| panic!("{url}: the body of the answer: {error}"));
    Answer {
        status: response.status().as_u16(),
        content_type,
        text,
    }
}

impl Answer {
    /// The body as JSON; panics when it is not.
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
