//! `/v1/imports`: files of contacts.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::stream;
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::body::{BodyFault, Intake, Media, bridge};
use super::doc::{Key, Operation, Routes, Verb};
use super::problem::{Full, Problem, ProblemCode, field_detail, language_of};
use super::query::{parameters, refused, yes_or_no};
use super::refusal::{database_refuses, full, store_refuses};
use super::trace::Ending;
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{ImportId, ListId};
use crate::fault::{FieldFault, FieldProblem};
use crate::import::{Account, Asked, ImportFault, Imports, PREVIEW_ROWS, Preview};
use crate::people::Import;
use crate::sheet::{COLUMNS_MAX, Column, Dialect, Export, SheetFault, Spool};

/// The longest file, in octets: a million people with much that is known of them.
pub(super) const FILE_MAX: u64 = 256 << 20;

const PARAMETERS: [&str; 3] = ["dry_run", "columns", "list"];
pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/imports", "/v1/imports/{id}");
    Routes::of("contacts")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "importContacts")
                .says(
                    "Take in a file of contacts",
                    "CSV or XLSX; encoding, delimiter and columns are told from the file. A repetition changes nothing.",
                )
                .asks::<shapes::ImportWishes>()
                .takes_file(Media::Sheet.types())
                .answers::<shapes::Preview>(200, "How a `dry_run` understands the file.")
                .answers::<shapes::Import>(202, "The import, which goes on.")
                .speaks()
                .refuses(&[ProblemCode::NotFound]),
            create,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listImports")
                .says("List imports", "The latest first.")
                .answers::<shapes::Page<shapes::Import>>(200, "The latest of them."),
            list_all,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getImport")
                .says("Show an import", "How far it is, and what became of its rows.")
                .at::<ImportId>("id", "The import.")
                .answers::<shapes::Import>(200, "The import."),
            show,
        )
        .add(
            Operation::new((Verb::Get, "/v1/imports/{id}/errors"), Key::Tenant, "getImportErrors")
                .says(
                    "The rows that were not taken",
                    "As a file with the same columns, and where and why: it may be mended and sent again.",
                )
                .at::<ImportId>("id", "The import.")
                .answers_text("The file.", "text/csv"),
            errors,
        )
}

/// What is asked of an import.
pub(super) struct Wishes {
    dry_run: bool,
    columns: Option<Vec<Column>>,
    list: Option<ListId>,
}

impl FromRequestParts<App> for Wishes {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut wishes = Self {
            dry_run: false,
            columns: None,
            list: None,
        };
        for (name, value) in parameters((parts, app), &PARAMETERS).await? {
            match name {
                "dry_run" => wishes.dry_run = yes_or_no("?dry_run", &value)?,
                "columns" => wishes.columns = Some(columns(&value)?),
                _ => wishes.list = Some(list(&value)?),
            }
        }
        Ok(wishes)
    }
}

fn list(value: &str) -> Result<ListId, Problem> {
    value
        .parse()
        .map_err(|_| refused("?list", FieldProblem::UnknownValue { allowed: &["lst_…"] }))
}

fn columns(value: &str) -> Result<Vec<Column>, Problem> {
    let told: Vec<&str> = value.split(',').collect();
    if told.len() > COLUMNS_MAX {
        return Err(refused("?columns", FieldProblem::TooMany { max: COLUMNS_MAX }));
    }
    let mut columns: Vec<Column> = Vec::with_capacity(told.len());
    let mut faults = Vec::new();
    for (at, told) in told.into_iter().enumerate() {
        let fault = match told.parse::<Column>() {
            Ok(column) if column.may_repeat() || !columns.contains(&column) => {
                columns.push(column);
                continue;
            }
            Ok(_) => FieldProblem::DuplicateField,
            Err(problem) => problem,
        };
        faults.push(FieldFault::new(format!("?columns/{at}"), fault));
    }
    if faults.is_empty() {
        Ok(columns)
    } else {
        Err(Problem::of_fields(faults))
    }
}

/// `POST /v1/imports` with a file as its body → 202 with the import, which goes on; with `?dry_run=true` → 200 with the columns
/// and the first rows as they are understood, and nothing is changed.
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    wishes: Wishes,
    (headers, Extension(Ending(stop))): (HeaderMap, Extension<Ending>),
    body: Body,
) -> Result<Response, Problem> {
    let intake = Intake::of((&headers, Media::Sheet), body, FILE_MAX, app.clock)?;
    let _upload = app.shares.upload(tenant)?;
    let turn = app.imports.admit(tenant)?;
    let spool = spooled(app.imports.clone(), intake).await?;
    let asked = Asked {
        tenant,
        columns: wishes.columns,
        list: wishes.list,
        language: language_of(&headers),
        zone: app.clocks_of(tenant).await?,
    };
    if wishes.dry_run {
        let preview = app.imports.preview(spool, &asked).await?;
        return Ok(Json(previewed(&preview, &asked)).into_response());
    }
    let (import, work) = app.imports.begin((turn, spool), asked, stop).await?;
    let shown = json_of(&import, &serde_json::from_str(&import.account).unwrap_or_default());
    app.operations.spawn(work);
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

/// The body, kept aside.
async fn spooled(imports: Imports, intake: Intake) -> Result<Spool, Problem> {
    let (chunks, reader) = bridge();
    let spooling = tokio::task::spawn_blocking(move || imports.spool(reader));
    intake.pump(chunks).await;
    let spooled = spooling.await.map_err(|_| ImportFault::Broken)?;
    Ok(spooled.map_err(ImportFault::Sheet)?)
}

/// `GET /v1/imports`: the latest first.
pub(super) async fn list_all(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let imports = app
        .imports
        .list(tenant)
        .await
        .map_err(|error| database_refuses(&error))?;
    Ok(page(
        imports
            .iter()
            .map(|(import, account)| json_of(import, account))
            .collect(),
        None,
    ))
}

/// `GET /v1/imports/{id}`: how it stands.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ImportId>,
) -> Result<Json<Value>, Problem> {
    let (import, account) = app.imports.show(tenant, id).await?;
    Ok(Json(json_of(&import, &account)))
}

/// `GET /v1/imports/{id}/errors`: the rows that were not taken, with two more columns: where, and why.
pub(super) async fn errors(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ImportId>,
) -> Result<Response, Problem> {
    app.people.import(tenant, id).await?;
    let people = app.people.clone();
    let pieces = stream::try_unfold(0, move |from| {
        let people = people.clone();
        async move {
            let piece = people.import_errors(id, from).await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(piece.map(|(at, text)| (Bytes::from(text), at + 1)))
        }
    });
    let name = format!("attachment; filename=\"{id}-erreurs.csv\"");
    let headers = [
        (header::CONTENT_TYPE, Dialect::ExcelFr.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

fn json_of(import: &Import, account: &Account) -> Value {
    let mut shown = json!(account);
    shown["id"] = import.id.to_string().into();
    shown["state"] = import.state.code().into();
    shown["created_at"] = time(import.started_at).into();
    shown["ended_at"] = import.ended_at.and_then(time).into();
    shown
}

fn previewed(preview: &Preview, asked: &Asked) -> Value {
    let manners = crate::import::manners(asked.zone.clone());
    let export = Export::new(Dialect::Jsonl, manners, Vec::new());
    let rows = preview.rows.iter().take(PREVIEW_ROWS).map(|(line, row)| match row {
        Ok(contact) => json!({ "line": line, "contact": export.object(contact) }),
        Err(fault) => json!({
            "line": line,
            "error": {
                "column": preview.mapping.names.get(fault.column),
                "value": fault.value,
                "code": fault.problem.code(),
                "detail": field_detail(&fault.problem, asked.language),
            },
        }),
    });
    let account = &preview.account;
    let counted = &account.rows;
    json!({
        "dry_run": true,
        "file": account.file,
        "columns": account.columns,
        "sample": {
            "read": counted.read,
            "good": counted.read - counted.invalid - counted.not_mobile - counted.duplicate_in_file,
            "duplicate_in_file": counted.duplicate_in_file,
            "invalid": counted.invalid,
            "not_mobile": counted.not_mobile,
        },
        "invalid": account.invalid,
        "visits_to_come": account.visits_to_come,
        "rows": rows.collect::<Vec<_>>(),
    })
}

impl From<ImportFault> for Problem {
    fn from(fault: ImportFault) -> Self {
        match fault {
            ImportFault::Sheet(SheetFault::Columns(faults)) => Self::of_fields(faults),
            ImportFault::Sheet(SheetFault::Io(error)) => {
                match error.get_ref().and_then(|source| source.downcast_ref::<BodyFault>()) {
                    Some(fault) => (*fault).into(),
                    None => {
                        tracing::error!(%error, "a file could not be kept aside");
                        super::problem::ProblemKind::Internal.into()
                    }
                }
            }
            ImportFault::Sheet(fault) => match fault.problem() {
                Some(problem) => Self::of_fields(vec![FieldFault::new("", problem.into())]),
                None => super::problem::ProblemKind::Internal.into(),
            },
            ImportFault::Running => full(Full::TenantImports),
            ImportFault::Full => full(Full::Engine),
            ImportFault::People(fault) => fault.into(),
            ImportFault::Store(error) => store_refuses(&error),
            ImportFault::Broken | ImportFault::Webhook(_) => super::problem::ProblemKind::Internal.into(),
        }
    }
}
