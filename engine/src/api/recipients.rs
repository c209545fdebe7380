//! `GET /v1/campaigns/{id}/recipients`: what became of each, page by page or as a file.

use std::io;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use jiff::tz::TimeZone;

use super::access::{Caller, Id};
use super::attachment::attachment;
use super::doc::{Key, Operation, Routes, Verb};
use super::form::Form;
use super::pages::{PAGE_DEFAULT, cursor, limit};
use super::problem::{Problem, language_of};
use super::query::{parameters, refused};
use super::{App, page, shapes};
use crate::campaign::{Campaigns, PAGE_MAX, PageCursor, Which, view};
use crate::domain::{CampaignId, Cleanse, Language, LocalMoment, TenantId, french_status};
use crate::fault::FieldProblem;
use crate::sheet::{Table, Written};
use crate::store::RecipientRow;

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Operation::new((Verb::Get, "/v1/campaigns/{id}/recipients"), Key::Tenant, "listRecipients")
            .says(
                "List what became of each recipient",
                "Of a page of some of them, `next_cursor` alone says whether there are more: it may have fewer rows than asked for, or none.",
            )
            .at::<CampaignId>("id", "The campaign.")
            .asks::<shapes::RecipientsAsked>()
            .answers::<shapes::Page<shapes::RecipientResult>>(200, "A page of recipients.")
            .or_as("text/csv")
            .speaks(),
        list,
    )
}

/// `?limit=…&cursor=…&status=unknown_number&cleanse=hard&format=csv`.
pub(super) struct Asked {
    limit: usize,
    cursor: Option<PageCursor>,
    which: Which,
    form: Form,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut asked = Self {
            limit: PAGE_DEFAULT,
            cursor: None,
            which: Which::default(),
            form: Form::Json,
        };
        let known = &["limit", "cursor", "status", "cleanse", "format"];
        for (name, value) in parameters((parts, app), known).await? {
            match name {
                "limit" => asked.limit = limit(&value)?,
                "cursor" => asked.cursor = Some(cursor(&value)?),
                "status" => asked.which.status = Some(status(value)?),
                "cleanse" => asked.which.cleanse = Some(cleanse(&value)?),
                _ => asked.form = Form::named(&value)?,
            }
        }
        Ok(asked)
    }
}

fn status(word: String) -> Result<String, Problem> {
    if shapes::message_statuses().contains(&word.as_str()) {
        return Ok(word);
    }
    let allowed = &[
        "queued",
        "submitting",
        "transmitted",
        "delivered",
        "unknown_number",
        "…",
    ];
    Err(refused("?status", FieldProblem::UnknownValue { allowed }))
}

fn cleanse(word: &str) -> Result<Cleanse, Problem> {
    let allowed = &Cleanse::CODES;
    word.parse()
        .map_err(|_| refused("?cleanse", FieldProblem::UnknownValue { allowed }))
}

pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let from = asked.cursor.unwrap_or(PageCursor::START);
    let vary = (header::VARY, "accept-language");
    if asked.form == Form::Json {
        let of = (from, asked.limit);
        let found = app.campaigns.recipients((tenant, id), &asked.which, of).await?;
        let next = found.next.map(|next| next.to_string());
        let shown = page(found.rows.iter().map(view::message).collect(), next);
        return Ok(([vary], shown).into_response());
    }
    // What is refused is refused before the file begins.
    app.campaigns.find(tenant, id).await?;
    let clocks = app.clocks_of(tenant).await?;
    let file = File {
        campaigns: app.campaigns,
        owner: (tenant, id),
        which: asked.which,
        form: (language_of(&headers), clocks),
        at: Some(from),
        begun: false,
    };
    let pieces = stream::try_unfold(file, |mut file| async move {
        let piece = file.next().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, file)))
    });
    let name = format!("{id}-recipients.csv");
    Ok(attachment(
        (&name, "text/csv; charset=utf-8"),
        Body::from_stream(pieces),
    ))
}

/// A file of recipients on its way out.
struct File {
    campaigns: Campaigns,
    owner: (TenantId, CampaignId),
    which: Which,
    /// In which language, and by whose clocks.
    form: (Language, TimeZone),
    /// Where to go on; `None`: all were read.
    at: Option<PageCursor>,
    begun: bool,
}

impl File {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let (language, clocks) = &self.form;
        let table = Table::new(*language);
        let mut piece = match std::mem::replace(&mut self.begun, true) {
            true => String::new(),
            false => table.head(&columns(*language)),
        };
        // An empty piece would be the end to some readers.
        while let (Some(at), true) = (self.at, piece.len() < 4_096) {
            let found = self.campaigns.recipients(self.owner, &self.which, (at, PAGE_MAX)).await;
            let found = found.map_err(|error| {
                // The answer has begun: that it is not whole, its reader sees by its end.
                tracing::warn!(%error, "a list of recipients broke off");
                io::Error::other(error)
            })?;
            for row in &found.rows {
                piece += &table.line(&match language {
                    Language::Fr => french_cells(row, clocks),
                    Language::En => cells(row),
                });
            }
            self.at = found.next;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()).map(Into::into))
    }
}

const fn columns(language: Language) -> [&'static str; 7] {
    match language {
        Language::Fr => ["numero", "statut", "raison", "code", "nettoyage", "date", "message"],
        Language::En => ["to", "status", "reason", "code", "cleanse", "at", "id"],
    }
}

/// In words, as a report says them, and nothing where there is nothing to say.
fn french_cells(row: &RecipientRow, clocks: &TimeZone) -> [Written; 7] {
    let text = |text: Option<&str>| text.map_or(Written::Nothing, |text| Written::Text(text.to_owned()));
    let (status, result) = (view::status(row), row.result);
    let code = result.map(|result| result.code).filter(|code| *code > 0);
    let at = result.map(|result| LocalMoment::new(view::moment(result), clocks.clone()).cell(Language::Fr));
    [
        Written::Phone(row.recipient),
        text(Some(french_status(status).unwrap_or(status))),
        text(result.and_then(|result| result.reason.french())),
        code.map_or(Written::Nothing, |code| Written::Count(code.into())),
        text(result.and_then(|result| result.cleanse().french())),
        text(at.as_deref()),
        text(Some(&row.id.to_string())),
    ]
}

fn cells(row: &RecipientRow) -> [Written; 7] {
    let text = |text: Option<&str>| text.map_or(Written::Nothing, |text| Written::Text(text.to_owned()));
    let result = row.result;
    [
        Written::Phone(row.recipient),
        text(Some(view::status(row))),
        text(result.and_then(|result| result.reason.word())),
        result.map_or(Written::Nothing, |result| Written::Count(result.code.into())),
        text(result.map(|result| result.cleanse().code())),
        text(result.and_then(view::ended_at).as_deref()),
        text(Some(&row.id.to_string())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Ending, MessageId, Reason, Recipient, ResultSlot, Status, ToHandset};

    fn row(status: Status, (reason, code): (Reason, u16)) -> RecipientRow {
        RecipientRow {
            recipient: Recipient(33_612_345_678),
            id: MessageId(CampaignId(1).0 << 24),
            variables: Vec::new(),
            state: None,
            result: Some(ResultSlot {
                ending: Ending::Status { status, accepted: true },
                reason,
                code,
                at: 1_796_626_800,
                to_handset: ToHandset::default(),
            }),
        }
    }

    #[test]
    fn a_french_table_says_what_a_report_says_and_nothing_for_nothing() {
        let clocks = TimeZone::get("Europe/Paris").unwrap();
        let table = Table::new(Language::Fr);
        let line = |row: &RecipientRow| table.line(&french_cells(row, &clocks));
        let id = MessageId(CampaignId(1).0 << 24).to_string();
        assert_eq!(
            line(&row(Status::Delivered, (Reason::None, 0))),
            format!("\"+33612345678\";Message reçu;;;;07/12/2026 08:00;{id}\r\n")
        );
        assert_eq!(
            line(&row(Status::UnknownNumber, (Reason::Receipt, 1))),
            format!(
                "\"+33612345678\";Numéro de destination inconnu;Selon l'accusé de réception;1;À retirer;07/12/2026 08:00;{id}\r\n"
            )
        );
        // What programs read stays as it is.
        assert_eq!(
            Table::new(Language::En).line(&cells(&row(Status::Delivered, (Reason::None, 0)))),
            format!("\"+33612345678\",delivered,,0,none,2026-12-07T07:00:00Z,{id}\n")
        );
    }

    #[test]
    fn every_status_has_its_words() {
        for word in shapes::message_statuses() {
            assert!(french_status(word).is_some(), "{word}");
        }
        assert_eq!(french_status("none"), None);
    }
}
