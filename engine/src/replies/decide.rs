//! What is made of a message: pure. STOP first, then CONTACT, then the tenant's rules; and nothing by itself once it has been too much.

use std::time::Duration;

use super::kept::Reader;
use super::made::Made;
use super::meaning::{is_bare, meaning, takes};
use super::offers::Offered;
use super::reading::{Confidence, SURE, words};
use super::rule::{AutoReply, Match, Meant};
use super::surveys::{Given, Surveyed, is_answer};
use crate::agenda::{EventAnswer, OpenQuestion};
use crate::domain::{EventId, UnixMicros};

/// A word that asks whose number it is (charter of the AFMM).
const CONTACT: &str = "CONTACT";

const HOUR: u64 = 3_600;

/// Who answers so soon means what was asked last.
const SOON: Duration = Duration::from_secs(2 * HOUR);

/// What was asked within it was asked at once: who answers has read both.
const AT_ONCE: Duration = Duration::from_secs(600);

/// A message, and what is known of those to whom it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) text: &'a str,
    pub(super) at: UnixMicros,
    /// Our number.
    pub(super) number: &'a str,
    /// Whether messages of the tenant's are sent from it.
    pub(super) ours: bool,
    pub(super) opted_out: bool,
    /// That a STOP was heard was said before.
    pub(super) stop_confirmed: bool,
    /// What the tenant is called.
    pub(super) name: &'a str,
    pub(super) quiet_until: Option<UnixMicros>,
    /// What a reminder has asked.
    pub(super) question: Option<&'a Question>,
    /// When a reminder did so last.
    pub(super) questioned_at: Option<UnixMicros>,
    /// When they were asked whether they agree to advertising.
    pub(super) consent_asked_at: Option<UnixMicros>,
    /// What was offered.
    pub(super) offered: Option<&'a Offered>,
    /// What a survey has asked.
    pub(super) surveyed: Option<&'a Surveyed>,
    /// What was answered by itself of late, the newest first.
    pub(super) answered: &'a [Answered],
}

/// What reminders have asked, and what is not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// About these events, in one message.
    One(Vec<EventId>),
    /// About these, and the answer is that they do not come: the same may be said once more.
    Answered(Vec<EventId>),
    /// Some, in several messages: nobody knows which is meant.
    Several,
}

impl Question {
    /// Of what is open at that time or was ended of late, what was asked last first.
    pub(super) fn of(asked: &[OpenQuestion], at: UnixMicros) -> Option<Self> {
        let last = asked.first()?;
        let events = |questions: &[&OpenQuestion]| questions.iter().map(|one| one.event).collect::<Vec<_>>();
        let open: Vec<&OpenQuestion> = asked.iter().filter(|one| one.was_open(at)).collect();
        let (own, others): (Vec<_>, Vec<_>) = open.iter().partition(|one| one.message == last.message);
        if own.is_empty() {
            // What was asked last has its answer: the same again, or one to what was asked before?
            let own: Vec<_> = asked.iter().filter(|one| one.message == last.message).collect();
            return Some(match others.is_empty() {
                true => Self::Answered(events(&own)),
                false => Self::Several,
            });
        }
        let own = events(&own);
        let is_last = |other: &OpenQuestion| last.asked_at.since(other.asked_at) >= AT_ONCE;
        let is_soon = at.since(last.asked_at) < SOON;
        let is_clear = others
            .iter()
            .all(|other| own.contains(&other.event) || is_soon && is_last(other));
        Some(if is_clear { Self::One(own) } else { Self::Several })
    }

    /// The events about which that answers.
    pub(super) fn answered_by(&self, answer: EventAnswer) -> Option<&[EventId]> {
        match self {
            Self::One(events) => Some(events),
            Self::Answered(events) => Some(events)
                .filter(|_| answer == EventAnswer::Cancel)
                .map(Vec::as_slice),
            Self::Several => None,
        }
    }
}

/// Something that was answered by itself.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) at: UnixMicros,
    /// To what no other rule fits.
    pub(super) to_any: bool,
    /// Absent when it was erased, or is not known yet.
    pub(super) text: Option<String>,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(super) struct Decision<'a> {
    pub(super) made: Made,
    pub(super) rule: Option<(&'a AutoReply, Confidence)>,
    /// What is answered to an appointment, and how sure that is.
    pub(super) appointment: Option<(EventAnswer, Confidence)>,
    /// Whether it says yes to an offer, and how sure that is.
    pub(super) offer: Option<(bool, Confidence)>,
    /// What it answers to a survey.
    pub(super) survey: Option<Given>,
    /// Whoever writes it is not content, or may have cancelled an appointment.
    pub(super) alert: bool,
    /// What is answered; `None`: nothing, or what the rule's program says.
    pub(super) text: Option<String>,
    /// Nothing more is answered by itself until then.
    pub(super) quiet_until: Option<UnixMicros>,
}

impl<'a> Decision<'a> {
    const fn only(made: Made) -> Self {
        Self {
            made,
            rule: None,
            appointment: None,
            offer: None,
            survey: None,
            alert: false,
            text: None,
            quiet_until: None,
        }
    }

    /// Whether people should look.
    pub(super) const fn needs_people(&self) -> bool {
        self.alert || matches!(self.made, Made::Unsure | Made::Unanswered | Made::Quiet | Made::NotOurs)
    }

    /// What whoever writes it agrees to.
    pub(super) fn agrees_to(&self) -> Option<&'a str> {
        let (reply, _) = self.rule.filter(|_| self.made == Made::Rule)?;
        reply.rule.opts_in.as_deref()
    }

    fn of_rule(reply: &'a AutoReply, confidence: Confidence) -> Self {
        Self {
            rule: Some((reply, confidence)),
            text: reply.rule.text.clone().filter(|_| reply.rule.ask.is_none()),
            ..Self::only(Made::Rule)
        }
    }
}

/// What is made of a message.
pub(super) fn decide<'a>(case: &Case<'_>, reader: &'a Reader) -> Decision<'a> {
    let settings = &reader.settings;
    if case.opted_out {
        let confirms = case.ours && !case.stop_confirmed && !settings.stop_confirmation.is_empty();
        // "ANNULER" that was kept as an opt-out because nobody could say in time whether it answers an appointment.
        let cancels = matches!(meaning(case.text), Some((EventAnswer::Cancel, _)));
        return Decision {
            text: confirms.then(|| settings.stop_confirmation.clone()),
            alert: case.question.is_some() && cancels,
            ..Decision::only(Made::OptOut)
        };
    }
    if !case.ours {
        return Decision::only(Made::NotOurs);
    }
    let own = |answered: &Answered| answered.text.as_deref().map(words) == Some(words(case.text));
    if case.answered.first().is_some_and(own) {
        return Decision::only(Made::Echo);
    }
    let decision = answer(case, reader);
    if decision.made == Made::Appointment {
        // What becomes of it is not undone because enough was said.
        let text = decision.text.filter(|_| quiet(case, reader).is_none());
        return Decision { text, ..decision };
    }
    if decision.made == Made::Offer {
        // Whoever has a place is told so all the same.
        let quiet_until = quiet(case, reader);
        return Decision {
            quiet_until,
            ..decision
        };
    }
    if decision.made == Made::Survey {
        // A survey has few questions: whoever answers one is asked the next.
        return decision;
    }
    let answers = decision.text.is_some() || decision.rule.is_some_and(|(reply, _)| reply.rule.ask.is_some());
    match quiet(case, reader) {
        Some(until) if answers => Decision {
            quiet_until: Some(until),
            ..Decision::only(Made::Quiet)
        },
        _ => decision,
    }
}

fn answer<'a>(case: &Case<'_>, reader: &'a Reader) -> Decision<'a> {
    let settings = &reader.settings;
    let meant = reader.rules.meant(case.text, case.number, settings.is_open(case.at));
    let is_asked = |reply: &AutoReply| reply.rule.opts_in.is_none() || !answers_a_question(case);
    let by_rule = matches!(meant, Meant::Sure(reply, _) if reply.rule.matches != Match::Any && is_asked(reply));
    if words(case.text) == [CONTACT] && !by_rule {
        let identity = [settings.identity.as_str(), case.name];
        let identity = identity.into_iter().find(|identity| !identity.is_empty());
        return Decision {
            text: identity.map(str::to_owned),
            ..Decision::only(Made::Contact)
        };
    }
    if let Some(decision) = to_offer(case, by_rule) {
        return decision;
    }
    if let Some(decision) = to_survey(case, by_rule) {
        return decision;
    }
    if let (false, Some(question), Some((answer, sure))) = (by_rule, case.question, meaning(case.text)) {
        let events = question.answered_by(answer);
        // Of several, one may be meant.
        let is_of_all = events.is_some_and(|events| events.len() == 1 || is_bare(case.text));
        let is_clear = is_of_all && sure >= SURE;
        let said = settings.to_answer(answer, events.map_or(1, <[EventId]>::len));
        return Decision {
            appointment: Some((answer, sure)),
            text: (is_clear && !said.is_empty()).then(|| said.to_owned()),
            ..Decision::only(if is_clear { Made::Appointment } else { Made::Unsure })
        };
    }
    match meant {
        Meant::Nothing => Decision::only(Made::Unanswered),
        Meant::Unsure(reply, confidence) => Decision {
            rule: Some((reply, confidence)),
            ..Decision::only(Made::Unsure)
        },
        Meant::Sure(reply, _) if reply.rule.matches == Match::Any && heard_of_late(case, settings.any_every) => {
            Decision::only(Made::Unanswered)
        }
        // People should see what no keyword answers, whatever is said meanwhile.
        Meant::Sure(reply, confidence) if reply.rule.matches == Match::Any => Decision {
            made: Made::Unanswered,
            ..Decision::of_rule(reply, confidence)
        },
        // A consent is worth nothing that was not given in so many words.
        Meant::Sure(reply, _) if reply.rule.opts_in.is_some() && !reply.rule.is_said_alone(case.text) => Decision {
            rule: Some((reply, SURE - 1)),
            ..Decision::only(Made::Unsure)
        },
        Meant::Sure(reply, confidence) => Decision::of_rule(reply, confidence),
    }
}

/// Whether a text answers something that was asked later than whether somebody agrees to advertising.
fn answers_a_question(case: &Case<'_>) -> bool {
    let questioned_at = case.questioned_at.filter(|_| meaning(case.text).is_some());
    let offered = case
        .offered
        .filter(|offered| offered.open && takes(case.text, &offered.says.accept).is_some());
    let surveyed = case
        .surveyed
        .filter(|surveyed| !surveyed.asks_text() && is_answer(surveyed, case.text, case.at).is_some());
    let asked = [
        questioned_at,
        offered.map(|offered| offered.asked_at),
        surveyed.map(|surveyed| surveyed.asked_at),
    ];
    let last = asked.into_iter().flatten().max();
    last.is_some_and(|last| case.consent_asked_at.is_none_or(|consent| consent < last))
}

/// Whether what was asked at some time is what somebody answers.
enum Meaning {
    This,
    /// Something else was asked as well, and nobody knows.
    Unclear,
    /// Something else, which was asked later.
    Another,
}

/// What was asked last is meant; who takes more than a moment may mean what was asked before. `others`: when what the text may answer as
/// well was asked.
fn is_meant(asked_at: UnixMicros, others: [Option<UnixMicros>; 3], at: UnixMicros) -> Meaning {
    let is_soon = |asked: UnixMicros| at.since(asked) < SOON;
    match others.into_iter().flatten().max() {
        Some(other) if other > asked_at => Meaning::Another,
        Some(_) if !is_soon(asked_at) => Meaning::Unclear,
        Some(_) | None => Meaning::This,
    }
}

/// What an answer to a survey is; `None`: it is none. A rule's keyword comes first.
fn to_survey<'a>(case: &Case<'_>, by_rule: bool) -> Option<Decision<'a>> {
    let surveyed = case.surveyed.filter(|_| !by_rule)?;
    let given = is_answer(surveyed, case.text, case.at)?;
    let offered = case
        .offered
        .filter(|offered| offered.open && takes(case.text, &offered.says.accept).is_some());
    let questioned_at = case.questioned_at.filter(|_| meaning(case.text).is_some());
    if surveyed.asks_text() && (questioned_at.is_some() || offered.is_some()) {
        // Any text would be one: what reads as an answer to something else is that.
        return None;
    }
    let others = [questioned_at, offered.map(|offered| offered.asked_at), None];
    let is_clear = match is_meant(surveyed.asked_at, others, case.at) {
        Meaning::Another => return None,
        Meaning::Unclear => false,
        Meaning::This => given.1 >= SURE,
    };
    // What is not clear counts for nothing, whatever it says.
    let given = (given.0, if is_clear { given.1 } else { given.1.min(SURE - 1) });
    Some(Decision {
        survey: Some(given),
        ..Decision::only(if is_clear { Made::Survey } else { Made::Unsure })
    })
}

/// What an answer to an offer is; `None`: it is none. An offer that is open comes before rules, since it is asked of few, for a while.
fn to_offer<'a>(case: &Case<'_>, by_rule: bool) -> Option<Decision<'a>> {
    let offered = case.offered.filter(|offered| offered.open || !by_rule)?;
    let (yes, sure) = takes(case.text, &offered.says.accept)?;
    let surveyed = case
        .surveyed
        .filter(|surveyed| !surveyed.asks_text() && is_answer(surveyed, case.text, case.at).is_some());
    let surveyed_at = surveyed.map(|surveyed| surveyed.asked_at);
    let questioned_at = case.questioned_at.filter(|_| meaning(case.text).is_some());
    let others = [questioned_at, offered.another_at, surveyed_at];
    let is_clear = match is_meant(offered.asked_at, others, case.at) {
        Meaning::Another => return None,
        Meaning::Unclear => false,
        Meaning::This => sure >= SURE,
    };
    // What is over is not worth a doubt.
    (is_clear || offered.open).then(|| Decision {
        offer: Some((yes, sure)),
        ..Decision::only(if is_clear { Made::Offer } else { Made::Unsure })
    })
}

/// Whether what stands for all else was answered within so many hours.
fn heard_of_late(case: &Case<'_>, hours: u16) -> bool {
    let since = |answered: &Answered| case.at.since(answered.at).as_secs();
    let mut to_any = case.answered.iter().filter(|answered| answered.to_any);
    to_any.any(|answered| since(answered) < u64::from(hours) * HOUR)
}

/// Until when nothing is answered by itself, if that is so now.
fn quiet(case: &Case<'_>, reader: &Reader) -> Option<UnixMicros> {
    if let Some(until) = case.quiet_until.filter(|until| *until > case.at) {
        return Some(until);
    }
    let within = |seconds: u64| {
        let of_late = case
            .answered
            .iter()
            .filter(|answered| case.at.since(answered.at).as_secs() < seconds);
        of_late.count()
    };
    let too_many = |count: usize, most: u8| count >= usize::from(most);
    let settings = &reader.settings;
    let rest = if too_many(within(24 * HOUR), settings.per_day) {
        24 * HOUR
    } else if too_many(within(HOUR), settings.per_hour) {
        HOUR
    } else {
        return None;
    };
    Some(case.at.plus(Duration::from_secs(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AutoReplyId;
    use crate::replies::rule::{Rule, Rules, When};
    use crate::replies::settings::ReplySettings;

    const NOW: UnixMicros = UnixMicros(1_800_000_000_000_000);

    fn rule(id: u64, matches: Match, keyword: &str, text: &str) -> AutoReply {
        AutoReply {
            id: AutoReplyId(id),
            name: String::new(),
            rule: Rule {
                number: None,
                matches,
                keywords: vec![keyword.to_owned()],
                pattern: None,
                when: When::Always,
                text: Some(text.to_owned()),
                ask: None,
                opts_in: None,
                delay: 0,
                priority: 0,
                enabled: true,
            },
            created_at: NOW,
        }
    }

    fn reader(settings: ReplySettings) -> Reader {
        let rules = vec![
            rule(1, Match::FirstWord, "horaires", "De 9 h à 18 h."),
            rule(2, Match::Any, "", "Nous vous répondrons demain."),
        ];
        Reader {
            rules: Rules::new(rules),
            settings,
        }
    }

    fn case(text: &str) -> Case<'_> {
        Case {
            text,
            at: NOW,
            number: "36034",
            ours: true,
            opted_out: false,
            stop_confirmed: false,
            name: "Cabinet Martin",
            quiet_until: None,
            question: None,
            questioned_at: None,
            consent_asked_at: None,
            offered: None,
            surveyed: None,
            answered: &[],
        }
    }

    fn ago(minutes: u64, text: &str, to_any: bool) -> Answered {
        Answered {
            at: NOW.minus(std::time::Duration::from_secs(60 * minutes)),
            to_any,
            text: Some(text.to_owned()),
        }
    }

    fn made(case: &Case<'_>) -> (Made, Option<String>) {
        let reader = reader(ReplySettings::default());
        let decision = decide(case, &reader);
        (decision.made, decision.text)
    }

    #[test]
    fn stop_is_confirmed_once_and_contact_says_who_it_is() {
        let stop = Case {
            opted_out: true,
            ..case("Stop")
        };
        assert!(matches!(made(&stop), (Made::OptOut, Some(_))));
        let again = Case {
            stop_confirmed: true,
            ..stop
        };
        assert_eq!(made(&again), (Made::OptOut, None));
        let question = Question::One(vec![EventId(1)]);
        let reader = reader(ReplySettings::default());
        for (text, looked_at) in [("Annuler", true), ("Stop", false)] {
            let asked = Case {
                text,
                question: Some(&question),
                ..stop
            };
            assert_eq!(decide(&asked, &reader).needs_people(), looked_at, "{text}");
        }
        let elsewhere = Case { ours: false, ..stop };
        assert_eq!(made(&elsewhere), (Made::OptOut, None));
        assert_eq!(
            made(&case("contact ?")),
            (Made::Contact, Some("Cabinet Martin".to_owned()))
        );
    }

    #[test]
    fn what_no_keyword_answers_is_answered_once_in_a_while_and_people_see_it() {
        let (what, text) = made(&case("Bonjour"));
        assert_eq!(
            (what, text.as_deref()),
            (Made::Unanswered, Some("Nous vous répondrons demain."))
        );
        let answered = [ago(60, "Nous vous répondrons demain.", true)];
        let later = Case {
            answered: &answered,
            ..case("Allô ?")
        };
        assert_eq!(made(&later), (Made::Unanswered, None));
        let hours = Case {
            answered: &answered,
            ..case("horaires")
        };
        assert_eq!(made(&hours).0, Made::Rule);
    }

    #[test]
    fn an_answer_to_an_appointment_counts_unless_a_keyword_or_nobody_knows_which_is_meant() {
        let reader = reader(ReplySettings::default());
        let one = Question::One(vec![EventId(1)]);
        let asked = |text| Case {
            question: Some(&one),
            ..case(text)
        };
        for (text, made, answer) in [
            ("2", Made::Appointment, Some(EventAnswer::Cancel)),
            ("Oui, à demain", Made::Appointment, Some(EventAnswer::Confirm)),
            ("Oui mais plus tard", Made::Unsure, Some(EventAnswer::Move)),
            ("Horaires", Made::Rule, None),
            ("J'ai mal au dos", Made::Unanswered, None),
        ] {
            let decision = decide(&asked(text), &reader);
            let given = decision.appointment.map(|(answer, _)| answer);
            assert_eq!((decision.made, given), (made, answer), "{text}");
        }
        // One message about two: a bare answer is about both, and says so; any other may be about one of them.
        let both = Question::One(vec![EventId(1), EventId(2)]);
        for (text, made) in [
            ("2", Made::Appointment),
            ("Annuler svp", Made::Appointment),
            ("2 pour Hugo", Made::Unanswered),
            ("annuler Hugo", Made::Unsure),
            ("annuler mon rdv", Made::Unsure),
            ("il ne pourra pas venir", Made::Unsure),
        ] {
            let case = Case {
                question: Some(&both),
                ..case(text)
            };
            assert_eq!(decide(&case, &reader).made, made, "{text}");
        }
        let case_of_both = Case {
            question: Some(&both),
            ..case("2")
        };
        assert_eq!(
            decide(&case_of_both, &reader).text.as_deref(),
            Some("Vos rendez-vous sont annulés.")
        );
        let several = Case {
            question: Some(&Question::Several),
            ..case("2")
        };
        assert_eq!(decide(&several, &reader).made, Made::Unsure);
        // What has no question is no answer.
        assert_eq!(decide(&case("2"), &reader).made, Made::Unanswered);
    }

    #[test]
    fn what_was_answered_a_moment_ago_may_be_said_again_and_is_not_taken_for_another() {
        let before = |minutes: u64| NOW.minus(Duration::from_secs(60 * minutes));
        let asked = |event, minutes, ended_at| OpenQuestion {
            event: EventId(event),
            reference: String::new(),
            contact: None,
            plan: crate::domain::ReminderPlanId(1),
            message: crate::domain::MessageId(event),
            sender: String::new(),
            asked_at: before(minutes),
            open_until: NOW.plus(Duration::from_secs(3_600)),
            ended_at,
        };
        let first = || Question::One(vec![EventId(1)]);
        for (asked, question) in [
            (vec![asked(1, 5, None), asked(2, 60, None)], first()),
            // Read once more after what it has ended was written down.
            (vec![asked(1, 5, Some(NOW)), asked(2, 60, None)], first()),
            (
                vec![asked(1, 5, Some(before(1))), asked(2, 60, None)],
                Question::Several,
            ),
            (vec![asked(1, 5, Some(before(1)))], Question::Answered(vec![EventId(1)])),
            // At once: nobody knows which was read last.
            (vec![asked(1, 5, None), asked(2, 5, None)], Question::Several),
            (vec![asked(1, 5, None), asked(2, 14, None)], Question::Several),
            (vec![asked(1, 5, None), asked(2, 15, None)], first()),
            // Asked since: it is what is open.
            (
                vec![asked(2, 5, None), asked(1, 60, Some(before(30)))],
                Question::One(vec![EventId(2)]),
            ),
        ] {
            assert_eq!(Question::of(&asked, NOW).as_ref(), Some(&question), "{asked:?}");
        }
        let reader = reader(ReplySettings::default());
        for (text, made) in [
            ("2", Made::Appointment),
            ("1", Made::Unsure),
            ("bonjour", Made::Unanswered),
        ] {
            let case = Case {
                question: Some(&Question::Answered(vec![EventId(1)])),
                ..case(text)
            };
            assert_eq!(decide(&case, &reader).made, made, "{text}");
        }
    }

    #[test]
    fn a_yes_is_about_what_was_asked_last_and_an_offer_comes_before_rules() {
        let reader = reader(ReplySettings::default());
        let before = |minutes: u64| NOW.minus(Duration::from_secs(60 * minutes));
        let offered = |minutes, open| Offered {
            id: crate::domain::OfferId(1),
            says: crate::replies::OfferSays {
                text: String::new(),
                accept: vec!["HORAIRES".to_owned()],
                won: "Oui.".to_owned(),
                late: "Trop tard.".to_owned(),
                others: None,
            },
            open,
            asked_at: before(minutes),
            another_at: None,
        };
        let one = Question::One(vec![EventId(1)]);
        for (offer, questioned, text, made) in [
            (offered(10, true), None, "oui", Made::Offer),
            (offered(10, true), None, "horaires", Made::Offer),
            (offered(10, true), None, "oui mais", Made::Unsure),
            (offered(10, true), None, "bonjour", Made::Unanswered),
            (offered(10, false), None, "oui", Made::Offer),
            (offered(10, false), None, "horaires", Made::Rule),
            (offered(10, true), Some(20), "oui", Made::Offer),
            (offered(20, true), Some(10), "oui", Made::Appointment),
            // No word about an appointment.
            (offered(20, true), Some(10), "je prends", Made::Offer),
            (offered(300, true), Some(400), "oui", Made::Unsure),
        ] {
            let case = Case {
                question: questioned.map(|_| &one),
                questioned_at: questioned.map(before),
                offered: Some(&offer),
                ..case(text)
            };
            assert_eq!(decide(&case, &reader).made, made, "{text}, {offer:?}, {questioned:?}");
        }
        let stop = Case {
            opted_out: true,
            offered: Some(&offered(10, true)),
            ..case("oui stop")
        };
        assert_eq!(decide(&stop, &reader).made, Made::OptOut);
    }

    #[test]
    fn a_word_that_opts_in_is_no_consent_while_it_answers_something_else() {
        let mut reader = reader(ReplySettings::default());
        let rule = |id, matches, keyword: &str| {
            let mut reply = rule(id, matches, keyword, "Merci.");
            reply.rule.opts_in = Some("J'accepte.".to_owned());
            reply
        };
        let rules = vec![rule(7, Match::Exact, "oui"), rule(8, Match::FirstWord, "promos")];
        reader.rules = Rules::new(rules);
        let before = |minutes: u64| NOW.minus(Duration::from_secs(60 * minutes));
        let one = Question::One(vec![EventId(1)]);
        for (text, questioned, consent, made) in [
            ("oui", None, None, Made::Rule),
            ("oui", Some(20), None, Made::Appointment),
            ("oui", Some(20), Some(30), Made::Appointment),
            ("oui", Some(20), Some(10), Made::Rule),
            // No answer about an appointment.
            ("promos", Some(20), None, Made::Rule),
            ("Promos svp", None, None, Made::Rule),
            ("promos non merci", None, None, Made::Unsure),
            ("promos je n'en veux pas", None, None, Made::Unsure),
            ("promso", None, None, Made::Unsure),
        ] {
            let case = Case {
                question: questioned.map(|_| &one),
                questioned_at: questioned.map(before),
                consent_asked_at: consent.map(before),
                ..case(text)
            };
            assert_eq!(decide(&case, &reader).made, made, "{text}, {questioned:?}, {consent:?}");
        }
    }

    #[test]
    fn two_machines_that_answer_each_other_come_to_an_end() {
        let five: Vec<Answered> = (0..5).map(|minutes| ago(minutes, "De 9 h à 18 h.", false)).collect();
        let reader = reader(ReplySettings::default());
        let looping = Case {
            answered: &five,
            ..case("horaires")
        };
        let decision = decide(&looping, &reader);
        assert_eq!((decision.made, decision.text.as_deref()), (Made::Quiet, None));
        assert_eq!(decision.quiet_until.map(|until| until.since(NOW).as_secs()), Some(HOUR));
        assert!(decision.needs_people());
        // It is not made longer by what comes meanwhile.
        let until = NOW.plus(std::time::Duration::from_secs(60));
        let quiet = Case {
            quiet_until: Some(until),
            ..case("horaires")
        };
        assert_eq!(decide(&quiet, &reader).quiet_until, Some(until));
        assert_eq!(
            decide(
                &Case {
                    answered: &five[..4],
                    ..looping
                },
                &reader
            )
            .made,
            Made::Rule
        );
        let echo = Case {
            answered: &five[..1],
            ..case("De 9 H à 18 H")
        };
        assert_eq!(decide(&echo, &reader).made, Made::Echo);
    }
}
