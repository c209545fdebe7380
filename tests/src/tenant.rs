//! What a tenant does over HTTP: campaigns, their progress, their recipients.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::http::Http;
use crate::wait::{eventually, eventually_or};

/// The most recipients asked for in one page.
const PAGE: usize = 500;

/// A tenant of the engine, and the key it shows.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// `ten_…`
    pub id: String,
    /// `sk_…`
    pub key: String,
}

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
    key: String,
}

/// What `GET /v1/campaigns/{id}` says.
#[derive(Clone, Debug, Deserialize)]
pub struct CampaignView {
    /// `draft`, `running`, `completed`, …
    pub state: String,
    /// Messages by where they are.
    pub progress: Progress,
    /// Messages by the seven statuses.
    pub statuses: BTreeMap<String, u64>,
    /// Credits of this campaign.
    pub credits: CampaignCredits,
}

/// Where a campaign's messages are, as far as they have none of the seven statuses.
#[derive(Clone, Debug, Deserialize)]
pub struct Progress {
    /// All messages.
    pub total: u64,
    /// Not yet submitted.
    pub queued: u64,
    /// Submitted, and whether the SMSC took it is not known.
    pub in_doubt: u64,
    /// Never submitted, since the campaign was canceled.
    pub canceled: u64,
}

/// A campaign's credits.
#[derive(Clone, Debug, Deserialize)]
pub struct CampaignCredits {
    /// Set aside for what is not settled.
    pub held: u64,
    /// Spent for good.
    pub spent: u64,
    /// Given back.
    pub recredited: u64,
}

/// One recipient of a campaign.
#[derive(Clone, Debug, Deserialize)]
pub struct Recipient {
    /// `+33…`
    pub to: String,
    /// One of the seven statuses, or `queued`, `in_doubt`, `canceled`.
    pub status: String,
}

/// So many French mobile numbers, `+33600000000` and on.
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

impl Tenant {
    /// The engine as this tenant sees it; made anew after each restart, which changes the port.
    pub fn http(&self, engine: &Engine) -> Http {
        engine.api().with_key(&self.key)
    }

    /// Creates a campaign.
    pub fn create(&self, engine: &Engine, order: &CampaignOrder) -> Campaign {
        let created = self.http(engine).post("/v1/campaigns", &order.body).expect(201);
        self.campaign(created["id"].as_str().expect("a campaign has an id"))
    }

    /// Creates a campaign to the first `count` recipients, and launches it.
    pub fn launch(&self, engine: &Engine, count: usize) -> Campaign {
        let campaign = self.create(engine, &CampaignOrder::to_first(count));
        campaign.ask(engine, "launch").expect(202);
        campaign
    }

    /// The campaign of that id, which may be another tenant's.
    pub fn campaign(&self, id: &str) -> Campaign {
        Campaign {
            id: id.to_owned(),
            key: self.key.clone(),
        }
    }
}

/// How long Redis may be away in a test.
const UNAVAILABLE_LIMIT: Duration = Duration::from_secs(15);

impl Campaign {
    fn path(&self) -> String {
        format!("/v1/campaigns/{}", self.id)
    }

    /// `launch`, `pause`, `resume` or `cancel`.
    pub fn ask(&self, engine: &Engine, action: &str) -> crate::http::Answer {
        engine
            .api()
            .with_key(&self.key)
            .post_bytes(&format!("{}/{action}", self.path()), b"")
    }

    /// Where it is. While Redis is away the engine says so with 503 and is asked again, for a while.
    pub fn view(&self, engine: &Engine) -> CampaignView {
        let http = engine.api().with_key(&self.key);
        let answer = || Some(http.get(&self.path())).filter(|answer| answer.status != 503);
        let view = eventually("the engine has its Redis again", UNAVAILABLE_LIMIT, answer).expect(200);
        serde_json::from_value(view.clone()).unwrap_or_else(|error| panic!("{error}: {view}"))
    }

    /// Waits until `condition` holds of it.
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
    pub fn recipients(&self, engine: &Engine) -> Vec<Recipient> {
        let http = engine.api().with_key(&self.key);
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let from = cursor
                .map(|cursor: String| format!("&cursor={cursor}"))
                .unwrap_or_default();
            let page = http
                .get(&format!("{}/recipients?limit={PAGE}{from}", self.path()))
                .expect(200);
            let rows: Vec<Recipient> =
                serde_json::from_value(page["data"].clone()).unwrap_or_else(|error| panic!("{error}: {page}"));
            all.extend(rows);
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return all;
            }
        }
    }
}

impl CampaignView {
    /// How many messages have that status.
    pub fn status(&self, name: &str) -> u64 {
        self.statuses.get(name).copied().unwrap_or(0)
    }

    /// Nothing is left to submit, and each answer and receipt that can come has come, but for those in doubt.
    pub fn nothing_queued(&self) -> bool {
        self.progress.queued == 0
    }

    /// Promise 1: the counts add up to the messages, at every instant.
    #[track_caller]
    pub fn assert_adds_up(&self) {
        let sum = self.progress.queued
            + self.progress.in_doubt
            + self.progress.canceled
            + self.statuses.values().sum::<u64>();
        assert_eq!(sum, self.progress.total, "the counts do not add up: {self:?}");
    }
}
