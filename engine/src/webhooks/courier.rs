//! Telling: what is due is posted, some at once to each endpoint, and what came of it is kept.

use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::attempt::{Attempt, Rules, judge, note};
use super::backlog::{self, Delivery, DeliveryState};
use super::endpoint::{self, Endpoint};
use super::post::Letter;
use super::signature::signatures;
use super::{Shared, WebhookFault, Webhooks, body};
use crate::domain::{DeliveryId, EndpointId, UnixMicros};
use crate::store::StoreError;

/// POSTs at once to one endpoint; one while it fails.
const POSTS_EACH: usize = 4;

/// POSTs at once to all: each has a socket and some 20 KB.
const POSTS_MAX: usize = 256;

/// How often it is looked what is due, when nothing else is a reason to.
const ROUND: Duration = Duration::from_secs(1);

/// The wait when what a delivery is about cannot be read.
const UNREAD_AGAIN: Duration = Duration::from_secs(5);

/// How long attempts that are under way are waited for at the end.
const LAST: Duration = Duration::from_millis(700);

/// What is under way to one endpoint.
#[derive(Default)]
struct Desk {
    under_way: FxHashSet<DeliveryId>,
    /// When to look for more; `None`: when something comes, or comes back.
    look_at: Option<UnixMicros>,
}

/// An attempt that is over, or could not be made since what it was about could not be read.
struct Done {
    delivery: Delivery,
    attempt: Result<Attempt, StoreError>,
}

struct Courier {
    webhooks: Webhooks,
    desks: FxHashMap<EndpointId, Desk>,
    posts: JoinSet<Done>,
}

impl Webhooks {
    pub(super) async fn tell(self, stop: CancellationToken) {
        let courier = Courier {
            webhooks: self,
            desks: FxHashMap::default(),
            posts: JoinSet::new(),
        };
        courier.run(stop).await;
    }
}

impl Courier {
    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let (shared, next) = (&self.webhooks.0, self.next_look());
            let mut done = Vec::new();
            tokio::select! {
                () = stop.cancelled() => {}
                () = shared.bell.notified() => {}
                Some(over) = self.posts.join_next() => done.extend(over.ok()),
                () = sleep_until(next) => {}
            }
            self.settle(done).await;
            if let Err(error) = self.post_due().await {
                tracing::warn!(%error, "webhooks cannot be told: the database does not say what is due");
                let pause = tokio::time::sleep(ROUND);
                let _stopped = stop.run_until_cancelled(pause).await;
            }
        }
        let deadline = self.webhooks.0.clock.deadline(LAST);
        while let Ok(Some(over)) = timeout_at(deadline, self.posts.join_next()).await {
            self.settle(over.ok().into_iter().collect()).await;
        }
    }

    fn next_look(&self) -> tokio::time::Instant {
        let shared = &self.webhooks.0;
        let now = shared.now();
        let next = self.desks.values().filter_map(|desk| desk.look_at).min();
        let wait = next.map_or(ROUND, |at| at.since(now)).min(ROUND);
        // Times are kept to the microsecond, and timers to the millisecond.
        shared.clock.deadline(wait.max(Duration::from_millis(1)))
    }

    /// Keeps what came of attempts: of all that are over by now, in one change.
    async fn settle(&mut self, mut done: Vec<Done>) {
        if done.is_empty() {
            return;
        }
        while let Some(over) = self.posts.try_join_next() {
            done.extend(over.ok());
        }
        let now = self.webhooks.0.now();
        for over in &done {
            let desk = self.desks.entry(over.delivery.endpoint).or_default();
            desk.under_way.remove(&over.delivery.id);
            desk.look_at = Some(now);
        }
        if let Err(error) = self.webhooks.0.settle(done).await {
            // They are tried again: receivers may be told twice of what they have taken.
            tracing::warn!(%error, "what came of webhooks cannot be kept");
        }
    }

    /// Posts what is due, as far as there is room.
    async fn post_due(&mut self) -> Result<(), WebhookFault> {
        let shared = self.webhooks.0.clone();
        let now = shared.now();
        let woken = std::mem::take(&mut *shared.woken.lock().unwrap_or_else(PoisonError::into_inner));
        for id in woken {
            self.desks.entry(id).or_default().look_at = Some(now);
        }
        let active = shared.active.load_full();
        let by_id: FxHashMap<EndpointId, &Endpoint> = active
            .values()
            .flatten()
            .map(|endpoint| (endpoint.id, endpoint))
            .collect();
        self.desks
            .retain(|id, desk| by_id.contains_key(id) || !desk.under_way.is_empty());
        let due = |desk: &Desk| desk.look_at.is_some_and(|at| at <= now);
        let ready: Vec<EndpointId> = self
            .desks
            .iter()
            .filter(|(_, desk)| due(desk))
            .map(|(id, _)| *id)
            .collect();
        for id in ready {
            match by_id.get(&id) {
                Some(endpoint) => self.post_to(endpoint, now).await?,
                None => self.desks.entry(id).or_default().look_at = None,
            }
        }
        Ok(())
    }

    async fn post_to(&mut self, endpoint: &Endpoint, now: UnixMicros) -> Result<(), WebhookFault> {
        let shared = self.webhooks.0.clone();
        let desk = self.desks.entry(endpoint.id).or_default();
        if endpoint.resting_until > now {
            desk.look_at = Some(endpoint.resting_until);
            return Ok(());
        }
        let most = if endpoint.failures > 0 { 1 } else { POSTS_EACH };
        let free = most.saturating_sub(desk.under_way.len());
        let free = free.min(POSTS_MAX.saturating_sub(self.posts.len()));
        if free == 0 {
            // Something comes back, here or elsewhere.
            desk.look_at = desk.under_way.is_empty().then(|| now.plus(ROUND));
            return Ok(());
        }
        // What is under way is among what is due.
        let due = backlog::due(&shared.database, endpoint.id, now, free + desk.under_way.len()).await?;
        let due: Vec<_> = due
            .into_iter()
            .filter(|one| !desk.under_way.contains(&one.id))
            .take(free)
            .collect();
        for delivery in due {
            desk.under_way.insert(delivery.id);
            let (shared, endpoint) = (shared.clone(), endpoint.clone());
            self.posts
                .spawn(async move { shared.attempt(&endpoint, delivery).await });
        }
        desk.look_at = if desk.under_way.is_empty() {
            backlog::next_at(&shared.database, endpoint.id).await?
        } else {
            None
        };
        Ok(())
    }
}

impl Shared {
    async fn attempt(&self, endpoint: &Endpoint, delivery: Delivery) -> Done {
        let attempt = match body::of(&self.store, &delivery).await {
            Ok(mut body) => {
                if endpoint.tenant.is_sandbox() {
                    body["sandbox"] = true.into();
                }
                Ok(self.post(endpoint, &delivery.id.to_string(), body.to_string()).await)
            }
            Err(error) => Err(error),
        };
        Done { delivery, attempt }
    }

    /// Posts a body under an id, signed.
    pub(super) async fn post(&self, endpoint: &Endpoint, id: &str, body: String) -> Attempt {
        let (began_at, before) = (self.now(), self.clock.now());
        let (body, second) = (Bytes::from(body), began_at.seconds());
        let letter = Letter {
            url: &endpoint.url,
            id,
            second,
            signatures: &signatures(endpoint.secrets(began_at), (id, second), &body),
            body,
        };
        let result = self.postman.post(&letter).await;
        let took = self.clock.now() - before;
        let attempt = Attempt { began_at, took, result };
        let result = attempt.post_result().into_str();
        self.metrics.webhook_deliveries_total.with_label_values(&[result]).inc();
        self.metrics.webhook_duration_seconds.observe(took.as_secs_f64());
        attempt
    }

    /// Keeps what came of attempts, at deliveries and endpoints.
    async fn settle(&self, done: Vec<Done>) -> Result<(), WebhookFault> {
        // Nobody changes endpoints meanwhile.
        let _held = self.changing.lock().await;
        let active = self.active.load_full();
        let mut endpoints: FxHashMap<EndpointId, Endpoint> = FxHashMap::default();
        let mut changed: FxHashSet<EndpointId> = FxHashSet::default();
        let now = self.now();
        let mut change = self.database.change().await?;
        let mut over = Vec::new();
        for Done { mut delivery, attempt } in done {
            let id = delivery.endpoint;
            let known = || active.values().flatten().find(|endpoint| endpoint.id == id).cloned();
            if let Some(known) = known() {
                endpoints.entry(id).or_insert(known);
            }
            match (endpoints.get_mut(&id), attempt) {
                (Some(endpoint), Ok(attempt)) => {
                    let chance = kit::random::unit(kit::random::mix(delivery.id.0 ^ now.0));
                    let rules = Rules {
                        retries: &self.settings.retries,
                        now,
                        chance,
                    };
                    if judge(endpoint, &mut delivery, &attempt, &rules) {
                        changed.insert(id);
                    }
                }
                (_, Err(error)) => {
                    tracing::warn!(%error, delivery = %delivery.id, "what a webhook is to tell cannot be read; it is tried again");
                    delivery.next_at = now.plus(UNREAD_AGAIN);
                }
                // It was removed, or disabled, meanwhile.
                (None, Ok(attempt)) => note(&mut delivery, &attempt),
            }
            backlog::note(&mut change, &delivery).await?;
            if delivery.state != DeliveryState::Waiting {
                over.push(id);
            }
        }
        for id in &changed {
            if let Some(endpoint) = endpoints.get(id) {
                endpoint::note(&mut change, endpoint).await?;
            }
        }
        change.commit().await?;
        self.show_waiting(|waiting| {
            for id in &over {
                waiting.entry(*id).and_modify(|count| *count = count.saturating_sub(1));
            }
        });
        for endpoint in endpoints.values().filter(|endpoint| changed.contains(&endpoint.id)) {
            say(endpoint);
        }
        if !changed.is_empty() {
            self.reload().await?;
        }
        Ok(())
    }
}

/// What its operator should know of an endpoint that is another now.
fn say(endpoint: &Endpoint) {
    if let Some((_, reason)) = endpoint.disabled {
        let reason = reason.into_str();
        tracing::warn!(tenant = %endpoint.tenant, endpoint = %endpoint.id, reason, "a webhook is disabled: nothing is sent to it until its tenant enables it");
    }
}
