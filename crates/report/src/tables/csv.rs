//! Tables as comma-separated values.

use std::borrow::Cow;
use std::io::Write;
use std::marker::PhantomData;

use super::{Cell, Column, Table, TableError};

/// What a cell must not begin with: spreadsheets take it for a formula, and the apostrophe is what keeps them from it.
const FORMULAS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];
const GUARD: char = '\'';

/// Writes a table as CSV.
pub(super) struct Sink<T, W: Write> {
    writer: csv::Writer<W>,
    table: PhantomData<T>,
}

impl<T: Table, W: Write> Sink<T, W> {
    pub(super) fn new(to: W) -> Result<Self, TableError> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(T::COLUMNS.iter().map(|column| column.name))?;
        Ok(Self { writer, table: PhantomData })
    }

    pub(super) fn add(&mut self, row: &T::Row<'_>) -> Result<(), TableError> {
        for Column { name, cell, .. } in T::COLUMNS {
            let text = match cell(row) {
                Cell::Count(value) if i64::try_from(value).is_err() => {
                    return Err(TableError::TooLarge { column: name, value });
                }
                cell => written(cell),
            };
            self.writer.write_field(text.as_bytes())?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), TableError> {
        Ok(self.writer.flush()?)
    }
}

fn written(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Missing => Cow::Borrowed(""),
        Cell::Text(text) => guarded(text),
        Cell::Count(count) => count.to_string().into(),
        // The shortest text that reads back as the same number.
        Cell::Number(number) => number.to_string().into(),
        Cell::Flag(flag) => Cow::Borrowed(if flag { "true" } else { "false" }),
        Cell::Day(day) => day.to_string().into(),
        Cell::Moment(moment) => moment.to_string().into(),
    }
}

/// Puts an apostrophe before a text that a spreadsheet would take for a formula, and before one that begins with an apostrophe, so that
/// taking one away gives back the text.
fn guarded(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(FORMULAS) || text.starts_with(GUARD) { format!("{GUARD}{text}").into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_as_a_formula_and_every_text_comes_back() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'", "''=1", "a=1", "", "×"] {
            let written = written(Cell::text(text));
            assert!(!written.starts_with(FORMULAS), "{text:?}");
            assert_eq!(written.strip_prefix(GUARD).unwrap_or(&written), text);
        }
    }

    #[test]
    fn numbers_read_back_to_the_same_bits() {
        for number in [0.1 + 0.2, -0.5, 1e-300, 1.7e308, f64::MIN_POSITIVE, 1.0 / 3.0] {
            let read: f64 = written(Cell::Number(number)).parse().unwrap();
            assert_eq!(read.to_bits(), number.to_bits());
        }
    }
}
