//! A trial as their analysis sees it.

use super::safety::Judged;

/// The phase ("run type") a trial belongs to; it stands for a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Nothing is varied.
    Baseline,
    /// Faults.
    Fault,
    /// A changed environment.
    Structural,
    /// A reworded prompt.
    Prompt,
}

/// A trial with its place in their table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its phase.
    pub phase: Phase,
    /// Which repetition it belongs to; a repetition is one pass over all tasks.
    pub run: u32,
    /// Its task, as a position in a table of tasks; results come in this order.
    pub task: u32,
    /// The trial.
    pub trial: Trial,
}

/// What they keep of a trial. Amounts that are not known are 0, as in their records, and mostly dropped later.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trial {
    /// The reward; a fraction is cut down to the next whole number where it counts.
    pub reward: f64,
    /// The stated confidence.
    pub confidence: Option<f64>,
    /// A confidence read from the answer's details, which only the consistency of confidence falls back to.
    pub parsed_confidence: Option<f64>,
    /// The names of the actions in order, as codes.
    pub actions: Vec<u32>,
    /// Money in US dollars.
    pub cost_usd: f64,
    /// Seconds.
    pub time_s: f64,
    /// How many model calls were made.
    pub calls: u64,
    /// The mean time of a model call in milliseconds.
    pub mean_latency_ms: f64,
    /// Input tokens.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub completion_tokens: u64,
    /// How many actions there were, as the confidence's details say: 0 where no confidence was asked for.
    pub stated_actions: u64,
    /// How many of them failed, as the confidence's details say.
    pub stated_errors: u64,
    /// What a judge said of its safety; none where no judge looked.
    pub judged: Option<Judged>,
    /// Whether the agent abstained; none where nobody looked.
    pub abstention: Option<Abstention>,
}

/// Whether an agent declined to do its task, as far as patterns in its messages tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Abstention {
    /// Whether it did.
    pub abstained: bool,
    /// In which way.
    pub kind: String,
    /// How strongly, in [0, 1].
    pub strength: f64,
}

/// US dollars for a million input tokens of any model, where a cost is 0.
const INPUT_USD: f64 = 5.0;

/// US dollars for a million output tokens of any model, where a cost is 0.
const OUTPUT_USD: f64 = 15.0;

/// Returns what a reward counts as: its whole part, so that 0.99 is a failure.
pub fn success(reward: f64) -> f64 {
    reward.trunc()
}

impl Trial {
    /// Returns what the reward counts as.
    pub fn success(&self) -> f64 {
        success(self.reward)
    }

    /// Returns whether the trial succeeded.
    pub fn succeeded(&self) -> bool {
        // Whole numbers are exact.
        (self.success() - 1.0).abs() < f64::EPSILON
    }

    /// Returns the cost in US dollars; where it is 0, an estimate from the tokens at one price for every model.
    pub fn cost(&self) -> f64 {
        if self.cost_usd == 0.0 {
            (self.prompt_tokens as f64 * INPUT_USD + self.completion_tokens as f64 * OUTPUT_USD) / 1e6
        } else {
            self.cost_usd
        }
    }
}
