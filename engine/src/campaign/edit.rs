//! Drafts that are edited in place: what is given anew is read with all that the campaign says already, as a new one's order would be.

use rustc_hash::FxHashSet;
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use super::draft::{Asked, Taken};
use super::pasted::PastedLeftOut;
use super::price::Price;
use super::resolve::counted;
use super::texts::Texts;
use super::{CampaignFault, Campaigns, Limits, view};
use crate::audience::{
    AUDIENCE_FIELDS, Again, Ingest, RecipientSink, Rules, SinkFull, Values, is_optional, read_campaign,
};
use crate::compose::{Sender, Wording};
use crate::domain::{CampaignId, Countries, Purpose, Reach, Recipient, TenantId, Terms, UnixMicros};
use crate::fault::{FieldFault, FieldProblem};
use crate::store::{Campaign, CampaignKind, CampaignLink, CampaignState, Edit, Edited, StoreError};

/// How often an edit is begun anew since something came between.
const TURNS: usize = 3;

/// What recipients that were given with their campaign were taken by.
const OF_RECIPIENTS: [&str; 3] = ["audience", "purpose", "field_lengths"];

/// What says which contacts a campaign means.
const MEANT: &[&str] = &["audience.filter", "audience.lists", "audience.segments"];

/// What is to be otherwise: fields of an order; `null` takes one away.
pub(super) type Change = Map<String, Value>;

/// A draft as it is to be, with what stands beside it.
struct Draft {
    campaign: Campaign,
    /// Numbers that were pasted beside its contacts, if others are now.
    pasted: Option<Vec<Recipient>>,
    /// Those that were not taken, if it is one of contacts.
    left_out: Option<PastedLeftOut>,
}

impl Campaigns {
    /// Has a draft be what it is with that change, wholly or not at all. `once`: it is not tried again when something else comes between.
    ///
    /// # Errors
    /// All that can be wrong with a campaign that is made; [`CampaignFault::Busy`], [`CampaignFault::NotADraft`], [`CampaignFault::Erased`];
    /// [`CampaignFault::Edited`]: something came between each time.
    pub(crate) async fn edit(
        &self,
        (tenant, id): (TenantId, CampaignId),
        change: Change,
        once: bool,
    ) -> Result<(), CampaignFault> {
        let turn = self.turn().await?;
        let campaigns = self.clone();
        // A task of its own: when the caller hangs up, its rows get their prices all the same.
        let task = self.spawn(async move {
            let _turn = turn;
            campaigns.edit_in_turns((tenant, id), &change, once).await
        });
        task.await.unwrap_or(Err(CampaignFault::Stopping))
    }

    async fn edit_in_turns(
        &self,
        (tenant, id): (TenantId, CampaignId),
        change: &Change,
        once: bool,
    ) -> Result<(), CampaignFault> {
        let turns = if once { 1 } else { TURNS };
        for _ in 0..turns {
            let before = self.editable(tenant, id).await?;
            if change.is_empty() {
                return Ok(());
            }
            let draft = self.read_again(&before, change).await?;
            let left_out = draft.left_out.as_ref().map(PastedLeftOut::stored).transpose()?;
            let edit = Edit {
                before: &before,
                after: &draft.campaign,
                pasted: draft.pasted.as_deref(),
                left_out,
            };
            if self.store().edit_campaign(&edit).await? == Edited::Done {
                return self.follow(&before, &draft.campaign).await;
            }
        }
        // It may be none any more.
        self.editable(tenant, id).await?;
        Err(CampaignFault::Edited)
    }

    async fn editable(&self, tenant: TenantId, id: CampaignId) -> Result<Campaign, CampaignFault> {
        let campaign = self.find(tenant, id).await?;
        if campaign.kind == CampaignKind::Direct || !CampaignState::EDITABLE.contains(&campaign.state) {
            return Err(CampaignFault::NotADraft(campaign.state));
        }
        if campaign.is_erased() {
            return Err(CampaignFault::Erased);
        }
        Ok(campaign)
    }

    /// What has to come behind an edit.
    async fn follow(&self, before: &Campaign, after: &Campaign) -> Result<(), CampaignFault> {
        if before.state == CampaignState::Blocked {
            self.leave_launch(before, after).await?;
        }
        if !after.unpriced {
            return Ok(());
        }
        match self.price_again(after).await {
            // By who has edited it since.
            Err(CampaignFault::Edited) => Ok(()),
            priced => priced.map(drop),
        }
    }

    /// Of the launch that lacked credits, nothing stays: whom it meant then, and codes of a pool that is not its own any more.
    async fn leave_launch(&self, before: &Campaign, after: &Campaign) -> Result<(), CampaignFault> {
        self.0.books.campaign_stepped(after.tenant, after.id).await;
        if before.code_pool != after.code_pool {
            self.give_back_codes(before.code_pool, before.id).await;
        }
        if before.query.is_none() {
            return Ok(());
        }
        match self.store().clear_found(before.id, before.finding).await {
            // It is being found out anew.
            Err(StoreError::TakenOver) => Ok(()),
            cleared => Ok(cleared?),
        }
    }

    /// Gives all rows of a draft the prices of what it says since it was edited. Done again it changes nothing.
    ///
    /// # Errors
    /// [`CampaignFault::Edited`]: it says something else by now.
    pub(super) async fn price_again(&self, campaign: &Campaign) -> Result<Campaign, CampaignFault> {
        let of = (campaign.id, campaign.edits);
        self.store().begin_pricing(of).await.map_err(overtaken)?;
        let (texts, terms) = self.priced_by(campaign).await?;
        let put = |rows: Vec<_>| async move { self.store().price_rows(of, &rows).await };
        let priced = self.price_rows((campaign.id, &campaign.cipher), Price::new(&texts, &terms), put);
        let (estimate_segments, estimate_credits) = priced.await.map_err(|fault| {
            if let CampaignFault::Store(error) = fault {
                overtaken(error)
            } else {
                fault
            }
        })?;
        let sums = (estimate_segments, estimate_credits);
        match self.store().set_priced(campaign, sums).await? {
            true => Ok(Campaign {
                estimate_segments,
                estimate_credits,
                unpriced: false,
                ..campaign.clone()
            }),
            false => Err(CampaignFault::Edited),
        }
    }

    /// Reads what a campaign says with what is to be otherwise, under the terms of now.
    async fn read_again(&self, before: &Campaign, change: &Change) -> Result<Draft, CampaignFault> {
        let (tenant, now) = (before.tenant, self.now());
        let countries = self.admit(tenant).await?.countries;
        let terms = self.terms_of(tenant).await?;
        let wording = self.wording_of(tenant, &terms).await?;
        let mut order = merged(before, change, now).map_err(CampaignFault::Fields)?;
        take_clauses_off((&mut order, &before.sender), change, &wording);
        let again = Again {
            columns: match before.query {
                Some(_) => Vec::new(),
                None => before.columns.clone(),
            },
            keeps_lengths: !change.contains_key("field_lengths"),
        };
        let asked = Asked {
            wording,
            now,
            people: self.0.deps.people.clone(),
            tenant,
        };
        let guests = self.guests((tenant, before.guests_only)).await?;
        let limits = self.0.deps.limits.clone();
        let reading = tokio::task::spawn_blocking(move || read((order, asked), again, (limits, countries, guests)));
        let (read, numbers) = reading.await.unwrap_or(Err(CampaignFault::Stopping))?;
        let ordered = Campaign {
            encoding: read.draft.encoding.unwrap_or(terms.encoding),
            ..self.campaign_of(tenant, before.id, &read)
        };
        let after = edited(before, ordered, (change, now));
        match before.query {
            Some(_) => self.draft_of_contacts_again((after, change), (read, numbers)).await,
            None => self.draft_of_rows_again(before, after, &terms).await,
        }
    }

    /// Whom it means is found out at its launch; what was found out for one that came to nothing is worth nothing.
    async fn draft_of_contacts_again(
        &self,
        (after, change): (Campaign, &Change),
        (read, numbers): (Taken, Vec<Recipient>),
    ) -> Result<Draft, CampaignFault> {
        if read.draft.query.is_none() {
            let fault = FieldFault::new("/audience", FieldProblem::MissingOneOf { fields: MEANT });
            return Err(CampaignFault::Fields(vec![fault]));
        }
        let owner = (after.tenant, after.id);
        let query = self.check_contacts(owner.0, &read.draft).await?;
        let (pasted, left_out) = match change.get("audience").and_then(|audience| audience.get("numbers")) {
            Some(_) => (Some(numbers), PastedLeftOut::of(&read.counts, &read.rejected)),
            None => (None, self.pasted_left_out(owner).await?),
        };
        let campaign = Campaign {
            query: Some(query),
            reach: Reach::default(),
            estimate_segments: 0,
            estimate_credits: 0,
            ..counted(after, &left_out.counts)
        };
        Ok(Draft {
            campaign,
            pasted,
            left_out: Some(left_out),
        })
    }

    /// Its rows stay. What they say otherwise by now they have to cost.
    async fn draft_of_rows_again(
        &self,
        before: &Campaign,
        after: Campaign,
        terms: &Terms,
    ) -> Result<Draft, CampaignFault> {
        let draft = |campaign| Draft {
            campaign,
            pasted: None,
            left_out: None,
        };
        if says_the_same(before, &after) && !before.unpriced {
            return Ok(draft(after));
        }
        let texts = Texts::of(&after).map_err(CampaignFault::Fields)?;
        let terms = Terms {
            encoding: after.encoding,
            ..terms.clone()
        };
        let mut others = false;
        let look = |rows: Vec<_>| {
            others |= !rows.is_empty();
            std::future::ready(Ok(()))
        };
        let price = Price::new(&texts, &terms);
        let (estimate_segments, estimate_credits) = self.price_rows((after.id, &after.cipher), price, look).await?;
        Ok(draft(Campaign {
            estimate_segments,
            estimate_credits,
            unpriced: others || before.unpriced,
            ..after
        }))
    }
}

fn overtaken(error: StoreError) -> CampaignFault {
    if matches!(error, StoreError::TakenOver) {
        CampaignFault::Edited
    } else {
        error.into()
    }
}

/// Whether all messages of a campaign say the same as before, as far as that has a price.
fn says_the_same(before: &Campaign, after: &Campaign) -> bool {
    let domain = |campaign: &Campaign| campaign.link.as_ref().map(|link| link.domain.clone());
    (&before.text, before.encoding) == (&after.text, after.encoding) && domain(before) == domain(after)
}

/// The campaign with what it is ordered as from now on. What was over before, and is not given, stays so.
fn edited(before: &Campaign, ordered: Campaign, (change, now): (&Change, UnixMicros)) -> Campaign {
    let stays = |at: Option<UnixMicros>, name: &str| at.filter(|at| *at <= now && !change.contains_key(name));
    let link_ends = before.link.as_ref().and_then(|link| link.expires_at);
    let says_text = change.contains_key("text") || change.contains_key("template");
    Campaign {
        name: ordered.name,
        text: ordered.text,
        sender: ordered.sender,
        purpose: ordered.purpose,
        encoding: ordered.encoding,
        validity: ordered.validity,
        expires_at: ordered.expires_at.or(stays(before.expires_at, "expires_at")),
        rate: ordered.rate,
        late: ordered.late.or_else(|| {
            let late = before.late.clone();
            late.filter(|late| stays(Some(late.until), "late_joiners_until").is_some())
        }),
        parameters: ordered.parameters,
        columns: ordered.columns,
        lengths: ordered.lengths,
        code_pool: ordered.code_pool,
        link: ordered.link.map(|link| CampaignLink {
            expires_at: link.expires_at.or(stays(link_ends, "link_expires_at")),
            ..link
        }),
        category: ordered.category,
        template: if says_text { ordered.template } else { before.template },
        variants: ordered.variants,
        refused: None,
        state: CampaignState::Draft,
        edits: before.edits + 1,
        unpriced: false,
        ..before.clone()
    }
}

/// The order of a campaign with what is to be otherwise, as `POST /v1/campaigns` takes it.
///
/// # Errors
/// What its recipients were taken by, where these were given with it.
fn merged(before: &Campaign, change: &Change, now: UnixMicros) -> Result<Map<String, Value>, Vec<FieldFault>> {
    let mut order = order_of(before, now);
    let mut faults = Vec::new();
    for (name, given) in change {
        let is_the_same = order.get(name).unwrap_or(&Value::Null) == given;
        if before.query.is_none() && OF_RECIPIENTS.contains(&name.as_str()) && !is_the_same {
            faults.push(FieldFault::new(format!("/{name}"), FieldProblem::OfRecipients));
        } else if name == "audience" {
            put_audience(&mut order, given);
        } else if given.is_null() && is_optional(name) {
            order.remove(name);
        } else {
            order.insert(name.clone(), given.clone());
        }
    }
    let is_given = |name: &str| change.get(name).is_some_and(|given| !given.is_null());
    if is_given("template") && !change.contains_key("text") {
        order.remove("text");
    }
    if change.contains_key("link") && !is_given("link") && !change.contains_key("link_expires_at") {
        order.remove("link_expires_at");
    }
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}

/// Texts that stay are as they were given, so that the clause that was put behind them, for the sender that it had, counts no more than it did.
fn take_clauses_off((order, sender): (&mut Map<String, Value>, &str), change: &Change, wording: &Wording) {
    let sender = Sender::parse(sender).ok();
    let purpose = order.get("purpose").and_then(Value::as_str).map(str::parse::<Purpose>);
    let Some(Ok(purpose)) = purpose else { return };
    let take_off = |value: &mut Value| {
        if let Value::String(text) = value {
            *text = wording.without_clause(text, (sender.as_ref(), purpose)).to_owned();
        }
    };
    if let Some(text) = order.get_mut("text").filter(|_| !change.contains_key("text")) {
        take_off(text);
    }
    let variants = order.get_mut("variants").filter(|_| !change.contains_key("variants"));
    for variant in variants.and_then(Value::as_array_mut).into_iter().flatten() {
        variant.get_mut("text").into_iter().for_each(take_off);
    }
}

/// Its parts that are given stand for those that it has; `null` takes one away.
fn put_audience(order: &mut Map<String, Value>, given: &Value) {
    let (Some(Value::Object(parts)), Value::Object(given)) = (order.get_mut("audience"), given) else {
        order.insert("audience".to_owned(), given.clone());
        return;
    };
    for (name, part) in given {
        match part.is_null() && AUDIENCE_FIELDS.contains(&name.as_str()) {
            true => drop(parts.remove(name)),
            false => drop(parts.insert(name.clone(), part.clone())),
        }
    }
}

/// What a campaign was ordered as, but for recipients that were given, and dates that are over.
fn order_of(campaign: &Campaign, now: UnixMicros) -> Map<String, Value> {
    let ahead = |at: Option<UnixMicros>| at.filter(|at| *at > now).and_then(view::time);
    let link = campaign.link.as_ref();
    let shown = view::ordered(campaign);
    let audience = match campaign.query.as_deref().map(serde_json::from_str) {
        Some(query) => query.unwrap_or_default(),
        None => json!({ "numbers": "" }),
    };
    let mut order = json!({
        "name": campaign.name,
        "text": campaign.text,
        "purpose": campaign.purpose.code(),
        "category": campaign.category,
        "code_pool": campaign.code_pool.map(|pool| pool.to_string()),
        "link": link.map(|link| &link.url),
        "link_expires_at": ahead(link.and_then(|link| link.expires_at)),
        "expires_at": ahead(campaign.expires_at),
        "rate": campaign.rate.map(|rate| rate.to_string()),
        "late_joiners_until": ahead(campaign.late.as_ref().map(|late| late.until)),
        "audience": audience,
    });
    let Value::Object(order) = &mut order else {
        return Map::new();
    };
    order.extend(shown);
    // What is empty was not given.
    let is_there = |value: &Value| match value {
        Value::Null => false,
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    order.retain(|name, value| name == "audience" || is_there(value));
    std::mem::take(order)
}

/// Numbers that are taken beside contacts.
#[derive(Default)]
struct Numbers(Vec<Recipient>);

impl RecipientSink for Numbers {
    fn recipient(&mut self, recipient: Recipient, _: Values<'_>) -> Result<(), SinkFull> {
        self.0.push(recipient);
        Ok(())
    }
}

/// Reads an order to its end, and takes the numbers that it has; blocks.
fn read(
    (order, asked): (Map<String, Value>, Asked),
    again: Again,
    (limits, countries, guests): (Limits, Countries, Option<FxHashSet<u64>>),
) -> Result<(Taken, Vec<Recipient>), CampaignFault> {
    let guests_only = guests.is_some();
    let mut numbers = Numbers::default();
    let ingest = Ingest::new(&mut numbers, limits.country, limits.recipients_max);
    let mut ingest = ingest.only([limits.countries, countries]).among(guests);
    let runtime = Handle::current();
    let find = |id| runtime.block_on(asked.template(id));
    let rules = Rules {
        wording: asked.wording.clone(),
        now: asked.now,
        find_template: &find,
        again: Some(again),
    };
    let body = Value::Object(order).to_string();
    let draft = read_campaign(body.as_bytes(), rules, &mut ingest)?;
    let (counts, rejected) = ingest.finish();
    let taken = Taken {
        guests_only,
        draft,
        counts,
        rejected,
        reach: Reach::default(),
    };
    Ok((taken, numbers.0))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const NOW: UnixMicros = UnixMicros(1_700_000_000_000_000);

    fn stored(fields: &[(&str, &str)], query: Option<&str>) -> Campaign {
        let usual = [
            ("kind", "audience"),
            ("purpose", "marketing"),
            ("columns", r#"["Prenom"]"#),
            ("state", "draft"),
            ("name", "Rappel"),
            ("text", "Bonjour [Prenom]"),
            ("sender", "OSTEO"),
        ];
        let fields = usual.iter().chain(fields);
        let fields: HashMap<String, String> = fields
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let campaign = Campaign::of_lasting_fields((TenantId(1), CampaignId(2)), &fields).unwrap();
        Campaign {
            query: query.map(str::to_owned),
            ..campaign
        }
    }

    fn change(of: Value) -> Change {
        of.as_object().cloned().unwrap()
    }

    fn merge(campaign: &Campaign, of: Value) -> Value {
        merged(campaign, &change(of), NOW).unwrap().into()
    }

    #[test]
    fn what_is_given_stands_for_what_there_was_and_null_takes_away() {
        let fields = [("validity", "3600"), ("rate", "5/s"), ("category", "open_day")];
        let campaign = stored(&fields, Some(r#"{"filter":{},"exclude":{"lists":["lst_1"]}}"#));
        let before = merge(&campaign, json!({}));
        assert_eq!(
            before,
            json!({
                "name": "Rappel", "text": "Bonjour [Prenom]", "sender": "OSTEO", "purpose": "marketing",
                "encoding": "gsm_transliterate", "category": "open_day", "validity": 3_600, "rate": "5/s",
                "audience": { "filter": {}, "exclude": { "lists": ["lst_1"] } },
            })
        );
        let after = merge(
            &campaign,
            json!({ "text": "Bonsoir", "rate": null, "validity": 60, "name": null, "colour": 1,
                "audience": { "exclude": null, "lists": ["lst_2"], "page": null } }),
        );
        assert_eq!(
            (&after["text"], &after["validity"], after.get("rate")),
            (&json!("Bonsoir"), &json!(60), None)
        );
        // What it may not be without, and what it has not, is for the reader to refuse.
        assert_eq!((&after["name"], &after["colour"]), (&Value::Null, &json!(1)));
        assert_eq!(
            after["audience"],
            json!({ "filter": {}, "lists": ["lst_2"], "page": null })
        );
    }

    #[test]
    fn a_template_stands_for_the_text_and_a_link_takes_its_end_with_it() {
        let ahead = NOW.0 + 60_000_000;
        let fields = [("link_domain", "sms.example"), ("link_expires_at", &ahead.to_string())];
        let mut campaign = stored(&fields, Some(r#"{"filter":{}}"#));
        campaign.link.as_mut().unwrap().url = "https://a.example/".to_owned();
        let before = merge(&campaign, json!({ "template": "tpl_1" }));
        assert_eq!((before.get("text"), &before["template"]), (None, &json!("tpl_1")));
        assert!(before["link_expires_at"].is_string(), "{before}");
        let after = merge(&campaign, json!({ "link": null, "template": null }));
        assert_eq!((after.get("link"), after.get("link_expires_at")), (None, None));
        assert_eq!(after["text"], "Bonjour [Prenom]");
    }

    #[test]
    fn what_recipients_were_taken_by_stays_where_they_were_given() {
        let campaign = stored(&[], None);
        let given =
            json!({ "purpose": "transactional", "audience": { "filter": {} }, "field_lengths": {}, "name": "A" });
        let faults = merged(&campaign, &change(given), NOW).unwrap_err();
        let mut pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/audience", "/field_lengths", "/purpose"]);
        let same = merge(&campaign, json!({ "purpose": "marketing", "field_lengths": null }));
        assert_eq!(same, merge(&campaign, json!({})));
    }

    #[test]
    fn dates_that_are_over_are_not_read_again_and_stay_unless_others_are_given() {
        let over = NOW.0 - 1;
        let campaign = stored(&[("expires_at", &over.to_string())], Some(r#"{"filter":{}}"#));
        assert_eq!(merge(&campaign, json!({})).get("expires_at"), None);
        let ordered = Campaign {
            expires_at: None,
            name: "Autre".to_owned(),
            ..campaign.clone()
        };
        let of = |given: Value| edited(&campaign, ordered.clone(), (&change(given), NOW));
        let after = of(json!({ "name": "Autre" }));
        assert_eq!((after.expires_at, after.edits), (Some(UnixMicros(over)), 1));
        assert_eq!(after.name, "Autre");
        assert_eq!(of(json!({ "expires_at": null })).expires_at, None);
    }

    #[test]
    fn a_clause_that_was_put_behind_a_text_is_not_counted_twice() {
        let wording = Wording::new(
            &Terms::default(),
            Some("36180"),
            &crate::compose::ProtectedNames::default(),
        );
        let campaign = Campaign {
            text: "Soldes STOP au 36180".to_owned(),
            ..stored(&[], Some(r#"{"filter":{}}"#))
        };
        let texts = |given: Value| {
            let given = change(given);
            let mut order = merged(&campaign, &given, NOW).unwrap();
            take_clauses_off((&mut order, &campaign.sender), &given, &wording);
            order["text"].clone()
        };
        assert_eq!(texts(json!({})), "Soldes");
        assert_eq!(texts(json!({ "purpose": "transactional" })), "Soldes STOP au 36180");
        let own = "Soldes d'hiver STOP au 36180";
        assert_eq!(texts(json!({ "text": own })), own);
    }
}
