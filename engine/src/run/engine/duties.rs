//! What one of several engines does for all, and how they hear of each other.

use tokio_util::sync::CancellationToken;

use super::super::Redis;
use super::Engine;
use crate::campaign::{Auditor, Campaigns, RollCall};
use crate::dispatch::Bells;
use crate::engines::Call;

impl Engine {
    /// Hears other engines, and is heard by them.
    pub(super) fn listen(&self, redis: &Redis, bells: Bells) {
        let (tasks, stop) = (self.stages.helpers.tasks.clone(), self.stages.helpers.stop.clone());
        let (engines, replies, webhooks) = (self.engines.clone(), self.replies.clone(), self.webhooks.clone());
        let of_webhooks = engines.clone();
        webhooks.on_change(move || of_webhooks.changed());
        let has_duty = engines.clone();
        let heard = move |call: Call| {
            bells.heard(call);
            if call.changed && has_duty.has_duty() {
                replies.written_to_anybody();
                let webhooks = webhooks.clone();
                tasks.spawn(async move { webhooks.look_everywhere().await });
            }
        };
        let listening = engines.listen(redis.servers.clone(), heard, stop);
        self.stages.helpers.tasks.spawn(listening);
    }

    /// Each goes on by itself: one that is long at work holds up no other.
    pub(super) fn start_duties(&self) {
        let (campaigns, verdict) = (self.campaigns.clone(), self.base.verdict.clone());
        self.on_duty(move |stop| take_over(campaigns.clone(), stop));
        let campaigns = self.campaigns.clone();
        self.on_duty(move |stop| campaigns.clone().keep_expiry(verdict.clone(), stop));
        let (campaigns, verdict) = (self.campaigns.clone(), self.base.verdict.clone());
        self.on_duty(move |stop| campaigns.clone().keep_rates(verdict.clone(), stop));
        let (campaigns, verdict) = (self.campaigns.clone(), self.base.verdict.clone());
        self.on_duty(move |stop| campaigns.clone().keep_allowances(verdict.clone(), stop));
        let (campaigns, verdict) = (self.campaigns.clone(), self.base.verdict.clone());
        self.on_duty(move |stop| campaigns.clone().keep_joining(verdict.clone(), stop));
        let campaigns = self.campaigns.clone();
        self.on_duty(move |stop| campaigns.clone().keep_house(stop));
        let imports = self.imports();
        self.on_duty(move |stop| imports.clone().keep(stop));
        let campaigns = self.campaigns.clone();
        self.on_duty(move |stop| campaigns.clone().keep_schedule(stop));
        let campaigns = self.campaigns.clone();
        self.on_duty(move |stop| campaigns.clone().keep_reviews(stop));
        let flagged = self.campaigns.flagged().clone();
        self.on_duty(move |stop| flagged.clone().run(stop));
        let campaigns = self.campaigns.clone();
        self.on_duty(move |stop| campaigns.clone().keep_lists_clean(stop));
        let (automations, verdict) = (self.automations(), self.base.verdict.clone());
        self.on_duty(move |stop| automations.clone().run(verdict.clone(), stop));
        let (replies, verdict) = (self.replies.clone(), self.base.verdict.clone());
        self.on_duty(move |stop| replies.clone().run(verdict.clone(), stop));
        let (agenda, verdict) = (self.agenda(), self.base.verdict.clone());
        self.on_duty(move |stop| agenda.clone().run(verdict.clone(), stop));
        let webhooks = self.webhooks.clone();
        self.on_duty(move |stop| webhooks.clone().run(stop));
        let history = self.history.clone();
        self.on_duty(move |stop| history.clone().run(stop));
        let seen = (self.base.store.clone(), self.base.metrics.clone(), self.base.clock);
        let (mirror, verdict, unparked) = (
            self.base.mirror.clone(),
            self.base.verdict.clone(),
            self.unparked.clone(),
        );
        let of_auditor = seen.clone();
        self.on_duty(move |stop| {
            let (store, metrics, clock) = of_auditor.clone();
            Auditor::new((store, mirror.clone()), metrics, clock).walk(stop)
        });
        self.on_duty(move |stop| RollCall::new(seen.clone(), verdict.clone(), unparked.clone()).walk(stop));
    }

    fn on_duty<F: Future<Output = ()> + Send + 'static>(
        &self,
        work: impl Fn(CancellationToken) -> F + Send + Sync + 'static,
    ) {
        let helpers = &self.stages.helpers;
        let engines = self.engines.clone();
        helpers.tasks.spawn(engines.on_duty(helpers.stop.clone(), work));
    }
}

/// Goes on with what another engine had begun.
async fn take_over(campaigns: Campaigns, stop: CancellationToken) {
    if let Err(error) = campaigns.resume_all().await {
        tracing::warn!(%error, "what another process had begun cannot be gone on with yet");
    }
    stop.cancelled().await;
}
