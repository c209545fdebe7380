//! Imports go strictly down, in every package; nowhere do they go round; and some names belong to one module.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::{ModulePath, Package};
use crate::source::{files_below, repository};

/// A package, and its modules from the ground up: a module imports from lower rows only. `lib` is what `lib.rs` itself holds.
struct House {
    sources: &'static str,
    layers: &'static [&'static [&'static str]],
}

const HOUSES: [House; 10] = [
    House {
        sources: "kit/src",
        layers: &[
            &["words", "random", "clock", "output", "hosts"],
            &["settings"],
            &["lib"],
        ],
    },
    House {
        sources: "rules/src",
        layers: &[&["holidays"], &["zone"], &["pack"], &["decision"], &["lib"]],
    },
    House {
        sources: "presets/src",
        layers: &[&["lib"]],
    },
    House {
        sources: "smpp/src",
        layers: &[
            &["address", "command_status", "text", "time"],
            &["frame", "segment"],
            &["part", "choice"],
            &["receipt", "session"],
            &["anatomy"],
            &["lib"],
        ],
    },
    House {
        sources: "smpp-sim/src",
        layers: &[
            &["number", "version", "random", "capture"],
            &["delay"],
            &["model"],
            &["reader", "outcome", "ledger"],
            &["smsc"],
            &["handle"],
            &["smscs", "ledger_file", "net"],
            &["http"],
            &["running"],
            &["cli"],
            &["lib"],
        ],
    },
    House {
        sources: "engine/src",
        layers: &[
            &["domain"],
            &["fault"],
            &["config", "metrics", "clock", "shutdown"],
            &["rotated", "encryption"],
            &["store", "database", "compose", "pressure", "logs", "audit", "otel"],
            &["mirror", "numbers", "engagement"],
            &[
                "account",
                "audience",
                "bind",
                "guard",
                "links",
                "message_log",
                "webhooks",
            ],
            &["people", "sheet", "history", "engines", "flagged"],
            &["import"],
            &["campaign", "outcome"],
            &["automation"],
            &["agenda"],
            &["replies"],
            &["receipt", "traffic", "inbound", "reload", "rights"],
            &["waiting", "hours"],
            &["api", "dispatch"],
            &["settle"],
            &["run", "decode", "probe", "ctl"],
            &["cli"],
            &["lib"],
        ],
    },
    House {
        sources: "lab/src",
        layers: &[
            &["exposition", "fault", "patients", "wait"],
            &["http", "process", "scratch", "usage"],
            &["api", "postgres_server", "redis_server", "sim", "supervise"],
            &["redis_nodes"],
            &["engine", "ledgers"],
            &["lib"],
        ],
    },
    House {
        sources: "loadtest/src",
        layers: &[
            &["clock", "failure", "parallel", "random", "results", "safety"],
            &[
                "load",
                "machine",
                "report",
                "shares",
                "supervise",
                "threshold",
                "traffic",
            ],
            &["compare", "esme"],
            &["cli", "progress"],
            &["bench", "manual", "modes", "profile"],
            &["e2e"],
            &["lib"],
        ],
    },
    House {
        sources: "dashboards/src",
        layers: &[
            &["addresses", "query"],
            &["panel"],
            &["board"],
            &["boards"],
            &["rules"],
            &["lib"],
        ],
    },
    House {
        sources: "tests/src",
        layers: &[
            &["authority", "drawbridge", "fail", "readme", "receiver", "tap", "wait"],
            &["http", "peers", "redis_server", "sim"],
            &["engine"],
            &["programs", "tenant"],
            &["clock", "ledgers", "prometheus"],
            &["stand"],
            &["scenarios", "quirks"],
            &["lib"],
        ],
    },
];

/// Though the layers would allow it: `bind` hands over what happened as a value, and the store knows no wire format.
const NEVER: [(&str, &str); 2] = [("bind", "store"), ("store", "smpp")];

/// The beginning of a path, or a type, and the modules of the engine that alone may say it.
const OWNED: [(&str, &[&str]); 4] = [
    ("redis::", &["store"]),
    ("sqlx::", &["database"]),
    ("axum::", &["api"]),
    ("TcpStream", &["bind", "webhooks"]),
];

/// Pure modules of the engine: what they compute does not wait for anything.
const PURE: [&str; 2] = ["domain", "compose"];

/// A dependency, and the packages that may have it.
const OWNED_DEPENDENCIES: [(&str, &[&str]); 2] = [("rusmpp", &["smpp"]), ("redis", &["engine", "lab", "tests"])];

#[test]
fn imports_go_strictly_down() {
    let mut faults = Vec::new();
    for House { sources, layers } in HOUSES {
        let layer_of = |module: &str| layers.iter().position(|layer| layer.contains(&module));
        let package = Package::read(sources);
        for module in package.modules.values() {
            let (file, top) = (&module.file, module.top());
            let Some(own) = layer_of(top) else {
                faults.push(format!(
                    "{file}: {top} stands in no layer: add it to the table and to ARCHITECTURE.md"
                ));
                continue;
            };
            for imported in package.imports(module) {
                let imported = imported.first().map_or("lib", String::as_str);
                if imported != top && layer_of(imported).is_none_or(|layer| layer >= own) {
                    faults.push(format!("{file}: {top} imports {imported}, which is not below it"));
                }
            }
        }
        for module in layers.iter().copied().flatten() {
            if !package.modules.values().any(|known| known.top() == *module) {
                faults.push(format!("{sources}: the table names {module}, which is not there"));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn imports_go_round_nowhere() {
    let mut faults = Vec::new();
    for sources in all_sources() {
        let package = Package::read(&sources);
        for (folder, mut arrows) in arrows_by_folder(&package) {
            leave_only_circles(&mut arrows);
            for (from, to, file, imported) in arrows {
                faults.push(format!(
                    "{file} imports {}: {from} and {to} of {sources}/{} import each other",
                    imported.join("::"),
                    folder.join("/")
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn names_are_said_by_their_owners_alone() {
    let mut faults = Vec::new();
    for module in Package::read("engine/src").modules.values() {
        for (name, owners) in OWNED {
            if module.says(name) && !owners.contains(&module.top()) {
                faults.push(format!("{}: only {owners:?} may say {name}", module.file));
            }
        }
        for (importer, never) in NEVER {
            let imports = module.says(&format!("{never}::"));
            if module.top() == importer && imports {
                faults.push(format!("{}: {importer} may never say {never}::", module.file));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn pure_modules_have_no_async() {
    for module in Package::read("engine/src").modules.values() {
        let waits = module.says("async") || module.says("await");
        assert!(
            !waits || !PURE.contains(&module.top()),
            "{} is pure, and says async",
            module.file
        );
    }
}

#[test]
fn dependencies_belong_to_their_packages() {
    let manifests = files_below("").into_iter().filter(|file| {
        let mut parts = file.path.split('/').rev();
        parts.next() == Some("Cargo.toml") && parts.count() == 1
    });
    for manifest in manifests {
        for (dependency, owners) in OWNED_DEPENDENCIES {
            let has = manifest.text.lines().any(|line| {
                line.strip_prefix(dependency)
                    .is_some_and(|rest| rest.starts_with(['.', ' ']))
            });
            let owned = owners
                .iter()
                .any(|owner| manifest.path == format!("{owner}/Cargo.toml"));
            assert!(
                !has || owned,
                "{}: only {owners:?} may depend on {dependency}",
                manifest.path
            );
        }
    }
}

/// The `src` of every package with a library.
fn all_sources() -> Vec<String> {
    let folders = std::fs::read_dir(repository()).expect("list the repository");
    let folders = folders
        .flatten()
        .filter(|entry| entry.path().join("src/lib.rs").exists());
    folders
        .map(|entry| format!("{}/src", entry.file_name().display()))
        .collect()
}

/// From one of a folder's modules to another, the file that makes it so, and what it names.
type Arrow = (String, String, String, ModulePath);

/// What stands beside each other in each folder imports from each other; a subfolder counts as one with all that is in it.
/// A module and the folder's own `mod.rs` belong together: one opens the other.
fn arrows_by_folder(package: &Package) -> BTreeMap<ModulePath, BTreeSet<Arrow>> {
    let mut folders: BTreeMap<ModulePath, BTreeSet<Arrow>> = BTreeMap::new();
    for module in package.modules.values() {
        for imported in package.imports(module) {
            let together = module
                .path
                .iter()
                .zip(imported)
                .take_while(|(one, other)| one == other)
                .count();
            if let (Some(from), Some(to)) = (module.path.get(together), imported.get(together)) {
                let arrow = (from.clone(), to.clone(), module.file.clone(), imported.clone());
                folders.entry(imported[..together].to_vec()).or_default().insert(arrow);
            }
        }
    }
    folders
}

/// Takes away what leads to a module that imports nothing, or from one that nobody imports, until no such arrow is left.
fn leave_only_circles(arrows: &mut BTreeSet<Arrow>) {
    loop {
        let count = arrows.len();
        let (from, to): (BTreeSet<_>, BTreeSet<_>) =
            arrows.iter().map(|(from, to, ..)| (from.clone(), to.clone())).unzip();
        arrows.retain(|(one, other, ..)| to.contains(one) && from.contains(other));
        if arrows.len() == count {
            return;
        }
    }
}

#[test]
fn a_circle_is_found_and_what_leads_to_it_is_not_blamed() {
    let arrow = |from: &str, to: &str| (from.to_owned(), to.to_owned(), String::new(), ModulePath::new());
    let circle = [arrow("a", "b"), arrow("b", "c"), arrow("c", "a")];
    let mut arrows: BTreeSet<Arrow> = circle
        .iter()
        .cloned()
        .chain([arrow("x", "a"), arrow("c", "y")])
        .collect();
    leave_only_circles(&mut arrows);
    assert_eq!(arrows, circle.into());
    arrows.remove(&arrow("c", "a"));
    leave_only_circles(&mut arrows);
    assert_eq!(arrows, BTreeSet::new());
}
