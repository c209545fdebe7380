//! The common ground of our programs: what several of them need and none of them is about.
//!
//! * [`settings`]: settings in TOML, read so that every fault is found at once. Start with [`settings::Source`].
//! * [`words`]: the word that was probably meant.
//! * [`random`]: numbers that depend on a seed and on nothing else.
//! * [`clock`]: time that nobody can set back.
//! * [`output`]: what is said to whoever reads it.
//! * [`hosts`]: what a request says of who asks.
//!
//! Nothing here knows SMPP, Redis or HTTP, opens a socket or starts a task.

pub mod settings;
pub mod words;
pub mod random;
pub mod clock;
pub mod output;
pub mod hosts;
