//! A reseller's HTTP client, as small as can be.

use std::net::SocketAddr;

use serde_json::Value;

/// The engine said no, or did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub(super) struct Refused {
    what: String,
    why: String,
}

/// One server, one key.
#[derive(Clone)]
pub(super) struct Client {
    base: String,
    key: String,
}

impl Client {
    pub(super) fn new(address: SocketAddr, key: String) -> Self {
        Self {
            base: format!("http://{address}"),
            key,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Refused> {
        self.ask("GET", path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Result<Value, Refused> {
        self.ask("POST", path, Some(body)).await
    }

    async fn ask(&self, method: &'static str, path: &str, body: Option<Value>) -> Result<Value, Refused> {
        let (url, key, what) = (
            format!("{}{path}", self.base),
            format!("Bearer {}", self.key),
            format!("{method} {path}"),
        );
        let asked = tokio::task::spawn_blocking(move || call(&url, &key, body)).await;
        match asked {
            Ok(Ok((200..=299, text))) => Ok(serde_json::from_str(&text).unwrap_or(Value::Null)),
            Ok(Ok((status, text))) => Err(Refused {
                what,
                why: format!("{status} {text}"),
            }),
            Ok(Err(error)) => Err(Refused {
                what,
                why: error.to_string(),
            }),
            Err(error) => Err(Refused {
                what,
                why: error.to_string(),
            }),
        }
    }
}

fn call(url: &str, key: &str, body: Option<Value>) -> Result<(u16, String), ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = match body {
        None => agent.get(url).header("Authorization", key).call()?,
        Some(body) => agent
            .post(url)
            .header("Authorization", key)
            .header("Content-Type", "application/json")
            .send(body.to_string().as_bytes())?,
    };
    Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
}
