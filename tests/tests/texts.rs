//! Texts and what goes with them, on the wire as each SMSC takes them: by the simulator's ledger, which shows every field.

use std::time::Duration;

use campanile_tests::tenant::Tenant;
use campanile_tests::wait::eventually;
use campanile_tests::{CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, programs};
use serde::Deserialize;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// A submit_sm as the simulator's ledger shows it.
#[derive(Clone, Debug, Deserialize)]
struct Submit {
    source: String,
    recipient: String,
    part: u8,
    total: u8,
    data_coding: u8,
    text: String,
    service_type: String,
    priority_flag: u8,
    validity_period: Option<String>,
    schedule_delivery_time: Option<String>,
    tlvs: Vec<(String, String)>,
    ton_npi: [u8; 4],
}

/// An account at an aggregator that takes messages in its own manner.
struct Manner {
    /// The sender whose messages go there, and in small letters the account.
    sender: &'static str,
    /// What the simulator takes data_coding 0 for.
    alphabet: &'static str,
    /// Its lines in the engine's configuration.
    lines: &'static [&'static str],
}

impl Manner {
    fn account(&self) -> String {
        self.sender.to_lowercase()
    }
}

/// One simulator with an account for each manner, and an engine that sends each sender's messages to its own.
fn stand(name: &str, manners: &[Manner]) -> Stand {
    let lab = Lab::new(programs!(), name);
    let accounts = manners.iter().map(|manner| {
        let (account, alphabet) = (manner.account(), manner.alphabet);
        format!("[[account]]\nsystem_id = \"{account}\"\nalphabet = \"{alphabet}\"\n")
    });
    let scenario: String = accounts.collect();
    Stand::under(lab, &scenario, |redis, sim| {
        let smsc = |manner: &Manner| {
            let account = manner.account();
            let smsc = SmscSettings::new(&account, sim.smpp_address()).account(&account);
            manner.lines.iter().fold(smsc, |smsc, line| smsc.line(line))
        };
        let route = |manner: &Manner| {
            let (sender, account) = (manner.sender, manner.account());
            format!("[[route]]\nname = \"{account}\"\nsenders = [\"{sender}\"]\nsmscs = [\"{account}\"]")
        };
        let mut settings = EngineSettings::new(Some(redis.url()), manners.iter().map(smsc).collect());
        settings.tables = manners.iter().map(route).collect();
        settings
    })
}

/// Sends one message, and waits until it is delivered.
fn deliver(stand: &Stand, tenant: &Tenant, message: &Value) {
    let http = tenant.http(&stand.engine);
    let id = http.post("/v1/messages", message).expect(202)["id"].clone();
    let path = format!("/v1/messages/{}", id.as_str().expect("an id"));
    eventually("the message is delivered", LIMIT, || {
        let shown = http.get(&path).expect(200);
        assert!(
            ["queued", "submitting", "transmitted", "delivered"].contains(&shown["status"].as_str().expect("a status")),
            "{shown}"
        );
        (shown["status"] == "delivered").then_some(())
    });
}

fn message(sender: &str, text: &str) -> Value {
    json!({ "to": "+33612345678", "sender": sender, "text": text })
}

/// A sender's submits in the order of their parts.
fn submits(stand: &Stand, sender: &str) -> Vec<Submit> {
    let all: Vec<Submit> = stand
        .sim
        .http()
        .get("/ledger")
        .and_then(lab::Answer::json_lines)
        .expect("the ledger can be read");
    let mut own: Vec<Submit> = all.into_iter().filter(|submit| submit.source == sender).collect();
    own.sort_by_key(|submit| submit.part);
    own
}

fn whole(submits: &[Submit]) -> String {
    submits.iter().map(|submit| submit.text.as_str()).collect()
}

const MANNERS: [Manner; 8] = [
    Manner {
        sender: "PLAIN",
        alphabet: "gsm7",
        lines: &[],
    },
    Manner {
        sender: "UDH16",
        alphabet: "gsm7",
        lines: &["concatenation = \"udh16\""],
    },
    Manner {
        sender: "SAR",
        alphabet: "gsm7",
        lines: &["concatenation = \"sar\""],
    },
    Manner {
        sender: "PAYLOAD",
        alphabet: "gsm7",
        lines: &["concatenation = \"payload\""],
    },
    Manner {
        sender: "PACKED",
        alphabet: "gsm7_packed",
        lines: &["alphabet = \"gsm7_packed\""],
    },
    Manner {
        sender: "LATIN",
        alphabet: "latin1",
        lines: &["alphabet = \"latin1\""],
    },
    Manner {
        sender: "LATIN3",
        alphabet: "latin1",
        lines: &["alphabet = \"latin1_3\""],
    },
    Manner {
        sender: "TABLES",
        alphabet: "gsm7",
        lines: &["shift_tables = [\"tr\", \"es\", \"pt\"]"],
    },
];

#[test]
fn every_smsc_gets_texts_as_it_takes_them_and_all_cost_the_same() {
    let stand = stand("texts-manners", &MANNERS);
    let long = "Votre rendez-vous est déplacé à 9 h. "
        .repeat(9)
        .chars()
        .take(305)
        .collect::<String>();
    for manner in &MANNERS {
        deliver(&stand, &stand.tenant, &message(manner.sender, &long));
        let sent = submits(&stand, manner.sender);
        assert_eq!(whole(&sent), long, "{}", manner.sender);
        let (count, coding) = match manner.sender {
            "UDH16" => (3, 0),
            "PAYLOAD" => (1, 0),
            "LATIN3" => (2, 3),
            _ => (2, 0),
        };
        assert_eq!(sent.len(), count, "{}", manner.sender);
        assert!(sent.iter().all(|submit| usize::from(submit.total) == count), "{sent:?}");
        assert!(sent.iter().all(|submit| submit.data_coding == coding), "{sent:?}");
    }
    let tags = |sender: &str| {
        let sent = submits(&stand, sender);
        let of_each = sent
            .iter()
            .map(|submit| submit.tlvs.iter().map(|(tag, _)| tag.clone()).collect::<Vec<_>>());
        of_each.collect::<Vec<_>>()
    };
    assert_eq!(tags("SAR"), vec![["0x020C", "0x020E", "0x020F"]; 2]);
    assert!(tags("PAYLOAD")[0].is_empty());

    // What Latin-1 lacks, and Spanish letters, for which one SMSC's recipients have a table.
    deliver(&stand, &stand.tenant, &message("LATIN", "Acompte : 20 €"));
    assert_eq!(
        submits(&stand, "LATIN")
            .iter()
            .filter(|submit| submit.data_coding == 8)
            .count(),
        1
    );
    let spanish = "Mañana tiene una cita a las 9 de la mañana con el Dr. Martínez, avísenos si no puede venir.";
    let order = |sender: &str| {
        let mut order = message(sender, spanish);
        order["encoding"] = json!("auto");
        order
    };
    for (sender, segments, coding) in [("TABLES", 1, 0), ("PLAIN", 2, 8)] {
        let before = submits(&stand, sender).len();
        deliver(&stand, &stand.tenant, &order(sender));
        let all = submits(&stand, sender);
        assert_eq!(all.len() - before, segments, "{sender}");
        let sent: Vec<Submit> = all
            .into_iter()
            .filter(|submit| !long.contains(submit.text.as_str()))
            .collect();
        assert_eq!(whole(&sent), spanish, "{sender}");
        assert!(sent.iter().all(|submit| submit.data_coding == coding), "{sent:?}");
    }
    // A price depends on the text alone: 2 for each long one and for each Spanish one, 1 for the one with its €.
    let spent = eventually("everything is booked", LIMIT, || {
        let credits = stand.engine.credits(&stand.tenant);
        (credits.held == 0).then_some(credits.spent)
    });
    assert_eq!(spent, 2 * MANNERS.len() as u64 + 1 + 2 * 2);
}

#[test]
fn texts_are_encoded_as_tenant_campaign_and_message_say_and_priced_so() {
    let stand = Stand::new(programs!(), "texts-policies", "", |smsc| smsc);
    let operator = stand.engine.operator();
    let short = "Rendez-vous à l’hôpital, à bientôt";
    let codings = |sender: &str| {
        let sent = submits(&stand, sender);
        sent.into_iter()
            .map(|submit| (submit.data_coding, submit.text))
            .collect::<Vec<_>>()
    };
    deliver(&stand, &stand.tenant, &message("USUAL", short));
    assert_eq!(codings("USUAL"), [(0, "Rendez-vous à l'hopital, à bientot".to_owned())]);
    let mut own = message("OWN", "Bonjour");
    own["encoding"] = json!("ucs2");
    deliver(&stand, &stand.tenant, &own);
    assert_eq!(codings("OWN"), [(8, "Bonjour".to_owned())]);

    let path = format!("/v1/tenants/{}", stand.tenant.id);
    operator.patch(&path, &json!({ "encoding": "auto" })).expect(200);
    deliver(&stand, &stand.tenant, &message("TENANTS", short));
    assert_eq!(codings("TENANTS"), [(8, short.to_owned())]);

    let eighty = "à bientôt ".repeat(8);
    let order = |sender: &str| {
        CampaignOrder::to_first(1)
            .with("text", json!(eighty))
            .with("sender", json!(sender))
    };
    for (order, sender, encoding, segments) in [
        (order("CAMPAIGN1"), "CAMPAIGN1", "auto", 2),
        (
            order("CAMPAIGN2").with("encoding", json!("gsm_transliterate")),
            "CAMPAIGN2",
            "gsm_transliterate",
            1,
        ),
    ] {
        let http = stand.tenant.http(&stand.engine);
        let campaign = stand.tenant.create(&stand.engine, &order);
        let shown = http.get(&format!("/v1/campaigns/{}", campaign.id)).expect(200);
        assert_eq!(
            (&shown["encoding"], &shown["estimate"]["credits"]),
            (&json!(encoding), &json!(segments))
        );
        campaign.ask(&stand.engine, "launch").expect(202);
        campaign.wait(&stand.engine, "it is delivered and booked", LIMIT, |view| {
            view.status("delivered") == 1 && view.credits.spent == segments
        });
        assert_eq!(submits(&stand, sender).len() as u64, segments);
    }

    let http = stand.tenant.http(&stand.engine);
    for (field, value) in [
        ("encoding", json!("gsm")),
        ("encoding", json!(7)),
        ("validity", json!(0)),
        ("validity", json!("1h")),
    ] {
        let pointer = format!("/{field}");
        let mut bad = message("BAD", "Bonjour");
        bad[field] = value.clone();
        http.post("/v1/messages", &bad)
            .expect_field_problem(&[400, 422], &pointer);
        let order = CampaignOrder::to_first(1).with(field, value);
        http.post("/v1/campaigns", &order.body)
            .expect_field_problem(&[400, 422], &pointer);
    }
    operator
        .patch(&path, &json!({ "encoding": "latin1" }))
        .expect_problem(&[422]);
}

const FIELDS: [Manner; 4] = [
    Manner {
        sender: "FIELDS",
        alphabet: "gsm7",
        lines: &[
            "service_type = \"CMT\"",
            "priority_flag = 1",
            "transactional_priority_flag = 2",
            "validity_default = \"2h\"",
            "schedule_delivery = \"1s\"",
            "dest_prefix = \"+\"",
            "ton_npi = { alphanumeric = \"5/1\" }",
            "tlvs = [{ tag = 0x1400, value = \"id-7\" }, { tag = 0x1401, hex = \"00ff\" }]",
            "concatenation = \"sar\"",
        ],
    },
    Manner {
        sender: "ABSOLUTE",
        alphabet: "gsm7",
        lines: &["validity = \"absolute\""],
    },
    Manner {
        sender: "NOTIMES",
        alphabet: "gsm7",
        lines: &["validity = \"none\""],
    },
    Manner {
        sender: "BARE",
        alphabet: "gsm7",
        lines: &[],
    },
];

#[test]
fn what_an_smsc_wants_beside_the_text_is_in_every_submit() {
    let stand = stand("texts-fields", &FIELDS);
    for manner in &FIELDS {
        let mut order = message(manner.sender, "Bonjour");
        if manner.sender != "FIELDS" && manner.sender != "BARE" {
            order["validity"] = json!(3_600);
        }
        deliver(&stand, &stand.tenant, &order);
    }
    let one = |sender: &str| submits(&stand, sender).remove(0);
    let fields = one("FIELDS");
    assert_eq!((fields.service_type.as_str(), fields.priority_flag), ("CMT", 2));
    assert_eq!(fields.validity_period.as_deref(), Some("000000020000000R"));
    assert_eq!(fields.schedule_delivery_time.as_deref(), Some("000000000001000R"));
    assert_eq!(
        (fields.recipient.as_str(), fields.ton_npi),
        ("+33612345678", [5, 1, 1, 1])
    );
    let own = [("0x1400", "69642d37"), ("0x1401", "00ff")].map(|(tag, value)| (tag.to_owned(), value.to_owned()));
    assert_eq!(fields.tlvs, own);
    let absolute = one("ABSOLUTE").validity_period.expect("a validity");
    assert!(absolute.ends_with("000+") && absolute.len() == 16, "{absolute}");
    assert_eq!(one("NOTIMES").validity_period, None);
    let bare = one("BARE");
    assert_eq!((bare.validity_period, bare.schedule_delivery_time), (None, None));
    assert_eq!(
        (bare.service_type.as_str(), bare.priority_flag, bare.tlvs.len()),
        ("", 0, 0)
    );
    assert_eq!(bare.ton_npi, [5, 0, 1, 1]);

    // What the message says stands in place of it; other parameters of the SMSC stay.
    let mut order = message("FIELDS", "Rendez-vous");
    order["service_type"] = json!("");
    order["schedule_delivery"] = json!(2);
    order["tlvs"] = json!([{"tag": "0x1400", "value": "own"}, {"tag": 5_122, "hex": "01"}]);
    deliver(&stand, &stand.tenant, &order);
    let own_fields = submits(&stand, "FIELDS").remove(1);
    assert_eq!(own_fields.service_type, "");
    assert_eq!(own_fields.schedule_delivery_time.as_deref(), Some("000000000002000R"));
    let expected = [("0x1400", "6f776e"), ("0x1402", "01"), ("0x1401", "00ff")];
    assert_eq!(
        own_fields.tlvs,
        expected.map(|(tag, value)| (tag.to_owned(), value.to_owned()))
    );

    // Of several segments, each has them too; a campaign that is not urgent has the other priority.
    let order = CampaignOrder::to_first(1)
        .with("text", json!("a".repeat(200)))
        .with("sender", json!("FIELDS"))
        .with("purpose", json!("marketing"))
        .with("service_type", json!("WAP"))
        .with("tlvs", json!([{"tag": 5_120, "hex": "6964"}]));
    let campaign = stand.tenant.order(&stand.engine, &order);
    campaign.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 1
    });
    let tenant = stand.tenant.http(&stand.engine);
    let shown = tenant.get(&format!("/v1/campaigns/{}", campaign.id)).expect(200);
    assert_eq!(shown["service_type"], "WAP");
    assert_eq!(shown["tlvs"], json!([{"tag": 5_120, "hex": "6964"}]));
    let parts: Vec<Submit> = submits(&stand, "FIELDS")
        .into_iter()
        .filter(|submit| submit.total == 2)
        .collect();
    assert_eq!(parts.len(), 2);
    for part in parts {
        assert_eq!((part.priority_flag, part.tlvs.len()), (1, 3 + own.len()), "{part:?}");
        assert_eq!(part.service_type, "WAP");
        assert!(
            part.tlvs.contains(&("0x1400".to_owned(), "6964".to_owned())),
            "{part:?}"
        );
    }
}

#[test]
fn a_message_whose_time_is_over_while_it_waits_is_never_sent() {
    let messages: usize = 8;
    let stand = Stand::new(programs!(), "texts-expired", "", |smsc| smsc.line("rate = \"60/min\""));
    let order = CampaignOrder::to_first(messages).with("validity", json!(4));
    let campaign = stand.tenant.order(&stand.engine, &order);
    let view = campaign.wait(&stand.engine, "each has ended, and is booked", LIMIT, |view| {
        view.status("delivered") + view.status("transmission_failed") == messages as u64 && view.credits.held == 0
    });
    let (delivered, failed) = (view.status("delivered"), view.status("transmission_failed"));
    assert!(failed > 0, "a second each, and four seconds in all: {view:?}");
    assert_eq!(view.credits.spent, delivered);
    let sent = submits(&stand, "Clinique");
    assert_eq!(sent.len() as u64, delivered);
    for submit in &sent {
        let told = submit.validity_period.as_deref().expect("a validity");
        assert!(
            [
                "000000000001000R",
                "000000000002000R",
                "000000000003000R",
                "000000000004000R"
            ]
            .contains(&told),
            "{told}"
        );
    }
    let path = format!("/v1/campaigns/{}/recipients?limit=500", campaign.id);
    let listed = stand.tenant.http(&stand.engine).get(&path).expect(200);
    let rows = listed["data"].as_array().expect("a list");
    let expired = rows
        .iter()
        .filter(|row| row["status"] == "transmission_failed" && row["reason"] == "expired");
    assert_eq!(expired.count() as u64, failed);
}
