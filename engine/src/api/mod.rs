//! HTTP.

mod catalogue;
pub mod problem;
