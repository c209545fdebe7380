//! TLS as clients meet it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use smpp_sim::{Certificate, Options, Running, Scenario, Setup, Tls};

/// bind_transceiver of anybody: command 9, sequence 1, version 0x34.
const BIND: &[u8] = b"\0\0\0\x1b\0\0\0\x09\0\0\0\0\0\0\0\x01esme\0\0\0\x34\0\0\0";

/// Certificates of a test: an authority, and what it has signed.
struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        Self {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            issuer: Issuer::new(parameters, key),
        }
    }

    /// A certificate for that name and its key, in PEM.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (
            parameters.signed_by(&key, &self.issuer).unwrap().pem(),
            key.serialize_pem(),
        )
    }

    fn client(&self, own: Option<(String, String)>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        }
    }
}

fn file(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

async fn sim(tls: Tls) -> (Running, SocketAddr) {
    let mut setup = Setup::from(Scenario::healthy());
    setup.smscs[0].tls = Some(tls);
    let running = smpp_sim::start(setup, Options::ephemeral()).await.unwrap();
    let address = running.smscs[0].tls_addr.unwrap();
    (running, address)
}

fn ephemeral() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Binds over TLS: the command_status of the answer, or why there was none.
async fn bind(address: SocketAddr, config: ClientConfig) -> Result<u32, String> {
    let work = move || {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        stream.write_all(BIND).map_err(|error| error.to_string())?;
        let mut header = [0; 16];
        stream.read_exact(&mut header).map_err(|error| error.to_string())?;
        assert_eq!(&header[4..8], b"\x80\0\0\x09");
        Ok(u32::from_be_bytes([header[8], header[9], header[10], header[11]]))
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn a_client_binds_with_files_and_shows_its_own_certificate_where_that_is_wanted() {
    let authority = Authority::new();
    let (certificate, key) = authority.sign("localhost");
    let mut tls = Tls::self_signed(ephemeral());
    tls.certificate = Certificate::Files {
        certificate: file("server.pem", &certificate),
        key: file("server.key", &key),
    };
    let (running, address) = sim(tls.clone()).await;
    assert_eq!(bind(address, authority.client(None)).await, Ok(0));
    running.stop().await;

    tls.client_ca = Some(file("ca.pem", &authority.pem));
    let (running, address) = sim(tls).await;
    assert_eq!(
        bind(address, authority.client(Some(authority.sign("esme")))).await,
        Ok(0)
    );
    let refused = bind(address, authority.client(None)).await.unwrap_err();
    assert!(refused.contains("CertificateRequired"), "{refused}");
    running.stop().await;
}

/// What openssl thinks of the certificate and the protocol.
fn openssl(address: SocketAddr, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &address.to_string()])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is needed: Debian's package openssl");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn openssl_finds_the_fault_that_was_ordered() {
    let mut tls = Tls::self_signed(ephemeral());
    let (running, address) = sim(tls.clone()).await;
    let said = tokio::task::spawn_blocking(move || openssl(address, &["-tls1_2"]))
        .await
        .unwrap();
    assert!(
        said.contains("self-signed certificate") && said.contains("TLSv1.2"),
        "{said}"
    );
    running.stop().await;

    let names = vec!["localhost".to_owned()];
    tls.certificate = Certificate::SelfSigned { names, expired: true };
    tls.only_13 = true;
    let (running, address) = sim(tls).await;
    let said = tokio::task::spawn_blocking(move || openssl(address, &[]))
        .await
        .unwrap();
    assert!(
        said.contains("certificate has expired") && said.contains("TLSv1.3"),
        "{said}"
    );
    let said = tokio::task::spawn_blocking(move || openssl(address, &["-tls1_2"]))
        .await
        .unwrap();
    assert!(said.contains("alert protocol version"), "{said}");
    running.stop().await;
}

#[tokio::test]
async fn plain_octets_on_the_tls_port_cost_nobody_anything() {
    let (running, address) = sim(Tls::self_signed(ephemeral())).await;
    let told = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(BIND).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest)
    });
    // An alert and the end, or the end at once; never an answer to the bind.
    assert!(told.await.unwrap().is_ok_and(|count| count < 16));
    running.stop().await;
}
