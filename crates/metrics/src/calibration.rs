//! Calibration and discrimination of stated confidences: what their error is made of, and what chance alone would show.
//!
//! Pooled over trials, as all of them are defined on one set of forecasts. Only the means over tasks in `confidence` have
//! intervals: trials share tasks, and for these measures no method is known to cover.

use retrial_stats::calibration::binned::{self, Binning};
use retrial_stats::calibration::brier::{self, Corp};
use retrial_stats::calibration::smooth::smooth_error;
use retrial_stats::calibration::spiegelhalter::spiegelhalter_clustered;
use retrial_stats::discrimination::selective::{RiskCoverage, risk_coverage};
use retrial_stats::{Forecast, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use crate::estimators::Context;
use crate::value::{Estimate, Evidence, Finite, Known, Reason};
use crate::{Measure, MeasureId};

/// Bins of the expected calibration error.
const BINS: usize = 10;
/// Most simulations of perfect calibration.
const SIMULATIONS: usize = 1000;
/// Draws that simulations may take; with very many distinct confidences fewer simulations are made.
const DRAWS: usize = 1_000_000;
/// Fewest simulations, whatever they take.
const FEWEST_SIMULATIONS: usize = 100;
/// The coverage at which the risk is shown.
const SHOWN_COVERAGE: f64 = 0.8;
/// Points of the risk–coverage curve.
const CURVE_POINTS: usize = 100;

/// What stated confidences are worth, in detail.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Calibration {
    /// Trials with a stated confidence, and their tasks.
    pub n: Evidence,
    /// How many different confidences were stated.
    pub distinct: u64,
    /// The reliability diagram: steps of the isotonic fit of outcomes on confidences, ascending.
    pub steps: Vec<ReliabilityStep>,
    /// Murphy's parts of the Brier score, by distinct confidence.
    pub murphy: MurphyParts,
    /// The bins of equal width of the expected calibration error, without empty ones.
    pub bins: Vec<ConfidenceBin>,
    /// What the expected calibration error would be of perfectly calibrated confidences.
    pub null: Known<NullCalibration>,
    /// Spiegelhalter's test of perfect calibration, with the variance over tasks.
    pub spiegelhalter: Known<Spiegelhalter>,
    /// The share of failures among the most confident trials, by the share of trials that are kept.
    pub risk_coverage: Vec<RiskPoint>,
}

/// Confidences that share one fitted frequency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ReliabilityStep {
    /// The lowest confidence of the step.
    pub low: Finite,
    /// The highest confidence of the step.
    pub high: Finite,
    /// Trials.
    pub trials: u64,
    /// Those that passed.
    pub passed: u64,
    /// The share that passed.
    pub frequency: Finite,
}

/// Brier score = reliability − resolution + uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct MurphyParts {
    /// Mean squared distance of confidence and share passed, by distinct confidence.
    pub reliability: Finite,
    /// Mean squared distance of the share passed, by distinct confidence, and the share passed of all.
    pub resolution: Finite,
    /// The variance of outcomes.
    pub uncertainty: Finite,
}

/// The trials whose confidences lie in one tenth of [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ConfidenceBin {
    /// The bin, from 0.
    pub bin: u64,
    /// Trials.
    pub trials: u64,
    /// Their mean confidence.
    pub mean_confidence: Finite,
    /// The share of them that passed.
    pub frequency: Finite,
}

/// The expected calibration error under perfect calibration, by simulation of independent trials.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct NullCalibration {
    /// Its mean.
    pub mean: Finite,
    /// Its 95 % quantile.
    pub upper: Finite,
    /// The share of simulations at least as far off as the stated confidences.
    pub p: Finite,
    /// Simulations.
    pub simulations: u64,
    /// Their seed.
    pub seed: u64,
}

/// A test of perfect calibration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Spiegelhalter {
    /// The statistic, standard normal under perfect calibration; above 0 confidences are worse than they claim.
    pub z: Finite,
    /// The two-sided p-value.
    pub p: Finite,
    /// The tasks over which the variance was taken; |z| cannot exceed the square root of their number.
    pub tasks: u64,
}

/// A point of the risk–coverage curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct RiskPoint {
    /// The share of trials that are kept, the most confident first.
    pub coverage: Finite,
    /// The share of them that failed, every order of equal confidences averaged.
    pub risk: Finite,
}

/// Returns how often perfect calibration is simulated where so many different confidences were stated.
pub(crate) fn simulations(distinct: usize) -> usize {
    (DRAWS / distinct.max(1)).clamp(FEWEST_SIMULATIONS, SIMULATIONS)
}

/// Stated confidences with outcomes, and everything that several measures need of them.
pub(crate) struct Pooled {
    forecasts: Vec<Forecast>,
    n: Evidence,
    corp: Corp,
    risk: RiskCoverage,
}

impl Pooled {
    pub(crate) fn new(tasks: &[Vec<Forecast>]) -> Result<Self, Reason> {
        let forecasts = tasks.concat();
        let n = Evidence { trials: forecasts.len() as u64, tasks: tasks.len() as u64 };
        Ok(Self { corp: brier::corp(&forecasts)?, risk: risk_coverage(&forecasts)?, forecasts, n })
    }

    fn expected_error(&self) -> Result<f64, Undefined> {
        binned::expected_error(&Binning::equal_width(BINS)?.bins(&self.forecasts))
    }

    fn null(&self, seed: u64) -> Result<NullCalibration, Reason> {
        let binning = Binning::equal_width(BINS)?;
        let null = binned::null_error(&self.forecasts, &binning, simulations(self.distinct()), seed)?;
        Ok(NullCalibration {
            mean: Finite::new(null.mean)?,
            upper: Finite::new(null.upper)?,
            p: Finite::new(null.p)?,
            simulations: null.simulations as u64,
            seed,
        })
    }

    fn distinct(&self) -> usize {
        brier::distinct(&self.forecasts).len()
    }

    /// The squared error of bins of equal mass less its bias; bins of one trial say nothing of their bias.
    fn debiased(&self) -> Result<f64, Undefined> {
        let bins = Binning::equal_mass(&self.forecasts, BINS)?.bins(&self.forecasts);
        let most = bins.iter().map(|bin| bin.items).max().unwrap_or(0) as usize;
        if most < 2 {
            return Err(Undefined::TooFewItems { have: most, need: 2 });
        }
        binned::debiased_squared_error(&bins)
    }
}

type Value = fn(&Pooled, &NullOf) -> Result<f64, Reason>;
type NullOf = Result<NullCalibration, Reason>;

/// The measures of pooled confidences, and whether they belong into a short table.
const VALUES: [(MeasureId, bool, Value); 12] = [
    (MeasureId::BrierSkill, true, |pooled, _| Ok(brier::brier_skill(&pooled.forecasts)?)),
    (MeasureId::Miscalibration, true, |pooled, _| Ok(pooled.corp.miscalibration)),
    (MeasureId::Discrimination, true, |pooled, _| Ok(pooled.corp.discrimination)),
    (MeasureId::Uncertainty, false, |pooled, _| Ok(pooled.corp.uncertainty)),
    (MeasureId::Ece, true, |pooled, _| Ok(pooled.expected_error()?)),
    (MeasureId::EceNull, true, |_, null| null.as_ref().map(|null| null.mean.value()).map_err(Clone::clone)),
    (MeasureId::EceDebiased, false, |pooled, _| Ok(pooled.debiased()?)),
    (MeasureId::SmoothEce, false, |pooled, _| Ok(smooth_error(&pooled.forecasts)?.error)),
    (MeasureId::Aurc, false, |pooled, _| Ok(pooled.risk.area)),
    (MeasureId::ExcessAurc, true, |pooled, _| Ok(pooled.risk.excess_area)),
    (MeasureId::Augrc, false, |pooled, _| Ok(pooled.risk.generalised_area)),
    (MeasureId::RiskAt80, true, |pooled, _| {
        Ok(pooled.risk.risk_at(SHOWN_COVERAGE).ok_or(Undefined::Empty)?)
    }),
];

/// The measures of pooled confidences, with what is costly and shared with [`details`].
pub(crate) struct Calibrated<'a> {
    pooled: Result<Pooled, Reason>,
    tasks: &'a [Vec<Forecast>],
    null: NullOf,
}

impl<'a> Calibrated<'a> {
    pub(crate) fn new(forecasts: &'a Result<Vec<Vec<Forecast>>, Reason>, context: &Context<'_>) -> Self {
        let tasks = forecasts.as_deref().unwrap_or_default();
        let pooled = forecasts.as_ref().map_err(Clone::clone).and_then(|tasks| Pooled::new(tasks));
        let null =
            pooled.as_ref().map_err(Clone::clone).and_then(|pooled| pooled.null(context.settings.seed));
        Self { pooled, tasks, null }
    }

    /// Returns the measures.
    pub(crate) fn measures(&self, context: &Context<'_>) -> Vec<Measure> {
        let target = context.target();
        let measure = |&(id, headline, value): &(MeasureId, bool, Value)| {
            let value = self.pooled.as_ref().map_err(Clone::clone).and_then(|pooled| {
                Estimate::new(value(pooled, &self.null)?, pooled.n, target, Err(Reason::NO_METHOD))
            });
            Measure { headline, ..Measure::new(id, target, value) }
        };
        VALUES.iter().map(measure).collect()
    }

    /// Returns the details.
    pub(crate) fn details(&self) -> Known<Calibration> {
        self.pooled.as_ref().map_err(Clone::clone).and_then(|pooled| self.described(pooled)).into()
    }

    fn described(&self, pooled: &Pooled) -> Result<Calibration, Reason> {
        let murphy = brier::murphy(&pooled.forecasts)?;
        Ok(Calibration {
            n: pooled.n,
            distinct: pooled.distinct() as u64,
            steps: steps(&pooled.corp)?,
            murphy: MurphyParts {
                reliability: Finite::new(murphy.reliability)?,
                resolution: Finite::new(murphy.resolution)?,
                uncertainty: Finite::new(murphy.uncertainty)?,
            },
            bins: bins(&pooled.forecasts)?,
            null: self.null.clone().into(),
            spiegelhalter: spiegelhalter(self.tasks).into(),
            risk_coverage: curve(&pooled.risk)?,
        })
    }
}

fn steps(corp: &Corp) -> Result<Vec<ReliabilityStep>, Reason> {
    let step = |block: &brier::Block| {
        Ok(ReliabilityStep {
            low: Finite::new(block.low)?,
            high: Finite::new(block.high)?,
            trials: block.items,
            passed: block.events,
            frequency: Finite::new(block.frequency())?,
        })
    };
    corp.blocks.iter().map(step).collect()
}

fn bins(forecasts: &[Forecast]) -> Result<Vec<ConfidenceBin>, Reason> {
    let bin = |bin: binned::Bin| {
        Ok(ConfidenceBin {
            bin: bin.index as u64,
            trials: bin.items,
            mean_confidence: Finite::new(bin.mean_probability)?,
            frequency: Finite::new(bin.frequency)?,
        })
    };
    Binning::equal_width(BINS)?.bins(forecasts).into_iter().map(bin).collect()
}

fn spiegelhalter(tasks: &[Vec<Forecast>]) -> Result<Spiegelhalter, Reason> {
    let test = spiegelhalter_clustered(tasks)?;
    Ok(Spiegelhalter { z: Finite::new(test.z)?, p: Finite::new(test.p)?, tasks: tasks.len() as u64 })
}

/// The curve at up to [`CURVE_POINTS`] equally spaced numbers of trials, the last of them all.
fn curve(risk: &RiskCoverage) -> Result<Vec<RiskPoint>, Reason> {
    let trials = risk.risks.len();
    let points = trials.min(CURVE_POINTS);
    let point = |point: usize| {
        let kept = point * trials / points;
        Ok(RiskPoint {
            coverage: Finite::new(kept as f64 / trials as f64)?,
            risk: Finite::new(risk.risks[kept - 1])?,
        })
    };
    (1..=points).map(point).collect()
}
