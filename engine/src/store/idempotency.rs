//! Operations that callers name by keys of their own: who is at one, with which body, and what it was answered.
//!
//! A claim lasts for a while. Its holder renews it; when the holder dies, whoever repeats the request claims it anew, and
//! does it under the same [`Token`], which the scripts that spend know. What was answered is encrypted with the text key of whoever asked:
//! it may have numbers and texts in it. When that key is gone, so is the answer, and the request is done again under its token.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use sha2::{Digest, Sha256};

use super::scripts::Name;
use super::{KeyOwner, Store, StoreError, Token, array, bytes, integer, keys};
use crate::domain::ENCRYPTED;
use crate::encryption::TextKey;

/// How long a key means the same operation.
pub(super) const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// The longest answer that is kept, in octets: the thousand recipients of a campaign that were not taken fit.
pub(crate) const ANSWER_MAX: usize = 256 << 10;

/// SHA-256 of a request's body.
pub(crate) type BodyDigest = [u8; 32];

/// A claim to do an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) caller: KeyOwner,
    /// Which: see [`Token::of_key`].
    pub(crate) token: Token,
    /// Random: no two claims are mistaken for each other.
    pub(crate) number: [u8; 16],
    /// How long it lasts unless it is renewed.
    pub(crate) lasts: Duration,
}

/// What an operation was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedAnswer {
    /// SHA-256 of the body that asked.
    pub(crate) asked: BodyDigest,
    pub(crate) status: u16,
    /// The answer's body.
    pub(crate) body: Vec<u8>,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// The operation is the claimer's to do.
    Yours,
    /// Somebody else is at it.
    Running,
    /// The key came with another body before.
    OtherBody,
    /// It was done.
    Done(SavedAnswer),
}

/// How a claim ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Conclusion<'a> {
    /// The operation was done, and is answered so for a day.
    Keep(&'a SavedAnswer),
    /// Nobody knows whether it was done, or its answer may not be kept: the same request may claim it again at once.
    Open,
    /// It was refused, and nothing was done: the key is free for any request.
    Free,
}

impl Token {
    /// The operation that `caller` means by `key` at `path`. Each part has its length in front, so that no two triples
    /// make the same octets.
    pub(crate) fn of_key(caller: KeyOwner, path: &str, key: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [keys::slot(caller).as_str(), path, key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut token = [0; 16];
        token.copy_from_slice(&hash.finalize()[..16]);
        Self(token)
    }
}

impl Store {
    /// Claims an operation, or renews the claim; with the body's digest if it is known.
    pub(crate) async fn claim(&self, claim: &Claim, body: Option<&BodyDigest>) -> Result<Claimed, StoreError> {
        loop {
            let claimed = self.claim_sealed(claim, body).await?;
            let Claimed::Done(answer) = claimed else {
                return Ok(claimed);
            };
            if let Some(body) = self.opened(claim.caller, &answer.body).await? {
                return Ok(Claimed::Done(SavedAnswer { body, ..answer }));
            }
            let mut forget = redis::cmd("HDEL");
            forget.arg(keys::idempotent(claim.caller, claim.token));
            self.ask::<i64>(forget.arg("status").arg("sealed").arg("answer"))
                .await?;
        }
    }

    /// The same; an answer is as it is kept.
    async fn claim_sealed(&self, claim: &Claim, body: Option<&BodyDigest>) -> Result<Claimed, StoreError> {
        let key = keys::idempotent(claim.caller, claim.token);
        let mut call = self.script(Name::Claim, &[&key]);
        call.arg(claim.number.as_slice())
            .arg(claim.lasts.as_millis() as u64)
            .arg(body.map_or(&[][..], |body| body.as_slice()))
            .arg(REMEMBERED.as_millis() as u64);
        let mut reply = array(self.ask::<Value>(&call).await?)?.into_iter();
        let mut next = || reply.next().unwrap_or_default();
        Ok(match bytes(next())?.as_slice() {
            b"claimed" => Claimed::Yours,
            b"running" => Claimed::Running,
            b"other" => Claimed::OtherBody,
            b"done" => {
                let asked = bytes(next())?.try_into();
                Claimed::Done(SavedAnswer {
                    asked: asked.map_err(|_| StoreError::Corrupt("a body's digest"))?,
                    status: u16::try_from(integer(&next())?).map_err(|_| StoreError::Corrupt("a kept status"))?,
                    body: bytes(next())?,
                })
            }
            _ => return Err(StoreError::Corrupt("a claim's reply")),
        })
    }

    /// With what the answers to somebody are encrypted.
    async fn answer_key(&self, caller: KeyOwner) -> Result<Arc<TextKey>, StoreError> {
        match caller {
            KeyOwner::Tenant(tenant) => self.text_key(Some(tenant)).await,
            KeyOwner::Operator | KeyOwner::Reseller(_) => self.shared_text_key(),
        }
    }

    /// An answer that was kept, or one of an earlier version; `None`: its key was destroyed.
    async fn opened(&self, caller: KeyOwner, kept: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(sealed) = kept.strip_prefix(&[ENCRYPTED]) else {
            return Ok(Some(kept.to_vec()));
        };
        let key = self.answer_key(caller).await?;
        Ok(key.own().decrypt(sealed).ok())
    }

    /// Ends a claim. `false`: another has it by now, and nothing was changed.
    pub(crate) async fn conclude(&self, claim: &Claim, conclusion: Conclusion<'_>) -> Result<bool, StoreError> {
        let key = keys::idempotent(claim.caller, claim.token);
        let mut call = self.script(Name::Conclude, &[&key]);
        call.arg(claim.number.as_slice());
        match conclusion {
            Conclusion::Keep(answer) => {
                let key = self.answer_key(claim.caller).await?;
                let mut sealed = vec![ENCRYPTED];
                sealed.extend(key.own().encrypt(&answer.body)?);
                call.arg("keep").arg(answer.asked.as_slice());
                call.arg(answer.status).arg(sealed);
            }
            Conclusion::Open => {
                call.arg("open").arg("").arg("").arg("");
            }
            Conclusion::Free => {
                call.arg("free").arg("").arg("").arg("");
            }
        }
        Ok(self.ask::<i64>(&call).await? == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TenantId;
    use crate::store::Embedded;

    /// A Redis of its own, whose folder goes with it.
    struct Server {
        store: Store,
        folder: std::path::PathBuf,
        _redis: Embedded,
    }

    impl Drop for Server {
        fn drop(&mut self) {
            if let Err(error) = std::fs::remove_dir_all(&self.folder) {
                eprintln!("{} stays: {error}", self.folder.display());
            }
        }
    }

    async fn server(name: &str) -> Server {
        let folder = std::env::temp_dir().join(format!("campanile-{name}-{}", std::process::id()));
        let redis = Embedded::start(&folder).await.unwrap();
        let store = Store::connect(&redis.servers().unwrap(), (16, 0)).await.unwrap();
        store.unlock(&folder.join("key")).await.unwrap();
        Server {
            store,
            folder,
            _redis: redis,
        }
    }

    fn claim(number: u8, lasts: Duration) -> Claim {
        let caller = KeyOwner::Tenant(TenantId(1));
        Claim {
            caller,
            token: Token::of_key(caller, "/v1/messages", "key"),
            number: [number; 16],
            lasts,
        }
    }

    const LONG: Duration = Duration::from_secs(600);
    const BODY: BodyDigest = [7; 32];

    #[test]
    fn each_part_makes_another_operation() {
        let (one, two) = (KeyOwner::Tenant(TenantId(1)), KeyOwner::Tenant(TenantId(2)));
        let token = Token::of_key(one, "/v1/messages", "key");
        assert_eq!(token, Token::of_key(one, "/v1/messages", "key"));
        for (caller, path, key) in [
            (two, "/v1/messages", "key"),
            (KeyOwner::Operator, "/v1/messages", "key"),
            (one, "/v1/campaigns", "key"),
            (one, "/v1/messages", "kez"),
            (one, "/v1/messagesk", "ey"),
        ] {
            assert_ne!(token, Token::of_key(caller, path, key));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_operation_is_done_once_and_answered_for_a_day() {
        let server = server("idem-once").await;
        let (store, first, second) = (&server.store, claim(1, LONG), claim(2, LONG));
        assert_eq!(store.claim(&first, Some(&BODY)).await.unwrap(), Claimed::Yours);
        assert_eq!(store.claim(&second, Some(&BODY)).await.unwrap(), Claimed::Running);
        assert_eq!(store.claim(&second, Some(&[8; 32])).await.unwrap(), Claimed::OtherBody);
        assert!(!store.conclude(&second, Conclusion::Free).await.unwrap());
        let answer = SavedAnswer {
            asked: BODY,
            status: 202,
            body: b"{}".to_vec(),
        };
        assert!(store.conclude(&first, Conclusion::Keep(&answer)).await.unwrap());
        let mut all = redis::cmd("HVALS");
        let kept: Vec<Vec<u8>> = store
            .ask(all.arg(keys::idempotent(first.caller, first.token)))
            .await
            .unwrap();
        assert!(!kept.contains(&answer.body), "encrypted");
        assert_eq!(store.claim(&second, Some(&BODY)).await.unwrap(), Claimed::Done(answer));
        assert_eq!(store.claim(&second, Some(&[8; 32])).await.unwrap(), Claimed::OtherBody);
        let mut ttl = redis::cmd("PTTL");
        let left: u64 = store
            .ask(ttl.arg(keys::idempotent(first.caller, first.token)))
            .await
            .unwrap();
        assert!((1..=REMEMBERED.as_millis() as u64).contains(&left), "{left}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_goes_with_its_key_and_the_same_request_may_be_done_again() {
        let server = server("idem-erased").await;
        let (store, first, second) = (&server.store, claim(1, LONG), claim(2, LONG));
        let answer = SavedAnswer {
            asked: BODY,
            status: 201,
            body: b"{\"to\":\"+33612345678\"}".to_vec(),
        };
        store.claim(&first, Some(&BODY)).await.unwrap();
        store.conclude(&first, Conclusion::Keep(&answer)).await.unwrap();
        store.replace_text_key(TenantId(1)).await.unwrap();
        assert_eq!(store.claim(&second, Some(&[8; 32])).await.unwrap(), Claimed::OtherBody);
        assert_eq!(store.claim(&second, Some(&BODY)).await.unwrap(), Claimed::Yours);
        store.conclude(&second, Conclusion::Keep(&answer)).await.unwrap();
        assert_eq!(store.claim(&first, Some(&BODY)).await.unwrap(), Claimed::Done(answer));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_the_dead_left_is_claimed_by_the_next() {
        let server = server("idem-dead").await;
        let (store, dead, next) = (&server.store, claim(1, Duration::ZERO), claim(2, LONG));
        assert_eq!(store.claim(&dead, Some(&BODY)).await.unwrap(), Claimed::Yours);
        assert_eq!(store.claim(&next, Some(&[8; 32])).await.unwrap(), Claimed::OtherBody);
        assert_eq!(store.claim(&next, Some(&BODY)).await.unwrap(), Claimed::Yours);
        // The one who was thought dead comes back: it neither renews nor ends what is another's.
        assert_eq!(store.claim(&dead, None).await.unwrap(), Claimed::Running);
        assert!(!store.conclude(&dead, Conclusion::Open).await.unwrap());
        assert_eq!(store.claim(&next, None).await.unwrap(), Claimed::Yours);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_open_claim_is_for_the_same_body_and_a_free_key_for_any() {
        let server = server("idem-open").await;
        let (store, first, second) = (&server.store, claim(1, LONG), claim(2, LONG));
        store.claim(&first, Some(&BODY)).await.unwrap();
        assert!(store.conclude(&first, Conclusion::Open).await.unwrap());
        assert_eq!(store.claim(&second, Some(&[8; 32])).await.unwrap(), Claimed::OtherBody);
        assert_eq!(store.claim(&second, Some(&BODY)).await.unwrap(), Claimed::Yours);
        assert!(store.conclude(&second, Conclusion::Free).await.unwrap());
        assert_eq!(store.claim(&first, Some(&[8; 32])).await.unwrap(), Claimed::Yours);
    }
}
