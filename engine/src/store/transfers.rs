//! Credits that move between a tenant and its reseller: the tenant's half.

use super::accounts::{GRANTED_MAX, GRANTS_MAX};
use super::idempotency::REMEMBERED;
use super::scripts::Name;
use super::{Store, StoreError, Token, keys};
use crate::domain::{TenantId, UnixMicros};

/// Which way credits move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum TransferKind {
    /// To the tenant.
    Give,
    /// From it.
    TakeBack,
}

impl TransferKind {
    /// As it is stored.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// A move of credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// Of the reseller's line: it moves them once.
    pub(crate) number: u64,
    pub(crate) kind: TransferKind,
    pub(crate) tenant: TenantId,
    /// How many: from 1.
    pub(crate) credits: u64,
    pub(crate) reference: String,
}

/// What became of the tenant's half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// It is done, now or before.
    Done,
    /// The tenant would have more than a million million.
    TooMany,
    NoTenant,
    /// It has fewer available than are taken back.
    Short,
}

impl Store {
    /// Does the tenant's half of a move, once.
    pub(crate) async fn transfer(&self, transfer: &Transfer, now: UnixMicros) -> Result<Half, StoreError> {
        let id = transfer.tenant;
        let names = [keys::tenant(id), keys::ledger(id), keys::grants(id)];
        let mut call = self.script(Name::Transfer, &[&names[0], &names[1], &names[2]]);
        call.arg(&token_of(transfer.number).0[..])
            .arg(transfer.kind.code())
            .arg(transfer.credits)
            .arg(&transfer.reference)
            .arg(now.0)
            .arg(GRANTED_MAX)
            .arg(transfer.number)
            .arg(REMEMBERED.as_micros() as u64)
            .arg(GRANTS_MAX);
        let available = self.ask::<i64>(&call).await;
        self.wrote_ledger(id);
        Ok(match available? {
            -1 => Half::TooMany,
            -2 => Half::NoTenant,
            -3 => Half::Short,
            _ => Half::Done,
        })
    }
}

/// What the tenant's half is known by: it is done, or refused, once within a day, whoever asks. Behind that, its copied line says so.
fn token_of(number: u64) -> Token {
    let mut token = *b"transfer\0\0\0\0\0\0\0\0";
    token[8..].copy_from_slice(&number.to_be_bytes());
    Token(token)
}
