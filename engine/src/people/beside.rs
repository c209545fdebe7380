//! What a file of contacts says beside the contacts themselves: where they were last, and what they have agreed to.

use std::collections::HashMap;

use super::rows::ROWS_MAX;
use super::{Contact, People};
use crate::database::{DatabaseError, Sql};
use crate::domain::ContactId;

/// What is known of some contacts in other tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    practices: HashMap<ContactId, String>,
    consents: HashMap<ContactId, (String, String)>,
}

impl Beside {
    /// At which practice they were last; empty: somewhere.
    pub(crate) fn last_practice(&self, of: ContactId) -> Option<&str> {
        self.practices.get(&of).map(String::as_str)
    }

    /// Where they agreed to what, word for word, the last time.
    pub(crate) fn consent(&self, of: ContactId) -> Option<(&str, &str)> {
        let (source, wording) = self.consents.get(&of)?;
        Some((source, wording))
    }
}

impl People {
    /// What is known of these contacts of one tenant.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn beside(&self, contacts: &[Contact]) -> Result<Beside, DatabaseError> {
        let mut beside = Beside::default();
        for some in contacts.chunks(ROWS_MAX) {
            self.add_practices(some, &mut beside).await?;
            self.add_consents(some, &mut beside).await?;
        }
        Ok(beside)
    }

    async fn add_practices(&self, contacts: &[Contact], beside: &mut Beside) -> Result<(), DatabaseError> {
        let visitors = contacts.iter().filter(|contact| contact.details.last_visit.is_some());
        let ids: Vec<i64> = visitors.map(|contact| contact.id.0.cast_signed()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut query =
            Sql::new("SELECT visit.contact, visit.practice FROM visit JOIN contact ON contact.id = visit.contact");
        query.push(" AND contact.last_visit = visit.day WHERE visit.contact IN (");
        // Of two on one day the first by name, and one of which nobody knows where only where there is no other.
        query.list(ids).push(") ORDER BY visit.contact, visit.practice DESC");
        let read = |row: &crate::database::Found<'_>| Ok((ContactId(row.number(0)?.cast_unsigned()), row.text(1)?));
        for (contact, practice) in self.database.rows(query, read).await? {
            let known = beside.practices.entry(contact).or_default();
            if !practice.is_empty() {
                *known = practice;
            }
        }
        Ok(())
    }

    async fn add_consents(&self, contacts: &[Contact], beside: &mut Beside) -> Result<(), DatabaseError> {
        let agreeing = contacts.iter().filter(|contact| contact.consent_at.is_some());
        let ids: Vec<i64> = agreeing.map(|contact| contact.id.0.cast_signed()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut query = Sql::new("SELECT consent.contact, consent.source, consent.wording FROM consent");
        query.push(" JOIN contact ON contact.id = consent.contact AND contact.consent_at = consent.given_at");
        query.push(" WHERE consent.withdrawn_at IS NULL AND consent.contact IN (");
        query.list(ids).push(") ORDER BY consent.id");
        let read = |row: &crate::database::Found<'_>| {
            let id = ContactId(row.number(0)?.cast_unsigned());
            Ok((id, (row.text(1)?, row.text(2)?)))
        };
        beside.consents.extend(self.database.rows(query, read).await?);
        Ok(())
    }
}
