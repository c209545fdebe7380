//! People as clinics know them: contacts, lists, segments, and whom a campaign means.

mod audience;
mod beside;
mod cleaning;
mod codes;
mod consents;
mod contact;
mod contacts;
mod day;
mod engagement;
mod fault;
mod filter_fields;
mod filter;
mod forms;
mod guests;
mod filter_sql;
mod imports;
mod lists;
mod merge;
mod opposition;
mod places;
mod refold;
mod rights;
mod rows;
mod said;
mod seen;
mod segments;
mod sources;
mod templates;
#[cfg(test)]
mod tests;

pub(crate) use audience::{Audience, MEANT_STEP, Meant};
pub(crate) use beside::Beside;
pub(crate) use cleaning::{CleaningRule, Findings, Reached, SOFT_AFTER_MAX, Seen as SeenNumber};
pub(crate) use codes::{Code, CodePool, check_code};
pub(crate) use consents::{Consent, PROOF_MAX, Proof, WORDING_MAX, check_wording};
pub(crate) use contact::{
    ATTRIBUTE_NAME_MAX, Contact, EACH_MAX, Given, Kind, LABEL_MAX, OTHER_NUMBERS, OTHERS_MAX, OtherNumber, TEXT_MAX,
    VALUE_MAX, VISITS_MAX, Visit, check_day, check_label, check_name, check_text,
};
pub(crate) use contacts::UPSERT_MAX;
pub(crate) use engagement::{Engaged, SCORE_MAX};
pub(crate) use fault::PeopleFault;
pub(crate) use filter::Filter;
pub(crate) use forms::{Form, FormOrder};
pub(crate) use guests::{GUESTS_MAX, Guest};
pub(crate) use imports::{Import, ImportState};
pub(crate) use lists::List;
pub(crate) use merge::MergeField;
pub(crate) use opposition::ConsentFault;
pub(crate) use places::{Outcome, Upserted};
pub(crate) use rights::GivenCode;
pub(crate) use said::Said;
pub(crate) use segments::Segment;
pub(crate) use sources::{Source, SourceKind, Sources};
pub(crate) use templates::{Template, TemplateText};

use crate::clock::Clock;
use crate::database::{Database, DatabaseError, Sql};
use crate::domain::{TenantId, UnixMicros};
use crate::mirror;
use seen::Seen;

/// The people of all tenants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct People {
    database: Database,
    clock: Clock,
}

impl People {
    /// Those of that database.
    pub(crate) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Forgets a row of a tenant, with what hangs on it.
    async fn forget_row(&self, table: &'static str, tenant: TenantId, id: u64) -> Result<(), PeopleFault> {
        let mut change = self.database.change_of(tenant).await?;
        let mut delete = Sql::new("DELETE FROM ");
        delete.push(table).push(" WHERE tenant = ").value(tenant.0);
        delete.push(" AND id = ").value(id.cast_signed());
        if change.run(delete).await? == 0 {
            return Err(PeopleFault::NotFound);
        }
        Ok(change.commit().await?)
    }

    /// By the tenant's own clocks.
    async fn seen(&self, tenant: TenantId) -> Result<Seen, DatabaseError> {
        let zone = mirror::time_zone_of(&self.database, tenant).await?;
        let now = self.clock.unix().timestamp().unwrap_or_default();
        Ok(Seen {
            dialect: self.database.dialect(),
            today: now.to_zoned(zone.clone()).date(),
            zone,
        })
    }

    /// By the clock that everything here is noted by.
    pub(crate) fn now(&self) -> UnixMicros {
        self.clock.unix()
    }
}
