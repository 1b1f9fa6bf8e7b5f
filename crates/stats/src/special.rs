//! Distribution functions and quantiles.
//!
//! Logarithms of the gamma function, the error function and the incomplete gamma function come from `statrs`.
//! The incomplete beta function is ours, because `statrs` stops after 140 terms and then returns a wrong
//! value for counts beyond some ten thousand; quantiles are ours, because they must neither loop for ever nor
//! panic at the edges.
//!
//! Shapes and degrees of freedom must lie between 10⁻⁹ and 10⁹, which is what "in the domain" means below.

use statrs::function::{erf, gamma};

use crate::undefined::Undefined;

/// Returns ln Γ(x) for x > 0.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `x` is in the domain.
pub fn ln_gamma(x: f64) -> Result<f64, Undefined> {
    shape(x)?;
    Ok(gamma::ln_gamma(x))
}

/// Returns ln B(a, b) for a, b > 0.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless both are in the domain.
pub fn ln_beta(a: f64, b: f64) -> Result<f64, Undefined> {
    shape(a)?;
    shape(b)?;
    Ok(ln_beta_inner(a, b))
}

/// Returns ln Γ(x) for an `x` known to be positive.
pub(crate) fn ln_gamma_inner(x: f64) -> f64 {
    gamma::ln_gamma(x)
}

pub(crate) fn ln_beta_inner(a: f64, b: f64) -> f64 {
    gamma::ln_gamma(a) + gamma::ln_gamma(b) - gamma::ln_gamma(a + b)
}

/// Returns ln C(n, k) for k ≤ n.
pub(crate) fn ln_choose(n: u64, k: u64) -> f64 {
    let (n, k) = (n as f64, k as f64);
    gamma::ln_gamma(n + 1.0) - gamma::ln_gamma(k + 1.0) - gamma::ln_gamma(n - k + 1.0)
}

/// Returns the standard normal distribution function.
pub fn normal_cdf(x: f64) -> f64 {
    normal_sf(-x)
}

/// Returns one minus the standard normal distribution function, accurate in the upper tail.
pub fn normal_sf(x: f64) -> f64 {
    // Through the incomplete gamma function, whose tail has two digits more than the error function of
    // `statrs`.
    let square = x * x / 2.0;
    let tail = if square > 0.0 && square.is_finite() { 0.5 * gamma::gamma_ur(0.5, square) } else { 0.5 };
    let tail = if square.is_infinite() { 0.0 } else { tail };
    if x < 0.0 { 1.0 - tail } else { tail }
}

/// Returns the standard normal quantile.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `0 < p < 1`.
pub fn normal_quantile(p: f64) -> Result<f64, Undefined> {
    open_unit(p)?;
    Ok(normal_quantile_inner(p))
}

pub(crate) fn normal_quantile_inner(p: f64) -> f64 {
    let start = -std::f64::consts::SQRT_2 * erf::erfc_inv(2.0 * p);
    // One Newton step in the nearer tail removes what is left of the approximation's error.
    let density = (-start * start / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let excess = if p < 0.5 { normal_sf(-start) - p } else { (1.0 - p) - normal_sf(start) };
    if density > 0.0 { start - excess / density } else { start }
}

/// Returns Student's distribution function.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `df` is in the domain and `x` is a number.
pub fn t_cdf(x: f64, df: f64) -> Result<f64, Undefined> {
    shape(df)?;
    if x.is_nan() {
        return Err(Undefined::OutOfDomain);
    }
    let tail = 0.5 * beta_inner(df / 2.0, 0.5, df / (df + x * x));
    Ok(if x < 0.0 { tail } else { 1.0 - tail })
}

/// Returns one minus Student's distribution function, accurate in the upper tail.
///
/// # Errors
///
/// As [`t_cdf`].
pub fn t_sf(x: f64, df: f64) -> Result<f64, Undefined> {
    t_cdf(-x, df)
}

/// Returns Student's quantile.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `0 < p < 1` and `df` is in the domain.
pub fn t_quantile(p: f64, df: f64) -> Result<f64, Undefined> {
    open_unit(p)?;
    shape(df)?;
    let tail = if p < 0.5 { p } else { 1.0 - p };
    let (x, rest) = beta_quantile_inner(2.0 * tail, df / 2.0, 0.5);
    let size = (df * rest / x).sqrt();
    Ok(if p < 0.5 { -size } else { size })
}

/// Returns one minus the chi-square distribution function.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `x ≥ 0` is finite and `df` is in the domain.
pub fn chi_square_sf(x: f64, df: f64) -> Result<f64, Undefined> {
    shape(df)?;
    if !(x >= 0.0 && x.is_finite()) {
        return Err(Undefined::OutOfDomain);
    }
    Ok(if x > 0.0 { gamma::gamma_ur(df / 2.0, x / 2.0) } else { 1.0 })
}

/// Returns the chi-square quantile.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `0 < p < 1` and `df` is in the domain.
pub fn chi_square_quantile(p: f64, df: f64) -> Result<f64, Undefined> {
    open_unit(p)?;
    shape(df)?;
    let half = df / 2.0;
    let norm = gamma::ln_gamma(half);
    // In u = ln x the lower tail is nearly a straight line, so Newton keeps its relative accuracy there.
    let u = root(-745.0, (df + 40.0 * (2.0 * df).sqrt() + 1e4).ln(), df.ln(), |u| {
        let x = u.exp() / 2.0;
        let value = if x > 0.0 { gamma::gamma_lr(half, x) - p } else { -p };
        (value, (half * (u - std::f64::consts::LN_2) - x - norm).exp())
    });
    Ok(u.exp())
}

/// Returns the regularised incomplete beta function, the Beta(a, b) distribution function at `x`.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless a, b are in the domain and `0 ≤ x ≤ 1`.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> Result<f64, Undefined> {
    shape(a)?;
    shape(b)?;
    if !(0.0..=1.0).contains(&x) {
        return Err(Undefined::OutOfDomain);
    }
    Ok(beta_inner(a, b, x))
}

/// Returns the Beta(a, b) quantile, with small relative error also near 0.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `0 < p < 1` and a, b are in the domain.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> Result<f64, Undefined> {
    open_unit(p)?;
    shape(a)?;
    shape(b)?;
    Ok(beta_quantile_inner(p, a, b).0)
}

/// Returns the F quantile.
pub(crate) fn f_quantile(p: f64, df1: f64, df2: f64) -> Result<f64, Undefined> {
    open_unit(p)?;
    shape(df1)?;
    shape(df2)?;
    let (x, rest) = beta_quantile_inner(p, df1 / 2.0, df2 / 2.0);
    Ok(df2 * x / (df1 * rest))
}

/// Returns the binomial distribution function: P(at most `k` successes in `n`).
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `0 ≤ p ≤ 1`.
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> Result<f64, Undefined> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Undefined::OutOfDomain);
    }
    Ok(if k >= n { 1.0 } else { beta_inner((n - k) as f64, k as f64 + 1.0, 1.0 - p) })
}

/// Returns the logarithm of the beta-binomial probability of `k` successes in `n` with parameters a, b.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `k ≤ n` and a, b are in the domain.
pub fn beta_binomial_ln_pmf(k: u64, n: u64, a: f64, b: f64) -> Result<f64, Undefined> {
    shape(a)?;
    shape(b)?;
    if k > n {
        return Err(Undefined::OutOfDomain);
    }
    Ok(ln_choose(n, k) + ln_beta_inner(a + k as f64, b + (n - k) as f64) - ln_beta_inner(a, b))
}

/// Shapes and degrees of freedom beyond these make the series too long or the logarithms too coarse.
const SHAPES: std::ops::RangeInclusive<f64> = 1e-9..=1e9;

fn shape(x: f64) -> Result<(), Undefined> {
    if SHAPES.contains(&x) { Ok(()) } else { Err(Undefined::OutOfDomain) }
}

fn open_unit(p: f64) -> Result<(), Undefined> {
    if p > 0.0 && p < 1.0 { Ok(()) } else { Err(Undefined::OutOfDomain) }
}

/// Regularised incomplete beta function for a, b > 0 and x in [0, 1].
fn beta_inner(a: f64, b: f64, x: f64) -> f64 {
    beta_pair(a, b, x, 1.0 - x)
}

/// The same with x and 1 − x both given, so that neither end loses digits.
fn beta_pair(a: f64, b: f64, x: f64, rest: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if rest <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() + b * rest.ln() - ln_beta_inner(a, b)).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, rest) / b
    }
}

/// Continued fraction of the incomplete beta function by Lentz's method; terms needed grow like √max(a, b).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 4.0 * f64::EPSILON {
            break;
        }
    }
    h
}

/// Returns the Beta(a, b) quantile and one minus it, the smaller of the two with full relative accuracy.
fn beta_quantile_inner(p: f64, a: f64, b: f64) -> (f64, f64) {
    if beta_inner(a, b, 0.5) >= p {
        let x = lower_beta_quantile(p, a, b);
        (x, 1.0 - x)
    } else {
        let rest = lower_beta_quantile(1.0 - p, b, a);
        (1.0 - rest, rest)
    }
}

/// Quantile known to lie in (0, 1/2], searched in u = ln x.
fn lower_beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let norm = ln_beta_inner(a, b);
    let start = ((p.ln() + a.ln() + norm) / a).min(-0.7);
    root(-745.0, 0.5_f64.ln(), start, |u| {
        let x = u.exp();
        (beta_inner(a, b, x) - p, (a * u + (b - 1.0) * (-x).ln_1p() - norm).exp())
    })
    .exp()
}

/// Finds the root of an increasing function given with its derivative: Newton steps kept inside a shrinking
/// bracket.
fn root(mut low: f64, mut high: f64, start: f64, f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut u = if start > low && start < high { start } else { f64::midpoint(low, high) };
    for _ in 0..200 {
        let (value, slope) = f(u);
        if value > 0.0 {
            high = u;
        } else {
            low = u;
        }
        let newton = u - value / slope;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - u).abs() <= 2.0 * f64::EPSILON * u.abs().max(1.0) {
            return next;
        }
        u = next;
    }
    u
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_incomplete_beta_function_stays_accurate_for_large_counts() {
        // Symmetric parameters: one half at one half, whatever the size.
        for size in [1e3, 1e5, 1e6] {
            assert!((beta_inner(size, size, 0.5) - 0.5).abs() < 1e-7, "{size}");
        }
    }

    #[test]
    fn quantiles_invert_distribution_functions_over_many_shapes() {
        for a in [0.01, 0.5, 1.0, 3.0, 40.0, 5000.0] {
            for b in [0.02, 0.5, 2.0, 77.0, 20_000.0] {
                for p in [1e-6, 0.025, 0.5, 0.9, 0.999] {
                    let x = beta_quantile(p, a, b).unwrap();
                    if x > 1e-290 && x < 1.0 - 1e-9 {
                        assert!((beta_inner(a, b, x) - p).abs() < 1e-9 * p.max(1e-3), "{a} {b} {p} {x}");
                    }
                }
            }
        }
        for df in [0.5, 1.0, 7.3, 400.0] {
            for p in [1e-4, 0.3, 0.5, 0.99] {
                let x = chi_square_quantile(p, df).unwrap();
                assert!((1.0 - chi_square_sf(x, df).unwrap() - p).abs() < 1e-9, "{df} {p} {x}");
                let t = t_quantile(p, df).unwrap();
                assert!((t_cdf(t, df).unwrap() - p).abs() < 1e-9, "{df} {p} {t}");
            }
        }
    }

    #[test]
    fn arguments_outside_the_domain_are_refused() {
        assert_eq!(t_quantile(0.0, 3.0), Err(Undefined::OutOfDomain));
        assert_eq!(t_quantile(0.5, 0.0), Err(Undefined::OutOfDomain));
        assert_eq!(beta_cdf(1.5, 1.0, 1.0), Err(Undefined::OutOfDomain));
        assert_eq!(ln_gamma(f64::NAN), Err(Undefined::OutOfDomain));
        assert_eq!(binomial_cdf(1, 2, -0.1), Err(Undefined::OutOfDomain));
    }
}
