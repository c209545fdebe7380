//! An SMSC that stops answering, stops reading, or closes, beside a healthy one.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold_once, sick};

#[test]
fn a_sick_smsc_holds_nothing_up_at_a_healthy_one() {
    for scenario in sick::BRIEFLY {
        hold_once(programs!(), scenario, 1);
    }
}
