//! An SMSC that throttles without a rate.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, starved};

#[test]
fn a_reminder_goes_while_a_campaign_is_throttled() {
    hold(programs!(), &starved::NO_RATE);
}
