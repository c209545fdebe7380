//! Answers that a tenant's program gives: it is asked once, within its time, and if it has none, the rule's own text stands for it.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::send::{Besides, Due};
use super::threads::SaidState;
use super::{ReplyFault, Shared};
use crate::database::{DatabaseError, Sql};
use crate::domain::{AutoReplyId, ConversationId, TenantId, Terms};
use crate::webhooks::Question;

/// Programs that are asked at once, and those of one tenant: a slow one holds nobody up but its own.
const AT_ONCE: usize = 256;
const AT_ONCE_OF_ONE: usize = 16;

/// How often it is looked for what is to be asked, when nobody says so.
const LOOK: Duration = Duration::from_millis(500);

/// The type of the event.
const KIND: &str = "reply.asked";

/// What a program is asked about.
struct Asked {
    rule: AutoReplyId,
    conversation: ConversationId,
    inbound: String,
    text: Option<String>,
}

/// What came of it.
struct Came {
    text: Option<String>,
    /// Why the program has no answer.
    reason: Option<&'static str>,
}

/// What is being asked for, and for whom.
#[derive(Debug, Default)]
struct UnderWay(Vec<(i64, TenantId)>);

impl UnderWay {
    fn room(&self) -> usize {
        AT_ONCE.saturating_sub(self.0.len())
    }

    fn has_room_for(&self, tenant: TenantId) -> bool {
        self.0.iter().filter(|(_, own)| *own == tenant).count() < AT_ONCE_OF_ONE
    }

    /// What is not to be looked for now: what is under way, and whoever has as much as one may.
    fn besides(&self) -> (Vec<i64>, Vec<TenantId>) {
        let mut tenants: Vec<TenantId> = self.0.iter().map(|(_, tenant)| *tenant).collect();
        tenants.sort_unstable();
        tenants.dedup();
        tenants.retain(|tenant| !self.has_room_for(*tenant));
        (self.0.iter().map(|(id, _)| *id).collect(), tenants)
    }

    fn is_over(&mut self, id: i64) {
        self.0.retain(|(known, _)| *known != id);
    }
}

impl Shared {
    pub(super) async fn ask(self: Arc<Self>, stop: CancellationToken) {
        let (mut under_way, mut asked) = (UnderWay::default(), FuturesUnordered::new());
        let (mut failed, mut look) = (Vec::new(), tokio::time::interval(LOOK));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.asking.notified() => {}
                _ = look.tick() => failed.drain(..).for_each(|id| under_way.is_over(id)),
                Some((id, came)) = asked.next() => match came {
                    Ok(()) => under_way.is_over(id),
                    Err(error) => {
                        tracing::debug!(%error, "a program cannot be asked for an answer; it is tried again");
                        failed.push(id);
                    }
                },
            }
            match self.to_ask(&mut under_way).await {
                Ok(more) => asked.extend(more.into_iter().map(|due| self.ask_program(due))),
                Err(error) => {
                    tracing::debug!(%error, "it cannot be looked for what programs answer; it is tried again")
                }
            }
        }
    }

    /// What there is to ask for beside what is asked already, as far as there is room; it is under way from then on.
    async fn to_ask(&self, under_way: &mut UnderWay) -> Result<Vec<Due>, DatabaseError> {
        let mut all = Vec::new();
        while under_way.room() > 0 {
            let (said, tenants) = under_way.besides();
            let besides = Besides {
                said: &said,
                tenants: &tenants,
            };
            let limit = under_way.room();
            let found = self.waiting(SaidState::Asking, (besides, limit as i64)).await?;
            let is_all = found.len() < limit;
            for due in found {
                if under_way.has_room_for(due.tenant) {
                    under_way.0.push((due.id, due.tenant));
                    all.push(due);
                }
            }
            if is_all {
                break;
            }
        }
        Ok(all)
    }

    async fn ask_program(&self, due: Due) -> (i64, Result<(), ReplyFault>) {
        (due.id, self.ask_one(&due).await)
    }

    async fn ask_one(&self, due: &Due) -> Result<(), ReplyFault> {
        let Some(asked) = self.asked(due).await? else {
            // What was written was erased meanwhile. Left as it is, it would be looked for again at once.
            let erased = Came {
                text: None,
                reason: Some("texts_erased"),
            };
            return Ok(self.note_asked(due, erased).await?);
        };
        let rule = self.rule(due.tenant, asked.rule).await?;
        let Some((ask, own)) = rule.and_then(|reply| reply.rule.ask.map(|ask| (ask, reply.rule.text))) else {
            let gone = Came {
                text: None,
                reason: Some("rule_gone"),
            };
            return Ok(self.note_asked(due, gone).await?);
        };
        let about = json!({
            "id": format!("inb_{}", asked.inbound),
            "conversation": asked.conversation.to_string(),
            "from": due.to.to_string(),
            "to": due.number,
            "text": self.opened(due.tenant, asked.text).await?,
            "auto_reply": asked.rule.to_string(),
        });
        let id = format!("inb_{}", asked.inbound);
        let question = Question {
            url: &ask.url,
            secret: &ask.secret,
            id: &id,
            kind: KIND,
            about: &about,
            within: Duration::from_millis(ask.timeout_ms.into()),
        };
        let came = match self.webhooks.ask(&question).await {
            // It says that nothing is to be said.
            Ok(None) => Came {
                text: None,
                reason: None,
            },
            Ok(Some(said)) => worded(&said).unwrap_or(Came {
                text: own,
                reason: Some("invalid_answer"),
            }),
            Err(why) => Came {
                text: own,
                reason: Some(why.0),
            },
        };
        let came = Came {
            text: match came.text {
                Some(text) => Some(self.sealed(due.tenant, &text).await?),
                None => None,
            },
            ..came
        };
        Ok(self.note_asked(due, came).await?)
    }

    async fn asked(&self, due: &Due) -> Result<Option<Asked>, DatabaseError> {
        let mut query = Sql::new(
            "SELECT own.rule, own.conversation, heard.inbound, heard.text FROM conversation_message AS own \
             JOIN conversation_message AS heard ON heard.id = own.answers WHERE own.id = ",
        );
        query.value(due.id);
        let read = |row: &crate::database::Found<'_>| {
            Ok(Asked {
                rule: AutoReplyId(row.number_if_any(0)?.unwrap_or_default().cast_unsigned()),
                conversation: ConversationId(row.number(1)?.cast_unsigned()),
                inbound: row.text_if_any(2)?.unwrap_or_default(),
                text: row.text_if_any(3)?,
            })
        };
        self.database.row(query, read).await
    }

    /// It is sent from here on as any other, if there is something to be said.
    async fn note_asked(&self, due: &Due, came: Came) -> Result<(), DatabaseError> {
        let state = match came.text {
            Some(_) => SaidState::Due,
            None => SaidState::Failed,
        };
        let attention = came.reason.is_some() && came.text.is_none();
        let reason = came.reason.or((state == SaidState::Failed).then_some("nothing_to_say"));
        let mut change = self.database.change().await?;
        let mut update = Sql::new("UPDATE conversation_message SET state = ");
        update.value(state.into_str()).push(", text = ").value(came.text);
        update.push(", reason = ").value(reason.map(str::to_owned));
        update.push(" WHERE state = 'asking' AND id = ").value(due.id);
        change.run(update).await?;
        if attention {
            let mut update = Sql::new("UPDATE conversation SET attention = 'failed' WHERE id = ");
            update.push("(SELECT conversation FROM conversation_message WHERE id = ");
            update.value(due.id).push(")");
            change.run(update).await?;
        }
        change.commit().await?;
        self.due.notify_one();
        Ok(())
    }
}

/// `{"text": "…"}`, if it is an answer that can be sent.
fn worded(said: &Value) -> Option<Came> {
    let text = said.get("text")?.as_str()?.trim();
    let fits = !text.is_empty() && text.chars().count() <= Terms::CHARACTERS_MAX;
    fits.then(|| Came {
        text: Some(text.to_owned()),
        reason: None,
    })
}
