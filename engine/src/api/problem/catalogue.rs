//! What people read of a refusal, in French and in English.

use crate::domain::Language;
use crate::fault::{DateProblem, FieldProblem, JsonType, UrlProblem, WordingProblem};
use crate::hours::INSTANT_ALLOWED;

use super::kind::{Full, ProblemCode, ProblemKind};
use super::sheets;

/// Whether the request has the documented shape and only this value is not allowed.
pub(super) const fn is_of_value(problem: &FieldProblem) -> bool {
    match problem {
        FieldProblem::InvalidJson { .. }
        | FieldProblem::UnknownField { .. }
        | FieldProblem::DuplicateField
        | FieldProblem::Missing
        | FieldProblem::WrongType { .. } => false,
        FieldProblem::Empty
        | FieldProblem::TooLong { .. }
        | FieldProblem::TooMany { .. }
        | FieldProblem::TooManyLines { .. }
        | FieldProblem::UnknownValue { .. }
        | FieldProblem::InvalidDirectives { .. }
        | FieldProblem::InvalidTime
        | FieldProblem::InvalidDay
        | FieldProblem::ForbiddenCharacter
        | FieldProblem::MissingBeside { .. }
        | FieldProblem::NotBeside { .. }
        | FieldProblem::Sheet(_)
        | FieldProblem::Date(_)
        | FieldProblem::OutOfRange { .. }
        | FieldProblem::UnknownMergeField { .. }
        | FieldProblem::BrokenMergeField { .. }
        | FieldProblem::Wording(_)
        | FieldProblem::InvalidSender
        | FieldProblem::NotANetwork
        | FieldProblem::InvalidTimeOfDay
        | FieldProblem::NotBehind { .. }
        | FieldProblem::InvalidPattern
        | FieldProblem::NotOwnNumber
        | FieldProblem::MeansOptOut
        | FieldProblem::NotANumber
        | FieldProblem::InvalidNumber
        | FieldProblem::NotMobile
        | FieldProblem::CountryNotAllowed
        | FieldProblem::UnknownCountry
        | FieldProblem::UnknownReseller
        | FieldProblem::NotAscii { .. }
        | FieldProblem::InvalidHexadecimal
        | FieldProblem::InvalidTag
        | FieldProblem::ReceiverOnly
        | FieldProblem::Url(_)
        | FieldProblem::LostDigits => true,
    }
}

/// The kind of problem in a few words.
pub(crate) const fn title(code: ProblemCode, language: Language) -> &'static str {
    let (french, english) = match code {
        ProblemCode::InvalidRequest => ("Requête incorrecte", "Invalid request"),
        ProblemCode::InvalidFields => ("Champs incorrects", "Invalid fields"),
        ProblemCode::Unauthorized => ("Clé absente ou inconnue", "Missing or unknown key"),
        ProblemCode::KeyExpired => ("Clé expirée", "The key has expired"),
        ProblemCode::Forbidden => ("Accès refusé", "Forbidden"),
        ProblemCode::AddressNotAllowed => ("Adresse non autorisée", "Address not allowed"),
        ProblemCode::RoleNotAllowed => ("Rôle insuffisant", "Role not allowed"),
        ProblemCode::TenantSuspended => ("Compte suspendu", "The account is suspended"),
        ProblemCode::NotFound => ("Introuvable", "Not found"),
        ProblemCode::MethodNotAllowed => ("Méthode non autorisée", "Method not allowed"),
        ProblemCode::InsufficientCredit => ("Solde insuffisant", "Insufficient credit"),
        ProblemCode::DailyMaxReached => ("Maximum du jour atteint", "The day's maximum is reached"),
        ProblemCode::AlreadyStarted => ("Campagne déjà lancée", "Campaign already started"),
        ProblemCode::InvalidIdempotencyKey => ("Clé d'idempotence incorrecte", "Invalid idempotency key"),
        ProblemCode::OperationRunning => ("Opération en cours", "Operation running"),
        ProblemCode::IdempotencyKeyReused => ("Clé d'idempotence déjà utilisée", "Idempotency key reused"),
        ProblemCode::EmptyAudience => ("Aucun destinataire", "Empty audience"),
        ProblemCode::WrongState => ("Impossible dans cet état", "Not possible in this state"),
        ProblemCode::TextsErased => ("Textes effacés", "Texts erased"),
        ProblemCode::TextsInUse => ("Textes encore utiles", "Texts in use"),
        ProblemCode::NumberNotOwn => ("Numéro d'un autre", "Not your number"),
        ProblemCode::RequestAnswered => ("Demande déjà traitée", "Request already answered"),
        ProblemCode::MessagesUnderWay => ("Messages en cours", "Messages under way"),
        ProblemCode::ScheduleOutsideWindow => ("Hors des heures d'envoi", "Outside the hours of sending"),
        ProblemCode::RequestTimeout => ("Requête trop lente", "Request timeout"),
        ProblemCode::BodyTooLarge => ("Requête trop volumineuse", "Body too large"),
        ProblemCode::TooManyRecipients => ("Trop de destinataires", "Too many recipients"),
        ProblemCode::UnsupportedMediaType => ("Type de contenu non pris en charge", "Unsupported media type"),
        ProblemCode::TooManyRequests => ("Trop de requêtes", "Too many requests"),
        ProblemCode::Internal => ("Erreur interne", "Internal error"),
        ProblemCode::IntakeClosed => ("Envois momentanément fermés", "Not accepting new messages for now"),
        ProblemCode::DatabaseLost => ("Base de données perdue", "The database is lost"),
        ProblemCode::NotReady => ("Pas prêt", "Not ready"),
        ProblemCode::ReloadRefused => ("Configuration refusée", "Configuration refused"),
        ProblemCode::Unavailable => ("Momentanément indisponible", "Temporarily unavailable"),
    };
    choose(language, french, english)
}

// In French and in English.
const KEY_INVALID: (&str, &str) = (
    "Idempotency-Key : une seule fois, 1 à 255 caractères ASCII visibles sans guillemet ni barre oblique inverse.",
    "Idempotency-Key: once, 1 to 255 visible ASCII characters without quotes and backslashes.",
);
const KEY_RUNNING: (&str, &str) = (
    "Une requête portant cette clé est en cours : réessayez après le délai de l'en-tête Retry-After.",
    "A request with this key is still running: try again after the delay in the Retry-After header.",
);
const KEY_REUSED: (&str, &str) = (
    "Cette clé a déjà servi pour une autre requête : prenez-en une nouvelle.",
    "This key was used for another request: use a new one.",
);
const DATABASE_LOST: (&str, &str) = (
    "Les données de ce serveur ne sont plus celles qu'il avait : l'exploitant doit intervenir.",
    "This server no longer has the data that it had: the operator has to step in.",
);
const REQUEST_INVALID: (&str, &str) = (
    "La requête n'a pas la forme attendue : voir « errors ».",
    "The request does not have the expected shape: see \"errors\".",
);
const FIELDS_INVALID: (&str, &str) = (
    "Certaines valeurs ne sont pas acceptées : voir « errors ».",
    "Some values are not accepted: see \"errors\".",
);
const TEXTS_ERASED: (&str, &str) = (
    "Les textes de cette campagne ont été effacés : il faut en créer une nouvelle.",
    "The texts of this campaign were erased: make a new one.",
);
const NUMBER_NOT_OWN: (&str, &str) = (
    "Le numéro de cette conversation n'est pas ou plus le vôtre : on ne peut pas en écrire.",
    "The number of this conversation is not yours, or not any more: nothing can be sent from it.",
);
const REQUEST_ANSWERED: (&str, &str) = (
    "Cette demande a déjà reçu une réponse.",
    "This request was answered before.",
);
const TEXTS_IN_USE: (&str, &str) = (
    "Des campagnes de ce client sont programmées ou en cours : arrêtez-les d'abord.",
    "Campaigns of this tenant are planned or under way: stop them first.",
);
const UNAUTHORIZED: (&str, &str) = (
    "Envoyez une clé valable dans l'en-tête Authorization: Bearer.",
    "Send a valid key in the header \"Authorization: Bearer …\".",
);
const KEY_EXPIRED: (&str, &str) = (
    "Cette clé n'est plus valable : demandez-en une nouvelle.",
    "This key is not valid any more: ask for a new one.",
);
const ADDRESS_NOT_ALLOWED: (&str, &str) = (
    "Cette clé n'est pas valable depuis cette adresse.",
    "This key is not valid from this address.",
);
const EMPTY_AUDIENCE: (&str, &str) = (
    "Aucun des destinataires n'a de numéro de mobile valable.",
    "None of the recipients is a mobile number that can be sent to.",
);
const METHOD_NOT_ALLOWED: (&str, &str) = (
    "Cette adresse n'accepte pas cette méthode.",
    "This address does not accept this method.",
);
const UNAVAILABLE: (&str, &str) = (
    "Réessayez après le délai de l'en-tête Retry-After.",
    "Try again after the delay in the Retry-After header.",
);
const REQUEST_LATE: (&str, &str) = (
    "La requête n'est pas arrivée à temps.",
    "The request did not arrive in time.",
);
const NOT_FOUND: (&str, &str) = (
    "Rien n'existe à cette adresse pour cette clé.",
    "Nothing exists at this address for this key.",
);

/// What is wrong this time, and what to do.
pub(super) fn detail(kind: &ProblemKind, language: Language) -> String {
    let fr = matches!(language, Language::Fr);
    let fixed = match kind {
        ProblemKind::InsufficientCredit { available, needed } if fr => {
            return format!("Il faut {needed} crédits, le solde disponible est de {available}.");
        }
        ProblemKind::InsufficientCredit { available, needed } => {
            return format!("{needed} credits are needed, {available} are available.");
        }
        ProblemKind::DailyMaxReached {
            most,
            left,
            next_open_at,
            ..
        } => return day_is_full((*most, *left, next_open_at), language),
        ProblemKind::AlreadyStarted { state } | ProblemKind::WrongState { state } if fr => {
            return format!("L'état actuel est « {state} ».");
        }
        ProblemKind::AlreadyStarted { state } | ProblemKind::WrongState { state } => {
            return format!("The current state is \"{state}\".");
        }
        ProblemKind::MessagesUnderWay { messages } => return under_way(*messages, language),
        ProblemKind::ScheduleOutsideWindow { next_open_at } if fr => {
            return format!(
                "Un message publicitaire ne peut pas partir à cette heure ; il le peut à partir de {next_open_at}."
            );
        }
        ProblemKind::ScheduleOutsideWindow { next_open_at } => {
            return format!("Advertising may not go at that time; it may from {next_open_at} on.");
        }
        ProblemKind::BodyTooLarge { max } if fr => return format!("Au plus {max} octets sont acceptés."),
        ProblemKind::BodyTooLarge { max } => return format!("At most {max} bytes are accepted."),
        ProblemKind::TooManyRecipients { max } if fr => {
            return format!("Une campagne compte au plus {max} destinataires.");
        }
        ProblemKind::TooManyRecipients { max } => return format!("A campaign has at most {max} recipients."),
        ProblemKind::InvalidIdempotencyKey => KEY_INVALID,
        ProblemKind::OperationRunning { .. } => KEY_RUNNING,
        ProblemKind::IdempotencyKeyReused => KEY_REUSED,
        ProblemKind::EmptyAudience => EMPTY_AUDIENCE,
        ProblemKind::TextsErased => TEXTS_ERASED,
        ProblemKind::TextsInUse => TEXTS_IN_USE,
        ProblemKind::NumberNotOwn => NUMBER_NOT_OWN,
        ProblemKind::RequestAnswered => REQUEST_ANSWERED,
        // For operators, in the words of the log.
        ProblemKind::NotReady { reasons: why } | ProblemKind::ReloadRefused { why } => return why.clone(),
        ProblemKind::IntakeClosed { .. } => (
            "Rien de nouveau n'est accepté pour le moment : réessayez après le délai de l'en-tête Retry-After.",
            "New messages are not accepted for now: try again after the delay in the Retry-After header.",
        ),
        ProblemKind::DatabaseLost { .. } => DATABASE_LOST,
        ProblemKind::InvalidRequest => REQUEST_INVALID,
        ProblemKind::InvalidFields => FIELDS_INVALID,
        ProblemKind::Unauthorized => UNAUTHORIZED,
        ProblemKind::KeyExpired => KEY_EXPIRED,
        ProblemKind::AddressNotAllowed => ADDRESS_NOT_ALLOWED,
        ProblemKind::RoleNotAllowed { needed, has } => return role_not_allowed((*needed, *has), language),
        ProblemKind::TenantSuspended { reason } if fr => return format!("Rien de nouveau n'est accepté : {reason}"),
        ProblemKind::TenantSuspended { reason } => return format!("Nothing new is taken: {reason}"),
        ProblemKind::Forbidden => ("Cette clé ne donne pas ce droit.", "This key does not allow that."),
        ProblemKind::NotFound => NOT_FOUND,
        ProblemKind::MethodNotAllowed => METHOD_NOT_ALLOWED,
        ProblemKind::RequestTimeout => REQUEST_LATE,
        ProblemKind::UnsupportedMediaType { allowed } if fr => return format!("Envoyez {}.", allowed.join(" ou ")),
        ProblemKind::UnsupportedMediaType { allowed } => return format!("Send {}.", allowed.join(" or ")),
        ProblemKind::TooManyRequests { full, .. } => return too_many(*full, language),
        ProblemKind::Unavailable { .. } => UNAVAILABLE,
        ProblemKind::Internal => (
            "L'incident est consigné sous l'identifiant de la requête.",
            "The incident is logged under the request's id.",
        ),
    };
    choose(language, fixed.0, fixed.1).to_owned()
}

fn under_way(messages: u64, language: Language) -> String {
    match language {
        Language::Fr => format!(
            "Messages à cette personne en cours : {messages}. Réessayez quand ils auront abouti, ou arrêtez-les."
        ),
        Language::En => {
            format!("Messages to this person under way: {messages}. Try again when they have ended, or stop them.")
        }
    }
}

fn day_is_full((most, left, next): (u32, u64, &str), language: Language) -> String {
    match language {
        Language::Fr => format!(
            "Au plus {most} messages par jour sont acceptés ; il en reste {left} aujourd'hui, les suivants le seront à partir de {next}."
        ),
        Language::En => {
            format!(
                "At most {most} messages a day are taken; {left} are left today, and more are taken from {next} on."
            )
        }
    }
}

fn role_not_allowed((needed, has): (&str, &str), language: Language) -> String {
    match language {
        Language::Fr => format!("Il faut une clé de rôle « {needed} » ; celle-ci a le rôle « {has} »."),
        Language::En => format!("This takes a key with the role \"{needed}\"; this one has \"{has}\"."),
    }
}

fn too_many(full: Full, language: Language) -> String {
    let (french, english) = match full {
        Full::Engine => (
            "Le serveur est occupé : réessayez après le délai de l'en-tête Retry-After.".to_owned(),
            "The server is busy: try again after the delay in the Retry-After header.".to_owned(),
        ),
        Full::TenantRequests(max) => (
            format!("Au plus {max} requêtes d'un même client à la fois (tenant_requests_max)."),
            format!("At most {max} concurrent requests per tenant (tenant_requests_max)."),
        ),
        Full::TenantUploads(max) => (
            format!("Au plus {max} campagnes d'un même client en cours d'envoi (tenant_uploads_max)."),
            format!("At most {max} campaigns of one tenant being uploaded at once (tenant_uploads_max)."),
        ),
        Full::TenantStreams(max) => (
            format!("Au plus {max} flux d'événements d'un même client à la fois."),
            format!("At most {max} concurrent streams of events per tenant."),
        ),
        Full::TenantImports => (
            "Un fichier de ce client est déjà en cours d'importation : réessayez quand il est fini.".to_owned(),
            "A file of this tenant is being imported: try again when that has ended.".to_owned(),
        ),
        Full::AddressRequests(max) => (
            format!("Au plus {max} requêtes d'une même adresse à la fois (address_connections_max)."),
            format!("At most {max} concurrent requests per address (address_connections_max)."),
        ),
        Full::AddressForms(max) => (
            format!(
                "{max} formulaires ont été envoyés de cette adresse : réessayez après le délai de l'en-tête Retry-After."
            ),
            format!("{max} forms were sent from this address: try again after the delay in the Retry-After header."),
        ),
        Full::WrongKeys(max) => (
            format!(
                "{max} clés inconnues sont venues de cette adresse (wrong_keys_max) : réessayez après le délai de l'en-tête \
                 Retry-After."
            ),
            format!(
                "{max} unknown keys came from this address (wrong_keys_max): try again after the delay in the Retry-After \
                 header."
            ),
        ),
    };
    match language {
        Language::Fr => french,
        Language::En => english,
    }
}

/// What is wrong with a field, and what is allowed.
pub(crate) fn field_detail(problem: &FieldProblem, language: Language) -> String {
    match language {
        Language::Fr => french(problem),
        Language::En => english(problem),
    }
}

fn french(problem: &FieldProblem) -> String {
    match problem {
        FieldProblem::InvalidJson { line, column, reason } => {
            format!("JSON incorrect, ligne {line}, colonne {column} : {reason}.")
        }
        FieldProblem::UnknownField { nearest } => with_guess("Champ inconnu", nearest, Language::Fr),
        FieldProblem::DuplicateField => "Champ en double.".to_owned(),
        FieldProblem::Missing => "Champ obligatoire.".to_owned(),
        FieldProblem::WrongType { expected, found } => {
            let [found, expected] = [found, expected].map(|kind| json_type(*kind, Language::Fr));
            format!("{found} au lieu de {expected}.")
        }
        FieldProblem::Empty => "Ne doit pas être vide.".to_owned(),
        FieldProblem::TooLong { max, given } => format!("{given} caractères : au plus {max} sont acceptés."),
        FieldProblem::TooMany { max } => format!("Au plus {max} sont acceptés."),
        FieldProblem::TooManyLines { max } => {
            format!("Cela fait plus de {max} lignes : une période plus courte, ou un autre regroupement.")
        }
        FieldProblem::UnknownValue { allowed } => format!("Valeurs acceptées : {}.", allowed.join(", ")),
        FieldProblem::InvalidTime => {
            "Une date et une heure, par exemple 2026-07-14T10:00+02:00, ou 2026-07-14T10:00 à l'heure du destinataire."
                .to_owned()
        }
        FieldProblem::InvalidDay => {
            "Un jour, par exemple 2026-07-14 ou, dans un filtre, today, -6 months ou +10 days.".to_owned()
        }
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
        FieldProblem::NotANetwork => {
            "Attendu : une adresse IP ou un réseau, par exemple 192.0.2.7 ou 2001:db8::/48.".to_owned()
        }
        FieldProblem::InvalidTimeOfDay => "Attendu : une heure, par exemple 08:30.".to_owned(),
        FieldProblem::NotBehind { field } => format!("Doit venir après {field}."),
        FieldProblem::InvalidPattern => "Ce n'est pas une expression régulière, ou elle est trop lourde.".to_owned(),
        FieldProblem::NotOwnNumber => "Ce n'est pas un de vos numéros : GET /v1/numbers les donne.".to_owned(),
        FieldProblem::MeansOptOut => "Ce mot désinscrit toujours : aucune règle n'y répond.".to_owned(),
        FieldProblem::NotANumber => "Ce n'est pas un numéro de téléphone.".to_owned(),
        FieldProblem::InvalidNumber => "Ce numéro n'existe pas.".to_owned(),
        FieldProblem::NotMobile => "Ce numéro n'est pas un mobile.".to_owned(),
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
        FieldProblem::ReceiverOnly => {
            "Ce SMSC ne fait que recevoir (bind = \"receiver\") : rien ne lui est soumis.".to_owned()
        }
        FieldProblem::Url(problem) => of_url(problem, Language::Fr),
        FieldProblem::LostDigits => "Excel a perdu des chiffres : formatez la colonne en Texte.".to_owned(),
    }
}

fn english(problem: &FieldProblem) -> String {
    match problem {
        FieldProblem::InvalidJson { line, column, reason } => {
            format!("Not JSON, line {line}, column {column}: {reason}.")
        }
        FieldProblem::UnknownField { nearest } => with_guess("Unknown field", nearest, Language::En),
        FieldProblem::DuplicateField => "Duplicate field.".to_owned(),
        FieldProblem::Missing => "Required.".to_owned(),
        FieldProblem::WrongType { expected, found } => {
            format!("{} instead of {}.", json_type(*found, Language::En), json_type(*expected, Language::En))
        }
        FieldProblem::Empty => "Must not be empty.".to_owned(),
        FieldProblem::TooLong { max, given } => format!("{given} characters: at most {max} are accepted."),
        FieldProblem::TooMany { max } => format!("At most {max} are accepted."),
        FieldProblem::TooManyLines { max } => {
            format!("That makes more than {max} lines: a shorter time, or put together by something else.")
        }
        FieldProblem::UnknownValue { allowed } => format!("Accepted values: {}.", allowed.join(", ")),
        FieldProblem::InvalidTime => format!("Expected {INSTANT_ALLOWED}."),
        FieldProblem::InvalidDay => {
            "Expected a day such as 2026-07-14 or, in a filter, today, -6 months or +10 days.".to_owned()
        }
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
        FieldProblem::NotBehind { field } => format!("Has to be behind {field}."),
        FieldProblem::InvalidPattern => "Not a regular expression, or one that takes too much.".to_owned(),
        FieldProblem::NotOwnNumber => "Not one of your numbers: GET /v1/numbers lists them.".to_owned(),
        FieldProblem::MeansOptOut => "This word always opts out: no rule answers it.".to_owned(),
        FieldProblem::NotANumber => "Not a phone number.".to_owned(),
        FieldProblem::InvalidNumber => "This number does not exist.".to_owned(),
        FieldProblem::NotMobile => "Not a mobile number.".to_owned(),
        FieldProblem::CountryNotAllowed => "Numbers of this country are not accepted.".to_owned(),
        FieldProblem::UnknownReseller => "The id of a reseller is expected, res_…; with a key of its own, its own.".to_owned(),
        FieldProblem::UnknownCountry => "The two letters of a country are expected, such as FR.".to_owned(),
        FieldProblem::NotAscii { max } => format!("At most {max} ASCII characters are accepted."),
        FieldProblem::InvalidHexadecimal => "Up to 255 octets in hexadecimal are expected, such as 31303100.".to_owned(),
        FieldProblem::InvalidTag => {
            "A tag from 1 to 65535 is expected, or one such as \"0x1400\"; each once, and none of SAR or message_payload.".to_owned()
        }
        FieldProblem::ReceiverOnly => {
            "This SMSC only receives (bind = \"receiver\"): nothing is submitted to it.".to_owned()
        }
        FieldProblem::Url(problem) => of_url(problem, Language::En),
        FieldProblem::LostDigits => "A spreadsheet lost digits of this number: format the column as text.".to_owned(),
    }
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
                "Une date et une heure, par exemple 2026-12-24T09:00+01:00, ou 2026-12-24T09:00 à l'heure de {time_zone}."
            ),
            format!(
                "Expected a time such as 2026-12-24T09:00+01:00, or 2026-12-24T09:00 by the clocks of {time_zone}."
            ),
        ),
        DateProblem::InvalidInstant => (
            "Une date et une heure avec leur décalage, par exemple 2026-12-24T18:00:00+01:00.".to_owned(),
            "Expected a time with its offset, such as 2026-12-24T18:00:00+01:00.".to_owned(),
        ),
        DateProblem::AfterExpiry { expires_at } => (
            format!("La campagne expire à {expires_at} : son lancement doit être avant."),
            format!("The campaign expires at {expires_at}: it has to be launched before."),
        ),
        DateProblem::SkippedTime { time_zone } => (
            format!("Cette heure n'existe pas : cette nuit-là, les horloges avancent ({time_zone})."),
            format!("This time does not exist: the clocks of {time_zone} are put forward over it."),
        ),
        DateProblem::NotAhead { days } => (
            format!("Doit être à venir, dans {days} jours au plus."),
            format!("Must be in the future, at most {days} days ahead."),
        ),
        DateProblem::InvalidRecurrence { allowed } => (
            format!("Une règle RRULE de ce sous-ensemble : {allowed}."),
            format!("Expected an RRULE of this subset: {allowed}."),
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
        WordingProblem::ConsentRequired => (
            "Le consentement est exigé pour la publicité : désignez des contacts (filter, lists, segments).".to_owned(),
            "Consent is required for advertising: name contacts (filter, lists, segments).".to_owned(),
        ),
        WordingProblem::CodesMissing { missing } => (
            format!("Il manque {missing} codes dans la réserve : ajoutez-en, ou visez moins de monde."),
            format!("{missing} codes are missing in the pool: add some, or mean fewer people."),
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

const fn choose<'a>(language: Language, french: &'a str, english: &'a str) -> &'a str {
    match language {
        Language::Fr => french,
        Language::En => english,
    }
}
