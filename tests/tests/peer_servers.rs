//! The engine against servers that this project did not write (tests/peers/README.md): single and long messages, receipts matched to
//! the end, inbound messages, TLS.

use std::collections::HashMap;
use std::time::Duration;

use campanile_tests::authority::{Authority, by_name};
use campanile_tests::peers::{Recipe, ServerEvent, skipped};
use campanile_tests::{
    Campaign, CampaignOrder, Engine, EngineSettings, Lab, PeerServer, SmscSettings, Tenant, eventually, programs,
};
use serde_json::{Value, json};

const MESSAGES: usize = 200;

/// How many messages each of the long texts makes.
const LONG: usize = 20;

/// Every long message has so many segments, in either alphabet.
const SEGMENTS: usize = 3;

/// With characters that are other octets of GSM 03.38, one of them octet 0.
const LONG_GSM: &str = "Votre rendez-vous est confirmé, une question : contact@cabinet-martin.example. Merci de venir dix minutes avant \
    l'heure, avec votre carte Vitale et vos anciennes radios. Pour annuler, appelez le secrétariat au plus tard la veille, ou écrivez \
    à contact@cabinet-martin.example. Sans nouvelles de votre part, le rendez-vous est maintenu et la consultation est due. Le \
    cabinet est au deuxième étage, porte gauche, code 1234.";

const LONG_UCS2: &str = "Уважаемый пациент, ваша запись подтверждена. Пожалуйста, приходите за десять минут до приёма. \
    Если вы не можете прийти, позвоните нам заранее, чтобы мы могли предложить это время другому.";

const INBOUND_SHORT: &str = "OK, je viens";

const INBOUND_LONG: &str = "Спасибо! К сожалению, я не могу прийти завтра \u{1F622}, у меня заболел ребёнок. Можно ли перенести \
    приём на следующую неделю, лучше всего на вторник или на среду после обеда?";

const SHORT_CODE: &str = "36034";

const LIMIT: Duration = Duration::from_secs(40);

#[test]
fn engine_against_smpp34() {
    engine_against(Recipe::Smpp34Server, "peer-smpp34-server", &[]);
}

#[test]
fn engine_against_node_smpp() {
    engine_against(Recipe::NodeServer, "peer-node-server", &[]);
}

#[test]
fn engine_against_node_smpp_over_tls() {
    engine_against_over_tls(Recipe::NodeServer, "peer-node-tls");
}

#[test]
fn engine_against_net_smpp() {
    engine_against(Recipe::NetSmppServer, "peer-net-smpp-server", &[]);
}

#[test]
fn engine_against_net_smpp_whose_receipts_keep_the_addresses_of_the_submission() {
    let addresses = ("RECEIPT_ADDRESSES", "submitted");
    engine_against(Recipe::NetSmppServer, "peer-net-smpp-kept", &[addresses]);
}

#[test]
fn engine_against_kannel_drive_smpp() {
    if skipped() {
        return;
    }
    let lab = Lab::new(programs!(), "peer-kannel-server");
    let redis = lab.redis();
    let count = MESSAGES.to_string();
    let server = PeerServer::start(Recipe::KannelServer, lab.directory(), &[("COUNT", &count)]);
    let smsc = SmscSettings::new("peer", server.address()).window(10).bind("pair");
    let engine = lab.engine(&EngineSettings::new(Some(redis.url()), vec![smsc]));
    let tenant = engine.tenant("Cabinet Martin", 1_000);
    let text = "Cabinet Martin : votre rendez-vous est maintenu.";
    // It answers with an empty id, and sends no receipts.
    for (messages, text) in [(MESSAGES, text), (LONG, LONG_GSM)] {
        let order = CampaignOrder::to_first(messages).with("text", json!(text));
        let campaign = tenant.order(&engine, &order);
        let view = campaign.wait(&engine, "all is submitted and answered", LIMIT, |view| {
            view.status("transmitted") == messages as u64 && view.progress.queued == 0
        });
        view.assert_adds_up();
    }
    // Of a segment it says what is before the first NUL: the length of the header.
    let said = [(text, MESSAGES), ("\u{5}", LONG * SEGMENTS)];
    let said = said.map(|(text, count)| ((String::new(), text.to_owned()), count));
    assert_eq!(submits(&server.events()), HashMap::from(said));
    let mut numbers: Vec<usize> = inbound(&engine, &tenant, Whose::Nobody, MESSAGES)
        .iter()
        .map(|row| {
            row["text"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .expect("a number")
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=MESSAGES).collect::<Vec<_>>());
}

fn engine_against(recipe: Recipe, name: &str, environment: &[(&str, &str)]) {
    if !skipped() {
        let lab = Lab::new(programs!(), name);
        let environment = [&conversation(), environment].concat();
        let server = PeerServer::start(recipe, lab.directory(), &environment);
        let smsc = SmscSettings::new("peer", server.address());
        everything_arrives(&lab, &server, smsc);
    }
}

fn engine_against_over_tls(recipe: Recipe, name: &str) {
    if !skipped() {
        let lab = Lab::new(programs!(), name);
        let authority = Authority::new(lab.directory(), "authority");
        let (certificate, key) = authority.issue("localhost", 2100);
        let tls = [("TLS_CERTIFICATE", certificate.as_str()), ("TLS_KEY", &key)];
        let environment = [&conversation()[..], &tls].concat();
        let server = PeerServer::start(recipe, lab.directory(), &environment);
        let smsc = SmscSettings::new("peer", &by_name(server.address()));
        everything_arrives(
            &lab,
            &server,
            smsc.line(&format!("tls = {{ ca_file = {:?} }}", authority.file)),
        );
    }
}

/// What a server writes back to the first message.
fn conversation() -> [(&'static str, &'static str); 3] {
    [
        ("INBOUND_SHORT", INBOUND_SHORT),
        ("INBOUND_LONG", INBOUND_LONG),
        ("SHORT_CODE", SHORT_CODE),
    ]
}

fn everything_arrives(lab: &Lab, server: &PeerServer, smsc: SmscSettings) {
    let redis = lab.redis();
    let engine = lab.engine(&EngineSettings::new(Some(redis.url()), vec![smsc.window(10)]));
    let tenant = engine.tenant("Cabinet Martin", 1_000);
    let short = tenant.launch(&engine, MESSAGES);
    let long = [LONG_GSM, LONG_UCS2].map(|text| {
        let order = CampaignOrder::to_first(LONG).with("text", json!(text));
        tenant.order(&engine, &order)
    });
    wait_until_delivered(&engine, &short, MESSAGES, 1);
    long.iter()
        .for_each(|campaign| wait_until_delivered(&engine, campaign, LONG, SEGMENTS));
    assert_receipts(server);

    let mut expected = HashMap::new();
    let orders = [
        (&short, "Cabinet Martin : votre rendez-vous est confirmé."),
        (&long[0], LONG_GSM),
        (&long[1], LONG_UCS2),
    ];
    for (campaign, text) in orders {
        for row in campaign.recipients(&engine) {
            expected.insert((row.to.trim_start_matches('+').to_owned(), text.to_owned()), 1);
        }
    }
    assert_eq!(submits(&server.events()), expected, "who got what, and how often");

    let rows = inbound(&engine, &tenant, Whose::Tenant, 2);
    let mut texts: Vec<&str> = rows.iter().filter_map(|row| row["text"].as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts, [INBOUND_SHORT, INBOUND_LONG]);
    assert!(rows.iter().all(|row| row["to"] == SHORT_CODE), "{rows:?}");
}

fn wait_until_delivered(engine: &Engine, campaign: &Campaign, messages: usize, segments: usize) {
    let (messages, credits) = (messages as u64, (messages * segments) as u64);
    let view = campaign.wait(engine, "all is delivered and paid for", LIMIT, |view| {
        view.status("delivered") == messages && (view.credits.held, view.credits.spent) == (0, credits)
    });
    view.assert_adds_up();
}

/// The last receipt is stored before it is acknowledged: its acknowledgement may still be on its way.
fn assert_receipts(server: &PeerServer) {
    let segments = MESSAGES + 2 * LONG * SEGMENTS;
    eventually("every receipt is acknowledged", LIMIT, || {
        let acknowledged = |event: &&ServerEvent| matches!(event, ServerEvent::ReceiptAcked { .. });
        (server.events().iter().filter(acknowledged).count() == segments).then_some(())
    });
}

/// Whole messages, by recipient and text, and how often they came.
fn submits(events: &[ServerEvent]) -> HashMap<(String, String), usize> {
    let mut parts: HashMap<(&str, u16), Vec<(u8, &str)>> = HashMap::new();
    let mut whole: HashMap<(String, String), usize> = HashMap::new();
    let mut count = |to: &str, text: String| *whole.entry((to.to_owned(), text)).or_default() += 1;
    for event in events {
        let ServerEvent::Submit {
            to,
            text,
            reference,
            segments,
            part,
            ..
        } = event
        else {
            continue;
        };
        if *segments == 1 {
            count(to, text.clone());
            continue;
        }
        let parts = parts.entry((to, *reference)).or_default();
        parts.push((*part, text));
        if parts.len() == usize::from(*segments) {
            parts.sort_unstable();
            count(to, parts.drain(..).map(|(_, text)| text).collect());
        }
    }
    whole
}

/// Where an inbound message is shown.
#[derive(Clone, Copy)]
enum Whose {
    Tenant,
    Nobody,
}

/// Waits until so many inbound messages are listed, over all pages.
fn inbound(engine: &Engine, tenant: &Tenant, whose: Whose, count: usize) -> Vec<Value> {
    let http = match whose {
        Whose::Tenant => tenant.http(engine),
        Whose::Nobody => engine.admin(),
    };
    eventually(&format!("{count} inbound messages are listed"), LIMIT, || {
        let page = http.get("/v1/inbound?limit=500").expect(200);
        let rows = page["data"].as_array().expect("a list").clone();
        (rows.len() == count).then_some(rows)
    })
}
