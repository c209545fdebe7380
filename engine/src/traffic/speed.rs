//! How fast an SMSC is fed: what an operator says of it while it runs, and what shows it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Traffic;
use crate::config::Rate;

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
    /// What an operator has said, until the engine ends; `null`: nothing.
    pub(crate) told: Option<f64>,
    /// What holds now: the lowest of these, and of what the SMSC takes while it says "too fast".
    pub(crate) effective: Option<f64>,
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
    /// An operator wants no more than that; `None`: whatever is configured.
    pub(super) fn tell(&self, rate: Option<Rate>) {
        self.shown_mut().told = rate.map(Rate::segments_per_second);
        self.0.told.send_replace(rate);
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SpeedFault {
    /// There is none of that name.
    NotFound,
    /// It is a receiver only.
    NeverFed,
    /// The configuration allows only so many segments a second.
    Above(f64),
}

impl Traffic {
    /// That SMSC is given no more than that from now on, until the engine ends; `None`: what is configured.
    ///
    /// # Errors
    /// See [`SpeedFault`].
    pub(crate) fn set_rate(&self, name: &str, rate: Option<Rate>) -> Result<(), SpeedFault> {
        let smscs = self.lock();
        let known = smscs.iter().find(|known| known.name == name);
        let known = known.ok_or(SpeedFault::NotFound)?;
        let speed = &known.speed;
        if !speed.is_fed() {
            return Err(SpeedFault::NeverFed);
        }
        let wanted = rate.map(Rate::segments_per_second);
        match speed.shown().configured {
            Some(most) if wanted.is_some_and(|wanted| wanted > most) => Err(SpeedFault::Above(most)),
            Some(_) | None => {
                speed.tell(rate);
                tracing::info!(
                    smsc = name,
                    segments_per_second = wanted,
                    "an operator has decided how fast it is fed"
                );
                Ok(())
            }
        }
    }
}

impl Told {
    /// Waits for the next word; `false`: there will be none.
    pub(crate) async fn next(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
