//! From what a run has found to what people and programs read: text, JSON, HTML, HDR log, CSV, JUnit.
//!
//! Start reading at [`write`]; each file here is one form, and `page` the folder of the HTML page.
//!
//! Every report is made from [`Results`] alone, so all of them say the same, and each can be made again from a saved
//! file (`loadtest report`).

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use kit::output::complain;

use crate::results::{Results, SCHEMA};

mod words;
mod line;
mod page;
mod hdr;
mod csv;
mod junit;
mod schema;
pub(crate) mod checks;
pub(crate) mod number;

pub use schema::schema;

/// Which reports to make. Flattened into the arguments of every mode.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// One line of JSON, alone on standard output: the report in words goes to standard error.
    #[arg(long, short = 'j', help_heading = "Reports")]
    pub json: bool,
    /// Write everything that was found as JSON (`loadtest schema` prints its schema).
    #[arg(long, short, value_name = "FILE", help_heading = "Reports")]
    pub out: Option<PathBuf>,
    /// Write one HTML page with charts that needs no other file and no network.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub html: Option<PathBuf>,
    /// Write the latency histograms as an HdrHistogram interval log (V2, compressed).
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub hdr: Option<PathBuf>,
    /// Write one row for each second as CSV.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub csv: Option<PathBuf>,
    /// Write thresholds and conservation checks as test cases in JUnit XML.
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub junit: Option<PathBuf>,
    /// No report in words, and no progress.
    #[arg(long, short, help_heading = "Reports")]
    pub quiet: bool,
}

impl Outputs {
    /// Looks before a run whether its reports could be written, so that no measurement is lost for a wrong path.
    ///
    /// # Errors
    /// Names every option whose file has no directory, is a directory, or is another option's file too.
    pub fn check(&self) -> Result<()> {
        let files = self.files();
        let mut faults = Vec::new();
        for (at, (document, path)) in files.iter().enumerate() {
            let file = format!("{} {}", document.option(), path.display());
            if let Some(fault) = fault(path) {
                faults.push(format!("{file}: {fault}"));
            }
            if let Some((other, _)) = files[..at].iter().find(|(_, earlier)| earlier == path) {
                faults.push(format!(
                    "{file}: {} has the same file; each needs its own",
                    other.option()
                ));
            }
        }
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    }

    /// The files that were asked for, and what is to be in them.
    fn files(&self) -> Vec<(Document, &Path)> {
        [
            (Document::Json, &self.out),
            (Document::Html, &self.html),
            (Document::Hdr, &self.hdr),
            (Document::Csv, &self.csv),
            (Document::Junit, &self.junit),
        ]
        .into_iter()
        .filter_map(|(document, path)| Some((document, path.as_deref()?)))
        .collect()
    }
}

/// What a file can have of a run.
#[derive(Clone, Copy)]
enum Document {
    Json,
    Html,
    Hdr,
    Csv,
    Junit,
}

impl Document {
    /// The option that asks for it.
    fn option(self) -> &'static str {
        match self {
            Document::Json => "--out",
            Document::Html => "--html",
            Document::Hdr => "--hdr",
            Document::Csv => "--csv",
            Document::Junit => "--junit",
        }
    }

    fn write(self, results: &Results, path: &Path) -> Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        match self {
            Document::Json => {
                serde_json::to_writer_pretty(&mut out, results)?;
                writeln!(out)?;
            }
            Document::Html => out.write_all(page::html(results)?.as_bytes())?,
            Document::Hdr => hdr::write(results, &mut out)?,
            Document::Csv => csv::write(results, &mut out)?,
            Document::Junit => out.write_all(junit::document(results)?.as_bytes())?,
        }
        Ok(out.flush()?)
    }
}

/// Why nothing can be written there, as far as a look tells.
fn fault(path: &Path) -> Option<&'static str> {
    // The parent of a bare name is the empty path: the working directory.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if directory.is_some_and(|directory| !directory.is_dir()) {
        return Some("its directory does not exist; create it first");
    }
    path.is_dir().then_some("it is a directory; a file is needed")
}

/// Writes the files that were asked for, then says the run: in words unless `quiet`, or as one line of JSON, which has
/// standard output for itself while the words go to standard error.
///
/// # Errors
/// Names the option and the file that cannot be written; or nobody takes the output.
pub fn write(results: &Results, outputs: &Outputs) -> Result<()> {
    for (document, path) in outputs.files() {
        let file = || format!("{} {}", document.option(), path.display());
        document.write(results, path).with_context(file)?;
    }
    let words = if outputs.quiet {
        // An exit code of 98 or 99 has its reasons.
        let missed = results.thresholds.iter().filter(|verdict| !verdict.held);
        missed.for_each(|verdict| complain(format_args!("loadtest: does not hold: {}", verdict.threshold)));
        results
            .doubts
            .iter()
            .for_each(|doubt| complain(format_args!("loadtest: {doubt}")));
        String::new()
    } else {
        words::text(results)
    };
    let line = outputs.json.then(|| line::line(results)).transpose()?;
    say(&words, line.as_deref())
}

/// Words on standard output, or on standard error beside a line of JSON.
///
/// # Errors
/// Nobody takes the output.
pub(crate) fn say(words: &str, line: Option<&str>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match line {
        Some(line) => {
            std::io::stderr().lock().write_all(words.as_bytes())?;
            writeln!(out, "{line}")?;
        }
        None => out.write_all(words.as_bytes())?,
    }
    Ok(out.flush()?)
}

/// Makes the reports of a saved run. Success, whatever the run's verdicts: that was the run's exit code.
///
/// # Errors
/// As [`Outputs::check`], [`read`] and [`write`](write()) have them.
pub fn run(saved: &Path, outputs: &Outputs) -> Result<ExitCode> {
    outputs.check()?;
    write(&read(saved)?, outputs)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints [`schema`].
pub fn print_schema() -> Result<ExitCode> {
    kit::output::print(&schema())?;
    Ok(ExitCode::SUCCESS)
}

/// The most octets of a saved run that are read: a day of seconds is 30 MB, so more is not one.
const SAVED_MAX: u64 = 256 << 20;

/// Reads a run that `--out` has saved, of this version of the document or an older one.
///
/// # Errors
/// Names the file that cannot be read, is too large, is not such a document, or is of a newer version.
pub fn read(path: &Path) -> Result<Results> {
    let read = || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        ensure!(size <= SAVED_MAX, "it has {size} octets; at most {SAVED_MAX} are read");
        let document: serde_json::Value = serde_json::from_reader(BufReader::new(file.take(SAVED_MAX)))
            .context("it is not JSON, as `loadtest … --out FILE` writes it")?;
        // Older versions did not name it.
        let is_line = document["document"] == line::DOCUMENT || document["latency_ms"].is_object();
        ensure!(
            !is_line,
            "it is the line that --json prints, which says too little to be compared: save runs with --out FILE"
        );
        let results: Results = serde_json::from_value(document)
            .context("it is not a document that `loadtest … --out FILE` has written")?;
        let schema = results.schema;
        ensure!(
            (1..=SCHEMA).contains(&schema),
            "its `schema` is {schema}; this version reads 1 to {SCHEMA}"
        );
        Ok(results)
    };
    read().with_context(|| path.display().to_string())
}
