//! Files of contacts: as spreadsheets and people write them, and back.

use std::process::Command;
use std::time::Duration;

use campanile_tests::{Answer, CampaignOrder, EngineSettings, Http, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Made with openpyxl, which knows nothing of us: three people, their dates and numbers as spreadsheets keep them.
const WORKBOOK: &[u8] = include_bytes!("../files/contacts.xlsx");

fn stand(name: &str) -> (Stand, Http) {
    let stand = Stand::new(programs!(), name, "", |smsc| smsc);
    let http = stand.tenant.http(&stand.engine);
    (stand, http)
}

/// An import, when it has ended.
fn ended(http: &Http, begun: &Value) -> Value {
    let path = format!("/v1/imports/{}", begun["id"].as_str().expect("an id"));
    eventually("the import ends", LIMIT, || {
        let import = http.get(&path).expect(200);
        (import["state"] != "running").then_some(import)
    })
}

#[test]
fn req_002_04_an_import_goes_on_when_another_engine_starts_and_is_interrupted_when_its_own_has_died() {
    let lab = Lab::new(programs!(), "imports-two");
    let postgres = lab.postgres();
    let stand = Stand::under(lab, "", |redis, sim| {
        let mut settings = EngineSettings::new(Some(redis.url()), vec![SmscSettings::new("north", sim.smpp_address())]);
        settings
            .tables
            .push(format!("[database]\nurl = \"{}\"", postgres.url()));
        settings
    });
    let mut owner = stand.engine.beside("owner");
    // What is wrong with its second row cannot be written down.
    let lock = postgres.lock("import_error").expect("lock a table");
    let file = b"Nom;Portable\nMartin;+33612345678\nDurand;bonjour\n";
    let begun = stand.tenant.http(&owner).post_as(CSV, "/v1/imports", file).expect(202);
    let path = format!("/v1/imports/{}", begun["id"].as_str().expect("an id"));
    let third = stand.engine.beside("third");
    let of_third = stand.tenant.http(&third);
    assert_eq!(of_third.get(&path).expect(200)["state"], "running");
    owner.kill();
    drop(lock);
    let interrupted = ended(&of_third, &begun);
    assert_eq!(interrupted["state"], "interrupted", "{interrupted}");
    owner.restart();
    let again = stand.tenant.http(&owner).post_as(CSV, "/v1/imports", file).expect(202);
    assert_eq!(ended(&of_third, &again)["state"], "completed");
    assert_eq!(of_third.get(&path).expect(200)["state"], "interrupted");
}

fn import(http: &Http, file: &[u8]) -> Value {
    import_with(http, "", file)
}

fn import_with(http: &Http, query: &str, file: &[u8]) -> Value {
    let media = if file.starts_with(b"PK") { XLSX } else { CSV };
    let begun = http.post_as(media, &format!("/v1/imports{query}"), file).expect(202);
    let import = ended(http, &begun);
    assert_eq!(import["state"], "completed", "{import}");
    let rows = import["rows"].as_object().expect("buckets");
    let buckets: u64 = rows
        .iter()
        .filter(|(name, _)| *name != "read")
        .filter_map(|(_, count)| count.as_u64())
        .sum();
    assert_eq!(rows["read"], buckets, "each row is in one bucket: {import}");
    import
}

/// Buckets that have rows.
fn rows(import: &Value) -> Value {
    let rows = import["rows"].as_object().expect("buckets").iter();
    let some = rows.filter(|(name, count)| *name != "read" && **count != 0);
    Value::Object(some.map(|(name, count)| (name.clone(), count.clone())).collect())
}

fn errors(http: &Http, import: &Value) -> String {
    let answer = http.get(&format!("/v1/imports/{}/errors", import["id"].as_str().expect("an id")));
    assert_eq!((answer.status, answer.content_type.as_str()), (200, CSV));
    answer.text.clone()
}

fn export(http: &Http, dialect: &str) -> Answer {
    let answer = http.post_bytes(&format!("/v1/contacts/export?dialect={dialect}"), b"");
    assert_eq!(answer.status, 200);
    answer
}

/// Last name and number of everybody, in the order in which they came.
fn people(http: &Http) -> Vec<String> {
    let file = export(http, "jsonl");
    let people = file
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    people
        .map(|person| {
            format!(
                "{} {}",
                person["last_name"].as_str().unwrap_or("-"),
                person["e164"].as_str().unwrap_or("-")
            )
        })
        .collect()
}

#[test]
fn req_002_04_files_of_every_habit_are_imported() {
    let (_stand, http) = stand("imports");
    let text =
        "Nom;Prénom;Portable\r\nBéarn;Zoé;06 12 34 56 78\r\nŒuf;Éric;=\"0687654321\"\r\nLeroy;Anne;612340000\r\n";
    let latin: Vec<u8> = text
        .chars()
        .map(|letter| match letter {
            'Œ' => 0x8C,
            letter => u8::try_from(letter).expect("a letter of Windows-1252"),
        })
        .collect();
    let tabs = text.replace(';', "\t").replace("=\"0687654321\"", "0687654321");
    let wide: Vec<u8> = format!("\u{FEFF}{tabs}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let created = import(&http, text.as_bytes());
    assert_eq!(rows(&created), json!({ "created": 3 }));
    assert_eq!(
        created["file"],
        json!({ "format": "csv", "encoding": "utf-8", "delimiter": ";", "header": true, "header_line": 1, "octets": text.len() })
    );
    let told = created["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .map(|column| &column["field"]);
    assert_eq!(told.collect::<Vec<_>>(), ["last_name", "first_name", "number"]);
    for (file, encoding) in [
        (text.as_bytes().to_vec(), "utf-8"),
        (format!("\u{FEFF}{text}").into_bytes(), "utf-8"),
        (latin, "windows-1252"),
        (wide, "utf-16le"),
        (text.replace(';', ",").replace("\r\n", "\n").into_bytes(), "utf-8"),
        (text.replace("\r\n", "\r").replace(';', "|").into_bytes(), "utf-8"),
    ] {
        let again = import(&http, &file);
        assert_eq!(
            (&again["file"]["encoding"], rows(&again)),
            (&json!(encoding), json!({ "unchanged": 3 }))
        );
    }
    let workbook = import(&http, WORKBOOK);
    assert_eq!(workbook["file"]["format"], "xlsx");
    assert_eq!(
        rows(&workbook),
        json!({ "updated": 3 }),
        "it knows birthdays and towns as well"
    );
    assert_eq!(rows(&import(&http, WORKBOOK)), json!({ "unchanged": 3 }));
    assert_eq!(
        people(&http),
        ["Béarn +33612345678", "Œuf +33687654321", "Leroy +33612340000"]
    );
    let born = export(&http, "excel-fr").text.clone();
    assert!(born.contains("03/04/1981") && born.contains("31/12/1990"), "{born}");
    let listed = http.get("/v1/imports").expect(200);
    assert_eq!(listed["data"].as_array().expect("a list").len(), 9);
}

#[test]
fn req_001_16_every_row_is_in_one_bucket_and_errors_can_be_mended() {
    let (stand, http) = stand("buckets");
    let french = http.in_language("fr");
    let leaver = json!({ "tenant": stand.tenant.id, "to": ["+33612340009"] });
    stand.engine.admin().post("/v1/suppressions", &leaver).expect(200);
    import(&http, b"Ref;Nom;Portable\n1;Martin;0612340001\n2;Leroy;0612340002\n");
    let file = "Ref;Nom;Portable;Né le\n1;Martin;0612340001;\n2;Leroy-Dax;0612340002;\n3;Petit;0612340003;01/02/1980\n\
                3;Petit;0612340003;\n4;Blanc;3,36123E+10;\n5;Noir;0559123456;\n6;Roux;Roux;\n7;Parti;0612340009;\n8;Vert;0612340008;31/02/1980\n";
    let cleaned = import(&french, file.as_bytes());
    assert_eq!(
        rows(&cleaned),
        json!({ "created": 1, "updated": 1, "unchanged": 1, "duplicate_in_file": 1, "invalid": 3, "not_mobile": 1, "suppressed": 1 })
    );
    assert_eq!(
        cleaned["invalid"],
        json!({ "lost_digits": 1, "not_a_number": 1, "invalid_day": 1 })
    );
    let listed = errors(&http, &cleaned);
    let lines: Vec<&str> = listed.trim_start_matches('\u{FEFF}').lines().collect();
    assert_eq!(lines[0], "Ref;Nom;Portable;Né le;ligne;erreur");
    assert_eq!(
        lines[2],
        "4;Blanc;3,36123E+10;;6;Portable « 3,36123E+10 » : Excel a perdu des chiffres : formatez la colonne en Texte."
    );
    assert_eq!(
        (lines.len(), cleaned["errors"].clone()),
        (6, json!({ "listed": 5, "cut": false }))
    );
    // What is mended is sent again as it is.
    let mended = listed
        .replace("3,36123E+10;;", "06 12 34 00 04;;")
        .replace("Roux;Roux", "Roux;0612340006")
        .replace("31/02/1980;", "28/02/1980;");
    assert_eq!(
        rows(&import(&http, mended.as_bytes())),
        json!({ "created": 3, "unchanged": 1, "not_mobile": 1 })
    );
    // A quote that is not closed costs its own row, and none of those behind it.
    let mut file = "Ref;Nom;Portable\n".to_owned();
    for at in 100..200 {
        let quote = if at == 110 { "\"" } else { "" };
        file += &format!("{at};{quote}Nom{at};0613000{at}\n");
    }
    let torn = import(&french, file.as_bytes());
    assert_eq!(rows(&torn), json!({ "created": 99, "invalid": 1 }));
    assert_eq!(torn["invalid"], json!({ "unclosed_quote": 1 }));
    let listed = errors(&http, &torn);
    assert!(
        listed.contains("12;\"Nom « \"\"Nom110 » : Un guillemet ouvre"),
        "{listed}"
    );
    let mended = listed.replace("\"\"\"Nom110\"", "Nom110");
    assert_eq!(rows(&import(&http, mended.as_bytes())), json!({ "created": 1 }));
    // Nobody has agreed to anything tomorrow.
    let ahead = "Ref;Portable;Consentement;Date consentement\n200;0613000200;oui;01/01/2066\n";
    assert_eq!(import(&http, ahead.as_bytes())["invalid"], json!({ "in_future": 1 }));
}

#[test]
fn a_preview_changes_nothing_and_the_columns_may_be_told() {
    let (_stand, http) = stand("preview");
    let file = "Martin;0612340001;Pau\nLeroy;06123;Dax\n".as_bytes();
    let preview = http
        .post_as(
            CSV,
            "/v1/imports?dry_run=true&columns=last_name,number,attributes.Ville",
            file,
        )
        .expect(200);
    assert_eq!(
        preview["rows"][0],
        json!({ "line": 1, "contact": {
            "last_name": "Martin", "telephone": "06 12 34 00 01", "e164": "+33612340001", "attributes": { "Ville": "Pau" },
        } })
    );
    assert_eq!(preview["rows"][1]["error"]["code"], "invalid_number");
    assert_eq!(
        (&preview["sample"]["good"], &preview["sample"]["invalid"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(people(&http), [""; 0]);
    let list = http.post("/v1/lists", &json!({ "name": "Salon" })).expect(201);
    let id = list["id"].as_str().expect("an id");
    let query = format!("?columns=last_name,number,attributes.Ville&list={id}");
    assert_eq!(
        rows(&import_with(&http, &query, file)),
        json!({ "created": 1, "invalid": 1 })
    );
    assert_eq!(http.get(&format!("/v1/lists/{id}")).expect(200)["contacts"], 1);
    for (query, pointer) in [
        ("?columns=last_name,numbr", "?columns/1"),
        ("?columns=last_name,last_name", "?columns/1"),
        ("?columns=last_name", "?columns"),
        ("?dry_run=oui", "?dry_run"),
        ("?list=7", "?list"),
        ("?liste=7", "?liste"),
    ] {
        let refused = http.post_as(CSV, &format!("/v1/imports{query}"), file);
        assert!((400..=422).contains(&refused.status), "{query}: {}", refused.text);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{query}");
    }
}

/// Of those who were exported, who was where, and who agreed to what.
fn has_visits_and_consents(clinic: &Http, dialect: &str) {
    let visitors = |practice: &str| {
        let visited = json!({ "filter": { "visited": practice } });
        clinic.post("/v1/contacts/search", &visited).expect(200)["total"].clone()
    };
    let visited = [visitors("Lyon"), visitors("Paris")];
    assert_eq!(visited, [json!(1), json!(0)], "{dialect}");
    let consents = clinic.get("/v1/consents").expect(200);
    assert_eq!(consents["data"].as_array().map(Vec::len), Some(1), "{consents}");
    let [said, source] = ["wording", "source"].map(|name| &consents["data"][0][name]);
    assert_eq!(
        (said, source),
        (&json!("J'accepte."), &json!("formulaire")),
        "{dialect}"
    );
}

#[test]
fn req_001_25_what_is_exported_comes_back() {
    let (stand, http) = stand("exports");
    let contacts = json!({ "contacts": [
        {"reference": "=1+1", "number": "0612340001", "first_name": "Zoé", "last_name": "O'Neil; \"x\"", "birth_date": "1981-04-03",
         "practices": ["Pau, centre", "Dax"], "tags": ["vip"], "attributes": {"Ville": "@Pau", "nom": "+2"}, "kind": "staff"},
        {"number": "+32470123456", "last_name": "-Peeters"},
        {"reference": "3", "number": "0559123456", "first_name": "Fixe"},
        {"reference": "5", "number": "0612340005", "practices": ["Paris", "Lyon"],
         "visits": [{"day": "2026-03-09", "practice": "Lyon"}],
         "other_numbers": [{"number": "0698765432", "label": "travail"}, {"number": "0559123457"}]},
        {"reference": "6", "first_name": "Sans"},
    ] });
    http.post("/v1/contacts", &contacts).expect(200);
    let agreed = "reference;portable;consentement;date consentement;source consentement;texte consentement\n\
                  4;0612340004;oui;02/01/2026 14:30;formulaire;J'accepte.\n";
    assert_eq!(rows(&import(&http, agreed.as_bytes())), json!({ "created": 1 }));
    assert_eq!(
        rows(&import(&http, agreed.as_bytes())),
        json!({ "unchanged": 1 }),
        "agreed once"
    );
    let consents = http.get("/v1/consents").expect(200);
    assert_eq!(consents["data"].as_array().expect("a list").len(), 1);
    let refuse = "reference;portable;consentement\n7;0612340007;non\n";
    assert_eq!(rows(&import(&http, refuse.as_bytes())), json!({ "suppressed": 1 }));

    let other = stand.engine.tenant("Autre cabinet", 1).http(&stand.engine);
    for dialect in ["excel-fr", "rfc4180"] {
        let file = export(&http, dialect);
        let dangerous = file
            .text
            .split([';', ',', '\n'])
            .filter(|cell| cell.starts_with(['=', '+', '-', '@']))
            .count();
        assert_eq!(dangerous, 0, "{}", file.text);
        let again = import(&http, file.text.as_bytes());
        assert_eq!(
            rows(&again),
            json!({ "unchanged": 4, "not_mobile": 2, "suppressed": 1 }),
            "{dialect}: {}",
            file.text
        );
        import(&other, file.text.as_bytes());
        has_visits_and_consents(&http, dialect);
        has_visits_and_consents(&other, dialect);
        assert_eq!(export(&other, dialect).text, file.text, "{dialect}");
        assert_eq!(export(&other, "jsonl").text, export(&http, "jsonl").text, "{dialect}");
    }
    let some = http.post(
        "/v1/contacts/export?dialect=jsonl",
        &json!({ "filter": { "field": "tag", "is": "vip" } }),
    );
    assert_eq!(
        (some.text.lines().count(), some.content_type.as_str()),
        (1, "application/x-ndjson")
    );
    http.post_bytes("/v1/contacts/export?dialect=excel", b"")
        .expect_problem(&[422]);
    // Who refused is refused there, too.
    let order = CampaignOrder::to_audience(&json!({ "filter": {} })).with("purpose", json!("marketing"));
    let clinic = stand.engine.tenant("Ailleurs", 10);
    import(&clinic.http(&stand.engine), export(&http, "excel-fr").text.as_bytes());
    let campaign = clinic.create(&stand.engine, &order);
    let estimate = format!("/v1/campaigns/{}/estimate", campaign.id);
    let estimate = clinic.http(&stand.engine).post(&estimate, &json!({})).expect(200);
    assert_eq!(estimate["excluded"]["no_consent"], 1, "{estimate}");

    let foreign = ended(&http, &http.get("/v1/imports").expect(200)["data"][0]);
    other
        .get(&format!("/v1/imports/{}", foreign["id"].as_str().expect("an id")))
        .expect_problem(&[404]);
}

#[test]
fn req_001_25_where_each_consent_has_to_be_known_a_file_says_when_and_where_from() {
    let (stand, http) = stand("imports-proof");
    let tenant = format!("/v1/tenants/{}", stand.tenant.id);
    let required = json!({ "require_consent": true });
    stand.engine.operator().patch(&tenant, &required).expect(200);
    let file = "portable;consentement;date consentement;source consentement\n\
                0612340001;oui;;\n0612340002;oui;02/01/2026;\n0612340003;oui;02/01/2026;accueil\n0612340004;non;;\n0612340005;;;\n";
    let preview = http
        .post_as(CSV, "/v1/imports?dry_run=true", file.as_bytes())
        .expect(200);
    assert_eq!(preview["invalid"], json!({ "consent_unproven": 2 }), "{preview}");
    assert_eq!(preview["rows"][0]["error"]["code"], "consent_unproven", "{preview}");
    let imported = import(&http, file.as_bytes());
    assert_eq!(
        rows(&imported),
        json!({ "created": 2, "suppressed": 1, "invalid": 2 }),
        "{imported}"
    );
    let consents = http.get("/v1/consents").expect(200);
    assert_eq!(consents["data"].as_array().map(Vec::len), Some(1), "{consents}");
}

#[test]
fn files_go_in_and_out_by_commands() {
    let (stand, http) = stand("shell");
    let folder = stand.lab().directory();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
        command.args(arguments).current_dir(folder);
        command
            .env("CAMPANILE_API", format!("http://{}", http.address()))
            .env("CAMPANILE_KEY", &stand.tenant.key);
        let output = command.output().expect("campanile runs");
        let [said, told] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
        (output.status.code(), said, told)
    };
    std::fs::write(folder.join("contacts.xlsx"), WORKBOOK).expect("a file");
    std::fs::write(folder.join("some.csv"), "Nom;Portable\nPetit;06\n").expect("a file");
    let (code, said, _) = run(&["contacts", "import", "contacts.xlsx", "--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    for line in ["what\tvalue\n", "\nformat\txlsx\n", "\nheader_line\t1\n", "\ngood\t3\n"] {
        assert!(said.contains(line), "a table, as every command has: {line:?} in {said}");
    }
    let (code, said, _) = run(&["contacts", "import", "contacts.xlsx", "--dry-run", "--json"]);
    let preview: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &preview["sample"]["good"]), (Some(0), &json!(3)));
    let (code, said, _) = run(&["contacts", "import", "contacts.xlsx"]);
    assert_eq!(
        (code, said.starts_with("state\tcompleted\ncreated\t3\n")),
        (Some(0), true),
        "{said}"
    );
    run(&["contacts", "import", "some.csv", "--errors", "errors.csv"]);
    let listed = std::fs::read_to_string(folder.join("errors.csv")).expect("errors");
    assert!(listed.contains("Petit,06"), "{listed}");
    let (code, said, _) = run(&["contacts", "export", "--dialect", "rfc4180"]);
    assert_eq!((code, said.lines().count()), (Some(0), 4), "{said}");
    let nobody = r#"{"field": "last_name", "is": "Personne-ici"}"#;
    let (code, said, told) = run(&["contacts", "export", "--dialect", "rfc4180", "--filter", nobody]);
    assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}{told}");
    let everybody = r#"{"not": {"field": "last_name", "is": "Personne-ici"}}"#;
    let (code, said, told) = run(&["contacts", "export", "--dialect", "rfc4180", "--filter", everybody]);
    assert_eq!((code, said.lines().count()), (Some(0), 4), "{said}{told}");
    let (code, _, told) = run(&["contacts", "export", "--filter", r#"{"field": "nom"}"#]);
    assert_eq!((code, told.contains("/filter")), (Some(5), true), "{told}");
    let (code, _, told) = run(&["contacts", "export", "--filter", "{"]);
    assert_eq!((code, told.contains("--filter is no JSON")), (Some(2), true), "{told}");
    let (code, _, told) = run(&["contacts", "export", "--dialect", "excel"]);
    assert_eq!(
        (code, told.contains("excel-fr, rfc4180, jsonl")),
        (Some(5), true),
        "{told}"
    );
    let (code, _, told) = run(&["contacts", "import", "none.csv"]);
    assert_eq!((code, told.contains("none.csv")), (Some(2), true), "{told}");
}

#[test]
fn hostile_files_are_refused_in_bounded_memory() {
    let (stand, http) = stand("hostile");
    let refused = |media: &str, file: &[u8], status: u16| {
        let answer = http.post_as(media, "/v1/imports", file);
        assert_eq!(answer.status, status, "{}", answer.text);
        answer.json()["errors"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(refused(CSV, &vec![b'x'; 30 << 20], 422), "row_too_long");
    assert_eq!(refused(CSV, &vec![b';'; 30 << 20], 422), "too_many_columns");
    assert_eq!(refused(CSV, &vec![0; 30 << 20], 422), "row_too_long");
    assert_eq!(refused(CSV, b"", 422), "empty_file");
    assert_eq!(refused(CSV, b"Nom;Ville\nMartin;Pau\n", 422), "no_number_column");
    assert_eq!(refused(XLSX, b"PK\x03\x04 and no more", 422), "broken_workbook");
    assert_eq!(refused(XLSX, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 422), "old_workbook");
    assert_eq!(refused("application/json", b"{}", 415), "");
    // A quote that nothing closes costs its own line.
    let quote = format!("Mobile\n0612340001\n\"{}", "0612340002\n".repeat(100_000));
    let read = ended(&http, &http.post_as(CSV, "/v1/imports", quote.as_bytes()).expect(202));
    assert_eq!(
        rows(&read),
        json!({ "created": 2, "duplicate_in_file": 99_998, "invalid": 1 })
    );
    // Behind the first rows, it is the import that fails, and says where.
    let late = format!("Mobile\n{}{}", "0612340001\n".repeat(1_100), "x".repeat(30 << 20));
    let failed = ended(&http, &http.post_as(CSV, "/v1/imports", late.as_bytes()).expect(202));
    assert_eq!(
        (&failed["state"], &failed["failure"]["code"]),
        (&json!("failed"), &json!("row_too_long"))
    );
    assert_eq!(rows(&failed), json!({ "unchanged": 1, "duplicate_in_file": 1_099 }));
    let peak = lab::usage::peak_rss_bytes(stand.engine.process().pid()).expect("proc");
    assert!(peak < 400 << 20, "{peak}");
}
