//! `/v1/lists` and `/v1/segments`: contacts put together by hand, and by a filter.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::Problem;
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{ContactId, ListId, SegmentId};
use crate::fault::FieldProblem;
use crate::people::{List, Segment};

/// Contacts that are put on a list, or taken off it, at once.
const MEMBERS_MAX: usize = 10_000;

/// Ten thousand ids, twice.
const BODY_MAX: u64 = 1 << 20;

pub(super) fn routes() -> Routes {
    lists_routes().and(segments_routes())
}

fn lists_routes() -> Routes {
    let (all, one) = ("/v1/lists", "/v1/lists/{id}");
    Routes::of("lists")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "makeList")
                .says(
                    "Make a list",
                    "One that has the name already, whatever its case, is that one.",
                )
                .takes::<shapes::NewList>(json!({ "name": "Marathon" }))
                .answers::<shapes::List>(201, "The list."),
            create,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listLists")
                .says("List lists", "By name.")
                .answers::<shapes::Page<shapes::List>>(200, "All of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getList")
                .says("Show a list", "")
                .at::<ListId>("id", "The list.")
                .answers::<shapes::List>(200, "The list."),
            show,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteList")
                .says(
                    "Forget a list",
                    "Its members stay contacts. A campaign that means it is refused at its launch.",
                )
                .at::<ListId>("id", "The list.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
        .add(
            Operation::new((Verb::Post, "/v1/lists/{id}/members"), Key::Tenant, "changeList")
                .says(
                    "Put contacts on a list, and take others off",
                    "Those that are no contacts are left out.",
                )
                .at::<ListId>("id", "The list.")
                .takes::<shapes::Members>(json!({ "add": null }))
                .answers::<shapes::List>(200, "The list as it is now."),
            members,
        )
}

fn segments_routes() -> Routes {
    let (all, one) = ("/v1/segments", "/v1/segments/{id}");
    Routes::of("segments")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "keepSegment")
                .says("Keep a filter under a name", "In place of the one that has it.")
                .takes::<shapes::NewSegment>(json!({ "name": "Sportifs", "filter": { "field": "tag", "is": "sport" } }))
                .answers::<shapes::Segment>(200, "The segment."),
            keep_segment,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listSegments")
                .says("List segments", "By name.")
                .answers::<shapes::Page<shapes::Segment>>(200, "All of them."),
            segments,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getSegment")
                .says("Show a segment", "With how many it means now.")
                .at::<SegmentId>("id", "The segment.")
                .answers::<shapes::CountedSegment>(200, "The segment."),
            segment,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteSegment")
                .says("Forget a segment", "A campaign that means it is refused at its launch.")
                .at::<SegmentId>("id", "The segment.")
                .answers_nothing(204, "It is forgotten."),
            forget_segment,
        )
}

/// `POST /v1/lists`: `{"name": "…"}` → 201; one that has the name already is that one.
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["name"]).await?;
    let name = fields.text("name");
    let (Some(name), true) = (name, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let list = app.people.make_list(tenant, &name).await?;
    Ok((StatusCode::CREATED, Json(view(&list))))
}

/// `GET /v1/lists`: by name.
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let lists = app.people.lists(tenant).await;
    let lists = lists.map_err(|error| database_refuses(&error))?;
    Ok(page(lists.iter().map(view).collect(), None))
}

/// `GET /v1/lists/{id}`.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ListId>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app.people.list(tenant, id).await?)))
}

/// `DELETE /v1/lists/{id}` → 204: its members stay contacts.
pub(super) async fn forget(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ListId>,
) -> Result<StatusCode, Problem> {
    app.people.forget_list(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/lists/{id}/members`: `{"add": ["con_…"], "remove": ["con_…"]}` → 200 with the list.
pub(super) async fn members(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ListId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read_long((&headers, body), (app.clock, BODY_MAX), &["add", "remove"]).await?;
    let mut contacts = |name: &str| {
        let id = |id: &str| {
            id.parse::<ContactId>()
                .map_err(|_| FieldProblem::UnknownValue { allowed: &["con_…"] })
        };
        fields.if_given(name, |fields, name| fields.checked_list(name, MEMBERS_MAX, id))
    };
    let (add, remove) = (contacts("add"), contacts("remove"));
    let (Some(add), Some(remove), true) = (add, remove, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let (add, remove) = (add.unwrap_or_default(), remove.unwrap_or_default());
    let list = app.people.change_list((tenant, id), (&add, &remove)).await?;
    Ok(Json(view(&list)))
}

/// `POST /v1/segments`: `{"name": "…", "filter": {…}}` → 200: in place of the one that has the name.
pub(super) async fn keep_segment(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["name", "filter"]).await?;
    let (name, filter) = (fields.text("name"), fields.value("filter"));
    if filter.is_none() {
        fields.refuse("/filter".to_owned(), FieldProblem::Missing);
    }
    let (Some(name), Some((_, filter)), true) = (name, filter, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let segment = app.people.keep_segment(tenant, &name, &filter).await?;
    Ok(Json(segment_view(&segment)))
}

/// `GET /v1/segments`: by name.
pub(super) async fn segments(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let segments = app.people.segments(tenant).await;
    let segments = segments.map_err(|error| database_refuses(&error))?;
    Ok(page(segments.iter().map(segment_view).collect(), None))
}

/// `GET /v1/segments/{id}`: with how many it means now.
pub(super) async fn segment(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<SegmentId>,
) -> Result<Json<Value>, Problem> {
    let segment = app.people.segment(tenant, id).await?;
    let mut shown = segment_view(&segment);
    let means = segment.means().map_err(|error| database_refuses(&error))?;
    let count = app.people.count(tenant, &means).await;
    shown["contacts"] = count.map_err(|error| database_refuses(&error))?.into();
    Ok(Json(shown))
}

/// `DELETE /v1/segments/{id}` → 204.
pub(super) async fn forget_segment(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<SegmentId>,
) -> Result<StatusCode, Problem> {
    app.people.forget_segment(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(list: &List) -> Value {
    json!({
        "id": list.id.to_string(),
        "name": list.name,
        "contacts": list.members,
        "created_at": time(list.created_at),
    })
}

fn segment_view(segment: &Segment) -> Value {
    json!({
        "id": segment.id.to_string(),
        "name": segment.name,
        "filter": segment.filter,
        "created_at": time(segment.created_at),
    })
}
