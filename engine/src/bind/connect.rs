//! A connection to one of an SMSC's hosts, the next one when one fails.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::handshake::secure;
use super::tls::TlsFault;
use super::transport::Transport;
use crate::config;

/// The most addresses of one name that are tried: carriers' have two to four.
const ADDRESSES_MAX: usize = 16;

/// A connection over which a bind can go.
pub(super) struct Connected {
    pub(super) transport: Transport,
    /// Which of the configured addresses.
    pub(super) host: usize,
    pub(super) peer: Peer,
}

/// The other end of a connection, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    /// The address as it is configured, and as what it was resolved.
    pub(super) address: String,
    /// The version of TLS; `None` without.
    pub(super) tls: Option<String>,
    /// When its certificate's time is over, in seconds since 1970.
    pub(super) certificate_expiry: Option<i64>,
}

/// Why no host could be connected to.
#[derive(Debug, Default)]
pub(super) struct Unreachable {
    /// TCP did, and TLS did not.
    pub(super) is_tls: bool,
    /// For each address what went wrong.
    faults: Vec<String>,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.faults.join("; "))
    }
}

/// Tries the configured addresses from the `first` on, round to the one before it, and each address that a name has.
pub(super) async fn connect(smsc: &config::Smsc, first: usize) -> Result<Connected, Unreachable> {
    let mut unreachable = Unreachable::default();
    let count = smsc.link.addresses.len();
    for host in (0..count).map(|offset| (first + offset) % count) {
        let name = &smsc.link.addresses[host];
        let addresses = match resolve(smsc, name).await {
            Ok(addresses) => addresses,
            Err(error) => {
                unreachable.faults.push(format!("cannot resolve {name}: {error}"));
                continue;
            }
        };
        if let Some((transport, peer)) = open_one(smsc, (name, &addresses), &mut unreachable).await {
            return Ok(Connected { transport, host, peer });
        }
    }
    Err(unreachable)
}

/// The first address of a name that can be connected to.
async fn open_one(
    smsc: &config::Smsc,
    (name, addresses): (&str, &[SocketAddr]),
    unreachable: &mut Unreachable,
) -> Option<(Transport, Peer)> {
    for address in addresses {
        match open(smsc, name, *address).await {
            Ok(opened) => return Some(opened),
            Err((is_tls, fault)) => {
                unreachable.is_tls |= is_tls;
                unreachable.faults.push(fault);
            }
        }
    }
    None
}

async fn resolve(smsc: &config::Smsc, name: &str) -> io::Result<Vec<SocketAddr>> {
    let found = timeout(smsc.bind_timeout, lookup_host(name)).await;
    let addresses: Vec<_> = found
        .map_err(|_| io::Error::other(format!("no answer within {:?}", smsc.bind_timeout)))??
        .take(ADDRESSES_MAX)
        .collect();
    if addresses.is_empty() {
        return Err(io::Error::other("the name has no address"));
    }
    Ok(addresses)
}

/// On failure: whether it was TLS that failed, and what.
async fn open(smsc: &config::Smsc, name: &str, address: SocketAddr) -> Result<(Transport, Peer), (bool, String)> {
    let shown = shown(name, address);
    let limit = smsc.bind_timeout;
    let stream = match timeout(limit, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err((false, format!("cannot connect to {shown}: {error}"))),
        Err(_) => return Err((false, format!("no connection to {shown} within {limit:?}"))),
    };
    stream
        .set_nodelay(true)
        .map_err(|error| (false, format!("cannot set TCP_NODELAY: {error}")))?;
    let Some(tls) = &smsc.link.tls else {
        let peer = Peer {
            address: shown,
            ..Peer::default()
        };
        return Ok((Transport::Plain(stream), peer));
    };
    let secured = match timeout(limit, secure(stream, tls, config::host_of(name))).await {
        Ok(Ok(secured)) => secured,
        Ok(Err(error)) => {
            let fault = error
                .downcast()
                .unwrap_or_else(|error: io::Error| TlsFault::Other(error.to_string()));
            return Err((true, format!("no TLS with {shown}: {fault}")));
        }
        Err(_) => {
            let silence = format!("it did not answer within {limit:?}; perhaps it does not speak TLS at this port");
            return Err((true, format!("no TLS with {shown}: {silence}")));
        }
    };
    let connection = secured.connection();
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    let peer = Peer {
        address: shown,
        tls: connection
            .protocol_version()
            .and_then(|version| version.as_str())
            .map(|version| version.replace("TLSv1_", "1.")),
        certificate_expiry: certificate.and_then(config::certificate_expiry),
    };
    Ok((Transport::Tls(Box::new(secured)), peer))
}

/// The name with its address, unless it is one.
fn shown(name: &str, address: SocketAddr) -> String {
    match name.parse::<SocketAddr>() {
        Ok(_) => name.to_owned(),
        Err(_) => format!("{name} ({})", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn every_address_of_a_name_is_tried() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let away = nobody.local_addr().unwrap();
        drop(nobody);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let smsc = config::Smsc::new("north", "smpp.example.net:2775", "campanile");
        let mut unreachable = Unreachable::default();
        let name = "smpp.example.net:2775";
        let (_, peer) = open_one(&smsc, (name, &[away, there]), &mut unreachable).await.unwrap();
        assert_eq!(peer.address, "smpp.example.net:2775 (127.0.0.1)");
        let fault = unreachable.to_string();
        assert!(
            fault.starts_with("cannot connect to smpp.example.net:2775 (127.0.0.1): "),
            "{fault}"
        );
        assert!(open_one(&smsc, (name, &[away]), &mut unreachable).await.is_none());
    }
}
