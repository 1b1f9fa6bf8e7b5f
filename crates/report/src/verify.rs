//! Whether a report is what its runs come to: it is made again and compared, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use retrial_metrics::Settings;
use retrial_spec::{ContentDigest, RunId, SchemaFile};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{InputFile, REPORT_VERSION, Report};

/// The number of the schema of [`Verification`].
pub const VERIFICATION_VERSION: u32 = 1;

/// Most values of a report that are listed as different; the others are counted.
pub const LISTED: usize = 20;

/// What a report says of itself, which is what is needed to make it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// The number of its schema.
    pub schema: u32,
    /// Name and version of the tool that made it.
    pub generator: String,
    /// Its runs.
    pub runs: Vec<ClaimedRun>,
}

/// What a report says of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimedRun {
    /// The files that its numbers follow from.
    pub inputs: Vec<InputFile>,
    /// Its scorecards.
    pub scored: ClaimedScorecards,
}

/// What a report says of how a run was scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimedScorecards {
    /// The run.
    pub run: ClaimedFacts,
    /// The choices that the numbers depend on.
    pub settings: Settings,
}

/// What a report says of what was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedFacts {
    /// The run's id.
    pub run: RunId,
}

/// A file that is no report that can be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// It is no report in JSON.
    #[error("it is no report in JSON")]
    Shape(#[from] serde_json::Error),
    /// It is a page that does not say what it was made of.
    #[error("it is a page that does not say what it was made of")]
    Page,
    /// Another version wrote it.
    #[error(
        "it is a report of schema {found}, and this build reads {REPORT_VERSION}; use the release that wrote it: {generator}"
    )]
    Schema {
        /// Its number.
        found: u32,
        /// The tool that made it.
        generator: String,
    },
}

/// What stands on a page before and after what it says of itself.
const MARKS: [&str; 2] = ["<script type=\"application/json\" id=\"claims\">", "</script>"];

/// Returns whether the text of a report is that of a page.
pub fn is_page(text: &[u8]) -> bool {
    text.starts_with(b"<!DOCTYPE html>")
}

impl Claims {
    /// Returns what a report says of itself.
    pub(crate) fn of(report: &Report) -> Self {
        let runs = report.runs.iter().map(|run| ClaimedRun {
            inputs: run.inputs.clone(),
            scored: ClaimedScorecards {
                run: ClaimedFacts { run: run.scored.run.run.clone() },
                settings: run.scored.settings,
            },
        });
        Self { schema: report.schema, generator: report.generator.clone(), runs: runs.collect() }
    }

    /// Reads what a report says of itself, from its JSON or its page.
    ///
    /// # Errors
    /// [`ClaimsError`].
    pub fn read(text: &[u8]) -> Result<Self, ClaimsError> {
        let claims: Self = serde_json::from_slice(if is_page(text) { on_page(text)? } else { text })?;
        if claims.schema != REPORT_VERSION {
            return Err(ClaimsError::Schema { found: claims.schema, generator: claims.generator });
        }
        Ok(claims)
    }
}

/// What a page says of itself, as JSON. All that comes from outside is escaped on it, so that nothing else can stand between the marks.
fn on_page(text: &[u8]) -> Result<&[u8], ClaimsError> {
    let text = std::str::from_utf8(text).map_err(|_| ClaimsError::Page)?;
    let (_, rest) = text.split_once(MARKS[0]).ok_or(ClaimsError::Page)?;
    let (claims, _) = rest.split_once(MARKS[1]).ok_or(ClaimsError::Page)?;
    Ok(claims.as_bytes())
}

/// The numbers of a page, by their places in the report's JSON.
fn numbers(page: &[u8]) -> BTreeMap<&str, &str> {
    let text = std::str::from_utf8(page).unwrap_or_default();
    let numbers = text.split(" data-value=\"").skip(1).filter_map(|rest| {
        let (value, rest) = rest.split_once('"')?;
        let (place, _) = rest.strip_prefix(" data-at=\"")?.split_once('"')?;
        Some((place, value))
    });
    numbers.collect()
}

/// Whether a report holds, and where it does not.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Verification {
    /// The number of this schema.
    pub schema: u32,
    /// Whether the report has the very bytes that its runs come to.
    pub holds: bool,
    /// Name and version of the tool that made it.
    pub made_by: String,
    /// Name and version of the tool that made it again.
    pub verified_by: String,
    /// Its runs.
    pub runs: Vec<RunId>,
    /// Files that are not those that it was made of.
    pub inputs: Vec<InputDifference>,
    /// The first [`LISTED`] values that differ.
    pub values: Vec<ValueDifference>,
    /// How many values differ.
    pub different_values: u64,
}

/// A file that is not the one that a report was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InputDifference {
    /// The run.
    pub run: RunId,
    /// The file's name within the run directory.
    pub name: String,
    /// The digest that the report states; absent where it does not name the file.
    pub stated: Option<ContentDigest>,
    /// The digest of the file; absent where there is none.
    pub found: Option<ContentDigest>,
}

/// A value of a report that is not what its runs come to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ValueDifference {
    /// Where it stands, as a JSON pointer.
    pub place: String,
    /// What the report says; absent where it says nothing.
    pub stated: Option<Value>,
    /// What its runs come to; absent where that is nothing.
    pub found: Option<Value>,
}

/// Returns the JSON Schema of [`Verification`] as it is checked in.
pub fn verification_schema() -> SchemaFile {
    let schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Verification>();
    SchemaFile { name: "verification.schema.json", schema: schema.to_value() }
}

/// Compares a report, whose text and claims are given, with what was made again of its runs: the report, and its text in the same form.
///
/// # Errors
/// [`ClaimsError::Shape`] for a text that is neither a page nor JSON.
pub fn verify(
    text: &[u8],
    claims: &Claims,
    (again, bytes): (&Report, &[u8]),
) -> Result<Verification, ClaimsError> {
    let mut verification = Verification {
        schema: VERIFICATION_VERSION,
        holds: text == bytes,
        made_by: claims.generator.clone(),
        verified_by: again.generator.clone(),
        runs: again.runs.iter().map(|run| run.scored.run.run.clone()).collect(),
        inputs: Vec::new(),
        values: Vec::new(),
        different_values: 0,
    };
    if !verification.holds {
        for (claimed, run) in claims.runs.iter().zip(&again.runs) {
            verification.inputs.extend(different_inputs(claimed, &run.inputs));
        }
        if is_page(text) {
            verification.compare_numbers(&numbers(text), &numbers(bytes));
        } else {
            let (stated, found) = (serde_json::from_slice(text)?, serde_json::from_slice(bytes)?);
            verification.compare("", Some(&stated), Some(&found));
        }
    }
    Ok(verification)
}

fn different_inputs(claimed: &ClaimedRun, found: &[InputFile]) -> Vec<InputDifference> {
    let of = |files: &[InputFile], name: &str| {
        files.iter().find(|file| file.name == name).map(|file| file.digest.clone())
    };
    let mut names: Vec<&str> = claimed.inputs.iter().chain(found).map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let differences = names.into_iter().map(|name| InputDifference {
        run: claimed.scored.run.run.clone(),
        name: name.to_owned(),
        stated: of(&claimed.inputs, name),
        found: of(found, name),
    });
    differences.filter(|difference| difference.stated != difference.found).collect()
}

impl Verification {
    /// Notes the values in which two parts of a document differ. A parsed document is never deep enough for the recursion to matter.
    fn compare(&mut self, place: &str, stated: Option<&Value>, found: Option<&Value>) {
        match (stated, found) {
            (Some(Value::Object(stated)), Some(Value::Object(found))) => {
                let mut names: Vec<&String> = stated.keys().chain(found.keys()).collect();
                names.sort_unstable();
                names.dedup();
                for name in names {
                    let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                    self.compare(&place, stated.get(name), found.get(name));
                }
            }
            (Some(Value::Array(stated)), Some(Value::Array(found))) => {
                for index in 0..stated.len().max(found.len()) {
                    self.compare(&format!("{place}/{index}"), stated.get(index), found.get(index));
                }
            }
            (stated, found) if stated != found => self.note(place, stated.cloned(), found.cloned()),
            _ => {}
        }
    }

    /// Notes the numbers in which two pages differ.
    fn compare_numbers(&mut self, stated: &BTreeMap<&str, &str>, found: &BTreeMap<&str, &str>) {
        let value = |text: &&str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(*text));
        let places: BTreeSet<&str> = stated.keys().chain(found.keys()).copied().collect();
        for place in places {
            let (stated, found) = (stated.get(place), found.get(place));
            if stated != found {
                self.note(place, stated.map(value), found.map(value));
            }
        }
    }

    fn note(&mut self, place: &str, stated: Option<Value>, found: Option<Value>) {
        self.different_values += 1;
        if self.values.len() < LISTED {
            self.values.push(ValueDifference { place: place.to_owned(), stated, found });
        }
    }
}

#[cfg(test)]
mod tests {
    use retrial_metrics::{Scoring, Settings};
    use retrial_spec::{RunManifest, TrialRecord, digest_bytes};
    use retrial_testkit as testkit;

    use super::*;
    use crate::{Mode, ReportedRun, RunTrials, page};

    fn report(records: &[TrialRecord], manifest: &RunManifest) -> Report {
        let settings = Settings::default();
        let mut scoring = Scoring::new(manifest, &settings).unwrap();
        for record in records {
            scoring.add(record).unwrap();
        }
        let text = serde_json::to_vec(records).unwrap();
        let input = InputFile {
            name: "trials.jsonl".to_owned(),
            bytes: text.len() as u64,
            digest: digest_bytes(&text),
        };
        let (scored, actions) = (scoring.finish(), Vec::new());
        Report::new(vec![ReportedRun { inputs: vec![input], scored, actions, curves: Vec::new() }])
    }

    fn reports() -> (Report, Report) {
        let manifest = testkit::run(&["a"], &["t"], 2);
        let mut records = vec![testkit::trial("t", "a", 1), testkit::trial("t", "a", 2)];
        let report_of_all = report(&records, &manifest);
        records.pop();
        (report_of_all, report(&records, &manifest))
    }

    fn compare(text: &[u8], claims: &Claims, again: &Report) -> Verification {
        verify(text, claims, (again, &again.to_json().unwrap())).unwrap()
    }

    #[test]
    fn a_page_says_of_itself_what_its_report_says() {
        let (report, _) = reports();
        let trials = [RunTrials { records: &[], directory: None }];
        let page = page(&report, &trials, Mode::File).unwrap();
        assert_eq!(Claims::read(page.as_bytes()).unwrap(), Claims::read(&report.to_json().unwrap()).unwrap());
        let forged = page.replace("data-value=\"2\"", "data-value=\"3\"");
        assert_ne!(page, forged);
        let claims = Claims::read(forged.as_bytes()).unwrap();
        let verified = verify(forged.as_bytes(), &claims, (&report, page.as_bytes())).unwrap();
        assert!(!verified.holds && verified.different_values > 0);
        assert_eq!(verified.values[0].found, Some(Value::from(2)));
        assert!(matches!(Claims::read(b"<!DOCTYPE html><p>"), Err(ClaimsError::Page)));
    }

    #[test]
    fn a_report_of_its_runs_holds() {
        let (report, _) = reports();
        let text = report.to_json().unwrap();
        let claims = Claims::read(&text).unwrap();
        let verified = compare(&text, &claims, &report);
        assert!(verified.holds && verified.inputs.is_empty() && verified.values.is_empty());
    }

    #[test]
    fn a_report_of_other_records_does_not_hold_and_says_where() {
        let (report, other) = reports();
        let text = report.to_json().unwrap();
        let verified = compare(&text, &Claims::read(&text).unwrap(), &other);
        assert!(!verified.holds);
        assert_eq!(verified.inputs.len(), 1);
        assert!(verified.values.iter().any(|value| value.place == "/runs/0/scored/books/finished"));
        assert!(verified.different_values >= verified.values.len() as u64);
    }

    #[test]
    fn one_changed_digit_is_found() {
        let (report, _) = reports();
        let text = String::from_utf8(report.to_json().unwrap()).unwrap();
        let forged = text.replacen("\"graded\": 2", "\"graded\": 3", 1);
        assert_ne!(text, forged);
        let claims = Claims::read(forged.as_bytes()).unwrap();
        let verified = compare(forged.as_bytes(), &claims, &report);
        assert_eq!((verified.holds, verified.different_values), (false, 1));
        assert_eq!(verified.values[0].found, Some(Value::from(2)));
    }

    #[test]
    fn the_same_values_in_other_bytes_do_not_hold() {
        let (report, _) = reports();
        let text = [report.to_json().unwrap().as_slice(), b" "].concat();
        let verified = compare(&text, &Claims::read(&text).unwrap(), &report);
        assert_eq!((verified.holds, verified.different_values), (false, 0));
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        assert!(matches!(Claims::read(b"{}"), Err(ClaimsError::Shape(_))));
        let later = br#"{"schema": 9, "generator": "retrial 9.0.0", "runs": []}"#;
        assert!(Claims::read(later).unwrap_err().to_string().contains("retrial 9.0.0"));
    }
}
