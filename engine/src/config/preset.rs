//! `preset`: a carrier whose manners count where an account says nothing itself.

use kit::settings::Table;
use kit::words::nearest;
use presets::Preset;

/// The preset that a table names; `None` also after a fault.
pub(super) fn chosen(table: &Table<'_>) -> Option<&'static Preset> {
    let name = table.text("preset")?;
    let preset = Preset::named(&name);
    if preset.is_none() {
        table.fault("preset", unknown(&name));
    }
    preset
}

/// What is said of a name that no preset has.
pub(crate) fn unknown(name: &str) -> String {
    let names: Vec<&str> = Preset::names().collect();
    let meant = nearest(name, names.iter().copied()).map(|meant| format!("; did you mean {meant:?}?"));
    let meant = meant.unwrap_or_default();
    format!("{name:?} is no preset: there are {}{meant}", names.join(", "))
}
