//! Three engines, and what befalls one of them.

use campanile_tests::programs;
use campanile_tests::scenarios::{Scenario, company, hold_once};

/// Each is long.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=2;

fn hold(scenario: &Scenario) {
    SEEDS.for_each(|seed| hold_once(programs!(), scenario, seed));
}

#[test]
fn engines_are_killed_one_after_the_other() {
    hold(&company::KILLED);
}

#[test]
fn engines_are_ended_and_started_in_turn() {
    hold(&company::ROLLED);
}

#[test]
fn engines_are_stopped_and_woken() {
    hold(&company::STOPPED);
}

#[test]
fn an_engine_is_cut_off_from_redis_while_its_sessions_live() {
    hold(&company::CUT_OFF);
}

#[test]
fn an_engine_is_cut_off_from_redis_while_another_is_killed() {
    hold(&company::CUT_OFF_AND_KILLED);
}
