//! What a service manager such as systemd is told: ready, reading its configuration, stopping, and that it lives. Where none
//! asked for it (`NOTIFY_SOCKET`), nobody is told.

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::shutdown::Shutdown;

/// What the engine is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// It takes requests.
    Ready,
    /// It reads its configuration again; followed by [`Phase::Ready`], whatever came of it.
    Reloading,
    /// It was told to end, and takes no new work.
    Stopping,
}

impl Phase {
    /// Says so. A manager that does not listen changes nothing but the log.
    pub(super) fn tell(self) {
        let told = match self {
            Self::Ready => sd_notify::notify(&[NotifyState::Ready, NotifyState::Status("takes requests")]),
            Self::Reloading => reloading(),
            Self::Stopping => sd_notify::notify(&[
                NotifyState::Stopping,
                NotifyState::Status("takes no new work, and waits for answers"),
            ]),
        };
        if let Err(error) = told {
            tracing::warn!(%error, phase = ?self, "the service manager cannot be told");
        }
    }
}

/// The manager wants to know when a reload began, by the clock that nobody sets: `Type=notify-reload` of systemd.service(5).
fn reloading() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
}

/// Says that the engine lives, twice in the time after which the manager would end it (`WATCHDOG_USEC`), and that it is stopping
/// once it is. Runs until it is dropped: an engine that is long in ending lives too.
///
/// It is a task among those that read, write and settle: where these get no thread or no timer fires, no sign of life goes out.
pub(super) async fn watch(shutdown: Shutdown) {
    let stopping = async {
        shutdown.orderly.cancelled().await;
        Phase::Stopping.tell();
    };
    match sd_notify::watchdog_enabled() {
        Some(limit) => {
            tokio::join!(stopping, beat(limit / 2));
        }
        None => stopping.await,
    }
}

async fn beat(pause: Duration) {
    loop {
        if let Err(error) = sd_notify::notify(&[NotifyState::Watchdog]) {
            tracing::warn!(%error, "the service manager cannot be told that the engine lives");
        }
        tokio::time::sleep(pause).await;
    }
}
