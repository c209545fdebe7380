//! `dashboards`: writes everything that is made from the engine's metrics.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use dashboards::{Addresses, files};

/// Writes Campanile's dashboards, rules, alerts and their tests.
#[derive(Parser)]
#[command(name = "dashboards", version)]
struct Arguments {
    /// The folder that `grafana/` and `prometheus/` are written in.
    #[arg(long, value_name = "FOLDER", default_value = env!("CARGO_MANIFEST_DIR"))]
    into: PathBuf,
    /// Where the runbooks are, as those who are woken reach them. Default: where Prometheus's external label `runbooks` says,
    /// and in Grafana its /public/runbooks.
    #[arg(long, value_name = "URL")]
    runbooks: Option<String>,
    /// Where Grafana is. Default: where Prometheus's external label `grafana` says.
    #[arg(long, value_name = "URL")]
    grafana: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let addresses = Addresses {
        runbooks: arguments.runbooks,
        grafana: arguments.grafana,
    };
    for (path, text) in files(&addresses) {
        if let Err(error) = write(&arguments.into.join(&path), &text) {
            eprintln!("dashboards: cannot write {path}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}
