//! What tenants ask for: a number of some kind, in some country.

use strum::{EnumString, IntoStaticStr};

use super::{NumberFault, Numbers, OurNumber};
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{Country, NumberId, NumberRequestId, ResellerId, TenantId, UnixMicros};

/// The longest note of a request, or answer to one, in characters.
pub(crate) const NOTE_MAX: usize = 500;

/// Requests of one tenant that are shown: those that are open, and then the newest.
pub(super) const SHOWN: i64 = 500;
pub(super) const NEWEST: &str = " ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, id DESC LIMIT ";

/// Requests of one kind that a tenant may have open.
pub(crate) const OPEN_MAX: usize = 100;

/// What kind of number is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum NumberKind {
    /// A few digits, within one country.
    ShortCode,
    /// A number as subscribers have.
    LongNumber,
}

impl NumberKind {
    pub(crate) const CODES: [&str; 2] = [Self::ShortCode.into_str(), Self::LongNumber.into_str()];
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum RequestState {
    /// It waits for an answer.
    Open,
    /// A number was given.
    Granted,
    Refused,
}

impl RequestState {
    pub(crate) const CODES: [&str; 3] = [
        Self::Open.into_str(),
        Self::Granted.into_str(),
        Self::Refused.into_str(),
    ];
}

/// A tenant asks for a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NumberRequest {
    pub(crate) id: NumberRequestId,
    pub(crate) tenant: TenantId,
    pub(crate) kind: NumberKind,
    pub(crate) country: Country,
    pub(crate) two_way: bool,
    /// What it is for, in the tenant's words.
    pub(crate) note: String,
    pub(crate) state: RequestState,
    pub(crate) number: Option<String>,
    pub(crate) answer: String,
    pub(crate) created_at: UnixMicros,
}

const COLUMNS: &str = "id, tenant, kind, country, two_way, note, state, number, answer, created_at";

impl Numbers {
    /// A tenant asks.
    ///
    /// # Errors
    /// [`NumberFault::TooManyOpen`], or the database's.
    pub(crate) async fn ask(
        &self,
        tenant: TenantId,
        (kind, country, two_way): (NumberKind, Country, bool),
        note: &str,
    ) -> Result<NumberRequest, NumberFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        check_open(&mut change, tenant, "number_request").await?;
        let id = change.numbers("number_request", 1).await?;
        let request = NumberRequest {
            id: NumberRequestId(id.cast_unsigned()),
            tenant,
            kind,
            country,
            two_way,
            note: note.to_owned(),
            state: RequestState::Open,
            number: None,
            answer: String::new(),
            created_at: self.0.clock.unix(),
        };
        let mut insert = Sql::new("INSERT INTO number_request (");
        insert.push(COLUMNS).push(") VALUES (").value(id);
        insert.push(", ").value(tenant.0).push(", ").value(kind.into_str());
        insert.push(", ").value(country.to_string());
        insert.push(", ").value(i64::from(two_way)).push(", ").value(note);
        insert.push(", ").value(request.state.into_str()).push(", NULL, '', ");
        insert.value(request.created_at.0.cast_signed()).push(")");
        change.run(insert).await?;
        change.commit().await?;
        Ok(request)
    }

    /// What a tenant has asked for, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn asked_by(&self, tenant: TenantId) -> Result<Vec<NumberRequest>, DatabaseError> {
        let mut query = Sql::new("SELECT ");
        query.push(COLUMNS).push(" FROM number_request WHERE tenant = ");
        query.value(tenant.0).push(NEWEST).value(SHOWN);
        self.0.database.rows(query, read).await
    }

    /// Gives the tenant a number, as it asked.
    ///
    /// # Errors
    /// [`NumberFault::NotFound`], [`NumberFault::Answered`], or the database's.
    pub(crate) async fn grant(
        &self,
        (tenant, id): (TenantId, NumberRequestId),
        (number, answer): (NumberId, &str),
        manager: Option<ResellerId>,
    ) -> Result<OurNumber, NumberFault> {
        self.open_request(tenant, id).await?;
        // Again after a crash, it is the same number.
        let given = self.assign((number, tenant), manager, true).await?;
        let words = (RequestState::Granted, answer);
        self.answer((tenant, id), words, Some(given.number.to_string())).await?;
        Ok(given)
    }

    /// Says that there is none, and why.
    ///
    /// # Errors
    /// As [`Numbers::grant`].
    pub(crate) async fn refuse(
        &self,
        (tenant, id): (TenantId, NumberRequestId),
        answer: &str,
    ) -> Result<(), NumberFault> {
        self.open_request(tenant, id).await?;
        self.answer((tenant, id), (RequestState::Refused, answer), None).await
    }

    async fn open_request(&self, tenant: TenantId, id: NumberRequestId) -> Result<(), NumberFault> {
        let asked = self.asked_by(tenant).await?;
        let request = asked.iter().find(|request| request.id == id);
        match request.ok_or(NumberFault::NotFound)?.state {
            RequestState::Open => Ok(()),
            RequestState::Granted | RequestState::Refused => Err(NumberFault::Answered),
        }
    }

    async fn answer(
        &self,
        (tenant, id): (TenantId, NumberRequestId),
        (state, answer): (RequestState, &str),
        number: Option<String>,
    ) -> Result<(), NumberFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut update = Sql::new("UPDATE number_request SET state = ");
        update.value(state.into_str()).push(", answer = ").value(answer);
        update.push(", number = ").value(number);
        update
            .push(", answered_at = ")
            .value(self.0.clock.unix().0.cast_signed());
        update.push(" WHERE state = 'open' AND tenant = ").value(tenant.0);
        update.push(" AND id = ").value(id.0.cast_signed());
        if change.run(update).await? == 0 {
            return Err(NumberFault::Answered);
        }
        Ok(change.commit().await?)
    }
}

/// Whether a tenant may ask for more of that.
pub(super) async fn check_open(change: &mut Change, tenant: TenantId, table: &'static str) -> Result<(), NumberFault> {
    let mut open = Sql::new("SELECT COUNT(*) FROM ");
    open.push(table)
        .push(" WHERE state = 'open' AND tenant = ")
        .value(tenant.0);
    let counted = change.rows(open, |row| row.number(0)).await?;
    match counted.first() {
        Some(open) if *open >= OPEN_MAX as i64 => Err(NumberFault::TooManyOpen),
        Some(_) | None => Ok(()),
    }
}

fn read(row: &Found<'_>) -> Result<NumberRequest, DatabaseError> {
    Ok(NumberRequest {
        id: NumberRequestId(row.number(0)?.cast_unsigned()),
        tenant: TenantId(row.number(1)? as u32),
        kind: row.parsed(2, "a kind of number", |kind| kind.parse().ok())?,
        country: row.parsed(3, "the country of a number", |code| code.parse().ok())?,
        two_way: row.number(4)? == 1,
        note: row.text(5)?,
        state: row.parsed(6, "the state of a request for a number", |state| state.parse().ok())?,
        number: row.text_if_any(7)?,
        answer: row.text(8)?,
        created_at: UnixMicros(row.number(9)?.cast_unsigned()),
    })
}
