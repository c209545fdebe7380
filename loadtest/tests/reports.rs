//! Every report of a run, read back by something that did not write it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do, by panicking")]

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use loadtest::report::{self, Outputs};
use loadtest::results::{Results, Second};
use scraper::{Html, Selector};
use tempfile::TempDir;

use crate::contract;
use crate::samples;

/// Every file of a run, in a directory of its own.
struct Files {
    directory: TempDir,
}

impl Files {
    fn of(results: &Results) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| Some(directory.path().join(name));
        let outputs = Outputs {
            json: false,
            out: file("run.json"),
            html: file("run.html"),
            hdr: file("run.hlog"),
            csv: file("run.csv"),
            junit: file("run.xml"),
            quiet: true,
        };
        outputs.check().unwrap();
        report::write(results, &outputs).unwrap();
        Files { directory }
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).unwrap()
    }

    /// What `loadtest report` prints of the saved run.
    fn printed(&self, arguments: &[&str]) -> String {
        let program = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .arg("report")
            .arg(self.directory.path().join("run.json"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
        String::from_utf8(program.stdout).unwrap()
    }
}

fn samples() -> [Results; 4] {
    [samples::open(), samples::failed(), samples::closed(), samples::empty()]
}

#[test]
fn the_saved_run_is_read_back_and_fits_its_schema() {
    let schema = serde_json::from_str(&report::schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for results in samples() {
        let files = Files::of(&results);
        assert_eq!(report::read(&files.directory.path().join("run.json")).unwrap(), results);
        let document: serde_json::Value = serde_json::from_str(&files.read("run.json")).unwrap();
        let faults: Vec<_> = validator
            .iter_errors(&document)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
}

#[test]
fn the_schema_refuses_what_is_not_a_run() {
    let schema = serde_json::from_str(&report::schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut document = serde_json::to_value(samples::open()).unwrap();
    document["schema"] = 2.into();
    assert!(!validator.is_valid(&document), "another version");
    document["schema"] = 1.into();
    document["counts"]["lost"] = "none".into();
    assert!(!validator.is_valid(&document), "a count in words");
    assert!(!validator.is_valid(&serde_json::json!({ "schema": 1 })), "nothing else");
}

#[test]
fn the_schema_file_is_the_one_of_this_version() {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/results-1.json")).unwrap();
    assert_eq!(
        file,
        report::schema(),
        "make it again: cargo run -p loadtest -- schema > loadtest/schema/results-1.json"
    );
}

#[test]
fn what_is_not_a_saved_run_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json");
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        format!("{:#}", report::read(&path).unwrap_err())
    };
    assert!(refused("{\"schema\": 2}").ends_with("run.json: its `schema` is 2; this version reads 1 to 1"));
    assert!(refused("{}").contains("its `schema` is 0"));
    assert!(refused("figures").contains("it is not JSON, as `loadtest … --out FILE` writes it"));
    assert!(refused("\"figures\"").contains("it is not a document that `loadtest … --out FILE` has written"));
}

#[test]
fn wrong_paths_are_all_named_before_a_run() {
    let directory = tempfile::tempdir().unwrap();
    let same = Some(directory.path().join("same"));
    let outputs = Outputs {
        html: Some(directory.path().join("nowhere/run.html")),
        hdr: Some(directory.path().to_owned()),
        csv: same.clone(),
        junit: same,
        ..Outputs::default()
    };
    let faults = outputs.check().unwrap_err().to_string();
    let lines: Vec<&str> = faults.lines().collect();
    assert_eq!(lines.len(), 3, "{faults}");
    assert!(lines[0].starts_with("--html ") && lines[0].ends_with("its directory does not exist; create it first"));
    assert!(lines[1].starts_with("--hdr ") && lines[1].ends_with("it is a directory; a file is needed"));
    assert!(lines[2].starts_with("--junit ") && lines[2].ends_with("--csv has the same file; each needs its own"));
}

#[test]
fn the_last_line_has_what_scripts_read() {
    let printed = Files::of(&samples::open()).printed(&["--json"]);
    let line: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    contract::assert_line(&line);
    assert_eq!(line["saturated"], false);
    assert_eq!(line["held"], true);
}

#[test]
fn quiet_leaves_the_line_alone() {
    let files = Files::of(&samples::failed());
    assert_eq!(files.printed(&["--quiet"]), "");
    let printed = files.printed(&["--quiet", "--json"]);
    assert_eq!(printed.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(line["saturated"], true);
    assert_eq!(line["held"], false);
    assert_eq!(line["conservation"]["lost"], 3);
}

#[test]
fn the_words_say_first_what_limits_them() {
    let text = Files::of(&samples::failed()).printed(&[]);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is missing:\n{text}"));
    assert!(at("SATURATED") < at("Messages a second"));
    assert!(at("  MISSED  submit_latency:p(99)<250ms") < at("FAILED: 2 of 4 thresholds missed; the ledgers disagree"));
    assert!(at("  lost                               3   WRONG: ") > 0);
    assert!(Files::of(&samples::open()).printed(&[]).ends_with("\nPASSED\n"));
    let closed = Files::of(&samples::closed()).printed(&[]);
    assert!(!closed.contains("PASSED") && !closed.contains("FAILED"), "{closed}");
}

#[test]
fn the_table_has_every_second() {
    for results in samples() {
        let text = Files::of(&results).read("run.csv");
        let mut table = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(table.headers().unwrap().get(0), Some("second"));
        let seconds: Vec<Second> = table.deserialize().map(Result::unwrap).collect();
        assert_eq!(seconds, results.per_second);
    }
}

#[test]
fn the_histogram_log_has_every_histogram() {
    let results = samples::open();
    let text = Files::of(&results).read("run.hlog");
    let mut tags = Vec::new();
    for entry in IntervalLogIterator::new(text.as_bytes()) {
        let LogEntry::Interval(interval) = entry.unwrap() else {
            continue;
        };
        assert_eq!(interval.start_timestamp().as_secs(), samples::WARM_UP);
        assert_eq!(interval.duration().as_secs(), samples::SECONDS - samples::WARM_UP);
        let octets = STANDARD.decode(interval.encoded_histogram()).unwrap();
        let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut octets.as_slice()).unwrap();
        let tag = interval.tag().unwrap().as_str().to_owned();
        let (name, kind) = tag.rsplit_once('_').unwrap();
        let latency = &results.latencies[name];
        let distribution = if kind == "raw" {
            &latency.raw
        } else {
            &latency.corrected
        };
        assert_eq!(histogram.len(), distribution.count, "{tag}");
        assert_eq!(histogram.max() as f64 / 1_000.0, distribution.max, "{tag}");
        assert_eq!(interval.max(), distribution.max, "{tag}");
        tags.push(tag);
    }
    assert_eq!(
        tags,
        ["receipt_corrected", "receipt_raw", "submit_corrected", "submit_raw"]
    );
}

#[test]
fn a_test_report_has_a_case_for_everything_demanded() {
    let report = quick_junit::Report::deserialize_from_str(&Files::of(&samples::failed()).read("run.xml")).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (11, 4, 0));
    let names: Vec<_> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["measurement", "thresholds", "conservation"]);
    let good = quick_junit::Report::deserialize_from_str(&Files::of(&samples::open()).read("run.xml")).unwrap();
    assert_eq!((good.tests, good.failures), (9, 0));
}

#[test]
fn the_page_needs_nothing_else_and_escapes_everything() {
    for results in samples() {
        let page = Html::parse_document(&Files::of(&results).read("run.html"));
        assert_eq!(
            count(&page, "script, iframe, img, object, [onerror], [onload]"),
            0,
            "{}",
            results.mode
        );
        for (selector, attribute) in [("[href]", "href"), ("[src]", "src")] {
            for element in page.select(&Selector::parse(selector).unwrap()) {
                let address = element.attr(attribute).unwrap();
                assert!(address.starts_with('#') || address == "data:,", "{address}");
            }
        }
        let styles: String = page
            .select(&Selector::parse("style").unwrap())
            .flat_map(|style| style.text())
            .collect();
        assert!(!styles.contains("url(") && !styles.contains("@import"));
    }
    let page = Html::parse_document(&Files::of(&samples::failed()).read("run.html"));
    let text: String = page.root_element().text().collect();
    assert!(
        text.matches(samples::HOSTILE).count() >= 8,
        "hostile text is shown as text"
    );
}

#[test]
fn every_chart_is_described_and_has_its_data() {
    let page = Html::parse_document(&Files::of(&samples::open()).read("run.html"));
    let charts: Vec<_> = page.select(&Selector::parse("figure").unwrap()).collect();
    assert_eq!(charts.len(), 5, "rate, latency, waiting, two latencies by percentile");
    for chart in charts {
        let select = |selector: &str| {
            let selector = Selector::parse(selector).unwrap();
            let found: Vec<_> = chart
                .select(&selector)
                .map(|element| element.text().collect::<String>())
                .collect();
            found
        };
        assert!(select("svg[role=img][aria-labelledby] > title")[0].len() > 3);
        assert!(select("svg[role=img] > desc")[0].len() > 30);
        assert!(select("path.line").len() > 1);
        assert!(select("details tbody tr").len() > 8);
    }
    let saturated = Html::parse_document(&Files::of(&samples::failed()).read("run.html"));
    assert_eq!(count(&saturated, "aside.warning li"), 3);
    assert_eq!(count(&saturated, "#verdicts tr.bad"), 4);
}

#[test]
fn a_long_run_is_thinned_to_what_a_screen_shows() {
    let mut results = samples::open();
    let minute = results.per_second.clone();
    results.per_second = (0..86_400)
        .map(|at| Second {
            second: at,
            ..minute[at as usize % minute.len()].clone()
        })
        .collect();
    let page = Files::of(&results).read("run.html");
    assert!(page.len() < 1_000_000, "{} octets", page.len());
    assert!(page.contains("averaged of 360 s in each point"));
}

fn count(page: &Html, selector: &str) -> usize {
    page.select(&Selector::parse(selector).unwrap()).count()
}

#[test]
fn an_unwritable_file_is_named() {
    let outputs = Outputs {
        html: Some(Path::new("/proc/run.html").to_owned()),
        quiet: true,
        ..Outputs::default()
    };
    let error = format!("{:#}", report::write(&samples::empty(), &outputs).unwrap_err());
    assert!(error.starts_with("--html /proc/run.html: "), "{error}");
}
