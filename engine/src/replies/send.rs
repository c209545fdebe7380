//! Sending what is answered: each a direct message, under a token that names it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::threads::{SaidState, order};
use super::waiting_list::{OFF, still_waits};
use super::{ReplyFault, Shared};
use crate::audience::VALIDITY_S;
use crate::campaign::{CampaignFault, DirectOrder, code_of};
use crate::database::{DatabaseError, Sql};
use crate::domain::{Purpose, Recipient, TenantId, UnixMicros};
use crate::guard::Verdict;
use crate::store::{KeyOwner, Token};

/// Answers that are sent in one go, and how many of them at once.
const TOGETHER: i64 = 500;
const AT_ONCE: usize = 32;

/// How often it is looked for answers whose time has come, when nobody says so.
const LOOK: Duration = Duration::from_millis(500);

/// What cannot be sent now is tried again after as long as it has waited, within these: what others have said comes first meanwhile.
const PUT_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// An answer that could not be sent for so long is not sent any more: nobody waits for it.
const WORTH: Duration = Duration::from_secs(3_600);

/// What SMSCs take as the time for which a message is worth sending.
const SHORTEST: Duration = Duration::from_secs(VALIDITY_S.0.unsigned_abs());

/// Why nothing goes to who has opted out of it.
const OPTED_OUT: &str = "opted_out";

/// Something that is to be sent.
pub(super) struct Due {
    pub(super) id: i64,
    pub(super) tenant: TenantId,
    pub(super) to: Recipient,
    pub(super) number: String,
    /// When it was to go at first.
    pub(super) due: UnixMicros,
    text: Option<String>,
    purpose: Purpose,
    /// It is not worth sending from then on.
    until: Option<UnixMicros>,
    /// It goes in the hours of advertising, and not to who has opted out, though it is none.
    as_advertising: bool,
}

/// What came of an attempt.
enum Came {
    /// A message, and its number.
    Sent(i64),
    /// Nothing, for good, and why.
    Failed(String),
    /// Nothing yet, before that time: it was not to go before.
    Later(UnixMicros),
    /// Nothing yet: it is tried again then.
    PutOff(UnixMicros),
}

impl Shared {
    pub(super) async fn send(self: Arc<Self>, verdict: Verdict, stop: CancellationToken) {
        loop {
            let wait = async {
                tokio::select! {
                    () = self.due.notified() => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
            };
            if stop.run_until_cancelled(wait).await.is_none() {
                return;
            }
            if verdict.may_take_in().is_err() {
                continue;
            }
            if let Err(error) = self.send_due().await {
                tracing::debug!(%error, "answers cannot be sent; it is tried again");
            }
        }
    }

    async fn send_due(&self) -> Result<(), ReplyFault> {
        loop {
            let due = self.waiting(SaidState::Due, (Besides::default(), TOGETHER)).await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut tried = Vec::with_capacity(due.len());
            for some in due.chunks(AT_ONCE) {
                let came = join_all(some.iter().map(|due| self.try_one(due))).await;
                tried.extend(some.iter().map(|due| due.id).zip(came));
            }
            self.note_sent(&tried).await?;
            if tried.len() < TOGETHER as usize {
                return Ok(());
            }
        }
    }

    /// What waits in a state, and is due, the oldest first.
    pub(super) async fn waiting(
        &self,
        state: SaidState,
        (besides, limit): (Besides<'_>, i64),
    ) -> Result<Vec<Due>, DatabaseError> {
        let query = due_in(state, self.clock.unix(), (besides, limit));
        self.database
            .rows(query, |row| {
                Ok(Due {
                    id: row.number(0)?,
                    tenant: TenantId(row.number(1)? as u32),
                    to: Recipient(row.number(2)?.cast_unsigned()),
                    number: row.text(3)?,
                    due: UnixMicros(row.number(4)?.cast_unsigned()),
                    text: row.text_if_any(5)?,
                    purpose: match row.text_if_any(6)? {
                        Some(_) => row.parsed(6, "the purpose of a message", |purpose| purpose.parse().ok())?,
                        None => Purpose::Transactional,
                    },
                    until: row.number_if_any(7)?.map(|until| UnixMicros(until.cast_unsigned())),
                    as_advertising: row.number(8)? == 1,
                })
            })
            .await
    }

    async fn try_one(&self, due: &Due) -> Came {
        let text = match self.opened(due.tenant, due.text.clone()).await {
            Ok(Some(text)) => text,
            Ok(None) => return Came::Failed("texts_erased".to_owned()),
            Err(_) => return put_off(due, self.clock.unix()),
        };
        let now = self.clock.unix();
        let late = now.since(due.due);
        if late > WORTH || due.until.is_some_and(|until| until <= now) {
            return Came::Failed("too_late".to_owned());
        }
        if due.as_advertising
            && let Some(came) = self.held_back(due, now).await
        {
            return came;
        }
        let order = DirectOrder {
            purpose: due.purpose,
            // Who has not agreed was left out before.
            without_consent: due.purpose == Purpose::Marketing,
            // Also while it waits for its SMSC.
            in_hours: due.as_advertising,
            validity: Some(worth(due, now)),
            ..order(due.to, &due.number, &text)
        };
        let token = Token::of_key(KeyOwner::Tenant(due.tenant), "reply", &due.id.to_string());
        match self.campaigns.send(due.tenant, &order, token).await {
            Ok(message) => {
                self.metrics.reply_latency_seconds.observe(late.as_secs_f64());
                Came::Sent(message.0.cast_signed())
            }
            Err(fault @ (CampaignFault::Busy | CampaignFault::TrafficInReview | CampaignFault::Short { .. })) => {
                self.campaigns.note_put_off("reply", &fault);
                // Until it is too late, the tenant may be given credits.
                put_off(due, now)
            }
            Err(CampaignFault::Store(_) | CampaignFault::Database(_) | CampaignFault::Stopping) => put_off(due, now),
            Err(fault) => Came::Failed(code_of(&fault)),
        }
    }

    /// What would be advertising, as to its hours and to who has opted out, for who waits for it; `None`: it may go.
    async fn held_back(&self, due: &Due, now: UnixMicros) -> Option<Came> {
        match still_waits(&self.database, due.id, now).await {
            Ok(true) => {}
            // They may have been forgotten as a contact, or have waited for too long.
            Ok(false) => return Some(Came::Failed(OFF.to_owned())),
            Err(_) => return Some(put_off(due, now)),
        }
        match self.opted_out(due.tenant, &[due.to]).await {
            Ok(out) if !out.is_empty() => return Some(Came::Failed(OPTED_OUT.to_owned())),
            Ok(_) => {}
            Err(_) => return Some(put_off(due, now)),
        }
        let Ok(territory) = self.campaigns.territory_of(due.tenant).await else {
            return Some(put_off(due, now));
        };
        match self.opens((due.to, territory), now) {
            Some(opens) if opens > now => Some(Came::Later(opens)),
            Some(_) => None,
            None => Some(Came::Failed("too_late".to_owned())),
        }
    }

    async fn note_sent(&self, tried: &[(i64, Came)]) -> Result<(), DatabaseError> {
        let mut change = self.database.change().await?;
        for (id, came) in tried {
            let (state, message, reason) = match came {
                Came::Later(due) => {
                    change.run(moved(*id, *due, "NULL")).await?;
                    continue;
                }
                Came::PutOff(until) => {
                    change.run(moved(*id, *until, "COALESCE(first_due_at, due_at)")).await?;
                    continue;
                }
                Came::Sent(message) => (SaidState::Sent, Some(*message), None),
                Came::Failed(reason) => (SaidState::Failed, None, Some(reason.clone())),
            };
            let mut update = Sql::new("UPDATE conversation_message SET state = ");
            update.value(state.into_str()).push(", message = ").value(message);
            update.push(", reason = ").value(reason.clone());
            update.push(" WHERE id = ").value(*id);
            change.run(update).await?;
            // Who wants nothing, or waits no more, has nobody look for it.
            let is_wanted = reason
                .as_deref()
                .is_none_or(|reason| ![OPTED_OUT, OFF].contains(&reason));
            if state == SaidState::Failed && is_wanted {
                let mut attention = Sql::new("UPDATE conversation SET attention = 'failed' WHERE id = ");
                attention
                    .push("(SELECT conversation FROM conversation_message WHERE id = ")
                    .value(*id)
                    .push(")");
                change.run(attention).await?;
            }
        }
        change.commit().await
    }
}

/// When what could not be sent now is tried again.
fn put_off(due: &Due, now: UnixMicros) -> Came {
    let (shortest, longest) = PUT_OFF;
    Came::PutOff(now.plus(now.since(due.due).clamp(shortest, longest)))
}

/// For how much longer an answer is worth sending, also while it waits for its SMSC.
fn worth(due: &Due, now: UnixMicros) -> Duration {
    let until = due.until.unwrap_or(due.due.plus(WORTH));
    until.since(now).max(SHORTEST)
}

/// It is due then, and was so at first when `first` says.
fn moved(id: i64, due: UnixMicros, first: &'static str) -> Sql {
    let mut update = Sql::new("UPDATE conversation_message SET first_due_at = ");
    update.push(first).push(", due_at = ").value(due.0.cast_signed());
    update.push(" WHERE state = 'due' AND id = ").value(id);
    update
}

/// What is not looked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Besides<'a> {
    pub(super) said: &'a [i64],
    pub(super) tenants: &'a [TenantId],
}

/// Finds what waits in a state and was due by `now`, the oldest first.
fn due_in(state: SaidState, now: UnixMicros, (besides, limit): (Besides<'_>, i64)) -> Sql {
    // The first of the conditions is that of the index, word by word: SQLite sees no other one in it, and would go through all that was ever said.
    let mut query = Sql::new(
        "SELECT conversation_message.id, conversation_message.tenant, conversation.recipient, conversation.number, \
         COALESCE(conversation_message.first_due_at, conversation_message.due_at), conversation_message.text, conversation_message.purpose, conversation_message.until_at, \
         conversation_message.as_advertising FROM conversation_message \
         JOIN conversation ON conversation.id = conversation_message.conversation \
         WHERE conversation_message.state IN ('asking', 'due') AND conversation_message.state = ",
    );
    query.push(match state {
        SaidState::Asking => "'asking'",
        SaidState::Due => "'due'",
        SaidState::Sent => "'sent'",
        SaidState::Failed => "'failed'",
    });
    query.push(" AND conversation_message.due_at <= ");
    query.value(now.0.cast_signed());
    if !besides.said.is_empty() {
        query.push(" AND conversation_message.id NOT IN (");
        query.list(besides.said.iter().copied()).push(")");
    }
    if !besides.tenants.is_empty() {
        query.push(" AND conversation_message.tenant NOT IN (");
        query.list(besides.tenants.iter().map(|tenant| tenant.0)).push(")");
    }
    query.push(" ORDER BY conversation_message.due_at LIMIT ").value(limit);
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::{open, plan};

    #[tokio::test]
    async fn what_is_due_is_found_without_going_through_all_that_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(folder.path()).await.unwrap();
        for state in [SaidState::Asking, SaidState::Due] {
            let besides = Besides {
                said: &[1, 2],
                tenants: &[TenantId(1)],
            };
            let plan = plan(&database, &due_in(state, UnixMicros(1), (besides, TOGETHER))).await;
            assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{plan:?}");
        }
    }
}
