//! People as clinics know them: contacts, lists, segments, and whom a campaign means.

mod audience;
mod consents;
mod contact;
mod contacts;
mod day;
mod fault;
mod filter;
mod filter_sql;
mod lists;
mod merge;
mod rows;
mod segments;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::tz::TimeZone;

pub(crate) use audience::{Audience, Meant};
pub(crate) use consents::{Consent, PROOF_MAX, Proof, WORDING_MAX};
pub(crate) use contact::{
    ATTRIBUTE_NAME_MAX, Contact, EACH_MAX, Given, Kind, TEXT_MAX, VALUE_MAX, VISITS_MAX, Visit, check_day, check_name,
    check_text,
};
#[cfg(test)]
pub(crate) use contacts::Outcome;
pub(crate) use contacts::UPSERT_MAX;
pub(crate) use fault::PeopleFault;
pub(crate) use filter::Filter;
pub(crate) use lists::List;
pub(crate) use merge::MergeField;
pub(crate) use segments::Segment;

use crate::clock::Clock;
use crate::database::Database;
use filter_sql::Seen;

/// By whose calendar today is told.
const TIME_ZONE: &str = "Europe/Paris";

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

    fn seen(&self) -> Seen {
        Seen {
            dialect: self.database.dialect(),
            today: self.today(),
        }
    }

    fn today(&self) -> Date {
        let now = self.clock.unix().timestamp().unwrap_or_default();
        let zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
        now.to_zoned(zone).date()
    }
}
