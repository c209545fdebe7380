//! A campaign from the call to the seven statuses; pause, resume and cancel; one message on the fast lane.

use std::time::Duration;

use campanile_tests::tenant::FR_4379;
use campanile_tests::{Campaign, CampaignOrder, EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

/// The table that the project was made for, as a French clinic reads it.
const TABLE: &str = "\u{feff}statut;libellé;messages;pourcentage\r
delivered;Message reçu;3969;90,6\r
transmission_failed;Echec de la transmission;8;0,2\r
reception_error;Erreur lors de la réception;18;0,4\r
unknown_number;Numéro de destination inconnu;112;2,6\r
not_routed;Message non-routage;4;0,1\r
transmitted;Message transmis;267;6,1\r
recredited;Message recrédité;1;0,0\r
";

/// req_000_02, req_000_21: the share that was delivered, what was estimated and what it cost. req_001_09: nothing says what was read.
fn is_reported(stand: &Stand, campaign: &Campaign) {
    let path = format!("/v1/campaigns/{}/report", campaign.id);
    let http = stand.tenant.http(&stand.engine);
    let report = http.get(&path).expect(200);
    let delivered = json!({ "status": "delivered", "label": "Delivered", "count": 3_969, "percent": 90.6 });
    assert_eq!(report["statuses"][0], delivered);
    assert_eq!(
        (&report["messages"], &report["others"]["queued"]),
        (&json!(4_379), &json!(0))
    );
    assert_eq!(
        report["estimate"],
        json!({ "recipients": 4_379, "segments": 4_379, "credits": 4_379 })
    );
    let view = campaign.view(&stand.engine);
    // Each that was taken is one segment, and one credit; history has these a little later.
    let actual =
        json!({ "credits": view.credits.spent, "recredited": 1, "segments": view.credits.spent, "segments_behind": 0 });
    eventually("the report has what it took", LIMIT, || {
        (http.get(&path).expect(200)["actual"] == actual).then_some(())
    });
    let words = report.to_string();
    assert!(!words.contains("read") && !words.contains("open"), "{words}");
    let french = http.in_language("fr");
    assert_eq!(french.get(&format!("{path}?format=csv")).text, TABLE);
    let label = french.get(&path).expect(200)["statuses"][3]["label"].clone();
    assert_eq!(label, "Numéro de destination inconnu");
    let english = http.get(&format!("{path}?format=csv"));
    assert!(
        english
            .text
            .starts_with("status,label,messages,percent\r\ndelivered,Delivered,3969,90.6\r\n")
    );
    http.get(&format!("{path}?format=pdf")).expect_problem(&[422]);
    let stranger = stand.engine.tenant("Autre cabinet", 10);
    stranger.http(&stand.engine).get(&path).expect_problem(&[404]);
}

#[test]
fn req_001_08_the_table_of_4379_messages() {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/../smpp-sim/scenarios/fr-4379.toml");
    let scenario = std::fs::read_to_string(scenario).expect("read the scenario of the demo");
    let stand = Stand::new(programs!(), "campaign-4379", &scenario, |smsc| smsc);
    let messages = FR_4379.iter().map(|(_, count)| count).sum::<u64>();
    assert_eq!(messages, 4_379);
    let campaign = stand.launch(4_379);
    let reached =
        |view: &campanile_tests::tenant::CampaignView| FR_4379.iter().all(|(name, count)| view.status(name) == *count);
    let view = campaign.wait(
        &stand.engine,
        "the table is reached and the credits have followed",
        LIMIT,
        |view| reached(view) && view.credits.recredited == 1,
    );
    view.assert_adds_up();
    assert_eq!((view.progress.queued, view.progress.in_doubt), (0, 0), "{view:?}");
    let ledgers = stand.consistent_ledgers(&campaign, 4_379, "fr-4379");
    assert_eq!(ledgers.view().progress.total, messages);
    is_reported(&stand, &campaign);
}

#[test]
fn req_000_03_the_share_that_was_on_the_handset_within_three_minutes() {
    let scenario = "[receipt]\ndelay = \"0s\"\n\n[[outcome]]\nname = \"absent\"\nquota = 5\nstat = \"UNDELIV\"\nerr = \"027\"\n\n\
                    [[outcome]]\nname = \"delivered\"\nweight = 1\n";
    let stand = Stand::new(programs!(), "campaign-handset", scenario, |smsc| smsc);
    let campaign = stand.launch(45);
    campaign.wait(&stand.engine, "all have their receipts", LIMIT, |view| {
        view.status("delivered") == 40 && view.status("reception_error") == 5
    });
    let path = format!("/v1/campaigns/{}/report", campaign.id);
    let report = stand.tenant.http(&stand.engine).get(&path).expect(200);
    let times = &report["time_to_handset"];
    assert_eq!(
        (&times["within_3_minutes"], &times["within_3_minutes_percent"]),
        (&json!(40), &json!(100.0))
    );
    let histogram = times["histogram"].as_array().expect("a list");
    let bounds: Vec<_> = histogram.iter().map(|row| row["up_to"].as_u64()).collect();
    assert_eq!(
        bounds,
        [Some(10), Some(30), Some(60), Some(180), Some(600), Some(3_600), None]
    );
    let messages: u64 = histogram.iter().filter_map(|row| row["messages"].as_u64()).sum();
    assert_eq!(messages, 40, "{times}");
    let metrics = stand.engine.admin().get("/metrics").text.clone();
    assert!(
        metrics.contains("campanile_receipt_latency_seconds_bucket{smsc=\"north\",le=\"180\"} 45"),
        "{metrics}"
    );
}

#[test]
fn the_engine_runs_its_own_redis_and_leaves_nothing_behind() {
    let lab = Lab::new(programs!(), "campaign-embedded");
    let sim = lab.sim("");
    let settings = EngineSettings::new(None, vec![SmscSettings::new("north", sim.smpp_address())]);
    let mut engine = lab.engine(&settings);
    let tenant = engine.tenant("Cabinet Martin", 100);
    let campaign = tenant.launch(&engine, 100);
    campaign.wait(&engine, "all is delivered", LIMIT, |view| {
        view.status("delivered") == 100
    });
    assert_eq!(engine.admin().get("/livez").status, 200);
    assert_eq!(engine.admin().get("/readyz").status, 200);
    // It has everything alone.
    let shown = engine.admin().get("/v1/engines").expect(200)["data"][0].clone();
    assert_eq!(
        (&shown["duty"], &shown["sessions"][0]["smsc"]),
        (&json!(true), &json!("north")),
        "{shown}"
    );
    assert!(engine.shut_down().success());

    // Its data are on the disk, so the next start knows the campaign.
    engine.restart();
    assert_eq!(campaign.view(&engine).status("delivered"), 100);
    assert!(engine.shut_down().success());
}

#[test]
fn pause_resume_cancel() {
    let stand = Stand::new(programs!(), "campaign-pause", "", |smsc| smsc.line("rate = \"100/s\""));
    let messages = 1_000;
    let campaign = stand.launch(messages);
    stand.sim.wait_for("accepted", 50, LIMIT);
    assert!(campaign.ask(&stand.engine, "pause").status < 300);
    let paused = campaign.wait(&stand.engine, "what was in flight has its receipt", LIMIT, |view| {
        view.state == "paused"
            && view.status("transmitted") == 0
            && view.status("delivered") == stand.sim.totals().accepted
    });

    // A message overtakes the paused campaign; when it is through, the campaign has not moved.
    let message = json!({ "to": "+33699999999", "text": "Votre code est 1234", "sender": "Clinique" });
    stand
        .tenant
        .http(&stand.engine)
        .post("/v1/messages", &message)
        .expect(202);
    stand.sim.wait_for("accepted", paused.status("delivered") + 1, LIMIT);
    assert_eq!(
        campaign.view(&stand.engine).status("delivered"),
        paused.status("delivered")
    );

    assert!(campaign.ask(&stand.engine, "resume").status < 300);
    campaign.wait(&stand.engine, "the campaign goes on", LIMIT, |view| {
        view.status("delivered") > paused.status("delivered") + 50
    });
    assert!(campaign.ask(&stand.engine, "cancel").status < 300);
    let view = campaign.wait(
        &stand.engine,
        "the campaign is stopped and its hold released",
        LIMIT,
        |view| view.progress.canceled + view.status("delivered") == messages as u64 && view.credits.held == 0,
    );
    view.assert_adds_up();
    assert_eq!((view.state.as_str(), view.credits.held), ("stopped", 0), "{view:?}");
    assert_eq!(view.credits.spent, view.status("delivered"), "{view:?}");
    assert_eq!(
        stand.sim.totals().accepted,
        view.status("delivered") + 1,
        "submitted after the cancel"
    );
}

#[test]
fn req_001_13_req_003_15_personalised_texts_reach_their_recipients() {
    let stand = Stand::new(programs!(), "campaign-fields", "", |smsc| smsc);
    let audience = json!({ "recipients": [
        { "to": "+33612345678", "Nom": "Durand", "Prenom": "Zoé" },
        { "to": "06 87 65 43 21", "Nom": "Petit", "Prenom": "Léa" },
    ] });
    let order = CampaignOrder::to_audience(&audience).with("text", json!("Bonjour [Prenom] [Nom], à demain."));
    let campaign = stand.tenant.order(&stand.engine, &order);
    campaign.wait(&stand.engine, "both are delivered", LIMIT, |view| {
        view.status("delivered") == 2
    });
    let ledger = stand.sim.ledger_by_recipient();
    let text = |recipient: &str| ledger[recipient][0].text.clone().expect("the simulator keeps texts");
    assert_eq!(text("33612345678"), "Bonjour Zoé Durand, à demain.");
    // GSM 03.38 has é and à: nothing had to be transliterated.
    assert_eq!(text("33687654321"), "Bonjour Léa Petit, à demain.");
}
