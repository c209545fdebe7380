//! Credits of resellers: given by the operator, moved to tenants and back, and neither made nor lost on the way.

use std::time::Duration;

use campanile_tests::{Http, Stand, Tenant, eventually, programs, text};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// A reseller and a tenant of its own.
struct Hosting {
    id: String,
    key: String,
    tenant: Tenant,
}

fn count(value: &Value) -> u64 {
    value.as_u64().expect("a count")
}

fn amount(credits: u64) -> Value {
    json!({ "amount": credits })
}

fn for_invoice(credits: u64, invoice: &str) -> Value {
    json!({ "amount": credits, "reference": invoice })
}

impl Hosting {
    fn new(stand: &Stand, credits: u64) -> Self {
        let operator = stand.engine.operator();
        let made = operator
            .post("/v1/resellers", &json!({ "name": "Ostéo Réseau" }))
            .expect(201);
        let (id, key) = (text(&made["id"]), text(&made["api_key"]));
        assert_eq!(made["credits"], json!({ "granted": 0, "withdrawn": 0, "available": 0 }));
        let path = format!("/v1/resellers/{id}/credits");
        let given = operator.once("reseller-1").post(&path, &amount(credits)).expect(201);
        assert_eq!(
            given["credits"],
            json!({ "granted": credits, "withdrawn": 0, "available": credits })
        );
        let again = operator.once("reseller-1").post(&path, &amount(credits)).expect(201);
        assert_eq!(again["credits"], given["credits"]);
        let http = stand.engine.public().with_key(&key);
        let made = http
            .post("/v1/tenants", &json!({ "name": "Cabinet des Lilas" }))
            .expect(201);
        let tenant = stand.engine.tenant_of(&made);
        Self { id, key, tenant }
    }

    fn http(&self, stand: &Stand) -> Http {
        stand.engine.public().with_key(&self.key)
    }

    fn path(&self, of: &str) -> String {
        format!("/v1/tenants/{}/{of}", self.tenant.id)
    }

    fn available(&self, stand: &Stand) -> u64 {
        let shown = self.http(stand).get(&format!("/v1/resellers/{}", self.id)).expect(200);
        count(&shown["credits"]["available"])
    }

    /// Kinds and credits of the reseller's lines, the oldest first.
    fn lines(&self, stand: &Stand) -> Vec<(String, u64)> {
        let path = format!("/v1/resellers/{}/ledger?limit=500", self.id);
        lines(&self.http(stand).get(&path).expect(200))
    }

    /// The same of the tenant's.
    fn tenants_lines(&self, stand: &Stand) -> Vec<(String, u64)> {
        lines(&self.tenant.http(&stand.engine).get("/v1/ledger?limit=500").expect(200))
    }
}

fn lines(page: &Value) -> Vec<(String, u64)> {
    let rows = page["data"].as_array().expect("a list").iter();
    let all = rows.map(|row| (text(&row["type"]), count(&row["credits"])));
    all.collect::<Vec<_>>().into_iter().rev().collect()
}

fn line(kind: &str, credits: u64) -> (String, u64) {
    (kind.to_owned(), credits)
}

#[test]
fn credits_move_to_a_tenant_and_back_and_never_more_than_there_are() {
    let stand = Stand::new(programs!(), "reseller-credits", "", |smsc| smsc);
    let hosting = Hosting::new(&stand, 1_000);
    let http = hosting.http(&stand);
    let credits = |tenant: &Value| ["granted", "withdrawn", "available"].map(|key| count(&tenant["credits"][key]));
    for _ in 0..2 {
        let given = http
            .once("invoice-1")
            .post(&hosting.path("credits"), &amount(600))
            .expect(201);
        assert_eq!(credits(&given), [600, 0, 600]);
    }
    assert_eq!(hosting.available(&stand), 400);
    let problem = http.post(&hosting.path("credits"), &amount(401)).expect_problem(&[402]);
    assert_eq!(problem["code"], "insufficient_credit");
    // What is held is not available.
    hosting.tenant.launch(&stand.engine, 100);
    http.post(&hosting.path("withdrawals"), &amount(501))
        .expect_problem(&[402]);
    let taken = http
        .once("back-1")
        .post(&hosting.path("withdrawals"), &amount(500))
        .expect(201);
    assert_eq!(credits(&taken), [100, 500, 0]);
    assert_eq!(hosting.available(&stand), 900);
    let expected = [line("grant", 1_000), line("give", 600), line("take_back", 500)];
    assert_eq!(hosting.lines(&stand), expected);
    let moved: Vec<_> = hosting.tenants_lines(&stand);
    let moved: Vec<_> = moved
        .into_iter()
        .filter(|(kind, _)| ["grant", "withdraw"].contains(&kind.as_str()))
        .collect();
    assert_eq!(moved, [line("grant", 600), line("withdraw", 500)]);

    // The operator's come from nowhere; a tenant without a reseller has none to give them back to.
    let operator = stand.engine.operator();
    operator.post(&hosting.path("credits"), &amount(50)).expect(201);
    assert_eq!(hosting.available(&stand), 900);
    let of_nobody = format!("/v1/tenants/{}/withdrawals", stand.tenant.id);
    operator.post(&of_nobody, &amount(1)).expect_problem(&[404]);
    http.post(&of_nobody, &amount(1)).expect_problem(&[404]);
    let own = hosting.tenant.http(&stand.engine);
    own.post(&hosting.path("credits"), &amount(1)).expect_problem(&[403]);
    let own_reseller = format!("/v1/resellers/{}/credits", hosting.id);
    http.post(&own_reseller, &amount(1)).expect_problem(&[403]);
    let imbalance = stand
        .engine
        .metric(|line| line.starts_with("campanile_ledger_imbalance"));
    assert_eq!(imbalance, 0.0);
}

#[test]
fn credits_are_given_once_for_a_reference_whoever_asks_again_and_how() {
    let stand = Stand::new(programs!(), "reseller-references", "", |smsc| smsc);
    let hosting = Hosting::new(&stand, 1_000);
    let (operator, reseller) = (stand.engine.operator(), hosting.http(&stand));
    let granted = |tenant: &Value| count(&tenant["credits"]["granted"]);
    let stock = format!("/v1/resellers/{}/credits", hosting.id);
    let own = format!("/v1/tenants/{}/credits", stand.tenant.id);
    let (give, back) = (hosting.path("credits"), hosting.path("withdrawals"));
    let before = stand.engine.credits(&stand.tenant).granted;
    for (http, path, then) in [
        (&operator, &stock, 1_100),
        (&operator, &own, before + 100),
        (&operator, &give, 100),
        (&reseller, &give, 200),
    ] {
        // With keys and without, one after the other and at once.
        std::thread::scope(|scope| {
            for number in 0..6 {
                let http = if number % 2 == 0 {
                    http.once(&format!("{then}-{number}"))
                } else {
                    http.clone()
                };
                scope.spawn(move || http.post(path, &for_invoice(100, "Facture 7")).expect(201));
            }
        });
        let again = http.post(path, &for_invoice(100, " Facture 7 ")).expect(201);
        assert_eq!(granted(&again), then, "{path}: {again}");
        let other = http.post(path, &for_invoice(101, "Facture 7")).expect_problem(&[422]);
        assert_eq!(
            (&other["errors"][0]["pointer"], &other["errors"][0]["code"]),
            (&json!("/reference"), &json!("reference_taken"))
        );
    }
    // What is taken back is another movement; one that was refused was none.
    reseller
        .post(&back, &for_invoice(100_000, "Facture 7"))
        .expect_problem(&[402]);
    for _ in 0..2 {
        assert_eq!(
            granted(&reseller.post(&back, &for_invoice(50, "Facture 7")).expect(201)),
            150
        );
    }
    // Without a reference each is another.
    operator.post(&own, &amount(10)).expect(201);
    let twice = operator.post(&own, &amount(10)).expect(201);
    assert_eq!(granted(&twice), before + 120);
}

#[test]
fn req_004_35_a_tenant_begins_with_trial_credits_of_its_reseller() {
    let stand = Stand::new(programs!(), "reseller-trial", "", |smsc| smsc);
    let hosting = Hosting::new(&stand, 100);
    let http = hosting.http(&stand);
    let order = json!({ "name": "Cabinet Martin", "trial_credits": 60 });
    let made = http.once("martin").post("/v1/tenants", &order).expect(201);
    assert_eq!(made["credits"]["available"], 60, "{made}");
    // The same tenant, with a further key and no further credits.
    let again = http.once("martin").post("/v1/tenants", &order).expect(201);
    assert_eq!((&again["id"], &again["credits"]), (&made["id"], &made["credits"]));
    assert_eq!(hosting.available(&stand), 40);
    http.post("/v1/tenants", &order).expect_problem(&[402]);
    let tenants = http.get("/v1/tenants").expect(200);
    assert_eq!(
        tenants["data"].as_array().map(Vec::len),
        Some(2),
        "none is made that cannot be given them"
    );
    let by_operator = stand.engine.operator().post("/v1/tenants", &order).expect(201);
    assert_eq!(by_operator["credits"]["available"], 60);
    let tenant = stand.engine.tenant_of(&made);
    assert_eq!(stand.engine.credits(&tenant).available, 60);
    let line = tenant.http(&stand.engine).get("/v1/ledger").expect(200)["data"][0].clone();
    assert_eq!((&line["type"], &line["reference"]), (&json!("grant"), &json!("trial")));
}

#[test]
fn kills_between_the_two_halves_of_a_move_make_and_lose_no_credits() {
    const ROUNDS: u64 = 4;
    const MOVES: u64 = 30;
    let mut stand = Stand::new(programs!(), "reseller-kills", "", |smsc| smsc);
    let hosting = Hosting::new(&stand, 100_000);
    // Two of three give 7, the third takes 5 back.
    let what = |number: u64| match number % 3 {
        2 => (hosting.path("withdrawals"), amount(5)),
        _ => (hosting.path("credits"), amount(7)),
    };
    let per_round = MOVES / 3 * (2 * 7 - 5);
    for round in 0..ROUNDS {
        let http = hosting.http(&stand);
        let begun = hosting.lines(&stand).len();
        std::thread::scope(|scope| {
            let moving = scope.spawn(|| {
                (0..MOVES).all(|number| {
                    let (path, body) = what(number);
                    let one = http.once(&format!("{round}-{number}"));
                    one.try_post_bytes(&path, body.to_string().as_bytes()).is_ok()
                })
            });
            let until = begun + 3 + 5 * round as usize;
            eventually("some have moved", LIMIT, || {
                (hosting.lines(&stand).len() >= until).then_some(())
            });
            stand.engine.process().kill();
            moving.join().expect("whoever moves credits ends with the engine");
        });
        stand.engine.restart();
        let http = hosting.http(&stand);
        // Under its key each is done once, whether it was before or not.
        for number in 0..MOVES {
            let (path, body) = what(number);
            let one = http.once(&format!("{round}-{number}"));
            eventually("each is done", LIMIT, || {
                (one.post(&path, &body).status == 201).then_some(())
            });
        }
        let moved = per_round * (round + 1);
        let credits = stand.engine.credits(&hosting.tenant);
        assert_eq!((credits.granted, credits.available), (moved, moved), "round {round}");
        assert_eq!(hosting.available(&stand), 100_000 - moved, "round {round}");
    }
    let lines = hosting.lines(&stand);
    assert_eq!(lines.len() as u64, 1 + ROUNDS * MOVES, "each has one line");
    let of_tenant = hosting.tenants_lines(&stand);
    let renamed = lines.into_iter().skip(1).map(|(kind, credits)| match kind.as_str() {
        "give" => line("grant", credits),
        _ => line("withdraw", credits),
    });
    let (mut left, mut right) = (renamed.collect::<Vec<_>>(), of_tenant);
    left.sort_unstable();
    right.sort_unstable();
    assert_eq!(left, right, "both ledgers have the same moves");
}
