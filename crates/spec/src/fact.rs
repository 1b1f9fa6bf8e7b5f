//! Facts with their provenance: a value says where it comes from, and a missing value says why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value with its source, or the reason why there is none.
///
/// Missing is never 0, NaN or an empty text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fact<T> {
    /// The value is known.
    Known {
        /// The value.
        value: T,
        /// Where it comes from.
        source: Source,
    },
    /// The value is missing.
    Missing(MissingReason),
}

impl<T> Fact<T> {
    /// Returns a known value.
    pub fn known(value: T, source: Source) -> Self {
        Self::Known { value, source }
    }

    /// Returns the value if it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Missing(_) => None,
        }
    }

    /// Returns the fact about `function` of the value, with the same source.
    pub fn map<U>(self, function: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known { value, source } => Fact::Known { value: function(value), source },
            Self::Missing(reason) => Fact::Missing(reason),
        }
    }
}

impl<T: Copy> Fact<T> {
    /// Returns the value itself if it is known.
    pub fn copied(&self) -> Option<T> {
        self.value().copied()
    }
}

/// Where a known value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The agent or provider said it in the asked form.
    Stated,
    /// It was read out of free text or of wire traffic.
    Parsed,
    /// It was computed from other recorded facts.
    Computed,
    /// It was read from another tool's files.
    Imported,
}

/// Why a value is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingReason {
    /// It was not asked for.
    NotAsked,
    /// There was no conversation that could be continued.
    NoConversation,
    /// An answer came and could not be read.
    Unparsable,
    /// The question was put and no answer came.
    NoAnswer,
    /// A model call reported no usage.
    NoUsage,
    /// The price table has no price for the model.
    NoPrice,
    /// No model call was made.
    NoCalls,
    /// The attempt ended before it could be observed.
    NotReached,
    /// The source of the record does not know it.
    NotRecorded,
    /// The run's budget had no room for it.
    OverBudget,
    /// Part of it was stated and part of it computed, and the two do not add up to one number.
    MixedSources,
}
