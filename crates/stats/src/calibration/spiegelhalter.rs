//! A test of perfect calibration.

use crate::forecast::Forecast;
use crate::moments;
use crate::special;
use crate::undefined::Undefined;

/// Denominators below this are rounding noise.
const NOISE: f64 = 1e-12;

/// A test statistic that is standard normal under perfect calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationTest {
    /// Σ(y−f)(1−2f) over its standard error; positive where forecasts are worse than they claim.
    pub z: f64,
    /// Two-sided p-value.
    pub p: f64,
}

/// Tests whether independent forecasts are perfectly calibrated.
///
/// z = Σ(y−f)(1−2f)/√Σ f(1−f)(1−2f)². Source: Spiegelhalter 1986 (Statistics in Medicine 5, 421–433).
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::ZeroVariance`] if every probability is 0, ½ or 1.
pub fn spiegelhalter(forecasts: &[Forecast]) -> Result<CalibrationTest, Undefined> {
    if forecasts.is_empty() {
        return Err(Undefined::Empty);
    }
    let variance = moments::sum(forecasts.iter().map(|forecast| {
        let f = forecast.probability();
        f * (1.0 - f) * (1.0 - 2.0 * f).powi(2)
    }));
    test(moments::sum(forecasts.iter().map(score)), variance)
}

/// The same test for forecasts in groups whose items depend on each other: the variance is Σ over groups of
/// (group sum)².
///
/// With few groups it rarely rejects: |z| cannot exceed the square root of the number of groups.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::TooFewGroups`] for one group, [`Undefined::ZeroVariance`].
pub fn spiegelhalter_clustered<G: AsRef<[Forecast]>>(groups: &[G]) -> Result<CalibrationTest, Undefined> {
    let used = groups.iter().map(AsRef::as_ref).filter(|group| !group.is_empty());
    let sums: Vec<f64> = used.map(|group| moments::sum(group.iter().map(score))).collect();
    match sums.len() {
        0 => Err(Undefined::Empty),
        1 => Err(Undefined::TooFewGroups { have: 1, need: 2 }),
        _ => test(moments::sum(sums.iter().copied()), moments::sum(sums.iter().map(|sum| sum * sum))),
    }
}

fn score(forecast: &Forecast) -> f64 {
    (forecast.outcome_value() - forecast.probability()) * (1.0 - 2.0 * forecast.probability())
}

fn test(sum: f64, variance: f64) -> Result<CalibrationTest, Undefined> {
    let error = variance.sqrt();
    if error <= NOISE {
        return Err(Undefined::ZeroVariance);
    }
    let z = sum / error;
    Ok(CalibrationTest { z, p: (2.0 * special::normal_sf(z.abs())).min(1.0) })
}
