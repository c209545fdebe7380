//! `/v1/guests`: the numbers that a tenant's team keys reach.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::Problem;
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::account::NAME_MAX;
use crate::audience::normalise;
use crate::campaign::view::time;
use crate::domain::{Country, Recipient, TenantId};
use crate::fault::FieldProblem;
use crate::people::{GUESTS_MAX, Guest};

pub(super) fn routes() -> Routes {
    let all = "/v1/guests";
    Routes::of("keys")
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listGuests")
                .says(
                    "List the guests",
                    "The numbers that keys of the kind `team` reach, and no others.",
                )
                .answers::<shapes::Page<shapes::Guest>>(200, "All of them, by number."),
            list,
        )
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "addGuests")
                .says(
                    "Put numbers on the guest list",
                    "One that stands there gets the label. A key of the kind `team` may not.",
                )
                .takes::<shapes::NewGuests>(json!({ "numbers": ["+33612345678"], "label": "Accueil" }))
                .answers::<shapes::Page<shapes::Guest>>(200, "The whole list."),
            add,
        )
        .add(
            Operation::new((Verb::Post, "/v1/guests/remove"), Key::Tenant, "removeGuests")
                .says(
                    "Take numbers off the guest list",
                    "What is queued for them goes all the same; a campaign of a team's that was made with them, and is not launched yet, is refused.",
                )
                .takes::<shapes::FormerGuests>(json!({ "numbers": ["+33612345678"] }))
                .answers::<shapes::Page<shapes::Guest>>(200, "The whole list."),
            remove,
        )
}

async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    listed(&app, tenant).await
}

async fn add(State(app): State<App>, Caller(tenant): Caller, headers: HeaderMap, body: Body) -> Result<Page, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["numbers", "label"]).await?;
    let (numbers, label) = (numbers(&mut fields), fields.text_or("label", ""));
    let given = label.as_ref().map_or(0, |label| label.chars().count());
    if given > NAME_MAX {
        fields.refuse_field("label", FieldProblem::TooLong { max: NAME_MAX, given });
    }
    let (Some(label), true) = (label, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    app.people.add_guests(tenant, (&numbers, label.trim())).await?;
    listed(&app, tenant).await
}

async fn remove(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Page, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["numbers"]).await?;
    let numbers = numbers(&mut fields);
    if !fields.is_sound() {
        return Err(fields.refusal());
    }
    let removed = app.people.remove_guests(tenant, &numbers).await;
    removed.map_err(|error| database_refuses(&error))?;
    listed(&app, tenant).await
}

/// At least one number.
fn numbers(fields: &mut Fields) -> Vec<Recipient> {
    let given = fields.phone_numbers("numbers", GUESTS_MAX);
    if given.as_ref().is_some_and(Vec::is_empty) {
        fields.refuse_field("numbers", FieldProblem::Empty);
    }
    let mut numbers = Vec::new();
    for (pointer, number) in given.into_iter().flatten() {
        match normalise(&number, Country::FRANCE) {
            Ok(number) => numbers.push(number),
            Err(fault) => fields.refuse(pointer, fault.problem()),
        }
    }
    numbers
}

async fn listed(app: &App, tenant: TenantId) -> Result<Page, Problem> {
    let guests = app.people.guests(tenant).await;
    let guests = guests.map_err(|error| database_refuses(&error))?;
    Ok(page(guests.iter().map(view).collect(), None))
}

fn view(guest: &Guest) -> Value {
    json!({
        "number": guest.number.to_string(),
        "label": guest.label,
        "created_at": time(guest.created_at),
    })
}
