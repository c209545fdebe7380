//! The demo as a program: a newcomer's first minute.

use std::process::Command;

use campanile_tests::{Lab, programs};

/// As the README shows it.
const TABLE: [&str; 8] = [
    "  Message reçu                       3969   90,6 %",
    "  Echec de la transmission              8    0,2 %",
    "  Erreur lors de la réception          18    0,4 %",
    "  Numéro de destination inconnu       112    2,6 %",
    "  Message non-routage                   4    0,1 %",
    "  Message transmis                    267    6,1 %",
    "  Message recrédité                     1    0,0 %",
    "  Total                              4379  100,0 %",
];

#[test]
fn it_shows_the_seven_statuses_and_leaves_nothing_behind() {
    let lab = Lab::new(programs!(), "demo");
    let temporary = lab.directory().join("tmp");
    std::fs::create_dir(&temporary).expect("create a directory");
    let ended = Command::new(env!("CARGO_BIN_EXE_demo-under-test"))
        .arg("--bin-dir")
        .arg(lab.bin_dir())
        .env("TMPDIR", &temporary)
        .output()
        .expect("run the demo");
    let said = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}: {said}\n{errors}", ended.status);
    for line in TABLE {
        assert!(said.lines().any(|shown| shown == line), "no {line:?} in {said}");
    }
    let left = std::fs::read_dir(&temporary).expect("list the directory").count();
    assert_eq!(left, 0, "left in {}", temporary.display());
}
