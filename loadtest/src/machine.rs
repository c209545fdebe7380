//! Where a run takes place.

use sha2::{Digest, Sha256};

use crate::results::{Machine, Results};

/// The facts of this machine, as Linux tells them; what cannot be read is left empty.
fn facts() -> Machine {
    let kernel = |file: &str| {
        let path = format!("/proc/sys/kernel/{file}");
        std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
    };
    Machine {
        cpu: lab::usage::cpu_model(),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        memory_bytes: lab::usage::memory_bytes(),
        kernel: format!("{} {}", kernel("ostype"), kernel("osrelease")),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Writes into the results what is known before a run: mode, seed, configuration, machine, time.
pub(crate) fn head(results: &mut Results, mode: &str, seed: u64, configuration: Vec<(String, String)>) {
    results.schema = crate::results::SCHEMA;
    mode.clone_into(&mut results.mode);
    results.seed = seed;
    results.configuration = configuration.into_iter().collect();
    results.configuration_hash = hash_of(results);
    results.machine = facts();
}

fn hash_of(results: &Results) -> String {
    let mut hash = Sha256::new();
    hash.update(results.mode.as_bytes());
    for (key, value) in &results.configuration {
        // Lengths in front: no two configurations make the same octets.
        for text in [key, value] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_mode_and_configuration_only() {
        let hash = |mode: &str, seed, rows: &[(&str, &str)]| {
            let mut results = Results::default();
            let rows = rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            head(&mut results, mode, seed, rows.collect());
            results.configuration_hash
        };
        assert_eq!(hash("smpp", 1, &[("a", "b")]), hash("smpp", 2, &[("a", "b")]));
        assert_ne!(hash("smpp", 1, &[("a", "bc")]), hash("smpp", 1, &[("ab", "c")]));
        assert_ne!(hash("smpp", 1, &[]), hash("soak", 1, &[]));
        assert_eq!(hash("smpp", 1, &[]).len(), 64);
    }

    #[test]
    fn this_machine_has_facts() {
        let machine = facts();
        assert!(machine.cores > 0 && machine.memory_bytes > 0 && machine.kernel.starts_with("Linux"));
    }
}
