//! Which SMSCs take which number: the longest of their prefixes decides, and several that are as good are one route.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::config;
use crate::domain::{Recipient, RouteId, SmscId};
use crate::store::{Store, StoreError};

/// The routes to all numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    /// Prefix, as a number → its route. E.164 numbers begin with no 0, so that no digit is lost.
    by_prefix: FxHashMap<u64, RouteId>,
    /// The route of all other numbers.
    others: Option<RouteId>,
    /// The SMSCs of each route, in their order.
    smscs: FxHashMap<RouteId, Vec<SmscId>>,
    /// Of this table: a newer one has a greater.
    version: u32,
}

/// The SMSCs that the configuration gives to each prefix; the empty one stands for all other numbers.
fn choices(smscs: &[(SmscId, Arc<config::Smsc>)]) -> BTreeMap<String, Vec<(SmscId, String)>> {
    let mut choices: BTreeMap<String, Vec<(SmscId, String)>> = BTreeMap::new();
    // Receivers take no submissions.
    for (id, smsc) in smscs.iter().filter(|(_, smsc)| smsc.bind.transmits()) {
        let all = [String::new()];
        let prefixes = if smsc.prefixes.is_empty() {
            &all[..]
        } else {
            &smsc.prefixes[..]
        };
        for prefix in prefixes {
            let choice = choices.entry(prefix.clone()).or_default();
            choice.push((*id, smsc.name.clone()));
        }
    }
    choices
}

impl Routes {
    /// The routes over these SMSCs, with the numbers that the database has for them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn new(store: &Store, smscs: &[(SmscId, Arc<config::Smsc>)]) -> Result<Self, StoreError> {
        let (mut routes, mut table) = (Self::default(), String::new());
        for (prefix, choice) in choices(smscs) {
            let names: Vec<&str> = choice.iter().map(|(_, name)| name.as_str()).collect();
            let name = names.join("+");
            let route = store.route_id(&name).await?;
            table.push_str(&format!("{prefix}={name};"));
            routes.smscs.insert(route, choice.iter().map(|(id, _)| *id).collect());
            match prefix.parse() {
                Ok(prefix) => drop(routes.by_prefix.insert(prefix, route)),
                Err(_) => routes.others = Some(route),
            }
        }
        routes.version = store.routes_version(&table).await?;
        Ok(routes)
    }

    /// The route of a number; [`RouteId::NONE`] when no SMSC takes it.
    pub(crate) fn route(&self, recipient: Recipient) -> RouteId {
        self.longest(recipient).or(self.others).unwrap_or(RouteId::NONE)
    }

    /// The version of the table.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// The SMSCs of each route.
    pub(crate) fn smscs(&self) -> impl Iterator<Item = (RouteId, &[SmscId])> {
        self.smscs.iter().map(|(route, smscs)| (*route, &smscs[..]))
    }

    /// Whether anybody serves that route.
    pub(crate) fn is_served(&self, route: RouteId) -> bool {
        self.smscs.contains_key(&route)
    }

    /// The routes that an SMSC serves.
    pub(crate) fn served_by(&self, smsc: SmscId) -> Vec<RouteId> {
        let mut served: Vec<RouteId> = self
            .smscs
            .iter()
            .filter(|(_, smscs)| smscs.contains(&smsc))
            .map(|(route, _)| *route)
            .collect();
        served.sort_unstable();
        served
    }

    fn longest(&self, recipient: Recipient) -> Option<RouteId> {
        if self.by_prefix.is_empty() {
            return None;
        }
        // 33612345678, 3361234567, …, 3: a number has at most 15 digits.
        let prefixes = std::iter::successors(Some(recipient.0), |prefix| {
            Some(prefix / 10).filter(|shorter| *shorter > 0)
        });
        prefixes
            .filter_map(|prefix| self.by_prefix.get(&prefix))
            .copied()
            .next()
    }

    /// A table that the database has never seen.
    #[cfg(test)]
    pub(crate) fn of(smscs: &[(SmscId, Arc<config::Smsc>)]) -> Self {
        let (mut routes, mut next) = (Self::default(), 0);
        for (prefix, choice) in choices(smscs) {
            next += 1;
            routes
                .smscs
                .insert(RouteId(next), choice.iter().map(|(id, _)| *id).collect());
            match prefix.parse() {
                Ok(prefix) => drop(routes.by_prefix.insert(prefix, RouteId(next))),
                Err(_) => routes.others = Some(RouteId(next)),
            }
        }
        routes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Directions;

    fn smsc(id: u16, prefixes: &[&str]) -> (SmscId, Arc<config::Smsc>) {
        let mut smsc = config::Smsc::new(format!("s{id}"), "127.0.0.1:2775", "campanile");
        smsc.prefixes = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        (SmscId(id), Arc::new(smsc))
    }

    fn to(routes: &Routes, number: u64) -> Vec<u16> {
        let smscs = routes.smscs.get(&routes.route(Recipient(number)));
        smscs.into_iter().flatten().map(|smsc| smsc.0).collect()
    }

    #[test]
    fn the_longest_prefix_decides_and_equals_share() {
        let smscs = [
            smsc(1, &[]),
            smsc(2, &["33", "32"]),
            smsc(3, &["33639"]),
            smsc(4, &["33"]),
        ];
        let routes = Routes::of(&smscs);
        assert_eq!(to(&routes, 33_612_345_678), [2, 4]);
        assert_eq!(to(&routes, 33_639_123_456), [3]);
        assert_eq!(to(&routes, 32_470_123_456), [2]);
        assert_eq!(to(&routes, 12_015_550_123), [1]);
        assert_eq!(routes.served_by(SmscId(2)).len(), 2);
        assert_eq!(routes.served_by(SmscId(4)).len(), 1);
    }

    #[test]
    fn a_number_that_nobody_takes_has_no_route() {
        let routes = Routes::of(&[smsc(1, &["33"])]);
        assert_eq!(routes.route(Recipient(12_015_550_123)), RouteId::NONE);
        let mut receiver = config::Smsc::new("r", "127.0.0.1:2775", "campanile");
        receiver.bind = Directions::Receiver;
        let routes = Routes::of(&[(SmscId(1), Arc::new(receiver))]);
        assert_eq!(routes.route(Recipient(33_612_345_678)), RouteId::NONE);
    }
}
