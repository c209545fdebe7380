//! The demo as a program: a newcomer's first minute.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

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

/// What the story comes to, wherever and whenever it is told: labels, and what is said of them.
const STORY: [&str; 12] = [
    "format windows-1252, « ; » between columns, 6443 rows",
    "columns Nom → last_name, Prénom → first_name, Portable → number, Cabinet → practices, Dernière visite → last_visit",
    "created 6427 patients; 610000000 has become +33610000000",
    "not_mobile 9 with a landline: kept, and not written to",
    "duplicate_in_file 3 there twice",
    "invalid 4 numbers that the spreadsheet has spoilt:",
    "patients 4388",
    "destinataires 4379, without 9 who have no mobile",
    "en 2 SMS 109, for the length of their names",
    "solde 4487 blocked_insufficient_credit: one credit is missing, nothing is sent",
    "information Un message transactionnel peut partir à toute heure.",
    "… and 109 more",
];

fn start(bin_dir: &Path, temporary: &Path) -> Child {
    fs::create_dir(temporary).expect("create a directory");
    Command::new(env!("CARGO_BIN_EXE_demo-under-test"))
        .arg("--bin-dir")
        .arg(bin_dir)
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run the demo")
}

#[track_caller]
fn told_it(ended: &Output) {
    let said = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}: {said}\n{errors}", ended.status);
    for line in TABLE {
        assert!(said.lines().any(|shown| shown == line), "no {line:?} in {said}");
    }
    // Lines are broken where they are long.
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in STORY {
        assert!(words.contains(line), "no {line:?} in {said}");
    }
    let longest = said.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(120), "{longest:?} columns: {said}");
    assert!(!said.contains('\u{1b}'), "colours in a pipe: {said:?}");
}

/// Two at once, as on a machine that two people share.
#[test]
fn two_beside_each_other_tell_the_story_and_leave_nothing_behind() {
    let lab = Lab::new(programs!(), "demo");
    let folders = ["one", "other"].map(|name| lab.directory().join(name));
    let bin_dir = lab.bin_dir();
    let started = folders.each_ref().map(|folder| start(&bin_dir, folder));
    for demo in started {
        told_it(&demo.wait_with_output().expect("wait for the demo"));
    }
    for folder in folders {
        let left = fs::read_dir(&folder).expect("list the directory").count();
        assert_eq!(left, 0, "left in {}", folder.display());
    }
}
