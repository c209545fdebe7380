//! Configurations to begin with have no fault, and Redis takes its settings.

use std::process::Command;

use campanile_tests::{Lab, programs};

use crate::deploy::common::{read, repository, run};

const CONFIGURATIONS: [&str; 6] = [
    "deploy/compose/campanile.toml",
    "deploy/debian/campanile.toml",
    "deploy/kubernetes/overlays/dev/campanile.toml",
    "deploy/kubernetes/overlays/production/campanile.toml",
    "deploy/kubernetes/overlays/pair/campanile.toml",
    "deploy/compose/pair.toml",
];

#[test]
fn every_configuration_to_begin_with_is_free_of_faults() {
    let lab = Lab::new(programs!(), "deploy-samples");
    let password = lab.directory().join("password");
    std::fs::write(&password, "secret\n").expect("write a file");
    let texts = lab.directory().join("texts");
    std::fs::write(&texts, format!("{}=\n", "A".repeat(43))).expect("write a file");
    let operator = lab.directory().join("operator");
    std::fs::write(&operator, "opr_0123456789abcdef\n").expect("write a file");
    for configuration in CONFIGURATIONS {
        // Where secrets are mounted, there is none here.
        let mut check = Command::new(programs!().engine);
        check
            .args(["check", "--config"])
            .arg(repository().join(configuration))
            .env("CAMPANILE__API__OPERATOR_KEY_FILE", &operator)
            .env("CAMPANILE__SMSC__0__PASSWORD_FILE", &password);
        if read(configuration).contains("\nurl = \"postgres://") {
            check.env("CAMPANILE__DATABASE__PASSWORD_FILE", &password);
            check.env("CAMPANILE__ENCRYPTION__KEY_FILE", &texts);
        }
        run(&mut check);
        let secret = read(configuration).lines().any(|line| line.starts_with("password ="));
        assert!(!secret, "{configuration} holds a password");
    }
}
