//! Who gets in: TLS at both listeners, keys that nobody has, passwords from files; curl and openssl are the judges.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use campanile_tests::authority::{Authority, tls};
use campanile_tests::{Engine, EngineSettings, Lab, RedisServer, Sim, SmscSettings, eventually, programs};

const LIMIT: Duration = Duration::from_secs(60);

/// What an engine runs with, and the authority that its clients trust.
struct House {
    lab: Lab,
    redis: RedisServer,
    sim: Sim,
    authority: Authority,
}

impl House {
    fn new(name: &str) -> Self {
        let lab = Lab::new(programs!(), name);
        let authority = Authority::new(lab.directory(), "trusted");
        Self {
            redis: lab.redis(),
            sim: lab.sim(""),
            authority,
            lab,
        }
    }

    fn settings(&self, tables: &[String]) -> EngineSettings {
        let smsc = SmscSettings::new("north", self.sim.smpp_address());
        EngineSettings {
            tables: tables.to_vec(),
            ..EngineSettings::new(Some(self.redis.url()), vec![smsc])
        }
    }

    /// `campanile` with these arguments beside the configuration, knowing nothing of any engine.
    fn campanile(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
        command.args(arguments).current_dir(self.lab.directory());
        for variable in ["ADMIN", "OPERATOR_KEY", "ADMIN_CA", "ADMIN_CERTIFICATE", "ADMIN_KEY"] {
            command.env_remove(format!("CAMPANILE_{variable}"));
        }
        command
    }
}

/// The same port, under a name.
fn at(name: &str, address: &str) -> String {
    address.replace("127.0.0.1", name)
}

/// curl, which gives the body, and behind it the status.
fn curl(arguments: &[&str]) -> Output {
    let usual = [
        "--silent",
        "--show-error",
        "--max-time",
        "30",
        "--write-out",
        "\n%{http_code}",
    ];
    let mut command = Command::new("curl");
    command.args(usual).args(arguments);
    command.output().expect("curl is there")
}

/// The last line that curl gave: the status, when it trusted the server and was answered.
#[track_caller]
fn status(arguments: &[&str]) -> String {
    let output = curl(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().last().expect("a status").to_owned()
}

/// openssl as a client of that address, which trusts only that authority, for that name.
fn s_client(address: &str, authority: &Authority, more: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", address, "-CAfile", &authority.file]);
    command.args(["-verify_return_error"]).args(more);
    command
}

/// It shakes hands, and hangs up: whether it was content, and what it said.
fn shakes_hands(mut client: Command) -> (bool, String) {
    let output = client.stdin(Stdio::null()).output().expect("openssl is there");
    let said = [output.stdout, output.stderr].map(|octets| String::from_utf8_lossy(&octets).into_owned());
    (output.status.success(), said.concat())
}

fn ended(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("campanile runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn cut(engine: &Engine, listener: &str, reason: &str) -> u64 {
    let name = format!("campanile_http_connections_cut_total{{listener=\"{listener}\",reason=\"{reason}\"}}");
    engine.metric(|sample| sample == name) as u64
}

#[test]
fn the_api_speaks_tls_to_whoever_trusts_it_and_nothing_else() {
    let house = House::new("doors-api");
    let issued = house.authority.issue("localhost", 2100);
    let engine = house.lab.engine(&house.settings(&[tls("api", &issued, "")]));
    let address = engine.public().address().to_owned();
    let url = format!("https://{}/v1/tenant", at("localhost", &address));
    let trusted = ["--cacert", &house.authority.file];
    for version in [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3", "--tls-max", "1.3"]] {
        assert_eq!(
            status(&[&trusted[..], &version, &[&url]].concat()),
            "401",
            "{version:?}"
        );
    }
    let key = format!("authorization: Bearer {}", engine.operator_key());
    let tenants = format!("https://{}/v1/tenants", at("localhost", &address));
    let body = [
        "-d",
        "{\"name\":\"Cabinet\"}",
        "-H",
        "content-type: application/json",
        "-H",
        &key,
    ];
    assert_eq!(status(&[&trusted[..], &body, &[&tenants]].concat()), "201");

    // 60: the authority is not known.
    assert_eq!(curl(&[&url]).status.code(), Some(60));
    let other = Authority::new(house.lab.directory(), "other");
    assert_eq!(curl(&["--cacert", &other.file, &url]).status.code(), Some(60));
    let by_address = format!("https://{address}/v1/tenant");
    assert_eq!(
        curl(&[&trusted[..], &[&by_address]].concat()).status.code(),
        Some(60),
        "another name"
    );
    assert!(!curl(&[&url.replace("https", "http")]).status.success(), "plain HTTP");

    let name = ["-verify_hostname", "localhost", "-alpn", "http/1.1"];
    let (content, said) = shakes_hands(s_client(&address, &house.authority, &name));
    assert!(content && said.contains("ALPN protocol: http/1.1"), "{said}");
    let old = [&name[..], &["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"]].concat();
    assert!(!shakes_hands(s_client(&address, &house.authority, &old)).0, "TLS 1.1");
    // Two that did not trust it, plain HTTP, and an old version; curl looks at names behind the handshake.
    eventually("what failed is counted", LIMIT, || {
        (cut(&engine, "public", "failed_handshake") >= 4).then_some(())
    });
    let expiry = "campanile_tls_certificate_expiry_timestamp_seconds{side=\"public\",smsc=\"\"}";
    assert_eq!(engine.metric(|sample| sample == expiry), 4_102_444_800.0);
}

#[test]
fn commands_ask_an_operators_listener_that_wants_certificates() {
    let house = House::new("doors-admin");
    let issued = house.authority.issue("campanile.test", 2100);
    let trusted = format!("{:?}", house.authority.file);
    let own = format!("client_ca_file = {trusted}\nca_file = {trusted}\nserver_name = \"campanile.test\"");
    let engine = house.lab.engine(&house.settings(&[tls("admin", &issued, &own)]));
    let address = engine.admin().address().to_owned();
    let port = address.rsplit(':').next().expect("a port");
    // The configuration of the test takes any port: this is what an operator would have written.
    let file = house.lab.directory().join("campanile.toml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    let text = text.replace(
        "[admin]\nlisten = \"127.0.0.1:0\"",
        &format!("[admin]\nlisten = \"0.0.0.0:{port}\""),
    );
    std::fs::write(&file, text).expect("write the configuration");
    for arguments in [
        &["healthcheck"][..],
        &["status"],
        &["smsc", "list"],
        &["tenant", "list"],
    ] {
        assert_eq!(
            ended(house.campanile(arguments)),
            (Some(0), String::new()),
            "{arguments:?}"
        );
    }

    let (certificate, key) = house.authority.issue("operator", 2100);
    let url = format!("https://campanile.test:{port}/readyz");
    let resolved = [
        "--resolve",
        &format!("campanile.test:{port}:127.0.0.1"),
        "--cacert",
        &house.authority.file,
    ];
    let shown = ["--cert", &certificate, "--key", &key];
    assert_eq!(status(&[&resolved[..], &shown, &[&url]].concat()), "200");
    assert!(
        !curl(&[&resolved[..], &[&url]].concat()).status.success(),
        "without a certificate"
    );
    let other = Authority::new(house.lab.directory(), "other");
    let (stranger, its_key) = other.issue("operator", 2090);
    let stranger = ["--cert", &stranger, "--key", &its_key];
    assert!(
        !curl(&[&resolved[..], &stranger, &[&url]].concat()).status.success(),
        "of another authority"
    );

    // By address, without the configuration: its certificate is for a name, which the machine may not resolve.
    let admin = format!("https://{address}");
    let ask = |more: &[&str]| {
        let mut command = house.campanile(&[&["status", "--admin", &admin][..], more].concat());
        command.current_dir(std::env::temp_dir());
        ended(command)
    };
    let identity = ["--admin-certificate", &certificate, "--admin-key", &key];
    for (more, words) in [
        (
            vec![],
            "an authority that is not trusted here: name that with --admin-ca",
        ),
        (vec!["--admin-ca", &other.file], "an authority that is not trusted here"),
        (vec!["--admin-ca", &house.authority.file], "is for another name"),
    ] {
        let (code, said) = ask(&[&identity[..], &more].concat());
        assert!(code == Some(4) && said.contains(words), "{more:?}: {code:?} {said}");
    }
    let mut command = house.campanile(&["status"]);
    command.env("CAMPANILE_ADMIN_KEY", &key);
    let (code, said) = ended(command);
    assert!(code == Some(2) && said.contains("go together"), "{code:?} {said}");
}

#[test]
fn flags_and_the_environment_say_how_an_operators_listener_is_trusted() {
    let house = House::new("doors-flags");
    let issued = house.authority.issue("localhost", 2100);
    let wanted = format!("client_ca_file = {:?}", house.authority.file);
    let engine = house.lab.engine(&house.settings(&[tls("admin", &issued, &wanted)]));
    let admin = format!("https://{}", at("localhost", engine.admin().address()));
    let (certificate, key) = house.authority.issue("operator", 2100);
    let ca = ["--admin", &admin, "--admin-ca", &house.authority.file];
    let identity = ["--admin-certificate", &certificate, "--admin-key", &key];
    let flags = house.campanile(&[&["status"][..], &ca, &identity].concat());
    assert_eq!(ended(flags), (Some(0), String::new()));
    let mut environment = house.campanile(&["smsc", "list"]);
    environment
        .env("CAMPANILE_ADMIN", &admin)
        .env("CAMPANILE_ADMIN_CA", &house.authority.file)
        .env("CAMPANILE_ADMIN_CERTIFICATE", &certificate)
        .env("CAMPANILE_ADMIN_KEY", &key);
    assert_eq!(ended(environment), (Some(0), String::new()));
    let (code, said) = ended(house.campanile(&[&["status"][..], &ca].concat()));
    assert!(
        code == Some(4) && said.contains("it wants a certificate: --admin-certificate"),
        "{said}"
    );
    let another = house.authority.issue("another", 2100).1;
    let mismatched = ["--admin-certificate", &certificate, "--admin-key", &another];
    let (code, said) = ended(house.campanile(&[&["status"][..], &ca, &mismatched].concat()));
    assert!(code == Some(2) && said.contains("cannot be shown"), "{said}");
    let plain = admin.replace("https", "http");
    assert_eq!(ended(house.campanile(&["status", "--admin", &plain])).0, Some(4));
}

/// A connection that is kept, over which requests are asked one after the other.
struct Kept(Child, BufReader<std::process::ChildStdout>);

impl Kept {
    fn new(mut client: Command) -> Self {
        client.arg("-quiet").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = client.stderr(Stdio::null()).spawn().expect("openssl is there");
        let answers = child.stdout.take().expect("piped");
        Self(child, BufReader::new(answers))
    }

    /// The first line of the answer.
    fn ask(&mut self) -> String {
        let ask = b"GET /v1/tenant HTTP/1.1\r\nhost: x\r\n\r\n";
        let requests = self.0.stdin.as_mut().expect("piped");
        requests
            .write_all(ask)
            .and_then(|()| requests.flush())
            .expect("it is connected");
        let mut head = Vec::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.1.read_line(&mut line).expect("an answer");
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            if let Some(octets) = line.strip_prefix("content-length: ") {
                length = octets.parse().expect("a length");
            }
            head.push(line);
        }
        self.1.read_exact(&mut vec![0; length]).expect("the body");
        head.first().cloned().unwrap_or_default()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.kill().expect("end openssl");
        self.0.wait().expect("openssl ends");
    }
}

/// The end of the certificate that is shown there.
fn end_of_certificate(address: &str, authority: &Authority) -> String {
    let (_, shown) = shakes_hands(s_client(address, authority, &[]));
    let mut reader = Command::new("openssl");
    reader.args(["x509", "-noout", "-enddate"]);
    let mut child = reader
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is there");
    let written = child.stdin.take().expect("piped").write_all(shown.as_bytes());
    written.expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn certificates_are_read_again_and_no_connection_is_dropped() {
    let house = House::new("doors-renewed");
    let first = house.authority.issue("localhost", 2090);
    let settings = house.settings(&[tls("api", &first, "")]);
    let engine = house.lab.engine(&settings);
    let address = engine.public().address().to_owned();
    let mut kept = Kept::new(s_client(&address, &house.authority, &[]));
    assert!(kept.ask().starts_with("HTTP/1.1 401"));
    assert!(end_of_certificate(&address, &house.authority).contains("Jan  1 00:00:00 2090"));

    // In place, as those who renew certificates do.
    let second = house.authority.issue("localhost", 2095);
    let put = |from: &str, to: &str| {
        std::fs::copy(from, to).expect("copy");
    };
    put(&second.0, &first.0);
    let problem = engine.reload().expect_problem(&[422]);
    let detail = problem["detail"].as_str().expect("a text");
    assert!(
        detail.contains("api.tls.key_file") && detail.contains("is not the key of the certificate"),
        "{detail}"
    );
    assert!(
        end_of_certificate(&address, &house.authority).contains("2090"),
        "nothing has changed"
    );
    put(&second.1, &first.1);
    engine.reload().expect(200);
    assert!(end_of_certificate(&address, &house.authority).contains("2095"));
    let expiry = "campanile_tls_certificate_expiry_timestamp_seconds{side=\"public\",smsc=\"\"}";
    assert_eq!(engine.metric(|sample| sample == expiry), 3_944_678_400.0);
    assert!(kept.ask().starts_with("HTTP/1.1 401"), "it was dropped");

    // By SIGHUP, other files, and only for those with a certificate from now on.
    let third = house.authority.issue("localhost", 2099);
    let before = engine.configured_at();
    let wanted = format!("client_ca_file = {:?}", house.authority.file);
    engine.configure(&house.settings(&[tls("api", &third, &wanted)]));
    engine.signal(lab::Signal::HUP);
    eventually("it was read", LIMIT, || (engine.configured_at() > before).then_some(()));
    let url = format!("https://{}/v1/tenant", at("localhost", &address));
    let trusted = ["--cacert", &house.authority.file];
    assert!(!curl(&[&trusted[..], &[&url]].concat()).status.success());
    let (certificate, key) = house.authority.issue("client", 2100);
    let shown = ["--cert", &certificate, "--key", &key];
    assert_eq!(status(&[&trusted[..], &shown, &[&url]].concat()), "401");
    assert!(kept.ask().starts_with("HTTP/1.1 401"), "it was dropped");

    engine.configure(&house.settings(&[]));
    let problem = engine.reload().expect_problem(&[422]);
    assert!(
        problem["detail"].as_str().expect("a text").contains("[api] changed"),
        "{problem}"
    );
}

#[test]
fn a_silent_handshake_costs_a_place_and_its_time() {
    let house = House::new("doors-silent");
    let issued = house.authority.issue("localhost", 2100);
    let mut settings = house.settings(&[tls("api", &issued, "")]);
    settings.api_lines = vec!["connections_max = 4".to_owned()];
    let engine = house.lab.engine(&settings);
    let address = engine.public().address().to_owned();
    let url = format!("https://{}/v1/tenant", at("localhost", &address));
    let mut silent: Vec<TcpStream> = (0..12)
        .map(|_| TcpStream::connect(&address).expect("a connection"))
        .collect();
    // The first octets of a record that never comes.
    let begun = silent.last_mut().expect("twelve");
    begun.write_all(&[0x16, 3, 1]).expect("it is connected");
    assert_eq!(status(&["--cacert", &house.authority.file, &url]), "401");
    assert!(cut(&engine, "public", "gave_way") >= 8);
    eventually("the last three have had their time", LIMIT, || {
        (cut(&engine, "public", "late_handshake") == 3).then_some(())
    });
    for mut stream in silent {
        let limit = stream.set_read_timeout(Some(LIMIT));
        limit.expect("a limit");
        // Closed, whatever it says: it says nothing.
        assert!(stream.read(&mut [0; 64]).map_or(true, |octets| octets < 64));
    }
}

/// What a request with that key from that address is answered: the status, and after how many seconds to ask again.
fn asked(url: &str, key: &str, from: &str) -> (u16, Option<u64>) {
    let (key, from) = (
        format!("authorization: Bearer {key}"),
        format!("x-forwarded-for: {from}"),
    );
    let wait = [
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code} %header{retry-after}",
    ];
    let output = curl(&[&wait[..], &["-H", &key, "-H", &from, url]].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (status, wait) = said.trim().split_once(' ').unwrap_or((said.trim(), ""));
    (status.parse().expect("a status"), wait.parse().ok())
}

#[test]
fn an_address_that_tries_keys_waits_and_those_with_right_keys_do_not() {
    let house = House::new("doors-keys");
    let mut settings = house.settings(&[]);
    settings.api_lines = vec![
        "wrong_keys_max = 3\nwrong_keys_within = \"1h\"".to_owned(),
        "trusted_proxies = [\"127.0.0.1\"]".to_owned(),
    ];
    let engine = house.lab.engine(&settings);
    let (known, new) = (engine.tenant("Known", 10), engine.tenant("New", 10));
    let url = format!("http://{}/v1/tenant", engine.public().address());
    let status = |key: &str, from: &str| asked(&url, key, from).0;
    let shared = "198.51.100.7";
    assert_eq!(status(&known.key, shared), 200);
    // A program with an old key makes one mistake, again and again.
    (0..10).for_each(|_| assert_eq!(status("sk_live_old", shared), 401));
    assert_eq!([status("sk_live_1", shared), status("sk_live_2", shared)], [401; 2]);
    let (refused, wait) = asked(&url, "sk_live_3", shared);
    assert_eq!(refused, 429);
    assert!(
        wait.is_some_and(|seconds| (3_500..=3_600).contains(&seconds)),
        "{wait:?}"
    );
    assert_eq!(status(&known.key, shared), 200, "a known right key");
    assert_eq!(status(&new.key, shared), 429, "it is not looked up");
    assert_eq!(status(&new.key, "198.51.100.8"), 200, "another address");
    for number in 1..=3 {
        assert_eq!(
            status(&format!("sk_live_{number}"), &format!("2001:db8:1:2::{number}")),
            401
        );
    }
    assert_eq!(status("sk_live_4", "2001:db8:1:2:ffff::9"), 429, "the same customer");
    assert_eq!(status("sk_live_4", "2001:db8:1:3::9"), 401);

    let counted = |answer: &str| {
        let name = format!("campanile_http_wrong_keys_total{{answer=\"{answer}\",listener=\"public\"}}");
        engine.metric(|sample| sample == name)
    };
    assert_eq!((counted("refused"), counted("delayed")), (16.0, 3.0));
    let log = engine.process().log();
    for address in ["198.51.100.7", "2001:db8:1:2::/64"] {
        let told = log
            .lines()
            .filter(|line| line.contains("wrong keys come from one address"));
        assert_eq!(told.filter(|line| line.contains(address)).count(), 1, "{log}");
    }
    assert!(!log.contains("sk_live_"), "{log}");

    // The operators' listener believes no forwarded address.
    let admin = format!("http://{}/v1/tenants", engine.admin().address());
    let told: Vec<u16> = (1..=4)
        .map(|number| asked(&admin, &format!("op_{number}"), shared).0)
        .collect();
    assert_eq!(told, [401, 401, 401, 429]);
    assert_eq!(
        asked(&admin, engine.operator_key(), "").0,
        200,
        "it made the tenants, from the same address"
    );
}

#[test]
fn the_password_of_redis_comes_from_a_file_and_is_nowhere_shown() {
    let house = House::new("doors-redis");
    // Each of them has a meaning in a URL.
    let password = "p@ss:w/o?r#d%41 é";
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let free = free.expect("a port");
    house.redis.set("port", &free.port().to_string());
    house.redis.set("requirepass", password);
    std::fs::write(house.lab.directory().join("redis.password"), format!("{password}\n")).expect("write a file");
    let tcp = format!("redis://default@{free}/0");
    for url in [house.redis.url(), tcp] {
        let mut settings = house.settings(&[]);
        settings.redis_url = Some(url);
        settings.redis_lines = vec!["password_file = \"redis.password\"".to_owned()];
        let engine = house.lab.engine(&settings);
        let tenant = engine.tenant("Cabinet", 10);
        assert!(!tenant.key.is_empty());
        let mut shown = engine.process().log();
        for arguments in [&["check"][..], &["check", "--connect"], &["doctor"]] {
            let output = house.campanile(arguments).output().expect("campanile runs");
            assert_ne!(output.status.code(), Some(4), "{output:?}");
            shown += &String::from_utf8_lossy(&output.stdout);
            shown += &String::from_utf8_lossy(&output.stderr);
        }
        shown += &engine.admin().get("/readyz?verbose=1").text;
        let command_line = format!("/proc/{}/cmdline", engine.process().pid());
        shown += &std::fs::read_to_string(command_line).expect("it runs");
        for form in ["p@ss", "p%40ss", "w/o", "w%2Fo"] {
            assert!(!shown.contains(form), "{form}: {shown}");
        }
        assert!(engine.shut_down().success());
    }
    refuses_password(
        &house,
        "redis.password_file: \"redis.password\" stands beside a url with a password",
        |settings| {
            settings.redis_url = Some("redis://:secret@127.0.0.1:1".to_owned());
        },
    );
    refuses_password(
        &house,
        "redis.password_file: \"redis.password\" stands without url",
        |settings| settings.redis_url = None,
    );
}

#[track_caller]
fn refuses_password(house: &House, words: &str, change: impl FnOnce(&mut EngineSettings)) {
    let mut settings = house.settings(&[]);
    settings.redis_lines = vec!["password_file = \"redis.password\"".to_owned()];
    change(&mut settings);
    let (ended, said) = house.lab.refused_engine(&settings);
    assert_eq!(ended.code(), Some(3), "{said}");
    assert!(said.contains(words) && !said.contains("secret@"), "{said}");
}

/// A program whose output nobody reads: how it ended, and what it said on standard error.
fn unread(mut command: Command) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    ended({
        command.stdout(writer).stderr(Stdio::piped());
        command
    })
}

#[test]
fn who_stops_reading_ends_a_command_quietly() {
    let house = House::new("doors-unread");
    let engine = house.lab.engine(&house.settings(&[]));
    let admin = format!("http://{}", engine.admin().address());
    let numbers = house.lab.directory().join("numbers.txt");
    std::fs::write(&numbers, "+33612345678\n".repeat(5_000)).expect("write a file");
    let pdu = "00000010000000150000000000000001\n".repeat(2_000);
    std::fs::write(house.lab.directory().join("pdus.hex"), pdu).expect("write a file");
    for arguments in [
        &["check"][..],
        &["check", "--connect"],
        &["doctor"],
        &["metrics"],
        &["metrics", "--json"],
        &["completions", "bash"],
        &["smsc", "presets"],
        &["smsc", "presets", "ovh", "--json"],
        &["smsc", "test", "north"],
        &["decode", "number", "numbers.txt"],
        &["decode", "text", "numbers.txt"],
        &["decode", "pdu", "pdus.hex"],
        &["decode", "ids", "1", "1"],
        &["--help"],
        &["smsc", "--help"],
        &["status"],
        &["status", "--json"],
        &["queue"],
        &["smsc", "list"],
        &["tenant", "list"],
        &["campaign", "list"],
        &["receipts", "parked"],
        &["trace", "north", "--seconds", "1"],
        &["reload"],
    ] {
        let mut command = house.campanile(arguments);
        command
            .env("CAMPANILE_ADMIN", &admin)
            .env("CAMPANILE_OPERATOR_KEY", engine.operator_key());
        let (code, said) = unread(command);
        assert!(
            matches!(code, Some(0)) || arguments == ["doctor"],
            "{arguments:?}: {code:?} {said}"
        );
        assert!(
            !said.contains("panicked") && !said.contains("roken pipe"),
            "{arguments:?}: {said}"
        );
    }
    // Nobody reads what is wrong, either.
    let mut wrong = house.campanile(&["check", "--config", "none.toml"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = wrong.stdout(Stdio::null()).stderr(writer).status();
    assert_eq!(ended.expect("campanile runs").code(), Some(3));
    // What cannot be written is no such case.
    let full = std::fs::OpenOptions::new().write(true).open(Path::new("/dev/full"));
    let output = house
        .campanile(&["metrics"])
        .stdout(full.expect("of every Linux"))
        .output();
    let output = output.expect("campanile runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && said.contains("cannot be written"),
        "{said}"
    );
}

#[test]
fn a_receiver_has_no_rate_and_is_told_so() {
    let house = House::new("doors-receiver");
    let mut settings = house.settings(&[]);
    let south = SmscSettings::new("south", house.sim.smpp_address()).bind("receiver");
    settings.smscs.push(south);
    let engine = house.lab.engine(&settings);
    let admin = format!("http://{}", engine.admin().address());
    let rate = |name: &str| ended(house.campanile(&["smsc", "rate", name, "5/s", "--admin", &admin]));
    assert_eq!(rate("north").0, Some(0));
    let (code, said) = rate("south");
    let words = "This SMSC only receives (bind = \"receiver\"): nothing is submitted to it.";
    assert!(code == Some(5) && said.contains(words), "{code:?} {said}");
}
