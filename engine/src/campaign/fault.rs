//! Why something cannot be done to a campaign.

use std::io;
use std::time::Duration;

use crate::audience::{ReadFault, SinkFull};
use crate::database::DatabaseError;
use crate::domain::LocalMoment;
use crate::encryption::EncryptionFault;
use crate::fault::FieldFault;
use crate::mirror::MirrorFault;
use crate::people::PeopleFault;
use crate::store::{CampaignState, StoreError};

/// Why a campaign or message is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CampaignFault {
    /// There is no such campaign, or it is another tenant's.
    #[error("no such campaign")]
    NotFound,
    /// The request is wrong, and where.
    #[error("{} faults in the request", .0.len())]
    Fields(Vec<FieldFault>),
    /// None of the recipients can be sent to: with what is wrong with the first of them, if that is known.
    #[error("the audience is empty")]
    EmptyAudience(Vec<FieldFault>),
    /// More recipients than allowed.
    #[error("more than {max} recipients")]
    TooManyRecipients {
        /// How many are.
        max: u32,
    },
    /// The body could not be read; the source says why.
    #[error("the body cannot be read")]
    Body(#[source] io::Error),
    /// It was launched before.
    #[error("the campaign was launched already: it is {}", .0.code())]
    AlreadyStarted(CampaignState),
    /// What it says was erased.
    #[error("the campaign's texts were erased")]
    Erased,
    /// Texts are to be erased that are still to be sent.
    #[error("campaigns of the tenant are planned or under way")]
    TextsInUse,
    /// The reseller has rejected the text.
    #[error("the reseller has rejected the text")]
    TextRejected {
        /// In its words.
        note: String,
    },
    /// The reseller has rejected that its tenant sends there.
    #[error("the reseller has rejected this traffic")]
    TrafficRejected {
        /// In its words.
        note: String,
    },
    /// Nothing goes there before the reseller has looked at it.
    #[error("the reseller has to look at this traffic first")]
    TrafficInReview,
    /// It cannot be done in this state.
    #[error("not possible for a campaign that is {}", .0.code())]
    WrongState(CampaignState),
    /// It is edited, and no draft: it is planned or looked at, or was launched.
    #[error("a campaign that is {} is not edited", .0.code())]
    NotADraft(CampaignState),
    /// It was edited since it was read.
    #[error("the campaign was edited meanwhile")]
    Edited,
    /// Fewer credits than it takes.
    #[error("{needed} credits are needed, {available} are available")]
    Short {
        /// Credits that can be spent.
        available: u64,
        /// Credits that it takes.
        needed: u64,
    },
    /// Nothing new is taken of its tenant.
    #[error("the tenant is suspended")]
    TenantSuspended {
        /// In the words of who has done it.
        reason: String,
    },
    /// More messages than are taken of its tenant a day.
    #[error("at most {most} messages are taken a day, {left} of them are left")]
    DayFull {
        most: u32,
        left: u64,
        /// When the next day begins, and in how long that is.
        next: LocalMoment,
        wait: Duration,
    },
    /// Advertising is not to be launched at a time at which none of it may go.
    #[error("none of it may go before {}", opens.machine())]
    OutsideWindow {
        /// When some of it may.
        opens: LocalMoment,
    },
    /// Nothing of it may go any more.
    #[error("it expired at {}", at.machine())]
    Expired {
        /// Since when.
        at: LocalMoment,
    },
    /// As much as can be done at once is being done.
    #[error("busy")]
    Busy,
    /// The engine stops.
    #[error("the engine stops")]
    Stopping,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database of people did not do it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<EncryptionFault> for CampaignFault {
    fn from(fault: EncryptionFault) -> Self {
        match fault {
            EncryptionFault::Erased => Self::Erased,
            EncryptionFault::NoRandom(_) | EncryptionFault::TooLong | EncryptionFault::Unreadable => {
                Self::Store(fault.into())
            }
        }
    }
}

impl From<MirrorFault> for CampaignFault {
    fn from(fault: MirrorFault) -> Self {
        match fault {
            MirrorFault::Store(error) => Self::Store(error),
            MirrorFault::Database(error) => Self::Database(error),
        }
    }
}

impl From<PeopleFault> for CampaignFault {
    fn from(fault: PeopleFault) -> Self {
        match fault {
            PeopleFault::NotFound => Self::NotFound,
            PeopleFault::Fields(faults) => Self::Fields(faults),
            PeopleFault::Database(error) => Self::Database(error),
        }
    }
}

impl From<ReadFault> for CampaignFault {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Fields(faults) => Self::Fields(faults),
            ReadFault::Full(SinkFull::TooMany { max }) => Self::TooManyRecipients { max },
            // Whoever took the rows says why it ended; without its word, all that is known is that it did.
            ReadFault::Full(SinkFull::Closed) => Self::Stopping,
            ReadFault::Body(error) => Self::Body(error),
            ReadFault::Database(error) => Self::Database(error),
        }
    }
}
