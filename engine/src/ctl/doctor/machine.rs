//! What the machine is like, as far as its files tell. `root` is `/`, or a folder with such files.

use std::fs::{read_dir, read_to_string};
use std::path::Path;

use super::finding::{Finding, Grade};
use crate::config::Config;

/// A fork of Redis counts on memory that it will not use.
const OVERCOMMIT: &str = "proc/sys/vm/overcommit_memory";
/// How large pages are made.
const HUGE_PAGES: &str = "sys/kernel/mm/transparent_hugepage/enabled";
/// Connections that may wait to be accepted.
const BACKLOG: &str = "proc/sys/net/core/somaxconn";
/// What this process may have; an engine that is started likewise has it too.
const LIMITS: &str = "proc/self/limits";
/// A sign of systemd's time service that it has the time.
const SYNCHRONISED: &str = "run/systemd/timesync/synchronized";

/// What Redis itself asks for its own listener.
const BACKLOG_MIN: u64 = 511;

/// Files beside connections: sessions, Redis, logs.
const FILES_BESIDE: u64 = 512;

/// Programs that keep a clock right, as the kernel shortens their names.
const TIME_SERVICES: [&str; 6] = [
    "chronyd",
    "ntpd",
    "ntpd-rs",
    "ntp-daemon",
    "systemd-timesyn",
    "openntpd",
];

/// Of the files under `root`. What a system does not have is not judged.
pub(super) fn findings(root: &Path, config: &Config) -> Vec<Finding> {
    let found = [
        read(root, OVERCOMMIT).map(|text| overcommit(&text)),
        read(root, HUGE_PAGES).map(|text| huge_pages(&text)),
        read(root, BACKLOG).map(|text| backlog(&text)),
        read(root, LIMITS).and_then(|text| open_files(&text, config)),
        Some(time(root)),
    ];
    found.into_iter().flatten().collect()
}

fn read(root: &Path, file: &str) -> Option<String> {
    read_to_string(root.join(file)).ok().map(|text| text.trim().to_owned())
}

fn overcommit(text: &str) -> Finding {
    let what = "vm.overcommit_memory";
    if text == "1" {
        return Finding::fine(what, text);
    }
    let wrong = "where Redis runs here, its fork for a new AOF fails when memory is short, and writes stop";
    let mend = "sysctl -w vm.overcommit_memory=1 && echo vm.overcommit_memory=1 > /etc/sysctl.d/60-redis.conf";
    Finding::wrong((what, Grade::Warning), text, wrong, mend)
}

fn huge_pages(text: &str) -> Finding {
    let what = "transparent_hugepage";
    let chosen = text.split(['[', ']']).nth(1).unwrap_or(text);
    if chosen != "always" {
        return Finding::fine(what, chosen);
    }
    let wrong = "where Redis runs here, each fork makes it stall, and its memory grows";
    let mend = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
    Finding::wrong((what, Grade::Warning), chosen, wrong, mend)
}

fn backlog(text: &str) -> Finding {
    let what = "net.core.somaxconn";
    if text.parse().is_ok_and(|most: u64| most >= BACKLOG_MIN) {
        return Finding::fine(what, text);
    }
    let wrong = "callers that come all at once are turned away before they are heard";
    let mend = "sysctl -w net.core.somaxconn=4096 && echo net.core.somaxconn=4096 > /etc/sysctl.d/60-campanile.conf";
    Finding::wrong((what, Grade::Warning), text, wrong, mend)
}

/// The soft limit must do for every connection that the configuration allows.
fn open_files(text: &str, config: &Config) -> Option<Finding> {
    let what = "ulimit -n";
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    let sessions: u32 = config.smsc.iter().map(|smsc| smsc.session_count()).sum();
    let needed = u64::from(config.api.connections_max) + u64::from(sessions) + FILES_BESIDE;
    if soft == "unlimited" || soft.parse().is_ok_and(|soft: u64| soft >= needed) {
        return Some(Finding::fine(what, soft));
    }
    let wrong = format!("api.connections_max and the sessions need {needed}: connections are refused before that");
    let mend = format!("ulimit -n {needed}   # under systemd: LimitNOFILE={needed}");
    Some(Finding::wrong((what, Grade::Bad), soft, wrong, mend))
}

fn time(root: &Path) -> Finding {
    let what = "clock";
    if root.join(SYNCHRONISED).exists() {
        return Finding::fine(what, "synchronised");
    }
    if let Some(service) = time_service(root) {
        return Finding::fine(what, format!("kept by {service}"));
    }
    let wrong = "no time service is seen here (in a container, that of the host counts)";
    let mend = "timedatectl set-ntp true";
    Finding::wrong((what, Grade::Warning), "not known to be synchronised", wrong, mend)
}

/// A process that keeps the time.
fn time_service(root: &Path) -> Option<String> {
    let processes = read_dir(root.join("proc")).ok()?.flatten();
    let mut names = processes.filter_map(|process| read_to_string(process.path().join("comm")).ok());
    let found = names.find(|name| TIME_SERVICES.contains(&name.trim()))?;
    Some(found.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 4] = [
        (OVERCOMMIT, "1\n"),
        (HUGE_PAGES, "always [madvise] never\n"),
        (BACKLOG, "4096\n"),
        (
            LIMITS,
            "Limit  Soft Limit\nMax open files            65536                1048576              files\n",
        ),
    ];

    fn graded(name: &str, files: &[(&str, &str)]) -> Vec<(&'static str, Grade)> {
        let root = std::env::temp_dir().join(format!("campanile-doctor-{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = findings(&root, &Config::default());
        std::fs::remove_dir_all(&root).unwrap();
        found.iter().map(|finding| (finding.what, finding.grade)).collect()
    }

    #[test]
    fn a_machine_that_is_set_up_is_fine() {
        let files = [&FILES[..], &[("proc/7/comm", "chronyd\n")]].concat();
        let grades = graded("fine", &files);
        assert_eq!(grades.len(), 5, "{grades:?}");
        assert!(grades.iter().all(|(_, grade)| *grade == Grade::Fine), "{grades:?}");
    }

    #[test]
    fn each_setting_that_matters_is_found() {
        let grades = graded(
            "wrong",
            &[
                (OVERCOMMIT, "0"),
                (HUGE_PAGES, "[always] madvise never"),
                (BACKLOG, "128"),
                (
                    LIMITS,
                    "Max open files            1024                 1048576              files",
                ),
            ],
        );
        let expected = [
            ("vm.overcommit_memory", Grade::Warning),
            ("transparent_hugepage", Grade::Warning),
            ("net.core.somaxconn", Grade::Warning),
            ("ulimit -n", Grade::Bad),
            ("clock", Grade::Warning),
        ];
        assert_eq!(grades, expected);
    }
}
