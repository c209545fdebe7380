//! What a reseller looks at: texts that are sent as transactional and look like advertising, the first campaigns of a new tenant, and
//! traffic that is unusual for one. Each is asked about once; what is decided holds for that text, block or country of that tenant from
//! then on.

mod kept;
mod look;
mod said;
mod settings;
mod tell;
mod traffic;
mod window;

use std::sync::Arc;

use strum::{EnumString, IntoStaticStr, VariantArray};

pub(crate) use kept::{Decision, NOTE_MAX, Wanted};
pub(crate) use look::{Looked, Seen, Source};
pub(crate) use settings::{FIRST_CAMPAIGNS, HoldFirst, NAME_MAX, NAMES_MAX, ReviewChanges};
pub(crate) use traffic::{Reached, Sent, Traffic};

use crate::clock::Clock;
use crate::database::{Database, DatabaseError};
use crate::domain::{CampaignId, FlaggedId, MessageId, Purpose, TenantId, UnixMicros};
use crate::encryption::EncryptionFault;
use crate::store::{Store, StoreError};
use crate::webhooks::Webhooks;

use said::Memory;
use window::Windows;

/// Why a text is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum FlagReason {
    /// It goes as transactional, and looks like advertising.
    Advertising,
    /// It is that of one of the first campaigns of a new tenant.
    FirstCampaigns,
    /// Many of those to whom a tenant sends are in one block of numbers.
    UnusualBlock,
    /// A tenant sends to a country for the first time.
    NewCountry,
}

impl FlagReason {
    pub(crate) const CODES: [&str; 4] = [
        Self::Advertising.into_str(),
        Self::FirstCampaigns.into_str(),
        Self::UnusualBlock.into_str(),
        Self::NewCountry.into_str(),
    ];

    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// What was decided of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum FlagState {
    /// Nothing yet.
    Open,
    Accepted,
    Rejected,
}

impl FlagState {
    pub(crate) const CODES: [&str; 3] = [
        Self::Open.into_str(),
        Self::Accepted.into_str(),
        Self::Rejected.into_str(),
    ];

    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// A text or traffic that is, or was, to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flagged {
    pub(crate) id: FlaggedId,
    pub(crate) tenant: TenantId,
    pub(crate) purpose: Purpose,
    /// Of a message without numbers and names; `None`: it was erased, or it is traffic.
    pub(crate) text: Option<String>,
    /// Of traffic: what is unusual about it.
    pub(crate) traffic: Option<Traffic>,
    pub(crate) reasons: Vec<FlagReason>,
    /// The words that look like advertising.
    pub(crate) words: Vec<String>,
    /// With what it was seen first.
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) message: Option<MessageId>,
    pub(crate) state: FlagState,
    /// In the words of whoever has decided.
    pub(crate) note: String,
    pub(crate) created_at: UnixMicros,
    pub(crate) decided_at: Option<UnixMicros>,
}

/// A campaign of which it was decided, to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) flagged: FlaggedId,
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    /// Its traffic was looked at, and not its text.
    pub(crate) is_traffic: bool,
    pub(crate) accepted: bool,
    /// Since when it waited.
    pub(crate) since: UnixMicros,
}

/// Why nothing can be said of a text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlagFault {
    /// There is no such text, or it is another reseller's.
    #[error("no such text")]
    NotFound,
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Encryption(#[from] EncryptionFault),
}

/// What looking at texts works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct FlaggedTexts(Arc<Shared>);

struct Shared {
    store: Store,
    database: Database,
    clock: Clock,
    /// Absent: nobody is told.
    webhooks: Option<Webhooks>,
    memory: Memory,
    windows: Windows,
}

impl FlaggedTexts {
    pub(crate) fn new((store, database): (Store, Database), clock: Clock, webhooks: Option<Webhooks>) -> Self {
        Self(Arc::new(Shared {
            store,
            database,
            clock,
            webhooks,
            memory: Memory::default(),
            windows: Windows::default(),
        }))
    }
}
