//! What one engine has at a time: seats, shares of a rate; and what engines know of each other.

use std::time::Duration;

use redis::Value;

use super::scripts::Name;
use super::{Store, StoreError, array, bytes, integer, keys};
use crate::domain::SmscId;

/// What an engine asks for of one group of seats.
#[derive(Clone, Debug)]
pub(crate) struct TenureAsk {
    pub(crate) group: String,
    /// Its seats, over all engines.
    pub(crate) total: u32,
    pub(crate) held: Vec<u32>,
    pub(crate) wanted: Vec<u32>,
    /// A session of this engine takes messages.
    pub(crate) usable: bool,
}

/// For how long seats are given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Where nobody else wants one of the group, and where somebody does.
    pub(crate) long: Duration,
    pub(crate) short: Duration,
    /// How long others know what is wanted.
    pub(crate) known: Duration,
}

/// What an engine has of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tenure {
    /// Other engines that want seats of it.
    pub(crate) others: u32,
    /// One of them has a session that takes messages.
    pub(crate) usable: bool,
    /// One of them does not know of this one yet.
    pub(crate) unaware: bool,
    /// So many of its seats are another's by right.
    pub(crate) surplus: usize,
    /// Its seats, with their tokens.
    pub(crate) seats: Vec<(u32, u64)>,
}

/// What an engine asks for of a rate; in millionths of the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateAsk {
    pub(crate) smsc: SmscId,
    pub(crate) epoch: u32,
    pub(crate) keep: Duration,
    pub(crate) need: u32,
    /// Less is of no use.
    pub(crate) least: u32,
    /// What the SMSC takes of its share.
    pub(crate) takes: u32,
}

impl Store {
    /// Renews and takes seats, and gives up those that are not held any more.
    pub(crate) async fn tenure(&self, epoch: u32, terms: Terms, asks: &[TenureAsk]) -> Result<Vec<Tenure>, StoreError> {
        let mut call = self.script(Name::Tenure, &[keys::SEATS]);
        call.arg(epoch);
        for time in [terms.long, terms.short, terms.known] {
            call.arg(time.as_micros() as u64);
        }
        for ask in asks {
            call.arg(&ask.group).arg(ask.total).arg(listed(&ask.held));
            call.arg(listed(&ask.wanted)).arg(u8::from(ask.usable));
        }
        let reply = self.run(&self.leases, vec![call]).await?.pop().unwrap_or_default();
        array(reply)?.into_iter().map(tenure).collect()
    }

    /// A share of an SMSC's rate, and the least that the SMSC takes of another engine's.
    pub(crate) async fn rate_share(&self, ask: &RateAsk) -> Result<(u32, u32), StoreError> {
        let mut call = self.script(Name::Rates, &[keys::RATES]);
        call.arg(ask.epoch).arg(ask.keep.as_micros() as u64).arg(ask.smsc.0);
        call.arg(ask.need).arg(ask.least).arg(ask.takes);
        let reply = self.run(&self.leases, vec![call]).await?.pop().unwrap_or_default();
        match &array(reply)?[..] {
            [share, slowest] => Ok((integer(share)? as u32, integer(slowest)? as u32)),
            _ => Err(StoreError::Corrupt("a share of a rate")),
        }
    }

    /// Says to others who this engine is: JSON, under its epoch.
    pub(crate) async fn introduce(&self, epoch: u32, what: &str) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSET");
        self.ask::<i64>(set.arg(keys::PEERS).arg(epoch).arg(what))
            .await
            .map(drop)
    }

    /// Forgets what an engine said of itself: it ends.
    pub(crate) async fn depart(&self, epoch: u32) -> Result<(), StoreError> {
        let mut forget = redis::cmd("HDEL");
        self.ask::<i64>(forget.arg(keys::PEERS).arg(epoch)).await.map(drop)
    }

    /// What engines have said of themselves, by epoch.
    pub(crate) async fn peers(&self) -> Result<Vec<(u32, String)>, StoreError> {
        self.ask(redis::cmd("HGETALL").arg(keys::PEERS)).await
    }

    /// Every seat that somebody has: group, number, epoch.
    pub(crate) async fn seats(&self) -> Result<Vec<(String, u32, u32)>, StoreError> {
        let all: Vec<(String, String)> = self.ask(redis::cmd("HGETALL").arg(keys::SEATS)).await?;
        Ok(all.iter().filter_map(|(field, value)| seat(field, value)).collect())
    }

    /// That engine is dead for sure: what it had is free, and its leases are looked for.
    pub(crate) async fn bury(&self, epoch: u32) -> Result<(), StoreError> {
        let all: Vec<(String, String)> = self.ask(redis::cmd("HGETALL").arg(keys::SEATS)).await?;
        let wish = format!("#{epoch}");
        let is_its = |(field, value): &&(String, String)| match field.as_bytes().first() {
            Some(b'S') => seat(field, value).is_some_and(|(.., of)| of == epoch),
            _ => field.starts_with('W') && field.ends_with(&wish),
        };
        let its: Vec<&str> = all.iter().filter(is_its).map(|(field, _)| field.as_str()).collect();
        if !its.is_empty() {
            let mut free = redis::cmd("HDEL");
            self.ask::<i64>(free.arg(keys::SEATS).arg(its)).await?;
        }
        // Unless its leases were looked for already.
        let known: bool = self.ask(redis::cmd("HEXISTS").arg(keys::ENGINES).arg(epoch)).await?;
        if known {
            let mut silent = redis::cmd("HSET");
            self.ask::<i64>(silent.arg(keys::ENGINES).arg(epoch).arg(1)).await?;
        }
        self.depart(epoch).await
    }
}

/// `,0,2,`
fn listed(numbers: &[u32]) -> String {
    numbers
        .iter()
        .fold(",".to_owned(), |list, number| format!("{list}{number},"))
}

fn seat(field: &str, value: &str) -> Option<(String, u32, u32)> {
    let (group, number) = field.strip_prefix('S')?.rsplit_once('#')?;
    let epoch = value.split(':').next()?;
    Some((group.to_owned(), number.parse().ok()?, epoch.parse().ok()?))
}

fn tenure(reply: Value) -> Result<Tenure, StoreError> {
    let corrupt = StoreError::Corrupt("what an engine has of a group of seats");
    let mut values = array(reply)?.into_iter();
    let mut next = || values.next().unwrap_or_default();
    let (others, usable, unaware) = (integer(&next())?, integer(&next())?, integer(&next())?);
    let surplus = integer(&next())? as usize;
    let list = String::from_utf8(bytes(next())?).map_err(|_| StoreError::Corrupt("a list of seats"))?;
    let pair = |text: &str| {
        let (number, token) = text.split_once(':')?;
        Some((number.parse().ok()?, token.parse().ok()?))
    };
    let seats: Option<Vec<(u32, u64)>> = list.split(',').filter(|text| !text.is_empty()).map(pair).collect();
    Ok(Tenure {
        others: others as u32,
        usable: usable > 0,
        unaware: unaware > 0,
        surplus,
        seats: seats.ok_or(corrupt)?,
    })
}
