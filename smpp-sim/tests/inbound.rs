//! What people write to the clients: replies, scripts, and messages by hand, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use crate::common::{Client, any_bind, recipients, sim, wait};
use smpp::command_status::CommandStatus;
use smpp::frame::{Bind, BindKind, CommandId, PDU_LENGTH_MAX, Pdu, encode_sm_resp, split, tag};
use smpp::text::decode;
use smpp_sim::{InboundEncoding, InboundOrder, InboundSegments, InboundSessions, NoInbound, Running, Scenario};

/// One deliver_sm as it came.
#[derive(Clone, Debug, Default, PartialEq)]
struct Delivered {
    from: String,
    to: String,
    esm_class: u8,
    data_coding: u8,
    short_message: Vec<u8>,
    payload: Option<Vec<u8>>,
    /// Reference, total and number of the segment.
    sar: Option<(Vec<u8>, u8, u8)>,
}

/// The next deliver_sm, which is acknowledged.
async fn deliver(client: &mut Client) -> Delivered {
    loop {
        let octets = client.receive_octets().await.expect("the session is open");
        let raw = split(&octets, PDU_LENGTH_MAX).unwrap().unwrap();
        let Pdu::DeliverSm(sm) = raw.decode().unwrap() else {
            continue;
        };
        let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
        let one = |tag| sm.tlvs.get(tag).map(|value| value[0]);
        let sar = (
            sm.tlvs.get(tag::SAR_MSG_REF_NUM),
            one(tag::SAR_TOTAL_SEGMENTS),
            one(tag::SAR_SEGMENT_SEQNUM),
        );
        client.queue_acknowledgement(raw.header.sequence);
        client.flush().await;
        return Delivered {
            from: text(sm.source.digits),
            to: text(sm.destination.digits),
            esm_class: sm.esm_class,
            data_coding: sm.data_coding,
            short_message: sm.short_message.to_vec(),
            payload: sm.tlvs.get(tag::MESSAGE_PAYLOAD).map(<[u8]>::to_vec),
            sar: match sar {
                (Some(reference), Some(total), Some(part)) => Some((reference.to_vec(), total, part)),
                _ => None,
            },
        };
    }
}

async fn receiver(running: &Running) -> Client {
    Client::bound(running.smpp_addr, BindKind::Transceiver).await
}

const RULES: &str = r#"
seed = 7
[receipt]
form = "tlv"
[[inbound]]
on = '(?i)repondez (1|2)'
reply = ["1", { text = "2", weight = 3 }]
[[inbound]]
on = "confirm"
reply = "OUI"
probability = 0.5
to = "36034"
delay = "1ms"
[[outcome]]
name = "delivered"
weight = 1
[[prefix]]
starts_with = "336999"
outcome = "lost"
[[outcome]]
name = "lost"
stat = "UNDELIV"
"#;

/// A hundred who were asked for a number, and those of the other hundred whom the seed has say OUI.
const REPLIES: u64 = 154;

/// Who replied what, to whom, over that many sessions.
async fn replies(sessions: usize) -> BTreeMap<String, (String, String)> {
    let running = sim(RULES).await;
    let all = recipients(33_600_000_000, 200);
    let mut clients = Vec::new();
    for (at, share) in all.chunks(all.len() / sessions).enumerate() {
        let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
        for (place, recipient) in share.iter().enumerate() {
            let text: &[u8] = if (place + at * share.len()) % 2 == 0 {
                b"Repondez 1 ou 2"
            } else {
                b"Pour confirmer, ecrivez OUI"
            };
            client.queue(place as u32 + 1, recipient, text, 0);
        }
        client.queue(9_000, "33699900000", b"Repondez 1 ou 2", 0);
        client.flush().await;
        clients.push(client);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for mut client in clients {
        tasks.spawn(async move { client.acknowledge_until_closed().await });
    }
    wait(&running, "receipts_acked", 200 + sessions as u64).await;
    wait(&running, "inbound_acked", REPLIES).await;
    let messages = running.handle.inbound_messages();
    running.handle.close_sessions();
    tasks.join_all().await;
    running.stop().await;
    let reply = |message: smpp_sim::InboundView| (message.from, (message.to, message.text));
    messages.into_iter().map(reply).collect()
}

#[tokio::test]
async fn replies_are_the_same_whatever_the_sessions() {
    let one = replies(1).await;
    let to = |wanted: &str| one.values().filter(|(to, _)| to == wanted).count();
    let says = |wanted: &str| one.values().filter(|(_, text)| text == wanted).count();
    assert_eq!(
        to("CLINIQUE"),
        100,
        "everybody who was asked for a number, but who got nothing"
    );
    assert_eq!(says("1") + says("2"), 100);
    assert!(says("2") > 2 * says("1"), "{} to {}", says("2"), says("1"));
    assert!((30..70).contains(&says("OUI")) && to("36034") == says("OUI"));
    assert_eq!(one, replies(4).await);
}

/// People who read: each rule is a kind of handset.
const HANDSETS: &str = r#"
seed = 3
[[inbound]]
name = "code"
on = "code (?<code>[0-9]{4}) pour (.*)"
reply = "${code} ($2) $$"
times = 1
[[inbound]]
name = "second"
on = "code"
reply = "encore ?"
[[inbound]]
name = "echo"
person = "^33600000001$"
reply = "$0"
times = 2
[[inbound]]
name = "to-another"
sender = "^36034$"
reply = "non"
[[inbound]]
name = "away"
share = 0.5
times = 2
reply = "absent"
"#;

/// Three of the first, two of the second, and two of each whom the seed has away.
const HANDSETS_SAY: u64 = 203;

/// Who said what, in order for each person, and how many replies each rule made.
async fn handsets(sessions: usize) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, u64>) {
    let running = sim(HANDSETS).await;
    let mut clients = Vec::new();
    for session in 0..sessions {
        let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
        let people = recipients(33_600_000_000, 200);
        for round in 0..3_u32 {
            for (at, person) in people.iter().enumerate().skip(session).step_by(sessions) {
                let text: &[u8] = if at == 0 {
                    b"Votre code 1234 pour le 5"
                } else {
                    b"Bonjour"
                };
                client.queue(round * 1_000 + at as u32 + 1, person, text, 0);
            }
        }
        client.flush().await;
        clients.push(client);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for mut client in clients {
        tasks.spawn(async move { client.acknowledge_until_closed().await });
    }
    wait(&running, "receipts_acked", 600).await;
    wait(&running, "inbound_acked", HANDSETS_SAY).await;
    let (messages, totals) = (running.handle.inbound_messages(), running.handle.totals());
    running.handle.close_sessions();
    tasks.join_all().await;
    running.stop().await;
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in messages {
        said.entry(message.from).or_default().push(message.text);
    }
    (said, totals.by_reply)
}

#[tokio::test]
async fn people_follow_their_rules_so_often_and_say_what_they_were_told() {
    let (said, by_rule) = handsets(1).await;
    assert_eq!(said["33600000000"], ["1234 (le 5) $", "encore ?", "encore ?"]);
    assert_eq!(said["33600000001"][..2], ["Bonjour", "Bonjour"]);
    let away = by_rule["away"];
    assert_eq!(by_rule.values().sum::<u64>(), HANDSETS_SAY, "{by_rule:?}");
    let whole = [("code", 1), ("second", 2), ("echo", 2), ("away", away)];
    assert_eq!(by_rule, whole.map(|(rule, made)| (rule.to_owned(), made)).into());
    let absent = said.values().filter(|texts| texts.iter().any(|text| text == "absent"));
    assert!(
        absent
            .clone()
            .skip(1)
            .all(|texts| texts.iter().filter(|text| *text == "absent").count() == 2)
    );
    assert_eq!((said, by_rule), handsets(4).await);
}

#[tokio::test]
async fn a_script_sends_its_storm_in_order_and_comes_again_after_a_reset() {
    let running = sim(
        "[[inbound]]\nat = \"10ms\"\nfrom = \"33600000000\"\nsenders = 3\nto = \"36034\"\ntext = \"STOP\"\nrepeat = 1500\n\
         rate = \"20000/s\"",
    )
    .await;
    let mut client = receiver(&running).await;
    for n in 0..1500 {
        let message = deliver(&mut client).await;
        let from = (33_600_000_000u64 + n % 3).to_string();
        assert_eq!((message.from, message.to.as_str()), (from, "36034"));
        assert_eq!((message.short_message.as_slice(), message.esm_class), (&b"STOP"[..], 0));
    }
    wait(&running, "inbound_acked", 1500).await;
    running.handle.reset();
    deliver(&mut client).await;
    let calm = Scenario::parse("name = \"calm\"", "x.toml").unwrap();
    running.handle.switch(calm).unwrap();
    let sent = running.handle.totals().inbound_sent;
    for _ in 1..sent {
        deliver(&mut client).await;
    }
    wait(&running, "inbound_acked", sent).await;
    assert!(sent < 1500, "another scenario has ended the script");
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn memory_stays_flat_in_a_storm() {
    let running = sim(
        "[[inbound]]\nat = \"0s\"\nfrom = \"33600000000\"\nto = \"36034\"\ntext = \"STOP\"\nrepeat = 120000\n[receipt]\n\
         window = 100000",
    )
    .await;
    let mut client = receiver(&running).await;
    let mut seen = 0;
    while seen < 120_000 {
        let received = client.receive().await.unwrap();
        assert_eq!(received.command, CommandId::DELIVER_SM);
        seen += 1;
        client.queue_with(|out| {
            let header = (CommandId::DELIVER_SM_RESP, CommandStatus::ESME_ROK, received.sequence);
            encode_sm_resp(out, header, b"");
        });
        if seen % 500 == 0 {
            client.flush().await;
        }
    }
    wait(&running, "inbound_acked", 120_000).await;
    let kept = running.handle.inbound_messages();
    assert!(kept.len() <= 100_000, "{}", kept.len());
    assert_eq!(kept.last().map(|message| message.place), Some(119_999));
    drop(client);
    running.stop().await;
}

fn order(text: &str) -> InboundOrder {
    InboundOrder {
        from: "33612345678".to_owned(),
        to: "36034".to_owned(),
        text: text.to_owned(),
        ..InboundOrder::default()
    }
}

#[tokio::test]
async fn by_hand_a_message_is_written_in_every_way() {
    let running = sim("").await;
    let mut client = receiver(&running).await;
    let send = |order: &InboundOrder| running.handle.send_inbound(order);
    send(&order("Ça va ?")).unwrap();
    assert_eq!(deliver(&mut client).await.data_coding, 0);
    send(&order("👍")).unwrap();
    let emoji = deliver(&mut client).await;
    assert_eq!((emoji.data_coding, decode(&emoji.short_message, 8).as_str()), (8, "👍"));
    let latin1 = InboundOrder {
        encoding: InboundEncoding::Latin1,
        ..order("ête")
    };
    send(&latin1).unwrap();
    assert_eq!(deliver(&mut client).await.short_message, [0xEA, b't', b'e']);

    let long = "0123456789".repeat(17);
    send(&order(&long)).unwrap();
    let parts = [deliver(&mut client).await, deliver(&mut client).await];
    assert!(
        parts
            .iter()
            .all(|part| part.esm_class == 0x40 && part.short_message[..3] == [5, 0, 3])
    );
    let text: Vec<u8> = parts.iter().flat_map(|part| part.short_message[6..].to_vec()).collect();
    assert_eq!(text, long.as_bytes());

    let sar = InboundOrder {
        segments: InboundSegments::Sar,
        ..order(&long)
    };
    send(&sar).unwrap();
    let parts = [deliver(&mut client).await, deliver(&mut client).await];
    let numbers: Vec<_> = parts
        .iter()
        .filter_map(|part| part.sar.as_ref())
        .map(|sar| (sar.1, sar.2))
        .collect();
    assert_eq!(numbers, [(2, 1), (2, 2)]);
    let text: Vec<u8> = parts.iter().flat_map(|part| part.short_message.clone()).collect();
    assert_eq!((text.as_slice(), parts[0].esm_class), (long.as_bytes(), 0));

    let payload = InboundOrder {
        segments: InboundSegments::Payload,
        ..order(&long)
    };
    send(&payload).unwrap();
    let whole = deliver(&mut client).await;
    assert_eq!(
        (whole.payload.as_deref(), whole.short_message.len()),
        (Some(long.as_bytes()), 0)
    );

    let port = InboundOrder {
        udh: Some("0504158A158A".to_owned()),
        ..order("x")
    };
    send(&port).unwrap();
    let headed = deliver(&mut client).await;
    assert_eq!(
        (headed.short_message, headed.esm_class),
        (b"\x06\x05\x04\x15\x8a\x15\x8ax".to_vec(), 0x40)
    );
    wait(&running, "inbound_acked", 9).await;
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_by_hand_is_refused() {
    let running = sim("").await;
    let client = receiver(&running).await;
    let send = |order: &InboundOrder| running.handle.send_inbound(order);
    let refused = |change: fn(&mut InboundOrder)| {
        let mut order = order("👍");
        change(&mut order);
        send(&order).unwrap_err()
    };
    assert_eq!(
        refused(|order| order.account = Some("nobody".to_owned())),
        NoInbound::Account
    );
    assert_eq!(refused(|order| order.encoding = InboundEncoding::Gsm7), NoInbound::Text);
    assert_eq!(refused(|order| order.udh = Some("050".to_owned())), NoInbound::Header);
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn to_3_3_nothing_goes_in_optional_parameters() {
    let running = sim("").await;
    let mut client = Client::connect(running.smpp_addr).await;
    let bind = Bind {
        interface_version: 0x33,
        ..any_bind(BindKind::Receiver)
    };
    assert_eq!(client.bind_as(&bind).await.0, CommandStatus::ESME_ROK);
    let long = "0123456789".repeat(17);
    for segments in [InboundSegments::Sar, InboundSegments::Payload] {
        let order = InboundOrder {
            segments,
            ..order(&long)
        };
        running.handle.send_inbound(&order).unwrap();
    }
    for length in [159, 23, 170] {
        let part = deliver(&mut client).await;
        assert_eq!((part.short_message.len(), part.sar, part.payload), (length, None, None));
    }
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn the_conversations_that_are_built_in_reply() {
    let mut scenario = Scenario::named("conversations").unwrap();
    scenario.time_scale = 1000.0;
    let running = smpp_sim::start(scenario, smpp_sim::Options::ephemeral()).await.unwrap();
    let mut client = receiver(&running).await;
    for (place, recipient) in recipients(33_600_000_000, 300).iter().enumerate() {
        let text: &[u8] = [b"Repondez 1, 2 ou 3".as_slice(), b"Merci de confirmer", b"Promotion"][place % 3];
        client.queue(place as u32 + 1, recipient, text, 0);
    }
    client.flush().await;
    let task = async {
        wait(&running, "receipts_acked", 300).await;
        wait(&running, "inbound_acked", 110).await;
        running.handle.close_sessions();
    };
    tokio::join!(task, client.acknowledge_until_closed());
    let messages = running.handle.inbound_messages();
    assert!(messages.iter().any(|message| message.text == "OUI"));
    assert!(messages.iter().any(|message| message.text == "2"));
    running.stop().await;
}

/// Which segments of its next deliveries a session gets, by the reference of their message: `count` of them.
async fn references(client: &mut Client, count: usize) -> Vec<u8> {
    let mut references = Vec::new();
    for _ in 0..count {
        let part = deliver(client).await;
        assert_eq!(part.short_message[..3], [5, 0, 3], "a segment with its header");
        references.push(part.short_message[3]);
    }
    references
}

#[tokio::test]
async fn the_segments_of_a_message_stay_on_one_session_unless_they_are_to_come_in_turns() {
    let running = sim("").await;
    let mut clients = [receiver(&running).await, receiver(&running).await];
    let three_segments = "0123456789".repeat(40);
    for _ in 0..4 {
        running.handle.send_inbound(&order(&three_segments)).unwrap();
    }
    for client in &mut clients {
        let got = references(client, 6).await;
        assert!(got[..3].iter().all(|reference| *reference == got[0]), "{got:?}");
        assert!(got[3..].iter().all(|reference| *reference == got[3]), "{got:?}");
        assert_ne!(got[0], got[3]);
    }
    let in_turns = InboundOrder {
        sessions: InboundSessions::Turns,
        ..order(&three_segments)
    };
    running.handle.send_inbound(&in_turns).unwrap();
    running.handle.send_inbound(&in_turns).unwrap();
    for client in &mut clients {
        let got = references(client, 3).await;
        assert!(got.iter().any(|reference| *reference != got[0]), "{got:?}");
    }
    wait(&running, "inbound_acked", 18).await;
    drop(clients);
    running.stop().await;
}

#[tokio::test]
async fn what_a_lost_session_had_to_deliver_stays_together_on_another() {
    let running = sim("[receipt]\nwindow = 1\n").await;
    let lost = receiver(&running).await;
    let mut clients = [receiver(&running).await, receiver(&running).await];
    let three_segments = "0123456789".repeat(40);
    for _ in 0..3 {
        running.handle.send_inbound(&order(&three_segments)).unwrap();
    }
    // Each session has one segment on the wire and two that wait for its acknowledgement.
    drop(lost);
    let [one, other] = &mut clients;
    let own = [references(one, 3).await[0], references(other, 3).await[0]];
    let handed_over = tokio::select! {
        got = references(one, 3) => got,
        got = references(other, 3) => got,
    };
    assert!(
        handed_over.iter().all(|reference| !own.contains(reference)),
        "{handed_over:?}, {own:?}"
    );
    wait(&running, "inbound_acked", 9).await;
    drop(clients);
    running.stop().await;
}

#[tokio::test]
async fn replies_come_over_several_sessions_where_the_scenario_says_so() {
    let long = "0123456789".repeat(40);
    for (sessions, expected) in [("one", [3, 0]), ("turns", [2, 1])] {
        let scenario =
            format!("[[inbound]]\nreply = \"{long}\"\nsessions = \"{sessions}\"\n[receipt]\ndelay = \"0s\"\n");
        let running = sim(&scenario).await;
        let mut other = receiver(&running).await;
        let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
        client.exchange(&recipients(33_600_000_000, 1), 1).await;
        for (client, count) in [(&mut client, expected[0]), (&mut other, expected[1])] {
            references(client, count).await;
        }
        wait(&running, "inbound_acked", 3).await;
        drop((client, other));
        running.stop().await;
    }
}
