//! When messages are due: the load models, as pure functions of time and seed.

mod shape;
mod arrivals;
mod schedule;

pub(crate) use arrivals::Arrivals;
pub(crate) use schedule::{Limits, Schedule, Taken};
pub(crate) use shape::{Rate, Shape};
