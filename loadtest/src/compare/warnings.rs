//! Why two runs may not be comparable.

use std::collections::BTreeSet;

use crate::results::Results;

/// Differences in what was asked for beyond that are counted, not named.
const KEYS_MAX: usize = 8;

/// A sentence for each reason, once; each run is held against the first one of the base.
pub(super) fn of(base: &[Results], new: &[Results]) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some((first, others)) = base.split_first() {
        warnings.extend(others.iter().chain(new).flat_map(|other| differences(first, other)));
    }
    for (which, runs) in [("base", base), ("new", new)] {
        for results in runs {
            let said = [
                ("was saturated, its rates are the generator's", &results.saturation),
                ("is doubted", &results.doubts),
            ];
            let said = said.into_iter().filter(|(_, reasons)| !reasons.is_empty());
            warnings.extend(said.map(|(what, reasons)| format!("the {which} run {what}: {}", reasons.join("; "))));
        }
    }
    let mut seen = BTreeSet::new();
    warnings.retain(|warning| seen.insert(warning.clone()));
    warnings
}

fn differences(one: &Results, other: &Results) -> Vec<String> {
    let mut differences: Vec<String> = facts(one, other)
        .into_iter()
        .filter(|(_, one, other)| one != other)
        .map(|(what, one, other)| format!("{what} differs: {one} and {other}"))
        .collect();
    differences.extend(configuration(one, other));
    differences
}

/// What should be the same, of both.
fn facts(base: &Results, new: &Results) -> Vec<(&'static str, String, String)> {
    let (one, other) = (&base.machine, &new.machine);
    let memory = |octets: u64| crate::report::number::octets(octets);
    vec![
        ("the mode", base.mode.clone(), new.mode.clone()),
        ("the seed", base.seed.to_string(), new.seed.to_string()),
        ("the processor", one.cpu.clone(), other.cpu.clone()),
        ("the number of cores", one.cores.to_string(), other.cores.to_string()),
        ("the memory", memory(one.memory_bytes), memory(other.memory_bytes)),
        ("the kernel", one.kernel.clone(), other.kernel.clone()),
        ("the load tester's version", one.version.clone(), other.version.clone()),
    ]
}

/// What was asked for, key by key where both say it.
fn configuration(base: &Results, new: &Results) -> Option<String> {
    if base.configuration_hash == new.configuration_hash && base.configuration == new.configuration {
        return None;
    }
    let keys: BTreeSet<&String> = base.configuration.keys().chain(new.configuration.keys()).collect();
    let value = |results: &Results, key: &String| match results.configuration.get(key) {
        Some(value) => value.clone(),
        None => "absent".to_owned(),
    };
    let differing: Vec<String> = keys
        .into_iter()
        .filter(|key| base.configuration.get(*key) != new.configuration.get(*key))
        .map(|key| format!("{key} {} and {}", value(base, key), value(new, key)))
        .collect();
    let named = differing[..differing.len().min(KEYS_MAX)].join(", ");
    let more = differing.len().saturating_sub(KEYS_MAX);
    let more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    let which = if named.is_empty() {
        String::new()
    } else {
        format!(": {named}{more}")
    };
    Some(format!("the configuration differs{which}"))
}
