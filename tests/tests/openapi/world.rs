//! Two tenants with all that the document has ids of.

use std::time::Duration;

use campanile_tests::{CampaignOrder, Http, Stand, Tenant, eventually, text};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// From where forms are sent that need no key.
pub(crate) const ORIGIN: &str = "https://cabinet.example";

/// One that is over.
pub(crate) const MONTH: &str = "2020-02";

/// The most keys that are made of somebody: fewer than it may have.
const KEYS: usize = 30;

/// A tenant, and what is its own.
pub(crate) struct Owner {
    pub(crate) tenant: Tenant,
    pub(crate) http: Http,
    /// With a key that opens the tenant's keys as well.
    pub(crate) admin: Http,
    /// Who hosts it.
    pub(crate) reseller: Reseller,
    /// Of its SMSC.
    sim: Http,
    /// A word in everything that it has, and in nothing else.
    pub(crate) mark: &'static str,
}

/// Who hosts tenants.
#[derive(Clone)]
pub(crate) struct Reseller {
    pub(crate) id: String,
    pub(crate) http: Http,
}

impl Owner {
    /// A tenant with a reseller of its own.
    pub(crate) fn new(stand: &Stand, mark: &'static str) -> Self {
        let engine = &stand.engine;
        let made = engine
            .operator()
            .post("/v1/resellers", &json!({ "name": mark }))
            .expect(201);
        let credits = format!("/v1/resellers/{}/credits", text(&made["id"]));
        let amount = json!({ "amount": 1_000_000 });
        engine.operator().post(&credits, &amount).expect(201);
        let reseller = Reseller {
            id: text(&made["id"]),
            http: engine.public().with_key(&text(&made["api_key"])),
        };
        Self::of(stand, (reseller, mark))
    }

    /// Another tenant of the same reseller.
    pub(crate) fn sibling(&self, stand: &Stand, mark: &'static str) -> Self {
        Self::of(stand, (self.reseller.clone(), mark))
    }

    fn of(stand: &Stand, (reseller, mark): (Reseller, &'static str)) -> Self {
        let engine = &stand.engine;
        let made = reseller.http.post("/v1/tenants", &json!({ "name": mark })).expect(201);
        let tenant = engine.tenant_of(&made);
        let path = format!("/v1/tenants/{}", tenant.id);
        let operator = engine.operator();
        operator
            .post(&format!("{path}/credits"), &json!({ "amount": 1_000_000 }))
            .expect(201);
        let keys = format!("{path}/keys");
        let admin = operator.post(&keys, &json!({ "role": "admin" })).expect(201);
        let admin = engine.public().with_key(&text(&admin["api_key"]));
        Self {
            http: tenant.http(engine),
            tenant,
            admin,
            reseller,
            sim: Http::new(stand.sim.http()),
            mark,
        }
    }

    /// The id of something that is its own, and of the kind that the pattern of an id is for, as it stands in that path; made for this
    /// once, but for what one has few of.
    pub(crate) fn make(&self, operator: &Http, (pattern, path): (&str, &str)) -> String {
        if !is_of_id(pattern) {
            return MONTH.to_owned();
        }
        match prefix(pattern) {
            "ten" => self.tenant.id.clone(),
            "res" => self.reseller.id.clone(),
            "cmp" => self.campaign(),
            "msg" => self.message(),
            "key" if path.starts_with("/v1/resellers") => {
                self.key(operator, &format!("/v1/resellers/{}/keys", self.reseller.id))
            }
            "key" => self.key(operator, &format!("/v1/tenants/{}/keys", self.tenant.id)),
            "con" => self.contact(),
            "lst" => {
                let list = json!({ "name": format!("{} {}", self.mark, self.contact()) });
                text(&self.http.post("/v1/lists", &list).expect(201)["id"])
            }
            "seg" => {
                let segment = json!({ "name": format!("{} {}", self.mark, self.contact()), "filter": {} });
                text(&self.http.post("/v1/segments", &segment).expect(200)["id"])
            }
            "tpl" => {
                let template = json!({ "name": format!("{} {}", self.mark, self.contact()), "text": self.mark });
                text(&self.http.post("/v1/templates", &template).expect(201)["id"])
            }
            "aut" => {
                let order = CampaignOrder::to_first(3).without("name");
                let automation = json!({
                    "name": self.mark, "kind": "recurrence", "easter": 1, "time": "09:00", "campaign": order.body,
                });
                text(&self.http.post("/v1/automations", &automation).expect(201)["id"])
            }
            "evt" => {
                let event = json!({ "reference": format!("{} {}", self.mark, self.contact()), "number": "+33612345678", "starts_at": "2030-12-24T09:30" });
                let made = self.http.post("/v1/events", &json!({ "events": [event] })).expect(200);
                text(&made["data"][0]["id"])
            }
            "rpl" => self.plan(),
            "cpl" => {
                let codes = json!({ "name": format!("{} {}", self.mark, self.contact()), "codes": "A1" });
                text(&self.http.post("/v1/code_pools", &codes).expect(201)["id"])
            }
            "flg" => self.flagged(),
            "arp" => self.rule(),
            "num" => self.number(operator),
            "nrq" => self.number_request(),
            "srq" => {
                let asked = json!({ "sender": "Cabinet", "note": self.mark });
                text(&self.http.post("/v1/sender_requests", &asked).expect(201)["id"])
            }
            "cnv" => self.conversation(operator),
            "inb" => self.unmatched(operator),
            "ofr" => self.offer(operator),
            "svy" => self.survey(operator),
            "frm" => text(&self.form()["id"]),
            "cft" => text(&self.form()["token"]),
            "imp" => self.import(),
            "whk" => self.endpoint(),
            "dlv" => self.delivery(),
            other => panic!("say here how one makes what has ids that begin with {other}_"),
        }
    }

    fn import(&self) -> String {
        let file = format!(
            "reference;nom;portable\n{} {};{0};0612345678\n",
            self.mark,
            self.contact()
        );
        // One at a time is taken in.
        let made = eventually("an import has its turn", LIMIT, || {
            let answer = self.http.post_as("text/csv", "/v1/imports", file.as_bytes());
            (answer.status != 429).then_some(answer)
        });
        text(&made.expect(202)["id"])
    }

    fn key(&self, operator: &Http, path: &str) -> String {
        let known = operator.get(path).expect(200);
        let known = known["data"].as_array().expect("a list");
        let own = known.iter().find(|key| key["label"] == self.mark);
        if let Some(own) = own.filter(|_| known.len() > KEYS) {
            return text(&own["id"]);
        }
        let made = operator.post(path, &json!({ "label": self.mark })).expect(201);
        text(&made["id"])
    }

    fn campaign(&self) -> String {
        let order = CampaignOrder::to_first(3).with("name", self.mark.into());
        let made = self.http.post("/v1/campaigns", &order.body).expect(201);
        text(&made["id"])
    }

    /// Another one at each call.
    fn contact(&self) -> String {
        let known = self
            .http
            .post("/v1/contacts/search", &json!({ "limit": 1 }))
            .expect(200);
        let contact = json!({ "reference": format!("{} {}", self.mark, known["total"]), "last_name": self.mark });
        let made = self
            .http
            .post("/v1/contacts", &json!({ "contacts": [contact] }))
            .expect(200);
        text(&made["data"][0]["id"])
    }

    /// The same as long as it is there: a tenant has few.
    fn plan(&self) -> String {
        let known = self.http.get("/v1/reminder_plans").expect(200);
        if let Some(plan) = known["data"].as_array().and_then(|all| all.first()) {
            return text(&plan["id"]);
        }
        let plan = json!({ "name": self.mark, "offsets": ["-24h"], "text": self.mark, "sender": "Cabinet" });
        text(&self.http.post("/v1/reminder_plans", &plan).expect(201)["id"])
    }

    /// The same, as long as it is there: a tenant has few.
    fn endpoint(&self) -> String {
        let known = self.http.get("/v1/webhooks").expect(200);
        if let Some(endpoint) = known["data"].as_array().and_then(|all| all.first()) {
            return text(&endpoint["id"]);
        }
        let endpoint =
            json!({ "url": "https://campanile.invalid/told", "events": ["campaign.*"], "description": self.mark });
        text(&self.http.post("/v1/webhooks", &endpoint).expect(201)["id"])
    }

    /// Something that this endpoint is to be told.
    fn delivery(&self) -> String {
        let path = format!("/v1/webhooks/{}/deliveries", self.endpoint());
        let last = || {
            let deliveries = self.http.get(&path).expect(200);
            let last = deliveries["data"].as_array().and_then(|all| all.first().cloned());
            last.map(|delivery| text(&delivery["id"]))
        };
        if let Some(delivery) = last() {
            return delivery;
        }
        let launch = format!("/v1/campaigns/{}/launch", self.campaign());
        self.http.post(&launch, &json!({})).expect(202);
        eventually("it is to be told of a campaign", LIMIT, last)
    }

    /// The text of a campaign: the same each time.
    fn flagged(&self) -> String {
        let path = format!("/v1/flagged?tenant={}", self.tenant.id);
        let known = self.reseller.http.get(&path).expect(200);
        if let Some(flagged) = known["data"].as_array().and_then(|all| all.first()) {
            return text(&flagged["id"]);
        }
        let order = CampaignOrder::to_first(3).with("text", format!("Soldes {}", self.mark).into());
        let made = self.http.post("/v1/campaigns", &order.body).expect(201);
        let launch = format!("/v1/campaigns/{}/launch", text(&made["id"]));
        self.http.post(&launch, &json!({})).expect(202);
        text(&self.reseller.http.get(&path).expect(200)["data"][0]["id"])
    }

    fn rule(&self) -> String {
        let rule = json!({ "name": self.mark, "match": "exact", "keywords": ["OUI"], "text": "Merci" });
        text(&self.http.post("/v1/auto_replies", &rule).expect(201)["id"])
    }

    fn number_request(&self) -> String {
        let asked = json!({ "kind": "short_code", "country": "FR", "note": self.mark });
        text(&self.http.post("/v1/number_requests", &asked).expect(201)["id"])
    }

    /// Begun by a message.
    fn conversation(&self, operator: &Http) -> String {
        let number = self.number(operator);
        let path = format!("/v1/tenants/{}/numbers/{number}", self.tenant.id);
        let given = operator.ask("PUT", &path, None).expect(200);
        let begun = json!({ "with": "+33612345678", "number": given["number"], "text": self.mark });
        text(&self.http.post("/v1/conversations", &begun).expect(201)["id"])
    }

    /// Written by somebody of whom nothing is known, to a number that it shares with another tenant of its reseller.
    fn unmatched(&self, operator: &Http) -> String {
        let digits = self.digits();
        let shared = json!({ "number": format!("+3365{digits:07}"), "country": "FR", "reseller": self.reseller.id });
        let kept = operator.post("/v1/inventory", &shared).expect(201);
        let neighbour = self
            .reseller
            .http
            .post("/v1/tenants", &json!({ "name": self.mark }))
            .expect(201);
        for tenant in [&self.tenant.id, &text(&neighbour["id"])] {
            let path = format!("/v1/tenants/{tenant}/numbers/{}", text(&kept["id"]));
            operator.ask("PUT", &path, None).expect(200);
        }
        let said = format!("{} {}", self.mark, text(&neighbour["id"]));
        // Whoever was answered once is known.
        let from = format!("+33698{:06}", digits_of(&said) % 1_000_000);
        let message = json!({ "from": from, "to": shared["number"], "text": said });
        self.sim.post("/inbound", &message).expect(202);
        eventually("it is nobody's", LIMIT, || {
            let unmatched = self.reseller.http.get("/v1/unmatched?limit=500").expect(200);
            let own = unmatched["data"].as_array()?.iter().find(|one| one["text"] == said)?;
            Some(text(&own["id"]))
        })
    }

    /// Something that one contact is offered.
    fn offer(&self, operator: &Http) -> String {
        let path = format!("/v1/tenants/{}/numbers/{}", self.tenant.id, self.number(operator));
        let given = operator.ask("PUT", &path, None).expect(200);
        let contact = json!({ "reference": self.mark, "number": "+33612345678", "last_name": self.mark });
        let contact = self
            .http
            .post("/v1/contacts", &json!({ "contacts": [contact] }))
            .expect(200);
        let ends_at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
        let offer = json!({
            "name": self.mark, "audience": { "contacts": [contact["data"][0]["id"]] }, "number": given["number"],
            "text": self.mark, "ends_at": ends_at.to_string(),
        });
        text(&self.http.post("/v1/offers", &offer).expect(201)["id"])
    }

    /// Of one question.
    fn survey(&self, operator: &Http) -> String {
        let path = format!("/v1/tenants/{}/numbers/{}", self.tenant.id, self.number(operator));
        let given = operator.ask("PUT", &path, None).expect(200);
        let question = json!({ "asks": "text", "text": self.mark });
        let survey = json!({ "name": self.mark, "number": given["number"], "questions": [question] });
        text(&self.http.post("/v1/surveys", &survey).expect(201)["id"])
    }

    /// One of the reseller's: the same each time.
    fn number(&self, operator: &Http) -> String {
        let number = format!("+3364{:07}", self.digits());
        let number = json!({ "number": number, "country": "FR", "reseller": self.reseller.id });
        text(&operator.post("/v1/inventory", &number).expect(201)["id"])
    }

    /// Of its own numbers.
    fn digits(&self) -> u32 {
        digits_of(self.mark)
    }

    /// A form of pages of the origin that operations without a key are asked from.
    fn form(&self) -> Value {
        let order = json!({ "wording": self.mark, "origin": ORIGIN });
        self.http.post("/v1/consent_forms", &order).expect(201)
    }

    fn message(&self) -> String {
        let order = json!({ "to": "+33612345678", "text": self.mark, "sender": "Clinique" });
        let made = self.http.post("/v1/messages", &order).expect(202);
        text(&made["id"])
    }
}

/// Seven digits, of each text its own.
fn digits_of(text: &str) -> u32 {
    text.bytes()
        .fold(0, |sum, byte| (sum * 31 + u32::from(byte)) % 10_000_000)
}

/// Whether it is for ids of what somebody has; what else stands in a path is a month, which everybody has.
pub(crate) fn is_of_id(pattern: &str) -> bool {
    pattern.contains('_')
}

/// An id of that kind that nobody has.
pub(crate) fn strange(pattern: &str) -> String {
    if !is_of_id(pattern) {
        return MONTH.to_owned();
    }
    match prefix(pattern) {
        "key" => "key_0123456789abcdef".to_owned(),
        "cft" => format!("cft_{}", "7".repeat(80)),
        prefix => format!("{prefix}_7777777777777"),
    }
}

/// `^cmp_[…` → `cmp`
fn prefix(pattern: &str) -> &str {
    let (prefix, _) = pattern.trim_start_matches('^').split_once('_').expect("an id");
    prefix
}
