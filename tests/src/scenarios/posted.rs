//! Messages that a tenant sends one by one, each request repeated under its `Idempotency-Key` until it is answered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::ground::{Ground, LIMIT, SLOW_ANSWERS, Terms};
use super::run::{Figures, Run, Scenario};
use crate::http::Http;
use crate::tenant::recipients;
use crate::wait::eventually;

/// All of this file.
pub const ALL: &[Scenario] = &[POSTED];

/// Engine and Redis are killed meanwhile.
pub const POSTED: Scenario = Scenario::new("posted", posted);

const MESSAGES: usize = 400;
/// Several messages to each.
const RECIPIENTS: usize = 150;
/// Requests at the same time.
const CLIENTS: usize = 4;
const WINDOW: u64 = 100;

/// How many requests are answered between two kills.
const STRIDE: std::ops::RangeInclusive<u64> = 20..=90;

/// What the clients share: where the engine is now, the next request, and the id that each was answered with.
struct Counter {
    http: Mutex<Http>,
    next: AtomicUsize,
    answered: AtomicUsize,
    ids: Mutex<Vec<(usize, String)>>,
}

fn posted(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(SLOW_ANSWERS));
    ground.stand.redis.sync_always();
    let counter = Counter {
        http: Mutex::new(ground.stand.tenant.http(&ground.stand.engine)),
        next: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
        ids: Mutex::default(),
    };
    let (mut engine_kills, mut redis_kills) = (0, 0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| counter.post_all());
        }
        for _ in 0..dice.roll(2..=4) {
            let wanted = counter.answered.load(Ordering::Relaxed) + dice.roll(STRIDE) as usize;
            ground.eventually("requests are answered", || {
                (counter.answered.load(Ordering::Relaxed) >= wanted.min(MESSAGES)).then_some(())
            });
            if dice.roll(0..=1) == 0 {
                ground.stand.engine.kill();
                ground.stand.engine.restart();
                let http = ground.stand.tenant.http(&ground.stand.engine);
                *counter.http.lock().unwrap_or_else(PoisonError::into_inner) = http;
                engine_kills += 1;
            } else {
                ground.stand.redis.restart();
                redis_kills += 1;
            }
        }
    });
    let ids = counter.ids.into_inner().unwrap_or_else(PoisonError::into_inner);
    let in_doubt = assert_each_went_once(&ground, &ids);
    assert!(
        in_doubt <= engine_kills * WINDOW,
        "{}: more in doubt than windows were lost: {in_doubt}",
        ground.context
    );
    assert_booked(&ground, ids.len() as u64 - in_doubt, in_doubt);
    assert_repeats_do_nothing(&ground, &ids);
    Figures::from([
        ("engine killed", engine_kills),
        ("redis killed", redis_kills),
        ("in doubt", in_doubt),
    ])
}

impl Counter {
    fn post_all(&self) {
        loop {
            let which = self.next.fetch_add(1, Ordering::Relaxed);
            if which >= MESSAGES {
                return;
            }
            let id = eventually("the request is answered", LIMIT, || {
                let http = self.http.lock().unwrap_or_else(PoisonError::into_inner).clone();
                post(&http, which)
            });
            let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            ids.push((which, id));
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The id of that message; `None` when there was no answer, or one to try again.
fn post(http: &Http, which: usize) -> Option<String> {
    let to = recipients(RECIPIENTS).nth(which % RECIPIENTS)?;
    let body = json!({ "to": to, "text": text(which), "sender": "Lilas" });
    let once = http.once(&format!("message-{which}"));
    let answer = once.try_post_bytes("/v1/messages", body.to_string().as_bytes()).ok()?;
    match answer.status {
        202 => Some(answer.json()["id"].as_str()?.to_owned()),
        // It is being done, the store is away, or the engine is ending.
        409 | 429 | 503 => None,
        _ => panic!("message {which}: {} {}", answer.status, answer.text),
    }
}

fn text(which: usize) -> String {
    format!("Rendez-vous no {which}.")
}

/// Every message was taken by the SMSC once, or may have been and is in doubt; how many are.
fn assert_each_went_once(ground: &Ground, ids: &[(usize, String)]) -> u64 {
    let different: HashSet<&str> = ids.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(
        (ids.len(), different.len()),
        (MESSAGES, MESSAGES),
        "{}: two requests, one message",
        ground.context
    );
    let http = ground.stand.tenant.http(&ground.stand.engine);
    let ended = |(which, id): &(usize, String)| {
        ground.eventually(&format!("message {which} ({id}) has an end or is in doubt"), || {
            let shown = http.get(&format!("/v1/messages/{id}")).expect(200);
            let status = shown["status"].as_str().unwrap_or_default().to_owned();
            ["delivered", "in_doubt"].contains(&status.as_str()).then_some(status)
        })
    };
    // What is in doubt may be resolved as long as a receipt of it is under way.
    for message in ids {
        ended(message);
    }
    ground.stand.sim.wait_for_receipts(LIMIT);
    let rows = ground.rows("");
    let mut in_doubt = 0;
    for message in ids {
        let (status, text) = (ended(message), text(message.0));
        let own = rows.iter().filter(|row| row.text.as_deref() == Some(text.as_str()));
        let taken = own.filter(|row| row.accepted_at_us.is_some()).count();
        let right = taken == 1 || status == "in_doubt" && taken == 0;
        assert!(
            right,
            "{}: {message:?} is {status}, and went {taken} times",
            ground.context
        );
        in_doubt += u64::from(status == "in_doubt");
    }
    in_doubt
}

fn assert_booked(ground: &Ground, spent: u64, held: u64) {
    ground.eventually(&format!("{spent} credits are spent, {held} are held"), || {
        let credits = ground.stand.engine.credits(&ground.stand.tenant);
        ((credits.spent, credits.held) == (spent, held)).then_some(())
    });
    ground.assert_credits(&ground.stand.tenant);
}

/// The same requests again, after all was killed: the same ids, and nothing on the wire before a message that is new.
fn assert_repeats_do_nothing(ground: &Ground, ids: &[(usize, String)]) {
    let before = ground.stand.sim.totals().accepted;
    let http = ground.stand.tenant.http(&ground.stand.engine);
    for (which, id) in ids.iter().step_by(10) {
        let again = eventually("the repeated request is answered", LIMIT, || post(&http, *which));
        assert_eq!(&again, id, "{}: message {which} was repeated", ground.context);
    }
    eventually("the new request is answered", LIMIT, || post(&http, MESSAGES));
    ground.eventually("the new message is taken", || ground.rows(&text(MESSAGES)).pop());
    ground.stand.sim.wait_for_receipts(LIMIT);
    assert_eq!(ground.stand.sim.totals().accepted, before + 1, "{}", ground.context);
}
