//! A value of a JSON file that knows where it stands, so that what is wrong with it can be said there.

use std::path::Path;

use retrial_spec::{Fact, MissingReason, Source};
use serde_json::Value;

use crate::{ImportError, Place};

/// The greatest whole number up to which a floating-point number tells every one apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value with its file and its JSON pointer.
#[derive(Debug, Clone)]
pub(crate) struct Pointed<'a> {
    file: &'a Path,
    pointer: String,
    value: &'a Value,
}

impl<'a> Pointed<'a> {
    /// Returns a value that stands at a JSON pointer.
    pub(crate) fn new(file: &'a Path, pointer: impl Into<String>, value: &'a Value) -> Self {
        Self { file, pointer: pointer.into(), value }
    }

    /// Returns the value itself.
    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// Returns where it stands.
    pub(crate) fn place(&self) -> Place {
        if self.pointer.is_empty() {
            Place::file(self.file)
        } else {
            Place::within(self.file, self.pointer.clone())
        }
    }

    /// Returns the error that it is not what was expected.
    pub(crate) fn unlike(&self, expected: &str) -> ImportError {
        let found = match self.value {
            Value::Null => "null".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            plain => {
                let text = plain.to_string();
                let cut: String = text.chars().take(60).collect();
                format!("`{cut}`")
            }
        };
        self.place().error(format!("is {found}; expected {expected}"))
    }

    /// Returns a member that is there and not null.
    pub(crate) fn member(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { file: self.file, pointer: pointer_to(&self.pointer, name), value })
    }

    /// Returns a member that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<Self, ImportError> {
        if !self.value.is_object() {
            return Err(self.unlike("an object"));
        }
        self.member(name).ok_or_else(|| self.place().error(format!("has no `{name}`; expected one")))
    }

    /// Returns its text.
    pub(crate) fn text(&self) -> Result<&'a str, ImportError> {
        self.value.as_str().ok_or_else(|| self.unlike("text"))
    }

    /// Returns its text, or its whole number as text.
    pub(crate) fn name(&self) -> Result<String, ImportError> {
        match self.value {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
            _ => Err(self.unlike("a name or a whole number")),
        }
    }

    /// Returns its truth value.
    pub(crate) fn flag(&self) -> Result<bool, ImportError> {
        self.value.as_bool().ok_or_else(|| self.unlike("true or false"))
    }

    /// Returns its number.
    pub(crate) fn number(&self) -> Result<f64, ImportError> {
        self.value.as_f64().ok_or_else(|| self.unlike("a number"))
    }

    /// Returns its count, also as `12.0`.
    pub(crate) fn count(&self) -> Result<u64, ImportError> {
        let whole = |number: f64| number.fract() == 0.0 && (0.0..=EXACT).contains(&number);
        let float = || self.value.as_f64().filter(|number| whole(*number)).map(|number| number as u64);
        self.value.as_u64().or_else(float).ok_or_else(|| self.unlike("a count of at least 0"))
    }

    /// Returns its money in millionths, from US dollars.
    pub(crate) fn usd_micros(&self) -> Result<u64, ImportError> {
        let micros =
            self.value.as_f64().map(|dollars| dollars * 1e6).filter(|micros| (0.0..=EXACT).contains(micros));
        micros.map(|micros| micros.round() as u64).ok_or_else(|| self.unlike("US dollars of at least 0"))
    }

    /// Returns its duration in milliseconds, from seconds.
    pub(crate) fn seconds(&self) -> Result<u64, ImportError> {
        let milliseconds =
            self.value.as_f64().map(|seconds| seconds * 1e3).filter(|ms| (0.0..=EXACT).contains(ms));
        milliseconds.map(|ms| ms.round() as u64).ok_or_else(|| self.unlike("seconds of at least 0"))
    }

    /// Returns its duration in milliseconds.
    pub(crate) fn milliseconds(&self) -> Result<u64, ImportError> {
        let milliseconds = self.value.as_f64().filter(|ms| (0.0..=EXACT).contains(ms));
        milliseconds.map(|ms| ms.round() as u64).ok_or_else(|| self.unlike("milliseconds of at least 0"))
    }

    /// Returns the name under which it stands in what holds it.
    pub(crate) fn name_of_itself(&self) -> String {
        let last = self.pointer.rsplit('/').next().unwrap_or_default();
        last.replace("~1", "/").replace("~0", "~")
    }

    /// Returns its elements.
    pub(crate) fn items(&self) -> Result<Vec<Self>, ImportError> {
        let items = self.value.as_array().ok_or_else(|| self.unlike("a list"))?;
        let pointed = |(index, value)| Self {
            file: self.file,
            pointer: pointer_to(&self.pointer, &usize::to_string(&index)),
            value,
        };
        Ok(items.iter().enumerate().map(pointed).collect())
    }

    /// Returns its members by name.
    pub(crate) fn members(&self) -> Result<Vec<(&'a str, Self)>, ImportError> {
        let members = self.value.as_object().ok_or_else(|| self.unlike("an object"))?;
        let pointed = |(name, value): (&'a String, &'a Value)| {
            (name.as_str(), Self { file: self.file, pointer: pointer_to(&self.pointer, name), value })
        };
        Ok(members.iter().map(pointed).collect())
    }
}

/// Returns a pointer to a member of what another points to.
pub(crate) fn pointer_to(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Returns what a source says, or that it does not.
pub(crate) fn imported<T>(value: Option<T>) -> Fact<T> {
    value.map_or(Fact::Missing(MissingReason::NotRecorded), |value| Fact::known(value, Source::Imported))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_said_where_it_stands() {
        let value = json!({ "a/b": [{ "count": -1 }], "none": null });
        let root = Pointed::new(Path::new("file.json"), "", &value);
        let item = root.need("a/b").unwrap().items().unwrap().remove(0);
        let count = item.need("count").unwrap();
        assert_eq!(
            count.count().unwrap_err().to_string(),
            "`file.json`, /a~1b/0/count: is `-1`; expected a count of at least 0"
        );
        assert_eq!(root.need("none").unwrap_err().to_string(), "`file.json`: has no `none`; expected one");
        assert!(root.member("none").is_none());
        assert_eq!(Pointed::new(Path::new("f"), "", &json!(12.0)).count().unwrap(), 12);
    }
}
