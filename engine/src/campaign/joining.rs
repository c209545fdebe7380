//! Late joiners: people who come to fit a campaign of contacts after its launch, until a date. Each becomes one more row of it, as a
//! message that is sent by itself becomes one: its credits are held under a token of its own, and then it is queued, once, whatever
//! crashes. The campaign stays open until that date.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::had::Had;
use super::pages::Pages;
use super::price::Price;
use super::refusal::code_of;
use super::resolve::priced;
use super::routes::Whose;
use super::taking::Rendering;
use super::texts::Texts;
use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, Line, Row, TenantId, Terms, Territory, Way, to_hexadecimal};
use crate::guard::Verdict;
use crate::store::{
    Campaign, CampaignState, DirectHold, DirectMessage, DirectPlace, Hold, RowBatch, Share, StoreError, Token,
};

/// How often it is looked which campaigns may be joined.
const TICK: Duration = Duration::from_secs(1);

/// How often it is looked who has come to fit one.
const EVERY: Duration = Duration::from_secs(10);

/// After a look it rests so many times as long: many contacts, or many campaigns, cost a twentieth of a processor at most.
const REST: u32 = 20;

/// People whose numbers were told something else by the campaign, and who are kept until all who fit it were seen. Behind so many, as
/// when everybody's values were changed at once, those of families join at no look.
const WAITING_MAX: usize = 50_000;

/// What is the same for all who join a campaign at a look.
struct Joining<'c> {
    campaign: &'c Campaign,
    territory: Option<Territory>,
    share: Share,
}

impl Campaigns {
    /// A campaign that was launched may be joined from now on, if it was asked to.
    pub(super) async fn list_joining(&self, campaign: &Campaign) -> Result<(), StoreError> {
        match &campaign.late {
            Some(late) if late.until > self.now() => {
                let owner = (campaign.tenant, campaign.id);
                self.store().list_joining(owner, (campaign.total, late.until)).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Has people join campaigns who come to fit them, until `stop`.
    pub(crate) async fn keep_joining(self, verdict: Verdict, stop: CancellationToken) {
        let mut looked = FxHashMap::default();
        let mut pause = TICK;
        while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            if verdict.may_write().is_err() {
                continue;
            }
            let since = self.0.deps.clock.now();
            let round = stop.run_until_cancelled(self.join_due(&mut looked));
            if let Some(Err(error)) = round.await {
                tracing::debug!(%error, "it cannot be looked who joins campaigns late; it is tried again");
            }
            let took = self.0.deps.clock.now() - since;
            pause = TICK.max(took * REST);
        }
    }

    async fn join_due(&self, looked: &mut FxHashMap<CampaignId, Instant>) -> Result<(), CampaignFault> {
        let open = self.store().joining().await?;
        looked.retain(|id, _| open.iter().any(|(_, known)| known == id));
        for (tenant, id) in open {
            let now = self.0.deps.clock.now();
            if looked.get(&id).is_none_or(|at| now.duration_since(*at) >= EVERY) {
                self.join_campaign((tenant, id)).await?;
                looked.insert(id, self.0.deps.clock.now());
            }
        }
        Ok(())
    }

    /// Has all join one who fit it by now and are not in it.
    pub(super) async fn join_campaign(&self, of: (TenantId, CampaignId)) -> Result<(), CampaignFault> {
        let campaign = self.store().campaign(of.0, of.1).await?;
        let now = self.now();
        let is_open = |campaign: &Campaign| campaign.late.as_ref().is_some_and(|late| late.until > now);
        let open = campaign.filter(|campaign| is_open(campaign) && may_be_joined(campaign.state));
        let Some(campaign) = open else {
            self.store().forget_joining(of).await?;
            self.0.books.look_soon(of.0, of.1);
            return Ok(());
        };
        // While it is being queued, or paused, nobody joins.
        if campaign.state != CampaignState::Running || campaign.is_erased() {
            return Ok(());
        }
        let refused = match Box::pin(self.join_all(&campaign)).await {
            Ok(()) => String::new(),
            Err(fault @ (CampaignFault::Store(_) | CampaignFault::Database(_) | CampaignFault::Stopping)) => {
                return Err(fault);
            }
            // Whoever gets nothing now may at the next look.
            Err(fault) => {
                tracing::debug!(campaign = %campaign.id, %fault, "who came to fit it gets nothing yet");
                code_of(&fault)
            }
        };
        let before = campaign.late.and_then(|late| late.refused).unwrap_or_default();
        match before == refused {
            true => Ok(()),
            false => Ok(self.store().set_join_refused(of, &refused).await?),
        }
    }

    async fn join_all(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        let admission = self.admit(campaign.tenant).await?;
        self.check_terms(campaign).await?;
        let priced_by = self.priced_by(campaign).await?;
        let had = Box::pin(self.had_of(campaign, &priced_by)).await?;
        let (texts, terms) = priced_by;
        let joining = Joining {
            campaign,
            territory: terms.territory,
            share: admission.share(self.now()),
        };
        let (joining, told) = (&joining, &had);
        let join = |rows: mpsc::Receiver<RowBatch>| async move {
            let mut price = Price::new(&texts, &terms);
            self.join_rows((joining, told), rows, &mut price).await
        };
        let looked = self.look_at(campaign, (Arc::default(), Some(had.clone())), join);
        let ((), taken) = Box::pin(looked).await?;
        taken.map(drop)
    }

    /// Those whose number was told nothing first; of the others those who came last.
    async fn join_rows(
        &self,
        (joining, told): (&Joining<'_>, &Had),
        mut rows: mpsc::Receiver<RowBatch>,
        price: &mut Price<'_>,
    ) -> Result<(), CampaignFault> {
        let mut waiting = Vec::new();
        while let Some(batch) = rows.recv().await {
            for row in batch.rows {
                let row = priced(row, price)?;
                let number = read(&row)?.recipient;
                if told.left(number) == 0 {
                    Box::pin(self.join_one(joining, &row)).await?;
                } else if waiting.len() < WAITING_MAX {
                    waiting.push((number, row));
                }
            }
        }
        for row in told.newest(waiting) {
            Box::pin(self.join_one(joining, &row)).await?;
        }
        Ok(())
    }

    /// What the numbers that have a row of a campaign were told.
    async fn had_of(&self, campaign: &Campaign, by: &(Texts, Terms)) -> Result<Had, CampaignFault> {
        let mut pages = Pages::all(campaign.id, self.store().partitions());
        let (had, mut rendering) = (Had::default(), Rendering::new(by));
        loop {
            let chunks = pages.next(self.store()).await?;
            if chunks.is_empty() {
                return Ok(had);
            }
            for packed in chunks.iter().flat_map(|chunk| &chunk.rows) {
                let row = read(packed)?;
                let variables = campaign.cipher.open(row.variables)?;
                let says = rendering.says_packed((row.recipient, &variables));
                // What may be said no more is nobody's who comes.
                had.add(row.recipient, says.unwrap_or(u64::MAX));
            }
        }
    }

    /// One person joins: asked again it changes nothing.
    async fn join_one(&self, of: &Joining<'_>, packed: &[u8]) -> Result<(), CampaignFault> {
        let campaign = of.campaign;
        let row = read(packed)?;
        let recipient = row.recipient;
        if campaign.late.as_ref().is_none_or(|late| late.until <= self.now()) {
            return Ok(());
        }
        let flagged = match self
            .look_at_recipient((campaign.tenant, campaign.purpose), recipient)
            .await
        {
            // The reseller decides of these numbers first, or has; others go.
            Err(CampaignFault::TrafficInReview | CampaignFault::TrafficRejected { .. }) => return Ok(()),
            looked => looked?,
        };
        self.0.deps.mirror.held_back(campaign.tenant, [recipient]).await?;
        let hold = self.hold_joiner(of, &row).await?;
        let table = self.routes();
        let routes = table.chooser(&Whose {
            tenant: campaign.tenant,
            purpose: campaign.purpose,
            sender: campaign.sender.trim(),
        });
        let route = routes.route(recipient);
        let (variables, token) = (&*campaign.cipher.close(row.variables)?, token_of(campaign, &row));
        let message = DirectMessage {
            tenant: campaign.tenant,
            campaign: campaign.id,
            recipient,
            row: Row { variables, ..row }.pack(),
            line: Line {
                way: Way::Route(route),
                lane: campaign.purpose.lane(),
                gate: self.0.deps.gates.of(campaign.purpose, (recipient, of.territory)),
            },
            version: table.version(),
            token,
            hold,
            worth_until: None,
            is_by_itself: false,
        };
        let made = match self.store().enqueue_direct(&message, self.now()).await? {
            DirectPlace::Queued(id, hold) => {
                self.flagged_with([flagged, None], id).await;
                Some(hold)
            }
            DirectPlace::Full | DirectPlace::Undone => None,
        };
        self.store().end_direct(campaign.tenant, token, made).await?;
        self.ring(route, recipient.partition(self.store().partitions()), false);
        self.0.books.look_soon(campaign.tenant, campaign.id);
        Ok(())
    }

    /// Holds the credits of somebody who joins.
    async fn hold_joiner(&self, of: &Joining<'_>, row: &Row<'_>) -> Result<Hold, CampaignFault> {
        let campaign = of.campaign;
        let hold = DirectHold {
            tenant: campaign.tenant,
            campaign: campaign.id,
            token: token_of(campaign, row),
            partition: row.recipient.partition(self.store().partitions()),
            credits: u64::from(row.credits),
            share: &of.share,
        };
        Ok(self.hold_one(&hold).await?.1)
    }
}

/// Whether people may still join a campaign, now or when it goes on.
const fn may_be_joined(state: CampaignState) -> bool {
    match state {
        CampaignState::Launching | CampaignState::Running | CampaignState::Paused => true,
        CampaignState::Draft
        | CampaignState::InReview
        | CampaignState::Resolving
        | CampaignState::Scheduled
        | CampaignState::Blocked
        | CampaignState::Completed
        | CampaignState::Canceled
        | CampaignState::Stopped => false,
    }
}

fn read(packed: &[u8]) -> Result<Row<'_>, StoreError> {
    Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))
}

/// Whoever joins a campaign does so under one token, however often it is tried: by their number and what is filled in for them, which
/// tells a family apart.
fn token_of(campaign: &Campaign, row: &Row<'_>) -> Token {
    // No path of a request is called so.
    Token::of_key(
        campaign.tenant.into(),
        &format!("join {}", campaign.id),
        &format!("{} {}", row.recipient, to_hexadecimal(row.variables)),
    )
}
