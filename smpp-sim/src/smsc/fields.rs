//! What the fields of a submit say: when it may be delivered, which segment it is, and where its text begins.

use smpp::frame::{Sm, tag};
use smpp::segment::ESM_CLASS_UDHI;

use super::lifetime::{BadTime, Lifetime};
use crate::outcome::Concatenation;

/// When it may be delivered, and until when: for most messages at once, and for ever.
pub(super) fn lifetime(sm: &Sm<'_>, now_us: u64) -> Result<Lifetime, BadTime> {
    if sm.schedule_delivery_time.is_empty() && sm.validity_period.is_empty() {
        return Ok(Lifetime::default());
    }
    Lifetime::read((sm.schedule_delivery_time, sm.validity_period), now_us)
}

/// The text without its user data header.
pub(super) fn bare<'a>(sm: &Sm<'a>) -> &'a [u8] {
    let text = sm.text();
    let header = match (sm.esm_class & ESM_CLASS_UDHI, text.first()) {
        (0, _) | (_, None) => 0,
        (_, Some(&length)) => usize::from(length) + 1,
    };
    text.get(header..).unwrap_or(text)
}

/// Which segment of which message it is: by the user data header (3GPP TS 23.040, 9.2.3.24.1 and .8) or by SAR
/// parameters (3.4, 5.3.2.22 to 24).
pub(super) fn concatenation(sm: &Sm<'_>) -> Option<Concatenation> {
    if sm.esm_class & ESM_CLASS_UDHI != 0 {
        let (&length, rest) = sm.text().split_first()?;
        return elements(rest.get(..usize::from(length))?);
    }
    if sm.tlvs.0.is_empty() {
        return None;
    }
    let number = |tag| {
        Some(
            sm.tlvs
                .get(tag)?
                .iter()
                .fold(0u16, |number, &octet| number << 8 | u16::from(octet)),
        )
    };
    let (total, part) = (number(tag::SAR_TOTAL_SEGMENTS)?, number(tag::SAR_SEGMENT_SEQNUM)?);
    Some(Concatenation {
        reference: number(tag::SAR_MSG_REF_NUM)?,
        total: total as u8,
        part: part as u8,
    })
}

/// The concatenation among the elements of a user data header.
fn elements(mut header: &[u8]) -> Option<Concatenation> {
    while let [id, length, rest @ ..] = header {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        match (*id, value) {
            (0x00, &[reference, total, part]) => {
                return Some(Concatenation {
                    reference: u16::from(reference),
                    total,
                    part,
                });
            }
            (0x08, &[high, low, total, part]) => {
                return Some(Concatenation {
                    reference: u16::from_be_bytes([high, low]),
                    total,
                    part,
                });
            }
            _ => header = after,
        }
    }
    None
}
