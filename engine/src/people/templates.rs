//! Texts under names, for campaigns: each change of one makes a version.

use super::contact::{TEXT_MAX, check_name};
use super::lists::{make_room, refused};
use super::{People, PeopleFault};
use crate::compose::fold;
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{Purpose, TemplateId, TenantId, UnixMicros};

/// A version of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) id: TemplateId,
    pub(crate) name: String,
    /// Which version this is, from 1.
    pub(crate) version: u32,
    pub(crate) says: TemplateText,
    pub(crate) created_at: UnixMicros,
    /// When this version came.
    pub(crate) changed_at: UnixMicros,
}

/// What a version of a template says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateText {
    pub(crate) purpose: Purpose,
    /// A word of the categories.
    pub(crate) category: Option<String>,
    pub(crate) text: String,
}

impl People {
    /// Makes a template; one that has the name already gets another version, if it says something else.
    ///
    /// # Errors
    /// [`PeopleFault::Fields`], or the database's.
    pub(crate) async fn keep_template(
        &self,
        tenant: TenantId,
        name: &str,
        says: &TemplateText,
    ) -> Result<Template, PeopleFault> {
        let name = check_name(name, TEXT_MAX).map_err(|problem| refused("/name", problem))?;
        let mut change = self.database.change_of(tenant).await?;
        make_room(&mut change, ("template", tenant), &fold(&name)).await?;
        let id = change.numbers("template", 1).await?;
        let now = self.clock.unix().0.cast_signed();
        let mut insert = Sql::new("INSERT INTO template (id, tenant, name, name_folded, version, created_at) VALUES (");
        insert.value(id).push(", ").value(tenant.0);
        insert.push(", ").value(name.as_str()).push(", ").value(fold(&name));
        insert.push(", 0, ").value(now);
        insert.push(") ON CONFLICT (tenant, name_folded) DO UPDATE SET name = excluded.name");
        change.run(insert).await?;
        let mut query = Sql::new("SELECT id FROM template WHERE tenant = ");
        query.value(tenant.0).push(" AND name_folded = ").value(fold(&name));
        let kept = change.rows(query, |row| row.number(0)).await?;
        let id = kept.first().copied().ok_or(PeopleFault::NotFound)?;
        let id = TemplateId(id.cast_unsigned());
        self.add_version(&mut change, (tenant, id), says).await?;
        let kept = newest(&mut change, (tenant, id)).await?;
        change.commit().await?;
        kept.ok_or(PeopleFault::NotFound)
    }

    /// Changes a template: another version, if it says something else.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], [`PeopleFault::Fields`], or the database's.
    pub(crate) async fn change_template(
        &self,
        (tenant, id): (TenantId, TemplateId),
        edit: impl FnOnce(TemplateText) -> TemplateText,
    ) -> Result<Template, PeopleFault> {
        let mut change = self.database.change_of(tenant).await?;
        let before = newest(&mut change, (tenant, id)).await?.ok_or(PeopleFault::NotFound)?;
        self.add_version(&mut change, (tenant, id), &edit(before.says)).await?;
        let kept = newest(&mut change, (tenant, id)).await?;
        change.commit().await?;
        kept.ok_or(PeopleFault::NotFound)
    }

    async fn add_version(
        &self,
        change: &mut Change,
        (tenant, id): (TenantId, TemplateId),
        says: &TemplateText,
    ) -> Result<(), PeopleFault> {
        let before = newest(change, (tenant, id)).await?;
        if before.as_ref().is_some_and(|before| before.says == *says) {
            return Ok(());
        }
        let version = before.map_or(0, |before| before.version) + 1;
        let mut insert =
            Sql::new("INSERT INTO template_version (template, version, purpose, category, text, created_at) VALUES (");
        insert.value(id.0.cast_signed()).push(", ").value(version);
        insert.push(", ").value(says.purpose.code());
        insert.push(", ").value(says.category.clone());
        insert.push(", ").value(says.text.as_str());
        insert.push(", ").value(self.clock.unix().0.cast_signed()).push(")");
        change.run(insert).await?;
        let mut update = Sql::new("UPDATE template SET version = ");
        update.value(version).push(" WHERE id = ").value(id.0.cast_signed());
        change.run(update).await?;
        Ok(())
    }

    /// A tenant's templates as they are now, by name.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn templates(&self, tenant: TenantId) -> Result<Vec<Template>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" AND v.version = t.version ORDER BY t.name_folded");
        self.database.rows(query, read).await
    }

    /// One of them as it is now, or as it was in a version.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn template(
        &self,
        (tenant, id): (TenantId, TemplateId),
        version: Option<u32>,
    ) -> Result<Template, PeopleFault> {
        let query = select_one((tenant, id), version);
        self.database.row(query, read).await?.ok_or(PeopleFault::NotFound)
    }

    /// Every version of one, the newest first.
    ///
    /// # Errors
    /// As [`People::template`].
    pub(crate) async fn template_versions(
        &self,
        tenant: TenantId,
        id: TemplateId,
    ) -> Result<Vec<Template>, PeopleFault> {
        let mut query = select(tenant);
        query.push(" AND t.id = ").value(id.0.cast_signed());
        query.push(" ORDER BY v.version DESC LIMIT 500");
        let versions = self.database.rows(query, read).await?;
        if versions.is_empty() {
            return Err(PeopleFault::NotFound);
        }
        Ok(versions)
    }

    /// Forgets a template with its versions. Campaigns have their texts from it, and keep these.
    ///
    /// # Errors
    /// As [`People::template`].
    pub(crate) async fn forget_template(&self, tenant: TenantId, id: TemplateId) -> Result<(), PeopleFault> {
        self.forget_row("template", tenant, id.0).await
    }
}

async fn newest(change: &mut Change, of: (TenantId, TemplateId)) -> Result<Option<Template>, DatabaseError> {
    let found = change.rows(select_one(of, None), read).await?;
    Ok(found.into_iter().next())
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new(
        "SELECT t.id, t.name, t.created_at, v.version, v.purpose, v.category, v.text, v.created_at FROM template t JOIN \
         template_version v ON v.template = t.id WHERE t.tenant = ",
    );
    query.value(tenant.0);
    query
}

fn select_one((tenant, id): (TenantId, TemplateId), version: Option<u32>) -> Sql {
    let mut query = select(tenant);
    query
        .push(" AND t.id = ")
        .value(id.0.cast_signed())
        .push(" AND v.version = ");
    match version {
        Some(version) => query.value(version),
        None => query.push("t.version"),
    };
    query
}

fn read(row: &Found<'_>) -> Result<Template, DatabaseError> {
    let number = |at: usize| row.number(at).map(i64::cast_unsigned);
    Ok(Template {
        id: TemplateId(number(0)?),
        name: row.text(1)?,
        created_at: UnixMicros(number(2)?),
        version: u32::try_from(number(3)?).map_err(|_| DatabaseError::Corrupt("the version of a template"))?,
        says: TemplateText {
            purpose: row.parsed(4, "the purpose of a template", |word| word.parse().ok())?,
            category: row.text_if_any(5)?,
            text: row.text(6)?,
        },
        changed_at: UnixMicros(number(7)?),
    })
}
