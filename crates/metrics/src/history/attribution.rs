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
//! | the agent moved further than it, and was given another model by its own settings | its own |
//! | the agent moved further than it, and they use different models | cannot be told: the model alone may have changed |
//! | anything else | cannot be told: too few trials |
//!
//! When a change began is an estimate, and a run on the wrong side of it would testify against the provider. So witnesses are asked of the
//! runs before the earliest and from the latest plausible first run on; what lies between belongs to neither side.
//!
//! Whether a witness moved is decided by interval and exact stratified test together; whether the agent moved further, by the interval of
//! the difference of both differences (square-and-add, as MOVER of Zou & Donner 2008). With several witnesses the level is raised to
//! one minus α over their number (Bonferroni).

use std::ops::Range;

use retrial_stats::Level;
use schemars::JsonSchema;
use serde::Serialize;

use super::entry::LedgerEntry;
use super::findings::Direction;
use super::suites::Asked;
use super::witnesses::{Sides, Testimony, Witness};

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
    /// The agent moved further than an anchor with another model, and was given another model by its own settings.
    GivenAnotherModel,
    /// No anchor was run on both sides.
    NoAnchor,
    /// Every run that could tell lies among those of which it is open whether they are before or after.
    DateLeftOpen,
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
            Self::GivenAnotherModel => {
                "it was given another model, and moved further than an anchor that was not changed"
            }
            Self::NoAnchor => "no anchor was run on both sides of it",
            Self::DateLeftOpen => {
                "it is open when it began, and no runs before and after what is open could tell"
            }
            Self::OtherModel => {
                "the anchors use other models, so that a change of its model alone would not show"
            }
            Self::TooFewTrials => "the trials of the anchors are too few",
            Self::Contradiction => "the anchors contradict one another",
        }
    }
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
    /// Its runs of which each may be the first after the change.
    pub(super) plausible: Range<usize>,
    pub(super) direction: Direction,
}

impl<'a> Case<'a> {
    /// Asks the witnesses.
    pub(super) fn attribution(&self, asked: Asked<'a>) -> Attribution {
        let options = asked.options;
        let sides = self.sides();
        let itself = sides.itself();
        let anchors = self.anchors(sides, asked);
        let count = (anchors.len() + itself.len()).max(1) as f64;
        let level = Level::new(1.0 - asked.level.alpha() / count).unwrap_or(asked.level);
        let of = |testimony: &Testimony<'a>| self.witness(testimony, sides, options, level);
        let itself: Vec<Witness> = itself.iter().filter_map(of).collect();
        let anchors: Vec<Witness> = anchors.iter().filter_map(of).collect();
        let (verdict, because) = match self.verdict(sides, &itself, &anchors) {
            (verdict, Because::NoAnchor) if itself.is_empty() && self.is_told_by_what_is_open(asked) => {
                (verdict, Because::DateLeftOpen)
            }
            said => said,
        };
        Attribution { verdict, because, witnesses: itself.into_iter().chain(anchors).collect() }
    }

    fn verdict(&self, sides: Sides<'a>, itself: &[Witness], anchors: &[Witness]) -> (Verdict, Because) {
        if self.is_unchanged_throughout() {
            return (Verdict::NotOwn, Because::NothingWasChanged);
        }
        if itself.iter().any(|witness| witness.moved_too) {
            return (Verdict::NotOwn, Because::UnchangedRunsMoved);
        }
        let exceeded = || anchors.iter().filter(|witness| witness.is_exceeded);
        // There is no silent change of the model to show where the agent was given another one.
        let own = if exceeded().any(|witness| witness.shares_model) {
            Some(Because::BeyondAnchor)
        } else if exceeded().next().is_some() && sides.is_given_another_model() {
            Some(Because::GivenAnotherModel)
        } else {
            None
        };
        let not_own = anchors.iter().any(|witness| witness.moved_too && !witness.is_exceeded);
        match (own, not_own) {
            (Some(_), true) => (Verdict::CannotBeTold, Because::Contradiction),
            (Some(because), false) => (Verdict::Own, because),
            (None, true) => (Verdict::NotOwn, Because::AnchorMoved),
            (None, false) if anchors.is_empty() => (Verdict::CannotBeTold, Because::NoAnchor),
            (None, false) if exceeded().next().is_some() => (Verdict::CannotBeTold, Because::OtherModel),
            (None, false) => (Verdict::CannotBeTold, Because::TooFewTrials),
        }
    }

    fn side(&self, side: Range<usize>) -> &'a [&'a LedgerEntry] {
        self.entries.get(side).unwrap_or_default()
    }

    /// The runs that are before and after, whichever plausible run was the first after the change.
    fn sides(&self) -> Sides<'a> {
        let latest = self.plausible.end.saturating_sub(1);
        Sides {
            before: self.side(self.before.start..self.plausible.start),
            after: self.side(latest..self.after.end),
        }
    }

    /// Whether there would be witnesses if it were known that the change began with the most likely run.
    fn is_told_by_what_is_open(&self, asked: Asked<'a>) -> bool {
        let sides = Sides { before: self.side(self.before.clone()), after: self.side(self.after.clone()) };
        self.plausible.len() > 1 && !(sides.itself().is_empty() && self.anchors(sides, asked).is_empty())
    }

    fn is_unchanged_throughout(&self) -> bool {
        let [before, after] = [&self.before, &self.after].map(|side| self.side(side.clone()));
        let Some(first) = before.first() else { return false };
        before.iter().chain(after).all(|entry| entry.is_unchanged_from(first))
    }
}
