//! `GET /v1/status` on the operators' listener: everything at a glance.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::admin::everything;
use super::problem::Cause;
use crate::bind::BindStatus;
use crate::domain::Status;
use crate::engines::Peer;
use crate::store::{InLine, StoreError};
use crate::traffic::SmscStatus;

/// States of an SMSC, as its traffic says them, and the kind of a bind that brings messages and takes none.
const RUNNING: &str = "running";
const NOT_BOUND: &str = "not_bound";
const RECEIVER: &str = "receiver";

/// How long Redis is waited for.
const GLANCE: Duration = Duration::from_secs(2);

/// Tenants that are listed: more are no glance.
const TENANTS_MAX: usize = 20;

/// `GET /v1/status`. What Redis does not tell now is `null`: this page is for the day on which something is wrong.
pub(super) async fn show(State(app): State<App>) -> Json<Value> {
    let census = tokio::time::timeout(GLANCE, app.store.census());
    let asked = (census, soon(app.store.parked_count()), sql(&app));
    let (census, parked, sql, engines) = tokio::join!(asked.0, asked.1, asked.2, AllEngines::ask(&app));
    // What refuses is there: why it does is said where it matters.
    let is_away = matches!(census, Err(_) | Ok(Err(StoreError::Unavailable(_))));
    let census = census.ok().and_then(Result::ok);
    let backlog = census.map(|census| {
        let sum = |of: fn(&InLine) -> u64| census.lines.iter().map(of).sum::<u64>();
        let counts = app.waiting.counts(&census, app.clock.unix());
        let reasons = counts.present();
        let reasons = reasons.map(|(reason, messages)| json!({ "reason": reason.code(), "messages": messages }));
        json!({
            "queued": sum(|waiting| waiting.rows),
            "deferred": sum(|waiting| waiting.again),
            "reasons": reasons.collect::<Vec<_>>(),
        })
    });
    let now = app.clock.now();
    let mut shown = everything(&app);
    if is_away {
        is_not_ready(&mut shown);
    }
    shown["version"] = env!("CARGO_PKG_VERSION").into();
    shown["uptime_seconds"] = (now - app.started).as_secs().into();
    shown["backlog"] = json!(backlog);
    shown["settling"] = json!({ "behind_seconds": app.pressure.behind(now).as_secs_f64() });
    shown["receipts_parked"] = json!(parked);
    shown["sql"] = sql;
    shown["smscs"] = app
        .traffic
        .smscs()
        .iter()
        .map(|smsc| of_one((&app, &engines), smsc))
        .collect();
    shown["tenants"] = json!(app.metrics.tenants_shown(TENANTS_MAX));
    Json(shown)
}

/// Redis did not answer this very look: the guard says so some seconds later.
fn is_not_ready(shown: &mut Value) {
    shown["ready"] = false.into();
    if let Some(reasons) = shown["reasons"].as_array_mut().filter(|reasons| reasons.is_empty()) {
        reasons.push(json!({ "code": Cause::RedisAway.code(), "detail": "Redis does not answer" }));
    }
}

/// What Redis tells, if it does so soon: whoever asks at a glance does not wait until a Redis that stands still is given up.
async fn soon<T>(told: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    tokio::time::timeout(GLANCE, told).await.ok()?.ok()
}

/// Whether the database is there, and how far what is kept in it is behind, which the engine with the duty alone sees: more than seconds mean
/// that it is away, locked or slow.
async fn sql(app: &App) -> Value {
    let on_duty = app.engines.has_duty();
    let metrics = &app.metrics;
    let answers = tokio::time::timeout(GLANCE, app.database.answers()).await;
    json!({
        "away": answers != Ok(true),
        "history_behind_seconds": on_duty.then(|| metrics.history_lag_seconds.get()),
        "mirror_behind_seconds": on_duty.then(|| metrics.mirror_lag_seconds.get()),
        "journal_bytes": on_duty.then(|| metrics.history_journal_bytes.get()),
    })
}

/// How an SMSC stands, with its binds, and what it was given since the start.
fn of_one((app, engines): (&App, &AllEngines), smsc: &SmscStatus) -> Value {
    let counts = app.metrics.smsc(&smsc.name);
    let statuses: serde_json::Map<String, Value> = Status::ALL
        .iter()
        .map(|status| (status.code().to_owned(), counts.count(*status).into()))
        .collect();
    let mut shown = with_binds((app, engines), smsc);
    shown["submitted"] = counts.submitted_ok.get().into();
    shown["statuses"] = statuses.into();
    shown
}

/// What each engine has said of itself; `None`: Redis does not tell now.
pub(super) struct AllEngines(Option<Vec<Peer>>);

impl AllEngines {
    pub(super) async fn ask(app: &App) -> Self {
        Self(soon(app.engines.all()).await)
    }

    /// How each of them that has it stands with an SMSC. One of an older version says nothing of any.
    fn of(&self, smsc: &str) -> Option<Vec<Value>> {
        let one = |peer: &Peer| {
            let fed = peer.feeds.iter().find(|fed| fed.smsc == smsc);
            (fed.is_some() || peer.feeds.is_empty()).then(|| {
                json!({
                    "id": peer.number,
                    "this": peer.is_self,
                    "host": peer.host,
                    "seen_at": peer.seen_at.timestamp().map(|time| time.to_string()),
                    "silent": peer.is_silent,
                    "bound": fed.map(|fed| fed.bound),
                    "in_flight": fed.map(|fed| fed.in_flight),
                    "suspended": fed.map(|fed| fed.suspended),
                })
            })
        };
        Some(self.0.as_ref()?.iter().filter_map(one).collect())
    }
}

/// How an SMSC stands, with its binds, and at the other engines.
pub(super) fn with_binds((app, engines): (&App, &AllEngines), smsc: &SmscStatus) -> Value {
    let binds: Vec<_> = app
        .board
        .all()
        .into_iter()
        .filter(|bind| bind.smsc == smsc.name)
        .collect();
    let error = standing_error(&binds);
    let mut shown = json!(smsc);
    shown["state"] = state_of(smsc.state, &binds).into();
    shown["binds"] = json!({
        "bound": binds.iter().filter(|bind| bind.state == "bound").count(),
        "configured": binds.len(),
        "last_error": error.map(|bind| &bind.last_error),
        "last_error_at": error.and_then(|bind| bind.last_error_at.as_ref()),
    });
    shown["engines"] = engines.of(&smsc.name).into();
    shown
}

/// How an SMSC stands. One that only receives is never fed, so that its binds alone say whether anybody hears it.
fn state_of(state: &'static str, binds: &[BindStatus]) -> &'static str {
    let only_receives = !binds.is_empty() && binds.iter().all(|bind| bind.kind == RECEIVER);
    match state {
        RUNNING if only_receives && !binds.iter().any(BindStatus::has_session) => NOT_BOUND,
        state => state,
    }
}

/// The bind whose error is the newest, among those that have no session now: with a session, it is over.
fn standing_error(binds: &[BindStatus]) -> Option<&BindStatus> {
    let without = binds
        .iter()
        .filter(|bind| !bind.last_error.is_empty() && !bind.has_session());
    without.max_by_key(|bind| bind.last_error_at.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(state: &'static str, error: &str, second: u8) -> BindStatus {
        BindStatus {
            smsc: "north".to_owned(),
            bind: 0,
            kind: "transceiver".to_owned(),
            state,
            since: None,
            address: None,
            tls: None,
            smsc_system_id: None,
            smsc_version: None,
            window: None,
            congestion: None,
            last_error: error.to_owned(),
            last_error_at: Some(format!("2026-01-02T03:04:{second:02}Z")),
        }
    }

    #[test]
    fn while_redis_does_not_answer_nothing_is_ready_whatever_the_guard_knows() {
        let mut unknown = json!({ "ready": true, "reasons": [] });
        is_not_ready(&mut unknown);
        assert_eq!(unknown["ready"], false);
        assert_eq!(unknown["reasons"][0]["code"], "redis_away");
        let known = json!({ "ready": false, "reasons": [{ "code": "stopping" }] });
        let mut said = known.clone();
        is_not_ready(&mut said);
        assert_eq!(said, known);
    }

    #[test]
    fn one_that_only_receives_is_not_bound_while_nobody_hears_it() {
        let receiver = |state| BindStatus {
            kind: "receiver".to_owned(),
            ..bind(state, "", 0)
        };
        let alone = [receiver("disconnected"), receiver("connecting")];
        assert_eq!(state_of("running", &alone), "not_bound");
        assert_eq!(state_of("suspended", &alone), "suspended");
        assert_eq!(
            state_of("running", &[receiver("disconnected"), receiver("bound")]),
            "running"
        );
        assert_eq!(
            state_of("running", &[receiver("elsewhere")]),
            "running",
            "another engine has it"
        );
        // What is fed is said by its traffic.
        assert_eq!(state_of("running", &[bind("disconnected", "", 0)]), "running");
        assert_eq!(state_of("running", &[]), "running");
    }

    #[test]
    fn an_error_is_over_when_there_is_a_session_and_the_newest_is_said() {
        let over = [
            bind("bound", "closed", 9),
            bind("elsewhere", "moved", 8),
            bind("binding", "", 0),
        ];
        assert!(standing_error(&over).is_none());
        let some = [
            bind("bound", "closed", 9),
            bind("connecting", "refused", 2),
            bind("disconnected", "no route", 5),
            bind("waiting", "used up", 1),
        ];
        assert_eq!(standing_error(&some).unwrap().last_error, "no route");
    }
}
