//! What a campaign is about, and what it is for.

use smpp::text::EncodingPolicy;

use crate::compose::Category;
use crate::database::DatabaseError;
use crate::domain::{Purpose, TemplateId};
use crate::fault::{FieldProblem, WordingProblem};

/// The words of `encoding`.
pub(crate) const ENCODINGS: [&str; 3] = [
    EncodingPolicy::GsmTransliterate.name(),
    EncodingPolicy::Auto.name(),
    EncodingPolicy::Ucs2.name(),
];

const PURPOSES: [&str; 2] = [Purpose::Transactional.code(), Purpose::Marketing.code()];

/// What a template says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenTemplate {
    pub(crate) version: u32,
    pub(crate) purpose: Purpose,
    pub(crate) category: Option<String>,
    pub(crate) text: String,
}

/// Looks a template up; `None`: the tenant has none of that id. Blocks.
pub(crate) type FindTemplate<'f> = &'f dyn Fn(TemplateId) -> Result<Option<GivenTemplate>, DatabaseError>;

/// The category of that word.
///
/// # Errors
/// [`FieldProblem::UnknownValue`].
pub(crate) fn check_category(code: &str) -> Result<&'static Category, FieldProblem> {
    const ALLOWED: &[&str] = &Category::CODES;
    Category::named(code).ok_or(FieldProblem::UnknownValue { allowed: ALLOWED })
}

/// Whether what is about that may be for this: what sells is advertising, whatever its sender says.
///
/// # Errors
/// [`WordingProblem::CategoryIsMarketing`].
pub(crate) fn check_purpose_of(category: Option<&str>, purpose: Purpose) -> Result<(), FieldProblem> {
    match category.and_then(Category::named) {
        Some(category) if category.purpose == Purpose::Marketing && purpose == Purpose::Transactional => {
            let category = category.code;
            Err(WordingProblem::CategoryIsMarketing { category }.into())
        }
        Some(_) | None => Ok(()),
    }
}

/// What that word means.
///
/// # Errors
/// [`FieldProblem::UnknownValue`].
pub(super) fn parse_purpose(code: &str) -> Result<Purpose, FieldProblem> {
    code.parse()
        .map_err(|_| FieldProblem::UnknownValue { allowed: &PURPOSES })
}

/// The same of an encoding.
///
/// # Errors
/// [`FieldProblem::UnknownValue`].
pub(super) fn parse_encoding(name: &str) -> Result<EncodingPolicy, FieldProblem> {
    name.parse()
        .map_err(|_| FieldProblem::UnknownValue { allowed: &ENCODINGS })
}
