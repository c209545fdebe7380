use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

use crate::model::{Certificate, Tls};

/// What every TLS session of an SMSC needs.
///
/// # Errors
/// A file is missing or is not what it should be; the error says which.
pub(crate) fn config(tls: &Tls) -> io::Result<Arc<ServerConfig>> {
    let (chain, key) = match &tls.certificate {
        Certificate::Files { certificate, key } => (certificates(certificate)?, private_key(key)?),
        Certificate::SelfSigned { names, expired } => self_signed(names, *expired)?,
    };
    let versions: &[_] = if tls.only_13 { &[&TLS13] } else { &[&TLS12, &TLS13] };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(invalid)?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(invalid)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(invalid)?)
        }
    };
    builder.with_single_cert(chain, key).map(Arc::new).map_err(invalid)
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&fs::read(path)?).collect();
    let chain = chain.map_err(|error| wrong(path, &error))?;
    if chain.is_empty() {
        return Err(wrong(path, &"it contains no certificate"));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(&fs::read(path)?).map_err(|error| wrong(path, &error))
}

fn self_signed(names: &[String], expired: bool) -> io::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let mut parameters = CertificateParams::new(names.to_vec()).map_err(invalid)?;
    parameters.distinguished_name.push(DnType::CommonName, "smpp-sim");
    // Far enough away that neither end comes in the lifetime of a test machine, or with a wrong clock.
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = if expired {
        date_time_ymd(2020, 1, 2)
    } else {
        date_time_ymd(2100, 1, 1)
    };
    let key = KeyPair::generate().map_err(invalid)?;
    let certificate = parameters.self_signed(&key).map_err(invalid)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| io::Error::other(error.to_owned()))?;
    Ok((vec![certificate.der().clone()], key))
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", path.display()))
}
