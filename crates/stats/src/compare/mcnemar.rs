//! Two parties, one item of each group.

use crate::special;
use crate::undefined::Undefined;

/// `McNemar`'s test from the discordant pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Exact two-sided p-value.
    pub p_exact: f64,
    /// Mid-p two-sided p-value, less conservative.
    pub p_mid: f64,
    /// (b − c)²/(b + c), or why it does not exist.
    pub chi_square: Result<f64, Undefined>,
}

/// Tests whether discordant pairs favour either side: `b` where only the first, `c` where only the second
/// succeeded.
///
/// Without discordant pairs the p-values are 1. Sources: `McNemar` 1947 (Psychometrika 12, 153–157);
/// Fagerland, Lydersen & Laake 2013 (BMC Medical Research Methodology 13, 91) for the mid-p version.
pub fn mcnemar(b: u64, c: u64) -> McNemar {
    let n = b + c;
    if n == 0 {
        return McNemar { p_exact: 1.0, p_mid: 1.0, chi_square: Err(Undefined::Empty) };
    }
    let fewer = b.min(c);
    let tail = special::binomial_cdf(fewer, n, 0.5).unwrap_or(1.0);
    let point = (special::ln_choose(n, fewer) - n as f64 * std::f64::consts::LN_2).exp();
    let difference = b as f64 - c as f64;
    McNemar {
        p_exact: (2.0 * tail).min(1.0),
        p_mid: (2.0 * tail - point).min(1.0),
        chi_square: Ok(difference * difference / n as f64),
    }
}
