//! The inventory, in SQL.

use super::Numbers;
use crate::config::OwnNumber;
use crate::database::{Database, DatabaseError, Found, Sql};
use crate::domain::{Country, NumberId, ResellerId, TenantId, UnixMicros};

/// The highest price of a month, in hundredths.
pub(crate) const PRICE_MAX: i64 = 10_000_000;

/// One of our numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OurNumber {
    pub(crate) id: NumberId,
    pub(crate) number: OwnNumber,
    pub(crate) country: Country,
    /// Whether what is written to it reaches us.
    pub(crate) two_way: bool,
    /// A month, in hundredths.
    pub(crate) monthly_price: Option<i64>,
    /// Who gives it to tenants; `None`: the operator alone.
    pub(crate) reseller: Option<ResellerId>,
    /// Those who have it.
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) created_at: UnixMicros,
}

/// A number that is to be kept.
#[derive(Clone, Debug)]
pub(crate) struct NewNumber {
    pub(crate) number: OwnNumber,
    pub(crate) country: Country,
    pub(crate) two_way: bool,
    pub(crate) monthly_price: Option<i64>,
    pub(crate) reseller: Option<ResellerId>,
}

/// Why something cannot be done to a number.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NumberFault {
    /// There is no such number or request, or it is another reseller's.
    #[error("no such number")]
    NotFound,
    /// As many of the tenant's requests are open as may be.
    #[error("too many requests are open")]
    TooManyOpen,
    /// The request was answered before.
    #[error("the request was answered before")]
    Answered,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

const COLUMNS: &str = "id, number, country, two_way, monthly_price, reseller, created_at";

impl Numbers {
    /// Keeps a number; one that is known is changed.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn keep(&self, new: &NewNumber) -> Result<OurNumber, NumberFault> {
        let mut change = self.0.database.change().await?;
        let id = change.numbers("own_number", 1).await?;
        let mut insert = Sql::new("INSERT INTO own_number (");
        insert.push(COLUMNS).push(") VALUES (").value(id);
        insert.push(", ").value(new.number.to_string());
        insert.push(", ").value(new.country.to_string());
        insert.push(", ").value(i64::from(new.two_way));
        insert.push(", ").value(new.monthly_price);
        insert
            .push(", ")
            .value(new.reseller.map(|reseller| i64::from(reseller.0)));
        insert.push(", ").value(self.0.clock.unix().0.cast_signed());
        insert.push(
            ") ON CONFLICT (number) DO UPDATE SET country = excluded.country, two_way = excluded.two_way, \
             monthly_price = excluded.monthly_price, reseller = excluded.reseller",
        );
        change.run(insert).await?;
        change.commit().await?;
        self.load().await?;
        let kept = self.those(|query| {
            query.push(" WHERE number = ").value(new.number.to_string());
        });
        kept.await?.into_iter().next().ok_or(NumberFault::NotFound)
    }

    /// Those that a reseller gives, or all of them.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn inventory(&self, manager: Option<ResellerId>) -> Result<Vec<OurNumber>, DatabaseError> {
        self.those(|query| {
            if let Some(reseller) = manager {
                query.push(" WHERE reseller = ").value(reseller.0);
            }
        })
        .await
    }

    /// Those of a tenant.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn of_tenant(&self, tenant: TenantId) -> Result<Vec<OurNumber>, DatabaseError> {
        self.those(|query| {
            query.push(" WHERE id IN (SELECT number FROM own_number_tenant WHERE tenant = ");
            query.value(tenant.0).push(")");
        })
        .await
    }

    /// Forgets a number: what is written to it is nobody's from now on.
    ///
    /// # Errors
    /// [`NumberFault::NotFound`], or the database's.
    pub(crate) async fn forget(&self, id: NumberId) -> Result<(), NumberFault> {
        let mut change = self.0.database.change().await?;
        let mut delete = Sql::new("DELETE FROM own_number WHERE id = ");
        delete.value(id.0.cast_signed());
        if change.run(delete).await? == 0 {
            return Err(NumberFault::NotFound);
        }
        change.commit().await?;
        Ok(self.load().await?)
    }

    /// Gives a number to a tenant, or takes it away.
    ///
    /// # Errors
    /// [`NumberFault::NotFound`], also when it is another reseller's, or the database's.
    pub(crate) async fn assign(
        &self,
        (id, tenant): (NumberId, TenantId),
        manager: Option<ResellerId>,
        has: bool,
    ) -> Result<OurNumber, NumberFault> {
        let found = self.inventory(manager).await?;
        if !found.iter().any(|number| number.id == id) {
            return Err(NumberFault::NotFound);
        }
        let mut change = self.0.database.change_of(tenant).await?;
        let statement = match has {
            true => {
                let mut insert = Sql::new("INSERT INTO own_number_tenant (number, tenant) VALUES (");
                insert.value(id.0.cast_signed()).push(", ").value(tenant.0);
                insert.push(") ON CONFLICT (number, tenant) DO NOTHING");
                insert
            }
            false => {
                let mut delete = Sql::new("DELETE FROM own_number_tenant WHERE number = ");
                delete.value(id.0.cast_signed()).push(" AND tenant = ").value(tenant.0);
                delete
            }
        };
        change.run(statement).await?;
        change.commit().await?;
        self.load().await?;
        let kept = self.those(|query| {
            query.push(" WHERE id = ").value(id.0.cast_signed());
        });
        kept.await?.into_iter().next().ok_or(NumberFault::NotFound)
    }

    async fn those(&self, which: impl FnOnce(&mut Sql)) -> Result<Vec<OurNumber>, DatabaseError> {
        let mut query = Sql::new("SELECT ");
        query.push(COLUMNS).push(" FROM own_number");
        which(&mut query);
        query.push(" ORDER BY id");
        let mut found = self.0.database.rows(query, read).await?;
        let owners = Sql::new("SELECT number, tenant FROM own_number_tenant ORDER BY number, tenant");
        let owners = self
            .0
            .database
            .rows(owners, |row| Ok((row.number(0)?, row.number(1)?)))
            .await?;
        for number in &mut found {
            let own = owners.iter().filter(|(id, _)| *id == number.id.0.cast_signed());
            number.tenants = own.map(|(_, tenant)| TenantId(*tenant as u32)).collect();
        }
        Ok(found)
    }
}

/// One of our numbers, and who has it.
#[derive(Clone, Debug)]
pub(super) struct Assigned {
    pub(super) number: OwnNumber,
    /// Whether what is written to it reaches us.
    pub(super) two_way: bool,
    /// None: nobody writes from it.
    pub(super) tenants: Vec<TenantId>,
}

/// Whose our numbers are.
pub(super) async fn assigned(database: &Database) -> Result<Vec<Assigned>, DatabaseError> {
    let query = Sql::new(
        "SELECT own_number.number, own_number.two_way, own_number_tenant.tenant FROM own_number \
         LEFT JOIN own_number_tenant ON own_number_tenant.number = own_number.id \
         ORDER BY own_number.id, own_number_tenant.tenant",
    );
    let rows = database.rows(query, |row| {
        let number = row.parsed(0, "one of our numbers", OwnNumber::parse)?;
        let tenant = row.number_if_any(2)?.map(|tenant| TenantId(tenant as u32));
        Ok((number, row.number(1)? == 1, tenant))
    });
    let mut assigned: Vec<Assigned> = Vec::new();
    for (number, two_way, tenant) in rows.await? {
        match assigned.last_mut().filter(|last| last.number == number) {
            Some(last) => last.tenants.extend(tenant),
            None => assigned.push(Assigned {
                number,
                two_way,
                tenants: tenant.into_iter().collect(),
            }),
        }
    }
    Ok(assigned)
}

fn read(row: &Found<'_>) -> Result<OurNumber, DatabaseError> {
    Ok(OurNumber {
        id: NumberId(row.number(0)?.cast_unsigned()),
        number: row.parsed(1, "one of our numbers", OwnNumber::parse)?,
        country: row.parsed(2, "the country of a number", |code| code.parse().ok())?,
        two_way: row.number(3)? == 1,
        monthly_price: row.number_if_any(4)?,
        reseller: row.number_if_any(5)?.map(|reseller| ResellerId(reseller as u32)),
        tenants: Vec::new(),
        created_at: UnixMicros(row.number(6)?.cast_unsigned()),
    })
}
