//! A person of a file ↔ a person of a clinic.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::compose::fold;
use crate::domain::UnixMicros;
use crate::fault::{DateProblem, FieldProblem, SheetProblem};
use crate::people::{
    self, Given, OTHER_NUMBERS, OtherNumber, Said, TEXT_MAX, VALUE_MAX, Visit, check_label, check_name, check_text,
};
use crate::sheet::{self, Consent, Phone};

/// A row that is a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) given: Given,
    pub(super) said: Option<Said>,
    /// Their number takes texts.
    pub(super) mobile: bool,
}

/// What a consent of a file is measured by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Proving {
    /// When the file is read: nobody has agreed to anything later.
    pub(super) now: UnixMicros,
    /// The tenant has to know of each consent: when, and where from.
    pub(super) required: bool,
}

/// What a row gives of a person. What it leaves out stays as it is known.
///
/// # Errors
/// What a clinic's people may not have.
pub(super) fn person(contact: sheet::Contact, proving: Proving) -> Result<Person, FieldProblem> {
    let text = |text: Option<String>| text.map(|text| check_text(&one_line(&text), TEXT_MAX)).transpose();
    let name = |text: &String| check_name(&one_line(text), TEXT_MAX);
    let names = |texts: &[String]| match texts {
        [] => Ok(None),
        texts => texts.iter().map(name).collect::<Result<Vec<_>, _>>().map(Some),
    };
    let practice = contact.last_visit_practice.as_ref();
    let practice = practice.map(name).transpose()?.unwrap_or_default();
    let day = contact.last_visit;
    let mut attributes = BTreeMap::new();
    for (name, value) in &contact.attributes {
        let name = check_name(&one_line(name), people::ATTRIBUTE_NAME_MAX)?;
        attributes.insert(name, check_text(&one_line(value), VALUE_MAX)?);
    }
    if !contact.other_numbers.is_empty() {
        // A label that no number may have is left out, and keeps nobody from the file.
        let label = |phone: &Phone| {
            contact
                .labels
                .get(&phone.number)
                .and_then(|label| check_label(label).ok())
        };
        let other = |phone: &Phone| OtherNumber {
            number: phone.number,
            label: label(phone).unwrap_or_default(),
        };
        let others: Vec<_> = contact.other_numbers.iter().map(other).collect();
        attributes.insert(OTHER_NUMBERS.to_owned(), OtherNumber::stored(&others));
    }
    Ok(Person {
        given: Given {
            reference: contact.reference.as_ref().map(name).transpose()?,
            number: contact.number.map(|phone| Some(phone.number)),
            first_name: text(contact.first_name)?,
            last_name: text(contact.last_name)?,
            kind: contact.kind.map(|kind| match kind {
                sheet::Kind::Patient => people::Kind::Patient,
                sheet::Kind::Staff => people::Kind::Staff,
            }),
            birth_date: contact.birth_date.map(Some),
            practices: names(&contact.practices)?,
            tags: names(&contact.tags)?,
            attributes,
            visits: day.map(|day| Visit { day, practice }).into_iter().collect(),
        },
        said: contact.consent.map(|consent| said(consent, proving)).transpose()?,
        mobile: contact.number.is_some_and(|phone| phone.mobile),
    })
}

/// Lines of a cell, one behind the other: no text of a person has several.
fn one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\r', '\n', '\t'], " ")
}

fn said(consent: Consent, Proving { now, required }: Proving) -> Result<Said, FieldProblem> {
    let micros = |at: Timestamp| u64::try_from(at.as_microsecond()).map(UnixMicros).ok();
    let at = consent.at.and_then(micros);
    if at.is_some_and(|at| at > now) {
        return Err(DateProblem::InFuture.into());
    }
    if required && consent.given && (at.is_none() || consent.source.is_none()) {
        return Err(SheetProblem::ConsentUnproven.into());
    }
    Ok(Said {
        given: consent.given,
        at,
        source: consent.source.unwrap_or_default(),
        wording: consent.wording.unwrap_or_default(),
    })
}

/// The attributes that have columns of their own in a file.
pub(crate) fn columns(attributes: Vec<String>) -> Vec<String> {
    attributes.into_iter().filter(|name| name != OTHER_NUMBERS).collect()
}

/// A person of a clinic as a file has them, with attributes as `names` spells them, by what is the same to a person; `refused`:
/// their number gets no advertising.
pub(crate) fn written(
    contact: &people::Contact,
    names: &HashMap<String, String>,
    (beside, refused): (&people::Beside, bool),
) -> sheet::Contact {
    let details = &contact.details;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let proof = beside.consent(contact.id);
    let mut attributes = details.attributes.clone();
    attributes.remove(OTHER_NUMBERS);
    let spelt = |name: String| names.get(&fold(&name)).cloned().unwrap_or(name);
    let attributes = attributes
        .into_iter()
        .map(|(name, value)| (spelt(name), value))
        .collect();
    let phone = |number| Phone { number, mobile: true };
    let agreed = contact.consent_at.and_then(UnixMicros::timestamp).map(|at| Consent {
        given: true,
        at: Some(at),
        source: proof.and_then(|(source, _)| some(source)),
        wording: proof.and_then(|(_, wording)| some(wording)),
    });
    let refusal = (refused || contact.is_opposed()).then_some(Consent {
        given: false,
        at: None,
        source: None,
        wording: None,
    });
    sheet::Contact {
        reference: details.reference.clone(),
        number: details.number.map(phone),
        other_numbers: details.others().iter().map(|other| phone(other.number)).collect(),
        labels: details
            .others()
            .into_iter()
            .filter(|other| !other.label.is_empty())
            .map(|other| (other.number, other.label))
            .collect(),
        first_name: some(&details.first_name),
        last_name: some(&details.last_name),
        kind: Some(match details.kind {
            people::Kind::Patient => sheet::Kind::Patient,
            people::Kind::Staff => sheet::Kind::Staff,
        }),
        birth_date: details.birth_date,
        practices: details.practices.clone(),
        tags: details.tags.clone(),
        last_visit: details.last_visit,
        last_visit_practice: beside.last_practice(contact.id).and_then(some),
        visit_to_come: None,
        consent: refusal.or(agreed),
        attributes,
    }
}
