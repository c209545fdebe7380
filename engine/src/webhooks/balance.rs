//! Balances that fall below what their tenants want to know of. A threshold is told when the balance has come below it, and again
//! only when it was at or above it in between: which were told is kept with the deliveries, so that a crash tells none twice.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use serde_json::json;

use super::backlog::{DeliveryKind, News};
use super::endpoint::Endpoint;
use super::event::LOW;
use super::marks::{Crossed, Marks};
use super::other::{news, wanting};
use super::{Shared, WebhookFault};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::TenantId;
use crate::store::Balance;

/// Tenants that are looked at in one round trip.
const TENANTS_AT_ONCE: usize = 500;

impl Shared {
    /// Looks at the balances that may have moved; at the start, at all of them.
    pub(super) async fn look_balances(&self) -> Result<(), WebhookFault> {
        let (mut moved, mut all) = (self.store.moved_balances(), false);
        self.hint(|hints| {
            moved.extend(std::mem::take(&mut hints.balances));
            all = std::mem::replace(&mut hints.all_balances, false);
        });
        if moved.is_empty() && !all {
            return Ok(());
        }
        let looked = async {
            let mut tenants: Vec<TenantId> = moved.iter().copied().collect();
            if all {
                tenants = self.store.tenant_ids(0, None).await?;
            }
            for some in tenants.chunks(TENANTS_AT_ONCE) {
                self.compare_balances(some).await?;
            }
            Ok(())
        };
        let looked = looked.await;
        if looked.is_err() {
            self.hint(|hints| {
                hints.balances.extend(moved);
                hints.all_balances |= all;
            });
        }
        looked
    }

    async fn compare_balances(&self, tenants: &[TenantId]) -> Result<(), WebhookFault> {
        let told = self.told_balances(tenants).await?;
        let active = self.active.load_full();
        let (mut all, mut crossed) = (Vec::new(), Vec::new());
        for balance in self.store.balances(tenants).await? {
            let before = told.get(&balance.tenant).map_or(&[][..], Vec::as_slice);
            let passed = passed(&balance, before);
            let endpoints = wanting(active.get(&balance.tenant), &[LOW]);
            let low = passed.iter().filter(|crossed| crossed.is_low);
            all.extend(low.flat_map(|crossed| told_of(crossed, balance.available, &endpoints)));
            crossed.extend(passed);
        }
        let marks = Marks {
            crossed: &crossed,
            ..Marks::default()
        };
        self.keep(all, marks).await
    }

    async fn told_balances(&self, tenants: &[TenantId]) -> Result<FxHashMap<TenantId, Vec<u64>>, DatabaseError> {
        let mut query = Sql::new("SELECT tenant, threshold FROM balance_alert WHERE tenant IN (");
        query.list(tenants.iter().map(|tenant| i64::from(tenant.0))).push(")");
        let read = |row: &Found<'_>| Ok((TenantId(row.number(0)? as u32), row.number(1)? as u64));
        let mut told: FxHashMap<TenantId, Vec<u64>> = FxHashMap::default();
        for (tenant, threshold) in self.database.rows(query, read).await? {
            told.entry(tenant).or_default().push(threshold);
        }
        Ok(told)
    }
}

/// What a balance has passed since some thresholds were told.
fn passed(balance: &Balance, told: &[u64]) -> Vec<Crossed> {
    let told: BTreeSet<u64> = told.iter().copied().collect();
    let low = balance
        .alerts
        .iter()
        .copied()
        .filter(|below| balance.available < *below);
    let low: BTreeSet<u64> = low.collect();
    let passed = low.symmetric_difference(&told).map(|threshold| Crossed {
        tenant: balance.tenant,
        threshold: *threshold,
        is_low: low.contains(threshold),
    });
    let mut passed: Vec<Crossed> = passed.collect();
    // The highest first, as it was passed first.
    passed.reverse();
    passed
}

fn told_of(crossed: &Crossed, available: u64, endpoints: &[Endpoint]) -> Vec<News> {
    let about = json!({ "threshold": crossed.threshold, "available": available });
    let told = endpoints.iter();
    told.map(|endpoint| news(endpoint, DeliveryKind::Balance, &about))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_told_once_until_the_balance_was_above_it() {
        let seen = |available, told: &[u64]| {
            let balance = Balance {
                tenant: TenantId(4),
                available,
                alerts: vec![1_000, 100],
            };
            let passed = passed(&balance, told);
            passed
                .iter()
                .map(|crossed| (crossed.threshold, crossed.is_low))
                .collect::<Vec<_>>()
        };
        assert_eq!(seen(1_000, &[]), [], "at it is not below it");
        assert_eq!(seen(999, &[]), [(1_000, true)]);
        assert_eq!(seen(999, &[1_000]), []);
        assert_eq!(seen(0, &[]), [(1_000, true), (100, true)]);
        assert_eq!(seen(500, &[1_000, 100]), [(100, false)]);
        assert_eq!(
            seen(5_000, &[1_000, 7]),
            [(1_000, false), (7, false)],
            "7 is none any more"
        );
    }
}
