//! The kinds of measurement that send by themselves. Start reading at `load`.
//!
//! * `judge` holds the figures against the thresholds, while a run goes on and at its end; `memory` watches for growth;
//!   `doubt` says what makes figures meaningless.
//! * `load` carries out a load over SMPP and makes its reports: `smpp`, `soak` and `replay` are such loads.
//! * `capacity` makes one run after the other to find the highest rate that holds.
//! * `self_check` loads a simulator in the same process: what can this machine's generator do?
//! * `api` loads the HTTP API of a running engine.

mod doubt;
mod judge;
mod load;
mod memory;
mod self_check;
mod capacity;
mod api;

pub(crate) use api::run as api;
pub(crate) use capacity::run as capacity;
pub(crate) use judge::verdicts;
pub(crate) use load::{replay, smpp, soak};
pub(crate) use self_check::run as self_check;
