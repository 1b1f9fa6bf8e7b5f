//! What a request will cost, as far as that can be known before it is answered, and what is charged once it has ended.

use memchr::memmem;
use retrial_spec::{Charge, Fact, Usage};

use crate::fields::Fields;
use crate::prices::{Price, micros};

/// Few texts take more bytes than this for a token. Below the truth, so that no request is turned away that would have fitted.
const BYTES_PER_TOKEN: u64 = 8;

/// What a request may cost, by its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// At least this, roughly: its input, at the lowest price of input.
    pub(crate) least: Charge,
    /// At most this, where its body says how long the reply may get. A token takes at least a byte.
    pub(crate) most: Option<Charge>,
    /// The body's length in tokens at most.
    input: u64,
    /// The longest reply in tokens.
    output: Option<u64>,
    price: Option<Price>,
}

/// What became of a request, as far as money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome<'a> {
    /// Whether a model may have worked on it: the reply was a good one, or the agent did not wait for it.
    pub(crate) worked: bool,
    /// Tokens, as the reply states them.
    pub(crate) usage: &'a Fact<Usage>,
    /// Money in millionths of a dollar, as the reply states it.
    pub(crate) stated: Option<u64>,
    /// Bytes of the reply's body.
    pub(crate) reply_bytes: u64,
}

/// The fields that bound a reply's length in tokens, in the words of all protocols.
const BOUNDS: [&str; 3] = ["max_output_tokens", "max_completion_tokens", "max_tokens"];

/// The fields that say that the provider holds part of the input.
const HELD_ELSEWHERE: [&str; 2] = ["previous_response_id", "conversation"];

impl Estimate {
    /// Returns the estimate for a request that makes no model work.
    pub(crate) fn of_no_call(body: &[u8]) -> Self {
        let least = Charge { requests: 1, ..Charge::default() };
        Self { least, most: Some(least), input: body.len() as u64, output: Some(0), price: None }
    }

    /// Returns the body's length in bytes.
    pub(crate) fn input(&self) -> u64 {
        self.input
    }

    /// Returns the estimate for a body with its fields, and the price of its model.
    pub(crate) fn of_call(body: &[u8], fields: &Fields<'_>, price: Option<&Price>) -> Self {
        let input = body.len() as u64;
        let is_held_elsewhere = stated(fields, &HELD_ELSEWHERE).next().is_some();
        let output = longest_reply(fields);
        // Images and sounds take far more bytes for a token than text.
        let least_tokens = if holds_encoded_bytes(body) { 0 } else { input / BYTES_PER_TOKEN };
        let lowest = price.map_or(0, Price::lowest_input);
        let least = Charge {
            requests: 1,
            tokens: least_tokens,
            usd_micros: micros(u128::from(least_tokens) * u128::from(lowest)),
        };
        let price = price.copied();
        let mut estimate = Self { least, most: None, input, output, price };
        estimate.most = output.filter(|_| !is_held_elsewhere).map(|output| estimate.charge(output));
        estimate
    }

    /// Returns what is set aside while the request is under way, for the account of a crash.
    pub(crate) fn held(&self) -> Charge {
        self.most.unwrap_or_else(|| self.charge(self.output.unwrap_or(0)))
    }

    /// Returns what is charged for a request that has ended. One without stated tokens is charged a token for every byte sent,
    /// and the longest reply or else a token for every byte received; one that no model worked on is charged as a request alone.
    pub(crate) fn charged(&self, ended: Outcome<'_>) -> Charge {
        if !ended.worked {
            return Charge { requests: 1, ..Charge::default() };
        }
        let mut charge = match ended.usage {
            Fact::Known { value, .. } => Charge {
                requests: 1,
                tokens: value.total(),
                usd_micros: self.price.map_or(0, |price| micros(price.at_most(value))),
            },
            Fact::Missing(_) => self.charge(self.output.unwrap_or(ended.reply_bytes)),
        };
        if let Some(stated) = ended.stated {
            charge.usd_micros = stated;
        }
        charge
    }

    /// The charge for the whole input and so much output.
    fn charge(&self, output: u64) -> Charge {
        let usage = Usage { uncached_input: self.input, output, ..Usage::default() };
        let usd_micros = self.price.map_or(0, |price| {
            let input = u128::from(self.input) * u128::from(price.highest_input());
            micros(input.saturating_add(u128::from(output) * u128::from(price.output)))
        });
        Charge { requests: 1, tokens: usage.total(), usd_micros }
    }
}

/// The texts of all fields of these names that are not null.
fn stated<'a>(fields: &Fields<'a>, names: &[&str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| fields.all(name)).filter(|value| *value != "null")
}

/// The longest reply in tokens that a body allows, where it bounds it. Of several bounds the largest: nobody knows which of
/// them the provider takes, and who states a small one beside a large one gains nothing.
fn longest_reply(fields: &Fields<'_>) -> Option<u64> {
    let largest = |names: &[&str]| -> Option<Option<u64>> {
        let numbers: Result<Vec<u64>, _> = stated(fields, names).map(serde_json::from_str).collect();
        Some(numbers.ok()?.into_iter().max())
    };
    let replies = largest(&["n"])?.unwrap_or(1).max(1);
    Some(largest(&BOUNDS)??.saturating_mul(replies))
}

/// Whether a body holds an image, a sound or a file as text.
fn holds_encoded_bytes(body: &[u8]) -> bool {
    memmem::find(body, b"base64").is_some()
}

#[cfg(test)]
mod tests {
    use retrial_spec::{MissingReason, Source};

    use super::*;

    const PRICE: Price =
        Price { input: 2_000_000, cached_input: Some(200_000), cache_write: None, output: 10_000_000 };
    const NO_USAGE: Fact<Usage> = Fact::Missing(MissingReason::NoUsage);

    fn estimate(body: &[u8]) -> Estimate {
        Estimate::of_call(body, &Fields::of(body).unwrap_or_default(), Some(&PRICE))
    }

    fn ended(usage: &Fact<Usage>) -> Outcome<'_> {
        Outcome { worked: true, usage, stated: None, reply_bytes: 300 }
    }

    #[test]
    fn the_most_is_known_where_the_body_bounds_its_reply() {
        for (body, output) in [
            (r#"{"max_tokens": 100}"#, Some(100)),
            (r#"{"max_completion_tokens": 100, "n": 2}"#, Some(200)),
            (r#"{"max_output_tokens": 7, "input": []}"#, Some(7)),
            (r#"{"max_output_tokens": 7, "previous_response_id": "r"}"#, None),
            (r#"{"max_tokens": 9, "max_completion_tokens": 7, "n": null}"#, Some(9)),
            (r#"{"max_tokens": 1000000, "max_tokens": 1}"#, Some(1_000_000)),
            (r#"{"max_tokens": 1, "n": 5, "n": 1}"#, Some(5)),
            (r#"{"max_tokens": 1, "max_tokens": 1e6}"#, None),
            (r#"{"max_tokens": 1, "n": "5"}"#, None),
            (r#"{"max_tokens": 1, "conversation": "c", "conversation": null}"#, None),
            (r#"{"messages": []}"#, None),
            ("no json", None),
        ] {
            let most = estimate(body.as_bytes()).most;
            let expected = output.map(|output| Charge {
                requests: 1,
                tokens: body.len() as u64 + output,
                usd_micros: body.len() as u64 * 2 + output * 10,
            });
            assert_eq!(most, expected, "{body}");
        }
    }

    #[test]
    fn the_least_is_the_text_of_the_input_at_its_lowest_price() {
        let text = "x".repeat(8000);
        let least = estimate(text.as_bytes()).least;
        assert_eq!(least, Charge { requests: 1, tokens: 1000, usd_micros: 200 });
        let image = format!("data:image/png;base64,{text}");
        assert_eq!(estimate(image.as_bytes()).least.tokens, 0);
    }

    #[test]
    fn stated_tokens_are_charged_and_unpriced_kinds_of_them_at_the_highest_price() {
        let usage = Usage { uncached_input: 10, cache_write: Some(3), output: 2, ..Usage::default() };
        let usage = Fact::known(usage, Source::Parsed);
        let estimate = estimate(b"{}");
        assert_eq!(
            estimate.charged(ended(&usage)),
            Charge { requests: 1, tokens: 15, usd_micros: 20 + 30 + 20 }
        );
        let stated = Outcome { stated: Some(9), ..ended(&usage) };
        assert_eq!(estimate.charged(stated).usd_micros, 9);
    }

    #[test]
    fn a_reply_without_usage_is_charged_by_its_bounds_and_else_by_its_bytes() {
        let body = br#"{"max_tokens": 50}"#;
        let bounded = estimate(body);
        assert_eq!(bounded.charged(ended(&NO_USAGE)).tokens, body.len() as u64 + 50);
        let unbounded = estimate(b"{}");
        assert_eq!(
            unbounded.charged(ended(&NO_USAGE)),
            Charge { requests: 1, tokens: 302, usd_micros: 3004 }
        );
    }

    #[test]
    fn what_no_model_worked_on_costs_a_request_alone() {
        let estimate = estimate(br#"{"max_tokens": 50}"#);
        let refused = Outcome { worked: false, ..ended(&NO_USAGE) };
        let only_request = Charge { requests: 1, tokens: 0, usd_micros: 0 };
        assert_eq!(estimate.charged(refused), only_request);
    }
}
