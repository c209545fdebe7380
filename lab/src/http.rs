//! A small blocking HTTP client that speaks JSON to the programs on this machine.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Fault, Result};

/// Longer than every honest call: a campaign of a million recipients, a long poll of the simulator.
const CALL_WITHIN: Duration = Duration::from_secs(130);

/// Connections kept per server: as many as a load test may have at the same time.
const IDLE_CONNECTIONS_MAX: usize = 512;

/// The largest answer read: the ledger of a hundred thousand messages is about 50 MB.
const BODY_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// How much of an unwelcome answer goes into the fault, in characters.
const QUOTE_LENGTH_MAX: usize = 500;

/// One server, and what is shown to it. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Http {
    agent: ureq::Agent,
    base: String,
    /// `Authorization`, whole.
    authorization: Option<String>,
    /// `Idempotency-Key`.
    once: Option<String>,
    /// `Accept-Language`.
    language: Option<String>,
    /// `X-Tenant-Id`.
    tenant: Option<String>,
    /// `Origin`.
    origin: Option<String>,
    /// `If-Match` or `If-None-Match`.
    condition: Option<(&'static str, String)>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    request: String,
    /// The HTTP status.
    pub status: u16,
    /// The media type without its parameters; empty when there is none.
    pub content_type: String,
    /// `ETag`, as it came.
    pub etag: Option<String>,
    /// Where the next page of a list is, as `Link` says it.
    pub next: Option<String>,
    /// The body as it came.
    pub text: String,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

impl Http {
    /// A client for `address` (`127.0.0.1:8080`) that shows no key.
    pub fn new(address: &str) -> Self {
        let settings = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(CALL_WITHIN))
            .max_idle_connections(IDLE_CONNECTIONS_MAX)
            .max_idle_connections_per_host(IDLE_CONNECTIONS_MAX)
            // The programs run on this machine: a proxy in the environment has no say.
            .proxy(None);
        Self {
            agent: settings.build().new_agent(),
            base: format!("http://{address}"),
            authorization: None,
            once: None,
            language: None,
            origin: None,
            condition: None,
            tenant: None,
        }
    }

    /// `127.0.0.1:8080`.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The same server with a bearer key.
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {key}")),
            ..self.clone()
        }
    }

    /// The same server, for one request that is done once however often it is sent.
    pub fn once(&self, idempotency_key: &str) -> Self {
        Self {
            once: Some(idempotency_key.to_owned()),
            ..self.clone()
        }
    }

    /// The same server, asked for words in that language.
    pub fn in_language(&self, language: &str) -> Self {
        Self {
            language: Some(language.to_owned()),
            ..self.clone()
        }
    }

    /// The same server, asked as a browser does from a page of that origin.
    pub fn from_page(&self, origin: &str) -> Self {
        Self {
            origin: Some(origin.to_owned()),
            ..self.clone()
        }
    }

    /// The same server, for a tenant that a reseller's key acts for.
    pub fn acting_for(&self, tenant: &str) -> Self {
        Self {
            tenant: Some(tenant.to_owned()),
            ..self.clone()
        }
    }

    /// The same server, for what is done if that is still its version.
    pub fn if_match(&self, tag: &str) -> Self {
        Self {
            condition: Some(("if-match", tag.to_owned())),
            ..self.clone()
        }
    }

    /// The same server, for what is shown unless that is its version.
    pub fn if_none_match(&self, tag: &str) -> Self {
        Self {
            condition: Some(("if-none-match", tag.to_owned())),
            ..self.clone()
        }
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let request = self.with_headers(self.agent.get(&url));
        answer(format!("GET {url}"), request.call())
    }

    /// The rows of a list, page after page; `path` has a query already.
    pub fn pages<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: Page<T> = self.get(&format!("{path}{cursor}"))?.json()?;
            all.extend(page.data);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// `POST path` with `body` as JSON.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer> {
        self.post_bytes(path, &to_json(path, body)?)
    }

    /// `POST path` with a body that claims to be JSON.
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let request = self.with_headers(self.agent.post(&url));
        answer(
            format!("POST {url}"),
            request.content_type("application/json").send(body),
        )
    }

    /// `POST path` with a body of that media type.
    pub fn post_as(&self, media_type: &str, path: &str, body: &[u8]) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let request = self.with_headers(self.agent.post(&url));
        answer(format!("POST {url}"), request.content_type(media_type).send(body))
    }

    /// `PATCH path` with `body` as JSON.
    pub fn patch(&self, path: &str, body: &impl Serialize) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let request = self.with_headers(self.agent.patch(&url));
        let body = to_json(path, body)?;
        answer(
            format!("PATCH {url}"),
            request.content_type("application/json").send(&body[..]),
        )
    }

    /// `DELETE path`.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let request = self.with_headers(self.agent.delete(&url));
        answer(format!("DELETE {url}"), request.call())
    }

    /// A request of any method; without a body where there is none.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let what = format!("{method} {url}");
        let given = [
            ("accept-language", self.language.as_deref()),
            ("authorization", self.authorization.as_deref()),
            ("idempotency-key", self.once.as_deref()),
            ("x-tenant-id", self.tenant.as_deref()),
            ("origin", self.origin.as_deref()),
            ("content-type", body.map(|_| "application/json")),
        ];
        let condition = self.condition.as_ref();
        let given = given
            .into_iter()
            .chain(condition.map(|(name, tag)| (*name, Some(tag.as_str()))));
        let start = ureq::http::Request::builder().method(method).uri(&url);
        let headers = given.filter_map(|(name, value)| Some((name, value?)));
        let request = headers.fold(start, |request, (name, value)| request.header(name, value));
        let body = body.map(|body| to_json(path, body)).transpose()?.unwrap_or_default();
        match request.body(body) {
            Ok(request) => answer(what, self.agent.run(request)),
            Err(error) => Err(Fault::Unexpected {
                what,
                why: error.to_string(),
            }),
        }
    }

    fn with_headers<T>(&self, mut request: ureq::RequestBuilder<T>) -> ureq::RequestBuilder<T> {
        if let Some(language) = &self.language {
            request = request.header("accept-language", language);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(once) = &self.once {
            request = request.header("idempotency-key", once);
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("x-tenant-id", tenant);
        }
        if let Some((name, tag)) = &self.condition {
            request = request.header(*name, tag);
        }
        request
    }
}

fn to_json(path: &str, body: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(|error| Fault::Unexpected {
        what: format!("a body for {path}"),
        why: error.to_string(),
    })
}

impl Answer {
    /// Itself, if its status is a success.
    pub fn success(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(Fault::Refused {
            status: self.status,
            quote: quote(&self.text),
            request: self.request,
        })
    }

    /// The body of a success as JSON.
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        let answer = self.success()?;
        serde_json::from_str(&answer.text).map_err(|error| unexpected(&answer.request, &answer.text, &error))
    }

    /// The body of a success, one JSON value a line.
    pub fn json_lines<T: DeserializeOwned>(self) -> Result<Vec<T>> {
        let answer = self.success()?;
        let value = |line| serde_json::from_str(line).map_err(|error| unexpected(&answer.request, line, &error));
        answer.text.lines().map(value).collect()
    }
}

fn answer(
    request: String,
    response: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Answer> {
    let no_answer = |error: ureq::Error| Fault::NoAnswer {
        request: request.clone(),
        cause: Box::new(error),
    };
    let mut response = response.map_err(no_answer)?;
    let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let (etag, link) = (header("etag"), header("link"));
    let next = link.and_then(|link| Some(link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?.to_owned()));
    let content_type = response.body().mime_type().unwrap_or_default().to_owned();
    // Read to its end, so that the connection can be used again.
    let text = response.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_string();
    Ok(Answer {
        status: response.status().as_u16(),
        content_type,
        etag,
        next,
        text: text.map_err(no_answer)?,
        request,
    })
}

fn unexpected(request: &str, text: &str, error: &serde_json::Error) -> Fault {
    Fault::Unexpected {
        what: format!("{request} answered {}", quote(text)),
        why: error.to_string(),
    }
}

fn quote(text: &str) -> String {
    text.chars().take(QUOTE_LENGTH_MAX).collect()
}
