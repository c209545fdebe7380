//! What tenants pay their resellers for a credit: in SQL alone, since nothing that is sent depends on it.

use super::Mirror;
use crate::config::{Currency, Micros};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::TenantId;

/// The most prices of a tenant: one a month for forty years.
pub(crate) const CREDIT_PRICES_MAX: usize = 500;

/// What a credit is worth from some time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CreditPrice {
    /// Milliseconds since 1970.
    pub(crate) since: i64,
    /// `None`: nothing is known from then on.
    pub(crate) per_credit: Option<(Micros, Currency)>,
}

impl Mirror {
    /// Puts a price in place of the one from the same time on. `false`: there are [`CREDIT_PRICES_MAX`] others.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn put_credit_price(&self, tenant: TenantId, price: CreditPrice) -> Result<bool, DatabaseError> {
        let number = i64::from(tenant.0);
        let mut change = self.0.database.change().await?;
        let per_credit = price.per_credit.map(|(micros, _)| micros.0 as i64);
        let currency = price.per_credit.map(|(_, currency)| currency.to_string());
        let mut put = Sql::new("INSERT INTO credit_price (tenant, since, per_credit, currency) VALUES (");
        put.list([number, price.since]).push(", ").value(per_credit);
        put.push(", ").value(currency.unwrap_or_default()).push(")");
        put.push(
            " ON CONFLICT (tenant, since) DO UPDATE SET per_credit = excluded.per_credit, currency = excluded.currency",
        );
        change.run(put).await?;
        let mut count = Sql::new("SELECT COUNT(*) FROM credit_price WHERE tenant = ");
        count.value(number);
        let counts = change.rows(count, |row| row.number(0)).await?;
        if counts.iter().any(|count| *count > CREDIT_PRICES_MAX as i64) {
            return Ok(false);
        }
        change.commit().await?;
        Ok(true)
    }

    /// All of a tenant's prices, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn credit_prices(&self, tenant: TenantId) -> Result<Vec<CreditPrice>, DatabaseError> {
        let mut all = Sql::new("SELECT since, per_credit, currency FROM credit_price WHERE tenant = ");
        all.value(i64::from(tenant.0)).push(" ORDER BY since DESC");
        self.0.database.rows(all, read).await
    }
}

fn read(row: &Found<'_>) -> Result<CreditPrice, DatabaseError> {
    let micros = row.number_if_any(1)?.map(|micros| Micros(micros.unsigned_abs()));
    Ok(CreditPrice {
        since: row.number(0)?,
        per_credit: micros.zip(row.text(2)?.parse().ok()),
    })
}
