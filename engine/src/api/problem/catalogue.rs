//! What people read of a refusal, in French and in English.

use crate::domain::{Language, LocalMoment};
use crate::fault::FieldProblem;

use super::cause::Cause;
use super::field_words::choose;
use super::kind::{Barred, Full, ProblemCode, ProblemKind};

/// Whether the request has the documented shape and only this value is not allowed.
pub(super) const fn is_of_value(problem: &FieldProblem) -> bool {
    match problem {
        FieldProblem::InvalidJson { .. }
        | FieldProblem::NotUtf8 { .. }
        | FieldProblem::UnknownField { .. }
        | FieldProblem::DuplicateField
        | FieldProblem::Missing
        | FieldProblem::MissingOneOf { .. }
        | FieldProblem::NotOneOf { .. }
        | FieldProblem::WrongType { .. } => false,
        FieldProblem::Empty
        | FieldProblem::Nobody
        | FieldProblem::NobodyLeft
        | FieldProblem::UnknownMergeField { .. }
        | FieldProblem::Twice
        | FieldProblem::NotLater { .. }
        | FieldProblem::TooLong { .. }
        | FieldProblem::TooMany { .. }
        | FieldProblem::TooDeep { .. }
        | FieldProblem::TooManyLines { .. }
        | FieldProblem::UnknownValue { .. }
        | FieldProblem::InvalidDirectives { .. }
        | FieldProblem::InvalidTime
        | FieldProblem::InvalidDay
        | FieldProblem::Money(_)
        | FieldProblem::ForbiddenCharacter(_)
        | FieldProblem::Expected(_)
        | FieldProblem::MissingBeside { .. }
        | FieldProblem::NotBeside { .. }
        | FieldProblem::NamedByAutomation
        | FieldProblem::Sheet(_)
        | FieldProblem::Date(_)
        | FieldProblem::OutOfRange { .. }
        | FieldProblem::BrokenMergeField { .. }
        | FieldProblem::Wording(_)
        | FieldProblem::InvalidSender
        | FieldProblem::NotANetwork
        | FieldProblem::InvalidTimeOfDay
        | FieldProblem::Reply(_)
        | FieldProblem::NotANumber
        | FieldProblem::InvalidNumber
        | FieldProblem::NotMobile
        | FieldProblem::CountryNotAllowed
        | FieldProblem::NotAGuest
        | FieldProblem::ReferenceTaken { .. }
        | FieldProblem::UnknownCountry
        | FieldProblem::UnknownReseller
        | FieldProblem::NotAscii { .. }
        | FieldProblem::InvalidHexadecimal
        | FieldProblem::InvalidTag
        | FieldProblem::InvalidRate
        | FieldProblem::ReceiverOnly
        | FieldProblem::Url(_)
        | FieldProblem::OfRecipients
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
        ProblemCode::ForeignSite => ("Page d'un autre site", "A page of another site"),
        ProblemCode::RoleNotAllowed => ("Rôle insuffisant", "Role not allowed"),
        ProblemCode::GuestsOnly => ("Invités seulement", "Guests only"),
        ProblemCode::TenantSuspended => ("Compte suspendu", "The account is suspended"),
        ProblemCode::NotFound => ("Introuvable", "Not found"),
        ProblemCode::MethodNotAllowed => ("Méthode non autorisée", "Method not allowed"),
        ProblemCode::InsufficientCredit => ("Solde insuffisant", "Insufficient credit"),
        ProblemCode::DailyMaxReached => ("Maximum du jour atteint", "The day's maximum is reached"),
        ProblemCode::AlreadyStarted => ("Campagne déjà lancée", "Campaign already started"),
        ProblemCode::InvalidIdempotencyKey => ("Clé d'idempotence incorrecte", "Invalid idempotency key"),
        ProblemCode::PreconditionFailed => ("Modifié entre-temps", "Changed meanwhile"),
        ProblemCode::OperationRunning => ("Opération en cours", "Operation running"),
        ProblemCode::IdempotencyKeyReused => ("Clé d'idempotence déjà utilisée", "Idempotency key reused"),
        ProblemCode::EmptyAudience => ("Aucun destinataire", "Empty audience"),
        ProblemCode::MessageWrongState => ("Message déjà parti", "Message sent already"),
        ProblemCode::WrongState => ("Impossible dans cet état", "Not possible in this state"),
        ProblemCode::NotADraft => ("Ce n'est plus un brouillon", "Not a draft any more"),
        ProblemCode::TextRejected => ("Texte refusé", "Text rejected"),
        ProblemCode::TrafficRejected => ("Envoi refusé", "Traffic rejected"),
        ProblemCode::TrafficInReview => ("Envoi à vérifier", "Traffic in review"),
        ProblemCode::TextsErased => ("Textes effacés", "Texts erased"),
        ProblemCode::TextsInUse => ("Textes encore utiles", "Texts in use"),
        ProblemCode::NumberNotOwn => ("Numéro d'un autre", "Not your number"),
        ProblemCode::RequestAnswered => ("Demande déjà traitée", "Request already answered"),
        ProblemCode::ShortDomainTaken => ("Domaine déjà utilisé", "Domain taken"),
        ProblemCode::NoSandbox => ("Pas de bac à sable", "No sandbox"),
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
const INTERNAL: (&str, &str) = (
    "L'incident est consigné sous l'identifiant de la requête.",
    "The incident is logged under the request's id.",
);
const GUESTS_ONLY: (&str, &str) = (
    "Cette clé d'équipe n'écrit qu'aux numéros de la liste d'invités, par messages et par campagnes faites avec une telle clé.",
    "This team key writes to the numbers of the guest list alone, by messages and by campaigns that were made with such a key.",
);
const NO_SANDBOX: (&str, &str) = (
    "Ce serveur n'a pas de simulateur : l'exploitant doit d'abord déclarer un [[smsc]] avec sandbox = true.",
    "This server has no simulator: the operator has to configure an [[smsc]] with sandbox = true first.",
);
const KEY_RUNNING: (&str, &str) = (
    "Une requête portant cette clé, ou modifiant la même chose avec If-Match, est en cours : réessayez après le délai de l'en-tête Retry-After.",
    "A request with this key, or one that changes the same with If-Match, is still running: try again after the delay in the Retry-After header.",
);
const CHANGED_MEANWHILE: (&str, &str) = (
    "Aucune étiquette de l'en-tête If-Match n'est celle de la version actuelle : relisez-la, puis recommencez.",
    "None of the tags in the If-Match header is that of the present version: look at it again, then decide.",
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
const TEXT_REJECTED: (&str, &str) = (
    "Votre revendeur a refusé ce texte.",
    "The reseller has rejected this text.",
);
const TRAFFIC_REJECTED: (&str, &str) = (
    "Votre revendeur a refusé les envois vers ces numéros.",
    "The reseller has rejected that you send to these numbers.",
);
const TRAFFIC_IN_REVIEW: (&str, &str) = (
    "Ces numéros sont inhabituels pour vous (pays nouveau, ou beaucoup de numéros qui se suivent) : votre revendeur doit d'abord les accepter.",
    "These numbers are unusual for you (a new country, or many numbers next to each other): the reseller has to accept them first.",
);
const TEXTS_ERASED: (&str, &str) = (
    "Les textes de cette campagne ont été effacés : il faut en créer une nouvelle.",
    "The texts of this campaign were erased: make a new one.",
);
const INTAKE_CLOSED: (&str, &str) = (
    "Rien de nouveau n'est accepté pour le moment : réessayez après le délai de l'en-tête Retry-After.",
    "New messages are not accepted for now: try again after the delay in the Retry-After header.",
);
const SHORT_DOMAIN_TAKEN: (&str, &str) = (
    "Ce domaine de liens courts est celui des clients d'un autre revendeur : il en faut un autre.",
    "This domain for short links is that of another reseller's tenants: another one is needed.",
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
const PACKED: (&str, &str) = (
    "Envoyez le corps sans compression, sans Content-Encoding.",
    "Send the body as it is, without a Content-Encoding.",
);

const fn barred(why: Barred) -> (&'static str, &'static str) {
    match why {
        Barred::Key => ("Cette clé ne donne pas ce droit.", "This key does not allow that."),
        Barred::NoTenantNamed => (
            "Dites pour quel client vous agissez : l'en-tête X-Tenant-Id le nomme.",
            "Say for which tenant you act: the header X-Tenant-Id names it.",
        ),
        Barred::Origin => (
            "Ce formulaire n'est envoyé que depuis les pages de son site (Origin).",
            "This form is sent from the pages of its own site alone (Origin).",
        ),
    }
}

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
    "Il ne reste personne à qui écrire : voir « errors ».",
    "Nobody is left to write to: see \"errors\".",
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
        ProblemKind::InsufficientCredit { available, needed } => return short((*available, *needed), language),
        ProblemKind::DailyMaxReached {
            most,
            left,
            next_open_at,
            ..
        } => return day_is_full((*most, *left, next_open_at), language),
        ProblemKind::AlreadyStarted { state }
        | ProblemKind::WrongState { state }
        | ProblemKind::MessageWrongState { state } => return state_is(state, language),
        ProblemKind::NotADraft { state } => return not_a_draft(state, language),
        ProblemKind::TextRejected { note } => return rejected(note, TEXT_REJECTED, language),
        ProblemKind::TrafficRejected { note } => return rejected(note, TRAFFIC_REJECTED, language),
        ProblemKind::TrafficInReview => TRAFFIC_IN_REVIEW,
        ProblemKind::MessagesUnderWay { messages } => return under_way(*messages, language),
        ProblemKind::ScheduleOutsideWindow { next_open_at } if fr => {
            return format!(
                "Un message publicitaire ne peut pas partir à cette heure ; il le peut à partir du {}.",
                next_open_at.words(language)
            );
        }
        ProblemKind::ScheduleOutsideWindow { next_open_at } => {
            let when = next_open_at.words(language);
            return format!("Advertising may not go at that time; it may from {when} on.");
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
        ProblemKind::PreconditionFailed => CHANGED_MEANWHILE,
        ProblemKind::EmptyAudience => EMPTY_AUDIENCE,
        ProblemKind::TextsErased => TEXTS_ERASED,
        ProblemKind::TextsInUse => TEXTS_IN_USE,
        ProblemKind::NumberNotOwn => NUMBER_NOT_OWN,
        ProblemKind::RequestAnswered => REQUEST_ANSWERED,
        ProblemKind::ShortDomainTaken => SHORT_DOMAIN_TAKEN,
        ProblemKind::GuestsOnly => GUESTS_ONLY,
        ProblemKind::NoSandbox => NO_SANDBOX,
        // For operators, in the words of the log.
        ProblemKind::NotReady { reasons: why } | ProblemKind::ReloadRefused { why } => return why.clone(),
        ProblemKind::IntakeClosed { cause, .. } => return because((*cause, INTAKE_CLOSED), language),
        ProblemKind::DatabaseLost { .. } => DATABASE_LOST,
        ProblemKind::InvalidRequest => REQUEST_INVALID,
        ProblemKind::InvalidFields => FIELDS_INVALID,
        ProblemKind::Unauthorized => UNAUTHORIZED,
        ProblemKind::KeyExpired => KEY_EXPIRED,
        ProblemKind::AddressNotAllowed => ADDRESS_NOT_ALLOWED,
        ProblemKind::ForeignSite { header, value } => return foreign_site((header, value), language),
        ProblemKind::RoleNotAllowed { needed, has } => return role_not_allowed((*needed, *has), language),
        ProblemKind::TenantSuspended { reason } if fr => return format!("Rien de nouveau n'est accepté : {reason}"),
        ProblemKind::TenantSuspended { reason } => return format!("Nothing new is taken: {reason}"),
        ProblemKind::Forbidden { why } => barred(*why),
        ProblemKind::NotFound => NOT_FOUND,
        ProblemKind::MethodNotAllowed => METHOD_NOT_ALLOWED,
        ProblemKind::RequestTimeout => REQUEST_LATE,
        ProblemKind::UnsupportedMediaType { is_packed: true, .. } => PACKED,
        ProblemKind::UnsupportedMediaType { allowed, .. } if fr => return format!("Envoyez {}.", allowed.join(" ou ")),
        ProblemKind::UnsupportedMediaType { allowed, .. } => return format!("Send {}.", allowed.join(" or ")),
        ProblemKind::TooManyRequests { full, .. } => return too_many(*full, language),
        ProblemKind::Unavailable { cause, .. } => return because((*cause, UNAVAILABLE), language),
        ProblemKind::Internal => INTERNAL,
    };
    choose(language, fixed.0, fixed.1).to_owned()
}

fn foreign_site((header, value): (&str, &str), language: Language) -> String {
    let (french, english) = if header == "Host" {
        (
            "une adresse IP ou localhost, tant que admin.listen est une adresse de la machine elle-même et n'a pas de TLS",
            "an IP address or localhost, as long as admin.listen is an address of the machine itself and has no TLS",
        )
    } else {
        (
            "absent, ou les pages de cette écoute",
            "absent, or this listener's own pages",
        )
    };
    match language {
        Language::Fr => format!("{header} est « {value} ». Accepté : {french}."),
        Language::En => format!("{header} is “{value}”. Allowed: {english}."),
    }
}

/// What stands in the way, and what to do.
fn because((cause, then): (Cause, (&str, &str)), language: Language) -> String {
    format!("{} {}", cause.words(language), choose(language, then.0, then.1))
}

fn state_is(state: &str, language: Language) -> String {
    match language {
        Language::Fr => format!("L'état actuel est « {state} »."),
        Language::En => format!("The current state is \"{state}\"."),
    }
}

/// What to do first, or instead.
fn not_a_draft(state: &str, language: Language) -> String {
    let (french, english) = match state {
        "scheduled" => (
            "Cette campagne est programmée : retirez d'abord sa date (« scheduled_at » à null, par …/schedule), elle redevient un brouillon.",
            "This campaign is planned: take its date back first (\"scheduled_at\": null to …/schedule), and it is a draft again.",
        ),
        "in_review" => (
            "Votre revendeur vérifie cette campagne : retirez-la d'abord (« scheduled_at » à null, par …/schedule), elle redevient un brouillon.",
            "The reseller looks at this campaign: take it back first (\"scheduled_at\": null to …/schedule), and it is a draft again.",
        ),
        "canceled" => (
            "Cette campagne est annulée : faites-en une copie (…/duplicate), qui se modifie.",
            "This campaign was canceled: make a draft like it (…/duplicate), which can be edited.",
        ),
        _ => (
            "Cette campagne est déjà lancée et ne se modifie plus : faites-en une copie (…/duplicate), qui se modifie.",
            "This campaign was launched and can be edited no more: make a draft like it (…/duplicate), which can.",
        ),
    };
    choose(language, french, english).to_owned()
}

fn short((available, needed): (u64, u64), language: Language) -> String {
    match language {
        Language::Fr => {
            let needed = language.counted(needed, ("crédit", "crédits"));
            format!("Il faut {needed}, le solde disponible est de {available}.")
        }
        Language::En => {
            let needed = language.counted(needed, ("credit is", "credits are"));
            let available = language.counted(available, ("is", "are"));
            format!("{needed} needed, {available} available.")
        }
    }
}

fn rejected(note: &str, (french, english): (&str, &str), language: Language) -> String {
    let what = choose(language, french, english);
    format!("{what} {note}").trim().to_owned()
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

fn day_is_full((most, left, next): (u32, u64, &LocalMoment), language: Language) -> String {
    let next = next.words(language);
    match language {
        Language::Fr if most == 1 => {
            format!(
                "Un seul message par jour est accepté ; il en reste {left} aujourd'hui, le suivant le sera à partir du {next}."
            )
        }
        Language::Fr => format!(
            "Au plus {most} messages par jour sont acceptés ; il en reste {left} aujourd'hui, les suivants le seront à partir du {next}."
        ),
        Language::En => {
            let most = language.counted(most.into(), ("message a day is", "messages a day are"));
            let left = language.counted(left, ("is", "are"));
            format!("At most {most} taken; {left} left today, and more are taken from {next} on.")
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
