//! Figures of messages, put together by what they have in common.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::History;
use super::calendar::{Calendar, Span};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{CampaignId, MessageId, Status, TemplateId, TenantId, UnixMicros};

/// The most groups of one answer: what a person can look through, and a year of days by some of anything.
pub(crate) const GROUPS_MAX: usize = 5_000;

/// By whose clocks it is if nobody says it.
pub(crate) const TIME_ZONE: &str = "Europe/Paris";

/// Rows that make one group: the statuses, and skipped.
const ROWS_OF_GROUP: usize = Status::ALL.len() + 1;

/// What messages may have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Dimension {
    Hour,
    Day,
    Week,
    Month,
    Campaign,
    Category,
    Template,
    TemplateVersion,
    Text,
    Purpose,
    Sender,
    Smsc,
    Status,
    Country,
    Tenant,
}

impl Dimension {
    pub(crate) const CODES: [&str; Self::VARIANTS.len()] = Self::first();

    /// Those of a tenant's figures: all but the last.
    pub(crate) const OF_TENANT: [&str; Self::VARIANTS.len() - 1] = Self::first();

    const fn first<const N: usize>() -> [&'static str; N] {
        let mut codes = [""; N];
        let mut at = 0;
        while at < codes.len() {
            codes[at] = Self::VARIANTS[at].code();
            at += 1;
        }
        codes
    }

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    const fn place(self) -> Place {
        match self {
            Self::Hour => Place::Time(Span::Hour),
            Self::Day => Place::Time(Span::Day),
            Self::Week => Place::Time(Span::Week),
            Self::Month => Place::Time(Span::Month),
            Self::Campaign => Place::Number,
            Self::Category => Place::Campaign("category"),
            Self::Template => Place::Campaign("template"),
            Self::TemplateVersion => Place::Campaign("template_version"),
            Self::Text => Place::Campaign("text"),
            Self::Purpose => Place::Campaign("purpose"),
            Self::Sender => Place::Campaign("sender"),
            Self::Smsc => Place::Message("smsc"),
            Self::Status => Place::Message("status"),
            Self::Country => Place::Message("country"),
            Self::Tenant => Place::Message("tenant"),
        }
    }

    /// As it is shown.
    fn name(self, key: &RawKey, calendar: &Calendar) -> Option<String> {
        match (key, self.place()) {
            (RawKey::Number(number), _) if self == Self::TemplateVersion => Some(number.to_string()),
            (RawKey::Number(number), Place::Time(span)) => Some(calendar.name(span, *number)),
            (RawKey::Number(number), Place::Number) => Some(CampaignId(number.unsigned_abs()).to_string()),
            (RawKey::Number(number), Place::Campaign(_)) => Some(TemplateId(number.unsigned_abs()).to_string()),
            (RawKey::Number(number), Place::Message(_)) => Some(TenantId(*number as u32).to_string()),
            (RawKey::Text(text), _) => Some(text.clone()),
            (RawKey::None, _) => None,
        }
    }
}

/// Where a dimension is written down.
enum Place {
    /// In the time of a message.
    Time(Span),
    /// In the campaign's number, which is in each message's.
    Number,
    /// In that column of the message.
    Message(&'static str),
    /// In that column of its campaign.
    Campaign(&'static str),
}

/// Which figures are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// `None`: those of all.
    pub(crate) tenant: Option<TenantId>,
    /// Milliseconds since 1970: from the first on, before the second.
    pub(crate) range: (i64, i64),
    /// None: one group for all.
    pub(crate) by: Vec<Dimension>,
    /// Of these only; none: of all.
    pub(crate) campaigns: Vec<CampaignId>,
    /// By whose clocks days begin.
    pub(crate) zone: TimeZone,
}

impl Question {
    /// Everything that is remembered now, by the clocks of Paris.
    pub(crate) fn of_all(by: Vec<Dimension>, now: UnixMicros) -> Self {
        Self {
            tenant: None,
            range: (0, (now.0 / 1_000) as i64 + 1),
            by,
            campaigns: Vec::new(),
            zone: TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC),
        }
    }
}

/// What some messages came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Messages by status, in the order of [`Status::ALL`].
    pub(crate) statuses: [u64; Status::ALL.len()],
    /// Left out when their turn came.
    pub(crate) skipped: u64,
    pub(crate) segments: u64,
    /// Spent, what was given back included.
    pub(crate) credits: u64,
    pub(crate) recredited: u64,
    /// Delivered within three minutes.
    pub(crate) within_3_minutes: u64,
    /// How often people followed their links.
    pub(crate) clicks: u64,
    /// Of how many messages somebody did.
    pub(crate) clicked: u64,
    /// How often programs looked at a link.
    pub(crate) previews: u64,
}

impl Sums {
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, more) in self.statuses.iter_mut().zip(other.statuses) {
            *sum += more;
        }
        self.skipped += other.skipped;
        self.segments += other.segments;
        self.credits += other.credits;
        self.recredited += other.recredited;
        self.within_3_minutes += other.within_3_minutes;
        self.clicks += other.clicks;
        self.clicked += other.clicked;
        self.previews += other.previews;
    }

    /// What a row says: messages of one status.
    fn note(&mut self, row: &Row) {
        let [messages, segments, spent, within_3_minutes] = row.sums;
        let status = row.status.parse().ok();
        match status.and_then(|status: Status| self.statuses.get_mut(status as usize)) {
            Some(count) => *count += messages,
            None => self.skipped += messages,
        }
        self.segments += segments;
        self.credits += spent;
        self.within_3_minutes += within_3_minutes;
        if status == Some(Status::Recredited) {
            self.recredited += spent;
        }
    }

    /// What a row says of links: of messages of one status.
    fn note_clicks(&mut self, row: &Row) {
        let [clicks, clicked, previews, _] = row.sums;
        self.clicks += clicks;
        self.clicked += clicked;
        self.previews += previews;
    }
}

/// Messages that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// What, in the order of [`Question::by`]; `None`: nothing is known, or there is none.
    pub(crate) keys: Vec<Option<String>>,
    /// What the campaign is called, when they are of one.
    pub(crate) campaign_name: Option<String>,
    pub(crate) sums: Sums,
}

/// What a group has in common, as SQL says it: in the order in which groups are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RawKey {
    Number(i64),
    Text(String),
    None,
}

struct Row {
    keys: Vec<RawKey>,
    campaign_name: Option<String>,
    status: String,
    /// As [`Of::sums`] has them.
    sums: [u64; SUMS],
}

/// Figures of one row.
const SUMS: usize = 4;

/// What is summed up.
#[derive(Clone, Copy)]
enum Of {
    Messages,
    /// What became of their links.
    Links,
}

impl Of {
    /// Each sum, of a row of the table.
    const fn sums(self) -> [&'static str; SUMS] {
        match self {
            Self::Messages => ["1", "segments", "spent", "within_3_minutes"],
            Self::Links => ["clicks", "CASE WHEN clicks > 0 THEN 1 ELSE 0 END", "previews", "0"],
        }
    }

    const fn table(self) -> &'static str {
        match self {
            Self::Messages => "message WHERE at >= ",
            Self::Links => "message CROSS JOIN click WHERE click.message = message.id AND at >= ",
        }
    }
}

impl History {
    /// Figures by what is asked for, in the order of their keys; `None`: there are more than [`GROUPS_MAX`] groups.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn statistics(&self, question: &Question) -> Result<Option<Vec<Group>>, DatabaseError> {
        let calendar = Calendar::new(&question.zone, question.range);
        let rows = self.rows(Of::Messages, question, &calendar).await?;
        if rows.len() > GROUPS_MAX * ROWS_OF_GROUP {
            return Ok(None);
        }
        let mut groups: BTreeMap<Vec<RawKey>, (Option<String>, Sums)> = BTreeMap::new();
        for row in rows {
            let (name, sums) = groups.entry(row.keys.clone()).or_default();
            sums.note(&row);
            *name = row.campaign_name.or(name.take());
        }
        if groups.len() > GROUPS_MAX {
            return Ok(None);
        }
        if self.has_links(question.tenant).await? {
            for row in self.rows(Of::Links, question, &calendar).await? {
                // A message that was written down in between is counted the next time.
                if let Some((_, sums)) = groups.get_mut(&row.keys) {
                    sums.note_clicks(&row);
                }
            }
        }
        let group = |(keys, (campaign_name, sums)): (Vec<RawKey>, (Option<String>, Sums))| Group {
            keys: question
                .by
                .iter()
                .zip(&keys)
                .map(|(by, key)| by.name(key, &calendar))
                .collect(),
            campaign_name,
            sums,
        };
        Ok(Some(groups.into_iter().map(group).collect()))
    }

    async fn rows(&self, of: Of, question: &Question, calendar: &Calendar) -> Result<Vec<Row>, DatabaseError> {
        let query = statement(of, question, calendar);
        self.0.deps.database.rows(query, |row| read(row, &question.by)).await
    }

    /// Whether there are links at all: most tenants have none, and are not looked through for them.
    async fn has_links(&self, tenant: Option<TenantId>) -> Result<bool, DatabaseError> {
        for table in ["short_link", "own_link"] {
            let mut query = Sql::new("SELECT expires_at FROM ");
            query.push(table);
            if let Some(tenant) = tenant {
                query.push(" WHERE tenant = ").value(tenant.0);
            }
            query.push(" LIMIT 1");
            if self.0.deps.database.row(query, |row| row.number(0)).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Messages are put together by their own columns first, so that a campaign is looked up once for all of its messages.
fn statement(of: Of, question: &Question, calendar: &Calendar) -> Sql {
    let by = &question.by;
    let of_campaign = |by: &Dimension| matches!(by.place(), Place::Campaign(_) | Place::Number);
    let has_campaign = by.iter().any(of_campaign);
    let mut query = Sql::new("SELECT ");
    for (at, by) in by.iter().enumerate() {
        let key = match by.place() {
            Place::Time(_) | Place::Message(_) => format!("one.key{at}"),
            Place::Number => "one.campaign".to_owned(),
            Place::Campaign(column) => format!("sent_campaign.{column}"),
        };
        query.push(&format!("CAST({key} AS TEXT), "));
    }
    let is_by_campaign = by.contains(&Dimension::Campaign);
    query.push(if is_by_campaign {
        "MAX(sent_campaign.name)"
    } else {
        "CAST(NULL AS TEXT)"
    });
    query.push(", one.status");
    for sum in 0..SUMS {
        query.push(&format!(", CAST(SUM(one.sum{sum}) AS BIGINT)"));
    }
    query.push(" FROM (");
    inner(&mut query, (of, question), (calendar, has_campaign));
    query.push(") AS one");
    if has_campaign {
        query.push(" LEFT JOIN sent_campaign ON sent_campaign.id = one.campaign");
    }
    let places: Vec<String> = (1..=by.len()).map(|place| format!("{place}, ")).collect();
    query
        .push(" GROUP BY ")
        .push(&places.concat())
        .push("one.status LIMIT ");
    query.value((GROUPS_MAX * ROWS_OF_GROUP + 1) as i64);
    query
}

/// Messages by their own columns.
fn inner(query: &mut Sql, (of, question): (Of, &Question), (calendar, has_campaign): (&Calendar, bool)) {
    query.push("SELECT status");
    for (at, sum) in of.sums().into_iter().enumerate() {
        query.push(&format!(", SUM({sum}) AS sum{at}"));
    }
    let shift = MessageId::CAMPAIGN_SHIFT;
    let mut grouped = "status".to_owned();
    if has_campaign {
        query.push(&format!(", id >> {shift} AS campaign"));
        grouped += &format!(", id >> {shift}");
    }
    for (at, by) in question.by.iter().enumerate() {
        let key = match by.place() {
            Place::Time(span) => calendar.number(span),
            Place::Message(column) => column.to_owned(),
            Place::Number | Place::Campaign(_) => continue,
        };
        query.push(&format!(", {key} AS key{at}"));
        grouped += &format!(", {key}");
    }
    let (since, until) = question.range;
    query
        .push(" FROM ")
        .push(of.table())
        .value(since)
        .push(" AND at < ")
        .value(until);
    if let Some(tenant) = question.tenant {
        query.push(" AND tenant = ").value(i64::from(tenant.0));
    }
    for (at, campaign) in question.campaigns.iter().enumerate() {
        let ids = MessageId::all_of(*campaign);
        query.push(if at == 0 { " AND (" } else { " OR " });
        query
            .push("id >= ")
            .value(ids.start.0 as i64)
            .push(" AND id < ")
            .value(ids.end.0 as i64);
    }
    if !question.campaigns.is_empty() {
        query.push(")");
    }
    query.push(" GROUP BY ").push(&grouped);
}

fn read(row: &Found<'_>, by: &[Dimension]) -> Result<Row, DatabaseError> {
    let keys: Result<Vec<RawKey>, DatabaseError> = by
        .iter()
        .enumerate()
        .map(|(at, by)| Ok(raw(*by, row.text_if_any(at)?)))
        .collect();
    let behind = by.len();
    let count = |column: usize| Ok::<_, DatabaseError>(row.number(behind + column)?.unsigned_abs());
    Ok(Row {
        keys: keys?,
        campaign_name: row.text_if_any(behind)?.filter(|name| !name.is_empty()),
        status: row.text(behind + 1)?,
        sums: [count(2)?, count(3)?, count(4)?, count(5)?],
    })
}

fn raw(by: Dimension, text: Option<String>) -> RawKey {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return RawKey::None;
    };
    let number = || text.parse().ok();
    let key = match (by.place(), by) {
        (Place::Time(span), _) => number().map(|number| RawKey::Number(Calendar::whole(span, number))),
        (_, Dimension::Campaign | Dimension::Template | Dimension::TemplateVersion | Dimension::Tenant) => {
            number().map(RawKey::Number)
        }
        (Place::Number | Place::Message(_) | Place::Campaign(_), _) => Some(RawKey::Text(text)),
    };
    key.unwrap_or(RawKey::None)
}
