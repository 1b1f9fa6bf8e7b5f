//! What is shown of single trials: one compressed piece per task, which the page's script opens when it is asked for.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use retrial_metrics::Scorecards;
use retrial_spec::{Action, ActionLog, TrialRecord};
use serde::Serialize;

use super::facts::facts;
use super::number::grouped;
use super::plain::{cut, plain};
use super::{PageError, RunTrials};
use crate::ReportedRun;
use crate::evidence::{Evidence, EvidenceStep, EvidenceText, evidence_place};

/// Characters that the details of all trials may take on the page, as far as texts are concerned: what cannot be left out, facts and
/// actions, may take more.
const BUDGET: usize = 9_000_000;

/// Bytes of each patch and of each verifier's output that are tried, one after the other, until a task keeps within its share.
const LIMITS: [usize; 5] = [64 * 1024, 16 * 1024, 4 * 1024, 1024, 0];

/// Of how many bytes of a patch there is one of a step's text, which are many.
const STEPS_IN_PATCH: usize = 64;

/// The details of a task's trials, compressed.
pub(super) struct Piece {
    /// The run's place.
    pub(super) run: usize,
    /// The task's place.
    pub(super) task: usize,
    /// JSON, compressed with gzip and written in base64.
    pub(super) data: String,
}

#[derive(Serialize)]
struct TaskDetails<'a> {
    /// The distinct actions, as kind and fine name.
    actions: Vec<(&'a str, String)>,
    trials: Vec<TrialDetails>,
}

#[derive(Serialize)]
struct TrialDetails {
    /// The place of its scorecard.
    card: usize,
    number: u32,
    facts: Vec<(&'static str, String)>,
    codes: Vec<u32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    place: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    texts: Vec<TextDetails>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StepDetails>,
    /// What is said of steps that are left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    steps_note: String,
}

#[derive(Serialize)]
struct TextDetails {
    title: &'static str,
    file: &'static str,
    text: String,
    note: String,
}

#[derive(Serialize)]
struct StepDetails {
    /// When, what was used, and who speaks.
    head: String,
    /// What is said and done, part by part, each under its word.
    parts: Vec<(String, String)>,
}

/// A task's records with their evidence.
struct TaskTrials<'a> {
    trials: Vec<(usize, &'a TrialRecord, Option<Evidence>)>,
}

/// Makes the pieces of all tasks, by run and task. Every task may use an equal part of what those before it have left.
pub(super) fn pieces(runs: &[ReportedRun], trials: &[RunTrials<'_>]) -> Result<Vec<Piece>, PageError> {
    let mut pieces = Vec::new();
    let mut tasks: usize = runs.iter().map(|run| run.scored.run.tasks.len()).sum();
    let mut room = BUDGET;
    for (run, (reported, of_run)) in runs.iter().zip(trials).enumerate() {
        let mut by_task = by_task(&reported.scored, of_run);
        for (task, facts) in reported.scored.run.tasks.iter().enumerate() {
            let share = room / tasks.max(1);
            tasks = tasks.saturating_sub(1);
            let Some(records) = by_task.remove(facts.name.as_str()) else { continue };
            let data = TaskTrials::read(records, of_run).pack(share)?;
            room = room.saturating_sub(data.len());
            pieces.push(Piece { run, task, data });
        }
    }
    Ok(pieces)
}

type Placed<'a> = Vec<(usize, &'a TrialRecord)>;

/// The records of each task with the places of their scorecards, by scorecard and number.
fn by_task<'a>(scored: &Scorecards, trials: &RunTrials<'a>) -> BTreeMap<&'a str, Placed<'a>> {
    let cards = scored.scorecards.iter().enumerate();
    let cards: HashMap<_, _> = cards.map(|(place, card)| ((&card.agent, &card.condition), place)).collect();
    let mut tasks: BTreeMap<&str, Placed<'_>> = BTreeMap::new();
    for record in trials.records {
        let trial = &record.trial;
        if let Some(&card) = cards.get(&(&trial.agent, &trial.condition)) {
            tasks.entry(trial.task.as_str()).or_default().push((card, record));
        }
    }
    for records in tasks.values_mut() {
        records.sort_by_key(|(card, record)| (*card, record.trial.number));
    }
    tasks
}

impl<'a> TaskTrials<'a> {
    fn read(records: Placed<'a>, run: &RunTrials<'_>) -> Self {
        let read = |(card, record)| {
            let evidence = run.directory.map(|directory| Evidence::read(directory, record));
            (card, record, evidence)
        };
        Self { trials: records.into_iter().map(read).collect() }
    }

    /// Compresses the details with texts as long as the share allows.
    fn pack(&self, share: usize) -> Result<String, PageError> {
        let has_texts = self.trials.iter().any(|(_, _, evidence)| evidence.is_some());
        let mut packed = String::new();
        for limit in LIMITS {
            if !has_texts && limit > 0 {
                continue;
            }
            packed = compress(&self.details(limit))?;
            if packed.len() <= share {
                break;
            }
        }
        Ok(packed)
    }

    fn details(&self, limit: usize) -> TaskDetails<'a> {
        let mut actions = Vec::new();
        let mut known: HashMap<&Action, u32> = HashMap::new();
        let mut trials = Vec::new();
        for (card, record, evidence) in &self.trials {
            let mut code = |action: &'a Action| {
                *known.entry(action).or_insert_with(|| {
                    actions.push((action.kind.as_str(), plain(&action.name)));
                    actions.len() as u32 - 1
                })
            };
            let log = record.actions.value().map(ActionLog::iter).into_iter().flatten();
            let mut details = TrialDetails {
                card: *card,
                number: record.trial.number,
                facts: facts(record),
                codes: log.map(&mut code).collect(),
                place: evidence_place(record),
                texts: Vec::new(),
                steps: Vec::new(),
                steps_note: String::new(),
            };
            if let Some(evidence) = evidence {
                details.show(evidence, limit);
            }
            trials.push(details);
        }
        TaskDetails { actions, trials }
    }
}

impl TrialDetails {
    /// Adds what of the evidence keeps within the limit.
    fn show(&mut self, evidence: &Evidence, limit: usize) {
        let files = [
            ("Patch", "patch.diff", &evidence.patch),
            ("Verifier output", "verifier.log", &evidence.verifier),
        ];
        for (title, file, found) in files {
            if let Some(found) = found {
                let (text, note) = shortened(found, limit);
                self.texts.push(TextDetails { title, file, text, note });
            }
        }
        let steps = evidence.steps.len() as u64 + evidence.steps_left;
        let most = limit / STEPS_IN_PATCH;
        if most == 0 && steps > 0 {
            self.steps_note = format!("{} steps of the conversation are in trajectory.json", grouped(steps));
            return;
        }
        self.steps = evidence.steps.iter().map(|found| step(found, most)).collect();
        if evidence.steps_left > 0 {
            let left = grouped(evidence.steps_left);
            self.steps_note = format!("{left} more steps of the conversation are in trajectory.json");
        }
    }
}

/// The beginning of a text within the limit, with what is said of the rest.
fn shortened(found: &EvidenceText, limit: usize) -> (String, String) {
    let (start, is_cut) = cut(&found.text, limit);
    let bytes = grouped(found.bytes);
    let note = match (is_cut || (found.text.len() as u64) < found.bytes, start.is_empty()) {
        (true, true) => format!("{bytes} bytes, not included to keep this page small"),
        (true, false) => format!("the first {} of {bytes} bytes", grouped(start.len() as u64)),
        (false, true) => "empty".to_owned(),
        (false, false) => format!("{bytes} bytes"),
    };
    (plain(start), note)
}

fn step(found: &EvidenceStep, most: usize) -> StepDetails {
    let mut head = vec![plain(&found.source)];
    head.extend(found.at_ms.map(|at| format!("after {:.1} s", at as f64 / 1e3)));
    let tokens = [(found.prompt_tokens, "in"), (found.completion_tokens, "out")];
    head.extend(
        tokens.into_iter().filter_map(|(count, what)| Some(format!("{} tokens {what}", grouped(count?)))),
    );
    head.extend(found.cost_usd.map(|cost| format!("${cost:.4}")));
    let short = |text: &str| {
        let (start, is_cut) = cut(text, most);
        if is_cut { format!("{}…", plain(start)) } else { plain(start) }
    };
    let mut parts = Vec::new();
    if !found.message.is_empty() {
        parts.push(("says".to_owned(), short(&found.message)));
    }
    parts.extend(
        found.calls.iter().map(|(name, arguments)| (format!("calls {}", plain(name)), short(arguments))),
    );
    parts.extend(found.results.iter().map(|result| ("gets".to_owned(), short(result))));
    StepDetails { head: head.join(" · "), parts }
}

fn compress(details: &TaskDetails<'_>) -> Result<String, PageError> {
    // Without a time stamp the same details give the same bytes.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut encoder, details)?;
    encoder.flush()?;
    Ok(STANDARD.encode(encoder.finish()?))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use retrial_testkit::trial;

    use super::*;

    fn text(bytes: u64, text: &str) -> EvidenceText {
        EvidenceText { text: text.to_owned(), bytes }
    }

    #[test]
    fn a_shortened_text_says_how_much_of_it_is_there() {
        let shown = |found: &EvidenceText, limit| shortened(found, limit);
        assert_eq!(shown(&text(3, "abc"), 10), ("abc".to_owned(), "3 bytes".to_owned()));
        assert_eq!(shown(&text(3, "abc"), 2), ("ab".to_owned(), "the first 2 of 3 bytes".to_owned()));
        assert_eq!(
            shown(&text(9999, "abc"), 10),
            ("abc".to_owned(), "the first 3 of 9,999 bytes".to_owned())
        );
        let left_out = "3 bytes, not included to keep this page small".to_owned();
        assert_eq!(shown(&text(3, "abc"), 0), (String::new(), left_out));
    }

    #[test]
    fn a_task_that_would_exceed_its_share_is_packed_with_less_of_its_texts() {
        let noise: String =
            (0..2000).map(|place| retrial_spec::digest_bytes(&[place as u8]).to_string()).collect();
        let record = trial("t", "a", 1);
        let evidence = || Evidence { patch: Some(text(noise.len() as u64, &noise)), ..Evidence::default() };
        let task = TaskTrials { trials: vec![(0, &record, Some(evidence()))] };
        let (roomy, tight, none) =
            (task.pack(1_000_000).unwrap(), task.pack(2_000).unwrap(), task.pack(0).unwrap());
        assert!(tight.len() <= 2_000 && none.len() < tight.len() && tight.len() < roomy.len());
        let mut json = String::new();
        GzDecoder::new(&STANDARD.decode(none).unwrap()[..]).read_to_string(&mut json).unwrap();
        assert!(json.contains("not included to keep this page small"), "{json}");
    }
}
