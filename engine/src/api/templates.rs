//! `/v1/templates`: texts under names, with their versions; and `/v1/categories`: what campaigns are about.

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
use crate::audience::{check_category, check_purpose_of};
use crate::campaign::view::time;
use crate::compose::{self, Category, Words};
use crate::domain::{TemplateId, TenantId};
use crate::fault::FieldFault;
use crate::people::{Template, TemplateText};

const FIELDS: [&str; 4] = ["name", "purpose", "category", "text"];

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/templates", "/v1/templates/{id}");
    Routes::of("templates")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "keepTemplate")
                .says("Keep a text under a name", "One that has the name already gets another version.")
                .takes::<shapes::NewTemplate>(json!({
                    "name": "Portes ouvertes", "category": "open_day", "purpose": "marketing", "text": "[Prenom|Bonjour], venez le 12 mai !",
                }))
                .answers::<shapes::Template>(201, "The template."),
            keep,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listTemplates")
                .says("List templates", "By name, each as it is now.")
                .answers::<shapes::Page<shapes::Template>>(200, "All of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getTemplate")
                .says("Show a template", "As it is now.")
                .at::<TemplateId>("id", "The template.")
                .answers::<shapes::Template>(200, "The template."),
            show,
        )
        .add(
            Operation::new((Verb::Get, "/v1/templates/{id}/versions"), Key::Tenant, "listTemplateVersions")
                .says("List the versions of a template", "The newest first, 500 at most.")
                .at::<TemplateId>("id", "The template.")
                .answers::<shapes::Page<shapes::Template>>(200, "Its versions."),
            versions,
        )
        .add(
            Operation::new((Verb::Patch, one), Key::Tenant, "changeTemplate")
                .says("Change a template", "What it says otherwise is another version; campaigns keep theirs.")
                .at::<TemplateId>("id", "The template.")
                .takes::<shapes::TemplateChange>(json!({ "text": "[Prenom|Bonjour], venez le 13 mai !" }))
                .answers::<shapes::Template>(200, "The template as it is now."),
            change,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteTemplate")
                .says("Forget a template", "Campaigns that were made of it keep its text.")
                .at::<TemplateId>("id", "The template.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
        .add(
            Operation::new((Verb::Get, "/v1/categories"), Key::Tenant, "listCategories")
                .says("List what campaigns may be about", "With their purpose, and a text to begin with.")
                .answers::<shapes::Page<shapes::Category>>(200, "All of them."),
            categories,
        )
}

/// `{"name": "…", "purpose": "marketing", "category": "open_day", "text": "…"}` → 201.
pub(super) async fn keep(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let name = fields.text("name");
    let (purpose, category, text) = (fields.purpose(), category(&mut fields), fields.text("text"));
    let (Some(name), Some(purpose), Some(category), Some(text)) = (name, purpose, category, text) else {
        return Err(fields.refusal());
    };
    let category = category.flatten();
    let says = TemplateText {
        purpose,
        category,
        text,
    };
    check(&app, tenant, &says, &mut fields).await?;
    if !fields.is_sound() {
        return Err(fields.refusal());
    }
    let template = app.people.keep_template(tenant, &name, &says).await?;
    Ok((StatusCode::CREATED, Json(view(&template))))
}

/// By name.
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let templates = app.people.templates(tenant).await;
    let templates = templates.map_err(|error| database_refuses(&error))?;
    Ok(page(templates.iter().map(view).collect(), None))
}

pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<TemplateId>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app.people.template((tenant, id), None).await?)))
}

pub(super) async fn versions(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<TemplateId>,
) -> Result<Page, Problem> {
    let versions = app.people.template_versions(tenant, id).await?;
    Ok(page(versions.iter().map(view).collect(), None))
}

/// Whatever of `purpose`, `category` and `text` is there → 200; `"category": null` takes it away.
pub(super) async fn change(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<TemplateId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS[1..]).await?;
    let purpose = fields.if_given("purpose", |fields, _| fields.purpose());
    let (category, text) = (
        category(&mut fields),
        fields.if_given("text", |fields, name| fields.text(name)),
    );
    let (Some(purpose), Some(category), Some(text)) = (purpose, category, text) else {
        return Err(fields.refusal());
    };
    let edit = |before: TemplateText| TemplateText {
        purpose: purpose.unwrap_or(before.purpose),
        category: category.clone().unwrap_or(before.category),
        text: text.clone().unwrap_or(before.text),
    };
    let now = app.people.template((tenant, id), None).await?;
    check(&app, tenant, &edit(now.says), &mut fields).await?;
    if !fields.is_sound() {
        return Err(fields.refusal());
    }
    Ok(Json(view(&app.people.change_template((tenant, id), edit).await?)))
}

pub(super) async fn forget(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<TemplateId>,
) -> Result<StatusCode, Problem> {
    app.people.forget_template(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn categories(Caller(_): Caller) -> Page {
    let words = |words: Words| json!({ "label": words.label, "text": words.text });
    let shown = |category: &Category| {
        json!({
            "category": category.code,
            "purpose": category.purpose.code(),
            "fr": words(category.french),
            "en": words(category.english),
        })
    };
    page(Category::ALL.iter().map(shown).collect(), None)
}

/// `category`, that may be there, and may be `null`.
fn category(fields: &mut Fields) -> Option<Option<Option<String>>> {
    fields.if_given("category", |fields, name| {
        let Some(given) = fields.text_or_null(name)? else {
            return Some(None);
        };
        match check_category(&given) {
            Ok(category) => Some(Some(category.code.to_owned())),
            Err(problem) => {
                fields.refuse("/category".to_owned(), problem);
                None
            }
        }
    })
}

/// Whether a campaign may say it. What its fields are is known when there is an audience.
async fn check(app: &App, tenant: TenantId, says: &TemplateText, fields: &mut Fields) -> Result<(), Problem> {
    let terms = app.campaigns.terms_of(tenant).await?;
    let wording = app.campaigns.wording(&terms);
    let text = wording
        .check(&says.text)
        .map_err(|problem| vec![FieldFault::new("/text", problem)]);
    let text = text.and_then(|()| compose::Template::parse_open(&says.text, &[""; 0]).map(drop));
    for fault in text.err().into_iter().flatten() {
        fields.refuse(fault.pointer, fault.problem);
    }
    if let Err(problem) = check_purpose_of(says.category.as_deref(), says.purpose) {
        fields.refuse("/purpose".to_owned(), problem);
    }
    Ok(())
}

fn view(template: &Template) -> Value {
    json!({
        "id": template.id.to_string(),
        "name": template.name,
        "version": template.version,
        "purpose": template.says.purpose.code(),
        "category": template.says.category,
        "text": template.says.text,
        "created_at": time(template.created_at),
        "changed_at": time(template.changed_at),
    })
}
