//! One scenario: what the simulator's file says, and what `tests/quirks.toml` says beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What every quirk's scenario is called like.
const PREFIX: &str = "quirks-";

/// A scenario, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it is called at the simulator, without `quirks-`.
    pub name: String,
    /// What the carrier does: the scenario's own words.
    pub about: String,
    /// The scenario's tables, without its name.
    pub scenario: toml::Table,
    /// What the engine is told, and what comes of it.
    pub known: Known,
}

/// What `tests/quirks.toml` says of one scenario.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Who does it, and where it is written down.
    pub carriers: String,
    /// Lines of the engine's `[[smsc]]`. None: it needs no setting.
    #[serde(default)]
    pub settings: Vec<String>,
    /// The preset that the engine begins with, in place of the usual bind, window and sessions.
    #[serde(default)]
    pub preset: Option<String>,
    /// How its sessions bind: `bind`, where that is not `transceiver`.
    #[serde(default)]
    pub bind: Option<String>,
    /// Why these, or why a status is what it is.
    #[serde(default)]
    pub why: String,
    /// Lines of the test's own: time that goes faster, more sessions.
    #[serde(default)]
    pub stage: Staging,
    /// The status of those whose receipt the scenario decides; empty: delivered.
    #[serde(default)]
    pub ordinary: String,
    /// Receipts that fit no message and stay parked.
    #[serde(default)]
    pub parked: u64,
    /// Last three digits of a number → its status, where that is another than usual.
    #[serde(default)]
    pub numbers: BTreeMap<String, String>,
}

/// What the test brings about so that the quirk can show.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Staging {
    /// How much faster the scenario's time goes.
    pub time_scale: Option<f64>,
    /// Sessions of the engine's.
    pub sessions: Option<u32>,
    /// How many people get a short message beside the usual ones.
    pub more: usize,
}

impl Case {
    /// All of them, by name: what the simulator has and what is known must be the same.
    ///
    /// # Panics
    /// When they are not, or a file cannot be read.
    pub fn all() -> Vec<Self> {
        let mut known: BTreeMap<String, Known> =
            toml::from_str(&read(&beside("quirks.toml"))).expect("tests/quirks.toml");
        let folder = beside("../smpp-sim/scenarios");
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let files = entries.map(|entry| entry.expect("an entry of a folder").path());
        let mut cases: Vec<Self> = files.filter_map(|file| Self::of(&file, &mut known)).collect();
        assert!(known.is_empty(), "no scenario of the simulator: {:?}", known.keys());
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        cases
    }

    fn of(file: &Path, known: &mut BTreeMap<String, Known>) -> Option<Self> {
        let name = file
            .file_name()?
            .to_str()?
            .strip_prefix(PREFIX)?
            .strip_suffix(".toml")?;
        let mut scenario: toml::Table = read(file).parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        scenario.remove("name");
        let about = scenario
            .remove("about")
            .and_then(|about| about.as_str().map(str::to_owned));
        Some(Self {
            name: name.to_owned(),
            about: about.unwrap_or_default(),
            scenario,
            known: known
                .remove(name)
                .unwrap_or_else(|| panic!("tests/quirks.toml does not know {name}")),
        })
    }
}

/// A file or folder of this package.
pub(super) fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(super) fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
