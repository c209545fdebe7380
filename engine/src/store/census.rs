//! What waits, counted: of everything, and of one campaign.

use redis::Value;

use super::queues::line;
use super::scripts::Name;
use super::unqueued::Unqueued;
use super::{Store, StoreError, array, bytes, integer};
use crate::domain::{CampaignId, GateId, Line, Row, TenantId, UnixMicros};

/// Tenants of a line in one partition whose first row is looked at: those whose turn it is next. All partitions together show
/// most of them.
const HEADS_MAX: usize = 16;

/// What the script says of a halted campaign; of one whose tenant is suspended it says another number.
const HALTED: i64 = 1;

/// What waits in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InLine {
    pub(crate) line: Line,
    /// Rows in spans.
    pub(crate) rows: u64,
    /// Of these, those of paused campaigns.
    pub(crate) paused_rows: u64,
    /// Messages that are to be leased again.
    pub(crate) again: u64,
    /// Of these, those of halted campaigns.
    pub(crate) halted_again: u64,
    /// Rows of tenants that are suspended, but for those of paused campaigns.
    pub(crate) suspended_rows: u64,
    /// Rows of others that wait for the rate of their campaign or tenant.
    pub(crate) rated_rows: u64,
    /// Of the messages that are to be leased again and are not of halted campaigns, those of such tenants.
    pub(crate) suspended_again: u64,
    /// Of the others, those that were behind another to the same person when they were looked at last.
    pub(crate) behind: u64,
    /// When the first of them is due, or was.
    pub(crate) first_due: Option<UnixMicros>,
}

/// The first row of a tenant's oldest campaign in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineHead {
    pub(crate) lane: u8,
    pub(crate) gate: GateId,
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    /// As they are stored.
    pub(crate) variables: Vec<u8>,
}

/// Everything that waits, each partition as of one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) lines: Vec<InLine>,
    pub(crate) heads: Vec<LineHead>,
    /// Launched, and in no line.
    pub(crate) unqueued: Unqueued,
}

/// What waits of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CampaignCensus {
    pub(crate) lines: Vec<InLine>,
    /// Since when it is paused.
    pub(crate) paused_at: Option<UnixMicros>,
    /// Since when it goes on, if it was paused.
    pub(crate) resumed_at: Option<UnixMicros>,
}

impl InLine {
    /// A line in which nothing waits.
    pub(crate) const fn none(line: Line) -> Self {
        Self {
            line,
            rows: 0,
            paused_rows: 0,
            again: 0,
            halted_again: 0,
            suspended_rows: 0,
            rated_rows: 0,
            suspended_again: 0,
            behind: 0,
            first_due: None,
        }
    }
}

impl Store {
    /// Counts what waits, over all partitions.
    pub(crate) async fn census(&self) -> Result<Census, StoreError> {
        let ask = |partition| {
            let mut call = self.partition_script(Name::Census, partition);
            call.arg(HEADS_MAX);
            call
        };
        let mut census = Census {
            unqueued: self.unqueued().await?,
            ..Census::default()
        };
        for reply in self.run(&self.bulk, self.all_partitions().map(ask).collect()).await? {
            let mut parts = array(reply)?.into_iter();
            let mut part = || array(parts.next().unwrap_or_default());
            for [name, rows] in groups(part()?) {
                census.of(line(name)?).rows += count(&rows)?;
            }
            for [field, rows] in groups(part()?) {
                let (line, _) = line_and_campaign(field)?;
                census.of(line).paused_rows += count(&rows)?;
            }
            for [field, again, behind, halted] in groups(part()?) {
                let (line, _) = line_and_campaign(field)?;
                let (again, behind) = (count(&again)?, count(&behind)?);
                let of = census.of(line);
                match integer(&halted)? {
                    0 => of.behind += behind,
                    HALTED => of.halted_again += again,
                    _ => of.suspended_again += again,
                }
            }
            for [name, again, due] in groups(part()?) {
                let of = census.of(line(name)?);
                of.again += count(&again)?;
                let due = UnixMicros(count(&due)?);
                of.first_due = of.first_due.into_iter().chain([due]).min();
            }
            for [name, owner, row] in groups(part()?) {
                census.heads.push(head(line(name)?, owner, row)?);
            }
            for [name, rows] in groups(part()?) {
                census.of(line(name)?).suspended_rows += count(&rows)?;
            }
            for [name, rows] in groups(part()?) {
                census.of(line(name)?).rated_rows += count(&rows)?;
            }
        }
        Ok(census)
    }

    /// Counts what waits of a campaign.
    pub(crate) async fn campaign_census(&self, campaign: CampaignId) -> Result<CampaignCensus, StoreError> {
        let ask = |partition| {
            let mut call = self.partition_script(Name::Waits, partition);
            call.arg(campaign.0);
            call
        };
        let mut census = CampaignCensus::default();
        for reply in self.run(&self.bulk, self.all_partitions().map(ask).collect()).await? {
            let mut values = array(reply)?.into_iter();
            let halt = bytes(values.next().unwrap_or_default())?;
            let since = bytes(values.next().unwrap_or_default())?;
            let since = std::str::from_utf8(&since).ok().and_then(|since| since.parse().ok());
            match halt.is_empty() {
                true => census.resumed_at = census.resumed_at.into_iter().chain(since).max(),
                false => census.paused_at = census.paused_at.into_iter().chain(since).min(),
            }
            for [name, rows, again, behind] in groups(values.collect()) {
                let of = in_line(&mut census.lines, line(name)?);
                let (rows, again, behind) = (count(&rows)?, count(&again)?, count(&behind)?);
                of.rows += rows;
                of.again += again;
                if halt.is_empty() {
                    of.behind += behind;
                } else {
                    of.paused_rows += rows;
                    of.halted_again += again;
                }
            }
        }
        Ok(census)
    }
}

impl Census {
    fn of(&mut self, line: Line) -> &mut InLine {
        in_line(&mut self.lines, line)
    }
}

fn in_line(lines: &mut Vec<InLine>, line: Line) -> &mut InLine {
    let at = lines.iter().position(|known| known.line == line).unwrap_or_else(|| {
        lines.push(InLine::none(line));
        lines.len() - 1
    });
    &mut lines[at]
}

/// Values in groups of `N`.
fn groups<const N: usize>(values: Vec<Value>) -> Vec<[Value; N]> {
    let mut values = values.into_iter();
    let mut groups = Vec::with_capacity(values.len() / N);
    while values.len() >= N {
        groups.push(std::array::from_fn(|_| values.next().unwrap_or_default()));
    }
    groups
}

fn count(value: &Value) -> Result<u64, StoreError> {
    Ok(integer(value)?.max(0) as u64)
}

/// Of a field: the line, and the campaign that stands behind a space.
fn line_and_campaign(field: Value) -> Result<(Line, CampaignId), StoreError> {
    let bad = || StoreError::Corrupt("what is counted of a line and a campaign");
    let text = String::from_utf8(bytes(field)?).map_err(|_| bad())?;
    let (line, campaign) = text.split_once(' ').ok_or_else(bad)?;
    Ok((
        line.parse().map_err(|_| bad())?,
        CampaignId(campaign.parse().map_err(|_| bad())?),
    ))
}

fn head(line: Line, owner: Value, row: Value) -> Result<LineHead, StoreError> {
    let bad = || StoreError::Corrupt("the first campaign of a line");
    let text = String::from_utf8(bytes(owner)?).map_err(|_| bad())?;
    let (tenant, campaign) = text.split_once(' ').ok_or_else(bad)?;
    let row = bytes(row)?;
    let row = Row::unpack(&row).map_err(|_| bad())?;
    Ok(LineHead {
        lane: line.lane,
        gate: line.gate,
        tenant: TenantId(tenant.parse().map_err(|_| bad())?),
        campaign: CampaignId(campaign.parse().map_err(|_| bad())?),
        variables: row.variables.to_vec(),
    })
}
