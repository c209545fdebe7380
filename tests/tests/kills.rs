//! Kills at random moments.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, kills};

#[test]
fn nothing_is_lost_or_doubled_by_kills_at_random_moments() {
    hold(programs!(), &kills::KILLS);
}
