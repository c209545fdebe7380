//! `GET /v1/campaigns/{id}/left-out`: the contacts whom a campaign cannot reach, as a file.

use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::exports::{Whom, file};
use super::problem::Problem;
use super::query::{parameters, refused};
use super::{App, shapes};
use crate::campaign::Because;
use crate::domain::CampaignId;
use crate::fault::FieldProblem;
use crate::sheet::Dialect;

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Operation::new((Verb::Get, "/v1/campaigns/{id}/left-out"), Key::Tenant, "exportLeftOut")
            .says(
                "The contacts whom a campaign cannot reach, as a file",
                "Those whom its audience means by now, and who have no mobile number, or have not agreed to advertising where the tenant has \
                 to know that, or whose number is known to be unreachable: for an e-mail tool, which has the rest. A campaign that names its recipients means no contacts.",
            )
            .at::<CampaignId>("id", "The campaign.")
            .asks::<shapes::LeftOutAsked>()
            .answers_text("The file.", "text/csv")
            .or_as(Dialect::Jsonl.media_type())
            .speaks(),
        export,
    )
}

/// `?because=no_mobile&dialect=excel-fr`.
pub(super) struct Asked {
    because: Option<Because>,
    dialect: Option<Dialect>,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (mut because, mut dialect) = (None, None);
        for (name, value) in parameters((parts, app), &["because", "dialect"]).await? {
            let unknown = |allowed| refused(&format!("?{name}"), FieldProblem::UnknownValue { allowed });
            match name {
                "because" => because = Some(value.parse().map_err(|_| unknown(&Because::CODES))?),
                _ => dialect = Some(value.parse().map_err(|_| unknown(&Dialect::CODES))?),
            }
        }
        Ok(Self { because, dialect })
    }
}

pub(super) async fn export(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let left_out = app.campaigns.left_out(tenant, id, asked.because).await?;
    let whom = (tenant, Whom::LeftOut(Box::new(left_out)));
    file(&app, whom, (asked.dialect, &headers), &format!("{id}-left-out")).await
}
