//! What the wire says of a trial, once it has ended.

use retrial_spec::{AuditSeal, Cost, Fact, Usage};

use crate::InjectedFault;

/// What went over the wire in one attempt at a trial. The question after the end counts only where a field says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    /// Requests of the agent that reached its model, retried ones included.
    pub exchanges: u64,
    /// Requests of the agent that were turned away because the budget was spent.
    pub turned_away: u64,
    /// Tokens of all answered requests; missing where one of them does not state its own.
    pub usage: Fact<Usage>,
    /// Money for all answered requests, rounded to the nearest millionth once; missing where one has no usage or no price.
    pub cost: Fact<Cost>,
    /// Tokens of the question after the end.
    pub elicitation_usage: Fact<Usage>,
    /// Money for the question after the end.
    pub elicitation_cost: Fact<Cost>,
    /// Milliseconds in which at least one request of the agent was with the model.
    pub model_ms: u64,
    /// Milliseconds in which no request was with the model and at least one waited: kept back by the gateway for the provider's rate
    /// limit, or by the agent between a reply with status 429 or 5xx and the same request sent again.
    pub waiting_ms: u64,
    /// The last text of the agent's main conversation.
    pub last_text: Option<String>,
    /// Whether a request was turned away because the budget was spent.
    pub over_budget: bool,
    /// Whether the last reply of the agent's main conversation declines.
    pub refused: bool,
    /// Faults put on the wire on purpose, in the order of their requests.
    pub faults: Vec<InjectedFault>,
    /// How the provider failed the agent's last request; none where it answered, the request was itself at fault, or the failure was
    /// put there on purpose.
    pub provider_failure: Option<ProviderFailure>,
    /// The end of the audit log; missing until the door is closed.
    pub audit: Fact<AuditSeal>,
    /// How a replayed trial was not what was recorded; none where it was, or where nothing was replayed.
    pub divergence: Option<String>,
    /// What went wrong in the agent's last request; none where it went well.
    pub last_fault: Option<String>,
}

/// How a provider failed a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderFailure {
    /// What went wrong.
    pub cause: String,
    /// Whether part of a reply came, which an agent may have taken for the whole.
    pub is_partial: bool,
}

/// The answer to the question after the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The text as the model gave it.
    pub text: String,
    /// The exchange's number in the wire log.
    pub exchange: u32,
    /// Whether the model declined.
    pub refused: bool,
}
