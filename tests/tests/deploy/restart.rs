//! The engine is restarted and upgraded in the middle of a campaign, as its unit and its package do it.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use campanile_tests::tenant::{CampaignView, FR_4379};
use campanile_tests::{Campaign, EngineSettings, Lab, Programs, SmscSettings, Stand, programs};
use kit::clock::wall_us;

use crate::deploy::common::read;
use crate::deploy::manager::Manager;

const LIMIT: Duration = Duration::from_secs(60);

/// Low enough for any machine: it is the engine's to keep.
const RATE: usize = 250;

/// Within this of its start the engine is back at that share of the rate.
const BACK_WITHIN_US: u64 = 5_000_000;
const BACK_AT: f64 = 0.95;

const SECOND_US: u64 = 1_000_000;

const MESSAGES: usize = 4_379;

/// The engine as a service of a manager that does what its unit says.
struct Service {
    manager: Manager,
    stand: Stand,
    /// Where its package has put the program.
    program: PathBuf,
    _folder: Lab,
}

impl Service {
    fn new(name: &str) -> Self {
        let folder = Lab::new(programs!(), name);
        let manager = Manager::new(folder.directory());
        let program = folder.directory().join("campanile");
        unpack(&program, "");
        let lab = Lab::new(under_its_unit(folder.directory()), &format!("{name}-engine"));
        let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/../smpp-sim/scenarios/fr-4379.toml");
        let scenario = std::fs::read_to_string(scenario).expect("read a scenario of the simulator");
        let stand = Stand::under(lab, &scenario, |redis, sim| {
            let smsc = SmscSettings::new("north", sim.smpp_address()).line(&format!("rate = \"{RATE}/s\""));
            EngineSettings::new(Some(redis.url()), vec![smsc])
        });
        manager.hears("READY=1");
        Self {
            manager,
            stand,
            program,
            _folder: folder,
        }
    }

    /// `systemctl restart`: SIGTERM, its end, a new start. When that was, and that it was ready, is returned in µs since 1970.
    fn restart(&mut self) -> (u64, u64) {
        let ended = self.stand.engine.shut_down();
        assert!(ended.success(), "{ended}");
        self.manager.hears("STOPPING=1");
        let started = wall_us();
        self.stand.engine.restart();
        self.manager.hears("READY=1");
        (started, wall_us())
    }

    /// The program that runs is the one that the package has there.
    fn runs_what_is_installed(&self) -> bool {
        let pid = self.stand.engine.process().pid();
        let running = std::fs::read_link(format!("/proc/{pid}/exe")).expect("it runs");
        running == self.program.canonicalize().expect("it is installed")
    }

    /// Waits until so many more have come to the SMSC.
    fn wait_for_more(&self, submits: usize) {
        let now = self.stand.sim.totals().submits;
        self.stand.sim.wait_for("submits", now + submits as u64, LIMIT);
    }

    /// Each message has come to the SMSC once, has the status that it should have, and the credits follow.
    fn nothing_is_lost_or_doubled(&self, campaign: &Campaign) {
        let reached = |view: &CampaignView| FR_4379.iter().all(|(name, count)| view.status(name) == *count);
        let view = campaign.wait(&self.stand.engine, "the table is reached", LIMIT, |view| {
            reached(view) && view.credits.recredited == 1
        });
        view.assert_adds_up();
        assert_eq!((view.progress.queued, view.progress.in_doubt), (0, 0), "{view:?}");
        self.stand
            .consistent_ledgers(campaign, MESSAGES, "a restart under load");
        let rows = self.stand.sim.ledger();
        let recipients: HashSet<&str> = rows.iter().map(|row| row.recipient.as_str()).collect();
        assert_eq!((rows.len(), recipients.len()), (MESSAGES, MESSAGES));
    }

    /// By the SMSC's ledger, some second that ended soon enough after the start had its share of the rate.
    #[track_caller]
    fn was_back_in_time(&self, what: &str, (started, ready): (u64, u64)) {
        let rows = self.stand.sim.ledger().into_iter().map(|row| row.received_at_us);
        let mut times: Vec<u64> = rows
            .filter(|at| (started..started + BACK_WITHIN_US).contains(at))
            .collect();
        times.sort_unstable();
        let in_second = |from: &u64| {
            times
                .iter()
                .filter(|at| (*from..from + SECOND_US).contains(*at))
                .count()
        };
        let enough = BACK_AT * RATE as f64;
        let back = times.iter().find(|from| in_second(from) as f64 >= enough);
        println!(
            "{what}: ready after {} ms, the first second at {BACK_AT} of the rate began after {:?} ms",
            (ready - started) / 1_000,
            back.map(|at| (at - started) / 1_000)
        );
        let last = started + BACK_WITHIN_US - SECOND_US;
        assert!(
            back.is_some_and(|at| *at <= last),
            "{what}: not back at {enough} a second within {BACK_WITHIN_US} µs of the start: {} came in that time",
            times.len()
        );
    }
}

/// Puts a program there as dpkg does: another file takes the name, and who runs the old one keeps it. What stands behind the
/// program makes another build of it.
fn unpack(program: &Path, build: &str) {
    let unpacked = program.with_extension("dpkg-new");
    let mut octets = std::fs::read(programs!().engine).expect("read the program");
    octets.extend(build.bytes());
    std::fs::write(&unpacked, octets).expect("write a file");
    std::fs::set_permissions(&unpacked, std::fs::Permissions::from_mode(0o755)).expect("make it a program");
    std::fs::rename(&unpacked, program).expect("put it in place");
}

/// The programs, the engine started with what its unit says: command, environment and credentials, in that folder in place of the
/// machine's.
fn under_its_unit(folder: &Path) -> Programs {
    let unit = read("deploy/systemd/campanile.service");
    let values = |key: &'static str| unit.lines().filter_map(move |line| line.strip_prefix(key));
    let value = |key| values(key).next().unwrap_or_else(|| panic!("the unit has no {key}"));
    assert_eq!(value("Type="), "notify");
    let at = folder.display().to_string();
    let moved = |text: &str| {
        text.replace("/usr/bin/", &format!("{at}/"))
            .replace("/etc/campanile/", &format!("{at}/etc/"))
            .replace("%d", &format!("{at}/handed"))
    };
    let mut script = format!(
        "#!/bin/sh\nset -e\nmkdir -p '{at}/etc/credentials' '{at}/handed'\n\
         sed '/^password = /d; /^operator_key_file = /d' campanile.toml >'{at}/etc/campanile.toml'\n\
         cp operator.key '{at}/etc/credentials/operator-key'\necho secret >'{at}/etc/credentials/smsc-0'\n"
    );
    for credential in values("LoadCredential=") {
        let (name, file) = credential.split_once(':').expect("a name and a file");
        script += &format!("cp '{}' '{at}/handed/{name}'\n", moved(file));
    }
    for setting in values("Environment=") {
        script += &format!("export '{}'\n", moved(setting));
    }
    let seconds: u64 = value("WatchdogSec=").trim_end_matches('s').parse().expect("seconds");
    script += &format!(
        "export NOTIFY_SOCKET='{at}/notify' WATCHDOG_USEC={}\nexec {}\n",
        seconds * SECOND_US,
        moved(value("ExecStart="))
    );
    let start = folder.join("start");
    std::fs::write(&start, script).expect("write a file");
    std::fs::set_permissions(&start, std::fs::Permissions::from_mode(0o755)).expect("make it a program");
    Programs {
        engine: start.display().to_string().leak(),
        ..programs!()
    }
}

#[test]
fn a_restart_and_an_upgrade_under_load_lose_and_double_nothing_and_the_rate_is_soon_back() {
    let mut service = Service::new("deploy-restart");
    let campaign = service.stand.launch(MESSAGES);
    service.wait_for_more(3 * RATE);
    let restarted = service.restart();
    service.wait_for_more(5 * RATE);

    // As a package does it: the file first, while the old program runs, then the restart.
    unpack(&service.program, "another build");
    assert!(!service.runs_what_is_installed(), "the old one goes on");
    service.wait_for_more(RATE / 2);
    let upgraded = service.restart();
    assert!(service.runs_what_is_installed());
    service.wait_for_more(5 * RATE);

    service.nothing_is_lost_or_doubled(&campaign);
    service.was_back_in_time("restart", restarted);
    service.was_back_in_time("upgrade", upgraded);
}
