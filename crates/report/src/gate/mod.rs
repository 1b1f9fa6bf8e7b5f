//! A gate's decision as Markdown, `JUnit` XML and a page: what a change's comment, a job's summary and a test report show.

mod junit;
mod markdown;
mod page;

use retrial_metrics::Number;
use retrial_metrics::decide::policy::{Answer, GateMeasure, GateTask, PolicyGate, TaskPlace, percent};

pub use junit::gate_junit;
pub use markdown::gate_markdown;
pub use page::gate_page;

/// The places of tasks that are listed, with what is said of them.
const LISTED: [(TaskPlace, &str); 5] = [
    (TaskPlace::Vanished, "Vanished"),
    (TaskPlace::TooFewTrials, "Too few graded trials"),
    (TaskPlace::Quarantined, "In quarantine: informs, does not decide"),
    (TaskPlace::NotYet, "Not deciding yet: the baseline has too few trials"),
    (TaskPlace::New, "New: not in the baseline, not judged"),
];

/// The columns of the table of measures.
pub const GATE_COLUMNS: [&str; 8] =
    ["measure", "baseline", "candidate", "change", "bound", "limit", "p of worse (Holm)", "answer"];

/// Returns a measure's row under [`GATE_COLUMNS`].
pub fn gate_row(measure: &GateMeasure) -> [String; 8] {
    let unit = measure.contrast.measure.unit();
    let side = |value: &Number| value.value().map_or_else(|| "–".to_owned(), |value| unit.write(value));
    let change = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| measure.change(value));
    let p = measure.adjusted_p.value();
    [
        measure.contrast.label.clone(),
        side(&measure.baseline),
        side(&measure.candidate),
        change(measure.contrast.value.estimate().map(|found| found.point.value())),
        change(deciding_bound(measure)),
        measure.change(measure.limit.value()),
        if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") },
        answer(measure.answer).to_owned(),
    ]
}

/// The bound that the answer rests on.
fn deciding_bound(measure: &GateMeasure) -> Option<f64> {
    if measure.answer == Answer::Fail { measure.best_bound.value() } else { measure.worst_bound.value() }
}

fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "pass",
        Answer::Fail => "fail",
        Answer::Open => "open",
    }
}

/// Passed of graded trials on both sides.
fn counts(task: &GateTask) -> (String, String) {
    let side = |passed: u64, graded: u64| format!("{passed} of {graded}");
    (side(task.baseline.passed, task.baseline.graded), side(task.candidate.passed, task.candidate.graded))
}

/// How the decision was made, in sentences.
fn method(found: &PolicyGate) -> Vec<String> {
    let table = &found.policy.gate;
    let level = percent(table.confidence);
    let mut sentences = vec![
        format!(
            "A measure passes where its one-sided {level} bound is within the limit; the gate passes where all do."
        ),
        format!(
            "A measure fails where it is worse at {level}, after Holm over all measures, and does not pass."
        ),
        format!(
            "A task decides from {} planned trials of the baseline on and needs as many graded trials on each side; {} of the planned trials \
             must be graded.",
            table.minimum_trials,
            percent(table.minimum_coverage)
        ),
    ];
    if found.agents.iter().any(|agent| agent.may_stop) {
        sentences.push(
            "A run could stop by what its trials showed: success has anytime-valid bounds over complete rounds, and no other measure of \
             its agents is decided."
                .to_owned(),
        );
    }
    sentences
}

/// What holds of the quarantine, one entry a sentence.
fn quarantine(found: &PolicyGate) -> Vec<String> {
    let in_force =
        found.quarantined.iter().map(|task| format!("{} until {}: {}", task.name, task.until, task.reason));
    let over = found.not_in_force.iter().map(|task| {
        format!(
            "{} from {} to {}, not in force on {}: it decides",
            task.name, task.added, task.until, found.today
        )
    });
    in_force.chain(over).collect()
}
