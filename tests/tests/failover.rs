//! SMSCs that take over for each other.

use campanile_tests::programs;
use campanile_tests::scenarios::{failover, hold, hold_once};

#[test]
fn what_is_queued_for_a_suspended_smsc_goes_to_the_next_and_back() {
    hold(programs!(), &failover::SUSPENDED);
}

#[test]
fn all_that_is_queued_for_a_suspended_smsc_goes_to_the_next_within_five_seconds() {
    hold_once(programs!(), &failover::FEWER_QUEUED, 1);
}

#[test]
fn smscs_with_weights_share_a_route() {
    hold(programs!(), &failover::SHARED);
}

#[test]
fn what_is_queued_for_an_smsc_that_never_comes_goes_to_the_next() {
    hold(programs!(), &failover::AWAY);
}
