//! What is wrong with a field, in French and in English.

use super::sheets;
use crate::automation::{RULE_ALLOWED, RULE_ALLOWED_FRENCH};
use crate::domain::{Language, french_of};
use crate::fault::{DateProblem, FieldProblem, JsonType, MoneyProblem, ReplyProblem, UrlProblem, WordingProblem};
use crate::hours::INSTANT_ALLOWED;

/// In French.
const DAY: &str = "Un jour, par exemple 2026-07-14 ou, dans un filtre, today, -6 months ou +10 days.";

/// What is wrong with a field, and what is allowed.
pub(crate) fn field_detail(problem: &FieldProblem, language: Language) -> String {
    match language {
        Language::Fr => french(problem),
        Language::En => english(problem),
    }
}

const NETWORK: &str = "Attendu : une adresse IP ou un réseau, par exemple 192.0.2.7 ou 2001:db8::/48.";

const TIME: &str =
    "Une date et une heure, par exemple 2026-07-14T10:00+02:00, ou 2026-07-14T10:00 à l'heure du destinataire.";

/// In French, and in English.
fn reference_taken(credits: u64) -> (String, String) {
    let [french, english] = [
        Language::Fr.counted(credits, ("crédit", "crédits")),
        Language::En.counted(credits, ("credit", "credits")),
    ];
    (
        format!("Cette référence est celle d'un mouvement de {french} : donnez-en une autre à un autre."),
        format!("This reference is that of a movement of {english}: give another movement another."),
    )
}

fn french(problem: &FieldProblem) -> String {
    match problem {
        FieldProblem::InvalidJson {
            line, column, is_cut, ..
        } => {
            let what = match is_cut {
                true => "le texte s'arrête avant la fin",
                false => "ce qui est écrit là n'est pas du JSON",
            };
            format!("JSON incorrect, ligne {line}, colonne {column} : {what}.")
        }
        FieldProblem::UnknownField { nearest } => with_guess("Champ inconnu", nearest, Language::Fr),
        FieldProblem::DuplicateField => "Champ en double.".to_owned(),
        FieldProblem::Twice => "Déjà donné plus haut dans la liste.".to_owned(),
        FieldProblem::NotLater { than } => format!("Doit être après {than}."),
        FieldProblem::Missing => "Champ obligatoire.".to_owned(),
        FieldProblem::WrongType { expected, found } => {
            let [found, expected] = [found, expected].map(|kind| json_type(*kind, Language::Fr));
            capital(&format!("{found} au lieu {}.", french_of(expected)))
        }
        FieldProblem::Empty => "Ne doit pas être vide.".to_owned(),
        FieldProblem::TooLong { max, given } => format!("{given} caractères : au plus {max} sont acceptés."),
        FieldProblem::TooMany { max: 1 } => "Un seul est accepté.".to_owned(),
        FieldProblem::TooMany { max } => format!("Au plus {max} sont acceptés."),
        FieldProblem::TooDeep { max } => format!("Trop imbriqué : au plus {max} niveaux l'un dans l'autre."),
        FieldProblem::TooManyLines { max } => {
            format!("Cela fait plus de {max} lignes : une période plus courte, ou un autre regroupement.")
        }
        FieldProblem::UnknownValue { allowed: [] } => "Cette liste ou ce segment n'existe pas, ou plus.".to_owned(),
        FieldProblem::UnknownValue { allowed } => format!("Valeurs acceptées : {}.", allowed.join(", ")),
        FieldProblem::InvalidTime => TIME.to_owned(),
        FieldProblem::InvalidDay => DAY.to_owned(),
        FieldProblem::Money(problem) => of_money(*problem, Language::Fr),
        FieldProblem::ForbiddenCharacter => "Sans retour à la ligne, sans \", \\ ni |.".to_owned(),
        FieldProblem::MissingBeside { fields } => format!("Il faut aussi un de ces champs : {}.", fields.join(", ")),
        FieldProblem::NotBeside { fields } => format!("Pas avec {}.", fields.join(", ")),
        FieldProblem::Sheet(problem) => sheets::words(problem, Language::Fr),
        FieldProblem::Date(problem) => of_date(problem, Language::Fr),
        FieldProblem::InvalidDirectives { why } => format!("Filtre de journal incorrect : {why}."),
        FieldProblem::OutOfRange { min, max } => format!("Doit être compris entre {min} et {max}."),
        FieldProblem::UnknownMergeField { name, nearest } => {
            let start = format!("Aucune colonne ne s'appelle « {name} » (pour un crochet, écrivez [[)");
            with_guess(&start, nearest, Language::Fr)
        }
        FieldProblem::BrokenMergeField { near } => {
            format!("Champ de fusion incomplet : « {near} » (pour un crochet, écrivez [[).")
        }
        FieldProblem::Wording(problem) => of_wording(problem, Language::Fr),
        FieldProblem::InvalidSender => "Expéditeur : 3 à 11 lettres ou chiffres sans espace ni accent, \
                                        ou un numéro court, ou un numéro international avec +."
            .to_owned(),
        FieldProblem::NotANetwork => NETWORK.to_owned(),
        FieldProblem::InvalidTimeOfDay => "Attendu : une heure, par exemple 08:30.".to_owned(),
        FieldProblem::Reply(problem) => of_reply(*problem, Language::Fr),
        FieldProblem::NotANumber => "Ce n'est pas un numéro de téléphone.".to_owned(),
        FieldProblem::InvalidNumber => "Ce numéro n'existe pas.".to_owned(),
        FieldProblem::NotMobile => "Ce numéro n'est pas un mobile.".to_owned(),
        FieldProblem::ReferenceTaken { credits } => reference_taken(*credits).0,
        FieldProblem::NotAGuest => "Ce numéro n'est pas sur la liste d'invités de cette clé d'équipe.".to_owned(),
        FieldProblem::CountryNotAllowed => "Les numéros de ce pays ne sont pas acceptés.".to_owned(),
        FieldProblem::UnknownReseller => {
            "Attendu : l'identifiant d'un revendeur, res_… ; avec sa propre clé, le sien.".to_owned()
        }
        FieldProblem::UnknownCountry => "Attendu : les deux lettres d'un pays, par exemple FR.".to_owned(),
        FieldProblem::NotAscii { max } => format!("Au plus {max} caractères ASCII sont acceptés."),
        FieldProblem::InvalidHexadecimal => {
            "Attendu : jusqu'à 255 octets en hexadécimal, par exemple 31303100.".to_owned()
        }
        FieldProblem::InvalidTag => {
            "Attendu : un tag de 1 à 65535, ou par exemple \"0x1400\" ; une seule fois, et ni SAR ni message_payload."
                .to_owned()
        }
        FieldProblem::InvalidRate => "Un débit de 1 à 1000000 messages, par exemple 5/s, 30/min ou 600/h.".to_owned(),
        FieldProblem::ReceiverOnly => {
            "Ce SMSC ne fait que recevoir (bind = \"receiver\") : rien ne lui est soumis.".to_owned()
        }
        FieldProblem::Url(problem) => of_url(problem, Language::Fr),
        FieldProblem::LostDigits => "Excel a perdu des chiffres : formatez la colonne en Texte.".to_owned(),
    }
}

fn english(problem: &FieldProblem) -> String {
    match problem {
        FieldProblem::InvalidJson { line, column, reason, .. } => {
            format!("Not JSON, line {line}, column {column}: {reason}.")
        }
        FieldProblem::UnknownField { nearest } => with_guess("Unknown field", nearest, Language::En),
        FieldProblem::DuplicateField => "Duplicate field.".to_owned(),
        FieldProblem::Twice => "Given further up in the list.".to_owned(),
        FieldProblem::NotLater { than } => format!("Must be later than {than}."),
        FieldProblem::Missing => "Required.".to_owned(),
        FieldProblem::WrongType { expected, found } => {
            let [found, expected] = [found, expected].map(|kind| json_type(*kind, Language::En));
            capital(&format!("{found} instead of {expected}."))
        }
        FieldProblem::Empty => "Must not be empty.".to_owned(),
        FieldProblem::TooLong { max, given } => format!("{given} characters: at most {max} are accepted."),
        FieldProblem::TooMany { max: 1 } => "One alone is accepted.".to_owned(),
        FieldProblem::TooMany { max } => format!("At most {max} are accepted."),
        FieldProblem::TooDeep { max } => format!("Nested too deep: at most {max} levels within each other."),
        FieldProblem::TooManyLines { max } => {
            format!("That makes more than {max} lines: a shorter time, or put together by something else.")
        }
        FieldProblem::UnknownValue { allowed: [] } => "There is no such list or segment, or no longer.".to_owned(),
        FieldProblem::UnknownValue { allowed } => format!("Accepted values: {}.", allowed.join(", ")),
        FieldProblem::InvalidTime => format!("Expected {INSTANT_ALLOWED}."),
        FieldProblem::InvalidDay => {
            "Expected a day such as 2026-07-14 or, in a filter, today, -6 months or +10 days.".to_owned()
        }
        FieldProblem::Money(problem) => of_money(*problem, Language::En),
        FieldProblem::ForbiddenCharacter => "Without line breaks, \", \\ and |.".to_owned(),
        FieldProblem::MissingBeside { fields } => format!("One of these is needed as well: {}.", fields.join(", ")),
        FieldProblem::NotBeside { fields } => format!("Not together with {}.", fields.join(", ")),
        FieldProblem::Sheet(problem) => sheets::words(problem, Language::En),
        FieldProblem::Date(problem) => of_date(problem, Language::En),
        FieldProblem::InvalidDirectives { why } => format!("No filter of a log: {why}."),
        FieldProblem::OutOfRange { min, max } => format!("Must be between {min} and {max}."),
        FieldProblem::UnknownMergeField { name, nearest } => {
            let start = format!("There is no column \"{name}\" (for a bracket, write [[)");
            with_guess(&start, nearest, Language::En)
        }
        FieldProblem::BrokenMergeField { near } => {
            format!("Incomplete merge field: \"{near}\" (for a bracket, write [[).")
        }
        FieldProblem::Wording(problem) => of_wording(problem, Language::En),
        FieldProblem::InvalidSender => {
            "Sender: 3 to 11 plain letters or digits without spaces, or a short code, or an international number with +."
                .to_owned()
        }
        FieldProblem::NotANetwork => "An IP address or a network is expected, such as 192.0.2.7 or 2001:db8::/48.".to_owned(),
        FieldProblem::InvalidTimeOfDay => "A time of day is expected, such as 08:30.".to_owned(),
        FieldProblem::Reply(problem) => of_reply(*problem, Language::En),
        FieldProblem::NotANumber => "Not a phone number.".to_owned(),
        FieldProblem::InvalidNumber => "This number does not exist.".to_owned(),
        FieldProblem::NotMobile => "Not a mobile number.".to_owned(),
        FieldProblem::ReferenceTaken { credits } => reference_taken(*credits).1,
        FieldProblem::NotAGuest => "This number is not on the guest list of this team key.".to_owned(),
        FieldProblem::CountryNotAllowed => "Numbers of this country are not accepted.".to_owned(),
        FieldProblem::UnknownReseller => "The id of a reseller is expected, res_…; with a key of its own, its own.".to_owned(),
        FieldProblem::UnknownCountry => "The two letters of a country are expected, such as FR.".to_owned(),
        FieldProblem::NotAscii { max } => format!("At most {max} ASCII characters are accepted."),
        FieldProblem::InvalidHexadecimal => "Up to 255 octets in hexadecimal are expected, such as 31303100.".to_owned(),
        FieldProblem::InvalidTag => {
            "A tag from 1 to 65535 is expected, or one such as \"0x1400\"; each once, and none of SAR or message_payload.".to_owned()
        }
        FieldProblem::InvalidRate => {
            "A rate of 1 to 1000000 messages is expected, such as 5/s, 30/min or 600/h.".to_owned()
        }
        FieldProblem::ReceiverOnly => {
            "This SMSC only receives (bind = \"receiver\"): nothing is submitted to it.".to_owned()
        }
        FieldProblem::Url(problem) => of_url(problem, Language::En),
        FieldProblem::LostDigits => "A spreadsheet lost digits of this number: format the column as text.".to_owned(),
    }
}

fn of_money(problem: MoneyProblem, language: Language) -> String {
    let (french, english) = match problem {
        MoneyProblem::InvalidPrice => (
            "Un prix inférieur à 1000, avec six décimales au plus, entre guillemets : \"0.08\".",
            "Expected a price below 1000 with at most six decimals, in quotes: \"0.08\".",
        ),
        MoneyProblem::InvalidCurrency => (
            "Les trois lettres d'une monnaie, par exemple EUR.",
            "Expected the three letters of a currency, such as EUR.",
        ),
    };
    match language {
        Language::Fr => french,
        Language::En => english,
    }
    .to_owned()
}

fn of_reply(problem: ReplyProblem, language: Language) -> String {
    let (french, english) = match problem {
        ReplyProblem::NotBehind { field } => {
            let french = format!("Doit venir après {field}.");
            return choose(language, &french, &format!("Has to be behind {field}.")).to_owned();
        }
        ReplyProblem::InvalidPattern => (
            "Ce n'est pas une expression régulière, ou elle est trop lourde.",
            "Not a regular expression, or one that takes too much.",
        ),
        ReplyProblem::NotOwnNumber => (
            "Ce n'est pas un de vos numéros : GET /v1/numbers les donne.",
            "Not one of your numbers: GET /v1/numbers lists them.",
        ),
        ReplyProblem::MeansOptOut => (
            "Ce mot désinscrit toujours : aucune règle n'y répond.",
            "This word always opts out: no rule answers it.",
        ),
    };
    choose(language, french, english).to_owned()
}

fn of_url(problem: &UrlProblem, language: Language) -> String {
    let (french, english) = match problem {
        UrlProblem::InvalidUrl { max } => (
            format!(
                "Une adresse comme https://exemple.fr/webhooks : au plus {max} caractères, sans nom ni mot de passe."
            ),
            format!(
                "Expected a URL such as https://example.net/webhooks: at most {max} characters, without a name or password."
            ),
        ),
        UrlProblem::InvalidDomain => (
            "Un nom de domaine est attendu, tel que cabinet.fr, sans https:// ni chemin.".to_owned(),
            "A domain is expected, such as cabinet.fr, without https:// and path.".to_owned(),
        ),
        UrlProblem::InsecureUrl => (
            "Une adresse en https est attendue.".to_owned(),
            "A URL with https is expected.".to_owned(),
        ),
        UrlProblem::ForbiddenAddress => (
            "Cette adresse n'est pas sur l'Internet public.".to_owned(),
            "This address is not on the public Internet.".to_owned(),
        ),
    };
    match language {
        Language::Fr => french,
        Language::En => english,
    }
}

fn of_date(problem: &DateProblem, language: Language) -> String {
    let (french, english) = match problem {
        DateProblem::InvalidLocalTime { time_zone } => (
            format!(
                "Une date et une heure, par exemple 2026-12-24T09:00+01:00, ou 2026-12-24T09:00 à l'heure {}.",
                french_of(time_zone)
            ),
            format!(
                "Expected a time such as 2026-12-24T09:00+01:00, or 2026-12-24T09:00 by the clocks of {time_zone}."
            ),
        ),
        DateProblem::InFuture => (
            "Doit être passé : un consentement se donne avant d'être enregistré.".to_owned(),
            "Must be over: a consent is given before it is kept.".to_owned(),
        ),
        DateProblem::InvalidInstant => (
            "Une date et une heure avec leur décalage, par exemple 2026-12-24T18:00:00+01:00.".to_owned(),
            "Expected a time with its offset, such as 2026-12-24T18:00:00+01:00.".to_owned(),
        ),
        DateProblem::AfterExpiry { expires_at } => (
            format!(
                "La campagne expire le {} : son lancement doit être avant.",
                expires_at.words(Language::Fr)
            ),
            format!(
                "The campaign expires at {}: it has to be launched before.",
                expires_at.words(Language::En)
            ),
        ),
        DateProblem::SkippedTime { time_zone } => (
            format!("Cette heure n'existe pas : cette nuit-là, les horloges avancent ({time_zone})."),
            format!("This time does not exist: the clocks of {time_zone} are put forward over it."),
        ),
        DateProblem::NotAhead { days } => (
            format!("Doit être à venir, dans {days} jours au plus."),
            format!("Must be in the future, at most {days} days ahead."),
        ),
        DateProblem::InvalidRecurrence => (
            format!("Une règle RRULE de ce sous-ensemble : {RULE_ALLOWED_FRENCH}."),
            format!("Expected an RRULE of this subset: {RULE_ALLOWED}."),
        ),
        DateProblem::NeverComes => (
            "Aucune date à venir n'est désignée.".to_owned(),
            "No day to come is meant.".to_owned(),
        ),
        DateProblem::UnknownTimeZone => (
            "Un fuseau horaire, par exemple Europe/Paris ou Indian/Reunion.".to_owned(),
            "A time zone is expected, such as Europe/Paris or Indian/Reunion.".to_owned(),
        ),
        DateProblem::InvalidMoment => (
            "Une date et une heure avec leur décalage, par exemple 2026-12-24T18:00:00+01:00, ou un jour : 2026-12-24."
                .to_owned(),
            "Expected a time with its offset, such as 2026-12-24T18:00:00+01:00, or a day: 2026-12-24.".to_owned(),
        ),
        DateProblem::InvalidRange { days } => (
            format!("since doit être avant until, de {days} jours au plus."),
            format!("since must be before until, by at most {days} days."),
        ),
    };
    match language {
        Language::Fr => french,
        Language::En => english,
    }
}

fn of_wording(problem: &WordingProblem, language: Language) -> String {
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
            "Ce numéro est celui d'un autre : écrivez depuis l'un des vôtres, ou sous un nom.".to_owned(),
            "This number is another tenant's: write from one of your own, or under a name.".to_owned(),
        ),
        WordingProblem::SenderProtected { name } => (
            format!("Cet expéditeur ressemble à « {name} », qui est protégé : votre revendeur doit l'autoriser."),
            format!("This sender looks like \"{name}\", which is protected: the reseller has to approve it."),
        ),
        WordingProblem::PublicShortener { domain } => (
            format!(
                "{domain} raccourcit les liens de tout le monde : les opérateurs le filtrent. Prenez une adresse à vous."
            ),
            format!("{domain} shortens links for everybody: operators filter it. Use an address of your own."),
        ),
        WordingProblem::LinkNotAllowed { domain, allowed } => (
            format!("Lien non autorisé : {domain}. Autorisés : {}.", allowed.join(", ")),
            format!("Links to {domain} are not allowed. Allowed: {}.", allowed.join(", ")),
        ),
        WordingProblem::NoShortDomain => (
            "Aucun domaine de liens courts n'est prévu : demandez-en un à votre revendeur (short_domain).".to_owned(),
            "There is no domain for short links: ask your reseller for one (short_domain).".to_owned(),
        ),
        WordingProblem::ConsentRequired => (
            "Le consentement est exigé pour la publicité : désignez des contacts (filter, lists, segments).".to_owned(),
            "Consent is required for advertising: name contacts (filter, lists, segments).".to_owned(),
        ),
        WordingProblem::CodesMissing { missing } => (
            format!(
                "Il manque {} dans la réserve : ajoutez-en, ou visez moins de monde.",
                Language::Fr.counted(*missing, ("code", "codes"))
            ),
            format!(
                "{} missing in the pool: add some, or mean fewer people.",
                Language::En.counted(*missing, ("code is", "codes are"))
            ),
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

fn with_guess(start: &str, nearest: &Option<String>, language: Language) -> String {
    let mut sentence = start.to_owned();
    if let Some(nearest) = nearest {
        sentence.push_str(choose(language, " ; vouliez-vous dire « ", "; did you mean \""));
        sentence.push_str(nearest);
        sentence.push_str(choose(language, " » ?", "\"?"));
    } else {
        sentence.push('.');
    }
    sentence
}

/// A sentence begins with a capital.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

const fn json_type(kind: JsonType, language: Language) -> &'static str {
    let (french, english) = match kind {
        JsonType::String => ("un texte", "a string"),
        JsonType::Number => ("un nombre", "a number"),
        JsonType::Boolean => ("un booléen", "a boolean"),
        JsonType::Null => ("null", "null"),
        JsonType::Array => ("un tableau", "an array"),
        JsonType::Object => ("un objet", "an object"),
    };
    choose(language, french, english)
}

pub(super) const fn choose<'a>(language: Language, french: &'a str, english: &'a str) -> &'a str {
    match language {
        Language::Fr => french,
        Language::En => english,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{SheetProblem, WorkbookFlaw};

    fn fr(problem: impl Into<FieldProblem>) -> String {
        field_detail(&problem.into(), Language::Fr)
    }

    fn en(problem: impl Into<FieldProblem>) -> String {
        field_detail(&problem.into(), Language::En)
    }

    #[test]
    fn types_are_told_apart_in_sentences() {
        let wrong = |expected, found| FieldProblem::WrongType { expected, found };
        for (expected, found, french) in [
            (JsonType::Array, JsonType::String, "Un texte au lieu d'un tableau."),
            (JsonType::Object, JsonType::Number, "Un nombre au lieu d'un objet."),
            (JsonType::Boolean, JsonType::Null, "Null au lieu d'un booléen."),
        ] {
            assert_eq!(fr(wrong(expected, found)), french);
        }
        assert_eq!(
            en(wrong(JsonType::Array, JsonType::String)),
            "A string instead of an array."
        );
    }

    #[test]
    fn what_is_not_json_is_told_in_french_without_the_words_of_the_parser() {
        for (text, french) in [
            (
                "",
                "JSON incorrect, ligne 1, colonne 1 : le texte s'arrête avant la fin.",
            ),
            (
                "{\"a\": ",
                "JSON incorrect, ligne 1, colonne 6 : le texte s'arrête avant la fin.",
            ),
            (
                "{\n  \"a\" 1}",
                "JSON incorrect, ligne 2, colonne 7 : ce qui est écrit là n'est pas du JSON.",
            ),
        ] {
            let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
            let problem = FieldProblem::broken_json(&error);
            assert_eq!(fr(problem.clone()), french, "{error}");
            assert!(en(problem).starts_with("Not JSON, line "), "{error}");
        }
    }

    #[test]
    fn french_has_no_english_in_it() {
        for flaw in [
            WorkbookFlaw::EndsEarly,
            WorkbookFlaw::TooManyTexts,
            WorkbookFlaw::LongText,
            WorkbookFlaw::Other("invalid Zip archive: Could not find EOCD".to_owned()),
        ] {
            let problem = SheetProblem::BrokenWorkbook(flaw);
            let (french, english) = (fr(problem.clone()), en(problem));
            assert!(french.starts_with("Ce classeur ne peut pas être lu (il ") || french.contains("(un texte"));
            for word in ["too", "invalid", " the "] {
                assert!(!french.contains(word), "{french}");
            }
            assert!(english.starts_with("This workbook cannot be read ("));
        }
        let rule = fr(DateProblem::InvalidRecurrence);
        assert!(rule.contains("-1 pour le dernier") && !rule.contains("last"), "{rule}");
        assert!(en(DateProblem::InvalidRecurrence).contains("-1 the last"));
        let time_zone = "Europe/Paris".to_owned();
        let local = fr(DateProblem::InvalidLocalTime { time_zone });
        assert!(local.ends_with("à l'heure d'Europe/Paris."), "{local}");
        assert_eq!(fr(FieldProblem::TooMany { max: 1 }), "Un seul est accepté.");
    }
}
