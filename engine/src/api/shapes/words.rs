//! Texts of one form, and words of closed lists, which are the lists of the code.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::audience::{ENCODINGS, NUMBER_OCTETS_MAX};
use crate::compose::Category;
use crate::domain::{self, Ending, KeyKind, Purpose, Role, State, Status, StopClause, Tariff};
use crate::store::CampaignState;
use crate::waiting;

/// A type that stands for a schema; `named`: one by itself in the document, to which others refer.
macro_rules! schema {
    ($(#[$doc:meta])* $name:ident, named: $named:literal, $schema:expr) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                !$named
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}
pub(super) use schema;

/// One of these words.
fn one_of(text: &str, words: impl IntoIterator<Item = &'static str>) -> Schema {
    let words: Vec<&str> = words.into_iter().collect();
    json_schema!({ "type": "string", "description": text, "enum": words })
}

/// What a message that is remembered may be.
pub(in crate::api) const PAST_STATUSES: [&str; 9] = [
    "delivered",
    "transmission_failed",
    "reception_error",
    "unknown_number",
    "not_routed",
    "transmitted",
    "recredited",
    "skipped",
    "canceled",
];

schema! {
    /// An instant.
    Time, named: false, json_schema!({ "type": "string", "format": "date-time" })
}
schema! {
    /// A number as it is shown.
    Phone, named: false, json_schema!({ "type": "string", "pattern": r"^\+[1-9][0-9]{4,14}$", "examples": ["+33612345678"] })
}
schema! {
    /// A number as it is given.
    GivenPhone, named: true, json_schema!({
        "description": "A phone number as people write it, or E.164; without `+` it is a French one. A number of JSON is taken as well.",
        "oneOf": [
            { "type": "string", "minLength": 1, "maxLength": NUMBER_OCTETS_MAX },
            { "type": "integer", "minimum": 0 },
        ],
        "examples": ["+33612345678", "06 12 34 56 78"],
    })
}
schema! {
    /// Who a message comes from.
    SenderText, named: true, json_schema!({
        "type": "string",
        "description": "3 to 11 letters and digits without space and accent, a short code of 3 to 8 digits, or an international number \
                        with its `+`. One that the reseller has approved, where it has approved any.",
        "pattern": r"^\s*([A-Za-z0-9]{3,11}|\+[1-9][0-9]{6,14})\s*$",
        "examples": ["Cabinet"],
    })
}
schema! {
    /// An API key.
    ApiKey, named: false, json_schema!({
        "type": "string",
        "description": "The key itself: it is shown this once.",
        "pattern": "^(sk|rk)_live_",
    })
}
schema! {
    /// The id of a key.
    KeyId, named: false, json_schema!({ "type": "string", "pattern": "^key_[0-9a-f]{16}$" })
}
schema! {
    /// The id of an inbound message.
    InboundId, named: false, json_schema!({ "type": "string", "pattern": "^inb_" })
}
schema! {
    /// What a message is for.
    PurposeWord, named: true,
    one_of("What messages are for: advertising goes in certain hours only, and waits behind the rest.", Purpose::ALL.iter().map(|one| one.code()))
}
schema! {
    CategoryWord, named: true,
    one_of("What a campaign is about.", Category::CODES)
}
schema! {
    /// What may be done to a text.
    EncodingWord, named: true,
    one_of("What may be done to a text so that it takes fewer segments.", ENCODINGS)
}
schema! {
    RoleWord, named: true,
    one_of(
        "What a key of a tenant opens; each opens what those before it do. `read`: looks at everything of the tenant, and has things \
         worked out that change nothing. `send`: sends as well, campaigns and single messages. `full`: changes all but the tenant's keys. \
         `admin`: those, too.",
        Role::ALL.iter().map(|role| role.code())
    )
}
schema! {
    /// Whom a key reaches.
    KeyKindWord, named: true,
    one_of(
        "Whom a key reaches. `live`: anybody. `sandbox`: a simulator, for nothing, with contacts, campaigns, settings and opt-outs of its \
         own. `team`: the numbers of the guest list and nobody else; it sends messages and campaigns, and changes nothing besides.",
        KeyKind::ALL.iter().map(|kind| kind.code())
    )
}
schema! {
    /// An IP address or a network.
    NetworkText, named: true, json_schema!({
        "type": "string",
        "description": "An IP address, or a network of them: behind proxies of ours, of whoever asked them.",
        "minLength": 2,
        "maxLength": 64,
        "examples": ["192.0.2.7", "2001:db8::/48"],
    })
}
schema! {
    TariffWord, named: true,
    one_of("What a text costs: a credit a segment, or one for each 160 characters.", Tariff::ALL.iter().map(|one| one.code()))
}
schema! {
    StopClauseWord, named: true,
    one_of("Which texts say how to write STOP: advertising, or all.", StopClause::ALL.iter().map(|one| one.code()))
}
schema! {
    CampaignStateWord, named: true,
    one_of("Where a campaign is in its life.", CampaignState::ALL.iter().map(|one| one.code()))
}
schema! {
    StatusWord, named: true,
    one_of("One of the seven statuses of a message that was handed to sending.", Status::ALL.iter().map(|one| one.code()))
}
schema! {
    /// How far a message is.
    MessageStatusWord, named: true,
    one_of("How far a message is: one of the seven statuses, or why it has none.", message_statuses())
}
schema! {
    /// What a message that is remembered may be.
    PastStatus, named: true,
    one_of("What became of a message that is remembered.", PAST_STATUSES)
}
schema! {
    /// Whether a number could be reached.
    CleanseWord, named: true,
    one_of("What the end of a message says of its number: nobody has it, it could not be reached for the moment, or nothing.", domain::Cleanse::CODES)
}
schema! {
    /// Why a message has its status.
    ReasonWord, named: true,
    one_of("Why a message has its status.", domain::Reason::ALL.iter().filter_map(|one| one.word()))
}
schema! {
    /// Why messages are not sent.
    WaitingWord, named: true,
    one_of("Why messages are not sent, the gravest first.", waiting::words_of_campaigns())
}

pub(in crate::api) fn message_statuses() -> Vec<&'static str> {
    let under_way = [
        State::Queued,
        State::Waiting,
        State::Deferred,
        State::Leased,
        State::InDoubt,
        State::Enroute,
    ];
    let ended = [Ending::Canceled, Ending::Skipped].map(Ending::word);
    let words = under_way
        .into_iter()
        .map(State::word)
        .chain(Status::ALL.iter().map(|one| one.code()))
        .chain(ended);
    // Two states may have one word.
    let mut distinct: Vec<&str> = Vec::new();
    words.for_each(|word| {
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    });
    distinct
}

/// What is given, or `null`, where that says something of its own.
pub(crate) struct Nullable<T>(std::marker::PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Nullable<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Nullable{}", T::schema_name()).into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [schemas.subschema_for::<T>(), { "type": "null" }] })
    }
}
