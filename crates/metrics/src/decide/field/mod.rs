//! A field of agents compared: every pair of them, who may be best, what they cost, and what to buy to know more.
//!
//! One document, [`Comparisons`], holds everything that is said of the field. In every pair the one that is named earlier is the
//! baseline and the one that is named later the candidate, so that differences are later minus earlier.

mod actions;
mod buy;
mod called;
mod contender;
mod flips;
mod holm;
mod pair;
mod pareto;
mod ranks;
mod reach;
mod takes;
mod trajectories;

use retrial_spec::{RunManifest, SchemaFile};
use retrial_stats::Level;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use crate::decide::{NotComparable, RunDifference};
use crate::value::Finite;
use crate::{Entrant, MetricsError, Resource, Scorecard, Settings};

pub use actions::ActionDifference;
pub use buy::{Bought, Buying, Purchase, Way};
pub use called::{Called, CalledCount, Procedure};
pub use contender::{ContenderFacts, DrawsValue};
pub use flips::{Flip, RankFlips};
pub use holm::HolmTest;
pub use pair::{AspectContrast, Mismatch, PairComparison};
pub use pareto::{Dominance, Dominator, Frontier};
pub use ranks::{RankSet, Ranks};
pub use trajectories::Trajectories;

use super::multiplicity::{Adjustment, Purpose};
use contender::Beside;
use takes::Taken;

/// The number of the schema of [`Comparisons`].
pub const COMPARISONS_SCHEMA: u32 = 1;

/// Who takes part, with what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Contender<'a> {
    /// What it is called; no two are called alike.
    pub name: &'a str,
    /// Its run.
    pub manifest: &'a RunManifest,
    /// Its scorecard, made with the settings of the question.
    pub card: &'a Scorecard,
    /// Its trials.
    pub entrant: &'a Entrant,
}

/// What is asked of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// Level, seed, policies and target; the target is that of contrasts, costs and curves, while success is compared for both.
    pub settings: Settings,
    /// The difference of success rates that further trials or tasks should show; none for the observed one of each pair.
    pub difference: Option<f64>,
    /// The probability with which they should show it, strictly between 0.5 and 1.
    pub power: f64,
    /// Whether to compare what did not try the same thing.
    pub even_if_different: bool,
}

impl Question {
    /// The power that studies are planned for by custom.
    pub const POWER: f64 = 0.8;

    fn level(&self) -> Result<Level, FieldError> {
        if !(self.power > 0.5 && self.power < 1.0) {
            return Err(MetricsError::Power(self.power).into());
        }
        let is_difference = |difference: f64| difference > 0.0 && difference <= 1.0;
        if let Some(difference) = self.difference.filter(|&difference| !is_difference(difference)) {
            return Err(MetricsError::Difference(difference).into());
        }
        Level::new(self.settings.level).map_err(|_| MetricsError::Level(self.settings.level).into())
    }
}

/// Why a field cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FieldError {
    /// There is nothing to compare with.
    #[error("a comparison needs at least two agents, and there is {0}")]
    TooFew(usize),
    /// The question cannot be answered.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Two did not try the same thing.
    #[error("`{candidate}` and `{baseline}` did not try the same thing")]
    Different {
        /// The later one.
        candidate: String,
        /// The earlier one.
        baseline: String,
        /// What differs and forbids it.
        differences: Vec<RunDifference>,
    },
    /// Two have nothing in common that was graded.
    #[error("`{candidate}` and `{baseline}` cannot be compared")]
    Pair {
        /// The later one.
        candidate: String,
        /// The earlier one.
        baseline: String,
        /// Why.
        #[source]
        source: NotComparable,
    },
}

/// Something for each of the two targets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ByTarget<T> {
    /// For new tasks like these.
    pub population: T,
    /// For exactly these tasks.
    pub fixed_suite: T,
}

impl<T> ByTarget<T> {
    /// Returns what is said for a target.
    pub fn of(&self, target: crate::Target) -> &T {
        match target {
            crate::Target::Population => &self.population,
            crate::Target::FixedSuite => &self.fixed_suite,
        }
    }

    fn of_mut(&mut self, target: crate::Target) -> &mut T {
        match target {
            crate::Target::Population => &mut self.population,
            crate::Target::FixedSuite => &mut self.fixed_suite,
        }
    }
}

/// A list of which several p-values are looked at together.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explored<T> {
    /// What the p-values are used for.
    pub purpose: Purpose,
    /// How they are adjusted.
    pub adjustment: Adjustment,
    /// The rows.
    pub rows: Vec<T>,
}

impl<T> Explored<T> {
    /// Rows whose adjusted p-values are those of Benjamini and Hochberg.
    pub(super) fn new(rows: Vec<T>) -> Self {
        Self { purpose: Purpose::Exploration, adjustment: Adjustment::BenjaminiHochberg, rows }
    }
}

/// Everything that is said of a field of agents. Contenders are named by their place in the list, from 0.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparisons {
    /// The number of this schema.
    pub schema: u32,
    /// Name and version of the tool that made it.
    pub generator: String,
    /// The choices that all numbers depend on.
    pub settings: Settings,
    /// The probability with which a purchase should show its difference.
    pub power: Finite,
    /// Whether things were compared that did not try the same thing.
    pub even_if_different: bool,
    /// Who takes part, in the order in which they were named.
    pub contenders: Vec<ContenderFacts>,
    /// Every pair: those with the first contender as the baseline, then those with the second, and so on.
    pub pairs: Vec<PairComparison>,
    /// The ranks that each may have in success, which all pairs together allow at the level.
    pub ranks: ByTarget<Ranks>,
    /// Success beside what it takes: who is dominated, for each resource that is known.
    pub frontiers: Vec<Frontier>,
    /// How many pairs four procedures call different in success.
    pub called: Called,
    /// Whether the order by single trials is that by several in a row.
    pub flips: crate::Known<RankFlips>,
}

/// Compares every pair of a field, and says what follows for all of them together.
///
/// # Errors
/// [`FieldError`]: fewer than two contenders, a question that cannot be asked, or a pair that cannot be compared.
pub fn comparisons(field: &[Contender<'_>], question: &Question) -> Result<Comparisons, FieldError> {
    let level = question.level()?;
    if field.len() < 2 {
        return Err(FieldError::TooFew(field.len()));
    }
    let draws = flips::common_draws(field);
    let k = draws.as_ref().ok().copied();
    let (mut pairs, mut readings) = (Vec::new(), Vec::new());
    for baseline in 0..field.len() {
        for candidate in baseline + 1..field.len() {
            let (pair, read) = pair::pair(field, (candidate, baseline), k, question, level)?;
            pairs.push(pair);
            readings.push(read);
        }
    }
    holm::decide(&mut pairs, &readings, level);
    trajectories::adjust(&mut pairs);
    let [cost, time] = [Resource::Cost, Resource::Time].map(|resource| Taken::new(field, resource));
    let beside = Beside { draws: k, cost: &cost, time: &time };
    let contenders: Vec<ContenderFacts> =
        (0..field.len()).map(|place| contender::facts(field, place, &beside, question, level)).collect();
    Ok(Comparisons {
        schema: COMPARISONS_SCHEMA,
        generator: concat!("retrial-metrics ", env!("CARGO_PKG_VERSION")).to_owned(),
        settings: question.settings,
        power: Finite::new(question.power).map_err(|_| MetricsError::Power(question.power))?,
        even_if_different: question.even_if_different,
        ranks: ByTarget {
            population: ranks::ranks(field.len(), &pairs, |pair| &pair.decided.population),
            fixed_suite: ranks::ranks(field.len(), &pairs, |pair| &pair.decided.fixed_suite),
        },
        frontiers: pareto::frontiers(field.len(), &pairs, &[&cost, &time], question.settings.target, level),
        called: called::count(&pairs, level),
        flips: flips::flips(&contenders, &pairs, draws, question.settings.target, level).into(),
        contenders,
        pairs,
    })
}

/// Returns the JSON Schema of [`Comparisons`] as it is checked in.
pub fn comparisons_schema() -> SchemaFile {
    let schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Comparisons>();
    SchemaFile { name: "comparison.schema.json", schema: schema.to_value() }
}
