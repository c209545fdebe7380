//! Whence what is known of a person is: which call, which file, which form, which message, and since when.

use std::time::Duration;

use campanile_tests::{Http, Lab, Stand, eventually, programs, recipients, text};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
const OWN: &str = "+33644630001";

/// The one contact that a filter means, with whence its fields are.
fn with_sources(http: &Http, filter: &Value) -> Value {
    let found = http
        .post("/v1/contacts/search", &json!({ "filter": filter }))
        .expect(200);
    assert_eq!(found["total"], 1, "{found}");
    let path = format!("/v1/contacts/{}", text(&found["data"][0]["id"]));
    assert_eq!(
        http.get(&path).expect(200)["sources"],
        Value::Null,
        "only where it is asked for"
    );
    http.get(&format!("{path}?sources=true")).expect(200)
}

fn of<'a>(contact: &'a Value, field: &str) -> (&'a str, &'a str) {
    let source = &contact["sources"][field];
    let word = |name: &str| source[name].as_str().unwrap_or_else(|| panic!("{field}: {contact}"));
    word("at");
    (word("kind"), word("id"))
}

fn each_field_says_whence_it_is(stand: &Stand) {
    stand.give_number(OWN, &[&stand.tenant]);
    let http = stand.tenant.http(&stand.engine);
    let upsert = |contact: Value| http.post("/v1/contacts", &json!({ "contacts": [contact] })).expect(200);
    let zoe = json!({ "field": "reference", "is": "1" });
    upsert(
        json!({ "reference": "1", "number": "+33612345678", "first_name": "Zoé", "attributes": { "Ville": "Lyon" } }),
    );
    let made = with_sources(&http, &zoe);
    let (kind, first) = of(&made, "first_name");
    assert!(kind == "api" && first.starts_with("req_"), "{made}");
    assert_eq!(of(&made, "number"), ("api", first));
    let fields: Vec<&String> = made["sources"].as_object().expect("fields").keys().collect();
    assert_eq!(fields, ["attributes.Ville", "first_name", "number", "reference"]);

    let file = "Référence;Portable;Nom;Ville\n1;0612345678;Martin;Lyon\n".as_bytes();
    let begun = http.post_as("text/csv", "/v1/imports", file).expect(202);
    let path = format!("/v1/imports/{}", text(&begun["id"]));
    eventually("the import ends", LIMIT, || {
        (http.get(&path).expect(200)["state"] == "completed").then_some(())
    });
    let imported = with_sources(&http, &zoe);
    assert_eq!(
        of(&imported, "last_name"),
        ("import", text(&begun["id"]).as_str()),
        "{imported}"
    );
    for unchanged in ["first_name", "attributes.Ville"] {
        assert_eq!(of(&imported, unchanged), ("api", first), "{imported}");
    }
    upsert(json!({ "reference": "1", "first_name": "Zoélie", "attributes": { "Ville": "" } }));
    let later = with_sources(&http, &zoe);
    let (kind, second) = of(&later, "first_name");
    assert!(kind == "api" && second != first, "{later}");
    assert_eq!(of(&later, "number"), ("api", first), "{later}");
    assert_eq!(
        later["sources"]["attributes.Ville"],
        Value::Null,
        "what is forgotten is from nowhere"
    );

    // Consents bring people as well: by a call, and by what they write.
    let consent =
        json!({ "contact": { "reference": "2", "number": "+33612345679" }, "wording": "Oui", "source": "accueil" });
    http.post("/v1/consents", &consent).expect(201);
    let agreed = with_sources(&http, &json!({ "field": "reference", "is": "2" }));
    assert_eq!(of(&agreed, "number").0, "api", "{agreed}");
    let yes =
        json!({ "name": "Oui", "match": "exact", "keywords": ["OUI"], "text": "Merci !", "opts_in": "J'accepte." });
    http.post("/v1/auto_replies", &yes).expect(201);
    let person = recipients(1).next().expect("one");
    stand.sim.inbound(&person, OWN, "Oui");
    let by_message = eventually("they are a contact", LIMIT, || {
        let all = http.post("/v1/contacts/search", &json!({ "limit": 10 })).expect(200);
        let rows = all["data"].as_array().expect("rows").clone();
        rows.into_iter().find(|row| row["number"] == person.as_str())
    });
    let shown = http
        .get(&format!("/v1/contacts/{}?sources=true", text(&by_message["id"])))
        .expect(200);
    let inbound = http.get("/v1/inbound").expect(200);
    assert_eq!(
        of(&shown, "number"),
        ("message", text(&inbound["data"][0]["id"]).as_str())
    );
    http.get(&format!("/v1/contacts/{}?sources=perhaps", text(&by_message["id"])))
        .expect_field_problem(&[400, 422], "?sources");
}

#[test]
fn req_001_25_each_field_says_which_file_call_or_message_it_is_from() {
    let stand = Stand::new(programs!(), "provenance", "", |smsc| smsc);
    each_field_says_whence_it_is(&stand);
}

#[test]
fn req_001_25_postgresql_keeps_whence_fields_are_as_well() {
    let (_server, stand) = Stand::on_postgres(Lab::new(programs!(), "provenance-postgresql"));
    each_field_says_whence_it_is(&stand);
}
