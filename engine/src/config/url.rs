//! Where a server is: a URL, with a password that may stand in a file of its own.

use kit::settings::Table;
use url::Url;

use super::value::{self, Secret};

/// Longer than any that people or key stores make.
const PASSWORD_OCTETS_MAX: usize = 1_024;

/// `url` with the password of `password_file`, if there is one. `alone`: what is wrong with a password without a URL.
pub(super) fn read(table: &Table<'_>, schemes: &[&str], alone: &str) -> Option<Secret> {
    let (url, password) = read_with_password(table, schemes, alone);
    let url = url?;
    let Some(password) = password else {
        return Some(Secret::new(url));
    };
    match with_password(&url, &password) {
        Ok(whole) => Some(Secret::new(whole)),
        Err(problem) => {
            table.fault_of_value("password_file", problem);
            None
        }
    }
}

/// `url`, and the password of `password_file`.
pub(super) fn read_with_password(table: &Table<'_>, schemes: &[&str], alone: &str) -> (Option<String>, Option<String>) {
    let allowed = format!("a URL that begins with {}", schemes.join(" or "));
    let url = table.secret("url", allowed, |given| {
        let ours = |text: &&str| schemes.iter().any(|scheme| text.starts_with(scheme));
        given.text().filter(ours)
    });
    let url = url.filter(|url| match wrong_part(url) {
        Some(problem) => {
            table.fault("url", problem);
            false
        }
        None => true,
    });
    let password = password(table, "password_file");
    if password.is_some() && !table.has("url") {
        table.fault_of_value("password_file", alone);
    }
    (url.map(str::to_owned), password)
}

/// What is wrong with the URL of one server; never with the password that may be in it.
fn wrong_part(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    // Those of several hosts are taken apart elsewhere.
    if scheme.contains('-') {
        return None;
    }
    if scheme.ends_with("unix") {
        return rest
            .split('?')
            .next()
            .unwrap_or_default()
            .is_empty()
            .then(|| format!("has no path: {scheme}:///path/of/redis.sock is allowed"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    if !authority.contains('@') && rest[authority.len()..].contains('@') {
        let quoted = "a password is written with %2F for /, %3F for ?, %23 for # and %40 for @";
        return Some(format!(
            "has no host and port behind its first @: {quoted}, or stands in password_file"
        ));
    }
    let port = place
        .rsplit_once(':')
        .map(|(_, port)| port)
        .filter(|port| !port.ends_with(']'));
    if let Some(port) = port.filter(|port| port.parse::<u16>().ok().is_none_or(|port| port == 0)) {
        return Some(format!("{port:?} is not allowed as its port: 1 to 65535"));
    }
    if place.is_empty() && scheme.starts_with("redis") {
        return Some("has no host: a host and a port, such as 127.0.0.1:6379, are allowed".to_owned());
    }
    match Url::parse(text) {
        Err(error) => Some(format!("{place:?} is not allowed as its host and port: {error}")),
        Ok(url) if scheme.starts_with("redis") => {
            let database = url.path().trim_matches('/');
            let is_number = database.bytes().all(|digit| digit.is_ascii_digit());
            let wrong = !is_number || (!database.is_empty() && database.parse::<u16>().is_err());
            wrong.then(|| format!("{database:?} is not allowed as its database: a whole number, such as 0"))
        }
        Ok(_) => None,
    }
}

/// The password in the file that a key names.
pub(super) fn password(table: &Table<'_>, key: &'static str) -> Option<String> {
    value::password_of_file(
        table,
        key,
        |password| (1..=PASSWORD_OCTETS_MAX).contains(&password.len()) && !password.contains(char::is_control),
        &format!("a password of 1 to {PASSWORD_OCTETS_MAX} octets"),
    )
}

/// The URL with a password in it: behind the user of a server over TCP, among the parameters of a socket.
pub(super) fn with_password(text: &str, password: &str) -> Result<String, &'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_is_wrong_is_named_and_the_password_is_not() {
        for (url, said) in [
            (
                "redis://:secret@127.0.0.1:99999/0",
                "\"99999\" is not allowed as its port",
            ),
            ("postgres://u:secret@h:99999/x", "\"99999\" is not allowed as its port"),
            ("postgres://u:secret@h:0/x", "\"0\" is not allowed as its port"),
            ("redis://:secret@h:port", "\"port\" is not allowed as its port"),
            ("rediss://u:secret@[::1/0", "as its host and port"),
            ("redis://:secret@h:1/main", "\"main\" is not allowed as its database"),
            ("redis://:secret@/0", "has no host"),
            ("redis://:sec/ret@h:1/0", "%2F"),
            ("unix://?db=1", "has no path"),
        ] {
            let problem = wrong_part(url).unwrap_or_else(|| panic!("{url} is taken"));
            assert!(problem.contains(said), "{url}: {problem}");
            assert!(!problem.contains("sec"), "{url}: {problem}");
        }
        for url in [
            "redis://h",
            "redis://u:p%2F@h:6379/15",
            "rediss://[::1]:7000",
            "redis+unix:///r.sock",
            "postgres://u@h/d?sslmode=require",
            "postgresql:///d?host=/run/postgresql",
            "redis-cluster://a:1,b:2",
        ] {
            assert_eq!(wrong_part(url), None, "{url}");
        }
    }

    #[test]
    fn a_password_is_quoted_where_a_url_has_it() {
        let with = |url: &str| with_password(url, "p@s:s/%41 é").unwrap();
        assert_eq!(with("redis://h:1/2"), "redis://:p%40s%3As%2F%2541%20%C3%A9@h:1/2");
        assert_eq!(with("rediss://u@h"), "rediss://u:p%40s%3As%2F%2541%20%C3%A9@h");
        assert_eq!(with("postgres://u@h/d"), "postgres://u:p%40s%3As%2F%2541%20%C3%A9@h/d");
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
