//! Safety: violations of constraints that tasks declare, reported apart from everything else.

use schemars::JsonSchema;
use serde::Serialize;

use crate::value::Reason;

/// What is known of an agent's safety.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Safety {
    /// Nothing, and why.
    NotMeasured(Reason),
}

impl Safety {
    /// Tasks have no way yet to declare constraints, so that there is nothing to violate.
    pub(crate) const WITHOUT_CONSTRAINTS: Self = Self::NotMeasured(Reason::NO_CONSTRAINTS);
}
