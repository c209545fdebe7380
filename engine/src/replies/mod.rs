//! What people write back: read, gathered into conversations, and answered by rule.
//!
//! ```text
//! [store: inbound] ─► follow ─► [database: conversations] ─► send ─► campaign: a direct message
//! ```
//!
//! *follow* reads inbound messages at positions of its own and commits these with what it makes of each: a place in a conversation, and
//! what is answered. *send* makes a direct message of each answer, under a token that names it: each is made once, whatever crashes.

mod reading;
mod meaning;
mod rule;
mod settings;
mod kept;
mod made;
mod decide;
mod threads;
mod waiting_list;
mod offers;
mod score;
mod surveys;
mod given;
mod closing;
mod place;
mod follow;
mod nobodys;
mod whose;
mod send;
mod ask;
mod figures;
mod tidy;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use figures::{REPLY_GROUPS_MAX, ReplyBy, ReplyGroup, ReplyQuestion};
pub(crate) use kept::AUTO_REPLIES_MAX;
pub(crate) use made::Made;
pub(crate) use offers::{
    ACCEPT_MAX, FreedSlot, Invited, NewOffer, OFFER_DAYS, OFFERED_MAX, Offer, OfferAnswer, OfferSays, OfferState,
    OfferedPerson, PLACES, WAVE_MINUTES, WAVE_PEOPLE, Wave,
};
pub(crate) use reading::words;
pub(crate) use rule::{Ask, AutoReply, Match, Meant, Rule, Rules, When, compiled};
pub(crate) use rule::{DELAY_MAX, KEYWORD_MAX, KEYWORDS_MAX, PATTERN_MAX, PRIORITY, TIMEOUT_DEFAULT_MS, TIMEOUT_MS};
pub(crate) use settings::{OPENINGS_MAX, Opening, ReplySettings};
pub(crate) use surveys::{
    Asking, Asks, By, NewSurvey, QUESTIONS_MAX, Results, SCALE, SURVEYS_MAX, Survey, SurveyAnswer, SurveyQuestion,
    SurveyRun, SurveySays, shown,
};
pub(crate) use threads::{
    Conversation, ConversationState, Edit as ConversationEdit, Said, SaidState, Wanted as ConversationsWanted,
};
pub(crate) use waiting_list::{
    GivenWaiting, SUITS_MAX, Suits, WAITING_DAYS, WAITING_GIVEN_MAX, WAITING_MAX, WaitingPerson,
};

use crate::agenda::{Agenda, AgendaFault};
use crate::campaign::{CampaignFault, Campaigns};
use crate::clock::Clock;
use crate::database::{Database, DatabaseError};
use crate::domain::{Recipient, TenantId};
use crate::encryption::EncryptionFault;
use crate::guard::Verdict;
use crate::metrics::Metrics;
use crate::mirror::{Mirror, MirrorFault};
use crate::numbers::Numbers;
use crate::people::{People, PeopleFault};
use crate::store::{Store, StoreError};
use crate::webhooks::{WebhookFault, Webhooks};

/// Why something cannot be done with what people write.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplyFault {
    /// There is no such rule or conversation, or it is another tenant's.
    #[error("no such rule or conversation")]
    NotFound,
    /// The tenant has as many rules as it may have.
    #[error("{AUTO_REPLIES_MAX} rules are the most")]
    TooMany,
    /// It has as many surveys.
    #[error("{SURVEYS_MAX} surveys are the most")]
    TooManySurveys,
    /// As many people wait for a time of it.
    #[error("{WAITING_MAX} people on a waiting list are the most")]
    TooManyWaiting,
    /// Nothing is sent from the number that the conversation is with.
    #[error("the number is not the tenant's")]
    NotOurs,
    #[error(transparent)]
    Agenda(#[from] AgendaFault),
    #[error(transparent)]
    Campaign(#[from] CampaignFault),
    #[error(transparent)]
    Webhook(#[from] WebhookFault),
    #[error(transparent)]
    People(#[from] PeopleFault),
    #[error(transparent)]
    Mirror(#[from] MirrorFault),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Encryption(#[from] EncryptionFault),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What reading and answering works with.
pub(crate) struct ReplyDeps {
    pub(crate) store: Store,
    pub(crate) database: Database,
    pub(crate) campaigns: Campaigns,
    pub(crate) agenda: Agenda,
    pub(crate) people: People,
    pub(crate) mirror: Mirror,
    pub(crate) webhooks: Webhooks,
    pub(crate) numbers: Numbers,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    /// `retention.campaigns`: how long inbound messages are kept.
    pub(crate) inbound_for: Duration,
    /// `history.keep`: how long conversations are.
    pub(crate) kept_for: Duration,
    /// `retention.replies`: behind that nobody answers a message any more.
    pub(crate) answered_within: Duration,
}

/// What people write back. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Replies(Arc<Shared>);

struct Shared {
    store: Store,
    database: Database,
    campaigns: Campaigns,
    agenda: Agenda,
    people: People,
    mirror: Mirror,
    webhooks: Webhooks,
    numbers: Numbers,
    clock: Clock,
    metrics: Metrics,
    inbound_for: Duration,
    kept_for: Duration,
    answered_within: Duration,
    /// Who may have been written to; 0: nobody.
    written: Mutex<FxHashSet<TenantId>>,
    /// Anybody may.
    everywhere: AtomicBool,
    bell: Notify,
    /// Something is to be sent, or to be asked for.
    due: Notify,
    asking: Notify,
    readers: Mutex<FxHashMap<TenantId, kept::Known>>,
}

/// Messages that are nobody's, as a tenant's.
const NOBODY: TenantId = TenantId(0);

impl Replies {
    pub(crate) fn new(deps: ReplyDeps) -> Self {
        Self(Arc::new(Shared {
            store: deps.store,
            database: deps.database,
            campaigns: deps.campaigns,
            agenda: deps.agenda,
            people: deps.people,
            mirror: deps.mirror,
            webhooks: deps.webhooks,
            numbers: deps.numbers,
            clock: deps.clock,
            metrics: deps.metrics,
            inbound_for: deps.inbound_for,
            answered_within: deps.answered_within,
            kept_for: deps.kept_for,
            written: Mutex::default(),
            everywhere: AtomicBool::new(true),
            bell: Notify::new(),
            due: Notify::new(),
            asking: Notify::new(),
            readers: Mutex::default(),
        }))
    }

    /// Reads and answers, and forgets what is old, until `stop`.
    pub(crate) async fn run(self, verdict: Verdict, stop: CancellationToken) {
        let follow = self.0.clone().follow(stop.clone());
        let send = self.0.clone().send(verdict.clone(), stop.clone());
        let offers = self.0.clone().follow_offers(verdict.clone(), stop.clone());
        let surveys = self.0.clone().follow_surveys(verdict, stop.clone());
        let ask = self.0.clone().ask(stop.clone());
        tokio::join!(follow, send, offers, surveys, ask, self.0.clone().tidy(stop));
    }

    /// Somebody has written to a tenant, or to nobody.
    pub(crate) fn written_to(&self, tenant: Option<TenantId>) {
        self.0.hint(tenant.unwrap_or(NOBODY));
        self.0.bell.notify_one();
    }

    /// Somebody has written to somebody.
    pub(crate) fn written_to_anybody(&self) {
        self.0.everywhere.store(true, Ordering::Relaxed);
        self.0.bell.notify_one();
    }

    /// Whether a person was reminded of an appointment with one of these tenants, and may answer about it now.
    pub(crate) async fn have_question(&self, tenants: &[TenantId], from: Recipient) -> bool {
        for tenant in tenants {
            let now = self.0.clock.unix();
            let open = self.0.agenda.open_questions_at((*tenant, from), now).await;
            // When that cannot be known, a word that may opt out does.
            if open.is_ok_and(|open| !open.is_empty()) {
                return true;
            }
        }
        false
    }
}

impl Shared {
    fn hint(&self, tenant: TenantId) {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tenant);
    }

    fn readers(&self) -> MutexGuard<'_, FxHashMap<TenantId, kept::Known>> {
        // Whole at every instant, so a panic elsewhere does not spoil it.
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
