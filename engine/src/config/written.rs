//! How values are written in a configuration.

use std::time::Duration;

use humantime::format_duration;

use super::value::Rate;

/// Keys with their values.
pub(super) type Pairs = Vec<(&'static str, String)>;

pub(super) fn text(text: &str) -> String {
    // A JSON string is a TOML basic string, too.
    serde_json::Value::from(text).to_string()
}

pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

pub(super) fn duration(duration: Duration) -> String {
    text(&format_duration(duration).to_string())
}

pub(super) fn code_or_auto(code: Option<u8>) -> String {
    code.map_or_else(|| text("auto"), |code| code.to_string())
}

pub(super) fn rate_text(rate: Rate) -> String {
    let unit = match rate.period.as_secs() {
        60 => "min",
        3_600 => "h",
        _ => "s",
    };
    format!("{}/{unit}", rate.segments)
}

/// The word of a configuration that stands for a value.
pub(super) fn word<T: PartialEq + Copy>(names: &[(&'static str, T)], value: T) -> &'static str {
    let known = names.iter().find(|(_, known)| *known == value);
    known.map_or("", |(word, _)| *word)
}
