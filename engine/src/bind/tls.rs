//! TLS to an SMSC: what we show, and each way in which it can fail, in words that say what to do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::UnixTime;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, Error, SignatureScheme};
use thiserror::Error as ThisError;

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
    pub(super) fn new(identity: Option<Arc<CertifiedKey>>) -> Self {
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
        CertificateError::BadSignature => {
            let other = "its signature is not of the authority of that name that is trusted here (tls.ca_file)";
            TlsFault::BadCertificate(other.to_owned())
        }
        CertificateError::ExpiredContext { not_after, .. } => TlsFault::Expired(format!("on {}", day(not_after))),
        CertificateError::NotValidYetContext { not_before, .. } => {
            TlsFault::NotYetValid(format!("before {}", day(not_before)))
        }
        CertificateError::Expired => TlsFault::Expired(fault.to_string()),
        CertificateError::NotValidYet => TlsFault::NotYetValid(fault.to_string()),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::WrongName(fault.to_string())
        }
        other => TlsFault::BadCertificate(crate::config::certificate_fault(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_of_the_same_name_is_another_one() {
        let fault = Asked::new(None).fault(&Error::InvalidCertificate(CertificateError::BadSignature));
        assert!(fault.to_string().contains("(tls.ca_file)"), "{fault}");
    }

    #[test]
    fn what_the_server_asked_for_says_what_its_refusal_means() {
        let asked = Asked::new(None);
        let alert = |alert| asked.fault(&Error::AlertReceived(alert));
        let (failure, required) = (
            AlertDescription::HandshakeFailure,
            AlertDescription::CertificateRequired,
        );
        assert_eq!(alert(failure), TlsFault::Alert(failure));
        assert_eq!(asked.fault(&Error::HandshakeNotComplete), TlsFault::Closed);
        assert_eq!(alert(required), TlsFault::CertificateWanted("certificate required"));
        assert!(asked.resolve(&[], &[]).is_none());
        assert_eq!(alert(failure), TlsFault::CertificateWanted("handshake failure"));
        let quietly = TlsFault::CertificateWanted("it closed the connection after it had asked");
        assert_eq!(asked.fault(&Error::HandshakeNotComplete), quietly);
        assert_eq!(asked.refused_quietly(), Some(quietly));
    }
}
