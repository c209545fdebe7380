//! Which mandatory fields a command has, in their order (3.4, 4; 5.0, 4), and what each may hold.

use super::values::{self, Said};
use crate::frame::CommandId;

/// The body of one command.
pub(super) struct Layout {
    pub(super) fields: &'static [Slot],
    /// Whether optional parameters may follow.
    pub(super) parameters: bool,
}

/// A field and how to read it.
pub(super) struct Slot(pub(super) &'static str, pub(super) Shape);

pub(super) enum Shape {
    /// One octet, and who says what it means.
    Octet(fn(u8) -> Said),
    /// A status of four octets.
    Status,
    /// A C-string, and its most octets, NUL included.
    CString(usize),
    /// A C-string: empty, or 16 characters (3.4, 7.1.1).
    Time,
    /// `sm_length` and `short_message`.
    ShortMessage,
    /// `number_of_dests` and as many destinations (3.4, 4.5.1.1).
    Destinations,
    /// `no_unsuccess` and as many destinations with their status (3.4, 4.5.2.1).
    Refused,
}

use Shape::{CString, Destinations, Octet, Refused, ShortMessage, Status, Time};

const SOURCE_TON: Slot = Slot("source_addr_ton", Octet(values::ton));
const SOURCE_NPI: Slot = Slot("source_addr_npi", Octet(values::npi));
const SOURCE_ADDR: Slot = Slot("source_addr", CString(21));
const DEST_TON: Slot = Slot("dest_addr_ton", Octet(values::ton));
const DEST_NPI: Slot = Slot("dest_addr_npi", Octet(values::npi));
const DEST_ADDR: Slot = Slot("destination_addr", CString(21));
const SERVICE_TYPE: Slot = Slot("service_type", CString(6));
const MESSAGE_ID: Slot = Slot("message_id", CString(65));
const SYSTEM_ID: Slot = Slot("system_id", CString(16));
const PASSWORD: Slot = Slot("password", CString(9));
const ESM_CLASS: Slot = Slot("esm_class", Octet(values::esm_class));
const PROTOCOL_ID: Slot = Slot("protocol_id", Octet(values::plain));
const PRIORITY: Slot = Slot("priority_flag", Octet(values::priority));
const SCHEDULE: Slot = Slot("schedule_delivery_time", Time);
const VALIDITY: Slot = Slot("validity_period", Time);
const REGISTERED: Slot = Slot("registered_delivery", Octet(values::registered_delivery));
const REPLACE: Slot = Slot("replace_if_present_flag", Octet(values::replace_if_present));
const DATA_CODING: Slot = Slot("data_coding", Octet(values::data_coding));
const DEFAULT_MSG_ID: Slot = Slot("sm_default_msg_id", Octet(values::plain));
const TEXT: Slot = Slot("short_message", ShortMessage);

const NOTHING: Layout = Layout {
    fields: &[],
    parameters: false,
};

const BIND: Layout = Layout {
    fields: &[
        SYSTEM_ID,
        PASSWORD,
        Slot("system_type", CString(13)),
        Slot("interface_version", Octet(values::interface_version)),
        Slot("addr_ton", Octet(values::ton)),
        Slot("addr_npi", Octet(values::npi)),
        Slot("address_range", CString(41)),
    ],
    parameters: false,
};

const BIND_RESP: Layout = Layout {
    fields: &[SYSTEM_ID],
    parameters: true,
};

const OUTBIND: Layout = Layout {
    fields: &[SYSTEM_ID, PASSWORD],
    parameters: false,
};

const SM: Layout = Layout {
    fields: &[
        SERVICE_TYPE,
        SOURCE_TON,
        SOURCE_NPI,
        SOURCE_ADDR,
        DEST_TON,
        DEST_NPI,
        DEST_ADDR,
        ESM_CLASS,
        PROTOCOL_ID,
        PRIORITY,
        SCHEDULE,
        VALIDITY,
        REGISTERED,
        REPLACE,
        DATA_CODING,
        DEFAULT_MSG_ID,
        TEXT,
    ],
    parameters: true,
};

const MULTI: Layout = Layout {
    fields: &[
        SERVICE_TYPE,
        SOURCE_TON,
        SOURCE_NPI,
        SOURCE_ADDR,
        Slot("dest_address", Destinations),
        ESM_CLASS,
        PROTOCOL_ID,
        PRIORITY,
        SCHEDULE,
        VALIDITY,
        REGISTERED,
        REPLACE,
        DATA_CODING,
        DEFAULT_MSG_ID,
        TEXT,
    ],
    parameters: true,
};

const MULTI_RESP: Layout = Layout {
    fields: &[MESSAGE_ID, Slot("unsuccess_sme", Refused)],
    parameters: true,
};

const DATA: Layout = Layout {
    fields: &[
        SERVICE_TYPE,
        SOURCE_TON,
        SOURCE_NPI,
        Slot("source_addr", CString(65)),
        DEST_TON,
        DEST_NPI,
        Slot("destination_addr", CString(65)),
        ESM_CLASS,
        REGISTERED,
        DATA_CODING,
    ],
    parameters: true,
};

/// The answers that have an id: of submit_sm, deliver_sm, data_sm, broadcast_sm and query_broadcast_sm.
const ID: Layout = Layout {
    fields: &[MESSAGE_ID],
    parameters: true,
};

const QUERY: Layout = Layout {
    fields: &[MESSAGE_ID, SOURCE_TON, SOURCE_NPI, SOURCE_ADDR],
    parameters: false,
};

const QUERY_RESP: Layout = Layout {
    fields: &[
        MESSAGE_ID,
        Slot("final_date", Time),
        Slot("message_state", Octet(values::message_state)),
        Slot("error_code", Octet(values::plain)),
    ],
    parameters: false,
};

const CANCEL: Layout = Layout {
    fields: &[
        SERVICE_TYPE,
        MESSAGE_ID,
        SOURCE_TON,
        SOURCE_NPI,
        SOURCE_ADDR,
        DEST_TON,
        DEST_NPI,
        DEST_ADDR,
    ],
    parameters: false,
};

const REPLACE_SM: Layout = Layout {
    fields: &[
        MESSAGE_ID,
        SOURCE_TON,
        SOURCE_NPI,
        SOURCE_ADDR,
        SCHEDULE,
        VALIDITY,
        REGISTERED,
        DEFAULT_MSG_ID,
        TEXT,
    ],
    parameters: true,
};

const ALERT: Layout = Layout {
    fields: &[
        SOURCE_TON,
        SOURCE_NPI,
        Slot("source_addr", CString(65)),
        Slot("esme_addr_ton", Octet(values::ton)),
        Slot("esme_addr_npi", Octet(values::npi)),
        Slot("esme_addr", CString(65)),
    ],
    parameters: true,
};

const BROADCAST: Layout = Layout {
    fields: &[
        SERVICE_TYPE,
        SOURCE_TON,
        SOURCE_NPI,
        SOURCE_ADDR,
        MESSAGE_ID,
        PRIORITY,
        SCHEDULE,
        VALIDITY,
        REPLACE,
        DATA_CODING,
        DEFAULT_MSG_ID,
    ],
    parameters: true,
};

const QUERY_BROADCAST: Layout = Layout {
    fields: QUERY.fields,
    parameters: true,
};

const CANCEL_BROADCAST: Layout = Layout {
    fields: &[SERVICE_TYPE, MESSAGE_ID, SOURCE_TON, SOURCE_NPI, SOURCE_ADDR],
    parameters: true,
};

/// A telephone number among the destinations of a submit_multi.
pub(super) const ADDRESS: [Slot; 3] = [DEST_TON, DEST_NPI, DEST_ADDR];

/// A distribution list there.
pub(super) const LIST: [Slot; 1] = [Slot("dl_name", CString(21))];

/// A destination that was refused.
pub(super) const REFUSED: [Slot; 4] = [DEST_TON, DEST_NPI, DEST_ADDR, Slot("error_status_code", Status)];

/// The layout of a command of SMPP 3.4 or 5.0; None: there is no such command.
pub(super) fn of(command: CommandId) -> Option<&'static Layout> {
    Some(match command {
        CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER => &BIND,
        CommandId::BIND_RECEIVER_RESP | CommandId::BIND_TRANSMITTER_RESP | CommandId::BIND_TRANSCEIVER_RESP => {
            &BIND_RESP
        }
        CommandId::OUTBIND => &OUTBIND,
        CommandId::SUBMIT_SM | CommandId::DELIVER_SM => &SM,
        CommandId::DATA_SM => &DATA,
        CommandId::SUBMIT_MULTI => &MULTI,
        CommandId::SUBMIT_MULTI_RESP => &MULTI_RESP,
        CommandId::SUBMIT_SM_RESP
        | CommandId::DELIVER_SM_RESP
        | CommandId::DATA_SM_RESP
        | CommandId::BROADCAST_SM_RESP
        | CommandId::QUERY_BROADCAST_SM_RESP => &ID,
        CommandId::QUERY_SM => &QUERY,
        CommandId::QUERY_SM_RESP => &QUERY_RESP,
        CommandId::CANCEL_SM => &CANCEL,
        CommandId::REPLACE_SM => &REPLACE_SM,
        CommandId::ALERT_NOTIFICATION => &ALERT,
        CommandId::BROADCAST_SM => &BROADCAST,
        CommandId::QUERY_BROADCAST_SM => &QUERY_BROADCAST,
        CommandId::CANCEL_BROADCAST_SM => &CANCEL_BROADCAST,
        CommandId::UNBIND
        | CommandId::UNBIND_RESP
        | CommandId::ENQUIRE_LINK
        | CommandId::ENQUIRE_LINK_RESP
        | CommandId::GENERIC_NACK
        | CommandId::CANCEL_SM_RESP
        | CommandId::REPLACE_SM_RESP
        | CommandId::CANCEL_BROADCAST_SM_RESP => &NOTHING,
        CommandId(_) => return None,
    })
}
