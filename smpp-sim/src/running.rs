//! A simulator that runs: its ports, its SMSCs, and how all of it ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::handle::{Handle, Process};
use crate::model::{Setup, SmscSetup};
use crate::net::{Port, tls};
use crate::smscs::{Smscs, VirtualSmsc};
use crate::{http, ledger_file, net};

/// How long open connections may take to end when the simulator stops.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Where to listen, and what belongs to the process rather than to a scenario.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where SMPP is served, for the SMSC whose scenario names no port.
    pub listen: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// What HTTP clients must show; without it, HTTP is served on loopback only.
    pub token: Option<String>,
    /// Where every PDU is recorded from the start, as pcapng.
    pub capture: Option<PathBuf>,
}

impl Options {
    /// Free ports on loopback.
    pub fn ephemeral() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any,
            http: any,
            token: None,
            capture: None,
        }
    }
}

/// A simulator that runs. Dropped without [`Running::stop`], it ends abruptly and soon.
#[derive(Debug)]
pub struct Running {
    /// Where the first SMSC listens for binds.
    pub smpp_addr: SocketAddr,
    /// Where it listens for HTTP.
    pub http_addr: SocketAddr,
    /// What one asks of the first SMSC.
    pub handle: Handle,
    /// Every SMSC, in the order of the scenario.
    pub smscs: Arc<[VirtualSmsc]>,
    process: Process,
    tasks: TaskTracker,
}

/// Opens every port and begins: with one [`Scenario`](crate::model::Scenario), or with a [`Setup`] of several SMSCs.
///
/// # Errors
/// A port cannot be opened, a certificate cannot be used, the capture's file cannot be written, or HTTP would be
/// reachable from other machines without a token; the error says which.
pub async fn start(setup: impl Into<Setup>, options: Options) -> io::Result<Running> {
    if options.token.is_none() && !options.http.ip().is_loopback() {
        let refused = format!(
            "HTTP on {} needs a token: it is reachable from other machines",
            options.http
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, refused));
    }
    let process = Process::start();
    if let Some(path) = &options.capture {
        process.capture.start_file(path)?;
    }
    let mut ports = Vec::new();
    let mut smscs = Vec::new();
    for smsc in setup.into().smscs {
        let (virtual_smsc, open) = open(smsc, options.listen, &process).await?;
        ports.extend(open.into_iter().map(|port| (port, virtual_smsc.handle.clone())));
        smscs.push(virtual_smsc);
    }
    let http = bind("HTTP", options.http).await?;
    let http_addr = http.local_addr()?;
    let tasks = TaskTracker::new();
    for smsc in &smscs {
        if let Some(path) = &smsc.handle.scenario().ledger_file {
            let (file, handle) = (ledger_file::open(path)?, smsc.handle.clone());
            drop(tasks.spawn_blocking(move || ledger_file::follow(&handle, file)));
        }
    }
    for (port, handle) in ports {
        drop(tasks.spawn(net::listen(port, handle, tasks.clone())));
    }
    let smscs: Arc<[VirtualSmsc]> = smscs.into();
    let served = http::Served {
        smscs: Smscs::new(Arc::clone(&smscs)),
        process: process.clone(),
        tasks: tasks.clone(),
        token: options.token.map(Into::into),
    };
    drop(tasks.spawn(http::serve(http, served)));
    let first = smscs.first().ok_or_else(|| io::Error::other("there is no SMSC"))?;
    Ok(Running {
        smpp_addr: first.smpp_addr,
        http_addr,
        handle: first.handle.clone(),
        smscs,
        process,
        tasks,
    })
}

/// Opens the ports of one SMSC.
async fn open(smsc: SmscSetup, listen: SocketAddr, process: &Process) -> io::Result<(VirtualSmsc, Vec<Port>)> {
    let tls = smsc.tls.as_ref().map(tls::config).transpose()?;
    let listener = bind("SMPP", smsc.listen.unwrap_or(listen)).await?;
    let smpp_addr = listener.local_addr()?;
    let mut ports = vec![Port { listener, tls: None }];
    let mut tls_addr = None;
    if let (Some(settings), Some(config)) = (&smsc.tls, tls) {
        let listener = bind("SMPP over TLS", settings.listen).await?;
        tls_addr = Some(listener.local_addr()?);
        ports.push(Port {
            listener,
            tls: Some(config),
        });
    }
    let virtual_smsc = VirtualSmsc {
        name: smsc.name,
        smpp_addr,
        tls_addr,
        handle: Handle::new(Arc::new(smsc.scenario), process.clone()),
    };
    Ok((virtual_smsc, ports))
}

async fn bind(what: &str, address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{what} cannot listen on {address}: {error}")))
}

impl Running {
    /// Unbinds every session, at most as long as the scenarios' unbind timers, then closes everything.
    pub async fn stop(self) {
        self.stop_sooner(std::future::pending()).await;
    }

    /// The same; who does not answer the unbind is waited for only until `hurry`.
    pub(crate) async fn stop_sooner(self, hurry: impl Future<Output = ()>) {
        let timers = self.smscs.iter().map(|smsc| smsc.handle.scenario().timers.unbind);
        let patience = timers.max().unwrap_or_default();
        tokio::select! {
            () = self.unbind(patience) => {}
            () = hurry => {}
        }
        self.process.stopping.cancel();
        self.tasks.close();
        // An HTTP client that does not read its answer is not waited for.
        if tokio::time::timeout(CLOSE_PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        if let Err(error) = self.process.capture.stop() {
            tracing::error!(%error, "the capture could not be finished");
        }
    }

    async fn unbind(&self, patience: Duration) {
        let asked: usize = self.smscs.iter().map(|smsc| smsc.handle.unbind_sessions()).sum();
        if asked == 0 {
            return;
        }
        let gone = async {
            for smsc in self.smscs.iter() {
                smsc.handle.wait_until_unbound().await;
            }
        };
        if tokio::time::timeout(patience, gone).await.is_err() {
            tracing::warn!("some clients did not answer the unbind");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.stopping.cancel();
    }
}
