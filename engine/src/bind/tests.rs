use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, BindResp, Sm, encode_bind_resp};
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
    let (binds, events) = Binds::new(Metrics::new().unwrap(), Clock::new(), stop.clone(), tasks.clone());
    let pool = binds.keep_up(SMSC, &smsc);
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
    let (mut answer, ok) = (BytesMut::new(), CommandStatus::ESME_ROK);
    let response = BindResp {
        system_id: b"smsc",
        sc_interface_version: None,
    };
    encode_bind_resp(&mut answer, BindKind::Transceiver, (ok, 1), &response);
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
        lease: Arc::new(Lease { epoch: 1 }),
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
    assert_eq!(bound.board.all()[0].state, "disconnected");
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
    let (stop, tasks, metrics) = (Stop::default(), TaskTracker::new(), Metrics::new().unwrap());
    let (binds, _events) = Binds::new(metrics.clone(), Clock::new(), stop.clone(), tasks.clone());
    binds.keep_up(SMSC, &smsc);
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
