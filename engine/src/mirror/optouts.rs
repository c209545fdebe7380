//! Who wants no messages.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::PoisonError;

use super::{Mirror, MirrorFault, Shared};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{Purpose, Recipient, TenantId, UnixMicros, UnknownId};
use crate::store::{Again, InboundPlace, OptOut};

/// Opt-outs in one statement.
const AT_ONCE: usize = 1_000;

/// Opt-outs that are read from SQL at once.
const READ_MAX: usize = 10_000;

/// All tenants, as a tenant.
const ALL: u32 = 0;

/// Why a number gets no messages, as SQL keeps it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Because {
    /// That was said or written.
    Said,
    /// A person who has it agrees to advertising no more: it ends when they agree again.
    Withdrawal,
    /// Redis has it, and nobody knows why.
    Found,
}

impl Because {
    const fn stored(self) -> &'static str {
        match self {
            Self::Said | Self::Found => "",
            Self::Withdrawal => "withdrawal",
        }
    }

    /// What becomes of one that is known.
    const fn beside(self) -> &'static str {
        match self {
            // Who has written STOP as well does not take that back by agreeing again.
            Self::Said => "UPDATE SET because = excluded.because",
            Self::Withdrawal | Self::Found => "NOTHING",
        }
    }
}

/// An opt-out of one tenant's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeptOptOut {
    pub(crate) place: OptOutPlace,
    /// A person who has the number agrees to advertising no more; else it was said, or written.
    pub(crate) is_withdrawal: bool,
    pub(crate) since: UnixMicros,
}

/// Where it stands among all of a tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OptOutPlace {
    pub(crate) recipient: Recipient,
    pub(crate) purpose: Purpose,
}

impl fmt::Display for OptOutPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.recipient.0, self.purpose.code())
    }
}

impl FromStr for OptOutPlace {
    type Err = UnknownId;

    fn from_str(text: &str) -> Result<Self, UnknownId> {
        let (recipient, purpose) = text.split_once('-').ok_or(UnknownId)?;
        Ok(Self {
            recipient: Recipient(recipient.parse().map_err(|_| UnknownId)?),
            purpose: purpose.parse().map_err(|_| UnknownId)?,
        })
    }
}

/// What became of opt-outs that were to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lifted {
    pub(crate) lifted: u64,
    /// Numbers of people who were erased: they agree again first.
    pub(crate) erased: u64,
}

impl Mirror {
    /// A tenant's opt-outs by number, behind a place, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn opt_outs(
        &self,
        tenant: TenantId,
        behind: Option<OptOutPlace>,
        limit: usize,
    ) -> Result<Vec<KeptOptOut>, MirrorFault> {
        let mut some = Sql::new("SELECT recipient, purpose, because, at FROM opt_out WHERE tenant = ");
        some.value(tenant.0);
        if let Some(OptOutPlace { recipient, purpose }) = behind {
            let recipient = recipient.0.cast_signed();
            some.push(" AND (recipient > ").value(recipient);
            some.push(" OR recipient = ").value(recipient);
            some.push(" AND purpose > ").value(purpose.code()).push(")");
        }
        some.push(" ORDER BY recipient, purpose LIMIT ").value(limit as i64);
        let read = |row: &Found<'_>| {
            Ok(KeptOptOut {
                place: OptOutPlace {
                    recipient: Recipient(row.number(0)? as u64),
                    purpose: row.parsed(1, "the purpose of an opt-out", |code| code.parse().ok())?,
                },
                is_withdrawal: row.text(2)? == Because::Withdrawal.stored(),
                since: UnixMicros(row.number(3)? as u64),
            })
        };
        Ok(self.0.database.rows(some, read).await?)
    }

    /// People want messages of a tenant again, as it says. Who agrees to advertising no more, and who was erased, stays opted out until they
    /// agree again.
    ///
    /// # Errors
    /// When either does not answer. Asked again, what was not done is done.
    pub(crate) async fn lift(
        &self,
        tenant: TenantId,
        purposes: &[Purpose],
        numbers: &[Recipient],
    ) -> Result<Lifted, MirrorFault> {
        let withdrawn = self.opposed_since(tenant, numbers).await?;
        let withdrawn: HashSet<Recipient> = withdrawn.into_iter().map(|(number, _)| number).collect();
        let mut lifted = Lifted::default();
        for number in numbers {
            if self.0.erased.has(tenant, *number) {
                lifted.erased += 1;
                continue;
            }
            for purpose in purposes {
                if *purpose == Purpose::Marketing && withdrawn.contains(number) {
                    continue;
                }
                let again = Again::Said(InboundPlace::at(self.0.clock.unix()));
                lifted.lifted += u64::from(self.opt_in((tenant, *purpose), *number, again).await?);
            }
        }
        Ok(lifted)
    }

    /// Keeps that recipients do not want messages: of one tenant, or of all. Returns how many were not known before.
    ///
    /// # Errors
    /// When either does not answer. Asked again, what was not done is done.
    pub(crate) async fn opt_out(
        &self,
        tenant: Option<TenantId>,
        purposes: &[Purpose],
        recipients: &[Recipient],
    ) -> Result<u64, MirrorFault> {
        let now = self.0.clock.unix();
        let of = |purpose: &Purpose| {
            let purpose = *purpose;
            recipients.iter().map(move |recipient| OptOut {
                tenant,
                purpose,
                recipient: *recipient,
            })
        };
        self.0
            .keep(&purposes.iter().flat_map(of).collect::<Vec<_>>(), (Because::Said, now))
            .await?;
        Ok(self.0.store.opt_out(tenant, purposes, recipients, now).await?)
    }

    /// Keeps that people with these numbers agree to a tenant's advertising no more.
    ///
    /// # Errors
    /// When either does not answer. Asked again, what was not done is done.
    pub(crate) async fn oppose(&self, tenant: TenantId, numbers: &[Recipient]) -> Result<(), MirrorFault> {
        let now = self.0.clock.unix();
        let of = |number: &Recipient| OptOut {
            tenant: Some(tenant),
            purpose: Purpose::Marketing,
            recipient: *number,
        };
        let all: Vec<OptOut> = numbers.iter().map(of).collect();
        self.0.keep(&all, (Because::Withdrawal, now)).await?;
        let marketing = [Purpose::Marketing];
        self.0.store.opt_out(Some(tenant), &marketing, numbers, now).await?;
        Ok(())
    }

    /// Those of some numbers that get no advertising since somebody agrees no more, and for no other reason that is known; and since when.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn opposed_since(
        &self,
        tenant: TenantId,
        numbers: &[Recipient],
    ) -> Result<Vec<(Recipient, UnixMicros)>, MirrorFault> {
        let mut since = Vec::new();
        for some in numbers.chunks(AT_ONCE) {
            let mut query = Sql::new("SELECT recipient, at FROM opt_out WHERE tenant = ");
            query
                .value(tenant.0)
                .push(" AND purpose = ")
                .value(Purpose::Marketing.code());
            query.push(" AND because = ").value(Because::Withdrawal.stored());
            query.push(" AND recipient IN (");
            query.list(some.iter().map(|number| number.0.cast_signed())).push(")");
            let read = |row: &Found<'_>| Ok((Recipient(row.number(0)? as u64), UnixMicros(row.number(1)? as u64)));
            since.extend(self.0.database.rows(query, read).await?);
        }
        Ok(since)
    }

    /// Those of some numbers that get no advertising of a tenant, whatever the reason.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn refusing(
        &self,
        tenant: TenantId,
        numbers: &[Recipient],
    ) -> Result<HashSet<Recipient>, DatabaseError> {
        let mut refusing = HashSet::new();
        for some in numbers.chunks(AT_ONCE) {
            let mut query = Sql::new("SELECT recipient FROM opt_out WHERE purpose = ");
            query
                .value(Purpose::Marketing.code())
                .push(" AND (tenant = ")
                .value(tenant.0);
            // Who wrote STOP to nobody, and is back for that tenant, is refused by the others alone.
            query.push(" OR tenant = ").value(tenant_number(None));
            query
                .push(" AND NOT EXISTS (SELECT 1 FROM opt_out_back AS back WHERE back.tenant = ")
                .value(tenant.0);
            query.push(" AND back.purpose = opt_out.purpose AND back.recipient = opt_out.recipient))");
            query.push(" AND recipient IN (");
            query.list(some.iter().map(|number| number.0.cast_signed())).push(")");
            let number = |row: &Found<'_>| Ok(Recipient(row.number(0)? as u64));
            refusing.extend(self.0.database.rows(query, number).await?);
        }
        Ok(refusing)
    }

    /// Who agreed no more since then agrees again: a number gets advertising again, unless STOP was written from it since.
    ///
    /// # Errors
    /// When either does not answer. Asked again, what was not done is done.
    pub(crate) async fn agree_again(
        &self,
        tenant: TenantId,
        number: Recipient,
        since: UnixMicros,
    ) -> Result<(), MirrorFault> {
        let behind = Again::Said(InboundPlace::at(since));
        let marketing = (tenant, Purpose::Marketing);
        if self.0.store.opt_in(marketing, number, behind).await? {
            self.forget_opt_out(marketing, number).await?;
        }
        Ok(())
    }

    /// Somebody wants messages of a tenant again. Returns whether they wanted none.
    ///
    /// # Errors
    /// When either does not answer. Asked again, what was not done is done.
    pub(crate) async fn opt_in(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        recipient: Recipient,
        again: Again,
    ) -> Result<bool, MirrorFault> {
        let (shared, of) = (&self.0, (tenant, purpose));
        let is_written = matches!(again, Again::Written(_));
        let is_kept = is_written && shared.keep_back(of, recipient).await?;
        let is_about_erased = is_written && purpose == Purpose::Marketing;
        let was_erased = is_about_erased && self.end_erasure(tenant, recipient, again).await?;
        let was_out = shared.store.opt_in(of, recipient, again).await?;
        if is_kept && !shared.store.is_back(of, recipient).await? {
            // They have written STOP since.
            shared.forget_back(of, recipient).await?;
        }
        if was_out {
            let opt_out = OptOut {
                tenant: Some(tenant),
                purpose,
                recipient,
            };
            self.0
                .opted_out
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&opt_out);
            // One that is being copied just now stays, until they ask again: rather too few messages than too many.
            self.forget_opt_out((tenant, purpose), recipient).await?;
        }
        Ok(was_out || was_erased)
    }

    async fn forget_opt_out(&self, of: (TenantId, Purpose), recipient: Recipient) -> Result<(), MirrorFault> {
        let mut change = self.0.database.change().await?;
        let mut delete = Sql::new("DELETE FROM opt_out WHERE tenant = ");
        delete.value(of.0.0).push(" AND purpose = ").value(of.1.code());
        delete.push(" AND recipient = ").value(recipient.0.cast_signed());
        change.run(delete).await?;
        Ok(change.commit().await?)
    }

    /// Somebody has written that no advertising is wanted, and Redis has it.
    pub(crate) fn opted_out(&self, tenant: Option<TenantId>, recipient: Recipient) {
        let mut opted_out = self.0.opted_out.lock().unwrap_or_else(PoisonError::into_inner);
        opted_out.insert(OptOut {
            tenant,
            purpose: Purpose::Marketing,
            recipient,
        });
    }
}

impl Shared {
    /// Copies what people have written since the last time.
    pub(super) async fn keep_opted_out(&self) -> Result<(), MirrorFault> {
        let all = std::mem::take(&mut *self.opted_out.lock().unwrap_or_else(PoisonError::into_inner));
        let list: Vec<OptOut> = all.iter().copied().collect();
        let kept = self.keep(&list, (Because::Said, self.clock.unix())).await;
        if kept.is_err() {
            self.opted_out
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(all);
        }
        kept
    }

    async fn keep(&self, all: &[OptOut], (because, now): (Because, UnixMicros)) -> Result<(), MirrorFault> {
        // Of a number that was erased, its hash says so.
        let is_erased = |one: &OptOut| one.tenant.is_some_and(|tenant| self.erased.has(tenant, one.recipient));
        // Each once: a statement may not change a row twice.
        let mut seen = HashSet::new();
        let all = all.iter().copied().filter(|one| seen.insert(*one));
        let (mut erased, all): (Vec<OptOut>, Vec<OptOut>) = all.partition(is_erased);
        erased.retain(|_| because == Because::Said);
        if all.is_empty() && erased.is_empty() {
            return Ok(());
        }
        let mut change = self.database.change().await?;
        self.note_said(&mut change, &erased).await?;
        for some in all.chunks(AT_ONCE) {
            let mut put = Sql::new("INSERT INTO opt_out (tenant, purpose, recipient, at, because) VALUES ");
            for (at, opt_out) in some.iter().enumerate() {
                put.push(if at == 0 { "(" } else { ", (" });
                put.value(tenant_number(opt_out.tenant)).push(", ");
                put.value(opt_out.purpose.code()).push(", ");
                put.value(opt_out.recipient.0 as i64).push(", ");
                put.value(now.0 as i64).push(", ").value(because.stored()).push(")");
            }
            put.push(" ON CONFLICT (tenant, purpose, recipient) DO ")
                .push(because.beside());
            change.run(put).await?;
        }
        let to_nobody = all
            .iter()
            .filter(|one| one.tenant.is_none() && because == Because::Said);
        for one in to_nobody {
            let mut forget = Sql::new("DELETE FROM opt_out_back WHERE recipient = ");
            forget.value(one.recipient.0.cast_signed());
            forget.push(" AND purpose = ").value(one.purpose.code());
            change.run(forget).await?;
        }
        change.commit().await?;
        if !erased.is_empty() {
            self.read_erased().await?;
        }
        Ok(())
    }

    /// Whoever wants nobody's messages wants this tenant's again. In SQL first: without Redis, it would be kept for nothing. Returns whether
    /// that is new.
    async fn keep_back(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        recipient: Recipient,
    ) -> Result<bool, MirrorFault> {
        // The STOP of before is there first.
        self.keep_opted_out().await?;
        let mut put = Sql::new("INSERT INTO opt_out_back (recipient, purpose, tenant, at) SELECT recipient, purpose, ");
        put.value(i64::from(tenant.0))
            .push(", ")
            .value(self.clock.unix().0.cast_signed());
        put.push(" FROM opt_out WHERE tenant = 0 AND purpose = ")
            .value(purpose.code());
        put.push(" AND recipient = ").value(recipient.0.cast_signed());
        put.push(" ON CONFLICT (recipient, purpose, tenant) DO NOTHING");
        let mut change = self.database.change().await?;
        let put = change.run(put).await?;
        change.commit().await?;
        Ok(put > 0)
    }

    async fn forget_back(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        recipient: Recipient,
    ) -> Result<(), MirrorFault> {
        let mut forget = Sql::new("DELETE FROM opt_out_back WHERE tenant = ");
        forget
            .value(i64::from(tenant.0))
            .push(" AND purpose = ")
            .value(purpose.code());
        forget.push(" AND recipient = ").value(recipient.0.cast_signed());
        let mut change = self.database.change().await?;
        change.run(forget).await?;
        Ok(change.commit().await?)
    }

    /// At the start, of a purpose: what SQL knows of those who are back, Redis knows then if it was emptied; else what it does not know is
    /// not so any more.
    async fn agree_on_back(&self, purpose: Purpose, was_emptied: bool) -> Result<(), MirrorFault> {
        let mut query = Sql::new("SELECT tenant, recipient FROM opt_out_back WHERE purpose = ");
        query.value(purpose.code());
        let read = |row: &Found<'_>| Ok((TenantId(row.number(0)? as u32), Recipient(row.number(1)? as u64)));
        let all = self.database.rows(query, read).await?;
        for (tenant, recipient) in all {
            if was_emptied {
                let again = Again::Written(InboundPlace::at(self.clock.unix()));
                self.store.opt_in((tenant, purpose), recipient, again).await?;
            } else if !self.store.is_back((tenant, purpose), recipient).await? {
                self.forget_back((tenant, purpose), recipient).await?;
            }
        }
        Ok(())
    }

    /// At the start: what only one of the two knows, both know then. They are compared by their counts.
    pub(super) async fn agree_on_opt_outs(&self) -> Result<(), MirrorFault> {
        for purpose in Purpose::ALL {
            let (of_one, of_all) = self.store.count_opt_outs(*purpose).await?;
            for (scope, there) in [(false, of_one), (true, of_all)] {
                let mut count = Sql::new("SELECT COUNT(*) FROM opt_out WHERE purpose = ");
                count.value(purpose.code());
                count.push(if scope { " AND tenant = 0" } else { " AND tenant > 0" });
                let erased = if scope { 0 } else { self.erased.count(*purpose) };
                if self.database.count(count).await? + erased != there {
                    self.unite(*purpose, scope).await?;
                }
            }
            self.agree_on_back(*purpose, of_all == 0).await?;
        }
        Ok(())
    }

    async fn unite(&self, purpose: Purpose, of_all: bool) -> Result<(), MirrorFault> {
        for partition in self.store.all_partitions() {
            let mut cursor = 0;
            loop {
                let (some, next) = self.store.scan_opt_outs(partition, (purpose, of_all), cursor).await?;
                self.keep(&some, (Because::Found, self.clock.unix())).await?;
                if next == 0 {
                    break;
                }
                cursor = next;
            }
        }
        let mut behind = (-1, -1);
        loop {
            let some = self.kept(purpose, of_all, behind).await?;
            let Some(last) = some.last() else {
                return Ok(());
            };
            behind = *last;
            for of_tenant in some.chunk_by(|one, other| one.0 == other.0) {
                let tenant = (!of_all).then_some(TenantId(of_tenant[0].0 as u32));
                let recipients: Vec<_> = of_tenant.iter().map(|(_, number)| Recipient(*number as u64)).collect();
                let now = self.clock.unix();
                self.store.opt_out(tenant, &[purpose], &recipients, now).await?;
            }
        }
    }

    /// Tenant and recipient of some that SQL has, in their order, behind a pair.
    async fn kept(
        &self,
        purpose: Purpose,
        of_all: bool,
        (tenant, recipient): (i64, i64),
    ) -> Result<Vec<(i64, i64)>, MirrorFault> {
        let mut some = Sql::new("SELECT tenant, recipient FROM opt_out WHERE purpose = ");
        some.value(purpose.code());
        some.push(if of_all { " AND tenant = 0" } else { " AND tenant > 0" });
        some.push(" AND (tenant > ").value(tenant);
        some.push(" OR tenant = ")
            .value(tenant)
            .push(" AND recipient > ")
            .value(recipient);
        some.push(") ORDER BY tenant, recipient LIMIT ").value(READ_MAX as i64);
        let pair = |row: &Found<'_>| Ok((row.number(0)?, row.number(1)?));
        Ok(self.database.rows(some, pair).await?)
    }
}

fn tenant_number(tenant: Option<TenantId>) -> i64 {
    tenant.map_or(ALL, |tenant| tenant.0).into()
}
