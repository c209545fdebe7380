//! What is wrong with a field, in French and in English.

use super::{sheets, wordings};
use crate::automation::{RULE_ALLOWED, RULE_ALLOWED_FRENCH};
use crate::domain::{Language, french_of};
use crate::fault::{DateProblem, Expected, FieldProblem, Forbidden, JsonType, MoneyProblem, ReplyProblem, UrlProblem};
use crate::hours::INSTANT_ALLOWED;

/// In French.
const DAY: &str = "Un jour, par exemple 2026-07-14 ou, dans un filtre, today, -6 months ou +10 days.";

/// In French, and in English.
const NOBODY: (&str, &str) = (
    "Aucun de ces numéros n'est un mobile à qui écrire : vérifiez qu'ils sont entiers, avec leur 0 ou leur indicatif.",
    "None of these numbers is a mobile that can be written to: are they whole, with their 0 or country code?",
);

/// In French, and in English.
const NOBODY_LEFT: (&str, &str) = (
    "Aucun destinataire de cette campagne n'a l'un de ces statuts sans avoir reçu le message d'un renvoi depuis : il n'y a personne à qui renvoyer.",
    "No recipient of this campaign has one of these statuses without having had the message since, by a resend: there is nobody to send it to again.",
);

/// In French, and in English.
const NAMED: (&str, &str) = (
    "Une campagne porte le nom de son automatisation : donnez-le là, et pas ici.",
    "A campaign is called as its automation: give the name there, and not here.",
);

/// In French, and in English.
const OF_RECIPIENTS: (&str, &str) = (
    "Les destinataires de cette campagne ont été donnés avec elle, et retenus d'après ce champ : il ne change plus. Créez une autre campagne.",
    "The recipients of this campaign were given with it, and taken by this field: it cannot change. Make another campaign.",
);

/// The most columns that a refusal names: who has more looks at their own file.
const COLUMNS_SHOWN: usize = 40;

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

/// What is long, in French.
const HEXADECIMAL: &str = "Attendu : jusqu'à 255 octets en hexadécimal, par exemple 31303100.";
const RESELLER: &str = "Attendu : l'identifiant d'un revendeur, res_… ; avec sa propre clé, le sien.";

fn french(problem: &FieldProblem) -> String {
    match problem {
        FieldProblem::InvalidJson { .. } => not_json(problem, Language::Fr),
        FieldProblem::NotUtf8 { line } => {
            format!("Ligne {line} : ce n'est pas de l'UTF-8, dans lequel le JSON est écrit.")
        }
        FieldProblem::UnknownField { nearest } => with_guess("Champ inconnu", nearest, Language::Fr),
        FieldProblem::DuplicateField => "Champ en double.".to_owned(),
        FieldProblem::Twice => "Déjà donné plus haut dans la liste.".to_owned(),
        FieldProblem::NotLater { than } => format!("Doit être après {than}."),
        FieldProblem::Missing => "Champ obligatoire.".to_owned(),
        FieldProblem::MissingOneOf { fields } => format!("Il faut un de ces champs : {}.", fields.join(", ")),
        FieldProblem::NotOneOf { .. } => not_one_of(problem, Language::Fr),
        FieldProblem::Nobody => choose(Language::Fr, NOBODY.0, NOBODY.1).to_owned(),
        FieldProblem::NobodyLeft => choose(Language::Fr, NOBODY_LEFT.0, NOBODY_LEFT.1).to_owned(),
        FieldProblem::WrongType { expected, found } => wrong_type((*expected, *found), Language::Fr),
        FieldProblem::Empty => "Ne doit pas être vide.".to_owned(),
        FieldProblem::TooLong { max, given } => format!("{given} caractères : au plus {max} sont acceptés."),
        FieldProblem::TooMany { max: 1 } => "Un seul est accepté.".to_owned(),
        FieldProblem::TooMany { max } => format!("Au plus {max} sont acceptés."),
        FieldProblem::TooDeep { max } => format!("Trop imbriqué : au plus {max} niveaux l'un dans l'autre."),
        FieldProblem::TooManyLines { max } => {
            format!("Cela fait plus de {max} lignes : une période plus courte, ou un autre regroupement.")
        }
        FieldProblem::UnknownValue { allowed } => of_values(allowed, Language::Fr),
        FieldProblem::InvalidTime => TIME.to_owned(),
        FieldProblem::InvalidDay => DAY.to_owned(),
        FieldProblem::Money(problem) => of_money(*problem, Language::Fr),
        FieldProblem::Expected(expected) => expected_words(*expected, Language::Fr).to_owned(),
        FieldProblem::ForbiddenCharacter(forbidden) => of_character(*forbidden, Language::Fr),
        FieldProblem::MissingBeside { fields } => format!("Il faut aussi un de ces champs : {}.", fields.join(", ")),
        FieldProblem::NotBeside { fields } => format!("Pas avec {}.", fields.join(", ")),
        FieldProblem::NamedByAutomation => choose(Language::Fr, NAMED.0, NAMED.1).to_owned(),
        FieldProblem::Sheet(problem) => sheets::words(problem, Language::Fr),
        FieldProblem::Date(problem) => of_date(problem, Language::Fr),
        FieldProblem::InvalidDirectives { why } => format!("Filtre de journal incorrect : {why}."),
        FieldProblem::OutOfRange { min, max } => format!("Doit être compris entre {min} et {max}."),
        FieldProblem::UnknownMergeField { .. } | FieldProblem::BrokenMergeField { .. } => {
            of_merge_field(problem, Language::Fr)
        }
        FieldProblem::Wording(problem) => wordings::words(problem, Language::Fr),
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
        FieldProblem::UnknownReseller => RESELLER.to_owned(),
        FieldProblem::UnknownCountry => "Attendu : les deux lettres d'un pays, par exemple FR.".to_owned(),
        FieldProblem::NotAscii { max } => format!("Au plus {max} caractères ASCII sont acceptés."),
        FieldProblem::InvalidHexadecimal => HEXADECIMAL.to_owned(),
        FieldProblem::InvalidTag => {
            "Attendu : un tag de 1 à 65535, ou par exemple \"0x1400\" ; une seule fois, et ni SAR ni message_payload."
                .to_owned()
        }
        FieldProblem::InvalidRate => "Un débit de 1 à 1000000 messages, par exemple 5/s, 30/min ou 600/h.".to_owned(),
        FieldProblem::ReceiverOnly => {
            "Ce SMSC ne fait que recevoir (bind = \"receiver\") : rien ne lui est soumis.".to_owned()
        }
        FieldProblem::Url(problem) => of_url(problem, Language::Fr),
        FieldProblem::OfRecipients => choose(Language::Fr, OF_RECIPIENTS.0, OF_RECIPIENTS.1).to_owned(),
        FieldProblem::LostDigits => "Excel a perdu des chiffres : formatez la colonne en Texte.".to_owned(),
    }
}

fn english(problem: &FieldProblem) -> String {
    match problem {
        FieldProblem::InvalidJson { .. } => not_json(problem, Language::En),
        FieldProblem::NotUtf8 { line } => format!("Line {line}: this is not UTF-8, in which JSON is written."),
        FieldProblem::UnknownField { nearest } => with_guess("Unknown field", nearest, Language::En),
        FieldProblem::DuplicateField => "Duplicate field.".to_owned(),
        FieldProblem::Twice => "Given further up in the list.".to_owned(),
        FieldProblem::NotLater { than } => format!("Must be later than {than}."),
        FieldProblem::Missing => "Required.".to_owned(),
        FieldProblem::MissingOneOf { fields } => format!("One of these is required: {}.", fields.join(", ")),
        FieldProblem::NotOneOf { .. } => not_one_of(problem, Language::En),
        FieldProblem::Nobody => choose(Language::En, NOBODY.0, NOBODY.1).to_owned(),
        FieldProblem::NobodyLeft => choose(Language::En, NOBODY_LEFT.0, NOBODY_LEFT.1).to_owned(),
        FieldProblem::WrongType { expected, found } => wrong_type((*expected, *found), Language::En),
        FieldProblem::Empty => "Must not be empty.".to_owned(),
        FieldProblem::TooLong { max, given } => format!("{given} characters: at most {max} are accepted."),
        FieldProblem::TooMany { max: 1 } => "One alone is accepted.".to_owned(),
        FieldProblem::TooMany { max } => format!("At most {max} are accepted."),
        FieldProblem::TooDeep { max } => format!("Nested too deep: at most {max} levels within each other."),
        FieldProblem::TooManyLines { max } => {
            format!("That makes more than {max} lines: a shorter time, or put together by something else.")
        }
        FieldProblem::UnknownValue { allowed } => of_values(allowed, Language::En),
        FieldProblem::InvalidTime => format!("Expected {INSTANT_ALLOWED}."),
        FieldProblem::InvalidDay => {
            "Expected a day such as 2026-07-14 or, in a filter, today, -6 months or +10 days.".to_owned()
        }
        FieldProblem::Money(problem) => of_money(*problem, Language::En),
        FieldProblem::Expected(expected) => expected_words(*expected, Language::En).to_owned(),
        FieldProblem::ForbiddenCharacter(forbidden) => of_character(*forbidden, Language::En),
        FieldProblem::MissingBeside { fields } => format!("One of these is needed as well: {}.", fields.join(", ")),
        FieldProblem::NotBeside { fields } => format!("Not together with {}.", fields.join(", ")),
        FieldProblem::NamedByAutomation => choose(Language::En, NAMED.0, NAMED.1).to_owned(),
        FieldProblem::Sheet(problem) => sheets::words(problem, Language::En),
        FieldProblem::Date(problem) => of_date(problem, Language::En),
        FieldProblem::InvalidDirectives { why } => format!("No filter of a log: {why}."),
        FieldProblem::OutOfRange { min, max } => format!("Must be between {min} and {max}."),
        FieldProblem::UnknownMergeField { .. } | FieldProblem::BrokenMergeField { .. } => of_merge_field(problem, Language::En),
        FieldProblem::Wording(problem) => wordings::words(problem, Language::En),
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
        FieldProblem::OfRecipients => choose(Language::En, OF_RECIPIENTS.0, OF_RECIPIENTS.1).to_owned(),
        FieldProblem::LostDigits => "A spreadsheet lost digits of this number: format the column as text.".to_owned(),
    }
}

fn not_json(problem: &FieldProblem, language: Language) -> String {
    let FieldProblem::InvalidJson {
        line,
        column,
        reason,
        is_cut,
    } = problem
    else {
        return String::new();
    };
    let what = match is_cut {
        true => "le texte s'arrête avant la fin",
        false => "ce qui est écrit là n'est pas du JSON",
    };
    match language {
        Language::Fr => format!("JSON incorrect, ligne {line}, colonne {column} : {what}."),
        Language::En => format!("Not JSON, line {line}, column {column}: {reason}."),
    }
}

fn wrong_type((expected, found): (JsonType, JsonType), language: Language) -> String {
    let [found, expected] = [found, expected].map(|kind| json_type(kind, language));
    capital(&match language {
        Language::Fr => format!("{found} au lieu {}.", french_of(expected)),
        Language::En => format!("{found} instead of {expected}."),
    })
}

/// The words that a field takes.
fn of_values(allowed: &[&str], language: Language) -> String {
    let (french, english) = match allowed {
        [] => (
            "Cette liste ou ce segment n'existe pas, ou plus.".to_owned(),
            "There is no such list or segment, or no longer.".to_owned(),
        ),
        [id] if id.ends_with("_…") => (
            format!("Attendu : un identifiant qui existe, {id}"),
            format!("Expected the id of what there is, {id}"),
        ),
        [one] => (
            format!("Seule valeur acceptée : {one}."),
            format!("The only value accepted: {one}."),
        ),
        several => {
            let words = several.join(", ");
            (
                format!("Valeurs acceptées : {words}."),
                format!("Accepted values: {words}."),
            )
        }
    };
    choose(language, &french, &english).to_owned()
}

fn not_one_of(problem: &FieldProblem, language: Language) -> String {
    let FieldProblem::NotOneOf { name, nearest, allowed } = problem else {
        return String::new();
    };
    let allowed = allowed.join(", ");
    match language {
        Language::Fr => {
            let start = with_guess(&format!("« {name} » n'est pas connu"), nearest, language);
            format!("{start} Acceptés : {allowed}.")
        }
        Language::En => {
            let start = with_guess(&format!("\"{name}\" is not known"), nearest, language);
            format!("{start} Accepted: {allowed}.")
        }
    }
}

/// A merge field that is none, with the columns that there are where these are known.
fn of_merge_field(problem: &FieldProblem, language: Language) -> String {
    if let FieldProblem::BrokenMergeField { near } = problem {
        return match language {
            Language::Fr => format!(
                "Champ de fusion incomplet, ou avec un autre dans ce qui le remplace : « {near} » (pour un crochet, écrivez [[)."
            ),
            Language::En => format!(
                "Incomplete merge field, or one with another in its fallback: \"{near}\" (for a bracket, write [[)."
            ),
        };
    }
    let FieldProblem::UnknownMergeField {
        name,
        nearest,
        columns,
        french,
    } = problem
    else {
        return String::new();
    };
    let columns: &[String] = match language {
        Language::Fr if !french.is_empty() => french,
        Language::Fr | Language::En => columns,
    };
    let start = match language {
        Language::Fr => format!("Aucune colonne ne s'appelle « {name} » (pour un crochet, écrivez [[)"),
        Language::En => format!("There is no column \"{name}\" (for a bracket, write [[)"),
    };
    with_columns(&with_guess(&start, nearest, language), columns, language)
}

const fn expected_words(expected: Expected, language: Language) -> &'static str {
    let (french, english) = match expected {
        Expected::Month => (
            "Attendu : un mois, par exemple 2026-10.",
            "Expected a month such as 2026-10.",
        ),
        Expected::IpAddress => (
            "Attendu : une adresse IPv4 ou IPv6, par exemple 192.0.2.7 ou 2001:db8::7.",
            "Expected an IPv4 or IPv6 address such as 192.0.2.7 or 2001:db8::7.",
        ),
        Expected::Cursor => (
            "Attendu : le next_cursor de la page d'avant.",
            "Expected the next_cursor of the page before.",
        ),
        Expected::KnownContact => ("Attendu : un contact qui existe.", "Expected a contact that is known."),
        Expected::PlanOfNumber => (
            "Attendu : un plan de rappels dont l'expéditeur est ce numéro.",
            "Expected a plan whose sender is the number.",
        ),
        Expected::TenantOfNumber => (
            "Attendu : un client à qui est ce numéro.",
            "Expected a tenant that has the number.",
        ),
    };
    choose(language, french, english)
}

fn of_character(forbidden: Forbidden, language: Language) -> String {
    let (french, english) = match forbidden {
        Forbidden::Control {
            letter: '\n' | '\r',
            place,
        } => (
            format!("Sans retour à la ligne (caractère {place})."),
            format!("Without line breaks (character {place})."),
        ),
        Forbidden::Control { letter, place } => {
            let code = u32::from(letter);
            (
                format!("Sans caractère de contrôle (U+{code:04X}, caractère {place})."),
                format!("Without control characters (U+{code:04X}, character {place})."),
            )
        }
        Forbidden::Signs(signs) => {
            let signs: Vec<&str> = signs.split(' ').collect();
            (
                format!("Sans {}.", signs.join(" ni ")),
                format!("Without {}.", signs.join(" and ")),
            )
        }
    };
    match language {
        Language::Fr => french,
        Language::En => english,
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
        UrlProblem::NotAPage { max } => (
            format!("Une adresse en http ou https, comme https://exemple.fr/rdv : au plus {max} caractères."),
            format!("Expected a URL with http or https such as https://example.net/rdv: at most {max} characters."),
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

/// In French, and in English: what is no rule by which days recur; `part`: what is not understood of it, if something is not.
fn no_rule(part: &str) -> (String, String) {
    let (french, english) = match part {
        "" => (String::new(), String::new()),
        part => (
            format!("« {part} » n'est pas compris, seul ou avec le reste. "),
            format!("\"{part}\" is not understood, by itself or beside the rest. "),
        ),
    };
    (
        format!("{french}Une règle RRULE de ce sous-ensemble : {RULE_ALLOWED_FRENCH}."),
        format!("{english}Expected an RRULE of this subset: {RULE_ALLOWED}."),
    )
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
            "Doit être passé, et non à venir.".to_owned(),
            "Must be over, and not to come.".to_owned(),
        ),
        DateProblem::InvalidInstant => (
            "Une date et une heure avec leur décalage, par exemple 2026-12-24T18:00:00+01:00.".to_owned(),
            "Expected a time with its offset, such as 2026-12-24T18:00:00+01:00.".to_owned(),
        ),
        DateProblem::AfterExpiry { expires_at } => (
            format!(
                "Expire le {} : le lancement doit être avant.",
                expires_at.words(Language::Fr)
            ),
            format!(
                "Expires at {}: the launch has to be before.",
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
        DateProblem::InvalidRecurrence { part } => no_rule(part),
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

/// Which columns there are, behind a sentence.
fn with_columns(sentence: &str, columns: &[String], language: Language) -> String {
    if columns.is_empty() {
        let none = choose(language, "Il n'y a aucune colonne.", "There are no columns.");
        return format!("{sentence} {none}");
    }
    let begin = choose(language, "Colonnes : ", "Columns: ");
    let shown = columns.get(..COLUMNS_SHOWN).unwrap_or(columns).join(", ");
    let more = if columns.len() > COLUMNS_SHOWN { ", …" } else { "." };
    format!("{sentence} {begin}{shown}{more}")
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
    use crate::domain::{LocalMoment, UnixMicros};
    use crate::fault::WordingProblem;
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
    fn what_is_allowed_is_told_as_it_is() {
        for (problem, french) in [
            (
                FieldProblem::Expected(Expected::Month),
                "Attendu : un mois, par exemple 2026-10.",
            ),
            (
                FieldProblem::Expected(Expected::IpAddress),
                "Attendu : une adresse IPv4 ou IPv6, par exemple 192.0.2.7 ou 2001:db8::7.",
            ),
            (
                FieldProblem::TooDeep { max: 8 },
                "Trop imbriqué : au plus 8 niveaux l'un dans l'autre.",
            ),
            (
                FieldProblem::UnknownValue { allowed: &["lst_…"] },
                "Attendu : un identifiant qui existe, lst_…",
            ),
            (
                Forbidden::check("Zo\0é", &[]).unwrap_err(),
                "Sans caractère de contrôle (U+0000, caractère 3).",
            ),
            (
                Forbidden::check("Zoé\n", &[]).unwrap_err(),
                "Sans retour à la ligne (caractère 4).",
            ),
            (
                FieldProblem::ForbiddenCharacter(Forbidden::Signs("\" |")),
                "Sans \" ni |.",
            ),
        ] {
            assert_eq!(fr(problem.clone()), french);
            assert_ne!(en(problem), french);
        }
        let domain = "l.cabinet.fr".to_owned();
        assert!(
            fr(WordingProblem::OwnShortDomain { domain })
                .starts_with("l.cabinet.fr est le domaine de vos liens courts")
        );
        assert_eq!(FieldProblem::Expected(Expected::Month).code(), "unknown_value");
        assert_eq!(Forbidden::check("Zoé\n", &['\n']), Ok(()));
    }

    #[test]
    fn what_there_is_to_choose_from_is_named() {
        let missing = FieldProblem::MissingOneOf {
            fields: &["value", "hex"],
        };
        assert_eq!(fr(missing.clone()), "Il faut un de ces champs : value, hex.");
        let unknown = |nearest: Option<&str>, columns: &[&str]| FieldProblem::UnknownMergeField {
            name: "Inconnu".to_owned(),
            nearest: nearest.map(str::to_owned),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            french: Box::default(),
        };
        let start = "Aucune colonne ne s'appelle « Inconnu » (pour un crochet, écrivez [[)";
        assert_eq!(
            fr(unknown(None, &["Nom", "Prenom"])),
            format!("{start}. Colonnes : Nom, Prenom.")
        );
        assert_eq!(
            fr(unknown(Some("Nom"), &["Nom"])),
            format!("{start} ; vouliez-vous dire « Nom » ? Colonnes : Nom.")
        );
        assert_eq!(fr(unknown(None, &[])), format!("{start}. Il n'y a aucune colonne."));
        let of_contacts = FieldProblem::UnknownMergeField {
            name: "Inconnu".to_owned(),
            nearest: None,
            columns: ["first_name".to_owned()].into(),
            french: Box::new(["prenom".to_owned()]),
        };
        assert_eq!(fr(of_contacts.clone()), format!("{start}. Colonnes : prenom."));
        assert!(en(of_contacts).ends_with("Columns: first_name."));
        let column = FieldProblem::NotOneOf {
            name: "phone".to_owned(),
            nearest: None,
            allowed: &["reference", "number"],
        };
        assert_eq!(
            fr(column.clone()),
            "« phone » n'est pas connu. Acceptés : reference, number."
        );
        // As refusals have always called them.
        let (left, named) = (FieldProblem::NobodyLeft, FieldProblem::NamedByAutomation);
        let codes =
            [missing, unknown(None, &[]), column, FieldProblem::Nobody, left, named].map(|problem| problem.code());
        let empty = ["empty", "empty", "not_beside"];
        assert_eq!(codes[..3], ["missing", "unknown_merge_field", "unknown_field"]);
        assert_eq!(codes[3..], empty);
        assert!(codes.iter().all(|code| FieldProblem::codes().contains(code)));
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
        let recurrence = |part: &str| DateProblem::InvalidRecurrence { part: part.to_owned() };
        let rule = fr(recurrence("BYSETPOS=1"));
        assert!(
            rule.starts_with("« BYSETPOS=1 » n'est pas compris, seul ou avec le reste. Une règle"),
            "{rule}"
        );
        assert!(rule.contains("-1 pour le dernier") && !rule.contains("last"), "{rule}");
        assert!(en(recurrence("")).starts_with("Expected") && en(recurrence("")).contains("-1 the last"));
        let time_zone = "Europe/Paris".to_owned();
        let local = fr(DateProblem::InvalidLocalTime { time_zone });
        assert!(local.ends_with("à l'heure d'Europe/Paris."), "{local}");
        assert_eq!(fr(FieldProblem::TooMany { max: 1 }), "Un seul est accepté.");
        // 2026-12-07T07:00:00Z.
        let expires_at = LocalMoment::by(UnixMicros(1_796_626_800_000_000), "Europe/Paris");
        assert_eq!(
            fr(DateProblem::AfterExpiry { expires_at }),
            "Expire le 07/12/2026 à 08 h 00 : le lancement doit être avant."
        );
    }
}
