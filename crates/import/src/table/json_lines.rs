//! Tables as JSON Lines: an object on every line.

use std::collections::HashSet;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::cell::Cell;
use super::mapping::Mapping;
use super::row::{Row, Rows};
use crate::counted::CountedFile;
use crate::{ImportError, Place, Sink};

/// Gives every line of a table to the sink. Its columns are the names that any line has, in the order in which they first stand.
///
/// # Errors
/// [`ImportError`] where it cannot be read, or a line is no JSON object.
pub(crate) fn read(path: &Path, mapping: &Mapping, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let names = names(path)?;
    let mut rows = Rows::new(path, &names, mapping, sink)?;
    let (file, bytes) = CountedFile::open(path, "a table")?;
    each_line(path, file, |line, text| {
        let values: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| no_object(path, line, error))?;
        rows.take(&Object { names: &names, values }, format!("line {line}"), sink)?;
        bytes.tell(sink);
        Ok(())
    })
}

fn names(path: &Path) -> Result<Vec<String>, ImportError> {
    let (file, _) = CountedFile::open(path, "a table")?;
    let mut names = Names::default();
    each_line(path, file, |line, text| {
        let mut object = serde_json::Deserializer::from_slice(text);
        let read = object.deserialize_map(&mut names).and_then(|()| object.end());
        read.map_err(|error| no_object(path, line, error))
    })?;
    if names.in_order.is_empty() {
        return Err(Place::file(path).error("holds no row; expected a JSON object on every line"));
    }
    Ok(names.in_order)
}

fn each_line(
    path: &Path,
    file: CountedFile,
    mut take: impl FnMut(usize, &[u8]) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let length = reader.read_until(b'\n', &mut text);
        let length = length
            .map_err(|error| Place::within(path, format!("line {line}")).caused("cannot be read", error))?;
        if length == 0 {
            break;
        }
        if !text.trim_ascii().is_empty() {
            take(line, &text)?;
        }
    }
    Ok(())
}

fn no_object(path: &Path, line: usize, error: serde_json::Error) -> ImportError {
    Place::within(path, format!("line {line}")).caused("is no JSON object; expected one on every line", error)
}

/// Collects the names of members, and none of their values.
#[derive(Default)]
struct Names {
    in_order: Vec<String>,
    known: HashSet<String>,
}

impl<'de> Visitor<'de> for &mut Names {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            if !self.known.contains(name.as_ref()) {
                self.known.insert(name.clone().into_owned());
                self.in_order.push(name.into_owned());
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

struct Object<'a> {
    names: &'a [String],
    values: Map<String, Value>,
}

impl Row for Object<'_> {
    fn cell(&self, column: usize) -> Cell<'_> {
        match self.names.get(column).and_then(|name| self.values.get(name)) {
            None | Some(Value::Null) => Cell::Missing,
            Some(Value::Bool(flag)) => Cell::Flag(*flag),
            Some(Value::Number(number)) => cell_of_number(number),
            Some(Value::String(text)) => Cell::Text(text),
            Some(Value::Array(items)) => Cell::List(items.into()),
            Some(Value::Object(_)) => Cell::Other("an object"),
        }
    }
}

fn cell_of_number(number: &Number) -> Cell<'static> {
    match number.as_i128() {
        Some(whole) => Cell::Whole(whole),
        None => number.as_f64().map_or(Cell::Other("a number out of range"), Cell::Number),
    }
}
