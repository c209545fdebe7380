//! What is committed is what is made, and every alert has its runbook.

use std::collections::BTreeSet;
use std::fs::read_to_string;

use dashboards::{Addresses, files};

use crate::{made, package, repository, values};

#[test]
fn what_is_committed_is_what_is_made() {
    let mut faults = Vec::new();
    let made = files(&Addresses::default());
    for (path, text) in &made {
        if read_to_string(package().join(path)).ok().as_ref() != Some(text) {
            faults.push(path.clone());
        }
    }
    for folder in ["grafana", "prometheus", "prometheus/tests"] {
        for entry in package().join(folder).read_dir().expect("list a folder").flatten() {
            let path = format!("{folder}/{}", entry.file_name().display());
            if entry.path().is_file() && !made.iter().any(|(known, _)| *known == path) {
                faults.push(format!("{path}, which nothing makes"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "cargo run -p dashboards writes them anew: {faults:?}"
    );
}

#[test]
fn every_alert_has_a_runbook_that_says_what_it_means_where_to_look_and_what_to_do() {
    let alerts: BTreeSet<String> = values(&made("prometheus/alerts.yml"), "alert").into_iter().collect();
    let folder = repository().join("docs/runbooks");
    let mut faults = Vec::new();
    for alert in &alerts {
        let text = read_to_string(folder.join(format!("{alert}.md"))).unwrap_or_default();
        let heads = [
            format!("# {alert}\n"),
            "## Look here\n".to_owned(),
            "## Do this\n".to_owned(),
        ];
        for head in heads.iter().filter(|head| !text.contains(head.as_str())) {
            faults.push(format!("docs/runbooks/{alert}.md lacks {head:?}"));
        }
    }
    for entry in folder.read_dir().expect("list the runbooks").flatten() {
        let name = entry.file_name().display().to_string();
        let of_an_alert = name.strip_suffix(".md").is_some_and(|name| alerts.contains(name));
        if !of_an_alert && name != "README.md" {
            faults.push(format!("docs/runbooks/{name} is of no alert"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn addresses_of_runbooks_and_of_grafana_are_those_that_are_given() {
    let addresses = Addresses {
        runbooks: Some("https://wiki.example/sms".to_owned()),
        grafana: Some("https://grafana.example".to_owned()),
    };
    let made = files(&addresses);
    let of = |path: &str| &made.iter().find(|(known, _)| known == path).expect("it is made").1;
    let alerts = of("prometheus/alerts.yml");
    assert!(
        alerts.contains("runbook_url: 'https://wiki.example/sms/AllBindsDown.md'"),
        "{alerts}"
    );
    assert!(
        alerts.contains("dashboard_url: 'https://grafana.example/d/campanile-smscs'"),
        "{alerts}"
    );
    assert!(of("grafana/overview.json").contains("\"url\": \"https://wiki.example/sms\""));
}
