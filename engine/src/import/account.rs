//! The account of an import: what the file is, and what became of its rows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sheet::{Form, Mapping, Spool};

/// What is told of an import, and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Account {
    pub(crate) file: FileAccount,
    pub(crate) columns: Vec<ColumnAccount>,
    pub(crate) rows: Buckets,
    /// Rows that are invalid, by the code of why.
    pub(crate) invalid: BTreeMap<String, u64>,
    /// People of whom the file says that they were last there on a day that is to come: kept without that.
    #[serde(default)]
    pub(crate) visits_to_come: u64,
    pub(crate) errors: Errors,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FileAccount {
    /// `csv` or `xlsx`.
    format: String,
    encoding: Option<String>,
    delimiter: Option<char>,
    /// One of its first rows has the names of its columns.
    header: bool,
    /// The line of that row. What stands above it, such as a title, is left out.
    #[serde(default)]
    header_line: Option<u64>,
    octets: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ColumnAccount {
    /// In the file.
    name: String,
    /// What it holds, as a caller tells it.
    field: String,
}

/// How many rows became what: each is in one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Buckets {
    pub(crate) read: u64,
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) unchanged: u64,
    pub(crate) duplicate_in_file: u64,
    pub(crate) invalid: u64,
    /// Kept, and not to be written to: their number takes no texts.
    pub(crate) not_mobile: u64,
    /// Not to be written to: they do not want advertising. Kept, but for those who were erased.
    pub(crate) suppressed: u64,
}

/// The file of errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Errors {
    pub(crate) listed: u64,
    /// There were more.
    pub(crate) cut: bool,
}

/// Why a file was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl Account {
    pub(super) fn of(spool: &Spool, mapping: &Mapping) -> Self {
        let format = match spool.form {
            Form::Text(_) => "csv",
            Form::Workbook => "xlsx",
        };
        let columns = mapping.names.iter().zip(&mapping.columns);
        Self {
            file: FileAccount {
                format: format.to_owned(),
                encoding: mapping.encoding.map(|encoding| encoding.code().to_owned()),
                delimiter: mapping.delimiter.map(char::from),
                header: mapping.header.is_some(),
                header_line: mapping.header,
                octets: spool.octets,
            },
            columns: columns
                .map(|(name, column)| ColumnAccount {
                    name: name.clone(),
                    field: column.to_string(),
                })
                .collect(),
            ..Self::default()
        }
    }

    /// As the database has it.
    pub(super) fn stored(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(stored: &str) -> Self {
        serde_json::from_str(stored).unwrap_or_default()
    }
}
