//! An SMSC that obeys a scenario: it answers, throttles, falls silent, hangs up and sends receipts as a TOML file says,
//! and keeps a ledger of all it saw. It is not a carrier.
//!
//! As a program it listens on SMPP and on HTTP (docs/scenario-keys.md has the scenario's keys, README.md the HTTP paths). As a library:
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use smpp_sim::{Options, Scenario};
//!
//! let running = smpp_sim::start(Scenario::named("magic")?, Options::ephemeral()).await?;
//! println!("bind to {}", running.smpp_addr);
//! let totals = running.handle.totals();
//! running.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! What happens to a message is a pure function of (seed, recipient, attempt), so a test knows the truth beforehand.
//! Below the sockets there is neither a clock nor a task a message: one turn of a session takes the octets and the time
//! that there are, and gives back octets to write.

mod random;
mod delay;
mod number;
mod version;
mod model;
mod reader;
mod outcome;
mod ledger;
mod smsc;
mod capture;
mod handle;
mod smscs;
mod ledger_file;
mod net;
mod http;
mod running;
pub mod cli;

pub use capture::CaptureView;
pub use delay::Delay;
pub use handle::{Goals, Handle, Waited};
pub use ledger::{AccountRate, Filter, Line, Message, Segment, Totals};
pub use model::{
    Account, Addresses, Aim, Answer, Base, Beyond, BindFault, BindTrouble, Certificate, ConnectFault, ConnectTrouble,
    DEFAULT_SMSC, DateFormat, DatePart, Defaults, Dialect, ErrStyle, Form, Hangup, HangupBegin, IdFormat, IdShape, Ids,
    InboundEncoding, InboundForm, InboundRule, InboundSegments, InboundSessions, Injected, Keep, Lasts, LedgerLimits,
    MAGIC_NUMBERS, MALFORMED, MagicNumber, Misbehaviour, Outcome, Parameter, Phase, Piece, ReceiptPlan,
    ReceiptedSegments, Redelivery, Reply, Route, Scenario, Script, Setup, SmscSetup, Stat, StopReading, Template,
    Throttle, Timers, Tls, Trigger, Writing,
};
pub use reader::{BUILT_IN, BuiltIn, Fault, Faults, Place, schema};
pub use running::{Options, Running, start};
pub use smsc::{InboundOrder, InboundView, NoInbound, NoSuchPhase, PhaseView, SessionView, TooManyOutcomes};
pub use smscs::VirtualSmsc;
pub use version::Version;
