//! Which rows share their hours, and which hours are open now: a gate is a zone of the rules of sending.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rules::{Rules, ZoneIndex};

use crate::clock::Clock;
use crate::domain::{GateId, Purpose, Recipient, Territory, UnixMicros};
use crate::store::{Store, StoreError};

/// What was decided is decided again after so long at the latest: clocks are set.
const DECIDED_FOR: Duration = Duration::from_secs(60);

/// The gates of the database. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Gates(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    set: ArcSwap<Set>,
    now: RwLock<Hours>,
}

/// What is obeyed, until other rules are.
#[derive(Debug)]
struct Set {
    rules: Arc<Rules>,
    /// The gate of each zone, by its index.
    gates: Vec<GateId>,
    /// Those of zones that no rule is for any more: nobody closes them.
    orphans: Vec<GateId>,
    /// Since when, where others were obeyed before.
    since: UnixMicros,
}

/// Gates of rules that are not obeyed yet.
pub(crate) struct NewGates(Set);

/// Which gates are open, until then.
#[derive(Clone, Debug)]
struct Hours {
    open: Arc<[GateId]>,
    /// Of those that close: when they opened, and when nothing may arrive through them any more.
    spans: Arc<[(GateId, UnixMicros, UnixMicros)]>,
    until: UnixMicros,
}

impl Gates {
    /// The gates of these rules: each zone has a number in the database for good.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn new(store: &Store, rules: Rules, clock: Clock) -> Result<Self, StoreError> {
        let numbers = Self::numbers(store, &rules).await?;
        Ok(Self::of_numbers(rules, clock, numbers))
    }

    /// The gates of other rules, which [`Gates::obey`] has obeyed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn prepare(store: &Store, rules: Rules) -> Result<NewGates, StoreError> {
        let (gates, orphans) = Self::numbers(store, &rules).await?;
        let rules = Arc::new(rules);
        Ok(NewGates(Set {
            rules,
            gates,
            orphans,
            since: UnixMicros(0),
        }))
    }

    /// Other rules hold from now on, for all that waits as well: a zone's gate opens when they say so.
    pub(crate) fn obey(&self, NewGates(set): NewGates) {
        let since = self.0.clock.unix();
        self.0.set.store(Arc::new(Set { since, ..set }));
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = Hours::unknown();
    }

    async fn numbers(store: &Store, rules: &Rules) -> Result<(Vec<GateId>, Vec<GateId>), StoreError> {
        let mut gates = Vec::new();
        for (_, zone) in rules.zones() {
            gates.push(store.gate_id(&zone.name).await?);
        }
        let mut orphans = store.gates().await?;
        orphans.retain(|gate| !gates.contains(gate));
        Ok((gates, orphans))
    }

    /// Without rules: everything is always open.
    #[cfg(test)]
    pub(crate) fn none(clock: Clock) -> Self {
        Self::of_numbers(Rules::default(), clock, (Vec::new(), Vec::new()))
    }

    fn of_numbers(rules: Rules, clock: Clock, (gates, orphans): (Vec<GateId>, Vec<GateId>)) -> Self {
        let rules = Arc::new(rules);
        Self(Arc::new(Shared {
            clock,
            set: ArcSwap::from_pointee(Set {
                rules,
                gates,
                orphans,
                since: UnixMicros(0),
            }),
            now: RwLock::new(Hours::unknown()),
        }))
    }

    /// The gate of a message: what is transactional goes at any hour, advertising by its recipient's.
    pub(crate) fn of(&self, purpose: Purpose, (recipient, territory): (Recipient, Option<Territory>)) -> GateId {
        match purpose {
            Purpose::Transactional => GateId::OPEN,
            Purpose::Marketing => {
                let set = self.0.set.load();
                let zone = zone_in(&set.rules, recipient, territory);
                zone.map_or(GateId::OPEN, |zone| set.gates[zone.0])
            }
        }
    }

    /// The gate of a row whose purpose is not known yet: that of its zone, and [`GateId::OPEN`] for the first zone, which most are
    /// of. [`Self::home`] is what that stands for when it turns out to be advertising.
    pub(crate) fn of_row(&self, recipient: Recipient) -> GateId {
        let set = self.0.set.load();
        match set.rules.zone_of(recipient.0) {
            None | Some(ZoneIndex(0)) => GateId::OPEN,
            Some(ZoneIndex(zone)) => set.gates[zone],
        }
    }

    /// The gate of the first zone; [`GateId::OPEN`] without rules.
    pub(crate) fn home(&self) -> GateId {
        self.0.set.load().gates.first().copied().unwrap_or(GateId::OPEN)
    }

    /// The same of whose people are there, if that is a part of it.
    pub(crate) fn home_in(&self, territory: Option<Territory>) -> GateId {
        let set = self.0.set.load();
        let home = set.rules.zones().next().map(|(zone, _)| zone);
        let home = home.map(|zone| part_of(&set.rules, zone, territory));
        home.map_or(GateId::OPEN, |zone| set.gates[zone.0])
    }

    /// The names of the zones of some gates; the first, where a row of it has no gate yet.
    pub(super) fn names(&self, gates: &HashSet<GateId>) -> Vec<String> {
        let set = self.0.set.load();
        let zones = set.rules.zones().zip(&set.gates);
        let named =
            zones.filter(|((zone, _), gate)| gates.contains(gate) || zone.0 == 0 && gates.contains(&GateId::OPEN));
        named.map(|((_, zone), _)| zone.name.clone()).collect()
    }

    /// When the first of some zones is open from that time on, the first zone as it is where the people of a tenant are; `None`: never.
    /// Of zones that are no more nobody knows: they are as the first.
    pub(super) fn first_open(
        &self,
        names: &[String],
        territory: Option<Territory>,
        at: UnixMicros,
    ) -> Option<UnixMicros> {
        let set = self.0.set.load();
        let zones = set.rules.zones().zip(&set.gates).skip(1);
        let known: Vec<(&str, GateId)> = zones.map(|((_, zone), gate)| (zone.name.as_str(), *gate)).collect();
        let gate = |name: &String| known.iter().find(|(known, _)| known == name).map(|(_, gate)| *gate);
        let gates = names
            .iter()
            .map(|name| gate(name).unwrap_or_else(|| self.home_in(territory)));
        gates.filter_map(|gate| self.opens_from(gate, at)).min()
    }

    /// The gates that are open now.
    pub(crate) fn open(&self) -> Arc<[GateId]> {
        self.hours().open
    }

    /// When a gate that is closed now opens again, as far as that is known.
    pub(crate) fn opens(&self, gate: GateId) -> Option<UnixMicros> {
        let set = self.0.set.load();
        let zone = set.gates.iter().position(|known| *known == gate)?;
        let decided = set.rules.decide(ZoneIndex(zone), timestamp(self.0.clock.unix()));
        decided.until.filter(|_| !decided.open).map(micros)
    }

    /// Since when a gate is open, or closed, as it is now; `None`: always, or nobody knows.
    pub(crate) fn moved_at(&self, gate: GateId) -> Option<UnixMicros> {
        let set = self.0.set.load();
        let zone = set.gates.iter().position(|known| *known == gate)?;
        let decided = set.rules.decide(ZoneIndex(zone), timestamp(self.0.clock.unix()));
        // Other rules held before.
        decided.since.map(|since| micros(since).max(set.since))
    }

    /// When a gate is open from that time on: then, or when it opens next; `None`: never.
    pub(crate) fn opens_from(&self, gate: GateId, at: UnixMicros) -> Option<UnixMicros> {
        let set = self.0.set.load();
        let Some(zone) = set.gates.iter().position(|known| *known == gate) else {
            return Some(at);
        };
        let decided = set.rules.decide(ZoneIndex(zone), timestamp(at));
        if decided.open {
            Some(at)
        } else {
            decided.until.map(micros)
        }
    }

    /// The rules themselves.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.0.set.load().rules.clone()
    }

    /// When nothing may arrive through that gate any more, as of now.
    pub(crate) fn ends(&self, gate: GateId) -> Option<UnixMicros> {
        if gate == GateId::OPEN {
            return None;
        }
        let spans = self.hours().spans;
        spans.iter().find(|(of, ..)| *of == gate).map(|(_, _, ends)| *ends)
    }

    /// Whether advertising that left for that recipient then, through that gate, was outside the hours: as the rules say by themselves.
    pub(crate) fn is_outside(&self, (gate, recipient): (GateId, Recipient), at: UnixMicros) -> bool {
        let hours = self.hours();
        let within = |(of, opened, ends): &(GateId, UnixMicros, UnixMicros)| *of == gate && *opened <= at && at < *ends;
        // As nearly always: it is open, and was when that left.
        if hours.spans.iter().any(within) {
            return false;
        }
        let set = self.0.set.load();
        // What is queued keeps its zone, also under other rules.
        let zone = match gate {
            GateId::OPEN => set.rules.zone_of(recipient.0),
            gate => set.gates.iter().position(|known| *known == gate).map(ZoneIndex),
        };
        // Other rules held then, or none is for its zone.
        let Some(zone) = zone.filter(|_| at >= set.since) else {
            return false;
        };
        let decided = set.rules.decide(zone, timestamp(at));
        // What leaves in the last minutes, in which nothing new goes, may have been on its way.
        let guard = decided
            .pack
            .as_ref()
            .map_or(Duration::ZERO, |pack| pack.guard.unsigned_abs());
        let earlier = set.rules.decide(zone, timestamp(at.minus(guard)));
        !decided.open && earlier.ends.is_none_or(|ends| micros(ends) <= at)
    }

    /// Which zones are open now.
    pub(crate) fn zones(&self) -> Vec<(&'static str, bool)> {
        let (set, open) = (self.0.set.load(), self.open());
        let zones = set.rules.zones().zip(&set.gates);
        zones
            .map(|((_, zone), gate)| (zone.name.as_str(), open.contains(gate)))
            .collect()
    }

    /// Since when a message is due that was asked for then: not before its gate opened. `None`: its gate is closed.
    pub(crate) fn due(&self, gate: GateId, asked_at: UnixMicros) -> Option<UnixMicros> {
        if gate == GateId::OPEN {
            return Some(asked_at);
        }
        let hours = self.hours();
        if !hours.open.contains(&gate) {
            return None;
        }
        let opened = hours
            .spans
            .iter()
            .find(|(of, ..)| *of == gate)
            .map(|(_, opened, _)| *opened);
        Some(opened.map_or(asked_at, |opened| opened.max(asked_at)))
    }

    fn hours(&self) -> Hours {
        let now = self.0.clock.unix();
        let known = self.0.now.read().unwrap_or_else(PoisonError::into_inner).clone();
        // A clock that was set back asks again, too.
        if now < known.until && known.until.since(now) <= DECIDED_FOR {
            return known;
        }
        let mut kept = self.0.now.write().unwrap_or_else(PoisonError::into_inner);
        // Behind the lock: what other rules say does not make way for what was decided by these.
        *kept = self.0.set.load().hours(now);
        kept.clone()
    }
}

/// Whose hours a number has, of whose people are there.
pub(crate) fn zone_in(rules: &Rules, recipient: Recipient, territory: Option<Territory>) -> Option<ZoneIndex> {
    let zone = rules.zone_of(recipient.0)?;
    Some(part_of(rules, zone, territory))
}

/// That part of a zone, where the zone has it.
fn part_of(rules: &Rules, zone: ZoneIndex, territory: Option<Territory>) -> ZoneIndex {
    let Some((whole, part)) = territory.map(Territory::zones) else {
        return zone;
    };
    let named = |name: &str| rules.zones().find(|(_, known)| known.name == name).map(|(at, _)| at);
    match named(whole) == Some(zone) {
        true => named(part).unwrap_or(zone),
        false => zone,
    }
}

impl Hours {
    /// It is to be decided.
    fn unknown() -> Self {
        Self {
            open: Arc::from([]),
            spans: Arc::from([]),
            until: UnixMicros(0),
        }
    }
}

impl Set {
    fn hours(&self, now: UnixMicros) -> Hours {
        let at = timestamp(now);
        let mut open = vec![GateId::OPEN];
        open.extend(&self.orphans);
        let mut spans = Vec::new();
        let mut until = now.plus(DECIDED_FOR);
        for (zone, gate) in self.gates.iter().enumerate() {
            let decided = self.rules.decide(ZoneIndex(zone), at);
            if decided.open {
                open.push(*gate);
            }
            if let (Some(since), Some(ends)) = (decided.since, decided.ends) {
                spans.push((*gate, micros(since), micros(ends)));
            }
            until = until.min(decided.until.map_or(until, micros));
        }
        Hours {
            open: open.into(),
            spans: spans.into(),
            until,
        }
    }
}

fn timestamp(at: UnixMicros) -> Timestamp {
    at.timestamp().unwrap_or(Timestamp::MAX)
}

fn micros(at: Timestamp) -> UnixMicros {
    UnixMicros(u64::try_from(at.as_microsecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARIS: Recipient = Recipient(33_612_345_678);
    const REUNION: Recipient = Recipient(262_692_123_456);

    fn gates(at: &str) -> (Gates, Clock) {
        let clock = Clock::new();
        clock.set(micros(at.parse().unwrap()));
        let rules = Rules::of(["fr-seed"]).unwrap();
        let numbers = (1..=rules.zones().count() as u16).map(GateId).collect();
        let gates = Gates::of_numbers(rules, clock, (numbers, vec![GateId(99)]));
        (gates, clock)
    }

    #[test]
    fn a_part_of_the_first_zone_is_closed_on_its_own_holidays_as_well() {
        let there = Some(Territory::AlsaceMoselle);
        // Good Friday, 26 December, and a Saturday that is no holiday anywhere.
        for (at, is_open_there) in [
            ("2027-03-26T10:00:00Z", false),
            ("2026-12-26T10:00:00Z", false),
            ("2027-03-27T10:00:00Z", true),
        ] {
            let (gates, _) = gates(at);
            let of = |recipient, territory| gates.of(Purpose::Marketing, (recipient, territory));
            let is_open = |gate| gates.open().contains(&gate);
            assert!(is_open(of(PARIS, None)), "{at}");
            assert_eq!(is_open(of(PARIS, there)), is_open_there, "{at}");
            assert_eq!(of(REUNION, there), of(REUNION, None), "numbers say where that is");
            assert_eq!(
                (gates.home_in(there), gates.home_in(None)),
                (of(PARIS, there), gates.home())
            );
        }
    }

    #[test]
    fn what_is_open_follows_the_clock_and_each_zones_hours() {
        let (gates, clock) = gates("2026-11-27T05:00:00Z");
        let (paris, reunion) = (
            gates.of(Purpose::Marketing, (PARIS, None)),
            gates.of(Purpose::Marketing, (REUNION, None)),
        );
        assert_ne!(paris, reunion);
        assert_eq!(gates.of(Purpose::Transactional, (REUNION, None)), GateId::OPEN);
        assert_eq!((gates.of_row(PARIS), gates.of_row(REUNION)), (GateId::OPEN, reunion));
        assert_eq!(gates.home(), paris);
        let is_open = |gate| gates.open().contains(&gate);
        assert!(!is_open(paris) && is_open(reunion) && is_open(GateId::OPEN) && is_open(GateId(99)));
        clock.set(micros("2026-11-27T07:00:00Z".parse().unwrap()));
        assert!(is_open(paris) && is_open(reunion));
        assert_eq!(gates.ends(paris), Some(micros("2026-11-27T19:30:00Z".parse().unwrap())));
        let [night, morning, noon] =
            ["T05:00:00Z", "T07:00:00Z", "T11:00:00Z"].map(|hour| micros(format!("2026-11-27{hour}").parse().unwrap()));
        assert_eq!(
            (gates.due(paris, night), gates.due(paris, noon)),
            (Some(morning), Some(noon))
        );
        assert_eq!(gates.due(GateId::OPEN, night), Some(night));
        clock.set(micros("2026-11-27T19:26:00Z".parse().unwrap()));
        assert_eq!(gates.due(paris, noon), None);
        assert!(!is_open(paris) && !is_open(reunion));
        // Set back by a day.
        clock.set(micros("2026-11-26T12:00:00Z".parse().unwrap()));
        assert!(is_open(paris) && is_open(reunion));
    }

    #[test]
    fn other_rules_hold_at_once_for_what_waits() {
        // Nine in the evening.
        let (gates, _) = gates("2026-11-27T20:00:00Z");
        let paris = gates.of(Purpose::Marketing, (PARIS, None));
        assert!(!gates.open().contains(&paris));
        let set = gates.0.set.load_full();
        gates.obey(NewGates(Set {
            rules: Arc::new(Rules::of(["fr-af2m-2026"]).unwrap()),
            gates: set.gates.clone(),
            orphans: Vec::new(),
            since: UnixMicros(0),
        }));
        assert!(gates.open().contains(&paris));
        assert_eq!(gates.of(Purpose::Marketing, (PARIS, None)), paris);
        assert_eq!(gates.ends(paris), Some(micros("2026-11-27T20:30:00Z".parse().unwrap())));
    }

    #[test]
    fn without_rules_everything_goes_at_any_hour() {
        let gates = Gates::none(Clock::new());
        assert_eq!(gates.of(Purpose::Marketing, (PARIS, None)), GateId::OPEN);
        assert_eq!(gates.open()[..], [GateId::OPEN]);
        assert_eq!((gates.home(), gates.ends(GateId::OPEN)), (GateId::OPEN, None));
    }

    #[test]
    fn what_leaves_outside_the_hours_is_known_by_the_rules_alone() {
        let (gates, clock) = gates("2026-11-27T12:00:00Z");
        let paris = gates.of(Purpose::Marketing, (PARIS, None));
        let at = |hour: &str| micros(format!("2026-11-27T{hour}Z").parse().unwrap());
        let outside = |gate, hour| gates.is_outside((gate, PARIS), at(hour));
        for gate in [paris, GateId::OPEN] {
            // From 8:00 to 20:30 in Paris; nothing new goes from 20:25 on, and what was on its way may.
            for (hour, is_outside) in [
                ("06:59:59", true),
                ("07:00:00", false),
                ("11:59:59", false),
                ("19:26:00", false),
                ("19:29:59", false),
                ("19:30:00", true),
                ("22:00:00", true),
            ] {
                assert_eq!(outside(gate, hour), is_outside, "{gate:?} {hour}");
            }
        }
        clock.set(at("19:27:00"));
        assert!(!outside(paris, "19:24:59") && !outside(paris, "19:26:59") && outside(paris, "19:31:00"));
        let zones = gates.zones();
        assert_eq!((zones[0].1, zones.len()), (false, gates.rules().zones().count()));
        // By rules that hold since half past seven in the evening, what left before is not looked at.
        clock.set(at("19:30:00"));
        let set = gates.0.set.load_full();
        gates.obey(NewGates(Set {
            rules: set.rules.clone(),
            gates: set.gates.clone(),
            orphans: Vec::new(),
            since: UnixMicros(0),
        }));
        assert!(!outside(paris, "06:00:00") && outside(paris, "19:31:00"));
        // A gate of rules that are no more is closed by nobody.
        assert!(!outside(GateId(99), "22:00:00"));
    }
}
