//! The measures of any set of tasks: all tasks of a scorecard, or those of one group.

use crate::actions::{self, TaskSimilarity};
use crate::estimators::Context;
use crate::trials::TaskTrials;
use crate::{Measure, confidence, resources, success};

/// One task's trials with what is costly to compute of them, which every set of tasks that holds the task shares.
pub(crate) struct TaskProfile<'a> {
    pub(crate) trials: TaskTrials<'a>,
    pub(crate) similarity: TaskSimilarity,
}

impl<'a> TaskProfile<'a> {
    pub(crate) fn new(trials: TaskTrials<'a>, context: &Context<'_>) -> Self {
        Self { trials, similarity: TaskSimilarity::new(&trials, context) }
    }
}

/// Returns every measure of a scorecard for a set of tasks, in the order of [`crate::MeasureId::ALL`].
pub(crate) fn measures(profiles: &[&TaskProfile<'_>], context: &Context<'_>) -> Vec<Measure> {
    let tasks: Vec<TaskTrials<'_>> = profiles.iter().map(|profile| profile.trials).collect();
    let similarities: Vec<&TaskSimilarity> = profiles.iter().map(|profile| &profile.similarity).collect();
    let mut measures = success::measures(&success::outcome_counts(&tasks), context);
    measures.extend(actions::measures(&tasks, &similarities, context));
    measures.extend(resources::spreads(&tasks, context));
    measures.extend(confidence::measures(&tasks, context));
    measures.extend(resources::quantiles(&tasks, context));
    measures
}
