//! `GET /v1/smscs/{name}/trace`: what goes to an SMSC and comes from it, as it does, without what is nobody's business.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use campanile_tests::{Stand, programs};
use serde_json::{Value, json};

/// An answer that is being read: its head is here, so that the engine listens by now.
struct Stream {
    connection: TcpStream,
    head: String,
}

impl Stream {
    fn open(address: &str, path: &str) -> Self {
        let mut connection = TcpStream::connect(address).expect("the engine listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).expect("it reads");
        let (mut head, mut octet) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            connection.read_exact(&mut octet).expect("an answer");
            head.push(octet[0]);
        }
        let head = String::from_utf8(head).expect("UTF-8");
        Self { connection, head }
    }

    /// The lines to the end; between them stands how long each chunk is.
    fn lines(mut self) -> Vec<Value> {
        let mut body = String::new();
        self.connection.read_to_string(&mut body).expect("to the end");
        let objects = body.lines().filter(|line| line.starts_with('{'));
        objects.map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

#[test]
fn a_trace_shows_each_pdu_and_no_number_and_no_text() {
    const MESSAGES: usize = 5;
    let stand = Stand::new(programs!(), "trace", "", |smsc| {
        smsc.line("enquire_link_interval = \"10m\"")
    });
    let admin = stand.engine.admin();
    let path = format!("/v1/smscs/north/trace?seconds=120&limit={}", 4 * MESSAGES);
    let trace = Stream::open(admin.address(), &path);
    assert!(
        trace.head.starts_with("HTTP/1.1 200") && trace.head.contains("application/x-ndjson"),
        "{}",
        trace.head
    );
    stand.launch(MESSAGES);
    let mut lines = trace.lines();
    let last = lines.pop();
    assert_eq!(
        last,
        Some(json!({ "end": "limit", "shown": 4 * MESSAGES, "missed": 0 }))
    );
    let mut kinds = BTreeMap::new();
    for line in &lines {
        let kind = format!("{} {}", line["direction"], line["command"]).replace('"', "");
        *kinds.entry(kind).or_insert(0) += 1;
        assert_eq!(
            (&line["status"], &line["session"]),
            (&json!("ESME_ROK"), &json!(0)),
            "{line}"
        );
        assert_eq!(line["problems"], Value::Null, "{line}");
    }
    let expected = [
        "in deliver_sm",
        "in submit_sm_resp",
        "out deliver_sm_resp",
        "out submit_sm",
    ];
    assert_eq!(kinds, expected.map(|kind| (kind.to_owned(), MESSAGES)).into());
    let of = |command: &'static str| lines.iter().filter(move |line| line["command"] == command);
    for submit in of("submit_sm") {
        let number = submit["fields"]["destination_addr"].as_str().expect("a number");
        assert_eq!(number.chars().filter(|shown| *shown != '•').count(), 2, "{submit}");
        let text = submit["fields"]["short_message"].as_str().expect("a length");
        assert!(
            text.ends_with(" octets") && submit["characters"].as_u64() > Some(0),
            "{submit}"
        );
        let answered = of("submit_sm_resp").any(|answer| answer["sequence"] == submit["sequence"]);
        assert!(answered, "{submit}");
    }
    for receipt in of("deliver_sm") {
        assert_eq!(receipt["receipt"]["stat"], "DELIVRD", "{receipt}");
        let id = &receipt["receipt"]["id"];
        assert!(
            of("submit_sm_resp").any(|answer| answer["fields"]["message_id"] == *id),
            "{receipt}"
        );
    }
}

#[test]
fn a_trace_of_nobody_or_without_an_end_is_refused_by_name_and_the_engine_ends_before_it() {
    let stand = Stand::new(programs!(), "trace-bounds", "", |smsc| smsc);
    let admin = stand.engine.admin();
    admin.get("/v1/smscs/nowhere/trace").expect(404);
    for (query, pointer) in [
        ("seconds=0", "?seconds"),
        ("seconds=601", "?seconds"),
        ("limit=all", "?limit"),
        ("second=3", "?second"),
    ] {
        let answer = admin.get(&format!("/v1/smscs/north/trace?{query}"));
        let problem = answer.json();
        assert!((400..500).contains(&answer.status), "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let others: Vec<Stream> = (0..4)
        .map(|_| Stream::open(admin.address(), "/v1/smscs/north/trace?seconds=600"))
        .collect();
    admin.get("/v1/smscs/north/trace").expect(429);
    assert!(stand.engine.shut_down().success());
    for other in others {
        let last = other.lines().pop().expect("a last line");
        assert_eq!(last["end"], "engine ends");
    }
}
