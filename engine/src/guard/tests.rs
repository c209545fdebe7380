//! The rules by hand, and the guard on a real Redis.

use std::path::PathBuf;

use super::*;
use crate::clock::Report;
use crate::store::{Embedded, Memory};

const LIMIT: Duration = Duration::from_secs(20);

fn sight(id: Option<&str>) -> Sight {
    Sight {
        at: Clock::new().now(),
        round_trip: Duration::ZERO,
        time_us: 1,
        id: id.map(str::to_owned),
        journal_full: false,
        memory: Some(Memory::default()),
        hazards: Some(Vec::new()),
    }
}

fn rules(allow_loss: bool) -> Rules {
    let settings = config::Redis {
        allow_loss,
        ..config::Redis::default()
    };
    Rules::new("a".to_owned(), &settings)
}

fn reasons(rules: &mut Rules, sight: Option<&Sight>) -> Vec<Reason> {
    rules.judge(sight, false, None).reasons
}

#[test]
fn a_full_journal_stops_leases_and_intake_until_it_is_not() {
    let mut rules = rules(false);
    let full = rules.judge(Some(&sight(Some("a"))), true, None);
    assert_eq!(full.reasons, [Reason::JournalFull]);
    assert!(full.stops(Reason::stops_leases) && full.stops(Reason::stops_intake));
    assert_eq!(rules.judge(Some(&sight(Some("a"))), false, None).reasons, []);
}

#[test]
fn a_database_that_lost_its_id_is_lost_even_if_the_id_comes_back() {
    let mut rules = rules(false);
    assert_eq!(reasons(&mut rules, Some(&sight(Some("a")))), []);
    assert_eq!(reasons(&mut rules, None), [Reason::RedisAway]);
    assert_eq!(reasons(&mut rules, Some(&sight(Some("a")))), []);
    let lost = [Reason::DatabaseEmptied];
    assert_eq!(reasons(&mut rules, Some(&sight(None))), lost);
    assert_eq!(reasons(&mut rules, Some(&sight(Some("b")))), lost);
    let standing = rules.judge(Some(&sight(Some("a"))), false, None);
    assert_eq!(standing.reasons, lost);
    assert!(!standing.expiries_allowed);
    assert_eq!(reasons(&mut rules, None), [Reason::DatabaseEmptied, Reason::RedisAway]);
}

#[test]
fn another_database_is_told_from_an_emptied_one() {
    assert_eq!(
        reasons(&mut rules(true), Some(&sight(Some("b")))),
        [Reason::OtherDatabase]
    );
}

#[test]
fn hazards_stop_work_unless_they_are_allowed_and_hidden_settings_are_trusted() {
    let hazardous = Sight {
        hazards: Some(vec![Hazard::NoFsync]),
        ..sight(Some("a"))
    };
    let hidden = Sight {
        hazards: None,
        ..sight(Some("a"))
    };
    let mut strict = rules(false);
    assert_eq!(
        reasons(&mut strict, Some(&hazardous)),
        [Reason::LosesData(vec![Hazard::NoFsync])]
    );
    assert_eq!(reasons(&mut strict, Some(&hidden)), []);
    let allowed = rules(true).judge(Some(&hazardous), false, None);
    assert_eq!((allowed.reasons, allowed.loss_allowed), (vec![], vec![Hazard::NoFsync]));
}

#[test]
fn what_each_reason_stops() {
    let (told, verdict) = watch::channel(Standing::default());
    let verdict = Verdict::of(verdict);
    let stopped = |reason: &Reason| {
        told.send_replace(Standing {
            reasons: vec![reason.clone()],
            ..Standing::default()
        });
        (
            verdict.may_take_in().is_err(),
            verdict.may_lease().is_err(),
            verdict.may_write().is_err(),
        )
    };
    assert_eq!(stopped(&Reason::IntakeMark), (true, false, false));
    assert_eq!(stopped(&Reason::LeaseMark), (true, true, false));
    assert_eq!(stopped(&Reason::RedisAway), (true, true, false));
    assert_eq!(stopped(&Reason::LosesData(vec![])), (true, true, false));
    assert_eq!(stopped(&Reason::DatabaseEmptied), (true, true, true));
    assert_eq!(stopped(&Reason::OtherDatabase), (true, true, true));
}

#[test]
fn expiries_wait_while_the_clocks_say_so() {
    let stepped = Report {
        server_step_us: 7_000_000,
        ..Report::default()
    };
    let standing = rules(false).judge(Some(&sight(Some("a"))), false, Some(stepped));
    assert!(!standing.expiries_allowed && standing.reasons.is_empty());
    assert_eq!(standing.server_step_us, 7_000_000);
}

/// A Redis that somebody plays with.
struct Bench {
    folder: PathBuf,
    redis: Embedded,
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

impl Bench {
    async fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("campanile-{name}-{}", std::process::id()));
        let redis = Embedded::start(&folder).await.unwrap();
        Self { folder, redis }
    }

    async fn guard(&self, settings: &config::Redis) -> Result<(Guard, Verdict), GuardFault> {
        let clock = Clock::new();
        let probe = Probe::connect(&self.redis.servers().unwrap(), clock).await.unwrap();
        Guard::start(probe, settings, clock, Metrics::new(9).unwrap()).await
    }

    /// A running guard's verdict.
    async fn verdict(&self, settings: &config::Redis) -> Verdict {
        let (guard, verdict) = self.guard(settings).await.unwrap();
        tokio_util::task::TaskTracker::new().spawn(guard.run(CancellationToken::new()));
        verdict
    }

    async fn set(&self, name: &str, value: &str) {
        self.redis.told(&["CONFIG", "SET", name, value]).await;
    }
}

/// The standing as soon as it is so.
async fn until(verdict: &Verdict, holds: impl Fn(&Standing) -> bool) -> Standing {
    let mut told = verdict.told.clone();
    let found = tokio::time::timeout(LIMIT, told.wait_for(|standing| holds(standing))).await;
    found
        .unwrap_or_else(|_| panic!("stays {:?}", verdict.standing()))
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_server_that_loses_data_is_refused_or_shown() {
    let bench = Bench::start("guard-loss").await;
    bench.set("appendonly", "no").await;
    bench.set("maxmemory-policy", "allkeys-lru").await;
    let (mut settings, fault) = (config::Redis::default(), "the guard starts");
    let refused = bench.guard(&settings).await.err().expect(fault).to_string();
    assert_eq!(
        refused,
        "Redis would lose data: appendonly no (allowed: yes), maxmemory-policy allkeys-lru (allowed: noeviction); \
         change it, or set redis.allow_loss = true to accept the loss"
    );
    settings.allow_loss = true;
    let (guard, verdict) = bench.guard(&settings).await.unwrap();
    assert!(verdict.may_take_in().is_ok() && verdict.standing().loss_allowed.len() == 2);
    assert_eq!(guard.metrics.redis_loss_allowed.get(), 1);
}

#[tokio::test]
async fn a_setting_that_is_changed_later_stops_the_work_until_it_is_changed_back() {
    let bench = Bench::start("guard-later").await;
    let verdict = bench.verdict(&config::Redis::default()).await;
    assert_eq!(verdict.standing(), Standing::default());
    bench.set("appendfsync", "no").await;
    let standing = until(&verdict, |standing| !standing.reasons.is_empty()).await;
    assert_eq!(standing.reasons, [Reason::LosesData(vec![Hazard::NoFsync])]);
    bench.set("appendfsync", "always").await;
    until(&verdict, |standing| standing.reasons.is_empty()).await;
}

#[tokio::test]
async fn an_emptied_database_stops_everything_and_does_not_heal() {
    let bench = Bench::start("guard-flush").await;
    let verdict = bench.verdict(&config::Redis::default()).await;
    bench.redis.told(&["FLUSHALL"]).await;
    until(&verdict, |standing| standing.reasons == [Reason::DatabaseEmptied]).await;
    assert!(verdict.may_write().is_err() && !verdict.may_expire());
    // Another engine that starts on it gives it another id, and works.
    let other = bench.verdict(&config::Redis::default()).await;
    assert!(other.may_take_in().is_ok());
    assert_eq!(verdict.may_lease(), Err(Reason::DatabaseEmptied));
}

#[tokio::test]
async fn memory_at_its_marks_stops_intake_then_leases_and_lets_go_again() {
    let bench = Bench::start("guard-memory").await;
    let verdict = bench.verdict(&config::Redis::default()).await;
    let used = {
        let probe = Probe::connect(&bench.redis.servers().unwrap(), Clock::new())
            .await
            .unwrap();
        probe.look().await.unwrap().memory.unwrap().used
    };
    // Used memory moves by some tens of kilobytes: marks are aimed at in their middles.
    bench.set("maxmemory", &(used * 100 / 89).to_string()).await;
    until(&verdict, |standing| standing.reasons == [Reason::IntakeMark]).await;
    assert!(verdict.may_lease().is_ok());
    bench.set("maxmemory", &(used * 100 / 97).to_string()).await;
    until(&verdict, |standing| {
        standing.reasons == [Reason::IntakeMark, Reason::LeaseMark]
    })
    .await;
    bench.set("maxmemory", "0").await;
    verdict.leases_allowed().await;
    until(&verdict, |standing| standing.reasons.is_empty()).await;
}

#[tokio::test]
async fn the_engines_time_is_the_servers() {
    let bench = Bench::start("guard-time").await;
    let clock = Clock::new();
    clock.set(UnixMicros(0));
    let probe = Probe::connect(&bench.redis.servers().unwrap(), clock).await.unwrap();
    let started = Guard::start(
        probe.clone(),
        &config::Redis::default(),
        clock,
        Metrics::new(9).unwrap(),
    )
    .await;
    let (_guard, verdict) = started.unwrap();
    let server = probe.look().await.unwrap().time_us;
    assert!(clock.unix().0.abs_diff(server) < 5_000_000);
    assert!(verdict.may_expire());
}
