//! A Redis that was killed may have lost what it was given last: lines of ledgers that were copied do not stand any more.

use super::{MirrorFault, Shared, UNDONE};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::TenantId;
use crate::store::{Grant, Half, LedgerPlace, Store, StoreError, Token, Transfer, TransferKind};

/// Lines that are compared at once.
const AT_ONCE: usize = 500;

/// A grant, or the tenant's half of a reseller's move, that Redis has lost, and that is to be made again.
const AGAIN: i64 = 1;

impl Shared {
    /// Finds the lines of a ledger that Redis does not have any more: credits that were granted are granted again, and the rest is
    /// written again by what it was about.
    pub(super) async fn mend(&self, tenant: TenantId) -> Result<(), MirrorFault> {
        let (mut gone, mut place) = (Vec::new(), None);
        loop {
            let some = self.movements(tenant, place, AT_ONCE).await?;
            let places: Vec<LedgerPlace> = some.iter().map(|movement| movement.place).collect();
            let there = self.store.ledger_has(tenant, &places).await?;
            let lost = there.iter().position(|is_there| *is_there).unwrap_or(some.len());
            gone.extend(some.into_iter().take(lost));
            let Some(last) = places.last().filter(|_| lost == places.len()) else {
                place = places.get(lost).copied();
                break;
            };
            place = Some(*last);
        }
        self.is_same_redis().await?;
        let mut change = self.database.change().await?;
        for movement in &gone {
            let is_moved = movement.kind == "grant" || movement.transfer.is_some();
            let undone = if is_moved { AGAIN } else { UNDONE };
            change.run(mark(tenant, movement.place, undone)).await?;
        }
        change.commit().await?;
        self.set_place(tenant, place.unwrap_or_default());
        if !gone.is_empty() {
            tracing::warn!(%tenant, lines = gone.len(), "Redis has lost the end of a ledger: what was granted there is granted again");
        }
        self.grant_again(Some(tenant)).await
    }

    /// Grants, and halves of resellers' moves, that were lost, of one tenant or of all.
    pub(super) async fn grant_again(&self, of: Option<TenantId>) -> Result<(), MirrorFault> {
        let mut query = Sql::new(
            "SELECT tenant, milliseconds, number, credits, reference, transfer, kind, token FROM ledger_line WHERE undone = ",
        );
        query.value(AGAIN);
        if let Some(tenant) = of {
            query.push(" AND tenant = ").value(i64::from(tenant.0));
        }
        query.push(" ORDER BY tenant, milliseconds, number");
        for lost in self.database.rows(query, read_lost).await? {
            let is_done = self.again(&lost).await?;
            if !is_done {
                self.is_same_redis().await?;
                let (tenant, credits) = (lost.tenant, lost.credits);
                tracing::error!(%tenant, credits, "credits that Redis has lost cannot be moved again");
            }
            let mut change = self.database.change().await?;
            change.run(mark(lost.tenant, lost.place, UNDONE)).await?;
            if let (false, Some(number)) = (is_done, lost.transfer) {
                // The reseller's half ends as that of any move that the tenant's half cannot follow.
                let mut open = Sql::new("UPDATE reseller_line SET pending = 1 WHERE number = ");
                open.value(number as i64);
                change.run(open).await?;
            }
            change.commit().await?;
        }
        Ok(())
    }

    /// What Redis was found to lack until now, it has lost at its end: it was not emptied meanwhile, nor is it another. Of one that was,
    /// nothing is concluded; the next start rebuilds it from the lines as they stand.
    async fn is_same_redis(&self) -> Result<(), StoreError> {
        match self.redis.get() {
            Some(id) => self.store.is_database(id).await,
            None => Ok(()),
        }
    }

    /// Moves credits again whose line was lost; `false`: that is not possible any more.
    async fn again(&self, lost: &Lost) -> Result<bool, MirrorFault> {
        let (tenant, credits, now) = (lost.tenant, lost.credits, self.clock.unix());
        let Some(number) = lost.transfer else {
            let grant = Grant {
                tenant,
                credits,
                reference: &lost.reference,
                // Who asks for it again as well is answered, and gets no second one.
                token: lost.token.unwrap_or_else(|| Store::token_of_line(tenant, lost.place)),
            };
            return Ok(self.store.grant(&grant, now).await?.flatten().is_some());
        };
        let transfer = Transfer {
            number,
            kind: lost.kind,
            tenant,
            credits,
            reference: lost.reference.clone(),
        };
        Ok(self.store.transfer(&transfer, now).await? == Half::Done)
    }
}

/// A line that Redis has lost.
struct Lost {
    tenant: TenantId,
    place: LedgerPlace,
    credits: u64,
    reference: String,
    transfer: Option<u64>,
    kind: TransferKind,
    /// What its request was known by, where that was written down.
    token: Option<Token>,
}

fn read_lost(row: &Found<'_>) -> Result<Lost, DatabaseError> {
    Ok(Lost {
        tenant: TenantId(row.number(0)? as u32),
        place: LedgerPlace {
            milliseconds: row.number(1)? as u64,
            number: row.number(2)? as u64,
        },
        credits: row.number(3)? as u64,
        reference: row.text(4)?,
        transfer: row.number_if_any(5)?.map(|number| number as u64),
        kind: match row.text(6)?.as_str() {
            "withdraw" => TransferKind::TakeBack,
            _ => TransferKind::Give,
        },
        token: row.text_if_any(7)?.and_then(|token| Token::from_hex(&token)),
    })
}

fn mark(tenant: TenantId, place: LedgerPlace, undone: i64) -> Sql {
    let mut mark = Sql::new("UPDATE ledger_line SET undone = ");
    mark.value(undone).push(" WHERE tenant = ").value(i64::from(tenant.0));
    mark.push(" AND milliseconds = ").value(place.milliseconds as i64);
    mark.push(" AND number = ").value(place.number as i64);
    mark
}
