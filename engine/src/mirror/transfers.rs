//! Credits of resellers, in SQL, and their moves to tenants and back, whose other half is in Redis.
//!
//! A move is written down first, as pending, then done at the tenant, once for its number, and is over when the tenant's line has been
//! copied. Whatever is killed between, the start and each round finish what is pending: no credit is made, and none is lost. What a
//! reseller gives is gone from its balance when it is written down, what it takes back comes to it when it is over.

use super::{Between, Mirror, MirrorFault, Shared, UNDONE};
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{ResellerId, TenantId, UnixMicros};
use crate::store::{Half, Token, Transfer, TransferKind};

/// Moves that are finished in one go.
const AT_ONCE: usize = 500;

/// What a reseller has of credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Given by operators, in all.
    pub(crate) granted: u64,
    /// Taken back by them, in all.
    pub(crate) withdrawn: u64,
    /// Free to be given to tenants.
    pub(crate) available: u64,
}

/// Credits that are to move between a reseller and a tenant of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move<'a> {
    pub(crate) reseller: ResellerId,
    pub(crate) tenant: TenantId,
    pub(crate) kind: TransferKind,
    pub(crate) credits: u64,
    pub(crate) reference: &'a str,
    /// Of the request: it moves them once, as its reference does.
    pub(crate) token: Token,
}

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transferred {
    Done,
    /// Whoever gives has no more than that.
    Short {
        available: u64,
    },
    /// The tenant would have too many.
    TooMany,
    /// So many others were moved for that reference.
    ReferenceTaken {
        credits: u64,
    },
}

/// What an operator does to a reseller's credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum ByOperator {
    /// Credits come to it.
    Grant,
    /// Credits that it has given to nobody go.
    Withdraw,
}

/// A line of a reseller's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResellerLine {
    pub(crate) number: u64,
    /// grant, withdraw, give, take_back
    pub(crate) kind: String,
    pub(crate) credits: u64,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) reference: String,
    pub(crate) at: UnixMicros,
}

/// What is read of a line to finish it.
struct Pending {
    transfer: Transfer,
    is_over: bool,
}

const PENDING: &str = "SELECT number, kind, tenant, credits, reference, pending FROM reseller_line";

impl Mirror {
    /// Gives a reseller credits, or takes some back, once for each token and reference.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn book_reseller(
        &self,
        (id, what): (ResellerId, ByOperator),
        (credits, reference): (u64, &str),
        (token, now): (Token, UnixMicros),
    ) -> Result<Transferred, DatabaseError> {
        let kind = what.into_str();
        let mut change = self.0.database.change().await?;
        lock(&mut change, id).await?;
        let mut known = Sql::new("SELECT credits FROM reseller_line WHERE ");
        same((id, kind, 0), (token, reference), &mut known);
        let known = change.rows(known, |row| Ok(row.number(0)? as u64)).await?;
        match known.first() {
            Some(known) if *known == credits => return Ok(Transferred::Done),
            Some(known) => return Ok(Transferred::ReferenceTaken { credits: *known }),
            None => {}
        }
        if what == ByOperator::Withdraw {
            let available = balance_of(&change.rows(sums_of(id), read_sum).await?).available;
            if available < credits {
                return Ok(Transferred::Short { available });
            }
        }
        let number = change.numbers("reseller_line", 1).await?;
        let mut put = line((number, id, kind), (credits, 0), reference);
        put.value(now.0 as i64).push(", ").value(token.hex()).push(", 0)");
        change.run(put).await?;
        change.commit().await?;
        Ok(Transferred::Done)
    }

    /// A reseller's credits.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn balance(&self, id: ResellerId) -> Result<Balance, DatabaseError> {
        let sums = self.0.database.rows(sums_of(id), read_sum).await?;
        Ok(balance_of(&sums))
    }

    /// Lines of a reseller's ledger, the newest first, behind one, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn reseller_ledger(
        &self,
        id: ResellerId,
        (between, behind, limit): (Between, Option<u64>, usize),
    ) -> Result<Vec<ResellerLine>, DatabaseError> {
        let mut some =
            Sql::new("SELECT number, kind, credits, tenant, reference, at FROM reseller_line WHERE reseller = ");
        some.value(i64::from(id.0));
        if let Some(behind) = behind {
            some.push(" AND number < ")
                .value(i64::try_from(behind).unwrap_or(i64::MAX));
        }
        between.ask(&mut some);
        some.push(" ORDER BY number DESC LIMIT ").value(limit as i64);
        let read = |row: &Found<'_>| {
            Ok(ResellerLine {
                number: row.number(0)? as u64,
                kind: row.text(1)?,
                credits: row.number(2)? as u64,
                tenant: Some(row.number(3)?).filter(|id| *id > 0).map(|id| TenantId(id as u32)),
                reference: row.text(4)?,
                at: UnixMicros(row.number(5)? as u64),
            })
        };
        self.0.database.rows(some, read).await
    }

    /// Moves credits, once for each token and reference.
    ///
    /// # Errors
    /// When either does not answer: what was written down is finished later, and the same request finishes it as well.
    pub(crate) async fn transfer(&self, order: &Move<'_>, now: UnixMicros) -> Result<Transferred, MirrorFault> {
        // One at a time, so that nobody gives up a move that another is about to finish.
        let _moving = self.0.moving.lock().await;
        match self.0.write_down(order, now).await? {
            Ok(pending) => self.0.finish(pending).await,
            Err(refused) => Ok(refused),
        }
    }

    /// Whether a move of that request was written down.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn has_moved(&self, token: Token) -> Result<bool, DatabaseError> {
        let mut known = Sql::new("SELECT COUNT(*) FROM reseller_line WHERE token = ");
        known.value(token.hex());
        Ok(self.0.database.count(known).await? > 0)
    }

    /// Credits of moves that are over and have no other half: 0, always. For the auditor.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn lost_halves(&self) -> Result<u64, DatabaseError> {
        let mut lost =
            Sql::new("SELECT CAST(COALESCE(SUM(credits), 0) AS BIGINT) FROM reseller_line WHERE pending = 0");
        lost.push(
            " AND kind NOT IN ('grant', 'withdraw') AND NOT EXISTS (SELECT 1 FROM ledger_line WHERE transfer = reseller_line.number",
        );
        lost.push(" AND ledger_line.tenant = reseller_line.tenant AND ledger_line.credits = reseller_line.credits");
        lost.push(" AND undone < ").value(UNDONE).push(")");
        self.0.database.count(lost).await
    }
}

impl Shared {
    /// Finishes what was left half done.
    pub(super) async fn finish_transfers(&self) -> Result<(), MirrorFault> {
        let _moving = self.moving.lock().await;
        let mut some = Sql::new(PENDING);
        some.push(" WHERE pending = 1 ORDER BY number LIMIT ")
            .value(AT_ONCE as i64);
        for pending in self.database.rows(some, read_pending).await? {
            let (number, tenant) = (pending.transfer.number, pending.transfer.tenant);
            let moved = self.finish(pending).await?;
            tracing::warn!(%tenant, number, ?moved, "a reseller's move of credits was left half done and has been finished");
        }
        Ok(())
    }

    /// A move as it stands in the reseller's ledger; `Err`: what keeps it from being written there.
    async fn write_down(
        &self,
        order: &Move<'_>,
        now: UnixMicros,
    ) -> Result<Result<Pending, Transferred>, DatabaseError> {
        let mut change = self.database.change().await?;
        lock(&mut change, order.reseller).await?;
        let mut known = Sql::new(PENDING);
        known.push(" WHERE ");
        let of = (order.reseller, order.kind.code(), i64::from(order.tenant.0));
        same(of, (order.token, order.reference), &mut known);
        if let Some(known) = change.rows(known, read_pending).await?.into_iter().next() {
            let credits = known.transfer.credits;
            return Ok(match credits == order.credits {
                true => Ok(known),
                false => Err(Transferred::ReferenceTaken { credits }),
            });
        }
        if order.kind == TransferKind::Give {
            let sums = change.rows(sums_of(order.reseller), read_sum).await?;
            let available = balance_of(&sums).available;
            if available < order.credits {
                return Ok(Err(Transferred::Short { available }));
            }
        }
        let number = change.numbers("reseller_line", 1).await?;
        let tenant = i64::from(order.tenant.0);
        let mut put = line(
            (number, order.reseller, order.kind.code()),
            (order.credits, tenant),
            order.reference,
        );
        put.value(now.0 as i64).push(", ").value(order.token.hex()).push(", 1)");
        change.run(put).await?;
        change.commit().await?;
        let transfer = Transfer {
            number: number as u64,
            kind: order.kind,
            tenant: order.tenant,
            credits: order.credits,
            reference: order.reference.to_owned(),
        };
        Ok(Ok(Pending {
            transfer,
            is_over: false,
        }))
    }

    /// Does the tenant's half if it is not done, and ends the move.
    async fn finish(&self, Pending { transfer, is_over }: Pending) -> Result<Transferred, MirrorFault> {
        if is_over {
            return Ok(Transferred::Done);
        }
        let number = transfer.number;
        // A Redis that was rebuilt, or that did this more than a day ago, knows its line alone.
        self.copy(&[transfer.tenant]).await?;
        let half = match self.has_half(number).await? {
            true => Half::Done,
            false => self.store.transfer(&transfer, self.clock.unix()).await?,
        };
        let refused = match half {
            Half::Done => None,
            Half::TooMany | Half::NoTenant => Some(Transferred::TooMany),
            Half::Short => {
                let tenant = self.store.tenant(transfer.tenant).await?;
                let available = tenant.map_or(0, |tenant| tenant.credits.available);
                Some(Transferred::Short { available })
            }
        };
        let mut end = match refused {
            // Nothing has moved.
            Some(_) => Sql::new("DELETE FROM reseller_line WHERE number = "),
            None => {
                self.copy(&[transfer.tenant]).await?;
                Sql::new("UPDATE reseller_line SET pending = 0 WHERE number = ")
            }
        };
        end.value(number as i64);
        let mut change = self.database.change().await?;
        change.run(end).await?;
        change.commit().await?;
        Ok(refused.unwrap_or(Transferred::Done))
    }

    /// Whether a tenant's line of it has been copied.
    async fn has_half(&self, number: u64) -> Result<bool, DatabaseError> {
        let mut half = Sql::new("SELECT COUNT(*) FROM ledger_line WHERE transfer = ");
        half.value(number as i64).push(" AND undone < ").value(UNDONE);
        Ok(self.database.count(half).await? > 0)
    }
}

/// Of two who change a reseller's credits at once the second sees what the first has done.
async fn lock(change: &mut Change, id: ResellerId) -> Result<(), DatabaseError> {
    let mut lock = Sql::new("UPDATE reseller SET name = name WHERE id = ");
    lock.value(i64::from(id.0));
    change.run(lock).await.map(drop)
}

/// Lines of the same request, or of that reseller, kind and tenant for the same reference.
fn same((reseller, kind, tenant): (ResellerId, &'static str, i64), (token, reference): (Token, &str), query: &mut Sql) {
    query.push("(token = ").value(token.hex());
    if !reference.is_empty() {
        query.push(" OR reseller = ").value(i64::from(reseller.0));
        query.push(" AND reference = ").value(reference);
        query
            .push(" AND kind = ")
            .value(kind)
            .push(" AND tenant = ")
            .value(tenant);
    }
    query.push(")");
}

/// The beginning of what puts a line; its time, token and whether it is pending follow.
fn line(
    (number, reseller, kind): (i64, ResellerId, &'static str),
    (credits, tenant): (u64, i64),
    reference: &str,
) -> Sql {
    let mut put = Sql::new("INSERT INTO reseller_line ");
    put.push("(number, reseller, kind, credits, tenant, reference, at, token, pending) VALUES (");
    put.value(number).push(", ").value(i64::from(reseller.0));
    put.push(", ").value(kind).push(", ").value(credits as i64);
    put.push(", ").value(tenant).push(", ").value(reference).push(", ");
    put
}

impl Shared {
    /// What resellers have taken back of each tenant.
    pub(super) async fn taken_back(&self) -> Result<Vec<(TenantId, u64)>, DatabaseError> {
        let mut sums =
            Sql::new("SELECT tenant, CAST(SUM(credits) AS BIGINT) FROM reseller_line WHERE pending = 0 AND kind = ");
        sums.value(TransferKind::TakeBack.code()).push(" GROUP BY tenant");
        let read = |row: &Found<'_>| Ok((TenantId(row.number(0)? as u32), row.number(1)? as u64));
        self.database.rows(sums, read).await
    }
}

fn sums_of(id: ResellerId) -> Sql {
    let mut sums = Sql::new("SELECT kind, pending, CAST(SUM(credits) AS BIGINT) FROM reseller_line WHERE reseller = ");
    sums.value(i64::from(id.0)).push(" GROUP BY kind, pending");
    sums
}

fn read_sum(row: &Found<'_>) -> Result<(String, bool, u64), DatabaseError> {
    Ok((row.text(0)?, row.number(1)? == 1, row.number(2)? as u64))
}

fn balance_of(sums: &[(String, bool, u64)]) -> Balance {
    let of = |wanted: &str, with_pending: bool| -> u64 {
        let those = sums
            .iter()
            .filter(|(kind, pending, _)| kind == wanted && (with_pending || !pending));
        those.map(|(_, _, credits)| credits).sum()
    };
    // Before any is given on, and never more than is left.
    let granted = of(ByOperator::Grant.into_str(), true);
    let withdrawn = of(ByOperator::Withdraw.into_str(), true);
    let back = of(TransferKind::TakeBack.code(), false);
    Balance {
        granted,
        withdrawn,
        available: (granted + back).saturating_sub(withdrawn + of(TransferKind::Give.code(), true)),
    }
}

fn read_pending(row: &Found<'_>) -> Result<Pending, DatabaseError> {
    Ok(Pending {
        transfer: Transfer {
            number: row.number(0)? as u64,
            kind: row.parsed(1, "which way credits move", |kind| kind.parse().ok())?,
            tenant: TenantId(row.number(2)? as u32),
            credits: row.number(3)? as u64,
            reference: row.text(4)?,
        },
        is_over: row.number(5)? == 0,
    })
}
