//! An authority of a test's own, for binds and listeners over TLS.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// An authority that issues certificates into files.
#[derive(Debug)]
pub struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    /// The path of its own certificate, which whoever trusts it is given.
    pub file: String,
}

impl Authority {
    /// `name`: its own, and its file's, below that directory.
    pub fn new(directory: &Path, name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let own = parameters.self_signed(&key).expect("a certificate");
        let file = write(directory, &format!("{name}.pem"), &own.pem());
        Self {
            directory: directory.to_owned(),
            issuer: Issuer::new(parameters, key),
            file,
        }
    }

    /// The paths of a certificate for that name, from 2020 to the first day of the year `until`, and of its key.
    pub fn issue(&self, name: &str, until: i32) -> (String, String) {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        (
            write(&self.directory, &format!("{name}-{until}.pem"), &certificate.pem()),
            write(&self.directory, &format!("{name}-{until}.key"), &key.serialize_pem()),
        )
    }
}

/// Its path.
fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("write a file");
    path.display().to_string()
}

/// `[tls]` of a simulator with that certificate and key.
pub fn secured((certificate, key): &(String, String), more: &str) -> String {
    format!("[tls]\nlisten = \"127.0.0.1:0\"\ncertificate = {certificate:?}\nkey = {key:?}\n{more}\n")
}

/// `[NAME.tls]` of an engine's listener (`api`, `admin`) with that certificate and key.
pub fn tls(name: &str, (certificate, key): &(String, String), more: &str) -> String {
    format!("[{name}.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}\n{more}")
}

/// The same port, by name.
pub fn by_name(address: &str) -> String {
    address.replace("127.0.0.1", "localhost")
}
