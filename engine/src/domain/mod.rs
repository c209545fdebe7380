//! The words of the business, and what may become of a message. Pure: no I/O, no clock, no `async`.

mod ids;
mod status;
mod message;
mod ending;
mod stored;
mod transition;
mod journal;
#[cfg(test)]
pub(crate) mod tests;

pub use ending::{Ending, Reason, ResultSlot};
pub use ids::{
    CampaignId, GateId, MessageId, PARTITIONS_MAX, Partition, Recipient, RouteId, SmscId, TenantId, UnknownId,
};
pub use journal::{ENDED, JournalEvent, events};
pub use message::{IllegalMove, State, Step};
pub use status::{Language, Purpose, Status};
pub use stored::{
    BadForm, CAPPED, FIXED, FORM_MESSAGE, FORM_TRAIL, HEAD, Line, Mark, Message, Record, Row, Trace, Traces, Trail,
    Way, digest, push_variable, variables,
};
pub use transition::{Event, Transition};
