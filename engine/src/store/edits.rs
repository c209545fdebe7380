//! Drafts that are edited: another order in the place of what was read, and prices of its rows by what it says then.

use redis::Value;

use super::campaign::{Campaign, IF_ANY, add_fields};
use super::scripts::Name;
use super::states::states;
use super::{CampaignState, Store, StoreError, keys};
use crate::domain::{CampaignId, Partition, Recipient};

/// Rows that are put in place in one call.
const ROWS_SET: usize = 1_000;

/// What stands for numbers that stay.
const THE_SAME: &[u8] = b"-";

/// A draft as it was read, and as it is to be.
#[derive(Debug)]
pub(crate) struct Edit<'a> {
    pub(crate) before: &'a Campaign,
    pub(crate) after: &'a Campaign,
    /// The numbers that are pasted beside its contacts from now on; `None`: they stay.
    pub(crate) pasted: Option<&'a [Recipient]>,
    /// The account of those that were not taken, and their list, as JSON; `None`: they stay.
    pub(crate) left_out: Option<(String, String)>,
}

/// What came of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edited {
    Done,
    /// It is not as it was read any more.
    Changed,
}

impl Store {
    /// Puts a draft as it is to be in the place of what it was, wholly or not at all: only if nobody has moved or edited it since it was read.
    pub(crate) async fn edit_campaign(&self, edit: &Edit<'_>) -> Result<Edited, StoreError> {
        let (before, after) = (edit.before, edit.after);
        let (tenant, id) = (before.tenant, before.id);
        let names = [
            keys::campaign(tenant, id),
            keys::pasted(tenant, id),
            keys::pasted_left_out(tenant, id),
            keys::rejected(tenant, id),
        ];
        let packed = |numbers: &[Recipient]| numbers.iter().flat_map(|number| number.0.to_be_bytes()).collect();
        let pasted: Vec<u8> = edit.pasted.map_or_else(|| THE_SAME.to_vec(), packed);
        let (account, list) = edit
            .left_out
            .as_ref()
            .map_or(("", ""), |(account, list)| (account, list));
        let mut call = self.script(Name::Edit, &[&names[0], &names[1], &names[2], &names[3]]);
        call.arg(states(&CampaignState::EDITABLE))
            .arg(before.edits)
            .arg(before.rate.map_or(String::new(), |rate| rate.to_string()))
            .arg(before.cipher.as_stored().unwrap_or_default());
        call.arg(&pasted[..]).arg(account).arg(list);
        call.arg(IF_ANY.len()).arg(&IF_ANY[..]);
        add_fields(&mut call, after)?;
        call.arg("refused").arg("");
        match self.ask::<i64>(&call).await? {
            1 => Ok(Edited::Done),
            _ => Ok(Edited::Changed),
        }
    }

    /// No prices of earlier edits are put into rows of a campaign from now on.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] when those of a later one are.
    pub(crate) async fn begin_pricing(&self, (campaign, edits): (CampaignId, u64)) -> Result<(), StoreError> {
        let call = |partition| {
            let mut call = self.partition_script(Name::PriceRows, partition);
            call.arg(campaign.0).arg(edits);
            call
        };
        all_done(self.run(&self.bulk, self.all_partitions().map(call).collect()).await?)
    }

    /// Puts rows with their prices by that edit in the place of those at their positions.
    ///
    /// # Errors
    /// As [`Store::begin_pricing`].
    pub(crate) async fn price_rows(
        &self,
        (campaign, edits): (CampaignId, u64),
        rows: &[(Partition, u32, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let mut calls = Vec::new();
        for some in rows.chunk_by(|(one, ..), (other, ..)| one == other) {
            for some in some.chunks(ROWS_SET) {
                let mut call = self.partition_script(Name::PriceRows, some[0].0);
                call.arg(campaign.0).arg(edits);
                for (_, position, row) in some {
                    call.arg(*position).arg(&row[..]);
                }
                calls.push(call);
            }
        }
        all_done(self.run(&self.bulk, calls).await?)
    }

    /// All rows of a campaign have the prices of its last edit: what it takes is what they take. `false`: it was edited since.
    pub(crate) async fn set_priced(
        &self,
        campaign: &Campaign,
        (segments, credits): (u64, u64),
    ) -> Result<bool, StoreError> {
        let key = keys::campaign(campaign.tenant, campaign.id);
        let mut call = self.script(Name::Priced, &[&key]);
        call.arg(campaign.edits).arg(segments).arg(credits);
        Ok(self.ask::<i64>(&call).await? == 1)
    }
}

fn all_done(replies: Vec<Value>) -> Result<(), StoreError> {
    match replies.iter().all(|reply| *reply == Value::Int(1)) {
        true => Ok(()),
        false => Err(StoreError::TakenOver),
    }
}
