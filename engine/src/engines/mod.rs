//! What the engines of one database know of each other: who is there, and what each of them has alone.
//!
//! What one engine does at a time has *seats*: sessions of accounts, and the *duty*, which is everything that goes on beside the messages.
//! A seat is an engine's for a while, by the server's clock, and it stops acting on it before that is over by its own. An engine that is
//! surely dead, since its process was here and has ended, is not waited for.

mod bell;
mod identity;
#[cfg(test)]
mod tests;
mod word;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bind::{Company, Granted, Group, Seats, Wish};
use crate::clock::Clock;
use crate::domain::{SmscId, UnixMicros};
use crate::guard::Verdict;
use crate::store::{Store, StoreError, Tenure, TenureAsk, Terms};
use bell::Bell;
pub(crate) use bell::Call;
use identity::Identity;
use word::{Differences, News, Speaker, Word};
pub(crate) use word::{Digests, Fed};

/// How often seats are renewed.
const ROUND: Duration = Duration::from_secs(1);

/// How long a seat is kept where nobody else wants one: a Redis that is away for less costs no session.
const LONG: Duration = Duration::from_secs(30);

/// How long where somebody does: so long its sessions are nobody's when an engine dies on another machine.
const SHORT: Duration = Duration::from_secs(6);

/// How long others know what an engine wants.
const KNOWN: Duration = Duration::from_secs(3);

/// So much earlier an engine stops by its own clock: clocks go at different speeds.
const MARGIN: Duration = Duration::from_millis(250);

/// Who has said nothing for so long is shown no more.
const GONE: Duration = Duration::from_secs(60);

/// The seats of the duty.
const DUTY: &str = "duty";

/// What an engine says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Introduction {
    process: Identity,
    version: String,
    api: String,
    admin: String,
    since: u64,
    seen_at: u64,
    #[serde(flatten)]
    word: Word,
}

/// An engine, as operators are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) number: u32,
    /// It is who is asked.
    pub(crate) is_self: bool,
    pub(crate) host: String,
    pub(crate) pid: u32,
    pub(crate) version: String,
    /// Where it listens.
    pub(crate) api: String,
    pub(crate) admin: String,
    pub(crate) since: UnixMicros,
    /// Its last sign of life.
    pub(crate) seen_at: UnixMicros,
    /// It has given none for so long that what it had is others': nothing that it said holds any more.
    pub(crate) is_silent: bool,
    /// It does what goes on beside the messages.
    pub(crate) has_duty: bool,
    /// How many sessions are its own, by SMSC.
    pub(crate) sessions: Vec<(SmscId, u32)>,
    /// How it stands with each SMSC; nothing, where it is of an older version.
    pub(crate) feeds: Vec<Fed>,
    /// The parts of its configuration that are not as those of the engine that is asked, where both are of one version.
    pub(crate) differs_in: Vec<String>,
}

/// The engines of one database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engines(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    seats: Seats,
    /// What it is known by: the epoch that it began with.
    number: u32,
    introduction: Introduction,
    duty: watch::Sender<Option<Instant>>,
    /// What is being done on duty.
    at_work: TaskTracker,
    bell: Bell,
    speaker: Speaker,
    differences: Mutex<Differences>,
}

impl Engines {
    /// This engine, under that number. The first round is made at once, so that what is surely dead holds nothing up.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn begin(
        store: &Store,
        clock: Clock,
        seats: &Seats,
        (number, addresses): (u32, [String; 2]),
    ) -> Result<Self, StoreError> {
        let [api, admin] = addresses;
        let now = clock.unix();
        let engines = Self(Arc::new(Inner {
            store: store.clone(),
            clock,
            seats: seats.clone(),
            number,
            introduction: Introduction {
                process: Identity::own(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                api,
                admin,
                since: now.0,
                seen_at: now.0,
                word: Word::default(),
            },
            duty: watch::Sender::new(None),
            at_work: TaskTracker::new(),
            bell: Bell::default(),
            speaker: Speaker::default(),
            differences: Mutex::default(),
        }));
        engines.0.bury_the_dead().await?;
        engines.0.introduce().await?;
        Ok(engines)
    }

    /// From now on the others are told what this engine has under way.
    pub(crate) fn tell_feeds(&self, told: Arc<dyn Fn() -> Vec<Fed> + Send + Sync>) {
        self.0.speaker.feeds(told);
    }

    /// What this engine is configured to, from now on.
    pub(crate) fn configured(&self, digests: Digests) {
        self.0.speaker.configured(digests);
    }

    /// Renews what this engine has, and takes what it may, until `stop`; gives it up then.
    pub(crate) async fn run(self, verdict: Verdict, stop: CancellationToken) {
        let inner = &self.0;
        let mut buried_at = None;
        loop {
            if verdict.may_write().is_ok()
                && let Err(error) = inner.round(&mut buried_at).await
            {
                tracing::debug!(%error, "seats cannot be renewed; it is tried again");
            }
            let next = async {
                tokio::select! {
                    () = tokio::time::sleep(ROUND) => {}
                    () = inner.seats.changed() => {}
                }
            };
            if stop.run_until_cancelled(next).await.is_none() {
                break;
            }
        }
        inner.at_work.close();
        if tokio::time::timeout(SHORT - ROUND - MARGIN, inner.at_work.wait())
            .await
            .is_err()
        {
            tracing::debug!("another engine may have the duty before its work here has ended");
        }
        inner.duty.send_replace(None);
        inner.seats.give_all_up();
        if let Err(error) = inner.leave().await {
            tracing::debug!(%error, "seats could not be given up: they are over in a moment");
        }
    }

    /// Does some work as long as the duty is this engine's: begun whenever it becomes so, dropped when it is no more, and told to end by `stop`.
    pub(crate) async fn on_duty<F: Future<Output = ()>>(
        self,
        stop: CancellationToken,
        work: impl Fn(CancellationToken) -> F,
    ) {
        let mut duty = self.0.duty.subscribe();
        loop {
            let gained = stop.run_until_cancelled(duty.wait_for(Option::is_some)).await;
            if !matches!(gained, Some(Ok(_))) {
                return;
            }
            drop(gained);
            let _counted = self.0.at_work.token();
            let working = work(stop.clone());
            tokio::pin!(working);
            tokio::select! {
                biased;
                () = &mut working => {}
                // Another engine may do it by now: as when this one had been killed. At an orderly end, it is waited for.
                () = self.0.lost() => if stop.is_cancelled() { working.await },
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Whether the duty is this engine's.
    pub(crate) fn has_duty(&self) -> bool {
        let now = self.0.clock.now();
        self.0.duty.borrow().is_some_and(|until| now < until)
    }

    /// Every engine that has said something of late, those first that were there first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn all(&self) -> Result<Vec<Peer>, StoreError> {
        let (peers, seats) = (self.0.store.peers().await?, self.0.store.seats().await?);
        let (now, own) = (self.0.clock.unix(), self.0.speaker.word());
        let known = |(number, text): (u32, String)| {
            let said: Introduction = serde_json::from_str(&text).ok()?;
            let seen_at = UnixMicros(said.seen_at);
            let is_silent = number != self.0.number && now.since(seen_at) >= SHORT;
            let of = |group: &str| group_of(group).map(|group| group.smsc);
            let its = seats.iter().filter(|(.., epoch)| *epoch == number);
            let sessions = sessions_of(its.clone().filter_map(|(group, ..)| Some((of(group)?, 1))));
            (now.since(seen_at) < GONE).then_some(Peer {
                number,
                is_self: number == self.0.number,
                differs_in: differs_in((&own, &self.0.introduction.version), &said),
                feeds: if is_silent { Vec::new() } else { said.word.feeds },
                is_silent,
                host: said.process.host,
                pid: said.process.pid,
                version: said.version,
                api: said.api,
                admin: said.admin,
                since: UnixMicros(said.since),
                seen_at,
                has_duty: its.clone().any(|(group, ..)| group == DUTY),
                sessions,
            })
        };
        let mut all: Vec<Peer> = peers.into_iter().filter_map(known).collect();
        all.sort_unstable_by_key(|peer| peer.number);
        if let Some(this) = all.iter_mut().find(|peer| peer.is_self) {
            this.feeds = own.feeds;
        }
        if self.0.seats.are_all_ours() {
            // It asks nobody for what nobody else can have.
            all.iter_mut().filter(|peer| peer.is_self).for_each(|own| {
                own.has_duty = self.has_duty();
                own.sessions = sessions_of(self.0.seats.wishes().iter().map(|wish| (wish.group.smsc, wish.total)));
            });
        }
        Ok(all)
    }
}

/// In which parts an engine is configured otherwise than this one. What another version says is not comparable.
fn differs_in((own, version): (&Word, &str), said: &Introduction) -> Vec<String> {
    if said.version == version {
        own.differs_in(&said.word)
    } else {
        Vec::new()
    }
}

/// The sessions of each SMSC, whatever they are for.
fn sessions_of(groups: impl Iterator<Item = (SmscId, u32)>) -> Vec<(SmscId, u32)> {
    let mut sessions: Vec<(SmscId, u32)> = Vec::new();
    for (smsc, more) in groups {
        match sessions.iter_mut().find(|(known, _)| *known == smsc) {
            Some((_, count)) => *count += more,
            None => sessions.push((smsc, more)),
        }
    }
    sessions
}

impl Inner {
    async fn round(&self, buried_at: &mut Option<Instant>) -> Result<(), StoreError> {
        if self.seats.are_all_ours() {
            self.duty.send_replace(Some(self.clock.now() + GONE));
            return self.introduce().await;
        }
        let now = self.clock.now();
        if buried_at.is_none_or(|at| now.duration_since(at) >= ROUND) {
            *buried_at = Some(now);
            self.introduce().await?;
            self.bury_the_dead().await?;
        }
        self.ask(self.seats.wishes(), true).await
    }

    /// Asks for what is wanted, and says what came of it.
    async fn ask(&self, wishes: Vec<Wish>, wants_duty: bool) -> Result<(), StoreError> {
        let mut asks: Vec<TenureAsk> = wishes.iter().map(ask_of).collect();
        let has_duty = wants_duty && self.duty.borrow().is_some();
        asks.push(TenureAsk {
            group: DUTY.to_owned(),
            total: 1,
            held: if has_duty { vec![0] } else { Vec::new() },
            wanted: if wants_duty && !has_duty { vec![0] } else { Vec::new() },
            usable: false,
        });
        let terms = Terms {
            long: LONG,
            short: SHORT,
            known: KNOWN,
        };
        let sent = self.clock.now();
        let mut tenures = self.store.tenure(self.number, terms, &asks).await?;
        let until = |others: u32| sent + if others > 0 { SHORT } else { LONG } - MARGIN;
        if let Some(duty) = tenures.pop() {
            let held = (!duty.seats.is_empty()).then(|| until(duty.others));
            let before = self.duty.send_replace(held);
            match (before, held) {
                (None, Some(_)) => tracing::info!("this engine has the duty: books, history, webhooks, timers"),
                (Some(_), None) if wants_duty => tracing::warn!("another engine has the duty"),
                (None | Some(_), _) => {}
            }
        }
        for (wish, tenure) in wishes.into_iter().zip(tenures) {
            let until = until(tenure.others);
            self.seats.granted(&granted((wish, tenure), sent, until));
        }
        Ok(())
    }

    async fn introduce(&self) -> Result<(), StoreError> {
        let introduction = Introduction {
            seen_at: self.clock.unix().0,
            word: self.speaker.word(),
            ..self.introduction.clone()
        };
        let text = serde_json::to_string(&introduction).unwrap_or_default();
        self.store.introduce(self.number, &text).await
    }

    async fn bury_the_dead(&self) -> Result<(), StoreError> {
        let peers = self.store.peers().await?;
        self.bell
            .set_heard(peers.iter().any(|(number, _)| *number != self.number));
        let said = |(number, text): (u32, String)| Some((number, serde_json::from_str::<Introduction>(&text).ok()?));
        let peers: Vec<(u32, Introduction)> = peers.into_iter().filter_map(said).collect();
        self.compare(&peers);
        for (number, said) in peers {
            let is_forgotten =
                self.seats.may_judge(self.clock.now()) && self.clock.unix().since(UnixMicros(said.seen_at)) > GONE;
            if number != self.number && (said.process.is_surely_dead() || is_forgotten) {
                self.store.bury(number).await?;
                tracing::info!(engine = number, pid = said.process.pid, "an engine has ended");
            }
        }
        Ok(())
    }

    /// Says which engines are configured otherwise. Of two, the one that was there first says it.
    fn compare(&self, peers: &[(u32, Introduction)]) {
        let (own, now) = (self.speaker.word(), self.clock.now());
        let later = peers.iter().filter(|(number, _)| *number > self.number);
        let differing = later.map(|(number, said)| (*number, differs_in((&own, &self.introduction.version), said)));
        let mut differences = self.differences.lock().unwrap_or_else(PoisonError::into_inner);
        for news in differences.hear(now, differing) {
            match news {
                News::Differs(engine, parts) => tracing::warn!(
                    engine,
                    differs_in = parts.join(", "),
                    "another engine is configured otherwise: what a message meets depends on which of them has it"
                ),
                News::Agrees(engine) => tracing::info!(engine, "another engine is configured as this one again"),
            }
        }
    }

    /// Waits until the duty is another's, or may be.
    async fn lost(&self) {
        let mut duty = self.duty.subscribe();
        loop {
            let Some(until) = *duty.borrow_and_update() else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {
                    let late = |held: &mut Option<Instant>| held.take_if(|known| *known <= until).is_some();
                    self.duty.send_if_modified(late);
                }
                changed = duty.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn leave(&self) -> Result<(), StoreError> {
        if !self.seats.are_all_ours() {
            self.ask(self.seats.wishes(), false).await?;
        }
        self.store.depart(self.number).await
    }
}

fn ask_of(wish: &Wish) -> TenureAsk {
    TenureAsk {
        group: format!("{}:{}", wish.group.smsc.0, wish.group.kind),
        total: wish.total,
        held: wish.held.clone(),
        wanted: wish.wanted.clone(),
        usable: wish.usable,
    }
}

fn group_of(text: &str) -> Option<Group> {
    let (smsc, kind) = text.split_once(':')?;
    Some(Group {
        smsc: SmscId(smsc.parse().ok()?),
        kind: kind.parse().ok()?,
    })
}

fn granted((wish, tenure): (Wish, Tenure), sent: Instant, until: Instant) -> Granted {
    Granted {
        group: wish.group,
        held: wish.held,
        company: Company {
            others: tenure.others,
            usable: tenure.usable,
            unaware: tenure.unaware,
            until: Some(sent + KNOWN - MARGIN),
        },
        seats: tenure.seats,
        until,
        surplus: tenure.surplus,
    }
}
