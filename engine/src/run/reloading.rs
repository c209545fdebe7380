//! Reads the configuration again while the engine runs, and makes it hold: whole, or not at all.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::database::Base;
use super::fleet::{Fleet, Leaving, number};
use super::notify::Phase;
use crate::api::Secured;
use crate::audit::{Act, AuditLog, Outcome};
use crate::campaign::{Campaigns, Gates, Routes};
use crate::config::Config;
use crate::dispatch::Leases;
use crate::engines::Engines;
use crate::history::obeys;
use crate::inbound::Inbox;
use crate::numbers::Numbers;
use crate::reload::{Changes, ReloadFault, Reloaded, Wish};
use crate::traffic::Traffic;

/// What a new configuration is made to hold with.
pub(super) struct Reloading {
    /// The file.
    pub(super) path: PathBuf,
    /// What holds now.
    pub(super) config: Config,
    pub(super) base: Base,
    /// Where it is noted that a signal has asked; who asks over the listener is noted there.
    pub(super) audit: AuditLog,
    pub(super) fleet: Fleet,
    pub(super) traffic: Traffic,
    pub(super) inbox: Inbox,
    pub(super) numbers: Numbers,
    pub(super) campaigns: Campaigns,
    pub(super) leases: Arc<Leases>,
    pub(super) engines: Engines,
    pub(super) secured: Secured,
}

impl Reloading {
    /// Does what is asked, one after the other: by SIGHUP, or over the admin listener.
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Wish>, stop: CancellationToken) {
        let mut hangups = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be listened for"))
            .ok();
        self.note(true);
        loop {
            let next = async {
                tokio::select! {
                    asked = asked.recv() => asked.map(Some),
                    () = hangup(&mut hangups) => Some(None),
                }
            };
            let Some(Some(answer)) = stop.run_until_cancelled(next).await else {
                return;
            };
            // The end of the engine ends what is under way here, too: who asked is told so, and who leaves is unbound anyway.
            if stop.run_until_cancelled(self.reload(answer)).await.is_none() {
                return;
            }
        }
    }

    /// `answer`: nobody waits behind a signal.
    async fn reload(&mut self, answer: Option<Wish>) {
        Phase::Reloading.tell();
        let (told, leaving) = match self.once().await {
            Ok((changes, leaving)) => (Ok(changes), Some(leaving)),
            Err(fault) => (Err(fault), None),
        };
        self.report(&told);
        Phase::Ready.tell();
        match answer {
            Some(answer) => drop(answer.send(told)),
            None => self.audit.note(&by_signal(&told)),
        }
        if let Some(leaving) = leaving {
            self.settle_down(leaving).await;
        }
    }

    async fn once(&mut self) -> Result<(Changes, Leaving), ReloadFault> {
        let config = Config::load(&self.path)?;
        let fixed = self.config.fixed_changes(&config);
        if !fixed.is_empty() {
            return Err(ReloadFault::NeedsRestart(fixed));
        }
        self.base.verdict.may_write().map_err(ReloadFault::Guarded)?;
        let smscs = number(&self.base.store, &config.smsc).await?;
        let routes = Routes::new(&self.base.store, &smscs, &config.route).await?;
        let gates = Gates::prepare(&self.base.store, config.rules.obeyed()).await?;
        let others = match config.rules != self.config.rules {
            true => {
                let others = obeys(&self.base.database, config.rules.packs()).await?;
                Some(self.leases.prepare_rules(others).await?)
            }
            false => None,
        };
        let (mut changes, leaving) = self.fleet.set(&smscs, Some(routes))?;
        changes.others = self.config.other_changes(&config);
        if let Some(others) = others {
            self.campaigns.gates().obey(gates);
            self.leases.obey(others);
        }
        self.numbers.set(&config.number);
        self.secured.set(&config);
        self.engines.configured(config.digests());
        self.config = config;
        Ok((changes, leaving))
    }

    /// What follows from a change: nobody waits for it.
    async fn settle_down(&mut self, leaving: Leaving) {
        if let Err(error) = self.traffic.begin().await {
            tracing::warn!(%error, "cannot ask which SMSCs are suspended; it is asked again");
        }
        if let Err(error) = self.campaigns.rescue_stranded().await {
            tracing::warn!(%error, "what is queued for routes that are gone could not be queued anew; it is tried again");
        }
        if let Err(error) = self.campaigns.warn_of_pinned().await {
            tracing::debug!(%error, "cannot look for messages of SMSCs that are gone");
        }
        if let Err(error) = self.campaigns.warn_of_sandboxes().await {
            tracing::debug!(%error, "cannot look for sandboxes");
        }
        if let Err(error) = self.inbox.warn_of_strangers(&self.config.number).await {
            tracing::debug!(%error, "cannot look for numbers of tenants that are not there");
        }
        self.fleet.leave(leaving, self.config.engine.shutdown_timeout).await;
    }

    fn report(&self, told: &Reloaded) {
        self.note(told.is_ok());
        match told {
            Ok(changes) => tracing::info!(%changes, "the configuration was read again, and holds"),
            Err(fault) => {
                tracing::error!(%fault, "the configuration was read again, and does not hold: nothing has changed")
            }
        }
    }

    fn note(&self, holds: bool) {
        let metrics = &self.base.metrics;
        metrics.config_last_reload_successful.set(i64::from(holds));
        if holds {
            let now = self.base.clock.unix().0 as f64 / 1e6;
            metrics.config_last_reload_timestamp_seconds.set(now);
        }
    }
}

/// A reload for which a signal has asked.
fn by_signal(told: &Reloaded) -> Act {
    let (outcome, details) = match told {
        Ok(changes) => (Outcome::Done, Map::from_iter([("changes".to_owned(), json!(changes))])),
        Err(_) => (Outcome::Refused, Map::new()),
    };
    Act {
        who: "signal".to_owned(),
        address: None,
        act: "SIGHUP".to_owned(),
        object: None,
        outcome,
        status: None,
        code: None,
        request_id: None,
        details,
    }
}

async fn hangup(hangups: &mut Option<Signal>) {
    let heard = match hangups {
        Some(hangups) => hangups.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending().await
    }
}
