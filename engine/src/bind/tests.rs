use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::FutureExt as _;
use smpp::command_status::CommandStatus;
use smpp::frame::{
    BindKind, BindResp, CommandId, PDU_LENGTH_MAX, Pdu, Sm, encode_bind_resp, encode_empty, encode_sm_resp, split,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::wire::Departure;
use super::*;
use crate::clock::{Clock, pass};
use crate::config;
use crate::domain::{CampaignId, MessageId, Partition, Recipient};
use crate::metrics::Metrics;

/// Far above what an end takes, and far below every timer of a bind.
const SOON: Duration = Duration::from_secs(5);

const SMSC: SmscId = SmscId(1);

/// One SMSC, and the connection that it has accepted.
struct Bound {
    pool: Pool,
    board: Board,
    feed: mpsc::Sender<Events>,
    _events: mpsc::Receiver<Events>,
    tasks: TaskTracker,
    connection: TcpStream,
}

async fn connected(stop: &Stop) -> Bound {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let smsc = Arc::new(config::Smsc::new("north", address, "campanile"));
    let tasks = TaskTracker::new();
    let (binds, events) = Binds::new(
        Metrics::new(9).unwrap(),
        (Clock::new(), Seats::all_ours()),
        stop.clone(),
        tasks.clone(),
    );
    let pool = Pool::default();
    binds.keep_up(SMSC, &smsc, &pool);
    tasks.close();
    let (connection, _) = listener.accept().await.unwrap();
    Bound {
        pool,
        board: binds.board(),
        feed: binds.feed(),
        _events: events,
        tasks,
        connection,
    }
}

async fn accept_bind(connection: &mut TcpStream) {
    let mut request = [0; 512];
    assert!(connection.read(&mut request).await.unwrap() > 16);
    answer_bind(connection, BindKind::Transceiver).await;
}

async fn answer_bind(connection: &mut TcpStream, kind: BindKind) {
    let (mut answer, ok) = (BytesMut::new(), CommandStatus::ESME_ROK);
    let response = BindResp {
        system_id: b"smsc",
        sc_interface_version: None,
    };
    encode_bind_resp(&mut answer, kind, (ok, 1), &response);
    connection.write_all(&answer).await.unwrap();
}

/// One segment, handed to the session that has a place.
async fn submit(pool: &Pool) {
    let flight = Flight {
        message: bytes::Bytes::new(),
        id: MessageId::new(CampaignId(1), Partition(0), 16, 0),
        recipient: Recipient(33_612_345_678),
        record: bytes::Bytes::new(),
        segments: 1,
        submitted: 1,
        sender: 0,
        lease: Arc::new(Lease::new(1, 1)),
    };
    let mut segments = Segments::default();
    Sm::default().encode_submit(&mut segments.bytes, 0);
    segments.index.push((Arc::new(flight), 0, segments.bytes.len()));
    let mut slots = pool.slots(1).await;
    slots.submit(segments).unwrap();
}

#[tokio::test]
async fn what_is_handed_to_a_session_departs_when_it_is_written() {
    let stop = Stop::default();
    let mut bound = connected(&stop).await;
    accept_bind(&mut bound.connection).await;
    submit(&bound.pool).await;
    let wire = bound.pool.wire();
    let departures = timeout(SOON, async {
        loop {
            let changed = wire.changed();
            match wire.departures() {
                none if none.is_empty() => changed.await,
                some => return some,
            }
        }
    });
    let departures = departures.await.unwrap();
    assert!(
        matches!(departures[..], [Departure { count: 1, at: Some(_) }]),
        "{departures:?}"
    );
    stop.now.cancel();
    stop.drain.cancel();
}

#[tokio::test]
async fn a_bind_that_is_not_answered_ends_when_told() {
    let stop = Stop::default();
    let bound = connected(&stop).await;
    stop.drain.cancel();
    timeout(SOON, bound.tasks.wait()).await.expect("it ends");
}

#[tokio::test]
async fn a_session_ends_at_once_though_nobody_takes_its_answers() {
    let stop = Stop::default();
    let mut bound = connected(&stop).await;
    accept_bind(&mut bound.connection).await;
    submit(&bound.pool).await;
    while bound.feed.try_send(Events::none(SMSC)).is_ok() {}
    stop.drain.cancel();
    stop.now.cancel();
    timeout(SOON, bound.tasks.wait()).await.expect("it ends");
}

#[tokio::test]
async fn a_session_that_waits_for_its_last_answers_is_draining() {
    let stop = Stop::default();
    let mut bound = connected(&stop).await;
    accept_bind(&mut bound.connection).await;
    submit(&bound.pool).await;
    stop.drain.cancel();
    let draining = timeout(SOON, async {
        while bound.board.all()[0].state != "draining" {
            tokio::task::yield_now().await;
        }
    });
    draining.await.expect("it says so while its window is not empty");
    stop.now.cancel();
    timeout(SOON, bound.tasks.wait()).await.expect("it ends");
    assert!(
        bound.board.all().is_empty(),
        "a bind that is over for good is not shown"
    );
}

#[tokio::test]
async fn an_smsc_that_is_away_is_tried_again_after_the_configured_pause() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let smsc = Arc::new(config::Smsc {
        reconnect_min: Duration::from_secs(60),
        ..config::Smsc::new("north", address, "campanile")
    });
    let (stop, tasks, metrics) = (Stop::default(), TaskTracker::new(), Metrics::new(9).unwrap());
    let (binds, _events) = Binds::new(
        metrics.clone(),
        (Clock::new(), Seats::all_ours()),
        stop.clone(),
        tasks.clone(),
    );
    binds.keep_up(SMSC, &smsc, &Pool::default());
    tasks.close();
    let failed = metrics
        .bind_attempts_total
        .with_label_values(&["north", "0", "tcp_error"]);
    let tried = async |count: u64| {
        let reached = async {
            while failed.get() < count || binds.board().all()[0].state != "disconnected" {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, reached).await.expect("it is tried");
    };
    tried(1).await;
    // The pause is the configured one, and at most as much again by chance.
    pass(Duration::from_secs(59)).await;
    assert_eq!(failed.get(), 1);
    pass(Duration::from_secs(62)).await;
    tried(2).await;
    stop.drain.cancel();
    timeout(SOON, tasks.wait()).await.expect("it ends");
}

fn link(address: &str) -> config::Link {
    config::Smsc::new("", address, "").link
}

/// One SMSC under these settings, with nobody behind its addresses but the test.
struct Kept {
    pool: Pool,
    board: Board,
    metrics: Metrics,
    stop: Stop,
    tasks: TaskTracker,
    events: mpsc::Receiver<Events>,
}

impl Kept {
    fn up(smsc: config::Smsc) -> Self {
        Self::among(&Seats::all_ours(), smsc)
    }

    /// Other engines may be there.
    fn among(seats: &Seats, smsc: config::Smsc) -> Self {
        let (stop, tasks, metrics) = (Stop::default(), TaskTracker::new(), Metrics::new(9).unwrap());
        let (binds, events) = Binds::new(
            metrics.clone(),
            (Clock::new(), seats.clone()),
            stop.clone(),
            tasks.clone(),
        );
        let pool = Pool::default();
        binds.keep_up(SMSC, &Arc::new(smsc), &pool);
        tasks.close();
        Self {
            pool,
            board: binds.board(),
            metrics,
            stop,
            tasks,
            events,
        }
    }

    async fn until(&self, bind: usize, what: &str, mut holds: impl FnMut(&board::BindStatus) -> bool) {
        let reached = async {
            while !holds(&self.board.all()[bind]) {
                tokio::task::yield_now().await;
            }
        };
        let reached = timeout(SOON, reached).await;
        assert!(reached.is_ok(), "{what}: {:?}", self.board.all());
    }

    async fn end(self) {
        self.stop.now.cancel();
        self.stop.drain.cancel();
        timeout(SOON, self.tasks.wait()).await.expect("it ends");
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut connection, _) = timeout(SOON, listener.accept()).await.expect("it connects").unwrap();
    accept_bind(&mut connection).await;
    connection
}

async fn read_pdu(connection: &mut TcpStream) -> (CommandId, u32, CommandStatus) {
    let mut bytes = BytesMut::new();
    loop {
        if let Some(raw) = split(&bytes, PDU_LENGTH_MAX).unwrap() {
            let header = raw.header;
            return (header.command_id, header.sequence, header.command_status);
        }
        let read = timeout(SOON, connection.read_buf(&mut bytes)).await;
        assert!(read.expect("a PDU comes").unwrap() > 0, "the connection was closed");
    }
}

async fn say(connection: &mut TcpStream, command: CommandId, sequence: u32) {
    let mut bytes = BytesMut::new();
    encode_empty(&mut bytes, command, CommandStatus::ESME_ROK, sequence);
    connection.write_all(&bytes).await.unwrap();
}

#[tokio::test]
async fn a_bind_that_is_accepted_and_at_once_ended_is_tried_more_and_more_slowly() {
    let (listener, address) = listen().await;
    let kept = Kept::up(config::Smsc {
        reconnect_min: Duration::from_secs(1),
        reconnect_max: Duration::from_secs(3_600),
        ..config::Smsc::new("north", address, "campanile")
    });
    for round in 0..6_u32 {
        drop(accept(&listener).await);
        kept.until(0, "it ended", |line| line.state == "disconnected").await;
        let pause = Duration::from_secs(2_u64.pow(round));
        pass(pause - Duration::from_millis(100)).await;
        assert_eq!(kept.board.all()[0].state, "disconnected", "round {round}");
        pass(pause + Duration::from_secs(1)).await;
    }
    let shown = kept.board.all().remove(0);
    assert_eq!(shown.last_error, "the SMSC closed the connection");
    assert!(shown.last_error_at.is_some(), "and when");

    // One that lives for a minute did not fail at its beginning.
    let connection = accept(&listener).await;
    kept.until(0, "it is bound", |line| line.state == "bound").await;
    pass(Duration::from_secs(61)).await;
    drop(connection);
    kept.until(0, "it ended", |line| line.state == "disconnected").await;
    pass(Duration::from_secs(3)).await;
    drop(accept(&listener).await);
    kept.end().await;
}

#[tokio::test]
async fn the_next_host_is_tried_at_once_when_one_is_away_and_the_first_again_after_a_session_that_lasted() {
    let (away, first) = listen().await;
    drop(away);
    let (second, address) = listen().await;
    let kept = Kept::up(config::Smsc {
        link: config::Link {
            addresses: vec![first.clone(), address.clone()],
            ..link("")
        },
        reconnect_min: Duration::from_secs(1),
        ..config::Smsc::new("north", "", "campanile")
    });
    let mut connection = accept(&second).await;
    kept.until(0, "it is bound", |line| line.state == "bound").await;
    assert_eq!(kept.board.all()[0].address, Some(address));
    let first = TcpListener::bind(first).await.unwrap();
    pass(Duration::from_secs(31)).await;
    let (command, sequence, _) = read_pdu(&mut connection).await;
    assert_eq!(command, CommandId::ENQUIRE_LINK);
    say(&mut connection, CommandId::ENQUIRE_LINK_RESP, sequence).await;
    say(&mut connection, CommandId::UNBIND, 7).await;
    assert_eq!(read_pdu(&mut connection).await.0, CommandId::UNBIND_RESP);
    kept.until(0, "it ended", |line| line.last_error == "the SMSC unbound")
        .await;
    pass(Duration::from_secs(3)).await;
    let connection = accept(&first).await;
    // One that binds and closes is as bad as one that is away.
    kept.until(0, "it is bound", |line| line.state == "bound").await;
    drop(connection);
    kept.until(0, "it ended", |line| line.state == "disconnected").await;
    pass(Duration::from_secs(5)).await;
    accept(&second).await;
    kept.end().await;
}

#[tokio::test]
async fn a_session_without_answers_is_stalled_within_seconds_and_until_the_next_answer() {
    let (listener, address) = listen().await;
    let kept = Kept::up(config::Smsc::new("north", address, "campanile"));
    let mut connection = accept(&listener).await;
    kept.until(0, "it is bound", |line| line.state == "bound").await;
    submit(&kept.pool).await;
    let (command, sequence, _) = read_pdu(&mut connection).await;
    assert_eq!(command, CommandId::SUBMIT_SM);
    let in_flight = kept.metrics.window_in_flight.with_label_values(&["north", "0"]);
    kept.until(0, "it is in the window", |_| in_flight.get() == 1).await;
    assert!(kept.pool.is_bound() && !kept.pool.is_silent());
    pass(Duration::from_secs(6)).await;
    kept.until(0, "nothing is answered", |line| line.state == "stalled")
        .await;
    assert!(
        kept.pool.is_silent() && !kept.pool.is_full(),
        "it is given as much as before"
    );
    let mut answer = BytesMut::new();
    encode_sm_resp(
        &mut answer,
        (CommandId::SUBMIT_SM_RESP, CommandStatus::ESME_ROK, sequence),
        b"1",
    );
    connection.write_all(&answer).await.unwrap();
    kept.until(0, "it is answered", |line| line.state == "bound").await;
    assert!(!kept.pool.is_silent());
    kept.end().await;
}

#[tokio::test]
async fn a_peer_that_asks_whether_we_are_there_makes_no_error() {
    let (listener, address) = listen().await;
    let kept = Kept::up(config::Smsc::new("north", address, "campanile"));
    let mut connection = accept(&listener).await;
    kept.until(0, "it is bound", |line| line.state == "bound").await;
    say(&mut connection, CommandId::ENQUIRE_LINK, 7).await;
    assert_eq!(read_pdu(&mut connection).await.0, CommandId::ENQUIRE_LINK_RESP);
    let asked = kept
        .metrics
        .pdus_total
        .with_label_values(&["north", "in", "enquire_link"]);
    assert_eq!(asked.get(), 1);
    let exposition = String::from_utf8(kept.metrics.exposition()).unwrap();
    let mut errors = exposition
        .lines()
        .filter(|line| line.starts_with("campanile_pdu_errors_total{"));
    assert!(errors.all(|line| line.ends_with("} 0")), "{exposition}");
    kept.end().await;
}

#[tokio::test]
async fn no_more_binds_are_asked_for_than_the_hour_allows_over_all_sessions() {
    let (listener, address) = listen().await;
    let kept = Kept::up(config::Smsc {
        sessions: 3,
        link: config::Link {
            binds_per_hour: 4,
            ..link(&address)
        },
        ..config::Smsc::new("north", "", "campanile")
    });
    let connections = [accept(&listener).await, accept(&listener).await];
    let waiting = || {
        let lines = kept.board.all();
        lines
            .into_iter()
            .filter(|line| line.state == "waiting")
            .collect::<Vec<_>>()
    };
    // An answer that is still on its way when the clock is moved would come too late.
    let bound = |lines: &[board::BindStatus]| lines.iter().filter(|line| line.state == "bound").count();
    kept.until(0, "two are bound", |_| bound(&kept.board.all()) == 2).await;
    kept.until(0, "one waits", |_| waiting().len() == 1).await;
    let error = &waiting()[0].last_error;
    assert_eq!(error, "binds_per_hour = 4 is used up: the next bind may go in 1800 s");
    pass(Duration::from_secs(1_790)).await;
    assert_eq!(waiting().len(), 1);
    pass(Duration::from_secs(11)).await;
    accept(&listener).await;
    kept.until(0, "none waits", |_| waiting().is_empty()).await;
    drop(connections);
    kept.end().await;
}

#[tokio::test]
async fn an_outbind_is_refused_and_the_bind_goes_on() {
    let (listener, address) = listen().await;
    let kept = Kept::up(config::Smsc::new("north", address, "campanile"));
    let (mut connection, _) = listener.accept().await.unwrap();
    say(&mut connection, CommandId::OUTBIND, 9).await;
    let (command, ..) = read_pdu(&mut connection).await;
    assert_eq!(command, CommandId::BIND_TRANSCEIVER);
    let refusal = read_pdu(&mut connection).await;
    assert_eq!(refusal, (CommandId::GENERIC_NACK, 9, CommandStatus::ESME_RINVBNDSTS));
    answer_bind(&mut connection, BindKind::Transceiver).await;
    kept.until(0, "it is bound", |line| line.state == "bound").await;
    say(&mut connection, CommandId::OUTBIND, 10).await;
    assert_eq!(read_pdu(&mut connection).await.0, CommandId::GENERIC_NACK);
    assert_eq!(kept.board.all()[0].state, "bound");
    let odd = kept
        .metrics
        .pdu_errors_total
        .with_label_values(&["north", "wrong_state"]);
    assert_eq!(odd.get(), 2);
    kept.end().await;
}

#[tokio::test]
async fn a_pair_submits_over_its_transmitter_though_no_receiver_is_bound() {
    let (listener, address) = listen().await;
    let kept = Kept::up(config::Smsc {
        bind: config::Directions::Pair,
        link: config::Link {
            ton: 1,
            npi: 1,
            address_range: "^33".to_owned(),
            ..link(&address)
        },
        ..config::Smsc::new("north", "", "campanile")
    });
    let mut transmitter = None;
    let mut receiver = None;
    for _ in 0..2 {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut bytes = BytesMut::new();
        assert!(connection.read_buf(&mut bytes).await.unwrap() > 16);
        let raw = split(&bytes, PDU_LENGTH_MAX).unwrap().unwrap();
        let Pdu::Bind(bind) = raw.decode().unwrap() else {
            panic!()
        };
        assert_eq!((bind.addr_ton, bind.addr_npi, bind.address_range), (1, 1, &b"^33"[..]));
        match bind.kind {
            BindKind::Transmitter => transmitter = Some(connection),
            BindKind::Receiver => receiver = Some(connection),
            BindKind::Transceiver => panic!("a pair has none"),
        }
    }
    let (mut transmitter, mut receiver) = (transmitter.unwrap(), receiver.unwrap());
    answer_bind(&mut receiver, BindKind::Receiver).await;
    kept.until(1, "it is bound", |line| line.state == "bound").await;
    let none = kept.pool.slots_now(1).now_or_never();
    assert!(none.is_none(), "a receiver takes no submissions");
    drop(receiver);
    answer_bind(&mut transmitter, BindKind::Transmitter).await;
    kept.until(0, "it is bound", |line| line.state == "bound").await;
    kept.until(1, "it ended", |line| line.state == "disconnected").await;
    submit(&kept.pool).await;
    assert_eq!(read_pdu(&mut transmitter).await.0, CommandId::SUBMIT_SM);
    let kinds: Vec<_> = kept.board.all().into_iter().map(|line| line.kind).collect();
    assert_eq!(kinds, ["transmitter", "receiver"]);
    kept.end().await;
}

#[tokio::test]
async fn sessions_that_are_too_old_are_bound_anew_one_at_a_time() {
    let (listener, address) = listen().await;
    let kept = Kept::up(config::Smsc {
        sessions: 2,
        link: config::Link {
            session_max_age: Some(Duration::from_secs(60)),
            ..link(&address)
        },
        // No enquire_link between.
        enquire_link_interval: Duration::from_secs(3_600),
        ..config::Smsc::new("north", address, "campanile")
    });
    let mut old = vec![accept(&listener).await, accept(&listener).await];
    let mut fresh = Vec::new();
    for bind in 0..2 {
        kept.until(bind, "it is bound", |line| line.state == "bound").await;
    }
    let leaving = || {
        let lines = kept.board.all();
        let leaving = lines.iter().filter(|line| line.state == "draining");
        leaving.map(|line| line.bind).collect::<Vec<_>>()
    };
    let renewed = || {
        let count = |bind| {
            kept.metrics
                .bind_disconnects_total
                .with_label_values(&["north", bind, "renewed"])
        };
        count("0").get() + count("1").get()
    };
    pass(Duration::from_secs(61)).await;
    for round in 0..2 {
        kept.until(0, "one leaves", |_| leaving().len() == 1).await;
        assert_eq!(renewed(), round, "and no other before it is bound anew");
        let said = old.iter_mut().map(|connection| Box::pin(read_pdu(connection)));
        let ((command, sequence, _), which, _) = futures::future::select_all(said).await;
        assert_eq!(command, CommandId::UNBIND);
        let at = leaving()[0] as usize;
        say(&mut old[which], CommandId::UNBIND_RESP, sequence).await;
        old.remove(which);
        fresh.push(accept(&listener).await);
        kept.until(at, "it is bound anew", |line| line.state == "bound").await;
    }
    kept.until(0, "both are renewed", |_| renewed() == 2).await;
    assert_eq!(leaving(), Vec::<u32>::new());
    kept.end().await;
}

#[tokio::test]
async fn a_session_that_outlives_a_silence_of_its_engine_has_its_whole_window_again() {
    let (listener, address) = listen().await;
    let (seats, now) = (Seats::shared(), Clock::new().now());
    let smsc = config::Smsc::new("north", address, "campanile");
    let window = smsc.window as usize;
    let mut kept = Kept::among(&seats, smsc);
    seats.alive_until(now + SOON);
    seats.granted(&Granted {
        group: seats.wishes()[0].group,
        company: Company::default(),
        held: Vec::new(),
        seats: vec![(0, 1)],
        until: now + 60 * SOON,
        surplus: 0,
    });
    let mut connection = accept(&listener).await;
    seats.alive_until(now);
    // More than the window has: none of it goes, and none of it keeps its place.
    for _ in 0..2 * window {
        timeout(SOON, submit(&kept.pool)).await.expect("there is a place");
    }
    let mut unsent = 0;
    while unsent < 2 * window {
        let events = timeout(SOON, kept.events.recv()).await.expect("it is told").unwrap();
        assert!(events.answers.iter().all(|answer| answer.reply == Reply::Unsent));
        unsent += events.answers.len();
    }
    seats.alive_until(now + 60 * SOON);
    submit(&kept.pool).await;
    let (command, ..) = read_pdu(&mut connection).await;
    assert_eq!(command, CommandId::SUBMIT_SM);
    kept.end().await;
}

#[tokio::test]
async fn what_the_smsc_took_before_its_unbind_is_still_answered() {
    let (listener, address) = listen().await;
    let mut kept = Kept::up(config::Smsc::new("north", address, "campanile"));
    let mut connection = accept(&listener).await;
    submit(&kept.pool).await;
    submit(&kept.pool).await;
    let mut bytes = BytesMut::new();
    while bytes
        .iter()
        .filter(|octet| **octet == CommandId::SUBMIT_SM.0 as u8)
        .count()
        < 2
        || bytes.len() < 66
    {
        connection.read_buf(&mut bytes).await.unwrap();
    }
    say(&mut connection, CommandId::UNBIND, 5).await;
    let (command, ..) = read_pdu(&mut connection).await;
    assert_eq!(command, CommandId::UNBIND_RESP);
    let mut answer = BytesMut::new();
    encode_sm_resp(
        &mut answer,
        (CommandId::SUBMIT_SM_RESP, CommandStatus::ESME_ROK, 2),
        b"taken",
    );
    connection.write_all(&answer).await.unwrap();
    drop(connection);
    let mut replies = Vec::new();
    while replies.len() < 2 {
        let events = timeout(SOON, kept.events.recv()).await.expect("it is told").unwrap();
        replies.extend(events.answers.into_iter().map(|answer| answer.reply));
    }
    assert_eq!(replies, [Reply::Accepted(b"taken".to_vec()), Reply::Lost]);
    kept.until(0, "it ended", |line| line.last_error == "the SMSC unbound")
        .await;
    kept.end().await;
}
