//! One engine of a database starts at a time: what it finds, it makes right alone.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::RunFault;
use crate::clock::Clock;
use crate::store::{Store, StoreError, Token};

/// How long the turn of a start lasts that does not ask again: so long others wait for one that was killed.
const TURN: Duration = Duration::from_secs(5);

/// So much earlier it ends by its own clock: clocks go at different speeds.
const MARGIN: Duration = Duration::from_millis(250);

/// How often it is asked for again, by who has it and by who waits for it.
const AGAIN: Duration = Duration::from_millis(500);

/// Does the work of a start in its turn: when another engine's is over, and as long as it is this one's.
///
/// # Errors
/// The work's, the store's, or [`RunFault::Overtaken`].
pub(super) async fn in_turn<T>(
    (store, clock): (&Store, Clock),
    work: impl Future<Output = Result<T, RunFault>>,
) -> Result<T, RunFault> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets)?;
    let token = Token(octets);
    let mut until = wait((store, clock), &token).await?;
    let ended = CancellationToken::new();
    let worked = async {
        let worked = work.await;
        ended.cancel();
        worked
    };
    let kept = async {
        while ended.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_some() {
            let now = clock.now();
            match store.starts(&token, TURN).await {
                Ok(true) => until = now + TURN - MARGIN,
                Ok(false) => return,
                Err(error) if now < until => tracing::debug!(%error, "the turn of this start is asked for again"),
                Err(_) => return,
            }
        }
        std::future::pending().await
    };
    let worked = tokio::select! {
        // First: whoever stood still for too long does nothing more.
        biased;
        () = kept => Err(RunFault::Overtaken),
        worked = worked => worked,
    };
    if let Err(error) = store.starts(&token, Duration::ZERO).await {
        tracing::debug!(%error, "others wait until the turn of this start is over by itself");
    }
    worked
}

/// Until when it is its turn.
async fn wait((store, clock): (&Store, Clock), token: &Token) -> Result<Instant, StoreError> {
    let mut is_said = false;
    loop {
        let now = clock.now();
        if store.starts(token, TURN).await? {
            return Ok(now + TURN - MARGIN);
        }
        if !is_said {
            tracing::info!("another engine is starting; this one waits for it");
            is_said = true;
        }
        tokio::time::sleep(AGAIN).await;
    }
}
