//! Budgets: how much may be used, and what was charged to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a budget is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetKind {
    /// Requests.
    Requests,
    /// Tokens.
    Tokens,
    /// Money.
    Usd,
    /// Time.
    Wall,
}

impl BudgetKind {
    /// Returns the kind's word as it stands in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Usd => "money",
            Self::Wall => "time",
        }
    }
}

/// How much may be used; no limit where absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    pub usd_micros: Option<u64>,
}

/// What budgets were charged for something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
    /// Millionths of a US dollar.
    pub usd_micros: u64,
}

impl Charge {
    /// Returns the sum.
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            tokens: self.tokens.saturating_add(other.tokens),
            usd_micros: self.usd_micros.saturating_add(other.usd_micros),
        }
    }
}

impl Budget {
    /// Returns a budget of so many requests and nothing else limited.
    pub fn of_requests(requests: u64) -> Self {
        Self { requests: Some(requests), ..Self::default() }
    }

    /// Returns the limits that there are, of requests, tokens and money, each with its part of `charge`.
    pub fn against(self, charge: Charge) -> impl Iterator<Item = (BudgetKind, u64, u64)> {
        let kinds = [
            (BudgetKind::Requests, self.requests, charge.requests),
            (BudgetKind::Tokens, self.tokens, charge.tokens),
            (BudgetKind::Usd, self.usd_micros, charge.usd_micros),
        ];
        kinds.into_iter().filter_map(|(kind, limit, charged)| Some((kind, limit?, charged)))
    }
}
