//! In what two configurations differ: what needs a restart, key by key, and what a reload has changed, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use ::rules::Pack;
use kit::settings::Table;
use sha2::{Digest, Sha256};

use super::{Config, Engine, Secret, Smsc};

/// Keys that hold passwords, or may: that they differ is said, and not how.
const HIDDEN: [&str; 3] = ["password", "url", "endpoint"];

/// What the file says of each key, as it stands there; without what the environment says in its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said(BTreeMap<String, Secret>);

/// Keys of an account that one engine may have otherwise than another one: whence it reaches the SMSC.
const OF_THE_HOST: [&str; 1] = ["address"];

/// How something is said makes no other configuration.
impl PartialEq for Said {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Said {
    pub(super) fn of(root: &Table<'_>) -> Self {
        let said = root.said().into_iter();
        Self(said.map(|(key, value)| (key, Secret::new(value))).collect())
    }

    /// Where two say something else in a section: each key with what it was, and is. Empty where that is in what a file holds.
    fn differences(&self, other: &Self, section: &str) -> Vec<String> {
        let within = |key: &&String| key.split('.').next() == Some(section) && key.split('.').nth(1) != Some("tls");
        let keys: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).filter(within).collect();
        let differs = |key: &&String| self.0.get(*key) != other.0.get(*key);
        let told = |key: &String| {
            let name = key.split_once('.').map_or(key.as_str(), |(_, name)| name);
            if HIDDEN.contains(&key.rsplit('.').next().unwrap_or_default()) {
                return name.to_owned();
            }
            let value = |said: &Self| {
                let value = said.0.get(key);
                value.map_or_else(|| "left out".to_owned(), |value| value.reveal().to_owned())
            };
            format!("{name} (was {}, is {})", value(self), value(other))
        };
        keys.into_iter().filter(differs).map(told).collect()
    }
}

/// What differs that may change while an engine runs, but for SMSCs: names.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Others {
    /// `[[route]]`s that are new, gone, or say something else; all whose place is another are, too.
    pub(crate) routes: Vec<String>,
    /// Packs of `[rules]`, the same.
    pub(crate) rules: Vec<String>,
    /// `[[number]]`s, the same.
    pub(crate) numbers: Vec<String>,
    /// Listeners that show another certificate, or want another of their clients: `api`, `admin`.
    pub(crate) certificates: Vec<String>,
}

impl Config {
    /// The sections in which the other configuration differs and that hold for as long as an engine runs, with their keys.
    pub(crate) fn fixed_changes(&self, other: &Self) -> Vec<String> {
        let sections = [
            ("api", self.api.is_fixed_as(&other.api)),
            ("admin", self.admin.is_fixed_as(&other.admin)),
            ("redis", self.redis == other.redis),
            ("database", self.database == other.database),
            ("encryption", self.encryption == other.encryption),
            ("engine", self.engine == other.engine),
            ("metrics", self.metrics == other.metrics),
            ("retention", self.retention == other.retention),
            ("log", self.log == other.log),
            ("audit", self.audit == other.audit),
            ("message_log", self.message_log == other.message_log),
            ("traces", self.traces == other.traces),
            ("history", self.history == other.history),
            ("webhooks", self.webhooks == other.webhooks),
            ("links", self.links == other.links),
        ];
        let told = |section: &str| {
            let keys = self.said.differences(&other.said, section);
            match keys.is_empty() {
                true => format!("[{section}]"),
                false => format!("[{section}] {}", keys.join(", ")),
            }
        };
        let differing = sections.into_iter().filter(|(_, same)| !same);
        differing.map(|(name, _)| told(name)).collect()
    }

    /// A digest of each part that all engines of one database have to have the same, by what the part is called: without secrets, and without
    /// what is the host's own.
    pub(crate) fn digests(&self) -> BTreeMap<String, String> {
        let engine = Engine {
            shutdown_timeout: Engine::default().shutdown_timeout,
            ..self.engine.clone()
        };
        let parts = [
            ("engine", digest(&engine)),
            ("retention", digest(&self.retention)),
            ("rules", digest(&self.rules)),
            ("routes", digest(&self.route)),
            ("numbers", digest(&self.number)),
            ("history", digest(&self.history)),
            ("webhooks", digest(&self.webhooks)),
            ("redis", digest(&self.redis.wait_replicas)),
            ("database", digest(&self.database.identity())),
        ];
        let of_smsc = |smsc: &Arc<Smsc>| {
            let mut settings = smsc.settings(|_| true);
            settings.retain(|setting| !OF_THE_HOST.contains(&setting.key));
            (format!("smsc {}", smsc.name), digest(&settings))
        };
        let parts = parts.into_iter().map(|(part, digest)| (part.to_owned(), digest));
        parts.chain(self.smsc.iter().map(of_smsc)).collect()
    }

    /// What else differs, by name.
    pub(crate) fn other_changes(&self, other: &Self) -> Others {
        let listeners = [
            ("api", self.api.tls == other.api.tls),
            ("admin", self.admin.tls == other.admin.tls),
        ];
        let changed = listeners.into_iter().filter(|(_, same)| !same);
        Others {
            routes: names((&self.route, &other.route), |route| route.name.clone()),
            rules: names((self.rules.packs(), other.rules.packs()), |pack: &Arc<Pack>| {
                pack.name.clone()
            }),
            numbers: names((&self.number, &other.number), |number| number.number.to_string()),
            certificates: changed.map(|(name, _)| name.to_owned()).collect(),
        }
    }
}

/// Of one version the same for what is the same.
fn digest(part: &impl fmt::Debug) -> String {
    let digest = Sha256::digest(format!("{part:?}"));
    digest[..4].iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The names of what does not stand in both at the same place with the same contents, each once.
fn names<T: PartialEq>((before, now): (&[T], &[T]), name: impl Fn(&T) -> String) -> Vec<String> {
    let lacks = |all: &[T], at: usize, one: &T| all.get(at) != Some(one);
    let gone = before.iter().enumerate().filter(|(at, one)| lacks(now, *at, one));
    let new = now.iter().enumerate().filter(|(at, one)| lacks(before, *at, one));
    let mut names: Vec<String> = Vec::new();
    for (_, one) in gone.chain(new) {
        let name = name(one);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("routes", &self.routes),
            ("rules", &self.rules),
            ("numbers", &self.numbers),
            ("certificates", &self.certificates),
        ];
        let named = kinds.into_iter().filter(|(_, names)| !names.is_empty());
        let named: Vec<String> = named
            .map(|(kind, names)| format!("{kind} {}", names.join(" ")))
            .collect();
        f.write_str(&named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SMSC: &str = "[[smsc]]\nname = \"north\"\naddress = \"h:1\"\nsystem_id = \"s\"\npassword = \"\"\n";

    fn config(lines: &str) -> Config {
        Config::parse(&format!("{lines}\n{SMSC}"), Path::new("campanile.toml"), []).unwrap()
    }

    #[test]
    fn what_needs_a_restart_is_named_with_its_values_but_for_secrets() {
        let before = config("[engine]\nshutdown_timeout = \"30s\"\n[redis]\nurl = \"redis://:hidden@h:1\"\n[metrics]");
        let now = config(
            "[engine]\nshutdown_timeout = \"1m\"\n[redis]\nurl = \"redis://:other@h:1\"\n[metrics]\ntenants = 7",
        );
        assert_eq!(
            before.fixed_changes(&now),
            [
                "[redis] url",
                "[engine] shutdown_timeout (was \"30s\", is \"1m\")",
                "[metrics] tenants (was left out, is 7)"
            ]
        );
        assert_eq!(now.fixed_changes(&now), [""; 0]);
        assert!(!format!("{now:?}").contains("other@"), "{now:?}");
    }

    #[test]
    fn parts_that_all_engines_have_the_same_are_told_apart_but_for_what_is_the_hosts_own() {
        let own = config("[engine]\nshutdown_timeout = \"30s\"").digests();
        let parts: Vec<&str> = own.keys().map(String::as_str).collect();
        assert_eq!(
            parts,
            [
                "database",
                "engine",
                "history",
                "numbers",
                "redis",
                "retention",
                "routes",
                "rules",
                "smsc north",
                "webhooks"
            ]
        );
        assert_eq!(
            config("[engine]\nshutdown_timeout = \"1m\"\n[api]\nlisten = \"127.0.0.1:9\"").digests(),
            own
        );
        let other = config("[engine]\nreceipt_timeout = \"48h\"\n[rules]\npacks = []").digests();
        let differing = own.iter().filter(|(part, digest)| other.get(*part) != Some(digest));
        assert_eq!(differing.map(|(part, _)| part).collect::<Vec<_>>(), ["engine", "rules"]);
        let elsewhere = |lines: &str| {
            let smsc = SMSC.replace("h:1", "other:1").replace("password = \"\"", lines);
            Config::parse(&smsc, Path::new("campanile.toml"), []).unwrap().digests()
        };
        assert_eq!(elsewhere("password = \"other\""), own);
        assert_ne!(elsewhere("password = \"\"\nrate = \"9/s\""), own);
    }

    #[test]
    fn routes_and_packs_that_differ_are_named() {
        let route = |prefix: &str| {
            format!(
                "[[route]]\nname = \"fr\"\nprefixes = [\"{prefix}\"]\nsmscs = [{{ name = \"north\" }}]\n[[route]]\nname = \"all\"\nsmscs = [{{ name = \"north\" }}]"
            )
        };
        let before = config(&route("33"));
        let now = config(&format!("{}\n[rules]\npacks = []", route("336")));
        let others = before.other_changes(&now);
        assert_eq!(others.to_string(), "routes fr, rules fr-seed");
        assert_eq!(before.other_changes(&before), Others::default());
    }
}
