//! Whose a message is to a number that several tenants share: of the one whose keyword it begins with, or else of the one who has asked something
//! that it may answer. Whoever wrote last to that person comes behind both.

use std::time::Duration;

use super::Replies;
use super::meaning::meaning;
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{Recipient, TenantId, UnixMicros};

/// For so long a survey's question is open.
const SURVEYED: Duration = Duration::from_secs(7 * 86_400);

impl Replies {
    /// Which of these tenants, who share a number, a text is for; `None`: none, or several.
    pub(crate) async fn meant(
        &self,
        tenants: &[TenantId],
        (from, number): (Option<Recipient>, &str),
        text: &str,
    ) -> Option<TenantId> {
        let mut named = Vec::new();
        for tenant in tenants {
            // Without rules nobody is named: the message is kept all the same.
            let reader = self.0.reader(*tenant).await.ok()?;
            named.extend(Some(*tenant).filter(|_| reader.rules.names(text)));
        }
        if named.is_empty() && may_answer(text) {
            named = self.asking(tenants, (from?, number)).await.ok()?;
        }
        match named[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Which of these have asked a person something from that number that is still open.
    async fn asking(
        &self,
        tenants: &[TenantId],
        (from, number): (Recipient, &str),
    ) -> Result<Vec<TenantId>, DatabaseError> {
        let query = asking(tenants, (from, number), self.0.clock.unix());
        let read = |row: &Found<'_>| Ok(TenantId(row.number(0)? as u32));
        self.0.database.rows(query, read).await
    }
}

/// Whether a text is one of those with which people answer: yes, no, a number.
fn may_answer(text: &str) -> bool {
    meaning(text).is_some() || text.trim_start().starts_with(|first: char| first.is_ascii_digit())
}

/// Who has an appointment, a survey or an offer open with a person, asked from that number. `UNION` has each tenant once.
fn asking(tenants: &[TenantId], (from, number): (Recipient, &str), now: UnixMicros) -> Sql {
    let (from, since) = (from.0.cast_signed(), now.minus(SURVEYED).0.cast_signed());
    let of_these = |query: &mut Sql, column: &'static str| {
        query.push(" AND ").push(column).push(" IN (");
        query.list(tenants.iter().map(|tenant| tenant.0)).push(")");
    };
    let mut query = Sql::new(
        "SELECT agenda_event.tenant FROM reminder JOIN agenda_event ON agenda_event.id = reminder.event \
         WHERE reminder.state = 'sent' AND reminder.turn >= 0 AND agenda_event.state = 'booked' \
         AND agenda_event.starts_at = reminder.for_at AND reminder.number = ",
    );
    query.value(from).push(" AND reminder.sender = ").value(number);
    query.push(" AND reminder.open_until > ").value(now.0.cast_signed());
    of_these(&mut query, "agenda_event.tenant");
    query.push(
        " UNION SELECT survey.tenant FROM reminder JOIN survey ON survey.plan = reminder.plan \
         WHERE reminder.state IN ('sending', 'sent') AND reminder.number = ",
    );
    query.value(from).push(" AND survey.number = ").value(number);
    query.push(" AND reminder.begun_at > ").value(since);
    of_these(&mut query, "survey.tenant");
    query.push(
        " UNION SELECT survey_run.tenant FROM survey_run JOIN survey ON survey.id = survey_run.survey \
         WHERE survey_run.done = 0 AND survey_run.recipient = ",
    );
    query.value(from).push(" AND survey.number = ").value(number);
    query.push(" AND survey_run.asked_at > ").value(since);
    of_these(&mut query, "survey_run.tenant");
    query.push(
        " UNION SELECT offer_person.tenant FROM offer_person JOIN offer ON offer.id = offer_person.offer \
         JOIN conversation_message AS asked ON asked.id = offer_person.said \
         WHERE offer.state = 'open' AND asked.state = 'sent' AND offer_person.answer IS NULL AND offer_person.recipient = ",
    );
    query.value(from).push(" AND offer.number = ").value(number);
    of_these(&mut query, "offer_person.tenant");
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::{open, plan};

    #[tokio::test]
    async fn who_has_asked_a_person_is_found_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(folder.path()).await.unwrap();
        let query = asking(
            &[TenantId(1), TenantId(2)],
            (Recipient(33_612_345_678), "+33644630001"),
            UnixMicros(1),
        );
        let plan = plan(&database, &query).await;
        assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{plan:?}");
    }

    #[test]
    fn what_may_be_an_answer() {
        for text in ["1", "oui", "Non merci", "10/10"] {
            assert!(may_answer(text), "{text}");
        }
        for text in ["Quels sont vos tarifs ?", "Bonjour", ""] {
            assert!(!may_answer(text), "{text}");
        }
    }
}
