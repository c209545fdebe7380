//! Who a campaign is for: bodies and lists → rows → recipients, in bounded memory.

mod body;
mod guard;
mod ingest;
mod list;
mod number;
mod reading;
mod row;
mod taker;
#[cfg(test)]
mod tests;

pub use body::read_campaign;
pub use guard::STRING_OCTETS_MAX;
pub use ingest::{Counts, Ingest, REJECTED_MAX, RecipientSink, Rejected, Rejection};
pub use list::{NumberList, Token};
pub use number::{Country, NUMBER_OCTETS_MAX, NumberFault, normalise};
pub use reading::{CampaignDraft, NAME_MAX, ReadFault};
pub use row::{COLUMN_NAME_MAX, COLUMNS_MAX, Columns, Place, Row, RowSink, SinkFull, VALUE_MAX, Values};
