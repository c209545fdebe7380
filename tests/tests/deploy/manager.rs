//! What a service manager and a container's health check are told.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use campanile_tests::{Engine, Lab, Programs, Stand, eventually, programs};
use lab::{EngineSettings, Signal, SmscSettings};

const LIMIT: Duration = Duration::from_secs(30);

/// Twice in this time a program says that it lives.
const WATCHDOG_US: &str = "400000";

/// Plays the service manager.
pub(crate) struct Manager(UnixDatagram);

impl Manager {
    /// Its socket is `notify` in that folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let socket = UnixDatagram::bind(folder.join("notify")).expect("a socket");
        socket.set_read_timeout(Some(LIMIT)).expect("a time limit");
        Self(socket)
    }

    /// What it hears until a message has that line, this one included.
    #[track_caller]
    pub(crate) fn hears(&self, line: &str) -> Vec<String> {
        let mut heard = Vec::new();
        while !heard
            .iter()
            .any(|message: &String| message.lines().any(|told| told == line))
        {
            let mut octets = [0; 1_024];
            let length = self
                .0
                .recv(&mut octets)
                .unwrap_or_else(|error| panic!("no {line}: {error}, after {heard:?}"));
            heard.push(String::from_utf8_lossy(&octets[..length]).into_owned());
        }
        heard
    }
}

/// The programs, started as such a manager starts them.
fn managed(folder: &Path) -> Programs {
    let programs = programs!();
    let wrapped = |name: &str, program: &str| {
        let path = folder.join(name);
        let text = format!(
            "#!/bin/sh\nNOTIFY_SOCKET='{}' WATCHDOG_USEC={WATCHDOG_US} exec '{program}' \"$@\"\n",
            folder.join("notify").display()
        );
        std::fs::write(&path, text).expect("write a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("make it a program");
        &*path.display().to_string().leak()
    };
    Programs {
        engine: wrapped("managed-campanile", programs.engine),
        sim: wrapped("managed-smpp-sim", programs.sim),
        scratch: programs.scratch,
    }
}

#[test]
fn the_manager_hears_when_the_engine_is_ready_lives_reloads_and_stops() {
    let folder = Lab::new(programs!(), "deploy-manager");
    let manager = Manager::new(folder.directory());
    let lab = Lab::new(managed(folder.directory()), "deploy-manager-engine");
    let engine = lab.engine(&EngineSettings::new(
        None,
        vec![SmscSettings::new("north", "127.0.0.1:1")],
    ));
    manager.hears("READY=1");
    // Signs of life come by themselves, and go on.
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");
    engine.signal(Signal::HUP);
    let reload = manager.hears("RELOADING=1").pop().expect("it was heard");
    assert!(reload.contains("MONOTONIC_USEC="), "{reload}");
    manager.hears("READY=1");
    assert!(engine.shut_down().success());
    manager.hears("STOPPING=1");
}

#[test]
fn the_manager_hears_the_simulator() {
    let folder = Lab::new(programs!(), "deploy-manager-of-sim");
    let manager = Manager::new(folder.directory());
    let lab = Lab::new(managed(folder.directory()), "deploy-manager-sim");
    let sim = lab.sim("");
    manager.hears("READY=1");
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");
    sim.signal(Signal::TERM);
    manager.hears("STOPPING=1");
}

/// The exit code of `campanile healthcheck` under the configuration of that engine, and what it says.
fn healthcheck(stand: &Stand) -> (i32, String) {
    let mut command = Command::new(programs!().engine);
    command
        .args(["healthcheck", "--config"])
        .arg(stand.lab().directory().join("campanile.toml"))
        .env("CAMPANILE__ADMIN__LISTEN", admin_of(&stand.engine));
    let output = command.output().expect("run the engine's program");
    let code = output.status.code().expect("it exits");
    (code, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Port 0 in the configuration, and the one that came of it in what the engine says first.
fn admin_of(engine: &Engine) -> String {
    let line = engine
        .process()
        .lines()
        .into_iter()
        .find(|line| line.contains("\"ready\""));
    let ready: serde_json::Value = serde_json::from_str(&line.expect("it is ready")).expect("JSON");
    ready["admin"].as_str().expect("an address").to_owned()
}

#[test]
fn a_health_check_tells_a_ready_engine_from_one_that_is_not() {
    let stand = Stand::new(programs!(), "deploy-healthcheck", "", |smsc| smsc);
    assert_eq!(healthcheck(&stand), (0, String::new()));
    stand.redis.kill();
    eventually("it is not ready without Redis", LIMIT, || {
        let (code, said) = healthcheck(&stand);
        (code == 4 && said.contains("/readyz: 503")).then_some(())
    });
    stand.engine.kill();
    let (code, said) = healthcheck(&stand);
    assert_eq!(code, 4, "{said}");
    std::fs::write(stand.lab().directory().join("campanile.toml"), "[admin]\nlistn = 1\n").expect("write a file");
    let (code, said) = healthcheck(&stand);
    assert!(code == 3 && said.contains("listn"), "{code}: {said}");
}

#[test]
fn a_health_check_tells_a_simulator_that_lives_from_none() {
    let lab = Lab::new(programs!(), "deploy-healthcheck-sim");
    let sim = lab.sim("");
    let check = |http: &str| {
        let mut command = Command::new(programs!().sim);
        let output = command.args(["healthcheck", "--http", http]).output().expect("run it");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let said = std::fs::read_to_string(lab.directory().join("simulator-1.out")).expect("it is ready");
    let ready: serde_json::Value = serde_json::from_str(said.trim()).expect("JSON");
    let http = ready["http"].as_str().expect("an address");
    assert_eq!(check(http), (Some(0), String::new()));
    sim.kill();
    let (code, said) = check(http);
    assert!(code == Some(1) && said.contains(http), "{code:?}: {said}");
}
