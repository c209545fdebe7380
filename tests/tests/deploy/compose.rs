//! The file for Compose is valid, and what it mounts is there.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use campanile_tests::{Lab, programs};
use serde_json::Value;

use crate::deploy::common::{assert_valid, documents, has, list, read, repository, run, spool_of, text};

const FOLDER: &str = "deploy/compose";

/// Of one engine, and of two.
const FILES: [&str; 2] = ["compose.yml", "pair.yml"];

fn compose(file: &str) -> Value {
    let mut documents = documents(&read(&format!("{FOLDER}/{file}")));
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn services(compose: &Value) -> impl Iterator<Item = (&String, &Value)> {
    compose["services"].as_object().expect("services").iter()
}

#[test]
fn the_files_are_valid_under_the_specification() {
    let schema = serde_json::from_str(&read("tests/schemas/compose-spec.json")).expect("a schema");
    for file in FILES {
        assert_valid(&schema, &compose(file), file);
    }
}

#[test]
fn services_are_hardened_and_reached_from_this_machine_alone() {
    for compose in FILES.map(compose) {
        for (name, service) in services(&compose) {
            assert_eq!(service["read_only"], true, "{name}");
            assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
            for port in list(service, "/ports") {
                let port = port.as_str().expect("in the short form");
                assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
            }
        }
    }
}

#[test]
fn what_is_mounted_is_there_or_is_made_by_the_script() {
    let compose = both();
    let lab = Lab::new(programs!(), "deploy-compose");
    let folder = repository().join(FOLDER);
    let script = lab.directory().join("secrets.sh");
    std::fs::copy(folder.join("secrets.sh"), &script).expect("copy the script");
    run(&mut Command::new(&script));
    let before = std::fs::read(lab.directory().join("secrets/operator-key")).expect("it was made");
    run(&mut Command::new(&script));
    let after = std::fs::read(lab.directory().join("secrets/operator-key")).expect("it is there");
    assert_eq!(before, after, "what is there stays");
    for (name, secret) in compose["secrets"].as_object().expect("secrets") {
        let file = lab.directory().join(text(secret, "/file"));
        let length = std::fs::metadata(&file)
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .len();
        assert!(length >= 8, "{name} is short");
    }
    for (name, service) in services(&compose) {
        for secret in list(service, "/secrets") {
            let secret = secret.as_str().expect("in the short form");
            assert!(compose["secrets"].get(secret).is_some(), "{name}: no secret {secret}");
        }
        for volume in list(service, "/volumes") {
            assert_mounted(&compose, &folder, name, volume.as_str().expect("in the short form"));
        }
    }
}

/// The file for two engines on top of the one for one.
fn both() -> Value {
    let mut both = compose(FILES[0]);
    for part in ["services", "secrets", "volumes"] {
        let of_two = compose(FILES[1])[part].as_object().expect("a map").clone();
        for (name, value) in of_two {
            let merged = both[part].as_object_mut().expect("a map").entry(name);
            merged.and_modify(|known| merge(known, &value)).or_insert(value);
        }
    }
    both
}

/// As Compose does it with lists of a service, as far as they are looked at here.
fn merge(known: &mut Value, more: &Value) {
    for list in ["secrets", "volumes", "tmpfs"] {
        let more = more[list].as_array().cloned().unwrap_or_default();
        match known[list].as_array_mut() {
            Some(known) => known.extend(more),
            None if more.is_empty() => {}
            None => known[list] = more.into(),
        }
    }
}

/// A file that is sent to an engine is kept aside in a folder: the root of its image is read-only, and has no /tmp.
#[test]
fn every_engine_has_where_to_keep_a_file_that_is_imported() {
    for compose in [compose(FILES[0]), both()] {
        let engines = services(&compose).filter(|(_, service)| {
            let image = service["image"].as_str();
            image.is_some_and(|image| image.starts_with("campanile:"))
        });
        for (name, engine) in engines {
            let mounts = mounts(engine);
            // Of two that are mounted at one place, the later one is there.
            let mut configurations = mounts.iter().rev();
            let (file, _) = configurations
                .find(|(_, at)| *at == "/etc/campanile/campanile.toml")
                .unwrap_or_else(|| panic!("{name} has no configuration"));
            let folder = spool_of(&read(&format!("{FOLDER}/{file}")));
            let in_memory = list(engine, "/tmpfs").iter().filter_map(Value::as_str);
            let is_memory = in_memory
                .filter_map(|one| one.split_once(':'))
                .any(|(at, options)| at == folder && options.contains("size="));
            let is_volume = mounts
                .iter()
                .any(|(source, at)| *at == folder && compose["volumes"].get(*source).is_some());
            assert!(is_memory || is_volume, "{name} cannot write into {folder}");
        }
    }
}

fn assert_mounted(compose: &Value, folder: &Path, service: &str, volume: &str) {
    let source = volume.split(':').next().expect("a source");
    // The dashboards are a package of their own, and are mounted where it is there.
    if source.starts_with("../../dashboards/") && !repository().join("dashboards").is_dir() {
        return;
    }
    if source.starts_with('.') {
        assert!(
            folder.join(source).exists(),
            "{service} mounts {source}, which is not there"
        );
    } else {
        assert!(
            compose["volumes"].get(source).is_some(),
            "{service}: no volume {source}"
        );
    }
}

/// Where a folder of the repository is in the containers of a service.
fn mounts(service: &Value) -> Vec<(&str, &str)> {
    let volumes = list(service, "/volumes").iter().filter_map(Value::as_str);
    let parts = volumes.filter_map(|volume| {
        let mut parts = volume.split(':');
        Some((parts.next()?, parts.next()?))
    });
    parts.collect()
}

/// The names of `${…}` in a text.
fn variables(text: &str) -> Vec<&str> {
    let ends = text.split("${").skip(1).map(|rest| rest.split('}').next());
    ends.map(Option::unwrap_or_default).collect()
}

/// Grafana reads its files by itself: what they name has to be where the service has it.
#[test]
fn grafana_finds_its_dashboards_and_prometheus_where_its_provisioning_says() {
    let compose = compose(FILES[0]);
    let grafana = &compose["services"]["grafana"];
    let mounts = mounts(grafana);
    let at = |folder: &str| mounts.iter().find(|(source, _)| *source == folder).map(|(_, at)| *at);
    assert_eq!(at("../../dashboards/provisioning"), Some("/etc/grafana/provisioning"));
    let boards = at("../../dashboards/grafana").expect("the dashboards are mounted");
    let (mut providers, mut sources) = (Vec::new(), Vec::new());
    for (kind, file) in provisioning() {
        let text = read(&format!("dashboards/provisioning/{kind}/{file}"));
        for name in variables(&text) {
            assert!(grafana["environment"][name].is_string(), "{file}: nobody sets {name}");
        }
        let document = documents(&text).remove(0);
        providers.extend(list(&document, "/providers").iter().cloned());
        sources.extend(list(&document, "/datasources").iter().cloned());
    }
    let paths: Vec<&str> = providers.iter().map(|one| text(one, "/options/path")).collect();
    assert_eq!(paths, [boards], "Grafana looks for dashboards where none are");
    for source in &sources {
        let mut url = text(source, "/url").to_owned();
        for name in variables(text(source, "/url")) {
            url = url.replace(
                &format!("${{{name}}}"),
                text(&grafana["environment"], &format!("/{name}")),
            );
        }
        let host = url.trim_start_matches("http://").split(':').next().expect("a host");
        let asked = &compose["services"][host];
        assert!(asked.is_object(), "{url}: there is no service {host}");
        let shared = list(asked, "/networks")
            .iter()
            .any(|one| list(grafana, "/networks").contains(one));
        assert!(shared, "{url} is in no network of Grafana's");
    }
    assert_eq!(sources.len(), 1);
}

/// Links of dashboards and alerts lead to pages that somebody shows, at an address that a browser has.
#[test]
fn links_to_runbooks_and_dashboards_lead_to_what_grafana_shows() {
    let compose = compose(FILES[0]);
    let grafana = &compose["services"]["grafana"];
    let mounted = mounts(grafana);
    let published = list(grafana, "/ports")[0].as_str().expect("in the short form");
    let address = format!("http://{}", published.rsplit_once(':').expect("HOST:PORT:PORT").0);
    // Under /public, Grafana shows what lies in that folder of its image.
    let shows = |path: &str| {
        let file = format!("/usr/share/grafana{path}");
        let from = |(source, at): &(&str, &str)| {
            Some(
                repository()
                    .join(FOLDER)
                    .join(source)
                    .join(file.strip_prefix(at)?.trim_start_matches('/')),
            )
        };
        mounted.iter().find_map(from).is_some_and(|file| file.exists())
    };
    let board: Value = serde_json::from_str(&read("dashboards/grafana/overview.json")).expect("JSON");
    let links = list(&board, "/links").iter().filter_map(|link| link["url"].as_str());
    let links: Vec<&str> = links.collect();
    assert!(!links.is_empty() && links.iter().all(|link| shows(link)), "{links:?}");
    let prometheus = documents(&read(&format!("{FOLDER}/prometheus.yml"))).remove(0);
    let labels = &prometheus["global"]["external_labels"];
    assert_eq!(labels["grafana"], address.as_str());
    let runbooks = text(labels, "/runbooks").strip_prefix(&address).expect("at Grafana");
    assert!(shows(&format!("{runbooks}/AllBindsDown.md")), "{runbooks}");
    let dropped: BTreeSet<&str> = text(&prometheus, "/alerting/alert_relabel_configs/0/regex")
        .split('|')
        .collect();
    let names = labels.as_object().expect("a map").keys().map(String::as_str);
    assert_eq!(
        dropped,
        names.collect::<BTreeSet<&str>>(),
        "labels that alerts do not need"
    );
}

/// Every file of provisioning, with the folder that says what it is.
fn provisioning() -> Vec<(String, String)> {
    let folder = repository().join("dashboards/provisioning");
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("list a folder").flatten();
        entries.map(|entry| entry.file_name().display().to_string()).collect()
    };
    let kinds = names(&folder).into_iter();
    let files = kinds.flat_map(|kind| {
        names(&folder.join(&kind))
            .into_iter()
            .map(move |file| (kind.clone(), file))
    });
    files.collect()
}

#[test]
fn prometheus_and_alertmanager_take_their_configurations() {
    let folder = repository().join(FOLDER);
    for (file, tool, arguments) in [
        ("prometheus.yml", "promtool", &["check", "config", "--syntax-only"][..]),
        ("alertmanager.yml", "amtool", &["check-config"][..]),
    ] {
        assert_eq!(documents(&read(&format!("{FOLDER}/{file}"))).len(), 1);
        if has(tool) {
            run(Command::new(tool).args(arguments).arg(folder.join(file)));
        }
    }
}
