//! Levels in sentences: what decides, and what would raise them.

use retrial_metrics::autonomy::{
    AutonomyReport, BoundOf, Cause, CellAutonomy, LevelChange, MOST_TASKS, MOST_TRIALS, MoreEvidence,
    Obstacle, Standing, WorkShare,
};
use retrial_metrics::{Number, Target};
use retrial_spec::{AutonomyLevel, Stakes, TaskName, Verifiability};

use crate::words::{counted, level, listed, percent, target};

/// Says why a cell has its level: the bound that decides, what is needed of it, and what would raise it.
pub fn reason(cell: &CellAutonomy) -> String {
    let standing = &cell.standing;
    let alone = if standing.alone > standing.level {
        format!("; {} if this were its only kind of work", standing.alone)
    } else {
        String::new()
    };
    format!("{}: {}{alone}", standing.level, cause(cell))
}

fn cause(cell: &CellAutonomy) -> String {
    let standing = &cell.standing;
    let missing =
        if cell.missing > 0 { format!(", {} more did not finish", cell.missing) } else { String::new() };
    let n = format!("n = {} of {}{missing}", counted(cell.n.trials, "trial"), counted(cell.n.tasks, "task"));
    let next = standing.next.map_or("", AutonomyLevel::as_str);
    let needs: Vec<String> = standing.decided_by.iter().map(|need| compared(need, standing)).collect();
    let needs = needs.join("; ");
    let raise = raise(cell).map_or_else(String::new, |raise| format!("; {raise}"));
    match &standing.cause {
        Cause::Met => format!("{needs}; {n}"),
        Cause::NoHigherLevel if needs.is_empty() => "the policy gives such work no other level".to_owned(),
        Cause::NoHigherLevel => format!("the highest level for such work; {needs}; {n}"),
        Cause::NoBound(why) => format!("not enough evidence for {next}, for there is no bound: {why}{raise}"),
        Cause::NotEnoughEvidence => format!("not enough evidence for {next}: {needs}; {n}{raise}"),
        Cause::MeasuredTooLow => format!("measured too low for {next}: {needs}; {n}{raise}"),
        Cause::ExcludedTrials => {
            format!("it depends on {}, taken here for failures: {needs}; {n}", silent(cell))
        }
    }
}

/// The trials that say nothing.
fn silent(cell: &CellAutonomy) -> String {
    let excluded = format!("{} without a verdict", counted(cell.excluded, "trial"));
    let missing = format!("{} that did not finish", counted(cell.missing, "trial"));
    match (cell.excluded, cell.missing) {
        (_, 0) => excluded,
        (0, _) => missing,
        _ => format!("{excluded} and {missing}"),
    }
}

/// What a need is of, and on which side its bound lies.
fn named(need: &Obstacle) -> (String, &'static str) {
    match (need.of, need.k) {
        (BoundOf::Success, _) => ("success".to_owned(), "at least"),
        (BoundOf::Repeated, k) => (format!("pass^{}", k.unwrap_or(1)), "at least"),
        (BoundOf::Invisible, _) => ("invisible failures".to_owned(), "at most"),
    }
}

/// A bound with what is needed of it.
fn compared(need: &Obstacle, standing: &Standing) -> String {
    let (name, side) = named(need);
    let confidence = level(standing.measured.of(need.of).confidence);
    let from = need.from.map_or_else(String::new, |from| format!("from pass^{from}, "));
    let (bound, point) = (bounded(need, &need.bound), bounded(need, &need.point));
    format!("{name} {side} {bound} ({confidence} one-sided, {from}observed {point}), needed {}", needed(need))
}

/// How many decimals a need has, at least two.
fn decimals(need: &Obstacle) -> usize {
    let text = need.need.value().to_string();
    text.split_once('.').map_or(2, |(_, decimals)| decimals.len()).clamp(2, 6)
}

fn needed(need: &Obstacle) -> String {
    format!("{:.*}", decimals(need), need.need.value())
}

/// A number that is compared with a need, with as many decimals, rounded to the side on which one that misses the need never reads as if
/// it met it: a bound stays a bound.
fn bounded(need: &Obstacle, number: &Number) -> String {
    // Within what still meets a need.
    const SLACK: f64 = 1e-12;
    let decimals = decimals(need);
    let scale = 10_f64.powf(decimals as f64);
    let rounded = |value: f64| match need.of {
        BoundOf::Invisible => ((value - SLACK) * scale).ceil() / scale,
        _ => ((value + SLACK) * scale).floor() / scale,
    };
    // Minus zero is zero.
    let text = |value: f64| format!("{:.decimals$}", rounded(value).max(0.0) + 0.0);
    number.value().map_or_else(|| "unknown".to_owned(), text)
}

/// What would raise the level: a better agent where what was observed misses a need, more evidence otherwise; nothing where no need
/// is missed.
fn raise(cell: &CellAutonomy) -> Option<String> {
    let missed =
        cell.standing.decided_by.iter().filter(|need| !need.point_meets && need.point.value().is_some());
    let better: Vec<String> = missed
        .map(|need| {
            let side = if need.of == BoundOf::Invisible { "above" } else { "below" };
            let shown = if need.is_shown { "" } else { " (not shown beyond chance)" };
            // What was observed of fewer in a row.
            let name = need.from.map_or_else(|| named(need).0, |from| format!("pass^{from}"));
            format!("{name} {} is {side} {}{shown}", bounded(need, &need.point), needed(need))
        })
        .collect();
    if !better.is_empty() {
        return Some(format!("the agent must get better: {}", listed(&better)));
    }
    let MoreEvidence { trials_of_each_task: trials, tasks } = cell.standing.more.as_ref()?;
    if cell.missing > 0 {
        return Some("the trials that did not finish come first: go on with the run".to_owned());
    }
    Some(match (trials, tasks) {
        _ if cell.n.trials == 0 => "run its tasks".to_owned(),
        (Some(trials), Some(tasks)) => format!(
            "{trials} trials of each task in all, or {tasks} tasks with as many trials, would show it if they go as these did"
        ),
        (Some(trials), None) => {
            format!("{trials} trials of each task in all would show it if they go as these did")
        }
        (None, Some(tasks)) => format!(
            "{tasks} tasks in all, with as many trials of each, would show it if they go as these did; more trials of these tasks would not"
        ),
        (None, None) => format!(
            "not shown by {MOST_TRIALS} trials of each task or {MOST_TASKS} tasks either, if they go as these did"
        ),
    })
}

/// Says how much of the stated work a share is.
pub fn share(share: &WorkShare) -> String {
    let part = |number: &Number| number.value().map_or_else(|| "–".to_owned(), percent);
    format!(
        "{} of the stated work ({:.0} min), {} of its tasks ({})",
        part(&share.of_minutes),
        share.minutes,
        part(&share.of_tasks),
        share.tasks
    )
}

/// Says what the levels speak of, and how sure they are.
pub fn speaks(report: &AutonomyReport) -> String {
    let of = target(report.settings.target);
    let confidence = level(report.policy.confidence);
    let more = match report.settings.target {
        Target::Population => "",
        Target::FixedSuite => " Nothing is said of other work.",
    };
    format!(
        "Levels for {of}, of the baseline alone. The probability that any level of an agent is too high is at most {} \
         (Holm over its kinds of work, from {confidence} one-sided bounds).{more} Safety is not measured.",
        level(1.0 - report.policy.confidence)
    )
}

/// Says that a level changed, and why.
pub fn change(change: &LevelChange) -> String {
    let way = if change.to < change.from { "fell" } else { "rose" };
    let kind = kind(&change.category, change.stakes, change.verifiability);
    let because = change.because.as_ref().map_or_else(String::new, |need| {
        let (name, side) = named(need);
        let (before, now) = (bounded(need, &change.before), bounded(need, &change.now));
        format!(": {name} {side} {now} after {before}, needed {}", needed(need))
    });
    let tasks = if change.other_tasks { "; its tasks changed too" } else { "" };
    format!(
        "{}: {kind} {way} from {} to {} (from run {} to run {}){because}{tasks}",
        change.agent, change.from, change.to, change.from_run, change.to_run
    )
}

/// Names a kind of work.
pub(super) fn kind(category: &str, stakes: Stakes, verifiability: Verifiability) -> String {
    format!("{category}, {} stakes, {}", stakes_word(stakes), checked_word(verifiability))
}

pub(super) fn stakes_word(stakes: Stakes) -> &'static str {
    match stakes {
        Stakes::Low => "low",
        Stakes::Medium => "medium",
        Stakes::High => "high",
    }
}

pub(super) fn checked_word(verifiability: Verifiability) -> &'static str {
    match verifiability {
        Verifiability::Low => "hardly checked",
        Verifiability::Partial => "partly checked",
        Verifiability::Full => "fully checked",
    }
}

/// Says which tasks state nothing; nothing where all do.
pub(super) fn unstated(tasks: &[TaskName]) -> Option<String> {
    const SHOWN: usize = 6;
    if tasks.is_empty() {
        return None;
    }
    let mut names: Vec<String> = tasks.iter().take(SHOWN).map(ToString::to_string).collect();
    if tasks.len() > SHOWN {
        names.push(format!("{} more", tasks.len() - SHOWN));
    }
    Some(format!(
        "Supervised, because they state no category, stakes and so on: {}. Their work is in no share.",
        listed(&names)
    ))
}
