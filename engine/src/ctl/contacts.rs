//! `campanile contacts`: files into an engine and out of it, with a tenant's key.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, quoted};
use super::door::{Door, created, opened, output, read_filter};
use super::failure::Failure;
use super::output::{Table, cell, print, print_json, progress};

/// Between two looks at an import that runs.
const LOOK: Duration = Duration::from_millis(500);

/// What files are said to be; the engine tells a workbook from that by itself.
const CSV: &str = "text/csv";

/// The buckets of an import, in the order in which they are shown.
const BUCKETS: [&str; 7] = [
    "created",
    "updated",
    "unchanged",
    "duplicate_in_file",
    "invalid",
    "not_mobile",
    "suppressed",
];

/// What is asked of a tenant's contacts.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ContactsAsk {
    /// Take in a CSV or XLSX, and say what became of its rows.
    #[command(after_help = "Examples:\n  campanile contacts import patients.xlsx --dry-run\n  \
                            campanile contacts import patients.csv --columns last_name,number,-")]
    Import(Import),
    /// Write contacts down: all, or those whom a filter means.
    #[command(
        after_help = "Examples:\n  campanile contacts export --dialect rfc4180 --output contacts.csv\n  \
                            campanile contacts export --filter '{\"field\": \"practice\", \"is\": \"Lyon\"}'"
    )]
    Export(Export),
}

/// A file to take in.
#[derive(Clone, Debug, Args)]
pub(crate) struct Import {
    /// The file; - is standard input.
    file: PathBuf,
    /// Only say how it is understood.
    #[arg(long)]
    dry_run: bool,
    /// What the columns are, such as last_name,number,-,attributes.Ville.
    #[arg(long, value_name = "LIST")]
    columns: Option<String>,
    /// The list that everybody is put on.
    #[arg(long, value_name = "LIST")]
    list: Option<String>,
    /// Where the rows are written that were not taken.
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    door: Door,
}

/// What is to be written down, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct Export {
    /// excel-fr, rfc4180 or jsonl.
    #[arg(long, value_name = "DIALECT", default_value = "excel-fr")]
    dialect: String,
    /// Which contacts are meant, as JSON; {} means everybody.
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    /// The file; - is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    door: Door,
}

impl ContactsAsk {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Import(import) => import.run(),
            Self::Export(export) => export.run(),
        }
    }
}

impl Import {
    fn run(&self) -> Result<(), Failure> {
        let client = self.door.open()?;
        let mut query = format!("?dry_run={}", self.dry_run);
        for (name, value) in [("columns", &self.columns), ("list", &self.list)] {
            if let Some(value) = value {
                query += &format!("&{name}={}", quoted(value));
            }
        }
        let answer = client.send((&format!("/v1/imports{query}"), None), CSV, &mut opened(&self.file)?)?;
        let import = if self.dry_run { answer } else { ended(&client, answer)? };
        if let Some(file) = &self.errors
            && let Some(id) = import["id"].as_str()
        {
            client.download((&format!("/v1/imports/{id}/errors"), None), &mut created(file)?)?;
        }
        match (self.json, self.dry_run) {
            (true, _) => print_json(&import)?,
            (false, true) => understood(&import)?,
            (false, false) => {
                print(&words(&import))?;
            }
        }
        match import["failure"]["detail"].as_str() {
            Some(why) => Err(Failure::Other(format!("the file was not read to its end: {why}"))),
            None => Ok(()),
        }
    }
}

impl Export {
    fn run(&self) -> Result<(), Failure> {
        let client = self.door.open()?;
        let mut body = json!({});
        if let Some(filter) = &self.filter {
            body["filter"] = read_filter(filter)?;
        }
        let mut output = output(&self.output)?;
        let path = format!("/v1/contacts/export?dialect={}", quoted(&self.dialect));
        client.download((&path, Some(&body)), &mut output)
    }
}

/// Looks at an import until it has ended.
fn ended(client: &Client, begun: Value) -> Result<Value, Failure> {
    let path = format!("/v1/imports/{}", begun["id"].as_str().unwrap_or_default());
    let mut import = begun;
    while import["state"] == "running" {
        std::thread::sleep(LOOK);
        import = client.get(&path)?;
        let rows = format!("{} rows", import["rows"]["read"]);
        progress(&rows, import["state"] != "running");
    }
    Ok(import)
}

/// How a file is understood: its columns, counts of its first rows, and these one by one.
fn understood(preview: &Value) -> Result<(), Failure> {
    let mut table = Table::new(&["what", "value"]);
    for (key, value) in preview["file"].as_object().into_iter().flatten() {
        table.row([key.clone(), cell(value)]);
    }
    for column in preview["columns"].as_array().into_iter().flatten() {
        table.row([format!("column {}", cell(&column["name"])), cell(&column["field"])]);
    }
    for (key, value) in preview["sample"].as_object().into_iter().flatten() {
        table.row([key.clone(), cell(value)]);
    }
    for (code, count) in preview["invalid"].as_object().into_iter().flatten() {
        table.row([format!("invalid {code}"), cell(count)]);
    }
    if let Some(count) = preview["visits_to_come"].as_u64().filter(|count| *count > 0) {
        table.row(["visits_to_come".to_owned(), count.to_string()]);
    }
    for row in preview["rows"].as_array().into_iter().flatten() {
        let (contact, error) = (row["contact"].as_object(), &row["error"]);
        let said = match contact {
            Some(contact) => {
                let fields = contact.iter().map(|(key, value)| format!("{key}={}", cell(value)));
                fields.collect::<Vec<_>>().join(" ")
            }
            None => format!(
                "{} {}: {}",
                cell(&error["column"]),
                cell(&error["value"]),
                cell(&error["detail"])
            ),
        };
        table.row([format!("line {}", row["line"]), said]);
    }
    table.print()
}

fn words(import: &Value) -> String {
    let bucket = |name: &&str| format!("{name}\t{}\n", import["rows"][*name]);
    let state = import["state"].as_str().unwrap_or_default();
    let mut words = format!("state\t{state}\n") + &BUCKETS.iter().map(bucket).collect::<String>();
    if let Some(count) = import["visits_to_come"].as_u64().filter(|count| *count > 0) {
        words += &format!("visits_to_come\t{count}\n");
    }
    words
}
