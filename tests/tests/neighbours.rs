//! Two tenants write to one person.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, neighbours};

#[test]
fn a_paused_campaign_holds_nobody() {
    hold(programs!(), &neighbours::PAUSED);
}

#[test]
fn a_retry_holds_nobody_else() {
    hold(programs!(), &neighbours::IN_RETRY);
}

#[test]
fn a_throttled_campaign_holds_nobody_else() {
    hold(programs!(), &neighbours::THROTTLED);
}

#[test]
fn messages_of_a_removed_smsc_hold_nobody_else() {
    hold(programs!(), &neighbours::SMSC_REMOVED);
}
