//! SIGTERM, whatever stands still at that moment.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, stopping};

#[test]
fn messages_that_are_half_taken_are_not_forgotten() {
    hold(programs!(), &stopping::HALF_TAKEN);
}

#[test]
fn it_ends_while_redis_stands_still() {
    hold(programs!(), &stopping::REDIS_STANDS_STILL);
}

#[test]
fn it_ends_while_redis_is_away() {
    hold(programs!(), &stopping::REDIS_AWAY);
}

#[test]
fn it_ends_while_the_smsc_is_unreachable() {
    hold(programs!(), &stopping::SMSC_UNREACHABLE);
}

#[test]
fn it_ends_with_full_windows() {
    hold(programs!(), &stopping::WINDOWS_FULL);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    hold(programs!(), &stopping::SECOND_SIGNAL);
}
