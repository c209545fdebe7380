//! Faults of the engine → problems of HTTP.

use std::time::Duration;

use super::body::BodyFault;
use super::problem::{Cause, Full, Problem, ProblemKind};
use crate::account::AccountFault;
use crate::campaign::CampaignFault;
use crate::database::DatabaseError;
use crate::fault::{DateProblem, FieldFault, FieldProblem};
use crate::mirror::MirrorFault;
use crate::people::{ConsentFault, PeopleFault};
use crate::store::{Refusal, StoreError};

/// When to ask again while the store is away: it reconnects within a second.
pub(super) const STORE_AWAY: Duration = Duration::from_secs(2);

/// When to ask again while all places are taken.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// The store did not do it. Logged here: the caller is told what stands in the way, and nothing of where it is.
pub(super) fn store_refuses(error: &StoreError) -> Problem {
    let cause = match error {
        StoreError::Unavailable(_) => Cause::RedisAway,
        StoreError::Refused(_) => refused(error.refusal()),
        StoreError::OtherDatabase => Cause::OtherDatabase,
        StoreError::TakenOver => Cause::TakenOver,
        StoreError::Corrupt(_) | StoreError::BadForm { .. } | StoreError::Encryption(_) => {
            tracing::error!(%error, "a request could not be served");
            return ProblemKind::Internal.into();
        }
    };
    tracing::warn!(%error, "a request could not be served");
    let retry_after = STORE_AWAY;
    ProblemKind::Unavailable { cause, retry_after }.into()
}

fn refused(refusal: Option<Refusal>) -> Cause {
    match refusal {
        Some(Refusal::Moving) => Cause::RedisMoving,
        Some(Refusal::WithoutMaster) => Cause::RedisInPart,
        Some(Refusal::Denied) => Cause::RedisDenies,
        Some(Refusal::Other) | None => Cause::RedisRefuses,
    }
}

/// The database of people did not do it: as [`store_refuses`].
pub(super) fn database_refuses(error: &DatabaseError) -> Problem {
    match error {
        DatabaseError::Unavailable(_) => {
            tracing::warn!(%error, "a request could not be served");
            ProblemKind::Unavailable {
                cause: Cause::SqlAway,
                retry_after: STORE_AWAY,
            }
            .into()
        }
        DatabaseError::Unexpected(_) | DatabaseError::Corrupt(_) => {
            tracing::error!(%error, "a request could not be served");
            ProblemKind::Internal.into()
        }
    }
}

impl From<MirrorFault> for Problem {
    fn from(fault: MirrorFault) -> Self {
        match fault {
            MirrorFault::Store(error) => store_refuses(&error),
            MirrorFault::Database(error) => database_refuses(&error),
        }
    }
}

impl From<ConsentFault> for Problem {
    fn from(fault: ConsentFault) -> Self {
        match fault {
            ConsentFault::People(fault) => fault.into(),
            ConsentFault::Mirror(fault) => fault.into(),
        }
    }
}

impl From<PeopleFault> for Problem {
    fn from(fault: PeopleFault) -> Self {
        match fault {
            PeopleFault::NotFound => ProblemKind::NotFound.into(),
            PeopleFault::Fields(errors) => Self::of_fields(errors),
            PeopleFault::Database(error) => database_refuses(&error),
        }
    }
}

impl From<AccountFault> for Problem {
    fn from(fault: AccountFault) -> Self {
        match fault {
            AccountFault::Fields(errors) => Self::of_fields(errors),
            AccountFault::NotFound => ProblemKind::NotFound.into(),
            AccountFault::ShortDomainTaken => ProblemKind::ShortDomainTaken.into(),
            AccountFault::TooManyKeys { max } => {
                Self::of_fields(vec![FieldFault::new("", FieldProblem::TooMany { max })])
            }
            AccountFault::Short { available, needed } => ProblemKind::InsufficientCredit { available, needed }.into(),
            AccountFault::NoRandom(error) => {
                tracing::error!(%error, "no key could be made");
                ProblemKind::Internal.into()
            }
            AccountFault::Store(error) => store_refuses(&error),
            AccountFault::Database(error) => database_refuses(&error),
        }
    }
}

impl From<CampaignFault> for Problem {
    fn from(fault: CampaignFault) -> Self {
        match fault {
            CampaignFault::NotFound => ProblemKind::NotFound.into(),
            CampaignFault::Fields(errors) => Self::of_fields(errors),
            CampaignFault::EmptyAudience(errors) => Self {
                kind: ProblemKind::EmptyAudience,
                errors: match errors.as_slice() {
                    [] => vec![FieldFault::new("/audience", FieldProblem::Nobody)],
                    [_, ..] => errors,
                },
            },
            CampaignFault::TooManyRecipients { max } => ProblemKind::TooManyRecipients { max }.into(),
            CampaignFault::Body(error) => {
                let fault = error.get_ref().and_then(|source| source.downcast_ref::<BodyFault>());
                fault.copied().unwrap_or(BodyFault::Broken).into()
            }
            CampaignFault::AlreadyStarted(state) => ProblemKind::AlreadyStarted { state: state.code() }.into(),
            CampaignFault::TextsInUse => ProblemKind::TextsInUse.into(),
            CampaignFault::TextRejected { note } => ProblemKind::TextRejected { note }.into(),
            CampaignFault::TrafficRejected { note } => ProblemKind::TrafficRejected { note }.into(),
            CampaignFault::TrafficInReview => ProblemKind::TrafficInReview.into(),
            CampaignFault::Erased => ProblemKind::TextsErased.into(),
            CampaignFault::WrongState(state) => ProblemKind::WrongState { state: state.code() }.into(),
            CampaignFault::Short { available, needed } => ProblemKind::InsufficientCredit { available, needed }.into(),
            CampaignFault::TenantSuspended { reason } => ProblemKind::TenantSuspended { reason }.into(),
            CampaignFault::DayFull { most, left, next, wait } => ProblemKind::DailyMaxReached {
                most,
                left,
                next_open_at: next,
                retry_after: wait,
            }
            .into(),
            CampaignFault::OutsideWindow { opens } => ProblemKind::ScheduleOutsideWindow { next_open_at: opens }.into(),
            CampaignFault::Expired { at } => {
                let problem = DateProblem::AfterExpiry { expires_at: at };
                Self::of_fields(vec![FieldFault::new("/expires_at", problem.into())])
            }
            CampaignFault::NotADraft(state) => ProblemKind::NotADraft { state: state.code() }.into(),
            CampaignFault::Edited => ProblemKind::OperationRunning { retry_after: BUSY }.into(),
            CampaignFault::Busy => full(Full::Engine),
            CampaignFault::Stopping => ProblemKind::Unavailable {
                cause: Cause::Stopping,
                retry_after: BUSY,
            }
            .into(),
            CampaignFault::Store(error) => store_refuses(&error),
            CampaignFault::Database(error) => database_refuses(&error),
        }
    }
}

/// As much as can be done at once is being done.
pub(super) fn full(full: Full) -> Problem {
    ProblemKind::TooManyRequests {
        full,
        retry_after: BUSY,
    }
    .into()
}
