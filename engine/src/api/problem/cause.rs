//! What stands in the way of what is refused for now, for whoever asked: in a word that stays, and in a sentence. Nothing of where
//! servers are, and none of their words.

use schemars::JsonSchema;

use super::field_words::choose;
use crate::domain::Language;
use crate::guard::Reason;

/// What stands in the way. What the guard sees has the guard's codes, as `/readyz` tells them to operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray, JsonSchema)]
#[strum(serialize_all = "snake_case", const_into_str)]
#[schemars(rename = "UnavailableReason", rename_all = "snake_case")]
pub(crate) enum Cause {
    RedisAway,
    /// It answers, and does not do it: full, read-only, loading.
    RedisRefuses,
    /// A part of its cluster is on its way from one node to another.
    RedisMoving,
    /// A part of its cluster has no master.
    RedisInPart,
    /// Its user lacks a right.
    RedisDenies,
    RedisLosesData,
    RedisIntakeMark,
    RedisLeaseMark,
    DatabaseEmptied,
    OtherDatabase,
    /// What has happened is not written down in SQL.
    JournalFull,
    SqlAway,
    /// Another engine does it by now.
    TakenOver,
    /// The engine is about to end.
    Stopping,
    /// As many streams of events are open as can be.
    StreamsFull,
}

impl Cause {
    /// For machines: stable, never translated.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    pub(super) const fn words(self, language: Language) -> &'static str {
        let (french, english) = match self {
            Self::RedisAway => ("Redis ne répond pas.", "Redis does not answer."),
            Self::RedisRefuses => (
                "Redis refuse : mémoire pleine, lecture seule, ou chargement.",
                "Redis refuses: out of memory, read-only, or loading.",
            ),
            Self::RedisMoving => (
                "Une partie du cluster Redis change de serveur.",
                "A part of the Redis cluster is being moved to another server.",
            ),
            Self::RedisInPart => (
                "Une partie du cluster Redis est sans maître.",
                "A part of the Redis cluster has no master.",
            ),
            Self::RedisDenies => (
                "L'utilisateur Redis n'a pas les droits nécessaires.",
                "The user of Redis lacks a right.",
            ),
            Self::RedisLosesData => (
                "Redis est réglé de telle sorte qu'il perdrait des données.",
                "The settings of Redis would have it lose data.",
            ),
            Self::RedisIntakeMark => ("La mémoire de Redis est presque pleine.", "Redis is nearly full."),
            Self::RedisLeaseMark => ("La mémoire de Redis est pleine.", "Redis is full."),
            Self::DatabaseEmptied => ("La base Redis a été vidée.", "Redis was emptied."),
            Self::OtherDatabase => (
                "La base Redis n'est plus celle du démarrage.",
                "Redis is not the database any more that it was at the start.",
            ),
            Self::JournalFull => (
                "La base SQL ne suit pas : l'historique est trop en retard.",
                "The SQL database does not keep up: history is too far behind.",
            ),
            Self::SqlAway => ("La base SQL ne répond pas.", "The SQL database does not answer."),
            Self::TakenOver => (
                "Un autre moteur a pris la suite de celui-ci.",
                "Another engine goes on with it.",
            ),
            Self::Stopping => ("Le moteur s'arrête.", "The engine is stopping."),
            Self::StreamsFull => (
                "Trop de flux d'événements sont ouverts.",
                "Too many streams of events are open.",
            ),
        };
        choose(language, french, english)
    }
}

impl From<&Reason> for Cause {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::RedisAway => Self::RedisAway,
            Reason::DatabaseEmptied => Self::DatabaseEmptied,
            Reason::OtherDatabase => Self::OtherDatabase,
            Reason::LosesData(_) => Self::RedisLosesData,
            Reason::IntakeMark => Self::RedisIntakeMark,
            Reason::JournalFull => Self::JournalFull,
            Reason::LeaseMark => Self::RedisLeaseMark,
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn what_the_guard_sees_is_called_as_operators_read_it() {
        for reason in [
            Reason::RedisAway,
            Reason::DatabaseEmptied,
            Reason::OtherDatabase,
            Reason::LosesData(Vec::new()),
            Reason::IntakeMark,
            Reason::JournalFull,
            Reason::LeaseMark,
        ] {
            assert_eq!(Cause::from(&reason).code(), reason.code());
        }
    }

    #[test]
    fn each_is_a_sentence_of_its_own_and_says_nothing_of_where_servers_are() {
        for cause in Cause::VARIANTS {
            let [french, english] = [Language::Fr, Language::En].map(|language| cause.words(language));
            assert_ne!(french, english);
            for words in [french, english] {
                assert!(
                    words.ends_with('.') && !words.contains("://") && !words.contains(char::is_numeric),
                    "{words}"
                );
            }
        }
    }
}
