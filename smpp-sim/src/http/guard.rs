use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kit::hosts::is_local;
use subtle::ConstantTimeEq;

use super::Served;
use super::problem::Problem;

/// What anybody may see: the page, which then asks for the token, and whether the program lives.
const OPEN: [&str; 5] = ["/", "/page.js", "/page.css", "/icon.svg", "/livez"];

/// Lets a request through that carries the token. Where there is none, everybody on the machine may ask, but no web page
/// from elsewhere may make a browser of this machine ask for it.
pub(super) async fn guard(State(served): State<Served>, request: Request, next: Next) -> Response {
    let refused = match &served.token {
        Some(token) => unauthorised(token, &request),
        None => foreign(&request),
    };
    match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn unauthorised(token: &str, request: &Request) -> Option<Problem> {
    if OPEN.contains(&request.uri().path()) && request.method() == Method::GET {
        return None;
    }
    let shown = text(request.headers(), header::AUTHORIZATION).and_then(bearer);
    // In constant time: how long a refusal takes says nothing about the token.
    let right = shown.is_some_and(|shown| shown.as_bytes().ct_eq(token.as_bytes()).into());
    (!right).then(|| {
        let allowed = "Bearer and the token that smpp-sim was started with";
        Problem::field(StatusCode::UNAUTHORIZED, "Authorization", "", allowed)
    })
}

/// The token that the header bears. The scheme may be written in either case (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then_some(token.trim_start_matches(' '))
}

/// DNS rebinding makes a foreign name point here: no name but localhost is believed. And a page from elsewhere says in
/// `Origin` where it is from when it posts.
fn foreign(request: &Request) -> Option<Problem> {
    let headers = request.headers();
    let host = text(headers, header::HOST).unwrap_or_default();
    if !is_local(host) {
        let allowed = "an IP address or localhost, as long as no token is set";
        return Some(Problem::field(StatusCode::FORBIDDEN, "Host", host, allowed));
    }
    let origin = text(headers, header::ORIGIN).unwrap_or_default();
    let own = origin.is_empty() || origin.strip_prefix("http://") == Some(host);
    if request.method() != Method::GET && !own {
        let allowed = "this server's own pages only";
        return Some(Problem::field(StatusCode::FORBIDDEN, "Origin", origin, allowed));
    }
    None
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_may_be_written_in_either_case() {
        for header in ["Bearer token", "bearer token", "BEARER  token"] {
            assert_eq!(bearer(header), Some("token"), "{header}");
        }
        for header in ["Basic token", "Bearertoken", "token"] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }
}
