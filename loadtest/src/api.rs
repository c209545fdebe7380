//! The calls to Campanile's API that a measurement makes, and the parts of their answers that it looks at.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::http::Http;
use crate::patients::{CampaignBody, SENDER};

/// Campanile's public API with the operator's key.
#[derive(Clone)]
pub(crate) struct Api {
    http: Http,
    operator_key: String,
}

/// A tenant that was just created.
#[derive(Deserialize, Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) api_key: String,
}

/// What POST /v1/campaigns answers.
#[derive(Deserialize, Debug)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) audience: Accepted,
}

/// How many recipients of a draft were taken.
#[derive(Deserialize, Debug)]
pub(crate) struct Accepted {
    pub(crate) accepted: u64,
}

/// What GET /v1/campaigns/{id} answers.
#[derive(Deserialize, Debug)]
pub(crate) struct Campaign {
    pub(crate) state: String,
    pub(crate) progress: Progress,
    /// Messages by status; the keys are the seven.
    pub(crate) statuses: BTreeMap<String, u64>,
}

/// How far a campaign is, in messages.
#[derive(Deserialize, Debug)]
pub(crate) struct Progress {
    pub(crate) total: u64,
    pub(crate) queued: u64,
}

/// A tenant's credits: granted = available + held + spent.
#[derive(Deserialize, Debug)]
pub(crate) struct Credits {
    pub(crate) granted: u64,
    pub(crate) available: u64,
    pub(crate) held: u64,
    pub(crate) spent: u64,
}

impl Credits {
    /// What is granted less where it is: 0 if no credit is lost or made.
    pub(crate) fn imbalance(&self) -> i64 {
        self.granted as i64 - (self.available + self.held + self.spent) as i64
    }
}

/// A part of a list.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct TenantDetail {
    credits: Credits,
}

#[derive(Serialize)]
struct NewTenant<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Grant<'a> {
    amount: u64,
    reference: &'a str,
}

impl Api {
    /// The API at `address` (`host:port`).
    pub(crate) fn new(address: &str, operator_key: String) -> Self {
        Self {
            http: Http::new(address),
            operator_key,
        }
    }

    /// Creates a tenant and grants it `credits`.
    pub(crate) fn enrol(&self, name: &str, credits: u64) -> Result<Tenant> {
        let tenant: Tenant = self.http.post("/v1/tenants", &self.operator_key, &NewTenant { name })?;
        let grant = Grant {
            amount: credits,
            reference: "bench",
        };
        let path = format!("/v1/tenants/{}/credits", tenant.id);
        self.http
            .post::<serde::de::IgnoredAny>(&path, &self.operator_key, &grant)?;
        Ok(tenant)
    }

    /// A tenant's credits now.
    pub(crate) fn credits(&self, tenant: &Tenant) -> Result<Credits> {
        let detail: TenantDetail = self
            .http
            .get(&format!("/v1/tenants/{}", tenant.id), &self.operator_key)?;
        Ok(detail.credits)
    }

    /// Creates a campaign of `tenant` with its audience; nothing is sent yet.
    pub(crate) fn create(&self, tenant: &Tenant, body: &CampaignBody) -> Result<Draft> {
        self.http.post("/v1/campaigns", &tenant.api_key, body)
    }

    /// Launches a campaign: from here on it sends.
    pub(crate) fn launch(&self, tenant: &Tenant, campaign: &str) -> Result<()> {
        self.http
            .post_empty(&format!("/v1/campaigns/{campaign}/launch"), &tenant.api_key)
    }

    /// Stops a campaign: what was not handed over is canceled.
    pub(crate) fn cancel(&self, tenant: &Tenant, campaign: &str) -> Result<()> {
        self.http
            .post_empty(&format!("/v1/campaigns/{campaign}/cancel"), &tenant.api_key)
    }

    /// Sends one transactional message by itself.
    pub(crate) fn send(&self, tenant: &Tenant, to: &str) -> Result<()> {
        let body = serde_json::json!({ "to": to, "text": "Rappel : votre rendez-vous est demain.", "sender": SENDER });
        let sent: Result<serde::de::IgnoredAny> = self.http.post("/v1/messages", &tenant.api_key, &body);
        sent.map(|_| ())
    }

    /// Every message of a campaign.
    pub(crate) fn recipients<T: DeserializeOwned>(&self, tenant: &Tenant, campaign: &str) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/campaigns/{campaign}/recipients?limit=500{cursor}");
            let page: Page<T> = self.http.get(&path, &tenant.api_key)?;
            all.extend(page.data);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// How far a campaign is.
    pub(crate) fn campaign(&self, tenant: &Tenant, campaign: &str) -> Result<Campaign> {
        self.http.get(&format!("/v1/campaigns/{campaign}"), &tenant.api_key)
    }
}
