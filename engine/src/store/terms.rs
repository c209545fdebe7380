//! What a tenant has agreed on, as fields of what is stored of it.

use std::collections::HashMap;

use super::admission::{DAILY_MAX, TIME_ZONE};
use super::{Store, StoreError, keys};
use crate::domain::{GivesBack, TenantId, TermChanges, Terms, Territory};

/// For how many days a tenant's texts are kept.
pub(super) const TEXT_DAYS: &str = "text_retention_days";
pub(super) const RATE: &str = "rate";
/// Which failures are given back.
pub(super) const GIVES_BACK: &str = "recredits";
const PREFIX_PRICES: &str = "prefix_prices";
const TERRITORY: &str = "territory";
/// Where a tenant's links may lead.
const LINK_DOMAINS: &str = "link_domains";
pub(super) const SHORT_DOMAIN: &str = "short_domain";
/// Senders that look like a protected name.
const PROTECTED_SENDERS: &str = "protected_senders";
/// Below how many credits a tenant is told that few are left.
pub(super) const BALANCE_ALERTS: &str = "balance_alerts";

impl Store {
    /// Changes a tenant's terms; at least one of them.
    pub(crate) async fn change_terms(&self, id: TenantId, changes: TermChanges) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSET");
        set.arg(keys::tenant(id));
        if let Some(encoding) = changes.encoding {
            set.arg("encoding").arg(encoding.name());
        }
        if let Some(tariff) = changes.tariff {
            set.arg("tariff").arg(tariff.code());
        }
        if let Some(prices) = changes.prefix_prices {
            set.arg(PREFIX_PRICES).arg(prices.to_string());
        }
        if let Some(max) = changes.characters_max {
            set.arg("characters_max").arg(max);
        }
        if let Some(clause) = changes.stop_clause {
            set.arg("stop_clause").arg(clause.code());
        }
        if let Some(text) = changes.stop_text {
            set.arg("stop_text").arg(text);
        }
        if let Some(senders) = changes.senders {
            set.arg("senders").arg(senders.join(","));
        }
        if let Some(senders) = changes.protected_senders {
            set.arg(PROTECTED_SENDERS).arg(senders.join(","));
        }
        if let Some(brand) = changes.brand {
            set.arg("brand").arg(brand);
        }
        if let Some(required) = changes.require_consent {
            set.arg("require_consent").arg(required.to_string());
        }
        if let Some(cap) = changes.frequency_cap {
            set.arg("frequency_cap").arg(or_none(cap));
            self.set_cap(id, cap).await?;
        }
        if let Some(kept) = changes.text_days {
            set.arg(TEXT_DAYS).arg(or_none(kept));
        }
        if let Some(max) = changes.daily_max {
            set.arg(DAILY_MAX).arg(or_none(max));
        }
        if let Some(rate) = changes.rate {
            set.arg(RATE).arg(or_none(rate));
            self.set_tenant_rate(id, rate).await?;
        }
        if let Some(failures) = changes.gives_back {
            set.arg(GIVES_BACK).arg(failures.to_string());
            self.set_gives_back(id, failures).await?;
        }
        if let Some(zone) = changes.time_zone {
            set.arg(TIME_ZONE).arg(zone);
        }
        if let Some(territory) = changes.territory {
            set.arg(TERRITORY).arg(or_none(territory.map(Territory::code)));
        }
        if let Some(domains) = changes.link_domains {
            set.arg(LINK_DOMAINS).arg(domains.join(","));
        }
        if let Some(domain) = changes.short_domain {
            set.arg(SHORT_DOMAIN).arg(domain.unwrap_or_default());
        }
        if let Some(alerts) = changes.balance_alerts {
            set.arg(BALANCE_ALERTS).arg(stored_alerts(&alerts));
        }
        self.ask::<i64>(&set).await?;
        self.moved_balance(id);
        Ok(())
    }

    /// What is kept in other places as well of what a new tenant has agreed on.
    pub(super) async fn spread_terms(&self, id: TenantId, terms: &Terms) -> Result<(), StoreError> {
        if terms.frequency_cap.is_some() {
            self.set_cap(id, terms.frequency_cap).await?;
        }
        if terms.rate.is_some() {
            self.set_tenant_rate(id, terms.rate).await?;
        }
        if terms.gives_back != GivesBack::NONE {
            self.set_gives_back(id, terms.gives_back).await?;
        }
        Ok(())
    }
}

/// The terms of a new tenant.
pub(super) fn stored(terms: &Terms) -> Vec<(&'static str, String)> {
    vec![
        ("encoding", terms.encoding.name().to_owned()),
        ("tariff", terms.tariff.code().to_owned()),
        (PREFIX_PRICES, terms.prefix_prices.to_string()),
        ("characters_max", terms.characters_max.to_string()),
        ("stop_clause", terms.stop_clause.code().to_owned()),
        ("stop_text", terms.stop_text.clone()),
        ("senders", terms.senders.join(",")),
        (PROTECTED_SENDERS, terms.protected_senders.join(",")),
        ("brand", terms.brand.clone()),
        ("require_consent", terms.require_consent.to_string()),
        ("frequency_cap", or_none(terms.frequency_cap)),
        (TEXT_DAYS, or_none(terms.text_days)),
        (DAILY_MAX, or_none(terms.daily_max)),
        (RATE, or_none(terms.rate)),
        (GIVES_BACK, terms.gives_back.to_string()),
        (TIME_ZONE, terms.time_zone.clone()),
        (TERRITORY, or_none(terms.territory.map(Territory::code))),
        (LINK_DOMAINS, terms.link_domains.join(",")),
        (SHORT_DOMAIN, terms.short_domain.clone().unwrap_or_default()),
        (BALANCE_ALERTS, stored_alerts(&terms.balance_alerts)),
    ]
}

/// A tenant's terms; what an older version did not know is as it was then.
pub(super) fn read(fields: &HashMap<String, String>) -> Terms {
    fn of<T: std::str::FromStr>(fields: &HashMap<String, String>, field: &str) -> Option<T> {
        fields.get(field).and_then(|value| value.parse().ok())
    }
    let known = TermChanges {
        encoding: of(fields, "encoding"),
        tariff: of(fields, "tariff"),
        prefix_prices: of(fields, PREFIX_PRICES),
        characters_max: of(fields, "characters_max"),
        stop_clause: of(fields, "stop_clause"),
        stop_text: of(fields, "stop_text"),
        senders: fields.get("senders").map(|list| listed(list)),
        protected_senders: fields.get(PROTECTED_SENDERS).map(|list| listed(list)),
        link_domains: fields.get(LINK_DOMAINS).map(|list| listed(list)),
        short_domain: fields
            .get(SHORT_DOMAIN)
            .map(|domain| Some(domain.clone()).filter(|domain| !domain.is_empty())),
        brand: of(fields, "brand"),
        require_consent: of(fields, "require_consent"),
        frequency_cap: fields.get("frequency_cap").map(|cap| cap.parse().ok()),
        text_days: fields.get(TEXT_DAYS).map(|days| days.parse().ok()),
        balance_alerts: fields.get(BALANCE_ALERTS).map(|list| alerts(list)),
        daily_max: fields.get(DAILY_MAX).map(|max| max.parse().ok()),
        rate: fields.get(RATE).map(|rate| rate.parse().ok()),
        gives_back: of(fields, GIVES_BACK),
        time_zone: of(fields, TIME_ZONE),
        territory: fields.get(TERRITORY).map(|territory| territory.parse().ok()),
    };
    known.applied_to(Terms::default())
}

/// As they are stored: nothing for none.
fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn stored_alerts(alerts: &[u64]) -> String {
    let alerts: Vec<String> = alerts.iter().map(u64::to_string).collect();
    alerts.join(",")
}

pub(super) fn alerts(list: &str) -> Vec<u64> {
    list.split(',').filter_map(|credits| credits.parse().ok()).collect()
}

/// Senders are of letters, digits and `+`, and domains of letters, digits, hyphens and dots: nothing that a comma would break.
fn listed(list: &str) -> Vec<String> {
    let listed = list.split(',').filter(|one| !one.is_empty());
    listed.map(str::to_owned).collect()
}
