//! What the other tests take for granted of the harness itself.

use campanile_tests::{Lab, programs};

#[test]
fn redis_keeps_what_it_acknowledged_through_a_kill() {
    let lab = Lab::new(programs!(), "harness-redis");
    let mut redis = lab.redis();
    redis.sync_always();
    for round in 1..=3 {
        let mut connection = redis.connect().expect("connect");
        let counted: u32 = redis::cmd("INCR").arg("rounds").query(&mut connection).expect("INCR");
        assert_eq!(counted, round, "a write was lost or doubled");
        redis.kill();
        assert!(redis.connect().is_err(), "a killed Redis answers");
        redis.restart();
    }
}
