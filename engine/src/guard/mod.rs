//! What the engine checks of its Redis once a second, and what it refuses to do until that is right again.
//!
//! [`Guard::start`] looks first: it sets the engine's time, gives a new database its id, and refuses a server that would
//! lose data. [`Guard::run`] goes on looking. Everybody else holds a [`Verdict`] and asks it.

mod marks;
mod rules;
mod verdict;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) use verdict::{Reason, Standing, Verdict};

use crate::clock::{Clock, Watch};
use crate::config;
use crate::domain::UnixMicros;
use crate::metrics::Metrics;
use crate::pressure::Fullness;
use crate::store::{Hazard, Probe, Sight, StoreError};

use rules::Rules;

/// How often everything is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Random octets of a database's id: no two databases have one by chance.
const ID_OCTETS: usize = 16;

/// Why the engine does not start on this Redis.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GuardFault {
    /// The server would lose what it is given.
    #[error(
        "Redis would lose data: {}; change it, or set redis.allow_loss = true to accept the loss",
        listed(.0)
    )]
    LosesData(Vec<Hazard>),
    /// The operating system gave no random octets for the database's id.
    #[error("the system gives no random numbers: {0}")]
    NoRandom(#[from] getrandom::Error),
    /// The server stopped answering.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks at Redis and at the clocks.
pub(crate) struct Guard {
    probe: Probe,
    clock: Clock,
    watch: Watch,
    rules: Rules,
    metrics: Metrics,
    journal: Fullness,
    told: watch::Sender<Standing>,
}

impl Guard {
    /// The first look, before anything of tenants or messages is written. From here on `clock` has the server's time.
    ///
    /// # Errors
    /// See [`GuardFault`].
    pub(crate) async fn start(
        probe: Probe,
        settings: &config::Redis,
        clock: Clock,
        metrics: Metrics,
    ) -> Result<(Self, Verdict), GuardFault> {
        let sight = probe.look().await?;
        match &sight.hazards {
            None => tracing::info!("Redis does not let us read its settings: it is trusted to keep what it is given"),
            Some(hazards) if !hazards.is_empty() && !settings.allow_loss => {
                return Err(GuardFault::LosesData(hazards.clone()));
            }
            Some(_) => {}
        }
        let id = probe.claim(&random_id()?).await?;
        clock.set(UnixMicros(sight.time_us).plus(sight.round_trip / 2));
        let watch = Watch::begin(&clock.reading(None));
        let mut rules = Rules::new(id.clone(), settings);
        let standing = rules.judge(Some(&Sight { id: Some(id), ..sight }), false, None);
        let (told, verdict) = watch::channel(Standing::default());
        let mut guard = Self {
            probe,
            clock,
            watch,
            rules,
            metrics,
            journal: Fullness::default(),
            told,
        };
        guard.tell(standing);
        Ok((guard, Verdict::of(verdict)))
    }

    /// Tells it that the journal is full.
    pub(crate) fn journal(&self) -> Fullness {
        self.journal.clone()
    }

    /// The database's id.
    pub(crate) fn database_id(&self) -> &str {
        self.rules.id()
    }

    /// Looks every second, until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let Some(seen) = stop.run_until_cancelled(self.probe.look()).await else {
                return;
            };
            let sight = seen
                .inspect_err(|error| tracing::debug!(%error, "Redis cannot be looked at"))
                .ok();
            let server = sight.as_ref().map(|sight| (sight.time_us, sight.round_trip));
            let report = self.watch.look(&self.clock.reading(server));
            self.clock.adjust(report.adjust_us);
            let standing = self.rules.judge(sight.as_ref(), self.journal.get(), Some(report));
            self.tell(standing);
        }
    }

    /// Says what has changed: once in the log, and to whoever asks.
    fn tell(&mut self, standing: Standing) {
        let before = self.told.borrow().clone();
        for reason in standing
            .reasons
            .iter()
            .filter(|reason| !before.reasons.contains(reason))
        {
            let code = reason.code();
            if reason.is_for_good() {
                tracing::error!(code, "{reason}");
            } else {
                tracing::warn!(code, "{reason}");
            }
        }
        for reason in before
            .reasons
            .iter()
            .filter(|reason| !standing.reasons.contains(reason))
        {
            tracing::info!(code = reason.code(), "over: {reason}");
        }
        if standing.loss_allowed != before.loss_allowed && !standing.loss_allowed.is_empty() {
            let settings = listed(&standing.loss_allowed);
            tracing::warn!("Redis may lose data, which redis.allow_loss accepts: {settings}");
        }
        self.tell_of_clocks(&before, &standing);
        self.count(&standing);
        self.told.send_replace(standing);
    }

    fn tell_of_clocks(&self, before: &Standing, standing: &Standing) {
        let step = |standing: &Standing| (standing.server_step_us != 0, standing.wall_step_us != 0);
        if step(before) == step(standing) {
            return;
        }
        if step(standing) == (false, false) {
            tracing::info!("the clocks agree again");
            return;
        }
        let seconds = |us: i64| us / 1_000_000;
        tracing::error!(
            server_seconds = seconds(standing.server_step_us),
            host_seconds = seconds(standing.wall_step_us),
            "a clock was set: what is stored keeps the time that went on, and nothing expires while the server's differs"
        );
    }

    fn count(&self, standing: &Standing) {
        let metrics = &self.metrics;
        metrics
            .redis_loss_allowed
            .set(i64::from(!standing.loss_allowed.is_empty()));
        for (clock, step) in [("server", standing.server_step_us), ("host", standing.wall_step_us)] {
            metrics
                .clock_step_seconds
                .with_label_values(&[clock])
                .set(step as f64 / 1e6);
        }
        for (work, stopped) in [
            ("intake", standing.stops(Reason::stops_intake)),
            ("leases", standing.stops(Reason::stops_leases)),
            ("expiries", !standing.expiries_allowed),
        ] {
            metrics.guard_stopped.with_label_values(&[work]).set(i64::from(stopped));
        }
    }
}

fn random_id() -> Result<String, getrandom::Error> {
    let mut octets = [0; ID_OCTETS];
    getrandom::fill(&mut octets)?;
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

fn listed(hazards: &[Hazard]) -> String {
    let shown: Vec<String> = hazards.iter().map(ToString::to_string).collect();
    shown.join(", ")
}
