//! `POST /v1/text/analyze`: what a text takes while it is typed, judged by a calculator of another project and by what is sent.

use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use campanile_tests::scenarios::Dice;
use campanile_tests::{CampaignOrder, Stand, eventually, peers, programs, text};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

fn stand(name: &str) -> Stand {
    Stand::new(programs!(), name, "", |smsc| smsc)
}

fn analyze(stand: &Stand, body: &Value) -> Value {
    stand
        .tenant
        .http(&stand.engine)
        .post("/v1/text/analyze", body)
        .expect(200)
}

#[test]
fn control_characters_are_refused_wherever_a_text_is_given() {
    let stand = stand("analyze-controls");
    let http = stand.tenant.http(&stand.engine).in_language("fr");
    for (letter, code) in [('\0', "U+0000"), ('\u{7}', "U+0007"), ('\u{1b}', "U+001B")] {
        let says = format!("RDV{letter} demain");
        let message = json!({ "to": "+33612345678", "text": says, "sender": "Cabinet" });
        let template = json!({ "name": "Rappel", "purpose": "transactional", "text": says });
        for (path, body) in [
            ("/v1/text/analyze", json!({ "text": says, "purpose": "transactional" })),
            ("/v1/messages", message),
            (
                "/v1/campaigns",
                CampaignOrder::to_first(1).with("text", json!(says)).body,
            ),
            ("/v1/templates", template),
        ] {
            let problem = http.post(path, &body).expect_problem(&[422]);
            let fault = &problem["errors"][0];
            assert_eq!(
                (&fault["pointer"], &fault["code"]),
                (&json!("/text"), &json!("forbidden_character")),
                "{path}: {problem}"
            );
            assert_eq!(
                text(&fault["detail"]),
                format!("Sans caractère de contrôle ({code}, caractère 4)."),
                "{path}"
            );
        }
    }
    let lines = json!({ "to": "+33612345678", "text": "RDV\r\ndemain\u{c}au cabinet", "sender": "Cabinet" });
    http.post("/v1/messages", &lines).expect(202);
}

/// Texts near every border there is: of lengths up to some segments, of letters, escapes, typography and emoji.
fn texts(count: usize, seed: u64) -> Vec<String> {
    const LETTERS: [&str; 4] = ["aeinrstu ", "aeé€|^~\\ ", "aeœ’…«» ", "aeлж\u{1f382} "];
    const LENGTHS: [(u64, u64); 4] = [(1, 75), (125, 170), (295, 310), (440, 480)];
    let mut dice = Dice::new(seed);
    let mut text = |_| {
        let letters: Vec<char> = dice.pick(&LETTERS).chars().collect();
        let (shortest, longest) = dice.pick(&LENGTHS);
        let (length, rare) = (dice.roll(shortest..=longest), dice.roll(0..=40));
        let letter = |_| match dice.roll(0..=rare) {
            0 => dice.pick(&letters),
            _ => 'a',
        };
        (0..length).map(letter).collect()
    };
    (0..count).map(&mut text).collect()
}

/// What the other project's calculator says: encoding, units, segments.
fn judged(texts: &[String]) -> Vec<(String, u64, u64)> {
    let mut judge = peers::node("segment_counter.js");
    let mut judge = judge
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node runs");
    let mut input = judge.stdin.take().expect("a pipe");
    let lines: String = texts.iter().map(|text| json!(text).to_string() + "\n").collect();
    let writer = thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = judge.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    let lines = output
        .stdout
        .split(|octet| *octet == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).expect("a line"))
        .collect()
}

#[test]
fn req_000_09_ten_thousand_texts_take_what_an_independent_calculator_says() {
    if peers::skipped() {
        return;
    }
    const SEED: u64 = 9;
    println!("seed {SEED}");
    let stand = stand("analyze-judged");
    let texts = texts(10_000, SEED);
    let policies = ["auto", "gsm_transliterate"];
    let workers = 4;
    let share = texts.len() / workers;
    // Each is asked under one of the policies; what is judged is the text as it is sent.
    let analysed: Vec<Value> = thread::scope(|scope| {
        let ask =
            |(at, text): (usize, &String)| analyze(&stand, &json!({ "text": text, "encoding": policies[at % 2] }));
        let shares = texts.chunks(share);
        let asked: Vec<_> = shares
            .map(|share| scope.spawn(move || share.iter().enumerate().map(ask).collect::<Vec<_>>()))
            .collect();
        asked
            .into_iter()
            .flat_map(|asked| asked.join().expect("answers"))
            .collect()
    });
    let sent: Vec<String> = analysed
        .iter()
        .map(|analysis| analysis["sent"].as_str().expect("a text").to_owned())
        .collect();
    let mut segments = [0; 6];
    for ((text, analysis), (encoding, units, count)) in texts.iter().zip(&analysed).zip(judged(&sent)) {
        let ours = (&analysis["encoding"], &analysis["units"], &analysis["segments"]);
        assert_eq!(ours, (&json!(encoding), &json!(units), &json!(count)), "{text:?}");
        assert_eq!(analysis["credits"], analysis["segments"], "{text:?}");
        segments[(count as usize).min(5)] += 1;
    }
    assert!(segments[1..].iter().all(|texts| *texts > 100), "{segments:?}");
}

#[test]
fn req_000_09_a_text_is_analysed_with_the_values_that_are_known() {
    let stand = stand("analyze-values");
    let analysis = analyze(
        &stand,
        &json!({
            "text": "Bonjour [Prenom|cher patient], le cabinet de {{Ville}} ferme l’été. [[",
            "values": { "first_name": "Zoé", "Inutile": "x" },
        }),
    );
    let sent = "Bonjour Zoé, le cabinet de  ferme l'été. [";
    let expected = json!({
        "characters": 70,
        "characters_max": 480,
        "encoding": "gsm7",
        "units": sent.chars().count() + 1,
        "units_free": 160 - sent.chars().count() - 1,
        "segments": 1,
        "credits": 1,
        "rendered": sent.replace("l'été", "l’été"),
        "sent": sent,
        "fields_without_value": ["Ville"],
        "offending": [{ "character": "’", "position": 35, "becomes": "'" }],
        "no_reply_sender": false,
        "advertiser_unnamed": false,
        "looks_like_advertising": false,
        "advertising_words": [],
    });
    assert_eq!(analysis, expected);

    let path = format!("/v1/tenants/{}", stand.tenant.id);
    let operator = stand.engine.operator();
    let cake = json!({ "text": "Joyeux anniversaire 🎂", "encoding": "auto" });
    let of_tenant = json!({ "text": "Joyeux anniversaire à l’équipe" });
    assert_eq!(analyze(&stand, &of_tenant)["encoding"], "gsm7");
    operator.patch(&path, &json!({ "encoding": "auto" })).expect(200);
    assert_eq!(
        analyze(&stand, &of_tenant)["encoding"],
        "ucs2",
        "as the tenant's texts are"
    );
    assert_eq!(
        analyze(&stand, &cake)["offending"],
        json!([{ "character": "🎂", "position": 20, "becomes": null }])
    );

    let http = stand.tenant.http(&stand.engine);
    let refused = |body: &Value, pointer: &str| {
        http.post("/v1/text/analyze", body)
            .expect_field_problem(&[400, 422], pointer);
    };
    refused(&json!({}), "/text");
    refused(&json!({ "text": "a".repeat(4_801) }), "/text");
    refused(&json!({ "text": "[Nom" }), "/text");
    refused(&json!({ "text": "a", "encoding": "ebcdic" }), "/encoding");
    refused(&json!({ "text": "a", "values": ["Nom"] }), "/values");
    refused(&json!({ "text": "a", "values": { "Nom": 7 } }), "/values/Nom");
    refused(
        &json!({ "text": "a", "values": { "Nom": "a".repeat(501) } }),
        "/values/Nom",
    );
    refused(&json!({ "texte": "a" }), "/texte");
    let long = json!({ "text": "[Nom]".repeat(900), "values": { "Nom": "a".repeat(500) } });
    refused(&long, "/text");
    stand
        .engine
        .public()
        .post("/v1/text/analyze", &cake)
        .expect_problem(&[401]);
}

#[test]
fn req_000_07_a_text_of_480_characters_is_taken_and_one_of_481_refused() {
    let stand = stand("analyze-480");
    let http = stand.tenant.http(&stand.engine);
    let order = |characters: usize| {
        CampaignOrder::to_first(1)
            .with("text", json!("é".repeat(characters)))
            .body
    };
    let created = http.post("/v1/campaigns", &order(480)).expect(201);
    let analysis = analyze(&stand, &json!({ "text": "é".repeat(480) }));
    assert_eq!(created["estimate"]["credits"], analysis["credits"], "{created}");
    http.post("/v1/campaigns", &order(481))
        .expect_field_problem(&[422], "/text");
    // What is too long is analysed all the same: whoever types sees by how much.
    let analysis = analyze(&stand, &json!({ "text": "é".repeat(481) }));
    assert_eq!(
        (&analysis["characters"], &analysis["characters_max"]),
        (&json!(481), &json!(480))
    );

    let campaign = stand.tenant.campaign(created["id"].as_str().expect("an id"));
    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 1
    });
    assert_eq!(
        json!(stand.sim.totals().submits),
        created["estimate"]["segments"],
        "as estimated"
    );
}

#[test]
fn req_000_08_under_a_flat_tariff_480_characters_are_three_credits_and_four_parts() {
    let stand = stand("analyze-flat");
    let operator = stand.engine.operator();
    let clinic = stand.engine.tenant("Cabinet Martin", 10);
    let terms = format!("/v1/tenants/{}", clinic.id);
    let changed = operator.patch(&terms, &json!({ "tariff": "flat160" })).expect(200);
    assert_eq!(
        (&changed["tariff"], &changed["max_chars"]),
        (&json!("flat160"), &json!(480))
    );
    let http = clinic.http(&stand.engine);
    let analysed = |characters: usize| {
        let body = json!({ "text": "a".repeat(characters) });
        let analysis = http.post("/v1/text/analyze", &body).expect(200);
        [&analysis["credits"], &analysis["segments"]].map(|number| number.as_u64().expect("a number"))
    };
    let expected = [
        (160, [1, 1]),
        (161, [2, 2]),
        (320, [2, 3]),
        (321, [3, 3]),
        (480, [3, 4]),
    ];
    for (characters, costs) in expected {
        assert_eq!(analysed(characters), costs, "{characters} characters");
    }
    let order = CampaignOrder::to_first(2).with("text", json!("a".repeat(480)));
    let campaign = clinic.create(&stand.engine, &order);
    let path = format!("/v1/campaigns/{}", campaign.id);
    let estimate = http.get(&path).expect(200)["estimate"].clone();
    assert_eq!(estimate, json!({ "recipients": 2, "segments": 8, "credits": 6 }));
    campaign.ask(&stand.engine, "launch").expect(202);
    let view = campaign.wait(&stand.engine, "both are delivered and billed", LIMIT, |view| {
        view.status("delivered") == 2 && view.credits.held == 0
    });
    assert_eq!((view.credits.spent, stand.sim.totals().submits), (6, 8));
    let message = json!({ "to": "+33612345678", "sender": "Clinique", "text": "a".repeat(480) });
    http.post("/v1/messages", &message).expect(202);
    let balance = || stand.engine.credits(&clinic);
    eventually("the message is billed", LIMIT, || (balance().spent == 9).then_some(()));
    assert_eq!((balance().available, balance().held), (1, 0), "9 of 10 are spent");

    // What a tenant may write is agreed on as well.
    operator.patch(&terms, &json!({ "max_chars": 160 })).expect(200);
    http.post("/v1/campaigns", &order.body)
        .expect_field_problem(&[422], "/text");
    http.post("/v1/messages", &message)
        .expect_field_problem(&[422], "/text");
    for (wrong, pointer) in [
        (json!({ "max_chars": 0 }), "/max_chars"),
        (json!({ "max_chars": 1_225 }), "/max_chars"),
        (json!({ "tariff": "free" }), "/tariff"),
    ] {
        operator.patch(&terms, &wrong).expect_field_problem(&[422], pointer);
    }
    let new = json!({ "name": "Hôpital", "tariff": "flat160", "max_chars": 1_224 });
    let made = operator.post("/v1/tenants", &new).expect(201);
    assert_eq!(
        (&made["tariff"], &made["max_chars"]),
        (&json!("flat160"), &json!(1_224))
    );
}

#[test]
fn req_003_01_who_asks_for_an_answer_from_a_name_is_warned() {
    let stand = stand("analyze-no-reply");
    let asked = "Votre RDV est demain. Répondez OUI pour confirmer.";
    // A number that carries no replies.
    let number = json!({ "number": "36035", "country": "FR", "two_way": false });
    let operator = stand.engine.operator();
    let kept = operator.post("/v1/inventory", &number).expect(201);
    let path = format!("/v1/tenants/{}/numbers/{}", stand.tenant.id, text(&kept["id"]));
    operator.ask("PUT", &path, None).expect(200);
    for (sender, warned) in [("Cabinet", true), ("36034", false), ("36035", true)] {
        let said = analyze(&stand, &json!({ "text": asked, "sender": sender }));
        assert_eq!(said["no_reply_sender"], warned, "{sender}");
        let order = CampaignOrder::to_first(2)
            .with("text", json!(asked))
            .with("sender", json!(sender));
        let campaign = stand.tenant.create(&stand.engine, &order);
        let http = stand.tenant.http(&stand.engine);
        let path = format!("/v1/campaigns/{}/estimate", campaign.id);
        assert_eq!(
            http.post(&path, &json!({})).expect(200)["no_reply_sender"],
            warned,
            "{sender}"
        );
        let plan = json!({ "name": "La veille", "offsets": ["-24h"], "text": asked, "sender": sender });
        let plan = http.post("/v1/reminder_plans", &plan).expect(201);
        assert_eq!(plan["no_reply_sender"], warned, "{sender}");
    }
    assert_eq!(analyze(&stand, &json!({ "text": asked }))["no_reply_sender"], false);
    let wrong = json!({ "text": asked, "sender": "a b" });
    let http = stand.tenant.http(&stand.engine);
    http.post("/v1/text/analyze", &wrong)
        .expect_field_problem(&[422], "/sender");
}
