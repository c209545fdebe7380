//! Two saved runs compared by the program: what it says, and its exit code.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do, by panicking")]

use std::process::{Command, Output};

use loadtest::report::{self, Outputs};
use loadtest::results::Results;

use crate::samples;

fn compare(base: &Results, new: &Results, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let saved = [("base.json", base), ("new.json", new)].map(|(name, results)| {
        let path = directory.path().join(name);
        let outputs = Outputs {
            out: Some(path.clone()),
            quiet: true,
            ..Outputs::default()
        };
        report::write(results, &outputs).unwrap();
        path
    });
    Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .arg("compare")
        .args(saved)
        .args(arguments)
        .output()
        .unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_same_run_passes_without_a_warning() {
    let output = compare(&samples::open(), &samples::open(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert!(!words(&output).contains("WARNING"), "{}", words(&output));
    assert!(words(&output).ends_with("PASSED: nothing is worse by more than 5.00 %\n"));
}

#[test]
fn a_slower_run_regresses_unless_that_much_is_allowed() {
    let mut slower = samples::open();
    slower.rates.submits_per_second *= 0.9;
    let output = compare(&samples::open(), &slower, &["--max-regress", "5%", "--json"]);
    assert_eq!(output.status.code(), Some(99), "{}", words(&output));
    let line: serde_json::Value = serde_json::from_str(words(&output).lines().last().unwrap()).unwrap();
    assert_eq!(line["regressed"], true);
    assert_eq!(line["figures"][0]["name"], "submits_per_second");
    assert_eq!(line["figures"][0]["verdict"], "worse");
    assert!((line["figures"][0]["ratio"].as_f64().unwrap() - 0.9).abs() < 1e-9);
    let allowed = compare(&samples::open(), &slower, &["--max-regress", "11%"]);
    assert_eq!(allowed.status.code(), Some(0), "{}", words(&allowed));
    let faster = compare(&slower, &samples::open(), &[]);
    assert_eq!(faster.status.code(), Some(0), "{}", words(&faster));
}

#[test]
fn one_lost_message_is_a_regression() {
    let mut worse = samples::open();
    worse.counts.lost = 1;
    let output = compare(&samples::open(), &worse, &["--max-regress", "1000%"]);
    assert_eq!(output.status.code(), Some(99), "{}", words(&output));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let mut other = samples::open();
    other.seed = 43;
    other.machine.cores = 64;
    other.configuration.insert("window".to_owned(), "10".to_owned());
    other.saturation.push("no core was left".to_owned());
    let text = words(&compare(&samples::open(), &other, &[]));
    for warning in [
        "WARNING: the seed differs: 42 and 43",
        "WARNING: the number of cores differs: 2 and 64",
        "WARNING: the configuration differs: window 500 and 10",
        "WARNING: the new run was saturated, its rates are the generator's: no core was left",
    ] {
        assert!(text.contains(warning), "{warning}:\n{text}");
    }
}

#[test]
fn a_missing_file_is_named_and_a_wrong_limit_explained() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let line = folder.path().join("line.json").display().to_string();
    std::fs::write(&line, "{\"schema\":1,\"document\":\"line\",\"answered\":300}").unwrap();
    let (_, said) = run(&["compare", &line, &line]);
    assert!(
        said.contains("the line that --json prints") && said.contains("--out"),
        "{said}"
    );
    let (code, said) = run(&["compare", "no-such-base.json", "new.json"]);
    assert!(
        code == Some(1) && said.starts_with("loadtest: no-such-base.json: "),
        "{said}"
    );
    let (code, said) = run(&["compare", "base.json", "new.json", "--max-regress", "much"]);
    assert!(code == Some(2) && said.contains("a number from 0% to 1000%"), "{said}");
}

/// Runs `compare` over several runs of each side, whose rate is changed by these factors.
fn compare_several(base: &[f64], new: &[f64], arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let saved = |side: &str, factors: &[f64]| -> Vec<std::path::PathBuf> {
        let save = |(at, factor): (usize, &f64)| {
            let mut results = samples::open();
            results.rates.submits_per_second *= factor;
            let path = directory.path().join(format!("{side}-{at}.json"));
            let outputs = Outputs {
                out: Some(path.clone()),
                quiet: true,
                ..Outputs::default()
            };
            report::write(&results, &outputs).unwrap();
            path
        };
        factors.iter().enumerate().map(save).collect()
    };
    Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["compare", "--base"])
        .args(saved("base", base))
        .arg("--new")
        .args(saved("new", new))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn several_runs_tell_a_regression_from_noise() {
    let quiet_base = [1.0, 0.99, 1.01, 1.02, 0.98];
    let worse = compare_several(&quiet_base, &[0.9, 0.91, 0.89, 0.9, 0.92], &["--json"]);
    assert_eq!(worse.status.code(), Some(99), "{}", words(&worse));
    let line: serde_json::Value = serde_json::from_str(&words(&worse)).unwrap();
    let rate = &line["figures"][0];
    assert_eq!(
        (&rate["name"], &rate["verdict"]),
        (&"submits_per_second".into(), &"worse".into())
    );
    assert!(
        (rate["ratio"].as_f64().unwrap() - 0.9).abs() < 1e-9
            && (rate["base_spread"].as_f64().unwrap() - 0.04).abs() < 1e-9
    );
    assert!(
        String::from_utf8_lossy(&worse.stderr).contains("REGRESSED"),
        "the table is on standard error"
    );

    let noisy = compare_several(&[1.0, 0.7, 1.3, 1.1, 0.8], &[0.9, 1.2, 0.6, 0.75, 1.05], &[]);
    let text = words(&noisy);
    assert_eq!(noisy.status.code(), Some(0), "{text}");
    assert!(text.contains("noise") && text.contains("base ±"), "{text}");
}

#[test]
fn two_runs_of_each_are_too_few() {
    let output = compare_several(&[1.0, 1.0], &[1.0, 1.0], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("--base: 2 files: 3 to 50 runs"),
        "{said}"
    );
}
