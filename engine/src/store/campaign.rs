//! A campaign as it is stored: a hash of its fields.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use super::joining::{FIRST_TOTAL, JOIN_REFUSED};
use super::states::CampaignState;
use super::{StoreError, keys};
use crate::domain::{
    CampaignId, CodePoolId, EncodingPolicy, Lengths, Parameters, Purpose, Reach, Recipient, TemplateId, Tempo,
    TenantId, UnixMicros,
};
use crate::encryption::{Cipher, EncryptionFault, TextKey};

/// The form of a stored order: one without it is of the first, which knew neither encodings nor validity. From the fifth on what it
/// says is encrypted. The sixth goes to guests alone, the seventh cuts values or leaves people out who have long ones, the eighth goes at a
/// rate of its own, the ninth may be joined after its launch, the tenth was edited: what those before did not know.
const FORM: u32 = EDITED;
const EDITED: u32 = 10;
const WITH_JOINERS: u32 = 9;
const WITH_RATE: u32 = 8;
const WITH_LENGTHS: u32 = 7;
const FOR_GUESTS: u32 = 6;
const FOR_ANYBODY: u32 = 5;

/// Fields of what a campaign says and to whom, also as earlier versions have them: they go with it.
pub(super) const SAID: [&str; 6] = ["words", "cipher", "text", "variants", "query", "parameters"];

/// What kind of campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum CampaignKind {
    /// One text for an audience.
    Audience,
    /// The messages that a tenant sent one by one in an hour: each brings its own sender and text.
    Direct,
}

impl CampaignKind {
    pub(crate) const CODES: [&str; 2] = [Self::Audience.into_str(), Self::Direct.into_str()];
}

/// A text for those whom a filter means.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredVariant {
    /// As it was given.
    pub(crate) filter: serde_json::Value,
    pub(crate) text: String,
}

/// What a campaign says, and to whom: encrypted where it is stored.
#[derive(serde::Serialize, serde::Deserialize)]
struct Words<'a> {
    text: Cow<'a, str>,
    variants: Cow<'a, [StoredVariant]>,
    query: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<Cow<'a, str>>,
}

/// Where the short links of a campaign lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CampaignLink {
    /// Empty when the campaign was erased.
    pub(crate) url: String,
    /// Of which domain they are.
    pub(crate) domain: String,
    /// Until when they lead there; `None`: for as long after the launch as is usual.
    pub(crate) expires_at: Option<UnixMicros>,
}

/// Until when people join a campaign after its launch, and what came of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LateJoiners {
    pub(crate) until: UnixMicros,
    /// How many recipients its launch had; `None`: it was not launched.
    pub(crate) first: Option<u64>,
    /// Why the last who came to fit it get nothing yet: a code of the API.
    pub(crate) refused: Option<String>,
}

impl LateJoiners {
    /// Until then, of a campaign that was not launched.
    pub(crate) const fn until(until: UnixMicros) -> Self {
        Self {
            until,
            first: None,
            refused: None,
        }
    }
}

/// A campaign as it was ordered.
#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) id: CampaignId,
    pub(crate) tenant: TenantId,
    /// Its kind.
    pub(crate) kind: CampaignKind,
    /// What its words and the variables of its rows are encrypted with.
    pub(crate) cipher: Cipher,
    /// When its words were erased, and how long its text had been by then, in characters; `None`: they were not, or with its tenant's
    /// key.
    pub(crate) redacted: Option<(UnixMicros, u64)>,
    /// Which finding out its audience is of, as far as this process knows; 0: it was not found out.
    pub(crate) finding: u64,
    /// What the tenant calls it.
    pub(crate) name: String,
    /// Empty when it was erased, as are its variants.
    pub(crate) text: String,
    /// The sender as it was given.
    pub(crate) sender: String,
    pub(crate) purpose: Purpose,
    /// How its texts are encoded: as they were priced.
    pub(crate) encoding: EncodingPolicy,
    /// How long its messages are worth sending from the launch on; `None`: for ever.
    pub(crate) validity: Option<Duration>,
    /// From then on nothing of it goes to an SMSC; `None`: it has no such time.
    pub(crate) expires_at: Option<UnixMicros>,
    /// How many of its messages begin in what time at most; `None`: as many as can.
    pub(crate) rate: Option<Tempo>,
    /// Until when people join it who come to fit it after its launch; `None`: nobody does.
    pub(crate) late: Option<LateJoiners>,
    /// What its submit_sm's are given beside the text.
    pub(crate) parameters: Parameters,
    /// Texts for some of the contacts whom it means, the first that fits.
    pub(crate) variants: Vec<StoredVariant>,
    /// The columns of its audience.
    pub(crate) columns: Vec<String>,
    /// How long the values of these are at most.
    pub(crate) lengths: Lengths,
    /// Which contacts it means, in JSON; it is found out at its launch. `None`: its rows are all.
    pub(crate) query: Option<String>,
    /// What it is about: a word of the categories.
    pub(crate) category: Option<String>,
    /// The template that its text is from, and which version.
    pub(crate) template: Option<(TemplateId, u32)>,
    /// Whence its recipients have their codes.
    pub(crate) code_pool: Option<CodePoolId>,
    /// Where links of its recipients' own lead; `None`: they have none.
    pub(crate) link: Option<CampaignLink>,
    /// The campaign that it was made of.
    pub(crate) copied_from: Option<CampaignId>,
    /// It goes to some recipients of that one, by what became of their messages.
    pub(crate) resends: bool,
    /// Why its audience could not be found out at its last launch: a code of the API.
    pub(crate) refused: Option<String>,
    /// Where it is in its life.
    pub(crate) state: CampaignState,
    /// Recipients taken.
    pub(crate) total: u64,
    /// Recipients that are no numbers.
    pub(crate) invalid: u64,
    /// Recipients that are numbers, but not of mobiles.
    pub(crate) not_mobile: u64,
    /// Recipients of countries that are not sent to.
    pub(crate) not_allowed: u64,
    /// Recipients that are no guests of the tenant's, where only these are reached.
    pub(crate) not_guests: u64,
    /// It goes to the tenant's guests alone: it was made with a key that reaches nobody else.
    pub(crate) guests_only: bool,
    /// Recipients given more than once.
    pub(crate) duplicates: u64,
    /// People who have not agreed to it.
    pub(crate) no_consent: u64,
    /// People whose number is known to be unreachable.
    pub(crate) unreachable: u64,
    /// People who have had enough advertising for a while.
    pub(crate) frequency_cap: u64,
    /// People whom the campaign leaves out itself.
    pub(crate) by_request: u64,
    /// People who have a value that is longer than the campaign has it.
    pub(crate) value_too_long: u64,
    /// People with whose values the text is none that may be sent.
    pub(crate) values_refused: u64,
    /// Recipients of whom a value was cut.
    pub(crate) shortened: u64,
    /// Where its recipients are; nothing is known of one that an older version has made.
    pub(crate) reach: Reach,
    /// Segments of the whole.
    pub(crate) estimate_segments: u64,
    /// Credits of the whole.
    pub(crate) estimate_credits: u64,
    /// Credits held, spent, given back.
    pub(crate) held: u64,
    /// See `held`.
    pub(crate) spent: u64,
    /// See `held`.
    pub(crate) recredited: u64,
    pub(crate) created_at: UnixMicros,
    /// For when its launch is planned, or was.
    pub(crate) scheduled_at: Option<UnixMicros>,
    /// `None` before the launch.
    pub(crate) launched_at: Option<UnixMicros>,
    /// In which trace it was launched (W3C Trace Context); `None`: nothing was traced then.
    pub(crate) traceparent: Option<String>,
    /// How often it was edited before its launch.
    pub(crate) edits: u64,
    /// Not all of its rows have the prices of what it says since then.
    pub(crate) unpriced: bool,
}

impl Campaign {
    /// Of how many recipients its estimate is: those of its launch. Who joined it later was priced, and held for, one by one.
    pub(crate) fn estimate_recipients(&self) -> u64 {
        let first = self.late.as_ref().and_then(|late| late.first);
        first.unwrap_or(self.total)
    }

    /// Why its last launch came to nothing: a code, and behind it, where codes of a pool were missing, how many.
    pub(crate) fn refused_code(&self) -> Option<&str> {
        let refused = self.refused.as_deref()?;
        refused.split(' ').next()
    }

    /// How many codes its pool lacked then, where that is why.
    pub(crate) fn codes_missing(&self) -> Option<u64> {
        let (_, missing) = self.refused.as_deref()?.split_once(' ')?;
        missing.parse().ok()
    }

    /// One of which what it said is kept by nobody.
    pub(crate) fn of_lasting_fields(owner: (TenantId, CampaignId), fields: &HashMap<String, String>) -> Option<Self> {
        let campaign = read_known(owner, fields)?;
        let cipher = Cipher::Erased;
        Some(Self { cipher, ..campaign })
    }

    /// Whether nobody can tell any more what it said.
    pub(crate) const fn is_erased(&self) -> bool {
        matches!(self.cipher, Cipher::Erased)
    }
}

/// The call that keeps an order.
pub(super) fn order(campaign: &Campaign) -> Result<redis::Cmd, StoreError> {
    let mut set = redis::cmd("HSET");
    set.arg(keys::campaign(campaign.tenant, campaign.id));
    add_fields(&mut set, campaign)?;
    Ok(set)
}

/// Field and value of all that a campaign was ordered as.
pub(super) fn add_fields(set: &mut redis::Cmd, campaign: &Campaign) -> Result<(), StoreError> {
    let columns = serde_json::to_string(&campaign.columns).map_err(|_| StoreError::Corrupt("columns"))?;
    let kind = if campaign.kind == CampaignKind::Direct {
        "direct"
    } else {
        "audience"
    };
    let words = Words {
        text: Cow::Borrowed(&campaign.text),
        variants: Cow::Borrowed(&campaign.variants),
        query: campaign.query.as_deref().map(Cow::Borrowed),
        link: campaign.link.as_ref().map(|link| Cow::Borrowed(link.url.as_str())),
    };
    let words = serde_json::to_string(&words).map_err(|_| StoreError::Corrupt("the words of a campaign"))?;
    let (Some(content), Some(cipher)) = (campaign.cipher.key(), campaign.cipher.as_stored()) else {
        return Err(EncryptionFault::Erased.into());
    };
    set.arg("kind")
        .arg(kind)
        .arg("name")
        .arg(&campaign.name)
        .arg("cipher")
        .arg(cipher)
        .arg("words")
        .arg(content.encrypt_text(&words)?);
    set.arg("sender")
        .arg(&campaign.sender)
        .arg("purpose")
        .arg(campaign.purpose.code());
    set.arg("form")
        .arg(form_of(campaign))
        .arg("encoding")
        .arg(campaign.encoding.name());
    set_if_any(set, campaign);
    if !campaign.lengths.is_empty() {
        let lengths = serde_json::to_string(&campaign.lengths).map_err(|_| StoreError::Corrupt("lengths of fields"))?;
        set.arg("field_lengths").arg(lengths);
    }
    if !campaign.parameters.is_empty() {
        set.arg("parameters").arg(campaign.parameters.to_string());
    }
    set.arg("columns").arg(columns).arg("state").arg(campaign.state.code());
    set_counts(set, campaign);
    set.arg("created_at").arg(campaign.created_at.0);
    Ok(())
}

/// Fields that a campaign has no more when it is edited so that it has none: what not every campaign has, and words as earlier versions have them.
pub(super) const IF_ANY: [&str; 16] = [
    "validity",
    "expires_at",
    "rate",
    "joined_until",
    "category",
    "template",
    "template_version",
    "code_pool",
    "link_domain",
    "link_expires_at",
    "field_lengths",
    "parameters",
    "unpriced",
    "text",
    "variants",
    "query",
];

/// The form of a stored order: the first that knew all that it has.
pub(super) const fn form_of(campaign: &Campaign) -> u32 {
    match (campaign.late.is_some(), campaign.rate.is_some()) {
        _ if campaign.edits > 0 => EDITED,
        (true, _) => WITH_JOINERS,
        (false, true) => WITH_RATE,
        (false, false) if !campaign.lengths.is_empty() => WITH_LENGTHS,
        (false, false) if campaign.guests_only => FOR_GUESTS,
        (false, false) => FOR_ANYBODY,
    }
}

/// What not every campaign has.
fn set_if_any(set: &mut redis::Cmd, campaign: &Campaign) {
    if let Some(validity) = campaign.validity {
        set.arg("validity").arg(validity.as_secs());
    }
    if let Some(at) = campaign.expires_at {
        set.arg("expires_at").arg(at.0);
    }
    if let Some(rate) = campaign.rate {
        set.arg("rate").arg(rate.to_string());
    }
    if let Some(late) = &campaign.late {
        set.arg("joined_until").arg(late.until.0);
    }
    if let Some(category) = &campaign.category {
        set.arg("category").arg(category);
    }
    if let Some((id, version)) = campaign.template {
        set.arg("template").arg(id.0).arg("template_version").arg(version);
    }
    if let Some(pool) = campaign.code_pool {
        set.arg("code_pool").arg(pool.0);
    }
    if let Some(link) = &campaign.link {
        set.arg("link_domain").arg(&link.domain);
        if let Some(at) = link.expires_at {
            set.arg("link_expires_at").arg(at.0);
        }
    }
    if let Some(of) = campaign.copied_from {
        set.arg("copied_from").arg(of.0);
        set.arg("resends").arg(u8::from(campaign.resends));
    }
    if campaign.guests_only {
        set.arg("guests_only").arg(1);
    }
    if campaign.edits > 0 {
        set.arg("edits").arg(campaign.edits);
    }
    if campaign.unpriced {
        set.arg("unpriced").arg(1);
    }
}

pub(super) fn set_counts(set: &mut redis::Cmd, campaign: &Campaign) {
    for (field, count) in [
        ("total", campaign.total),
        ("invalid", campaign.invalid),
        ("not_mobile", campaign.not_mobile),
        ("not_allowed", campaign.not_allowed),
        ("not_guests", campaign.not_guests),
        ("duplicates", campaign.duplicates),
        ("no_consent", campaign.no_consent),
        ("unreachable", campaign.unreachable),
        ("frequency_cap", campaign.frequency_cap),
        ("by_request", campaign.by_request),
        ("value_too_long", campaign.value_too_long),
        ("values_refused", campaign.values_refused),
        ("shortened", campaign.shortened),
        ("estimate_segments", campaign.estimate_segments),
        ("estimate_credits", campaign.estimate_credits),
    ] {
        set.arg(field).arg(count);
    }
    set.arg("reach").arg(campaign.reach.to_string());
    let near: Vec<String> = campaign.reach.near.iter().map(|number| number.0.to_string()).collect();
    set.arg("near").arg(near.join(" "));
}

/// Reads an order; `None` when there is none. `key`: its tenant's.
///
/// # Errors
/// [`StoreError::Corrupt`] for one that a later version wrote: what it says beyond this form would be left out;
/// [`StoreError::Encryption`] for one whose words cannot be read.
pub(super) fn read_campaign(
    (tenant, id): (TenantId, CampaignId),
    fields: &HashMap<String, String>,
    key: &TextKey,
) -> Result<Option<Campaign>, StoreError> {
    let form = fields.get("form").and_then(|form| form.parse().ok());
    if form.is_some_and(|form: u32| form > FORM) {
        return Err(StoreError::Corrupt("a campaign of a later version"));
    }
    let Some(campaign) = read_known((tenant, id), fields) else {
        return Ok(None);
    };
    let cipher = match fields.get("cipher") {
        _ if campaign.redacted.is_some() => Cipher::Erased,
        Some(stored) => Cipher::stored(stored, key)?,
        None => Cipher::Plain,
    };
    let (Some(content), Some(sealed)) = (cipher.key(), fields.get("words")) else {
        return Ok(Some(Campaign { cipher, ..campaign }));
    };
    let words = content.decrypt_text(sealed)?;
    let words: Words<'_> = serde_json::from_str(&words).map_err(|_| StoreError::Corrupt("the words of a campaign"))?;
    Ok(Some(Campaign {
        text: words.text.into_owned(),
        variants: words.variants.into_owned(),
        query: words.query.map(Cow::into_owned),
        link: campaign.link.map(|link| CampaignLink {
            url: words.link.map(Cow::into_owned).unwrap_or_default(),
            ..link
        }),
        cipher,
        ..campaign
    }))
}

/// But for what is encrypted.
fn read_known((tenant, id): (TenantId, CampaignId), fields: &HashMap<String, String>) -> Option<Campaign> {
    let text = |field: &str| fields.get(field).cloned().unwrap_or_default();
    let number = |field: &str| fields.get(field).and_then(|value| value.parse().ok()).unwrap_or(0);
    let time = |field: &str| Some(UnixMicros(number(field))).filter(|at| at.0 > 0);
    let purpose = text("purpose");
    Some(Campaign {
        id,
        tenant,
        kind: match fields.get("kind")?.as_str() {
            "direct" => CampaignKind::Direct,
            _ => CampaignKind::Audience,
        },
        cipher: Cipher::Plain,
        redacted: time("redacted_at").map(|at| (at, number("characters"))),
        finding: number("finding"),
        name: text("name"),
        text: text("text"),
        sender: text("sender"),
        purpose: purpose.parse().ok()?,
        // Those of the first form have neither of the two.
        encoding: fields
            .get("encoding")
            .map_or(Ok(EncodingPolicy::default()), |name| name.parse())
            .ok()?,
        validity: Some(number("validity"))
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
        expires_at: time("expires_at"),
        late: late(fields),
        rate: fields.get("rate").map(|rate| rate.parse()).transpose().ok()?,
        parameters: text("parameters").parse().ok()?,
        variants: json(fields, "variants")?,
        columns: serde_json::from_str(&text("columns")).ok()?,
        lengths: json(fields, "field_lengths")?,
        query: fields.get("query").cloned(),
        category: fields.get("category").cloned(),
        template: template(fields),
        code_pool: fields.get("code_pool").and_then(|id| id.parse().ok()).map(CodePoolId),
        link: fields
            .get("link_domain")
            .map(|domain| link(domain, time("link_expires_at"))),
        resends: fields.get("resends").is_some_and(|resends| resends == "1"),
        copied_from: fields.get("copied_from").and_then(|id| id.parse().ok()).map(CampaignId),
        refused: fields.get("refused").filter(|code| !code.is_empty()).cloned(),
        state: text("state").parse().ok()?,
        total: number("total"),
        invalid: number("invalid"),
        not_mobile: number("not_mobile"),
        not_allowed: number("not_allowed"),
        not_guests: number("not_guests"),
        reach: reach(fields)?,
        guests_only: number("guests_only") == 1,
        duplicates: number("duplicates"),
        no_consent: number("no_consent"),
        unreachable: number("unreachable"),
        frequency_cap: number("frequency_cap"),
        by_request: number("by_request"),
        value_too_long: number("value_too_long"),
        values_refused: number("values_refused"),
        shortened: number("shortened"),
        estimate_segments: number("estimate_segments"),
        estimate_credits: number("estimate_credits"),
        held: number("held"),
        spent: number("spent"),
        recredited: number("recredited"),
        created_at: UnixMicros(number("created_at")),
        scheduled_at: time("scheduled_at"),
        launched_at: time("launched_at"),
        traceparent: fields.get("traceparent").cloned(),
        edits: number("edits"),
        unpriced: number("unpriced") == 1,
    })
}

/// A field in JSON that may be missing.
fn json<T: Default + serde::de::DeserializeOwned>(fields: &HashMap<String, String>, name: &str) -> Option<T> {
    let stored = fields.get(name);
    stored.map_or(Some(T::default()), |json| serde_json::from_str(json).ok())
}

/// Where it leads stands with the words.
fn link(domain: &str, expires_at: Option<UnixMicros>) -> CampaignLink {
    CampaignLink {
        url: String::new(),
        domain: domain.to_owned(),
        expires_at,
    }
}

/// Until when people join it.
fn late(fields: &HashMap<String, String>) -> Option<LateJoiners> {
    Some(LateJoiners {
        until: UnixMicros(fields.get("joined_until")?.parse().ok()?),
        first: fields.get(FIRST_TOTAL).and_then(|total| total.parse().ok()),
        refused: fields.get(JOIN_REFUSED).filter(|code| !code.is_empty()).cloned(),
    })
}

/// Where it goes; nothing is known of the numbers of one that an older version has made.
fn reach(fields: &HashMap<String, String>) -> Option<Reach> {
    let text = |field: &str| fields.get(field).map(String::as_str).unwrap_or_default();
    let numbers = text("near").split_ascii_whitespace();
    let near: Option<Vec<Recipient>> = numbers.map(|number| number.parse().ok().map(Recipient)).collect();
    Some(Reach {
        near: near?,
        ..text("reach").parse().ok()?
    })
}

/// The template that its text is from, and which version.
fn template(fields: &HashMap<String, String>) -> Option<(TemplateId, u32)> {
    let id = fields.get("template")?.parse().ok()?;
    let version = fields.get("template_version").and_then(|version| version.parse().ok());
    Some((TemplateId(id), version.unwrap_or_default()))
}
