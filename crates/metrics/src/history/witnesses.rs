//! What the witnesses of a change-point show: the agent in runs of its own between which nothing of it was changed, and anchors.

use jiff::Timestamp;
use retrial_spec::{AgentName, ContentDigest, RunId, TaskName};
use retrial_stats::compare::mover::square_and_add;
use retrial_stats::{Counts, Level, Method, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use super::attribution::Case;
use super::entry::LedgerEntry;
use super::findings::{Direction, HistoryOptions};
use super::pooled::{Shift, added};
use super::suites::Asked;
use crate::Target;
use crate::value::{Estimate, Evidence, Interval, Reason, Value};

/// What a witness shows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Witness {
    /// What it is.
    pub kind: WitnessKind,
    /// Who it is.
    pub agent: AgentName,
    /// The suite that its runs are of.
    pub suite: ContentDigest,
    /// The tasks that it is compared on.
    pub tasks: u64,
    /// Its runs before the change.
    pub runs_before: u64,
    /// Its runs after it.
    pub runs_after: u64,
    /// Whether it uses the model that the agent uses after the change.
    pub shares_model: bool,
    /// Its success after minus before, for exactly these tasks.
    pub moved: Value,
    /// The agent's difference on these tasks minus its own; undefined for the agent itself.
    pub beyond: Value,
    /// Whether it moved the way the agent did.
    pub moved_too: bool,
    /// Whether the agent moved further.
    pub is_exceeded: bool,
}

/// What a witness is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WitnessKind {
    /// The agent itself, in runs between which nothing of it was changed.
    Itself,
    /// Another agent, in runs between which nothing of it was changed.
    Anchor,
}

/// Runs of the agent on both sides of a change, for witnesses to be asked of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) before: &'a [&'a LedgerEntry],
    pub(super) after: &'a [&'a LedgerEntry],
}

/// Runs of an agent, the oldest first.
pub(super) type Runs<'a> = Vec<&'a LedgerEntry>;

/// Runs of one agent that stayed the same, on both sides of a change.
pub(super) struct Testimony<'a> {
    kind: WitnessKind,
    before: Runs<'a>,
    after: Runs<'a>,
}

impl<'a> Case<'a> {
    /// Other agents' runs in the time before and in the time after, by what was the same in them.
    pub(super) fn anchors(&self, sides: Sides<'a>, asked: Asked<'a>) -> Vec<Testimony<'a>> {
        let options = asked.options;
        let Some(own) = self.entries.first() else { return Vec::new() };
        let mut found = Vec::new();
        for series in asked.ledger.series() {
            let Some(first) = series.first().filter(|first| first.agent.name != own.agent.name) else {
                continue;
            };
            let is_named = options.anchors.contains(&first.agent.name);
            let is_candidate = is_named || (options.anchors.is_empty() && first.suite == own.suite);
            if !is_candidate || first.condition != own.condition {
                continue;
            }
            let Some((before, after)) = self.beside(sides, series) else { continue };
            // Who names an anchor vouches for what its entries do not state.
            let is_same =
                if is_named { LedgerEntry::states_the_same_as } else { LedgerEntry::is_unchanged_from };
            found.extend(testimonies(WitnessKind::Anchor, before, after, is_same));
        }
        found
    }

    /// An anchor's runs in the time of the agent's before the change and in that after it. An anchor may be run on its own, earlier or later
    /// than the agent each time: so each time goes on to the anchor's next run beyond its outer end, unless the agent had another change
    /// there. It goes on no further, for what happened to the anchor while the agent was not run says nothing of the agent. Runs
    /// between both sides belong to neither.
    fn beside(&self, sides: Sides<'a>, series: &'a [LedgerEntry]) -> Option<(Runs<'a>, Runs<'a>)> {
        let (from, until) = (moment(sides.before.first()?), moment(sides.before.last()?));
        let (since, to) = (moment(sides.after.first()?), moment(sides.after.last()?));
        let is_first_stretch = self.before.start == 0;
        let is_last_stretch = self.after.end == self.entries.len();
        let earlier = series.iter().rev().find(|entry| moment(entry) < from).filter(|_| is_first_stretch);
        let later = series.iter().find(|entry| moment(entry) > to).filter(|_| is_last_stretch);
        let within = |from, to| series.iter().filter(move |entry| (from..=to).contains(&moment(entry)));
        let before = earlier.into_iter().chain(within(from, until)).collect();
        let after = within(since, to).chain(later).collect();
        Some((before, after))
    }

    /// Compares the witness before and after, and the agent with it.
    pub(super) fn witness(
        &self,
        testimony: &Testimony<'a>,
        sides: Sides<'a>,
        options: &HistoryOptions,
        level: Level,
    ) -> Option<Witness> {
        let (first, own) = (testimony.before.first()?, self.entries.first()?);
        let tasks = common(first, own, options, testimony.kind);
        let shift = |before: &[&LedgerEntry], after: &[&LedgerEntry]| {
            Shift::new(&on(before, &tasks), &on(after, &tasks))
        };
        let theirs = shift(&testimony.before, &testimony.after)?;
        let moved = theirs.difference(level);
        let beyond = match testimony.kind {
            WitnessKind::Itself => Err(Reason::ITSELF),
            WitnessKind::Anchor => shift(sides.before, sides.after)
                .ok_or(Reason::NO_GRADED_TRIALS)
                .and_then(|ours| beyond(&ours.difference(level)?, &moved.clone()?, level)),
        };
        let is_tested = theirs.p_two_sided() <= level.alpha();
        let model = sides.after.first().and_then(|after| after.agent.model.as_ref());
        Some(Witness {
            kind: testimony.kind,
            agent: first.agent.name.clone(),
            suite: first.suite.clone(),
            tasks: tasks.len() as u64,
            runs_before: testimony.before.len() as u64,
            runs_after: testimony.after.len() as u64,
            shares_model: model.is_some() && first.agent.model.as_ref() == model,
            moved_too: is_tested && leaves_out_none(&moved, self.direction),
            is_exceeded: leaves_out_none(&beyond, self.direction),
            moved: moved.into(),
            beyond: beyond.into(),
        })
    }
}

impl<'a> Sides<'a> {
    /// The agent's own runs, by what was the same in them on both sides.
    pub(super) fn itself(self) -> Vec<Testimony<'a>> {
        let (before, after) = (self.before.to_vec(), self.after.to_vec());
        testimonies(WitnessKind::Itself, before, after, LedgerEntry::is_unchanged_from)
    }

    /// Whether the model that the agent states is another one after the change.
    pub(super) fn is_given_another_model(self) -> bool {
        let model = |entry: Option<&&'a LedgerEntry>| entry.and_then(|entry| entry.agent.model.as_ref());
        let (before, after) = (model(self.before.last()), model(self.after.first()));
        before.is_some() && after.is_some() && before != after
    }
}

/// When a run was, for the order of runs of one time too.
fn moment(entry: &LedgerEntry) -> (Timestamp, &RunId) {
    (entry.at, &entry.run)
}

/// Whether an interval leaves 0 out on the direction's side.
fn leaves_out_none(estimate: &Result<Estimate, Reason>, direction: Direction) -> bool {
    let interval = estimate.as_ref().ok().and_then(|estimate| estimate.interval.interval());
    interval.is_some_and(|interval| match direction {
        Direction::Worse => interval.high.value() < 0.0,
        Direction::Better => interval.low.value() > 0.0,
    })
}

/// Groups runs on both sides by what was the same in them; what is on one side only says nothing.
fn testimonies<'a>(
    kind: WitnessKind,
    before: Runs<'a>,
    after: Runs<'a>,
    is_same: fn(&LedgerEntry, &LedgerEntry) -> bool,
) -> Vec<Testimony<'a>> {
    let mut groups: Vec<Testimony<'a>> = Vec::new();
    for entry in before {
        match groups.iter_mut().find(|group| group.before.iter().all(|known| is_same(entry, known))) {
            Some(group) => group.before.push(entry),
            None => groups.push(Testimony { kind, before: vec![entry], after: Vec::new() }),
        }
    }
    for entry in after {
        if let Some(group) =
            groups.iter_mut().find(|group| group.before.iter().all(|known| is_same(entry, known)))
        {
            group.after.push(entry);
        }
    }
    groups.retain(|group| !group.after.is_empty());
    groups
}

/// The tasks that both have, by name and digest; of an anchor those that were chosen.
fn common(
    witness: &LedgerEntry,
    own: &LedgerEntry,
    options: &HistoryOptions,
    kind: WitnessKind,
) -> Vec<TaskName> {
    let is_chosen = |name: &TaskName| {
        kind == WitnessKind::Itself || options.anchor_tasks.is_empty() || options.anchor_tasks.contains(name)
    };
    let is_shared = |name: &TaskName, digest: &Option<ContentDigest>| {
        own.tasks.iter().any(|task| task.name == *name && task.digest == *digest)
    };
    let tasks =
        witness.tasks.iter().filter(|task| is_chosen(&task.name) && is_shared(&task.name, &task.digest));
    tasks.map(|task| task.name.clone()).collect()
}

/// The counts of some tasks over all runs.
fn on(entries: &[&LedgerEntry], tasks: &[TaskName]) -> Vec<Counts> {
    let of = |name: &TaskName| {
        let counts = entries.iter().filter_map(|entry| {
            let place = entry.tasks.binary_search_by(|task| task.name.cmp(name)).ok()?;
            entry.tasks.get(place).map(super::entry::LedgerTask::counts)
        });
        counts.fold(Counts::of(&[]), added)
    };
    tasks.iter().map(of).collect()
}

/// The agent's difference minus the witness's.
fn beyond(ours: &Estimate, theirs: &Estimate, level: Level) -> Result<Estimate, Reason> {
    let plain = |estimate: &Estimate| {
        let interval = estimate.interval.interval().ok_or(Reason::NO_METHOD)?;
        let ends = retrial_stats::Interval::new(interval.low.value(), interval.high.value());
        Ok::<_, Reason>((estimate.point.value(), ends.map_err(|_| Reason::from(Undefined::NotFinite))?))
    };
    let point = ours.point.value() - theirs.point.value();
    let interval = plain(ours).and_then(|ours| Ok((ours, plain(theirs)?)));
    let interval =
        interval.and_then(|(ours, theirs)| Interval::new(square_and_add(ours, theirs), level, Method::Mover));
    let n = Evidence { trials: ours.n.trials.saturating_add(theirs.n.trials), tasks: ours.n.tasks };
    Estimate::new(point, n, Target::FixedSuite, interval)
}
