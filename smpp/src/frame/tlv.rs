use bytes::{BufMut, BytesMut};

/// Tags of optional parameters that this project reads or writes (3.4, 5.3.2).
#[allow(missing_docs, reason = "the standard's own names")]
pub mod tag {
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
    pub const SAR_MSG_REF_NUM: u16 = 0x020C;
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    pub const DELIVERY_FAILURE_REASON: u16 = 0x0425;
    pub const MORE_MESSAGES_TO_SEND: u16 = 0x0426;
    pub const MESSAGE_STATE: u16 = 0x0427;
    pub const CONGESTION_STATE: u16 = 0x0428; // 5.0, 4.8.4.18
}

/// The optional parameters at the end of a PDU, still as bytes: tag, length, value (3.4, 3.2.4.1). Unknown ones are
/// kept, and so is the wrong length of a known one: whoever reads a value looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tlvs<'a>(pub &'a [u8]);

impl<'a> Tlvs<'a> {
    /// Every parameter in the order of the PDU. One that is cut off at the end is left out, see
    /// [`Tlvs::truncated`].
    pub fn iter(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (tag, value, after) = first(rest)?;
            rest = after;
            Some((tag, value))
        })
    }

    /// The value of the first parameter with that tag.
    pub fn get(&self, tag: u16) -> Option<&'a [u8]> {
        self.iter()
            .find(|parameter| parameter.0 == tag)
            .map(|parameter| parameter.1)
    }

    /// Whether octets are left at the end that make no whole parameter.
    pub fn truncated(&self) -> bool {
        let mut rest = self.0;
        while let Some((_, _, after)) = first(rest) {
            rest = after;
        }
        !rest.is_empty()
    }
}

fn first(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(4)?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let (value, after) = rest.split_at_checked(length)?;
    Some((u16::from_be_bytes([head[0], head[1]]), value, after))
}

/// Appends one optional parameter. A value over 65,535 octets does not fit its length field and is cut there; nothing
/// in this project comes near.
pub fn put_tlv(out: &mut BytesMut, tag: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    out.put_u16(tag);
    out.put_u16(value.len() as u16);
    out.put_slice(value);
}
