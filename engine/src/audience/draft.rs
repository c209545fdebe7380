//! What a campaign's body comes to: the campaign as it was asked for, or why there is none.

use std::io;
use std::time::Duration;

use serde_json::{Map, Value};
use smpp::text::EncodingPolicy;

use super::kinds::FindTemplate;
use super::row::{Columns, SinkFull};
use super::variants::Variant;
use crate::compose::{Sender, Shortened, Template, Wording};
use crate::database::DatabaseError;
use crate::domain::{CodePoolId, Lengths, Parameters, Purpose, TemplateId, Tempo, UnixMicros};
use crate::fault::FieldFault;

/// A campaign as it was asked for; its recipients went to the sink.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CampaignDraft {
    /// `name`: 1 to [`NAME_MAX`] characters.
    pub(crate) name: String,
    /// `text`, its merge fields bound to `columns`.
    pub(crate) template: Template,
    /// `sender`.
    pub(crate) sender: Sender,
    /// `purpose`.
    pub(crate) purpose: Purpose,
    /// `category`: a word of the categories.
    pub(crate) category: Option<String>,
    /// `template`, and which version of it there was.
    pub(crate) from_template: Option<(TemplateId, u32)>,
    /// `code_pool`: whence its recipients have their codes.
    pub(crate) code_pool: Option<CodePoolId>,
    /// `link` and `link_expires_at`: where links of its recipients' own lead, and until when.
    pub(crate) link: Option<(Shortened, Option<UnixMicros>)>,
    /// `encoding`; `None`: as the tenant's texts are.
    pub(crate) encoding: Option<EncodingPolicy>,
    /// `validity`: how long its messages are worth sending from the launch on; `None`: for ever.
    pub(crate) validity: Option<Duration>,
    /// `expires_at`: from then on nothing of it goes to an SMSC.
    pub(crate) expires_at: Option<UnixMicros>,
    /// `rate`: how fast it goes at most; `None`: as fast as it can.
    pub(crate) rate: Option<Tempo>,
    /// `late_joiners_until`: until when people join it who come to fit it; `None`: nobody does.
    pub(crate) late_until: Option<UnixMicros>,
    /// `service_type`, `schedule_delivery` and `tlvs`.
    pub(crate) parameters: Parameters,
    /// What the recipients' variables are called; of contacts, the names in the text.
    pub(crate) columns: Columns,
    /// `variants`: texts for some of them.
    pub(crate) variants: Vec<Variant>,
    /// `field_lengths`: how long values are at most. Those that went to the sink are as they were given.
    pub(crate) lengths: Lengths,
    /// Which contacts are meant, as it was given; `None`: those that went to the sink are all.
    pub(crate) query: Option<Map<String, Value>>,
}

/// Why there is no campaign. Whatever rows the sink took must be forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFault {
    /// The request is wrong: every fault, at most [`FAULTS_MAX`](crate::fault::FAULTS_MAX).
    #[error("{} faults in the request", .0.len())]
    Fields(Vec<FieldFault>),
    /// The sink took no more rows.
    #[error(transparent)]
    Full(#[from] SinkFull),
    /// The database of templates did not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The body could not be read: the connection broke, or the body is longer than the server takes.
    #[error("the body cannot be read")]
    Body(#[source] io::Error),
}

/// How a body is taken.
pub(crate) struct Rules<'r> {
    /// Its text and sender.
    pub(crate) wording: Wording,
    /// When it came.
    pub(crate) now: UnixMicros,
    /// Where its template is looked up.
    pub(crate) find_template: FindTemplate<'r>,
    /// It is that of a campaign that is edited.
    pub(crate) again: Option<Again>,
}

/// What is known of a campaign that is read again, with what is to be otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Again {
    /// What the variables of its recipients are called, who are not read again; of contacts, nothing.
    pub(crate) columns: Vec<String>,
    /// Its `field_lengths` are those that it has: what its texts do not name any more goes.
    pub(crate) keeps_lengths: bool,
}
