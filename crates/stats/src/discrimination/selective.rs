//! How wrong is what remains when the least certain items are set aside?
//!
//! Risk against coverage. Items are ranked by stated probability, highest first; among equal probabilities
//! every order is averaged, never the order of input.

use crate::forecast::Forecast;
use crate::moments;
use crate::undefined::Undefined;

/// The risk–coverage curve and its areas. An error is an item whose event did not happen.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskCoverage {
    /// Expected share of errors among the k most certain items, k = 1 … n.
    pub risks: Vec<f64>,
    /// Area under the curve: the mean of `risks`.
    pub area: f64,
    /// Area of the best ranking with as many errors.
    pub optimal_area: f64,
    /// `area` − `optimal_area`.
    pub excess_area: f64,
    /// Area under generalised risk, errors / n instead of errors / k.
    pub generalised_area: f64,
}

impl RiskCoverage {
    /// Returns the risk among the most certain items that make up at least the given share, in (0, 1].
    pub fn risk_at(&self, coverage: f64) -> Option<f64> {
        // A share such as .8 of 5 must not become 5 by rounding noise.
        let kept = (coverage * self.risks.len() as f64 - 1e-9).ceil() as usize;
        if coverage > 0.0 { self.risks.get(kept.max(1) - 1).copied() } else { None }
    }
}

/// Computes the risk–coverage curve. Cost: n log n.
///
/// Sources: Geifman, Uziel & El-Yaniv 2019 (ICLR) for the excess area; Traub et al. 2024, arXiv 2407.01032,
/// for the generalised area.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn risk_coverage(forecasts: &[Forecast]) -> Result<RiskCoverage, Undefined> {
    if forecasts.is_empty() {
        return Err(Undefined::Empty);
    }
    let n = forecasts.len();
    let mut sorted = forecasts.to_vec();
    sorted.sort_by(|a, b| b.probability().total_cmp(&a.probability()));
    let (mut kept, mut errors) = (0_usize, 0_usize);
    let mut expected_errors = Vec::with_capacity(n);
    for tied in sorted.chunk_by(|a, b| a.probability().total_cmp(&b.probability()).is_eq()) {
        let wrong = tied.iter().filter(|forecast| !forecast.outcome()).count();
        let share = wrong as f64 / tied.len() as f64;
        expected_errors.extend((1..=tied.len()).map(|j| errors as f64 + j as f64 * share));
        kept += tied.len();
        errors += wrong;
    }
    let right = kept - errors;
    let risks: Vec<f64> =
        expected_errors.iter().enumerate().map(|(k, wrong)| wrong / (k + 1) as f64).collect();
    let area = moments::mean(&risks)?;
    let optimal = moments::sum((right + 1..=n).map(|k| (k - right) as f64 / k as f64)) / n as f64;
    let generalised_area = moments::sum(expected_errors.iter().map(|wrong| wrong / n as f64)) / n as f64;
    Ok(RiskCoverage { risks, area, optimal_area: optimal, excess_area: area - optimal, generalised_area })
}
