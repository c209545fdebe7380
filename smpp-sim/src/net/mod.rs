//! Sockets: one task for each, which moves octets and obeys the SMSC's plan.

mod session;

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::handle::Handle;

/// After a failed accept (no file descriptor left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until told to stop.
pub(crate) async fn listen(listener: TcpListener, handle: Handle, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = handle.stopping().cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => open(stream, peer, &handle, &tasks),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn open(stream: TcpStream, peer: std::net::SocketAddr, handle: &Handle, tasks: &TaskTracker) {
    // Without it, delayed acknowledgements hold a client with a small window at some hundred messages a second.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "TCP_NODELAY");
    }
    match session::Driver::open(stream, peer, handle) {
        Some(driver) => drop(tasks.spawn(driver.run())),
        None => tracing::warn!(%peer, "too many connections: closed"),
    }
}
