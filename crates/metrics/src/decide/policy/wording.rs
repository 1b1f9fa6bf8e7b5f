//! A gate's decision in words: numbers with signs, one line for the whole, and what would decide it.

use retrial_spec::{GatePolicy, TaskName};

use super::document::GateAgent;
use super::grounds::{GateVerdict, Ground, GroundCode};
use super::measures::{Answer, GateMeasure, OpenMeasure, worsening};
use super::needs::Needed;
use super::tasks::{GateTask, TaskPlace, deciding};
use crate::decide::Scale;
use crate::value::Interval;

/// Most names in a list.
const NAMED: usize = 5;
/// Most digits of a share.
const MOST_DIGITS: i32 = 9;

/// Returns a number with its noun in the right form.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Returns a share in per cent, with a digit or as many as keep what is not quite nothing or everything from reading as if it were.
pub fn percent(share: f64) -> String {
    percent_beside(share, share)
}

/// As [`percent`], so that it does not read like another share that it is compared with.
pub(super) fn percent_beside(share: f64, other: f64) -> String {
    let rounded = |share: f64, digits: i32| {
        let parts = 10_f64.powi(digits);
        (share * 100.0 * parts).round() / parts
    };
    let is_apart = |digits: &i32| {
        let shown = rounded(share, *digits);
        let is_part = share <= 0.0 || share >= 1.0 || (shown > 0.0 && shown < 100.0);
        is_part && ((share - other).abs() < 1e-12 || (shown - rounded(other, *digits)).abs() > 1e-12)
    };
    let digits = (1..MOST_DIGITS).find(is_apart).unwrap_or(MOST_DIGITS);
    format!("{} %", rounded(share, digits))
}

/// Names the first few, and says how many more there are.
pub(super) fn named(tasks: &[&TaskName]) -> String {
    let names: Vec<String> = tasks.iter().take(NAMED).map(|task| format!("`{task}`")).collect();
    let more = tasks.len().saturating_sub(NAMED);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

impl GateMeasure {
    /// Writes a value of its contrast: a signed difference, or a signed change in per cent.
    pub fn change(&self, value: f64) -> String {
        match self.contrast.scale {
            Scale::Difference => signed(value, 2, ""),
            Scale::Ratio => signed((value - 1.0) * 100.0, 0, " %"),
        }
    }

    /// Writes its margin without a sign.
    pub fn margin_text(&self) -> String {
        match self.contrast.scale {
            Scale::Difference => {
                let digits = if (self.margin.value() * 100.0).fract().abs() < 1e-9 { 2 } else { 3 };
                format!("{:.digits$}", self.margin.value())
            }
            Scale::Ratio => percent(self.margin.value()),
        }
    }

    /// Writes the change with its bound on the side that matters to the answer, and whether it holds whenever a run stopped.
    pub fn change_text(&self) -> String {
        let Some(point) = self.contrast.value.estimate().map(|found| found.point.value()) else {
            return "undefined".to_owned();
        };
        let bound = if self.answer == Answer::Fail { &self.best_bound } else { &self.worst_bound };
        let bound = bound.value().map_or_else(|| "none".to_owned(), |bound| self.change(bound));
        let kind = if self.is_anytime_valid() { "anytime-valid bound" } else { "bound" };
        format!("{} [{kind} {bound}]", self.change(point))
    }
}

impl GateMeasure {
    /// Returns whether its bounds hold whenever and why ever the runs ended.
    fn is_anytime_valid(&self) -> bool {
        let estimate = self.contrast.value.estimate();
        estimate.and_then(|found| found.interval.interval()).is_some_and(Interval::is_anytime_valid)
    }
}

fn signed(value: f64, digits: usize, unit: &str) -> String {
    let text = format!("{:.digits$}", value.abs());
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = if is_zero {
        "±"
    } else if value < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text}{unit}")
}

/// Says what a measure that does not pass leads to.
pub(super) fn of_measure(measure: &GateMeasure, policy: &GatePolicy) -> String {
    let label = &measure.contrast.label;
    let told = format!("{label} {}", measure.change_text());
    let margin = measure.margin_text();
    match &measure.open {
        None if measure.is_beyond() => format!("{told}, worse by more than the margin {margin}"),
        None => format!("{told}, worse, and not shown to be within the margin {margin}"),
        Some(OpenMeasure::NotEnough(needed)) => {
            format!("{told}, margin {margin}: {}", needed_text(needed, policy))
        }
        Some(open) => format!("{label}: {}", open_text(open, policy)),
    }
}

/// Says why a measure is open.
pub(super) fn open_text(open: &OpenMeasure, policy: &GatePolicy) -> String {
    match open {
        OpenMeasure::Undefined(reason) => reason.to_string(),
        OpenMeasure::PartlyKnown { side, known, planned } => format!(
            "known of {known} of {planned} planned trials of the {side}, less than {}",
            percent(policy.gate.minimum_known)
        ),
        OpenMeasure::TasksWithout(tasks) => {
            format!("no value for {}", named(&tasks.iter().collect::<Vec<_>>()))
        }
        OpenMeasure::UngradedTrials => {
            "the answer depends on how the trials that are not graded would have ended".to_owned()
        }
        OpenMeasure::UnknownClaims => {
            "the answer depends on trials that are not graded, or whose claim is not known".to_owned()
        }
        OpenMeasure::NotEnough(needed) => needed_text(needed, policy),
    }
}

fn needed_text(needed: &Needed, policy: &GatePolicy) -> String {
    let power = percent(policy.gate.power);
    match needed {
        Needed::Trials { more, price_usd, .. } => {
            let price = price_usd.map_or_else(String::new, |usd| format!(", about ${:.2}", usd.value()));
            let trials = if *more == 1 { "trial".to_owned() } else { "trials".to_owned() };
            format!("{more} more {trials} of each task on both sides would decide with {power} power{price}")
        }
        Needed::MoreTasks { tasks } => {
            format!(
                "tasks differ too much for more trials to help; {tasks} tasks would decide with {power} power"
            )
        }
        Needed::Undefined(reason) => format!("what would decide is not known: {reason}"),
    }
}

impl OpenMeasure {
    /// Says why the measure is open, under the policy.
    pub fn text(&self, policy: &GatePolicy) -> String {
        open_text(self, policy)
    }
}

/// Says what would decide, where something would.
pub(super) fn next(grounds: &[Ground], agents: &[GateAgent], policy: &GatePolicy) -> Option<String> {
    let first = grounds.first()?;
    let text = match first.code {
        GroundCode::SameTrials => "give another run as the baseline".to_owned(),
        GroundCode::NotComparable => "run the baseline anew with what the candidate was run with".to_owned(),
        GroundCode::BaselineDisagrees => "give runs of the same tasks and settings, each once".to_owned(),
        GroundCode::QuarantineTooLarge => "mend tasks, or raise `gate.quarantine_limit`".to_owned(),
        GroundCode::NothingGraded => "see with `retrial status` why no trial was graded".to_owned(),
        GroundCode::NothingJudged => "give a baseline with agents and trials".to_owned(),
        GroundCode::AgentVanished | GroundCode::TasksVanished => {
            "run what vanished too, or start a new baseline without it".to_owned()
        }
        GroundCode::Worse => return None,
        GroundCode::Coverage | GroundCode::TooFewTrials => of_holes(agents, policy),
        GroundCode::NothingDecides => of_nothing(agents, policy)?,
        GroundCode::Open => return of_open(agents, policy),
    };
    Some(text)
}

/// What fills holes. A trial that has a record is over for good, whatever became of it, so that going on with a run helps only where some
/// have none.
fn of_holes(agents: &[GateAgent], policy: &GatePolicy) -> String {
    let fewest = policy.gate.minimum_trials;
    let sides = || {
        agents
            .iter()
            .flat_map(|agent| deciding(&agent.tasks))
            .flat_map(|task| [task.candidate, task.baseline])
    };
    if sides().any(|counts| counts.finished < counts.planned) {
        return "run the trials that never ran, with `retrial run --resume`; those that ended without a verdict stay so".to_owned();
    }
    if sides().all(|counts| counts.graded == counts.planned) {
        return format!("make a new run with {fewest} trials of each task or more");
    }
    "make a new run, for trials that ended without a verdict stay so, or lower the minimum in the policy"
        .to_owned()
}

/// What would let a task decide.
fn of_nothing(agents: &[GateAgent], policy: &GatePolicy) -> Option<String> {
    let has = |place| agents.iter().any(|agent| agent.tasks_in(place).next().is_some());
    if has(TaskPlace::NotYet) {
        Some(format!("run the baseline with {} trials of each task or more", policy.gate.minimum_trials))
    } else if has(TaskPlace::Quarantined) {
        Some("mend tasks, and take them out of quarantine".to_owned())
    } else {
        None
    }
}

/// Says why no task decides.
pub(super) fn nothing_decides(tasks: &[GateTask], fewest: u32) -> String {
    let count = |place| tasks.iter().filter(|task| task.place == place).count();
    let few = format!("planned for fewer than {fewest} trials there");
    let reasons = [
        (TaskPlace::NotYet, few.as_str()),
        (TaskPlace::Quarantined, "in quarantine"),
        (TaskPlace::Vanished, "vanished"),
    ];
    let reasons: Vec<String> = reasons
        .into_iter()
        .map(|(place, says)| (count(place), says))
        .filter(|(count, _)| *count > 0)
        .map(|(count, says)| format!("{count} {says}"))
        .collect();
    if reasons.is_empty() {
        return "no task of the baseline decides: it has none".to_owned();
    }
    format!("no task of the baseline decides: {}", reasons.join(", "))
}

/// What would decide all open measures, where more trials would decide each: the most that any of them asks for.
fn of_open(agents: &[GateAgent], policy: &GatePolicy) -> Option<String> {
    let all = agents.iter().flat_map(|agent| &agent.measures);
    let open: Vec<&GateMeasure> = all.filter(|measure| measure.answer == Answer::Open).collect();
    let more = |measure: &&GateMeasure| match &measure.open {
        Some(OpenMeasure::NotEnough(needed @ Needed::Trials { more, .. })) => Some((*more, needed.clone())),
        _ => None,
    };
    let needs: Option<Vec<(u64, Needed)>> = open.iter().map(more).collect();
    // What a single ground says need not be said again.
    let needs = needs.filter(|needs| needs.len() > 1)?;
    let (_, most) = needs.into_iter().max_by_key(|(more, _)| *more)?;
    Some(format!("for all that is open, {}", needed_text(&most, policy)))
}

/// The decision in one line.
pub(super) fn line(
    verdict: GateVerdict,
    grounds: &[Ground],
    agents: &[GateAgent],
    next: Option<&str>,
) -> String {
    let decided = match grounds {
        [] => passed(agents),
        [first, rest @ ..] => {
            let agent = match &first.agent {
                Some(agent) if agents.len() > 1 => format!("`{agent}`: "),
                _ => String::new(),
            };
            let more = rest.iter().filter(|ground| ground.verdict == verdict).count();
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            format!("{agent}{}{more}", first.message)
        }
    };
    let next = next.map_or_else(String::new, |next| format!("; {next}"));
    format!("{verdict}: {decided}{}{next}", tasks(agents))
}

/// The measure that has the least room left, as a share of its margin.
fn passed(agents: &[GateAgent]) -> String {
    let measures: Vec<&GateMeasure> = agents.iter().flat_map(|agent| &agent.measures).collect();
    let room = |measure: &GateMeasure| {
        let limit = worsening(&measure.contrast, measure.limit.value());
        let bound = measure.worst_bound.value().map_or(limit, |bound| worsening(&measure.contrast, bound));
        if limit > 0.0 { (limit - bound) / limit } else { limit - bound }
    };
    let closest = measures.iter().min_by(|a, b| room(a).total_cmp(&room(b)));
    let Some(closest) = closest else { return "nothing is judged".to_owned() };
    let told =
        format!("{} {}, margin {}", closest.contrast.label, closest.change_text(), closest.margin_text());
    match measures.len() {
        1 => told,
        all => format!("all {all} measures are within their margins; the closest: {told}"),
    }
}

fn tasks(agents: &[GateAgent]) -> String {
    let of_agent = |agent: &GateAgent| {
        let all = agent.tasks.iter().filter(|task| task.place != TaskPlace::New).count();
        (agent.tasks_in(TaskPlace::Judged).count(), all)
    };
    let counts: Vec<(usize, usize)> = agents.iter().map(of_agent).collect();
    match counts.as_slice() {
        [] => String::new(),
        [(judged, all), rest @ ..] if rest.iter().all(|other| other == &(*judged, *all)) => {
            format!("; {judged} of {all} tasks judged")
        }
        several => {
            let all: Vec<String> = several.iter().map(|(judged, all)| format!("{judged} of {all}")).collect();
            format!("; {} tasks judged", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_as_what_they_are() {
        let rows = [
            (0.95, "95 %"),
            (0.9995, "99.95 %"),
            (0.9996, "99.96 %"),
            (1.0, "100 %"),
            (0.0, "0 %"),
            (0.0001, "0.01 %"),
        ];
        for (share, expected) in rows {
            assert_eq!(percent(share), expected);
        }
        assert_eq!(
            (percent_beside(0.9496, 0.95), percent_beside(0.95, 0.9496)),
            ("94.96 %".into(), "95 %".into())
        );
    }
}
