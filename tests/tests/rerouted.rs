//! Routes that change under load.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, rerouted};

#[test]
fn what_is_queued_goes_where_the_new_routes_lead() {
    hold(programs!(), &rerouted::REROUTED);
}
