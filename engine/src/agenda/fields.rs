//! What a text may name of an event and of whom it is for: `[prenom]`, `[date]`, `{{event.place}}`. Pure.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};

use super::event::Event;
use crate::compose::{Template, fold, is_link, nearest_column};
use crate::domain::UnixMicros;
use crate::fault::{FieldFault, FieldProblem};
use crate::people::{Contact, MergeField};

/// What may stand in front of the name of a field of an event, folded; behind it, any other name is that of an attribute.
const OF_EVENT: &str = "event.";

/// What stands for a name in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    /// `24/12/2026`
    Date,
    /// `jeudi 24 décembre`
    Day,
    /// `09:30`
    Time,
    Place,
    Floor,
    Minutes,
    Practitioner,
    /// Where the event says none, the contact's.
    Practice,
    Kind,
    /// What the tenant is called.
    Clinic,
    /// An attribute of the event, by its folded name.
    Attribute(String),
    Contact(MergeField),
}

/// Names of what events have, folded.
const NAMES: [(&str, Field); 25] = [
    ("date", Field::Date),
    ("jour", Field::Day),
    ("day", Field::Day),
    ("heure", Field::Time),
    ("time", Field::Time),
    ("lieu", Field::Place),
    ("adresse", Field::Place),
    ("place", Field::Place),
    ("etage", Field::Floor),
    ("floor", Field::Floor),
    ("duree", Field::Minutes),
    ("duration", Field::Minutes),
    ("minutes", Field::Minutes),
    ("praticien", Field::Practitioner),
    ("medecin", Field::Practitioner),
    ("practitioner", Field::Practitioner),
    ("doctor", Field::Practitioner),
    ("cabinet", Field::Practice),
    ("centre", Field::Practice),
    ("practice", Field::Practice),
    ("motif", Field::Kind),
    ("kind", Field::Kind),
    ("clinique", Field::Clinic),
    ("etablissement", Field::Clinic),
    ("clinic", Field::Clinic),
];

/// Those that are shown when a text names something else.
const SHOWN: [&str; 10] = [
    "date",
    "day",
    "time",
    "place",
    "floor",
    "duration",
    "practitioner",
    "practice",
    "kind",
    "clinic",
];

/// The same as French clinics call them.
const SHOWN_IN_FRENCH: [&str; 10] = [
    "date",
    "jour",
    "heure",
    "lieu",
    "etage",
    "duree",
    "praticien",
    "cabinet",
    "motif",
    "clinique",
];

/// Those names, and these behind them, in English and in French.
fn shown([english, french]: [Vec<String>; 2]) -> [Vec<String>; 2] {
    [(SHOWN, english), (SHOWN_IN_FRENCH, french)].map(|(own, others)| {
        let own = own.into_iter().map(str::to_owned);
        own.chain(others).collect()
    })
}

impl Field {
    fn named(name: &str, attributes: &[String]) -> Option<Self> {
        let folded = fold(name);
        let known = |name: &str| NAMES.iter().find(|(known, _)| *known == name);
        match folded.strip_prefix(OF_EVENT) {
            Some("") => None,
            Some(own) => {
                let field = known(own).map(|(_, field)| field.clone());
                field.or_else(|| Some(Self::Attribute(own.to_owned())))
            }
            None => match known(&folded) {
                Some((_, field)) => Some(field.clone()),
                None => MergeField::named(name, attributes).map(Self::Contact),
            },
        }
    }

    fn of(&self, told: &Told<'_>) -> String {
        let (event, details) = (told.event, &told.event.details);
        let local = || told.local();
        let of_contact = |field: &MergeField| told.contact.map(|contact| field.of(contact)).unwrap_or_default();
        match self {
            Self::Date => local().strftime("%d/%m/%Y").to_string(),
            Self::Day => day(local()),
            Self::Time => local().strftime("%H:%M").to_string(),
            Self::Place => details.place.clone(),
            Self::Floor => details.floor.clone(),
            Self::Minutes => details.minutes.map(|minutes| minutes.to_string()).unwrap_or_default(),
            Self::Practitioner => details.practitioner.clone(),
            Self::Practice if details.practice.is_empty() => of_contact(&MergeField::Practice),
            Self::Practice => details.practice.clone(),
            Self::Kind => event.kind.clone(),
            Self::Clinic => told.clinic.to_owned(),
            Self::Attribute(name) => {
                let mut attributes = details.attributes.iter();
                let found = attributes.find(|(known, _)| fold(known) == *name);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            }
            Self::Contact(field) => of_contact(field),
        }
    }
}

/// An event that somebody is told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) event: &'a Event,
    /// For which start.
    pub(super) for_at: UnixMicros,
    pub(super) contact: Option<&'a Contact>,
    pub(super) clinic: &'a str,
}

impl Told<'_> {
    fn local(&self) -> DateTime {
        let at: Timestamp = self.for_at.timestamp().unwrap_or_default();
        self.event.start.time_zone().to_datetime(at)
    }
}

/// As clinics write it to their patients.
fn day(local: DateTime) -> String {
    const MONTHS: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    let weekday = match local.weekday() {
        Weekday::Monday => "lundi",
        Weekday::Tuesday => "mardi",
        Weekday::Wednesday => "mercredi",
        Weekday::Thursday => "jeudi",
        Weekday::Friday => "vendredi",
        Weekday::Saturday => "samedi",
        Weekday::Sunday => "dimanche",
    };
    let month = usize::try_from(local.month() - 1).unwrap_or_default();
    let day = match local.day() {
        1 => "1er".to_owned(),
        day => day.to_string(),
    };
    format!("{weekday} {day} {}", MONTHS.get(month).copied().unwrap_or_default())
}

/// Whether `[lien]` in a text is a link, and no attribute of contacts that is called so: of a plan with a link it always is.
pub(super) fn has_link(text: &str, attributes: &[String], of_plan: bool) -> bool {
    let is_attribute = || attributes.iter().any(|name| is_link(name));
    let named = || Template::names(text, None).unwrap_or_default();
    (of_plan || !is_attribute()) && named().iter().any(|name| is_link(name))
}

/// Whether a text names nothing but what there is, where contacts have these attributes; with a link, if that may be.
///
/// # Errors
/// Every field that is none, or is broken, as a fault of `pointer`.
pub(super) fn check(
    (pointer, text): (&str, &str),
    attributes: &[String],
    may_link: bool,
) -> Result<(), Vec<FieldFault>> {
    let known = || shown([MergeField::all(attributes), MergeField::all_in_french(attributes)]);
    let is_known = |name: &str| (may_link && is_link(name)) || Field::named(name, attributes).is_some();
    check_names((pointer, text), is_known, known)
}

/// The same, where all are told the same: of whom it is for, nothing may be named.
///
/// # Errors
/// As [`check`].
pub(super) fn check_for_all(pointer: &str, text: &str) -> Result<(), Vec<FieldFault>> {
    let is_of_event = |name: &str| {
        let field = Field::named(name, &[]);
        field.is_some_and(|field| !matches!(field, Field::Contact(_)))
    };
    let known = || shown([Vec::new(), Vec::new()]);
    check_names((pointer, text), is_of_event, known)
}

fn check_names(
    (pointer, text): (&str, &str),
    is_known: impl Fn(&str) -> bool,
    known: impl Fn() -> [Vec<String>; 2],
) -> Result<(), Vec<FieldFault>> {
    let at = |fault: FieldFault| FieldFault::new(pointer, fault.problem);
    let read = Template::parse_open::<&str>(text, &[]);
    let (_, names) = read.map_err(|faults| faults.into_iter().map(at).collect::<Vec<_>>())?;
    let unknown = names.iter().filter(|name| !is_known(name));
    let faults: Vec<FieldFault> = unknown
        .map(|name| {
            let [columns, french] = known();
            let both: Vec<&String> = columns.iter().chain(&french).collect();
            let problem = FieldProblem::UnknownMergeField {
                name: name.clone(),
                nearest: nearest_column(name, &both),
                columns: columns.into(),
                french: french.into(),
            };
            FieldFault::new(pointer, problem)
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// A text for whoever is told of these events, in the order of their times, with that link where it names one. Of several, a field says what it is of each: "09:00, 14:00"; once,
/// unless another field differs too, so that the second time is the second person's.
///
/// # Errors
/// As [`check`].
pub(super) fn render(
    (text, link): (&str, Option<&str>),
    told: &[Told<'_>],
    attributes: &[String],
) -> Result<String, Vec<FieldFault>> {
    let names = Template::names(text, link)?;
    let template = Template::kept(text, &names, link)?;
    let of_each = |name: &String| -> Vec<String> {
        let field = Field::named(name, attributes);
        let values = told.iter().filter_map(|told| Some(field.as_ref()?.of(told)));
        values.filter(|value| !value.trim().is_empty()).collect()
    };
    let differs = |values: &[String]| values.iter().any(|value| *value != values[0]);
    let mut all: Vec<Vec<String>> = names.iter().map(of_each).collect();
    let is_one_list = all.iter().filter(|values| differs(values)).count() < 2;
    for values in &mut all {
        if is_one_list || !differs(values) {
            let mut seen = HashSet::new();
            values.retain(|value| seen.insert(value.clone()));
        }
    }
    let values: Vec<String> = all.iter().map(|values| values.join(", ")).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut rendered = String::new();
    template.render(&values, &mut rendered);
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agenda::event::{Details, EventState, Start, TIME_ZONE, Whom};
    use crate::domain::{EventId, Recipient};

    fn event(start: &str, practitioner: &str) -> Event {
        let at: Timestamp = start.parse().unwrap();
        Event {
            id: EventId(1),
            reference: "RDV-1".to_owned(),
            whom: Whom::Number(Recipient(33_612_345_678)),
            kind: "Consultation".to_owned(),
            state: EventState::Booked,
            start: Start {
                at: UnixMicros(u64::try_from(at.as_microsecond()).unwrap()),
                zone: TIME_ZONE.to_owned(),
            },
            given_state: None,
            dated: true,
            series: None,
            details: Details {
                practitioner: practitioner.to_owned(),
                place: "12 rue Haute".to_owned(),
                minutes: Some(20),
                attributes: [("Salle".to_owned(), "B4".to_owned())].into(),
                ..Details::default()
            },
            turn: 0,
            created_at: UnixMicros(0),
            updated_at: UnixMicros(0),
        }
    }

    fn said(text: &str, events: &[Event]) -> String {
        let told: Vec<Told<'_>> = events
            .iter()
            .map(|event| Told {
                event,
                for_at: event.start.at,
                contact: None,
                clinic: "Clinique du Parc",
            })
            .collect();
        render((text, None), &told, &[]).unwrap()
    }

    #[test]
    fn a_text_says_what_there_is_by_the_clocks_of_the_practice() {
        let one = [event("2026-12-24T08:30:00Z", "Dr Petit")];
        let text = "[Clinique] : [jour] ([date]) à [heure], {{event.practitioner}}, [lieu] [etage|RDC], [duree] min, {{event.salle}} {{event.none}}.";
        let wanted =
            "Clinique du Parc : jeudi 24 décembre (24/12/2026) à 09:30, Dr Petit, 12 rue Haute RDC, 20 min, B4 .";
        assert_eq!(said(text, &one), wanted);
        assert_eq!(said("[Prenom|Bonjour]", &one), "Bonjour");
        assert_eq!(
            said("[jour]", &[event("2026-12-01T08:30:00Z", "")]),
            "mardi 1er décembre"
        );
    }

    #[test]
    fn of_several_a_field_says_what_it_is_of_each_once() {
        let two = [
            event("2026-12-24T08:00:00Z", "Dr Petit"),
            event("2026-12-24T13:00:00Z", "Dr Grand"),
        ];
        assert_eq!(
            said("[date] à [heure] avec [praticien], [lieu]", &two),
            "24/12/2026 à 09:00, 14:00 avec Dr Petit, Dr Grand, 12 rue Haute"
        );
        // Where two differ, each stands in the place of its event.
        let three = [
            event("2026-12-24T08:00:00Z", "Dr Petit"),
            event("2026-12-24T08:00:00Z", "Dr Grand"),
            event("2026-12-24T13:00:00Z", "Dr Petit"),
        ];
        assert_eq!(said("[date] à [heure]", &three), "24/12/2026 à 09:00, 14:00");
        assert_eq!(
            said("[praticien] à [heure]", &three),
            "Dr Petit, Dr Grand, Dr Petit à 09:00, 09:00, 14:00"
        );
    }

    #[test]
    fn a_name_of_nothing_is_refused_with_the_nearest() {
        assert!(
            check(
                ("/text", "[date] [prenom] {{event.anything}} [Ville]"),
                &["ville".to_owned()],
                false
            )
            .is_ok()
        );
        let faults = check(("/text", "[practitionner] [Ville]"), &[], false).unwrap_err();
        assert_eq!(faults.len(), 2);
        let FieldProblem::UnknownMergeField { nearest, .. } = &faults[0].problem else {
            panic!("{faults:?}");
        };
        assert_eq!(nearest.as_deref(), Some("practitioner"));
    }
}
