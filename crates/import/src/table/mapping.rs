//! Which column of a table tells which fact, and what its words mean.

use std::collections::{BTreeMap, BTreeSet};

use retrial_spec::{Document, Fault, Severity, SpecError, toml_schema};
use schemars::JsonSchema;
use serde::Deserialize;

use super::field::Field;
use super::meaning::Meaning;

/// How the columns of a table become facts. What it does not name is found by the columns' names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    pub(super) columns: BTreeMap<Field, String>,
    pub(super) constants: BTreeMap<Field, String>,
    pub(super) without: BTreeSet<Field>,
    pub(super) missing: BTreeSet<String>,
    pub(super) input_includes_cache: Option<bool>,
    pub(super) actions_separator: Option<String>,
    pub(super) status: BTreeMap<String, Meaning>,
}

/// Something said of a mapping on the command line that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{said}` {problem}")]
pub struct InvalidMapping {
    said: String,
    problem: String,
}

/// The file of a mapping.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct MappingFile {
    /// The agent of every row.
    agent: Option<String>,
    /// The model of every row.
    model: Option<String>,
    /// The agent's version, of every row.
    version: Option<String>,
    /// The condition of every row.
    condition: Option<String>,
    /// The column of each fact.
    columns: BTreeMap<String, String>,
    /// Facts that no column tells, although one has a name by which it would be found.
    without: Vec<String>,
    /// Words that stand for an empty cell.
    missing: Vec<String>,
    /// Whether the column of input tokens counts those read from a cache or written to one.
    input_includes_cache: Option<bool>,
    /// What separates the actions in a text; `;` where absent.
    #[schemars(length(min = 1))]
    actions_separator: Option<String>,
    /// What each word of the status column means.
    status: BTreeMap<String, Meaning>,
}

impl Mapping {
    /// Parses the TOML of a mapping; `file` is named in errors.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: syntax, unknown keys, fields that do not exist, meanings that contradict themselves.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<MappingFile>(), |_| Some(Severity::Error));
        let (read, _) = document.read::<MappingFile>(faults)?;
        let mut faults = Vec::new();
        let mapping = read.resolved(&document, &mut faults);
        if faults.is_empty() { Ok(mapping) } else { Err(document.error(faults)) }
    }

    /// Adds what was said on the command line: `field=column`, `field=` for a fact that no column tells, `field:=value` for one
    /// value of every row, `status.word=meaning`, `input_includes_cache=true`, `actions_separator=|`, `missing=NA`.
    ///
    /// # Errors
    /// [`InvalidMapping`] where it is none of these.
    pub fn set(&mut self, said: &str) -> Result<(), InvalidMapping> {
        let invalid = |problem: String| InvalidMapping { said: said.to_owned(), problem };
        let (name, value) = said
            .split_once('=')
            .ok_or_else(|| invalid("says nothing; expected `field=column` or `field:=value`".to_owned()))?;
        if let Some(word) = name.strip_prefix("status.") {
            let meaning = Meaning::of_own_word(value).ok_or_else(|| {
                invalid(format!("names no meaning; expected one of {}", Meaning::own_words()))
            })?;
            self.status.insert(word.to_owned(), meaning);
            return Ok(());
        }
        match name {
            "input_includes_cache" => {
                let includes = value.parse().map_err(|_| invalid("is neither true nor false".to_owned()))?;
                self.input_includes_cache = Some(includes);
            }
            "missing" => {
                self.missing.insert(value.to_owned());
            }
            "actions_separator" if value.is_empty() => return Err(invalid("names no separator".to_owned())),
            "actions_separator" => self.actions_separator = Some(value.to_owned()),
            _ => self.set_field(name, value).map_err(invalid)?,
        }
        Ok(())
    }

    fn set_field(&mut self, name: &str, value: &str) -> Result<(), String> {
        let (name, is_constant) = match name.strip_suffix(':') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let field = Field::of_name(name).map_err(|advice| format!("names no field; {advice}"))?;
        if is_constant && !is_allowed_constant(field) {
            return Err(
                "gives one value for every row, which only agent, model, version and condition can have"
                    .to_owned(),
            );
        }
        if is_constant && value.is_empty() {
            return Err("gives an empty value".to_owned());
        }
        self.columns.remove(&field);
        self.constants.remove(&field);
        self.without.remove(&field);
        if is_constant {
            self.constants.insert(field, value.to_owned());
        } else if value.is_empty() {
            self.without.insert(field);
        } else {
            self.columns.insert(field, value.to_owned());
        }
        Ok(())
    }

    /// Returns what a word of the status column means.
    pub(super) fn meaning(&self, word: &str) -> Option<Meaning> {
        self.status.get(word).copied().or_else(|| Meaning::of_own_word(word))
    }
}

fn is_allowed_constant(field: Field) -> bool {
    matches!(field, Field::Agent | Field::Model | Field::Version | Field::Condition)
}

impl MappingFile {
    fn resolved(self, document: &Document, faults: &mut Vec<Fault>) -> Mapping {
        let mut mapping = Mapping {
            missing: self.missing.into_iter().collect(),
            input_includes_cache: self.input_includes_cache,
            actions_separator: self.actions_separator,
            ..Mapping::default()
        };
        let constants = [
            (Field::Agent, self.agent),
            (Field::Model, self.model),
            (Field::Version, self.version),
            (Field::Condition, self.condition),
        ];
        for (field, value) in constants {
            match value {
                Some(value) if value.is_empty() => {
                    faults.push(document.fault(&format!("/{}", field.name()), "is empty", None));
                }
                Some(value) => _ = mapping.constants.insert(field, value),
                None => {}
            }
        }
        for (name, column) in self.columns {
            let pointer = format!("/columns/{name}");
            match Field::of_name(&name) {
                Ok(field) => _ = mapping.columns.insert(field, column),
                Err(advice) => {
                    faults.push(document.fault(&pointer, format!("`{name}` is not a field"), Some(advice)));
                }
            }
        }
        for (index, name) in self.without.iter().enumerate() {
            match Field::of_name(name) {
                Ok(field) => _ = mapping.without.insert(field),
                Err(advice) => faults.push(document.fault(
                    &format!("/without/{index}"),
                    format!("`{name}` is not a field"),
                    Some(advice),
                )),
            }
        }
        for (word, meaning) in self.status {
            if let Some(contradiction) = meaning.contradiction() {
                let pointer = format!("/status/{}", word.replace('~', "~0").replace('/', "~1"));
                faults.push(document.fault(&pointer, format!("the status `{word}` {contradiction}"), None));
            }
            mapping.status.insert(word, meaning);
        }
        faults.extend(said_twice(&mapping, document));
        mapping
    }
}

/// Facts of which the mapping says more than one thing.
fn said_twice(mapping: &Mapping, document: &Document) -> Vec<Fault> {
    let mut faults = Vec::new();
    for field in mapping.columns.keys() {
        let name = field.name();
        if mapping.constants.contains_key(field) {
            let message = format!("`{name}` has a column and one value for every row; keep one");
            faults.push(document.fault(&format!("/columns/{name}"), message, None));
        }
        if mapping.without.contains(field) {
            let message = format!("`{name}` has a column and stands in `without`; keep one");
            faults.push(document.fault(&format!("/columns/{name}"), message, None));
        }
    }
    for (one, other) in Field::EITHER {
        if mapping.columns.contains_key(&one) && mapping.columns.contains_key(&other) {
            let message = format!("`{}` and `{}` tell the same; keep one", one.name(), other.name());
            faults.push(document.fault(&format!("/columns/{}", other.name()), message, None));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(text: &str) -> Vec<(usize, String)> {
        let error = Mapping::parse("mapping.toml", text).unwrap_err();
        error.faults().iter().map(|fault| (fault.line(), fault.message().to_owned())).collect()
    }

    #[test]
    fn a_file_and_the_command_line_say_the_same() {
        let text = "agent = 'mine'\nwithout = ['reward']\nmissing = ['NA']\ninput_includes_cache = true\n\
            [columns]\ntask = 'id'\n[status]\nlate = { ending = 'timeout' }\n";
        let mut said = Mapping::default();
        for option in [
            "agent:=mine",
            "reward=",
            "missing=NA",
            "input_includes_cache=true",
            "task=id",
            "status.late=timeout",
        ] {
            said.set(option).unwrap();
        }
        assert_eq!(Mapping::parse("mapping.toml", text).unwrap(), said);
    }

    #[test]
    fn every_fault_of_a_file_points_at_its_line() {
        assert_eq!(
            faults("agent = ''\nwithout = ['rewrad']\n[columns]\ntsak = 'id'\n"),
            [
                (1, "is empty".to_owned()),
                (2, "`rewrad` is not a field".to_owned()),
                (4, "`tsak` is not a field".to_owned()),
            ]
        );
        let text = "agent = 'a'\n[columns]\nagent = 'b'\npassed = 'p'\nreward = 'r'\n";
        assert_eq!(
            faults(text),
            [
                (3, "`agent` has a column and one value for every row; keep one".to_owned()),
                (5, "`passed` and `reward` tell the same; keep one".to_owned()),
            ]
        );
        insta::assert_debug_snapshot!(faults(
            "colums = 1\n[status]\nx = { ending = 'tiemout' }\ny = { graded = false }\n"
        ));
    }

    #[test]
    fn a_meaning_that_contradicts_itself_is_refused() {
        for meaning in [
            "{ ending = 'infrastructure', verdict = 'failed' }",
            "{ verdict = 'failed', ungraded = 'no_reward' }",
            "{ ending = 'timeout', phase = 'agent' }",
            "{ unfinished = true, verdict = 'failed' }",
        ] {
            assert_eq!(faults(&format!("[status]\n\n'a/b' = {meaning}"))[0].0, 3, "{meaning}");
        }
    }

    #[test]
    fn what_the_command_line_cannot_mean_is_refused() {
        let refused = |said: &str| Mapping::default().set(said).unwrap_err().to_string();
        insta::assert_debug_snapshot!([
            refused("task"),
            refused("tsak=id"),
            refused("task:=one"),
            refused("agent:="),
            refused("status.x=late"),
            refused("input_includes_cache=maybe"),
            refused("actions_separator="),
        ]);
    }

    #[test]
    fn what_is_said_later_replaces_what_was_said_of_the_same_field() {
        let mut mapping = Mapping::default();
        for said in ["agent=a", "agent:=b", "agent=c"] {
            mapping.set(said).unwrap();
        }
        assert_eq!(
            mapping,
            Mapping { columns: BTreeMap::from([(Field::Agent, "c".to_owned())]), ..Mapping::default() }
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_mapping_or_an_error(text in ".{0,60}") {
            let _ = Mapping::default().set(&text);
            let _ = Mapping::parse("mapping.toml", &text);
        }
    }
}
