//! Campaigns that are watched as they go on: server-sent events.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use campanile_tests::{Campaign, CampaignOrder, Stand, eventually, programs};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// In seconds.
fn now() -> u64 {
    jiff::Timestamp::now().as_second().unsigned_abs()
}

/// A stream of events as a client reads it.
struct Watcher {
    connection: TcpStream,
    told: String,
}

/// An event: its id and its data.
type Event = (String, Value);

impl Watcher {
    fn open(stand: &Stand, campaign: &Campaign, last: Option<&str>, seconds: u32) -> Self {
        let address = stand.engine.public().address().to_owned();
        let mut connection = TcpStream::connect(&address).expect("connect to the engine");
        connection.set_read_timeout(Some(LIMIT)).expect("a time limit");
        let (id, key) = (&campaign.id, &stand.tenant.key);
        let last = last.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let request = format!(
            "GET /v1/campaigns/{id}/events?seconds={seconds} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             accept: text/event-stream\r\nconnection: close\r\n{last}\r\n"
        );
        connection.write_all(request.as_bytes()).expect("ask");
        let told = String::new();
        Self { connection, told }
    }

    /// Reads until that is there.
    fn read_until(&mut self, wanted: &str) -> &str {
        let mut octets = [0; 4_096];
        while !self.told.contains(wanted) {
            let read = self.connection.read(&mut octets).expect("read the stream");
            assert!(read > 0, "it ended without {wanted}: {}", self.told);
            self.told += std::str::from_utf8(&octets[..read]).expect("a text");
        }
        &self.told
    }

    fn status(&mut self) -> u16 {
        let head = self.read_until("\r\n\r\n");
        head.get(9..12).and_then(|code| code.parse().ok()).expect("a status")
    }

    /// All events, when the stream has ended.
    fn into_events(mut self) -> Vec<Event> {
        self.connection.read_to_string(&mut self.told).expect("read to the end");
        let of = |field: &str| {
            let lines = self.told.lines().filter_map(|line| line.strip_prefix(field));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let data = of("data: ")
            .into_iter()
            .map(|data| serde_json::from_str(&data).expect("JSON"));
        let (ids, data) = (of("id: "), data.collect::<Vec<Value>>());
        assert_eq!(ids.len(), data.len(), "{}", self.told);
        ids.into_iter().zip(data).collect()
    }
}

fn delivered((_, data): &Event) -> u64 {
    data["statuses"]["delivered"].as_u64().expect("a count")
}

#[test]
fn req_003_13_a_campaign_is_watched_until_it_is_over() {
    let stand = Stand::new(programs!(), "events-life", "", |smsc| smsc.line("rate = \"200/s\""));
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(1_000));
    let mut first = Watcher::open(&stand, &campaign, None, 900);
    let head = first.read_until("\ndata: ").to_owned();
    assert!(
        head.contains("content-type: text/event-stream") && head.contains("retry: "),
        "{head}"
    );
    // One that never reads keeps nobody from anything.
    let _deaf = Watcher::open(&stand, &campaign, None, 900);
    let begun = now();
    campaign.ask(&stand.engine, "launch").expect(202);
    let second = Watcher::open(&stand, &campaign, None, 900);
    let events = first.into_events();
    let took = (now() - begun) as usize;

    let states: Vec<&str> = events.iter().filter_map(|(_, data)| data["state"].as_str()).collect();
    assert_eq!(
        (states[0], states[states.len() - 1]),
        ("draft", "completed"),
        "{states:?}"
    );
    assert!(states.contains(&"running"), "{states:?}");
    assert!(
        events.len() > 3 && events.len() <= took + 4,
        "{} events in {took} s",
        events.len()
    );
    assert!(events.is_sorted_by_key(delivered), "{events:?}");
    let last = events.last().expect("an event");
    assert_eq!((delivered(last), &last.1["progress"]["queued"]), (1_000, &0.into()));
    let sums = events
        .iter()
        .skip(1)
        .filter(|(_, data)| data["state"] == "running")
        .map(|(_, data)| {
            let statuses = data["statuses"].as_object().expect("statuses").values();
            let of_statuses: u64 = statuses.filter_map(Value::as_u64).sum();
            of_statuses + data["progress"]["queued"].as_u64().expect("a count")
        });
    assert!(sums.clone().all(|sum| sum == 1_000), "{:?}", sums.collect::<Vec<_>>());
    let other = second.into_events();
    assert_eq!(other.last(), events.last(), "whoever watches sees the same");

    // Who asks again is told nothing twice.
    assert_eq!(Watcher::open(&stand, &campaign, Some(&last.0), 900).status(), 204);
    let again = Watcher::open(&stand, &campaign, Some(&events[1].0), 900).into_events();
    assert_eq!(again, std::slice::from_ref(last));
    let path = format!("/v1/campaigns/{}/events", campaign.id);
    let http = stand.tenant.http(&stand.engine);
    http.get(&format!("{path}?seconds=901"))
        .expect_field_problem(&[422], "?seconds");
    let stranger = stand.engine.tenant("Autre cabinet", 10);
    stranger.http(&stand.engine).get(&path).expect_problem(&[404]);
}

/// How often Redis has read a part of a string, as looks at counters do.
fn reads(stand: &Stand) -> u64 {
    let url = stand.redis.url();
    let socket = url.trim_start_matches("unix://");
    let mut connection = UnixStream::connect(socket).expect("connect to Redis");
    connection.write_all(b"INFO commandstats\r\nQUIT\r\n").expect("ask");
    let mut told = String::new();
    connection.read_to_string(&mut told).expect("read");
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_getrange:calls="));
    let calls = line
        .and_then(|line| line.split(',').next())
        .and_then(|calls| calls.parse().ok());
    calls.unwrap_or_default()
}

#[test]
fn sixteen_windows_cost_redis_one_look_a_second_and_there_is_no_seventeenth() {
    let stand = Stand::new(programs!(), "events-many", "", |smsc| smsc);
    let campaign = stand.tenant.create(&stand.engine, &CampaignOrder::to_first(10));
    let watch = || Watcher::open(&stand, &campaign, None, 900);
    let mut windows: Vec<Watcher> = (0..16).map(|_| watch()).collect();
    for window in &mut windows {
        window.read_until("\ndata: ");
    }
    let mut seventeenth = watch();
    assert_eq!(seventeenth.status(), 429);
    seventeenth.read_until("too_many_requests");

    // A look reads the counters of every partition.
    let (before, begun) = (reads(&stand), now());
    let looks = || (reads(&stand) - before) / 16;
    eventually("it is looked at", LIMIT, || (looks() >= 3).then_some(()));
    let (looks, seconds) = (looks(), now() - begun);
    assert!(looks <= seconds + 3, "{looks} looks in {seconds} s");

    drop(windows.pop());
    // What asks has the place then: another would have to wait until it is given back.
    let mut ending = eventually("a place is free again", LIMIT, || {
        let mut ending = Watcher::open(&stand, &campaign, None, 1);
        (ending.status() == 200).then_some(ending)
    });
    ending.read_until("\ndata: ");
    assert_eq!(ending.into_events().len(), 1, "nothing changes, and its time is over");
}
