//! `[redis]`: where everything is kept.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use kit::settings::Table;
use url::Url;

use super::value::{self, Secret};
use super::{PATH_ALLOWED, path};
use crate::domain::PARTITIONS_MAX;

/// Longer than any that people or key stores make.
const PASSWORD_OCTETS_MAX: usize = 1_024;

/// Percent of `maxmemory`. Below ten an empty server would be full.
const MARKS: RangeInclusive<u32> = 10..=100;

const SCHEMES: [&str; 4] = ["redis://", "rediss://", "redis+unix://", "unix://"];

/// `[redis]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redis {
    /// `url`: the server to use, with the password of `password_file`, if there is one. Absent: the engine starts one of its own,
    /// embedded.
    pub(crate) url: Option<Secret>,
    /// `data_dir`: where the embedded server keeps its data. Default `./data`.
    pub(crate) data_dir: PathBuf,
    /// `allow_loss`: use a server whose settings lose data (`appendonly no`, `appendfsync no`, a `maxmemory-policy` that
    /// evicts) instead of refusing it. Default `false`.
    pub(crate) allow_loss: bool,
    /// `intake_mark`: from this many percent of `maxmemory` no campaign, message or launch is taken in. Default 85.
    pub(crate) intake_mark: u32,
    /// `lease_mark`: from this many percent of `maxmemory` nothing more is sent; what was sent is still settled.
    /// Default 93; at least `intake_mark`.
    pub(crate) lease_mark: u32,
    /// `partitions`: how many parts live data is kept in; a power of two, fixed at a database's first use. Default 16.
    pub(crate) partitions: u16,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: None,
            data_dir: PathBuf::from("./data"),
            allow_loss: false,
            intake_mark: 85,
            lease_mark: 93,
            partitions: 16,
        }
    }
}

impl Redis {
    /// With its defaults where the table says nothing.
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Self::default();
        let redis = Self {
            url: read_url(table),
            data_dir: table.parsed("data_dir", PATH_ALLOWED, path).unwrap_or(default.data_dir),
            allow_loss: table.boolean("allow_loss", default.allow_loss),
            intake_mark: mark(table, "intake_mark", default.intake_mark),
            lease_mark: mark(table, "lease_mark", default.lease_mark),
            partitions: read_partitions(table).unwrap_or(default.partitions),
        };
        if redis.lease_mark < redis.intake_mark {
            let (lease, intake) = (redis.lease_mark, redis.intake_mark);
            table.fault(
                "lease_mark",
                format!("{lease} is not allowed with intake_mark = {intake}: {intake} to 100"),
            );
        }
        table.finish();
        redis
    }
}

fn read_url(table: &Table<'_>) -> Option<Secret> {
    let allowed = format!("a URL that begins with {}", SCHEMES.join(" or "));
    let url = table.secret("url", allowed, |given| {
        let ours = |text: &&str| SCHEMES.iter().any(|scheme| text.starts_with(scheme));
        given.text().filter(ours)
    });
    let password = value::password_of_file(
        table,
        |password| (1..=PASSWORD_OCTETS_MAX).contains(&password.len()) && !password.contains(char::is_control),
        &format!("a password of 1 to {PASSWORD_OCTETS_MAX} octets"),
    );
    let (Some(url), Some(password)) = (url, password) else {
        if url.is_none() && table.has("password_file") && !table.has("url") {
            table.fault(
                "password_file",
                "stands without url: the embedded server is nobody else's, and has no password",
            );
        }
        return url.map(Secret::new);
    };
    match with_password(url, &password) {
        Ok(whole) => Some(Secret::new(whole)),
        Err(problem) => {
            table.fault("password_file", problem);
            None
        }
    }
}

/// The URL with a password in it: behind the user of a server over TCP, among the parameters of a socket.
fn with_password(text: &str, password: &str) -> Result<String, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "stands beside a url that is none")?;
    let over_socket = !url.has_host();
    if url.password().is_some() || url.query_pairs().any(|(key, _)| over_socket && key == "pass") {
        return Err("stands beside a url with a password: give one of them");
    }
    if over_socket {
        url.query_pairs_mut().append_pair("pass", password);
    } else {
        // What else has a meaning in a URL is quoted by `set_password`.
        url.set_password(Some(&password.replace('%', "%25")))
            .map_err(|()| "stands beside a url that can have no password")?;
    }
    Ok(url.into())
}

fn mark(table: &Table<'_>, key: &'static str, default: u32) -> u32 {
    let allowed = format!("percent of maxmemory, {} to {}", MARKS.start(), MARKS.end());
    let mark = table.parsed(key, allowed, |given| {
        let percent = u32::try_from(given.whole()?).ok()?;
        MARKS.contains(&percent).then_some(percent)
    });
    mark.unwrap_or(default)
}

fn read_partitions(table: &Table<'_>) -> Option<u16> {
    table.parsed(
        "partitions",
        format!("a power of two, 1 to {PARTITIONS_MAX}"),
        |given| {
            let count = u16::try_from(given.whole()?).ok()?;
            (count.is_power_of_two() && count <= PARTITIONS_MAX).then_some(count)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_quoted_where_a_url_has_it() {
        let with = |url: &str| with_password(url, "p@s:s/%41 é").unwrap();
        assert_eq!(with("redis://h:1/2"), "redis://:p%40s%3As%2F%2541%20%C3%A9@h:1/2");
        assert_eq!(with("rediss://u@h"), "rediss://u:p%40s%3As%2F%2541%20%C3%A9@h");
        assert_eq!(
            with("unix:///r.sock?db=1"),
            "unix:///r.sock?db=1&pass=p%40s%3As%2F%2541+%C3%A9"
        );
        for url in ["redis://:x@h", "unix:///r.sock?pass=x"] {
            assert!(
                with_password(url, "p").unwrap_err().contains("give one of them"),
                "{url}"
            );
        }
        assert!(with_password("redis://[", "p").is_err());
    }
}
