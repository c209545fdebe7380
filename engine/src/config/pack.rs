//! A pack of rules of sending that an operator has written: a file of its own, which `rules.packs` names.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Date, Time};
use kit::settings::{Faults, Given, Source, Table};
use rules::{DAYS, HOLIDAYS, Pack};

/// What the name of such a file ends with; without that, it is the pack's name.
const ENDING: &str = ".toml";

/// A longer one is not read.
const OCTETS_MAX: u64 = 64 << 10;

/// Names stand in every answer about hours.
const NAME_MAX: usize = 40;

/// Nobody gives up more of a day than that for what an SMSC may be late.
const GUARD_MAX: Duration = Duration::from_secs(3_600 - 1);

/// Whether an entry of `rules.packs` names a file.
pub(super) fn is_file(entry: &str) -> bool {
    entry.ends_with(ENDING)
}

/// A pack whose text is known; `None`: this version does not read it.
pub(crate) fn recalled_pack(name: &str, text: &str) -> Option<Pack> {
    read(name, text, name).ok()
}

/// The pack in the file of that name, which lies beside the configuration; its faults are noted with those of the configuration.
pub(super) fn of_file(table: &Table<'_>, entry: &str) -> Option<Arc<Pack>> {
    let path = table.file_beside(entry);
    let file = path.display().to_string();
    let found = name_of(&path).and_then(|name| Ok((name, text_of(&path)?)));
    let (name, text) = found
        .map_err(|problem| table.fault("packs", format!("{entry}: {problem}")))
        .ok()?;
    read(&name, &text, &file)
        .map_err(|faults| table.adopt(faults))
        .ok()
        .map(Arc::new)
}

/// What the pack of a file is called: as the file, without its ending.
fn name_of(path: &std::path::Path) -> Result<String, String> {
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_written = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_written) {
        return Err(format!(
            "a pack is called as its file, and {name:?} is not allowed: at most {NAME_MAX} of a-z, 0-9 and -"
        ));
    }
    if rules::names().any(|known| known == name) {
        return Err(format!(
            "a pack is called as its file, and {name:?} is built in: choose another name"
        ));
    }
    Ok(name.to_owned())
}

fn text_of(path: &std::path::Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > OCTETS_MAX {
        return Err(format!("{length} octets are not allowed: at most {OCTETS_MAX}"));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Reads the text of a pack, as faults call it of `file`.
///
/// # Errors
/// Everything that is wrong with it.
fn read(name: &str, text: &str, file: &str) -> Result<Pack, Faults> {
    let source = Source::new(text, file);
    let document = source.parse()?;
    let found = source.read(&document, |table| pack_of(table, (name, text)))?;
    // What is missing was a fault.
    found.ok_or_else(|| Faults::of_file(file, "is no pack"))
}

fn pack_of(table: &Table<'_>, (name, text): (&str, &str)) -> Option<Pack> {
    let countries: Vec<&str> = rules::countries().collect();
    let days = DAYS.map(|(word, _)| word).join(", ");
    for (key, allowed) in [
        ("country", "a country of the built-in zones"),
        ("valid_from", "the first day that it holds on"),
        ("source", "where it is written"),
        ("days", "the days of the week that are open"),
        ("from", "when the hours begin"),
        ("to", "when they end"),
        ("holidays", "whether public holidays are open or closed"),
    ] {
        table.required(key, allowed);
    }
    let allowed = format!("one of {}", countries.join(", "));
    let known = |given: Given<'_>| given.text().filter(|text| countries.contains(text)).map(str::to_owned);
    let country = table.parsed("country", allowed, known);
    let valid_from = table.parsed("valid_from", "a day such as \"2026-03-01\"", |given| {
        given.text()?.parse::<Date>().ok()
    });
    let valid_until = table.parsed("valid_until", "a day such as \"2028-12-31\"", |given| {
        given.text()?.parse::<Date>().ok()
    });
    if let (Some(from), Some(until)) = (valid_from, valid_until)
        && until < from
    {
        table.fault_of_value("valid_until", "must not be earlier than valid_from");
    }
    let source = table.parsed("source", "where it is written, in words", |given| {
        given.text().filter(|text| !text.trim().is_empty()).map(str::to_owned)
    });
    let open = table.parsed("days", format!("a list of {days}, each once, at least one"), |given| {
        let texts = given.texts().filter(|texts| !texts.is_empty())?;
        let once = (0..texts.len()).all(|at| !texts[..at].contains(&texts[at]));
        let known = |text: &&str| DAYS.iter().find(|(word, _)| word == text).map(|(_, day)| *day);
        texts.iter().map(known).collect::<Option<Vec<_>>>().filter(|_| once)
    });
    let (from, to) = (time(table, "from"), time(table, "to"));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        table.fault_of_value("to", "must be later than from, on the same day");
    }
    let closes_on_holidays = table.choice("holidays", &HOLIDAYS);
    let guard = table.duration("guard", Duration::ZERO..=GUARD_MAX, Duration::from_secs(300));
    table.finish();
    Some(Pack {
        name: name.to_owned(),
        version: rules::version_of(text),
        text: text.to_owned(),
        country: country?,
        valid_from: valid_from?,
        valid_until,
        source: source?,
        days: open?,
        from: from?,
        to: to?,
        closes_on_holidays: closes_on_holidays?,
        guard: SignedDuration::try_from(guard).ok()?,
    })
}

fn time(table: &Table<'_>, key: &'static str) -> Option<Time> {
    table.parsed(key, "a time of the day such as \"08:00\"", |given| {
        let text = given.text().filter(|text| text.len() == "08:00".len())?;
        text.parse::<Time>().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_a_file_that_may_be_given() {
        for name in rules::names() {
            let built_in = rules::Pack::named(name).unwrap();
            let days = |pack: &Pack| pack.days.iter().map(|day| day.to_monday_one_offset()).max();
            let given = read(name, &built_in.text, "mine.toml").unwrap();
            assert_eq!(days(&given), days(&built_in));
            assert_eq!(given, *built_in, "{name}");
        }
    }

    #[test]
    fn everything_that_is_wrong_with_a_file_is_said_at_once() {
        let text = "country = \"XX\"\nvalid_from = \"soon\"\nsource = \" \"\ndays = [\"mon\", \"mon\"]\nfrom = \"21:00\"\nto = \"8\"\n\
                    holiday = \"open\"\nguard = \"2h\"\n";
        let said = read("mine", text, "mine.toml").unwrap_err().to_string();
        for (line, wanted) in [
            (
                0,
                "mine.toml: holidays: missing: whether public holidays are open or closed",
            ),
            (1, "mine.toml:1: country: \"XX\" is not allowed: one of FR, "),
            (
                2,
                "mine.toml:2: valid_from: \"soon\" is not allowed: a day such as \"2026-03-01\"",
            ),
            (3, "mine.toml:3: source: "),
            (4, "mine.toml:4: days: "),
            (
                5,
                "mine.toml:6: to: \"8\" is not allowed: a time of the day such as \"08:00\"",
            ),
            (6, "mine.toml:7: holiday: unknown key; did you mean \"holidays\"?"),
            (7, "mine.toml:8: guard: "),
        ] {
            let found = said.lines().nth(line).unwrap_or_default();
            assert!(found.starts_with(wanted), "{wanted:?} is not in line {line} of\n{said}");
        }
        let text = rules::Pack::named("be").unwrap().text.replace("09:00", "20:00");
        let said = read("mine", &text, "mine.toml").unwrap_err().to_string();
        assert!(
            said.ends_with("to: \"20:00\" must be later than from, on the same day"),
            "{said}"
        );
    }
}
