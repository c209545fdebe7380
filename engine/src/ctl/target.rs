//! Where an engine's operators' listener is, how it is trusted, and what is shown to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError};
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::failure::Failure;
use crate::config::{Config, Console, Tls, certificate_fault, pem_fault};

/// An engine on this network is there within this, or not at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How a listener with TLS is asked.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "For a listener with TLS")]
pub(crate) struct Trust {
    /// The authorities that may have issued its certificate, PEM. Default: CAMPANILE_ADMIN_CA, or admin.tls.ca_file of the
    /// configuration, or those that this machine trusts.
    #[arg(long, value_name = "FILE")]
    admin_ca: Option<PathBuf>,
    /// The certificate to show to it, PEM. Default: CAMPANILE_ADMIN_CERTIFICATE, or that of admin.tls.
    #[arg(long, value_name = "FILE", requires = "admin_key")]
    admin_certificate: Option<PathBuf>,
    /// The key of that certificate, PEM. Default: CAMPANILE_ADMIN_KEY, or that of admin.tls.
    #[arg(long, value_name = "FILE", requires = "admin_certificate")]
    admin_key: Option<PathBuf>,
}

/// A listener that can be asked.
pub(super) struct Target {
    /// `http://` or `https://`, host and port.
    base: String,
    /// Where that host is, when it is not what its name says.
    at: Option<SocketAddr>,
    trust: Trust,
}

impl Target {
    /// At a URL that somebody gave in that way.
    pub(super) fn of_url(url: &str, given_as: &str, trust: Trust) -> Result<Self, Failure> {
        let base = base_of(url, given_as)?;
        Ok(Self { base, at: None, trust })
    }

    /// That of a configuration; what `trust` says goes before it.
    pub(super) fn of_config(config: &Config, trust: Trust) -> Self {
        let at = reachable(config.admin.listen);
        let Some(tls) = &config.admin.tls else {
            return Self {
                base: format!("http://{at}"),
                at: None,
                trust,
            };
        };
        let files = tls.files();
        let identity = tls
            .wants_certificates()
            .then(|| (files.certificate.clone(), files.key.clone()));
        let (certificate, key) = identity.unzip();
        let has_own = trust.admin_certificate.is_some();
        let host = match files.server_name.as_deref() {
            Some(name) if name.parse::<Ipv6Addr>().is_ok() => format!("[{name}]:{}", at.port()),
            Some(name) => format!("{name}:{}", at.port()),
            None => at.to_string(),
        };
        Self {
            base: format!("https://{host}"),
            at: Some(at),
            trust: Trust {
                admin_ca: trust.admin_ca.or_else(|| files.authorities.clone()),
                admin_certificate: trust.admin_certificate.or(certificate),
                admin_key: if has_own { trust.admin_key } else { key },
            },
        }
    }

    /// `http://` or `https://`, host and port.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Who asks it, and waits so long for an answer.
    pub(super) fn agent(&self, answer_within: Duration) -> Result<Agent, Failure> {
        let mut settings = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_WITHIN.min(answer_within)))
            .timeout_global(Some(answer_within))
            // Operators' listeners are near: a proxy for the world outside has no say.
            .proxy(None);
        if self.base.starts_with("https://") {
            settings = settings.tls_config(self.trust.settings()?);
        }
        let resolver = At(self.at);
        Ok(Agent::with_parts(
            settings.build(),
            DefaultConnector::default(),
            resolver,
        ))
    }

    /// Why there is no answer, when it is for TLS that there is none.
    pub(super) fn problem(error: &ureq::Error) -> Option<String> {
        let ureq::Error::Io(error) = error else { return None };
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(words(error))
    }
}

impl Trust {
    /// What arguments do not say, the environment does.
    pub(super) fn with_environment(&self, console: &Console) -> Result<Self, Failure> {
        let own = self.admin_certificate.is_some();
        let trust = Self {
            admin_ca: self.admin_ca.clone().or_else(|| console.admin_ca.clone()),
            admin_certificate: self
                .admin_certificate
                .clone()
                .or_else(|| console.admin_certificate.clone()),
            admin_key: if own {
                self.admin_key.clone()
            } else {
                console.admin_key.clone()
            },
        };
        if trust.admin_certificate.is_some() == trust.admin_key.is_some() {
            return Ok(trust);
        }
        Err(Failure::Usage(
            "CAMPANILE_ADMIN_CERTIFICATE and CAMPANILE_ADMIN_KEY go together: set both, or none".to_owned(),
        ))
    }

    fn settings(&self) -> Result<TlsConfig, Failure> {
        let roots = match &self.admin_ca {
            Some(file) => certificates(file)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        let identity = match (&self.admin_certificate, &self.admin_key) {
            (Some(certificate), Some(key)) => Some(identity(certificate, key)?),
            (Some(_) | None, _) => None,
        };
        let settings = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&owned(&roots)))
            .client_cert(identity)
            .unversioned_rustls_crypto_provider(Tls::provider());
        Ok(settings.build())
    }
}

/// Whatever the name of the host is, it is there.
#[derive(Debug)]
struct At(Option<SocketAddr>);

impl Resolver for At {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        match self.0 {
            Some(address) => {
                let mut known = self.empty();
                known.push(address);
                Ok(known)
            }
            None => DefaultResolver::default().resolve(uri, config, timeout),
        }
    }
}

/// The URL without what follows its address.
fn base_of(url: &str, given_as: &str) -> Result<String, Failure> {
    let is_address =
        |rest: &str| !rest.is_empty() && !rest.contains(['/', '?', '#', '@']) && !rest.contains(char::is_whitespace);
    for scheme in ["http://", "https://"] {
        let rest = url.strip_prefix(scheme).map(|rest| rest.trim_end_matches('/'));
        if let Some(address) = rest.filter(|rest| is_address(rest)) {
            return Ok(format!("{scheme}{address}"));
        }
    }
    Err(Failure::Usage(format!(
        "{given_as}: {url:?} is not allowed: http:// or https:// with a host and a port, such as http://127.0.0.1:9090"
    )))
}

/// Where what listens everywhere is reached from here.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if !listen.ip().is_unspecified() {
        return listen;
    }
    let here = match listen.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(here, listen.port())
}

fn owned(certificates: &[CertificateDer<'_>]) -> Vec<Certificate<'static>> {
    let own = |certificate: &CertificateDer<'_>| Certificate::from_der(certificate).to_owned();
    certificates.iter().map(own).collect()
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let octets = read(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&octets).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Failure::Usage(format!("{} has no certificates in PEM", file.display()))),
        Err(error) => {
            let (file, why) = (file.display(), pem_fault(&error));
            Err(Failure::Usage(format!("{file} has no certificates in PEM: {why}")))
        }
    }
}

/// What is shown, if the key is that of the certificate.
fn identity(certificate: &Path, key: &Path) -> Result<ClientCert, Failure> {
    let (chain, octets) = (certificates(certificate)?, read(key)?);
    let unusable = |why: String| {
        let (certificate, key) = (certificate.display(), key.display());
        Failure::Usage(format!("{certificate} with {key} cannot be shown: {why}"))
    };
    let secret = PrivateKeyDer::from_pem_slice(&octets).map_err(|_| unusable("no private key in PEM".to_owned()))?;
    let checked = CertifiedKey::from_der(chain.clone(), secret, &Tls::provider());
    checked.map_err(|error| unusable(error.to_string()))?;
    let secret = PrivateKey::from_pem(&octets).map_err(|error| unusable(error.to_string()))?;
    Ok(ClientCert::new_with_certs(&owned(&chain), secret))
}

fn read(file: &Path) -> Result<Arc<[u8]>, Failure> {
    let octets = std::fs::read(file);
    octets
        .map(Arc::from)
        .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))
}

#[allow(clippy::wildcard_enum_match_arm, reason = "rustls' enums, which may grow")]
fn words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate comes from an authority that is not trusted here: name that with --admin-ca, \
             CAMPANILE_ADMIN_CA or admin.tls.ca_file"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(
            fault @ (CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }),
        ) => format!("its certificate is for another name: {fault}; name that with --admin or admin.tls.server_name"),
        rustls::Error::InvalidCertificate(fault) => {
            format!("its certificate is no good: {}", certificate_fault(fault))
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it wants a certificate: --admin-certificate and --admin-key".to_owned()
        }
        rustls::Error::AlertReceived(alert) => format!("it ended TLS: {alert:?}"),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS: ask it with http://".to_owned(),
        other => format!("TLS failed: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(base_of("http://h:1/", "--admin").unwrap(), "http://h:1");
        assert_eq!(base_of("https://h:1", "--admin").unwrap(), "https://h:1");
        for url in [
            "ftp://h:1",
            "h:1",
            "http://",
            "http://h:1/v1",
            "https://u@h:1",
            "http://h 1",
        ] {
            let said = base_of(url, "--admin").unwrap_err().to_string();
            assert!(said.contains("--admin") && said.contains(url), "{said}");
        }
    }

    #[test]
    fn what_listens_everywhere_is_reached_here() {
        let reached = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:9090"), "127.0.0.1:9090");
        assert_eq!(reached("[::]:9090"), "[::1]:9090");
        assert_eq!(reached("10.0.0.1:1"), "10.0.0.1:1");
    }
}
