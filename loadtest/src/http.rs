//! A small blocking HTTP client that speaks JSON to the programs on this machine.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A call that takes longer than this has failed; the longest honest one is a campaign of a million recipients.
const CALL_WITHIN: Duration = Duration::from_secs(120);

/// Connections kept per server: as many as `loadtest api` may have at the same time.
const IDLE_CONNECTIONS_MAX: usize = 512;

/// The longest answer read: an exposition with a label per tenant stays far below.
const ANSWER_LENGTH_MAX: u64 = 64 * 1024 * 1024;

/// How much of an unwelcome answer goes into the error, in characters.
const QUOTE_LENGTH_MAX: usize = 500;

/// Calls one server. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Http {
    agent: ureq::Agent,
    base: String,
}

impl Http {
    /// A client of the server at `address`, as `host:port`.
    pub(crate) fn new(address: &str) -> Self {
        let configuration = ureq::Agent::config_builder()
            .timeout_global(Some(CALL_WITHIN))
            .http_status_as_error(false)
            .max_idle_connections(IDLE_CONNECTIONS_MAX)
            .max_idle_connections_per_host(IDLE_CONNECTIONS_MAX)
            // What is measured runs on this machine: a proxy in the environment has no say.
            .proxy(None)
            .build();
        Self {
            agent: configuration.new_agent(),
            base: format!("http://{address}"),
        }
    }

    /// GET of `path` as text.
    ///
    /// # Errors
    /// No answer, or a status other than 2xx, which is quoted.
    pub(crate) fn get_text(&self, path: &str) -> Result<String> {
        let url = format!("{}{path}", self.base);
        let answer = self.agent.get(&url).call();
        text_of(answer).with_context(|| format!("GET {url}"))
    }

    /// The status of a GET of `path`, whatever it is.
    ///
    /// # Errors
    /// No answer.
    pub(crate) fn get_status(&self, path: &str) -> Result<u16> {
        let url = format!("{}{path}", self.base);
        let answer = self.agent.get(&url).call().with_context(|| format!("GET {url}"))?;
        Ok(answer.status().as_u16())
    }

    /// GET of `path` as JSON, with a bearer key.
    ///
    /// # Errors
    /// As [`Self::get_text`], or other JSON than `T`.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str, key: &str) -> Result<T> {
        let url = format!("{}{path}", self.base);
        let answer = self
            .agent
            .get(&url)
            .header("authorization", format!("Bearer {key}"))
            .call();
        json_of(answer).with_context(|| format!("GET {url}"))
    }

    /// POST of `body` as JSON to `path`, with a bearer key; the answer as JSON.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, key: &str, body: &impl Serialize) -> Result<T> {
        let url = format!("{}{path}", self.base);
        let bytes = serde_json::to_vec(body)?;
        let request = self.agent.post(&url).header("authorization", format!("Bearer {key}"));
        let answer = request.header("content-type", "application/json").send(&bytes);
        json_of(answer).with_context(|| format!("POST {url}"))
    }

    /// The status of a POST of `body` as JSON, whatever it is.
    ///
    /// # Errors
    /// No answer.
    pub(crate) fn post_status(&self, path: &str, key: &str, body: &impl Serialize) -> Result<u16> {
        let url = format!("{}{path}", self.base);
        let bytes = serde_json::to_vec(body)?;
        let request = self.agent.post(&url).header("authorization", format!("Bearer {key}"));
        let answer = request.header("content-type", "application/json").send(&bytes);
        let mut answer = answer.with_context(|| format!("POST {url}"))?;
        // Read to its end, so that the connection can be used again.
        answer.body_mut().with_config().limit(ANSWER_LENGTH_MAX).read_to_vec()?;
        Ok(answer.status().as_u16())
    }

    /// POST of `body` as JSON to a path that older programs do not have: `None` when this one answers 404 or 405.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn post_if_known<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<Option<T>> {
        let url = format!("{}{path}", self.base);
        let bytes = serde_json::to_vec(body)?;
        let request = self.agent.post(&url).header("content-type", "application/json");
        let answer = request.send(&bytes);
        if answer
            .as_ref()
            .is_ok_and(|answer| [404, 405].contains(&answer.status().as_u16()))
        {
            return Ok(None);
        }
        json_of(answer).map(Some).with_context(|| format!("POST {url}"))
    }

    /// POST without a body, whose answer's body does not matter.
    ///
    /// # Errors
    /// As [`Self::get_text`].
    pub(crate) fn post_empty(&self, path: &str, key: &str) -> Result<()> {
        let url = format!("{}{path}", self.base);
        let answer = self
            .agent
            .post(&url)
            .header("authorization", format!("Bearer {key}"))
            .send_empty();
        text_of(answer).with_context(|| format!("POST {url}"))?;
        Ok(())
    }
}

type Answer = std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>;

fn json_of<T: DeserializeOwned>(answer: Answer) -> Result<T> {
    let text = text_of(answer)?;
    serde_json::from_str(&text).with_context(|| format!("unexpected answer: {}", quote(&text)))
}

fn text_of(answer: Answer) -> Result<String> {
    let mut answer = answer?;
    let text = answer
        .body_mut()
        .with_config()
        .limit(ANSWER_LENGTH_MAX)
        .read_to_string()?;
    let status = answer.status();
    if !status.is_success() {
        bail!("{status}: {}", quote(&text));
    }
    Ok(text)
}

/// The beginning of an answer, for an error message.
fn quote(text: &str) -> String {
    text.chars().take(QUOTE_LENGTH_MAX).collect()
}
