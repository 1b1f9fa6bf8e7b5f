//! A gate's decision in words: numbers with signs, one line for the whole, and what would decide it.

use retrial_spec::{GatePolicy, TaskName};

use super::document::GateAgent;
use super::grounds::{GateVerdict, Ground, GroundCode};
use super::measures::{Answer, GateMeasure, OpenMeasure, worsening};
use super::needs::Needed;
use super::tasks::TaskPlace;
use crate::decide::Scale;

/// Most names in a list.
const NAMED: usize = 5;

/// Returns a number with its noun in the right form.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Returns a share in per cent, with a digit where it has one.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
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

    /// Writes the change with its bound on the side that matters to the answer.
    pub fn change_text(&self) -> String {
        let Some(point) = self.contrast.value.estimate().map(|found| found.point.value()) else {
            return "undefined".to_owned();
        };
        let bound = if self.answer == Answer::Fail { &self.best_bound } else { &self.worst_bound };
        let bound = bound.value().map_or_else(|| "none".to_owned(), |bound| self.change(bound));
        format!("{} [bound {bound}]", self.change(point))
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
            percent(policy.gate.minimum_coverage)
        ),
        OpenMeasure::TasksWithout(tasks) => {
            format!("no value for {}", named(&tasks.iter().collect::<Vec<_>>()))
        }
        OpenMeasure::UngradedTrials => {
            "the answer depends on how the trials that are not graded would have ended".to_owned()
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
            format!("{more} more {trials} of each task would decide with {power} power{price}")
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
        GroundCode::AgentVanished | GroundCode::TasksVanished => {
            "run what vanished too, or start a new baseline without it".to_owned()
        }
        GroundCode::Worse => return None,
        GroundCode::Coverage | GroundCode::TooFewTrials => {
            "run the trials that lack: `retrial run --resume`, or a new run".to_owned()
        }
        GroundCode::NothingDecides => {
            format!("run the baseline with {} trials of each task or more", policy.gate.minimum_trials)
        }
        GroundCode::Open => return of_open(agents, policy),
    };
    Some(text)
}

/// What would decide all open measures: the most that any of them asks for.
fn of_open(agents: &[GateAgent], policy: &GatePolicy) -> Option<String> {
    let needs = |measure: &GateMeasure| match &measure.open {
        Some(OpenMeasure::NotEnough(needed @ Needed::Trials { more, .. })) => Some((*more, needed.clone())),
        _ => None,
    };
    let all: Vec<&GateMeasure> = agents.iter().flat_map(|agent| &agent.measures).collect();
    let open = all.iter().filter(|measure| measure.answer == Answer::Open).count();
    let most = all.iter().filter_map(|measure| needs(measure)).max_by_key(|(more, _)| *more);
    match most {
        Some((_, needed)) if open > 1 => {
            Some(format!("for all that is open, {}", needed_text(&needed, policy)))
        }
        // The ground itself says it.
        _ => None,
    }
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
