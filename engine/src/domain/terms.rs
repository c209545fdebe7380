//! What a tenant has agreed on with its reseller: how its texts are encoded, how long they may be, what they cost.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use smpp::text::EncodingPolicy;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{GivesBack, PrefixPrices, Recipient, Tempo, Territory};

/// The characters that a credit buys under [`Tariff::Flat160`].
const FLAT: usize = 160;

/// What holds for texts that say nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How a text is encoded that does not say it itself.
    pub(crate) encoding: EncodingPolicy,
    pub(crate) tariff: Tariff,
    /// What it costs by the number that a message goes to.
    pub(crate) prefix_prices: PrefixPrices,
    /// A sandbox's messages cost nothing, whatever the tariff says.
    pub(crate) is_free: bool,
    /// The longest text of a campaign or message before its fields are filled in, in characters.
    pub(crate) characters_max: usize,
    pub(crate) stop_clause: StopClause,
    /// The clause itself; [`NUMBER_MARK`] stands for the number.
    pub(crate) stop_text: String,
    /// The senders that the reseller has approved; none: any.
    pub(crate) senders: Vec<String>,
    /// Those that look like a protected name, or are a generic one, and that it may write under all the same.
    pub(crate) protected_senders: Vec<String>,
    /// By which name people know the tenant; empty: that is not known.
    pub(crate) brand: String,
    /// Advertising goes to nobody whose consent is not known.
    pub(crate) require_consent: bool,
    /// How much advertising a person gets at most; none: any amount.
    pub(crate) frequency_cap: Option<FrequencyCap>,
    /// How many days its texts, and what people write to it, are kept when their campaigns are over; `None`: as long as these.
    pub(crate) text_days: Option<u16>,
    /// The domains to which links may lead, and those below them; none: any.
    pub(crate) link_domains: Vec<String>,
    /// The domain of its short links; `None`: it has none.
    pub(crate) short_domain: Option<String>,
    /// The credits below which it is told that few are left, the most first; none: it is not told.
    pub(crate) balance_alerts: Vec<u64>,
    /// How many messages are taken of it a day; `None`: any number.
    pub(crate) daily_max: Option<u32>,
    /// How many of its messages are sent in what time, at most; `None`: as many as can.
    pub(crate) rate: Option<Tempo>,
    /// Which failures give their credits back.
    pub(crate) gives_back: GivesBack,
    /// By whose clocks its days are: a name of the IANA database.
    pub(crate) time_zone: String,
    /// Where its people are, whose numbers do not say so; `None`: nowhere in particular.
    pub(crate) territory: Option<Territory>,
}

/// How much advertising a person gets of a tenant at most: so many messages within so many days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrequencyCap {
    pub(crate) messages: u8,
    pub(crate) days: u16,
}

impl FrequencyCap {
    /// The most messages: as many times are remembered of a person.
    pub(crate) const MESSAGES_MAX: u8 = 16;

    /// The longest period.
    pub(crate) const DAYS_MAX: u16 = 365;

    /// Its period.
    pub(crate) const fn seconds(self) -> u32 {
        self.days as u32 * 86_400
    }
}

impl fmt::Display for FrequencyCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.messages, self.days)
    }
}

impl FromStr for FrequencyCap {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (messages, days) = text.split_once(' ').unwrap_or((text, ""));
        Ok(Self {
            messages: messages.parse()?,
            days: days.parse()?,
        })
    }
}

/// What stands for the number to which people write STOP.
pub(crate) const NUMBER_MARK: &str = "XXXXX";

/// Which texts are given the clause that says how to write STOP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum StopClause {
    /// Advertising, which has to say it by law.
    #[default]
    Marketing,
    /// All.
    Always,
}

impl StopClause {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API and in the store.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

impl Terms {
    /// The most characters that may be agreed on: eight segments of 153.
    pub(crate) const CHARACTERS_MAX: usize = 1_224;

    /// The most senders that may be approved.
    pub(crate) const SENDERS_MAX: usize = 50;

    /// The longest brand, in characters.
    pub(crate) const BRAND_MAX: usize = 40;

    /// The longest that texts may be kept, in days: ten years.
    pub(crate) const TEXT_DAYS_MAX: u16 = 3_650;

    /// The most domains to which links may lead.
    pub(crate) const LINK_DOMAINS_MAX: usize = 50;

    /// The most thresholds of a balance: a few warnings, and an alarm.
    pub(crate) const BALANCE_ALERTS_MAX: usize = 5;

    /// The most messages of a day that may be agreed on: more than one engine sends in a day of one tenant.
    pub(crate) const DAILY_MAX: u32 = 100_000_000;

    /// By whose clocks days are of whom nothing else was said.
    pub(crate) const TIME_ZONE: &str = "Europe/Paris";

    /// The longest clause, in characters.
    pub(crate) const STOP_TEXT_MAX: usize = 40;

    /// What a message to that number costs whose text has that many characters and takes that many segments, though nobody may pay it;
    /// `None`: more than any message may.
    pub(crate) fn credits(&self, (characters, segments): (usize, u8), recipient: Recipient) -> Option<u8> {
        let credits = self.tariff.credits(characters, segments);
        credits.checked_mul(self.prefix_prices.times(recipient))
    }

    /// Whether a text may be a clause: it says STOP and to which number, has no fields, and is not longer than
    /// [`Terms::STOP_TEXT_MAX`].
    pub(crate) fn is_stop_text(text: &str) -> bool {
        let says_it = text.to_uppercase().contains("STOP") && text.contains(NUMBER_MARK);
        says_it && !text.contains(['[', '{']) && text.trim() == text && text.chars().count() <= Self::STOP_TEXT_MAX
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            encoding: EncodingPolicy::default(),
            tariff: Tariff::default(),
            prefix_prices: PrefixPrices::default(),
            is_free: false,
            // Three times 160.
            characters_max: 480,
            stop_clause: StopClause::default(),
            stop_text: format!("STOP au {NUMBER_MARK}"),
            senders: Vec::new(),
            protected_senders: Vec::new(),
            brand: String::new(),
            require_consent: false,
            frequency_cap: None,
            text_days: None,
            link_domains: Vec::new(),
            short_domain: None,
            balance_alerts: Vec::new(),
            daily_max: None,
            rate: None,
            gives_back: GivesBack::NONE,
            time_zone: Self::TIME_ZONE.to_owned(),
            territory: None,
        }
    }
}

/// What of the terms is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TermChanges {
    pub(crate) encoding: Option<EncodingPolicy>,
    pub(crate) tariff: Option<Tariff>,
    pub(crate) prefix_prices: Option<PrefixPrices>,
    pub(crate) characters_max: Option<usize>,
    pub(crate) stop_clause: Option<StopClause>,
    pub(crate) stop_text: Option<String>,
    pub(crate) senders: Option<Vec<String>>,
    pub(crate) protected_senders: Option<Vec<String>>,
    pub(crate) brand: Option<String>,
    pub(crate) require_consent: Option<bool>,
    pub(crate) frequency_cap: Option<Option<FrequencyCap>>,
    pub(crate) text_days: Option<Option<u16>>,
    pub(crate) link_domains: Option<Vec<String>>,
    pub(crate) short_domain: Option<Option<String>>,
    pub(crate) balance_alerts: Option<Vec<u64>>,
    pub(crate) daily_max: Option<Option<u32>>,
    pub(crate) rate: Option<Option<Tempo>>,
    pub(crate) gives_back: Option<GivesBack>,
    pub(crate) time_zone: Option<String>,
    pub(crate) territory: Option<Option<Territory>>,
}

impl From<Terms> for TermChanges {
    fn from(terms: Terms) -> Self {
        Self {
            encoding: Some(terms.encoding),
            tariff: Some(terms.tariff),
            prefix_prices: Some(terms.prefix_prices),
            characters_max: Some(terms.characters_max),
            stop_clause: Some(terms.stop_clause),
            stop_text: Some(terms.stop_text),
            senders: Some(terms.senders),
            protected_senders: Some(terms.protected_senders),
            brand: Some(terms.brand),
            require_consent: Some(terms.require_consent),
            frequency_cap: Some(terms.frequency_cap),
            text_days: Some(terms.text_days),
            link_domains: Some(terms.link_domains),
            short_domain: Some(terms.short_domain),
            balance_alerts: Some(terms.balance_alerts),
            daily_max: Some(terms.daily_max),
            rate: Some(terms.rate),
            gives_back: Some(terms.gives_back),
            time_zone: Some(terms.time_zone),
            territory: Some(terms.territory),
        }
    }
}

impl TermChanges {
    /// Whether anything is to change.
    pub(crate) fn are_some(&self) -> bool {
        *self != Self::default()
    }

    /// The terms with these changes.
    pub(crate) fn applied_to(self, terms: Terms) -> Terms {
        Terms {
            encoding: self.encoding.unwrap_or(terms.encoding),
            tariff: self.tariff.unwrap_or(terms.tariff),
            prefix_prices: self.prefix_prices.unwrap_or(terms.prefix_prices),
            is_free: terms.is_free,
            characters_max: self.characters_max.unwrap_or(terms.characters_max),
            stop_clause: self.stop_clause.unwrap_or(terms.stop_clause),
            stop_text: self.stop_text.unwrap_or(terms.stop_text),
            senders: self.senders.unwrap_or(terms.senders),
            protected_senders: self.protected_senders.unwrap_or(terms.protected_senders),
            brand: self.brand.unwrap_or(terms.brand),
            require_consent: self.require_consent.unwrap_or(terms.require_consent),
            frequency_cap: self.frequency_cap.unwrap_or(terms.frequency_cap),
            text_days: self.text_days.unwrap_or(terms.text_days),
            link_domains: self.link_domains.unwrap_or(terms.link_domains),
            short_domain: self.short_domain.unwrap_or(terms.short_domain),
            balance_alerts: self.balance_alerts.unwrap_or(terms.balance_alerts),
            daily_max: self.daily_max.unwrap_or(terms.daily_max),
            rate: self.rate.unwrap_or(terms.rate),
            gives_back: self.gives_back.unwrap_or(terms.gives_back),
            time_zone: self.time_zone.unwrap_or(terms.time_zone),
            territory: self.territory.unwrap_or(terms.territory),
        }
    }
}

/// How messages are billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Tariff {
    /// A credit a segment: as the SMSC bills us.
    #[default]
    Concat,
    /// A credit for 160 characters or a part of them, whatever that makes on the network: 480 are three.
    Flat160,
}

impl Tariff {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API and in the store.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// What a message costs whose text has that many characters and takes that many segments.
    pub(crate) fn credits(self, characters: usize, segments: u8) -> u8 {
        match self {
            Self::Concat => segments,
            Self::Flat160 => u8::try_from(characters.div_ceil(FLAT).max(1)).unwrap_or(u8::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_says_stop_and_where() {
        for text in ["STOP au XXXXX", "Stop:XXXXX"] {
            assert!(Terms::is_stop_text(text), "{text}");
        }
        let long = format!("STOP au XXXXX{}", "a".repeat(40));
        for text in [
            "",
            "STOP",
            "XXXXX",
            " STOP au XXXXX",
            "STOP au xxxxx",
            "[Nom] STOP au XXXXX",
            &long,
        ] {
            assert!(!Terms::is_stop_text(text), "{text}");
        }
    }

    #[test]
    fn a_flat_tariff_counts_characters_and_the_other_segments() {
        for (characters, segments, flat) in [
            (0, 1, 1),
            (160, 1, 1),
            (161, 2, 2),
            (320, 3, 2),
            (321, 3, 3),
            (480, 4, 3),
        ] {
            assert_eq!(Tariff::Flat160.credits(characters, segments), flat, "{characters}");
            assert_eq!(Tariff::Concat.credits(characters, segments), segments);
        }
        assert_eq!(
            (Tariff::Flat160.code(), "flat160".parse()),
            ("flat160", Ok(Tariff::Flat160))
        );
    }
}
