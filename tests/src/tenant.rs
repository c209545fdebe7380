//! What a tenant does over HTTP: campaigns, their progress, their recipients.

use std::cell::RefCell;
use std::ops::Deref;
use std::time::Duration;

use lab::{Credits, Fault, Listed};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::fail::OrFail;
use crate::http::{Answer, Http};
use crate::wait::{eventually, eventually_or};

/// How long Redis may be away in a test.
const UNAVAILABLE_LIMIT: Duration = Duration::from_secs(15);

/// A tenant of the engine, and the key it shows.
#[derive(Clone, Debug)]
pub struct Tenant(lab::Tenant);

/// What `POST /v1/campaigns` is given.
#[derive(Clone, Debug)]
pub struct CampaignOrder {
    /// The whole body.
    pub body: Value,
}

/// A campaign that exists.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// `cmp_…`
    pub id: String,
    tenant: Tenant,
}

/// What `GET /v1/campaigns/{id}` says.
#[derive(Clone, Debug)]
pub struct CampaignView(lab::Campaign);

/// What becomes of the messages of the simulator's scenario fr-4379: the table that the project was made for.
pub const FR_4379: [(&str, u64); 7] = [
    ("delivered", 3_969),
    ("transmission_failed", 8),
    ("reception_error", 18),
    ("unknown_number", 112),
    ("not_routed", 4),
    ("transmitted", 267),
    ("recredited", 1),
];

/// French mobile numbers, `+33600000000` and on.
pub fn recipients(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|index| format!("+336{index:08}"))
}

impl CampaignOrder {
    /// A campaign of one segment a recipient, to the first `count` of [`recipients`].
    pub fn to_first(count: usize) -> Self {
        let audience: Vec<Value> = recipients(count)
            .enumerate()
            .map(|(index, to)| json!({ "to": to, "Nom": format!("Patient {index}") }))
            .collect();
        Self::to_audience(&json!({ "recipients": audience }))
    }

    /// The same to that audience. Transactional, so that it may be sent at any hour.
    pub fn to_audience(audience: &Value) -> Self {
        let body = json!({
            "name": "Rappel",
            "text": "Cabinet Martin : votre rendez-vous est confirmé.",
            "sender": "Clinique",
            "purpose": "transactional",
            "audience": audience,
        });
        Self { body }
    }

    /// With another value for one key of the body.
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.body[key] = value;
        self
    }

    /// Without one key of the body.
    pub fn without(mut self, key: &str) -> Self {
        if let Some(body) = self.body.as_object_mut() {
            body.remove(key);
        }
        self
    }
}

impl Engine {
    /// A new tenant with that many credits.
    pub fn tenant(&self, name: &str, credits: u64) -> Tenant {
        Tenant(self.api().enrol(name, credits).or_fail())
    }

    /// The tenant that was just made, as it was answered.
    pub fn tenant_of(&self, made: &Value) -> Tenant {
        Tenant(serde_json::from_value(made.clone()).expect("a tenant with its key"))
    }

    /// A tenant's credits now.
    pub fn credits(&self, tenant: &Tenant) -> Credits {
        self.api().credits(tenant).or_fail()
    }
}

impl Deref for Tenant {
    type Target = lab::Tenant;

    fn deref(&self) -> &lab::Tenant {
        &self.0
    }
}

impl Tenant {
    /// The engine as this tenant sees it; made anew after each restart, which changes the port.
    pub fn http(&self, engine: &Engine) -> Http {
        Http::new(&engine.api().of(self))
    }

    /// Creates a campaign.
    #[track_caller]
    pub fn create(&self, engine: &Engine, order: &CampaignOrder) -> Campaign {
        let draft = engine.api().create(self, &order.body).or_fail();
        self.campaign(&draft.id)
    }

    /// Creates a campaign and launches it.
    #[track_caller]
    pub fn order(&self, engine: &Engine, order: &CampaignOrder) -> Campaign {
        let campaign = self.create(engine, order);
        campaign.ask(engine, "launch").expect(202);
        campaign
    }

    /// Creates a campaign to the first `count` recipients, and launches it.
    #[track_caller]
    pub fn launch(&self, engine: &Engine, count: usize) -> Campaign {
        self.order(engine, &CampaignOrder::to_first(count))
    }

    /// The campaign of that id, which may be another tenant's.
    pub fn campaign(&self, id: &str) -> Campaign {
        Campaign {
            id: id.to_owned(),
            tenant: self.clone(),
        }
    }
}

impl Campaign {
    /// `launch`, `pause`, `resume` or `cancel`.
    pub fn ask(&self, engine: &Engine, action: &str) -> Answer {
        let path = format!("/v1/campaigns/{}/{action}", self.id);
        self.tenant.http(engine).post_bytes(&path, b"")
    }

    /// Asks for it to launch by itself at that date (`{"scheduled_at": …}`).
    pub fn schedule(&self, engine: &Engine, date: &Value) -> Answer {
        let path = format!("/v1/campaigns/{}/schedule", self.id);
        self.tenant.http(engine).post(&path, date)
    }

    /// Has it launch by itself so many seconds from now.
    #[track_caller]
    pub fn schedule_in(&self, engine: &Engine, seconds: i64) {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        self.schedule(engine, &json!({ "scheduled_at": at.to_string() }))
            .expect(200);
    }

    /// Where it is. While Redis is away the engine says so with 503 and is asked again, for a while.
    pub fn view(&self, engine: &Engine) -> CampaignView {
        let view = eventually("the engine has its Redis again", UNAVAILABLE_LIMIT, || {
            match engine.api().campaign(&self.tenant, &self.id) {
                Err(Fault::Refused { status: 503, .. }) => None,
                view => Some(view),
            }
        });
        CampaignView(view.or_fail())
    }

    /// Waits until `condition` holds of it.
    #[track_caller]
    pub fn wait(
        &self,
        engine: &Engine,
        what: &str,
        limit: Duration,
        condition: impl Fn(&CampaignView) -> bool,
    ) -> CampaignView {
        let last = RefCell::new(None);
        let look = || {
            let view = self.view(engine);
            let holds = condition(&view);
            last.replace(Some(view.clone()));
            holds.then_some(view)
        };
        eventually_or(limit, look, || {
            format!("{what}: not within {limit:?}; last seen: {:?}", last.borrow())
        })
    }

    /// Every recipient, over all pages.
    pub fn recipients(&self, engine: &Engine) -> Vec<Listed> {
        engine.api().recipients(&self.tenant, &self.id).or_fail()
    }
}

impl Deref for CampaignView {
    type Target = lab::Campaign;

    fn deref(&self) -> &lab::Campaign {
        &self.0
    }
}

impl CampaignView {
    /// Nothing is left to submit, and each answer and receipt that can come has come, but for those in doubt.
    pub fn nothing_queued(&self) -> bool {
        self.progress.queued == 0
    }

    /// Promise 1: the counts add up to the messages, at every instant.
    #[track_caller]
    pub fn assert_adds_up(&self) {
        let progress = &self.progress;
        let sum = progress.queued + progress.in_doubt + progress.canceled + self.with_status();
        assert_eq!(sum, progress.total, "the counts do not add up: {self:?}");
    }
}
