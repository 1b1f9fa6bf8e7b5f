//! One-sided bounds of what decides: success, success several times in a row, and failures that nobody is told of.

use retrial_spec::AutonomyNeeds;
use schemars::JsonSchema;
use serde::Serialize;

use crate::value::{Evidence, Method, Number};

/// What a bound is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundOf {
    /// The success rate, mean over tasks.
    Success,
    /// The probability that `k` trials of a task in a row succeed (pass^k), mean over tasks.
    Repeated,
    /// The share of trials that fail without their agent saying so, mean over tasks.
    Invisible,
}

impl BoundOf {
    /// All three, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Success, Self::Repeated, Self::Invisible];

    /// Returns what the needs ask of it.
    pub(super) fn needed(self, needs: &AutonomyNeeds) -> Option<f64> {
        match self {
            Self::Success => Some(needs.success),
            Self::Repeated => needs.repeated,
            Self::Invisible => needs.invisible,
        }
    }
}

/// An estimate with its two one-sided bounds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Bound {
    /// What it is of.
    pub of: BoundOf,
    /// How many trials in a row, for [`BoundOf::Repeated`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
    /// How many in a row the bounds were made of, where some task has fewer than `k` trials: the lower bound of pass^from to the power
    /// k/from, and the upper one of pass^from itself, between which pass^k lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    /// What was observed; with `from` that of pass^from, which pass^k never exceeds.
    pub point: Number,
    /// The bound that decides: the lower one of success, the upper one of invisible failures.
    pub bound: Number,
    /// The bound on the other side, beyond which a need is shown to be missed.
    pub beyond: Number,
    /// The one-sided confidence of the bound that decides.
    pub confidence: f64,
    /// The one-sided confidence of the bound on the other side, at which all needs of all cells are shown to be missed together.
    pub beyond_confidence: f64,
    /// What it rests on.
    pub n: Evidence,
    /// How the bounds were made; none where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
}

impl Bound {
    /// Whether the bound meets a need.
    pub(super) fn meets(&self, need: f64) -> bool {
        self.bound.value().is_some_and(|bound| self.is_good_enough(bound, need))
    }

    /// Whether what was observed would meet a need if it were the truth.
    pub(super) fn point_meets(&self, need: f64) -> bool {
        self.point.value().is_some_and(|point| self.is_good_enough(point, need))
    }

    /// Whether it is shown that the need is missed.
    pub(super) fn misses(&self, need: f64) -> bool {
        self.beyond.value().is_some_and(|beyond| !self.is_good_enough(beyond, need))
    }

    fn is_good_enough(&self, value: f64, need: f64) -> bool {
        // Decimal needs such as 0.8 must not be missed by the last bit of a mean.
        const SLACK: f64 = 1e-12;
        if self.of == BoundOf::Invisible { value <= need + SLACK } else { value >= need - SLACK }
    }
}

/// The one-sided confidences of bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sure {
    /// Of the bound that decides.
    pub(super) bound: f64,
    /// Of the bound on the other side.
    pub(super) beyond: f64,
}

impl Sure {
    /// The same confidence for both, where only one side is looked at.
    pub(super) fn both(confidence: f64) -> Self {
        Self { bound: confidence, beyond: confidence }
    }
}

/// The three bounds of some tasks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Measured {
    /// Of the success rate.
    pub success: Bound,
    /// Of success several times in a row.
    pub repeated: Bound,
    /// Of failures that nobody is told of.
    pub invisible: Bound,
}

impl Measured {
    /// Returns a bound.
    pub fn of(&self, of: BoundOf) -> &Bound {
        match of {
            BoundOf::Success => &self.success,
            BoundOf::Repeated => &self.repeated,
            BoundOf::Invisible => &self.invisible,
        }
    }

    /// Returns the bounds that decide, with those on the other side taken from other counts of the same tasks.
    pub(super) fn beyond_of(self, other: Self) -> Self {
        let with = |bound: Bound, other: Bound| Bound { beyond: other.beyond, ..bound };
        Self {
            success: with(self.success, other.success),
            repeated: with(self.repeated, other.repeated),
            invisible: with(self.invisible, other.invisible),
        }
    }

    /// Whether all needs are met.
    pub(super) fn meets(&self, needs: &AutonomyNeeds) -> bool {
        BoundOf::ALL.into_iter().all(|of| of.needed(needs).is_none_or(|need| self.of(of).meets(need)))
    }
}
