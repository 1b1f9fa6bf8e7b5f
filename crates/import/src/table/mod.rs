//! Plain tables: CSV, TSV, JSON Lines and Parquet, with a mapping of columns to facts.
//!
//! Every row is a trial. A column tells a fact because the mapping says so or because its name does; all others are left out by name.

mod cell;
mod columns;
mod delimited;
mod field;
mod json_lines;
#[cfg(test)]
mod leaderboard_tests;
mod mapping;
mod meaning;
mod parquet;
mod parquet_column;
#[cfg(test)]
mod parquet_tests;
mod row;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub(crate) use cell::instant_of;
pub use mapping::{InvalidMapping, Mapping};

use crate::{ImportError, Place, Sink};

/// Reads the tables at `paths`, whose formats are those of their endings.
///
/// # Errors
/// [`ImportError`] where a file is none of these formats, its columns do not fit the mapping, or a cell holds something else than its
/// column tells.
pub fn read(paths: &[PathBuf], mapping: &Mapping, sink: &mut dyn Sink) -> Result<(), ImportError> {
    for path in paths {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        match ending.as_str() {
            "csv" => delimited::read(path, b',', mapping, sink)?,
            "tsv" => delimited::read(path, b'\t', mapping, sink)?,
            "jsonl" | "ndjson" => json_lines::read(path, mapping, sink)?,
            "parquet" => parquet::read(path, mapping, sink)?,
            _ => {
                return Err(Place::file(path)
                    .error("is no table; expected a file `.csv`, `.tsv`, `.jsonl` or `.parquet`"));
            }
        }
    }
    Ok(())
}
