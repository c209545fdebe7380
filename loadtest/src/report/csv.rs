//! One row for each second, one column for each field of [`Second`], the names in the first row.

use std::io::Write;

use anyhow::{Context, Result};

use crate::results::{Results, Second};

/// Writes the table. A run without a single second still has the names.
pub(super) fn write(results: &Results, out: &mut impl Write) -> Result<()> {
    if results.per_second.is_empty() {
        return Ok(out.write_all(&header()?)?);
    }
    let mut table = csv::Writer::from_writer(out);
    for second in &results.per_second {
        table.serialize(second)?;
    }
    Ok(table.flush()?)
}

/// The first row: the writer only knows it from a record.
fn header() -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.serialize(Second::default())?;
    let mut octets = table.into_inner().context("a table in memory")?;
    let end = octets
        .iter()
        .position(|octet| *octet == b'\n')
        .map_or(octets.len(), |at| at + 1);
    octets.truncate(end);
    Ok(octets)
}
