//! What the data of a scorecard cannot say, in plain sentences.

use retrial_metrics::{
    Bounds, Denominators, Measure, MeasureId, Reason, Safety, Scorecard, Scorecards, Target, Value,
};

use crate::reading::read;
use crate::words::{counted, listed, percent, sentence};

/// Fewer tasks than these are few to speak of new tasks.
const FEW_TASKS: usize = 10;
/// Fewer graded trials of a task than these are few to speak of the next one.
const FEW_TRIALS: u64 = 5;
/// A smaller share of graded trials with a confidence is worth a word.
const MOST: f64 = 0.9;

/// Returns what the data of a scorecard cannot say, in plain sentences.
pub fn limits(scorecard: &Scorecard) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(missing(&scorecard.denominators));
    found.extend(worst_case(scorecard));
    found.extend(ungraded(scorecard));
    if scorecard.denominators.graded > 0 {
        found.extend(tasks(scorecard));
        found.extend(trials(scorecard));
        found.extend(coverage(scorecard));
    }
    found.extend(undefined(scorecard));
    found.extend(without_interval(scorecard));
    found.extend(forks(scorecard));
    if let Safety::NotMeasured(reason) = &scorecard.safety {
        found.push(format!("Safety was not measured, because {reason}."));
    }
    found
}

/// Returns what the data of a whole run cannot say, whatever the agent: what stands in no single scorecard.
pub fn limits_of_run(scored: &Scorecards) -> Vec<String> {
    let mut found = Vec::new();
    if scored.robustness.is_empty() {
        found.push("Robustness was not measured, because no condition puts faults on the wire.".to_owned());
    }
    if scored.run.origin.is_replayed() {
        found.push("The run was answered from a recording, so that its times measure nothing.".to_owned());
    }
    if let Some(imported) = scored.run.origin.imported() {
        found.push(
            "The trials were read from another tool's files: nothing was measured on the wire, and what that tool got wrong \
             is wrong here too."
                .to_owned(),
        );
        if imported.doubtful > 0 {
            let things = counted(imported.doubtful, "thing");
            found.push(format!("Its files hold {things} that cannot be quite right; run.json names them."));
        }
    }
    if let Some(stopping) = scored.run.origin.stopping() {
        let most = counted(u64::from(stopping.most_rounds), "round");
        found.push(match &stopping.settled {
            Some(look) => format!(
                "The run stopped after round {} of at most {most}, once its stopping rule was settled.",
                look.round
            ),
            None => {
                format!("The run ended before its stopping rule was settled; it was to run at most {most}.")
            }
        });
    }
    found.extend(scored.warnings.iter().map(|warning| format!("{}.", sentence(&warning.to_string()))));
    found
}

fn missing(denominators: &Denominators) -> Option<String> {
    let books = &denominators.books;
    let verb = if books.missing == 1 { "has" } else { "have" };
    (books.missing > 0).then(|| {
        format!("{} of {} {verb} no record.", books.missing, counted(books.planned, "planned trial"))
    })
}

fn worst_case(scorecard: &Scorecard) -> Option<String> {
    let band = scorecard.worst_case?;
    let (low, high) = (percent(band.all_fail.value()), percent(band.all_pass.value()));
    Some(if band.excluded == 1 {
        format!("1 trial does not count: had it failed, success would be {low}; had it passed, {high}.")
    } else {
        format!(
            "{} trials do not count: had all of them failed, success would be {low}; had all passed, {high}.",
            band.excluded
        )
    })
}

fn ungraded(scorecard: &Scorecard) -> Option<String> {
    let without = scorecard.tasks.iter().filter(|task| task.graded == 0).count();
    let tasks = scorecard.tasks.len() as u64;
    let verb = if without == 1 { "has no graded trial and is" } else { "have no graded trial and are" };
    // Where no task has one, the measures say it.
    (without > 0 && without as u64 != tasks)
        .then(|| format!("{without} of {} {verb} left out of every measure.", counted(tasks, "task")))
}

/// What the number of tasks allows, and of which tasks the intervals speak.
fn tasks(scorecard: &Scorecard) -> Option<String> {
    let measure = scorecard.headline(MeasureId::SuccessRate)?;
    let tasks = scorecard.tasks.iter().filter(|task| task.graded > 0).count();
    match (measure.target, tasks) {
        (Target::FixedSuite, _) => {
            Some("Intervals speak of exactly these tasks, run again; they say nothing of other tasks.".to_owned())
        }
        (Target::Population, 1) => {
            Some("There is a single task with graded trials, which says nothing of new tasks: there is no interval.".to_owned())
        }
        (Target::Population, ..FEW_TASKS) => {
            Some(format!("{tasks} tasks are few to speak of new tasks: intervals are wide, and each task weighs much."))
        }
        (Target::Population, _) => Some(
            "Intervals speak of new tasks like these; nobody knows from the data how like these new tasks are.".to_owned(),
        ),
    }
}

fn trials(scorecard: &Scorecard) -> Option<String> {
    let fewest = scorecard.tasks.iter().map(|task| task.graded).filter(|&graded| graded > 0).min()?;
    (fewest < FEW_TRIALS).then(|| {
        let trials = counted(fewest, "graded trial");
        format!("Some task has only {trials}, so that a task may seem solid, or hopeless, that is not.")
    })
}

fn coverage(scorecard: &Scorecard) -> Option<String> {
    let share = scorecard.headline(MeasureId::ConfidenceCoverage)?.value.estimate()?.point.value();
    (share < MOST && share > 0.0).then(|| {
        let share = percent(share);
        format!("Only {share} of graded trials state a confidence; the others may differ from them.")
    })
}

/// Measures by what is said of them, in their order.
fn by_reason<'a>(pairs: impl Iterator<Item = (&'a Measure, &'a Reason)>) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (measure, reason) in pairs {
        let (reason, label) = (reason.to_string(), name(measure));
        match groups.iter_mut().find(|(text, _)| *text == reason) {
            Some((_, labels)) => labels.push(label),
            None => groups.push((reason, vec![label])),
        }
    }
    groups
}

/// The name of a measure in a sentence: that of the family, for one that a short table shows several of.
fn name(measure: &Measure) -> String {
    if measure.k == Some(1) { measure.id.label().to_owned() } else { measure.label() }
}

/// Why measures that sentences draw on are undefined, each reason once.
fn undefined(scorecard: &Scorecard) -> Vec<String> {
    let pairs = read(scorecard).filter_map(|measure| match &measure.value {
        Value::Undefined(reason) => Some((measure, reason)),
        Value::Estimate(_) => None,
    });
    let line = |(reason, labels): (String, Vec<String>)| {
        format!("Not measured, because {reason}: {}.", listed(&labels))
    };
    by_reason(pairs).into_iter().map(line).collect()
}

/// Why measures that sentences draw on have no interval, each reason once. That all have none for want of tasks is said elsewhere.
fn without_interval(scorecard: &Scorecard) -> Vec<String> {
    let is_alone = scorecard.tasks.iter().filter(|task| task.graded > 0).count() < 2;
    let pairs = read(scorecard).filter_map(|measure| match &measure.value.estimate()?.interval {
        Bounds::Undefined(reason) if !(is_alone && reason.code() == "too_few_tasks") => {
            Some((measure, reason))
        }
        _ => None,
    });
    let line = |(reason, labels): (String, Vec<String>)| {
        format!("Without an interval: {} ({reason}).", listed(&labels))
    };
    by_reason(pairs).into_iter().map(line).collect()
}

fn forks(scorecard: &Scorecard) -> Option<String> {
    let is_tested = scorecard.forks.iter().any(|forks| {
        let branches = forks.by_task.iter().flat_map(|task| &task.branches);
        forks.by_action.iter().chain(branches).any(|branch| branch.test.known().is_some())
    });
    is_tested.then(|| {
        "What separates successes from failures where runs part is exploratory: many actions were tried on the same trials, so a \
         small p-value is a place to look at, not a finding."
            .to_owned()
    })
}
