//! What resellers and tenants do over HTTP, and the parts of the answers that anybody here looks at.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fault::Result;
use crate::http::Http;
use crate::patients::SENDER;

/// The most recipients that the API lists at once.
const PAGE: usize = 500;

/// Campanile's public API with the operator's key.
#[derive(Clone, Debug)]
pub struct Api {
    public: Http,
    operator: Http,
}

/// A tenant that exists.
#[derive(Clone, Debug, Deserialize)]
pub struct Tenant {
    /// `ten_…`
    pub id: String,
    /// `sk_…`
    #[serde(rename = "api_key")]
    pub key: String,
}

/// What `POST /v1/campaigns` answers.
#[derive(Clone, Debug, Deserialize)]
pub struct Draft {
    /// `cmp_…`
    pub id: String,
    /// What it will take.
    #[serde(default)]
    pub estimate: Estimate,
    audience: Accepted,
}

/// What a campaign will take.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Estimate {
    /// Who gets a message.
    pub recipients: u64,
    /// What they cost at the most.
    pub credits: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Accepted {
    accepted: u64,
}

impl Draft {
    /// How many recipients were taken.
    pub fn accepted(&self) -> u64 {
        self.audience.accepted
    }
}

/// What `GET /v1/campaigns/{id}` answers. An older engine may not tell all of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Campaign {
    /// `draft`, `running`, `completed`, …
    pub state: String,
    /// Messages by where they are.
    pub progress: Progress,
    /// Messages by the seven statuses.
    pub statuses: BTreeMap<String, u64>,
    /// Credits of this campaign.
    #[serde(default)]
    pub credits: CampaignCredits,
}

/// Where a campaign's messages are, as far as they have none of the seven statuses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CampaignCredits {
    /// Set aside for what is not settled.
    pub held: u64,
    /// Spent for good.
    pub spent: u64,
    /// Given back.
    pub recredited: u64,
}

impl Campaign {
    /// How many messages have that status.
    pub fn status(&self, name: &str) -> u64 {
        self.statuses.get(name).copied().unwrap_or(0)
    }

    /// How many messages have one of the seven statuses.
    pub fn with_status(&self) -> u64 {
        self.statuses.values().sum()
    }
}

/// What `GET /v1/campaigns/{id}/report` answers.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// Messages that have one of the seven statuses.
    pub messages: u64,
    /// All seven.
    pub statuses: Vec<ReportedStatus>,
}

/// A status in a report.
#[derive(Clone, Debug, Deserialize)]
pub struct ReportedStatus {
    /// As people read it.
    pub label: String,
    /// Messages in it.
    pub count: u64,
    /// Of those that have a status.
    pub percent: f64,
}

/// A tenant's credits: granted = available + held + spent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Credits {
    /// Given to it, less what was taken back.
    pub granted: u64,
    /// Ever taken back.
    #[serde(default)]
    pub withdrawn: u64,
    /// Free to be used.
    pub available: u64,
    /// Set aside by campaigns.
    pub held: u64,
    /// Used up.
    pub spent: u64,
}

impl Credits {
    /// What is granted less where it is: 0 if no credit is lost or made.
    pub fn imbalance(&self) -> i64 {
        self.granted as i64 - (self.available + self.held + self.spent) as i64
    }
}

/// One recipient of a campaign.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed {
    /// E.164 with `+`.
    pub to: String,
    /// One of the seven statuses, or `queued`, `in_doubt`, `canceled`.
    pub status: String,
}

#[derive(Deserialize)]
struct TenantDetail {
    credits: Credits,
}

impl Api {
    /// The API at `address` (`host:port`).
    pub fn new(address: &str, operator_key: &str) -> Self {
        let public = Http::new(address);
        Self {
            operator: public.with_key(operator_key),
            public,
        }
    }

    /// As somebody without a key calls it.
    pub fn public(&self) -> &Http {
        &self.public
    }

    /// As the operator calls it.
    pub fn operator(&self) -> &Http {
        &self.operator
    }

    /// As that tenant calls it.
    pub fn of(&self, tenant: &Tenant) -> Http {
        self.public.with_key(&tenant.key)
    }

    /// Creates a tenant, and grants it `credits` unless they are 0.
    pub fn enrol(&self, name: &str, credits: u64) -> Result<Tenant> {
        let everywhere = json!({ "name": name, "countries": null });
        let tenant: Tenant = self.operator.post("/v1/tenants", &everywhere)?.json()?;
        if credits > 0 {
            let grant = json!({ "amount": credits, "reference": format!("first credits of {name}") });
            let path = format!("/v1/tenants/{}/credits", tenant.id);
            self.operator.post(&path, &grant)?.success()?;
        }
        Ok(tenant)
    }

    /// A tenant's credits now.
    pub fn credits(&self, tenant: &Tenant) -> Result<Credits> {
        let detail: TenantDetail = self.operator.get(&format!("/v1/tenants/{}", tenant.id))?.json()?;
        Ok(detail.credits)
    }

    /// Creates a campaign of `tenant` with its audience; nothing is sent yet.
    pub fn create(&self, tenant: &Tenant, body: &impl Serialize) -> Result<Draft> {
        self.of(tenant).post("/v1/campaigns", body)?.json()
    }

    /// Launches a campaign: from here on it sends.
    pub fn launch(&self, tenant: &Tenant, campaign: &str) -> Result<()> {
        self.ask(tenant, campaign, "launch")
    }

    /// Stops a campaign: what was not handed over is canceled.
    pub fn cancel(&self, tenant: &Tenant, campaign: &str) -> Result<()> {
        self.ask(tenant, campaign, "cancel")
    }

    fn ask(&self, tenant: &Tenant, campaign: &str, action: &str) -> Result<()> {
        let path = format!("/v1/campaigns/{campaign}/{action}");
        self.of(tenant).post_bytes(&path, b"")?.success().map(|_| ())
    }

    /// Sends one transactional message by itself.
    pub fn send(&self, tenant: &Tenant, to: &str, text: &str) -> Result<()> {
        let body = json!({ "to": to, "text": text, "sender": SENDER });
        let sent: Result<IgnoredAny> = self.of(tenant).post("/v1/messages", &body)?.json();
        sent.map(|_| ())
    }

    /// How far a campaign is.
    pub fn campaign(&self, tenant: &Tenant, campaign: &str) -> Result<Campaign> {
        self.of(tenant).get(&format!("/v1/campaigns/{campaign}"))?.json()
    }

    /// What a campaign came to, in that language.
    pub fn report(&self, tenant: &Tenant, campaign: &str, language: &str) -> Result<Report> {
        let http = self.of(tenant).in_language(language);
        http.get(&format!("/v1/campaigns/{campaign}/report"))?.json()
    }

    /// Every message of a campaign.
    pub fn recipients(&self, tenant: &Tenant, campaign: &str) -> Result<Vec<Listed>> {
        self.of(tenant)
            .pages(&format!("/v1/campaigns/{campaign}/recipients?limit={PAGE}"))
    }
}
