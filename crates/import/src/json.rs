//! Files that hold one JSON value, and numbers in them.

use std::path::Path;

use serde_json::{Map, Value};

use crate::{ImportError, Place};

/// Reads a file that holds one JSON value, and says how many bytes it has. A symbolic link is refused.
///
/// # Errors
/// [`ImportError`] where it is no file, cannot be read or is no JSON: with the line, and with what was expected.
pub(crate) fn json_file(path: &Path, expected: &str) -> Result<(Value, u64), ImportError> {
    let place = Place::file(path);
    let facts = fs_err::symlink_metadata(path)
        .map_err(|error| place.caused(format!("cannot be read; expected {expected}"), error))?;
    if !facts.is_file() {
        return Err(place.error(format!("is no file; expected {expected}")));
    }
    let bytes = fs_err::read(path).map_err(|error| place.caused("cannot be read", error))?;
    let value = serde_json::from_slice(&bytes).map_err(|error| {
        Place::within(path, format!("line {}", error.line()))
            .caused(format!("is not JSON; expected {expected}"), error)
    })?;
    Ok((value, bytes.len() as u64))
}

/// Returns the place of a value within another place.
pub(crate) fn below(place: &Place, pointer: &str) -> Place {
    match &place.within {
        _ if pointer.is_empty() => place.clone(),
        Some(within) if within.starts_with('/') => Place::within(&place.file, format!("{within}{pointer}")),
        Some(within) => Place::within(&place.file, format!("{within}, {pointer}")),
        None => Place::within(&place.file, pointer),
    }
}

/// Returns a field that is there and not null.
pub(crate) fn field<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// Returns a field that is a text and not empty.
pub(crate) fn text<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Returns a field as a list; empty where it is none.
pub(crate) fn list<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns a field as a count; none where it is absent or null.
///
/// # Errors
/// [`ImportError`] where it is negative or no whole number.
pub(crate) fn count(object: &Value, name: &str, place: &Place) -> Result<Option<u64>, ImportError> {
    let Some(value) = field(object, name) else { return Ok(None) };
    match whole_number(value).as_u64() {
        Some(count) => Ok(Some(count)),
        None => Err(below(place, &format!("/{name}"))
            .error(format!("is {value}; expected a whole number that is not negative"))),
    }
}

/// Returns a field as money in millionths of a US dollar; none where it is absent or null.
///
/// # Errors
/// [`ImportError`] where it is negative, no number, or more money than there is.
pub(crate) fn usd_micros(object: &Value, name: &str, place: &Place) -> Result<Option<u64>, ImportError> {
    let Some(value) = field(object, name) else { return Ok(None) };
    let dollars = value.as_f64().filter(|dollars| (0.0..=1e12).contains(dollars));
    match dollars {
        Some(dollars) => Ok(Some((dollars * 1e6).round() as u64)),
        None => Err(below(place, &format!("/{name}"))
            .error(format!("is {value}; expected US dollars, a number that is not negative"))),
    }
}

/// Returns a number without a fraction as a whole one: writers in some languages write `12.0` or `1e3`. All else stays.
pub(crate) fn whole_number(value: &Value) -> Value {
    /// Up to here every whole number is a number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value.as_f64() {
        Some(number)
            if !value.is_u64() && !value.is_i64() && number.fract() == 0.0 && number.abs() <= EXACT =>
        {
            Value::from(number as i64)
        }
        _ => value.clone(),
    }
}

/// Returns the value as an object.
///
/// # Errors
/// [`ImportError`] where it is none.
pub(crate) fn object(value: Value, place: &Place, expected: &str) -> Result<Map<String, Value>, ImportError> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(place.error(format!("is not an object; expected {expected}"))),
    }
}
