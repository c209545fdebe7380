//! Clients that this project did not write (tests/peers/README.md) against the simulator: single and long messages, receipts, inbound
//! messages, TLS.

use std::collections::HashMap;
use std::time::Duration;

use campanile_tests::authority::{Authority, secured};
use campanile_tests::peers::{ClientResult, ClientTask, Recipe, run_client, skipped};
use campanile_tests::{Lab, Sim, programs};
use lab::Row;

const MESSAGES: u64 = 200;

const FIRST_RECIPIENT: u64 = 33_600_000_000;

/// Long ones, to the recipients after these.
const LONG: u64 = 10;

/// Three segments of UCS-2, whatever stands before them in each: a header, or nothing.
const LONG_TEXT: &str = "Уважаемый пациент, ваша запись подтверждена. Пожалуйста, приходите за десять минут до приёма. \
    Если вы не можете прийти, позвоните нам заранее, чтобы мы могли предложить это время другому пациенту.";

/// What patients answer: in the default alphabet, in UCS-2 with a surrogate pair, and in several segments.
const INBOUND: [&str; 3] = [
    "Merci \u{1F600}",
    "OK, je viens. Mais je serai peut-etre en retard de quelques minutes, le bus de la ligne 12 ne passe plus devant la \
     gare depuis lundi et il faut marcher dix minutes de plus. A demain.",
    "STOP",
];

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
fn python_smpplib_against_the_simulator_over_tls() {
    client_against_the_simulator(Recipe::SmpplibClient, Wire::Tls, "peer-smpplib");
}

#[test]
fn node_smpp_against_the_simulator_over_tls() {
    client_against_the_simulator(Recipe::NodeClient, Wire::Tls, "peer-node");
}

#[test]
fn net_smpp_against_the_simulator() {
    client_against_the_simulator(Recipe::NetSmppClient, Wire::Plain, "peer-net-smpp");
}

#[test]
fn kannel_against_the_simulator() {
    client_against_the_simulator(Recipe::KannelClient, Wire::Plain, "peer-kannel");
}

#[test]
fn kannel_against_the_simulator_over_tls() {
    client_against_the_simulator(Recipe::KannelClient, Wire::Tls, "peer-kannel-tls");
}

#[derive(Clone, Copy, PartialEq)]
enum Wire {
    Plain,
    Tls,
}

fn client_against_the_simulator(recipe: Recipe, wire: Wire, name: &str) {
    if skipped() {
        return;
    }
    let lab = Lab::new(programs!(), name);
    let authority = Authority::new(lab.directory(), "authority");
    let tls = secured(&authority.issue("localhost", 2100), "");
    let sim = lab.sim(&format!("{SCENARIO}{tls}"));
    let task = ClientTask {
        messages: MESSAGES,
        long: LONG,
        long_text: LONG_TEXT,
        first: FIRST_RECIPIENT,
        inbound: INBOUND.len(),
        authority: (wire == Wire::Tls).then_some(authority.file.as_str()),
    };
    let address = match wire {
        Wire::Plain => sim.smpp_address(),
        Wire::Tls => sim.tls_address().expect("it listens for TLS"),
    };
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            // The client is bound, and in the middle of its work.
            sim.wait_for("accepted", 1, LIMIT);
            for text in INBOUND {
                sim.inbound("33612345678", "36034", text);
            }
        });
        run_client(recipe, address, &task)
    });
    let expected = expected_of(recipe);
    assert_eq!(result, expected, "what {recipe:?} says");
    assert_ledger(&sim);
}

fn expected_of(recipe: Recipe) -> ClientResult {
    // The others: in message_payload; and Kannel counts messages, not their segments.
    let cut = matches!(recipe, Recipe::SmpplibClient | Recipe::NetSmppClient);
    let submits_a_long_message = if cut { 3 } else { 1 };
    let accepted = MESSAGES + LONG * submits_a_long_message;
    ClientResult {
        accepted,
        refused: 0,
        receipts: accepted,
        matched: accepted,
        inbound: INBOUND.map(str::to_owned).to_vec(),
    }
}

/// The simulator saw each message once, whole, and got its receipts acknowledged.
fn assert_ledger(sim: &Sim) {
    let mut by_number: HashMap<u64, Vec<Row>> = HashMap::new();
    for (recipient, rows) in sim.ledger_by_recipient() {
        let number = recipient
            .trim_start_matches('+')
            .parse()
            .expect("a recipient is a number");
        by_number.entry(number).or_default().extend(rows);
    }
    let recipients = FIRST_RECIPIENT..FIRST_RECIPIENT + MESSAGES + LONG;
    assert_eq!(
        by_number.len() as u64,
        MESSAGES + LONG,
        "distinct recipients that the simulator saw"
    );
    for (number, mut rows) in by_number {
        assert!(recipients.contains(&number), "{rows:?}");
        rows.sort_by_key(|row| row.part);
        for (row, part) in rows.iter().zip(1..) {
            assert_eq!((row.part, row.total as usize), (part, rows.len()), "{rows:?}");
            assert_eq!(
                (row.command_status, row.receipts_acked),
                (Some(0), row.receipts_due),
                "{row:?}"
            );
            assert_eq!(row.source, "Clinique");
        }
        // Kannel asks for one receipt, whatever the segments.
        assert!(rows.iter().any(|row| row.receipts_due == 1), "{rows:?}");
        if number >= FIRST_RECIPIENT + MESSAGES {
            let said: String = rows.iter().filter_map(|row| row.text.as_deref()).collect();
            assert_eq!(said, LONG_TEXT, "{rows:?}");
        } else {
            assert_eq!(rows.len(), 1, "{rows:?}");
        }
    }
}
