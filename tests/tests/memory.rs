//! Redis may not take any more memory.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, memory};

#[test]
fn what_is_under_way_is_settled_when_redis_is_full() {
    hold(programs!(), &memory::FULL);
}
