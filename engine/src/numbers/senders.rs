//! Names that tenants ask for: approved, or refused with a reason.

use super::requests::{NEWEST, SHOWN, check_open};
use super::{NumberFault, Numbers, RequestState};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{SenderRequestId, TenantId, UnixMicros};

/// A tenant asks for a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SenderRequest {
    pub(crate) id: SenderRequestId,
    pub(crate) tenant: TenantId,
    pub(crate) sender: String,
    /// What it is for, in the tenant's words.
    pub(crate) note: String,
    /// The protected name that it looks like, or the generic one that it is.
    pub(crate) resembles: Option<String>,
    pub(crate) state: RequestState,
    pub(crate) answer: String,
    pub(crate) created_at: UnixMicros,
    pub(crate) answered_at: Option<UnixMicros>,
}

const COLUMNS: &str = "id, tenant, sender, note, resembles, state, answer, created_at, answered_at";

impl Numbers {
    /// A tenant asks for a sender; one that it has asked for and that nobody has answered is not asked for again.
    ///
    /// # Errors
    /// [`NumberFault::TooManyOpen`], or the database's.
    pub(crate) async fn ask_for_sender(
        &self,
        tenant: TenantId,
        (sender, note): (&str, &str),
        resembles: Option<&str>,
    ) -> Result<SenderRequest, NumberFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut open = Sql::new("SELECT ");
        open.push(COLUMNS)
            .push(" FROM sender_request WHERE state = 'open' AND tenant = ");
        open.value(tenant.0).push(" AND sender = ").value(sender);
        if let Some(known) = change.rows(open, read).await?.into_iter().next() {
            return Ok(known);
        }
        check_open(&mut change, tenant, "sender_request").await?;
        let id = change.numbers("sender_request", 1).await?;
        let request = SenderRequest {
            id: SenderRequestId(id.cast_unsigned()),
            tenant,
            sender: sender.to_owned(),
            note: note.to_owned(),
            resembles: resembles.map(str::to_owned),
            state: RequestState::Open,
            answer: String::new(),
            created_at: self.0.clock.unix(),
            answered_at: None,
        };
        let mut insert = Sql::new("INSERT INTO sender_request (");
        insert.push(COLUMNS).push(") VALUES (").value(id);
        insert.push(", ").value(tenant.0).push(", ").value(sender);
        insert
            .push(", ")
            .value(note)
            .push(", ")
            .value(request.resembles.clone());
        insert.push(", ").value(request.state.into_str()).push(", '', ");
        insert.value(request.created_at.0.cast_signed()).push(", NULL)");
        change.run(insert).await?;
        change.commit().await?;
        Ok(request)
    }

    /// What a tenant has asked for, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn senders_asked_for(&self, tenant: TenantId) -> Result<Vec<SenderRequest>, DatabaseError> {
        let mut query = Sql::new("SELECT ");
        query.push(COLUMNS).push(" FROM sender_request WHERE tenant = ");
        query.value(tenant.0).push(NEWEST).value(SHOWN);
        self.0.database.rows(query, read).await
    }

    /// A request that nobody has answered.
    ///
    /// # Errors
    /// [`NumberFault::NotFound`], [`NumberFault::Answered`], or the database's.
    pub(crate) async fn open_sender(
        &self,
        (tenant, id): (TenantId, SenderRequestId),
    ) -> Result<SenderRequest, NumberFault> {
        let request = self.sender_request((tenant, id)).await?;
        match request.state {
            RequestState::Open => Ok(request),
            RequestState::Granted | RequestState::Refused => Err(NumberFault::Answered),
        }
    }

    /// Answers a request: it is approved, or not.
    ///
    /// # Errors
    /// As [`Numbers::open_sender`].
    pub(crate) async fn answer_sender(
        &self,
        (tenant, id): (TenantId, SenderRequestId),
        (state, answer): (RequestState, &str),
    ) -> Result<SenderRequest, NumberFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut update = Sql::new("UPDATE sender_request SET state = ");
        update.value(state.into_str()).push(", answer = ").value(answer);
        update
            .push(", answered_at = ")
            .value(self.0.clock.unix().0.cast_signed());
        update.push(" WHERE state = 'open' AND tenant = ").value(tenant.0);
        update.push(" AND id = ").value(id.0.cast_signed());
        if change.run(update).await? == 0 {
            return Err(NumberFault::Answered);
        }
        change.commit().await?;
        self.sender_request((tenant, id)).await
    }

    async fn sender_request(&self, (tenant, id): (TenantId, SenderRequestId)) -> Result<SenderRequest, NumberFault> {
        let mut query = Sql::new("SELECT ");
        query.push(COLUMNS).push(" FROM sender_request WHERE tenant = ");
        query.value(tenant.0).push(" AND id = ").value(id.0.cast_signed());
        self.0.database.row(query, read).await?.ok_or(NumberFault::NotFound)
    }
}

fn read(row: &Found<'_>) -> Result<SenderRequest, DatabaseError> {
    Ok(SenderRequest {
        id: SenderRequestId(row.number(0)?.cast_unsigned()),
        tenant: TenantId(row.number(1)? as u32),
        sender: row.text(2)?,
        note: row.text(3)?,
        resembles: row.text_if_any(4)?,
        state: row.parsed(5, "the state of a request for a sender", |state| state.parse().ok())?,
        answer: row.text(6)?,
        created_at: UnixMicros(row.number(7)?.cast_unsigned()),
        answered_at: row.number_if_any(8)?.map(|at| UnixMicros(at.cast_unsigned())),
    })
}
