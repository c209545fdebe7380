//! Our own numbers, however an SMSC writes them, and whose they are.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::config::{Number, OwnNumber};
use crate::domain::TenantId;

/// Countries whose national numbers are dialled with a 0 in place of these: France and its departments overseas. An SMSC of
/// theirs may write them so.
const NATIONAL: [&str; 5] = ["33", "262", "590", "594", "596"];

/// The number table. Cheap to clone; copies share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(Arc<ArcSwap<HashMap<String, Option<Owned>>>>);

/// A number of a tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    /// As campaigns have it for a sender: digits, with the country's code.
    pub(super) number: u64,
    pub(super) tenant: TenantId,
}

impl Numbers {
    /// Puts these in place of those that were there.
    pub(super) fn set(&self, numbers: &[Number]) {
        let mut table: HashMap<String, Option<Owned>> = HashMap::new();
        for Number { number, tenant } in numbers {
            let (digits, national) = match number {
                OwnNumber::International(digits) => (digits, national(digits)),
                OwnNumber::Short(digits) => (digits, None),
            };
            let owned = digits.parse().ok().map(|number| Owned {
                number,
                tenant: *tenant,
            });
            table.insert(digits.clone(), owned);
            if let Some(national) = national {
                // What may be two numbers is nobody's.
                table.entry(national).and_modify(|other| *other = None).or_insert(owned);
            }
        }
        self.0.store(Arc::new(table));
    }

    /// Whose the destination address of a message is.
    pub(super) fn find(&self, address: &str) -> Option<Owned> {
        let address = address.trim();
        let digits = address.strip_prefix('+').or_else(|| address.strip_prefix("00"));
        *self.0.load().get(digits.unwrap_or(address))?
    }
}

fn national(digits: &str) -> Option<String> {
    let rest = NATIONAL.iter().find_map(|code| digits.strip_prefix(code))?;
    Some(format!("0{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(numbers: &[(OwnNumber, u32)]) -> Numbers {
        let number = |(number, tenant): &(OwnNumber, u32)| Number {
            number: number.clone(),
            tenant: TenantId(*tenant),
        };
        let table = Numbers::default();
        table.set(&numbers.iter().map(number).collect::<Vec<_>>());
        table
    }

    fn international(digits: &str) -> OwnNumber {
        OwnNumber::International(digits.to_owned())
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        let table = table(&[
            (international("33644630001"), 1),
            (OwnNumber::Short("36034".to_owned()), 2),
            (international("32470123456"), 3),
        ]);
        let found = |address| table.find(address).map(|owned| (owned.number, owned.tenant.0));
        for address in [
            "33644630001",
            "+33644630001",
            "0033644630001",
            "0644630001",
            " 33644630001",
        ] {
            assert_eq!(found(address), Some((33_644_630_001, 1)), "{address}");
        }
        assert_eq!(found("36034"), Some((36_034, 2)));
        assert_eq!(found("+32470123456"), Some((32_470_123_456, 3)));
        for address in ["", "+", "OSTEO", "644630001", "0470123456", "36035", "036034"] {
            assert_eq!(found(address), None, "{address}");
        }
    }

    #[test]
    fn a_national_number_that_may_be_two_is_nobodys() {
        let table = table(&[(international("262692000001"), 1), (international("33692000001"), 2)]);
        assert_eq!(table.find("0692000001"), None);
        assert_eq!(table.find("+262692000001").map(|owned| owned.tenant), Some(TenantId(1)));
    }
}
