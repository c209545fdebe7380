//! Redis on several servers: a cluster, or a master that sentinels watch. A master is killed, with and without what it wrote last, or
//! gives a partition away, while messages go out.

use lab::{EngineSettings, RedisCluster, RedisSettings, Signal, SmscSettings, WatchedRedis};

use serde_json::Value;

use super::Dice;
use super::ground::{Ground, SLOW_ANSWERS};
use super::run::{Figures, Run, Scenario};
use crate::engine::Engine;
use crate::fail::OrFail;
use crate::programs::Lab;
use crate::stand::Stand;
use crate::tenant::Campaign;

/// All of this file.
pub const ALL: &[Scenario] = &[
    PARTITION_MOVED,
    CLUSTER_MASTER_KILLED,
    CLUSTER_MASTER_AHEAD,
    WATCHED_MASTER_KILLED,
    WATCHED_MASTER_AHEAD,
    WATCHED_MASTER_GONE,
    WATCHED_MASTER_AND_ENGINE,
    REPLICAS_AWAITED,
];

/// A partition goes to another node of a cluster, key by key.
pub const PARTITION_MOVED: Scenario = Scenario::new("partition-moved", partition_moved);

/// A master of a cluster is killed, and comes back when its replica has its place.
pub const CLUSTER_MASTER_KILLED: Scenario =
    Scenario::new("cluster-master-killed", |run| cluster_killed(run, Loss::None));

/// The same, when the replica was away and has not had what was written last.
pub const CLUSTER_MASTER_AHEAD: Scenario = Scenario::new("cluster-master-ahead", |run| cluster_killed(run, Loss::Last));

/// The master that sentinels watch is killed, and comes back when another has its place.
pub const WATCHED_MASTER_KILLED: Scenario =
    Scenario::new("watched-master-killed", |run| watched_killed(run, Loss::None));

/// The same, when the replica was away and has not had what was written last.
pub const WATCHED_MASTER_AHEAD: Scenario = Scenario::new("watched-master-ahead", |run| watched_killed(run, Loss::Last));

/// The same, and for longer than an engine may be silent: each has given up its sessions by then, and others would hold it for dead.
pub const WATCHED_MASTER_GONE: Scenario =
    Scenario::new("watched-master-gone", |run| watched_killed(run, Loss::LastAndLong));

/// A master is killed while an engine stands still that wakes when others have what it had.
pub const WATCHED_MASTER_AND_ENGINE: Scenario = Scenario::new("watched-master-and-engine", master_and_engine);

/// Nothing is sent that a replica does not know of: what it has not had when it takes its master's place was not sent either.
pub const REPLICAS_AWAITED: Scenario = Scenario::new("replicas-awaited", replicas_awaited);

/// What goes with a master.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Nothing that was written a moment before.
    None,
    /// What was written last.
    Last,
    /// That, and nothing can be written for long.
    LastAndLong,
}

const MASTERS: usize = 3;

/// So that faults come while there is work: a fail-over takes seconds.
const RATE: &str = "rate = \"300/s\"";
const MESSAGES: usize = 3_000;
const WINDOW: u32 = 50;

/// How far the campaign has come when it begins.
const BEGUN: std::ops::RangeInclusive<u64> = 100..=600;

/// How far it goes on, at least, while one partition answers to nobody: farther than what is under way.
const ELSEWHERE: u64 = 300;

/// How many messages go out that the replica knows nothing of.
const AHEAD: std::ops::RangeInclusive<u64> = 20..=120;

/// Two engines: what one of them has leased, the other does not know.
fn ground(run: &Run, lab: Lab, url: &str) -> (Ground, Engine) {
    ground_with(run, lab, url, &[])
}

fn ground_with(run: &Run, lab: Lab, url: &str, redis_lines: &[&str]) -> (Ground, Engine) {
    let mut settings = EngineSettings::new(None, Vec::new());
    let stand = Stand::under(lab, SLOW_ANSWERS, |_, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address()).window(WINDOW).line(RATE);
        settings = EngineSettings::new(Some(url.to_owned()), vec![smsc.sessions(2)]);
        settings.redis_lines = redis_lines.iter().map(|line| (*line).to_owned()).collect();
        settings.clone()
    });
    let second = stand.engine.beside("second");
    let ground = Ground {
        stand,
        settings,
        context: run.context(),
    };
    ground.eventually("each has a session", || {
        let engines = second.admin().get("/v1/engines").expect(200);
        let sessions = |engine: &Value| engine["sessions"][0]["sessions"].as_u64();
        let engines = engines["data"].as_array().expect("a list").clone();
        (engines.iter().map(sessions).collect::<Vec<_>>() == [Some(1); 2]).then_some(())
    });
    (ground, second)
}

fn launch(ground: &Ground, dice: &mut Dice) -> Campaign {
    let campaign = ground.stand.launch(MESSAGES);
    go_on(ground, dice.roll(BEGUN));
    campaign
}

/// Until so many more are accepted.
fn go_on(ground: &Ground, more: u64) {
    let accepted = || ground.stand.sim.totals().accepted;
    let goal = (accepted() + more).min(MESSAGES as u64);
    ground.eventually("the campaign goes on", || (accepted() >= goal).then_some(()));
}

fn partition_moved(run: &Run) -> Figures {
    let mut dice = run.dice();
    let lab = Lab::new(run.programs, &run.directory());
    let cluster = RedisCluster::start(lab.site(), &RedisSettings::default(), MASTERS, 0).or_fail();
    let (ground, _second) = ground(run, lab, &cluster.url());
    let campaign = launch(&ground, &mut dice);
    let key = format!("c:{{p{}}}:", dice.roll(0..=15));
    let to = (cluster.holder(&key).or_fail() + 1) % MASTERS;
    let mut keys = 0;
    // The other partitions go on.
    let moved = cluster.move_slot(&key, to, |moved| {
        keys = moved;
        go_on(&ground, if moved == 1 { ELSEWHERE } else { dice.roll(0..=20) });
    });
    moved.or_fail();
    let mut figures = balance(&ground, &campaign);
    assert_eq!(figures["in doubt"], 0, "{}", ground.context);
    figures.insert("keys moved", keys as u64);
    figures
}

fn cluster_killed(run: &Run, loss: Loss) -> Figures {
    let mut dice = run.dice();
    let lab = Lab::new(run.programs, &run.directory());
    let mut cluster = RedisCluster::start(lab.site(), &RedisSettings::default(), MASTERS, 1).or_fail();
    let (ground, _second) = ground(run, lab, &cluster.url());
    let campaign = launch(&ground, &mut dice);
    let victim = dice.roll(0..=MASTERS as u64 - 1) as usize;
    let heir = cluster.replica_of(victim);
    if loss != Loss::None {
        cluster.nodes()[heir].kill();
        go_on(&ground, dice.roll(AHEAD));
        cluster.nodes()[victim].kill();
        cluster.nodes_mut()[heir].restart().or_fail();
    } else {
        cluster.nodes()[victim].kill();
    }
    cluster.wait_for_master(heir).or_fail();
    cluster.nodes_mut()[victim].restart().or_fail();
    cluster.wait_for_replica(victim).or_fail();
    end(&ground, &campaign, loss)
}

fn watched_killed(run: &Run, loss: Loss) -> Figures {
    let mut dice = run.dice();
    let lab = Lab::new(run.programs, &run.directory());
    let mut watched = WatchedRedis::start(lab.site(), &RedisSettings::default(), 1).or_fail();
    let (ground, _second) = ground(run, lab, &watched.url());
    let campaign = launch(&ground, &mut dice);
    if loss != Loss::None {
        watched.nodes()[1].kill();
        go_on(&ground, dice.roll(AHEAD));
        watched.nodes()[0].kill();
        if loss == Loss::LastAndLong {
            ground.eventually("no engine has a session", || {
                (ground.stand.sim.sessions().or_fail() == 0).then_some(())
            });
        }
        watched.nodes_mut()[1].restart().or_fail();
    } else {
        watched.nodes()[0].kill();
    }
    // What came back before the sentinels had chosen another would have lost nothing.
    if loss != Loss::None || dice.roll(0..=1) == 1 {
        assert_eq!(watched.wait_for_another_master(0).or_fail(), 1);
    }
    watched.nodes_mut()[0].restart().or_fail();
    end(&ground, &campaign, loss)
}

fn master_and_engine(run: &Run) -> Figures {
    let mut dice = run.dice();
    let lab = Lab::new(run.programs, &run.directory());
    let mut watched = WatchedRedis::start(lab.site(), &RedisSettings::default(), 1).or_fail();
    let (ground, second) = ground(run, lab, &watched.url());
    let campaign = launch(&ground, &mut dice);
    let (still, goes_on) = match dice.roll(0..=1) {
        0 => (&ground.stand.engine, &second),
        _ => (&second, &ground.stand.engine),
    };
    still.signal(Signal::STOP);
    // What it alone knows of would be sent again: the replica has it.
    let written = watched.nodes()[0].written().or_fail();
    ground.eventually("the replica has what it had leased", || {
        (watched.nodes()[1].written().or_fail() >= written).then_some(())
    });
    watched.nodes()[0].kill();
    assert_eq!(watched.wait_for_another_master(0).or_fail(), 1);
    watched.nodes_mut()[0].restart().or_fail();
    let pid = still.process().pid();
    ground.eventually("the other has both sessions", || {
        let engines = goes_on.admin().get("/v1/engines").expect(200);
        let engines = engines["data"].as_array().expect("a list").clone();
        let other = engines.into_iter().find(|engine| engine["pid"] != pid)?;
        (other["sessions"][0]["sessions"] == 2).then_some(())
    });
    still.signal(Signal::CONT);
    balance(&ground, &campaign)
}

fn replicas_awaited(run: &Run) -> Figures {
    let mut dice = run.dice();
    let lab = Lab::new(run.programs, &run.directory());
    let mut watched = WatchedRedis::start(lab.site(), &RedisSettings::default(), 1).or_fail();
    let (ground, second) = ground_with(run, lab, &watched.url(), &["wait_replicas = 1"]);
    let campaign = launch(&ground, &mut dice);
    watched.nodes()[1].kill();
    ground.eventually("both wait for the replica", || {
        let waits = |engine: &Engine| engine.process().log().contains("too few replicas have a lease");
        (waits(&ground.stand.engine) && waits(&second)).then_some(())
    });
    let stopped = dice.roll(0..=1);
    if stopped == 1 {
        // What it waits with has gone nowhere, and goes back.
        assert!(second.shut_down().success(), "{}", ground.context);
        assert!(
            !second.process().log().contains("will be in doubt"),
            "{}",
            ground.context
        );
    }
    watched.nodes()[0].kill();
    watched.nodes_mut()[1].restart().or_fail();
    assert_eq!(watched.wait_for_another_master(0).or_fail(), 1);
    watched.nodes_mut()[0].restart().or_fail();
    let view = ground.wait(&campaign, "everything is submitted and receipted", |view| {
        view.nothing_queued() && ground.stand.sim.receipts_are_in()
    });
    view.assert_adds_up();
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    for engine in [&ground.stand.engine, &second] {
        let log = engine.process().log();
        assert!(
            !log.contains("came back older"),
            "{}: what was sent was known",
            ground.context
        );
    }
    Figures::from([
        ("stopped", stopped),
        ("delivered", view.status("delivered")),
        ("in doubt", view.progress.in_doubt),
    ])
}

fn end(ground: &Ground, campaign: &Campaign, loss: Loss) -> Figures {
    if loss == Loss::None {
        return balance(ground, campaign);
    }
    // Receipts that were acknowledged, and are lost with what was written last, do not come again: their messages stay transmitted.
    let view = ground.wait(campaign, "everything is submitted and receipted", |view| {
        view.nothing_queued() && ground.stand.sim.receipts_are_in()
    });
    view.assert_adds_up();
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    ground.eventually("the log speaks of an older state", || {
        let log = ground.stand.engine.process().log().to_lowercase();
        log.contains("older").then_some(())
    });
    let nowhere = |engine: &Engine| {
        let lost = engine.metric(|sample| sample == "campanile_misplaced_messages_total{found=\"lost\"}");
        lost as u64
    };
    Figures::from([
        ("delivered", view.status("delivered")),
        ("transmitted", view.status("transmitted")),
        ("in doubt", view.progress.in_doubt),
        ("nowhere", nowhere(&ground.stand.engine)),
    ])
}

/// Nothing is lost or doubled.
fn balance(ground: &Ground, campaign: &Campaign) -> Figures {
    let view = ground.wait_until_ended(campaign, 1);
    ground.assert_nothing_doubled("");
    ground.assert_credits(&ground.stand.tenant);
    ground.stand.consistent_ledgers(campaign, MESSAGES, &ground.context);
    Figures::from([
        ("delivered", view.status("delivered")),
        ("in doubt", view.progress.in_doubt),
    ])
}
