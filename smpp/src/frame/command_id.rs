use std::fmt;

/// A `command_id` as it is on the wire (3.4, 5.1.2.1). Every value is legal: what is unknown is answered, not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommandId(pub u32);

macro_rules! commands {
    ($($name:ident = $value:literal $text:literal;)*) => {
        #[allow(missing_docs, reason = "the standard's own names")]
        impl CommandId {
            $(pub const $name: Self = Self($value);)*

            /// The standard's name in lower case, or `unknown`: closed, so that it may label a metric.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self(_) => "unknown",
                }
            }
        }
    };
}

commands! {
    GENERIC_NACK = 0x8000_0000 "generic_nack";
    BIND_RECEIVER = 0x0000_0001 "bind_receiver";
    BIND_RECEIVER_RESP = 0x8000_0001 "bind_receiver_resp";
    BIND_TRANSMITTER = 0x0000_0002 "bind_transmitter";
    BIND_TRANSMITTER_RESP = 0x8000_0002 "bind_transmitter_resp";
    QUERY_SM = 0x0000_0003 "query_sm";
    QUERY_SM_RESP = 0x8000_0003 "query_sm_resp";
    SUBMIT_SM = 0x0000_0004 "submit_sm";
    SUBMIT_SM_RESP = 0x8000_0004 "submit_sm_resp";
    DELIVER_SM = 0x0000_0005 "deliver_sm";
    DELIVER_SM_RESP = 0x8000_0005 "deliver_sm_resp";
    UNBIND = 0x0000_0006 "unbind";
    UNBIND_RESP = 0x8000_0006 "unbind_resp";
    REPLACE_SM = 0x0000_0007 "replace_sm";
    REPLACE_SM_RESP = 0x8000_0007 "replace_sm_resp";
    CANCEL_SM = 0x0000_0008 "cancel_sm";
    CANCEL_SM_RESP = 0x8000_0008 "cancel_sm_resp";
    BIND_TRANSCEIVER = 0x0000_0009 "bind_transceiver";
    BIND_TRANSCEIVER_RESP = 0x8000_0009 "bind_transceiver_resp";
    OUTBIND = 0x0000_000B "outbind";
    ENQUIRE_LINK = 0x0000_0015 "enquire_link";
    ENQUIRE_LINK_RESP = 0x8000_0015 "enquire_link_resp";
    SUBMIT_MULTI = 0x0000_0021 "submit_multi";
    SUBMIT_MULTI_RESP = 0x8000_0021 "submit_multi_resp";
    ALERT_NOTIFICATION = 0x0000_0102 "alert_notification";
    DATA_SM = 0x0000_0103 "data_sm";
    DATA_SM_RESP = 0x8000_0103 "data_sm_resp";
    BROADCAST_SM = 0x0000_0111 "broadcast_sm";
    BROADCAST_SM_RESP = 0x8000_0111 "broadcast_sm_resp";
    QUERY_BROADCAST_SM = 0x0000_0112 "query_broadcast_sm";
    QUERY_BROADCAST_SM_RESP = 0x8000_0112 "query_broadcast_sm_resp";
    CANCEL_BROADCAST_SM = 0x0000_0113 "cancel_broadcast_sm";
    CANCEL_BROADCAST_SM_RESP = 0x8000_0113 "cancel_broadcast_sm_resp";
}

impl CommandId {
    /// The response that goes with a request: the same number with the top bit set (3.4, 3.2).
    pub const fn response(self) -> Self {
        Self(self.0 | 0x8000_0000)
    }

    /// Whether SMPP 3.4 or 5.0 has such a command: what of it we do not serve is answered with its own response and
    /// `ESME_RINVCMDID`, anything else with generic_nack (3.4, 4.3).
    pub fn is_standard(self) -> bool {
        !matches!(rusmpp::CommandId::from(self.0), rusmpp::CommandId::Other(_))
    }

    /// Whether the standard has a response to this request. outbind and alert_notification have none (3.4, 4.1.7 and
    /// 4.12), nor has what is no request.
    pub fn has_response(self) -> bool {
        let one_way = matches!(self, Self::OUTBIND | Self::ALERT_NOTIFICATION);
        self.is_standard() && !self.is_response() && !one_way
    }

    /// Whether the top bit says that this is a response.
    pub const fn is_response(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "unknown" => write!(f, "command 0x{:08X}", self.0),
            name => f.write_str(name),
        }
    }
}
