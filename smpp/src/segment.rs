//! One text → its segments, each the `short_message` of one submit_sm.
//!
//! What does not fit one message is cut into parts that begin with a concatenation header of 8 bit reference
//! (3GPP TS 23.040, 9.2.3.24.1). No escape pair and no surrogate pair is ever cut in two.

use crate::text::Encoding;

#[cfg(test)]
mod tests;

/// The most segments a text may have: the header counts them in one octet.
pub const SEGMENTS_MAX: usize = 255;

/// The `esm_class` bit that says that `short_message` begins with a user data header (3.4, 5.2.12).
pub const ESM_CLASS_UDHI: u8 = 0x40;

/// Octets of the concatenation header: its length, element 0, three octets of it: reference, total, part.
const HEADER_OCTETS: usize = 6;

/// What a text takes on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Septets (escapes included), octets or UTF-16 units of the text, headers not counted.
    pub units: usize,
    /// Segments, 1 to 255.
    pub segments: usize,
}

/// How many segments the text takes: always what [`segment`] makes of it, without building anything. An empty text
/// takes one. None: a character cannot be written in this encoding, or there would be over 255.
pub fn count(text: &str, encoding: Encoding) -> Option<usize> {
    measure(text, encoding).map(|measure| measure.segments)
}

/// Units and segments of a text; None as for [`count`].
pub fn measure(text: &str, encoding: Encoding) -> Option<Measure> {
    let Limits { single, part } = limits(encoding);
    let (mut units, mut parts, mut used) = (0, 1, 0);
    for character in text.chars() {
        let width = encoding.units(character)?;
        units += width;
        if used + width > part {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    let segments = if units <= single { 1 } else { parts };
    (segments <= SEGMENTS_MAX).then_some(Measure { units, segments })
}

/// Cuts a text into its segments. `reference` tells the parts of one message from those of another to the same
/// phone; it is not used when one segment is enough. None as for [`count`].
pub fn segment(text: &str, encoding: Encoding, reference: u8) -> Option<Segments> {
    if let Some(whole) = whole(text, encoding)? {
        return Some(whole);
    }
    let Measure { units, segments } = measure(text, encoding)?;
    let octets = units * octets_per_unit(encoding);
    let total = u8::try_from(segments).ok()?;
    let mut parts = Parts {
        bytes: Vec::with_capacity(octets + segments * HEADER_OCTETS),
        cuts: Vec::with_capacity(segments - 1),
        reference,
        total,
    };
    parts.begin();
    let (mut used, limit) = (0, limits(encoding).part);
    for character in text.chars() {
        let width = encoding.units(character)?;
        if used + width > limit {
            parts.cuts.push(parts.bytes.len());
            parts.begin();
            used = 0;
        }
        used += width;
        encoding.push(character, &mut parts.bytes).then_some(())?;
    }
    Some(Segments {
        encoding,
        units,
        bytes: parts.bytes,
        cuts: parts.cuts,
    })
}

/// A text as its only segment, written without having been measured: nearly all are. `Some(None)`: it takes several, or
/// is so long that it is measured first; None: a character cannot be written.
fn whole(text: &str, encoding: Encoding) -> Option<Option<Segments>> {
    let single = limits(encoding).single;
    // A character of three octets may be one unit; nothing takes more octets a unit.
    if text.len() > 3 * single {
        return Some(None);
    }
    let mut bytes = Vec::with_capacity(text.len() * octets_per_unit(encoding));
    encoding.append(text, &mut bytes).then_some(())?;
    let units = bytes.len() / octets_per_unit(encoding);
    let whole = Segments {
        encoding,
        units,
        bytes,
        cuts: Vec::new(),
    };
    Some((units <= single).then_some(whole))
}

/// The segments of one text, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    encoding: Encoding,
    units: usize,
    /// All segments one after the other, headers included.
    bytes: Vec<u8>,
    /// Where each segment but the first begins: nothing is allocated for a text of one segment.
    cuts: Vec<usize>,
}

#[allow(clippy::len_without_is_empty, reason = "there is always at least one")]
impl Segments {
    /// How many there are: 1 to 255.
    pub fn len(&self) -> usize {
        self.cuts.len() + 1
    }

    /// The encoding of all of them; its `data_coding` goes into the submit_sm.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Septets (escapes included), octets or UTF-16 units of the text, headers not counted.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Whether each segment begins with a user data header, so that [`ESM_CLASS_UDHI`] must be set.
    pub fn udhi(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// The `short_message` of one segment, header included, at most 160 octets; `index` counts from 0. None past the end.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let start = match index {
            0 => 0,
            _ => *self.cuts.get(index - 1)?,
        };
        let end = self.cuts.get(index).copied().unwrap_or(self.bytes.len());
        self.bytes.get(start..end)
    }

    /// The `short_message` of each segment, header included.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }
}

struct Parts {
    bytes: Vec<u8>,
    cuts: Vec<usize>,
    reference: u8,
    total: u8,
}

impl Parts {
    /// Writes the header of the part that begins here.
    fn begin(&mut self) {
        let part = self.cuts.len() as u8 + 1; // at most `total`, which is an octet
        self.bytes
            .extend_from_slice(&[5, 0, 3, self.reference, self.total, part]);
    }
}

/// In units of the encoding.
struct Limits {
    /// What a message of one segment holds.
    single: usize,
    /// What a part holds beside its header.
    part: usize,
}

/// 140 octets are what the radio path carries: 160 packed septets, 70 UTF-16 units; the header of 6 octets takes the
/// place of 7 septets or 3 units (3GPP TS 23.040, 9.2.3.24).
const fn limits(encoding: Encoding) -> Limits {
    match encoding {
        Encoding::Gsm7 => Limits { single: 160, part: 153 },
        Encoding::Latin1 => Limits { single: 140, part: 134 },
        Encoding::Ucs2 => Limits { single: 70, part: 67 },
    }
}

const fn octets_per_unit(encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 | Encoding::Latin1 => 1,
        Encoding::Ucs2 => 2,
    }
}
