//! What the Redis of a configuration is like.

use super::finding::{Finding, Grade};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Inspection, Servers, inspect, installed_server};

/// Clocks that are further apart than this confuse whoever compares logs; messages go by the server's.
const APART_US: u64 = 1_000_000;

/// Small hashes up to this many fields are scanned: see `slow_settings` of the store.
const LISTPACK_MAX: u64 = 64;

/// # Errors
/// Why there is no Redis to look at.
pub(super) async fn findings(config: &Config) -> Result<Vec<Finding>, String> {
    let Some(address) = &config.redis.url else {
        // It is started with the settings that it needs.
        return match installed_server().await {
            Ok(version) => Ok(vec![Finding::fine("redis-server", version)]),
            Err(fault) => Err(fault.to_string()),
        };
    };
    let servers = Servers::new(address).map_err(|error| format!("redis.url: {error}"))?;
    let found = inspect(&servers).await;
    let found = found.map_err(|error| format!("cannot use Redis at {}: {error}", servers.address()))?;
    let mut findings = vec![Finding::fine("redis", found.server.clone())];
    findings.extend(settings(&found, &address.redis_cli()));
    findings.push(clock(found.time_us, Clock::new().unix().0));
    Ok(findings)
}

/// `cli`: how that server is spoken to, and what is to be known beside that.
fn settings(found: &Inspection, (cli, note): &(String, Option<String>)) -> Vec<Finding> {
    let Some(settings) = &found.settings else {
        let (wrong, mend) = (
            "the server does not let its settings be read: they are trusted",
            "see the provider's console for appendonly, appendfsync and maxmemory-policy",
        );
        return vec![Finding::wrong(
            ("redis settings", Grade::Warning),
            "hidden",
            wrong,
            mend,
        )];
    };
    let value = |name: &str| settings.get(name).map(String::as_str).unwrap_or_default();
    let note = note.as_ref().map(|note| format!("   # {note}")).unwrap_or_default();
    let set = |to: &str| format!("{cli} CONFIG SET {to} && {cli} CONFIG REWRITE{note}");
    let judged = |what: &'static str, grade: Grade, (is_fine, wrong): (bool, &str), to: &str| {
        if is_fine {
            Finding::fine(what, value(what))
        } else {
            Finding::wrong((what, grade), value(what), wrong, set(to))
        }
    };
    let entries = value("hash-max-listpack-entries").parse().unwrap_or(0u64);
    vec![
        judged(
            "appendonly",
            Grade::Bad,
            (value("appendonly") == "yes", "what is in memory ends with the process"),
            "appendonly yes",
        ),
        judged(
            "appendfsync",
            Grade::Bad,
            (
                value("appendfsync") != "no",
                "the system writes to the disk when it likes",
            ),
            "appendfsync everysec",
        ),
        judged(
            "maxmemory-policy",
            Grade::Bad,
            (
                value("maxmemory-policy") == "noeviction",
                "messages are thrown away when memory is short",
            ),
            "maxmemory-policy noeviction",
        ),
        judged(
            "maxmemory",
            Grade::Warning,
            (
                value("maxmemory") != "0",
                "without a limit, the kernel ends Redis when memory is short; redis.intake_mark and lease_mark need one",
            ),
            "maxmemory 4gb",
        ),
        judged(
            "hash-max-listpack-entries",
            Grade::Warning,
            (
                entries <= LISTPACK_MAX,
                "small hashes of live messages are scanned at every step",
            ),
            "hash-max-listpack-entries 64",
        ),
    ]
}

fn clock(server_us: u64, host_us: u64) -> Finding {
    let apart = server_us.abs_diff(host_us);
    let found = format!("{:.1} s from this machine's", apart as f64 / 1e6);
    if apart <= APART_US {
        return Finding::fine("redis clock", found);
    }
    let wrong = "one of the two clocks is wrong; messages go by that of Redis";
    Finding::wrong(
        ("redis clock", Grade::Warning),
        found,
        wrong,
        "timedatectl set-ntp true   # on both machines",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspection(pairs: &[(&str, &str)]) -> Inspection {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Inspection {
            settings: Some(pairs.collect()),
            ..Inspection::default()
        }
    }

    fn grades(found: &Inspection) -> Vec<Grade> {
        settings(found, &("redis-cli -h h -p 1".to_owned(), None))
            .iter()
            .map(|finding| finding.grade)
            .collect()
    }

    #[test]
    fn what_loses_data_is_bad_and_what_is_slow_is_a_warning() {
        let good = inspection(&[
            ("appendonly", "yes"),
            ("appendfsync", "everysec"),
            ("maxmemory", "1000"),
            ("maxmemory-policy", "noeviction"),
            ("hash-max-listpack-entries", "64"),
        ]);
        assert_eq!(grades(&good), [Grade::Fine; 5]);
        let bad = inspection(&[
            ("appendonly", "no"),
            ("appendfsync", "no"),
            ("maxmemory", "0"),
            ("maxmemory-policy", "allkeys-lru"),
            ("hash-max-listpack-entries", "512"),
        ]);
        assert_eq!(
            grades(&bad),
            [Grade::Bad, Grade::Bad, Grade::Bad, Grade::Warning, Grade::Warning]
        );
        assert_eq!(grades(&Inspection::default()), [Grade::Warning]);
        let note = Some("on each".to_owned());
        let findings = settings(&bad, &("redis-cli -h h -p 1".to_owned(), note));
        let mends = findings[0].cells();
        let whole = "redis-cli -h h -p 1 CONFIG SET appendonly yes && redis-cli -h h -p 1 CONFIG REWRITE   # on each";
        assert!(mends.iter().any(|cell| cell == whole), "{mends:?}");
    }

    #[test]
    fn clocks_that_are_apart_are_told() {
        assert_eq!(clock(5_000_000, 5_900_000).grade, Grade::Fine);
        assert_eq!(clock(5_000_000, 7_000_000).grade, Grade::Warning);
    }
}
