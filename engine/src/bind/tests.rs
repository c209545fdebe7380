use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, BindResp, Sm, encode_bind_resp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::wire::Departure;
use super::*;
use crate::clock::Clock;
use crate::config;
use crate::domain::{CampaignId, MessageId, Partition, Recipient};
use crate::metrics::Metrics;

/// Far above what an end takes, and far below every timer of a bind.
const SOON: Duration = Duration::from_secs(5);

const SMSC: SmscId = SmscId(1);

/// The binds of one SMSC, and the connection that it has accepted from them.
async fn connected(stop: &Stop) -> (Binds, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let smsc = Arc::new(config::Smsc::new("north", address, "campanile"));
    let binds = start(&[(SMSC, smsc)], &Metrics::new().unwrap(), Clock::new(), stop);
    let (connection, _) = listener.accept().await.unwrap();
    (binds, connection)
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
async fn submit(binds: &Binds) {
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
    let mut slots = binds.pools[&SMSC].slots(1).await;
    slots.submit(segments).unwrap();
}

#[tokio::test]
async fn what_is_handed_to_a_session_departs_when_it_is_written() {
    let stop = Stop::default();
    let (binds, mut connection) = connected(&stop).await;
    accept_bind(&mut connection).await;
    submit(&binds).await;
    let wire = binds.pools[&SMSC].wire();
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
    let (binds, _connection) = connected(&stop).await;
    stop.drain.cancel();
    timeout(SOON, binds.tasks.wait()).await.expect("it ends");
}

#[tokio::test]
async fn a_session_ends_at_once_though_nobody_takes_its_answers() {
    let stop = Stop::default();
    let (binds, mut connection) = connected(&stop).await;
    accept_bind(&mut connection).await;
    submit(&binds).await;
    while binds.feed.try_send(Events::none(SMSC)).is_ok() {}
    stop.drain.cancel();
    stop.now.cancel();
    timeout(SOON, binds.tasks.wait()).await.expect("it ends");
}
