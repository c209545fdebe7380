//! One text → its segments, each the `short_message` of one submit_sm.
//!
//! What does not fit one message is cut into parts, by default with a concatenation header of 8 bit reference
//! (3GPP TS 23.040, 9.2.3.24.1). No escape pair and no surrogate pair is ever cut in two.

use crate::text::{Alphabet, Encoding, Shift, pack};

#[cfg(test)]
mod tests;

/// The most segments a text may have: the header counts them in one octet.
pub const SEGMENTS_MAX: usize = 255;

/// The `esm_class` bit that says that `short_message` begins with a user data header (3.4, 5.2.12).
pub const ESM_CLASS_UDHI: u8 = 0x40;

/// Octets of a message on the radio path.
const OCTETS_MAX: usize = 140;

/// Octets of the longest header: its length, a concatenation with 16 bits of reference, two tables.
const HEADER_OCTETS_MAX: usize = 1 + 6 + 2 * 3;

/// What a text takes on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Septets (escapes included), octets or UTF-16 units of the text, headers not counted.
    pub units: usize,
    /// Segments, 1 to 255.
    pub segments: usize,
    /// Units that the last segment still has room for.
    pub free: usize,
}

/// How the segments of one text say that they belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Concatenation {
    /// By a user data header with a reference of 8 bits (3GPP TS 23.040, 9.2.3.24.1): 153 characters a segment.
    #[default]
    Udh8,
    /// By one with a reference of 16 bits (9.2.3.24.8): 152 characters.
    Udh16,
    /// By the SAR parameters (3.4, 5.3.2.22 to 24), of which the SMSC makes a header with 8 bits.
    Sar,
    /// Not at all: the whole text is in `message_payload` (3.4, 5.3.2.32), and the SMSC cuts it.
    Payload,
}

impl Concatenation {
    /// The names in the configuration.
    pub const NAMES: [(&str, Self); 4] = [
        ("udh8", Self::Udh8),
        ("udh16", Self::Udh16),
        ("sar", Self::Sar),
        ("payload", Self::Payload),
    ];

    /// Octets of the element that the SMSC sends to the handset.
    const fn octets(self) -> usize {
        match self {
            Self::Udh8 | Self::Sar | Self::Payload => 5,
            Self::Udh16 => 6,
        }
    }

    /// Whether that element is in our PDUs.
    pub(crate) const fn has_header(self) -> bool {
        match self {
            Self::Udh8 | Self::Udh16 => true,
            Self::Sar | Self::Payload => false,
        }
    }
}

/// How an SMSC takes texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Format {
    /// What those of several segments look like.
    pub concatenation: Concatenation,
    /// What GSM 03.38 looks like.
    pub alphabet: Alphabet,
}

/// How many segments the text takes: always what [`segment`] makes of it, without building anything. An empty text
/// takes one. None: a character cannot be written in this encoding, or there would be over 255.
pub fn count(text: &str, encoding: Encoding) -> Option<usize> {
    measure(text, encoding).map(|measure| measure.segments)
}

/// Units and segments of a text; None as for [`count`].
pub fn measure(text: &str, encoding: Encoding) -> Option<Measure> {
    measure_as(text, (encoding, Shift::NONE), Concatenation::Udh8)
}

/// The same of a text with those tables, concatenated like that.
pub fn measure_as(text: &str, (encoding, shift): (Encoding, Shift), concatenation: Concatenation) -> Option<Measure> {
    let limits = limits(encoding, shift, concatenation);
    // Nearly every text does without tables of its own: there is nothing to ask at each character then.
    if shift.is_none() {
        add_up(text, limits, |character| encoding.units(character))
    } else {
        add_up(text, limits, |character| width(encoding, shift, character))
    }
}

/// What a text takes whose characters take so much each.
#[inline]
fn add_up(text: &str, limits: Limits, width: impl Fn(char) -> Option<usize>) -> Option<Measure> {
    let Limits { single, part } = limits;
    let (mut units, mut parts, mut used) = (0, 1, 0);
    for character in text.chars() {
        let width = width(character)?;
        units += width;
        if used + width > part {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    let (segments, free) = if units <= single {
        (1, single - units)
    } else {
        (parts, part - used)
    };
    (segments <= SEGMENTS_MAX).then_some(Measure { units, segments, free })
}

/// Cuts a text into its segments. `reference` tells the parts of one message from those of another to the same
/// phone; it is not used when one segment is enough. None as for [`count`].
pub fn segment(text: &str, encoding: Encoding, reference: u8) -> Option<Segments> {
    segment_as(text, (encoding, Shift::NONE), reference.into(), Format::default())
}

/// The same for an SMSC that takes texts in that form. Of the reference, the low 8 bits count unless the form has room for
/// 16. None also where a character cannot be written in the SMSC's alphabet, or where tables are used that no header could
/// name.
pub fn segment_as(
    text: &str,
    (encoding, shift): (Encoding, Shift),
    reference: u16,
    format: Format,
) -> Option<Segments> {
    let writer = Writer::new(encoding, shift, format);
    if writer.is_usual
        && let Some(whole) = whole(text, encoding)?
    {
        return Some(whole);
    }
    let Measure { units, segments, .. } = measure_as(text, (encoding, shift), format.concatenation)?;
    if segments > 1 && !shift.is_none() && !format.concatenation.has_header() {
        return None;
    }
    let mut parts = Parts {
        bytes: Vec::with_capacity(units * octets_per_unit(encoding) + segments * HEADER_OCTETS_MAX),
        cuts: Vec::with_capacity(segments - 1),
        writer,
        reference,
        total: u8::try_from(segments).ok()?,
        text_at: 0,
    };
    parts.write(text)?;
    let single = segments == 1;
    Some(Segments {
        encoding,
        data_coding: writer.data_coding,
        units,
        carriage: match format.concatenation {
            _ if single && shift.is_none() => Carriage::Plain,
            _ if single => Carriage::Header,
            Concatenation::Udh8 | Concatenation::Udh16 => Carriage::Header,
            Concatenation::Sar => Carriage::Sar(reference & 0xFF),
            Concatenation::Payload => Carriage::Payload,
        },
        bytes: parts.bytes,
        cuts: parts.cuts,
    })
}

/// A text as its only segment, written without having been measured: nearly all are. `Some(None)`: it takes several, or
/// is so long that it is measured first; None: a character cannot be written.
fn whole(text: &str, encoding: Encoding) -> Option<Option<Segments>> {
    let single = limits(encoding, Shift::NONE, Concatenation::Udh8).single;
    // A character of three octets may be one unit; nothing takes more octets a unit.
    if text.len() > 3 * single {
        return Some(None);
    }
    let mut bytes = Vec::with_capacity(text.len() * octets_per_unit(encoding));
    encoding.append(text, &mut bytes).then_some(())?;
    let units = bytes.len() / octets_per_unit(encoding);
    let whole = Segments {
        encoding,
        data_coding: encoding.data_coding(),
        units,
        carriage: Carriage::Plain,
        bytes,
        cuts: Vec::new(),
    };
    Some((units <= single).then_some(whole))
}

/// What goes with the octets of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// Nothing.
    Plain,
    /// They begin with a user data header.
    Header,
    /// The SAR parameters, with this reference.
    Sar(u16),
    /// Nothing, and they belong into `message_payload`.
    Payload,
}

/// The segments of one text, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    encoding: Encoding,
    data_coding: u8,
    units: usize,
    carriage: Carriage,
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

    /// The encoding of all of them.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The `data_coding` of their submit_sm's.
    pub fn data_coding(&self) -> u8 {
        self.data_coding
    }

    /// What goes with them in their submit_sm's.
    pub fn carriage(&self) -> Carriage {
        self.carriage
    }

    /// Septets (escapes included), octets or UTF-16 units of the text, headers not counted.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Whether each segment begins with a user data header, so that [`ESM_CLASS_UDHI`] must be set.
    pub fn udhi(&self) -> bool {
        self.carriage == Carriage::Header
    }

    /// The `short_message` of one segment, header included, at most 160 octets unless it is all of a payload; `index` counts from 0. None past the end.
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

/// How characters and headers are written.
#[derive(Clone, Copy)]
struct Writer {
    encoding: Encoding,
    shift: Shift,
    format: Format,
    data_coding: u8,
    /// As the standard has it: a text of one segment is just its octets.
    is_usual: bool,
}

impl Writer {
    fn new(encoding: Encoding, shift: Shift, format: Format) -> Self {
        let as_usual = encoding != Encoding::Gsm7 || format.alphabet == Alphabet::Gsm7;
        Self {
            encoding,
            shift,
            format,
            data_coding: match (encoding, format.alphabet) {
                (Encoding::Gsm7, Alphabet::Latin1As3) => Encoding::Latin1.data_coding(),
                (Encoding::Gsm7 | Encoding::Latin1 | Encoding::Ucs2, _) => encoding.data_coding(),
            },
            is_usual: as_usual && shift.is_none(),
        }
    }

    /// Appends a character's octets, or unpacked septets; None when it cannot be written.
    fn push(&self, character: char, out: &mut Vec<u8>) -> Option<()> {
        let is_pushed = match self.encoding {
            Encoding::Gsm7 if self.format.alphabet.is_gsm7() => self.shift.push(character, out),
            Encoding::Gsm7 => Encoding::Latin1.push(character, out),
            Encoding::Latin1 | Encoding::Ucs2 => self.encoding.push(character, out),
        };
        is_pushed.then_some(())
    }
}

struct Parts {
    bytes: Vec<u8>,
    cuts: Vec<usize>,
    writer: Writer,
    reference: u16,
    total: u8,
    /// Where the text of the part begins that is being written.
    text_at: usize,
}

impl Parts {
    fn write(&mut self, text: &str) -> Option<()> {
        let Writer {
            encoding,
            shift,
            format,
            ..
        } = self.writer;
        let limit = match format.concatenation {
            Concatenation::Udh8 | Concatenation::Udh16 | Concatenation::Sar if self.total > 1 => {
                limits(encoding, shift, format.concatenation).part
            }
            Concatenation::Udh8 | Concatenation::Udh16 | Concatenation::Sar | Concatenation::Payload => usize::MAX,
        };
        self.begin();
        let mut used = 0;
        for character in text.chars() {
            let width = width(encoding, shift, character)?;
            if used + width > limit {
                self.end();
                self.cuts.push(self.bytes.len());
                self.begin();
                used = 0;
            }
            used += width;
            self.writer.push(character, &mut self.bytes)?;
        }
        self.end();
        Some(())
    }

    /// Writes the header of the part that begins here, if it has one.
    fn begin(&mut self) {
        let start = self.bytes.len();
        let part = self.cuts.len() as u8 + 1; // at most `total`, which is an octet
        self.bytes.push(0);
        let [high, low] = self.reference.to_be_bytes();
        match self.writer.format.concatenation {
            Concatenation::Udh8 if self.total > 1 => self.bytes.extend_from_slice(&[0, 3, low, self.total, part]),
            Concatenation::Udh16 if self.total > 1 => {
                self.bytes.extend_from_slice(&[8, 4, high, low, self.total, part])
            }
            Concatenation::Udh8 | Concatenation::Udh16 | Concatenation::Sar | Concatenation::Payload => {}
        }
        self.writer.shift.put_elements(&mut self.bytes);
        match self.bytes.len() - start - 1 {
            0 => self.bytes.truncate(start),
            elements => self.bytes[start] = elements as u8,
        }
        self.text_at = self.bytes.len();
    }

    /// Packs the part that ends here, if it is to be packed.
    fn end(&mut self) {
        let Writer { encoding, format, .. } = self.writer;
        if encoding == Encoding::Gsm7 && format.alphabet == Alphabet::Gsm7Packed {
            let start = self.cuts.last().copied().unwrap_or(0);
            let elements = (self.text_at - start).saturating_sub(1);
            let septets = self.bytes.split_off(self.text_at);
            pack(&septets, elements, &mut self.bytes);
        }
    }
}

/// In units of the encoding.
struct Limits {
    /// What a message of one segment holds.
    single: usize,
    /// What a part holds beside its header.
    part: usize,
}

/// 140 octets are what the radio path carries: 160 packed septets, 70 UTF-16 units. A header with its length takes the place
/// of some (3GPP TS 23.040, 9.2.3.24): one of 6 octets that of 7 septets or 3 units.
const fn limits(encoding: Encoding, shift: Shift, concatenation: Concatenation) -> Limits {
    let single = match shift.octets() {
        0 => OCTETS_MAX,
        elements => OCTETS_MAX - 1 - elements,
    };
    let part = OCTETS_MAX - 1 - shift.octets() - concatenation.octets();
    match encoding {
        Encoding::Gsm7 => Limits {
            single: single * 8 / 7,
            part: part * 8 / 7,
        },
        Encoding::Latin1 => Limits { single, part },
        Encoding::Ucs2 => Limits {
            single: single / 2,
            part: part / 2,
        },
    }
}

/// What a character takes; None: it cannot be written.
fn width(encoding: Encoding, shift: Shift, character: char) -> Option<usize> {
    match encoding {
        Encoding::Gsm7 => shift.septets(character),
        Encoding::Latin1 | Encoding::Ucs2 => encoding.units(character),
    }
}

const fn octets_per_unit(encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 | Encoding::Latin1 => 1,
        Encoding::Ucs2 => 2,
    }
}
