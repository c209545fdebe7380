//! The words of what is wrong with a text, its sender, or its links, in both languages.

use crate::domain::Language;
use crate::fault::WordingProblem;

pub(super) fn words(problem: &WordingProblem, language: Language) -> String {
    let (french, english) = match problem {
        WordingProblem::NoStopNumber => (
            "XXXXX ne peut pas être remplacé : aucun numéro n'est prévu pour les STOP (engine.stop_number).".to_owned(),
            "XXXXX cannot be replaced: there is no number for STOP (engine.stop_number).".to_owned(),
        ),
        WordingProblem::CategoryIsMarketing { category } => (
            format!("La catégorie « {category} » est de la publicité : marketing est attendu."),
            format!("The category \"{category}\" is advertising: expected marketing."),
        ),
        WordingProblem::InvalidStopText { max } => (
            format!("Une mention comme « STOP au XXXXX », avec STOP et XXXXX, de {max} caractères au plus."),
            format!(
                "A clause such as \"STOP au XXXXX\" is expected, with STOP and XXXXX, of at most {max} characters."
            ),
        ),
        WordingProblem::SenderNotApproved { approved } => (
            format!("Expéditeur non autorisé. Autorisés : {}.", approved.join(", ")),
            format!("This sender is not approved. Approved: {}.", approved.join(", ")),
        ),
        WordingProblem::NumberOfAnother => (
            "Ce numéro n'est pas à vous : écrivez depuis l'un des vôtres, ou sous un nom.".to_owned(),
            "This number is not yours: write from one of your own, or under a name.".to_owned(),
        ),
        WordingProblem::SenderProtected { name } => (
            format!("Cet expéditeur ressemble à « {name} », qui est protégé : votre revendeur doit l'autoriser."),
            format!("This sender looks like \"{name}\", which is protected: the reseller has to approve it."),
        ),
        WordingProblem::TransactionalCode => transactional_code(),
        WordingProblem::SenderGeneric { name } => generic(name),
        WordingProblem::PublicShortener { domain } => (
            format!(
                "{domain} raccourcit les liens de tout le monde : les opérateurs le filtrent. Prenez une adresse à vous."
            ),
            format!("{domain} shortens links for everybody: operators filter it. Use an address of your own."),
        ),
        WordingProblem::OwnShortDomain { domain } => own_short_domain(domain),
        WordingProblem::LinkNotAllowed { domain, allowed } => (
            format!("Lien non autorisé : {domain}. Autorisés : {}.", allowed.join(", ")),
            format!("Links to {domain} are not allowed. Allowed: {}.", allowed.join(", ")),
        ),
        WordingProblem::NumberOfSomebody => number_of_somebody(),
        WordingProblem::LinkInName { domain } => (
            format!("Un nom sans lien : {domain} en est un."),
            format!("A name without a link: {domain} is one."),
        ),
        WordingProblem::NoShortDomain => (
            "Aucun domaine de liens courts n'est prévu : demandez-en un à votre revendeur (short_domain).".to_owned(),
            "There is no domain for short links: ask your reseller for one (short_domain).".to_owned(),
        ),
        WordingProblem::ConsentRequired => (
            "Le consentement est exigé pour la publicité : désignez des contacts (filter, lists, segments).".to_owned(),
            "Consent is required for advertising: name contacts (filter, lists, segments).".to_owned(),
        ),
        WordingProblem::CodesMissing { missing } => codes_missing(*missing),
        WordingProblem::NothingToFillIn { field } => (
            format!("{field} : un message seul n'a pas de champs. Écrivez ce qui doit y être, ou faites une campagne."),
            format!("{field}: a message by itself has no fields. Write what is meant, or make a campaign."),
        ),
        WordingProblem::AdvertiserNotNamed { brand } => (
            format!(
                "Une publicité dit de qui elle vient : par un expéditeur en lettres, ou par « {brand} » dans le texte."
            ),
            format!("Advertising says whose it is: by a sender of letters, or by \"{brand}\" in the text."),
        ),
    };
    match language {
        Language::Fr => french,
        Language::En => english,
    }
}

fn transactional_code() -> (String, String) {
    (
        "Les numéros courts en 38 ne portent pas de publicité : écrivez depuis un 36, ou sous un nom.".to_owned(),
        "Short codes that begin with 38 carry no advertising: write from one that begins with 36, or under a name."
            .to_owned(),
    )
}

fn generic(name: &str) -> (String, String) {
    (
        format!(
            "« {name} » ne dit pas qui écrit : les opérateurs le remplacent ou le bloquent. Prenez un nom à vous, ou demandez l'accord de votre revendeur."
        ),
        format!(
            "\"{name}\" does not say who writes: operators replace or block it. Use a name of your own, or ask the reseller to approve it."
        ),
    )
}

fn own_short_domain(domain: &str) -> (String, String) {
    (
        format!("{domain} est le domaine de vos liens courts : donnez l'adresse de la page où le lien doit mener."),
        format!(
            "{domain} is the domain of your short links: give the address of the page that the link shall lead to."
        ),
    )
}

fn number_of_somebody() -> (String, String) {
    (
        "Un numéro de mobile ou d'urgence est celui de quelqu'un : un nom, un numéro qui vous est attribué, ou un expéditeur approuvé."
            .to_owned(),
        "A mobile or an emergency number is somebody's: give a name, a number that is yours, or an approved sender."
            .to_owned(),
    )
}

fn codes_missing(missing: u64) -> (String, String) {
    let [french, english] = [Language::Fr, Language::En].map(|language| match language {
        Language::Fr => language.counted(missing, ("code", "codes")),
        Language::En => language.counted(missing, ("code is", "codes are")),
    });
    (
        format!("Il manque {french} dans la réserve : ajoutez-en, ou visez moins de monde."),
        format!("{english} missing in the pool: add some, or mean fewer people."),
    )
}
