/// What a receipt says became of the message (3.4, 5.2.28 and appendix B), with what SMSCs say beyond the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stat {
    /// No `stat:` in the text and no `message_state`.
    #[default]
    Absent,
    /// Not yet tried (5.0).
    Scheduled,
    /// On its way, or buffered.
    Enroute,
    /// On the phone.
    Delivrd,
    /// Its validity ended first.
    Expired,
    /// Taken out by somebody.
    Deleted,
    /// It cannot be delivered; the FAILED of some SMSCs too.
    Undeliv,
    /// Accepted for the phone; the last word at a few SMSCs.
    Acceptd,
    /// Its state is unknown or invalid.
    Unknown,
    /// Refused.
    Rejectd,
    /// Left out (5.0).
    Skipped,
    /// Any other word.
    Other,
}

/// What says that a message was delivered: whole words, as SMSCs write, misspell or cut them off. A beginning proves nothing:
/// `DELIVERY_FAILED` has the same.
const DELIVERED: [&[u8]; 9] = [
    b"DELIVRD",
    b"DELIVERED",
    b"DELIVERD",
    b"DELIVRED",
    b"DELIVERE",
    b"DELIVER",
    b"DELIV",
    b"DLVRD",
    b"DLVRED",
];

/// What makes the contrary of a word behind it: `NOT_DELIVERED`, `UN-DELIVERED`.
const NEGATIONS: [&[u8]; 4] = [b"NOT", b"UN", b"NON", b"NO"];

/// What `stat:` begins with → its meaning, success left aside. SMSCs write the words at full length, cut off or misspelt, in
/// any case.
const WORDS: [(&[u8], Stat); 15] = [
    (b"DELET", Stat::Deleted),
    (b"EXPIR", Stat::Expired),
    (b"UNDEL", Stat::Undeliv),
    (b"ACCEP", Stat::Acceptd),
    (b"REJEC", Stat::Rejectd),
    (b"ENROU", Stat::Enroute),
    (b"UNKNO", Stat::Unknown),
    (b"UNKNWN", Stat::Unknown),
    (b"FAIL", Stat::Undeliv),
    (b"BUFF", Stat::Enroute),
    (b"SCHED", Stat::Scheduled),
    (b"SKIPP", Stat::Skipped),
    (b"EN_ROUTE", Stat::Enroute),
    (b"EN-ROUTE", Stat::Enroute),
    (b"PENDING", Stat::Enroute),
];

/// The standard's words: only these are taken for a stat where the key itself is missing.
const BARE_WORDS: [&[u8]; 9] = [
    b"DELIVRD", b"EXPIRED", b"DELETED", b"UNDELIV", b"ACCEPTD", b"UNKNOWN", b"REJECTD", b"ENROUTE", b"SKIPPED",
];

impl Stat {
    /// A closed name in lower case, fit for a metric's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Scheduled => "scheduled",
            Self::Enroute => "enroute",
            Self::Delivrd => "delivrd",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Undeliv => "undeliv",
            Self::Acceptd => "acceptd",
            Self::Unknown => "unknown",
            Self::Rejectd => "rejectd",
            Self::Skipped => "skipped",
            Self::Other => "other",
        }
    }

    /// Whether the message's way ends here. What is absent or not understood ends nothing; ACCEPTD does not either,
    /// unless an SMSC's configuration says so.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Delivrd
            | Self::Expired
            | Self::Deleted
            | Self::Undeliv
            | Self::Unknown
            | Self::Rejectd
            | Self::Skipped => true,
            Self::Absent | Self::Scheduled | Self::Enroute | Self::Acceptd | Self::Other => false,
        }
    }

    /// From the value of `stat:`: a word in any case, or the digit of a `message_state`. A failure is known by how its word
    /// begins, alone or behind a reason (`DND_REJECTED`); a success only by the whole word.
    pub fn from_text(word: &[u8]) -> Self {
        match word {
            [] => return Self::Absent,
            [digit @ b'0'..=b'9'] => return Self::from_message_state(digit - b'0'),
            _ => {}
        }
        if is_one_of(word, &DELIVERED) {
            return Self::Delivrd;
        }
        if let Some(stat) = Self::from_beginning(word) {
            return stat;
        }
        let is_joint = |octet: &u8| matches!(octet, b'_' | b'-' | b' ');
        let mut parts = word.rsplitn(2, is_joint);
        let (last, before) = (parts.next().unwrap_or(word), parts.next());
        let negated = before.is_some_and(|before| before.split(is_joint).any(|part| is_one_of(part, &NEGATIONS)));
        match before {
            Some(_) if is_one_of(last, &DELIVERED) && negated => Self::Undeliv,
            Some(_) if !negated => Self::from_beginning(last).unwrap_or(Self::Other),
            Some(_) | None => Self::Other,
        }
    }

    fn from_beginning(word: &[u8]) -> Option<Self> {
        let known = WORDS.iter().find(|(start, _)| starts_with(word, start));
        known.map(|&(_, stat)| stat)
    }

    /// From the TLV `message_state` (3.4, 5.2.28; 0 and 9 are of 5.0).
    pub const fn from_message_state(state: u8) -> Self {
        match state {
            0 => Self::Scheduled,
            1 => Self::Enroute,
            2 => Self::Delivrd,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliv,
            6 => Self::Acceptd,
            7 => Self::Unknown,
            8 => Self::Rejectd,
            9 => Self::Skipped,
            _ => Self::Other,
        }
    }

    /// Whether the octets are one of the standard's words, whole, in any case.
    pub(super) fn is_bare_word(word: &[u8]) -> bool {
        BARE_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
    }

    /// One stat from the TLV and the text. The TLV is the machine's own word; it gives way only where it says nothing
    /// and the text says something.
    pub(super) fn combine(message_state: Option<u8>, text: Self) -> Self {
        let Some(state) = message_state.map(Self::from_message_state) else {
            return text;
        };
        match (state, text) {
            (Self::Unknown | Self::Other, Self::Absent | Self::Other) => state,
            (Self::Unknown | Self::Other, said) => said,
            _ => state,
        }
    }
}

fn is_one_of(word: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn starts_with(word: &[u8], start: &[u8]) -> bool {
    word.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}
