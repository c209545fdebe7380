//! Redis on several servers, and what befalls one of them.

use campanile_tests::programs;
use campanile_tests::scenarios::{Scenario, hold_once, masters};

/// Each is long.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=2;

fn hold(scenario: &Scenario) {
    SEEDS.for_each(|seed| hold_once(programs!(), scenario, seed));
}

#[test]
fn a_partition_moves_to_another_node_key_by_key() {
    hold(&masters::PARTITION_MOVED);
}

#[test]
fn a_master_of_a_cluster_is_killed() {
    hold(&masters::CLUSTER_MASTER_KILLED);
}

#[test]
fn a_master_of_a_cluster_is_killed_with_what_its_replica_has_not_had() {
    hold(&masters::CLUSTER_MASTER_AHEAD);
}

#[test]
fn the_master_that_sentinels_watch_is_killed() {
    hold(&masters::WATCHED_MASTER_KILLED);
}

#[test]
fn the_master_that_sentinels_watch_is_killed_with_what_its_replica_has_not_had() {
    hold(&masters::WATCHED_MASTER_AHEAD);
}
