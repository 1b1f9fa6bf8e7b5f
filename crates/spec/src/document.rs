//! A TOML document whose faults point into its text: parsed once, checked against a JSON Schema, all faults at once.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::did_you_mean;

/// A parsed TOML file with the place of every key and value.
#[derive(Debug, Clone)]
pub struct Document {
    source: NamedSource<Arc<str>>,
    root: Value,
    places: HashMap<String, Place>,
}

#[derive(Debug, Clone)]
struct Place {
    key: Option<Range<usize>>,
    value: Range<usize>,
}

/// Whether a fault stops the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used; the user should know.
    Warning,
}

/// One fault of a file: what is wrong, where, and what to do.
#[derive(Debug, Clone)]
pub struct Fault {
    source: NamedSource<Arc<str>>,
    place: Range<usize>,
    message: String,
    hint: Option<String>,
    severity: Severity,
}

impl Fault {
    /// Returns the message without its place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the advice, if there is any.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns whether the fault stops the reading.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns the line of the fault, from 1.
    pub fn line(&self) -> usize {
        let before = self.source.inner().get(..self.place.start).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(Some("here".to_owned()), self.place.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// A file that cannot be used, with all its faults.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("cannot use `{file}`: {} {}", faults.len(), if faults.len() == 1 { "fault" } else { "faults" })]
pub struct SpecError {
    file: String,
    #[related]
    faults: Vec<Fault>,
}

impl SpecError {
    /// Returns the faults, in the order of the text. There is at least one.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl Document {
    /// Parses TOML.
    ///
    /// # Errors
    /// [`SpecError`] with every syntax fault.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let source = NamedSource::new(file, Arc::<str>::from(text)).with_language("toml");
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut faults: Vec<Fault> = errors
            .iter()
            .map(|error| Fault {
                source: source.clone(),
                place: error.span().unwrap_or(0..0),
                message: error.message().to_owned(),
                hint: None,
                severity: Severity::Error,
            })
            .collect();
        let root = match toml::from_str::<Value>(text) {
            Ok(root) => with_dates_as_text(root),
            Err(error) => {
                if faults.is_empty() {
                    let place = error.span().unwrap_or(0..0);
                    let message = error.message().to_owned();
                    faults.push(Fault {
                        source: source.clone(),
                        place,
                        message,
                        hint: None,
                        severity: Severity::Error,
                    });
                }
                Value::Null
            }
        };
        if !faults.is_empty() {
            return Err(SpecError { file: file.to_owned(), faults });
        }
        let mut places = HashMap::new();
        places.insert(String::new(), Place { key: None, value: 0..0 });
        collect_table(table.get_ref(), "", &mut places);
        Ok(Self { source, root, places })
    }

    /// Returns the document as a JSON value.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Returns the faults against a JSON Schema that contains no references.
    ///
    /// `unknown` says, for the pointer of a table, how severe an unknown key in it is; `None` lets every key pass.
    ///
    /// # Panics
    /// Where `schema` is not a valid JSON Schema; those of [`toml_schema`](crate::toml_schema) are.
    pub fn check(&self, schema: &Value, unknown: impl Fn(&str) -> Option<Severity>) -> Vec<Fault> {
        let validator = jsonschema::validator_for(schema).expect("our own schemas are valid");
        let mut faults = Vec::new();
        for error in validator.iter_errors(&self.root) {
            let pointer = error.instance_path().as_str();
            let keyword = error.schema_path().as_str();
            match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    let Some(severity) = unknown(pointer) else { continue };
                    let known = known_keys(schema, keyword);
                    faults.extend(
                        unexpected.iter().map(|key| self.unknown_key(pointer, key, &known, severity)),
                    );
                }
                kind => {
                    let (message, hint) = describe(kind, error.instance(), schema, keyword);
                    let message =
                        if pointer.is_empty() { message } else { format!("`{}` {message}", dotted(pointer)) };
                    faults.push(self.fault(pointer, message, hint));
                }
            }
        }
        faults.sort_by_key(|fault| fault.place.start);
        faults
    }

    /// Returns an error at the value that a JSON pointer names, or at the start where there is none.
    pub fn fault(&self, pointer: &str, message: impl Into<String>, hint: Option<String>) -> Fault {
        let place = self.nearest(pointer);
        let place =
            if place.value.is_empty() { place.key.clone().unwrap_or(0..0) } else { place.value.clone() };
        Fault { source: self.source.clone(), place, message: message.into(), hint, severity: Severity::Error }
    }

    /// Returns the error that these faults make together, in the order of the text.
    pub fn error(&self, mut faults: Vec<Fault>) -> SpecError {
        faults.sort_by_key(|fault| fault.place.start);
        SpecError { file: self.source.name().to_owned(), faults }
    }

    /// Turns the document into a typed value after its schema was checked, or all its errors into one.
    ///
    /// Returns the value with the faults that are only warnings.
    ///
    /// # Errors
    /// [`SpecError`] with the faults that are errors, or else with the first mismatch between text and type.
    pub fn read<T: DeserializeOwned>(&self, faults: Vec<Fault>) -> Result<(T, Vec<Fault>), SpecError> {
        let (errors, warnings): (Vec<_>, Vec<_>) =
            faults.into_iter().partition(|fault| fault.severity == Severity::Error);
        if !errors.is_empty() {
            return Err(self.error(errors));
        }
        match toml::from_str(self.source.inner()) {
            Ok(value) => Ok((value, warnings)),
            Err(error) => {
                let place = error.span().unwrap_or(0..0);
                let message = error.message().to_owned();
                let source = self.source.clone();
                Err(self.error(vec![Fault { source, place, message, hint: None, severity: Severity::Error }]))
            }
        }
    }

    fn nearest(&self, pointer: &str) -> &Place {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return place;
            }
            pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }

    fn unknown_key(&self, table: &str, key: &str, known: &[&str], severity: Severity) -> Fault {
        let pointer = format!("{table}/{}", escape(key));
        let place = self.nearest(&pointer);
        let place = place.key.clone().unwrap_or_else(|| place.value.clone());
        let hint = match did_you_mean(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known keys here: {}", known.join(", ")),
        };
        let message = format!("unknown key `{}`", dotted(&pointer));
        Fault { source: self.source.clone(), place, message, hint: Some(hint), severity }
    }
}

/// Replaces dates, which JSON does not have, by their text.
fn with_dates_as_text(value: Value) -> Value {
    /// What a date is wrapped in where it is read as something else.
    const DATE: &str = "$__toml_private_datetime";
    match value {
        Value::Object(mut table) => match table.remove(DATE) {
            Some(text) => text,
            None => Value::Object(
                table.into_iter().map(|(key, value)| (key, with_dates_as_text(value))).collect(),
            ),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(with_dates_as_text).collect()),
        other => other,
    }
}

fn collect_table(table: &DeTable<'_>, pointer: &str, places: &mut HashMap<String, Place>) {
    for (key, value) in table {
        let child = format!("{pointer}/{}", escape(key.get_ref()));
        collect(value.get_ref(), Place { key: Some(key.span()), value: value.span() }, child, places);
    }
}

fn collect(value: &DeValue<'_>, place: Place, pointer: String, places: &mut HashMap<String, Place>) {
    match value {
        DeValue::Table(table) => collect_table(table, &pointer, places),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let inner = Place { key: None, value: item.span() };
                collect(item.get_ref(), inner, format!("{pointer}/{index}"), places);
            }
        }
        _ => {}
    }
    places.insert(pointer, place);
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Writes a JSON pointer as a reader of TOML would: `agents[0].name`.
fn dotted(pointer: &str) -> String {
    let mut text = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push('[');
            text.push_str(&part);
            text.push(']');
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&part);
        }
    }
    text
}

fn parent_of<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Value> {
    schema.pointer(keyword.rsplit_once('/').map_or("", |(parent, _)| parent))
}

fn known_keys<'a>(schema: &'a Value, keyword: &str) -> Vec<&'a str> {
    parent_of(schema, keyword)
        .and_then(|table| table.get("properties"))
        .and_then(Value::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// The words allowed at a place of the schema: an `enum`, or `const`s under `oneOf` or `anyOf`.
fn allowed_words(schema: &Value) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        words.extend(options.iter().filter_map(Value::as_str));
    }
    words.extend(schema.get("const").and_then(Value::as_str));
    for list in ["oneOf", "anyOf"] {
        for option in schema.get(list).and_then(Value::as_array).into_iter().flatten() {
            words.extend(allowed_words(option));
        }
    }
    words
}

fn describe(
    kind: &ValidationErrorKind,
    found: &Value,
    schema: &Value,
    keyword: &str,
) -> (String, Option<String>) {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::Required { property } => {
            (format!("lacks the key `{}`", property.as_str().unwrap_or_default()), Some("add it".to_owned()))
        }
        Kind::Type { .. } => {
            let wanted = parent_of(schema, keyword).and_then(|place| place.get("type"));
            let words = match wanted {
                Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).map(article).collect(),
                Some(Value::String(word)) => vec![article(word)],
                _ => vec!["a value of another type".to_owned()],
            };
            (format!("must be {}, not {}", words.join(" or "), article(type_word(found))), None)
        }
        Kind::Minimum { limit } => (format!("is {found}; the least allowed is {limit}"), None),
        Kind::ExclusiveMinimum { limit } => (format!("is {found}; it must be greater than {limit}"), None),
        Kind::Maximum { limit } => (format!("is {found}; the greatest allowed is {limit}"), None),
        // No list or text of ours must have more than one element.
        Kind::MinItems { .. } | Kind::MinLength { .. } => ("must not be empty".to_owned(), None),
        Kind::Pattern { .. } => (
            format!("is {found}, which is not a name"),
            Some("use 1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit".to_owned()),
        ),
        Kind::Enum { .. } | Kind::Constant { .. } | Kind::OneOfNotValid { .. } | Kind::AnyOf { .. } => {
            let words = parent_of(schema, keyword).map(allowed_words).unwrap_or_default();
            let near = found.as_str().and_then(|word| did_you_mean(word, words.iter().copied()));
            let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            (format!("is {found}; allowed: {list}"), near.map(|near| format!("did you mean `{near}`?")))
        }
        other => (format!("is not allowed here (rule `{}`)", other.keyword()), None),
    }
}

fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn article(word: &str) -> String {
    let word = if word == "object" { "table" } else { word };
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { format!("an {word}") } else { format!("a {word}") }
}
