//! Traffic that is unusual for its tenant: many numbers of one block, in one campaign or in those of a day together, a country to which it
//! has never sent.

use serde::{Deserialize, Serialize};

use super::said::{Ruling, Said};
use super::{FlagFault, FlagReason, FlagState, FlaggedTexts, Looked};
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{
    BLOCK_MIN, Block, CampaignId, Country, FlaggedId, Purpose, Reach, Recipient, TenantId, is_unusual,
};
use crate::store::Near;

/// What is asked about at once, of one campaign: when it was decided of that, the rest is.
const ASKED_MAX: usize = 20;

/// A campaign's audience that is about to be sent to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    pub(crate) purpose: Purpose,
    pub(crate) reach: &'a Reach,
    pub(crate) recipients: u64,
    /// The country of the installation, to which everybody sends.
    pub(crate) home: Country,
}

/// A message that is about to be sent by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) tenant: TenantId,
    pub(crate) purpose: Purpose,
    pub(crate) recipient: Recipient,
    /// See [`Reached::home`].
    pub(crate) home: Country,
}

/// What is unusual about some traffic: a block or a country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traffic {
    /// The digits that its numbers have in common.
    block: Option<String>,
    /// Two letters.
    country: Option<String>,
    /// How many were there when it was seen first, and of how many.
    recipients: u32,
    of: u64,
}

/// What is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    Block(Block),
    Country(Country),
}

impl Spot {
    /// What is the same each time that it is sent to.
    fn digest(self) -> String {
        match self {
            Self::Block(block) => format!("block:{block}"),
            Self::Country(country) => format!("country:{country}"),
        }
    }

    const fn reason(self) -> FlagReason {
        match self {
            Self::Block(_) => FlagReason::UnusualBlock,
            Self::Country(_) => FlagReason::NewCountry,
        }
    }

    fn traffic(self, (recipients, of): (u32, u64)) -> Traffic {
        let (block, country) = match self {
            Self::Block(block) => (Some(block.to_string()), None),
            Self::Country(country) => (None, Some(country.to_string())),
        };
        Traffic {
            block,
            country,
            recipients,
            of,
        }
    }
}

/// What is to be asked about, and with what it was seen.
struct Question {
    tenant: TenantId,
    purpose: Purpose,
    campaign: Option<CampaignId>,
    spot: Spot,
    figures: (u32, u64),
}

impl Said {
    fn ruling(&self, spot: Spot) -> Option<&Ruling> {
        self.traffic.get(&spot.digest())
    }

    fn is_new(&self, country: Country, home: Country) -> bool {
        country != home && !self.sent.contains(&country)
    }
}

impl FlaggedTexts {
    /// Looks at where a campaign goes, and asks the reseller about what is unusual for its tenant.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn look_at_reach(&self, reached: &Reached<'_>) -> Result<Looked, FlagFault> {
        if reached.tenant.is_sandbox() {
            return Ok(Looked::Goes);
        }
        let shared = self.shared_blocks(reached).await?;
        let is_home = |(country, _): &(Country, u32)| *country == reached.home;
        let blocks = reached
            .reach
            .blocks
            .iter()
            .map(|(block, count)| (*block, *count, reached.recipients));
        let blocks: Vec<_> = blocks.chain(shared).collect();
        if blocks.is_empty() && reached.reach.countries.iter().all(is_home) {
            return Ok(Looked::Goes);
        }
        // As it is now: what was decided a moment ago over another engine holds.
        let said = self.read_of(reached.tenant).await?;
        let countries = reached.reach.countries.iter();
        let countries = countries.filter(|(country, _)| said.is_new(*country, reached.home));
        let countries = countries.map(|(country, count)| (Spot::Country(*country), (*count, reached.recipients)));
        let blocks = blocks
            .into_iter()
            .map(|(block, count, of)| (Spot::Block(block), (count, of)));
        let mut questions = Vec::new();
        for (spot, figures) in countries.chain(blocks) {
            match said.ruling(spot) {
                Some(Ruling { state, note }) if *state == FlagState::Rejected => {
                    return Ok(Looked::Rejected { note: note.clone() });
                }
                Some(Ruling { state, .. }) if *state == FlagState::Accepted => {}
                Some(_) | None => questions.push(Question {
                    tenant: reached.tenant,
                    purpose: reached.purpose,
                    campaign: Some(reached.campaign),
                    spot,
                    figures,
                }),
            }
        }
        questions.truncate(ASKED_MAX);
        let is_asked = questions.iter().all(|question| said.ruling(question.spot).is_some());
        if questions.is_empty() || (is_asked && !said.hold_unusual) {
            return Ok(Looked::Goes);
        }
        self.ask_of_campaign(reached, (&questions, said.hold_unusual)).await
    }

    /// The blocks that a campaign shares with others of the last day, and that are unusual among all to whom these went; each with how many
    /// of how many. Those that are unusual in it alone are known.
    async fn shared_blocks(&self, reached: &Reached<'_>) -> Result<Vec<(Block, u32, u64)>, FlagFault> {
        if reached.reach.near.is_empty() {
            return Ok(Vec::new());
        }
        let near = Near {
            tenant: reached.tenant,
            campaign: reached.campaign,
            recipients: reached.recipients,
            numbers: &reached.reach.near,
            least: BLOCK_MIN,
        };
        let (all, counts) = self.0.store.note_near(&near, self.0.clock.unix()).await?;
        let is_new = |block: Block| reached.reach.blocks.iter().all(|(known, _)| *known != block);
        let shared = counts.into_iter().map(|(block, count)| (Block(block), count, all));
        let mut shared: Vec<_> = shared
            .filter(|(block, count, of)| is_new(*block) && is_unusual(*count, *of))
            .collect();
        shared.sort_by_key(|(block, count, _)| (std::cmp::Reverse(*count), *block));
        Ok(shared)
    }

    async fn ask_of_campaign(
        &self,
        reached: &Reached<'_>,
        (questions, waits): (&[Question], bool),
    ) -> Result<Looked, FlagFault> {
        let mut change = self.0.database.change_of(reached.tenant).await?;
        let mut first = None;
        for question in questions {
            let asked = self.insert_traffic(&mut change, question).await?;
            first = first.or(asked);
        }
        let looked = match (waits, first) {
            (true, _) => self.wait_for_traffic(&mut change, (reached, questions)).await?,
            (false, Some(id)) => Looked::Flagged(id),
            (false, None) => Looked::Goes,
        };
        change.commit().await?;
        self.0.memory.forget_of(reached.tenant);
        Ok(looked)
    }

    /// A campaign waits for the first of these that nobody has decided.
    async fn wait_for_traffic(
        &self,
        change: &mut Change,
        (reached, questions): (&Reached<'_>, &[Question]),
    ) -> Result<Looked, FlagFault> {
        // Nobody decides until this change is over.
        let mut lock = Sql::new("UPDATE flagged SET state = state WHERE tenant = ");
        lock.value(reached.tenant.0).push(" AND digest IN (");
        for (at, question) in questions.iter().enumerate() {
            lock.push(if at == 0 { "" } else { ", " }).value(question.spot.digest());
        }
        lock.push(") RETURNING id, state, note");
        let mut known = change
            .rows(lock, |row| {
                let state = row.parsed(1, "what was decided of traffic", |state| state.parse().ok())?;
                Ok((
                    row.number(0)?,
                    Ruling {
                        state,
                        note: row.text(2)?,
                    },
                ))
            })
            .await?;
        known.sort_by_key(|(id, _)| *id);
        let is = |wanted: FlagState| move |(_, ruling): &&(i64, Ruling)| ruling.state == wanted;
        if let Some((_, ruling)) = known.iter().find(is(FlagState::Rejected)) {
            return Ok(Looked::Rejected {
                note: ruling.note.clone(),
            });
        }
        let Some((id, _)) = known.iter().find(is(FlagState::Open)) else {
            return Ok(Looked::Goes);
        };
        let of = (reached.tenant, FlaggedId(id.cast_unsigned()));
        self.wait(change, reached.campaign, of).await?;
        Ok(Looked::Waits)
    }

    /// Looks at whom a message goes to. What several engines send is counted by each.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn look_at_recipient(&self, sent: &Sent) -> Result<Looked, FlagFault> {
        if sent.tenant.is_sandbox() {
            return Ok(Looked::Goes);
        }
        let said = self.said_of(sent.tenant).await;
        let hour = self.0.clock.unix().hour();
        let count = self.0.windows.note(sent.tenant, sent.recipient, hour);
        let block = is_unusual(count.block, count.all.into());
        let block = Some((Spot::Block(Block::of(sent.recipient)), count.block, block));
        let country = Country::of(sent.recipient);
        let country = country.map(|country| (Spot::Country(country), 1, said.is_new(country, sent.home)));
        for (spot, recipients, is_unusual) in [country, block].into_iter().flatten() {
            match said.ruling(spot) {
                Some(Ruling { state, note }) if *state == FlagState::Rejected => {
                    return Ok(Looked::Rejected { note: note.clone() });
                }
                Some(Ruling { state, .. }) if *state == FlagState::Accepted => {}
                Some(_) if said.hold_unusual => return Ok(Looked::Waits),
                Some(_) => {}
                None if is_unusual => {
                    let question = Question {
                        tenant: sent.tenant,
                        purpose: sent.purpose,
                        campaign: None,
                        spot,
                        figures: (recipients, count.all.into()),
                    };
                    return self.ask_of_message(&question, &said).await;
                }
                None => {}
            }
        }
        Ok(Looked::Goes)
    }

    async fn ask_of_message(&self, question: &Question, said: &Said) -> Result<Looked, FlagFault> {
        let asked = if said.is_full {
            None
        } else {
            let mut change = self.0.database.change_of(question.tenant).await?;
            let asked = self.insert_traffic(&mut change, question).await?;
            change.commit().await?;
            self.0.memory.forget_of(question.tenant);
            asked
        };
        Ok(match (said.hold_unusual, asked) {
            (true, _) => Looked::Waits,
            (false, Some(id)) => Looked::Flagged(id),
            (false, None) => Looked::Goes,
        })
    }

    /// Keeps that something is to be looked at; `None`: that is known.
    async fn insert_traffic(
        &self,
        change: &mut Change,
        question: &Question,
    ) -> Result<Option<FlaggedId>, DatabaseError> {
        let id = change.numbers("flagged", 1).await?;
        let traffic = question.spot.traffic(question.figures);
        let mut insert = Sql::new(
            "INSERT INTO flagged (id, tenant, digest, purpose, text, reasons, words, campaign, message, state, note, created_at, \
             decided_at, untold, traffic) VALUES (",
        );
        insert.value(id).push(", ").value(question.tenant.0);
        insert.push(", ").value(question.spot.digest());
        insert.push(", ").value(question.purpose.code()).push(", NULL, ");
        insert.value(question.spot.reason().code()).push(", '[]', ");
        insert.value(question.campaign.map(|id| id.0.cast_signed()));
        insert.push(", NULL, 'open', '', ");
        insert.value(self.0.clock.unix().0.cast_signed());
        insert.push(", NULL, 1, ");
        insert.value(serde_json::to_string(&traffic).unwrap_or_default());
        insert.push(") ON CONFLICT (tenant, digest) DO NOTHING");
        let made = change.run(insert).await? == 1;
        Ok(made.then_some(FlaggedId(id.cast_unsigned())))
    }
}
