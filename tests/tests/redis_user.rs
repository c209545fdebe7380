//! A user of Redis of the engine's own: the rights that are shown suffice, and all that one lacks is said at once.

use std::process::Command;
use std::time::Duration;

use campanile_tests::{EngineSettings, Lab, RedisServer, SmscSettings, Stand, programs};

const LIMIT: Duration = Duration::from_secs(30);

const PASSWORD: &str = "chut";

/// What `deploy/redis/redis.conf` gives it.
fn shown() -> Vec<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/redis/redis.conf");
    let text = std::fs::read_to_string(file).expect("it is part of the project");
    let mut users = text
        .lines()
        .filter_map(|line| line.strip_prefix("# user campanile on >password "));
    let rules = users.next().expect("it shows a user");
    rules.split(' ').map(str::to_owned).collect()
}

fn give(redis: &RedisServer, rules: &[String]) {
    let mut connection = redis.connect().expect("Redis is there");
    let mut set = redis::cmd("ACL");
    set.arg("SETUSER")
        .arg("campanile")
        .arg("reset")
        .arg("on")
        .arg(format!(">{PASSWORD}"));
    set.arg(rules).exec(&mut connection).expect("rules of Redis");
}

fn settings(redis: &RedisServer, smsc: SmscSettings) -> EngineSettings {
    EngineSettings::new(
        Some(format!("{}?user=campanile&pass={PASSWORD}", redis.url())),
        vec![smsc],
    )
}

#[test]
fn the_rights_that_are_shown_suffice_and_what_is_lacking_is_said_at_once() {
    let mut stand = Stand::under(Lab::new(programs!(), "redis-user"), "", |redis, sim| {
        give(redis, &shown());
        settings(redis, SmscSettings::new("north", sim.smpp_address()))
    });
    let campaign = stand.launch(200);
    stand.all_delivered(&campaign, 200, LIMIT);
    // What it does at a start, with all that is there.
    stand.engine.restart();
    let campaign = stand.launch(10);
    campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.status("delivered") == 10
    });
    let engine = stand.engine.process().log();
    assert!(!engine.contains("NOPERM"), "{engine}");
    assert!(stand.engine.shut_down().success());

    let mut fewer = shown();
    fewer.extend(["-hset", "-evalsha", "-xadd", "-script|load"].map(str::to_owned));
    fewer.retain(|rule| !rule.starts_with('&'));
    give(&stand.redis, &fewer);
    let lacking = "ACL SETUSER <user> &c:bell +evalsha +hset +script|load +xadd";
    let settings = settings(&stand.redis, SmscSettings::new("north", stand.sim.smpp_address()));
    let (ended, said) = stand.lab().refused_engine(&settings);
    assert_eq!(ended.code(), Some(4), "{said}");
    assert!(said.contains(lacking), "{said}");
    for arguments in [&["check", "--connect"][..], &["doctor"]] {
        let output = Command::new(programs!().engine)
            .args(arguments)
            .args(["--config", "campanile.toml"])
            .current_dir(stand.lab().directory())
            .output()
            .expect("campanile runs");
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        assert_eq!(output.status.code(), Some(4), "{words}");
        assert!(words.contains(lacking), "{words}");
    }
}
