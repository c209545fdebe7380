//! The words of the business, and what may become of a message. Pure: no I/O, no clock, no `async`.

mod ids;
mod message;
mod record;
mod status;

pub use ids::{CampaignId, MessageId, PARTITIONS_MAX, Partition, Recipient, SmscId, TenantId, UnknownId};
pub use message::{Event, IllegalMove, State};
pub use record::{ENTRY_HEAD, Enroute, Entry, Message, RECORD_HEAD, ResultSlot, SegmentTrace, split_messages};
pub use status::{Language, Purpose, Reason, Status};
