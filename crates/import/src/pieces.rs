//! A large JSON file in pieces: one member or element at a time.

use std::fmt;
use std::io::BufReader;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::counted::{ByteCount, CountedFile};
use crate::pointed::pointer_to;
use crate::{ImportError, Place, Sink};

/// What becomes of a member of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// It is one piece.
    Whole,
    /// Each of its own members or elements is a piece.
    Each,
    /// It is passed over.
    Skip,
}

/// Takes one piece: its JSON pointer and its value.
pub(crate) type TakePiece<'a> = dyn FnMut(&mut dyn Sink, &str, &Value) -> Result<(), ImportError> + 'a;

/// Gives the pieces of a JSON file to `take`: the elements of a list, or the members of an object as `choose` says.
///
/// # Errors
/// [`ImportError`] where the file cannot be read or is no JSON, and that of `take`.
pub(crate) fn each_piece(
    file: &Path,
    expected: &str,
    sink: &mut dyn Sink,
    choose: &dyn Fn(&str) -> Take,
    take: &mut TakePiece<'_>,
) -> Result<(), ImportError> {
    let (reader, bytes) = CountedFile::open(file, expected)?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, reader));
    let mut stopped = None;
    let walk = Walk { sink, bytes, choose, take, stopped: &mut stopped, pointer: String::new(), depth: 0 };
    let read = json.deserialize_any(walk).and_then(|()| json.end());
    if let Some(error) = stopped {
        return Err(error);
    }
    read.map_err(|error| {
        let place = Place::within(file, format!("line {}, column {}", error.line(), error.column()));
        place.caused(format!("cannot be read; expected {expected}"), error)
    })
}

/// The whole, or a member of it that is taken in pieces.
struct Walk<'a, 'b> {
    sink: &'a mut dyn Sink,
    bytes: ByteCount,
    choose: &'a dyn Fn(&str) -> Take,
    take: &'a mut TakePiece<'b>,
    stopped: &'a mut Option<ImportError>,
    pointer: String,
    depth: u8,
}

impl Walk<'_, '_> {
    fn piece<E: serde::de::Error>(&mut self, name: &str, value: &Value) -> Result<(), E> {
        let taken = (self.take)(self.sink, &pointer_to(&self.pointer, name), value);
        self.bytes.tell(self.sink);
        taken.map_err(|error| {
            *self.stopped = Some(error);
            E::custom("stopped")
        })
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while let Some(value) = elements.next_element::<Value>()? {
            self.piece(&index.to_string(), &value)?;
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            let choice = if self.depth == 0 { (self.choose)(&name) } else { Take::Whole };
            match choice {
                Take::Whole => {
                    let value: Value = members.next_value()?;
                    self.piece(&name, &value)?;
                }
                Take::Skip => _ = members.next_value::<IgnoredAny>()?,
                Take::Each => members.next_value_seed(Walk {
                    sink: &mut *self.sink,
                    bytes: self.bytes.clone(),
                    choose: self.choose,
                    take: &mut *self.take,
                    stopped: &mut *self.stopped,
                    pointer: pointer_to(&self.pointer, &name),
                    depth: self.depth + 1,
                })?,
            }
            self.bytes.tell(self.sink);
        }
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        // A member that is null has no pieces; the whole must not be null.
        if self.depth > 0 { Ok(()) } else { Err(E::custom("expected a list or an object")) }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Returns the names of the members of a JSON object; none where the file holds something else, or nothing that can be read.
pub(crate) fn member_names(file: &Path) -> Result<Option<Vec<String>>, ImportError> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<String>, A::Error> {
            let mut names = Vec::new();
            while let Some((name, IgnoredAny)) = members.next_entry::<String, IgnoredAny>()? {
                names.push(name);
            }
            Ok(names)
        }
    }
    let (reader, _) = CountedFile::open(file, "a file of JSON")?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, reader));
    match json.deserialize_map(Names).and_then(|names| json.end().map(|()| names)) {
        Ok(names) => Ok(Some(names)),
        Err(error) if error.is_data() => Ok(None),
        Err(error) => {
            let place = Place::within(file, format!("line {}, column {}", error.line(), error.column()));
            Err(place.caused("cannot be read; expected a file of JSON", error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collected::Collected;

    fn pieces(text: &str) -> Result<Vec<String>, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f.json");
        fs_err::write(&file, text).unwrap();
        let mut seen = Vec::new();
        let choose = |name: &str| match name {
            "each" => Take::Each,
            "skip" => Take::Skip,
            _ => Take::Whole,
        };
        let mut sink = Collected::default();
        let mut take = |_: &mut dyn Sink, pointer: &str, value: &Value| {
            if value == "stop" {
                return Err(Place::file(Path::new("f.json")).error("stopped here"));
            }
            seen.push(format!("{pointer} {value}"));
            Ok(())
        };
        let read = each_piece(&file, "a list", &mut sink, &choose, &mut take);
        let here = format!("{}/", directory.path().display());
        read.map(|()| seen).map_err(|error| error.to_string().replace(&here, ""))
    }

    #[test]
    fn members_and_elements_come_one_by_one_with_their_pointers() {
        let text = r#"{"whole": [1], "skip": [2], "each": {"a/b": 3, "c": [4]}}"#;
        assert_eq!(pieces(text).unwrap(), ["/whole [1]", "/each/a~1b 3", "/each/c [4]"]);
        assert_eq!(pieces(r#"{"each": [1, {"each": 2}]}"#).unwrap(), ["/each/0 1", r#"/each/1 {"each":2}"#]);
        assert_eq!(pieces("[1, [2]]").unwrap(), ["/0 1", "/1 [2]"]);
        assert_eq!(pieces(r#"{"each": null}"#).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_json_and_what_stops_the_reading_say_where() {
        assert_eq!(
            pieces("[1, 2").unwrap_err(),
            "`f.json`, line 1, column 5: cannot be read; expected a list"
        );
        assert_eq!(
            pieces("[1] x").unwrap_err(),
            "`f.json`, line 1, column 5: cannot be read; expected a list"
        );
        assert!(pieces("3").is_err() && pieces("null").is_err() && pieces("").is_err());
        assert_eq!(pieces(r#"[1, "stop", 2]"#).unwrap_err(), "`f.json`: stopped here");
    }
}
