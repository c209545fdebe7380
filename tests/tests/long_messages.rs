//! Messages of several segments, partly taken.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, long_messages};

#[test]
fn a_segment_refused_for_good_ends_its_message() {
    hold(programs!(), &long_messages::REFUSED_FOR_GOOD);
}

#[test]
fn receipts_before_the_last_answer_are_no_duplicates() {
    hold(programs!(), &long_messages::RECEIPTS_FIRST);
}

#[test]
fn no_segment_goes_twice_however_long_another_is_refused() {
    hold(programs!(), &long_messages::REFUSED_FOR_LONG);
}

#[test]
fn a_segment_that_fails_for_now_is_tried_again_with_pauses() {
    hold(programs!(), &long_messages::FAILS_FOR_NOW);
}
