//! Codes: in pools, each given to one recipient of one campaign, once. Who has it is kept before it is in a message: whoever begins a
//! campaign's audience anew gives everybody the code that they were given before.

use std::collections::{HashMap, HashSet};

use super::contact::{TEXT_MAX, check_name};
use super::lists::{make_room, refused};
use super::{People, PeopleFault};
use crate::compose::fold;
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{CampaignId, CodePoolId, Recipient, TenantId, UnixMicros};
use crate::fault::{FieldProblem, Forbidden};

/// The most codes of a pool.
pub(crate) const CODES_MAX: usize = 1_000_000;

/// The longest code, in characters.
pub(crate) const CODE_MAX: usize = 40;

/// Codes that fit one statement.
const STEP: usize = 1_000;

/// Codes that are kept in one change: others write between two.
const CHANGE: usize = 20_000;

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodePool {
    pub(crate) id: CodePoolId,
    pub(crate) name: String,
    pub(crate) codes: u64,
    /// How many of them were given.
    pub(crate) used: u64,
    pub(crate) created_at: UnixMicros,
}

/// A code, and who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// Its place in the pool, from 1.
    pub(crate) number: u64,
    pub(crate) code: String,
    pub(crate) given: Option<GivenCode>,
}

/// Who has a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GivenCode {
    pub(crate) campaign: CampaignId,
    /// `None`: the person was erased.
    pub(crate) recipient: Option<Recipient>,
    pub(crate) at: UnixMicros,
}

/// How a blank is shown.
const SPACE: &str = "\u{2423}";

/// A code as a person can read it out: visible, in one piece.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_code(code: &str) -> Result<String, FieldProblem> {
    let given = code.chars().count();
    if given > CODE_MAX {
        return Err(FieldProblem::TooLong { max: CODE_MAX, given });
    }
    if code.is_empty() {
        return Err(FieldProblem::Empty);
    }
    Forbidden::check(code, &[])?;
    match code.contains(char::is_whitespace) {
        true => Err(FieldProblem::ForbiddenCharacter(Forbidden::Signs(SPACE))),
        false => Ok(code.to_owned()),
    }
}

impl People {
    /// Adds codes to the pool of that name, which is made if there is none; those that it has already stay as they are. Asked again
    /// after a crash, it goes on with the rest.
    ///
    /// # Errors
    /// [`PeopleFault::Fields`], or the database's.
    pub(crate) async fn add_codes(
        &self,
        tenant: TenantId,
        name: &str,
        codes: &[String],
    ) -> Result<CodePool, PeopleFault> {
        let name = check_name(name, TEXT_MAX).map_err(|problem| refused("/name", problem))?;
        let id = self.pool_named(tenant, &name).await?;
        for some in codes.chunks(CHANGE) {
            let mut change = self.database.change_of(tenant).await?;
            lock(&mut change, (tenant, id)).await?;
            for step in some.chunks(STEP) {
                add(&mut change, id, step).await?;
            }
            change.commit().await?;
        }
        self.code_pool(tenant, id).await
    }

    async fn pool_named(&self, tenant: TenantId, name: &str) -> Result<CodePoolId, PeopleFault> {
        let mut change = self.database.change_of(tenant).await?;
        make_room(&mut change, ("code_pool", tenant), &fold(name)).await?;
        let id = change.numbers("code_pool", 1).await?;
        let mut insert = Sql::new("INSERT INTO code_pool (id, tenant, name, name_folded, created_at) VALUES (");
        insert.value(id).push(", ").value(tenant.0).push(", ").value(name);
        insert.push(", ").value(fold(name)).push(", ");
        insert.value(self.clock.unix().0.cast_signed());
        insert.push(") ON CONFLICT (tenant, name_folded) DO NOTHING");
        change.run(insert).await?;
        let mut query = Sql::new("SELECT id FROM code_pool WHERE tenant = ");
        query.value(tenant.0).push(" AND name_folded = ").value(fold(name));
        let kept = change.rows(query, |row| row.number(0)).await?;
        change.commit().await?;
        let id = kept.first().copied().ok_or(PeopleFault::NotFound)?;
        Ok(CodePoolId(id.cast_unsigned()))
    }

    /// A tenant's pools, by name.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn code_pools(&self, tenant: TenantId) -> Result<Vec<CodePool>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" ORDER BY p.name_folded");
        self.database.rows(query, read).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`], or the database's.
    pub(crate) async fn code_pool(&self, tenant: TenantId, id: CodePoolId) -> Result<CodePool, PeopleFault> {
        let mut query = select(tenant);
        query.push(" AND p.id = ").value(id.0.cast_signed());
        self.database.row(query, read).await?.ok_or(PeopleFault::NotFound)
    }

    /// Forgets a pool with its codes. A campaign that is not launched yet and names it is refused then.
    ///
    /// # Errors
    /// As [`People::code_pool`].
    pub(crate) async fn forget_code_pool(&self, tenant: TenantId, id: CodePoolId) -> Result<(), PeopleFault> {
        self.forget_row("code_pool", tenant, id.0).await
    }

    /// Codes of a pool in the order in which they came, from behind a place on; `used`: only those that were given, or were not.
    ///
    /// # Errors
    /// As [`People::code_pool`].
    pub(crate) async fn codes(
        &self,
        (tenant, id): (TenantId, CodePoolId),
        used: Option<bool>,
        (after, limit): (u64, usize),
    ) -> Result<Vec<Code>, PeopleFault> {
        self.code_pool(tenant, id).await?;
        let mut query = Sql::new("SELECT number, code, campaign, recipient, given_at FROM code WHERE pool = ");
        query.value(id.0.cast_signed());
        query.push(" AND number > ").value(after.cast_signed());
        match used {
            Some(true) => drop(query.push(" AND campaign IS NOT NULL")),
            Some(false) => drop(query.push(" AND campaign IS NULL")),
            None => {}
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY number LIMIT ").value(limit);
        Ok(self.database.rows(query, read_code).await?)
    }

    /// How many codes a pool lacks for a campaign to so many; and the longest that is left, to be priced by.
    ///
    /// # Errors
    /// As [`People::code_pool`].
    pub(crate) async fn codes_for(
        &self,
        (tenant, id): (TenantId, CodePoolId),
        campaign: CampaignId,
        recipients: u64,
    ) -> Result<(u64, String), PeopleFault> {
        self.code_pool(tenant, id).await?;
        let (pool, campaign) = (id.0.cast_signed(), campaign.0.cast_signed());
        let mut count = Sql::new("SELECT COUNT(*) FROM code WHERE pool = ");
        count.value(pool).push(" AND (campaign IS NULL OR campaign = ");
        count.value(campaign).push(")");
        let there = self.database.count(count).await?;
        let mut longest = Sql::new("SELECT code FROM code WHERE pool = ");
        longest.value(pool).push(" AND (campaign IS NULL OR campaign = ");
        longest.value(campaign).push(") ORDER BY length(code) DESC LIMIT 1");
        let longest = self.database.row(longest, |row| row.text(0)).await?;
        Ok((recipients.saturating_sub(there), longest.unwrap_or_default()))
    }

    /// The codes of some recipients of a campaign: those that they were given before, and new ones. Fewer when there are no more.
    ///
    /// # Errors
    /// As [`People::code_pool`].
    pub(crate) async fn give_codes(
        &self,
        (tenant, pool): (TenantId, CodePoolId),
        campaign: CampaignId,
        recipients: &[Recipient],
    ) -> Result<HashMap<Recipient, String>, PeopleFault> {
        let mut change = self.database.change_of(tenant).await?;
        lock(&mut change, (tenant, pool)).await?;
        let mut codes = HashMap::with_capacity(recipients.len());
        for some in recipients.chunks(STEP) {
            let known = given(&mut change, (pool, campaign), some).await?;
            let without = some.iter().filter(|recipient| !known.contains_key(recipient));
            let without: Vec<Recipient> = without.copied().collect();
            codes.extend(known);
            codes.extend(give(&mut change, (pool, campaign), &without, self.clock.unix()).await?);
        }
        change.commit().await?;
        Ok(codes)
    }

    /// A campaign was never launched: its codes may be given to others.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn give_back_codes(&self, pool: CodePoolId, campaign: CampaignId) -> Result<(), DatabaseError> {
        let mut change = self.database.change().await?;
        let mut update =
            Sql::new("UPDATE code SET campaign = NULL, recipient = NULL, given_at = NULL WHERE campaign = ");
        update.value(campaign.0.cast_signed());
        update.push(" AND pool = ").value(pool.0.cast_signed());
        change.run(update).await?;
        change.commit().await
    }
}

/// One at a time gives codes of a pool, or adds some.
async fn lock(change: &mut Change, (tenant, pool): (TenantId, CodePoolId)) -> Result<(), PeopleFault> {
    let mut lock = Sql::new("UPDATE code_pool SET created_at = created_at WHERE tenant = ");
    lock.value(tenant.0).push(" AND id = ").value(pool.0.cast_signed());
    match change.run(lock).await? {
        0 => Err(PeopleFault::NotFound),
        _ => Ok(()),
    }
}

async fn add(change: &mut Change, pool: CodePoolId, codes: &[String]) -> Result<(), PeopleFault> {
    let pool = pool.0.cast_signed();
    let mut query = Sql::new("SELECT code FROM code WHERE pool = ");
    query.value(pool).push(" AND code IN (");
    query.list(codes.iter().map(String::as_str)).push(")");
    let mut known: HashSet<String> = change.rows(query, |row| row.text(0)).await?.into_iter().collect();
    let mut query = Sql::new("SELECT COALESCE(MAX(number), 0) FROM code WHERE pool = ");
    query.value(pool);
    let last = change.rows(query, |row| row.number(0)).await?.first().copied();
    let new: Vec<&String> = codes.iter().filter(|code| known.insert((*code).clone())).collect();
    let last = last.unwrap_or_default();
    if usize::try_from(last).unwrap_or(usize::MAX) + new.len() > CODES_MAX {
        return Err(refused("/codes", FieldProblem::TooMany { max: CODES_MAX }));
    }
    if new.is_empty() {
        return Ok(());
    }
    let mut insert = Sql::new("INSERT INTO code (pool, code, number) VALUES ");
    for (number, code) in (last + 1..).zip(&new) {
        insert.push(if number > last + 1 { ", (" } else { "(" });
        insert.value(pool).push(", ").value(code.as_str());
        insert.push(", ").value(number).push(")");
    }
    change.run(insert).await?;
    Ok(())
}

/// Those that some recipients of a campaign have.
async fn given(
    change: &mut Change,
    (pool, campaign): (CodePoolId, CampaignId),
    recipients: &[Recipient],
) -> Result<HashMap<Recipient, String>, DatabaseError> {
    let mut query = Sql::new("SELECT recipient, code FROM code WHERE pool = ");
    query.value(pool.0.cast_signed());
    query.push(" AND campaign = ").value(campaign.0.cast_signed());
    query.push(" AND recipient IN (");
    query.list(recipients.iter().map(|recipient| recipient.0.cast_signed()));
    query.push(")");
    let read = |row: &Found<'_>| Ok((Recipient(row.number(0)?.cast_unsigned()), row.text(1)?));
    Ok(change.rows(query, read).await?.into_iter().collect())
}

/// Gives these the next codes that nobody has.
async fn give(
    change: &mut Change,
    (pool, campaign): (CodePoolId, CampaignId),
    recipients: &[Recipient],
    now: UnixMicros,
) -> Result<HashMap<Recipient, String>, DatabaseError> {
    let number = pool.0.cast_signed();
    let mut query = Sql::new("SELECT number, code FROM code WHERE campaign IS NULL AND pool = ");
    query.value(number).push(" ORDER BY number LIMIT ");
    query.value(i64::try_from(recipients.len()).unwrap_or(i64::MAX));
    let left = change.rows(query, |row| Ok((row.number(0)?, row.text(1)?))).await?;
    if left.is_empty() {
        return Ok(HashMap::new());
    }
    let mut update = Sql::new("INSERT INTO code (pool, code, number, campaign, recipient, given_at) VALUES ");
    for (at, ((place, code), recipient)) in left.iter().zip(recipients).enumerate() {
        update.push(if at > 0 { ", (" } else { "(" });
        update.value(number).push(", ").value(code.as_str());
        update.push(", ").value(*place);
        update.push(", ").value(campaign.0.cast_signed());
        update.push(", ").value(recipient.0.cast_signed());
        update.push(", ").value(now.0.cast_signed()).push(")");
    }
    update.push(" ON CONFLICT (pool, code) DO UPDATE SET campaign = excluded.campaign,");
    update.push(" recipient = excluded.recipient, given_at = excluded.given_at");
    change.run(update).await?;
    Ok(recipients
        .iter()
        .copied()
        .zip(left.into_iter().map(|(_, code)| code))
        .collect())
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new(
        "SELECT p.id, p.name, (SELECT COUNT(*) FROM code WHERE code.pool = p.id), \
         (SELECT COUNT(*) FROM code WHERE code.pool = p.id AND code.campaign IS NULL), p.created_at \
         FROM code_pool p WHERE p.tenant = ",
    );
    query.value(tenant.0);
    query
}

fn read(row: &Found<'_>) -> Result<CodePool, DatabaseError> {
    let number = |at: usize| row.number(at).map(i64::cast_unsigned);
    let (codes, left) = (number(2)?, number(3)?);
    Ok(CodePool {
        id: CodePoolId(number(0)?),
        name: row.text(1)?,
        codes,
        used: codes.saturating_sub(left),
        created_at: UnixMicros(number(4)?),
    })
}

fn read_code(row: &Found<'_>) -> Result<Code, DatabaseError> {
    let given = match (row.number_if_any(2)?, row.number_if_any(4)?) {
        (Some(campaign), Some(at)) => Some(GivenCode {
            campaign: CampaignId(campaign.cast_unsigned()),
            recipient: row.number_if_any(3)?.map(|number| Recipient(number.cast_unsigned())),
            at: UnixMicros(at.cast_unsigned()),
        }),
        (None, _) | (_, None) => None,
    };
    Ok(Code {
        number: row.number(0)?.cast_unsigned(),
        code: row.text(1)?,
        given,
    })
}
