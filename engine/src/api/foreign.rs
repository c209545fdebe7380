//! Pages of other sites. The operators' listener asks nobody for a key for most of what it does, so that no page in a browser of somebody who
//! reaches it may make it do that, or read what it says.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kit::hosts::is_local;

use super::problem::{Problem, ProblemKind};

/// By which names requests may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// An address or localhost alone: who listens on the loopback, without TLS, is called by no other name.
    Local,
    /// Any.
    Any,
}

/// Lets requests through but those that a page from elsewhere has made a browser send.
pub(super) async fn keep_out(State(names): State<Names>, request: Request, next: Next) -> Response {
    match foreign(names, request.method(), request.headers()) {
        Some((header, value)) => Problem::from(ProblemKind::ForeignSite {
            header,
            value: value.to_owned(),
        })
        .into_response(),
        None => next.run(request).await,
    }
}

/// The header by which a request is seen to come of a page from elsewhere.
fn foreign<'a>(names: Names, method: &Method, headers: &'a HeaderMap) -> Option<(&'static str, &'a str)> {
    let host = text(headers, &header::HOST);
    if names == Names::Local && !is_local(host) {
        return Some(("Host", host));
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let origin = text(headers, &header::ORIGIN);
    let own = origin.split_once("://").is_some_and(|(_, site)| site == host);
    (!origin.is_empty() && !own).then_some(("Origin", origin))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(names: Names, method: Method, headers: &[(HeaderName, &'static str)]) -> Option<(&'static str, String)> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        foreign(names, &method, &headers).map(|(name, value)| (name, value.to_owned()))
    }

    #[test]
    fn on_the_loopback_no_name_is_believed_and_a_post_is_of_its_own_pages() {
        let (host, origin) = (header::HOST, header::ORIGIN);
        let evil = [(host.clone(), "evil.example:9090")];
        let said = Some(("Host", "evil.example:9090".to_owned()));
        for method in [Method::GET, Method::POST] {
            assert_eq!(asked(Names::Local, method.clone(), &evil), said);
            assert_eq!(asked(Names::Any, method, &evil), None);
        }
        let own = [
            (host.clone(), "127.0.0.1:9090"),
            (origin.clone(), "http://127.0.0.1:9090"),
        ];
        let other = [
            (host.clone(), "127.0.0.1:9090"),
            (origin.clone(), "https://evil.example"),
        ];
        let nowhere = [(host, "10.0.0.1:9090"), (origin, "null")];
        for names in [Names::Local, Names::Any] {
            assert_eq!(asked(names, Method::POST, &own), None);
            assert_eq!(
                asked(names, Method::GET, &other),
                None,
                "nobody else may read the answer"
            );
            assert_eq!(
                asked(names, Method::POST, &other),
                Some(("Origin", "https://evil.example".to_owned()))
            );
            assert_eq!(asked(names, Method::PUT, &nowhere), Some(("Origin", "null".to_owned())));
        }
    }
}
