//! The measures of any set of tasks: all tasks of a scorecard, or those of one group.

use std::convert::Infallible;

use crate::actions::{self, TaskSimilarity};
use crate::calibration::Calibration;
use crate::companions::{self, TaskCompanions};
use crate::estimators::Context;
use crate::openings::{self, PrefixAgreement, TaskOpenings};
use crate::sequences::{Compared, Sequences};
use crate::states::{self, TaskStates};
use crate::trials::TaskTrials;
use crate::value::Known;
use crate::{Measure, confidence, cost, difficulty, in_order, resources, stopping, success};

/// Into how many parts tasks are split for each thread, so that none waits long for the others.
const PARTS_PER_THREAD: usize = 4;

/// One task's trials with what is costly to compute of them, which every set of tasks that holds the task shares.
pub(crate) struct TaskProfile<'a> {
    pub(crate) trials: TaskTrials<'a>,
    pub(crate) similarity: TaskSimilarity,
    pub(crate) openings: TaskOpenings,
    companions: TaskCompanions,
    states: TaskStates,
}

impl<'a> TaskProfile<'a> {
    /// Computes those of every task, in their order.
    pub(crate) fn of_all(tasks: &[TaskTrials<'a>], context: &Context<'_>) -> Vec<Self> {
        let parts = tasks.chunks(tasks.len().div_ceil(PARTS_PER_THREAD * context.threads.get()).max(1));
        let mut profiles = Vec::with_capacity(tasks.len());
        let computed = |part: &[TaskTrials<'a>]| part.iter().map(|&task| Self::new(task, context)).collect();
        let kept = |part: Vec<Self>| {
            profiles.extend(part);
            Ok::<(), Infallible>(())
        };
        let Ok(()) = in_order::for_each(parts, context.threads, computed, kept);
        profiles
    }

    fn new(trials: TaskTrials<'a>, context: &Context<'_>) -> Self {
        let sequences = Sequences::new(&trials, context);
        let (names, kinds) = (Compared::of(&sequences.names), Compared::of(&sequences.kinds));
        Self {
            trials,
            similarity: TaskSimilarity::new(&names, &kinds, &sequences.passed),
            openings: TaskOpenings::new(&sequences),
            companions: TaskCompanions::new(&names, &sequences.passed),
            states: TaskStates::new(&trials),
        }
    }
}

/// What is measured of a set of tasks.
pub(crate) struct Profile {
    /// Every measure of a scorecard, in the order of [`crate::MeasureId::ALL`].
    pub(crate) measures: Vec<Measure>,
    pub(crate) calibration: Known<Calibration>,
    pub(crate) prefix_agreement: Vec<PrefixAgreement>,
}

impl Profile {
    pub(crate) fn of(profiles: &[&TaskProfile<'_>], context: &Context<'_>) -> Self {
        let tasks: Vec<TaskTrials<'_>> = profiles.iter().map(|profile| profile.trials).collect();
        let similarities: Vec<&TaskSimilarity> = profiles.iter().map(|profile| &profile.similarity).collect();
        let openings: Vec<&TaskOpenings> = profiles.iter().map(|profile| &profile.openings).collect();
        let companions: Vec<&TaskCompanions> = profiles.iter().map(|profile| &profile.companions).collect();
        let states: Vec<&TaskStates> = profiles.iter().map(|profile| &profile.states).collect();
        let counts = success::outcome_counts(&tasks);
        let recorded = actions::recorded(&tasks);
        let (of_confidence, calibration) = confidence::measures(&tasks, context);
        let mut measures = success::measures(&counts, context);
        measures.push(difficulty::pooled(&counts, context));
        measures.extend(difficulty::measures(&counts, &tasks, context));
        measures.extend(actions::measures(&recorded, &similarities, context));
        measures.extend(companions::measures(&recorded, &companions, context));
        measures.extend(openings::measures(&openings, &recorded, context));
        measures.extend(states::measures(&tasks, &states, context));
        measures.extend(resources::measures(&tasks, context));
        measures.push(cost::measure(&tasks, context));
        measures.extend(of_confidence);
        measures.sort_by_key(|measure| measure.id);
        stopping::adjust(&mut measures, &tasks, context);
        let prefix_agreement = openings::curves(&openings, &recorded);
        Self { measures, calibration, prefix_agreement }
    }
}
