//! Garbage, oversized, truncated and slow bytes on the SMPP ports: a bounded reaction, and other sessions unharmed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use campanile_tests::{EngineSettings, Lab, SmscSettings, Stand, eventually, programs};

/// The engine's and the simulator's own timers end all of these before.
const LIMIT: Duration = Duration::from_secs(40);

const MESSAGES: usize = 2_000;

/// What nobody should send: a name, and the bytes.
fn bad_bytes() -> Vec<(&'static str, Vec<u8>)> {
    let header = |length: u32, command: u32| [length, command, 0, 1].map(u32::to_be_bytes).concat();
    vec![
        ("an HTTP request", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        (
            "a TLS hello",
            [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03].repeat(20),
        ),
        ("a length of 0", header(0, 0x15)),
        ("a length of 15", header(15, 0x15)),
        ("a length of 4 GiB", header(u32::MAX, 0x04)),
        ("a length of 2 GiB", header(0x7FFF_FFFF, 0x04)),
        ("a bind that is cut off", header(40, 0x09)),
        ("a bind without any NUL", [header(48, 0x09), vec![b'x'; 32]].concat()),
        ("an unknown command", header(16, 0x0777)),
        ("an answer that nobody asked for", header(16, 0x8000_0004)),
        ("a submit_sm before the bind", [header(20, 0x04), vec![0; 4]].concat()),
        (
            "a megabyte of noise",
            (0..1 << 20)
                .map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
                .collect(),
        ),
    ]
}

#[test]
fn on_the_simulators_port() {
    let scenario = "[timers]\nread = \"2s\"\nbind = \"3s\"\n";
    // As slow as the bad bytes are, so that they come beside it and not after it.
    let stand = Stand::new(programs!(), "bad-bytes-simulator", scenario, |smsc| {
        smsc.line("rate = \"100/s\"")
    });
    let campaign = stand.launch(MESSAGES);
    for (what, bytes) in bad_bytes() {
        let mut stream = TcpStream::connect(stand.sim.smpp_address()).expect("connect to the simulator");
        stream.set_read_timeout(Some(LIMIT)).expect("set a read timeout");
        // It may hang up while we still write.
        drop(stream.write_all(&bytes));
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{what}: {error}"),
        }
        assert!(answer.len() < 4_096, "{what} is answered with {} octets", answer.len());
    }
    stand.all_delivered(&campaign, MESSAGES, LIMIT);
}

#[test]
fn from_an_smsc_that_the_engine_binds_to() {
    let lab = Lab::new(programs!(), "bad-bytes-engine");
    let redis = lab.redis();
    let sim = lab.sim("");
    let (address, connections) = hostile_smsc();
    let smscs = vec![
        SmscSettings::new("north", sim.smpp_address()).line("prefixes = [\"33\"]"),
        SmscSettings::new("hostile", &address).line("prefixes = [\"39\"]\nbind_timeout = \"1s\""),
    ];
    let engine = lab.engine(&EngineSettings::new(Some(redis.url()), smscs));
    let tenant = engine.tenant("Cabinet Martin", 10_000);
    let campaign = tenant.launch(&engine, MESSAGES);
    let view = campaign.wait(&engine, "all is delivered beside a hostile SMSC", LIMIT, |view| {
        view.status("delivered") == MESSAGES as u64
    });
    view.assert_adds_up();
    // Each kind of bad bytes ended its connection, and the engine came back for the next.
    let kinds = bad_bytes().len();
    let mut seen = 0;
    eventually("the engine has met every kind of bad bytes", 2 * LIMIT, || {
        seen += connections.try_iter().count();
        (seen > kinds).then_some(())
    });
    assert_eq!(engine.admin().get("/livez").status, 200);
}

/// Takes connections one after the other and answers each bind with the next kind of bad bytes. Yields a value for each
/// connection that is over; ends with the test's process.
fn hostile_smsc() -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind a free port");
    let address = listener.local_addr().expect("it has an address").to_string();
    let (over, connections) = sync_channel(1_000);
    std::thread::spawn(move || {
        for ((_, bytes), stream) in bad_bytes().iter().cycle().zip(listener.incoming()) {
            let Ok(mut stream) = stream else { continue };
            let mut bind = [0; 16];
            if stream.read_exact(&mut bind).is_ok() {
                drop(stream.write_all(bytes));
                // Until the engine hangs up: it is the one who has to.
                drop(std::io::copy(&mut stream, &mut std::io::sink()));
            }
            if over.send(()).is_err() {
                return;
            }
        }
    });
    (address, connections)
}
