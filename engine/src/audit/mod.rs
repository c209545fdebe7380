//! The audit log: who has done what to the engine and its tenants, one JSON line an act, apart from what the engine says of itself.
//!
//! Nobody waits for it. A line that cannot be written is counted and said, and stops nothing.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, spawn_blocking};

use crate::clock::Clock;
use crate::config::LineFile;
use crate::metrics::Metrics;
use crate::rotated::Rotated;

/// Acts that wait to be written. People and their scripts do some a second: a disk that stands still for longer loses lines.
const WAITING_MAX: usize = 4_096;

/// Lines that are written, and brought to the disk, in one go.
const TOGETHER_MAX: usize = 256;

/// How long the last lines may take at the end.
const LAST_LINES: Duration = Duration::from_secs(2);

/// What came of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// It was not done: the request could not be meant, or was not allowed.
    Refused,
    /// It was not done, or nobody knows: the engine could not.
    Failed,
    /// Who asked has hung up before it was answered; it may have been done.
    CutOff,
}

/// One act.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Act {
    /// `operator`: with the operator's key; a reseller's or tenant's id: with its key; `admin`: whoever reaches the operators' listener without a
    /// key; `signal`: whoever may send the process one.
    pub(crate) who: String,
    /// Where from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<IpAddr>,
    /// Method and route, or the signal's name.
    pub(crate) act: String,
    /// Whom or what it is about: an id or a configured name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<String>,
    pub(crate) outcome: Outcome,
    /// The HTTP status, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The code of the problem, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    /// What was asked for, as far as it is nobody's secret: amounts, rates, names of what changed.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) details: Map<String, Value>,
}

/// An act with its time.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    act: &'a Act,
}

/// What the writer is handed.
enum Job {
    /// An act, and its line, with its end.
    Write(Box<Act>, String),
    /// The last: it says when everything before is on the disk.
    End(oneshot::Sender<()>),
}

/// Where acts are noted. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AuditLog {
    /// `None`: they stand in the log.
    jobs: Option<mpsc::Sender<Job>>,
    clock: Clock,
    metrics: Metrics,
}

impl AuditLog {
    /// Writes to the file of `[audit]`, in one of these tasks; without a file, to the log.
    pub(crate) fn start(audit: &LineFile, (clock, metrics): (Clock, &Metrics), tasks: &mut JoinSet<()>) -> Self {
        let jobs = Rotated::new(audit).map(|file| {
            let (jobs, asked) = mpsc::channel(WAITING_MAX);
            tasks.spawn(write(file, asked, metrics.clone()));
            jobs
        });
        Self {
            jobs,
            clock,
            metrics: metrics.clone(),
        }
    }

    /// Notes an act, and does not wait.
    pub(crate) fn note(&self, act: &Act) {
        let Some(jobs) = &self.jobs else {
            say(act);
            return;
        };
        let time = self.clock.unix().timestamp().map(|time| time.to_string());
        let line = Line {
            time: time.unwrap_or_default(),
            act,
        };
        let handed = match serde_json::to_string(&line) {
            Ok(line) => jobs.try_send(Job::Write(Box::new(act.clone()), line + "\n")).is_ok(),
            Err(_) => false,
        };
        if !handed {
            self.metrics.audit_lines_lost_total.inc();
            tracing::error!("the audit log does not keep up, and lacks an act, which follows here");
            say(act);
        }
    }

    /// Waits until everything is written, or for two seconds.
    pub(crate) async fn end(&self) {
        let Some(jobs) = &self.jobs else { return };
        let (done, ended) = oneshot::channel();
        let all = async { jobs.send(Job::End(done)).await.is_ok() && ended.await.is_ok() };
        if tokio::time::timeout(LAST_LINES, all).await.is_err() {
            tracing::error!("the audit log did not take its last lines in time");
        }
    }
}

/// An act as a line of the log.
fn say(act: &Act) {
    let details = serde_json::Value::from(act.details.clone());
    tracing::info!(
        target: "audit",
        who = act.who,
        address = act.address.map(tracing::field::display),
        act = act.act,
        object = act.object,
        outcome = act.outcome.into_str(),
        status = act.status,
        code = act.code,
        request_id = act.request_id,
        %details,
        "an act of administration"
    );
}

async fn write(mut file: Rotated, mut asked: mpsc::Receiver<Job>, metrics: Metrics) {
    let mut jobs = Vec::new();
    let mut said = false;
    while asked.recv_many(&mut jobs, TOGETHER_MAX).await > 0 {
        let (mut text, mut unwritten, mut ends) = (String::new(), Vec::new(), Vec::new());
        for job in jobs.drain(..) {
            match job {
                Job::Write(act, line) => {
                    text += &line;
                    unwritten.push(*act);
                }
                Job::End(done) => ends.push(done),
            }
        }
        let written = spawn_blocking(move || {
            let written = file.write(text.as_bytes());
            (file, written)
        });
        let written = match written.await {
            Ok((kept, written)) => {
                file = kept;
                written
            }
            Err(error) => {
                tracing::error!(%error, "the audit log's writer is gone");
                return;
            }
        };
        if let Err(error) = &written {
            metrics.audit_lines_lost_total.inc_by(unwritten.len() as u64);
            // Once for as long as it lasts: the metric counts.
            if !said {
                tracing::error!(%error, "the audit log cannot be written: its lines stand here until it can");
            }
            unwritten.iter().for_each(say);
        }
        said = written.is_err();
        for done in ends {
            // Who has waited long enough is gone.
            let _heard = done.send(()).is_ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act() -> Act {
        Act {
            who: "operator".to_owned(),
            address: Some("192.0.2.1".parse().unwrap()),
            act: "POST /v1/tenants".to_owned(),
            object: Some("ten_1".to_owned()),
            outcome: Outcome::Done,
            status: Some(201),
            code: None,
            request_id: Some("req_1".to_owned()),
            details: Map::new(),
        }
    }

    #[tokio::test]
    async fn acts_are_lines_and_what_cannot_be_written_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (path, clock, metrics) = (folder.path().join("audit.log"), Clock::new(), Metrics::new(1).unwrap());
        let mut tasks = JoinSet::new();
        let settings = |path| LineFile {
            path: Some(path),
            ..LineFile::default()
        };
        let audit = AuditLog::start(&settings(path.clone()), (clock, &metrics), &mut tasks);
        audit.note(&act());
        audit.end().await;
        let text = std::fs::read_to_string(&path).unwrap();
        let line: Value = serde_json::from_str(&text).unwrap();
        assert!(text.starts_with("{\"time\":\"20") && text.ends_with("}\n"), "{text}");
        assert_eq!((&line["who"], &line["outcome"]), (&"operator".into(), &"done".into()));

        let nowhere = settings(folder.path().join("missing").join("audit.log"));
        let audit = AuditLog::start(&nowhere, (clock, &metrics), &mut tasks);
        audit.note(&act());
        audit.end().await;
        assert_eq!(metrics.audit_lines_lost_total.get(), 1);
    }
}
