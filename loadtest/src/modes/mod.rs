//! The kinds of measurement that send by themselves. Start reading at `load`.
//!
//! * `judge` holds the figures against the thresholds, while a run goes on and at its end; `memory` watches for growth.
//! * `load` carries out a load over SMPP and makes its reports: `smpp`, `soak` and `replay` are such loads.
//! * `self_check` loads a simulator in the same process: what can this machine's generator do?
//! * `api` loads the HTTP API of a running engine.

mod judge;
mod load;
mod memory;
mod self_check;
mod api;

pub(crate) use api::run as api;
pub(crate) use judge::verdicts;
pub(crate) use load::{replay, smpp, soak};
pub(crate) use self_check::run as self_check;
