//! Distribution functions.

use retrial_stats::special as s;
use serde_json::{Value, json};

use crate::convert::{count, defined, number};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    let x = |key: &str| number(input, key);
    let n = |key: &str| count(input, key);
    Some(match function {
        "norm_ppf" => defined(s::normal_quantile(x("p"))),
        "norm_cdf" => json!(s::normal_cdf(x("x"))),
        "t_ppf" => defined(s::t_quantile(x("p"), x("df"))),
        "t_cdf" => defined(s::t_cdf(x("x"), x("df"))),
        "chi2_ppf" => defined(s::chi_square_quantile(x("p"), x("df"))),
        "chi2_sf" => defined(s::chi_square_sf(x("x"), x("df"))),
        "beta_ppf" => defined(s::beta_quantile(x("p"), x("a"), x("b"))),
        "betainc_reg" => defined(s::beta_cdf(x("x"), x("a"), x("b"))),
        "ln_beta" => defined(s::ln_beta(x("a"), x("b"))),
        "ln_gamma" => defined(s::ln_gamma(x("x"))),
        "binom_cdf" => defined(s::binomial_cdf(n("k"), n("n"), x("p"))),
        "betabinom_logpmf" => defined(s::beta_binomial_ln_pmf(n("k"), n("n"), x("a"), x("b"))),
        _ => return None,
    })
}
