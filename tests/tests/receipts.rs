//! Receipts that do not say to which message they belong.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, receipts};

#[test]
fn a_repeated_receipt_settles_no_other_message() {
    hold(programs!(), &receipts::REPEATED);
}

#[test]
fn a_foreign_receipt_is_parked_and_can_be_replayed() {
    hold(programs!(), &receipts::FOREIGN);
}

#[test]
fn receipts_with_odd_addresses_are_found() {
    hold(programs!(), &receipts::ADDRESSES);
}
