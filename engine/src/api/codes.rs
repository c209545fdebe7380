//! `/v1/code_pools`: codes that campaigns give to their recipients, each once.

use std::io;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::stream;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::attachment::attachment;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, language_of};
use super::query::{parameters, refused};
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{CodePoolId, Language, LocalMoment, TenantId};
use crate::fault::FieldProblem;
use crate::people::{Code, CodePool, PeopleFault, check_code};
use crate::sheet::{Table, Written};

/// A million codes of forty characters, and what stands between them.
const BODY_MAX: u64 = 48 << 20;

/// Codes that are read at a time.
const PAGE: usize = 1_000;

/// Octets that are worth a piece of the file.
const PIECE: usize = 4_096;

/// Wrong codes that are shown.
const SHOWN_MAX: usize = 20;

const YES_OR_NO: [&str; 2] = ["true", "false"];

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/code_pools", "/v1/code_pools/{id}");
    Routes::of("codes")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "addCodes")
                .says(
                    "Add codes to a pool",
                    "The pool of that name is made if there is none. Codes that it has already stay as they are, given or not.",
                )
                .takes::<shapes::NewCodes>(json!({ "name": "Soldes", "codes": "A7K2\nB9Q4" }))
                .answers::<shapes::CodePool>(201, "The pool."),
            add,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listCodePools")
                .says("List pools of codes", "By name.")
                .answers::<shapes::Page<shapes::CodePool>>(200, "All of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getCodePool")
                .says("Show a pool of codes", "With how many are left.")
                .at::<CodePoolId>("id", "The pool.")
                .answers::<shapes::CodePool>(200, "The pool."),
            show,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteCodePool")
                .says(
                    "Forget a pool of codes",
                    "With who has which. A campaign that needs it is refused at its launch.",
                )
                .at::<CodePoolId>("id", "The pool.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
        .add(
            Operation::new((Verb::Get, "/v1/code_pools/{id}/codes"), Key::Tenant, "exportCodes")
                .says("Who has which code, as a file", "In the order in which the codes came.")
                .at::<CodePoolId>("id", "The pool.")
                .asks::<shapes::CodesAsked>()
                .answers_text("The file.", "text/csv")
                .speaks(),
            export,
        )
}

/// `POST /v1/code_pools`: `{"name": "…", "codes": "A7K2\nB9Q4"}` → 201 with the pool.
pub(super) async fn add(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let _upload = app.shares.upload(tenant)?;
    let mut fields = Fields::read_long((&headers, body), (app.clock, BODY_MAX), &["name", "codes"]).await?;
    let (name, given) = (fields.text("name"), fields.text("codes"));
    let (Some(name), Some(given), true) = (name, given, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let codes = codes(&given, &mut fields);
    if !fields.is_sound() {
        return Err(fields.refusal());
    }
    let pool = app.people.add_codes(tenant, &name, &codes).await?;
    Ok((StatusCode::CREATED, Json(view(&pool))))
}

/// Codes as they are pasted, or as the column of a file: between line breaks, blanks, commas and semicolons, with or without quotes.
fn codes(given: &str, fields: &mut Fields) -> Vec<String> {
    let pieces = given.split(|one: char| one.is_whitespace() || matches!(one, ',' | ';'));
    let pieces = pieces.map(|piece| piece.trim_matches(['"', '\u{feff}']));
    let (mut codes, mut wrong) = (Vec::new(), 0);
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        match check_code(piece) {
            Ok(code) => codes.push(code),
            Err(problem) if wrong < SHOWN_MAX => {
                wrong += 1;
                fields.refuse(format!("/codes/{}", codes.len()), problem);
            }
            Err(_) => {}
        }
    }
    if codes.is_empty() && wrong == 0 {
        fields.refuse("/codes".to_owned(), FieldProblem::Empty);
    }
    codes
}

pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let pools = app.people.code_pools(tenant).await;
    let pools = pools.map_err(|error| database_refuses(&error))?;
    Ok(page(pools.iter().map(view).collect(), None))
}

pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CodePoolId>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app.people.code_pool(tenant, id).await?)))
}

pub(super) async fn forget(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CodePoolId>,
) -> Result<StatusCode, Problem> {
    app.people.forget_code_pool(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `?used=true`, if it is there.
pub(super) struct Used(Option<bool>);

impl FromRequestParts<App> for Used {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let asked = parameters((parts, app), &["used"]).await?;
        let Some((_, word)) = asked.into_iter().next_back() else {
            return Ok(Self(None));
        };
        let problem = FieldProblem::UnknownValue { allowed: &YES_OR_NO };
        word.parse()
            .map(|used| Self(Some(used)))
            .map_err(|_| refused("?used", problem))
    }
}

pub(super) async fn export(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CodePoolId>,
    Used(used): Used,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // What is refused is refused before the file begins.
    app.people.code_pool(tenant, id).await?;
    let clocks = app.clocks_of(tenant).await?;
    let file = File {
        app,
        of: (tenant, id),
        used,
        form: (language_of(&headers), clocks),
        after: Some(0),
        begun: false,
    };
    let pieces = stream::try_unfold(file, |mut file| async move {
        let piece = file.next().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, file)))
    });
    let name = format!("{id}-codes.csv");
    Ok(attachment(
        (&name, "text/csv; charset=utf-8"),
        Body::from_stream(pieces),
    ))
}

/// A file of codes on its way out.
struct File {
    app: App,
    of: (TenantId, CodePoolId),
    used: Option<bool>,
    /// In which language, and by whose clocks.
    form: (Language, TimeZone),
    /// Where to go on; `None`: all were read.
    after: Option<u64>,
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
        while let (Some(after), true) = (self.after, piece.len() < PIECE) {
            let found = self.app.people.codes(self.of, self.used, (after, PAGE)).await;
            let found = found.map_err(|fault: PeopleFault| {
                // The answer has begun: that it is not whole, its reader sees by its end.
                tracing::warn!(%fault, "a list of codes broke off");
                io::Error::other(fault)
            })?;
            found
                .iter()
                .for_each(|code| piece += &table.line(&cells(code, (*language, clocks))));
            self.after = found.last().filter(|_| found.len() == PAGE).map(|code| code.number);
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()).map(Into::into))
    }
}

const fn columns(language: Language) -> [&'static str; 4] {
    match language {
        Language::Fr => ["code", "numero", "campagne", "date"],
        Language::En => ["code", "to", "campaign", "given_at"],
    }
}

fn cells(code: &Code, (language, clocks): (Language, &TimeZone)) -> [Written; 4] {
    let given = code.given;
    let text = |text: Option<String>| text.map_or(Written::Nothing, Written::Text);
    let number = given.and_then(|given| given.recipient);
    [
        Written::Text(code.code.clone()),
        number.map_or(Written::Nothing, Written::Phone),
        text(given.map(|given| given.campaign.to_string())),
        text(given.map(|given| LocalMoment::new(given.at, clocks.clone()).cell(language))),
    ]
}

fn view(pool: &CodePool) -> Value {
    json!({
        "id": pool.id.to_string(),
        "name": pool.name,
        "codes": pool.codes,
        "used": pool.used,
        "left": pool.codes - pool.used,
        "created_at": time(pool.created_at),
    })
}
