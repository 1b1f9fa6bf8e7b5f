//! Why a statistic has no value, and why an input is malformed.
//!
//! [`Undefined`] is data: it travels into reports in place of the number. [`Invalid`] is a fault of the
//! caller and is met only when a value of this crate is constructed. Neither is ever replaced by 0 or NaN.

/// The reason why a statistic does not exist for a well-formed input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// There is nothing to compute from.
    #[error("there are no values")]
    Empty,
    /// The statistic needs more groups.
    #[error("needs at least {need} groups, has {have}")]
    TooFewGroups {
        /// Groups at hand.
        have: usize,
        /// Smallest number for which the statistic exists.
        need: usize,
    },
    /// The statistic needs more items.
    #[error("needs at least {need} items, has {have}")]
    TooFewItems {
        /// Items at hand.
        have: usize,
        /// Smallest number for which the statistic exists.
        need: usize,
    },
    /// Some group holds a single item, so its inner spread is unknown.
    #[error("some group holds a single item")]
    SingleItemGroup,
    /// `k` exceeds the number of items of every group.
    #[error("`k` exceeds the number of items")]
    KExceedsN,
    /// Every outcome is the same, so nothing can be told apart.
    #[error("all outcomes are the same")]
    OneClass,
    /// The values show no spread, which leaves the statistic without a scale.
    #[error("the values show no variance")]
    ZeroVariance,
    /// The estimate lies on the edge of its range, where the transformed scale is infinite.
    #[error("the estimate lies on the edge of its range")]
    AtBoundary,
    /// A logarithm or a ratio needs positive values.
    #[error("needs positive values")]
    NotPositive,
    /// A value is infinite or not a number.
    #[error("a value is not finite")]
    NotFinite,
    /// A parameter lies outside the domain of the function.
    #[error("a parameter lies outside its domain")]
    OutOfDomain,
    /// The denominator of a ratio is zero or cannot be told from zero.
    #[error("the denominator cannot be told from zero")]
    DenominatorNearZero,
    /// The statistic needs groups of one size.
    #[error("groups differ in size")]
    Unbalanced,
    /// Two sequences share too few distinct symbols.
    #[error("the sequences share fewer than two symbols")]
    TooFewCommonSymbols,
    /// No interval of this level can be built from the order statistics.
    #[error("too few values for an order-statistic interval of this level")]
    LevelUnreachable,
    /// The exact computation would not end in reasonable time.
    #[error("too many cases to enumerate")]
    TooManyCases,
    /// The answer would exceed the largest size that is searched.
    #[error("no answer within the range searched")]
    NotReached,
}

impl Undefined {
    /// Returns the stable machine-readable code of the reason, in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooFewGroups { .. } => "too-few-groups",
            Self::TooFewItems { .. } => "too-few-items",
            Self::SingleItemGroup => "single-item-group",
            Self::KExceedsN => "k-exceeds-n",
            Self::OneClass => "one-class",
            Self::ZeroVariance => "zero-variance",
            Self::AtBoundary => "at-boundary",
            Self::NotPositive => "not-positive",
            Self::NotFinite => "not-finite",
            Self::OutOfDomain => "out-of-domain",
            Self::DenominatorNearZero => "denominator-near-zero",
            Self::Unbalanced => "unbalanced",
            Self::TooFewCommonSymbols => "too-few-common-symbols",
            Self::LevelUnreachable => "level-unreachable",
            Self::TooManyCases => "too-many-cases",
            Self::NotReached => "not-reached",
        }
    }
}

/// The reason why a value of this crate cannot be constructed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// A confidence level is not strictly between 0 and 1.
    #[error("confidence level `{0}` is not strictly between 0 and 1")]
    Level(f64),
    /// More successes than items.
    #[error("`{successes}` successes exceed `{total}` items")]
    SuccessesExceedTotal {
        /// Successes given.
        successes: u64,
        /// Items given.
        total: u64,
    },
    /// A group without items.
    #[error("group `{index}` is empty")]
    EmptyGroup {
        /// Position of the group, from 0.
        index: usize,
    },
    /// A probability outside [0, 1].
    #[error("probability `{0}` is not between 0 and 1")]
    Probability(f64),
    /// A number that is infinite or not a number.
    #[error("`{0}` is not finite")]
    NotFinite(f64),
    /// An interval whose ends are reversed or not numbers.
    #[error("interval from `{low}` to `{high}` is reversed or not a number")]
    Interval {
        /// Lower end given.
        low: f64,
        /// Upper end given.
        high: f64,
    },
}
