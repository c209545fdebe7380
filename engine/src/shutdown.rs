//! How the engine is told to end: once to end in order, twice to end at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Two tokens: end in order, and end at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    /// Take no new work, finish what is under way.
    pub(crate) orderly: CancellationToken,
    /// Drop everything; what is in flight will be in doubt at the next start.
    pub(crate) at_once: CancellationToken,
}

impl Shutdown {
    /// Cancels them at SIGTERM or SIGINT: the first time the one, the second time the other.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub(crate) async fn on_signals(self) -> std::io::Result<()> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        for token in [&self.orderly, &self.at_once] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping");
            token.cancel();
        }
        Ok(())
    }
}
