//! The quirks of carriers: each of the simulator's `quirks-*` scenarios against the engine, end to end. `tests/quirks.toml` says what
//! each wants of the engine and what becomes of its messages, [`Stage`] runs some of them beside each other, and the table that
//! is committed (`docs/quirks.md`) has what came of it.
//!
//! Start reading at `case`, what a scenario is here, and `people`, who is written to.

pub mod case;
pub mod people;
pub mod stage;
pub mod table;

pub use case::Case;
pub use stage::{Outcome, Stage, Trial};
