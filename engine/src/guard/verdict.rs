//! What may be done now, for whoever asks.

use std::fmt;

use tokio::sync::watch;

use crate::store::Hazard;

/// Why something may not be done.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Reason {
    /// Redis does not answer.
    RedisAway,
    /// The database has no id any more: somebody emptied it, or it lost its data.
    DatabaseEmptied,
    /// The database has another id: it is not the one that the engine started with.
    OtherDatabase,
    /// Settings were changed so that data may be lost, and nobody allowed that.
    #[strum(serialize = "redis_loses_data")]
    LosesData(Vec<Hazard>),
    /// Redis is as full as `redis.intake_mark` says.
    #[strum(serialize = "redis_intake_mark")]
    IntakeMark,
    /// What has happened is not written down fast enough: the journal is as long as `history.journal_max` says.
    JournalFull,
    /// Redis is as full as `redis.lease_mark` says.
    #[strum(serialize = "redis_lease_mark")]
    LeaseMark,
}

impl Reason {
    /// For machines: stable, never translated.
    pub(crate) const fn code(&self) -> &'static str {
        self.into_str()
    }

    /// Whether only a restart ends it: what the engine knows is not what the database holds.
    pub(crate) const fn is_for_good(&self) -> bool {
        match self {
            Self::DatabaseEmptied | Self::OtherDatabase => true,
            Self::RedisAway | Self::LosesData(_) | Self::IntakeMark | Self::JournalFull | Self::LeaseMark => false,
        }
    }

    /// Every reason stops new campaigns, messages and launches.
    pub(super) const fn stops_intake(&self) -> bool {
        true
    }

    /// Whether it stops leases.
    pub(super) const fn stops_leases(&self) -> bool {
        match self {
            Self::RedisAway
            | Self::DatabaseEmptied
            | Self::OtherDatabase
            | Self::LosesData(_)
            | Self::JournalFull
            | Self::LeaseMark => true,
            Self::IntakeMark => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RedisAway => f.write_str("Redis does not answer"),
            Self::DatabaseEmptied => f.write_str(
                "the database has lost its id: it was emptied, or lost its data; nothing is taken in, sent or written \
                 until the engine is started again",
            ),
            Self::OtherDatabase => f.write_str(
                "the database is another one than at the start; nothing is taken in, sent or written until the engine is \
                 started again",
            ),
            Self::LosesData(hazards) => {
                write!(f, "Redis would lose data: {}", super::listed(hazards))
            }
            Self::IntakeMark => f.write_str("Redis is nearly full: nothing new is taken in (redis.intake_mark)"),
            Self::JournalFull => f.write_str(
                "the history is so far behind that nothing more is sent (history.journal_max): the SQL database does not keep up, \
                 or does not answer",
            ),
            Self::LeaseMark => f.write_str("Redis is full: nothing more is sent (redis.lease_mark)"),
        }
    }
}

/// How it stands since the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What stops something; the gravest first.
    pub(crate) reasons: Vec<Reason>,
    /// Settings that lose data and that `redis.allow_loss` accepts.
    pub(crate) loss_allowed: Vec<Hazard>,
    /// How far the server's TIME has leapt, in µs.
    pub(crate) server_step_us: i64,
    /// How far the host's clock has leapt, in µs.
    pub(crate) wall_step_us: i64,
    /// Whether something may be ended because its time is over.
    pub(crate) expiries_allowed: bool,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            reasons: Vec::new(),
            loss_allowed: Vec::new(),
            server_step_us: 0,
            wall_step_us: 0,
            expiries_allowed: true,
        }
    }
}

impl Standing {
    pub(super) fn stops(&self, work: impl Fn(&Reason) -> bool) -> bool {
        self.reasons.iter().any(work)
    }

    fn first(&self, stops: impl Fn(&Reason) -> bool) -> Result<(), Reason> {
        match self.reasons.iter().find(|reason| stops(reason)) {
            Some(reason) => Err(reason.clone()),
            None => Ok(()),
        }
    }
}

/// The newest [`Standing`], always at hand. Cheap to clone and to ask.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(super) told: watch::Receiver<Standing>,
}

impl Verdict {
    pub(super) fn of(told: watch::Receiver<Standing>) -> Self {
        Self { told }
    }

    /// Nothing stops anything, ever: for what runs without a [`Guard`](super::Guard).
    #[cfg(test)]
    pub(crate) fn unguarded() -> Self {
        Self::of(watch::channel(Standing::default()).1)
    }

    /// Whether campaigns, messages and launches may be taken in.
    ///
    /// # Errors
    /// The gravest reason why not.
    pub(crate) fn may_take_in(&self) -> Result<(), Reason> {
        self.told.borrow().first(Reason::stops_intake)
    }

    /// Whether messages may be leased.
    ///
    /// # Errors
    /// The gravest reason why not.
    pub(crate) fn may_lease(&self) -> Result<(), Reason> {
        self.told.borrow().first(Reason::stops_leases)
    }

    /// Whether anything at all may be written: answers and receipts settled, signs of life given. Only an emptied or
    /// another database stops this; what would be written into it belongs to the old one.
    ///
    /// # Errors
    /// The gravest reason why not.
    pub(crate) fn may_write(&self) -> Result<(), Reason> {
        self.told.borrow().first(Reason::is_for_good)
    }

    /// Whether something may be ended because its time is over.
    pub(crate) fn may_expire(&self) -> bool {
        self.told.borrow().expiries_allowed
    }

    /// Waits while nothing may be leased.
    pub(crate) async fn leases_allowed(&self) {
        if self.may_lease().is_err() {
            self.until(Reason::stops_leases).await;
        }
    }

    /// Waits while nothing may be written: the database is not the one of the start.
    pub(crate) async fn writes_allowed(&self) {
        if self.may_write().is_err() {
            self.until(Reason::is_for_good).await;
        }
    }

    /// Waits until no reason stops that any more.
    async fn until(&self, stops: impl Fn(&Reason) -> bool + Copy) {
        let mut told = self.told.clone();
        let open = told.wait_for(|standing| !standing.stops(stops)).await.is_ok();
        if !open {
            // The guard has ended, and with it the engine ends.
            std::future::pending::<()>().await;
        }
    }

    /// Everything, for people.
    pub(crate) fn standing(&self) -> Standing {
        self.told.borrow().clone()
    }
}
