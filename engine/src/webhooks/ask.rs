//! Asking a tenant's program for something, where it has to answer at once.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::Webhooks;
use super::event::event;
use super::post::{Letter, NoAnswer};
use super::signature::{Secret, signatures};
use crate::fault::UrlProblem;

/// What is asked, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) url: &'a str,
    /// As it was shown to the tenant.
    pub(crate) secret: &'a str,
    /// The same for the same question.
    pub(crate) id: &'a str,
    /// The type of the event.
    pub(crate) kind: &'a str,
    pub(crate) about: &'a Value,
    pub(crate) within: Duration,
}

/// Why there is no answer, as the API says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered(pub(crate) &'static str);

impl Webhooks {
    /// A new secret, to sign questions with.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(crate) fn new_secret() -> Result<String, getrandom::Error> {
        Ok(Secret::new()?.reveal().to_owned())
    }

    /// Whether questions may be asked at that URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check_url(&self, url: &str) -> Result<(), UrlProblem> {
        self.0.postman.check(url)
    }

    /// Asks, once, signed as every webhook is. `None`: nothing is to be said.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Option<Value>, Unanswered> {
        let now = self.0.now();
        let body = event(question.kind, (now.0 / 1_000).cast_signed(), question.about).to_string();
        let secret = Secret::stored(question.secret.to_owned());
        let signed = signatures([&secret].into_iter(), (question.id, now.seconds()), body.as_bytes());
        let letter = Letter {
            url: question.url,
            id: question.id,
            second: now.seconds(),
            signatures: &signed,
            body: Bytes::from(body),
        };
        let answered = self.0.postman.post_within(&letter, question.within).await;
        let (answer, said) = answered.map_err(|why: NoAnswer| Unanswered(why.into()))?;
        match answer.code {
            204 => Ok(None),
            200..=299 => match serde_json::from_slice(&said) {
                Ok(said) => Ok(Some(said)),
                Err(_) => Err(Unanswered("not_json")),
            },
            _ => Err(Unanswered("refused")),
        }
    }
}
