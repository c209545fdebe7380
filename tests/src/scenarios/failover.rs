//! An SMSC is suspended, or never comes: those of the next priority take over what is queued, and hand it back.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use lab::{EngineSettings, Row, SmscSettings};
use serde_json::json;

use crate::fail::OrFail;

use super::ground::{Ground, LIMIT, SLOW_ANSWERS, Terms};
use super::run::{Figures, Run, Scenario};

/// All of this file.
pub const ALL: &[Scenario] = &[SUSPENDED, QUEUED, AWAY, SHARED];

/// Under load, the first SMSC is suspended and resumed; the engine may be killed in between, and does not forget.
pub const SUSPENDED: Scenario = Scenario::new("failover-suspended", suspended);

/// The first SMSC is suspended while a hundred thousand messages are queued for it: all that remain go to the second one.
pub const QUEUED: Scenario = Scenario::new("failover-queued", |run| queued(run, 100_000));

/// The same with a tenth of them.
pub const FEWER_QUEUED: Scenario = Scenario::new("failover-fewer", |run| queued(run, 10_000));

/// The first SMSC cannot be reached.
pub const AWAY: Scenario = Scenario::new("failover-away", away);

/// Two SMSCs share a route by their weights.
pub const SHARED: Scenario = Scenario::new("shared", shared);

const MESSAGES: usize = 6_000;
const WINDOW: u32 = 100;

/// How long the largest campaign may take on a busy machine.
const MANY_LIMIT: Duration = Duration::from_secs(120);

/// What the first SMSC takes of those that are queued: nearly all of them still are when it is suspended.
const SLOW_RATE: &str = "rate = \"300/s\"";

/// How far the campaign goes on before the next step.
const STRIDE: std::ops::RangeInclusive<u64> = 300..=900;

/// How soon the others have taken over.
const SOON: Duration = Duration::from_secs(5);

const ROUTE: &str = r#"
[[route]]
name = "all"
smscs = ["north", { name = "south", priority = 2 }]
"#;

fn suspended(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(SLOW_ANSWERS));
    let address = ground.stand.sim.smpp_address().to_owned();
    let settings = settings(&ground, &address);
    ground.stand.engine.restart_with(&settings);
    let campaign = ground.stand.launch(MESSAGES);
    let mut accepted = dice.roll(STRIDE);
    ground.stand.sim.wait_for("accepted", accepted, LIMIT);
    ask(&ground, "suspend");
    let at_suspension = of(&ground, "north").len();
    let began = Instant::now();
    ground.eventually("the second SMSC has taken over", || of(&ground, "south").pop());
    let took_over = began.elapsed();
    assert!(took_over < SOON, "{}: after {took_over:?}", ground.context);
    let killed = dice.roll(0..=1) == 0;
    if killed {
        ground.stand.engine.restart_with(&settings);
    }
    accepted = ground.stand.sim.totals().accepted + dice.roll(STRIDE);
    ground.stand.sim.wait_for("accepted", accepted, LIMIT);
    // What was in its window when it was suspended was under way.
    let during = of(&ground, "north").len();
    assert!(
        during <= at_suspension + 2 * WINDOW as usize,
        "{}: {at_suspension} rows of the first SMSC became {during} while it was suspended",
        ground.context
    );
    ask(&ground, "resume");
    ground.eventually("the first SMSC has its turn again", || {
        (of(&ground, "north").len() > during).then_some(())
    });
    ground.wait_until_ended(&campaign, 1);
    ground.assert_nothing_doubled("");
    ground.stand.consistent_ledgers(&campaign, MESSAGES, &ground.context);
    Figures::from([
        ("killed", u64::from(killed)),
        ("ms to the second SMSC", took_over.as_millis() as u64),
        ("by the second SMSC", of(&ground, "south").len() as u64),
    ])
}

fn queued(run: &Run, messages: usize) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(""));
    let address = ground.stand.sim.smpp_address().to_owned();
    let mut settings = settings(&ground, &address);
    settings.smscs[0] = settings.smscs[0].clone().line(SLOW_RATE);
    ground.stand.engine.restart_with(&settings);
    let campaign = ground.stand.launch(messages);
    ground.stand.sim.wait_for("accepted", dice.roll(STRIDE), LIMIT);
    let octets_before = octets_to_redis(&ground);
    let suspended_at = SystemTime::now();
    ask(&ground, "suspend");
    let at_suspension = of(&ground, "north").len();
    let first = ground.eventually("the second SMSC has taken over", || first_of(&ground, "south"));
    let octets = octets_to_redis(&ground) - octets_before;
    let submitted = ground.stand.sim.totals().submits - at_suspension as u64;
    ground.stand.sim.wait_for("accepted", messages as u64, MANY_LIMIT);
    ground.wait_until_ended(&campaign, 1);
    ground.stand.consistent_ledgers(&campaign, messages, &ground.context);

    let rows = ground.stand.sim.ledger();
    let (north, south): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.account == "north");
    let soon = micros(suspended_at) + SOON.as_micros() as u64;
    let context = &ground.context;
    assert!(
        first.received_at_us < soon,
        "{context}: the first of the second SMSC: {first:?}"
    );
    // What was in its window, and what was leased for it, was under way.
    let last = north.last().expect("it had some");
    assert!(
        north.len() <= at_suspension + 2 * WINDOW as usize && last.received_at_us < soon,
        "{context}: {at_suspension} rows of the first SMSC became {} after its suspension, the last {last:?}",
        north.len()
    );
    let recipients: HashSet<&str> = north.iter().chain(&south).map(|row| row.recipient.as_str()).collect();
    assert_eq!(
        (north.len() + south.len(), recipients.len()),
        (messages, messages),
        "{context}"
    );
    // To move what is queued would take its octets, some 45 a message, beside what submissions take.
    assert!(
        octets < 1_000_000 + 4_000 * submitted,
        "{context}: {octets} octets went to Redis for {submitted} submissions"
    );
    Figures::from([
        (
            "ms to the second SMSC",
            (first.received_at_us - micros(suspended_at)) / 1_000,
        ),
        (
            "by the first SMSC after its suspension",
            (north.len() - at_suspension) as u64,
        ),
        ("by the second SMSC", south.len() as u64),
        ("octets to Redis until then", octets),
        ("submissions until then", submitted),
    ])
}

fn away(run: &Run) -> Figures {
    let mut ground = Ground::new(run, &Terms::new(SLOW_ANSWERS));
    // Nobody listens on a port below 1024 here.
    let mut settings = settings(&ground, "127.0.0.1:9");
    settings.engine_lines = vec!["failover_after = \"1s\"".to_owned()];
    ground.stand.engine.restart_with(&settings);
    let campaign = ground.stand.launch(MESSAGES);
    let began = Instant::now();
    ground.eventually("the second SMSC has taken over", || of(&ground, "south").pop());
    let took_over = began.elapsed();
    ground.wait_until_ended(&campaign, 1);
    ground.stand.consistent_ledgers(&campaign, MESSAGES, &ground.context);
    assert_eq!(of(&ground, "south").len(), MESSAGES, "{}", ground.context);
    Figures::from([("ms to the second SMSC", took_over.as_millis() as u64)])
}

fn shared(run: &Run) -> Figures {
    let mut dice = run.dice();
    let mut ground = Ground::new(run, &Terms::new(SLOW_ANSWERS));
    let address = ground.stand.sim.smpp_address().to_owned();
    let weights = [dice.roll(1..=4), dice.roll(1..=4)];
    let mut settings = settings(&ground, &address);
    let [north, south] = weights;
    settings.tables = vec![format!(
        "[[route]]\nname = \"all\"\nsmscs = [{{ name = \"north\", weight = {north} }}, {{ name = \"south\", weight = {south} }}]"
    )];
    ground.stand.engine.restart_with(&settings);
    let campaign = ground.stand.launch(MESSAGES);
    ground.wait_until_ended(&campaign, 1);
    ground.stand.consistent_ledgers(&campaign, MESSAGES, &ground.context);
    let by_north = of(&ground, "north").len();
    let expected = MESSAGES * north as usize / (north + south) as usize;
    // Before both have bound, and when nothing more is queued, one of them goes on alone.
    assert!(
        by_north.abs_diff(expected) <= MESSAGES / 20,
        "{}: weights {weights:?}: {by_north} by the first, {expected} expected",
        ground.context
    );
    Figures::from([
        ("weight of the first", north),
        ("of the second", south),
        ("by the first", by_north as u64),
    ])
}

fn ask(ground: &Ground, what: &str) {
    let path = format!("/v1/smscs/north/{what}");
    let status = ground.stand.engine.admin().post(&path, &json!({})).expect(200);
    assert_eq!(
        status["suspended"],
        json!(what == "suspend"),
        "{}: {status}",
        ground.context
    );
}

/// What the simulator had from one of the two.
fn of(ground: &Ground, account: &str) -> Vec<Row> {
    let mut rows = ground.stand.sim.ledger();
    rows.retain(|row| row.account == account);
    rows
}

/// The first that the simulator had from one of the two.
fn first_of(ground: &Ground, account: &str) -> Option<Row> {
    Row::some(ground.stand.sim.http(), &format!("account={account}&limit=1"))
        .or_fail()
        .pop()
}

/// What Redis has read from everybody.
fn octets_to_redis(ground: &Ground) -> u64 {
    ground.stand.redis.info().or_fail().read_bytes
}

/// As the simulator's ledger counts time.
fn micros(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_micros() as u64
}

/// Two accounts of one SMSC, the first of them at that address.
fn settings(ground: &Ground, north: &str) -> EngineSettings {
    let account = |name: &str, address: &str| SmscSettings::new(name, address).account(name).window(WINDOW);
    let mut settings = ground.settings.clone();
    settings.smscs = vec![
        account("north", north),
        account("south", ground.stand.sim.smpp_address()),
    ];
    settings.tables = vec![ROUTE.to_owned()];
    settings
}
