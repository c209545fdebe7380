//! Messages that a tenant sends one by one.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, posted};

#[test]
fn a_request_that_is_repeated_sends_one_message_whatever_is_killed() {
    hold(programs!(), &posted::POSTED);
}
