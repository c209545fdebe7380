//! TLS to an SMSC: the handshake, and each way in which it can fail, in words that say what to do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, SignatureScheme};
use thiserror::Error as ThisError;
use tokio::net::TcpStream;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::transport::TlsStream;
use crate::config;

/// Why there is no TLS session with an SMSC, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub(super) enum TlsFault {
    #[error(
        "its certificate comes from an authority that is not trusted here (tls.ca_file names the one that it comes from)"
    )]
    UnknownIssuer,
    #[error("its certificate is for another name: {0} (tls.server_name says which is expected)")]
    WrongName(String),
    #[error("its certificate has expired: {0}")]
    Expired(String),
    #[error("its certificate is not valid yet: {0}")]
    NotYetValid(String),
    #[error("its certificate is no good: {0}")]
    BadCertificate(String),
    #[error("it does not speak TLS at this port")]
    NoTls,
    #[error("it closed the connection in the middle of the TLS handshake; perhaps it does not speak TLS at this port")]
    Closed,
    #[error("it wants a certificate of ours (tls.certificate_file and tls.key_file): {0}")]
    CertificateWanted(&'static str),
    #[error("it does not accept our certificate: {0}")]
    CertificateRefused(&'static str),
    #[error("it ended TLS: {0:?}")]
    Alert(AlertDescription),
    #[error("TLS failed: {0}")]
    Other(String),
}

impl From<TlsFault> for io::Error {
    fn from(fault: TlsFault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}

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

/// When a certificate's time is over, in seconds since 1970; `None` if it cannot be read.
pub(super) fn expiry(certificate: &CertificateDer<'_>) -> Option<i64> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    i64::try_from(end.as_secs()).ok()
}

/// What we show when the SMSC asks for a certificate, and whether it did.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    identity: Option<Arc<CertifiedKey>>,
    was_asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _authorities: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        self.identity.clone()
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

impl Asked {
    fn new(identity: Option<Arc<CertifiedKey>>) -> Self {
        Self {
            identity,
            was_asked: Arc::default(),
        }
    }

    /// That connection closed without a reason before it was of use.
    pub(super) fn refused_quietly(&self) -> Option<TlsFault> {
        let closed = "it closed the connection after it had asked";
        self.was_asked.load(Ordering::Relaxed).then(|| self.refused(closed))
    }

    fn refused(&self, how: &'static str) -> TlsFault {
        match self.identity {
            Some(_) => TlsFault::CertificateRefused(how),
            None => TlsFault::CertificateWanted(how),
        }
    }

    /// What an error means for whoever has to do something about it.
    #[allow(clippy::wildcard_enum_match_arm, reason = "rustls' enum, which may grow")]
    pub(super) fn fault(&self, error: &Error) -> TlsFault {
        match error {
            Error::InvalidCertificate(fault) => certificate_fault(fault),
            Error::InvalidMessage(_) => TlsFault::NoTls,
            Error::HandshakeNotComplete => self.refused_quietly().unwrap_or(TlsFault::Closed),
            Error::AlertReceived(alert) => self.alert(*alert),
            other => TlsFault::Other(other.to_string()),
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "rustls' enum, which may grow")]
    fn alert(&self, alert: AlertDescription) -> TlsFault {
        let how = match alert {
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => "certificate required",
            AlertDescription::UnknownCA => "its authority is not known there",
            AlertDescription::CertificateExpired => "expired",
            AlertDescription::CertificateRevoked => "revoked",
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown => "bad certificate",
            AlertDescription::AccessDenied => "access denied",
            AlertDescription::DecryptError => "its signature does not fit",
            // What TLS 1.2 servers say to a client without a certificate.
            AlertDescription::HandshakeFailure if self.was_asked.load(Ordering::Relaxed) => "handshake failure",
            other => return TlsFault::Alert(other),
        };
        self.refused(how)
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "rustls' enum, which may grow")]
fn certificate_fault(fault: &CertificateError) -> TlsFault {
    let day = |time: &UnixTime| {
        let time = i64::try_from(time.as_secs()).ok();
        let time = time.and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map(|time| time.to_string()).unwrap_or_default()
    };
    match fault {
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
        CertificateError::ExpiredContext { not_after, .. } => TlsFault::Expired(format!("on {}", day(not_after))),
        CertificateError::NotValidYetContext { not_before, .. } => {
            TlsFault::NotYetValid(format!("before {}", day(not_before)))
        }
        CertificateError::Expired => TlsFault::Expired(fault.to_string()),
        CertificateError::NotValidYet => TlsFault::NotYetValid(fault.to_string()),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::WrongName(fault.to_string())
        }
        other => TlsFault::BadCertificate(other.to_string()),
    }
}
