//! From a TCP connection to a TLS session.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Error};
use tokio::net::TcpStream;

use super::tls::{Asked, TlsFault};
use super::transport::TlsStream;
use crate::config;

/// A TLS session over a fresh connection to the host of that name.
pub(super) async fn secure(stream: TcpStream, tls: &config::Tls, host: &str) -> io::Result<TlsStream> {
    let asked = Asked::new(tls.identity().cloned());
    let other = |error: Error| TlsFault::Other(error.to_string());
    let config = ClientConfig::builder_with_provider(config::Tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(other)?
        .with_root_certificates(tls.roots().clone())
        .with_client_cert_resolver(Arc::new(asked.clone()));
    let name = match tls.server_name() {
        Some(name) => name.clone(),
        None => ServerName::try_from(host.to_owned()).map_err(|error| TlsFault::Other(error.to_string()))?,
    };
    let connection = ClientConnection::new(Arc::new(config), name).map_err(other)?;
    let mut secured = TlsStream::new(stream, connection, asked);
    secured.shake_hands().await?;
    Ok(secured)
}
