//! Which SMSCs take which message: the first route that fits; without routes, the longest of the SMSCs' own prefixes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustc_hash::FxHashMap;

use crate::config::{self, Prefer};
use crate::domain::{Countries, Purpose, Recipient, RouteId, SmscId, TenantId, UnixMicros};
use crate::store::{Store, StoreError};

/// With what the names of routes begin that are for sandboxes alone.
const SANDBOX_MARK: &str = "sandbox:";

/// With what a simulator's name begins where SMSCs have their numbers.
pub(crate) const SANDBOX: &str = "sandbox/";

/// The routes to all numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    /// In the order in which they are asked.
    rules: Vec<Rule>,
    /// The routes, by number.
    served: Vec<Served>,
    /// Every SMSC, in a route or not.
    smscs: Vec<SmscId>,
    /// Those of these that are simulators.
    sandboxes: Vec<SmscId>,
    /// Of this table: a newer one has a greater.
    version: u32,
}

/// The routes that hold now; those of a new configuration take their place. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RouteTable(Arc<ArcSwap<Routes>>);

impl RouteTable {
    pub(crate) fn new(routes: Routes) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(routes)))
    }

    /// Whoever cuts spans keeps one table for all of them, and says its version.
    pub(crate) fn now(&self) -> Arc<Routes> {
        self.0.load_full()
    }

    pub(crate) fn version(&self) -> u32 {
        self.0.load().version
    }

    pub(crate) fn replace(&self, routes: Routes) {
        self.0.store(Arc::new(routes));
    }
}

/// A route, and who serves it.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) route: RouteId,
    pub(crate) name: String,
    /// What decides among those of a priority.
    pub(crate) prefer: Option<Prefer>,
    /// In their order.
    pub(crate) smscs: Vec<Serving>,
}

/// An SMSC of a route.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    pub(crate) smsc: SmscId,
    /// Those of the smallest priority that can take messages have the turn.
    pub(crate) priority: u8,
    /// Its share among them; `None`: each takes what it can.
    pub(crate) weight: Option<u8>,
    /// From each of these moments on, how many of the route's SMSCs are cheaper; none: prices do not matter.
    pub(crate) cheaper: Vec<(UnixMicros, u8)>,
}

impl Serving {
    /// Those of the smallest rank that can take messages have the turn.
    pub(crate) fn rank(&self, now: UnixMicros) -> (u8, u8) {
        let last = self.cheaper.iter().rev().find(|(from, _)| *from <= now);
        (self.priority, last.map_or(0, |(_, cheaper)| *cheaper))
    }
}

/// For some messages: to which route.
#[derive(Clone, Debug, Default)]
struct Rule {
    /// For what sandboxes send, and for nothing else; of no other rule is any of that.
    sandbox: bool,
    /// Whose; empty: everybody's. Likewise the next three.
    tenants: Vec<TenantId>,
    purposes: Vec<Purpose>,
    senders: Vec<String>,
    countries: Countries,
    /// Prefix, as a number → its route. E.164 numbers begin with no 0, so that no digit is lost.
    by_prefix: FxHashMap<u64, RouteId>,
    /// The route of all other numbers.
    others: Option<RouteId>,
}

/// Whose messages are to be routed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) purpose: Purpose,
    /// As the API takes it: an international number has its `+`.
    pub(crate) sender: &'a str,
}

/// The routes of somebody's messages. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Chooser {
    routes: Arc<Routes>,
    /// The rules that hold for them.
    rules: Vec<usize>,
}

/// What the configuration says: the routes with names and SMSCs, and the rules with the route's place among them.
#[derive(Debug, Default)]
struct Plan {
    routes: Vec<Planned>,
    rules: Vec<(Rule, BTreeMap<String, usize>)>,
}

/// A route that has no number yet.
#[derive(Debug)]
struct Planned {
    name: String,
    prefer: Option<Prefer>,
    smscs: Vec<Serving>,
}

impl Plan {
    fn new(smscs: &[(SmscId, Arc<config::Smsc>)], routes: &[config::Route]) -> Self {
        let mut plan = Self::default();
        if routes.is_empty() {
            plan.add_prefixes(smscs, false);
        } else {
            plan.add_routes(smscs, routes);
        }
        if smscs.iter().any(|(_, smsc)| smsc.sandbox) {
            plan.add_prefixes(smscs, true);
        }
        plan
    }

    fn add_routes(&mut self, smscs: &[(SmscId, Arc<config::Smsc>)], routes: &[config::Route]) {
        let known: Vec<_> = smscs.iter().map(|(_, smsc)| smsc.clone()).collect();
        for route in routes {
            let mut by_prefix = BTreeMap::new();
            // By who is cheapest when: what is queued under a name has the same order of SMSCs at any time.
            for (at, class) in route.classes(&known).into_iter().enumerate() {
                let name = match at {
                    0 => route.name.clone(),
                    _ => format!("{}/{}", route.name, class.prefixes[0]),
                };
                let at = self.add(Planned {
                    name,
                    prefer: route.prefer,
                    smscs: servings(route, &class.ranks, smscs),
                });
                by_prefix.extend(class.prefixes.into_iter().map(|prefix| (prefix, at)));
            }
            let rule = Rule {
                tenants: route.tenants.clone(),
                purposes: route.purposes.clone(),
                senders: route.senders.clone(),
                countries: route.countries.clone(),
                ..Rule::default()
            };
            self.rules.push((rule, by_prefix));
        }
    }

    /// One rule: the longest prefix decides, and SMSCs that are as good are one route.
    fn add_prefixes(&mut self, smscs: &[(SmscId, Arc<config::Smsc>)], sandbox: bool) {
        let mut choices: BTreeMap<String, Vec<&(SmscId, Arc<config::Smsc>)>> = BTreeMap::new();
        // Receivers take no submissions.
        let takes = |smsc: &config::Smsc| smsc.bind.transmits() && smsc.sandbox == sandbox;
        for smsc in smscs.iter().filter(|(_, smsc)| takes(smsc)) {
            for prefix in or_all(&smsc.1.prefixes) {
                choices.entry(prefix).or_default().push(smsc);
            }
        }
        let mut by_prefix = BTreeMap::new();
        for (prefix, choice) in choices {
            let names: Vec<&str> = choice.iter().map(|(_, smsc)| smsc.name.as_str()).collect();
            let serving = |(id, _): &&(SmscId, Arc<config::Smsc>)| Serving {
                smsc: *id,
                priority: 1,
                weight: None,
                cheaper: Vec::new(),
            };
            // No configured route has such a name.
            let mark = if sandbox { SANDBOX_MARK } else { "" };
            let at = self.add(Planned {
                name: format!("{mark}{}", names.join("+")),
                prefer: None,
                smscs: choice.iter().map(serving).collect(),
            });
            by_prefix.insert(prefix, at);
        }
        let rule = Rule {
            sandbox,
            ..Rule::default()
        };
        self.rules.push((rule, by_prefix));
    }

    fn add(&mut self, route: Planned) -> usize {
        let known = self.routes.iter().position(|known| known.name == route.name);
        known.unwrap_or_else(|| {
            self.routes.push(route);
            self.routes.len() - 1
        })
    }

    /// What decides where messages are queued; who serves a route does not.
    fn text(&self) -> String {
        let mut text = String::new();
        for (rule, by_prefix) in &self.rules {
            if rule.sandbox {
                text.push_str(SANDBOX_MARK);
            }
            if !(rule.tenants.is_empty() && rule.purposes.is_empty() && rule.senders.is_empty()) {
                text.push_str(&format!("{:?}{:?}{:?}", rule.tenants, rule.purposes, rule.senders));
            }
            if !rule.countries.is_all() {
                text.push_str(&format!("[{}]", rule.countries));
            }
            for (prefix, at) in by_prefix {
                text.push_str(&format!("{prefix}={};", self.routes[*at].name));
            }
        }
        text
    }

    /// With the numbers of the routes, in their order.
    fn numbered(self, numbers: &[RouteId]) -> Routes {
        let rules = self.rules.into_iter().map(|(mut rule, by_prefix)| {
            for (prefix, at) in by_prefix {
                match prefix.parse() {
                    Ok(prefix) => drop(rule.by_prefix.insert(prefix, numbers[at])),
                    Err(_) => rule.others = Some(numbers[at]),
                }
            }
            rule
        });
        let served = self.routes.into_iter().zip(numbers);
        Routes {
            rules: rules.collect(),
            served: served
                .map(|(planned, route)| Served {
                    route: *route,
                    name: planned.name,
                    prefer: planned.prefer,
                    smscs: planned.smscs,
                })
                .collect(),
            smscs: Vec::new(),
            sandboxes: Vec::new(),
            version: 0,
        }
    }
}

/// Who serves a route, or a class of its numbers, with the ranks of its SMSCs by price.
fn servings(
    route: &config::Route,
    ranks: &[(UnixMicros, Vec<u8>)],
    smscs: &[(SmscId, Arc<config::Smsc>)],
) -> Vec<Serving> {
    let serving = |(at, choice): (usize, &config::Choice)| {
        let (id, _) = smscs.iter().find(|(_, smsc)| smsc.name == choice.name)?;
        Some(Serving {
            smsc: *id,
            priority: choice.priority,
            weight: choice.weight,
            cheaper: ranks.iter().map(|(from, ranks)| (*from, ranks[at])).collect(),
        })
    };
    route.smscs.iter().enumerate().filter_map(serving).collect()
}

fn sandboxes(smscs: &[(SmscId, Arc<config::Smsc>)]) -> Vec<SmscId> {
    let simulators = smscs.iter().filter(|(_, smsc)| smsc.sandbox);
    simulators.map(|(id, _)| *id).collect()
}

/// The empty prefix stands for all numbers.
fn or_all(prefixes: &[String]) -> impl Iterator<Item = String> {
    let all = prefixes.is_empty().then(String::new);
    prefixes.iter().cloned().chain(all)
}

impl Rule {
    fn is_for(&self, whose: &Whose<'_>) -> bool {
        let is_sender = |sender: &String| sender.eq_ignore_ascii_case(whose.sender);
        self.is_for_tenant(whose.tenant)
            && (self.purposes.is_empty() || self.purposes.contains(&whose.purpose))
            && (self.senders.is_empty() || self.senders.iter().any(is_sender))
    }

    fn is_for_tenant(&self, tenant: TenantId) -> bool {
        self.sandbox == tenant.is_sandbox() && (self.tenants.is_empty() || self.tenants.contains(&tenant))
    }

    fn route(&self, recipient: Recipient) -> Option<RouteId> {
        let route = self.longest(recipient).or(self.others)?;
        self.countries.allow(recipient).then_some(route)
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
}

impl Routes {
    /// The routes over these SMSCs, with the numbers that the database has for them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn new(
        store: &Store,
        smscs: &[(SmscId, Arc<config::Smsc>)],
        routes: &[config::Route],
    ) -> Result<Self, StoreError> {
        let plan = Plan::new(smscs, routes);
        let mut numbers = Vec::with_capacity(plan.routes.len());
        for route in &plan.routes {
            numbers.push(store.route_id(&route.name).await?);
        }
        let version = store.routes_version(&plan.text()).await?;
        Ok(Self {
            version,
            smscs: smscs.iter().map(|(id, _)| *id).collect(),
            // Those as well that are configured no more: what they had to say may still come.
            sandboxes: store
                .smscs_named(SANDBOX)
                .await?
                .into_iter()
                .chain(sandboxes(smscs))
                .collect(),
            ..plan.numbered(&numbers)
        })
    }

    /// The routes of these messages.
    pub(crate) fn chooser(self: &Arc<Self>, whose: &Whose<'_>) -> Chooser {
        self.choose(|rule| rule.is_for(whose))
    }

    /// The routes of a tenant's messages as far as they are known without purpose and sender; and whether that is all that
    /// decides.
    pub(crate) fn chooser_of(self: &Arc<Self>, tenant: TenantId) -> (Chooser, bool) {
        let needs_more = |rule: &Rule| !(rule.purposes.is_empty() && rule.senders.is_empty());
        let own = self.rules.iter().filter(|rule| rule.is_for_tenant(tenant));
        let decided = !own.into_iter().any(needs_more);
        let chooser = self.choose(|rule| rule.is_for_tenant(tenant) && !needs_more(rule));
        (chooser, decided)
    }

    fn choose(self: &Arc<Self>, fits: impl Fn(&Rule) -> bool) -> Chooser {
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| fits(rule));
        Chooser {
            routes: self.clone(),
            rules: rules.map(|(at, _)| at).collect(),
        }
    }

    /// The version of the table.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// All routes, with who serves them.
    pub(crate) fn served(&self) -> &[Served] {
        &self.served
    }

    /// Whether anybody serves that route.
    pub(crate) fn is_served(&self, route: RouteId) -> bool {
        self.served.iter().any(|served| served.route == route)
    }

    /// Whether that SMSC is configured.
    pub(crate) fn knows(&self, smsc: SmscId) -> bool {
        self.smscs.contains(&smsc)
    }

    /// Whether that SMSC is a simulator, with which sandboxes have to do and nobody else.
    pub(crate) fn is_sandbox(&self, smsc: SmscId) -> bool {
        self.sandboxes.contains(&smsc)
    }

    /// Whether what sandboxes send goes anywhere.
    pub(crate) fn has_sandbox(&self) -> bool {
        let leads_anywhere = |rule: &Rule| rule.others.is_some() || !rule.by_prefix.is_empty();
        self.rules.iter().any(|rule| rule.sandbox && leads_anywhere(rule))
    }

    /// The routes that an SMSC serves, whether it is its turn or not.
    #[cfg(test)]
    pub(crate) fn served_by(&self, smsc: SmscId) -> Vec<RouteId> {
        let serves = |served: &&Served| served.smscs.iter().any(|serving| serving.smsc == smsc);
        let mut routes: Vec<RouteId> = self.served.iter().filter(serves).map(|served| served.route).collect();
        routes.sort_unstable();
        routes
    }

    /// A table that the database has never seen.
    #[cfg(test)]
    pub(crate) fn of(smscs: &[(SmscId, Arc<config::Smsc>)], routes: &[config::Route]) -> Arc<Self> {
        let plan = Plan::new(smscs, routes);
        let numbers: Vec<RouteId> = (1..=plan.routes.len() as u16).map(RouteId).collect();
        Arc::new(plan.numbered(&numbers))
    }
}

impl Chooser {
    /// The route of a number; [`RouteId::NONE`] when no SMSC takes it.
    pub(crate) fn route(&self, recipient: Recipient) -> RouteId {
        let rules = self.rules.iter().map(|at| &self.routes.rules[*at]);
        rules
            .filter_map(|rule| rule.route(recipient))
            .next()
            .unwrap_or(RouteId::NONE)
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

    const ANYBODY: Whose<'_> = Whose {
        tenant: TenantId(1),
        purpose: Purpose::Marketing,
        sender: "OSTEO",
    };

    fn to(routes: &Arc<Routes>, whose: &Whose<'_>, number: u64) -> Vec<u16> {
        let route = routes.chooser(whose).route(Recipient(number));
        let served = routes.served.iter().find(|served| served.route == route);
        let smscs = served.into_iter().flat_map(|served| &served.smscs);
        smscs.map(|serving| serving.smsc.0).collect()
    }

    #[test]
    fn sandboxes_go_to_simulators_and_nobody_else_does() {
        let simulator = |id: u16| {
            let (id, plain) = smsc(id, &[]);
            let mut smsc = config::Smsc::clone(&plain);
            smsc.sandbox = true;
            (id, Arc::new(smsc))
        };
        let sandbox = Whose {
            tenant: ANYBODY.tenant.sandbox(),
            ..ANYBODY
        };
        let smscs = [smsc(1, &["33"]), simulator(2), simulator(3)];
        let routes = Routes::of(&smscs, &[]);
        for (whose, expected) in [(&ANYBODY, vec![1]), (&sandbox, vec![2, 3])] {
            assert_eq!(to(&routes, whose, 33_612_345_678), expected);
        }
        assert_eq!(to(&routes, &ANYBODY, 32_470_123_456), [0_u16; 0]);
        assert!(routes.has_sandbox());

        // Without one a sandbox's messages have no route, however all others are routed.
        let routes = Routes::of(&smscs[..1], &[]);
        assert_eq!(to(&routes, &sandbox, 33_612_345_678), [0_u16; 0]);
        assert!(!routes.has_sandbox());
    }

    #[test]
    fn the_longest_prefix_decides_and_equals_share() {
        let smscs = [
            smsc(1, &[]),
            smsc(2, &["33", "32"]),
            smsc(3, &["33639"]),
            smsc(4, &["33"]),
        ];
        let routes = Routes::of(&smscs, &[]);
        assert_eq!(to(&routes, &ANYBODY, 33_612_345_678), [2, 4]);
        assert_eq!(to(&routes, &ANYBODY, 33_639_123_456), [3]);
        assert_eq!(to(&routes, &ANYBODY, 32_470_123_456), [2]);
        assert_eq!(to(&routes, &ANYBODY, 12_015_550_123), [1]);
        assert_eq!(routes.served_by(SmscId(2)).len(), 2);
        assert_eq!(routes.served_by(SmscId(4)).len(), 1);
    }

    #[test]
    fn a_number_that_nobody_takes_has_no_route() {
        let none = |routes: &Arc<Routes>| {
            let route = routes.chooser(&ANYBODY).route(Recipient(12_015_550_123));
            assert_eq!(route, RouteId::NONE);
        };
        none(&Routes::of(&[smsc(1, &["33"])], &[]));
        let mut receiver = config::Smsc::new("r", "127.0.0.1:2775", "campanile");
        receiver.bind = Directions::Receiver;
        none(&Routes::of(&[(SmscId(1), Arc::new(receiver))], &[]));
        none(&Routes::of(&[smsc(1, &[])], &[route("france", &["33"], &["s1"])]));
    }

    fn route(name: &str, prefixes: &[&str], smscs: &[&str]) -> config::Route {
        let choice = |name: &&str| config::Choice {
            name: (*name).to_owned(),
            priority: 1,
            weight: None,
        };
        config::Route {
            name: name.to_owned(),
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            tenants: Vec::new(),
            purposes: Vec::new(),
            senders: Vec::new(),
            smscs: smscs.iter().map(choice).collect(),
            countries: Countries::default(),
            prefer: None,
        }
    }

    #[test]
    fn a_route_takes_the_numbers_of_its_countries() {
        let home = config::Route {
            countries: "FR".parse().unwrap(),
            ..route("home", &[], &["s1"])
        };
        let overseas = config::Route {
            countries: "RE,GP".parse().unwrap(),
            ..route("overseas", &[], &["s2"])
        };
        let routes = Routes::of(&[smsc(1, &[]), smsc(2, &[])], &[home, overseas]);
        assert_eq!(to(&routes, &ANYBODY, 33_612_345_678), [1]);
        assert_eq!(to(&routes, &ANYBODY, 262_692_123_456), [2]);
        assert_eq!(to(&routes, &ANYBODY, 590_690_123_456), [2]);
        assert_eq!(to(&routes, &ANYBODY, 32_470_123_456), [0u16; 0]);
    }

    #[test]
    fn the_cheapest_route_is_cut_by_who_is_cheapest_and_a_price_takes_effect_at_its_date() {
        let priced = |id: u16, prices: &[(&str, u64, Option<u64>, u64)]| {
            let (id, smsc) = smsc(id, &[]);
            let prices = config::PriceList::of(prices);
            let smsc = config::Smsc {
                prices,
                ..(*smsc).clone()
            };
            (id, Arc::new(smsc))
        };
        let smscs = [
            priced(1, &[("33", 0, None, 40), ("33639", 0, None, 90)]),
            priced(2, &[("33", 0, Some(100), 50), ("33", 100, None, 30)]),
        ];
        let cheapest = config::Route {
            prefer: Some(Prefer::Cheapest),
            ..route("france", &["33"], &["s1", "s2"])
        };
        let routes = Routes::of(&smscs, &[cheapest]);
        let ranks = |number: u64, now| -> (String, Vec<u8>) {
            let route = routes.chooser(&ANYBODY).route(Recipient(number));
            let served = routes.served().iter().find(|served| served.route == route).unwrap();
            let ranks = served.smscs.iter().map(|serving| serving.rank(UnixMicros(now)).1);
            (served.name.clone(), ranks.collect())
        };
        for (number, now, name, expected) in [
            (33_612_345_678, 99, "france", [0, 1]),
            (33_612_345_678, 100, "france", [1, 0]),
            (33_639_123_456, 99, "france/33639", [1, 0]),
            (33_639_123_456, 100, "france/33639", [1, 0]),
        ] {
            assert_eq!(
                ranks(number, now),
                (name.to_owned(), expected.to_vec()),
                "{number} at {now}"
            );
        }
        assert_eq!(to(&routes, &ANYBODY, 32_470_123_456), [0u16; 0]);
    }

    #[test]
    fn the_first_route_that_fits_tenant_purpose_sender_and_number_decides() {
        let vip = config::Route {
            tenants: vec![TenantId(7)],
            ..route("vip", &["33"], &["s1"])
        };
        let reminders = config::Route {
            purposes: vec![Purpose::Transactional],
            senders: vec!["osteo".to_owned()],
            ..route("reminders", &[], &["s2"])
        };
        let rest = route("rest", &[], &["s3", "s1"]);
        let smscs = [smsc(1, &[]), smsc(2, &[]), smsc(3, &[])];
        let routes = Routes::of(&smscs, &[vip, reminders, rest]);
        let tenant = |tenant, purpose| Whose {
            tenant: TenantId(tenant),
            purpose,
            sender: "OSTEO",
        };
        for (whose, number, smscs) in [
            (tenant(7, Purpose::Marketing), 33_612_345_678, &[1][..]),
            (tenant(7, Purpose::Transactional), 32_470_123_456, &[2]),
            (tenant(1, Purpose::Transactional), 33_612_345_678, &[2]),
            (tenant(1, Purpose::Marketing), 33_612_345_678, &[3, 1]),
        ] {
            assert_eq!(to(&routes, &whose, number), smscs, "{whose:?} {number}");
        }
        assert!(!routes.chooser_of(TenantId(1)).1, "purpose and sender decide too");
    }

    #[test]
    fn who_serves_a_route_does_not_make_another_table() {
        let smscs = [smsc(1, &[]), smsc(2, &[])];
        let text = |routes: &[config::Route]| Plan::new(&smscs, routes).text();
        let before = text(&[route("france", &["33"], &["s1"])]);
        assert_eq!(before, text(&[route("france", &["33"], &["s2", "s1"])]));
        assert_ne!(before, text(&[route("france", &["33", "262"], &["s1"])]));
    }
}
