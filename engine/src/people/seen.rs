//! What is seen of a tenant's people, and when.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::database::Dialect;

/// What a filter is told of.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) dialect: Dialect,
    /// By which days from today on are told.
    pub(super) today: Date,
    /// By whose clocks they begin.
    pub(super) zone: TimeZone,
}
