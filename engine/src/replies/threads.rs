//! Conversations, in SQL: what one person and one of our numbers have written to each other.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::made::Made;
use super::{Replies, ReplyFault, Shared};
use crate::campaign::DirectOrder;
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{
    AutoReplyId, CampaignId, ConversationId, MessageId, Parameters, Purpose, Recipient, TenantId, UnixMicros,
};
use crate::encryption::EncryptionFault;
use crate::store::Token;

/// Whether somebody still looks after a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum ConversationState {
    Open,
    /// What is written opens it again.
    Closed,
}

impl ConversationState {
    pub(crate) const CODES: [&str; 2] = [Self::Open.into_str(), Self::Closed.into_str()];
}

/// What one person and one of our numbers have written to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    pub(crate) recipient: Recipient,
    /// Ours.
    pub(crate) number: String,
    pub(crate) state: ConversationState,
    /// Who looks after it, in the tenant's words.
    pub(crate) assignee: Option<String>,
    /// Messages that nobody has looked at.
    pub(crate) unread: u64,
    /// Why people should look: [`Made`].
    pub(crate) attention: Option<String>,
    pub(crate) last_at: UnixMicros,
    pub(crate) quiet_until: Option<UnixMicros>,
    pub(crate) stop_confirmed_at: Option<UnixMicros>,
}

/// Where one of our messages is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum SaidState {
    /// The tenant's program is asked for it.
    Asking,
    /// It waits for its time.
    Due,
    /// It is a message, and goes its way.
    Sent,
    /// It is none, and will not be.
    Failed,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) id: u64,
    /// Where it stands among inbound messages; `None`: it is ours.
    pub(crate) inbound: Option<String>,
    pub(crate) at: UnixMicros,
    /// `None`: it was erased, or is still to be asked for.
    pub(crate) text: Option<String>,
    pub(crate) made: String,
    pub(crate) rule: Option<AutoReplyId>,
    pub(crate) confidence: Option<u8>,
    pub(crate) opted_out: bool,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) state: Option<String>,
    pub(crate) message: Option<MessageId>,
    pub(crate) reason: Option<String>,
}

/// Which conversations are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) state: Option<ConversationState>,
    /// Those that people should look at.
    pub(crate) attention: Option<bool>,
    pub(crate) unread: Option<bool>,
    pub(crate) assignee: Option<String>,
    pub(crate) recipient: Option<Recipient>,
}

/// What of a conversation is to be another way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    pub(crate) state: Option<ConversationState>,
    pub(crate) assignee: Option<Option<String>>,
    /// All of it was looked at.
    pub(crate) read: bool,
}

const COLUMNS: &str =
    "id, recipient, number, state, assignee, unread, attention, last_at, quiet_until, stop_confirmed_at";

const SAID: &str = "id, inbound, at, text, kind, rule, confidence, opted_out, campaign, state, message, reason";

impl Replies {
    /// A tenant's conversations, the latest first, behind that time and id.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn conversations(
        &self,
        tenant: TenantId,
        wanted: &Wanted,
        (behind, limit): (Option<(UnixMicros, ConversationId)>, usize),
    ) -> Result<Vec<Conversation>, DatabaseError> {
        let mut query = select(tenant);
        if let Some(state) = wanted.state {
            query.push(" AND state = ").value(state.into_str());
        }
        if let Some(attention) = wanted.attention {
            query.push(if attention {
                " AND attention IS NOT NULL"
            } else {
                " AND attention IS NULL"
            });
        }
        if let Some(unread) = wanted.unread {
            query.push(if unread { " AND unread > 0" } else { " AND unread = 0" });
        }
        if let Some(assignee) = &wanted.assignee {
            query.push(" AND assignee = ").value(assignee.as_str());
        }
        if let Some(recipient) = wanted.recipient {
            query.push(" AND recipient = ").value(recipient.0.cast_signed());
        }
        if let Some((at, id)) = behind {
            query.push(" AND (last_at < ").value(at.0.cast_signed());
            query.push(" OR last_at = ").value(at.0.cast_signed());
            query.push(" AND id < ").value(id.0.cast_signed()).push(")");
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY last_at DESC, id DESC LIMIT ").value(limit);
        self.0.database.rows(query, read).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ReplyFault::NotFound`], or the database's.
    pub(crate) async fn conversation(&self, tenant: TenantId, id: ConversationId) -> Result<Conversation, ReplyFault> {
        let mut query = select(tenant);
        query.push(" AND id = ").value(id.0.cast_signed());
        self.0.database.row(query, read).await?.ok_or(ReplyFault::NotFound)
    }

    /// What was said in a conversation, the latest first, behind that message.
    ///
    /// # Errors
    /// The database's, or when the tenant's key cannot be had.
    pub(crate) async fn said(
        &self,
        (tenant, id): (TenantId, ConversationId),
        (behind, limit): (Option<u64>, usize),
    ) -> Result<Vec<Said>, ReplyFault> {
        let mut query = Sql::new("SELECT ");
        query
            .push(SAID)
            .push(" FROM conversation_message WHERE conversation = ");
        query.value(id.0.cast_signed());
        if let Some(behind) = behind {
            query.push(" AND id < ").value(behind.cast_signed());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY id DESC LIMIT ").value(limit);
        let mut all = self.0.database.rows(query, read_said).await?;
        for said in &mut all {
            said.text = self.0.opened(tenant, said.text.take()).await?;
        }
        Ok(all)
    }

    /// Begins a conversation of a person with one of the tenant's numbers, or goes on with it.
    ///
    /// # Errors
    /// [`ReplyFault::NotOurs`], or the database's.
    pub(crate) async fn begin(
        &self,
        (tenant, recipient): (TenantId, Recipient),
        number: &str,
    ) -> Result<Conversation, ReplyFault> {
        if !self.0.is_own(tenant, number) {
            return Err(ReplyFault::NotOurs);
        }
        let mut change = self.0.database.change_of(tenant).await?;
        let whose = (tenant, recipient, number);
        open_conversation(&mut change, whose, self.0.clock.unix()).await?;
        let begun = conversation_of(&mut change, whose).await?;
        change.commit().await?;
        begun.ok_or(ReplyFault::NotFound)
    }

    /// All conversations with a person, each with what was said, at most so much of each.
    ///
    /// # Errors
    /// The database's, or when the tenant's key cannot be had.
    pub(crate) async fn conversations_with(
        &self,
        tenant: TenantId,
        recipient: Recipient,
        limit: usize,
    ) -> Result<Vec<(Conversation, Vec<Said>)>, ReplyFault> {
        let wanted = Wanted {
            recipient: Some(recipient),
            ..Wanted::default()
        };
        let mut all = Vec::new();
        for conversation in self.conversations(tenant, &wanted, (None, limit)).await? {
            let said = self.said((tenant, conversation.id), (None, limit)).await?;
            all.push((conversation, said));
        }
        Ok(all)
    }

    /// Forgets all conversations with a person, and what was offered to them, and what they answered to surveys.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn forget_person(&self, tenant: TenantId, recipient: Recipient) -> Result<(), ReplyFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut delete = Sql::new("DELETE FROM conversation WHERE tenant = ");
        delete.value(tenant.0);
        delete.push(" AND recipient = ").value(recipient.0.cast_signed());
        change.run(delete).await?;
        for own in ["DELETE FROM offer_person", "DELETE FROM survey_run"] {
            let mut delete = Sql::new(own);
            delete.push(" WHERE tenant = ").value(tenant.0);
            delete.push(" AND recipient = ").value(recipient.0.cast_signed());
            change.run(delete).await?;
        }
        let mut delete = Sql::new("DELETE FROM waiting_person WHERE tenant = ");
        delete.value(tenant.0);
        delete.push(" AND number = ").value(recipient.0.cast_signed());
        change.run(delete).await?;
        Ok(change.commit().await?)
    }

    /// Writes to the person: a message, from the number of the conversation. Asked again with the same token it is the same.
    ///
    /// # Errors
    /// [`ReplyFault::NotFound`], [`ReplyFault::NotOurs`], why the message is not taken, or the database's.
    pub(crate) async fn write(
        &self,
        (tenant, id): (TenantId, ConversationId),
        (text, token): (&str, Token),
    ) -> Result<MessageId, ReplyFault> {
        let conversation = self.conversation(tenant, id).await?;
        let (to, number) = (conversation.recipient, conversation.number.as_str());
        if !self.0.is_own(tenant, number) {
            return Err(ReplyFault::NotOurs);
        }
        let message = self.0.campaigns.send(tenant, &order(to, number, text), token).await?;
        let now = self.0.clock.unix();
        let mut change = self.0.database.change_of(tenant).await?;
        let said = change.numbers("conversation_message", 1).await?;
        let mut insert = Sql::new("INSERT INTO conversation_message (tenant, conversation, ");
        insert.push(SAID).push(") VALUES (").value(tenant.0);
        insert.push(", ").value(id.0.cast_signed()).push(", ").value(said);
        insert.push(", NULL, ").value(now.0.cast_signed());
        insert.push(", ").value(self.0.sealed(tenant, text).await?);
        insert.push(", ").value(Made::Person.code());
        insert.push(", NULL, NULL, 0, NULL, ").value(SaidState::Sent.into_str());
        insert.push(", ").value(message.0.cast_signed());
        insert.push(", NULL) ON CONFLICT (message) DO NOTHING");
        change.run(insert).await?;
        let mut update = Sql::new("UPDATE conversation SET unread = 0, attention = NULL, state = 'open', last_at = ");
        update
            .value(now.0.cast_signed())
            .push(" WHERE id = ")
            .value(id.0.cast_signed());
        change.run(update).await?;
        change.commit().await?;
        Ok(message)
    }
}

impl Shared {
    /// Whether messages of the tenant's are sent from that number.
    pub(super) fn is_own(&self, tenant: TenantId, number: &str) -> bool {
        let owned = self.numbers.find(number);
        owned.is_some_and(|owned| owned.has(tenant))
    }

    /// A text as it is kept.
    pub(super) async fn sealed(&self, tenant: TenantId, text: &str) -> Result<String, ReplyFault> {
        Ok(self.store.text_key(Some(tenant)).await?.own().encrypt_text(text)?)
    }

    /// A text that was kept; `None`: it was erased.
    pub(super) async fn opened(&self, tenant: TenantId, text: Option<String>) -> Result<Option<String>, ReplyFault> {
        let Some(text) = text else { return Ok(None) };
        match self.store.text_key(Some(tenant)).await?.own().decrypt_text(&text) {
            Ok(text) => Ok(Some(text)),
            Err(EncryptionFault::Unreadable) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// Opens the conversation of a person with a number; it is made if there is none.
pub(super) async fn open_conversation(
    change: &mut Change,
    (tenant, recipient, number): (TenantId, Recipient, &str),
    at: UnixMicros,
) -> Result<(), DatabaseError> {
    let id = change.numbers("conversation", 1).await?;
    let mut upsert =
        Sql::new("INSERT INTO conversation (id, tenant, recipient, number, state, unread, last_at) VALUES (");
    upsert.value(id).push(", ").value(tenant.0);
    upsert
        .push(", ")
        .value(recipient.0.cast_signed())
        .push(", ")
        .value(number);
    upsert.push(", 'open', 0, ").value(at.0.cast_signed());
    upsert.push(") ON CONFLICT (tenant, recipient, number) DO UPDATE SET state = 'open', last_at = ");
    upsert
        .push("CASE WHEN conversation.last_at < excluded.last_at THEN excluded.last_at ELSE conversation.last_at END");
    change.run(upsert).await.map(drop)
}

/// The conversation of a person with a number.
pub(super) async fn conversation_of(
    change: &mut Change,
    (tenant, recipient, number): (TenantId, Recipient, &str),
) -> Result<Option<Conversation>, DatabaseError> {
    let mut query = select(tenant);
    query.push(" AND recipient = ").value(recipient.0.cast_signed());
    query.push(" AND number = ").value(number);
    Ok(change.rows(query, read).await?.into_iter().next())
}

/// A message from one of our numbers.
pub(super) fn order(to: Recipient, number: &str, text: &str) -> DirectOrder {
    DirectOrder {
        to: to.to_string(),
        text: text.to_owned(),
        sender: number.to_owned(),
        // An answer to somebody who wrote is what they asked for.
        purpose: Purpose::Transactional,
        own_number: true,
        without_consent: false,
        in_hours: false,
        guests_only: false,
        link: None,
        encoding: None,
        validity: None,
        parameters: Parameters::default(),
    }
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM conversation WHERE tenant = ")
        .value(tenant.0);
    query
}

fn time(number: i64) -> UnixMicros {
    UnixMicros(number.cast_unsigned())
}

fn read(row: &Found<'_>) -> Result<Conversation, DatabaseError> {
    Ok(Conversation {
        id: ConversationId(row.number(0)?.cast_unsigned()),
        recipient: Recipient(row.number(1)?.cast_unsigned()),
        number: row.text(2)?,
        state: row.parsed(3, "the state of a conversation", |state| state.parse().ok())?,
        assignee: row.text_if_any(4)?,
        unread: row.number(5)?.cast_unsigned(),
        attention: row.text_if_any(6)?,
        last_at: time(row.number(7)?),
        quiet_until: row.number_if_any(8)?.map(time),
        stop_confirmed_at: row.number_if_any(9)?.map(time),
    })
}

fn read_said(row: &Found<'_>) -> Result<Said, DatabaseError> {
    let id = |column| Ok::<_, DatabaseError>(row.number_if_any(column)?.map(i64::cast_unsigned));
    Ok(Said {
        id: row.number(0)?.cast_unsigned(),
        inbound: row.text_if_any(1)?,
        at: time(row.number(2)?),
        text: row.text_if_any(3)?,
        made: row.text(4)?,
        rule: id(5)?.map(AutoReplyId),
        confidence: row.number_if_any(6)?.map(|confidence| confidence as u8),
        opted_out: row.number(7)? == 1,
        campaign: id(8)?.map(CampaignId),
        state: row.text_if_any(9)?,
        message: id(10)?.map(MessageId),
        reason: row.text_if_any(11)?,
    })
}
