//! Following the journal: what it says to endpoints becomes deliveries, in the change that keeps how far it was read.

use std::sync::PoisonError;
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio_util::sync::CancellationToken;

use super::backlog::{self, News};
use super::clicks;
use super::endpoint::count_dropped;
use super::gather::Gather;
use super::marks::{Marks, keep_crossed, keep_states};
use super::{Shared, WebhookFault, Webhooks};
use crate::clock::watched;
use crate::domain::{EndpointId, Partition};
use crate::store::{JOURNAL_READ_MAX, StoreError};

/// How often the journal is looked at: what comes in between is told together.
const ROUND: Duration = Duration::from_secs(1);

/// Events that are kept in one change, about.
const TOGETHER: usize = 20_000;

/// What a round has found.
#[derive(Default)]
struct Found {
    news: Vec<News>,
    /// How far each partition was read.
    places: Vec<(Partition, String)>,
    /// There is more to be read now.
    more: bool,
}

impl Webhooks {
    pub(super) async fn follow(self, stop: CancellationToken) {
        let mut failed = false;
        loop {
            let stopped = stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_none();
            let show_lag = || self.0.metrics.webhook_lag_seconds.set(self.0.behind().as_secs_f64());
            let round = watched(self.0.round(), ROUND, show_lag).await;
            if let (Err(error), false) = (&round, failed) {
                tracing::warn!(%error, "webhooks cannot follow what happens; it is tried again");
            }
            failed = round.is_err();
            if failed && let Err(error) = self.0.take_over().await {
                // What it compares with is older then, and nothing is told twice.
                tracing::debug!(%error, "it cannot be read how far was told");
            }
            show_lag();
            if stopped {
                return;
            }
        }
    }
}

impl Shared {
    /// Everything that there is to be told by now.
    async fn round(&self) -> Result<(), WebhookFault> {
        let begun_at = self.now();
        self.look_balances().await?;
        self.hear_of_moves().await?;
        if self.active.load().is_empty() {
            *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return Ok(());
        }
        self.look_elsewhere().await?;
        self.look_clicks().await?;
        loop {
            let found = self.read_journal().await?;
            let places = places(&found.places);
            let marks = Marks {
                places: &places,
                ..Marks::default()
            };
            self.keep(found.news, marks).await?;
            let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
            for (partition, place) in found.places {
                positions[usize::from(partition.0)] = place;
            }
            drop(positions);
            if !found.more {
                *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun_at);
                return Ok(());
            }
        }
    }

    async fn read_journal(&self) -> Result<Found, WebhookFault> {
        let active = self.active.load_full();
        let mut gather = Gather::new(&active, self.store.partitions());
        let mut found = Found::default();
        for partition in self.store.all_partitions() {
            let from = self.position(partition);
            let entries = self.store.journal(partition, &from).await?;
            for entry in &entries {
                let read = gather.read(partition, entry);
                read.map_err(|form| StoreError::BadForm {
                    key: format!("journal entry {}", entry.id),
                    form,
                })?;
            }
            found.more |= entries.len() == JOURNAL_READ_MAX;
            found
                .places
                .extend(entries.last().map(|last| (partition, last.id.clone())));
            if gather.gathered() >= TOGETHER {
                found.more = true;
                break;
            }
        }
        found.news = gather.finish();
        Ok(found)
    }

    fn position(&self, partition: Partition) -> String {
        let positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions[usize::from(partition.0)].clone()
    }

    /// Keeps what is to be told, as far as there is room, and how far was read.
    pub(super) async fn keep(&self, all: Vec<News>, marks: Marks<'_>) -> Result<(), WebhookFault> {
        if all.is_empty() && marks.may_wait() {
            return Ok(());
        }
        let (kept, dropped) = self.divide(all);
        let mut change = self.database.change().await?;
        if !clicks::leave(&mut change, marks.clicks).await? {
            return Ok(());
        }
        if !kept.is_empty() {
            backlog::add(&mut change, &kept, self.now()).await?;
        }
        for (endpoint, events) in &dropped {
            count_dropped(&mut change, *endpoint, *events).await?;
        }
        let before = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !backlog::move_on(&mut change, marks.places, &before).await? {
            return Err(WebhookFault::ToldElsewhere);
        }
        keep_states(&mut change, marks.states).await?;
        keep_crossed(&mut change, marks.crossed).await?;
        change.commit().await?;
        let mut known = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(marks.places.iter().cloned());
        drop(known);
        self.show_waiting(|waiting| {
            for news in &kept {
                *waiting.entry(news.endpoint).or_default() += 1;
            }
        });
        self.count_dropped("full", &dropped);
        self.wake(kept.iter().map(|news| news.endpoint));
        Ok(())
    }

    /// What there is room for, and how many events of which endpoint there is none for.
    fn divide(&self, all: Vec<News>) -> (Vec<News>, FxHashMap<EndpointId, u64>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut kept, mut dropped) = (Vec::with_capacity(all.len()), FxHashMap::default());
        for news in all {
            let waits = waiting.entry(news.endpoint).or_default();
            if *waits < u64::from(self.settings.backlog) {
                *waits += 1;
                kept.push(news);
            } else {
                *dropped.entry(news.endpoint).or_default() += u64::from(news.events);
            }
        }
        (kept, dropped)
    }

    pub(super) fn count_dropped<'a>(&self, reason: &str, dropped: impl IntoIterator<Item = (&'a EndpointId, &'a u64)>) {
        let events = dropped.into_iter().map(|(_, events)| events).sum();
        let total = &self.metrics.webhook_dropped_events_total;
        total.with_label_values(&[reason]).inc_by(events);
    }
}

/// What a partition's journal is called among the sources.
pub(super) fn journal_of(partition: Partition) -> String {
    format!("journal:{}", partition.0)
}

fn places(places: &[(Partition, String)]) -> Vec<(String, String)> {
    let named = |(partition, place): &(Partition, String)| (journal_of(*partition), place.clone());
    places.iter().map(named).collect()
}
