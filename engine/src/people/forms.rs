//! Forms in which people agree, on pages of a tenant.

use super::{People, PeopleFault};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{FormId, ListId, TenantId, UnixMicros};
use crate::fault::FieldProblem;

/// The most forms of a tenant: one for each page and wording.
pub(crate) const FORMS_MAX: usize = 100;

/// What is said of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormOrder {
    /// What people agree to, word for word.
    pub(crate) wording: String,
    pub(crate) wording_version: Option<String>,
    /// Where they do, in the tenant's words.
    pub(crate) source: String,
    /// The list that they are put on.
    pub(crate) list: Option<ListId>,
    /// From where alone it may be sent.
    pub(crate) origin: String,
    /// From when on nobody agrees by it any more.
    pub(crate) expires_at: Option<UnixMicros>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) id: FormId,
    pub(crate) tenant: TenantId,
    pub(crate) order: FormOrder,
    pub(crate) created_at: UnixMicros,
}

const COLUMNS: &str = "id, tenant, wording, wording_version, source, list, origin, created_at, expires_at";

impl People {
    /// Makes a form.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`]: the tenant has no such list; [`PeopleFault::Fields`]: it has as many as it may have; or the database.
    pub(crate) async fn make_form(&self, tenant: TenantId, order: FormOrder) -> Result<Form, PeopleFault> {
        if let Some(list) = order.list {
            self.list(tenant, list).await?;
        }
        let mut change = self.database.change_of(tenant).await?;
        let id = change.numbers("consent_form", 1).await?;
        let form = Form {
            id: FormId(id.cast_unsigned()),
            tenant,
            order,
            created_at: self.clock.unix(),
        };
        let order = &form.order;
        let mut insert = Sql::new("INSERT INTO consent_form (");
        insert
            .push(COLUMNS)
            .push(") VALUES (")
            .value(id)
            .push(", ")
            .value(tenant.0);
        insert.push(", ").value(order.wording.as_str());
        insert.push(", ").value(order.wording_version.clone());
        insert.push(", ").value(order.source.as_str());
        insert.push(", ").value(order.list.map(|list| list.0.cast_signed()));
        insert.push(", ").value(order.origin.as_str());
        insert.push(", ").value(form.created_at.0.cast_signed());
        insert
            .push(", ")
            .value(order.expires_at.map(|at| at.0.cast_signed()))
            .push(")");
        change.run(insert).await?;
        let mut count = Sql::new("SELECT COUNT(*) FROM consent_form WHERE tenant = ");
        count.value(tenant.0);
        let forms = change.rows(count, |row| row.number(0)).await?;
        if forms
            .first()
            .is_some_and(|forms| forms.cast_unsigned() > FORMS_MAX as u64)
        {
            return Err(super::lists::refused("", FieldProblem::TooMany { max: FORMS_MAX }));
        }
        change.commit().await?;
        Ok(form)
    }

    /// A tenant's forms, in the order in which they were made.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn forms(&self, tenant: TenantId) -> Result<Vec<Form>, DatabaseError> {
        let mut query = select();
        query.push(" WHERE tenant = ").value(tenant.0).push(" ORDER BY id");
        self.database.rows(query, read).await
    }

    /// A form of a tenant.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn form(&self, tenant: TenantId, id: FormId) -> Result<Form, PeopleFault> {
        let form = self.form_of_token(id).await?;
        form.filter(|form| form.tenant == tenant).ok_or(PeopleFault::NotFound)
    }

    /// The form of a token, whosever it is.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn form_of_token(&self, id: FormId) -> Result<Option<Form>, DatabaseError> {
        let mut query = select();
        query.push(" WHERE id = ").value(id.0.cast_signed());
        self.database.row(query, read).await
    }

    /// Forgets a form: nobody agrees by it any more. What was agreed on stays.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn forget_form(&self, tenant: TenantId, id: FormId) -> Result<(), PeopleFault> {
        self.forget_row("consent_form", tenant, id.0).await
    }
}

fn select() -> Sql {
    let mut query = Sql::new("SELECT ");
    query.push(COLUMNS).push(" FROM consent_form");
    query
}

fn read(row: &Found<'_>) -> Result<Form, DatabaseError> {
    Ok(Form {
        id: FormId(row.number(0)?.cast_unsigned()),
        tenant: TenantId(row.number(1)? as u32),
        order: FormOrder {
            wording: row.text(2)?,
            wording_version: row.text_if_any(3)?,
            source: row.text(4)?,
            list: row.number_if_any(5)?.map(|list| ListId(list.cast_unsigned())),
            origin: row.text(6)?,
            expires_at: row.number_if_any(8)?.map(super::rows::time),
        },
        created_at: super::rows::time(row.number(7)?),
    })
}
