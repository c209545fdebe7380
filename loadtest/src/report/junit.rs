//! Thresholds and conservation checks as test cases: what a CI server shows beside its other tests.

use std::time::Duration;

use anyhow::Result;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{checks, number};
use crate::results::{Conservation, Results, Verdict};

pub(super) fn document(results: &Results) -> Result<String> {
    let mut report = Report::new(format!("loadtest {}", results.mode));
    if let Ok(measured) = Duration::try_from_secs_f64(results.seconds) {
        report.set_time(measured);
    }
    report.add_test_suite(measurement(results));
    if !results.thresholds.is_empty() {
        let mut suite = TestSuite::new("thresholds");
        suite.add_test_cases(results.thresholds.iter().map(threshold));
        report.add_test_suite(suite);
    }
    if let Some(found) = &results.conservation {
        let mut suite = TestSuite::new("conservation");
        suite.add_test_cases(conservation(found));
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}

/// Whether the rates can be claimed. Where they cannot, nothing has failed: it was not measured.
fn measurement(results: &Results) -> TestSuite {
    let mut suite = TestSuite::new("measurement");
    suite.add_property(Property::new("seed", results.seed.to_string()));
    suite.add_property(Property::new("started_at", results.started_at.as_str()));
    suite.add_property(Property::new("configuration_hash", results.configuration_hash.as_str()));
    let status = if results.saturation.is_empty() {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("the rates are not claimed: {}", results.saturation.join("; ")));
        status
    };
    suite.add_test_case(case("measurement", "the generator was not the limit", status));
    suite
}

fn threshold(verdict: &Verdict) -> TestCase {
    let status = if verdict.held {
        TestCaseStatus::success()
    } else {
        let aborted = if verdict.aborted {
            "; the run was ended by it"
        } else {
            ""
        };
        failure(format!("measured {}{aborted}", number::measured(verdict.measured)))
    };
    case("thresholds", &verdict.threshold, status)
}

fn conservation(found: &Conservation) -> Vec<TestCase> {
    let case_of = |check: &checks::Check| {
        let status = match check.found {
            Some(0) => TestCaseStatus::success(),
            Some(count) => {
                let mut status = failure(format!("{count} where 0 is demanded: {}", check.meaning));
                status.set_description(found.examples.join("\n"));
                status
            }
            None => {
                let mut status = TestCaseStatus::skipped();
                status.set_message("neither ledger has the notion");
                status
            }
        };
        case("conservation", &format!("{} ({})", check.name, found.between), status)
    };
    checks::conservation(found).iter().map(case_of).collect()
}

fn failure(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message);
    status
}

fn case(suite: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("loadtest.{suite}"));
    case
}
