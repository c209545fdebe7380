//! What can be asked for on the command line.
//!
//! Start reading at [`Command`]. The arguments of the modes are in `smpp`, `modes` and `bench`, those that several modes share
//! in `load`, `stage` and `judge`; [`Asked`] keeps what was given for the reports.

mod load;
mod stage;
mod bench;
mod smpp;
mod judge;
mod modes;
mod capacity;
mod command;
mod asked;

pub(crate) use asked::Asked;
pub(crate) use bench::{AppendFsync, BenchArguments};
pub(crate) use capacity::CapacityArguments;
pub(crate) use command::{Arguments, Command, RunArguments};
pub(crate) use judge::JudgeArguments;
pub(crate) use load::DURATION_MAX;
pub(crate) use modes::{
    ApiArguments, E2eArguments, ReplayArguments, SelfCheckArguments, SoakArguments, ordinary_timers,
};
pub(crate) use smpp::{PREFIX_IN_USE, SmppArguments, secret};
pub(crate) use stage::StageArguments;
