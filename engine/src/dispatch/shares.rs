//! How much of an SMSC's rate is this engine's, where several submit to it: asked for again and again, as much as is needed.

use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::Dispatcher;
use super::meter::Share;
use crate::bind::Company;
use crate::store::RateAsk;

/// How often a share is asked for again, and how long it is kept: while something is to be submitted, and while nothing is.
const BUSY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(400));
const IDLE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(2_000));

/// So much earlier it is over by our own clock.
const MARGIN: Duration = Duration::from_millis(20);

impl Dispatcher {
    /// Keeps this engine's share of the rate, until those that submit have handed over what they leased: without a share it would stay.
    pub(super) async fn keep_share(self, submitters: TaskTracker) {
        let done = submitters.wait();
        tokio::pin!(done);
        let mut company = self.seats.company(self.outlet.id, &self.outlet.pool);
        loop {
            let known = *company.borrow_and_update();
            let pause = self.share_among(known).await;
            let next = async {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.outlet.meter.hungry(), if pause > BUSY.0 => {}
                    changed = company.changed() => if changed.is_err() { std::future::pending::<()>().await },
                }
            };
            tokio::select! {
                () = &mut done => return,
                () = next => {}
            }
        }
    }

    /// Returns after how long it is to be asked again.
    async fn share_among(&self, company: Company) -> Duration {
        let meter = &self.outlet.meter;
        let now = self.clock.now();
        let Some(until) = company.until.filter(|until| now < *until) else {
            // Nobody has answered yet, or not for long: others may be there.
            meter.set_share(Share::NONE);
            return BUSY.0;
        };
        if company.others == 0 {
            meter.set_share(Share::whole(until));
            return IDLE.0;
        }
        if company.unaware || !self.outlet.pool.is_bound() {
            meter.set_share(Share::NONE);
            return BUSY.0;
        }
        let Some(asked) = meter.need() else {
            return IDLE.0;
        };
        let (pause, keep) = if asked.is_idle { IDLE } else { BUSY };
        let ask = RateAsk {
            smsc: self.outlet.id,
            epoch: self.leases.epoch(),
            keep,
            need: asked.need,
            least: asked.least,
            takes: asked.takes,
        };
        match self.store.rate_share(&ask).await {
            Ok((part, slowest)) => meter.set_share(Share::of(part, slowest, now + keep - MARGIN)),
            Err(error) => tracing::debug!(%error, "nothing is known of a share of the rate; it is asked for again"),
        }
        pause
    }
}
