//! Codes of a campaign: each recipient has one of its pool before the campaign is launched.

use super::pages::Pages;
use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, CodePoolId, Row, push_variable, variables};
use crate::fault::{FieldFault, FieldProblem, WordingProblem};
use crate::people::{MergeField, PeopleFault};
use crate::store::{Campaign, StoreError};

/// What a pool has for a campaign.
pub(super) struct Stock {
    /// How many codes it lacks.
    pub(super) missing: u64,
    /// One that is as long as any: texts are priced by it before each has its own.
    pub(super) longest: String,
}

impl Campaigns {
    /// What a campaign's pool has for so many recipients; `None`: it has no pool.
    pub(super) async fn codes_for(&self, campaign: &Campaign, recipients: u64) -> Result<Option<Stock>, CampaignFault> {
        let Some(pool) = campaign.code_pool else {
            return Ok(None);
        };
        let of = (campaign.tenant, pool);
        let found = self.0.deps.people.codes_for(of, campaign.id, recipients).await;
        let (missing, longest) = found.map_err(gone)?;
        Ok(Some(Stock { missing, longest }))
    }

    /// Puts into each row of a campaign the code that its recipient is given.
    ///
    /// # Errors
    /// [`CampaignFault::Fields`]: the pool has too few, or is gone.
    pub(super) async fn give_codes(&self, campaign: &Campaign, total: u32) -> Result<(), CampaignFault> {
        let Some((pool, column)) = campaign.code_pool.zip(column(campaign)) else {
            return Ok(());
        };
        let stock = self.codes_for(campaign, total.into()).await?;
        if let Some(missing) = stock.map(|stock| stock.missing).filter(|missing| *missing > 0) {
            return Err(too_few(missing));
        }
        let mut pages = Pages::all(campaign.id, self.store().partitions());
        loop {
            let chunks = pages.next(self.store()).await?;
            if chunks.is_empty() {
                return Ok(());
            }
            let mut rows = Vec::new();
            for chunk in &chunks {
                for (position, packed) in (chunk.position..).zip(&chunk.rows) {
                    rows.push((chunk.partition, position, unpacked(packed)?));
                }
            }
            let recipients: Vec<_> = rows.iter().map(|(_, _, row)| row.recipient).collect();
            let people = &self.0.deps.people;
            let codes = people
                .give_codes((campaign.tenant, pool), campaign.id, &recipients)
                .await;
            let codes = codes.map_err(gone)?;
            let mut with_codes = Vec::with_capacity(rows.len());
            for (partition, position, row) in rows {
                let Some(code) = codes.get(&row.recipient) else {
                    // Others have taken what there was meanwhile: counted anew, with those that this campaign has got.
                    let stock = self.codes_for(campaign, total.into()).await?;
                    return Err(too_few(stock.map_or(1, |stock| stock.missing.max(1))));
                };
                let variables = campaign.cipher.open(row.variables)?;
                let variables = with(&variables, column, code);
                let row = Row {
                    variables: &campaign.cipher.close(&variables)?,
                    ..row
                };
                with_codes.push((partition, position, row.pack()));
            }
            self.store()
                .set_rows((campaign.id, campaign.finding), &with_codes)
                .await?;
        }
    }

    /// A campaign was not launched, and its codes may be given to others. Where that cannot be done now they are lost to these, and
    /// never given twice.
    pub(super) async fn give_back_codes(&self, pool: Option<CodePoolId>, id: CampaignId) {
        let Some(pool) = pool else { return };
        if let Err(error) = self.0.deps.people.give_back_codes(pool, id).await {
            tracing::warn!(campaign = %id, %error, "its codes are not given back");
        }
    }
}

/// Where the code stands among a campaign's columns.
fn column(campaign: &Campaign) -> Option<usize> {
    campaign.columns.iter().position(|name| MergeField::is_code(name))
}

fn unpacked(packed: &[u8]) -> Result<Row<'_>, StoreError> {
    Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))
}

/// Packed variables with that value in that column.
fn with(variables: &[u8], column: usize, code: &str) -> Vec<u8> {
    let mut values: Vec<&str> = self::variables(variables).collect();
    if values.len() <= column {
        values.resize(column + 1, "");
    }
    values[column] = code;
    let mut packed = Vec::with_capacity(variables.len() + code.len() + 2);
    values.iter().for_each(|value| push_variable(&mut packed, value));
    packed
}

/// A pool without enough codes.
fn too_few(missing: u64) -> CampaignFault {
    let problem = WordingProblem::CodesMissing { missing };
    CampaignFault::Fields(vec![FieldFault::new("/code_pool", problem.into())])
}

/// There is no such pool, or no more.
pub(super) fn gone(fault: PeopleFault) -> CampaignFault {
    match fault {
        PeopleFault::NotFound => {
            let problem = FieldProblem::UnknownValue { allowed: &["cpl_…"] };
            CampaignFault::Fields(vec![FieldFault::new("/code_pool", problem)])
        }
        PeopleFault::Fields(_) | PeopleFault::Database(_) => fault.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_takes_its_column_and_leaves_the_others() {
        let mut packed = Vec::new();
        ["Zoé", "XXXX", "2"]
            .iter()
            .for_each(|value| push_variable(&mut packed, value));
        let values_of = |packed: &[u8]| variables(packed).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(values_of(&with(&packed, 1, "A-1")), ["Zoé", "A-1", "2"]);
        assert_eq!(values_of(&with(&packed, 4, "B")), ["Zoé", "XXXX", "2", "", "B"]);
    }
}
