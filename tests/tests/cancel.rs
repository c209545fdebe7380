//! A cancel releases what will never be sent.

use campanile_tests::programs;
use campanile_tests::scenarios::{cancel, hold};

#[test]
fn a_throttled_campaign_is_released() {
    hold(programs!(), &cancel::THROTTLED);
}

#[test]
fn what_waits_ends_within_five_seconds() {
    hold(programs!(), &cancel::DEFERRED);
}
