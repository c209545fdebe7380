//! `[api.tls]` and `[admin.tls]`: what our listeners show, and whom they let in.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kit::settings::{Given, Table};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};

use super::PATH_ALLOWED;
use super::tls::{Tls, authorities, certificate_expiry, read_identity};

/// What is spoken within TLS (RFC 7301, 6).
const HTTP: &[u8] = b"http/1.1";

/// A listener that speaks TLS, 1.2 at least.
#[derive(Clone)]
pub(crate) struct ListenerTls {
    server: Arc<ServerConfig>,
    /// `certificate_file`: what it shows.
    chain: Vec<CertificateDer<'static>>,
    /// `client_ca_file`: only clients with a certificate of these authorities are let in. Absent: everybody is.
    client_authorities: Option<Arc<RootCertStore>>,
    files: Files,
}

/// Where commands find what they need to ask the listener of their own configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// `certificate_file`.
    pub(crate) certificate: PathBuf,
    /// `key_file`.
    pub(crate) key: PathBuf,
    /// `ca_file`: the authorities that may have issued the listener's certificate. Absent: those that this machine trusts.
    pub(crate) authorities: Option<PathBuf>,
    /// `server_name`: the name that its certificate is for. Absent: the address that is asked.
    pub(crate) server_name: Option<String>,
}

impl ListenerTls {
    /// What every session with a client needs.
    pub(crate) fn server(&self) -> &Arc<ServerConfig> {
        &self.server
    }

    /// When the time of what it shows is over, in seconds since 1970.
    pub(crate) fn expiry(&self) -> Option<i64> {
        self.chain.first().and_then(certificate_expiry)
    }

    /// Whether clients have to show a certificate.
    pub(crate) fn wants_certificates(&self) -> bool {
        self.client_authorities.is_some()
    }

    /// See [`Files`].
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// `[api.tls]`; `None` without it, and after a fault.
    pub(super) fn read(listener: &Table<'_>) -> Option<Self> {
        Self::read_with(listener, |_, _| {})
    }

    /// `[admin.tls]`, with what our own commands need to trust it.
    pub(super) fn read_asked_by_commands(listener: &Table<'_>) -> Option<Self> {
        Self::read_with(listener, |table, files| {
            files.authorities = table.parsed("ca_file", PATH_ALLOWED, Given::text).and_then(|name| {
                authorities(table, "ca_file", name)?;
                Some(table.file_beside(name))
            });
            let allowed = "a host name or an IP address, such as \"campanile.example.net\"";
            files.server_name = table.parsed("server_name", allowed, |given| {
                let name = given.text()?;
                ServerName::try_from(name).ok().map(|_| name.to_owned())
            });
        })
    }

    fn read_with(listener: &Table<'_>, trusted: impl FnOnce(&Table<'_>, &mut Files)) -> Option<Self> {
        if !listener.has("tls") {
            return None;
        }
        let table = listener.table("tls");
        if !table.has("certificate_file") && !table.has("key_file") {
            table.fault(
                "certificate_file",
                "missing: give certificate_file and key_file, in PEM",
            );
        }
        let identity = read_identity(&table);
        let client_authorities = table.parsed("client_ca_file", PATH_ALLOWED, Given::text);
        let client_authorities = client_authorities.map(|name| authorities(&table, "client_ca_file", name));
        let mut files = Files::default();
        trusted(&table, &mut files);
        table.finish();
        let identity = identity?;
        let file = |key| table.parsed(key, PATH_ALLOWED, Given::text);
        files.certificate = table.file_beside(file("certificate_file")?);
        files.key = table.file_beside(file("key_file")?);
        let client_authorities = match client_authorities {
            Some(read) => Some(Arc::new(read?)),
            None => None,
        };
        Some(Self {
            server: server(&table, &identity, client_authorities.as_ref())?,
            chain: identity.cert.clone(),
            client_authorities,
            files,
        })
    }
}

/// Two are the same if what was read from their files is.
impl PartialEq for ListenerTls {
    fn eq(&self, other: &Self) -> bool {
        let authorities = |tls: &Self| tls.client_authorities.as_ref().map(|roots| roots.roots.clone());
        self.chain == other.chain && authorities(self) == authorities(other) && self.files == other.files
    }
}

impl Eq for ListenerTls {}

impl fmt::Debug for ListenerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerTls")
            .field("files", &self.files)
            .field("wants_certificates", &self.wants_certificates())
            .finish_non_exhaustive()
    }
}

/// `None` after a fault.
fn server(
    table: &Table<'_>,
    identity: &CertifiedKey,
    client_authorities: Option<&Arc<RootCertStore>>,
) -> Option<Arc<ServerConfig>> {
    let made = build(identity, client_authorities);
    if let Err(problem) = &made {
        table.fault("", format!("cannot be used: {problem}"));
    }
    made.ok().map(Arc::new)
}

fn build(identity: &CertifiedKey, client_authorities: Option<&Arc<RootCertStore>>) -> Result<ServerConfig, String> {
    let builder = ServerConfig::builder_with_provider(Tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match client_authorities {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), Tls::provider());
            builder.with_client_cert_verifier(verifier.build().map_err(|error| error.to_string())?)
        }
    };
    let mut server = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.clone())));
    server.alpn_protocols = vec![HTTP.to_vec()];
    Ok(server)
}

/// Each listener needs an address of its own.
pub(super) fn refuse_clashes(root: &Table<'_>, listeners: &[(&'static str, Option<SocketAddr>)]) {
    for (at, (name, address)) in listeners.iter().enumerate() {
        // Port 0 is whichever is free.
        let Some(address) = address.filter(|address| address.port() != 0) else {
            continue;
        };
        let mut before = listeners[..at]
            .iter()
            .filter_map(|(section, other)| Some((section, (*other)?)));
        let Some((section, other)) = before.find(|(_, other)| clash(*other, address)) else {
            continue;
        };
        let why = match other == address {
            true => format!("is the address of {section}.listen as well: each listener needs its own"),
            false => format!(
                "has the port of {section}.listen, \"{other}\", on an address of that: each listener needs its own"
            ),
        };
        let own = root.table(name);
        match own.has("listen") {
            true => own.fault_of_value("listen", why),
            // Its default is what the other was given.
            false => own.fault("listen", format!("\"{address}\", its default, {why}")),
        }
    }
}

/// Whether no two can listen there: 0.0.0.0 is every address of IPv4, and [::] every address.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let takes = |all: SocketAddr, one: SocketAddr| all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    one.port() == other.port() && (one.ip() == other.ip() || takes(one, other) || takes(other, one))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::config::Config;

    const SMSC: &str = "[[smsc]]\nname = \"n\"\naddress = \"h:1\"\nsystem_id = \"c\"\npassword = \"\"\n";

    /// A folder with the certificates `a` and `b`, and their keys.
    fn folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("campanile-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        ["a", "b"].iter().for_each(|name| renew(&folder, name));
        folder
    }

    fn renew(folder: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn config(folder: &Path, tables: &str) -> Result<Config, String> {
        let file = folder.join("campanile.toml");
        Config::parse(&format!("{tables}\n{SMSC}"), &file, []).map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_listeners_files_lie_beside_the_configuration_and_a_renewed_one_is_no_change_of_the_settings() {
        let folder = folder("listener-read");
        let tables = "[api.tls]\ncertificate_file = \"a.pem\"\nkey_file = \"a.key\"\n\
                      [admin.tls]\ncertificate_file = \"b.pem\"\nkey_file = \"b.key\"\nclient_ca_file = \"a.pem\"\n\
                      ca_file = \"b.pem\"\nserver_name = \"b\"";
        let read = config(&folder, tables).unwrap();
        let (api, admin) = (read.api.tls.clone().unwrap(), read.admin.tls.clone().unwrap());
        assert!(!api.wants_certificates() && admin.wants_certificates());
        assert!(api.expiry().is_some());
        let files = Files {
            certificate: folder.join("b.pem"),
            key: folder.join("b.key"),
            authorities: Some(folder.join("b.pem")),
            server_name: Some("b".to_owned()),
        };
        assert_eq!(admin.files(), &files);
        renew(&folder, "a");
        let renewed = config(&folder, tables).unwrap();
        assert_ne!(renewed, read);
        assert_eq!(read.fixed_changes(&renewed), [""; 0]);
        let plain = config(&folder, "").unwrap();
        assert_eq!(read.fixed_changes(&plain), ["[api]", "[admin]"]);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn no_two_listen_at_one_port_of_one_address() {
        let at = |text: &str| text.parse().unwrap();
        for (one, other, expected) in [
            ("0.0.0.0:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "[::]:1", true),
            ("[::1]:1", "0.0.0.0:1", false),
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("0.0.0.0:1", "127.0.0.1:2", false),
        ] {
            assert_eq!(clash(at(one), at(other)), expected, "{one} {other}");
            assert_eq!(clash(at(other), at(one)), expected, "{other} {one}");
        }
        let tables = "[api]\nlisten = \"0.0.0.0:25090\"\n[admin]\nlisten = \"127.0.0.1:25090\"";
        let said = config(Path::new(""), tables).unwrap_err();
        assert!(
            said.contains("admin.listen") && said.contains("api.listen, \"0.0.0.0:25090\""),
            "{said}"
        );
    }

    #[test]
    fn what_is_wrong_with_a_listeners_files_is_said_with_their_setting() {
        let folder = folder("listener-faults");
        let pair = "certificate_file = \"a.pem\"\nkey_file = \"a.key\"\n";
        for (table, lines, fault) in [
            (
                "api",
                "",
                "api.tls.certificate_file: missing: give certificate_file and key_file, in PEM",
            ),
            (
                "api",
                "certificate_file = \"a.pem\"",
                "api.tls.certificate_file: \"a.pem\" stands without key_file: give both",
            ),
            (
                "admin",
                "certificate_file = \"a.pem\"\nkey_file = \"b.key\"",
                "admin.tls.key_file: \"b.key\" is not the key of the certificate in \"a.pem\"",
            ),
            (
                "api",
                &format!("{pair}client_ca_file = \"a.key\""),
                "api.tls.client_ca_file: \"a.key\" has no certificate in PEM",
            ),
            (
                "admin",
                &format!("{pair}ca_file = \"none\""),
                "admin.tls.ca_file: \"none\" cannot be read: No such file or directory (os error 2)",
            ),
            (
                "admin",
                &format!("{pair}server_name = \"a b\""),
                "admin.tls.server_name: \"a b\" is not allowed: a host name or an IP address, such as \"campanile.example.net\"",
            ),
            (
                "api",
                &format!("{pair}ca_file = \"a.pem\""),
                "api.tls.ca_file: unknown key; allowed are certificate_file, key_file, client_ca_file",
            ),
        ] {
            let said = config(&folder, &format!("[{table}.tls]\n{lines}")).unwrap_err();
            assert!(said.ends_with(fault) && said.lines().count() == 1, "{said}");
        }
        let said = config(&folder, "[api]\ntls = true").unwrap_err();
        assert!(said.contains("api.tls: true is not allowed: a table"), "{said}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
