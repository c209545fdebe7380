//! Which SMSC takes which number: the longest of their prefixes decides, and several that are as good share. Pure.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::config;
use crate::domain::{Recipient, SmscId};

/// Spreads recipients over equal SMSCs; another factor than that of the partitions, or each SMSC would get some
/// partitions only.
const SPREAD: u64 = 0xC2B2_AE3D_27D4_EB4F;

/// The ways to all numbers.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Prefix, as a number → the SMSCs that have it. E.164 numbers begin with no 0, so that no digit is lost.
    by_prefix: FxHashMap<u64, Vec<SmscId>>,
    /// Those that take all numbers.
    others: Vec<SmscId>,
}

impl Routes {
    /// The ways over these SMSCs; receivers take no submissions.
    pub fn new(smscs: Vec<(SmscId, Arc<config::Smsc>)>) -> Self {
        let mut routes = Self::default();
        for (id, smsc) in smscs.into_iter().filter(|(_, smsc)| smsc.bind.transmits()) {
            if smsc.prefixes.is_empty() {
                routes.others.push(id);
            }
            for prefix in smsc.prefixes.iter().filter_map(|prefix| prefix.parse().ok()) {
                routes.by_prefix.entry(prefix).or_default().push(id);
            }
        }
        routes
    }

    /// The SMSC that takes that number, always the same one; `None` when none does.
    pub fn route(&self, recipient: Recipient) -> Option<SmscId> {
        let candidates = self.longest(recipient).unwrap_or(&self.others);
        let at = (recipient.0.wrapping_mul(SPREAD) >> 32) as usize % candidates.len().max(1);
        candidates.get(at).copied()
    }

    fn longest(&self, recipient: Recipient) -> Option<&Vec<SmscId>> {
        if self.by_prefix.is_empty() {
            return None;
        }
        // 33612345678, 3361234567, …, 3: a number has at most 15 digits.
        let prefixes = std::iter::successors(Some(recipient.0), |prefix| {
            Some(prefix / 10).filter(|shorter| *shorter > 0)
        });
        prefixes.filter_map(|prefix| self.by_prefix.get(&prefix)).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smpp::frame::BindKind;

    fn smsc(id: u16, prefixes: &[&str]) -> (SmscId, Arc<config::Smsc>) {
        let mut smsc = config::Smsc::new(format!("s{id}"), "127.0.0.1:2775", "campanile");
        smsc.prefixes = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        (SmscId(id), Arc::new(smsc))
    }

    #[test]
    fn the_longest_prefix_decides() {
        let routes = Routes::new(vec![smsc(1, &[]), smsc(2, &["33", "32"]), smsc(3, &["33639"])]);
        let to = |number| routes.route(Recipient(number)).map(|smsc| smsc.0);
        assert_eq!(to(33_612_345_678), Some(2));
        assert_eq!(to(33_639_123_456), Some(3));
        assert_eq!(to(32_470_123_456), Some(2));
        assert_eq!(to(12_015_550_123), Some(1));
    }

    #[test]
    fn a_number_that_nobody_takes_has_no_route() {
        let routes = Routes::new(vec![smsc(1, &["33"])]);
        assert_eq!(routes.route(Recipient(12_015_550_123)), None);
        let mut receiver = config::Smsc::new("r", "127.0.0.1:2775", "campanile");
        receiver.bind = BindKind::Receiver;
        assert_eq!(
            Routes::new(vec![(SmscId(1), Arc::new(receiver))]).route(Recipient(33_612_345_678)),
            None
        );
    }

    #[test]
    fn equals_share_in_every_partition_and_a_number_keeps_its_smsc() {
        let routes = Routes::new(vec![smsc(1, &["33"]), smsc(2, &["33"])]);
        let mut shares = [[0; 2]; 16];
        for number in 33_600_000_000..33_600_016_000u64 {
            let recipient = Recipient(number);
            let smsc = routes.route(recipient).unwrap();
            assert_eq!(routes.route(recipient), Some(smsc));
            shares[usize::from(recipient.partition(16).0)][usize::from(smsc.0) - 1] += 1;
        }
        assert!(
            shares.as_flattened().iter().all(|share| (400..600).contains(share)),
            "{shares:?}"
        );
    }
}
