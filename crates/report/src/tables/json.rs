//! Tables as JSON Lines: an object for each row, with all columns; what is missing is null.

use std::io::Write;
use std::marker::PhantomData;

use serde::Serializer;
use serde_json::{Value, json};

use super::{Cell, Column, Table, TableError};

/// Writes a table as JSON Lines.
pub(super) struct Sink<T, W: Write> {
    to: W,
    table: PhantomData<T>,
}

impl<T: Table, W: Write> Sink<T, W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, table: PhantomData }
    }

    pub(super) fn add(&mut self, row: &T::Row<'_>) -> Result<(), TableError> {
        let mut cells = Vec::with_capacity(T::COLUMNS.len());
        for Column { name, cell, .. } in T::COLUMNS {
            let value = match cell(row) {
                Cell::Count(value) if i64::try_from(value).is_err() => {
                    return Err(TableError::TooLarge { column: name, value });
                }
                cell => written(&cell),
            };
            cells.push((*name, value));
        }
        // In the order of the columns.
        serde_json::Serializer::new(&mut self.to).collect_map(cells).map_err(std::io::Error::from)?;
        Ok(self.to.write_all(b"\n")?)
    }

    pub(super) fn finish(mut self) -> Result<(), TableError> {
        Ok(self.to.flush()?)
    }
}

fn written(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Missing => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Count(count) => json!(count),
        Cell::Number(number) => json!(number),
        Cell::Flag(flag) => json!(flag),
        Cell::Day(day) => json!(day.to_string()),
        Cell::Moment(moment) => json!(moment.to_string()),
    }
}
