//! An SMSC that obeys a scenario: it answers, throttles, falls silent, hangs up and sends receipts as a TOML file says,
//! and keeps a ledger of all it saw. It is not a carrier.
//!
//! As a program it listens on SMPP and on HTTP (README.md has the scenario's keys and the HTTP paths). As a library:
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use smpp_sim::{Options, Scenario};
//!
//! let running = smpp_sim::start(Scenario::named("magic")?, Options::ephemeral()).await?;
//! println!("bind to {}", running.smpp_addr);
//! let totals = running.handle.totals();
//! running.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! What happens to a message is a pure function of (seed, recipient, attempt), so a test knows the truth beforehand.
//! Below the sockets there is neither a clock nor a task a message: one turn of a session takes the octets and the time
//! that there are, and gives back octets to write.

mod clock;
mod random;
mod delay;
mod number;
mod version;
mod scenario;
mod outcome;
mod ledger;
mod smsc;
mod handle;
mod net;
mod http;
pub mod cli;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

pub use delay::Delay;
pub use handle::{Goals, Handle, Waited};
pub use ledger::{AccountRate, Filter, Line, Totals};
pub use outcome::{
    Answer, Base, DateFormat, DatePart, Defaults, Dialect, ErrStyle, Form, IdFormat, IdShape, MAGIC_NUMBERS,
    MagicNumber, Outcome, Parameter, Piece, ReceiptPlan, Redelivery, Route, Segments, Stat, Template,
};
pub use scenario::{
    Account, Aim, BUILT_IN, Beyond, BindFault, BindTrouble, BuiltIn, ConnectFault, ConnectTrouble, Fault, Faults,
    Hangup, HangupBegin, Ids, InboundEncoding, InboundForm, InboundRule, InboundSegments, Keep, Lasts, LedgerLimits,
    Misbehaviour, PRESETS, Phase, Preset, Reply, Scenario, Script, StopReading, Throttle, Timers, Trigger, Writing,
};
pub use smsc::{
    InboundOrder, InboundView, Injected, MALFORMED, NoInbound, NoSuchPhase, PhaseView, SessionView, TooManyOutcomes,
};
pub use version::Version;

/// How long open connections may take to end when the simulator stops.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// SMPP.
    pub listen: SocketAddr,
    /// HTTP.
    pub http: SocketAddr,
}

impl Options {
    /// Free ports on loopback.
    pub fn ephemeral() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen: any, http: any }
    }
}

/// A simulator that runs. Dropped without [`Running::stop`], it ends abruptly and soon.
#[derive(Debug)]
pub struct Running {
    /// Where it listens for binds.
    pub smpp_addr: SocketAddr,
    /// Where it listens for HTTP.
    pub http_addr: SocketAddr,
    /// What one asks of it.
    pub handle: Handle,
    tasks: TaskTracker,
}

/// Opens both ports and begins.
///
/// # Errors
/// A port cannot be opened; the error says which.
pub async fn start(scenario: Scenario, options: Options) -> io::Result<Running> {
    let smpp = bind("SMPP", options.listen).await?;
    let http = bind("HTTP", options.http).await?;
    let (smpp_addr, http_addr) = (smpp.local_addr()?, http.local_addr()?);
    let file = scenario.ledger_file.as_deref().map(ledger::open).transpose()?;
    let handle = Handle::new(Arc::new(scenario), clock::Clock::start());
    let tasks = TaskTracker::new();
    if let Some(file) = file {
        let handle = handle.clone();
        drop(tasks.spawn_blocking(move || ledger::follow(&handle, file)));
    }
    drop(tasks.spawn(net::listen(smpp, handle.clone(), tasks.clone())));
    drop(tasks.spawn(http::serve(http, handle.clone(), tasks.clone())));
    Ok(Running {
        smpp_addr,
        http_addr,
        handle,
        tasks,
    })
}

async fn bind(what: &str, address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{what} cannot listen on {address}: {error}")))
}

impl Running {
    /// Unbinds every session, at most as long as the scenario's unbind timer, then closes everything.
    pub async fn stop(self) {
        let patience = self.handle.scenario().timers.unbind;
        self.unbind(patience).await;
        self.handle.stopping().cancel();
        self.tasks.close();
        // An HTTP client that does not read its answer is not waited for.
        if tokio::time::timeout(CLOSE_PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
    }

    async fn unbind(&self, patience: Duration) {
        if self.handle.unbind_sessions() == 0 {
            return;
        }
        let gone = self.handle.wait_until_unbound();
        if tokio::time::timeout(patience, gone).await.is_err() {
            tracing::warn!("some clients did not answer the unbind");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stopping().cancel();
    }
}
