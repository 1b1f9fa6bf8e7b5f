//! The top-level fields of a request's body, each as it was written: read once, for all who ask for some of them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of a JSON object in the order of their names; those of one name in the order in which they were written.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// A field's name, borrowed where it holds no escapes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Fields<'a> {
    /// Reads a body; none where it is no JSON object.
    pub(crate) fn of(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Returns the texts of all fields of a name, as they were written.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Returns a field's value, if it is of the type that is asked for. Of several with one name none is returned: nobody knows
    /// which of them the provider takes.
    pub(crate) fn value<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        let mut all = self.all(name);
        let (Some(value), None) = (all.next(), all.next()) else { return None };
        serde_json::from_str(value).ok()
    }

    /// Returns names and texts in the order of the names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.0.as_ref(), value.get()))
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        fields.sort_by(|(a, _): &(Name<'_>, _), (b, _)| a.cmp(b));
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_as_they_were_written_in_the_order_of_their_names() {
        let fields = Fields::of(br#"{ "b" : [1.50 ], "\u0061": "x", "n": null, "b": 2 }"#).unwrap();
        assert_eq!(
            fields.iter().collect::<Vec<_>>(),
            [("a", "\"x\""), ("b", "[1.50 ]"), ("b", "2"), ("n", "null")]
        );
        assert_eq!(fields.value::<String>("a").as_deref(), Some("x"));
        assert_eq!((fields.value::<u64>("a"), fields.value::<u64>("x")), (None, None));
    }

    #[test]
    fn a_field_that_is_there_twice_has_no_value() {
        let fields = Fields::of(br#"{"b": 1, "b": 2}"#).unwrap();
        assert_eq!(fields.value::<u64>("b"), None);
        assert_eq!(fields.all("b").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for body in ["", "[]", "3", "{\"a\": ", "{} x", "\u{feff}{}"] {
            assert!(Fields::of(body.as_bytes()).is_none(), "{body}");
        }
    }
}
