use bytes::{BufMut, BytesMut};
use smpp::command_status::CommandStatus;
use smpp::frame::{CommandId, HEADER_LENGTH, PDU_LENGTH_MAX, Sm, encode_empty, encode_sm_resp};

use crate::model::Injected;

/// Sequence numbers of what nobody asked for begin here: no client comes that far in a test.
const UNASKED: u32 = 0x7000_0000;

/// A command_id that is reserved in every version of the standard (3.4, 5.1.2.1).
const UNKNOWN_COMMAND: CommandId = CommandId(0x0000_0777);

/// Octets that a PDU claims to have and does not have.
const MISSING_OCTETS: usize = 64;

impl Injected {
    /// Writes an answer as this fault makes it: `answer` is its command, status and sequence number.
    pub(super) fn write(self, out: &mut BytesMut, answer: (CommandId, CommandStatus, u32), id: &[u8]) {
        let (command, status, sequence) = answer;
        match self {
            Self::NoAnswer | Self::Lost => {}
            Self::Refused | Self::Late => encode_sm_resp(out, answer, id),
            Self::WrongSequence => encode_sm_resp(out, (command, status, unasked(sequence)), id),
            Self::WrongCommand => encode_sm_resp(out, (CommandId::REPLACE_SM_RESP, status, sequence), id),
            Self::GenericNack => {
                encode_empty(out, CommandId::GENERIC_NACK, CommandStatus::ESME_RSYSERR, sequence);
            }
            Self::AnswerTwice => {
                encode_sm_resp(out, answer, id);
                encode_sm_resp(out, answer, id);
            }
            Self::UnaskedAnswer => {
                encode_sm_resp(out, (command, CommandStatus::ESME_ROK, unasked(sequence)), b"unasked");
                encode_sm_resp(out, answer, id);
            }
            Self::LengthTooSmall
            | Self::LengthOversized
            | Self::LengthBeyondBody
            | Self::LengthShort
            | Self::UnknownCommand
            | Self::TruncatedTlv
            | Self::MissingNul
            | Self::BadTextLength
            | Self::EmptyBody => {
                self.write_malformed(out, unasked(sequence));
                encode_sm_resp(out, answer, id);
            }
        }
    }

    fn write_malformed(self, out: &mut BytesMut, sequence: u32) {
        let start = out.len();
        let delivery = Sm {
            short_message: b"malformed",
            ..Sm::default()
        };
        match self {
            Self::LengthTooSmall | Self::LengthOversized | Self::LengthBeyondBody => {
                encode_empty(out, CommandId::ENQUIRE_LINK, CommandStatus::ESME_ROK, sequence);
            }
            Self::UnknownCommand => encode_empty(out, UNKNOWN_COMMAND, CommandStatus::ESME_ROK, sequence),
            Self::EmptyBody => encode_empty(out, CommandId::DELIVER_SM, CommandStatus::ESME_ROK, sequence),
            Self::MissingNul => {
                encode_empty(out, CommandId::DELIVER_SM, CommandStatus::ESME_ROK, sequence);
                // service_type, TON, NPI, and digits to the end.
                out.put_slice(b"\0\x01\x0133612345678");
            }
            Self::TruncatedTlv => {
                delivery.encode_deliver(out, sequence);
                // message_state (3.4, 5.3.2.35) of 9 octets, of which 1 is there.
                out.put_slice(&[0x04, 0x27, 0x00, 0x09, 0x02]);
            }
            Self::LengthShort => delivery.encode_deliver(out, sequence),
            Self::BadTextLength => {
                delivery.encode_deliver(out, sequence);
                // sm_length stands before the text, at the end.
                let at = out.len() - delivery.short_message.len() - 1;
                out[at] = 200;
            }
            // Not malformed.
            Self::NoAnswer
            | Self::Lost
            | Self::Refused
            | Self::Late
            | Self::WrongSequence
            | Self::WrongCommand
            | Self::GenericNack
            | Self::AnswerTwice
            | Self::UnaskedAnswer => return,
        }
        let written = out.len() - start;
        let length = self.stated_length(written) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// What `command_length` says about a PDU of that many octets.
    fn stated_length(self, written: usize) -> usize {
        match self {
            Self::LengthTooSmall => HEADER_LENGTH / 2,
            Self::LengthOversized => PDU_LENGTH_MAX.max(0x7FFF_FFFF),
            Self::LengthBeyondBody => written + MISSING_OCTETS,
            Self::LengthShort => HEADER_LENGTH + 1,
            Self::NoAnswer
            | Self::Lost
            | Self::Refused
            | Self::Late
            | Self::WrongSequence
            | Self::WrongCommand
            | Self::GenericNack
            | Self::AnswerTwice
            | Self::UnaskedAnswer
            | Self::UnknownCommand
            | Self::TruncatedTlv
            | Self::MissingNul
            | Self::BadTextLength
            | Self::EmptyBody => written,
        }
    }
}

fn unasked(sequence: u32) -> u32 {
    UNASKED | (sequence & 0x0FFF_FFFF)
}
