//! Adjusted p-values for several comparisons at once.
//!
//! Holm for decisions, Benjamini–Hochberg for exploration. Values come back in the order given.

use crate::undefined::Undefined;

/// How p-values are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// Family-wise error, step-down (Holm 1979, Scandinavian J. Statistics 6, 65–70).
    Holm,
    /// Family-wise error, one factor for all.
    Bonferroni,
    /// False discovery rate (Benjamini & Hochberg 1995, JRSS B 57, 289–300).
    BenjaminiHochberg,
    /// False discovery rate under any dependence (Benjamini & Yekutieli 2001, Annals of Statistics 29,
    /// 1165–1188).
    BenjaminiYekutieli,
}

/// Returns the adjusted p-values, each at most 1.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless every value lies in [0, 1].
///
/// # Example
///
/// Benjamini & Hochberg 1995, section 3.2: 15 p-values, of which four are rejected at 5 % and three by
/// Bonferroni.
///
/// ```
/// use retrial_stats::compare::multiplicity::{Adjustment, adjust};
/// let p = [
///     0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
/// ];
/// let rejected = |adjustment| adjust(&p, adjustment).unwrap().iter().filter(|&&p| p <= 0.05).count();
/// assert_eq!(rejected(Adjustment::BenjaminiHochberg), 4);
/// assert_eq!(rejected(Adjustment::Bonferroni), 3);
/// ```
pub fn adjust(p: &[f64], adjustment: Adjustment) -> Result<Vec<f64>, Undefined> {
    if p.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return Err(Undefined::OutOfDomain);
    }
    let count = p.len() as f64;
    Ok(match adjustment {
        Adjustment::Holm => step_down(p),
        Adjustment::Bonferroni => p.iter().map(|p| (p * count).min(1.0)).collect(),
        Adjustment::BenjaminiHochberg => step_up(p, count),
        Adjustment::BenjaminiYekutieli => {
            let harmonic: f64 = (1..=p.len()).map(|i| 1.0 / i as f64).sum();
            step_up(p, count * harmonic)
        }
    })
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    order
}

fn step_down(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, index) in ascending(p).into_iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[index]);
        adjusted[index] = largest.min(1.0);
    }
    adjusted
}

fn step_up(p: &[f64], factor: f64) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut smallest: f64 = 1.0;
    for (rank, index) in ascending(p).into_iter().enumerate().rev() {
        smallest = smallest.min(p[index] * factor / (rank + 1) as f64);
        adjusted[index] = smallest;
    }
    adjusted
}
