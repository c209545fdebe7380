//! Short links: the one page that the engine shows to whoever got a message. Nothing here tells who that was, and nothing is left with
//! the browser.

use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use super::client::{self, Client};
use super::{App, Guesses, measure};
use crate::account::KeyDigest;
use crate::encryption::LINK_TOKEN;
use crate::links::{Followed, Visitor};

const HTML: &str = "text/html; charset=utf-8";

/// What search engines are told.
const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// What is shown where nothing is to be seen, in the two languages of those who may read it.
struct Page {
    status: StatusCode,
    french: &'static str,
    english: &'static str,
}

const UNKNOWN: Page = Page {
    status: StatusCode::NOT_FOUND,
    french: "Ce lien n'existe pas. Vérifiez que vous l'avez recopié en entier.",
    english: "There is no such link. Please check that you have copied all of it.",
};

const EXPIRED: Page = Page {
    status: StatusCode::GONE,
    french: "Ce lien n'est plus valable. Contactez la personne qui vous a écrit.",
    english: "This link is no longer valid. Please contact whoever wrote to you.",
};

const WRONG_METHOD: Page = Page {
    status: StatusCode::METHOD_NOT_ALLOWED,
    french: "Cette adresse ne se visite qu'avec un navigateur.",
    english: "This address is for browsers only.",
};

const TOO_MANY: Page = Page {
    status: StatusCode::TOO_MANY_REQUESTS,
    french: "Trop de liens inconnus ont été demandés depuis votre réseau. Réessayez dans une minute.",
    english: "Too many unknown links were asked for from your network. Please try again in a minute.",
};

const LATER: Page = Page {
    status: StatusCode::SERVICE_UNAVAILABLE,
    french: "Ce lien est momentanément indisponible. Réessayez dans une minute.",
    english: "This link is not available at the moment. Please try again in a minute.",
};

/// All of their listener, which has no other paths.
pub(super) fn router(app: App) -> Router {
    Router::new()
        .fallback(follow)
        .layer(middleware::from_fn(discreet))
        .layer(middleware::from_fn_with_state((app.clone(), "links"), measure))
        .with_state(Means {
            app,
            guesses: Guesses::of_tokens(),
        })
}

/// What links are answered with.
#[derive(Clone)]
struct Means {
    app: App,
    guesses: Guesses,
}

/// Whatever path it is, it is a token or nothing.
async fn follow(State(Means { app, guesses }): State<Means>, request: Request) -> Response {
    let (asked, _) = request.into_parts();
    let (method, headers) = (&asked.method, &asked.headers);
    if method != Method::GET && method != Method::HEAD {
        return WRONG_METHOD.into_response();
    }
    let token = asked.uri.path().trim_start_matches('/');
    let (Some(links), Some(domain)) = (&app.links, domain(headers)) else {
        return UNKNOWN.into_response();
    };
    let guess = Guess::of(&app, &asked, token);
    if let Some(refused) = guess.as_ref().and_then(|guess| guess.refused(&guesses)) {
        return refused;
    }
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let visitor = Visitor {
        agent: agent.unwrap_or_default(),
        is_head: *method == Method::HEAD,
    };
    let followed = links.follow((&domain, token), visitor).await;
    if let (Ok(followed), Some(guess)) = (&followed, guess) {
        guess.note(&guesses, *followed != Followed::Unknown);
    }
    match followed {
        Ok(Followed::To(url)) => match HeaderValue::try_from(url) {
            Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
            Err(_) => UNKNOWN.into_response(),
        },
        Ok(Followed::Expired) => EXPIRED.into_response(),
        Ok(Followed::Unknown) => UNKNOWN.into_response(),
        Err(error) => {
            tracing::warn!(%error, "a short link cannot be answered");
            LATER.into_response()
        }
    }
}

/// A token that somebody tries, as far as a proxy that is believed says who: by the address of one that is not, all would be one.
struct Guess {
    client: Client,
    token: KeyDigest,
    now: Instant,
}

impl Guess {
    fn of(app: &App, asked: &Parts, token: &str) -> Option<Self> {
        // What browsers and others ask for beside it is none.
        let is_token = token.len() == LINK_TOKEN && token.bytes().all(|letter| letter.is_ascii_alphanumeric());
        Some(Self {
            client: client::vouched_for(asked, &app.limits.trusted_proxies)?,
            token: KeyDigest::of(token).filter(|_| is_token)?,
            now: app.clock.now(),
        })
    }

    fn refused(&self, guesses: &Guesses) -> Option<Response> {
        let retry_after = guesses.may_try(self.client, &self.token, self.now).err()?;
        let later = [(header::RETRY_AFTER, retry_after.as_secs().to_string())];
        Some((later, TOO_MANY.into_response()).into_response())
    }

    fn note(&self, guesses: &Guesses, is_right: bool) {
        if is_right {
            guesses.right(self.client, &self.token, self.now);
        } else if guesses.wrong(self.client, &self.token, self.now) {
            tracing::warn!(address = %self.client, "links that nobody was given are asked for from one address: others are not looked up for a while");
        }
    }
}

/// Under which domain it is asked, without the port.
fn domain(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    Some(name.trim_end_matches('.').to_lowercase())
}

/// Nothing is kept by the browser or a proxy, and the page that follows is not told whence one came: the link is of one person.
async fn discreet(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex, nofollow"));
    response
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let (french, english) = (self.french, self.english);
        let page = format!(
            "<!doctype html><html lang=\"fr\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{french}</title><p>{french}</p><p lang=\"en\">{english}</p></html>\n"
        );
        (self.status, [(header::CONTENT_TYPE, HTML)], page).into_response()
    }
}
