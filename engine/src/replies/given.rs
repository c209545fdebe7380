//! What somebody answers to what they were asked, offers and surveys, in the change that keeps what they have written.

use super::decide::Decision;
use super::made::Made;
use super::offers::{Claim, Offered};
use super::surveys::{Answering, Surveyed};
use super::{ReplyFault, Shared};
use crate::database::{Change, DatabaseError};
use crate::domain::{ConversationId, Recipient, TenantId, UnixMicros};

/// What somebody was asked, and may answer.
pub(super) struct Asked {
    pub(super) offered: Option<Offered>,
    pub(super) surveyed: Option<Surveyed>,
}

/// Who answers, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answerer<'a> {
    pub(super) whose: (TenantId, Recipient),
    pub(super) conversation: ConversationId,
    pub(super) at: UnixMicros,
    /// Where it stands among the inbound messages.
    pub(super) inbound: &'a str,
    pub(super) text: &'a str,
}

impl Shared {
    pub(super) async fn asked_now(
        &self,
        change: &mut Change,
        whose: (TenantId, Recipient, &str),
        at: UnixMicros,
    ) -> Result<Asked, DatabaseError> {
        Ok(Asked {
            offered: self.offered(change, whose, at).await?,
            surveyed: self.surveyed_now(change, whose, at).await?,
        })
    }

    /// Gives a place of an offer, keeps an answer to a survey, and puts what is said then into the decision.
    pub(super) async fn follow_up(
        &self,
        change: &mut Change,
        (asked, by): (&Asked, &Answerer<'_>),
        decision: &mut Decision<'_>,
    ) -> Result<(), ReplyFault> {
        if let (Some(offered), Some(answer), Made::Offer) = (&asked.offered, decision.offer, decision.made) {
            let claim = Claim {
                whose: by.whose,
                at: by.at,
                inbound: by.inbound,
                answer,
                quiet: decision.quiet_until.is_some(),
            };
            decision.text = self.claim(change, offered, &claim).await?;
        }
        if let (Some(surveyed), Some(given)) = (&asked.surveyed, decision.survey) {
            let answering = Answering {
                whose: by.whose,
                conversation: by.conversation,
                at: by.at,
                inbound: by.inbound,
                text: by.text,
                given,
            };
            let followed = self.answer_survey(change, surveyed, &answering).await?;
            (decision.text, decision.alert) = (followed.text, followed.alert);
        }
        Ok(())
    }
}
