//! Ledgers: copied line by line, read to their end, summed up.

use std::sync::PoisonError;

use serde::Deserialize;

use super::{Mirror, MirrorFault, Shared, UNDONE};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{CampaignId, TenantId, UnixMicros};
use crate::store::{Credits, LedgerEntry, LedgerPlace, StoreError, Token};

/// Ledgers that are read in one round trip.
const TENANTS_AT_ONCE: usize = 200;

/// Lines of a ledger that are read at once.
const LINES_AT_ONCE: usize = 500;

/// Redis keeps a line for 400 days: before this, one that it does not have any more is not missed.
pub(super) const KEPT_MS: u64 = 399 * 86_400_000;

/// Before the first line.
const BEGIN: LedgerPlace = LedgerPlace {
    milliseconds: 0,
    number: 0,
};

/// A movement of a tenant's credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Movement {
    pub(crate) place: LedgerPlace,
    /// grant, withdraw, hold, debit, release, recredit
    pub(crate) kind: String,
    pub(crate) credits: u64,
    /// What they were for, if it was a campaign.
    pub(crate) campaign: Option<CampaignId>,
    /// The operator's or reseller's words, of a grant or withdrawal.
    pub(crate) reference: String,
    /// Whose other half it is, of what came from a reseller, or went there.
    pub(crate) transfer: Option<u64>,
    /// What the request of a grant was known by.
    pub(crate) token: Option<Token>,
    /// Microseconds since 1970.
    pub(crate) at: u64,
    /// Where they were, and where they are since; `None` of a line that was not read from SQL.
    pub(crate) accounts: Option<(Account, Account)>,
}

/// Where credits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Account {
    Operator,
    /// The reseller's, or on their way there or back.
    #[strum(serialize = "transfer")]
    Reseller,
    Available,
    Held,
    Spent,
}

impl Account {
    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Reseller => "reseller",
            Self::Operator | Self::Available | Self::Held | Self::Spent => self.into_str(),
        }
    }
}

/// A line as Redis has it.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    credits: u64,
    #[serde(default)]
    campaign: Option<String>,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    transfer: Option<String>,
    #[serde(default)]
    token: Option<String>,
    at: String,
}

/// What the lines of a ledger come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) credits: Credits,
    /// What is held, by campaign.
    pub(super) held: Vec<(CampaignId, u64)>,
}

/// From which time on, and before which, lines are asked for; `None`: whenever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Between {
    pub(crate) since: Option<UnixMicros>,
    pub(crate) until: Option<UnixMicros>,
}

impl Between {
    /// Adds the conditions to a query of lines.
    pub(super) fn ask(self, query: &mut Sql) {
        let bounds = [(" AND at >= ", self.since), (" AND at < ", self.until)];
        for (condition, bound) in bounds {
            if let Some(bound) = bound {
                query.push(condition).value(i64::try_from(bound.0).unwrap_or(i64::MAX));
            }
        }
    }
}

/// Whose lines are asked for, and of when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinesOf {
    pub(crate) tenant: TenantId,
    pub(crate) between: Between,
}

impl From<TenantId> for LinesOf {
    fn from(tenant: TenantId) -> Self {
        let between = Between::default();
        Self { tenant, between }
    }
}

impl Mirror {
    /// Movements of a tenant's credits, the newest first, behind a place, at most `limit`.
    ///
    /// # Errors
    /// When either does not answer.
    pub(crate) async fn ledger(
        &self,
        of: impl Into<LinesOf>,
        behind: Option<LedgerPlace>,
        limit: usize,
    ) -> Result<Vec<Movement>, MirrorFault> {
        let of = of.into();
        self.0.copy(&[of.tenant]).await?;
        Ok(self.0.movements(of, behind, limit).await?)
    }
}

impl Mirror {
    /// How many credits an operator has granted a tenant for that reference; `None`: none, or there is no reference.
    ///
    /// # Errors
    /// When either does not answer.
    pub(crate) async fn granted_for(&self, tenant: TenantId, reference: &str) -> Result<Option<u64>, MirrorFault> {
        if reference.is_empty() {
            return Ok(None);
        }
        self.0.copy(&[tenant]).await?;
        let mut known =
            Sql::new("SELECT credits FROM ledger_line WHERE kind = 'grant' AND transfer IS NULL AND tenant = ");
        known.value(tenant.0).push(" AND reference = ").value(reference);
        known.push(" AND undone < ").value(UNDONE).push(" LIMIT 1");
        let known = self.0.database.rows(known, |row| Ok(row.number(0)? as u64)).await?;
        Ok(known.into_iter().next())
    }
}

impl Shared {
    /// Every ledger is to be looked at.
    pub(super) async fn unread_all(&self) -> Result<(), MirrorFault> {
        let all = self.store.tenant_ids(0, None).await?;
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).extend(all);
        Ok(())
    }

    /// Copies what was written since the last time.
    pub(super) async fn copy_ledgers(&self) -> Result<(), MirrorFault> {
        let written = self.store.written_ledgers();
        self.unread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(written);
        loop {
            let some: Vec<TenantId> = {
                let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
                unread.iter().take(TENANTS_AT_ONCE).copied().collect()
            };
            if some.is_empty() {
                return Ok(());
            }
            self.copy(&some).await?;
            let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
            unread.retain(|tenant| !some.contains(tenant));
        }
    }

    /// Copies ledgers to their ends.
    pub(super) async fn copy(&self, tenants: &[TenantId]) -> Result<(), MirrorFault> {
        let mut open = tenants.to_vec();
        while !open.is_empty() {
            let mut asked = Vec::with_capacity(open.len());
            for tenant in &open {
                asked.push((*tenant, self.place(*tenant).await?));
            }
            // One more: the line that is there already shows that Redis still has it.
            let found = self.store.ledgers_from(&asked, LINES_AT_ONCE + 1).await?;
            open.clear();
            let (mut fresh, mut ends) = (Vec::new(), Vec::new());
            for ((tenant, place), mut lines) in asked.into_iter().zip(found) {
                if self.is_missed(place) && lines.first().is_none_or(|first| first.place != place) {
                    self.mend(tenant).await?;
                    open.push(tenant);
                    continue;
                }
                if lines.len() > LINES_AT_ONCE {
                    open.push(tenant);
                }
                lines.retain(|entry| entry.place > place);
                if let Some(last) = lines.last() {
                    ends.push((tenant, last.place));
                }
                fresh.extend(lines.into_iter().map(|entry| (tenant, entry)));
            }
            self.keep_lines(&fresh).await?;
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            places.extend(ends);
        }
        Ok(())
    }

    /// Whether Redis has lost something when it has no line there.
    fn is_missed(&self, place: LedgerPlace) -> bool {
        place != BEGIN && place.milliseconds + KEPT_MS > self.clock.unix().0 / 1_000
    }

    /// How far a ledger was copied.
    async fn place(&self, tenant: TenantId) -> Result<LedgerPlace, DatabaseError> {
        let known = self
            .places
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&tenant)
            .copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let last = self.movements(tenant, None, 1).await?;
        let place = last.first().map_or(BEGIN, |movement| movement.place);
        self.set_place(tenant, place);
        Ok(place)
    }

    pub(super) fn set_place(&self, tenant: TenantId, place: LedgerPlace) {
        self.places
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tenant, place);
    }

    async fn keep_lines(&self, fresh: &[(TenantId, LedgerEntry)]) -> Result<(), MirrorFault> {
        if fresh.is_empty() {
            return Ok(());
        }
        let mut change = self.database.change().await?;
        for some in fresh.chunks(LINES_AT_ONCE) {
            let mut put = Sql::new("INSERT INTO ledger_line ");
            put.push(
                "(tenant, milliseconds, number, kind, credits, campaign, reference, at, transfer, token, undone) VALUES ",
            );
            for (at, (tenant, entry)) in some.iter().enumerate() {
                let movement = read_line(entry).ok_or(StoreError::Corrupt("a line of a ledger"))?;
                put.push(if at == 0 { "(" } else { ", (" });
                put.value(i64::from(tenant.0))
                    .push(", ")
                    .value(entry.place.milliseconds as i64);
                put.push(", ")
                    .value(entry.place.number as i64)
                    .push(", ")
                    .value(movement.kind);
                put.push(", ").value(movement.credits as i64);
                put.push(", ").value(movement.campaign.map(|id| id.0 as i64));
                put.push(", ")
                    .value(movement.reference)
                    .push(", ")
                    .value(movement.at as i64);
                put.push(", ").value(movement.transfer.map(|number| number as i64));
                put.push(", ").value(movement.token.map(Token::hex));
                put.push(", 0)");
            }
            put.push(" ON CONFLICT (tenant, milliseconds, number) DO NOTHING");
            change.run(put).await?;
        }
        Ok(change.commit().await?)
    }

    /// Lines that stand, the newest first.
    pub(super) async fn movements(
        &self,
        of: impl Into<LinesOf>,
        behind: Option<LedgerPlace>,
        limit: usize,
    ) -> Result<Vec<Movement>, DatabaseError> {
        let LinesOf { tenant, between } = of.into();
        let mut query = Sql::new(
            "SELECT milliseconds, number, kind, credits, campaign, reference, at, transfer, token, source, destination FROM ledger_entry",
        );
        query.push(" WHERE tenant = ").value(i64::from(tenant.0));
        if let Some(LedgerPlace { milliseconds, number }) = behind {
            query.push(" AND (milliseconds < ").value(milliseconds as i64);
            query.push(" OR milliseconds = ").value(milliseconds as i64);
            query.push(" AND number < ").value(number as i64).push(")");
        }
        between.ask(&mut query);
        query.push(" ORDER BY milliseconds DESC, number DESC LIMIT ");
        query.value(limit as i64);
        let read = |row: &Found<'_>| {
            Ok(Movement {
                place: LedgerPlace {
                    milliseconds: row.number(0)? as u64,
                    number: row.number(1)? as u64,
                },
                kind: row.text(2)?,
                credits: row.number(3)? as u64,
                campaign: row.number_if_any(4)?.map(|id| CampaignId(id as u64)),
                reference: row.text(5)?,
                at: row.number(6)? as u64,
                transfer: row.number_if_any(7)?.map(|number| number as u64),
                token: row.text_if_any(8)?.and_then(|token| Token::from_hex(&token)),
                accounts: Some((account(row, 9)?, account(row, 10)?)),
            })
        };
        self.database.rows(query, read).await
    }

    /// What a tenant's ledger comes to.
    pub(super) async fn sums(&self, tenant: TenantId) -> Result<Sums, DatabaseError> {
        let mut query = Sql::new("SELECT COALESCE(campaign, 0), kind, CAST(SUM(credits) AS BIGINT) FROM ledger_line");
        query.push(" WHERE tenant = ").value(i64::from(tenant.0));
        query.push(" AND undone = 0 GROUP BY COALESCE(campaign, 0), kind ORDER BY 1");
        let read = |row: &Found<'_>| Ok((row.number(0)? as u64, row.text(1)?, row.number(2)? as u64));
        Ok(sum_up(&self.database.rows(query, read).await?))
    }
}

/// From sums by campaign and kind, in the order of the campaigns.
fn sum_up(rows: &[(u64, String, u64)]) -> Sums {
    let mut sums = Sums::default();
    for of_one in rows.chunk_by(|one, other| one.0 == other.0) {
        let of = |wanted: &str| {
            let rows = of_one.iter().filter(|(_, kind, _)| kind == wanted);
            rows.map(|(_, _, credits)| credits).sum::<u64>()
        };
        sums.credits.granted += of("grant").saturating_sub(of("withdraw"));
        sums.credits.withdrawn += of("withdraw");
        sums.credits.spent += of("debit");
        sums.credits.recredited += of("recredit");
        // Of a direct campaign no holds are written: what of it was debited was held, and older versions have written what was released.
        let held = of("hold").saturating_sub(of("debit") + of("release"));
        if held > 0 {
            sums.held.push((CampaignId(of_one[0].0), held));
        }
        sums.credits.held += held;
    }
    let credits = &mut sums.credits;
    credits.spent = credits.spent.saturating_sub(credits.recredited);
    credits.held = credits.held.min(credits.granted.saturating_sub(credits.spent));
    credits.available = credits.granted.saturating_sub(credits.spent + credits.held);
    sums
}

fn account(row: &Found<'_>, at: usize) -> Result<Account, DatabaseError> {
    row.parsed(at, "where credits are", |account| account.parse().ok())
}

fn read_line(entry: &LedgerEntry) -> Option<Movement> {
    let line: Line = serde_json::from_str(&entry.line).ok()?;
    Some(Movement {
        place: entry.place,
        kind: line.kind,
        credits: line.credits,
        campaign: line.campaign.and_then(|id| id.parse().ok()),
        reference: line.reference,
        transfer: line.transfer.and_then(|number| number.parse().ok()),
        token: line.token.and_then(|token| Token::from_hex(&token)),
        at: line.at.parse().ok()?,
        accounts: None,
    })
}

impl Movement {
    /// As Redis has it.
    pub(super) fn line(&self) -> LedgerEntry {
        let mut line = serde_json::json!({ "type": self.kind, "credits": self.credits, "at": self.at.to_string() });
        match self.campaign {
            Some(campaign) => line["campaign"] = campaign.to_string().into(),
            None => line["reference"] = self.reference.clone().into(),
        }
        if let Some(number) = self.transfer {
            line["transfer"] = number.to_string().into();
        }
        if let Some(token) = self.token {
            line["token"] = token.hex().into();
        }
        LedgerEntry {
            place: self.place,
            line: line.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances_are_what_the_lines_come_to() {
        let row = |campaign, kind: &str, credits| (campaign, kind.to_owned(), credits);
        let sums = sum_up(&[
            row(0, "grant", 1_200),
            row(0, "withdraw", 200),
            row(3, "hold", 100),
            row(3, "debit", 60),
            row(3, "recredit", 5),
            // Messages one by one: without a hold.
            row(4, "debit", 20),
            row(5, "hold", 30),
            row(5, "debit", 10),
            row(5, "release", 20),
        ]);
        assert_eq!(sums.held, [(CampaignId(3), 40)]);
        let Credits {
            granted,
            withdrawn,
            available,
            held,
            spent,
            recredited,
        } = sums.credits;
        assert_eq!((granted, held, spent, recredited), (1_000, 40, 85, 5));
        assert_eq!(withdrawn, 200);
        assert_eq!(available, 1_000 - 40 - 85);
    }

    #[test]
    fn a_line_comes_back() {
        let entry = LedgerEntry {
            place: LedgerPlace {
                milliseconds: 1_800_000_000_000,
                number: 2,
            },
            line: r#"{"type":"grant","credits":1000000000000,"reference":"Facture «7»","at":"1800000000000000"}"#
                .to_owned(),
        };
        let mut movement = read_line(&entry).unwrap();
        assert_eq!(read_line(&movement.line()).unwrap(), movement);
        assert_eq!((movement.credits, movement.campaign), (1_000_000_000_000, None));
        movement.transfer = Some(7);
        assert_eq!(read_line(&movement.line()).unwrap(), movement);
    }
}
