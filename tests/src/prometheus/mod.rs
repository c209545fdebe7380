//! A Prometheus and an Alertmanager of a test's own, under the committed rules: they watch the programs under test as an
//! operations team does, sixty times as fast.

pub mod boards;
mod hurried;
mod notices;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lab::{Fault, Http, Process, Site};
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::fail::OrFail;
use crate::programs::Lab;
use crate::wait::{eventually, eventually_or};
pub use hurried::{SPEED, hurried};
pub use notices::Notice;
use notices::Notices;

/// From the start to the first samples of everything.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// The committed files that are watched by, below `dashboards/prometheus`.
const RULES: [&str; 2] = ["rules.yml", "alerts.yml"];

/// The programs' names, Debian's first.
const ALERTMANAGER: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// Prometheus, Alertmanager, and who is told by it. Killed when dropped.
#[derive(Debug)]
pub struct Monitoring {
    prometheus: Process,
    /// It lives as long as this.
    _alertmanager: Process,
    http: Http,
    notices: Notices,
    targets: PathBuf,
    /// Seconds since 1970 of the start.
    since: f64,
}

/// A series as it is now.
#[derive(Clone, Debug)]
pub struct Series {
    /// By their names.
    pub labels: BTreeMap<String, String>,
    /// Its last value.
    pub value: f64,
}

impl Monitoring {
    /// Watches programs: of each, its job, which is its instance too, and the address of its metrics (`https://` before it
    /// where that is over TLS). Waits until all are read.
    pub fn of(lab: &Lab, watched: &[(&str, String)], trusted: Option<&Authority>) -> Self {
        let site = lab.site().below("monitoring").or_fail();
        let since = now();
        let notices = Notices::listen();
        let config = site.write("alertmanager.json", &alertmanager(&notices.address()).to_string());
        let mut command = Command::new(
            ALERTMANAGER
                .into_iter()
                .find(|name| is_there(name))
                .unwrap_or(ALERTMANAGER[0]),
        );
        command
            .arg(argument("config.file", &config.or_fail()))
            .arg(argument("storage.path", &site.directory().join("alertmanager")))
            .args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]);
        let (alertmanager, address) = start(&site, "alertmanager", command);
        for name in RULES {
            let committed = repository().join("dashboards/prometheus").join(name);
            let rules =
                std::fs::read_to_string(&committed).unwrap_or_else(|error| panic!("{}: {error}", committed.display()));
            site.write(name, &hurried(&rules)).or_fail();
        }
        let targets = site.directory().join("targets.json");
        aim(&targets, watched);
        let config = site
            .write("prometheus.json", &prometheus(&address, trusted).to_string())
            .or_fail();
        let mut command = Command::new("prometheus");
        command
            .arg(argument("config.file", &config))
            .arg(argument("storage.tsdb.path", &site.directory().join("samples")))
            .arg("--web.listen-address=127.0.0.1:0");
        let (prometheus, address) = start(&site, "prometheus", command);
        let monitoring = Self {
            prometheus,
            _alertmanager: alertmanager,
            http: Http::new(&address),
            notices,
            targets,
            since,
        };
        monitoring.wait_until_all_are_read(watched.len());
        monitoring
    }

    /// A program was started again: everything is watched there now. Jobs and instances stay.
    pub fn moved(&self, watched: &[(&str, String)]) {
        aim(&self.targets, watched);
    }

    fn wait_until_all_are_read(&self, count: usize) {
        if count == 0 {
            return;
        }
        let read = || self.now("count(up == 1)").ok().and_then(|found| found.first().copied());
        eventually_or(
            READY_LIMIT,
            || (read() == Some(count as f64)).then_some(()),
            || format!("not all {count} programs are read{}", self.prometheus.last_words()),
        );
    }

    /// The values that a query has now.
    pub fn now(&self, query: &str) -> Result<Vec<f64>, Fault> {
        let found = self.ask(&format!("query?query={}", encoded(query)))?;
        let samples = found["result"].as_array().into_iter().flatten();
        Ok(samples.filter_map(|sample| number(&sample["value"])).collect())
    }

    /// The series that a query has now.
    pub fn series(&self, query: &str) -> Result<Vec<Series>, Fault> {
        let found = self.ask(&format!("query?query={}", encoded(query)))?;
        let samples = found["result"].as_array().into_iter().flatten();
        let of = |sample: &Value| {
            Some(Series {
                labels: serde_json::from_value(sample["metric"].clone()).ok()?,
                value: number(&sample["value"])?,
            })
        };
        Ok(samples.filter_map(of).collect())
    }

    /// Whether a query had a number at some time since the start: series that are only "not a number" are no data.
    pub fn had_data(&self, query: &str) -> bool {
        let path = format!(
            "query_range?query={}&start={:.3}&end={:.3}&step=1s",
            encoded(query),
            self.since,
            now()
        );
        let found = self.ask(&path).or_fail();
        let mut values = found["result"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|series| series["values"].as_array().into_iter().flatten());
        values.any(|value| number(value).is_some_and(f64::is_finite))
    }

    /// The values that a label has in a metric's series, as a variable of Grafana lists them.
    pub fn label_values(&self, series: &str, label: &str) -> Vec<String> {
        let found = self
            .ask(&format!("label/{label}/values?match[]={}", encoded(series)))
            .or_fail();
        let values = found.as_array().into_iter().flatten();
        values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    /// Waits until Alertmanager told that the alert of that job fires.
    #[track_caller]
    pub fn wait_until_fires(&self, alert: &str, job: &str, limit: Duration) {
        self.wait_for_notice(alert, job, "firing", limit);
    }

    /// Waits until Alertmanager told that the alert of that job is over, after it fired.
    #[track_caller]
    pub fn wait_until_over(&self, alert: &str, job: &str, limit: Duration) {
        self.wait_for_notice(alert, job, "resolved", limit);
    }

    #[track_caller]
    fn wait_for_notice(&self, alert: &str, job: &str, status: &str, limit: Duration) {
        let last_of = |all: &[Notice]| {
            let mut of = all.iter().rev().filter(|one| one.alert == alert && one.job == job);
            of.next().map(|one| one.status.clone())
        };
        eventually_or(
            limit,
            || (last_of(&self.notices.all()).as_deref() == Some(status)).then_some(()),
            || {
                format!(
                    "{alert} of {job} is not told as {status} within {limit:?}; told: {:?}",
                    self.notices.all()
                )
            },
        );
    }

    /// Everything that Alertmanager told so far.
    pub fn told(&self) -> Vec<Notice> {
        self.notices.all()
    }

    fn ask(&self, path: &str) -> Result<Value, Fault> {
        let answer: Value = self.http.get(&format!("/api/v1/{path}"))?.json()?;
        Ok(answer["data"].clone())
    }
}

/// Starts a server of Prometheus's family, and gives the address that it says to listen on.
fn start(site: &Site, name: &str, command: Command) -> (Process, String) {
    let process = match site.start(name, command) {
        Ok(process) => process,
        Err(fault) => panic!("{fault}: run scripts/install-prometheus.sh"),
    };
    let listens = || {
        let log = process.log();
        let line = log.lines().find(|line| line.contains("msg=\"Listening on\""));
        let address = line.and_then(|line| line.split_once("address=")?.1.split_ascii_whitespace().next());
        Ok(address.map(str::to_owned))
    };
    let address = process.wait_at_start("say where it listens", listens).or_fail();
    let http = Http::new(&address);
    eventually(&format!("{name} is ready"), READY_LIMIT, || {
        http.get("/-/ready")
            .is_ok_and(|answer| answer.status == 200)
            .then_some(())
    });
    (process, address)
}

/// JSON is YAML.
fn alertmanager(told: &str) -> Value {
    json!({
        "route": {
            "receiver": "test", "group_by": ["..."],
            "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h",
        },
        "receivers": [{
            "name": "test",
            "webhook_configs": [{ "url": format!("http://{told}/"), "send_resolved": true }],
        }],
    })
}

fn prometheus(alertmanager: &str, trusted: Option<&Authority>) -> Value {
    let tls = trusted.map_or_else(|| json!({}), |authority| json!({ "ca_file": authority.file }));
    json!({
        "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
        "rule_files": RULES,
        "alerting": { "alertmanagers": [{ "static_configs": [{ "targets": [alertmanager] }] }] },
        "scrape_configs": [{
            "job_name": "under-test",
            "file_sd_configs": [{ "files": ["targets.json"], "refresh_interval": "1s" }],
            "tls_config": tls,
        }],
    })
}

/// Writes who is watched where, all at once.
fn aim(targets: &Path, watched: &[(&str, String)]) {
    let group = |(job, address): &(&str, String)| {
        let (scheme, target) = address.split_once("://").unwrap_or(("http", address));
        json!({ "targets": [target], "labels": { "job": job, "instance": job, "__scheme__": scheme } })
    };
    let groups: Vec<Value> = watched.iter().map(group).collect();
    let new = targets.with_extension("new");
    std::fs::write(&new, Value::from(groups).to_string()).expect("write the targets");
    std::fs::rename(&new, targets).expect("put the targets in place");
}

/// `--name=path`, which both programs take so.
fn argument(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs_f64()
}

/// The number of a sample, `[time, "number"]`.
fn number(sample: &Value) -> Option<f64> {
    sample[1].as_str()?.parse().ok()
}

/// As a value in the query of an address.
fn encoded(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(octet).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(octet).collect()
}
