//! Tables of single trials and of measures, as CSV, as Parquet and as JSON Lines, with the same columns in all.
//!
//! A column is defined once: its name, type, unit, meaning and how it is read from a row. Tables are written row by row; Parquet keeps
//! as many rows in memory as a row group has.

mod csv;
mod json;
mod measures;
mod parquet;
mod trials;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;

use retrial_spec::TrialRecord;

use crate::{Report, RunOutcomes};
use measures::{MeasureRow, Measures};
use trials::{TrialRow, Trials};
pub(crate) use trials::{ending_detail, ungraded_detail};

/// The number of the columns' schema; it changes when a column changes its meaning, its type or its name.
pub const TABLES_VERSION: u32 = 1;

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableFormat {
    /// Comma-separated values with a header, UTF-8, line feeds.
    Csv,
    /// Apache Parquet with Snappy.
    Parquet,
    /// An object of JSON in each line, with all columns.
    JsonLines,
}

/// A table that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The CSV could not be written.
    #[error("the table could not be written: {0}")]
    Csv(#[from] ::csv::Error),
    /// The Parquet could not be written.
    #[error("the table could not be written: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The file could not be written.
    #[error("the table could not be written: {0}")]
    Io(#[from] std::io::Error),
    /// A number is larger than any column can hold, and no other number may stand in its place.
    #[error("`{column}` is {value}, which is more than a table can hold")]
    TooLarge {
        /// The column.
        column: &'static str,
        /// The number.
        value: u64,
    },
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text.
    Text,
    /// A whole number from 0.
    Count,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// A day.
    Day,
    /// A moment.
    Moment,
}

impl Kind {
    /// Returns the kind's word in the documentation.
    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Count => "count",
            Self::Number => "number",
            Self::Flag => "flag",
            Self::Day => "day",
            Self::Moment => "moment",
        }
    }
}

/// What stands in a row under a column; missing is neither 0 nor an empty text.
#[derive(Debug, Clone, PartialEq)]
enum Cell<'a> {
    Missing,
    Text(Cow<'a, str>),
    Count(u64),
    Number(f64),
    Flag(bool),
    Day(jiff::civil::Date),
    Moment(jiff::Timestamp),
}

impl<'a> Cell<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    fn count(count: Option<u64>) -> Self {
        count.map_or(Self::Missing, Self::Count)
    }

    fn moment(moment: Option<jiff::Timestamp>) -> Self {
        moment.map_or(Self::Missing, Self::Moment)
    }

    fn number(number: Option<f64>) -> Self {
        number.map_or(Self::Missing, Self::Number)
    }

    fn maybe(text: Option<&'a str>) -> Self {
        text.map_or(Self::Missing, Self::text)
    }

    /// The word that a value without content has in JSON.
    fn word(value: Option<impl serde::Serialize>) -> Self {
        match value.map(serde_json::to_value) {
            Some(Ok(serde_json::Value::String(word))) => Self::Text(Cow::Owned(word)),
            _ => Self::Missing,
        }
    }
}

/// A column of a table.
struct Column<T: Table> {
    name: &'static str,
    kind: Kind,
    /// The unit, where it has one.
    unit: &'static str,
    /// What it holds and when it is missing, for the documentation.
    about: &'static str,
    cell: for<'r, 'a> fn(&'r T::Row<'a>) -> Cell<'r>,
}

/// A table: its name and columns.
trait Table: Sized + 'static {
    type Row<'a>;
    const NAME: &'static str;
    const COLUMNS: &'static [Column<Self>];
}

/// Writes a table row by row.
enum Sink<T: Table, W: Write + Send> {
    Csv(Box<csv::Sink<T, W>>),
    Parquet(Box<parquet::Sink<T, W>>),
    JsonLines(Box<json::Sink<T, W>>),
}

impl<T: Table, W: Write + Send> Sink<T, W> {
    fn new(format: TableFormat, to: W) -> Result<Self, TableError> {
        Ok(match format {
            TableFormat::Csv => Self::Csv(Box::new(csv::Sink::new(to)?)),
            TableFormat::Parquet => Self::Parquet(Box::new(parquet::Sink::new(to)?)),
            TableFormat::JsonLines => Self::JsonLines(Box::new(json::Sink::new(to))),
        })
    }

    fn add(&mut self, row: &T::Row<'_>) -> Result<(), TableError> {
        match self {
            Self::Csv(sink) => sink.add(row),
            Self::Parquet(sink) => sink.add(row),
            Self::JsonLines(sink) => sink.add(row),
        }
    }

    fn finish(self) -> Result<(), TableError> {
        match self {
            Self::Csv(sink) => sink.finish(),
            Self::Parquet(sink) => sink.finish(),
            Self::JsonLines(sink) => sink.finish(),
        }
    }
}

/// Writes the table of trials: a row for each record, in the order in which they are added.
pub struct TrialTable<W: Write + Send>(Sink<Trials, W>);

impl<W: Write + Send> TrialTable<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// [`TableError`] where it cannot be written.
    pub fn new(format: TableFormat, to: W) -> Result<Self, TableError> {
        Sink::new(format, to).map(Self)
    }

    /// Adds a record of a run.
    ///
    /// # Errors
    /// [`TableError`] where it cannot be written.
    pub fn add(&mut self, run: &RunOutcomes<'_>, record: &TrialRecord) -> Result<(), TableError> {
        let counts_as = run.of_trial(&record.trial);
        self.0.add(&TrialRow { run: &run.run().scored.run, record, counts_as })
    }

    /// Ends the table. Without it the table is torn.
    ///
    /// # Errors
    /// [`TableError`] where it cannot be written.
    pub fn finish(self) -> Result<(), TableError> {
        self.0.finish()
    }
}

/// Writes the table of measures: a row for every measure of every scorecard, group of tasks and block of robustness.
///
/// # Errors
/// [`TableError`] where it cannot be written.
pub fn write_measures<W: Write + Send>(
    report: &Report,
    format: TableFormat,
    to: W,
) -> Result<(), TableError> {
    let mut sink: Sink<Measures, W> = Sink::new(format, to)?;
    for run in &report.runs {
        for row in MeasureRow::all(&run.scored) {
            sink.add(&row)?;
        }
    }
    sink.finish()
}

/// Returns the tables of columns as they stand in the documentation: that of trials, and that of measures.
pub fn documented_columns() -> [String; 2] {
    [documented::<Trials>(), documented::<Measures>()]
}

fn documented<T: Table>() -> String {
    let mut text = "| column | type | unit | meaning |\n|---|---|---|---|\n".to_owned();
    for column in T::COLUMNS {
        let Column { name, kind, unit, about, .. } = column;
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| `{name}` | {} | {unit} | {about} |", kind.as_str());
    }
    text
}
