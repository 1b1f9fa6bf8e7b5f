//! Combining e-values.
//!
//! An e-value is non-negative with expectation at most 1 under the null. Independent ones multiply, dependent
//! ones average. Source: Vovk & Wang 2021 (Annals of Statistics 49, 1736–1754).

use crate::moments;
use crate::undefined::Undefined;

/// Returns the product, an e-value if the values are independent.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::OutOfDomain`] if a value is negative or not a number.
pub fn product(values: &[f64]) -> Result<f64, Undefined> {
    check(values)?;
    Ok(values.iter().product())
}

/// Returns the mean, an e-value under any dependence.
///
/// # Errors
///
/// As [`product`].
pub fn average(values: &[f64]) -> Result<f64, Undefined> {
    check(values)?;
    moments::mean(values)
}

/// Returns the p-value min(1, 1/e) of an e-value, by Markov's inequality.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] if the value is negative or not a number.
pub fn p_value(e: f64) -> Result<f64, Undefined> {
    check(&[e])?;
    Ok(if e > 1.0 { 1.0 / e } else { 1.0 })
}

fn check(values: &[f64]) -> Result<(), Undefined> {
    if values.is_empty() {
        return Err(Undefined::Empty);
    }
    if values.iter().all(|&value| value >= 0.0) { Ok(()) } else { Err(Undefined::OutOfDomain) }
}
