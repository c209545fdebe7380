//! What a scenario is: plain data that the reader makes, the rules obey, and tests may build or look at. Begin with
//! [`Scenario`], then [`Outcome`] (what becomes of one message) and [`Misbehaviour`] (what goes wrong).

mod stat;
mod template;
mod dialect;
mod id_format;
mod receipt_plan;
mod outcome;
mod magic;
mod recipients;
mod injected;
mod misbehaviour;
mod account;
mod inbound;
mod limits;
mod scenario;
mod setup;

pub(crate) use account::PASSWORD_MAX;
pub use account::{Account, Beyond};
pub use dialect::{Addresses, Dialect, ErrStyle, Parameter};
pub(crate) use id_format::ID_FORMATS;
pub use id_format::{Base, IdFormat, IdShape};
pub use inbound::{
    InboundEncoding, InboundForm, InboundRule, InboundSegments, InboundSessions, Reply, Script, Trigger,
};
pub use injected::{Injected, MALFORMED};
pub use limits::{Keep, LedgerLimits, Timers};
pub use magic::{MagicNumber, TABLE as MAGIC_NUMBERS};
pub use misbehaviour::{
    Aim, BindFault, BindTrouble, ConnectFault, ConnectTrouble, Hangup, HangupBegin, Misbehaviour, StopReading,
    Throttle, Writing,
};
pub use outcome::{Answer, Defaults, Outcome};
pub(crate) use receipt_plan::COPIES_MAX;
pub use receipt_plan::{Form, ReceiptPlan, ReceiptedSegments, Redelivery, Route};
pub(crate) use recipients::{Population, Prefix, PrefixOutcome, Rules};
pub(crate) use scenario::TIME_SCALE;
pub use scenario::{Ids, Lasts, Phase, Scenario};
pub use setup::{Certificate, DEFAULT_SMSC, Setup, SmscSetup, Tls};
pub use stat::Stat;
pub(crate) use template::TEMPLATE_MAX;
pub use template::{DateFormat, DatePart, Piece, Template};
