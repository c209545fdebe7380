//! TLS towards the SMSC.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Whom to trust, and which name must be in the certificate.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(super) configuration: Arc<ClientConfig>,
    pub(super) name: String,
}

impl Tls {
    /// Trusts the certificates of a PEM file, and nobody else: a load test knows whom it tests.
    ///
    /// # Errors
    /// The file cannot be read or has no certificate.
    pub(crate) fn trusting(roots: &Path, name: String) -> Result<Self> {
        let file = || format!("--tls-ca {}", roots.display());
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(roots).with_context(file)? {
            store.add(certificate.with_context(file)?).with_context(file)?;
        }
        ensure!(!store.is_empty(), "{}: there is no certificate in it", file());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let configuration = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self {
            configuration: Arc::new(configuration),
            name,
        })
    }
}
