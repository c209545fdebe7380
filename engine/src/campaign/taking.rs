//! Contacts and numbers → rows of a campaign, and an account of those who get none.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::CampaignFault;
use super::had::Had;
use super::packer::{Packer, pack_variables};
use super::price::Price;
use super::texts::Texts;
use crate::audience::{Counts, Fit, Ingest, Place, ReadFault, Rejected, Row, RowSink, ValueBuffer, Values, normalise};
use crate::domain::{Country, Lengths, Recipient, Terms};
use crate::people::{Contact, MergeField, OTHER_NUMBERS};

/// Numbers on their way to a campaign's rows.
pub(super) enum Coming {
    /// Each with the variant that they get, from 1, or 0; and which numbers have had enough.
    Contacts(Vec<(Contact, usize)>, HashSet<u64>),
    Pasted(Pasted),
}

/// Numbers that were pasted beside contacts.
pub(super) struct Pasted {
    pub(super) numbers: Vec<u64>,
    /// Those of contacts whom the campaign leaves out.
    pub(super) excluded: HashSet<u64>,
    /// Those that have had enough.
    pub(super) capped: HashSet<u64>,
    /// Those of people who have agreed; `None`: nobody has to have.
    pub(super) agreed: Option<HashSet<Recipient>>,
}

/// How contacts and numbers become rows.
pub(super) struct TakingRules {
    /// What the columns are of a contact.
    pub(super) fields: Vec<MergeField>,
    /// How long these are at most.
    pub(super) lengths: Lengths,
    /// What they become in, and by whose terms.
    pub(super) texts: (Texts, Terms),
    /// What stands for a code until each has its own; empty where there are none.
    pub(super) code: String,
    /// Numbers that get nothing.
    pub(super) excluded: HashSet<u64>,
    /// What those who are in it already were told; `None`: nobody is.
    pub(super) had: Option<Had>,
    /// It is advertising: nobody is taken who agrees to none any more.
    pub(super) marketing: bool,
    /// Only people who have agreed are taken.
    pub(super) consent: bool,
    /// Those whose number is known to be unreachable are not.
    pub(super) reachable: bool,
}

pub(super) type Taken = (Counts, Vec<Rejected>);

pub(super) fn taken_of<T>(task: Result<Result<T, CampaignFault>, tokio::task::JoinError>) -> Result<T, CampaignFault> {
    task.unwrap_or(Err(CampaignFault::Stopping))
}

/// The texts that rows become, where they are not the same for all.
pub(super) struct Rendering<'t> {
    price: Option<Price<'t>>,
    packed: Vec<u8>,
}

impl<'t> Rendering<'t> {
    pub(super) fn new((texts, terms): &'t (Texts, Terms)) -> Self {
        let price = Price::new(texts, terms);
        Self {
            price: Some(price).filter(|price| !price.is_of_one_text()),
            packed: Vec::new(),
        }
    }

    /// What is said to a recipient with these values, by a digest: 0, what is said to all; `None`: nothing that may be sent.
    pub(super) fn says(&mut self, recipient: Recipient, values: Values<'_>) -> Option<u64> {
        let Some(price) = &mut self.price else { return Some(0) };
        pack_variables(values, &mut self.packed);
        said(price, (recipient, &self.packed))
    }

    /// The same of packed variables.
    pub(super) fn says_packed(&mut self, of: (Recipient, &[u8])) -> Option<u64> {
        match &mut self.price {
            Some(price) => said(price, of),
            None => Some(0),
        }
    }
}

fn said(price: &mut Price<'_>, of: (Recipient, &[u8])) -> Option<u64> {
    let priced = price.of_recipient(of);
    priced.is_ok().then(|| price.digest().max(1))
}

/// Takes contacts and numbers as rows until there are no more; blocks.
pub(super) fn take(
    mut ingest: Ingest<'_, Packer>,
    (mut coming, count): (mpsc::Receiver<Coming>, Arc<AtomicU64>),
    rules: &TakingRules,
) -> Result<Taken, CampaignFault> {
    let (mut values, mut rendering) = (ValueBuffer::default(), Rendering::new(&rules.texts));
    while let Some(step) = coming.blocking_recv() {
        match step {
            Coming::Contacts(contacts, capped) => {
                for contact in &contacts {
                    take_contact(&mut ingest, contact, (rules, &capped), (&mut values, &mut rendering))?;
                }
            }
            Coming::Pasted(pasted) => {
                for number in &pasted.numbers {
                    take_number(&mut ingest, *number, (rules, &pasted), &mut rendering)?;
                }
            }
        }
        count.store(ingest.accepted().into(), Ordering::Relaxed);
    }
    Ok(ingest.finish())
}

fn take_contact(
    ingest: &mut Ingest<'_, Packer>,
    (contact, variant): &(Contact, usize),
    (rules, capped): (&TakingRules, &HashSet<u64>),
    (values, rendering): (&mut ValueBuffer, &mut Rendering<'_>),
) -> Result<(), CampaignFault> {
    let place = Place::Contact(contact.id);
    let Some(number) = number_for(contact, rules) else {
        ingest.numberless(place);
        return Ok(());
    };
    let is_own = contact.details.number == Some(number);
    let fit = fill(
        values,
        (contact, *variant),
        (&rules.fields, &rules.lengths, &rules.code),
    );
    let row = Row {
        place,
        to: &number.to_string(),
        values: Values::of(values),
    };
    let numbers = contact.details.numbers();
    let is_excluded = numbers.iter().any(|number| rules.excluded.contains(&number.0));
    let mut has_it = || {
        let had = rules.had.as_ref()?;
        rendering.says(number, row.values).map(|says| had.has(&numbers, says))
    };
    if is_excluded || has_it() == Some(true) {
        ingest.left_out(row);
        return Ok(());
    }
    if rules.marketing && contact.is_opposed() || rules.consent && contact.consent_at.is_none() {
        ingest.without_consent(row);
        return Ok(());
    }
    if is_own && rules.reachable && contact.unreachable.is_some() {
        ingest.unreachable(row);
        return Ok(());
    }
    if capped.contains(&number.0) {
        ingest.capped(row);
        return Ok(());
    }
    match rendering.says(number, row.values) {
        None if fit != Fit::TooLong => ingest.refused(row),
        says => ingest.fitted(row, fit, says.unwrap_or(0)).map_err(ReadFault::from)?,
    }
    Ok(())
}

/// Puts the values of a contact who gets that variant in place of what `values` has.
pub(super) fn fill(
    values: &mut ValueBuffer,
    (contact, variant): (&Contact, usize),
    (fields, lengths, code): (&[MergeField], &Lengths, &str),
) -> Fit {
    let value = |field: &MergeField| match *field == MergeField::Code {
        true => code.to_owned(),
        false => field.of(contact),
    };
    let fit = values.fill(fields.iter().map(value).enumerate(), lengths);
    // Behind the columns stands which variant it is.
    if variant > 0 {
        values.push(fields.len(), &variant.to_string());
    }
    fit
}

/// The first of a person's numbers that takes texts and is not known to be unreachable; else their own, or else the first.
fn number_for(contact: &Contact, rules: &TakingRules) -> Option<Recipient> {
    let own = contact.details.number;
    let is_lost = |number: &Recipient| Some(*number) == own && rules.reachable && contact.unreachable.is_some();
    // Most have one number, and what that is worth is seen when it is taken.
    let numbers = match contact.details.attributes.contains_key(OTHER_NUMBERS) {
        true => contact.details.numbers(),
        false => return own,
    };
    let takes_texts = |number: &&Recipient| normalise(&number.to_string(), Country::FRANCE).is_ok();
    let usable = numbers.iter().filter(takes_texts).find(|number| !is_lost(number));
    usable.copied().or(own).or_else(|| numbers.first().copied())
}

/// Whether a number by itself has agreed to anything, those know who have it.
fn take_number(
    ingest: &mut Ingest<'_, Packer>,
    number: u64,
    (rules, pasted): (&TakingRules, &Pasted),
    rendering: &mut Rendering<'_>,
) -> Result<(), CampaignFault> {
    let mut values = ValueBuffer::default();
    let code = rules.fields.iter().position(|field| *field == MergeField::Code);
    if let Some(column) = code {
        values.push(column, &rules.code);
    }
    let row = Row {
        place: Place::Pasted,
        to: &Recipient(number).to_string(),
        values: Values::of(&values),
    };
    let has_it = rules.had.as_ref().is_some_and(|had| had.knows(Recipient(number)));
    if has_it || rules.excluded.contains(&number) || pasted.excluded.contains(&number) {
        ingest.left_out(row);
        return Ok(());
    }
    let agreed = pasted.agreed.as_ref();
    if agreed.is_some_and(|agreed| !agreed.contains(&Recipient(number))) {
        ingest.without_consent(row);
        return Ok(());
    }
    if pasted.capped.contains(&number) {
        ingest.capped(row);
        return Ok(());
    }
    match rendering.says(Recipient(number), row.values) {
        None => ingest.refused(row),
        // Whose it is may have come before.
        Some(_) => ingest.row(row).map_err(ReadFault::from)?,
    }
    Ok(())
}
