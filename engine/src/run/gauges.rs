//! What is shown and not counted: asked for now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::campaign::{Backlogs, Gates, Orders};
use crate::clock::Clock;
use crate::domain::{Purpose, TenantId, UnixMicros, Way};
use crate::engines::Engines;
use crate::metrics::Metrics;
use crate::pressure::Pressure;
use crate::store::{Census, InLine, Store, StoreError};
use crate::traffic::Traffic;
use crate::waiting::{Reason, Waiting};

/// How often gauges that have to be asked for are refreshed.
const GAUGES: Duration = Duration::from_secs(2);

/// Since when the first message of a tenant in a line is due.
struct Asked {
    lane: u8,
    tenant: TenantId,
    at: UnixMicros,
}

/// Gauges that only the store knows.
pub(super) struct Gauges {
    pub(super) store: Store,
    pub(super) metrics: Metrics,
    pub(super) traffic: Traffic,
    pub(super) waiting: Waiting,
    pub(super) orders: Orders,
    pub(super) gates: Gates,
    pub(super) pressure: Pressure,
    pub(super) clock: Clock,
    /// What all engines have in common is shown by one of them: who adds them up would count it again.
    pub(super) engines: Engines,
}

impl Gauges {
    pub(super) async fn refresh(self, stop: CancellationToken) {
        let (mut last, mut backlogs) = (Census::default(), Backlogs::default());
        while stop.run_until_cancelled(tokio::time::sleep(GAUGES)).await.is_some() {
            if let Err(error) = self.once(&mut last, &mut backlogs).await {
                tracing::debug!(%error, "gauges are not refreshed");
                // What waited a moment ago still does, if for another reason.
                self.show_waiting(&last);
            }
        }
    }

    async fn once(&self, last: &mut Census, backlogs: &mut Backlogs) -> Result<(), StoreError> {
        let metrics = &self.metrics;
        metrics
            .settle_lag_seconds
            .set(self.pressure.behind(self.clock.now()).as_secs_f64());
        for (state, count) in self.store.pool_use() {
            let connections = &metrics.redis_pool_connections;
            connections.with_label_values(&[state]).set(count as i64);
        }
        self.show_runtime();
        self.show_rules();
        metrics.duty.set(self.engines.has_duty().into());
        if !self.engines.has_duty() {
            *last = Census::default();
            *backlogs = Backlogs::default();
            metrics.whole(|| {
                self.show_queues(last);
                self.show_waiting(last);
                self.show_ages(last, &[]);
                self.show_tenants(&[]);
            });
            metrics.are_without_duty();
            return Ok(());
        }
        *last = self.store.census().await?;
        let asked = self.asked_at(last).await?;
        metrics.whole(|| {
            self.show_queues(last);
            self.show_waiting(last);
            self.show_ages(last, &asked);
            self.show_tenants(&asked);
        });
        if let Some(queued) = backlogs.step(&self.store).await? {
            metrics.whole(|| self.show_backlogs(&queued));
        }
        metrics.receipts_parked.set(self.store.parked_count().await? as i64);
        metrics
            .redis_used_memory_bytes
            .set(self.store.used_memory().await? as i64);
        Ok(())
    }

    /// What each engine has of its own.
    fn show_runtime(&self) {
        let (metrics, runtime) = (&self.metrics, tokio::runtime::Handle::current().metrics());
        let workers = runtime.num_workers();
        metrics.tokio_workers.set(workers as i64);
        metrics.tokio_alive_tasks.set(runtime.num_alive_tasks() as i64);
        metrics.tokio_queued_tasks.set(runtime.global_queue_depth() as i64);
        let busy: Duration = (0..workers)
            .map(|worker| runtime.worker_total_busy_duration(worker))
            .sum();
        let busy_since = busy.as_secs_f64() - metrics.tokio_busy_seconds_total.get();
        metrics.tokio_busy_seconds_total.inc_by(busy_since.max(0.0));
        let forgotten = &metrics.redis_script_noscript_total;
        forgotten.inc_by(self.store.forgotten_scripts().saturating_sub(forgotten.get()));
    }

    /// Which rules of sending are obeyed, and what they say now.
    fn show_rules(&self) {
        let (metrics, rules) = (&self.metrics, self.gates.rules());
        let zones = self.gates.zones();
        metrics.whole(|| {
            // What is obeyed no more is not shown any more.
            metrics.rule_pack_info.reset();
            metrics.rule_pack_valid_until_timestamp_seconds.reset();
            metrics.hours_open.reset();
            for pack in rules.packs() {
                let since = pack.valid_from.to_string();
                let labels = [&pack.name, &pack.version, &pack.country, &since];
                metrics.rule_pack_info.with_label_values(&labels).set(1);
                if let Some(until) = pack.ends() {
                    let gauge = &metrics.rule_pack_valid_until_timestamp_seconds;
                    gauge.with_label_values(&[&pack.name]).set(until.as_second());
                }
            }
            for (zone, open) in zones {
                metrics.hours_open.with_label_values(&[zone]).set(open.into());
            }
        });
    }

    fn show_queues(&self, census: &Census) {
        let (queued, deferred) = (&self.metrics.queue_messages, &self.metrics.queue_deferred_messages);
        // A line that is empty now is not in the census: it is set to 0.
        queued.reset();
        deferred.reset();
        for of in &census.lines {
            let way = self.name(of.line.way);
            queued
                .with_label_values(&[way.as_str(), lane(of.line.lane)])
                .add(of.rows as i64);
            deferred.with_label_values(&[&way]).add(of.again as i64);
        }
    }

    fn show_waiting(&self, census: &Census) {
        let counts = self.waiting.counts(census, self.clock.unix());
        for reason in Reason::ALL.iter().copied() {
            let gauge = self.metrics.waiting_messages.with_label_values(&[reason.code()]);
            gauge.set(counts.of(reason) as i64);
        }
    }

    /// Since when what is first in each line is due; what is closed now is not.
    async fn asked_at(&self, census: &Census) -> Result<Vec<Asked>, StoreError> {
        let mut asked = Vec::with_capacity(census.heads.len());
        for head in &census.heads {
            let Some(order) = self.orders.get(head.tenant, head.campaign).await? else {
                continue;
            };
            let variables = order.open(&head.variables).unwrap_or_default();
            let due = self.gates.due(head.gate, order.asked_at(&variables));
            asked.extend(due.map(|at| Asked {
                lane: head.lane,
                tenant: head.tenant,
                at,
            }));
        }
        Ok(asked)
    }

    /// How long the oldest message that is due waits, in each lane.
    fn show_ages(&self, census: &Census, asked: &[Asked]) {
        let now = self.clock.unix();
        for purpose in Purpose::ALL {
            let again = |of: &InLine| Some((of.line.lane, self.gates.due(of.line.gate, of.first_due?)?));
            let due = census.lines.iter().filter_map(again);
            let of_lane = |(lane, since): (u8, UnixMicros)| (lane == purpose.lane()).then_some(since);
            let first = asked.iter().map(|asked| (asked.lane, asked.at));
            let oldest = due.chain(first).filter_map(of_lane).min();
            let age = oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
            let gauge = &self.metrics.queue_oldest_age_seconds;
            gauge.with_label_values(&[purpose.code()]).set(age);
        }
    }

    /// How long the oldest message of each tenant waits; several may share a label.
    fn show_tenants(&self, asked: &[Asked]) {
        let (now, gauge) = (self.clock.unix(), &self.metrics.tenant_queue_oldest_age_seconds);
        let mut oldest: BTreeMap<TenantId, UnixMicros> = BTreeMap::new();
        for asked in asked {
            let at = oldest.entry(asked.tenant).or_insert(asked.at);
            *at = asked.at.min(*at);
        }
        // Who has nothing that waits is not shown.
        gauge.reset();
        for (tenant, at) in oldest {
            let of_label = gauge.with_label_values(&[self.metrics.tenant(tenant).as_str()]);
            of_label.set(of_label.get().max(now.since(at).as_secs_f64()));
        }
    }

    /// How many messages of each tenant are queued.
    fn show_backlogs(&self, queued: &BTreeMap<TenantId, u64>) {
        let gauge = &self.metrics.tenant_queue_messages;
        gauge.reset();
        for (tenant, count) in queued {
            let of_label = gauge.with_label_values(&[self.metrics.tenant(*tenant).as_str()]);
            of_label.add(i64::try_from(*count).unwrap_or(i64::MAX));
        }
    }

    /// A way as operators know it: the name of the route, `@` and a name for what one of them has a part of.
    fn name(&self, way: Way) -> String {
        match way {
            Way::Pinned(smsc) => {
                let name = self.traffic.name(smsc);
                format!("@{}", name.as_deref().unwrap_or("removed"))
            }
            Way::Route(route) => self.traffic.route_name(route).unwrap_or_else(|| "stranded".to_owned()),
        }
    }
}

fn lane(number: u8) -> &'static str {
    let lane = Purpose::ALL.iter().find(|purpose| purpose.lane() == number);
    lane.map_or("other", |purpose| purpose.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::Seats;
    use crate::campaign::tests::Bench;
    use crate::guard::Verdict;

    async fn gauges(bench: &Bench) -> Gauges {
        let metrics = Metrics::new(9).unwrap();
        let traffic = Traffic::new(&bench.store, (&metrics, bench.clock), GAUGES, &[]);
        let gates = bench.campaigns.gates().clone();
        let (seats, addresses) = (Seats::all_ours(), [String::new(), String::new()]);
        // It never asks for the duty.
        let engines = Engines::begin(&bench.store, bench.clock, &seats, (1, addresses));
        Gauges {
            store: bench.store.clone(),
            waiting: Waiting::new(&bench.store, &traffic, &gates, &Verdict::unguarded()),
            traffic,
            orders: bench.campaigns.orders(),
            gates,
            pressure: Pressure::new(bench.clock.now(), 1),
            clock: bench.clock,
            engines: engines.await.unwrap(),
            metrics,
        }
    }

    /// The series of these metrics that are not 0.
    fn shown(metrics: &Metrics, names: &[&str]) -> Vec<String> {
        let text = String::from_utf8(metrics.exposition()).unwrap();
        let is_one = |line: &&str| names.iter().any(|name| line.starts_with(&format!("campanile_{name}")));
        let series = text.lines().filter(is_one).filter(|line| !line.ends_with(" 0"));
        series.map(str::to_owned).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_lost_the_duty_shows_no_more_of_what_all_have_in_common() {
        let bench = Bench::start("gauges-duty").await;
        let gauges = gauges(&bench).await;
        let metrics = &gauges.metrics;
        for gauge in [
            &metrics.ledger_imbalance,
            &metrics.status_imbalance,
            &metrics.history_journal_bytes,
            &metrics.webhook_backlog,
            &metrics.webhook_endpoints_disabled,
            &metrics.receipts_parked,
            &metrics.redis_used_memory_bytes,
        ] {
            gauge.set(7);
        }
        metrics.history_lag_seconds.set(7.0);
        metrics.webhook_lag_seconds.set(7.0);
        metrics.campaigns.with_label_values(&["running"]).set(7);
        for of_tenants in [
            &metrics.credit_balance,
            &metrics.credit_held,
            &metrics.tenant_queue_messages,
        ] {
            of_tenants.with_label_values(&["7"]).set(7);
        }
        for of_smscs in [&metrics.receipts_pending, &metrics.receipts_overdue] {
            of_smscs.with_label_values(&["north"]).set(7);
        }
        metrics.reconciliation_last_run_timestamp_seconds.set(7.0);
        metrics.redis_pool_connections.with_label_values(&["idle"]).set(99);
        gauges
            .once(&mut Census::default(), &mut Backlogs::default())
            .await
            .unwrap();
        let of_all = [
            "tenant_queue_messages",
            "ledger_imbalance",
            "status_imbalance",
            "history_",
            "webhook_backlog",
            "webhook_endpoints_disabled",
            "webhook_lag_seconds",
            "receipts_parked ",
            "receipts_pending",
            "receipts_overdue",
            "redis_used_memory_bytes",
            "campaigns{",
            "credit_",
        ];
        assert_eq!(shown(metrics, &of_all), Vec::<String>::new());
        // A time stays, and what is each engine's own is found out by each.
        assert_eq!(shown(metrics, &["reconciliation_last_run"]).len(), 1);
        let idle = metrics.redis_pool_connections.with_label_values(&["idle"]).get();
        assert!(idle < 99, "{idle}");
    }
}
