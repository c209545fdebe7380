//! Why a request is refused: the stable codes, and their HTTP statuses.

use std::time::Duration;

use axum::http::StatusCode;

use super::cause::Cause;
use crate::domain::LocalMoment;

/// Why a request is refused, with what the caller needs to know. [`ProblemCode`] is the same without that: what is the same each time.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(ProblemCode),
    vis(pub(crate)),
    doc = "The stable codes, in snake_case: never translated.",
    derive(PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray),
    strum(serialize_all = "snake_case", const_into_str)
)]
pub(crate) enum ProblemKind {
    /// 400: the body is not JSON or not of the documented shape; `errors` say where.
    InvalidRequest,
    /// 422: the shape is right and the values are not; `errors` say which.
    InvalidFields,
    /// 401: no key, or an unknown one.
    Unauthorized,
    /// 401: the key was good until its end.
    KeyExpired,
    /// 403: the key is good, but not for this; or a page of another origin asks.
    Forbidden { why: Barred },
    /// 403: the key is good, but not from there.
    AddressNotAllowed,
    /// 403: a page from elsewhere has made a browser ask.
    ForeignSite {
        /// The header that shows it.
        header: &'static str,
        value: String,
    },
    /// 403: the key is its tenant's, and its role too low for this.
    RoleNotAllowed {
        /// The least role that opens it.
        needed: &'static str,
        has: &'static str,
    },
    /// 403: the key reaches guests alone, and does not do that.
    GuestsOnly,
    /// 403: nothing new is taken of the tenant.
    TenantSuspended {
        /// In the words of who has suspended it.
        reason: String,
    },
    /// 404: no such thing, or another tenant's.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 402: fewer credits than the estimate needs.
    InsufficientCredit {
        /// Credits that can be spent.
        available: u64,
        /// Credits that the campaign needs.
        needed: u64,
    },
    /// 429: more messages than are taken of the tenant a day.
    DailyMaxReached {
        most: u32,
        /// How many of them are left today.
        left: u64,
        /// When the next day begins.
        next_open_at: LocalMoment,
        /// In how long that is.
        retry_after: Duration,
    },
    /// 409: the campaign was launched before.
    #[strum_discriminants(strum(serialize = "campaign_already_started"))]
    AlreadyStarted {
        /// The code of the campaign's state, such as `running`.
        state: &'static str,
    },
    /// 409: what is asked for cannot be done in the campaign's state.
    #[strum_discriminants(strum(serialize = "campaign_wrong_state"))]
    WrongState {
        /// The state's code, such as `draft`.
        state: &'static str,
    },
    /// 409: a campaign is edited that is no draft.
    #[strum_discriminants(strum(serialize = "campaign_not_a_draft"))]
    NotADraft {
        /// The code of its state, such as `scheduled`.
        state: &'static str,
    },
    /// 409: a message is to be called back that does not wait any more.
    MessageWrongState {
        /// Its status, such as `transmitted`.
        state: &'static str,
    },
    /// 409: what the campaign said was erased.
    TextsErased,
    /// 409: the reseller has rejected what it says.
    TextRejected {
        /// In its words.
        note: String,
    },
    /// 409: the reseller has rejected that it goes there.
    TrafficRejected {
        /// In its words.
        note: String,
    },
    /// 409: the reseller has to look at where it goes before it does.
    TrafficInReview,
    /// 409: texts are to be erased that are still to be sent.
    TextsInUse,
    /// 409: nothing is sent from the number that a conversation is with.
    NumberNotOwn,
    /// 409: a request for a number was answered before.
    RequestAnswered,
    /// 409: links under a domain are those of others.
    ShortDomainTaken,
    /// 409: a key of a sandbox is to be made, and no SMSC is one.
    NoSandbox,
    /// 409: somebody is to be forgotten to whom messages are on their way.
    MessagesUnderWay { messages: u64 },
    /// 422: advertising is to be launched when none of it may go.
    ScheduleOutsideWindow {
        /// When some of it may.
        next_open_at: LocalMoment,
    },
    /// 400: the header `Idempotency-Key` is no key.
    InvalidIdempotencyKey,
    /// 409: a request with this key is still being carried out.
    OperationRunning {
        /// When to ask again.
        retry_after: Duration,
    },
    /// 412: it is not as it was when the caller looked: none of the tags of `If-Match` is its own.
    PreconditionFailed,
    /// 422: the key came with another body before.
    IdempotencyKeyReused,
    /// 422: none of the recipients can be sent to.
    EmptyAudience,
    /// 408: the body came too slowly.
    RequestTimeout,
    /// 413: the body is longer than allowed.
    BodyTooLarge {
        /// The most bytes allowed.
        max: u64,
    },
    /// 422: more recipients than a campaign may have.
    TooManyRecipients {
        /// How many it may have.
        max: u32,
    },
    /// 415: the body is something else than it may be.
    UnsupportedMediaType {
        /// What it may be.
        allowed: &'static [&'static str],
        /// It says to be compressed.
        is_packed: bool,
    },
    /// 429: too much at once.
    TooManyRequests {
        /// Of what.
        full: Full,
        /// When to ask again.
        retry_after: Duration,
    },
    /// 500: our fault; the log has it under the request's id.
    Internal,
    /// 503: nothing new is taken in for now: the store is nearly full, or does not keep what it is given.
    IntakeClosed {
        cause: Cause,
        /// When to ask again.
        retry_after: Duration,
    },
    /// 503: the store holds another database than before; an operator has to look.
    DatabaseLost {
        cause: Cause,
        /// When to ask again.
        retry_after: Duration,
    },
    /// 503, to operators: the engine does not do its work.
    NotReady {
        /// Each reason in a sentence.
        reasons: String,
    },
    /// 422, to operators: the configuration has faults, or changes what needs a restart.
    ReloadRefused {
        /// Each fault in a line.
        why: String,
    },
    /// 503: for now; a database is away or the engine is stopping.
    Unavailable {
        cause: Cause,
        /// When to ask again.
        retry_after: Duration,
    },
}

/// Why a request is not for whoever makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barred {
    /// The key opens something else.
    Key,
    /// A reseller's key opens it for the tenant that is named, and none is.
    NoTenantNamed,
    /// The page is of another origin than the form's.
    Origin,
}

/// What there is no more room in for now; with a number, a setting of the operator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// What the engine does at once for all tenants together.
    Engine,
    /// Requests of the tenant: `api.tenant_requests_max`.
    TenantRequests(u32),
    /// Files of contacts of one tenant: one at a time.
    TenantImports,
    /// Campaigns that the tenant is sending: `api.tenant_uploads_max`.
    TenantUploads(u32),
    /// Streams of events of the tenant.
    TenantStreams(u32),
    /// Requests of one address behind a proxy, each as good as a connection: `api.address_connections_max`.
    AddressRequests(u32),
    /// Forms that one address has sent.
    AddressForms(usize),
    /// Wrong keys of one address: `api.wrong_keys_max`.
    WrongKeys(usize),
}

impl ProblemCode {
    pub(crate) const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The word in the API.
    pub(crate) const fn word(self) -> &'static str {
        self.into_str()
    }

    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::InvalidIdempotencyKey => StatusCode::BAD_REQUEST,
            Self::Unauthorized | Self::KeyExpired => StatusCode::UNAUTHORIZED,
            Self::InsufficientCredit => StatusCode::PAYMENT_REQUIRED,
            Self::Forbidden
            | Self::AddressNotAllowed
            | Self::ForeignSite
            | Self::RoleNotAllowed
            | Self::GuestsOnly
            | Self::TenantSuspended => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::AlreadyStarted
            | Self::WrongState
            | Self::NotADraft
            | Self::MessageWrongState
            | Self::OperationRunning
            | Self::TextRejected
            | Self::TrafficRejected
            | Self::TrafficInReview
            | Self::TextsErased
            | Self::TextsInUse
            | Self::NumberNotOwn
            | Self::RequestAnswered
            | Self::ShortDomainTaken
            | Self::NoSandbox
            | Self::MessagesUnderWay => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidFields
            | Self::IdempotencyKeyReused
            | Self::EmptyAudience
            | Self::ScheduleOutsideWindow
            | Self::TooManyRecipients
            | Self::ReloadRefused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests | Self::DailyMaxReached => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::IntakeClosed | Self::DatabaseLost | Self::NotReady | Self::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

impl ProblemKind {
    pub(crate) fn code(&self) -> &'static str {
        ProblemCode::from(self).word()
    }

    pub(crate) fn status(&self) -> StatusCode {
        ProblemCode::from(self).status()
    }

    /// When what is refused now may be done.
    pub(super) fn next_open_at(&self) -> Option<String> {
        if let Self::ScheduleOutsideWindow { next_open_at } | Self::DailyMaxReached { next_open_at, .. } = self {
            Some(next_open_at.machine())
        } else {
            None
        }
    }

    /// What stands in the way of what is refused for now.
    pub(super) fn cause(&self) -> Option<Cause> {
        if let Self::IntakeClosed { cause, .. } | Self::DatabaseLost { cause, .. } | Self::Unavailable { cause, .. } =
            self
        {
            Some(*cause)
        } else {
            None
        }
    }

    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. }
            | Self::DailyMaxReached { retry_after, .. }
            | Self::OperationRunning { retry_after }
            | Self::IntakeClosed { retry_after, .. }
            | Self::DatabaseLost { retry_after, .. }
            | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            Self::InvalidRequest
            | Self::InvalidFields
            | Self::InvalidIdempotencyKey
            | Self::IdempotencyKeyReused
            | Self::PreconditionFailed
            | Self::Unauthorized
            | Self::KeyExpired
            | Self::Forbidden { .. }
            | Self::AddressNotAllowed
            | Self::ForeignSite { .. }
            | Self::RoleNotAllowed { .. }
            | Self::GuestsOnly
            | Self::TenantSuspended { .. }
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::InsufficientCredit { .. }
            | Self::AlreadyStarted { .. }
            | Self::WrongState { .. }
            | Self::NotADraft { .. }
            | Self::MessageWrongState { .. }
            | Self::TextRejected { .. }
            | Self::TrafficRejected { .. }
            | Self::TrafficInReview
            | Self::TextsErased
            | Self::TextsInUse
            | Self::NumberNotOwn
            | Self::RequestAnswered
            | Self::ShortDomainTaken
            | Self::NoSandbox
            | Self::MessagesUnderWay { .. }
            | Self::ScheduleOutsideWindow { .. }
            | Self::EmptyAudience
            | Self::RequestTimeout
            | Self::BodyTooLarge { .. }
            | Self::TooManyRecipients { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::NotReady { .. }
            | Self::ReloadRefused { .. }
            | Self::Internal => None,
        }
    }
}
