//! What a strict account refuses, and PDUs whose length cannot be right, over real sockets.

use crate::common::ask::{self, message};
use crate::common::raw::Raw;
use crate::common::{Client, sim};
use smpp::address::Address;
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, CommandId, Destination, Sm, SubmitMulti, Tlvs};
use tokio::io::AsyncWriteExt;

async fn said(client: &mut Client, sm: &Sm<'_>, multi: bool) -> (CommandId, CommandStatus) {
    client.queue_with(|out| {
        if multi {
            let everybody = [Destination::Address(Address::international(b"33612345678"))];
            SubmitMulti::encode(sm, &everybody, out, 2).expect("nothing is too long");
        } else {
            sm.encode_submit(out, 2);
        }
    });
    let answer = client.ask_for().await;
    let header = ask::raw(&answer).header;
    (header.command_id, header.command_status)
}

#[tokio::test]
async fn a_strict_account_refuses_what_the_standard_forbids() {
    let running = sim("[[account]]\nsystem_id = \"*\"\nstrict = true").await;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transmitter).await;
    let good = message(b"Bonjour");
    let answer = |command| (command, CommandStatus::ESME_ROK);
    assert_eq!(said(&mut client, &good, false).await, answer(CommandId::SUBMIT_SM_RESP));
    let bad = Sm {
        priority_flag: 4,
        ..good.clone()
    };
    let refused = CommandStatus::ESME_RINVPRTFLG;
    let single = said(&mut client, &bad, false).await;
    assert_eq!(single, (CommandId::SUBMIT_SM_RESP, refused));
    let multi = said(&mut client, &bad, true).await;
    assert_eq!(multi, (CommandId::SUBMIT_MULTI_RESP, refused));
    let cut = Sm {
        tlvs: Tlvs(b"\x02\x04\x00\x02\x00"),
        ..good
    };
    client.queue_with(|out| cut.encode_data(out, 3));
    let octets = client.ask_for().await;
    let header = ask::raw(&octets).header;
    assert_eq!(
        (header.command_id, header.command_status),
        (CommandId::DATA_SM_RESP, CommandStatus::ESME_RINVPARLEN)
    );
    let totals = running.handle.totals();
    assert_eq!((totals.submits, totals.accepted, totals.rejected), (4, 1, 3));
    assert_eq!(totals.by_outcome["refused_strict"], 3);
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn others_take_it_all_the_same() {
    let running = sim("").await;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transmitter).await;
    let odd = Sm {
        priority_flag: 4,
        ..message(b"Bonjour")
    };
    assert_eq!(said(&mut client, &odd, false).await.1, CommandStatus::ESME_ROK);
    drop(client);
    running.stop().await;
}

/// A header that says that length, with sequence number 7.
fn header(length: u32) -> [u8; 16] {
    let words = [length, CommandId::ENQUIRE_LINK.0, 0, 7];
    let mut octets = [0; 16];
    for (place, word) in octets.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    octets
}

#[tokio::test]
async fn a_length_that_cannot_be_right_is_answered_before_the_connection_ends() {
    let running = sim("").await;
    for length in [0, 8, 15, 0x7FFF_FFFF] {
        for is_bound in [false, true] {
            // More than the simulator reads at once stays in the socket.
            for more in [0, 1 << 20] {
                let mut raw = match is_bound {
                    true => Raw::bound(running.smpp_addr).await,
                    false => Raw::connect(running.smpp_addr).await,
                };
                let octets = [&header(length)[..], &vec![0; more]].concat();
                raw.wire.stream.write_all(&octets).await.unwrap();
                let nack = raw.next().await.expect("an answer");
                assert_eq!(
                    (nack.command, nack.status, nack.sequence),
                    (CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDLEN, 7),
                    "{length}, {is_bound}, {more}"
                );
                assert_eq!(raw.rest().await, (Vec::new(), true), "{length}, {is_bound}, {more}");
            }
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_bind_that_is_too_short_to_have_a_number_is_answered_with_none() {
    let running = sim("").await;
    let mut raw = Raw::connect(running.smpp_addr).await;
    raw.wire.stream.write_all(&header(8)[..8]).await.unwrap();
    let nack = raw.next().await.expect("an answer");
    assert_eq!((nack.command, nack.sequence), (CommandId::GENERIC_NACK, 0));
    let mut client = Client::connect(running.smpp_addr).await;
    let status = client.bind(BindKind::Transceiver, "campanile", "secret").await;
    assert_eq!(status, CommandStatus::ESME_ROK, "others are served");
    drop(client);
    running.stop().await;
}
