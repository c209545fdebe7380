//! What clients ask about messages that they submitted, submit_multi, versions and accounts, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/tshark.rs"]
mod tshark;

use std::collections::BTreeSet;

use common::{Client, any_bind, sim, wait};
use smpp::address::Address;
use smpp::command_status::CommandStatus;
use smpp::frame::{
    Bind, BindKind, CancelSm, CommandId, Destination, PDU_LENGTH_MAX, Pdu, QuerySm, QuerySmResp, Raw, ReplaceSm, Sm,
    SubmitMulti, SubmitMultiResp, Tlvs, encode_bind, put_tlv, split, tag,
};
use smpp_sim::{Filter, Running};

const SOURCE: Address<'static> = Address {
    ton: 5,
    npi: 0,
    digits: b"CLINIQUE",
};
const OTHER: Address<'static> = Address {
    ton: 5,
    npi: 0,
    digits: b"OTHER",
};
const NOBODY: Address<'static> = Address {
    ton: 0,
    npi: 0,
    digits: b"",
};

/// Receipts that come long after the test has ended, unless something brings them earlier.
const LATE: &str = "[receipt]\ndelay = \"1h\"\nform = \"text\"\n";

fn raw(octets: &[u8]) -> Raw<'_> {
    split(octets, PDU_LENGTH_MAX).unwrap().unwrap()
}

fn message(text: &[u8]) -> Sm<'_> {
    Sm {
        source: SOURCE,
        destination: Address::international(b"33612345678"),
        registered_delivery: 1,
        short_message: text,
        ..Sm::default()
    }
}

async fn transceiver(running: &Running) -> Client {
    Client::bound(running.smpp_addr, BindKind::Transceiver).await
}

/// The id of a message that was accepted.
async fn submit(client: &mut Client, sm: &Sm<'_>) -> Vec<u8> {
    client.queue_with(|out| sm.encode_submit(out, 2));
    let answer = client.ask_for().await;
    let Pdu::SubmitSmResp(response) = raw(&answer).decode().unwrap() else {
        panic!("no answer to a submit")
    };
    assert_eq!(raw(&answer).header.command_status, CommandStatus::ESME_ROK);
    response.message_id.to_vec()
}

async fn status(client: &mut Client, command: CommandId) -> CommandStatus {
    let answer = client.ask_for().await;
    let header = raw(&answer).header;
    assert_eq!((header.command_id, header.length), (command, 16));
    header.command_status
}

async fn query(client: &mut Client, message_id: &[u8], source: Address<'_>) -> (CommandStatus, u8, String, u8) {
    client.queue_with(|out| QuerySm { message_id, source }.encode(out, 3));
    let answer = client.ask_for().await;
    let response = QuerySmResp::decode(&raw(&answer)).unwrap();
    let date = String::from_utf8(response.final_date.to_vec()).unwrap();
    let status = raw(&answer).header.command_status;
    (status, response.message_state, date, response.error_code)
}

async fn cancel(client: &mut Client, cancel: CancelSm<'_>) -> CommandStatus {
    client.queue_with(|out| cancel.encode(out, 4));
    status(client, CommandId::CANCEL_SM_RESP).await
}

async fn replace(client: &mut Client, replace: ReplaceSm<'_>) -> CommandStatus {
    client.queue_with(|out| replace.encode(out, 5));
    status(client, CommandId::REPLACE_SM_RESP).await
}

/// The text of the receipt that comes next, which is acknowledged.
async fn receipt(client: &mut Client) -> String {
    let receipt = client.receive().await.unwrap();
    assert_eq!((receipt.command, receipt.esm_class), (CommandId::DELIVER_SM, 4));
    client.queue_acknowledgement(receipt.sequence);
    client.flush().await;
    String::from_utf8(receipt.text).unwrap()
}

#[tokio::test]
async fn a_query_finds_every_kind_of_id_and_tells_the_state_of_now() {
    let names = [
        "decimal",
        "hex_upper",
        "hex_lower",
        "uuid",
        "hex_answer_decimal_receipt",
        "decimal_answer_hex_receipt",
    ];
    for name in names {
        let running = sim(&format!("[answer]\nmessage_id = \"{name}\"\n{LATE}")).await;
        let mut client = transceiver(&running).await;
        let id = submit(&mut client, &message(b"Bonjour")).await;
        let enroute = (CommandStatus::ESME_ROK, 1, String::new(), 0);
        assert_eq!(query(&mut client, &id, SOURCE).await, enroute, "{name}");
        let other_case = id.to_ascii_uppercase();
        assert_eq!(query(&mut client, &other_case, SOURCE).await, enroute, "{name}");
        assert_eq!(query(&mut client, &id, OTHER).await.0, CommandStatus::ESME_RQUERYFAIL);
        assert_eq!(query(&mut client, b"42", SOURCE).await.0, CommandStatus::ESME_RINVMSGID);
        drop(client);
        running.stop().await;
    }
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
    new.validity_period = b"tomorrow";
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
    client.queue_with(|out| SubmitMulti::encode(&message(b"Bonjour"), &destinations, out, 7));
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

    client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &[], out, 8));
    assert_eq!(
        status(&mut client, CommandId::SUBMIT_MULTI_RESP).await,
        CommandStatus::ESME_RINVNUMDESTS
    );
    let too_many = vec![to(b"33612345678"); 255];
    client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &too_many, out, 8));
    assert_eq!(
        status(&mut client, CommandId::SUBMIT_MULTI_RESP).await,
        CommandStatus::ESME_RINVNUMDESTS
    );
    client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &destinations[3..], out, 9));
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
    client.queue_with(|out| SubmitMulti::encode(&silent, &destinations, out, 7));
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
        client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &[], out, 8));
        let refused = status(client, CommandId::SUBMIT_MULTI_RESP).await;
        assert_eq!(refused, CommandStatus::ESME_RINVBNDSTS);
    }
    drop((client, receiver, open));
    running.stop().await;
}

#[tokio::test]
async fn a_3_3_client_gets_short_ids_and_no_optional_parameters() {
    let running = sim("").await;
    let mut client = Client::connect(running.smpp_addr).await;
    let bind = Bind {
        interface_version: 0x33,
        ..any_bind(BindKind::Transceiver)
    };
    assert_eq!(client.bind_as(&bind).await, (CommandStatus::ESME_ROK, None));
    let mut tlvs = bytes::BytesMut::new();
    put_tlv(&mut tlvs, tag::MESSAGE_PAYLOAD, b"not seen");
    let sm = Sm {
        tlvs: Tlvs(&tlvs),
        ..message(b"")
    };
    let id = submit(&mut client, &sm).await;
    let id = String::from_utf8(id).unwrap();
    assert!(id.len() <= 8 && u32::from_str_radix(&id, 16).is_ok(), "{id}");
    let octets = client.receive_octets().await.unwrap();
    let Pdu::DeliverSm(receipt) = raw(&octets).decode().unwrap() else {
        panic!("no receipt")
    };
    assert!(receipt.short_message.starts_with(format!("id:{id} ").as_bytes()));
    assert!(receipt.tlvs.0.is_empty());
    assert_eq!(query(&mut client, id.as_bytes(), SOURCE).await.1, 2);
    let lines = running.handle.lines(Filter::default());
    assert_eq!(
        (lines[0].message_id.as_deref(), lines[0].text.as_deref()),
        (Some(id.as_str()), Some(""))
    );
    client.queue_with(|out| message(b"").encode_data(out, 3));
    assert_eq!(
        status(&mut client, CommandId::GENERIC_NACK).await,
        CommandStatus::ESME_RINVCMDID,
        "3.3 has no data_sm"
    );
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_5_0_client_is_told_how_busy_the_smsc_is() {
    let running =
        sim("[[account]]\nsystem_id = \"*\"\nwindow = 10\ncongestion = true\ninterface_version = \"5.0\"").await;
    for (version, congested) in [(0x34, None), (0x50, Some([10].as_slice()))] {
        let mut client = Client::connect(running.smpp_addr).await;
        let bind = Bind {
            interface_version: version,
            ..any_bind(BindKind::Transmitter)
        };
        assert_eq!(client.bind_as(&bind).await, (CommandStatus::ESME_ROK, Some(0x50)));
        client.queue_with(|out| message(b"x").encode_submit(out, 2));
        let answer = client.ask_for().await;
        let Pdu::SubmitSmResp(response) = raw(&answer).decode().unwrap() else {
            panic!("no answer")
        };
        assert_eq!(response.tlvs.get(tag::CONGESTION_STATE), congested);
    }
    running.stop().await;
}

#[tokio::test]
async fn an_account_lets_in_whom_it_should() {
    let account = "[[account]]\nsystem_id = \"campanile\"\npassword = \"secret\"\n";
    let good = any_bind(BindKind::Transceiver);
    let cases = [
        ("allow = [\"10.0.0.0/8\", \"::1\"]", good, CommandStatus::ESME_RBINDFAIL),
        (
            "allow = [\"10.0.0.0/8\", \"127.0.0.1/32\"]",
            good,
            CommandStatus::ESME_ROK,
        ),
        ("system_type = \"HLR\"", good, CommandStatus::ESME_RINVSYSTYP),
        (
            "system_type = \"HLR\"",
            Bind {
                system_type: b"HLR",
                ..good
            },
            CommandStatus::ESME_ROK,
        ),
        ("versions = [\"5.0\"]", good, CommandStatus::ESME_RBINDFAIL),
        ("versions = [\"3.4\"]", good, CommandStatus::ESME_ROK),
        (
            "password_max = 8",
            Bind {
                password: b"longerthan8",
                ..good
            },
            CommandStatus::ESME_RINVPASWD,
        ),
    ];
    for (keys, bind, status) in cases {
        let running = sim(&format!("{account}{keys}")).await;
        let mut client = Client::connect(running.smpp_addr).await;
        assert_eq!(client.bind_as(&bind).await.0, status, "{keys}");
        drop(client);
        running.stop().await;
    }
    let said = [("absent", None), ("3.3", Some(0x33)), ("0x99", Some(0x99))];
    for (version, octet) in said {
        let running = sim(&format!("{account}interface_version = \"{version}\"")).await;
        let mut client = Client::connect(running.smpp_addr).await;
        assert_eq!(client.bind_as(&good).await, (CommandStatus::ESME_ROK, octet));
        drop(client);
        running.stop().await;
    }
}

#[tokio::test]
async fn beyond_the_rate_every_action_is_as_it_is_called() {
    let account = "[[account]]\nsystem_id = \"*\"\nrate = \"1/s\"\nburst = 0\n";
    let refused = [
        ("throttled", CommandStatus::ESME_RTHROTTLED),
        ("queue_full", CommandStatus::ESME_RMSGQFUL),
        ("0x00000400", CommandStatus(0x400)),
    ];
    for (beyond, status) in refused {
        let running = sim(&format!("{account}beyond_rate = \"{beyond}\"")).await;
        assert_eq!(
            two_answers(&running).await,
            [Some(CommandStatus::ESME_ROK), Some(status)]
        );
        running.stop().await;
    }
    let running = sim(&format!("{account}beyond_rate = \"close\"")).await;
    assert_eq!(two_answers(&running).await, [Some(CommandStatus::ESME_ROK), None]);
    assert_eq!(running.handle.totals().lost, 1);
    running.stop().await;

    let running = sim(&format!("{account}beyond_rate = \"late\"\nlate_by = \"300ms\"")).await;
    assert_eq!(two_answers(&running).await, [Some(CommandStatus::ESME_ROK); 2]);
    let lines = running.handle.lines(Filter::default());
    let late = lines[1].answered_at_us.map(|at| at - lines[1].received_at_us);
    assert!(late.is_some_and(|late| late >= 300_000), "{late:?}");
    running.stop().await;

    let running = sim(&format!("{account}beyond_rate = \"silence\"")).await;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transmitter).await;
    client.queue(2, "33612345678", b"x", 0);
    client.queue(3, "33612345678", b"x", 0);
    client.queue_empty(CommandId::ENQUIRE_LINK, 4);
    client.flush().await;
    assert_eq!(client.receive().await.unwrap().sequence, 2);
    assert_eq!(client.receive().await.unwrap().command, CommandId::ENQUIRE_LINK_RESP);
    let totals = running.handle.totals();
    assert_eq!(
        (totals.submits, totals.accepted, totals.lost, totals.unanswered),
        (2, 1, 1, 1)
    );
    drop(client);
    running.stop().await;
}

/// The answers to two submits at once; `None`: the connection was closed.
async fn two_answers(running: &Running) -> [Option<CommandStatus>; 2] {
    let mut client = Client::bound(running.smpp_addr, BindKind::Transmitter).await;
    client.queue(2, "33612345678", b"x", 0);
    client.queue(3, "33612345678", b"x", 0);
    client.flush().await;
    let mut next = async || client.receive().await.map(|answer| answer.status);
    [next().await, next().await]
}

#[tokio::test]
async fn rates_of_a_session_and_of_all_hold() {
    for (scenario, let_through) in [
        ("[[account]]\nsystem_id = \"*\"\nrate_per_session = \"5/s\"", 10),
        ("max_tps = \"7/s\"", 7),
    ] {
        let running = sim(scenario).await;
        for _ in 0..2 {
            let mut client = Client::bound(running.smpp_addr, BindKind::Transmitter).await;
            let recipients = common::recipients(33_600_000_000, 20);
            client.exchange(&recipients, 0).await;
        }
        let totals = running.handle.totals();
        let (first, last) = (running.handle.rates()[0].clone(), totals.accepted);
        assert!(last >= let_through, "{scenario}: {last} of {first:?}");
        assert!(
            last <= let_through * 2,
            "{scenario}: {last} in less than two seconds: {first:?}"
        );
        running.stop().await;
    }
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
    client.queue_with(|out| query.encode(out, 3));
    frames.push(client.ask_for().await);
    let destinations = [
        Destination::Address(Address::international(b"33612345678")),
        Destination::List(b"amis"),
    ];
    client.queue_with(|out| SubmitMulti::encode(&message(b"x"), &destinations, out, 4));
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
