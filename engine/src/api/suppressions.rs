//! `/v1/suppressions` on the operators' listener: who does not want messages any more.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::App;
use super::fields::Fields;
use super::known::Known;
use super::problem::Problem;
use crate::audience::normalise;
use crate::domain::{Country, Purpose, Recipient, TenantId};
use crate::fault::FieldProblem;

/// Numbers in one request.
pub(super) const NUMBERS_MAX: usize = 10_000;

/// Ten thousand numbers as people write them.
pub(super) const BODY_MAX: u64 = 1 << 20;

pub(super) const PURPOSES: [&str; 2] = ["marketing", "all"];

/// `POST /v1/suppressions`: `{"to": ["+33…"], "tenant": "ten_…", "purpose": "marketing"}` → 200 with how many are new.
/// Without a tenant it holds for all; `"purpose": "all"` stops what is transactional as well.
pub(super) async fn add(
    State(app): State<App>,
    Extension(noted): Extension<Known>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let known = ["to", "tenant", "purpose"];
    let mut fields = Fields::read_long((&headers, body), (app.clock, BODY_MAX), &known).await?;
    let (recipients, tenant) = (numbers(&mut fields, "to"), fields.text_or("tenant", ""));
    let purposes = purposes(&mut fields);
    let tenant = tenant
        .filter(|tenant| !tenant.is_empty())
        .map(|tenant| tenant.parse::<TenantId>());
    if let Some(Err(_)) = tenant {
        fields.refuse("/tenant".to_owned(), FieldProblem::UnknownValue { allowed: &["ten_…"] });
    }
    let (Some(purposes), true) = (purposes, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let tenant = tenant.and_then(Result::ok);
    // Whose numbers they are is nobody's business.
    noted.detail("numbers", recipients.len());
    let is_all = purposes.len() == Purpose::ALL.len();
    noted.detail("purpose", PURPOSES[usize::from(is_all)]);
    if let Some(tenant) = tenant {
        noted.object(tenant);
    }
    let added = app.mirror.opt_out(tenant, purposes, &recipients).await?;
    Ok(Json(json!({ "added": added })))
}

/// Numbers as people write them, of 1 to [`NUMBERS_MAX`].
pub(super) fn numbers(fields: &mut Fields, name: &str) -> Vec<Recipient> {
    let given = fields.phone_numbers(name, NUMBERS_MAX);
    let mut recipients = Vec::new();
    for (pointer, number) in given.into_iter().flatten() {
        match normalise(&number, Country::FRANCE) {
            Ok(recipient) => recipients.push(recipient),
            Err(fault) => fields.refuse(pointer, fault.problem()),
        }
    }
    recipients
}

/// Which messages are meant: advertising, if it is not said.
pub(super) fn purposes(fields: &mut Fields) -> Option<&'static [Purpose]> {
    let word = fields.word_or("purpose", &PURPOSES, PURPOSES[0])?;
    Some(if word == PURPOSES[0] {
        &Purpose::ALL[1..]
    } else {
        Purpose::ALL
    })
}
