//! The text of a receipt with places to fill in, and dates likewise.

/// The longest text that a scenario may write: with every place filled in it still is one octet short of what
/// `sm_length` can say, and an SMS has 160 characters anyway.
pub(crate) const TEMPLATE_MAX: usize = 200;

/// The text of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

/// A piece of a receipt's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Octets as they are.
    Octets(Vec<u8>),
    /// The message's id.
    Id,
    /// Messages submitted, three digits.
    Sub,
    /// Messages delivered, three digits.
    Dlvrd,
    /// When it was submitted.
    Submit(DateFormat),
    /// When it reached its state.
    Done(DateFormat),
    /// The state, as the dialect writes it.
    Stat,
    /// The error, as the dialect writes it.
    Err,
    /// The beginning of the message.
    Text,
}

/// How a date is written, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormat(pub Vec<DatePart>);

/// Two digits of a date, or an octet between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    /// The first two digits of the year.
    Century,
    /// The last two.
    Year,
    /// 01 to 12.
    Month,
    /// 00 to 11, as senders write it whose months begin with 0.
    MonthFromZero,
    /// 01 to 31.
    Day,
    /// 00 to 23.
    Hour,
    /// 00 to 59.
    Minute,
    /// 00 to 59.
    Second,
    /// An octet as it is.
    Octet(u8),
}

/// What is written in a date, and what it stands for; `YYYY` is [`DatePart::Century`] and [`DatePart::Year`].
const DATE_PARTS: &[(&str, DatePart)] = &[
    ("YY", DatePart::Year),
    ("MM", DatePart::Month),
    ("M0", DatePart::MonthFromZero),
    ("DD", DatePart::Day),
    ("hh", DatePart::Hour),
    ("mm", DatePart::Minute),
    ("ss", DatePart::Second),
];

/// The longest date that any SMSC was seen to write: an absolute time of 3.4, 7.1.1.
const DATE_MAX: usize = 16;

impl DateFormat {
    /// Reads `YYMMDDhhmm` and its like; any other printable ASCII stands for itself. `None`: it has over 16 characters,
    /// or others.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > DATE_MAX || !text.bytes().all(|octet| (b' '..=b'~').contains(&octet)) {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(&octet) = rest.as_bytes().first() {
            if let Some(after) = rest.strip_prefix("YYYY") {
                parts.extend([DatePart::Century, DatePart::Year]);
                rest = after;
            } else if let Some((name, part)) = DATE_PARTS.iter().find(|part| rest.starts_with(part.0)) {
                parts.push(*part);
                rest = &rest[name.len()..];
            } else {
                parts.push(DatePart::Octet(octet));
                rest = &rest[1..];
            }
        }
        Some(Self(parts))
    }
}

impl Default for DateFormat {
    /// `YYMMDDhhmm` (3.4, appendix B).
    fn default() -> Self {
        use DatePart::{Day, Hour, Minute, Month, Year};
        Self(vec![Year, Month, Day, Hour, Minute])
    }
}

impl Default for Template {
    /// The standard's example (3.4, appendix B).
    fn default() -> Self {
        let octets = |text: &str| Piece::Octets(text.as_bytes().to_vec());
        Self(vec![
            octets("id:"),
            Piece::Id,
            octets(" sub:"),
            Piece::Sub,
            octets(" dlvrd:"),
            Piece::Dlvrd,
            octets(" submit date:"),
            Piece::Submit(DateFormat::default()),
            octets(" done date:"),
            Piece::Done(DateFormat::default()),
            octets(" stat:"),
            Piece::Stat,
            octets(" err:"),
            Piece::Err,
            octets(" text:"),
            Piece::Text,
        ])
    }
}

impl Template {
    /// Reads a text with `{id}`, `{sub}`, `{dlvrd}`, `{submit}`, `{done}`, `{stat}`, `{err}` and `{text}` in it.
    /// Characters up to U+00FF are octets; the dates have the formats given. `None`: it is too long, has other
    /// characters, or braces around anything else.
    pub fn parse(text: &str, submit: &DateFormat, done: &DateFormat) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            pieces.extend(octets(before)?);
            let (name, after) = after.split_once('}')?;
            pieces.push(match name {
                "id" => Piece::Id,
                "sub" => Piece::Sub,
                "dlvrd" => Piece::Dlvrd,
                "submit" => Piece::Submit(submit.clone()),
                "done" => Piece::Done(done.clone()),
                "stat" => Piece::Stat,
                "err" => Piece::Err,
                "text" => Piece::Text,
                _ => return None,
            });
            rest = after;
        }
        pieces.extend(octets(rest)?);
        (text.len() <= TEMPLATE_MAX).then_some(Self(pieces))
    }

    /// The same with other dates.
    pub(crate) fn with_dates(mut self, submit: &DateFormat, done: &DateFormat) -> Self {
        for piece in &mut self.0 {
            if let Piece::Submit(format) = piece {
                format.clone_from(submit);
            } else if let Piece::Done(format) = piece {
                format.clone_from(done);
            }
        }
        self
    }
}

/// Nothing for an empty text; `None` when a character is no octet.
fn octets(text: &str) -> Option<Option<Piece>> {
    let octets: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    octets.map(|octets| (!octets.is_empty()).then_some(Piece::Octets(octets)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_text_is_read_as_the_default() {
        let text =
            "id:{id} sub:{sub} dlvrd:{dlvrd} submit date:{submit} done date:{done} stat:{stat} err:{err} text:{text}";
        let date = DateFormat::parse("YYMMDDhhmm").unwrap();
        assert_eq!(date, DateFormat::default());
        assert_eq!(Template::parse(text, &date, &date), Some(Template::default()));
        for wrong in ["{ID}", "{id", "id:€", &"x".repeat(201)] {
            assert_eq!(Template::parse(wrong, &date, &date), None, "{wrong}");
        }
    }

    #[test]
    fn dates_are_made_of_pairs_and_octets() {
        let parts = DateFormat::parse("YYYYM0DD000+").unwrap().0;
        let expected = [
            DatePart::Century,
            DatePart::Year,
            DatePart::MonthFromZero,
            DatePart::Day,
        ];
        assert_eq!(parts[..4], expected);
        assert_eq!(parts[4..], [b'0', b'0', b'0', b'+'].map(DatePart::Octet));
        assert_eq!(DateFormat::parse("YYYYMMDDhhmmss000+"), None);
    }
}
