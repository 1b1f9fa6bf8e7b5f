//! The stopping rule between the runner, which knows no statistics, and the measures, which know no runs.

use std::sync::Arc;

use retrial_metrics::StopRule;
use retrial_runner::{Plan, StoppingRule};
use retrial_spec::{AgentRounds, Look};

use crate::failure::Failure;

#[derive(Debug)]
struct Rule(StopRule);

impl StoppingRule for Rule {
    fn look(&self, round: u32, agents: &[AgentRounds]) -> Look {
        self.0.look(round, agents)
    }
}

/// Returns what decides whether a run of the plan goes on; none where the experiment has no `stop`.
pub(crate) fn rule(plan: &Plan) -> Result<Option<Arc<dyn StoppingRule>>, Failure> {
    let Some(stop) = &plan.experiment.stop else { return Ok(None) };
    let rule = StopRule::new(stop, plan.stop_baseline.as_ref())
        .map_err(|error| Failure::Usage(format!("the stopping rule cannot be used: {error}")))?;
    Ok(Some(Arc::new(Rule(rule))))
}
