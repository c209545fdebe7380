//! Redis on several servers, and what befalls one of them; Redis over TLS.

use std::time::Duration;

use campanile_tests::authority::Authority;
use campanile_tests::scenarios::{Scenario, hold_once, masters};
use campanile_tests::{EngineSettings, Lab, SmscSettings, Stand, programs};
use lab::{RedisNode, RedisSettings};

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

#[test]
fn the_master_that_sentinels_watch_is_gone_for_longer_than_an_engine_may_be_silent() {
    hold(&masters::WATCHED_MASTER_GONE);
}

#[test]
fn a_master_is_killed_while_an_engine_stands_still() {
    hold(&masters::WATCHED_MASTER_AND_ENGINE);
}

#[test]
fn nothing_is_sent_that_a_replica_does_not_know_of_where_it_is_waited_for() {
    hold(&masters::REPLICAS_AWAITED);
}

#[test]
fn redis_is_spoken_to_over_tls_with_an_authority_and_a_certificate_of_ours() {
    let lab = Lab::new(programs!(), "masters-tls");
    let authority = Authority::new(lab.directory(), "house");
    let (certificate, key) = authority.issue("localhost", 2100);
    let files = [&*authority.file, &*certificate, &*key];
    let (_redis, port) = RedisNode::secured(lab.site(), &RedisSettings::default(), files).expect("a server with TLS");
    let mut settings = EngineSettings::new(None, Vec::new());
    let stand = Stand::under(lab, "", |_, sim| {
        settings = EngineSettings::new(
            Some(format!("rediss://localhost:{port}/0")),
            vec![SmscSettings::new("north", sim.smpp_address())],
        );
        let [authority, certificate, key] = files;
        settings.redis_lines = vec![
            format!("ca_file = {authority:?}"),
            format!("certificate_file = {certificate:?}"),
            format!("key_file = {key:?}"),
        ];
        settings.clone()
    });
    let campaign = stand.launch(50);
    stand.all_delivered(&campaign, 50, Duration::from_secs(30));
    assert!(stand.engine.shut_down().success());

    let refused = |redis_lines: Vec<String>, url: &str, (code, words): (i32, &str)| {
        let settings = EngineSettings {
            redis_url: Some(url.to_owned()),
            redis_lines,
            ..settings.clone()
        };
        let (ended, said) = stand.lab().refused_engine(&settings);
        assert_eq!(ended.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    };
    let plain = "redis://localhost:1/0";
    refused(
        vec![format!("ca_file = {:?}", files[0])],
        plain,
        (3, "has no effect with redis://"),
    );
    refused(
        vec!["ca_file = \"none.pem\"".to_owned()],
        "rediss://localhost:1",
        (3, "redis.ca_file: \"none.pem\" cannot be read"),
    );
    refused(
        vec![],
        "redis-sentinel://localhost:1",
        (
            3,
            "redis.url: \"/\" is not allowed: behind the sentinels stands what they call the master",
        ),
    );
    refused(vec!["wait_replicas = 11".to_owned()], plain, (3, "redis.wait_replicas"));
}
