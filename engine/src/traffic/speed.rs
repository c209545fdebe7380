//! How fast an SMSC is fed: what an operator says of it while it runs, and what shows it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Traffic;
use crate::config::Rate;
use crate::domain::SmscId;
use crate::store::StoreError;

/// The rate of one SMSC, shared by whoever sets, keeps and shows it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Speed(Arc<Inner>);

struct Inner {
    told: watch::Sender<Option<Rate>>,
    shown: Mutex<SpeedStatus>,
    /// Whether it is given messages at all.
    fed: AtomicBool,
}

/// Rates in segments a second; `null`: nothing limits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub(crate) struct SpeedStatus {
    /// What the configuration says.
    pub(crate) configured: Option<f64>,
    /// What an operator has said; `null`: nothing.
    pub(crate) told: Option<f64>,
    /// What holds now: the lowest of these, and of what the SMSC takes while it says "too fast".
    pub(crate) effective: Option<f64>,
}

impl SpeedStatus {
    /// What the account is given at most, by all engines together.
    pub(super) fn agreed(&self) -> Option<f64> {
        let both = self.configured.into_iter().chain(self.told);
        both.reduce(f64::min)
    }
}

/// Waits for what operators say.
pub(crate) struct Told(watch::Receiver<Option<Rate>>);

impl Default for Speed {
    fn default() -> Self {
        Self(Arc::new(Inner {
            told: watch::Sender::new(None),
            shown: Mutex::default(),
            fed: AtomicBool::new(true),
        }))
    }
}

impl Speed {
    /// An operator wants no more than that; `None`: whatever is configured. Returns whether it wanted something else before.
    pub(super) fn tell(&self, rate: Option<Rate>) -> bool {
        self.shown_mut().told = rate.map(Rate::segments_per_second);
        self.0
            .told
            .send_if_modified(|told| std::mem::replace(told, rate) != rate)
    }

    /// What an operator wants.
    pub(crate) fn told(&self) -> Option<Rate> {
        *self.0.told.borrow()
    }

    /// What operators will say from now on.
    pub(crate) fn told_later(&self) -> Told {
        Told(self.0.told.subscribe())
    }

    /// See [`Speed::set_fed`].
    pub(crate) fn is_fed(&self) -> bool {
        self.0.fed.load(Ordering::Relaxed)
    }

    /// Whether it has sessions that submit: a receiver has none.
    pub(crate) fn set_fed(&self, fed: bool) {
        self.0.fed.store(fed, Ordering::Relaxed);
    }

    /// That is configured.
    pub(crate) fn configured(&self, rate: Option<f64>) {
        self.shown_mut().configured = rate;
    }

    /// That holds now.
    pub(crate) fn effective(&self, rate: Option<f64>) {
        self.shown_mut().effective = rate;
    }

    pub(super) fn shown(&self) -> SpeedStatus {
        *self.shown_mut()
    }

    fn shown_mut(&self) -> MutexGuard<'_, SpeedStatus> {
        // Whole at every instant, so a panic elsewhere does not spoil it.
        self.0.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an SMSC is not fed at another rate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpeedFault {
    #[error("there is none of that name")]
    NotFound,
    #[error("it is a receiver only")]
    NeverFed,
    #[error("the configuration allows only {0} segments a second")]
    Above(f64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Traffic {
    /// That SMSC is given no more than that from now on, by any engine, until another word; `None`: what is configured.
    ///
    /// # Errors
    /// See [`SpeedFault`].
    pub(crate) async fn set_rate(&self, name: &str, rate: Option<Rate>) -> Result<(), SpeedFault> {
        let id = self.whose_rate(name, rate)?;
        self.0.store.tell_rate(id, rate).await?;
        Ok(self.ask().await?)
    }

    /// What operators have said, to whichever engine.
    pub(super) async fn hear_rates(&self) -> Result<(), StoreError> {
        let rates = self.0.store.told_rates().await?;
        for known in self.lock().iter() {
            let rate = rates.iter().find(|(id, _)| *id == known.id).map(|(_, rate)| *rate);
            if known.speed.tell(rate) {
                tracing::info!(
                    smsc = known.name,
                    segments_per_second = rate.map(Rate::segments_per_second),
                    "an operator has decided how fast it is fed"
                );
            }
        }
        Ok(())
    }

    /// The SMSC of that name, if it may have that rate.
    fn whose_rate(&self, name: &str, rate: Option<Rate>) -> Result<SmscId, SpeedFault> {
        let smscs = self.lock();
        let known = smscs.iter().find(|known| known.name == name);
        let known = known.ok_or(SpeedFault::NotFound)?;
        if !known.speed.is_fed() {
            return Err(SpeedFault::NeverFed);
        }
        let wanted = rate.map(Rate::segments_per_second);
        match known.speed.shown().configured {
            Some(most) if wanted.is_some_and(|wanted| wanted > most) => Err(SpeedFault::Above(most)),
            Some(_) | None => Ok(known.id),
        }
    }
}

impl Told {
    /// Waits for the next word; `false`: there will be none.
    pub(crate) async fn next(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
