//! What clients ask about messages that they submitted, and submit_multi, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use crate::common::ask::{
    LATE, NOBODY, OTHER, cancel, message, query, raw, receipt, replace, status, submit, transceiver,
};
use crate::common::pdus::SOURCE;
use crate::common::tshark;
use crate::common::{Client, any_bind, sim, wait};
use smpp::address::Address;
use smpp::command_status::CommandStatus;
use smpp::frame::{
    Bind, BindKind, CancelSm, CommandId, Destination, Pdu, QuerySm, ReplaceSm, Sm, SubmitMulti, SubmitMultiResp, Tlvs,
    encode_bind, put_tlv, tag,
};
use smpp_sim::Filter;

/// Every name that `message_id` takes.
const ID_FORMATS: &[&str] = &[
    "decimal",
    "hex_upper",
    "hex_lower",
    "uuid",
    "hex_answer_decimal_receipt",
    "decimal_answer_hex_receipt",
    "padded",
    "padded_receipt",
    "stripped_receipt",
    "padded_hex_receipt",
    "hex_answer_padded_decimal_receipt",
    "hex_case",
    "uuid_upper",
    "uuid_case",
    "even_hex",
    "even_hex_answer_decimal_receipt",
    "uuid_plain_tlv",
    "uuid_cut",
    "uuid_tlv_only",
    "over_i64",
    "over_u64",
    "digits_30",
    "at_host",
    "at_host_tlv",
    "dotted",
    "colon",
    "base36",
    "sar",
    "sar_case",
    "empty_answer",
    "tlv_differs",
    "text_differs",
    "hex_tlv_padded_text",
    "tlv_only",
    "text_only",
    "missing",
    "reused",
    "short_hex",
];

#[tokio::test]
async fn a_query_finds_every_kind_of_id_and_tells_the_state_of_now() {
    for name in ID_FORMATS {
        let running = sim(&format!("[answer]\nmessage_id = \"{name}\"\n{LATE}")).await;
        let mut client = transceiver(&running).await;
        let mut ids = BTreeSet::new();
        for _ in 0..3 {
            let id = submit(&mut client, &message(b"Bonjour")).await;
            let enroute = (CommandStatus::ESME_ROK, 1, String::new(), 0);
            for written in [id.clone(), id.to_ascii_uppercase(), id.to_ascii_lowercase()] {
                assert_eq!(query(&mut client, &written, SOURCE).await, enroute, "{name}");
            }
            assert_eq!(
                query(&mut client, &id, OTHER).await.0,
                CommandStatus::ESME_RQUERYFAIL,
                "{name}"
            );
            ids.insert(id);
        }
        let distinct = if *name == "empty_answer" { 1 } else { 3 };
        assert_eq!(ids.len(), distinct, "{name}: {ids:?}");
        let nobodys = query(&mut client, b"no such id", SOURCE).await.0;
        assert_eq!(nobodys, CommandStatus::ESME_RINVMSGID, "{name}");
        drop(client);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_query_tells_the_final_state_without_a_receipt_too() {
    let running = sim("[[outcome]]\nname = \"a\"\nstat = \"UNDELIV\"\nerr = \"027\"").await;
    let mut client = transceiver(&running).await;
    let sm = Sm {
        registered_delivery: 0,
        ..message(b"Bonjour")
    };
    let id = submit(&mut client, &sm).await;
    let (status, state, date, error) = query(&mut client, &id, SOURCE).await;
    assert_eq!(
        (status, state, error),
        (CommandStatus::ESME_ROK, 5, 27),
        "without a receipt, too"
    );
    assert!(date.len() == 16 && date.ends_with('+'), "{date}");
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_cancelled_message_is_deleted_once_and_its_receipt_says_so() {
    let running = sim(LATE).await;
    let mut client = transceiver(&running).await;
    let id = submit(&mut client, &message(b"Bonjour")).await;
    let mut by_id = CancelSm {
        message_id: &id,
        source: OTHER,
        ..CancelSm::default()
    };
    assert_eq!(cancel(&mut client, by_id).await, CommandStatus::ESME_RCANCELFAIL);
    by_id.source = SOURCE;
    assert_eq!(cancel(&mut client, by_id).await, CommandStatus::ESME_ROK);
    let said = receipt(&mut client).await;
    assert!(said.contains("stat:DELETED err:000"), "{said}");
    assert_eq!(cancel(&mut client, by_id).await, CommandStatus::ESME_RCANCELFAIL);
    assert_eq!(query(&mut client, &id, SOURCE).await.1, 4);
    by_id.message_id = b"42";
    assert_eq!(cancel(&mut client, by_id).await, CommandStatus::ESME_RINVMSGID);
    wait(&running, "receipts_acked", 1).await;
    let totals = running.handle.totals();
    assert_eq!(
        (totals.cancelled, totals.receipts_due, totals.by_stat["DELETED"]),
        (1, 1, 1)
    );
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_cancel_without_an_id_is_about_all_that_are_alike() {
    let running = sim(LATE).await;
    let mut client = transceiver(&running).await;
    let silent = Sm {
        registered_delivery: 0,
        ..message(b"x")
    };
    let cases = [
        (b"CMT".as_slice(), SOURCE, b"33612345678"),
        (b"CMT", SOURCE, b"33612345678"),
        (b"", SOURCE, b"33612345678"),
        (b"CMT", OTHER, b"33612345678"),
        (b"CMT", SOURCE, b"33612345679"),
    ];
    for (service_type, source, destination) in cases {
        let sm = Sm {
            service_type,
            source,
            destination: Address::international(destination),
            ..silent.clone()
        };
        submit(&mut client, &sm).await;
    }
    let mut alike = CancelSm {
        service_type: b"CMT",
        source: SOURCE,
        destination: Address::international(b"33612345678"),
        ..CancelSm::default()
    };
    assert_eq!(cancel(&mut client, alike).await, CommandStatus::ESME_ROK);
    assert_eq!(running.handle.totals().cancelled, 2);
    alike.service_type = b"";
    assert_eq!(cancel(&mut client, alike).await, CommandStatus::ESME_ROK);
    assert_eq!(cancel(&mut client, alike).await, CommandStatus::ESME_RCANCELFAIL);
    let lines = running.handle.lines(Filter::default());
    let cancelled: Vec<_> = lines.iter().map(|line| line.cancelled_at_us.is_some()).collect();
    assert_eq!(cancelled, [true, true, true, false, false]);
    assert_eq!(running.handle.totals().receipts_due, 0, "nobody asked for any");
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_replaced_message_has_another_text_and_another_wish_for_a_receipt() {
    let running = sim("[receipt]\ndelay = \"300ms\"\nform = \"text\"").await;
    let mut client = transceiver(&running).await;
    let silent = Sm {
        registered_delivery: 0,
        ..message(b"Bonjour")
    };
    let wants = submit(&mut client, &message(b"Bonjour")).await;
    let does_not = submit(&mut client, &silent).await;
    let mut new = ReplaceSm {
        message_id: &does_not,
        source: SOURCE,
        validity_period: b"000002000000000R",
        registered_delivery: 1,
        short_message: b"Bonsoir",
        ..ReplaceSm::default()
    };
    assert_eq!(replace(&mut client, new).await, CommandStatus::ESME_ROK);
    new.validity_period = b"tomorrow at nine";
    assert_eq!(replace(&mut client, new).await, CommandStatus::ESME_RINVEXPIRY);
    new.validity_period = b"";
    new.source = OTHER;
    assert_eq!(replace(&mut client, new).await, CommandStatus::ESME_RREPLACEFAIL);
    (new.source, new.message_id, new.registered_delivery) = (SOURCE, &wants, 0);
    assert_eq!(replace(&mut client, new).await, CommandStatus::ESME_ROK);
    let said = receipt(&mut client).await;
    let id = String::from_utf8(does_not.clone()).unwrap();
    assert!(
        said.starts_with(&format!("id:{id} ")) && said.ends_with("text:Bonsoir"),
        "{said}"
    );
    wait(&running, "receipts_acked", 1).await;
    assert_eq!(
        replace(&mut client, new).await,
        CommandStatus::ESME_RREPLACEFAIL,
        "it is final"
    );
    new.message_id = b"42";
    assert_eq!(replace(&mut client, new).await, CommandStatus::ESME_RINVMSGID);
    let totals = running.handle.totals();
    assert_eq!((totals.replaced, totals.receipts_due, totals.receipts_sent), (2, 1, 1));
    let lines = running.handle.lines(Filter::default());
    let second = &lines[1];
    assert_eq!((second.replaced, second.text.as_deref()), (1, Some("Bonsoir")));
    assert_eq!(second.validity_period.as_deref(), Some("000002000000000R"));
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn replace_if_present_takes_the_place_of_the_pending_one() {
    let running = sim(LATE).await;
    let mut client = transceiver(&running).await;
    let first = submit(&mut client, &message(b"Bonjour")).await;
    let again = Sm {
        replace_if_present: 1,
        ..message(b"Bonsoir")
    };
    client.queue_with(|out| again.encode_submit(out, 9));
    client.flush().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(client.receive().await.unwrap());
    }
    let deleted = seen.iter().find(|pdu| pdu.command == CommandId::DELIVER_SM).unwrap();
    let said = String::from_utf8(deleted.text.clone()).unwrap();
    let id = String::from_utf8(first.clone()).unwrap();
    assert!(
        said.starts_with(&format!("id:{id} ")) && said.contains("stat:DELETED"),
        "{said}"
    );
    assert_eq!(query(&mut client, &first, SOURCE).await.1, 4);
    let second = seen
        .iter()
        .find(|pdu| pdu.command == CommandId::SUBMIT_SM_RESP)
        .unwrap();
    assert_eq!(query(&mut client, &second.text, SOURCE).await.1, 1);
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_submit_multi_has_one_id_and_an_outcome_for_each() {
    let running = sim("magic = true\n[receipt]\nform = \"text\"").await;
    let mut client = transceiver(&running).await;
    let to = |digits| Destination::Address(Address::international(digits));
    let destinations = [
        to(b"33612345678"),
        to(b"33612345901"), // ESME_RINVDSTADR
        to(b"33612345905"), // UNDELIV
        Destination::List(b"amis"),
        to(b"nobody"),
    ];
    client.queue_with(|out| SubmitMulti::encode(&message(b"Bonjour"), &destinations, out, 7).unwrap());
    let answer = client.ask_for().await;
    let response = SubmitMultiResp::decode(&raw(&answer)).unwrap();
    assert_eq!(raw(&answer).header.command_status, CommandStatus::ESME_ROK);
    let refused: Vec<_> = response
        .unsuccess
        .iter()
        .map(|one| (one.destination.digits, one.status))
        .collect();
    let expected = [
        (b"33612345901".as_slice(), CommandStatus::ESME_RINVDSTADR),
        (b"amis", CommandStatus::ESME_RINVDLNAME),
        (b"nobody", CommandStatus::ESME_RINVDSTADR),
    ];
    assert_eq!(refused, expected);
    let id = String::from_utf8(response.message_id.to_vec()).unwrap();
    let mut said = BTreeSet::new();
    for _ in 0..2 {
        let text = receipt(&mut client).await;
        assert!(text.starts_with(&format!("id:{id} ")), "{text}");
        said.extend(["DELIVRD", "UNDELIV"].into_iter().filter(|stat| text.contains(stat)));
    }
    assert_eq!(said.len(), 2);
    wait(&running, "receipts_acked", 2).await;
    let totals = running.handle.totals();
    assert_eq!(
        (totals.submits, totals.answered, totals.accepted, totals.rejected),
        (5, 5, 2, 3)
    );
    let lines = running.handle.lines(Filter::default());
    assert!(
        lines
            .iter()
            .filter_map(|line| line.message_id.as_ref())
            .all(|own| *own == id)
    );

    client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &[], out, 8).unwrap());
    assert_eq!(
        status(&mut client, CommandId::SUBMIT_MULTI_RESP).await,
        CommandStatus::ESME_RINVNUMDESTS
    );
    let too_many = vec![to(b"33612345678"); 255];
    client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &too_many, out, 8).unwrap());
    assert_eq!(
        status(&mut client, CommandId::SUBMIT_MULTI_RESP).await,
        CommandStatus::ESME_RINVNUMDESTS
    );
    client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &destinations[3..], out, 9).unwrap());
    let answer = client.ask_for().await;
    assert_eq!(
        raw(&answer).header.command_status,
        CommandStatus::ESME_RSUBMITFAIL,
        "for different reasons"
    );
    assert_eq!(SubmitMultiResp::decode(&raw(&answer)).unwrap().unsuccess.len(), 2);
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn all_254_destinations_are_cancelled_by_their_id() {
    let running = sim(LATE).await;
    let mut client = transceiver(&running).await;
    let numbers: Vec<String> = (0..254).map(|at| (33_600_000_000u64 + at).to_string()).collect();
    let destinations: Vec<_> = numbers
        .iter()
        .map(|number| Destination::Address(Address::international(number.as_bytes())))
        .collect();
    let silent = Sm {
        registered_delivery: 0,
        ..message(b"x")
    };
    client.queue_with(|out| SubmitMulti::encode(&silent, &destinations, out, 7).unwrap());
    let answer = client.ask_for().await;
    let response = SubmitMultiResp::decode(&raw(&answer)).unwrap();
    assert!(response.unsuccess.is_empty());
    let mut by_id = CancelSm {
        message_id: response.message_id,
        source: SOURCE,
        destination: Address::international(b"33600000007"),
        ..CancelSm::default()
    };
    assert_eq!(cancel(&mut client, by_id).await, CommandStatus::ESME_ROK);
    assert_eq!(running.handle.totals().cancelled, 1);
    assert_eq!(
        query(&mut client, response.message_id, SOURCE).await.1,
        1,
        "the others are on their way"
    );
    by_id.destination = NOBODY;
    assert_eq!(cancel(&mut client, by_id).await, CommandStatus::ESME_ROK);
    assert_eq!(running.handle.totals().cancelled, 254);
    assert_eq!(query(&mut client, response.message_id, SOURCE).await.1, 4);
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_data_sm_is_a_message_like_any_other() {
    let running = sim("").await;
    let mut client = transceiver(&running).await;
    let text = vec![b'a'; 400];
    let mut tlvs = bytes::BytesMut::new();
    put_tlv(&mut tlvs, tag::MESSAGE_PAYLOAD, &text);
    let sm = Sm {
        tlvs: Tlvs(&tlvs),
        ..message(b"")
    };
    client.queue_with(|out| sm.encode_data(out, 3));
    let answer = client.ask_for().await;
    let Pdu::DataSmResp(response) = raw(&answer).decode().unwrap() else {
        panic!("no data_sm_resp")
    };
    let id = response.message_id.to_vec();
    assert!(receipt(&mut client).await.contains("stat:DELIVRD"));
    let state = query(&mut client, &id, SOURCE).await.1;
    assert_eq!(state, 2);
    let lines = running.handle.lines(Filter::default());
    assert_eq!(lines[0].text.as_ref().map(String::len), Some(400));
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn what_nobody_serves_is_answered_as_the_standard_says() {
    let running = sim("").await;
    let mut client = transceiver(&running).await;
    let nack = CommandId::GENERIC_NACK;
    let cases = [
        (CommandId::BROADCAST_SM, CommandId::BROADCAST_SM_RESP),
        (CommandId::QUERY_BROADCAST_SM, CommandId::QUERY_BROADCAST_SM_RESP),
        (CommandId::CANCEL_BROADCAST_SM, CommandId::CANCEL_BROADCAST_SM_RESP),
        (CommandId::OUTBIND, nack),
        (CommandId::ALERT_NOTIFICATION, nack),
        (CommandId(0x0000_0777), nack),
    ];
    for (command, answer) in cases {
        client.queue_empty(command, 3);
        assert_eq!(
            status(&mut client, answer).await,
            CommandStatus::ESME_RINVCMDID,
            "{command}"
        );
    }
    let mut receiver = Client::bound(running.smpp_addr, BindKind::Receiver).await;
    let mut open = Client::connect(running.smpp_addr).await;
    for client in [&mut receiver, &mut open] {
        assert_eq!(query(client, b"1", SOURCE).await.0, CommandStatus::ESME_RINVBNDSTS);
        assert_eq!(
            cancel(client, CancelSm::default()).await,
            CommandStatus::ESME_RINVBNDSTS
        );
        assert_eq!(
            replace(client, ReplaceSm::default()).await,
            CommandStatus::ESME_RINVBNDSTS
        );
        client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &[], out, 8).unwrap());
        let refused = status(client, CommandId::SUBMIT_MULTI_RESP).await;
        assert_eq!(refused, CommandStatus::ESME_RINVBNDSTS);
    }
    drop((client, receiver, open));
    running.stop().await;
}

#[tokio::test]
async fn wireshark_reads_what_is_answered() {
    if tshark::skipped() {
        return;
    }
    let running = sim(
        "[[account]]\nsystem_id = \"*\"\ncongestion = true\ninterface_version = \"5.0\"\n[[outcome]]\nname = \"a\"\nstat = \
         \"UNDELIV\"\nerr = \"027\"",
    )
    .await;
    let mut client = Client::connect(running.smpp_addr).await;
    let bind = Bind {
        interface_version: 0x50,
        ..any_bind(BindKind::Transmitter)
    };
    let mut frames = Vec::new();
    client.queue_with(|out| encode_bind(out, 1, &bind).unwrap());
    frames.push(client.ask_for().await);
    client.queue_with(|out| message(b"x").encode_submit(out, 2));
    frames.push(client.ask_for().await);
    let Pdu::SubmitSmResp(response) = raw(&frames[1]).decode().unwrap() else {
        panic!("no answer")
    };
    let id = response.message_id.to_vec();
    let query = QuerySm {
        message_id: &id,
        source: SOURCE,
    };
    client.queue_with(|out| query.encode(out, 3).unwrap());
    frames.push(client.ask_for().await);
    let destinations = [
        Destination::Address(Address::international(b"33612345678")),
        Destination::List(b"amis"),
    ];
    client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &destinations, out, 4).unwrap());
    frames.push(client.ask_for().await);
    let [bound, submitted, queried, multi] = tshark::decode(&frames).try_into().unwrap();
    let all = [&bound, &submitted, &queried, &multi].map(|pdus| &pdus[0]);
    assert!(all.iter().all(|pdu| !pdu.malformed));
    assert_eq!(all[0].number("smpp.SC_interface_version"), Some(0x50));
    assert_eq!(all[1].number("smpp.congestion_state"), Some(0));
    assert_eq!(all[2].get("smpp.message_id").map(str::as_bytes), Some(id.as_slice()));
    assert_eq!(all[2].number("smpp.message_state"), Some(5));
    assert_eq!(all[2].number("smpp.error_code"), Some(27));
    assert!(all[2].get("smpp.final_date").is_some());
    assert_eq!(
        all[3].number("smpp.error_status_code"),
        Some(CommandStatus::ESME_RINVDLNAME.0)
    );
    drop(client);
    running.stop().await;
}
