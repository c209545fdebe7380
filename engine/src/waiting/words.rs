//! The reasons in words, for a clinic: French and English.

use super::reason::Reason;
use super::{Cause, Paced};
use crate::domain::{Language, Tempo};

/// One sentence.
pub(super) fn detail(cause: &Cause, language: Language) -> String {
    let Some((of, own)) = cause.own_rate else {
        return match language {
            Language::Fr => french(cause),
            Language::En => english(cause),
        };
    };
    let messages = language.counted(own.messages().into(), ("message", "messages"));
    match (language, of) {
        (Language::Fr, of) => {
            let time = unit(own, ["seconde", "minute", "heure"]);
            match of {
                Paced::Campaign => format!("Cette campagne envoie {messages} par {time}, comme demandé."),
                Paced::Tenant => format!("Ce compte envoie {messages} par {time} au plus, comme convenu."),
            }
        }
        (Language::En, of) => {
            let time = unit(own, ["a second", "a minute", "an hour"]);
            match of {
                Paced::Campaign => format!("This campaign goes at {messages} {time}, as it was asked to."),
                Paced::Tenant => format!("This account sends {messages} {time} at most, as agreed."),
            }
        }
    }
}

/// Of messages that were handed over when a connection ended, before the carrier answered.
pub(super) fn in_doubt(messages: u64, language: Language) -> String {
    let counted = language.counted(messages, ("message", "messages"));
    let is_one = messages == 1;
    match language {
        Language::Fr => format!(
            "L'opérateur n'a pas confirmé {counted} : {} accusé de réception est attendu, et rien n'est renvoyé pour ne pas écrire deux fois.",
            if is_one { "son" } else { "leur" }
        ),
        Language::En => format!(
            "The carrier did not confirm {counted}: {} receipt is waited for, and nothing is sent again, so that nobody gets it twice.",
            if is_one { "its" } else { "their" }
        ),
    }
}

fn english(cause: &Cause) -> String {
    let smsc = cause.smsc.as_deref().unwrap_or("the carrier");
    match (cause.reason, cause.status, cause.rate) {
        (Reason::Guard, ..) => format!(
            "Nothing is sent for now, so that no message is lost: the database or the clocks are not as they should be ({}).",
            cause.guard.unwrap_or("guard")
        ),
        (Reason::TenantSuspended, ..) => match &cause.said {
            Some(said) => format!("This account is suspended ({said})."),
            None => "This account is suspended.".to_owned(),
        },
        (Reason::InReview, ..) => "Your reseller has to look at this campaign before it is sent.".to_owned(),
        (Reason::Credit, ..) => match cause.credits {
            Some((needed, available)) if available >= needed => format!(
                "Its launch was refused for lack of credits. The balance covers it by now ({} of {available}): launch it again, or give \
                 it another date.",
                Language::En.counted(needed, ("credit", "credits"))
            ),
            Some((needed, available)) => format!(
                "Its launch was refused: it needs {}, and {} available. Launch it again, or give it \
                 another date, when the balance covers it.",
                Language::En.counted(needed, ("credit", "credits")),
                Language::En.counted(available, ("is", "are"))
            ),
            None => "Its launch was refused: the balance does not cover it.".to_owned(),
        },
        (Reason::Paused, ..) => "The campaign is paused.".to_owned(),
        (Reason::NoRoute, ..) => "No carrier is configured any more for these messages.".to_owned(),
        (Reason::ClosedHours, ..) => "It is outside the hours in which these messages may be sent.".to_owned(),
        (Reason::Suspended, ..) => format!("The operator of this service has suspended sending over {smsc}."),
        (Reason::Stopped, Some(status), _) => {
            format!("{smsc} takes nothing from our account ({status}); one message is tried now and then.")
        }
        (Reason::Stopped, None, _) => format!("{smsc} takes nothing from our account."),
        (Reason::NotBound, Some(status), _) => format!("{smsc} refuses our account ({status}); it is tried again."),
        (Reason::NotBound, None, _) => format!("{smsc} cannot be reached; it is tried again."),
        (Reason::Behind, ..) => "An earlier message to the same person has no answer yet.".to_owned(),
        (Reason::Brake, _, Some(rate)) => {
            format!(
                "{smsc} is busy or says that this is too fast: it is given {} a second for now.",
                segments(rate, Language::En)
            )
        }
        (Reason::Brake, _, None) => format!("{smsc} is busy or says that this is too fast."),
        (Reason::Retry, ..) => "These messages could not be handed over for now; they are tried again.".to_owned(),
        (Reason::Rate, _, Some(rate)) => {
            format!(
                "{smsc} is given {} a second, as agreed with it.",
                segments(rate, Language::En)
            )
        }
        (Reason::Rate, _, None) => format!("{smsc} is given messages at the rate that was agreed with it."),
        (Reason::Window, ..) if cause.silent => {
            format!("{smsc} does not answer: nothing more is sent to it until it does.")
        }
        (Reason::Window, ..) => format!("Messages go as fast as {smsc} answers."),
    }
}

fn french(cause: &Cause) -> String {
    let smsc = cause.smsc.as_deref().unwrap_or("l'opérateur");
    match (cause.reason, cause.status, cause.rate) {
        (Reason::Guard, ..) => format!(
            "Rien n'est envoyé pour l'instant, pour ne perdre aucun message : la base de données ou les horloges ne sont pas \
             en ordre ({}).",
            cause.guard.unwrap_or("guard")
        ),
        (Reason::TenantSuspended, ..) => match &cause.said {
            Some(said) => format!("Ce compte est suspendu ({said})."),
            None => "Ce compte est suspendu.".to_owned(),
        },
        (Reason::InReview, ..) => "Votre revendeur doit relire cette campagne avant son envoi.".to_owned(),
        (Reason::Credit, ..) => match cause.credits {
            Some((needed, available)) if available >= needed => format!(
                "Son lancement a été refusé faute de crédits. Le solde suffit maintenant ({} sur {available}) : relancez-la, ou \
                 donnez-lui une autre date.",
                Language::Fr.counted(needed, ("crédit", "crédits"))
            ),
            Some((needed, available)) => format!(
                "Son lancement a été refusé : il faut {}, et {}. Relancez-la, ou donnez-lui \
                 une autre date, quand le solde suffira.",
                Language::Fr.counted(needed, ("crédit", "crédits")),
                Language::Fr.counted(available, ("est disponible", "sont disponibles"))
            ),
            None => "Son lancement a été refusé : le solde ne suffit pas.".to_owned(),
        },
        (Reason::Paused, ..) => "La campagne est en pause.".to_owned(),
        (Reason::NoRoute, ..) => "Aucun opérateur n'est plus configuré pour ces messages.".to_owned(),
        (Reason::ClosedHours, ..) => "Ce n'est pas l'heure à laquelle ces messages peuvent être envoyés.".to_owned(),
        (Reason::Suspended, ..) => format!("L'exploitant du service a suspendu l'envoi par {smsc}."),
        (Reason::Stopped, Some(status), _) => {
            format!("{smsc} n'accepte plus rien de notre compte ({status}) ; un message est essayé de temps en temps.")
        }
        (Reason::Stopped, None, _) => format!("{smsc} n'accepte plus rien de notre compte."),
        (Reason::NotBound, Some(status), _) => {
            format!("{smsc} refuse notre compte ({status}) ; un nouvel essai est fait régulièrement.")
        }
        (Reason::NotBound, None, _) => {
            format!("{smsc} est injoignable ; un nouvel essai est fait régulièrement.")
        }
        (Reason::Behind, ..) => "Un message précédent à la même personne n'a pas encore de réponse.".to_owned(),
        (Reason::Brake, _, Some(rate)) => format!(
            "{smsc} est surchargé ou demande de ralentir : il reçoit {} par seconde pour l'instant.",
            segments(rate, Language::Fr)
        ),
        (Reason::Brake, _, None) => format!("{smsc} est surchargé ou demande de ralentir."),
        (Reason::Retry, ..) => "Ces messages n'ont pas pu être remis pour l'instant ; ils sont réessayés.".to_owned(),
        (Reason::Rate, _, Some(rate)) => {
            format!(
                "{smsc} reçoit {} par seconde, comme convenu avec lui.",
                segments(rate, Language::Fr)
            )
        }
        (Reason::Rate, _, None) => format!("{smsc} reçoit les messages au débit convenu avec lui."),
        (Reason::Window, ..) if cause.silent => {
            format!("{smsc} ne répond pas : rien de plus ne lui est envoyé avant qu'il réponde.")
        }
        (Reason::Window, ..) => format!("Les messages partent aussi vite que {smsc} répond."),
    }
}

/// The time in which a campaign has as many messages.
fn unit(rate: Tempo, [second, minute, hour]: [&'static str; 3]) -> &'static str {
    match rate.period().as_secs() {
        1 => second,
        60 => minute,
        _ => hour,
    }
}

/// So many segments, as each language says it.
fn segments(rate: f64, language: Language) -> String {
    let (number, is_one) = match language {
        Language::Fr => (shown(rate).replace('.', ","), rate < 2.0),
        Language::En => (shown(rate), shown(rate) == "1"),
    };
    format!("{number} {}", if is_one { "segment" } else { "segments" })
}

/// A rate without digits that say nothing.
fn shown(rate: f64) -> String {
    if rate >= 10.0 || rate.fract() < 0.05 {
        format!("{rate:.0}")
    } else {
        format!("{rate:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence_of_its_own_in_both_languages() {
        let of = |language| {
            let sentence = |reason: &Reason| detail(&Cause::only(*reason), language);
            let mut sentences: Vec<String> = Reason::ALL.iter().map(sentence).collect();
            assert!(
                sentences.iter().all(|sentence| sentence.ends_with('.')),
                "{sentences:?}"
            );
            sentences.sort();
            sentences.dedup();
            sentences
        };
        let [english, french] = [Language::En, Language::Fr].map(of);
        assert_eq!((english.len(), french.len()), (Reason::ALL.len(), Reason::ALL.len()));
        assert!(english.iter().all(|sentence| !french.contains(sentence)));
    }

    #[test]
    fn doubts_are_said_of_one_and_of_many() {
        assert_eq!(
            in_doubt(1, Language::Fr),
            "L'opérateur n'a pas confirmé 1 message : son accusé de réception est attendu, et rien n'est renvoyé pour ne pas écrire deux fois."
        );
        assert!(in_doubt(3, Language::En).starts_with("The carrier did not confirm 3 messages: their receipt"));
    }

    #[test]
    fn one_is_one_in_both_languages() {
        let own = |rate: &str| Cause {
            own_rate: rate.parse().ok().map(|rate| (Paced::Campaign, rate)),
            ..Cause::only(Reason::Rate)
        };
        assert_eq!(
            detail(&own("1/s"), Language::Fr),
            "Cette campagne envoie 1 message par seconde, comme demandé."
        );
        assert_eq!(
            detail(&own("30/min"), Language::Fr),
            "Cette campagne envoie 30 messages par minute, comme demandé."
        );
        assert_eq!(
            detail(&own("1/h"), Language::En),
            "This campaign goes at 1 message an hour, as it was asked to."
        );
        let agreed = Cause {
            own_rate: "5/s".parse().ok().map(|rate| (Paced::Tenant, rate)),
            ..Cause::only(Reason::Rate)
        };
        assert_eq!(
            detail(&agreed, Language::Fr),
            "Ce compte envoie 5 messages par seconde au plus, comme convenu."
        );
        for (rate, french, english) in [
            (1.0, "1 segment", "1 segment"),
            (1.5, "1,5 segment", "1.5 segments"),
            (96.4, "96 segments", "96 segments"),
        ] {
            assert_eq!(segments(rate, Language::Fr), french);
            assert_eq!(segments(rate, Language::En), english);
        }
        let short = |needed, available| Cause {
            credits: Some((needed, available)),
            ..Cause::only(Reason::Credit)
        };
        assert!(detail(&short(1, 0), Language::Fr).contains("il faut 1 crédit, et 0 est disponible."));
        let covered = detail(&short(1, 50), Language::Fr);
        assert!(
            covered.contains("Le solde suffit maintenant (1 crédit sur 50) : relancez-la"),
            "{covered}"
        );
        assert!(detail(&short(2, 2), Language::En).contains("The balance covers it by now (2 credits of 2)"));
    }

    #[test]
    fn a_rate_is_shown_as_people_say_it() {
        for (rate, words) in [(1.0, "1"), (0.5, "0.5"), (96.4, "96"), (2.25, "2.2")] {
            assert_eq!(shown(rate), words);
        }
    }
}
