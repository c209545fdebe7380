//! A database that forgot what it wrote last.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, older_state};

#[test]
fn nothing_goes_twice_when_the_last_writes_are_lost() {
    hold(programs!(), &older_state::TAIL_LOST);
}
