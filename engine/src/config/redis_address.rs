//! `redis.url` and what goes with it: one server, a cluster, or the servers that sentinels watch.

use std::fmt;

use ::url::Url;
use kit::settings::{Given, Table};

use super::url::{self, with_password};
use super::value::Secret;
use super::{PATH_ALLOWED, tls};

/// How a URL begins, and what it then leads to.
const SCHEMES: [&str; 8] = [
    "redis://",
    "rediss://",
    "redis+unix://",
    "unix://",
    "redis-cluster://",
    "rediss-cluster://",
    "redis-sentinel://",
    "rediss-sentinel://",
];

/// Why a password needs a URL.
const WITHOUT_URL: &str = "stands without url: the embedded server is nobody else's, and has no password";

/// Where sentinels listen, unless the URL says otherwise.
const SENTINEL_PORT: u16 = 26_379;

/// Where a server listens, unless the URL says otherwise.
const SERVER_PORT: u16 = 6_379;

/// More than these need not be named: each tells of the others.
const NAMED_MAX: usize = 64;

/// Where Redis is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedisAddress {
    /// Which servers, and how they stand to each other.
    pub(crate) arrangement: Arrangement,
    /// What is special about their TLS. Absent: none, or authorities that this machine trusts.
    pub(crate) tls: Option<RedisTls>,
}

/// How the servers stand to each other. Each is a URL with user, password and database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// `redis://`: one, which is there or not.
    One(Secret),
    /// `redis-cluster://`: some masters of a cluster, which tell of the rest.
    Cluster(Vec<Secret>),
    /// `redis-sentinel://`: sentinels, and what their master is called.
    Sentinel {
        sentinels: Vec<Secret>,
        master: String,
        /// How the master is spoken to; its host means nothing.
        server: Secret,
    },
}

/// `ca_file`, `certificate_file` and `key_file`, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RedisTls {
    /// The authorities that may have issued the servers' certificates. Absent: those that this machine trusts.
    pub(crate) authorities: Option<Vec<u8>>,
    /// The certificate that we show, and its key.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for RedisTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTls")
            .field("authorities", &self.authorities.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

impl RedisAddress {
    /// One server, by its URL.
    pub(crate) fn one(url: impl Into<String>) -> Self {
        Self {
            arrangement: Arrangement::One(Secret::new(url)),
            tls: None,
        }
    }

    /// Everything of the table that says where Redis is. `None` without a URL: the embedded server.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let (url, password) = url::read_with_password(table, &SCHEMES, WITHOUT_URL);
        let sentinel_password = url::password(table, "sentinel_password_file");
        let tls = read_tls(table);
        for key in ["ca_file", "certificate_file", "key_file", "sentinel_password_file"] {
            if table.has(key) && !table.has("url") {
                table.fault_of_value(key, "has no effect without url: the embedded server is nobody else's");
            }
        }
        let url = url?;
        let scheme = url.split("://").next().unwrap_or_default();
        let is_tls = scheme.starts_with("rediss");
        for key in ["ca_file", "certificate_file", "key_file"] {
            if table.has(key) && !is_tls {
                table.fault_of_value(key, format!("has no effect with {scheme}://: TLS begins with rediss"));
            }
        }
        if sentinel_password.is_some() && !scheme.ends_with("-sentinel") {
            let problem = format!("has no effect with {scheme}://: sentinels are redis-sentinel://");
            table.fault_of_value("sentinel_password_file", problem);
        }
        let arrangement = arrangement(&url, password.as_deref(), sentinel_password.as_deref());
        let arrangement = arrangement.map_err(|wrong| match wrong {
            Wrong::Url(problem) => table.fault("url", problem),
            Wrong::Password(problem) => table.fault_of_value("password_file", problem),
        });
        Some(Self {
            arrangement: arrangement.ok()?,
            tls,
        })
    }

    /// How `redis-cli` is told where the server is, and what is to be known beside that. A password is asked for, never shown.
    pub(crate) fn redis_cli(&self) -> (String, Option<String>) {
        let tls = self.tls.as_ref();
        match &self.arrangement {
            Arrangement::One(url) => (redis_cli(url, tls), None),
            Arrangement::Cluster(urls) => {
                let first = urls.first().map(|url| redis_cli(url, tls));
                (first.unwrap_or_default(), Some("on each of its servers".to_owned()))
            }
            Arrangement::Sentinel {
                sentinels,
                master,
                server,
            } => {
                let sentinel = sentinels.first().map(|url| redis_cli(url, tls)).unwrap_or_default();
                let at_master = options(server, tls).join(" ");
                let where_it_is = format!("HOST and PORT: {sentinel} SENTINEL GET-MASTER-ADDR-BY-NAME {master}");
                let command = format!("redis-cli -h HOST -p PORT {at_master}");
                (command.trim_end().to_owned(), Some(where_it_is))
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn urls(&self) -> Vec<&str> {
        match &self.arrangement {
            Arrangement::One(url) => vec![url.reveal()],
            Arrangement::Cluster(urls) | Arrangement::Sentinel { sentinels: urls, .. } => {
                urls.iter().map(Secret::reveal).collect()
            }
        }
    }
}

/// What is wrong with an address; a URL is never quoted, since it may have a password.
#[derive(Debug)]
enum Wrong {
    Url(String),
    Password(&'static str),
}

fn arrangement(url: &str, password: Option<&str>, sentinel_password: Option<&str>) -> Result<Arrangement, Wrong> {
    let with = |url: String| match password {
        Some(password) => with_password(&url, password).map_err(Wrong::Password),
        None => Ok(url),
    };
    let Some((kind, rest)) = url
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme.split_once('-')?, rest)))
    else {
        return Ok(Arrangement::One(Secret::new(with(url.to_owned())?)));
    };
    let (scheme, kind) = kind;
    let parts = Parts::of(rest)?;
    let user = parts.user.map_or_else(String::new, |user| format!("{user}@"));
    if kind == "cluster" {
        if !parts.path.is_empty() && parts.path != "0" {
            return Err(Wrong::Url(format!(
                "\"/{}\" is not allowed: a cluster has one database, and nothing follows its servers",
                parts.path
            )));
        }
        let node = |host: &&str| Ok(Secret::new(with(server(scheme, &format!("{user}{host}"))?)?));
        return Ok(Arrangement::Cluster(
            parts.hosts.iter().map(node).collect::<Result<_, _>>()?,
        ));
    }
    let (master, database) = parts.path.split_once('/').unwrap_or((parts.path, "0"));
    if master.is_empty() || database.parse::<u16>().is_err() {
        return Err(Wrong::Url(format!(
            "\"/{}\" is not allowed: behind the sentinels stands what they call the master, and a database where it is not 0: \
             redis-sentinel://host:26379,host:26379/mymaster/0",
            parts.path
        )));
    }
    let sentinel = |host: &&str| {
        let mut url = server(scheme, host)?;
        if !has_port(&url) {
            url = format!("{url}:{SENTINEL_PORT}");
        }
        match sentinel_password {
            Some(password) => Ok(Secret::new(with_password(&url, password).map_err(Wrong::Password)?)),
            None => Ok(Secret::new(url)),
        }
    };
    Ok(Arrangement::Sentinel {
        sentinels: parts.hosts.iter().map(sentinel).collect::<Result<_, _>>()?,
        master: master.to_owned(),
        server: Secret::new(with(format!("{scheme}://{user}{}/{database}", parts.hosts[0]))?),
    })
}

/// What stands in a URL of several hosts.
struct Parts<'a> {
    user: Option<&'a str>,
    hosts: Vec<&'a str>,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Result<Self, Wrong> {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        let hosts: Vec<&str> = hosts.split(',').map(str::trim).collect();
        if hosts.len() > NAMED_MAX {
            return Err(Wrong::Url(format!("names {} hosts: 1 to {NAMED_MAX}", hosts.len())));
        }
        Ok(Self { user, hosts, path })
    }
}

/// The URL of one of several.
fn server(scheme: &str, host: &str) -> Result<String, Wrong> {
    let url = format!("{scheme}://{host}");
    let plain = host.rsplit('@').next().unwrap_or(host);
    match Url::parse(&url) {
        Ok(parsed) if parsed.has_host() && !plain.is_empty() && !plain.contains(['?', '#', '/']) => Ok(url),
        Ok(_) | Err(_) => Err(Wrong::Url(format!(
            "{plain:?} is not a host: hosts with their ports, between commas, such as 10.0.0.1:6379,10.0.0.2:6379"
        ))),
    }
}

fn redis_cli(url: &Secret, tls: Option<&RedisTls>) -> String {
    let parsed = Url::parse(url.reveal()).ok();
    let place = match &parsed {
        Some(url) => match url.host_str() {
            Some(host) if !host.is_empty() => {
                let host = host.trim_matches(['[', ']']);
                format!("-h {host} -p {}", url.port().unwrap_or(SERVER_PORT))
            }
            Some(_) | None => format!("-s {}", url.path()),
        },
        None => String::new(),
    };
    let words = ["redis-cli".to_owned(), place].into_iter().chain(options(url, tls));
    words.collect::<Vec<_>>().join(" ")
}

/// TLS, user and password as options; files by the names of their keys.
fn options(url: &Secret, tls: Option<&RedisTls>) -> Vec<String> {
    let Ok(url) = Url::parse(url.reveal()) else {
        return Vec::new();
    };
    let mut options = Vec::new();
    if url.scheme().starts_with("rediss") {
        options.push("--tls".to_owned());
        options.extend(
            tls.filter(|tls| tls.authorities.is_some())
                .map(|_| "--cacert CA_FILE".to_owned()),
        );
        let identity = tls.filter(|tls| tls.identity.is_some());
        options.extend(identity.map(|_| "--cert CERTIFICATE_FILE --key KEY_FILE".to_owned()));
    }
    let of_query = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let user = Some(url.username().to_owned()).filter(|user| !user.is_empty());
    if let Some(user) = user.or_else(|| of_query("user")) {
        options.push(format!("--user '{}'", user.replace('\'', "")));
    }
    if url.password().is_some() || of_query("pass").is_some() {
        options.push("--askpass".to_owned());
    }
    options
}

fn has_port(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.port().is_some())
}

fn read_tls(table: &Table<'_>) -> Option<RedisTls> {
    let pem = |key: &'static str| {
        let name = table.parsed(key, PATH_ALLOWED, Given::text)?;
        std::fs::read(table.file_beside(name)).ok()
    };
    let ca_file = table.parsed("ca_file", PATH_ALLOWED, Given::text);
    let authorities = ca_file.and_then(|name| tls::authorities(table, "ca_file", name).and(pem("ca_file")));
    let identity = tls::read_identity(table).and_then(|_| Some((pem("certificate_file")?, pem("key_file")?)));
    (authorities.is_some() || identity.is_some()).then_some(RedisTls { authorities, identity })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Arrangement, Wrong> {
        arrangement(url, None, None)
    }

    fn urls(arrangement: Arrangement) -> Vec<String> {
        let address = RedisAddress { arrangement, tls: None };
        address.urls().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn each_server_of_a_cluster_has_its_url() {
        let found = urls(read("rediss-cluster://u:p@10.0.0.1:6379,[::1]:7000,db").unwrap());
        assert_eq!(
            found,
            [
                "rediss://u:p@10.0.0.1:6379",
                "rediss://u:p@[::1]:7000",
                "rediss://u:p@db"
            ]
        );
        let found = urls(arrangement("redis-cluster://a:1,b:2", Some("p@"), None).unwrap());
        assert_eq!(found, ["redis://:p%40@a:1", "redis://:p%40@b:2"]);
    }

    #[test]
    fn sentinels_have_a_port_a_password_of_their_own_and_a_master() {
        let found = arrangement("redis-sentinel://u@s1:1,s2/main/2", Some("p"), Some("q")).unwrap();
        let Arrangement::Sentinel {
            sentinels,
            master,
            server,
        } = found
        else {
            panic!("{found:?}");
        };
        let sentinels: Vec<_> = sentinels.iter().map(Secret::reveal).collect();
        assert_eq!(sentinels, ["redis://:q@s1:1", "redis://:q@s2:26379"]);
        assert_eq!((master.as_str(), server.reveal()), ("main", "redis://u:p@s1:1/2"));
    }

    #[test]
    fn one_server_is_left_as_it_is_written() {
        assert_eq!(urls(read("redis://h/3").unwrap()), ["redis://h/3"]);
        assert_eq!(urls(read("unix:///r.sock?db=1").unwrap()), ["unix:///r.sock?db=1"]);
    }

    #[test]
    fn redis_cli_is_sent_to_the_same_server_and_asks_for_the_password() {
        for (url, command, note) in [
            ("redis://h/3", "redis-cli -h h -p 6379", None),
            (
                "rediss://u:secret@[::1]:7000",
                "redis-cli -h ::1 -p 7000 --tls --user 'u' --askpass",
                None,
            ),
            (
                "unix:///run/r.sock?db=1&pass=secret",
                "redis-cli -s /run/r.sock --askpass",
                None,
            ),
            (
                "redis-cluster://:secret@a:1,b:2",
                "redis-cli -h a -p 1 --askpass",
                Some("on each"),
            ),
            (
                "redis-sentinel://:secret@s:1/main",
                "redis-cli -h HOST -p PORT --askpass",
                Some("redis-cli -h s -p 1 SENTINEL GET-MASTER-ADDR-BY-NAME main"),
            ),
        ] {
            let arrangement = read(url).unwrap();
            let (found, said) = RedisAddress { arrangement, tls: None }.redis_cli();
            assert_eq!(found, command, "{url}");
            match (note, said) {
                (Some(note), Some(said)) => assert!(said.contains(note), "{url}: {said}"),
                (None, None) => {}
                (note, said) => panic!("{url}: {said:?}, not {note:?}"),
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_a_password() {
        for (url, said) in [
            ("redis-cluster://u:secret@a:1,,b:2", "\"\" is not a host"),
            ("redis-cluster://u:secret@a:99999", "\"a:99999\" is not a host"),
            ("redis-cluster://a:1/3", "one database"),
            ("redis-sentinel://u:secret@a:1", "what they call the master"),
            ("redis-sentinel://a:1/main/x", "what they call the master"),
            ("redis-sentinel://a:1?x=1/main", "is not a host"),
        ] {
            let Err(Wrong::Url(problem)) = read(url) else {
                panic!("{url} is read");
            };
            assert!(
                problem.contains(said) && !problem.contains("secret"),
                "{url}: {problem}"
            );
        }
    }
}
