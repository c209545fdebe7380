//! `POST /v1/contacts/export`: contacts as a file.

use std::collections::HashMap;
use std::io;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use futures::stream;

use super::access::Caller;
use super::attachment::attachment;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, language_of};
use super::query::{parameters, refused};
use super::refusal::database_refuses;
use super::{App, shapes};
use crate::campaign::LeftOut;
use crate::compose::fold;
use crate::database::DatabaseError;
use crate::domain::{ContactId, Language, Role, TenantId};
use crate::fault::FieldProblem;
use crate::import::{manners, written};
use crate::mirror::Mirror;
use crate::people::{Contact, Filter, MEANT_STEP, People};
use crate::sheet::{Dialect, Export};

/// Contacts that are read at a time.
const PAGE: usize = 1_000;

/// Octets that are worth a piece of the file.
const PIECE: usize = 4_096;

/// A filter with everything that one may have.
const BODY_MAX: u64 = 8 << 20;

pub(super) fn routes() -> Routes {
    Routes::of("contacts").add(
        Operation::new((Verb::Post, "/v1/contacts/export"), Key::Tenant, "exportContacts")
            .needs(Role::Read)
            .says(
                "Contacts as a file",
                "Those whom the filter means; everybody, without a body.",
            )
            .asks::<shapes::ExportForm>()
            .takes_if_any::<shapes::ExportOrder>(serde_json::json!({ "filter": {} }))
            .answers_text("The file.", "text/csv")
            .or_as(Dialect::Jsonl.media_type())
            .speaks(),
        contacts,
    )
}

/// `?dialect=…`, if it is there.
pub(super) struct Told(Option<Dialect>);

impl FromRequestParts<App> for Told {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let told = parameters((parts, app), &["dialect"]).await?;
        let Some((_, word)) = told.into_iter().next_back() else {
            return Ok(Self(None));
        };
        let problem = FieldProblem::UnknownValue {
            allowed: &Dialect::CODES,
        };
        word.parse()
            .map(Some)
            .map(Self)
            .map_err(|_| refused("?dialect", problem))
    }
}

/// `POST /v1/contacts/export?dialect=excel-fr`: those whom `filter` means, in the order in which they came; everybody, without a
/// body.
pub(super) async fn contacts(
    State(app): State<App>,
    Caller(tenant): Caller,
    Told(dialect): Told,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let filter = filter(&app, (&headers, body)).await?;
    file(&app, (tenant, Whom::Filter(filter)), (dialect, &headers), "contacts").await
}

/// Contacts as a file of that name.
pub(super) async fn file(
    app: &App,
    (tenant, whom): (TenantId, Whom),
    (dialect, headers): (Option<Dialect>, &HeaderMap),
    name: &str,
) -> Result<Response, Problem> {
    let dialect = dialect.unwrap_or(match language_of(headers) {
        Language::Fr => Dialect::ExcelFr,
        Language::En => Dialect::Rfc4180,
    });
    let attributes = app
        .people
        .attributes(tenant)
        .await
        .map_err(|error| database_refuses(&error))?;
    let names = attributes.iter().map(|name| (fold(name), name.clone())).collect();
    let course = Course {
        people: app.people.clone(),
        mirror: app.mirror.clone(),
        tenant,
        whom,
        export: Export::new(
            dialect,
            manners(app.clocks_of(tenant).await?),
            crate::import::columns(attributes),
        ),
        names,
        after: Some(ContactId(0)),
        begun: false,
    };
    let pieces = stream::try_unfold(course, |mut course| async move {
        let piece = course.next().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, course)))
    });
    let name = format!("{name}.{}", dialect.extension());
    Ok(attachment((&name, dialect.media_type()), Body::from_stream(pieces)))
}

async fn filter(app: &App, (headers, body): (&HeaderMap, Body)) -> Result<Filter, Problem> {
    let mut fields = Fields::read_if_any((headers, body), (app.clock, BODY_MAX), &["filter"]).await?;
    match fields.take("filter") {
        _ if !fields.is_sound() => Err(fields.refusal()),
        None => Ok(Filter::EVERYBODY),
        Some(value) => Filter::read(&value, "/filter").map_err(Problem::of_fields),
    }
}

/// Who is in a file.
pub(super) enum Whom {
    Filter(Filter),
    LeftOut(Box<LeftOut>),
}

impl Whom {
    /// Some of them from behind `after` on, and behind whom to go on, if anybody is left.
    async fn some(
        &self,
        people: &People,
        tenant: TenantId,
        after: ContactId,
    ) -> Result<(Vec<Contact>, Option<ContactId>), DatabaseError> {
        let (found, page) = match self {
            Self::Filter(filter) => (people.search((tenant, filter), after, PAGE).await?, PAGE),
            Self::LeftOut(left_out) => {
                let found = people.meant_contacts((tenant, left_out.meant()), after).await?;
                (found, MEANT_STEP)
            }
        };
        let next = found.last().filter(|_| found.len() == page).map(|contact| contact.id);
        let those = match self {
            Self::Filter(_) => found,
            Self::LeftOut(left_out) => left_out.among((people, tenant), found).await?,
        };
        Ok((those, next))
    }
}

/// An export on its way out.
struct Course {
    people: People,
    mirror: Mirror,
    tenant: TenantId,
    whom: Whom,
    export: Export,
    /// How the attributes are spelt that have columns, by what is the same to a person.
    names: HashMap<String, String>,
    /// Behind whom to go on; `None`: all were read.
    after: Option<ContactId>,
    begun: bool,
}

impl Course {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut piece = if std::mem::replace(&mut self.begun, true) {
            String::new()
        } else {
            self.export.head()
        };
        // Of a step, nobody may be meant: an empty piece would be the end to some readers.
        while let (Some(after), true) = (self.after, piece.len() < PIECE) {
            let (found, next) = self.whom.some(&self.people, self.tenant, after).await.map_err(broken)?;
            let beside = self.people.beside(&found).await.map_err(broken)?;
            let numbers: Vec<_> = found.iter().filter_map(|contact| contact.details.number).collect();
            let refusing = self.mirror.refusing(self.tenant, &numbers).await.map_err(broken)?;
            for contact in &found {
                let number = contact.details.number;
                let refused = number.is_some_and(|number| refusing.contains(&number));
                piece += &self.export.line(&written(contact, &self.names, (&beside, refused)));
            }
            self.after = next;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()).map(Into::into))
    }
}

/// The answer has begun: that it is not whole, its reader sees by its end.
fn broken(error: DatabaseError) -> io::Error {
    tracing::warn!(%error, "an export broke off");
    io::Error::other(error)
}
