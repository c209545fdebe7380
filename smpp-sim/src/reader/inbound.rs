use std::time::Duration;

use kit::settings::{Given, Table};
use regex::{Regex, RegexBuilder};
use smpp::segment::count;

use super::delays::delay;
use super::values::{DURATIONS, RATE, names, rate};
use crate::delay::Delay;
use crate::model::{Account, InboundForm, InboundRule, Reply, Script, Trigger};

/// Rules that one scenario may name.
const RULES_MAX: usize = 1000;

/// Texts that one rule may choose from: a job names its own in 8 bits.
const TEXTS_MAX: usize = 256;

/// Octets of a pattern, and of what it is compiled to: more than any keyword list of a test.
const PATTERN_MAX: usize = 1000;
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// Messages that one script may send.
const REPEAT_MAX: u64 = 100_000_000;

/// Every `[[inbound]]`, in order: the first that fits a text is the one that replies.
pub(super) fn rules(table: &Table<'_>, accounts: &[Account]) -> Vec<InboundRule> {
    let tables = table.tables("inbound", RULES_MAX);
    let mut rules: Vec<InboundRule> = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let rule = rule(at, table);
        let ids = accounts.iter().map(|account| account.system_id.as_deref());
        // One of any system_id may be anybody's.
        let ids: Option<Vec<&str>> = ids.collect();
        let name = rule.account.as_deref();
        if let (Some(ids), Some(name)) = (ids, name)
            && !ids.contains(&name)
        {
            let known = ids.join(", ");
            table.fault_of_value(
                "account",
                format!("is not allowed: the system_id of an account that is there, which are {known}"),
            );
        }
        rules.push(rule);
    }
    rules
}

fn rule(at: usize, table: &Table<'_>) -> InboundRule {
    let (by_script, by_reply) = (table.has("at"), table.has("reply"));
    if by_script == by_reply {
        table.fault("", "write either at (a script) or reply (a conversation)");
    }
    let form = InboundForm {
        encoding: table.choice("encoding", &names()).unwrap_or_default(),
        segments: table.choice("segments", &names()).unwrap_or_default(),
        sessions: table.choice("sessions", &names()).unwrap_or_default(),
    };
    if table.is_probe() {
        // The schema wants the keys of either kind.
        reply(table);
    }
    let (trigger, key) = if by_script {
        (Trigger::Script(script(table)), "text")
    } else {
        (Trigger::Reply(reply(table)), "reply")
    };
    let rule = InboundRule {
        name: table.text("name").unwrap_or_else(|| format!("inbound[{at}]")),
        trigger,
        texts: table.parsed(key, TEXTS, texts).unwrap_or_default(),
        to: table.parsed("to", ADDRESS, address),
        account: table.text("account"),
        form,
    };
    let unwritable = |(text, _): &&(String, f64)| count(text, form.encoding.of(text)).is_none();
    if let Some((text, _)) = rule.texts.iter().find(unwritable) {
        let shown: String = text.chars().take(20).collect();
        let detail =
            format!("{shown:?} is not allowed: it cannot be written in that encoding, or takes over 255 segments");
        table.fault(key, detail);
    }
    let unknown = |(text, _): &(String, f64)| unknown_group(&rule.trigger, text);
    if let Some(group) = rule.texts.iter().find_map(unknown) {
        table.fault_of_value(
            key,
            format!("is not allowed: `on` has no group {group}; $$ is a dollar"),
        );
    }
    table.finish();
    rule
}

fn script(table: &Table<'_>) -> Script {
    let script = Script {
        at: table.duration("at", DURATIONS, Duration::ZERO),
        from: table.parsed("from", ADDRESS, address).unwrap_or_default(),
        senders: table.integer("senders", 1..=REPEAT_MAX, 1),
        repeat: table.integer("repeat", 1..=REPEAT_MAX, 1),
        rate: table.parsed("rate", RATE, rate),
    };
    for key in ["from", "to", "text"] {
        if !table.has(key) {
            table.required(key, "a script needs it");
        }
    }
    let telephone = script
        .from
        .parse::<u64>()
        .is_ok_and(|first| first <= u64::MAX - REPEAT_MAX);
    if script.senders > 1 && !telephone {
        table.fault_of_value(
            "senders",
            "is not allowed: it goes with from as a number of digits only",
        );
    }
    script
}

fn reply(table: &Table<'_>) -> Reply {
    let regex = |key| table.parsed(key, "a regular expression of at most 1000 bytes", pattern);
    let quotes = |value: Given<'_>| texts(value).map(|texts| texts.iter().any(|(text, _)| text.contains('$')));
    let times = table.integer("times", 1..=u16::MAX, u16::MAX);
    let quotes = table.parsed("reply", TEXTS, quotes).unwrap_or_default();
    Reply {
        // What quotes a message finds all of it where it does not say what.
        on: regex("on").or_else(|| Regex::new("(?s)^.*$").ok().filter(|_| quotes)),
        quotes,
        sender: regex("sender"),
        person: regex("person"),
        share: table.number("share", 0.0..=1.0, 1.0),
        times: table.has("times").then_some(times),
        probability: table.number("probability", 0.0..=1.0, 1.0),
        delay: delay(table, "delay").unwrap_or(Delay::NONE),
    }
}

const ADDRESS: &str =
    "a number of 1 to 20 digits, with or without a plus sign, or a name of 1 to 11 printable characters";

fn address(value: Given<'_>) -> Option<String> {
    let text = value.text()?;
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = (1..=20).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    let is_name = (1..=11).contains(&text.trim().len()) && text.len() <= 11;
    let plain = text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    (is_number || is_name && plain).then(|| text.to_owned())
}

fn pattern(value: Given<'_>) -> Option<Regex> {
    let text = value.text().filter(|text| text.len() <= PATTERN_MAX)?;
    RegexBuilder::new(text).size_limit(PATTERN_SIZE_MAX).build().ok()
}

/// The first group that a reply quotes and its pattern lacks.
fn unknown_group(trigger: &Trigger, text: &str) -> Option<String> {
    let Trigger::Reply(reply) = trigger else { return None };
    let known = |group: &str| match (group.parse::<usize>(), &reply.on) {
        (Ok(place), on) => place < on.as_ref().map_or(1, Regex::captures_len),
        (Err(_), on) => on
            .iter()
            .flat_map(|on| on.capture_names().flatten())
            .any(|name| name == group),
    };
    quoted(text).find(|group| !known(group)).map(str::to_owned)
}

/// The groups that a text quotes, as `Captures::expand` reads them.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('$')? + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                rest = after;
                continue;
            }
            let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            if let Some((group, after)) = braced {
                rest = after;
                return Some(group);
            }
            let end = rest
                .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                .unwrap_or(rest.len());
            let (group, after) = rest.split_at(end);
            rest = after;
            if !group.is_empty() {
                return Some(group);
            }
        }
    })
}

const TEXTS: &str = "a text, an array of up to 256 texts, or an array of { text = \"STOP\", weight = 3 }";

fn texts(value: Given<'_>) -> Option<Vec<(String, f64)>> {
    if let Some(text) = value.text() {
        return Some(vec![(text.to_owned(), 1.0)]);
    }
    let array = value.items().filter(|array| (1..=TEXTS_MAX).contains(&array.len()))?;
    let mut total = 0.0;
    let mut texts = Vec::with_capacity(array.len());
    for item in array {
        let (text, weight) = weighted(item)?;
        total += weight;
        texts.push((text, total));
    }
    (total > 0.0).then_some(texts)
}

fn weighted(value: Given<'_>) -> Option<(String, f64)> {
    if let Some(text) = value.text() {
        return Some((text.to_owned(), 1.0));
    }
    let entries = value.entries().filter(|entries| entries.len() == 2)?;
    let of = |key| entries.iter().find(|(known, _)| *known == key).map(|(_, given)| *given);
    let (text, weight) = (of("text")?.text()?.to_owned(), of("weight")?.number()?);
    (0.0..=1e9).contains(&weight).then_some((text, weight))
}

#[cfg(test)]
mod tests {
    use crate::model::Scenario;

    #[test]
    fn faults_of_rules_are_named() {
        let text = r#"
[[inbound]]
text = "STOP"
[[inbound]]
at = "5s"
from = "33612345678"
to = "36034"
text = ["STOP", { text = "OUI" }]
senders = 3
[[inbound]]
on = "("
reply = "😀"
encoding = "gsm7"
[[inbound]]
at = "1s"
from = "CLINIQUE"
senders = 2
text = "x"
[[inbound]]
on = "le (?<day>[0-9]+)"
reply = ["$0, $1, ${day}, 5 $$ ou 5 $", "$2"]
times = 0
sender = "("
"#;
        let said = Scenario::parse(text, "x.toml").unwrap_err().to_string();
        let expected = [
            "x.toml:2: inbound[0]: write either at (a script) or reply (a conversation)",
            "x.toml:3: inbound[0].text: unknown key",
            "x.toml:8: inbound[1].text: [\"STOP\", { text = \"OUI\" }] is not allowed: a text, an array",
            "x.toml:11: inbound[2].on: \"(\" is not allowed: a regular expression",
            "x.toml:12: inbound[2].reply: \"😀\" is not allowed: it cannot be written in that encoding",
            "x.toml:14: inbound[3].to: missing: a script needs it",
            "x.toml:17: inbound[3].senders: 2 is not allowed: it goes with from",
            "x.toml:21: inbound[4].reply: [\"$0, $1, ${day}, 5 $$ ou 5 $\", \"$2\"] is not allowed: `on` has no group 2; $$",
            "x.toml:22: inbound[4].times: 0 is not allowed",
            "x.toml:23: inbound[4].sender: \"(\" is not allowed: a regular expression",
        ];
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{said}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}\n  should begin with\n{expected}");
        }
    }
}
