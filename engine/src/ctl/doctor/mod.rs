//! `campanile doctor`: settings of Redis and of the machine that an engine lives by, and how each is mended.

mod finding;
mod machine;
mod server;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::output::{Table, print_json};
use crate::config::Config;
use finding::{Finding, Grade};

/// What is looked at.
#[derive(Clone, Debug, Args)]
pub(crate) struct Doctor {
    /// The configuration, TOML: which Redis.
    #[arg(long, value_name = "FILE", default_value = "campanile.toml")]
    config: PathBuf,
    /// JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Looks, and prints what was found.
    ///
    /// # Errors
    /// [`Failure::Configuration`]; [`Failure::Away`] without Redis; [`Failure::Other`] when something is bad.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let config = Config::load(&self.config).map_err(Failure::Configuration)?;
        let (mut findings, away) = match server::findings(&config).await {
            Ok(findings) => (findings, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        findings.extend(machine::findings(Path::new("/"), &config));
        self.print(&findings)?;
        if let Some(why) = away {
            return Err(Failure::Away(why));
        }
        match findings.iter().filter(|finding| finding.grade == Grade::Bad).count() {
            0 => Ok(()),
            1 => Err(Failure::Other("one setting is bad".to_owned())),
            many => Err(Failure::Other(format!("{many} settings are bad"))),
        }
    }

    fn print(&self, findings: &[Finding]) -> Result<(), Failure> {
        if self.json {
            let rows: Vec<_> = findings.iter().map(Finding::to_json).collect();
            return print_json(&json!({ "data": rows }));
        }
        let mut table = Table::new(&["grade", "what", "found", "wrong", "mend"]);
        findings.iter().for_each(|finding| table.row(finding.cells()));
        table.print()
    }
}
