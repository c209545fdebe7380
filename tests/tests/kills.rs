//! Kills at random moments.

use campanile_tests::programs;
use campanile_tests::scenarios::{hold, kills, money, reminders, stops};

#[test]
fn nothing_is_lost_or_doubled_by_kills_at_random_moments() {
    hold(programs!(), &kills::KILLS);
}

#[test]
fn req_001_21_no_advertising_comes_after_an_acknowledged_stop_whatever_is_killed() {
    hold(programs!(), &stops::STOPS);
}

#[test]
fn the_books_balance_at_every_instant_and_in_both_stores_whatever_is_killed() {
    hold(programs!(), &money::MONEY);
}

#[test]
fn req_004_14_each_reminder_of_a_month_goes_once_whatever_is_killed_and_whatever_clocks_show() {
    hold(programs!(), &reminders::REMINDERS);
}
