//! When messages are due: the load models, as pure functions of time and seed.
//!
//! Start reading at [`Schedule`]: it takes the moments of [`Arrivals`], which follow a [`Shape`], and hands out what is due.

mod shape;
mod arrivals;
mod schedule;
mod search;

pub(crate) use arrivals::Arrivals;
pub(crate) use schedule::{Limits, Schedule, Taken};
pub(crate) use search::Search;
pub(crate) use shape::{Rate, Shape};
