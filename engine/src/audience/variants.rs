//! `variants` of a campaign's body: other texts for some of the contacts whom it means.

use kit::words::nearest;
use serde_json::{Map, Value};

use crate::compose::{Sender, Template, Wording};
use crate::domain::Purpose;
use crate::fault::{FieldFault, FieldProblem, JsonType};

/// The most variants of one campaign: nobody writes more texts for one occasion.
pub(crate) const VARIANTS_MAX: usize = 10;

const FIELDS: [&str; 2] = ["filter", "text"];

/// A text for those whom a filter means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variant {
    /// As it was given: whoever knows contacts reads it.
    pub(crate) filter: Value,
    /// With its clause, as the campaign's own.
    pub(crate) text: String,
}

/// Reads all of them.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn read(given: &Value, wording: &Wording, of: (&Sender, Purpose)) -> Result<Vec<Variant>, Vec<FieldFault>> {
    let Value::Array(items) = given else {
        let problem = FieldProblem::wrong_type(JsonType::Array, given);
        return Err(vec![FieldFault::new("/variants", problem)]);
    };
    if items.len() > VARIANTS_MAX {
        let problem = FieldProblem::TooMany { max: VARIANTS_MAX };
        return Err(vec![FieldFault::new("/variants", problem)]);
    }
    let (mut variants, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
    for (at, item) in items.iter().enumerate() {
        let pointer = format!("/variants/{at}");
        match item.as_object() {
            Some(fields) => variants.extend(variant(fields, &pointer, (wording, of), &mut faults)),
            None => faults.push(FieldFault::new(
                pointer,
                FieldProblem::wrong_type(JsonType::Object, item),
            )),
        }
    }
    if faults.is_empty() { Ok(variants) } else { Err(faults) }
}

fn variant(
    fields: &Map<String, Value>,
    pointer: &str,
    (wording, (sender, purpose)): (&Wording, (&Sender, Purpose)),
    faults: &mut Vec<FieldFault>,
) -> Option<Variant> {
    for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        let nearest = nearest(name, FIELDS).map(str::to_owned);
        faults.push(FieldFault::new(
            format!("{pointer}/{name}"),
            FieldProblem::UnknownField { nearest },
        ));
    }
    let filter = fields.get("filter");
    if filter.is_none() {
        faults.push(FieldFault::new(format!("{pointer}/filter"), FieldProblem::Missing));
    }
    let text = match fields.get("text") {
        Some(Value::String(text)) => wording.check(text).and_then(|()| {
            wording.check_advertiser(text, sender, purpose)?;
            wording.with_clause(text, (Some(sender), purpose))
        }),
        Some(other) => Err(FieldProblem::wrong_type(JsonType::String, other)),
        None => Err(FieldProblem::Missing),
    };
    let text = text
        .map_err(|problem| faults.push(FieldFault::new(format!("{pointer}/text"), problem)))
        .ok()?;
    Some(Variant {
        filter: filter?.clone(),
        text,
    })
}

/// Whether a text has a link of its recipient's own.
pub(super) fn has_link(text: &str, link: Option<&str>) -> bool {
    Template::parse_open_linked(text, &[""; 0], link).is_ok_and(|(template, _)| template.has_link())
}
