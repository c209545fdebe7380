//! The mix of texts: encodings, numbers of segments, and how often each comes.

use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use smpp::segment::{ESM_CLASS_UDHI, Segments, segment};
use smpp::text::{Encoding, EncodingPolicy, choose};

/// What texts are made of, in GSM 03.38; UCS-2 texts get a character that GSM lacks.
const PHRASE: &str =
    "Bonjour, votre rendez-vous au Centre du Parc est confirmé demain à 14h30. Pour le déplacer : 01 23 45 67 89. ";

/// Where the reference of a concatenation header is (3GPP TS 23.040, 9.2.3.24.1).
const UDH_REFERENCE: usize = 3;

/// A text of more segments is a mistake: phones show some ten.
const SEGMENTS_MAX: usize = 20;

/// One entry of a mix: `gsm7:1=80`, an encoding, a number of segments, a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kind {
    encoding: Encoding,
    segments: usize,
    weight: f64,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no entry of a mix: ENCODING:SEGMENTS=WEIGHT with gsm7, latin1 or ucs2 and 1 to {SEGMENTS_MAX} segments, \
                 as in gsm7:1=80"
            )
        };
        let (kind, weight) = text.split_once('=').ok_or_else(wrong)?;
        let (encoding, segments) = kind.split_once(':').ok_or_else(wrong)?;
        let encoding = [Encoding::Gsm7, Encoding::Latin1, Encoding::Ucs2]
            .into_iter()
            .find(|known| known.name() == encoding)
            .ok_or_else(wrong)?;
        let segments: usize = segments.parse().map_err(|_| wrong())?;
        let weight: f64 = weight.parse().map_err(|_| wrong())?;
        if !(1..=SEGMENTS_MAX).contains(&segments) || !weight.is_finite() || weight <= 0.0 {
            return Err(wrong());
        }
        Ok(Self {
            encoding,
            segments,
            weight,
        })
    }
}

/// One submit_sm's share of a text.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) data_coding: u8,
    pub(crate) esm_class: u8,
    pub(crate) octets: &'a [u8],
}

/// Texts, cut into segments once, and the share of each.
#[derive(Debug)]
pub(crate) struct Mix {
    texts: Vec<Segments>,
    /// The sum of weights up to and with each text, the last 1.
    until: Vec<f64>,
}

impl Mix {
    /// A text of each kind, `length` characters in texts of one segment.
    ///
    /// # Errors
    /// That many characters do not fit in one segment.
    pub(crate) fn of_kinds(kinds: &[Kind], length: usize) -> Result<Self> {
        let texts = kinds.iter().map(|kind| made_up(kind, length)).collect::<Result<_>>()?;
        let weights: Vec<f64> = kinds.iter().map(|kind| kind.weight).collect();
        Ok(Self::weighted(texts, &weights))
    }

    /// These texts, equally often, each in the encoding that it needs.
    ///
    /// # Errors
    /// A text is too long.
    pub(crate) fn of_texts(texts: &[String]) -> Result<Self> {
        let cut = |text: &String| {
            let (text, encoding) = choose(text, EncodingPolicy::Auto);
            segment(&text, encoding, 0)
                .with_context(|| format!("--text of {} characters is too long", text.chars().count()))
        };
        let cut: Vec<Segments> = texts.iter().map(cut).collect::<Result<_>>()?;
        let weights = vec![1.0; cut.len()];
        Ok(Self::weighted(cut, &weights))
    }

    fn weighted(texts: Vec<Segments>, weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let until = weights
            .iter()
            .map(|weight| {
                sum += weight / total;
                sum
            })
            .collect();
        Self { texts, until }
    }

    /// How many submit_sm the text takes that 64 random bits choose.
    pub(crate) fn parts(&self, bits: u64) -> usize {
        self.text(bits).len()
    }

    /// One part of the text that the bits choose, for message `number`; `room` takes a header with the message's reference.
    pub(crate) fn part<'a>(&'a self, (bits, number): (u64, u64), part: usize, room: &'a mut [u8; 255]) -> Part<'a> {
        part_of(self.text(bits), (number, part), room)
    }

    fn text(&self, bits: u64) -> &Segments {
        if self.texts.len() == 1 {
            return &self.texts[0];
        }
        let point = (bits >> 11) as f64 / (1u64 << 53) as f64;
        let place = self.until.partition_point(|&until| until <= point);
        &self.texts[place.min(self.texts.len() - 1)]
    }
}

/// One part of a text for message `number`; `room` takes a header with the message's reference.
pub(super) fn part_of<'a>(text: &'a Segments, (number, part): (u64, usize), room: &'a mut [u8; 255]) -> Part<'a> {
    let octets = text.get(part).unwrap_or_default();
    let data_coding = text.encoding().data_coding();
    if !text.udhi() {
        return Part {
            data_coding,
            esm_class: 0,
            octets,
        };
    }
    let octets_with_reference = &mut room[..octets.len()];
    octets_with_reference.copy_from_slice(octets);
    // Consecutive messages go to different numbers: eight bits are enough to tell those to one number apart.
    octets_with_reference[UDH_REFERENCE] = number as u8;
    Part {
        data_coding,
        esm_class: ESM_CLASS_UDHI,
        octets: octets_with_reference,
    }
}

/// A text of that kind: of `length` characters in one segment, else long enough for its segments and half of the last.
fn made_up(kind: &Kind, length: usize) -> Result<Segments> {
    let (single, part) = match kind.encoding {
        Encoding::Gsm7 => (160, 153),
        Encoding::Latin1 => (140, 134),
        Encoding::Ucs2 => (70, 67),
    };
    let characters = match kind.segments {
        1 => length.min(single),
        segments => part * (segments - 1) + part / 2,
    };
    let beginning = if kind.encoding == Encoding::Ucs2 {
        "Fête : "
    } else {
        ""
    };
    let text: String = beginning
        .chars()
        .chain(PHRASE.chars().cycle())
        .take(characters)
        .collect();
    let segments = segment(&text, kind.encoding, 0).context("a made-up text cannot be encoded")?;
    ensure!(
        segments.len() == kind.segments,
        "a text of {characters} characters in {} takes {} segments, not {}",
        kind.encoding,
        segments.len(),
        kind.segments
    );
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_segments() {
        for encoding in ["gsm7", "latin1", "ucs2"] {
            for segments in 1..=SEGMENTS_MAX {
                let kind: Kind = format!("{encoding}:{segments}=1").parse().unwrap();
                let mix = Mix::of_kinds(&[kind], 120).unwrap();
                assert_eq!(mix.parts(0), segments);
                let mut room = [0; 255];
                let part = mix.part((0, 77), segments - 1, &mut room);
                assert_eq!(part.esm_class == ESM_CLASS_UDHI, segments > 1);
                assert!(segments == 1 || part.octets[UDH_REFERENCE] == 77);
                assert!(part.octets.len() > 50);
            }
        }
    }

    #[test]
    fn weights_are_kept() {
        let kinds = ["gsm7:1=80".parse().unwrap(), "ucs2:2=20".parse().unwrap()];
        let mix = Mix::of_kinds(&kinds, 120).unwrap();
        let draws = crate::random::Draws::new(1, "mix");
        let long = (0..100_000).filter(|&n| mix.parts(draws.bits(n)) == 2).count();
        assert!((19_000..21_000).contains(&long), "{long}");
    }

    #[test]
    fn what_is_no_kind_says_what_is() {
        for wrong in [
            "gsm7",
            "gsm7:1",
            "gsm8:1=1",
            "gsm7:0=1",
            "gsm7:21=1",
            "gsm7:1=-1",
            "gsm7:1=NaN",
        ] {
            let fault = wrong.parse::<Kind>().unwrap_err();
            assert!(fault.contains("gsm7:1=80"), "{fault}");
        }
    }
}
