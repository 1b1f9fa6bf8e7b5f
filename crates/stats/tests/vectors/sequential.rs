//! Confidence sequences, sequential tests, e-values.

use retrial_stats::sequential::mixture::{BetaMixture, tuned_confidence_sequence};
use retrial_stats::sequential::sprt::{Sprt, SprtDecision};
use retrial_stats::sequential::{betting, cusum, evalue};
use retrial_stats::{Counts, Interval, Level};
use serde_json::{Value, json};

use crate::convert::{count, defined, ends, number, numbers, outcomes};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    let x = |key: &str| number(input, key);
    Some(match function {
        "beta_mixture_log_e" => defined(mixture(input).log_e(counts(input), x("p"))),
        "beta_mixture_cs" => ends(Ok(mixture(input).confidence_sequence(counts(input), level(input)))),
        "confseq_bernoulli_interval" => {
            ends(tuned_confidence_sequence(counts(input), level(input), x("t_opt")))
        }
        "wsr_hedged_capital" => {
            assert!((x("theta") - 0.5).abs() < 1e-12 && (x("trunc") - 0.5).abs() < 1e-12, "not offered");
            json!(betting::hedged_wealth(&numbers(&input["x"]), x("m"), level(input)).unwrap())
        }
        "wsr_one_sided_capital" => {
            assert!((x("trunc") - 0.5).abs() < 1e-12, "not offered");
            json!(betting::one_sided_wealth(&numbers(&input["x"]), x("m"), level(input)).unwrap())
        }
        "wsr_hedged_cs_grid" => {
            let steps = count(input, "breaks") as usize;
            let found = betting::confidence_sequence(&numbers(&input["x"]), level(input), steps).unwrap();
            let ends = |end: fn(Interval) -> f64| found.iter().map(|&i| end(i)).collect::<Vec<_>>();
            json!({"lo": ends(Interval::low), "hi": ends(Interval::high)})
        }
        "sprt" => sprt(input),
        "cusum_bernoulli" => {
            let found = cusum::cusum(&outcomes(&input["x"]), x("p0"), x("p1"), x("h")).unwrap();
            json!({"path": found.sums, "alarm": found.alarm})
        }
        "e_combine" => {
            let values = numbers(&input["e"]);
            let mean = evalue::average(&values).unwrap();
            json!({
                "product": defined(evalue::product(&values)),
                "mean": mean,
                "p_from_mean": defined(evalue::p_value(mean)),
            })
        }
        _ => return None,
    })
}

fn level(input: &Value) -> Level {
    Level::new(1.0 - number(input, "alpha")).unwrap()
}

fn counts(input: &Value) -> Counts {
    Counts::new(count(input, "S"), count(input, "n")).unwrap()
}

fn mixture(input: &Value) -> BetaMixture {
    BetaMixture::new(number(input, "a"), number(input, "b")).unwrap()
}

fn sprt(input: &Value) -> Value {
    let x = |key: &str| number(input, key);
    let test = Sprt::new(x("p0"), x("p1"), x("alpha"), x("beta")).unwrap();
    let found = test.run(&outcomes(&input["x"]));
    let decision = match found.decision {
        SprtDecision::RejectNull => "reject_h0",
        SprtDecision::AcceptNull => "accept_h0",
        SprtDecision::Continue => "continue",
    };
    json!({
        "upper": test.upper(),
        "lower": test.lower(),
        "n": found.log_ratios.len(),
        "llr": found.log_ratios,
        "decision": decision,
    })
}
