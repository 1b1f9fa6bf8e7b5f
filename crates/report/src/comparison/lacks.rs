//! What the values of a table lack, and why, to be said below it.

use retrial_metrics::{Bounds, Value};

use crate::words::{counted, listed};

/// Most names that stand in a list; more are counted.
const NAMED: usize = 3;

/// What a value lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// It has no value, and so no interval.
    Value,
    /// It has a value without interval.
    Interval,
}

/// Something that is lacking for one reason, in some rows of some columns.
struct Found {
    lack: Lack,
    reason: String,
    columns: Vec<(String, Vec<String>)>,
}

/// What is lacking in a table, by the reason.
pub(super) struct Lacks {
    /// Rows of the table.
    rows: usize,
    /// What a row is about.
    noun: &'static str,
    found: Vec<Found>,
}

impl Lacks {
    /// Nothing yet of a table with so many rows, each about one of what the noun says.
    pub(super) fn new(rows: usize, noun: &'static str) -> Self {
        Self { rows, noun, found: Vec::new() }
    }

    /// Takes note of what a value lacks.
    pub(super) fn add(&mut self, column: &str, row: &str, value: &Value) {
        let (lack, reason) = match value {
            Value::Undefined(reason) => (Lack::Value, reason.to_string()),
            Value::Estimate(estimate) => match &estimate.interval {
                Bounds::Interval(_) => return,
                Bounds::Undefined(reason) => (Lack::Interval, reason.to_string()),
            },
        };
        let is_same = |found: &&mut Found| found.lack == lack && found.reason == reason;
        let Some(found) = self.found.iter_mut().find(is_same) else {
            let columns = vec![(column.to_owned(), vec![row.to_owned()])];
            self.found.push(Found { lack, reason, columns });
            return;
        };
        match found.columns.iter_mut().find(|(known, _)| known == column) {
            Some((_, rows)) => rows.push(row.to_owned()),
            None => found.columns.push((column.to_owned(), vec![row.to_owned()])),
        }
    }

    /// Returns what has no value and what has no interval, a sentence each where there is anything to say.
    pub(super) fn sentences(&self) -> Vec<String> {
        let of = |lack: Lack, start: &str| {
            let found: Vec<String> =
                self.found.iter().filter(|found| found.lack == lack).map(|found| self.told(found)).collect();
            (!found.is_empty()).then(|| format!("{start}: {}.", found.join("; ")))
        };
        of(Lack::Value, "No value").into_iter().chain(of(Lack::Interval, "No interval")).collect()
    }

    fn told(&self, found: &Found) -> String {
        let columns: Vec<String> =
            found.columns.iter().map(|(column, rows)| self.column(column, rows)).collect();
        format!("{} ({})", listed(&columns), found.reason)
    }

    fn column(&self, column: &str, rows: &[String]) -> String {
        if rows.len() == self.rows {
            column.to_owned()
        } else if rows.len() <= NAMED {
            format!("{column} of {}", listed(rows))
        } else {
            format!("{column} of {}", counted(rows.len() as u64, self.noun))
        }
    }
}
