//! Whom this program may load: this machine, and the one host that somebody says they own.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};

/// The host of `HOST:PORT`, without the brackets of an IPv6 address.
///
/// # Errors
/// There is no port, or it is not a number.
pub(crate) fn host_of(target: &str) -> Result<String> {
    let wrong = || format!("--target {target:?}: HOST:PORT is wanted, as in 127.0.0.1:2775 or [::1]:2775");
    let (host, port) = target.rsplit_once(':').with_context(wrong)?;
    port.parse::<u16>().ok().filter(|port| *port > 0).with_context(wrong)?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    ensure!(!bare.is_empty(), wrong());
    Ok(bare.to_owned())
}

/// Lets `host` pass if it is this machine, or exactly the one that `owned` names.
///
/// # Errors
/// It is neither.
pub(crate) fn check(host: &str, owned: Option<&str>) -> Result<()> {
    // By name only what always is this machine: any other name may resolve to somebody else's.
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    ensure!(
        here || owned == Some(host),
        "{host} is not this machine. A load test of somebody else's SMSC is an attack, and its messages may reach people and cost \
         money. If it is yours, and no carrier is behind it, say so: --i-own {host}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_the_named_host_pass() {
        for here in ["127.0.0.1", "127.8.9.1", "::1", "localhost"] {
            assert!(check(here, None).is_ok(), "{here}");
        }
        assert!(check("smsc.example", Some("smsc.example")).is_ok());
        for (host, owned) in [
            ("smsc.example", None),
            ("smsc.example", Some("example")),
            ("smsc.example", Some("SMSC.example")),
            ("0.0.0.0", None),
            ("10.0.0.1", Some("10.0.0.2")),
        ] {
            let refusal = check(host, owned).unwrap_err().to_string();
            assert!(refusal.contains(&format!("--i-own {host}")), "{refusal}");
        }
    }

    #[test]
    fn targets_have_a_host_and_a_port() {
        assert_eq!(host_of("[::1]:2775").unwrap(), "::1");
        assert_eq!(host_of("localhost:1").unwrap(), "localhost");
        for wrong in ["localhost", ":1", "a:0", "a:70000", "a:b"] {
            assert!(host_of(wrong).is_err(), "{wrong}");
        }
    }
}
