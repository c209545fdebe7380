//! What others of a route do not take waits for one of its SMSCs by name. When that one cannot take it either, it is passed on.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Traffic;
use crate::campaign::Campaigns;
use crate::domain::{Message, SmscId};

/// How often it is looked whether somebody came or went.
const LOOK: Duration = Duration::from_secs(1);

/// Where nobody did, all that waits is looked through after so many looks: it may have been stored a moment too late.
const LOOK_ANYWAY: u32 = 60;

impl Traffic {
    /// Who is asked next for a message that some SMSCs do not take, `last` among them: of those of its route that were not asked
    /// yet, the smallest priority that can take messages now. Where several can, messages are shared among them. Where none
    /// can, the first that may come back. `None`: all were asked.
    pub(crate) fn next(&self, message: &Message<'_>, last: Option<SmscId>) -> Option<SmscId> {
        let asked = |smsc| Some(smsc) == last || message.tries.refused_by().any(|by| by == smsc);
        let routes = self.0.routes.load();
        let served = routes.iter().find(|served| served.route == message.route)?;
        let open = served.smscs.iter().filter(|serving| !asked(serving.smsc));
        let rank = |smsc, priority| (self.is_out(smsc), priority);
        let open: Vec<_> = open
            .map(|serving| (rank(serving.smsc, serving.priority), serving.smsc))
            .collect();
        let best = open.iter().map(|(rank, _)| *rank).min()?;
        let best: Vec<SmscId> = open
            .iter()
            .filter(|(rank, _)| *rank == best)
            .map(|(_, smsc)| *smsc)
            .collect();
        let turn = message.id.0 % best.len() as u64;
        best.get(turn as usize).copied()
    }

    /// Whether that SMSC can take nothing now: it has no session, is suspended or stopped, or is not configured.
    fn is_out(&self, smsc: SmscId) -> bool {
        let smscs = self.lock();
        let known = smscs.iter().find(|known| known.id == smsc);
        known.is_none_or(|known| !known.presence.is_usable() || known.is_held())
    }

    /// Passes on what waits by name for an SMSC that can take nothing, until `stop`.
    pub(crate) async fn pass_on(self, campaigns: Campaigns, stop: CancellationToken) {
        let (mut before, mut count) = (None, 0);
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let now: Vec<(SmscId, bool)> = self.ids().into_iter().map(|smsc| (smsc, self.is_out(smsc))).collect();
            count += 1;
            if before.as_ref() == Some(&now) && count < LOOK_ANYWAY {
                continue;
            }
            (before, count) = (Some(now), 0);
            let next = |message: &Message<'_>| {
                let next = self.next(message, Some(message.smsc))?;
                (!self.is_out(next)).then_some(next)
            };
            match campaigns.pass_on(|smsc| self.is_out(smsc), next).await {
                Ok(0) => {}
                Ok(messages) => tracing::info!(messages, "passed on: the SMSC that they waited for can take nothing"),
                Err(error) => {
                    tracing::debug!(%error, "cannot look for what is to be passed on; it is tried again");
                    before = None;
                }
            }
        }
    }

    fn ids(&self) -> Vec<SmscId> {
        self.lock().iter().map(|known| known.id).collect()
    }
}
