//! The receipt's text: `key:value` pairs in any order and case, some missing, with strangers in between.
//!
//! The scanner goes from colon to colon and looks back at the word before it. A key counts only at a token's
//! beginning, and the first of its kind that has a value wins: the text of a message may contain `id:`, and whoever
//! wrote that text must not choose which message the receipt is for.

use super::Stat;

/// What stands in a receipt's text, each value a part of it. None: the key is absent; empty: it has no value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) id: Option<&'a [u8]>,
    pub(super) stat: Option<&'a [u8]>,
    pub(super) err: Option<&'a [u8]>,
    pub(super) sub: Option<&'a [u8]>,
    pub(super) dlvrd: Option<&'a [u8]>,
    pub(super) submit_date: Option<&'a [u8]>,
    pub(super) done_date: Option<&'a [u8]>,
    pub(super) text: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Id,
    Stat,
    Err,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Text,
}

/// The keys of one word, as SMSCs spell them; the two dates have a reader of their own, [`date_key`].
const KEYS: [(&[u8], Key); 9] = [
    (b"id", Key::Id),
    (b"stat", Key::Stat),
    (b"err", Key::Err),
    (b"sub", Key::Sub),
    (b"dlvrd", Key::Dlvrd),
    (b"delivrd", Key::Dlvrd),
    (b"text", Key::Text),
    (b"status", Key::Stat),
    (b"error", Key::Err),
];

impl<'a> Fields<'a> {
    /// Reads a receipt's text. `claimed`: something else than the text says that it is a receipt, so that even one
    /// without any key is looked at.
    pub(super) fn read(body: &'a [u8], claimed: bool) -> Self {
        let mut fields = Self::default();
        let mut at = 0;
        let mut keys_end = body.len();
        while let Some(pair) = next_pair(body, at) {
            at = pair.value_start;
            if pair.key == Key::Text {
                keys_end = pair.key_start;
                fields.read_text(body, at);
                break;
            }
            let value = value(body, at);
            let place = fields.place(pair.key);
            if place.is_none_or(<[u8]>::is_empty) {
                *place = Some(value.octets);
            }
            at = value.end;
        }
        if fields.stat.is_none() {
            fields.stat = bare_stat(&body[..keys_end]);
        }
        if claimed && fields == Self::default() {
            fields.read_bare(body);
        }
        fields
    }

    /// Whether the text alone is proof enough: an id, a stat that is known, and a third key that people do not write.
    pub(super) fn surely_a_receipt(&self) -> bool {
        let stat = self.stat.map(Stat::from_text).unwrap_or_default();
        let third = [self.submit_date, self.done_date, self.err, self.sub, self.dlvrd];
        self.id.is_some_and(|id| !id.is_empty())
            && !matches!(stat, Stat::Absent | Stat::Other)
            && third.iter().any(Option::is_some)
    }

    /// `text:` mostly comes last and runs to the end. Only where a receipt has not said its stat by then, what is still
    /// missing is looked for behind it, and the text ends where that begins. Once the stat is known, nothing in the
    /// text is believed.
    fn read_text(&mut self, body: &'a [u8], start: usize) {
        let mut end = body.len();
        let mut next = if self.stat.is_none() {
            next_pair(body, start)
        } else {
            None
        };
        while let Some(pair) = next {
            let mut at = pair.value_start;
            let spaced = pair.key_start == start || is_space(body[pair.key_start - 1]);
            if spaced && pair.key != Key::Text && self.place(pair.key).is_none() {
                end = end.min(pair.key_start);
                let value = value(body, at);
                *self.place(pair.key) = Some(value.octets);
                at = value.end;
            }
            next = next_pair(body, at);
        }
        let mut text = &body[start..end];
        if end < body.len() {
            text = text.trim_ascii_end();
        }
        while let [rest @ .., b'\r' | b'\n' | 0] = text {
            text = rest;
        }
        self.text = Some(text);
    }

    /// `362d9701 2`: an id and a message_state, and not one key.
    fn read_bare(&mut self, body: &'a [u8]) {
        let mut tokens = body.split(|&octet| is_space(octet)).filter(|token| !token.is_empty());
        let (Some(id), Some(state @ [b'0'..=b'9']), None) = (tokens.next(), tokens.next(), tokens.next()) else {
            return;
        };
        if id.iter().all(u8::is_ascii_alphanumeric) {
            self.id = Some(id);
            self.stat = Some(state);
        }
    }

    fn place(&mut self, key: Key) -> &mut Option<&'a [u8]> {
        match key {
            Key::Id => &mut self.id,
            Key::Stat => &mut self.stat,
            Key::Err => &mut self.err,
            Key::Sub => &mut self.sub,
            Key::Dlvrd => &mut self.dlvrd,
            Key::SubmitDate => &mut self.submit_date,
            Key::DoneDate => &mut self.done_date,
            Key::Text => &mut self.text,
        }
    }
}

struct Pair {
    key: Key,
    key_start: usize,
    value_start: usize,
}

/// The first known key at or after `from`.
fn next_pair(body: &[u8], from: usize) -> Option<Pair> {
    let mut at = from;
    while let Some(colon) = body[at..]
        .iter()
        .position(|&octet| octet == b':')
        .map(|place| at + place)
    {
        if let Some((key, length)) = key_at_end(&body[from..colon]) {
            return Some(Pair {
                key,
                key_start: colon - length,
                value_start: colon + 1,
            });
        }
        at = colon + 1;
    }
    None
}

/// The known key that the octets end in, if it begins a token there, and its length with the spaces after it.
fn key_at_end(before_colon: &[u8]) -> Option<(Key, usize)> {
    let trimmed = trim_spaces_end(before_colon);
    let word_length = trimmed
        .iter()
        .rev()
        .take_while(|octet| octet.is_ascii_alphabetic())
        .count();
    let word = &trimmed[trimmed.len() - word_length..];
    let (key, length) = if ends_with(word, b"date") {
        date_key(trimmed)?
    } else {
        (
            KEYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))?.1,
            word_length,
        )
    };
    let boundary = trimmed[..trimmed.len() - length]
        .last()
        .is_none_or(|&octet| is_boundary(octet));
    boundary.then_some((key, length + before_colon.len() - trimmed.len()))
}

/// `submit date`, `Done_Date`, `submit-date`, `donedate`: the key and its length.
fn date_key(trimmed: &[u8]) -> Option<(Key, usize)> {
    let head = &trimmed[..trimmed.len() - b"date".len()];
    let joined = head
        .iter()
        .rev()
        .take_while(|octet| matches!(octet, b' ' | b'\t' | b'_' | b'-'))
        .count();
    let head = &head[..head.len() - joined];
    [(&b"submit"[..], Key::SubmitDate), (b"done", Key::DoneDate)]
        .into_iter()
        .find_map(|(name, key)| {
            let start = head.len().checked_sub(name.len())?;
            head[start..]
                .eq_ignore_ascii_case(name)
                .then_some((key, trimmed.len() - start))
        })
}

struct Value<'a> {
    octets: &'a [u8],
    /// Where to go on reading.
    end: usize,
}

/// The token after a key's colon. Spaces may precede it, unless what follows them is another key.
fn value(body: &[u8], start: usize) -> Value<'_> {
    let spaces = body[start..].iter().take_while(|&&octet| is_space(octet)).count();
    let rest = &body[start + spaces..];
    if begins_with_key(rest) || spaces > 0 && first_token(rest).contains(&b':') {
        return Value {
            octets: &body[start..start],
            end: start,
        };
    }
    let start = start + spaces;
    let mut end = start;
    while let Some(&octet) = body.get(end) {
        // Ids may hold such characters too: it is a separator only if a key comes after it.
        let separator = matches!(octet, b',' | b';' | b'|') && begins_with_key(&body[end + 1..]);
        if separator || is_space(octet) || octet == 0 {
            break;
        }
        end += 1;
    }
    let mut octets = &body[start..end];
    // Padding: '@' is the GSM character 0, so a NUL may have become one on its way.
    while let [rest @ .., b'@'] = octets {
        octets = rest;
    }
    Value { octets, end }
}

fn first_token(rest: &[u8]) -> &[u8] {
    rest.split(|&octet| is_space(octet)).next().unwrap_or_default()
}

/// Whether a known key and its colon come next.
fn begins_with_key(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    // The longest key is `submit date`, and somebody may put more than one space in it.
    let colon = rest.iter().take(16).position(|&octet| octet == b':');
    colon.is_some_and(|colon| key_at_end(&rest[..colon]).is_some_and(|(_, length)| length == colon))
}

/// One of the standard's words standing where `stat:` is missing.
fn bare_stat(keys: &[u8]) -> Option<&[u8]> {
    keys.split(|&octet| is_space(octet))
        .find(|token| Stat::is_bare_word(token))
}

fn ends_with(word: &[u8], end: &[u8]) -> bool {
    word.len() >= end.len() && word[word.len() - end.len()..].eq_ignore_ascii_case(end)
}

fn trim_spaces_end(octets: &[u8]) -> &[u8] {
    let spaces = octets
        .iter()
        .rev()
        .take_while(|&&octet| matches!(octet, b' ' | b'\t'))
        .count();
    &octets[..octets.len() - spaces]
}

fn is_space(octet: u8) -> bool {
    octet.is_ascii_whitespace()
}

/// Whether a key may begin after this octet: letters, digits and what joins them to a longer word (`msgid`,
/// `message_id`, `user.id`) forbid it.
fn is_boundary(octet: u8) -> bool {
    !(octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.' | b'@'))
}
