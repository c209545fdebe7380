//! What the clinic asks of the engine, with its own key, in French.

use anyhow::{Context, Result};
use lab::{Http, Tenant};
use serde_json::{Value, json};

/// The most unknown numbers that are asked for by name.
const NAMED: usize = 500;

/// A tenant's way to the API.
pub(crate) struct Clinic {
    http: Http,
}

impl Clinic {
    /// As that tenant, at that API.
    pub(crate) fn new(public: &Http, tenant: &Tenant) -> Self {
        let http = public.with_key(&tenant.key).in_language("fr");
        Self { http }
    }

    /// Begins to import a file, and says under which id.
    pub(crate) fn import(&self, file: &[u8]) -> Result<String> {
        let begun: Value = self.http.post_as("text/csv", "/v1/imports", file)?.json()?;
        text(&begun, "id")
    }

    /// How far an import is.
    pub(crate) fn import_so_far(&self, id: &str) -> lab::Result<Value> {
        self.http.get(&format!("/v1/imports/{id}"))?.json()
    }

    /// The rows that an import did not take, as a file.
    pub(crate) fn rejected_rows(&self, id: &str) -> Result<String> {
        Ok(self.http.get(&format!("/v1/imports/{id}/errors"))?.success()?.text)
    }

    /// Whom a filter means: how many, and the first of them.
    pub(crate) fn search(&self, filter: &Value, limit: usize) -> Result<Value> {
        let body = json!({ "filter": filter, "limit": limit });
        Ok(self.http.post("/v1/contacts/search", &body)?.json()?)
    }

    /// Whether a message may go now.
    pub(crate) fn hours(&self, purpose: &str) -> Result<Value> {
        let path = format!("/v1/rules/check?to=%2B33612345678&purpose={purpose}");
        Ok(self.http.get(&path)?.json()?)
    }

    /// Makes a campaign, and says its id.
    pub(crate) fn create(&self, order: &Value) -> Result<String> {
        let draft: Value = self.http.post("/v1/campaigns", order)?.json()?;
        text(&draft, "id")
    }

    /// What a campaign would take and cost.
    pub(crate) fn estimate(&self, campaign: &str) -> Result<Value> {
        let path = format!("/v1/campaigns/{campaign}/estimate");
        Ok(self.http.post_bytes(&path, b"")?.json()?)
    }

    /// The names of the people whose messages have that status, with their numbers.
    pub(crate) fn people_with(&self, campaign: &str, status: &str) -> Result<Vec<(String, String)>> {
        let path = format!("/v1/campaigns/{campaign}/recipients?limit=500");
        let all: Vec<Value> = self.http.pages(&path)?;
        let numbers: Vec<&Value> = all
            .iter()
            .filter(|one| one["status"] == status)
            .map(|one| &one["to"])
            .collect();
        let named = &numbers[..numbers.len().min(NAMED)];
        let found = self.search(&json!({ "field": "number", "in": named }), NAMED)?;
        let people = found["data"].as_array().context("a search answers with a list")?;
        people
            .iter()
            .map(|one| {
                let name = format!("{} {}", text(one, "first_name")?, text(one, "last_name")?);
                Ok((name, text(one, "number")?))
            })
            .collect()
    }
}

/// A text of an answer.
pub(crate) fn text(answer: &Value, key: &str) -> Result<String> {
    let found = answer[key].as_str();
    found
        .map(str::to_owned)
        .with_context(|| format!("no {key} in {answer}"))
}

/// A number of an answer.
pub(crate) fn count(answer: &Value, pointer: &str) -> Result<u64> {
    let found = answer.pointer(pointer).and_then(Value::as_u64);
    found.with_context(|| format!("no {pointer} in {answer}"))
}
