//! Our numbers, however an SMSC writes them, and whose they are.

use std::collections::HashMap;
use std::sync::Arc;

use super::kept::Assigned;
use crate::compose::OwnedSenders;
use crate::config::{Number, OwnNumber};
use crate::domain::TenantId;

/// Countries whose national numbers are dialled with a 0 in place of these: France and its departments overseas. An SMSC of
/// theirs may write them so.
const NATIONAL: [&str; 5] = ["33", "262", "590", "594", "596"];

/// One of our numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    /// As campaigns have it for a sender: digits, with the country's code.
    pub(crate) number: u64,
    /// As it is given for a sender: an international one with its `+`.
    pub(crate) sender: Arc<str>,
    /// Whose it is: one tenant's, or shared.
    pub(crate) tenants: Arc<[TenantId]>,
}

impl Owned {
    /// Whether a tenant has it; its sandbox answers from the same numbers, and hears what is written to them in a simulator.
    pub(crate) fn has(&self, tenant: TenantId) -> bool {
        self.tenants.contains(&tenant.live())
    }

    /// Whose what is written to it is: of sandboxes, when a simulator brought it.
    pub(crate) fn heard_by(&self, in_sandbox: bool) -> Vec<TenantId> {
        let heard = |tenant: &TenantId| if in_sandbox { tenant.sandbox() } else { *tenant };
        self.tenants.iter().map(heard).collect()
    }
}

/// Every way in which one of our numbers is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// What SQL keeps.
    kept: Vec<Assigned>,
    by_address: HashMap<String, Option<Owned>>,
    senders: Arc<OwnedSenders>,
}

impl Table {
    /// What is configured stands before what is kept.
    pub(super) fn new(configured: &[Number], kept: Vec<Assigned>) -> Self {
        let mut table = Self {
            kept,
            ..Self::default()
        };
        table.configure(configured);
        table
    }

    pub(super) fn configure(&mut self, configured: &[Number]) {
        self.by_address.clear();
        let (mut senders, kept) = (OwnedSenders::default(), std::mem::take(&mut self.kept));
        for one in &kept {
            senders.give(one.number.to_string(), one.tenants.clone(), one.two_way);
            // What is written to one that nobody has is nobody's.
            if one.two_way && !one.tenants.is_empty() {
                self.put(&one.number, &one.tenants);
            }
        }
        self.kept = kept;
        for Number { number, tenant } in configured {
            senders.give(number.to_string(), vec![*tenant], true);
            self.put(number, &[*tenant]);
        }
        self.senders = Arc::new(senders);
    }

    fn put(&mut self, number: &OwnNumber, tenants: &[TenantId]) {
        let written = number.to_string();
        let (digits, national) = match number {
            OwnNumber::International(digits) => (digits, national(digits)),
            OwnNumber::Short(digits) => (digits, None),
        };
        let owned = digits.parse().ok().map(|number| Owned {
            number,
            sender: written.into(),
            tenants: tenants.into(),
        });
        if let Some(national) = national {
            // What may be two numbers is nobody's.
            let same = owned.as_ref().map(|owned| owned.number);
            self.by_address
                .entry(national)
                .and_modify(|other| {
                    if other.as_ref().map(|other| other.number) != same {
                        *other = None;
                    } else {
                        other.clone_from(&owned);
                    }
                })
                .or_insert(owned.clone());
        }
        self.by_address.insert(digits.clone(), owned);
    }

    /// Whose they are as senders.
    pub(super) fn senders(&self) -> Arc<OwnedSenders> {
        Arc::clone(&self.senders)
    }

    /// Whose the destination address of a message is.
    pub(super) fn find(&self, address: &str) -> Option<Owned> {
        let address = address.trim();
        let digits = address.strip_prefix('+').or_else(|| address.strip_prefix("00"));
        self.by_address.get(digits.unwrap_or(address)).cloned().flatten()
    }
}

fn national(digits: &str) -> Option<String> {
    let rest = NATIONAL.iter().find_map(|code| digits.strip_prefix(code))?;
    Some(format!("0{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::Sender;

    fn table(numbers: &[(OwnNumber, u32)]) -> Table {
        let number = |(number, tenant): &(OwnNumber, u32)| Number {
            number: number.clone(),
            tenant: TenantId(*tenant),
        };
        Table::new(&numbers.iter().map(number).collect::<Vec<_>>(), Vec::new())
    }

    fn international(digits: &str) -> OwnNumber {
        OwnNumber::International(digits.to_owned())
    }

    fn found(table: &Table, address: &str) -> Option<(u64, Vec<u32>)> {
        let owned = table.find(address)?;
        Some((owned.number, owned.tenants.iter().map(|tenant| tenant.0).collect()))
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        let table = table(&[
            (international("33644630001"), 1),
            (OwnNumber::Short("36034".to_owned()), 2),
            (international("32470123456"), 3),
        ]);
        for address in [
            "33644630001",
            "+33644630001",
            "0033644630001",
            "0644630001",
            " 33644630001",
        ] {
            assert_eq!(found(&table, address), Some((33_644_630_001, vec![1])), "{address}");
        }
        assert_eq!(found(&table, "36034"), Some((36_034, vec![2])));
        assert_eq!(found(&table, "+32470123456"), Some((32_470_123_456, vec![3])));
        for address in ["", "+", "OSTEO", "644630001", "0470123456", "36035", "036034"] {
            assert_eq!(found(&table, address), None, "{address}");
        }
    }

    #[test]
    fn a_national_number_that_may_be_two_is_nobodys() {
        let table = table(&[(international("262692000001"), 1), (international("33692000001"), 2)]);
        assert_eq!(found(&table, "0692000001"), None);
        assert_eq!(found(&table, "+262692000001"), Some((262_692_000_001, vec![1])));
    }

    #[test]
    fn what_is_configured_stands_before_what_is_kept_and_nobody_writes_from_a_number_that_nobody_has() {
        let short = OwnNumber::Short("36034".to_owned());
        let assigned = |number: OwnNumber, two_way: bool, tenants: &[u32]| Assigned {
            number,
            two_way,
            tenants: tenants.iter().copied().map(TenantId).collect(),
        };
        let kept = vec![
            assigned(short.clone(), true, &[4, 5]),
            assigned(international("33644630001"), true, &[6]),
            assigned(international("33644630002"), false, &[6]),
            assigned(OwnNumber::Short("38200".to_owned()), true, &[]),
        ];
        let mut table = Table::new(&[], kept);
        assert_eq!(found(&table, "36034"), Some((36_034, vec![4, 5])));
        // What is written to it does not come, but nobody else writes from it.
        assert_eq!(found(&table, "+33644630002"), None);
        let is_of = |table: &Table, tenant: u32, sender: &str| {
            table.senders().is_of(TenantId(tenant), &Sender::parse(sender).unwrap())
        };
        assert_eq!(is_of(&table, 6, "+33644630002"), Some(true));
        assert_eq!(is_of(&table, 4, "+33644630002"), Some(false));
        assert_eq!(is_of(&table, 4, "36034"), Some(true));
        // One that waits for somebody to have it is nobody's yet.
        assert_eq!(found(&table, "38200"), None);
        assert_eq!(is_of(&table, 4, "38200"), Some(false));
        table.configure(&[Number {
            number: short,
            tenant: TenantId(7),
        }]);
        assert_eq!(found(&table, "36034"), Some((36_034, vec![7])));
        assert_eq!(is_of(&table, 4, "36034"), Some(false));
        assert_eq!(found(&table, "0644630001"), Some((33_644_630_001, vec![6])));
    }
}
