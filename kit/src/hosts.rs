//! What a request's `Host` says of who asks.

use std::net::IpAddr;

/// Whether a `Host`, with its port if it has one, is an IP address or localhost. Any other name may be somebody's who has it point here, so
/// that a page of theirs in a browser of this machine asks in their name (DNS rebinding).
#[must_use]
pub fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        let is_port = port.bytes().all(|digit| digit.is_ascii_digit());
        if is_port { name } else { host }
    });
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_are_local_and_names_are_not() {
        for host in [
            "127.0.0.1:2780",
            "127.0.0.1",
            "[::1]:2780",
            "localhost:2780",
            "localhost",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "evil.example:2780",
            "evil.example",
            "localhost.evil.example",
            "",
            "127.0.0.1.nip.io:80",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
