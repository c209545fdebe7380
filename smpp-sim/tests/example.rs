//! The example of clients/README.md, as it is there: what a test of somebody else's looks like.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use bytes::BytesMut;
use smpp::address::Address;
use smpp::frame::{Bind, BindKind, Sm, encode_bind};
use smpp_sim::{Options, Scenario, Waited};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_receipt_comes() {
    let sim = smpp_sim::start(Scenario::healthy(), Options::ephemeral())
        .await
        .unwrap();
    let mut client = TcpStream::connect(sim.smpp_addr).await.unwrap();
    client
        .write_all(&bind_and_submit("33612345678", "Bonjour"))
        .await
        .unwrap();
    let goal = vec![("receipts_sent".to_owned(), 1)];
    let waited = sim.handle.wait(&goal, Duration::from_secs(10)).await;
    let Waited::Reached(totals) = waited else {
        panic!("{waited:?}")
    };
    assert_eq!((totals.accepted, totals.receipts_due), (1, 1));
    sim.stop().await;
}

/// A client in two PDUs, which reads no answer.
fn bind_and_submit(recipient: &str, text: &str) -> BytesMut {
    let mut octets = BytesMut::new();
    let bind = Bind {
        kind: BindKind::Transceiver,
        system_id: b"clinic",
        password: b"secret",
        system_type: b"",
        interface_version: 0x34,
        addr_ton: 0,
        addr_npi: 0,
        address_range: b"",
    };
    encode_bind(&mut octets, 1, &bind).unwrap();
    let message = Sm {
        destination: Address::international(recipient.as_bytes()),
        short_message: text.as_bytes(),
        registered_delivery: 1,
        ..Sm::default()
    };
    message.encode_submit(&mut octets, 2);
    octets
}

#[test]
fn the_readme_has_this_example() {
    let (readme, own) = (include_str!("../clients/README.md"), include_str!("example.rs"));
    let (_, after) = readme.split_once("```rust\n").unwrap();
    let (example, _) = after.split_once("```").unwrap();
    assert!(own.contains(example), "clients/README.md and tests/example.rs differ");
}
