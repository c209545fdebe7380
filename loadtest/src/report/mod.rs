//! From what a run has found to what people and programs read: text, JSON, HTML, HDR log, CSV, JUnit.
//!
//! Every report is made from [`Results`] alone, so all of them say the same, and each can be made again from a saved file.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::results::Results;

/// Which reports to make. Flattened into the arguments of every mode.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// End standard output with one line of JSON.
    #[arg(long, help_heading = "Reports")]
    pub json: bool,
    /// Write everything that was found as JSON (`loadtest schema` prints its schema).
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub out: Option<PathBuf>,
    /// Write one HTML page with charts that needs no other file and no network.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub html: Option<PathBuf>,
    /// Write the latency histograms as an HdrHistogram interval log, version 1.3 with V2 compressed histograms.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub hdr: Option<PathBuf>,
    /// Write one row for each second as CSV.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub csv: Option<PathBuf>,
    /// Write thresholds and conservation checks as test cases in JUnit XML.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub junit: Option<PathBuf>,
    /// No report in words on standard output, and no progress.
    #[arg(long, short, help_heading = "Reports")]
    pub quiet: bool,
}

impl Outputs {
    /// Looks before a run whether its reports could be written, so that no measurement is lost for a wrong path.
    ///
    /// # Errors
    /// Names every option whose file cannot be written there, or that has the same file as another.
    pub fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Writes the files that were asked for, then says the run on standard output: in words unless `quiet`, and last, if
/// asked for, one line of JSON.
///
/// # Errors
/// Names the file that cannot be written; or nobody takes the output.
pub fn write(results: &Results, outputs: &Outputs) -> Result<()> {
    if let Some(path) = &outputs.out {
        let file = File::create(path).with_context(|| format!("--out {}", path.display()))?;
        serde_json::to_writer_pretty(BufWriter::new(file), results)?;
    }
    Ok(())
}
