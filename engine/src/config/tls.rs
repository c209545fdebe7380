//! `[smsc.tls]`: whom to trust, and who we are.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use kit::settings::{Given, Table};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, InconsistentKeys, RootCertStore};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::PATH_ALLOWED;

/// `tls`: an SMSC to which connections are secured by TLS, 1.2 at least. Revocation is not looked at.
#[derive(Clone)]
pub(crate) struct Tls {
    /// `ca_file`: the authorities that may have issued its certificate. Absent: those that this machine trusts.
    roots: Arc<RootCertStore>,
    /// `server_name`: the name that its certificate must be for, and that it is asked for (SNI). Absent: the host.
    server_name: Option<ServerName<'static>>,
    /// `certificate_file` and `key_file`: what we show when it asks for a certificate.
    identity: Option<Arc<CertifiedKey>>,
}

impl Tls {
    /// What does the cryptography.
    pub(crate) fn provider() -> Arc<CryptoProvider> {
        Arc::new(ring::default_provider())
    }

    /// See the field.
    pub(crate) fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    /// See the field.
    pub(crate) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    /// See the field.
    pub(crate) fn identity(&self) -> Option<&Arc<CertifiedKey>> {
        self.identity.as_ref()
    }

    fn chain(&self) -> Option<&[CertificateDer<'static>]> {
        self.identity.as_ref().map(|identity| identity.cert.as_slice())
    }

    /// `tls = true`, or `[smsc.tls]` with what is special about it.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        if table.is_table("tls") || table.is_probe() {
            let own = table.table("tls");
            let tls = read(&own);
            own.finish();
            return tls;
        }
        let on = table.boolean("tls", false);
        on.then(|| platform_roots(table, "tls")).flatten().map(|roots| Self {
            roots: Arc::new(roots),
            server_name: None,
            identity: None,
        })
    }
}

/// When a certificate's time is over, in seconds since 1970; `None` if it cannot be read.
pub(crate) fn certificate_expiry(certificate: &CertificateDer<'_>) -> Option<i64> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    i64::try_from(end.as_secs()).ok()
}

/// Two are the same if what was read from their files is.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.roots.roots == other.roots.roots && self.server_name == other.server_name && self.chain() == other.chain()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots.len())
            .field("server_name", &self.server_name)
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

/// `None` after a fault.
fn read(table: &Table<'_>) -> Option<Tls> {
    let roots = match table.parsed("ca_file", PATH_ALLOWED, Given::text) {
        Some(name) => authorities(table, "ca_file", name),
        None if table.has("ca_file") => None,
        None => platform_roots(table, ""),
    };
    let allowed = "a host name or an IP address, such as \"smpp.example.net\"";
    let server_name = table.parsed("server_name", allowed, |given| {
        ServerName::try_from(given.text()?.to_owned()).ok()
    });
    let identity = read_identity(table);
    Some(Tls {
        roots: Arc::new(roots?),
        server_name,
        identity,
    })
}

fn platform_roots(table: &Table<'_>, key: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() && !table.is_probe() {
        table.fault(
            key,
            "this machine trusts no authority (ca-certificates): name one with ca_file",
        );
        return None;
    }
    Some(roots)
}

/// The authorities in the file that a key names.
pub(super) fn authorities(table: &Table<'_>, key: &str, name: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(table, key, name)? {
        if let Err(error) = roots.add(certificate) {
            table.fault(key, format!("{name:?} has a certificate that cannot be used: {error}"));
            return None;
        }
    }
    Some(roots)
}

/// `certificate_file` with `key_file`.
pub(super) fn read_identity(table: &Table<'_>) -> Option<Arc<CertifiedKey>> {
    for (key, other) in [("certificate_file", "key_file"), ("key_file", "certificate_file")] {
        if table.has(key) && !table.has(other) {
            table.fault_of_value(key, format!("stands without {other}: give both"));
        }
    }
    let certificate = table.parsed("certificate_file", PATH_ALLOWED, Given::text);
    let key = table.parsed("key_file", PATH_ALLOWED, Given::text);
    let (certificate, key) = (certificate?, key?);
    let chain = certificates(table, "certificate_file", certificate);
    let secret = private_key(table, key);
    match CertifiedKey::from_der(chain?, secret?, &Tls::provider()) {
        Ok(identity) => Some(Arc::new(identity)),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            table.fault(
                "key_file",
                format!("{key:?} is not the key of the certificate in {certificate:?}"),
            );
            None
        }
        Err(error) => {
            table.fault(
                "key_file",
                format!("{key:?} with {certificate:?} cannot be used: {error}"),
            );
            None
        }
    }
}

fn certificates(table: &Table<'_>, key: &str, name: &str) -> Option<Vec<CertificateDer<'static>>> {
    let octets = contents(table, key, name)?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&octets).collect();
    let problem = match chain {
        Ok(chain) if !chain.is_empty() => return Some(chain),
        Ok(_) => "has no certificate in PEM".to_owned(),
        Err(error) => format!("has no certificates in PEM: {}", pem_fault(&error)),
    };
    table.fault(key, format!("{name:?} {problem}"));
    None
}

/// What is wrong with a file of certificates, in words.
#[allow(clippy::wildcard_enum_match_arm, reason = "another crate's enum, which may grow")]
pub(crate) fn pem_fault(error: &pem::Error) -> String {
    let line = |octets: &[u8]| String::from_utf8_lossy(octets).trim().to_owned();
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "it ends in the middle of one; is it cut off, or still being written?".to_owned()
        }
        pem::Error::IllegalSectionStart { line: begin } => format!("{:?} begins none", line(begin)),
        pem::Error::Base64Decode(_) => "what stands between its BEGIN and END is no base64".to_owned(),
        other => other.to_string(),
    }
}

/// Why a certificate that was shown to us is no good, in words that say what to do; of what nobody can do anything about, the name of it.
#[allow(clippy::wildcard_enum_match_arm, reason = "other crates' enums, which may grow")]
pub(crate) fn certificate_fault(fault: &CertificateError) -> String {
    let CertificateError::Other(other) = fault else {
        return match fault {
            CertificateError::BadEncoding => "it cannot be read".to_owned(),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "it is not meant for servers: its extendedKeyUsage lacks serverAuth".to_owned()
            }
            other => other.to_string(),
        };
    };
    match other.0.downcast_ref::<webpki::Error>() {
        // What `openssl req -x509` makes.
        Some(webpki::Error::CaUsedAsEndEntity) => {
            "it is that of an authority (basicConstraints CA:TRUE), which no server may show; have one made with CA:FALSE \
             (openssl req -x509 with -addext basicConstraints=critical,CA:FALSE), or by that authority"
                .to_owned()
        }
        Some(webpki::Error::UnsupportedCertVersion) => {
            "it is of X.509 version 1: one of version 3, with a subjectAltName, is needed".to_owned()
        }
        Some(other) => other.to_string(),
        None => other.0.to_string(),
    }
}

fn private_key(table: &Table<'_>, name: &str) -> Option<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(&contents(table, "key_file", name)?);
    if key.is_err() {
        table.fault("key_file", format!("{name:?} has no private key in PEM"));
    }
    key.ok()
}

/// Files lie beside the configuration unless their path is absolute.
fn contents(table: &Table<'_>, key: &str, name: &str) -> Option<Vec<u8>> {
    let path: &Path = &table.file_beside(name);
    match std::fs::read(path) {
        Ok(octets) => Some(octets),
        Err(error) => {
            table.fault(key, format!("{name:?} cannot be read: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use rustls::OtherError;

    use super::*;
    use crate::config::Config;

    #[test]
    fn a_certificates_time_is_read_and_what_is_none_has_none() {
        let mut parameters = CertificateParams::new(vec!["x".to_owned()]).unwrap();
        parameters.not_after = date_time_ymd(2031, 1, 1);
        let certificate = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(certificate_expiry(certificate.der()), Some(1_924_992_000));
        assert_eq!(certificate_expiry(&CertificateDer::from(vec![0x30, 0x03, 1, 2])), None);
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_words() {
        let fault = |error: webpki::Error| certificate_fault(&CertificateError::Other(OtherError(Arc::new(error))));
        let said = fault(webpki::Error::CaUsedAsEndEntity);
        assert!(said.contains("CA:FALSE") && !said.contains("CaUsed"), "{said}");
        let folder = folder("tls-cut", &["a"]);
        let whole = std::fs::read_to_string(folder.join("a.pem")).unwrap();
        std::fs::write(folder.join("a.pem"), &whole[..whole.len() / 2]).unwrap();
        let said = tls(&folder, "tls = { ca_file = \"a.pem\" }").unwrap_err();
        assert!(said.contains("cut off") && !said.contains("[67"), "{said}");
    }

    /// A folder with a certificate for each of these names, and its key.
    fn folder(test: &str, names: &[&str]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("campanile-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in names {
            let key = KeyPair::generate().unwrap();
            let parameters = CertificateParams::new(vec![(*name).to_owned()]).unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
            std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        folder
    }

    fn tls(folder: &Path, line: &str) -> Result<Option<Tls>, String> {
        tls_of("h", folder, line)
    }

    fn tls_of(host: &str, folder: &Path, line: &str) -> Result<Option<Tls>, String> {
        let account = format!("[[smsc]]\nname = \"n\"\naddress = \"{host}:1\"\nsystem_id = \"c\"\npassword = \"\"\n");
        let config = Config::parse(&format!("{account}{line}\n"), &folder.join("campanile.toml"), []);
        config
            .map(|config| config.smsc[0].link.tls.clone())
            .map_err(|faults| faults.to_string())
    }

    #[test]
    fn authorities_name_and_own_certificate_are_read_from_beside_the_configuration() {
        let folder = folder("tls-read", &["a", "b"]);
        let whole =
            "tls = { ca_file = \"a.pem\", server_name = \"x\", certificate_file = \"b.pem\", key_file = \"b.key\" }";
        let read = tls(&folder, whole).unwrap().unwrap();
        assert_eq!((read.roots().len(), read.identity().unwrap().cert.len()), (1, 1));
        assert_eq!(read.server_name(), Some(&ServerName::try_from("x").unwrap()));
        assert_eq!(
            tls(&folder, whole).unwrap().unwrap(),
            read,
            "the same files are the same settings"
        );
        std::fs::copy(folder.join("b.pem"), folder.join("a.pem")).unwrap();
        assert_ne!(
            tls(&folder, whole).unwrap().unwrap(),
            read,
            "other contents are other settings"
        );
        assert_eq!(tls(&folder, "tls = false").unwrap(), None);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_key_of_another_certificate_and_files_of_something_else_are_faults() {
        let folder = folder("tls-faults", &["a", "b"]);
        for (keys, fault) in [
            (
                "certificate_file = \"a.pem\", key_file = \"b.key\"",
                "key_file: \"b.key\" is not the key of the certificate in \"a.pem\"",
            ),
            (
                "certificate_file = \"a.key\", key_file = \"a.key\"",
                "certificate_file: \"a.key\" has no certificate in PEM",
            ),
            (
                "certificate_file = \"a.pem\", key_file = \"a.pem\"",
                "key_file: \"a.pem\" has no private key in PEM",
            ),
        ] {
            let faults = tls(&folder, &format!("tls = {{ ca_file = \"a.pem\", {keys} }}")).unwrap_err();
            assert!(faults.ends_with(&format!("smsc[0].tls.{fault}")), "{faults}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_host_that_no_certificate_can_name_needs_a_server_name() {
        let folder = folder("tls-names", &["a"]);
        let fault = tls_of("h..x", &folder, "tls = { ca_file = \"a.pem\" }").unwrap_err();
        let problem = "smsc[0].address: \"h..x:1\" has no name that a certificate can be for: set tls.server_name";
        assert!(fault.ends_with(problem), "{fault}");
        let named = "tls = { ca_file = \"a.pem\", server_name = \"x\" }";
        assert!(tls_of("h..x", &folder, named).unwrap().is_some());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_file_the_machine_says_whom_to_trust() {
        let trusted = rustls_native_certs::load_native_certs().certs;
        match tls(Path::new(""), "tls = true") {
            Ok(read) => assert!(!trusted.is_empty() && !read.unwrap().roots().is_empty()),
            Err(fault) => assert!(
                trusted.is_empty() && fault.contains("this machine trusts no authority"),
                "{fault}"
            ),
        }
    }
}
