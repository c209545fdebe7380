//! `[[number]]`: which of our numbers belongs to which tenant.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use kit::settings::{Given, Table};

use crate::domain::TenantId;

/// More than carriers rent to one reseller.
const NUMBERS_MAX: usize = 10_000;

/// Digits of a short code.
const SHORT: RangeInclusive<usize> = 3..=8;

/// Digits of an international number: E.164 has at most 15, and nothing under 7 is a subscriber's.
const INTERNATIONAL: RangeInclusive<usize> = 7..=15;

const NUMBER_ALLOWED: &str =
    "an international number or a short code of 3 to 8 digits, such as \"+33612345678\" or \"36034\"";

const TENANT_ALLOWED: &str = "a tenant's id, such as \"ten_0123456789abc\"";

/// One of our numbers, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// `number`: what people write to.
    pub(crate) number: OwnNumber,
    /// `tenant`: who gets what is written there and answers nobody else.
    pub(crate) tenant: TenantId,
}

/// A number that people can write to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnNumber {
    /// E.164, digits without the `+`.
    International(String),
    /// A short code.
    Short(String),
}

impl OwnNumber {
    /// As it is configured: an international number with its `+`, or a short code.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = digits.len() == text.len();
        let length = if is_short { SHORT } else { INTERNATIONAL };
        let valid = is_number && length.contains(&digits.len()) && !digits.starts_with('0');
        valid.then(|| match is_short {
            true => Self::Short(digits.to_owned()),
            false => Self::International(digits.to_owned()),
        })
    }
}

/// As it is written in the configuration.
impl fmt::Display for OwnNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::International(digits) => write!(f, "+{digits}"),
            Self::Short(digits) => f.write_str(digits),
        }
    }
}

/// Reads `stop_number`, as texts show it: a short code, or an international number with its `+`.
pub(super) fn read_stop_number(table: &Table<'_>) -> Option<String> {
    let number = table.parsed("stop_number", NUMBER_ALLOWED, |given: Given<'_>| {
        OwnNumber::parse(given.text()?)
    });
    number.map(|number| number.to_string())
}

/// Reads all `[[number]]`.
pub(super) fn read_all(root: &Table<'_>) -> Vec<Number> {
    let mut seen = BTreeSet::new();
    let mut numbers = Vec::new();
    for table in root.tables("number", NUMBERS_MAX) {
        table.required("number", NUMBER_ALLOWED);
        table.required("tenant", TENANT_ALLOWED);
        let number = table.parsed("number", NUMBER_ALLOWED, |given: Given<'_>| {
            OwnNumber::parse(given.text()?)
        });
        let tenant = table.parsed("tenant", TENANT_ALLOWED, |given| given.text()?.parse().ok());
        table.finish();
        let Some(number) = number else { continue };
        if !seen.insert(number.clone()) {
            table.fault(
                "number",
                format!("{number} stands twice: a number belongs to one tenant"),
            );
        }
        if let Some(tenant) = tenant {
            numbers.push(Number { number, tenant });
        }
    }
    numbers
}
