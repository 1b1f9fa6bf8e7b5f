//! Finds the asked JSON object in an answer. Keys given twice are kept apart, so that a contradiction is seen.

use retrial_spec::{Claim, Source};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::free_text;
use super::parse::Findings;

type Found = (Findings<f64>, Findings<Claim>);

/// Reads an answer that is one JSON object as a whole and holds one of the keys.
pub(super) fn whole(answer: &str) -> Option<Found> {
    let pairs: Pairs = serde_json::from_str(answer).ok()?;
    let mut found = Found::default();
    pairs.collect(&mut found).then_some(found)
}

/// Reads every JSON object of a text that holds one of the keys.
pub(super) fn embedded(text: &str) -> Found {
    let mut found = Found::default();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        rest = &rest[open..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Pairs>();
        let holds_keys = matches!(stream.next(), Some(Ok(pairs)) if pairs.collect(&mut found));
        // An object without the keys may hold one that has them.
        let used = if holds_keys { stream.byte_offset() } else { 1 };
        rest = &rest[used..];
    }
    found
}

/// The pairs of a JSON object in order, none dropped.
struct Pairs(Vec<(String, Value)>);

impl Pairs {
    /// Adds what the object states; returns whether it holds one of the keys.
    fn collect(&self, (confidences, claims): &mut Found) -> bool {
        let mut holds = false;
        for (key, value) in &self.0 {
            match key.as_str() {
                "confidence" => confidences.add(confidence(value)),
                "claim" => claims.add(claim(value)),
                _ => continue,
            }
            holds = true;
        }
        holds
    }
}

fn confidence(value: &Value) -> Option<(f64, Source)> {
    match value {
        Value::Number(number) => {
            number.as_f64().filter(|p| (0.0..=1.0).contains(p)).map(|p| (p, Source::Stated))
        }
        Value::String(text) => free_text::probability(text).map(|p| (p, Source::Parsed)),
        _ => None,
    }
}

fn claim(value: &Value) -> Option<(Claim, Source)> {
    let text = value.as_str()?;
    match text {
        "done" => Some((Claim::Done, Source::Stated)),
        "not_done" => Some((Claim::NotDone, Source::Stated)),
        "needs_human" => Some((Claim::NeedsHuman, Source::Stated)),
        _ => free_text::whole_claim(text).map(|claim| (claim, Source::Parsed)),
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
