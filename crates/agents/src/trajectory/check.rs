//! The checking of one JSON object against a list of its fields: types, fields that must be there, fields nobody knows.

use std::fmt;

use serde_json::{Map, Value};

use super::validate::TrajectoryFault;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    /// A whole number, at least so large.
    Integer(i64),
    Number,
    Bool,
    Object,
    List,
    /// A list of whole numbers.
    Integers,
    /// A list of numbers.
    Numbers,
    /// A list of objects.
    Objects,
    /// A text or a number.
    TextOrNumber,
    /// A text or a list of parts, which are looked at elsewhere.
    Content,
}

/// A field: its name, its type, and whether it must be there. A field that may be missing may be null.
pub(super) type Field = (&'static str, Type, bool);

/// Faults in the order in which they are found.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<TrajectoryFault>);

impl Faults {
    pub(super) fn add(&mut self, pointer: &str, message: impl fmt::Display) {
        self.0.push(TrajectoryFault { pointer: pointer.to_owned(), message: message.to_string() });
    }

    /// Returns the value as an object whose fields have been looked at.
    pub(super) fn object<'v>(
        &mut self,
        value: &'v Value,
        fields: &[Field],
        pointer: &str,
    ) -> Option<&'v Map<String, Value>> {
        let Some(object) = value.as_object() else {
            self.add(pointer, "is not an object");
            return None;
        };
        for key in object.keys().filter(|key| fields.iter().all(|(name, ..)| name != key)) {
            self.add(pointer, format_args!("has the unknown field `{key}`"));
        }
        for &(name, kind, required) in fields {
            match object.get(name) {
                None | Some(Value::Null) if required => {
                    self.add(pointer, format_args!("lacks the field `{name}`"));
                }
                None | Some(Value::Null) => {}
                Some(value) if kind.fits(value) => {}
                Some(_) => self.add(&format!("{pointer}/{name}"), format_args!("is not {kind}")),
            }
        }
        Some(object)
    }
}

impl Type {
    fn fits(self, value: &Value) -> bool {
        let all = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(fits));
        match self {
            Self::Text => value.is_string(),
            Self::Integer(least) => is_integer(value) && value.as_i64().is_none_or(|number| number >= least),
            Self::Number => value.is_number(),
            Self::Bool => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
            Self::Integers => all(is_integer),
            Self::Numbers => all(Value::is_number),
            Self::Objects => all(Value::is_object),
            Self::TextOrNumber => value.is_string() || value.is_number(),
            Self::Content => value.is_string() || value.is_array(),
        }
    }
}

fn is_integer(value: &Value) -> bool {
    value.is_u64() || value.is_i64()
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Text => "a text",
            Self::Integer(least) => return write!(formatter, "a whole number of at least {least}"),
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Object => "an object",
            Self::List => "a list",
            Self::Integers => "a list of whole numbers",
            Self::Numbers => "a list of numbers",
            Self::Objects => "a list of objects",
            Self::TextOrNumber => "a text or a number",
            Self::Content => "a text or a list of parts",
        };
        formatter.write_str(text)
    }
}
