//! Forms by which people agree, on pages of a tenant: sent by browsers, without a key.

use std::io::{Read, Write};
use std::net::TcpStream;

use campanile_tests::{EngineSettings, Http, Lab, SmscSettings, Stand, programs};
use serde_json::{Value, json};

const ORIGIN: &str = "https://cabinet.example";

const WORDING: &str = "J'accepte que mon numéro de téléphone soit utilisé pour recevoir des offres du cabinet par SMS.";

fn http(stand: &Stand) -> Http {
    stand.tenant.http(&stand.engine)
}

/// What a browser gets.
struct Seen {
    status: u16,
    /// In lower case.
    head: String,
    body: Value,
}

/// As a browser asks from a page of that origin.
fn browser(stand: &Stand, (method, path): (&str, &str), origin: Option<&str>, body: &Value) -> Seen {
    let address = stand.engine.public().address().to_owned();
    let mut stream = TcpStream::connect(&address).expect("the engine listens");
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let origin = origin.map(|origin| format!("Origin: {origin}\r\nReferer: {origin}/rendez-vous\r\n"));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nUser-Agent: Testfuchs/1.0\r\n{}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        origin.unwrap_or_default(),
        text.len(),
    );
    stream.write_all(request.as_bytes()).expect("it takes it");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Seen {
        status: status.expect("a status"),
        head: head.to_lowercase(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

impl Seen {
    fn allows(&self, origin: &str) -> bool {
        self.head
            .contains(&format!("access-control-allow-origin: {origin}\r\n"))
            || self.head.ends_with(&format!("access-control-allow-origin: {origin}"))
    }
}

fn form(http: &Http, changes: &Value) -> Value {
    let mut order = json!({ "wording": WORDING, "wording_version": "2026-11", "source": "site", "origin": ORIGIN });
    for (name, value) in changes.as_object().expect("an object") {
        order[name] = value.clone();
    }
    http.post("/v1/consent_forms", &order).expect(201)
}

fn path_of(form: &Value) -> String {
    format!(
        "/v1/consent_forms/{}/consents",
        form["token"].as_str().expect("a token")
    )
}

fn agrees(number: &str) -> Value {
    json!({ "contact": { "number": number, "first_name": "Zoé", "last_name": "Martin" }, "agreed": true })
}

fn with_both(name: &str, test: impl Fn(&Stand)) {
    test(&Stand::new(programs!(), name, "", |smsc| smsc));
    let lab = Lab::new(programs!(), &format!("{name}-postgresql"));
    let server = lab.postgres();
    let stand = Stand::under(lab, "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings.tables.push(format!("[database]\nurl = \"{}\"", server.url()));
        settings
    });
    test(&stand);
}

#[test]
fn req_002_07_people_agree_by_a_form_of_the_clinics_own_page() {
    with_both("consent-forms", |stand| {
        let http = http(stand);
        let list = http.post("/v1/lists", &json!({ "name": "Offres" })).expect(201)["id"].clone();
        let form = form(&http, &json!({ "list": list }));
        let path = path_of(&form);
        // The browser asks first whether it may.
        let asked = browser(stand, ("OPTIONS", &path), Some(ORIGIN), &Value::Null);
        assert!(asked.status == 204 && asked.allows(ORIGIN), "{}", asked.head);
        assert!(
            asked.head.contains("access-control-allow-headers: content-type"),
            "{}",
            asked.head
        );
        let kept = browser(stand, ("POST", &path), Some(ORIGIN), &agrees("06 12 34 56 01"));
        assert_eq!((kept.status, &kept.body), (201, &json!({ "kept": true })));
        assert!(kept.allows(ORIGIN), "{}", kept.head);
        let consents = http.get("/v1/consents").expect(200);
        let consent = &consents["data"][0];
        for (name, value) in [
            ("wording", json!(WORDING)),
            ("wording_version", json!("2026-11")),
            ("source", json!("site")),
            ("source_url", json!("https://cabinet.example/rendez-vous")),
            ("ip", json!("127.0.0.1")),
            ("user_agent", json!("Testfuchs/1.0")),
            ("withdrawn_at", Value::Null),
        ] {
            assert_eq!(consent[name], value, "{name}");
        }
        let contact = consent["contact"].as_str().expect("an id");
        let contact = http.get(&format!("/v1/contacts/{contact}")).expect(200);
        assert_eq!(
            (&contact["number"], &contact["last_name"], &contact["consent_at"]),
            (&json!("+33612345601"), &json!("Martin"), &consent["given_at"])
        );
        let on_list = json!({ "filter": { "field": "list", "is": list } });
        assert_eq!(http.post("/v1/contacts/search", &on_list).expect(200)["total"], 1);
        // Ended, it takes nothing any more; what was agreed on stays.
        let one = format!("/v1/consent_forms/{}", form["id"].as_str().expect("an id"));
        assert_eq!(http.get(&one).expect(200), form);
        http.delete(&one).expect_none(204);
        assert_eq!(
            browser(stand, ("POST", &path), Some(ORIGIN), &agrees("0612345602")).status,
            404
        );
        assert_eq!(
            http.get("/v1/consents").expect(200)["data"].as_array().map(Vec::len),
            Some(1)
        );
    });
}

#[test]
fn a_form_takes_nothing_from_elsewhere_and_tells_nothing() {
    let stand = Stand::new(programs!(), "consent-forms-refused", "", |smsc| smsc);
    let http = http(&stand);
    let form = form(&http, &json!({}));
    let path = path_of(&form);
    for origin in [
        Some("https://evil.example"),
        Some("https://cabinet.example.evil.example"),
        Some("null"),
        None,
    ] {
        let asked = browser(&stand, ("OPTIONS", &path), origin, &Value::Null);
        let sent = browser(&stand, ("POST", &path), origin, &agrees("0612345601"));
        assert_eq!((asked.status, sent.status), (403, 403), "{origin:?}");
        assert!(!sent.head.contains("access-control-allow-origin"), "{}", sent.head);
    }
    let elsewhere = http
        .from_page("https://evil.example")
        .post(&path, &agrees("0612345601"));
    let told = elsewhere.expect_problem(&[403])["detail"].to_string();
    assert!(told.contains("Origin"), "{told}");
    let altered = path.replacen("cft_0", "cft_1", 1);
    for strange in [altered.as_str(), "/v1/consent_forms/cft_0/consents"] {
        assert_eq!(
            browser(&stand, ("POST", strange), Some(ORIGIN), &agrees("0612345601")).status,
            404
        );
    }
    // The page sees what is wrong with what it sent.
    for (body, pointer) in [
        (
            json!({ "contact": { "number": "12" }, "agreed": true }),
            "/contact/number",
        ),
        (
            json!({ "contact": { "last_name": "Martin" }, "agreed": true }),
            "/contact/number",
        ),
        (
            json!({ "contact": { "number": "0612345601" }, "agreed": false }),
            "/agreed",
        ),
        (json!({ "contact": { "number": "0612345601" } }), "/agreed"),
        (
            json!({ "contact": { "number": "0612345601", "tags": ["vip"] }, "agreed": true }),
            "/contact/tags",
        ),
        (
            json!({ "contact": { "number": "0612345601" }, "agreed": true, "source_url": "https://evil.example/" }),
            "/source_url",
        ),
    ] {
        let refused = browser(&stand, ("POST", &path), Some(ORIGIN), &body);
        assert!(
            refused.status == 422 || refused.status == 400,
            "{body}: {}",
            refused.body
        );
        assert!(refused.allows(ORIGIN), "{}", refused.head);
        let mut errors = refused.body["errors"].as_array().expect("errors").iter();
        assert!(errors.any(|error| error["pointer"] == pointer), "{}", refused.body);
    }
    assert_eq!(http.get("/v1/contacts").expect(200)["data"], json!([]));
    opens_nothing_else(&stand, &form);
}

fn opens_nothing_else(stand: &Stand, form: &Value) {
    let token = form["token"].as_str().expect("a token");
    stand
        .engine
        .public()
        .with_key(token)
        .get("/v1/contacts")
        .expect_problem(&[401]);
    // Nor is another tenant's form to be seen.
    let stranger = stand.engine.tenant("Autre cabinet", 10).http(&stand.engine);
    let one = format!("/v1/consent_forms/{}", form["id"].as_str().expect("an id"));
    stranger.get(&one).expect_problem(&[404]);
    assert_eq!(stranger.get("/v1/consent_forms").expect(200)["data"], json!([]));
}

#[test]
fn who_agrees_has_a_name_and_no_link_for_one() {
    let stand = Stand::new(programs!(), "consent-forms-names", "", |smsc| smsc);
    let path = path_of(&form(&http(&stand), &json!({})));
    for name in ["first_name", "last_name"] {
        let mut sent = agrees("0612345678");
        sent["contact"][name] = json!("bit.ly/gagne");
        let seen = browser(&stand, ("POST", &path), Some(ORIGIN), &sent);
        assert_eq!(seen.status, 422, "{name}");
        let fault = &seen.body["errors"][0];
        assert_eq!(
            (&fault["pointer"], &fault["code"]),
            (&json!(format!("/contact/{name}")), &json!("link_in_name"))
        );
    }
    let mut sent = agrees("0612345678");
    sent["contact"]["last_name"] = json!("de l'Isle-St.Jean");
    assert_eq!(browser(&stand, ("POST", &path), Some(ORIGIN), &sent).status, 201);
}

#[test]
fn an_address_sends_so_many_forms_and_no_more() {
    let stand = Stand::new(programs!(), "consent-forms-flood", "", |smsc| smsc);
    let path = path_of(&form(&http(&stand), &json!({})));
    let sent: Vec<u16> = (0..31)
        .map(|at| {
            browser(
                &stand,
                ("POST", &path),
                Some(ORIGIN),
                &agrees(&format!("06123456{at:02}")),
            )
            .status
        })
        .collect();
    assert_eq!((&sent[..30], sent[30]), (&[201; 30][..], 429));
}

#[test]
fn what_is_no_form_is_refused() {
    let stand = Stand::new(programs!(), "consent-forms-wrong", "", |smsc| smsc);
    let http = http(&stand);
    let order = json!({ "wording": WORDING, "origin": ORIGIN });
    for (name, value) in [
        ("origin", json!("http://cabinet.example")),
        ("origin", json!("https://cabinet.example/page")),
        ("wording", json!("")),
        ("list", json!("lst_?")),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
    ] {
        let mut wrong = order.clone();
        wrong[name] = value;
        http.post("/v1/consent_forms", &wrong)
            .expect_field_problem(&[422], &format!("/{name}"));
    }
    for _ in 0..100 {
        http.post("/v1/consent_forms", &order).expect(201);
    }
    http.post("/v1/consent_forms", &order).expect_problem(&[422]);
}
