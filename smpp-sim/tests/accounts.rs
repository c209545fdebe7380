//! Versions, who may bind, and what is too much, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::common;
use crate::common::ask::{message, query, raw, status, submit};
use crate::common::pdus::SOURCE;
use crate::common::{Client, any_bind, sim};
use smpp::command_status::CommandStatus;
use smpp::frame::{Bind, BindKind, CommandId, Pdu, Sm, Tlvs, put_tlv, tag};
use smpp_sim::{Filter, Running};

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
