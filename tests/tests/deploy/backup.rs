//! What Redis has is kept and brought back as deploy/README.md says, to a server under deploy/redis/redis.conf.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use campanile_tests::{Lab, Stand, eventually, programs};
use lab::{EngineSettings, Process, Processes, Site, SmscSettings};

use crate::common::{repository, run};

const LIMIT: Duration = Duration::from_secs(60);

const MESSAGES: usize = 300;

/// A server as operators would have it, but on a socket of its own.
fn redis(folder: &Path) -> (Process, String) {
    let socket = folder.join("redis.sock");
    let mut command = Command::new("redis-server");
    command
        .arg(repository().join("deploy/redis/redis.conf"))
        .args(["--port", "0", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(folder);
    let site = Site::new(&Processes::default(), folder);
    let server = site.start("restored", command).expect("start redis-server");
    let answers = || Ok(ask(&socket, "PING").filter(|said| said == "PONG"));
    server.wait_at_start("answer", answers).expect("Redis is ready");
    (server, format!("unix://{}", socket.display()))
}

fn ask(socket: &Path, command: &str) -> Option<String> {
    let output = Command::new("redis-cli")
        .arg("-s")
        .arg(socket)
        .arg(command)
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn what_was_kept_is_brought_back_and_nothing_is_lost_or_sent_twice() {
    let mut settings = None;
    let mut stand = Stand::under(Lab::new(programs!(), "deploy-backup"), "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address()).line("rate = \"100/s\"");
        settings
            .insert(EngineSettings::new(Some(redis.url()), vec![smsc]))
            .clone()
    });
    let campaign = stand.launch(MESSAGES);
    stand.sim.wait_for("accepted", 20, LIMIT);
    let (data, place) = (
        stand.lab().directory().join("redis"),
        stand.lab().directory().join("elsewhere"),
    );
    let archive = stand.lab().directory().join("campanile.tar");
    let script = |name: &str| Command::new(repository().join("deploy/redis").join(name));

    // Nobody who writes is left behind.
    let refused = script("backup.sh").arg(&data).arg(&archive).output().expect("run it");
    assert!(!refused.status.success(), "the server still runs");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("still writes there"),
        "{refused:?}"
    );

    assert!(stand.engine.shut_down().success());
    ask(&data.join("redis.sock"), "SHUTDOWN");
    let ended = || (!data.join("redis.sock").exists()).then_some(());
    eventually("Redis has ended", LIMIT, ended);
    let sent = stand.sim.totals().accepted;
    assert!(sent < MESSAGES as u64, "nothing was left to send");

    run(script("backup.sh").arg(&data).arg(&archive));
    run(script("restore.sh").arg(&archive).arg(&place));
    let again = script("restore.sh").arg(&archive).arg(&place).output().expect("run it");
    assert!(!again.status.success(), "what is there is not replaced");

    let (_server, url) = redis(&place);
    let settings = EngineSettings {
        redis_url: Some(url),
        ..settings.expect("made with the stand")
    };
    stand.engine.restart_with(&settings);
    // Its settings are those that the engine wants.
    let standing = stand.engine.admin().get("/readyz?verbose=1").expect(200);
    assert_eq!(standing["redis_loss_allowed"], serde_json::json!([]));
    let log = stand.engine.process().log();
    assert!(!log.contains("hash-max-listpack-entries"), "{log}");
    stand.all_delivered(&campaign, MESSAGES, LIMIT);
}
