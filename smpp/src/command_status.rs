//! `command_status`: how a response says what became of its request (3.4, 5.1.3; those from 0x100 on: 5.0, 4.7.6).

use std::fmt;

/// A `command_status` as it is on the wire. Vendors add codes of their own (0x400 to 0x4FF and others), so it stays a
/// number and every value is legal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandStatus(pub u32);

macro_rules! statuses {
    ($($name:ident = $value:literal, $meaning:literal;)*) => {
        #[allow(missing_docs, reason = "the standard's own names; `meaning` explains each")]
        impl CommandStatus {
            $(pub const $name: Self = Self($value);)*
        }

        /// Every status of the standard: value, name, meaning.
        const TABLE: &[(u32, &str, &str)] = &[$(($value, stringify!($name), $meaning),)*];
    };
}

statuses! {
    ESME_ROK = 0x00, "no error";
    ESME_RINVMSGLEN = 0x01, "message length is invalid";
    ESME_RINVCMDLEN = 0x02, "command length is invalid";
    ESME_RINVCMDID = 0x03, "invalid command id";
    ESME_RINVBNDSTS = 0x04, "incorrect bind status for this command";
    ESME_RALYBND = 0x05, "already in bound state";
    ESME_RINVPRTFLG = 0x06, "invalid priority flag";
    ESME_RINVREGDLVFLG = 0x07, "invalid registered delivery flag";
    ESME_RSYSERR = 0x08, "system error";
    ESME_RINVSRCADR = 0x0A, "invalid source address";
    ESME_RINVDSTADR = 0x0B, "invalid destination address";
    ESME_RINVMSGID = 0x0C, "message id is invalid";
    ESME_RBINDFAIL = 0x0D, "bind failed";
    ESME_RINVPASWD = 0x0E, "invalid password";
    ESME_RINVSYSID = 0x0F, "invalid system id";
    ESME_RCANCELFAIL = 0x11, "cancel_sm failed";
    ESME_RREPLACEFAIL = 0x13, "replace_sm failed";
    ESME_RMSGQFUL = 0x14, "message queue full";
    ESME_RINVSERTYP = 0x15, "invalid service type";
    ESME_RINVNUMDESTS = 0x33, "invalid number of destinations";
    ESME_RINVDLNAME = 0x34, "invalid distribution list name";
    ESME_RINVDESTFLAG = 0x40, "destination flag is invalid";
    ESME_RINVSUBREP = 0x42, "invalid submit-with-replace request";
    ESME_RINVESMCLASS = 0x43, "invalid esm_class";
    ESME_RCNTSUBDL = 0x44, "cannot submit to distribution list";
    ESME_RSUBMITFAIL = 0x45, "submit_sm or submit_multi failed";
    ESME_RINVSRCTON = 0x48, "invalid source address TON";
    ESME_RINVSRCNPI = 0x49, "invalid source address NPI";
    ESME_RINVDSTTON = 0x50, "invalid destination address TON";
    ESME_RINVDSTNPI = 0x51, "invalid destination address NPI";
    ESME_RINVSYSTYP = 0x53, "invalid system_type";
    ESME_RINVREPFLAG = 0x54, "invalid replace_if_present flag";
    ESME_RINVNUMMSGS = 0x55, "invalid number of messages";
    ESME_RTHROTTLED = 0x58, "throttled: allowed message rate exceeded";
    ESME_RINVSCHED = 0x61, "invalid scheduled delivery time";
    ESME_RINVEXPIRY = 0x62, "invalid validity period";
    ESME_RINVDFTMSGID = 0x63, "predefined message id invalid or not found";
    ESME_RX_T_APPN = 0x64, "ESME receiver: temporary application error";
    ESME_RX_P_APPN = 0x65, "ESME receiver: permanent application error";
    ESME_RX_R_APPN = 0x66, "ESME receiver: message rejected";
    ESME_RQUERYFAIL = 0x67, "query_sm failed";
    ESME_RINVOPTPARSTREAM = 0xC0, "error in the optional part of the PDU";
    ESME_ROPTPARNOTALLWD = 0xC1, "optional parameter not allowed";
    ESME_RINVPARLEN = 0xC2, "invalid parameter length";
    ESME_RMISSINGOPTPARAM = 0xC3, "expected optional parameter missing";
    ESME_RINVOPTPARAMVAL = 0xC4, "invalid optional parameter value";
    ESME_RDELIVERYFAILURE = 0xFE, "delivery failure (data_sm_resp)";
    ESME_RUNKNOWNERR = 0xFF, "unknown error";
    ESME_RSERTYPUNAUTH = 0x100, "not authorised to use this service type";
    ESME_RPROHIBITED = 0x101, "prohibited from using this operation";
    ESME_RSERTYPUNAVAIL = 0x102, "service type is unavailable";
    ESME_RSERTYPDENIED = 0x103, "service type is denied";
    ESME_RINVDCS = 0x104, "invalid data_coding";
    ESME_RINVSRCADDRSUBUNIT = 0x105, "invalid source address subunit";
    ESME_RINVDSTADDRSUBUNIT = 0x106, "invalid destination address subunit";
    ESME_RINVBCASTFREQINT = 0x107, "invalid broadcast frequency interval";
    ESME_RINVBCASTALIAS_NAME = 0x108, "invalid broadcast alias name";
    ESME_RINVBCASTAREAFMT = 0x109, "invalid broadcast area format";
    ESME_RINVNUMBCAST_AREAS = 0x10A, "invalid number of broadcast areas";
    ESME_RINVBCASTCNTTYPE = 0x10B, "invalid broadcast content type";
    ESME_RINVBCASTMSGCLASS = 0x10C, "invalid broadcast message class";
    ESME_RBCASTFAIL = 0x10D, "broadcast_sm failed";
    ESME_RBCASTQUERYFAIL = 0x10E, "query_broadcast_sm failed";
    ESME_RBCASTCANCELFAIL = 0x10F, "cancel_broadcast_sm failed";
    ESME_RINVBCAST_REP = 0x110, "invalid number of repeated broadcasts";
    ESME_RINVBCASTSRVGRP = 0x111, "invalid broadcast service group";
    ESME_RINVBCASTCHANIND = 0x112, "invalid broadcast channel indicator";
}

impl CommandStatus {
    /// The standard's name, or `None` for reserved and vendor codes.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.1)
    }

    /// What the standard says that the status means.
    pub fn meaning(self) -> &'static str {
        self.row().map_or("a vendor's or reserved code", |row| row.2)
    }

    /// The status of that name (`ESME_RTHROTTLED`) or number (`0x00000058`, `88`).
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(row) = TABLE.iter().find(|row| row.1.eq_ignore_ascii_case(text)) {
            return Some(Self(row.0));
        }
        let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        match hexadecimal {
            Some(digits) => u32::from_str_radix(digits, 16).ok().map(Self),
            None => text.parse().ok().map(Self),
        }
    }

    /// Every name that the standard knows, for error messages and metric labels.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.1)
    }

    fn row(self) -> Option<&'static (u32, &'static str, &'static str)> {
        TABLE
            .binary_search_by_key(&self.0, |row| row.0)
            .ok()
            .map(|at| &TABLE[at])
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_agrees_with_rusmpp() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for row in TABLE {
            assert!(
                !matches!(rusmpp::CommandStatus::from(row.0), rusmpp::CommandStatus::Other(_)),
                "{} is unknown to rusmpp",
                row.1
            );
        }
    }

    #[test]
    fn names_and_numbers_are_read_and_vendor_codes_stay_numbers() {
        assert_eq!(
            CommandStatus::parse("ESME_RTHROTTLED"),
            Some(CommandStatus::ESME_RTHROTTLED)
        );
        assert_eq!(CommandStatus::parse("0x0000040B"), Some(CommandStatus(0x40B)));
        assert_eq!(CommandStatus(0x40B).to_string(), "0x0000040B");
        assert_eq!(CommandStatus::parse("no"), None);
    }
}
