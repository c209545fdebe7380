//! Why messages wait: of all, for metrics, and of a campaign, in words. `reason` is the one place that decides it.

mod reason;
mod words;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::campaign::{Gates, view};
use crate::domain::{Language, Line, State, Tempo, TenantId, UnixMicros};
use crate::guard::Verdict;
use crate::store::{Campaign, CampaignCensus, CampaignState, Census, InLine, Store, StoreError};
use crate::traffic::{Facts, Traffic};
pub(crate) use reason::{Counts, Reason};

/// The word for what was handed over and has no answer: nothing of it is queued, so that no backlog counts it.
const IN_DOUBT: &str = State::InDoubt.word();

/// Every word for why a campaign does not move.
pub(crate) fn words_of_campaigns() -> impl Iterator<Item = &'static str> {
    Reason::ALL.iter().map(|reason| reason.code()).chain([IN_DOUBT])
}

/// What is asked to say why messages wait. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Waiting {
    store: Store,
    traffic: Traffic,
    gates: Gates,
    verdict: Verdict,
    /// Whether leases are stopped, and since when, as it was seen.
    guarded: Arc<Mutex<(bool, Option<UnixMicros>)>>,
}

/// Why the messages of a line wait.
#[derive(Clone, Debug, PartialEq)]
struct Cause {
    reason: Reason,
    since: Option<UnixMicros>,
    /// Since when nothing else keeps the SMSC from taking messages.
    free: Option<UnixMicros>,
    /// When that changes, if it is known.
    until: Option<UnixMicros>,
    /// Which SMSC it is about.
    smsc: Option<String>,
    /// What that answered.
    status: Option<smpp::command_status::CommandStatus>,
    /// The segments a second that it is given.
    rate: Option<f64>,
    /// Whoever it is goes no faster.
    own_rate: Option<(Paced, Tempo)>,
    /// It answers nothing.
    silent: bool,
    /// Why the guard stops leases.
    guard: Option<&'static str>,
    /// In the words of who has done it.
    said: Option<String>,
    /// The credits that a launch needs, and those that there are.
    credits: Option<(u64, u64)>,
}

/// Who has a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paced {
    Campaign,
    Tenant,
}

impl Cause {
    fn only(reason: Reason) -> Self {
        Self {
            reason,
            since: None,
            free: None,
            until: None,
            smsc: None,
            status: None,
            rate: None,
            own_rate: None,
            silent: false,
            guard: None,
            said: None,
            credits: None,
        }
    }

    /// What the rows of a campaign wait for that has a rate of its own, or whose tenant has one: for that, where nothing else is slower.
    fn at_rate(self, (of, own): (Paced, Option<Tempo>)) -> Self {
        let is_slower = |own: &Tempo| match self.reason {
            Reason::Rate => self.rate.is_none_or(|rate| own.per_second() < rate),
            Reason::Window => !self.silent,
            Reason::InReview
            | Reason::Credit
            | Reason::Guard
            | Reason::TenantSuspended
            | Reason::Paused
            | Reason::NoRoute
            | Reason::ClosedHours
            | Reason::Suspended
            | Reason::Stopped
            | Reason::NotBound
            | Reason::Behind
            | Reason::Brake
            | Reason::Retry => false,
        };
        match own.filter(is_slower) {
            Some(own) => Self {
                since: self.free,
                rate: Some(own.per_second()),
                own_rate: Some((of, own)),
                ..Self::only(Reason::Rate)
            },
            None => self,
        }
    }

    fn of(reason: Reason, facts: &Facts) -> Self {
        let (since, status) = match reason {
            Reason::Suspended => (facts.suspended, None),
            Reason::Stopped => (
                facts.stopped.map(|(_, since)| since),
                facts.stopped.map(|(status, _)| status),
            ),
            Reason::NotBound => (facts.absent, facts.refused),
            Reason::Brake | Reason::Rate => (facts.hold.map(|(_, since)| since), None),
            Reason::Window => (facts.silent.or(facts.full), None),
            Reason::InReview
            | Reason::Credit
            | Reason::Guard
            | Reason::TenantSuspended
            | Reason::Paused
            | Reason::NoRoute
            | Reason::ClosedHours
            | Reason::Behind
            | Reason::Retry => (None, None),
        };
        Self {
            since,
            free: facts.free,
            smsc: Some(facts.name.clone()),
            status,
            rate: facts.hold.map(|(hold, _)| hold.rate),
            silent: facts.silent.is_some(),
            ..Self::only(reason)
        }
    }
}

impl Waiting {
    /// As those see it that these are from.
    pub(crate) fn new(store: &Store, traffic: &Traffic, gates: &Gates, verdict: &Verdict) -> Self {
        Self {
            store: store.clone(),
            traffic: traffic.clone(),
            gates: gates.clone(),
            verdict: verdict.clone(),
            guarded: Arc::default(),
        }
    }

    /// Everything that waits, by reason.
    pub(crate) fn counts(&self, census: &Census, now: UnixMicros) -> Counts {
        let guarded = self.guarded(now);
        let mut counts = Counts::default();
        counts.add_unqueued(census.unqueued);
        for line in &census.lines {
            let cause = guarded.as_ref().map_or_else(|| self.cause(line.line), Cause::clone);
            counts.add_line(line, cause.reason);
        }
        counts
    }

    /// Why a campaign's messages wait, as JSON: the gravest reason in words, and all of them. Those in doubt are not queued, and said where
    /// nothing else waits. `null`: none waits, or they go as fast as they are answered.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn of_campaign(
        &self,
        (campaign, in_doubt): (&Campaign, u64),
        language: Language,
        now: UnixMicros,
    ) -> Result<Value, StoreError> {
        if let Some(reason) = unqueued(campaign.state) {
            return self.of_unqueued(campaign, reason, language).await;
        }
        if !is_sent(campaign.state) {
            return Ok(doubtful(in_doubt, language));
        }
        let census = self.store.campaign_census(campaign.id).await?;
        let mut causes = Vec::with_capacity(census.lines.len());
        let mut counts = Counts::default();
        let of_all = match self.guarded(now) {
            Some(guarded) => Some(guarded),
            None => self.suspended(campaign.tenant).await?,
        };
        let agreed = self.store.tenant_rates(&[campaign.tenant]).await?.pop().flatten();
        for line in &census.lines {
            let cause = of_all.as_ref().map_or_else(|| self.cause(line.line), Cause::clone);
            let cause = cause
                .at_rate((Paced::Campaign, campaign.rate))
                .at_rate((Paced::Tenant, agreed));
            counts.add_line(line, cause.reason);
            causes.push((line, cause));
        }
        let Some((reason, messages)) = counts.present().next() else {
            return Ok(doubtful(in_doubt, language));
        };
        let (cause, line) = told(reason, &causes, &census);
        if reason == Reason::Window && !cause.silent {
            return Ok(Value::Null);
        }
        let since = self.since((&cause, line), campaign, &census);
        let all: Vec<Value> = counts
            .present()
            .map(|(reason, messages)| json!({ "reason": reason.code(), "messages": messages }))
            .collect();
        Ok(json!({
            "reason": reason.code(),
            "detail": words::detail(&cause, language),
            "since": since.and_then(view::time),
            "until": cause.until.and_then(view::time),
            "messages": messages,
            "reasons": all,
        }))
    }

    /// Of a campaign of which nothing is queued: all of it has one reason.
    async fn of_unqueued(&self, campaign: &Campaign, reason: Reason, language: Language) -> Result<Value, StoreError> {
        let tenant = match reason == Reason::Credit {
            true => self.store.tenant(campaign.tenant).await?,
            false => None,
        };
        let cause = Cause {
            credits: tenant.map(|tenant| (campaign.estimate_credits, tenant.credits.available)),
            ..Cause::only(reason)
        };
        let since = self.store.unqueued_since((campaign.tenant, campaign.id)).await?;
        Ok(json!({
            "reason": reason.code(),
            "detail": words::detail(&cause, language),
            "since": since.and_then(view::time),
            "until": null,
            "messages": campaign.total,
            "reasons": [{ "reason": reason.code(), "messages": campaign.total }],
        }))
    }

    /// Why the guard stops leases, if it does.
    fn guarded(&self, now: UnixMicros) -> Option<Cause> {
        let stopped = self.verdict.may_lease().err();
        // Whole at every instant, so a panic elsewhere does not spoil it.
        let mut guarded = self.guarded.lock().unwrap_or_else(PoisonError::into_inner);
        if guarded.0 != stopped.is_some() {
            *guarded = (stopped.is_some(), Some(now));
        }
        let stopped = stopped?;
        Some(Cause {
            since: guarded.1,
            guard: Some(stopped.code()),
            ..Cause::only(Reason::Guard)
        })
    }

    /// Why nothing of a tenant is leased, if it is suspended.
    async fn suspended(&self, tenant: TenantId) -> Result<Option<Cause>, StoreError> {
        let suspension = self.store.suspension(tenant).await?;
        Ok(suspension.map(|suspension| Cause {
            since: Some(suspension.since),
            said: Some(suspension.reason),
            ..Cause::only(Reason::TenantSuspended)
        }))
    }

    /// Since when a campaign's messages wait for that: not before they were to be sent, nor while they waited for something graver.
    /// `None`: nobody has noted it.
    fn since(
        &self,
        (cause, line): (&Cause, Option<Line>),
        campaign: &Campaign,
        census: &CampaignCensus,
    ) -> Option<UnixMicros> {
        let launched = campaign.launched_at.unwrap_or(campaign.created_at);
        let served = || self.traffic.served_since(line?.way);
        let moved = || self.gates.moved_at(line?.gate);
        let came = || served().filter(|(is_served, _)| *is_served).map(|(_, at)| at);
        let (since, before) = match cause.reason {
            Reason::InReview | Reason::Credit => return cause.since,
            // Of each message another time.
            Reason::Behind | Reason::Retry => return None,
            Reason::Guard | Reason::TenantSuspended | Reason::Paused => {
                return cause.since.map(|since| since.max(launched));
            }
            Reason::NoRoute => (served().filter(|(is_served, _)| !is_served).map(|(_, at)| at), None),
            Reason::ClosedHours => (moved(), came()),
            Reason::Suspended | Reason::Stopped | Reason::NotBound | Reason::Brake | Reason::Rate | Reason::Window => {
                (cause.since, came().max(moved()))
            }
        };
        let guarded = self.guarded.lock().unwrap_or_else(PoisonError::into_inner).1;
        let freed = census.resumed_at.max(guarded).max(before);
        since.map(|since| since.max(launched).max(freed.unwrap_or(launched)))
    }

    /// What the messages of a line wait for, if nothing of their own keeps them.
    fn cause(&self, line: Line) -> Cause {
        let smscs = self.traffic.facts(line.way);
        match reason::hindrance(&smscs) {
            None => Cause::only(Reason::NoRoute),
            Some(_) if !self.gates.open().contains(&line.gate) => Cause {
                until: self.gates.opens(line.gate),
                ..Cause::only(Reason::ClosedHours)
            },
            Some((reason, facts)) => Cause::of(reason, facts),
        }
    }
}

/// Why a campaign goes on of which nothing waits but for the word of an SMSC that was cut off.
fn doubtful(in_doubt: u64, language: Language) -> Value {
    if in_doubt == 0 {
        return Value::Null;
    }
    json!({
        "reason": IN_DOUBT,
        "detail": words::in_doubt(in_doubt, language),
        "since": null,
        "until": null,
        "messages": in_doubt,
        "reasons": [{ "reason": IN_DOUBT, "messages": in_doubt }],
    })
}

/// Why nothing of a campaign is queued that was launched.
const fn unqueued(state: CampaignState) -> Option<Reason> {
    match state {
        CampaignState::InReview => Some(Reason::InReview),
        CampaignState::Blocked => Some(Reason::Credit),
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::Resolving
        | CampaignState::Launching
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::Completed
        | CampaignState::Stopped
        | CampaignState::Canceled => None,
    }
}

/// What is said of a reason, and of which line: of the line of most messages among those that have it, and until when the first of them waits.
fn told(reason: Reason, causes: &[(&InLine, Cause)], census: &CampaignCensus) -> (Cause, Option<Line>) {
    let without_line = |cause| (cause, None);
    match reason {
        Reason::Paused => without_line(Cause {
            since: census.paused_at,
            ..Cause::only(reason)
        }),
        Reason::Behind | Reason::Retry => without_line(Cause::only(reason)),
        Reason::InReview
        | Reason::Credit
        | Reason::Guard
        | Reason::TenantSuspended
        | Reason::NoRoute
        | Reason::ClosedHours
        | Reason::Suspended
        | Reason::Stopped
        | Reason::NotBound
        | Reason::Brake
        | Reason::Rate
        | Reason::Window => causes
            .iter()
            .filter(|(_, cause)| cause.reason == reason)
            .max_by_key(|(line, _)| line.rows + line.again)
            .map_or_else(
                || without_line(Cause::only(reason)),
                |(line, cause)| {
                    let until = first_until(reason, causes);
                    (Cause { until, ..cause.clone() }, Some(line.line))
                },
            ),
    }
}

/// When the first of the lines that have a reason have it no more, as far as that is known.
fn first_until(reason: Reason, causes: &[(&InLine, Cause)]) -> Option<UnixMicros> {
    let of = causes.iter().filter(|(_, cause)| cause.reason == reason);
    of.filter_map(|(_, cause)| cause.until).min()
}

/// Whether messages of it may still be sent.
const fn is_sent(state: CampaignState) -> bool {
    match state {
        CampaignState::Launching | CampaignState::Running | CampaignState::Paused => true,
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::Resolving
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Completed
        | CampaignState::Stopped
        | CampaignState::Canceled => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{GateId, Purpose, RouteId, Way};

    #[test]
    fn what_is_in_doubt_is_said_where_nothing_else_waits() {
        assert_eq!(doubtful(0, Language::Fr), Value::Null);
        let said = doubtful(2, Language::En);
        assert_eq!((&said["reason"], &said["messages"]), (&json!("in_doubt"), &json!(2)));
        assert!(words_of_campaigns().any(|word| word == "in_doubt"));
    }

    #[test]
    fn until_is_when_the_first_zone_opens_whichever_has_most_messages() {
        let lines = [(1, 40), (2, 10), (3, 90)].map(|(gate, rows)| {
            let line = Line {
                way: Way::Route(RouteId(1)),
                lane: Purpose::Marketing.lane(),
                gate: GateId(gate),
            };
            InLine {
                rows,
                ..InLine::none(line)
            }
        });
        let closed = |until: Option<u64>| Cause {
            until: until.map(UnixMicros),
            ..Cause::only(Reason::ClosedHours)
        };
        let paused = Cause {
            until: Some(UnixMicros(1)),
            ..Cause::only(Reason::Brake)
        };
        let causes = [
            (&lines[0], closed(Some(12))),
            (&lines[1], closed(Some(11))),
            (&lines[2], closed(None)),
            (&lines[2], paused),
        ];
        let (said, _) = told(Reason::ClosedHours, &causes, &CampaignCensus::default());
        assert_eq!(said.until, Some(UnixMicros(11)));
        let (said, _) = told(Reason::Guard, &causes, &CampaignCensus::default());
        assert_eq!(said.until, None);
    }
}
