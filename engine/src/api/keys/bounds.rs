//! What is said of a key: its label, its role, from where and until when it is good.

use axum::body::Body;
use axum::http::HeaderMap;

use crate::account::{KeyChanges, RESELLER_ROLE};
use crate::api::App;
use crate::api::fields::Fields;
use crate::api::problem::Problem;
use crate::domain::{KeyBounds, KeyKind, Network, Role, UnixMicros};
use crate::fault::FieldProblem;
use crate::store::KeyOwner;

/// What is said of a tenant's key once, when it is made, beside the rest.
const NEW: [&str; 5] = ["label", "role", "kind", "addresses", "expires_at"];

const FIELDS: [&str; 4] = ["label", "role", "addresses", "expires_at"];

const KINDS: [&str; KeyKind::ALL.len()] = [KeyKind::Live.code(), KeyKind::Sandbox.code(), KeyKind::Team.code()];

const ROLES: [&str; Role::ALL.len()] = [
    Role::Read.code(),
    Role::Send.code(),
    Role::Full.code(),
    Role::Admin.code(),
];

/// The label and the bounds of a key that is to be.
pub(super) async fn of_new(
    app: &App,
    owner: KeyOwner,
    given: (&HeaderMap, Body),
) -> Result<(String, KeyBounds), Problem> {
    let is_tenants = matches!(owner, KeyOwner::Tenant(_));
    let known = if is_tenants { &NEW[..] } else { &FIELDS };
    let mut fields = Fields::read(given, app.clock, known).await?;
    let changes = read(&mut fields, app.clock.unix());
    let in_sandbox = matches!(owner, KeyOwner::Tenant(tenant) if tenant.is_sandbox());
    let usual_kind = if in_sandbox { KeyKind::Sandbox } else { KeyKind::Live };
    let kind = match is_tenants {
        true => fields.if_given("kind", |fields, name| fields.word(name, &KINDS)),
        false => Some(None),
    };
    // A key of a sandbox gives none that leads out of it.
    if in_sandbox && kind.flatten().is_some_and(|kind| kind != KeyKind::Sandbox) {
        const ALLOWED: &[&str] = &[KeyKind::Sandbox.code()];
        fields.refuse_field("kind", FieldProblem::UnknownValue { allowed: ALLOWED });
    }
    // It would give itself a key that reaches anybody.
    let is_admin = changes
        .as_ref()
        .is_some_and(|changes| changes.role == Some(Role::Admin));
    if is_admin && kind.flatten() == Some(KeyKind::Team) {
        const ALLOWED: &[&str] = &[Role::Read.code(), Role::Send.code(), Role::Full.code()];
        fields.refuse_field("role", FieldProblem::UnknownValue { allowed: ALLOWED });
    }
    let (Some(mut changes), Some(kind), true) = (changes, kind, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let label = changes.label.take().unwrap_or_default();
    let mut usual = KeyBounds {
        kind: kind.unwrap_or(usual_kind),
        ..KeyBounds::default()
    };
    if let KeyOwner::Reseller(_) = owner {
        usual.role = RESELLER_ROLE;
    }
    Ok((label, changes.applied_to(usual)))
}

/// What is to change of a key; at least one thing is.
pub(super) async fn of_change(app: &App, given: (&HeaderMap, Body)) -> Result<KeyChanges, Problem> {
    let mut fields = Fields::read(given, app.clock, &FIELDS).await?;
    if !FIELDS.iter().any(|field| fields.has(field)) {
        fields.refuse(String::new(), FieldProblem::Empty);
    }
    let changes = read(&mut fields, app.clock.unix());
    changes.filter(|_| fields.is_sound()).ok_or_else(|| fields.refusal())
}

fn read(fields: &mut Fields, now: UnixMicros) -> Option<KeyChanges> {
    let label = fields.if_given("label", |fields, name| fields.text(name));
    let role = fields.if_given("role", |fields, name| fields.word(name, &ROLES));
    let network = |text: &str| text.parse::<Network>().map_err(|_| FieldProblem::NotANetwork);
    let addresses = fields.if_given("addresses", |fields, name| {
        fields.checked_list(name, KeyBounds::ADDRESSES_MAX, network)
    });
    let expires_at = fields.if_given("expires_at", |fields, name| {
        fields.end_or_null(name, (now, KeyBounds::DAYS_MAX))
    });
    Some(KeyChanges {
        label: label?,
        role: role?,
        addresses: addresses?,
        expires_at: expires_at?,
    })
}
