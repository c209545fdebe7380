//! The people whom a clinic knows, and campaigns that mean some of them: in the engine's own database and in PostgreSQL.

use std::time::Duration;

use campanile_tests::{CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// With each of the two databases.
fn with_both(name: &str, test: impl Fn(&Stand)) {
    test(&Stand::new(programs!(), name, "", |smsc| smsc));
    let lab = Lab::new(programs!(), &format!("{name}-pg"));
    let postgres = lab.postgres();
    let stand = Stand::under(lab, "", |redis, sim| {
        let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        settings
            .tables
            .push(format!("[database]\nurl = \"{}\"", postgres.url()));
        settings
    });
    test(&stand);
}

fn upsert(http: &Http, contacts: &Value) -> Vec<String> {
    let became = http.post("/v1/contacts", &json!({ "contacts": contacts })).expect(200);
    let rows = became["data"].as_array().expect("a list");
    rows.iter()
        .map(|row| row["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// The first names of those whom a filter means.
fn meant(http: &Http, filter: &Value) -> Vec<String> {
    let found = http
        .post("/v1/contacts/search", &json!({ "filter": filter }))
        .expect(200);
    let rows = found["data"].as_array().expect("a list");
    assert_eq!(found["total"], rows.len());
    let name = |row: &Value| row["first_name"].as_str().expect("a name").to_owned();
    let mut names: Vec<String> = rows.iter().map(name).collect();
    names.sort();
    names
}

fn order(audience: &Value) -> CampaignOrder {
    CampaignOrder::to_audience(audience).with(
        "text",
        json!("Bonjour [Prenom|cher patient], le cabinet de [Cabinet] [Ville] démenage."),
    )
}

fn patients() -> Value {
    json!([
        {"reference": "1", "number": "06 12 34 56 01", "first_name": "Zoé", "last_name": "Lefèvre", "practices": ["Lyon"],
         "visits": [{"day": "2026-03-02", "practice": "Lyon"}], "attributes": {"Ville": "Villeurbanne"}, "tags": ["sport"]},
        {"reference": "2", "number": "+33612345602", "first_name": "Hugo", "last_name": "D'Amato", "practices": ["Paris", "Lyon"],
         "visits": [{"day": "2026-03-09", "practice": "Paris"}], "birth_date": "1990-05-17"},
        {"reference": "3", "number": "0123456789", "first_name": "Fixe", "last_name": "Lefevre", "practices": ["Lyon"]},
        {"reference": "4", "number": "0612345601", "first_name": "Tom", "last_name": "Lefèvre", "practices": ["Lyon"]},
        {"reference": "5", "first_name": "Sans", "last_name": "Numero", "practices": ["Lyon"]},
        {"reference": "6", "number": "0612345606", "first_name": "Ana", "last_name": "Silva", "kind": "staff"}
    ])
}

fn texts_to(stand: &Stand) -> Vec<(String, String)> {
    let rows = stand.sim.ledger();
    let mut texts: Vec<_> = rows
        .into_iter()
        .map(|row| (row.recipient, row.text.unwrap_or_default()))
        .collect();
    texts.sort();
    texts
}

#[test]
fn req_000_05_req_004_06_req_004_21_req_004_30_one_filter_searches_and_is_the_audience_of_a_campaign() {
    with_both("people-filter", |stand| {
        let http = stand.tenant.http(&stand.engine);
        upsert(&http, &patients());
        // req_000_12: by practice, surname and first name. req_000_14: seen at one practice within a week.
        for (filter, wanted) in [
            (
                json!({"field": "practice", "is": "lyon"}),
                vec!["Fixe", "Hugo", "Sans", "Tom", "Zoé"],
            ),
            (
                json!({"field": "last_name", "is": "LEFEVRE"}),
                vec!["Fixe", "Tom", "Zoé"],
            ),
            (json!({"field": "first_name", "starts_with": "zo"}), vec!["Zoé"]),
            (
                json!({"visited": "Lyon", "from": "2026-03-01", "to": "2026-03-07"}),
                vec!["Zoé"],
            ),
            (json!({"field": "attributes.ville", "is": "Villeurbanne"}), vec!["Zoé"]),
            (json!({"not": {"field": "kind", "is": "patient"}}), vec!["Ana"]),
            (json!({"field": "birthday", "is": "2027-05-17"}), vec!["Hugo"]),
            (json!({"field": "last_visit", "after": "2026-03-08"}), vec!["Hugo"]),
        ] {
            assert_eq!(meant(&http, &filter), wanted, "{filter}");
        }
        let lyon = json!({"field": "practice", "is": "Lyon"});
        let campaign = stand.tenant.create(&stand.engine, &order(&json!({ "filter": lyon })));
        let estimate = http
            .post(&format!("/v1/campaigns/{}/estimate", campaign.id), &json!({}))
            .expect(200);
        // Tom and Zoé share a number, and each has a text of their own.
        assert_eq!(estimate["max"]["recipients"], 3, "{estimate}");
        assert_eq!(
            (&estimate["excluded"]["not_mobile"], &estimate["excluded"]["duplicates"]),
            (&json!(2), &json!(0))
        );
        // req_000_13, req_004_06: who comes before the launch gets it, as they are then.
        upsert(
            &http,
            &json!([
                {"reference": "7", "number": "0612345607", "first_name": "Nouvelle", "practices": ["Lyon"]},
                {"reference": "2", "first_name": "Ugo"}
            ]),
        );
        assert_eq!(campaign.ask(&stand.engine, "launch").expect(202)["state"], "resolving");
        campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
            view.status("delivered") == 4
        });
        let texts = texts_to(stand);
        let wanted = [
            ("33612345601", "Bonjour Tom, le cabinet de Lyon  démenage."),
            ("33612345601", "Bonjour Zoé, le cabinet de Lyon Villeurbanne démenage."),
            ("33612345602", "Bonjour Ugo, le cabinet de Paris  démenage."),
            ("33612345607", "Bonjour Nouvelle, le cabinet de Lyon  démenage."),
        ];
        let texts: Vec<_> = texts.iter().map(|(to, text)| (to.as_str(), text.as_str())).collect();
        assert_eq!(texts, wanted);
    });
}

#[test]
fn req_000_17_lists_segments_and_numbers_are_put_together_and_others_left_out() {
    with_both("people-union", |stand| {
        let http = stand.tenant.http(&stand.engine);
        let ids = upsert(&http, &patients());
        let list = http.post("/v1/lists", &json!({ "name": "Marathon" })).expect(201);
        let list = list["id"].as_str().expect("an id");
        let members = json!({ "add": [ids[5], ids[1]] });
        assert_eq!(
            http.post(&format!("/v1/lists/{list}/members"), &members).expect(200)["contacts"],
            2
        );
        // req_002_12: a filter under a name.
        let segment = json!({ "name": "Sportifs", "filter": {"field": "tag", "is": "sport"} });
        let segment = http.post("/v1/segments", &segment).expect(200)["id"].clone();
        let audience = json!({
            "lists": [list], "segments": [segment], "numbers": "0612345601; 06 12 34 56 09,0612345608",
            "exclude": { "filter": {"field": "kind", "is": "staff"}, "numbers": ["+33612345608"] }
        });
        let campaign = stand.tenant.create(&stand.engine, &order(&audience));
        campaign.ask(&stand.engine, "launch").expect(202);
        campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
            view.status("delivered") == 3
        });
        let numbers: Vec<_> = texts_to(stand).into_iter().map(|(to, _)| to).collect();
        assert_eq!(numbers, ["33612345601", "33612345602", "33612345609"]);
        let shown = http.get(&format!("/v1/campaigns/{}", campaign.id)).expect(200);
        assert_eq!(
            shown["audience"]["query"]["exclude"], audience["exclude"],
            "as it was asked for"
        );

        // A list that is gone: nobody else is written to in its place.
        let members = json!({ "field": "list", "is": list });
        let without = json!({ "filter": { "not": members } });
        let variant = json!([{ "filter": { "not": members }, "text": "Bonjour" }]);
        let orders = [
            order(&json!({ "lists": [list] })),
            order(&without),
            order(&json!({ "filter": {}, "exclude": { "filter": members } })),
            order(&json!({ "filter": {} })).with("variants", variant),
        ];
        let others = orders.map(|order| stand.tenant.create(&stand.engine, &order));
        http.delete(&format!("/v1/lists/{list}")).expect_none(204);
        for other in others {
            other.ask(&stand.engine, "launch").expect(202);
            other.wait(&stand.engine, "it is a draft again", LIMIT, |view| {
                view.state == "draft"
            });
            let shown = http.get(&format!("/v1/campaigns/{}", other.id)).expect(200);
            assert_eq!(shown["refused"], "list_gone", "{shown}");
            let why = shown["refused_detail"].as_str().unwrap_or_default();
            assert!(why.contains("is gone"), "{shown}");
        }
        let late = http.post("/v1/campaigns", &order(&without).body).expect_problem(&[422]);
        assert_eq!(late["errors"][0]["pointer"], "/audience/filter/not/is", "{late}");
        let segment = json!({ "name": "Sans elle", "filter": { "not": members } });
        let late = http.post("/v1/segments", &segment).expect_problem(&[400, 422]);
        assert_eq!(late["errors"][0]["pointer"], "/filter/not/is", "{late}");
    });
}

#[test]
fn req_004_08_req_004_27_those_who_clean_have_their_schedule_and_no_patient_has_it() {
    let stand = Stand::new(programs!(), "people-staff", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let ids = upsert(&http, &patients());
    let list = http.post("/v1/lists", &json!({ "name": "Ménage" })).expect(201);
    let list = list["id"].as_str().expect("an id");
    let members = json!({ "add": [ids[5], ids[0]] });
    http.post(&format!("/v1/lists/{list}/members"), &members).expect(200);
    // A patient who got onto the list by mistake is no staff.
    let staff = json!({ "all": [{ "field": "list", "is": list }, { "field": "kind", "is": "staff" }] });
    let schedule = order(&json!({ "filter": staff }))
        .with("text", json!("[Prenom], ménage lundi à 6 h."))
        .with("purpose", json!("transactional"));
    let campaign = stand.tenant.create(&stand.engine, &schedule);
    campaign.ask(&stand.engine, "launch").expect(202);
    campaign.wait(&stand.engine, "it is delivered", LIMIT, |view| {
        view.status("delivered") == 1
    });
    let wanted = ("33612345606".to_owned(), "Ana, ménage lundi à 6 h.".to_owned());
    assert_eq!(texts_to(&stand), [wanted]);
}

/// What was given before a withdrawal is kept, and makes nobody agree again; what is still to come is not given.
fn holds_from_the_withdrawal_on(http: &Http) {
    let mut late = json!({"contact": {"reference": "6"}, "wording": "Oui", "source": "papier"});
    late["given_at"] = json!("2026-01-01T10:00:00Z");
    let kept = http.post("/v1/consents", &late).expect(201);
    assert!(kept["withdrawn_at"].is_string(), "{kept}");
    assert_eq!(meant(http, &json!({"field": "consent", "is": true})), ["Hugo"]);
    late["given_at"] = json!("2066-01-01T10:00:00Z");
    let refused = http.post("/v1/consents", &late).expect_problem(&[400, 422]);
    let fault = &refused["errors"][0];
    assert_eq!(
        (&fault["pointer"], &fault["code"]),
        (&json!("/given_at"), &json!("in_future"))
    );
}

#[test]
fn proofs_and_birthdays_that_cannot_be_are_refused() {
    let stand = Stand::new(programs!(), "people-cannot-be", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let consent = json!({
        "contact": { "number": "0612345678" }, "wording": "Oui", "source": "accueil",
        "source_url": "https://osteo.example/rdv", "ip": "192.0.2.7", "given_at": "2026-01-02T10:00:00Z"
    });
    for (field, value) in [
        ("source_url", "javascript:alert(1)"),
        ("ip", "ici"),
        ("given_at", "2026-01-02T10:00:00+25:00"),
    ] {
        let mut wrong = consent.clone();
        wrong[field] = json!(value);
        http.post("/v1/consents", &wrong)
            .expect_field_problem(&[422], &format!("/{field}"));
    }
    let unborn = json!({ "contacts": [{ "reference": "2", "birth_date": "2999-01-01" }] });
    http.post("/v1/contacts", &unborn)
        .expect_field_problem(&[422], "/contacts/0/birth_date");
    http.post("/v1/consents", &consent).expect(201);
}

#[test]
fn req_001_04_without_consent_no_advertising_where_the_clinic_has_to_have_it() {
    with_both("people-consent", |stand| {
        let http = stand.tenant.http(&stand.engine);
        let ids = upsert(&http, &patients());
        let path = format!("/v1/tenants/{}", stand.tenant.id);
        let terms = json!({ "require_consent": true });
        assert_eq!(
            stand.engine.operator().patch(&path, &terms).expect(200)["require_consent"],
            true
        );
        // req_002_06: the wording is kept as it was shown.
        let wording = "J'accepte que mon numéro de téléphone soit utilisé\npour recevoir des offres de la société Osteo par SMS. ";
        let consent = json!({
            "contact": {"reference": "2"}, "wording": wording, "wording_version": "2026-1", "source": "formulaire",
            "source_url": "https://osteo.example/rdv", "ip": "192.0.2.7", "given_at": "2026-01-02T10:00:00Z"
        });
        let given = http.post("/v1/consents", &consent).expect(201);
        assert_eq!(
            (&given["contact"], &given["wording"]),
            (&json!(ids[1]), &json!(wording))
        );
        http.post(
            "/v1/consents",
            &json!({"contact": {"reference": "6"}, "wording": "Oui", "source": "accueil"}),
        )
        .expect(201);
        http.post(&format!("/v1/contacts/{}/consents/withdraw", ids[5]), &json!({}))
            .expect(200);
        assert_eq!(meant(&http, &json!({"field": "consent", "is": true})), ["Hugo"]);
        let evidence = http.get(&format!("/v1/contacts/{}/consents", ids[5])).expect(200);
        assert!(
            evidence["data"][0]["withdrawn_at"].is_string(),
            "it stays as evidence: {evidence}"
        );
        holds_from_the_withdrawal_on(&http);
        let everybody = json!({ "filter": {}, "numbers": "0612345699" });
        let advertising = order(&everybody).with("purpose", json!("marketing"));
        let campaign = stand.tenant.create(&stand.engine, &advertising);
        campaign.ask(&stand.engine, "launch").expect(202);
        let view = campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
            view.status("delivered") == 1
        });
        assert_eq!(view.credits.spent, 1);
        let report = http.get(&format!("/v1/campaigns/{}/report", campaign.id)).expect(200);
        assert_eq!(report["excluded"]["no_consent"], 5, "{report}");
        // What is no advertising needs none.
        let notice = stand.tenant.create(
            &stand.engine,
            &order(&json!({ "filter": {"field": "kind", "is": "staff"} })),
        );
        notice.ask(&stand.engine, "launch").expect(202);
        notice.wait(&stand.engine, "it is delivered", LIMIT, |view| {
            view.status("delivered") == 1
        });
        // Numbers of whom nothing is known cannot have consented.
        let strangers = json!({ "recipients": [{ "to": "+33612345601" }] });
        let refused = http.post(
            "/v1/campaigns",
            &CampaignOrder::to_audience(&strangers)
                .with("purpose", json!("marketing"))
                .body,
        );
        assert_eq!(refused.expect_problem(&[422])["errors"][0]["code"], "consent_required");
    });
}

#[test]
fn req_001_06_contacts_survive_what_becomes_of_the_engine_and_are_nobody_elses() {
    with_both("people-kept", |stand| {
        let http = stand.tenant.http(&stand.engine);
        let ids = upsert(&http, &patients());
        let again = http
            .post("/v1/contacts", &json!({ "contacts": patients() }))
            .expect(200);
        let rows = again["data"].as_array().expect("a list");
        assert!(rows.iter().all(|row| row["outcome"] == "unchanged"), "{again}");
        let stranger = stand.engine.tenant("Autre cabinet", 10);
        let theirs = stranger.http(&stand.engine);
        theirs.get(&format!("/v1/contacts/{}", ids[0])).expect_problem(&[404]);
        theirs
            .delete(&format!("/v1/contacts/{}", ids[0]))
            .expect_problem(&[404]);
        assert_eq!(meant(&theirs, &json!({})), [""; 0]);
        http.delete(&format!("/v1/contacts/{}", ids[0])).expect_none(204);
        http.get(&format!("/v1/contacts/{}", ids[0])).expect_problem(&[404]);
        assert_eq!(meant(&http, &json!({})).len(), 5);
        let page = http.get("/v1/contacts?limit=3").expect(200);
        let next = page["next_cursor"].as_str().expect("a cursor");
        let rest = http.get(&format!("/v1/contacts?limit=3&cursor={next}")).expect(200);
        assert_eq!(rest["data"].as_array().map(Vec::len), Some(2));
    });
}

#[test]
fn an_empty_list_of_a_contact_says_that_there_is_nothing() {
    with_both("people-empty-lists", |stand| {
        let http = stand.tenant.http(&stand.engine);
        let known = json!([{
            "reference": "1", "number": "0612345601", "practices": ["Lyon"], "tags": ["sport"],
            "other_numbers": [{"number": "0698765432"}], "visits": [{"day": "2026-03-02", "practice": "Lyon"}],
        }]);
        let id = upsert(&http, &known).remove(0);
        let nothing = json!([{"reference": "1", "practices": [], "tags": [], "other_numbers": [], "visits": []}]);
        assert_eq!(upsert(&http, &nothing), [id.as_str()]);
        let contact = http.get(&format!("/v1/contacts/{id}")).expect(200);
        for key in ["practices", "tags", "other_numbers"] {
            assert_eq!(contact[key], json!([]), "{key}: {contact}");
        }
        assert_eq!(contact["last_visit"], "2026-03-02", "visits are added: {contact}");
        let newcomer = json!([{"reference": "2", "number": "0612345602", "practices": [], "tags": [], "visits": []}]);
        assert_eq!(upsert(&http, &newcomer).len(), 1);
    });
}

#[test]
fn a_contact_that_is_none_is_refused_with_its_place() {
    let stand = Stand::new(programs!(), "people-refused", "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    let contacts = json!({ "contacts": [
        {"first_name": "Zoé"},
        {"number": "06123", "first_name": "x\ny", "birth_date": "17/05/1990", "kind": "dog", "nom": "Martin"},
        {"number": "0612345678", "tags": ["a|b", 3], "visits": [{"day": "2026-13-01"}], "attributes": {"Ville": []}},
        7
    ]});
    let problem = http.post("/v1/contacts", &contacts).expect_problem(&[400, 422]);
    let errors = problem["errors"].as_array().expect("a list");
    let mut found: Vec<_> = errors
        .iter()
        .map(|error| {
            format!(
                "{} {}",
                error["pointer"].as_str().unwrap_or_default(),
                error["code"].as_str().unwrap_or_default()
            )
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "/contacts/0/number missing_beside",
            "/contacts/1/birth_date invalid_day",
            "/contacts/1/first_name forbidden_character",
            "/contacts/1/kind unknown_value",
            "/contacts/1/nom unknown_field",
            "/contacts/1/number invalid_number",
            "/contacts/2/attributes/Ville wrong_type",
            "/contacts/2/tags/0 forbidden_character",
            "/contacts/2/tags/1 wrong_type",
            "/contacts/2/visits/0/day invalid_day",
            "/contacts/2/visits/0/practice missing",
            "/contacts/3 wrong_type",
        ]
    );
    let audience = json!({ "filter": {"field": "practise", "is": "Lyon"}, "recipients": [{ "to": "+33612345678" }] });
    let problem = http
        .post("/v1/campaigns", &CampaignOrder::to_audience(&audience).body)
        .expect_problem(&[400, 422]);
    assert_eq!(problem["errors"][0]["pointer"], "/audience/recipients", "{problem}");
    let audience = json!({ "filter": {"field": "practise", "is": "Lyon"} });
    let problem = http
        .post("/v1/campaigns", &CampaignOrder::to_audience(&audience).body)
        .expect_problem(&[400, 422]);
    assert_eq!(problem["errors"][0]["pointer"], "/audience/filter/field", "{problem}");
    let unknown = order(&json!({ "filter": {} })).with("text", json!("Bonjour [Prenon]"));
    let problem = http.post("/v1/campaigns", &unknown.body).expect_problem(&[400, 422]);
    assert_eq!(problem["errors"][0]["code"], "unknown_merge_field", "{problem}");
}

#[test]
fn a_person_with_several_numbers_gets_a_campaign_once_at_the_first_that_takes_texts() {
    with_both("people-numbers", |stand| {
        let http = stand.tenant.http(&stand.engine);
        let other = |number: &str, label: &str| json!([{ "number": number, "label": label }]);
        let ids = upsert(
            &http,
            &json!([
                {"reference": "1", "number": "0123456789", "first_name": "Fixe", "other_numbers": other("0612345601", "portable")},
                {"reference": "2", "number": "0612345602", "first_name": "Zoé", "other_numbers": other("0612345603", "travail")},
                {"reference": "3", "number": "0123456789", "first_name": "Hugo", "other_numbers": other("0612345601", "")},
                {"reference": "4", "first_name": "Ana", "other_numbers": other("0612345604", "mère")},
            ]),
        );
        let path = format!("/v1/contacts/{}", ids[1]);
        let shown = http.get(&path).expect(200);
        assert_eq!(
            (&shown["other_numbers"], &shown["attributes"]),
            (&json!([{ "number": "+33612345603", "label": "travail" }]), &json!({}))
        );
        assert_eq!(meant(&http, &json!({"field": "number", "is": "0612345603"})), ["Zoé"]);
        assert_eq!(
            meant(
                &http,
                &json!({"not": {"field": "number", "in": ["0612345601", "0612345602"]}})
            ),
            ["Ana"]
        );
        let to_all = CampaignOrder::to_audience(&json!({ "filter": {} }));
        let campaign = stand.tenant.order(&stand.engine, &to_all);
        let view = campaign.wait(&stand.engine, "it is over", LIMIT, |view| view.state == "completed");
        assert_eq!(view.status("delivered"), 3, "{view:?}");
        let to: Vec<String> = texts_to(stand).into_iter().map(|(to, _)| to).collect();
        assert_eq!(
            to,
            ["33612345601", "33612345602", "33612345604"],
            "a family once, nobody twice"
        );
        // A file knows no labels, and takes none away.
        let file = http.post_bytes("/v1/contacts/export?dialect=jsonl", b"").text.clone();
        assert!(file.contains("+33612345603"), "{file}");
        upsert(&http, &json!([{ "reference": "2", "other_numbers": null }]));
        let gone = http.get(&path).expect(200);
        assert_eq!(gone["other_numbers"], json!([]), "{gone}");
        let wrong = json!({ "contacts": [{ "reference": "5", "other_numbers": other("0612", "a, b") }] });
        let refused = http.post("/v1/contacts", &wrong).expect(422);
        let pointers: Vec<&Value> = refused["errors"]
            .as_array()
            .expect("faults")
            .iter()
            .map(|fault| &fault["pointer"])
            .collect();
        assert_eq!(
            pointers,
            [
                "/contacts/0/other_numbers/0/number",
                "/contacts/0/other_numbers/0/label"
            ]
        );
    });
}
