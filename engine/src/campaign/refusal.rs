//! Why a launch came to nothing: a code, which is kept and told, and its sentence for a clinic in French and English. Pure.

use super::CampaignFault;
use crate::domain::Language;
use crate::fault::{FieldFault, FieldProblem, WordingProblem};

/// Why a launch did not come about, as the API says it.
pub(crate) fn code_of(fault: &CampaignFault) -> String {
    let code = match fault {
        CampaignFault::EmptyAudience => "empty_audience",
        CampaignFault::TooManyRecipients { .. } => "too_many_recipients",
        CampaignFault::Expired { .. } => "after_expiry",
        CampaignFault::Erased => "texts_erased",
        CampaignFault::TextRejected { .. } => "text_rejected",
        CampaignFault::TrafficRejected { .. } => "traffic_rejected",
        CampaignFault::TrafficInReview => "traffic_in_review",
        CampaignFault::TenantSuspended { .. } => "tenant_suspended",
        CampaignFault::DayFull { .. } => "daily_max_reached",
        CampaignFault::Short { .. } => "insufficient_credit",
        CampaignFault::Fields(faults) => return faults.first().map_or_else(|| "invalid".to_owned(), of_field),
        CampaignFault::NotFound
        | CampaignFault::Body(_)
        | CampaignFault::AlreadyStarted(_)
        | CampaignFault::WrongState(_)
        | CampaignFault::OutsideWindow { .. }
        | CampaignFault::TextsInUse
        | CampaignFault::NotADraft(_)
        | CampaignFault::Edited
        | CampaignFault::Busy
        | CampaignFault::Stopping
        | CampaignFault::Store(_)
        | CampaignFault::Database(_) => "internal",
    };
    code.to_owned()
}

fn of_field(fault: &FieldFault) -> String {
    if let FieldProblem::Wording(WordingProblem::CodesMissing { missing }) = &fault.problem {
        // How many, for who looks at the campaign.
        format!("codes_missing {missing}")
    } else if matches!(fault.problem, FieldProblem::UnknownValue { .. }) {
        // Its id was right when the campaign was made: what it is of says where it stands.
        gone(&fault.pointer).to_owned()
    } else {
        fault.problem.code().to_owned()
    }
}

/// What is gone whose id stands at that pointer.
fn gone(pointer: &str) -> &'static str {
    let part = pointer.strip_prefix("/audience").unwrap_or(pointer);
    let part = part.strip_prefix("/exclude").unwrap_or(part);
    if part.starts_with("/segments") {
        "segment_gone"
    } else if part.starts_with("/code_pool") {
        "code_pool_gone"
    } else if part.starts_with("/template") {
        "template_gone"
    } else if ["/lists", "/filter", "/variants"]
        .iter()
        .any(|start| part.starts_with(start))
    {
        "list_gone"
    } else {
        "unknown_value"
    }
}

/// What codes mean, in French and in English.
const SENTENCES: [(&str, &str, &str); 28] = [
    (
        "list_gone",
        "Une liste que cette campagne vise, exclut ou nomme dans un filtre a été supprimée.",
        "A list that this campaign means, leaves out or names in a filter is gone.",
    ),
    (
        "segment_gone",
        "Un segment que cette campagne vise ou exclut a été supprimé, ou une liste qu'il nomme.",
        "A segment that this campaign means or leaves out is gone, or a list that it names.",
    ),
    (
        "code_pool_gone",
        "Sa réserve de codes a été supprimée.",
        "Its pool of codes is gone.",
    ),
    ("template_gone", "Son modèle a été supprimé.", "Its template is gone."),
    (
        "codes_missing",
        "Sa réserve n'a plus assez de codes pour tous ses destinataires.",
        "Its pool has fewer codes than it has recipients.",
    ),
    (
        "empty_audience",
        "Personne ne correspond à son audience, ou n'a de mobile à qui écrire.",
        "Nobody fits its audience, or has a mobile that can be written to.",
    ),
    (
        "too_many_recipients",
        "Son audience est trop nombreuse.",
        "It means too many people.",
    ),
    (
        "after_expiry",
        "Sa date d'expiration est passée.",
        "The date at which it expires is over.",
    ),
    (
        "date_passed",
        "Sa date était passée quand votre revendeur l'a acceptée : donnez-lui une autre date.",
        "Its date was over when your reseller accepted it: give it another.",
    ),
    ("not_ahead", "Une de ses dates est passée.", "One of its dates is over."),
    ("texts_erased", "Son texte a été effacé.", "Its text was erased."),
    (
        "text_rejected",
        "Votre revendeur a refusé son texte.",
        "Your reseller has rejected its text.",
    ),
    (
        "traffic_rejected",
        "Votre revendeur a refusé l'envoi à ces destinataires.",
        "Your reseller has rejected that it goes to these recipients.",
    ),
    (
        "tenant_suspended",
        "Ce compte est suspendu.",
        "This account is suspended.",
    ),
    (
        "daily_max_reached",
        "Le nombre de messages par jour de ce compte ne suffisait pas : relancez-la un autre jour.",
        "This account may not send as many messages in a day: launch it on another.",
    ),
    (
        "insufficient_credit",
        "Le solde ne suffit pas.",
        "The balance does not cover it.",
    ),
    (
        "sender_not_approved",
        "Son expéditeur n'est plus approuvé.",
        "Its sender is not approved any more.",
    ),
    (
        "sender_protected",
        "Son expéditeur ressemble à un nom protégé.",
        "Its sender looks like a protected name.",
    ),
    (
        "number_of_another",
        "Son expéditeur est un numéro que ce compte n'a pas.",
        "Its sender is a number that this account does not have.",
    ),
    (
        "number_of_somebody",
        "Son expéditeur est un numéro que ce compte n'a pas.",
        "Its sender is a number that this account does not have.",
    ),
    (
        "consent_required",
        "Tous ses destinataires n'ont pas donné leur accord.",
        "Not all of its recipients have agreed.",
    ),
    (
        "country_not_allowed",
        "Des numéros sont d'un pays où ce compte n'envoie plus : sa copie (duplicate) est sans eux.",
        "Some numbers are of a country to which this account may not send any more: a duplicate of it is without them.",
    ),
    (
        "link_not_allowed",
        "Un de ses liens mène à un domaine qui n'est pas autorisé.",
        "One of its links leads to a domain that is not allowed.",
    ),
    (
        "public_shortener",
        "Un de ses liens mène à un domaine qui n'est pas autorisé.",
        "One of its links leads to a domain that is not allowed.",
    ),
    (
        "own_short_domain",
        "Un de ses liens mène à un domaine qui n'est pas autorisé.",
        "One of its links leads to a domain that is not allowed.",
    ),
    (
        "not_a_guest",
        "Des destinataires ne sont plus sur une liste d'invités.",
        "Some recipients are on no guest list any more.",
    ),
    (
        "unknown_merge_field",
        "Un champ de son texte n'existe plus.",
        "A field of its text is there no more.",
    ),
    ("too_long", "Son texte est trop long.", "Its text is too long."),
];

/// What a code means, in one sentence.
pub(crate) fn detail(code: &str, language: Language) -> String {
    let known = SENTENCES.iter().find(|(known, ..)| *known == code);
    match (language, known) {
        (Language::Fr, Some((_, french, _))) => (*french).to_owned(),
        (Language::En, Some((.., english))) => (*english).to_owned(),
        (Language::Fr, None) => format!("Son lancement a été refusé ({code})."),
        (Language::En, None) => format!("Its launch was refused ({code})."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pointer: &str, problem: FieldProblem) -> String {
        code_of(&CampaignFault::Fields(vec![FieldFault::new(pointer, problem)]))
    }

    #[test]
    fn what_is_gone_is_told_by_what_it_was() {
        for (pointer, code) in [
            ("/audience/lists/0", "list_gone"),
            ("/audience/exclude/lists/3", "list_gone"),
            ("/audience/filter/not/is", "list_gone"),
            ("/audience/exclude/filter/is", "list_gone"),
            ("/variants/1/filter/is", "list_gone"),
            ("/audience/segments/0", "segment_gone"),
            ("/audience/exclude/segments/1", "segment_gone"),
            ("/template", "template_gone"),
            ("/purpose", "unknown_value"),
        ] {
            assert_eq!(of(pointer, FieldProblem::GONE), code, "{pointer}");
        }
        let pool = FieldProblem::UnknownValue { allowed: &["cpl_…"] };
        assert_eq!(of("/code_pool", pool), "code_pool_gone");
        let missing = WordingProblem::CodesMissing { missing: 3 };
        assert_eq!(of("/code_pool", missing.into()), "codes_missing 3");
        assert_eq!(of("/sender", FieldProblem::InvalidSender), "invalid_sender");
    }

    #[test]
    fn a_code_has_one_sentence_in_each_language_and_an_unknown_one_a_plain_one() {
        for (at, (code, french, english)) in SENTENCES.iter().enumerate() {
            assert!(
                french.ends_with('.') && english.ends_with('.') && french != english,
                "{code}"
            );
            assert!(
                SENTENCES[at + 1..].iter().all(|(other, ..)| other != code),
                "{code} twice"
            );
        }
        for gone in ["list_gone", "segment_gone", "code_pool_gone", "template_gone"] {
            assert!(detail(gone, Language::Fr).contains("supprimé"), "{gone}");
        }
        assert_eq!(
            detail("invalid_sender", Language::Fr),
            "Son lancement a été refusé (invalid_sender)."
        );
    }
}
