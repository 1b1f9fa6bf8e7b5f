//! The columns of one table, bound to the facts that they tell.

use super::field::Field;
use super::mapping::Mapping;
use crate::{ImportError, Place, Sink};

/// Which column of a table tells each fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    bound: [Option<usize>; Field::COUNT],
}

impl Columns {
    /// Binds the columns of a table by a mapping and by their names, and says which are left out.
    ///
    /// # Errors
    /// [`ImportError`] where a column of the mapping is not there, two columns could be meant, task or agent are not told, or it is
    /// not said whether input tokens include those of the cache.
    pub(crate) fn bind(
        names: &[String],
        mapping: &Mapping,
        place: &Place,
        sink: &mut dyn Sink,
    ) -> Result<Self, ImportError> {
        let mut columns = Self { bound: [None; Field::COUNT] };
        for (field, column) in &mapping.columns {
            columns.bound[*field as usize] = Some(named(names, column, *field, place)?);
        }
        for field in Field::all() {
            let is_said = columns.column(field).is_some()
                || mapping.constants.contains_key(&field)
                || mapping.without.contains(&field)
                || is_told_otherwise(field, mapping);
            if !is_said {
                columns.bound[field as usize] = obvious(names, field, place)?;
            }
        }
        columns.check(names, mapping, place)?;
        for (index, name) in names.iter().enumerate() {
            if !columns.bound.contains(&Some(index)) {
                sink.left_out(place, &format!("the column `{name}` is not mapped"));
            }
        }
        Ok(columns)
    }

    /// Returns the column of a field.
    pub(crate) fn column(&self, field: Field) -> Option<usize> {
        self.bound[field as usize]
    }

    /// Returns the columns that tell something, in order.
    pub(crate) fn used(&self) -> Vec<usize> {
        let mut used: Vec<usize> = self.bound.iter().flatten().copied().collect();
        used.sort_unstable();
        used.dedup();
        used
    }

    fn check(&self, names: &[String], mapping: &Mapping, place: &Place) -> Result<(), ImportError> {
        for field in [Field::Task, Field::Agent] {
            if self.column(field).is_none() && !mapping.constants.contains_key(&field) {
                let name = field.name();
                let constant =
                    if field == Field::Agent { ", or of every row with `agent:=NAME`" } else { "" };
                return Err(place.error(format!(
                    "tells no {name}; say which column does with `{name}=COLUMN`{constant}; columns: {}",
                    listed(names)
                )));
            }
        }
        for (one, other) in Field::EITHER {
            if let (Some(first), Some(second)) = (self.column(one), self.column(other)) {
                let name = |index: usize| names.get(index).map_or("", String::as_str);
                return Err(place.error(format!(
                    "has the columns `{}` for `{}` and `{}` for `{}`, which tell the same; leave one out with `{}=`",
                    name(first),
                    one.name(),
                    name(second),
                    other.name(),
                    other.name()
                )));
            }
        }
        let has_cache = [Field::CacheReadTokens, Field::CacheWriteTokens]
            .iter()
            .any(|field| self.column(*field).is_some());
        if has_cache && self.column(Field::InputTokens).is_some() && mapping.input_includes_cache.is_none() {
            return Err(place.error(
                "has columns for tokens of the cache; say with `input_includes_cache=true` or `false` whether the input tokens count them",
            ));
        }
        Ok(())
    }
}

/// Whether the mapping names a column for the other way of telling the same.
fn is_told_otherwise(field: Field, mapping: &Mapping) -> bool {
    Field::EITHER.iter().any(|(one, other)| {
        (*one == field && mapping.columns.contains_key(other))
            || (*other == field && mapping.columns.contains_key(one))
    })
}

fn named(names: &[String], column: &str, field: Field, place: &Place) -> Result<usize, ImportError> {
    let mut found = names.iter().enumerate().filter(|(_, name)| *name == column).map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(_)) => Err(place.error(format!("has more than one column `{column}`; rename them"))),
        (None, _) => Err(place.error(format!(
            "has no column `{column}`, which the mapping gives for `{}`; columns: {}",
            field.name(),
            listed(names)
        ))),
    }
}

fn obvious(names: &[String], field: Field, place: &Place) -> Result<Option<usize>, ImportError> {
    let mut found = names.iter().enumerate().filter(|(_, name)| field.is_obvious(name));
    match (found.next(), found.next()) {
        (Some((_, one)), Some((_, other))) => Err(place.error(format!(
            "has the columns `{one}` and `{other}`, which could both be `{name}`; say which with `{name}=COLUMN`",
            name = field.name()
        ))),
        (found, _) => Ok(found.map(|(index, _)| index)),
    }
}

/// The names of columns, no more than a line holds.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(40).map(|name| format!("`{name}`")).collect();
    let rest = names.len() - shown.len();
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("{}{more}", shown.join(", "))
}
