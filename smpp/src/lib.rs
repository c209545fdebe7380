//! SMPP 3.4 as a library: frames, texts, segments, receipts and the rules of a session.
//!
//! There is no socket and no clock in here, and no word of campaigns: bytes and instants come in, bytes and events go
//! out. The frames of the hot path are its own; all others go through the types of
//! [rusmpp](https://docs.rs/rusmpp), which also says which commands there are and what the values of fields mean
//! ([`anatomy`]). No other package names it.
//!
//! Sections quoted as "3.4, x.y" are those of the *SMPP Protocol Specification v3.4*, issue 1.2.

pub mod frame;
pub mod command_status;
pub mod address;
pub mod text;
pub mod segment;
pub mod choice;
pub mod time;
pub mod part;
pub mod receipt;
pub mod session;
pub mod anatomy;
