//! Tenants, their credits and their keys.

use std::collections::HashMap;
use std::sync::PoisonError;

use redis::{Cmd, Value};
use rustc_hash::FxHashSet;

use super::KeyDetails;
use super::admission::{self, Suspension};
use super::idempotency::REMEMBERED;
use super::scripts::Name;
use super::terms::{BALANCE_ALERTS, SHORT_DOMAIN, alerts};
use super::{CampaignState, KeyOwner, Store, StoreError, Token, array, bytes_or_none, integer, keys, terms};
use crate::domain::{CampaignId, Countries, ResellerId, TenantId, Terms, UnixMicros};

/// Most credits that a tenant may be granted in all: far under 2^53, where the scripts' numbers stop being exact.
pub(crate) const GRANTED_MAX: u64 = 1_000_000_000_000;

/// Grants that are remembered of a tenant: an operator makes a few a day, and each costs 100 octets.
pub(super) const GRANTS_MAX: usize = 10_000;

/// Who hosts a tenant, among what is stored of it.
pub(super) const RESELLER: &str = "reseller";

/// Tenants that are looked at in one round trip.
const TENANTS_AT_ONCE: usize = 1_000;

/// A clinic.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    /// Who hosts it; `None`: the operator.
    pub(crate) reseller: Option<ResellerId>,
    /// How often it gets a turn.
    pub(crate) weight: u8,
    /// What it has agreed on.
    pub(crate) terms: Terms,
    /// Whose numbers it may send to.
    pub(crate) countries: Countries,
    /// Whether a "CANCEL" answers its appointments, and is no opt-out.
    pub(crate) cancel_answers: bool,
    /// Nothing of it is taken or leased.
    pub(crate) suspension: Option<Suspension>,
    /// The last day on which messages of it were taken, by its clocks, and how many.
    pub(crate) last_day: (String, u64),
    /// Its credits.
    pub(crate) credits: Credits,
    pub(crate) created_at: UnixMicros,
}

/// The field of what was taken back of a tenant.
pub(super) const WITHDRAWN: &str = "withdrawn";

/// A tenant's credits: `granted = available + held + spent`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Credits {
    /// Given to it, less what was taken back.
    pub(crate) granted: u64,
    /// Taken back by its reseller, in all.
    pub(crate) withdrawn: u64,
    /// Free to be used.
    pub(crate) available: u64,
    /// Set aside for campaigns under way.
    pub(crate) held: u64,
    /// Used.
    pub(crate) spent: u64,
    /// Given back after use, in all; counted in `available` or what became of it since.
    pub(crate) recredited: u64,
}

/// What a tenant has left, and what it wants to know of that.
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    pub(crate) tenant: TenantId,
    pub(crate) available: u64,
    /// See [`Terms::balance_alerts`].
    pub(crate) alerts: Vec<u64>,
}

/// A tenant to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewTenant {
    pub(crate) name: String,
    /// Who hosts it; `None`: the operator.
    pub(crate) reseller: Option<ResellerId>,
    /// How often it gets a turn: 1 to 100.
    pub(crate) weight: u8,
    /// What it has agreed on.
    pub(crate) terms: Terms,
    /// Whose numbers it may send to.
    pub(crate) countries: Countries,
}

/// Credits to be granted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant<'a> {
    pub(crate) tenant: TenantId,
    /// How many: from 1.
    pub(crate) credits: u64,
    /// The operator's words for the ledger.
    pub(crate) reference: &'a str,
    /// Of the request: it grants once.
    pub(crate) token: Token,
}

/// What is to be booked of a campaign: sums, so that the same ones twice change nothing.
#[derive(Clone, Debug)]
pub(crate) struct Booking {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    /// Credits that it spent so far.
    pub(crate) spent: u64,
    /// Credits that it was given back so far.
    pub(crate) recredited: u64,
    /// Credits that may stay held; `None`: all.
    pub(crate) keep: Option<u64>,
    /// Only if it has so many messages; `None`: it gets no more.
    pub(crate) of_total: Option<u64>,
    /// Its state from now on, if another.
    pub(crate) state: Option<CampaignState>,
}

/// Credits that a booking moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Booked {
    /// From held to spent.
    pub(crate) debited: u64,
    /// From spent to available.
    pub(crate) recredited: u64,
    /// From held to available.
    pub(crate) released: u64,
}

impl Store {
    /// Makes a tenant without credits, with a key: its SHA-256 in hexadecimal, and what is kept of it. A request that made one before
    /// makes no other: that one gets a further key.
    pub(crate) async fn create_tenant(
        &self,
        new: &NewTenant,
        (digest, details): (&str, &KeyDetails),
        (token, now): (Token, UnixMicros),
    ) -> Result<TenantId, StoreError> {
        let (id, repeated) = self.reserve_tenant(token).await?;
        self.make_tenant(id, new, (repeated, now)).await?;
        self.add_key(id, digest, details).await?;
        Ok(id)
    }

    /// Makes a tenant's sandbox, or finishes what was left half made.
    pub(crate) async fn create_sandbox(
        &self,
        of: TenantId,
        new: &NewTenant,
        now: UnixMicros,
    ) -> Result<TenantId, StoreError> {
        self.make_tenant(of.sandbox(), new, (true, now)).await?;
        Ok(of.sandbox())
    }

    async fn make_tenant(
        &self,
        id: TenantId,
        new: &NewTenant,
        (repeated, now): (bool, UnixMicros),
    ) -> Result<(), StoreError> {
        let tenant = keys::tenant(id);
        let mut fields = vec![
            ("name", new.name.clone()),
            ("weight", new.weight.to_string()),
            ("countries", new.countries.to_string()),
            ("created_at", now.0.to_string()),
        ];
        fields.extend(terms::stored(&new.terms));
        fields.extend(new.reseller.map(|reseller| (RESELLER, reseller.0.to_string())));
        fields.push(self.new_text_key()?);
        let counters = ["granted", WITHDRAWN, "available", "held", "spent", "recredited"];
        fields.extend(counters.map(|counter| (counter, "0".to_owned())));
        // Only what is not there yet: the tenant may have been made, and have credits.
        let set = |(field, value)| {
            let mut set = redis::cmd("HSETNX");
            set.arg(&tenant).arg(field).arg(value);
            set
        };
        let mut calls: Vec<Cmd> = fields.into_iter().map(set).collect();
        if repeated {
            // Listed once, whether it was before or not.
            let mut unlist = redis::cmd("LREM");
            unlist.arg(keys::TENANTS).arg(0).arg(id.0);
            calls.push(unlist);
        }
        let mut list = redis::cmd("RPUSH");
        list.arg(keys::TENANTS).arg(id.0);
        calls.push(list);
        self.run(&self.bulk, calls).await?;
        self.spread_terms(id, &new.terms).await?;
        if new.weight != 1 {
            self.set_weight(id, new.weight).await?;
        }
        Ok(())
    }

    /// The number of the tenant that this request makes, the same one each time; and whether it was asked for before.
    async fn reserve_tenant(&self, token: Token) -> Result<(TenantId, bool), StoreError> {
        let mut next = redis::cmd("HINCRBY");
        let number: u32 = self.ask(next.arg(keys::META).arg("next_tenant").arg(1)).await?;
        let mut reserve = redis::cmd("SET");
        reserve.arg(keys::made(token)).arg(number).arg("NX").arg("GET");
        reserve.arg("PX").arg(REMEMBERED.as_millis() as u64);
        let before: Option<u32> = self.ask(&reserve).await?;
        Ok((TenantId(before.unwrap_or(number)), before.is_some()))
    }

    /// A tenant; `None` when there is no such tenant.
    pub(crate) async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let (mut get, mut today) = (redis::cmd("HGETALL"), redis::cmd("HMGET"));
        get.arg(keys::tenant(id));
        today.arg(keys::daily(id)).arg("day").arg("taken");
        let mut replies = self.run(&self.bulk, vec![get, today]).await?.into_iter();
        let mut reply = || replies.next().unwrap_or_default();
        let bad = |_| StoreError::Corrupt("a tenant");
        let fields: HashMap<String, String> = redis::from_redis_value(reply()).map_err(bad)?;
        let (day, taken): (Option<String>, Option<u64>) = redis::from_redis_value(reply()).map_err(bad)?;
        let number = |field: &str| fields.get(field).and_then(|value| value.parse().ok()).unwrap_or(0u64);
        let Some(name) = fields.get("name") else {
            return Ok(None);
        };
        Ok(Some(Tenant {
            id,
            name: name.clone(),
            reseller: hosted(fields.get(RESELLER).map(String::as_str))?,
            countries: admission::countries(fields.get("countries").map(String::as_str))?,
            weight: number("weight").clamp(1, 100) as u8,
            terms: Terms {
                is_free: id.is_sandbox(),
                ..terms::read(&fields)
            },
            cancel_answers: number("cancel_answers") == 1,
            suspension: Suspension::found(|field| fields.get(field)),
            last_day: (day.unwrap_or_default(), taken.unwrap_or(0)),
            credits: Credits {
                granted: number("granted"),
                withdrawn: number(WITHDRAWN),
                available: number("available"),
                held: number("held"),
                spent: number("spent"),
                recredited: number("recredited"),
            },
            created_at: UnixMicros(number("created_at")),
        }))
    }

    /// Who hosts a tenant: `None` when there is no such tenant, `Some(None)` when it is the operator.
    pub(crate) async fn reseller_of(&self, id: TenantId) -> Result<Option<Option<ResellerId>>, StoreError> {
        let mut get = redis::cmd("HMGET");
        get.arg(keys::tenant(id)).arg("name").arg(RESELLER);
        let (name, reseller): (Option<String>, Option<String>) = self.ask(&get).await?;
        name.map(|_| hosted(reseller.as_deref())).transpose()
    }

    /// A tenant may write under a sender, which looks like a protected name or not. `false`: it has as many as it may have.
    pub(crate) async fn add_sender(&self, id: TenantId, sender: &str, resembles: bool) -> Result<bool, StoreError> {
        let mut call = self.script(Name::AddSender, &[&keys::tenant(id)]);
        call.arg(sender).arg(u8::from(resembles)).arg(Terms::SENDERS_MAX);
        Ok(self.ask::<i64>(&call).await? >= 0)
    }

    /// Whose numbers a tenant may send to.
    pub(crate) async fn countries(&self, id: TenantId) -> Result<Countries, StoreError> {
        let mut get = redis::cmd("HGET");
        let countries: Option<String> = self.ask(get.arg(keys::tenant(id)).arg("countries")).await?;
        admission::countries(countries.as_deref())
    }

    /// Grants credits, once for each token. `Ok(None)`: there is no such tenant; `Ok(Some(None))`: it would have more than a
    /// million million.
    pub(crate) async fn grant(&self, grant: &Grant<'_>, now: UnixMicros) -> Result<Option<Option<u64>>, StoreError> {
        let id = grant.tenant;
        let names = [keys::tenant(id), keys::ledger(id), keys::grants(id)];
        let mut call: Cmd = self.script(Name::Grant, &[&names[0], &names[1], &names[2]]);
        call.arg(grant.credits)
            .arg(grant.reference)
            .arg(now.0)
            .arg(GRANTED_MAX)
            .arg(grant.token.0.as_slice())
            .arg(REMEMBERED.as_micros() as u64)
            .arg(GRANTS_MAX)
            .arg(grant.token.hex());
        let available = self.ask::<i64>(&call).await;
        self.wrote_ledger(id);
        Ok(match available? {
            -2 => None,
            -1 => Some(None),
            available => Some(Some(available as u64)),
        })
    }

    /// Books what campaigns spent, each in a script of its own; the same sums twice change nothing.
    pub(crate) async fn book(&self, bookings: &[Booking], now: UnixMicros) -> Result<Vec<Booked>, StoreError> {
        let book = |one: &Booking| {
            let (tenant, id) = (one.tenant, one.campaign);
            let names = [keys::tenant(tenant), keys::ledger(tenant), keys::campaign(tenant, id)];
            let mut call = self.script(Name::Book, &[&names[0], &names[1], &names[2]]);
            call.arg(one.spent)
                .arg(one.recredited)
                .arg(one.keep.map_or_else(String::new, |keep| keep.to_string()));
            call.arg(now.0)
                .arg(id.to_string())
                .arg(one.state.map_or("", CampaignState::code))
                .arg(one.of_total.map_or_else(String::new, |total| total.to_string()));
            call
        };
        let replies = self.run(&self.bulk, bookings.iter().map(book).collect()).await;
        bookings.iter().for_each(|one| self.wrote_ledger(one.tenant));
        replies?.into_iter().map(read_booked).collect()
    }

    /// Tenants in the order in which they were made, from `skip` on, at most `count`.
    pub(crate) async fn tenants(&self, skip: usize, count: usize) -> Result<Vec<Tenant>, StoreError> {
        let mut tenants = Vec::with_capacity(count);
        for id in self.tenant_ids(skip, Some(count)).await? {
            tenants.extend(self.tenant(id).await?);
        }
        Ok(tenants)
    }

    /// Their numbers; without a count, all of them.
    pub(crate) async fn tenant_ids(&self, skip: usize, count: Option<usize>) -> Result<Vec<TenantId>, StoreError> {
        let last = count.map_or(-1, |count| (skip + count) as i64 - 1);
        let mut range = redis::cmd("LRANGE");
        let ids: Vec<u32> = self.ask(range.arg(keys::TENANTS).arg(skip).arg(last)).await?;
        Ok(ids.into_iter().map(TenantId).collect())
    }

    /// A tenant's ledger may have another line.
    pub(super) fn wrote_ledger(&self, id: TenantId) {
        let mut written = self.shared.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(id);
        drop(written);
        self.moved_balance(id);
    }

    /// A tenant's balance, or what it is told of it, may be another.
    pub(super) fn moved_balance(&self, id: TenantId) {
        let mut moved = self.shared.balances.lock().unwrap_or_else(PoisonError::into_inner);
        moved.insert(id);
    }

    /// Tenants whose balance this process may have moved since it was asked last.
    pub(crate) fn moved_balances(&self) -> FxHashSet<TenantId> {
        let mut moved = self.shared.balances.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut moved)
    }

    /// What is available to tenants, with the thresholds of which they want to know; those that are not there have none.
    pub(crate) async fn balances(&self, tenants: &[TenantId]) -> Result<Vec<Balance>, StoreError> {
        let look = |id: &TenantId| {
            let mut get = redis::cmd("HMGET");
            get.arg(keys::tenant(*id)).arg("available").arg(BALANCE_ALERTS);
            get
        };
        let replies = self.run(&self.bulk, tenants.iter().map(look).collect()).await?;
        let one = |(tenant, reply): (&TenantId, Value)| {
            let mut fields = array(reply)?.into_iter().map(bytes_or_none);
            let mut next = || -> Result<String, StoreError> {
                let octets = fields.next().transpose()?.unwrap_or_default();
                Ok(String::from_utf8_lossy(&octets).into_owned())
            };
            Ok(Balance {
                tenant: *tenant,
                available: next()?.parse().unwrap_or_default(),
                alerts: alerts(&next()?),
            })
        };
        tenants.iter().zip(replies).map(one).collect()
    }

    /// Who hosts those tenants whose short links are under a domain.
    pub(crate) async fn hosts_of_domain(&self, domain: &str) -> Result<Vec<Option<ResellerId>>, StoreError> {
        let mut hosts = Vec::new();
        for some in self.tenant_ids(0, None).await?.chunks(TENANTS_AT_ONCE) {
            let look = |id: &TenantId| {
                let mut get = redis::cmd("HMGET");
                get.arg(keys::tenant(*id)).arg(SHORT_DOMAIN).arg(RESELLER);
                get
            };
            for reply in self.run(&self.bulk, some.iter().map(look).collect()).await? {
                let fields: Result<Vec<_>, _> = array(reply)?.into_iter().map(bytes_or_none).collect();
                let mut fields = fields?.into_iter();
                let mut next = || String::from_utf8_lossy(&fields.next().unwrap_or_default()).into_owned();
                let (theirs, host) = (next(), next());
                if theirs == domain {
                    hosts.push(hosted(Some(host.as_str()).filter(|host| !host.is_empty()))?);
                }
            }
        }
        Ok(hosts)
    }

    /// Whose key has that digest.
    pub(crate) async fn key_owner(&self, digest: &str) -> Result<Option<KeyOwner>, StoreError> {
        let mut get = redis::cmd("HGET");
        let owner: Option<String> = self.ask(get.arg(keys::API_KEYS).arg(digest)).await?;
        Ok(owner.and_then(|owner| KeyOwner::stored(&owner)))
    }

    /// Keeps the operator's key, in place of one before. `only_first`: unless there is one; `false` then.
    pub(crate) async fn set_operator_key(&self, digest: &str, only_first: bool) -> Result<bool, StoreError> {
        let mut get = redis::cmd("HGET");
        let before: Option<String> = self.ask(get.arg(keys::META).arg("operator_key")).await?;
        let mut claim = redis::cmd(if only_first { "HSETNX" } else { "HSET" });
        let claimed: i64 = self.ask(claim.arg(keys::META).arg("operator_key").arg(digest)).await?;
        if only_first && claimed == 0 {
            return Ok(false);
        }
        let mut set = redis::cmd("HSET");
        self.ask::<i64>(set.arg(keys::API_KEYS).arg(digest).arg("operator"))
            .await?;
        if let Some(old) = before.filter(|old| old != digest) {
            let mut forget = redis::cmd("HDEL");
            self.ask::<i64>(forget.arg(keys::API_KEYS).arg(old)).await?;
        }
        Ok(true)
    }
}

pub(super) fn hosted(reseller: Option<&str>) -> Result<Option<ResellerId>, StoreError> {
    let read = |number: &str| number.parse().map(ResellerId);
    let reseller = reseller.map(read).transpose();
    reseller.map_err(|_| StoreError::Corrupt("who hosts a tenant"))
}

fn read_booked(reply: Value) -> Result<Booked, StoreError> {
    let mut credits = array(reply)?.into_iter().map(|credits| integer(&credits));
    let mut next = || -> Result<u64, StoreError> { Ok(credits.next().transpose()?.unwrap_or_default() as u64) };
    Ok(Booked {
        debited: next()?,
        recredited: next()?,
        released: next()?,
    })
}
