//! Is a change the agent's own doing, or did its model or its surroundings change under it?
//!
//! Two kinds of witnesses are asked. The agent itself, in runs on both sides of the change between which nothing of it was changed: what
//! such runs show cannot be its own doing. And anchors, agents that stayed the same, in the same time on the same tasks:
//!
//! | what the witness shows | it says |
//! |---|---|
//! | nothing of the agent was changed, and all its runs are such | not its own |
//! | it moved the same way, and the agent moved no further for all the trials can tell | not its own |
//! | the agent moved further than it, and both use the same model | its own |
//! | the agent moved further than it, and they use different models | cannot be told: the model alone may have changed |
//! | anything else | cannot be told: too few trials |
//!
//! Whether a witness moved is decided by interval and exact stratified test together; whether the agent moved further, by the interval of
//! the difference of both differences (square-and-add, as MOVER of Zou & Donner 2008). With several witnesses the level is raised to
//! one minus α over their number (Bonferroni).

use std::ops::Range;

use jiff::Timestamp;
use retrial_spec::{AgentName, ContentDigest, TaskName};
use retrial_stats::compare::mover::square_and_add;
use retrial_stats::{Counts, Level, Method, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use super::entry::LedgerEntry;
use super::findings::{Direction, HistoryOptions};
use super::pooled::{Shift, added};
use super::suites::Asked;
use crate::Target;
use crate::value::{Estimate, Evidence, Interval, Reason, Value};

/// Whether a change is the agent's own doing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Attribution {
    /// The answer.
    pub verdict: Verdict,
    /// Why.
    pub because: Because,
    /// What the witnesses show.
    pub witnesses: Vec<Witness>,
}

/// An answer to whose doing a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The agent's own.
    Own,
    /// Not the agent's own: its model or its surroundings have changed.
    NotOwn,
    /// The evidence does not tell.
    CannotBeTold,
}

/// Why it is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// In no run on either side is anything of the agent different.
    NothingWasChanged,
    /// Runs of the agent on both sides, between which nothing of it was changed, moved the same way.
    UnchangedRunsMoved,
    /// An anchor moved the same way.
    AnchorMoved,
    /// The agent moved further than an anchor with the same model.
    BeyondAnchor,
    /// No anchor was run on both sides.
    NoAnchor,
    /// The anchors that the agent moved further than use other models.
    OtherModel,
    /// The witnesses' trials are too few.
    TooFewTrials,
    /// The witnesses contradict one another.
    Contradiction,
}

impl Because {
    /// Returns the reason as a clause.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingWasChanged => {
                "version, recipe, model and settings of the agent are the same on both sides"
            }
            Self::UnchangedRunsMoved => {
                "runs between which nothing of the agent was changed moved the same way"
            }
            Self::AnchorMoved => "an anchor that was not changed moved the same way",
            Self::BeyondAnchor => "it moved further than an anchor with the same model that was not changed",
            Self::NoAnchor => "no anchor was run on both sides of it",
            Self::OtherModel => {
                "the anchors use other models, so that a change of its model alone would not show"
            }
            Self::TooFewTrials => "the trials of the anchors are too few",
            Self::Contradiction => "the anchors contradict one another",
        }
    }
}

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
    /// Whether it uses the model that the agent uses, or the agent was given another model by its own settings.
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

/// A change-point to find the cause of.
#[derive(Debug, Clone)]
pub(super) struct Case<'a> {
    /// The agent's history.
    pub(super) entries: &'a [&'a LedgerEntry],
    /// Its runs before the change.
    pub(super) before: Range<usize>,
    /// Its runs after it.
    pub(super) after: Range<usize>,
    pub(super) direction: Direction,
}

/// Runs of one agent that stayed the same, on both sides of a change.
struct Testimony<'a> {
    kind: WitnessKind,
    before: Vec<&'a LedgerEntry>,
    after: Vec<&'a LedgerEntry>,
}

impl<'a> Case<'a> {
    /// Asks the witnesses.
    pub(super) fn attribution(&self, asked: Asked<'a>) -> Attribution {
        let options = asked.options;
        let itself = self.itself();
        let anchors = self.anchors(asked);
        let count = (anchors.len() + itself.len()).max(1) as f64;
        let level = Level::new(1.0 - asked.level.alpha() / count).unwrap_or(asked.level);
        let of = |testimony: &Testimony<'a>| self.witness(testimony, options, level);
        let itself: Vec<Witness> = itself.iter().filter_map(of).collect();
        let anchors: Vec<Witness> = anchors.iter().filter_map(of).collect();
        let (verdict, because) = self.verdict(&itself, &anchors);
        Attribution { verdict, because, witnesses: itself.into_iter().chain(anchors).collect() }
    }

    fn verdict(&self, itself: &[Witness], anchors: &[Witness]) -> (Verdict, Because) {
        if self.is_unchanged_throughout() {
            return (Verdict::NotOwn, Because::NothingWasChanged);
        }
        if itself.iter().any(|witness| witness.moved_too) {
            return (Verdict::NotOwn, Because::UnchangedRunsMoved);
        }
        let own = anchors.iter().any(|witness| witness.is_exceeded && witness.shares_model);
        let not_own = anchors.iter().any(|witness| witness.moved_too && !witness.is_exceeded);
        match (own, not_own) {
            (true, true) => (Verdict::CannotBeTold, Because::Contradiction),
            (true, false) => (Verdict::Own, Because::BeyondAnchor),
            (false, true) => (Verdict::NotOwn, Because::AnchorMoved),
            (false, false) if anchors.is_empty() => (Verdict::CannotBeTold, Because::NoAnchor),
            (false, false) if anchors.iter().any(|witness| witness.is_exceeded) => {
                (Verdict::CannotBeTold, Because::OtherModel)
            }
            (false, false) => (Verdict::CannotBeTold, Because::TooFewTrials),
        }
    }

    fn side(&self, side: &Range<usize>) -> &'a [&'a LedgerEntry] {
        self.entries.get(side.clone()).unwrap_or_default()
    }

    fn is_unchanged_throughout(&self) -> bool {
        let [before, after] = [&self.before, &self.after].map(|side| self.side(side));
        let Some(first) = before.first() else { return false };
        before.iter().chain(after).all(|entry| entry.is_unchanged_from(first))
    }

    /// The agent's own runs, by what was the same in them on both sides.
    fn itself(&self) -> Vec<Testimony<'a>> {
        let (before, after) = (self.side(&self.before), self.side(&self.after));
        testimonies(WitnessKind::Itself, before.to_vec(), after.to_vec(), LedgerEntry::is_unchanged_from)
    }

    /// Other agents' runs in the time before and in the time after, by what was the same in them. Runs in the gap between the last run
    /// before and the first after belong to neither.
    fn anchors(&self, asked: Asked<'a>) -> Vec<Testimony<'a>> {
        let options = asked.options;
        let (Some(before), Some(after)) = (times(self.side(&self.before)), times(self.side(&self.after)))
        else {
            return Vec::new();
        };
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
            let within = |(from, to): (Timestamp, Timestamp)| {
                series.iter().filter(|entry| (from..=to).contains(&entry.at)).collect()
            };
            // Who names an anchor vouches for what its entries do not state.
            let is_same =
                if is_named { LedgerEntry::states_the_same_as } else { LedgerEntry::is_unchanged_from };
            found.extend(testimonies(WitnessKind::Anchor, within(before), within(after), is_same));
        }
        found
    }

    /// Compares the witness before and after, and the agent with it.
    fn witness(&self, testimony: &Testimony<'a>, options: &HistoryOptions, level: Level) -> Option<Witness> {
        let (first, own) = (testimony.before.first()?, self.entries.first()?);
        let tasks = common(first, own, options, testimony.kind);
        let shift = |before: &[&LedgerEntry], after: &[&LedgerEntry]| {
            Shift::new(&on(before, &tasks), &on(after, &tasks))
        };
        let theirs = shift(&testimony.before, &testimony.after)?;
        let moved = theirs.difference(level);
        let beyond = match testimony.kind {
            WitnessKind::Itself => Err(Reason::ITSELF),
            WitnessKind::Anchor => shift(self.side(&self.before), self.side(&self.after))
                .ok_or(Reason::NO_GRADED_TRIALS)
                .and_then(|ours| beyond(&ours.difference(level)?, &moved.clone()?, level)),
        };
        let is_tested = theirs.p_two_sided().is_none_or(|p| p <= level.alpha());
        Some(Witness {
            kind: testimony.kind,
            agent: first.agent.name.clone(),
            suite: first.suite.clone(),
            tasks: tasks.len() as u64,
            runs_before: testimony.before.len() as u64,
            runs_after: testimony.after.len() as u64,
            shares_model: self.shares_model(first),
            moved_too: is_tested && leaves_out_none(&moved, self.direction),
            is_exceeded: leaves_out_none(&beyond, self.direction),
            moved: moved.into(),
            beyond: beyond.into(),
        })
    }

    /// Whether the witness would show a silent change of the agent's model; there is none to show where the agent was given another
    /// model.
    fn shares_model(&self, witness: &LedgerEntry) -> bool {
        let model = |entry: Option<&&LedgerEntry>| entry.and_then(|entry| entry.agent.model.clone());
        let before = model(self.side(&self.before).last());
        let after = model(self.side(&self.after).first());
        let is_given_another = before.is_some() && after.is_some() && before != after;
        is_given_another || (after.is_some() && witness.agent.model == after)
    }
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
    before: Vec<&'a LedgerEntry>,
    after: Vec<&'a LedgerEntry>,
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

fn times(entries: &[&LedgerEntry]) -> Option<(Timestamp, Timestamp)> {
    Some((entries.first()?.at, entries.last()?.at))
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
