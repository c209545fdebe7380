//! What is wrong with a field that someone gave us, in no language yet: the one who shows it words it.

mod json_type;

pub(crate) use json_type::JsonType;

use serde_json::Value;
use strum::VariantNames;

use crate::domain::LocalMoment;

/// The most faults that one request is answered with: a caller with more than these has one mistake many times.
pub(crate) const FAULTS_MAX: usize = 100;

/// One field of a request that cannot be taken as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldFault {
    /// Where: a JSON pointer (RFC 6901) such as `/audience/recipients/17/to`; empty for the whole document.
    pub(crate) pointer: String,
    /// What was given there, where one field has many values.
    pub(crate) value: Option<Box<str>>,
    /// What is wrong, and what is allowed.
    pub(crate) problem: FieldProblem,
}

impl FieldFault {
    /// A fault of the field at `pointer`.
    pub(crate) fn new(pointer: impl Into<String>, problem: FieldProblem) -> Self {
        Self {
            pointer: pointer.into(),
            value: None,
            problem,
        }
    }

    /// A fault of one of the values of the field at `pointer`.
    pub(crate) fn of_value(pointer: impl Into<String>, value: impl Into<Box<str>>, problem: FieldProblem) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::new(pointer, problem)
        }
    }
}

/// What can be wrong with a field. The names are the API's codes, in snake_case ([`FieldProblem::code`]).
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum FieldProblem {
    /// The body is not JSON from this place on.
    InvalidJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser found, in English.
        reason: String,
        /// It ends before it is whole.
        is_cut: bool,
    },
    /// The body is not written in UTF-8.
    NotUtf8 {
        /// Line of the first octet that is none of it, from 1.
        line: usize,
    },
    /// No such field; the nearest allowed name, if one is near.
    UnknownField {
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The field is there twice in one object.
    DuplicateField,
    /// The same was given further up in the list.
    Twice,
    /// Not later than the field of that name.
    NotLater { than: &'static str },
    /// The field must be there.
    Missing,
    /// One of these must be there.
    MissingOneOf { fields: &'static [&'static str] },
    /// No name of a field that may stand there.
    NotOneOf {
        /// What stands there.
        name: String,
        nearest: Option<String>,
        allowed: &'static [&'static str],
    },
    /// The field has another JSON type.
    WrongType {
        /// What is wanted.
        expected: JsonType,
        found: JsonType,
    },
    /// The field is there and empty, or blank.
    Empty,
    /// The numbers that are there are nobody's who can be written to.
    Nobody,
    /// Of a campaign, nobody is left to whom it is to go again.
    NobodyLeft,
    /// Longer than allowed, in characters.
    TooLong {
        /// The most characters allowed.
        max: usize,
        /// How many came; for what was not read to its end, how many were read.
        given: usize,
    },
    /// More elements than allowed.
    TooMany {
        /// The most elements allowed.
        max: usize,
    },
    /// It stands deeper than allowed.
    TooDeep {
        /// The deepest allowed.
        max: usize,
    },
    /// None of the words that the field takes.
    UnknownValue {
        /// The words that it takes; none: see [`FieldProblem::GONE`].
        allowed: &'static [&'static str],
    },
    /// The same, where it takes what no list has.
    Expected(Expected),
    /// What is asked for has too many lines.
    TooManyLines {
        /// The most allowed.
        max: usize,
    },
    /// A number outside its range, both ends allowed.
    OutOfRange {
        /// The least allowed.
        min: i64,
        /// The most allowed.
        max: i64,
    },
    /// The text names a merge field that no column is called by.
    UnknownMergeField {
        /// The name in the text.
        name: String,
        /// The column that was probably meant.
        nearest: Option<String>,
        /// Those that there are.
        columns: Box<[String]>,
        /// The same as they are called in French; none: they have one name.
        french: Box<[String]>,
    },
    /// A merge field without an end, or without a name, or with a bracket in its fallback.
    BrokenMergeField {
        /// The text from its opening bracket on, cut short.
        near: String,
    },
    /// A text or sender that is not as the tenant's have to be.
    Wording(WordingProblem),
    /// No sender that carriers take.
    InvalidSender,
    /// No IP address, and no network of them.
    NotANetwork,
    /// No time of a day.
    InvalidTimeOfDay,
    /// No rule of replies, and no hours of opening.
    Reply(ReplyProblem),
    /// Not a phone number at all.
    NotANumber,
    /// A phone number that does not exist in its country's numbering plan.
    InvalidNumber,
    /// A phone number that takes no texts.
    NotMobile,
    /// No time.
    InvalidTime,
    /// A file of contacts, or what one of its rows says.
    Sheet(SheetProblem),
    /// A date at which nothing can be planned.
    Date(DateProblem),
    /// No filter of the log.
    InvalidDirectives {
        /// Which of it, and what is allowed, in English.
        why: String,
    },
    /// A phone number of a country that is not sent to.
    CountryNotAllowed,
    /// A phone number that is on no guest list, where only guests are reached.
    NotAGuest,
    /// So many other credits were moved for that reference: whoever repeats it means these.
    ReferenceTaken { credits: u64 },
    /// No code of a country.
    UnknownCountry,
    /// No id of a reseller that the asker may name.
    UnknownReseller,
    /// Not ASCII, or longer than allowed.
    NotAscii {
        /// The most characters allowed.
        max: usize,
    },
    /// No price, or no currency.
    Money(MoneyProblem),
    /// No octets in hexadecimal, or too many.
    InvalidHexadecimal,
    /// No tag of an optional parameter, one that is there already, or one that is written anyway.
    InvalidTag,
    /// No rate of a campaign.
    InvalidRate,
    /// A rate of an SMSC that is a receiver only.
    ReceiverOnly,
    /// No day, neither by its date nor told from today.
    InvalidDay,
    /// A character that it may not have.
    ForbiddenCharacter(Forbidden),
    /// It stands without what has to be beside it.
    MissingBeside {
        /// Any of these.
        fields: &'static [&'static str],
    },
    /// A URL that nobody is told at.
    Url(UrlProblem),
    /// It stands beside what it excludes.
    NotBeside {
        /// Any of these.
        fields: &'static [&'static str],
    },
    /// A campaign that an automation makes has its name.
    NamedByAutomation,
    /// The recipients of the campaign were given with it, and taken by what the field says.
    OfRecipients,
    /// A spreadsheet wrote the number as `3,36123E+10`: its digits are gone.
    LostDigits,
}

impl FieldProblem {
    /// The id of a list or segment that is gone, or never was one of the tenant's.
    pub(crate) const GONE: Self = Self::UnknownValue { allowed: &[] };

    /// Every code, in the order of the alphabet.
    pub(crate) fn codes() -> Vec<&'static str> {
        // What has kinds of its own is told by theirs, and what is another only in its words by that one's.
        let told = [
            "date",
            "expected",
            "missing_one_of",
            "money",
            "named_by_automation",
            "nobody",
            "nobody_left",
            "not_one_of",
            "reply",
            "sheet",
            "unknown_column",
            "url",
            "wording",
        ];
        let own = Self::VARIANTS.iter().filter(|name| !told.contains(name));
        let mut codes: Vec<_> = own
            .chain(DateProblem::VARIANTS)
            .chain(WordingProblem::VARIANTS)
            .chain(SheetProblem::VARIANTS)
            .chain(UrlProblem::VARIANTS)
            .chain(MoneyProblem::VARIANTS)
            .chain(ReplyProblem::VARIANTS)
            .copied()
            .collect();
        codes.sort_unstable();
        codes
    }

    /// The field has another type than that.
    pub(crate) fn wrong_type(expected: JsonType, found: &Value) -> Self {
        let found = JsonType::of(found);
        Self::WrongType { expected, found }
    }

    /// The stable code of the API; never translated.
    pub(crate) const fn code(&self) -> &'static str {
        if let Self::Date(problem) = self {
            return problem.into_str();
        }
        if let Self::Wording(problem) = self {
            return problem.into_str();
        }
        if let Self::Sheet(problem) = self {
            return problem.into_str();
        }
        if let Self::Url(problem) = self {
            return problem.into_str();
        }
        if let Self::Reply(problem) = self {
            return problem.into_str();
        }
        if let Self::Money(problem) = self {
            return problem.into_str();
        }
        if let Self::Expected(_) = self {
            return "unknown_value";
        }
        if let Self::MissingOneOf { .. } = self {
            return "missing";
        }
        if let Self::NotOneOf { .. } = self {
            return "unknown_field";
        }
        if let Self::Nobody | Self::NobodyLeft = self {
            return "empty";
        }
        if let Self::NamedByAutomation = self {
            return "not_beside";
        }
        self.into_str()
    }
}

/// What is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum MoneyProblem {
    /// Not exact, or too high.
    InvalidPrice,
    /// No currency by its three letters.
    InvalidCurrency,
}

/// What a field takes that is no word of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// `2026-10`.
    Month,
    IpAddress,
    /// What an answer has given as `next_cursor`.
    Cursor,
    /// The reference or id of a contact that there is.
    KnownContact,
    /// A plan of reminders whose sender is that number.
    PlanOfNumber,
    /// A tenant that has that number.
    TenantOfNumber,
}

/// A character where none like it may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// One that nobody sees.
    Control {
        letter: char,
        /// Its place among the characters, from 1.
        place: usize,
    },
    /// One of these.
    Signs(&'static str),
}

impl Forbidden {
    /// The first control character of a text, but for those that it may have.
    ///
    /// # Errors
    /// [`FieldProblem::ForbiddenCharacter`].
    pub(crate) fn check(text: &str, allowed: &[char]) -> Result<(), FieldProblem> {
        let is_one = |(_, letter): &(usize, char)| letter.is_control() && !allowed.contains(letter);
        match text.chars().enumerate().find(is_one) {
            None => Ok(()),
            Some((at, letter)) => {
                let place = at + 1;
                Err(FieldProblem::ForbiddenCharacter(Self::Control { letter, place }))
            }
        }
    }
}

impl From<SheetProblem> for FieldProblem {
    fn from(problem: SheetProblem) -> Self {
        Self::Sheet(problem)
    }
}

impl From<UrlProblem> for FieldProblem {
    fn from(problem: UrlProblem) -> Self {
        Self::Url(problem)
    }
}

impl From<DateProblem> for FieldProblem {
    fn from(problem: DateProblem) -> Self {
        Self::Date(problem)
    }
}

impl From<WordingProblem> for FieldProblem {
    fn from(problem: WordingProblem) -> Self {
        Self::Wording(problem)
    }
}

/// Why nothing can be planned for a date.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum DateProblem {
    /// No time, neither with an offset nor by the clocks of a zone.
    InvalidLocalTime { time_zone: String },
    /// No time with its offset.
    InvalidInstant,
    /// A launch when nothing of the campaign may go any more.
    AfterExpiry {
        /// When that begins.
        expires_at: LocalMoment,
    },
    /// A time over which the clocks of its zone are put forward.
    SkippedTime { time_zone: String },
    /// A time that is over, or too far ahead.
    NotAhead {
        /// How far ahead it may be.
        days: u32,
    },
    /// No name of a time zone.
    UnknownTimeZone,
    /// No rule by which days recur, or none that is understood.
    InvalidRecurrence {
        /// The part that is not; empty: one is missing.
        part: String,
    },
    /// No day comes that is meant.
    NeverComes,
    /// No time with its offset, and no day.
    InvalidMoment,
    /// A time that is still to come, of what is said to have been.
    InFuture,
    /// A time that ends before it begins, or is longer than allowed.
    InvalidRange {
        /// The most days allowed.
        days: u32,
    },
}

/// How what is said of replies cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum ReplyProblem {
    /// Not behind what another field says.
    NotBehind {
        /// The other one.
        field: &'static str,
    },
    /// No regular expression, or one that takes too much.
    InvalidPattern,
    /// Not one of the tenant's numbers.
    NotOwnNumber,
    /// A word that means an opt-out, whatever a rule says.
    MeansOptOut,
}

impl From<ReplyProblem> for FieldProblem {
    fn from(problem: ReplyProblem) -> Self {
        Self::Reply(problem)
    }
}

/// How a URL is not that of a receiver of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum UrlProblem {
    /// No URL, one that is too long, or one with a name and password.
    InvalidUrl {
        /// The most characters allowed.
        max: usize,
    },
    /// No URL of a page, one that is no `http:` or `https:`, or one that is too long.
    NotAPage {
        /// The most characters allowed.
        max: usize,
    },
    /// No domain, such as `cabinet.fr`.
    InvalidDomain,
    /// `http:` where only TLS will do.
    InsecureUrl,
    /// An address that must not be asked: a private one, or one of this machine.
    ForbiddenAddress,
}

/// How a text or sender is not as the tenant's have to be.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum WordingProblem {
    /// The text says STOP to a number that this engine has not.
    NoStopNumber,
    /// No clause that says how to write STOP.
    InvalidStopText {
        /// The most characters allowed.
        max: usize,
    },
    /// What a category is about sells, whatever its sender says.
    CategoryIsMarketing { category: &'static str },
    /// No sender of those that the reseller has approved.
    SenderNotApproved { approved: Vec<String> },
    /// A number that others have.
    NumberOfAnother,
    /// A mobile or an emergency number, which the tenant does not have.
    NumberOfSomebody,
    /// A sender that looks like a protected name, and was not approved.
    SenderProtected { name: String },
    /// Advertising from a short code that carries what is transactional alone.
    TransactionalCode,
    /// A sender that says nothing of who writes, and was not approved.
    SenderGeneric { name: String },
    /// Advertising to numbers of which nobody knows whether they agreed to it.
    ConsentRequired,
    /// A link to where everybody may shorten links: operators filter it.
    PublicShortener { domain: String },
    /// A link to the tenant's own short links: it leads to no page.
    OwnShortDomain { domain: String },
    /// A link to none of the domains that were agreed on.
    LinkNotAllowed { domain: String, allowed: Vec<String> },
    /// A link where somebody is named.
    LinkInName { domain: String },
    /// Short links without a domain of theirs.
    NoShortDomain,
    /// Fewer codes are left in the pool than recipients.
    CodesMissing {
        /// How many fewer.
        missing: u64,
    },
    /// A merge field in the text of a message by itself.
    NothingToFillIn { field: String },
    /// Advertising of which nobody could tell whose it is.
    AdvertiserNotNamed { brand: String },
}

/// How a file of contacts is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum SheetProblem {
    /// No day, as people write one.
    InvalidDay,
    /// Neither yes nor no.
    NotYesOrNo,
    /// A consent without its date or its source, of a tenant that has to know of each.
    ConsentUnproven,
    /// The columns of one number say two.
    TwoNumbers,
    /// A person for the second time.
    DuplicateInFile,
    /// No column holds numbers; the line that was taken for the names of columns, of the first rows that were looked at for them.
    NoNumberColumn { heads: Option<u64>, within: usize },
    /// A row without a number, of somebody who is kept all the same.
    NoNumber,
    /// A quote that opens a cell, and that nothing closes.
    UnclosedQuote,
    /// Nothing but blank lines.
    EmptyFile,
    /// A row of more octets than allowed.
    RowTooLong { line: u64, max: usize },
    /// A row of more columns than allowed.
    TooManyColumns { line: u64, max: usize },
    /// More rows than allowed.
    TooManyRows { max: u64 },
    /// XLS, or a workbook with a password.
    OldWorkbook,
    /// What begins as a workbook and is none that can be read.
    BrokenWorkbook(WorkbookFlaw),
    /// A workbook of more octets than allowed, as it is or unpacked.
    WorkbookTooLarge { max: u64 },
}

/// Why a workbook cannot be read. Most are what no spreadsheet writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WorkbookFlaw {
    TooManyParts,
    EndsEarly,
    /// No table of contents at its end.
    NoContents,
    NotUtf8,
    LongText,
    LongTag,
    TagInTag,
    /// A row or cell that stands nowhere.
    NoPlace,
    /// Rows or cells that stand in no order.
    NoOrder,
    TooManyTexts,
    /// Comments or entities.
    Comments,
    /// What the library that reads it says, in English.
    Other(String),
}
