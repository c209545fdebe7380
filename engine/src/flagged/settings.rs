//! What a reseller has decided to look at before it is sent.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{FlagFault, FlaggedTexts};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{ResellerId, TenantId};

/// How many campaigns of a new tenant may be looked at.
pub(crate) const FIRST_CAMPAIGNS: (i64, i64) = (1, 100);

/// Whose first campaigns wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum HoldFirst {
    /// Nobody's.
    None,
    /// Those of tenants who began with credits to try with.
    #[default]
    Trial,
    /// Everybody's.
    All,
}

impl HoldFirst {
    pub(crate) const CODES: [&str; 3] = [Self::None.into_str(), Self::Trial.into_str(), Self::All.into_str()];

    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// Names that a reseller may protect, and the characters of each.
pub(crate) const NAMES_MAX: usize = 1_000;
pub(crate) const NAME_MAX: usize = 40;

/// What waits until it was looked at, and which names are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReviewRules {
    /// Campaigns that look like advertising and are sent as transactional.
    pub(crate) hold_flagged: bool,
    /// Unusual traffic.
    pub(crate) hold_unusual: bool,
    pub(crate) hold_first: HoldFirst,
    /// How many campaigns of a tenant are its first.
    pub(crate) first_campaigns: u32,
    /// Names that no sender of its tenants may look like.
    pub(crate) protected_senders: Vec<String>,
}

impl Default for ReviewRules {
    /// Those of tenants without a reseller, and of a reseller who has said nothing.
    fn default() -> Self {
        Self {
            hold_flagged: false,
            hold_unusual: false,
            hold_first: HoldFirst::default(),
            first_campaigns: 3,
            protected_senders: Vec::new(),
        }
    }
}

/// What of them is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReviewChanges {
    pub(crate) hold_flagged: Option<bool>,
    pub(crate) hold_unusual: Option<bool>,
    pub(crate) hold_first: Option<HoldFirst>,
    pub(crate) first_campaigns: Option<u32>,
    pub(crate) protected_senders: Option<Vec<String>>,
}

/// What holds for a tenant.
pub(super) struct OfTenant {
    pub(super) rules: ReviewRules,
    is_trial: bool,
}

const RULES: &str = "reseller.hold_flagged, reseller.hold_first, reseller.first_campaigns, reseller.protected_senders, \
                     reseller.hold_unusual";

/// The column behind them.
const BEHIND_RULES: usize = 5;

impl FlaggedTexts {
    /// What a reseller looks at.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn rules(&self, reseller: ResellerId) -> Result<ReviewRules, FlagFault> {
        let mut query = Sql::new("SELECT ");
        query.push(RULES).push(" FROM reseller WHERE id = ").value(reseller.0);
        Ok(self.0.database.row(query, read).await?.unwrap_or_default())
    }

    /// It decides otherwise.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn set_rules(&self, reseller: ResellerId, changes: ReviewChanges) -> Result<(), FlagFault> {
        let mut update = Sql::new("UPDATE reseller SET id = id");
        // What is not given stays as somebody else may be changing it.
        if let Some(hold) = changes.hold_flagged {
            update.push(", hold_flagged = ").value(i64::from(hold));
        }
        if let Some(hold) = changes.hold_unusual {
            update.push(", hold_unusual = ").value(i64::from(hold));
        }
        if let Some(hold) = changes.hold_first {
            update.push(", hold_first = ").value(hold.code());
        }
        if let Some(first) = changes.first_campaigns {
            update.push(", first_campaigns = ").value(first);
        }
        if let Some(names) = changes.protected_senders {
            update
                .push(", protected_senders = ")
                .value(serde_json::json!(names).to_string());
        }
        let mut change = self.0.database.change().await?;
        update.push(" WHERE id = ").value(reseller.0);
        change.run(update).await?;
        change.commit().await?;
        self.0.memory.forget();
        Ok(())
    }

    /// A tenant begins with credits to try with.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn begin_trial(&self, tenant: TenantId) -> Result<(), FlagFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut insert = Sql::new("INSERT INTO trial_tenant (tenant) VALUES (");
        insert.value(tenant.0).push(") ON CONFLICT (tenant) DO NOTHING");
        change.run(insert).await?;
        Ok(change.commit().await?)
    }

    /// What holds for a tenant.
    pub(super) async fn of_tenant(&self, tenant: TenantId) -> Result<OfTenant, DatabaseError> {
        let mut query = Sql::new("SELECT ");
        query.push(RULES).push(
            ", trial_tenant.tenant FROM tenant LEFT JOIN reseller ON reseller.id = tenant.reseller \
             LEFT JOIN trial_tenant ON trial_tenant.tenant = tenant.id WHERE tenant.id = ",
        );
        query.value(tenant.0);
        let found = self.0.database.row(query, |row| {
            let rules = match row.number_if_any(0)? {
                Some(_) => read(row)?,
                None => ReviewRules::default(),
            };
            let is_trial = row.number_if_any(BEHIND_RULES)?.is_some();
            Ok(OfTenant { rules, is_trial })
        });
        Ok(found.await?.unwrap_or(OfTenant {
            rules: ReviewRules::default(),
            is_trial: false,
        }))
    }

    /// Whether a campaign that a tenant launches now is one of its first: fewer were accepted, or sent.
    pub(super) async fn is_first(&self, tenant: TenantId, of: &OfTenant) -> Result<bool, DatabaseError> {
        let looked_at = match of.rules.hold_first {
            HoldFirst::None => false,
            HoldFirst::Trial => of.is_trial,
            HoldFirst::All => true,
        };
        if !looked_at {
            return Ok(false);
        }
        let mut accepted = Sql::new(
            "SELECT COUNT(*) FROM flagged_campaign JOIN flagged ON flagged.id = flagged_campaign.flagged \
             WHERE flagged.state = 'accepted' AND flagged_campaign.waits = 0 AND flagged.tenant = ",
        );
        accepted.value(tenant.0);
        let mut sent = Sql::new("SELECT COUNT(*) FROM sent_campaign WHERE name <> '' AND tenant = ");
        sent.value(tenant.0);
        let most = u64::from(of.rules.first_campaigns);
        Ok(self.0.database.count(accepted).await? < most && self.0.database.count(sent).await? < most)
    }
}

fn read(row: &Found<'_>) -> Result<ReviewRules, DatabaseError> {
    Ok(ReviewRules {
        hold_flagged: row.number(0)? == 1,
        hold_unusual: row.number(4)? == 1,
        hold_first: row.parsed(1, "whose campaigns a reseller looks at", |word| word.parse().ok())?,
        first_campaigns: u32::try_from(row.number(2)?).unwrap_or_default(),
        protected_senders: row.parsed(3, "the names of a reseller", |names| serde_json::from_str(names).ok())?,
    })
}
