//! What is said of one contender by itself.

use std::num::NonZeroUsize;

use retrial_spec::{AgentName, ConditionName, RunId};
use retrial_stats::{Level, moments};
use schemars::JsonSchema;
use serde::Serialize;

use super::takes::Taken;
use super::{ByTarget, Contender, Question};
use crate::estimators::{self, Context};
use crate::trials::TaskTrials;
use crate::value::{Estimate, Evidence, Number, Reason, Value};
use crate::{MeasureId, Resource, Settings, Target, resources, success};

/// One contender with the figures by which it stands in a table.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ContenderFacts {
    /// What it is called here.
    pub name: String,
    /// Its run.
    pub run: RunId,
    /// The agent.
    pub agent: AgentName,
    /// The agent's version, where it is known.
    pub version: Option<String>,
    /// The model, where it is known.
    pub model: Option<String>,
    /// The condition.
    pub condition: ConditionName,
    /// Graded trials, and the tasks that have any.
    pub n: Evidence,
    /// The mean over tasks of the share of trials that pass.
    pub success: ByTarget<Value>,
    /// The probability that all of k trials of a task pass, for the numbers of draws that a short table shows and the one that orders are
    /// compared by.
    pub pass_hat_k: Vec<DrawsValue>,
    /// All money spent for each trial that passed, in millionths of a US dollar.
    pub cost_per_success: Value,
    /// The median over tasks of the median cost of a trial, in millionths of a US dollar.
    pub cost_median: Value,
    /// The same of the working time, in milliseconds.
    pub time_median: Value,
    /// What a trial of a typical task costs: the geometric mean over tasks of the mean cost of a trial, in millionths of a US dollar, over
    /// the tasks in which every contender that costs anything costs more than 0; and 0 where no trial costs anything. The costs of two
    /// contenders differ by the ratio of these, so that it is the axis that costs are compared on.
    pub typical_cost: Value,
    /// The same of the working time, in milliseconds.
    pub typical_time: Value,
    /// What a trial has cost on average, in millionths of a US dollar, by which purchases are priced.
    pub mean_cost_usd_micros: Number,
}

/// A value for a number of draws.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DrawsValue {
    /// The number of draws.
    pub k: u32,
    /// The value.
    pub value: Value,
}

/// What is known of a contender besides its own trials.
pub(super) struct Beside<'a> {
    /// The draws that orders are compared by.
    pub(super) draws: Option<u32>,
    pub(super) cost: &'a Taken,
    pub(super) time: &'a Taken,
}

pub(super) fn facts(
    field: &[Contender<'_>],
    place: usize,
    beside: &Beside<'_>,
    question: &Question,
    level: Level,
) -> ContenderFacts {
    let Contender { name, manifest, card, entrant } = field[place];
    let tasks: Vec<TaskTrials<'_>> = entrant.tasks.iter().map(|task| task.view()).collect();
    let agent = manifest.agents.iter().find(|facts| facts.name == entrant.agent);
    let headline = |id| {
        let found = card.headline(id).map(|measure| measure.value.clone());
        found.unwrap_or(Value::Undefined(Reason::NOT_RECORDED))
    };
    let success = |target| success_rate(&tasks, &Settings { target, ..question.settings }, level).into();
    let curve = card.all(MeasureId::PassHatK).filter(|measure| measure.headline || measure.k == beside.draws);
    ContenderFacts {
        name: name.to_owned(),
        run: entrant.run.clone(),
        agent: entrant.agent.clone(),
        version: agent.and_then(|facts| facts.version.clone()),
        model: agent.and_then(|facts| facts.model.clone()),
        condition: entrant.condition.clone(),
        n: success::outcome_counts(&tasks)
            .map_or_else(|_| Evidence::default(), |counts| estimators::evidence(&counts)),
        success: ByTarget {
            population: success(Target::Population),
            fixed_suite: success(Target::FixedSuite),
        },
        pass_hat_k: curve
            .filter_map(|measure| Some(DrawsValue { k: measure.k?, value: measure.value.clone() }))
            .collect(),
        cost_per_success: headline(MeasureId::CostPerSuccess),
        cost_median: headline(MeasureId::CostMedian),
        time_median: headline(MeasureId::TimeMedian),
        typical_cost: beside.cost.typical(place, question, level),
        typical_time: beside.time.typical(place, question, level),
        mean_cost_usd_micros: Number::of(mean_cost(&tasks)),
    }
}

fn success_rate(tasks: &[TaskTrials<'_>], settings: &Settings, level: Level) -> Result<Estimate, Reason> {
    let counts = success::outcome_counts(tasks)?;
    let context = Context { threads: NonZeroUsize::MIN, ..Context::without_actions(settings, level) };
    estimators::rate(&counts, &context)
}

fn mean_cost(tasks: &[TaskTrials<'_>]) -> Result<f64, Reason> {
    let amounts = resources::amounts_of(Resource::Cost, tasks, false)?.concat();
    Ok(moments::mean(&amounts)?)
}
