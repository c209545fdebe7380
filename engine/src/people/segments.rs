//! Segments: filters under names.

use serde_json::Value;

use super::contact::{TEXT_MAX, check_name};
use super::lists::{make_room, refused};
use super::{Filter, People, PeopleFault};
use crate::compose::fold;
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{SegmentId, TenantId, UnixMicros};

/// A filter under a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) id: SegmentId,
    pub(crate) name: String,
    /// As it was given.
    pub(crate) filter: Value,
    pub(crate) created_at: UnixMicros,
}

impl Segment {
    /// Whom it means.
    ///
    /// # Errors
    /// When another version has kept it.
    pub(crate) fn means(&self) -> Result<Filter, DatabaseError> {
        Filter::read_kept(&self.filter).map_err(|_| DatabaseError::Corrupt("the filter of a segment"))
    }
}

impl People {
    /// Keeps a filter under a name, in place of the one that has it.
    ///
    /// # Errors
    /// [`PeopleFault::Fields`], or the database's.
    pub(crate) async fn keep_segment(
        &self,
        tenant: TenantId,
        name: &str,
        filter: &Value,
    ) -> Result<Segment, PeopleFault> {
        let name = check_name(name, TEXT_MAX).map_err(|problem| refused("/name", problem))?;
        Filter::read(filter, "/filter").map_err(PeopleFault::Fields)?;
        self.check_filter(tenant, (filter, "/filter")).await?;
        let mut change = self.database.change_of(tenant).await?;
        make_room(&mut change, ("segment", tenant), &fold(&name)).await?;
        let id = change.numbers("segment", 1).await?;
        let mut insert = Sql::new("INSERT INTO segment (id, tenant, name, name_folded, filter, created_at) VALUES (");
        insert
            .value(id)
            .push(", ")
            .value(tenant.0)
            .push(", ")
            .value(name.as_str());
        insert
            .push(", ")
            .value(fold(&name))
            .push(", ")
            .value(filter.to_string());
        insert.push(", ").value(self.clock.unix().0.cast_signed());
        insert.push(") ON CONFLICT (tenant, name_folded) DO UPDATE SET name = excluded.name, filter = excluded.filter");
        change.run(insert).await?;
        let mut query = select(tenant);
        query.push(" AND name_folded = ").value(fold(&name));
        let kept = change.rows(query, read).await?;
        change.commit().await?;
        kept.into_iter().next().ok_or(PeopleFault::NotFound)
    }

    /// A tenant's segments, by name.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn segments(&self, tenant: TenantId) -> Result<Vec<Segment>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" ORDER BY name_folded");
        self.database.rows(query, read).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn segment(&self, tenant: TenantId, id: SegmentId) -> Result<Segment, PeopleFault> {
        let mut query = select(tenant);
        query.push(" AND id = ").value(id.0.cast_signed());
        self.database.row(query, read).await?.ok_or(PeopleFault::NotFound)
    }

    /// Forgets a segment.
    ///
    /// # Errors
    /// As [`People::segment`].
    pub(crate) async fn forget_segment(&self, tenant: TenantId, id: SegmentId) -> Result<(), PeopleFault> {
        self.forget_row("segment", tenant, id.0).await
    }
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT id, name, filter, created_at FROM segment WHERE tenant = ");
    query.value(tenant.0);
    query
}

fn read(row: &Found<'_>) -> Result<Segment, DatabaseError> {
    Ok(Segment {
        id: SegmentId(row.number(0)?.cast_unsigned()),
        name: row.text(1)?,
        filter: row.parsed(2, "the filter of a segment", |json| serde_json::from_str(json).ok())?,
        created_at: UnixMicros(row.number(3)?.cast_unsigned()),
    })
}
