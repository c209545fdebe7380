//! What a service manager such as systemd is told; where none asked for it (`NOTIFY_SOCKET`), nobody is told.

use sd_notify::NotifyState;

/// Binds are taken.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// No more binds are taken.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that the simulator lives, twice in the time after which the manager would end it (`WATCHDOG_USEC`). Runs until it is
/// dropped, beside what serves sessions: where these get no thread or no timer fires, no sign of life goes out.
pub(super) async fn beat() {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    loop {
        tell(&[NotifyState::Watchdog]);
        tokio::time::sleep(limit / 2).await;
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
