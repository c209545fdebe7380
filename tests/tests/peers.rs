//! Programs that this project did not write (tests/peers/README.md): their clients against the simulator, their servers
//! under the engine.

use std::collections::HashMap;
use std::time::Duration;

use campanile_tests::peers::{ClientResult, ClientTask, Recipe, ServerEvent, run_client, skipped};
use campanile_tests::{EngineSettings, Lab, PeerServer, SmscSettings, eventually, programs};

const MESSAGES: u64 = 200;

const FIRST_RECIPIENT: u64 = 33_600_000_000;

/// What patients answer: in the default alphabet, and in UCS-2 with a surrogate pair.
const INBOUND: [&str; 2] = ["Merci \u{1F600}", "STOP"];

const LIMIT: Duration = Duration::from_secs(40);

/// One account, with the credentials that every recipe shows; the peers keep a window of ten, Kannel binds anew at will.
const SCENARIO: &str = r#"
[[account]]
system_id = "campanile"
password = "secret"
window = 10
[receipt]
delay = { uniform = ["0s", "200ms"] }
"#;

#[test]
fn python_smpplib_against_the_simulator() {
    client_against_the_simulator(Recipe::SmpplibClient, "peer-smpplib");
}

#[test]
fn node_smpp_against_the_simulator() {
    client_against_the_simulator(Recipe::NodeClient, "peer-node");
}

#[test]
fn net_smpp_against_the_simulator() {
    client_against_the_simulator(Recipe::NetSmppClient, "peer-net-smpp");
}

#[test]
fn kannel_against_the_simulator() {
    client_against_the_simulator(Recipe::KannelClient, "peer-kannel");
}

#[test]
fn engine_against_smpp34() {
    engine_against(Recipe::Smpp34Server, "peer-smpp34-server");
}

#[test]
fn engine_against_node_smpp() {
    engine_against(Recipe::NodeServer, "peer-node-server");
}

fn client_against_the_simulator(recipe: Recipe, name: &str) {
    if skipped() {
        return;
    }
    let lab = Lab::new(programs!(), name);
    let sim = lab.sim(SCENARIO);
    let task = ClientTask {
        messages: MESSAGES,
        first: FIRST_RECIPIENT,
        inbound: INBOUND.len(),
    };
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            // The client is bound, and in the middle of its work.
            sim.wait_for("accepted", 1, LIMIT);
            for text in INBOUND {
                sim.inbound("33612345678", "36034", text);
            }
        });
        run_client(recipe, sim.smpp_address(), task)
    });
    let expected = ClientResult {
        accepted: MESSAGES,
        refused: 0,
        receipts: MESSAGES,
        matched: MESSAGES,
        inbound: INBOUND.map(str::to_owned).to_vec(),
    };
    assert_eq!(result, expected, "what {recipe:?} says");

    let ledger = sim.ledger_by_recipient();
    assert_eq!(
        ledger.len() as u64,
        MESSAGES,
        "distinct recipients that the simulator saw"
    );
    for (recipient, rows) in &ledger {
        let [row] = rows.as_slice() else {
            panic!("{recipient} was submitted more than once: {rows:?}")
        };
        let number: u64 = recipient
            .trim_start_matches('+')
            .parse()
            .expect("a recipient is a number");
        assert!(
            (FIRST_RECIPIENT..FIRST_RECIPIENT + MESSAGES).contains(&number),
            "{row:?}"
        );
        assert_eq!((row.command_status, row.receipts_acked), (Some(0), 1), "{row:?}");
        assert_eq!(row.source, "Clinique");
    }
}

fn engine_against(recipe: Recipe, name: &str) {
    if skipped() {
        return;
    }
    let lab = Lab::new(programs!(), name);
    let redis = lab.redis();
    let server = PeerServer::start(recipe, lab.directory());
    let smsc = SmscSettings::new("peer", server.address()).window(10);
    let engine = lab.engine(&EngineSettings::new(Some(redis.url()), vec![smsc]));
    let tenant = engine.tenant("Cabinet Martin", MESSAGES);
    let campaign = tenant.launch(&engine, usize::try_from(MESSAGES).expect("a small number"));
    let view = campaign.wait(&engine, "all is delivered and paid for", LIMIT, |view| {
        view.status("delivered") == MESSAGES && (view.credits.held, view.credits.spent) == (0, MESSAGES)
    });
    view.assert_adds_up();

    // The last receipt is stored before it is acknowledged: its acknowledgement may still be on its way.
    let acknowledged = |events: &[ServerEvent]| {
        events
            .iter()
            .filter(|event| matches!(event, ServerEvent::ReceiptAcked { .. }))
            .count() as u64
    };
    let events = eventually("every receipt is acknowledged", LIMIT, || {
        let events = server.events();
        (acknowledged(&events) == MESSAGES).then_some(events)
    });
    let mut submits: HashMap<&str, usize> = HashMap::new();
    for event in &events {
        match event {
            ServerEvent::Submit { to, .. } => *submits.entry(to).or_default() += 1,
            ServerEvent::ReceiptAcked { .. } => {}
        }
    }
    let expected: HashMap<String, usize> = campaign
        .recipients(&engine)
        .into_iter()
        .map(|row| (row.to.trim_start_matches('+').to_owned(), 1))
        .collect();
    let seen: HashMap<String, usize> = submits.into_iter().map(|(to, count)| (to.to_owned(), count)).collect();
    assert_eq!(seen, expected, "recipients that {recipe:?} saw, and how often");
}
