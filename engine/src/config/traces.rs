//! `[traces]`: where spans go, and of how many messages.

use kit::settings::{Given, Table};

/// What an endpoint is.
const ALLOWED: &str =
    "an address of an OTLP receiver over HTTP, such as \"http://127.0.0.1:4318\"; TLS is its collector's business";

/// Where receivers take spans, unless the endpoint says it (OTLP 1.x, OTLP/HTTP).
const SPANS_PATH: &str = "/v1/traces";

/// `[traces]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Traces {
    /// `endpoint`: the receiver, with its path. Default: none, and nothing is traced.
    pub(crate) endpoint: Option<String>,
    /// `sample_ratio`: of how many messages, and of how many requests that bring no trace of their caller. Default 0.001.
    pub(crate) sample_ratio: f64,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            endpoint: None,
            sample_ratio: 0.001,
        }
    }
}

pub(super) fn read(table: &Table<'_>) -> Traces {
    let default = Traces::default();
    let traces = Traces {
        // Who writes credentials into it, which are not taken, does not find them in a log.
        endpoint: table.secret("endpoint", ALLOWED, endpoint),
        sample_ratio: table.number("sample_ratio", 0.0..=1.0, default.sample_ratio),
    };
    table.finish();
    traces
}

/// A URL without credentials, query or fragment; with the usual path where it has none.
fn endpoint(given: Given<'_>) -> Option<String> {
    let rest = given.text()?.strip_prefix("http://")?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let sound = |text: &str| {
        text.bytes()
            .all(|octet| octet.is_ascii_graphic() && !b"@?#\"\\".contains(&octet))
    };
    if address.is_empty() || !sound(rest) {
        return None;
    }
    Some(match path {
        "" => format!("http://{address}{SPANS_PATH}"),
        path => format!("http://{address}/{path}"),
    })
}
