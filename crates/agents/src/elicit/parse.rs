//! Reads the answer to the question for confidence and claim: the asked JSON first, then JSON inside other text, then words.

use retrial_spec::{Claim, Fact, MissingReason, Source};
use serde::Serialize;

use super::{free_text, json};

/// Bytes at the end of an answer that are searched, where it is not JSON as a whole.
const SEARCHED_BYTES: usize = 64 << 10;

/// What an answer says of the agent's result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Elicited {
    /// The agent's own probability in [0, 1] that it succeeded.
    pub confidence: Fact<f64>,
    /// What it said of its result.
    pub claim: Fact<Claim>,
    /// How the answer was read.
    pub parsing: Parsing,
}

/// How an answer was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parsing {
    /// The whole answer is the JSON that was asked for.
    Json,
    /// The JSON stands inside other text.
    EmbeddedJson,
    /// It was read out of words.
    FreeText,
    /// There was nothing to read.
    Empty,
    /// Nothing in it could be read.
    Unreadable,
}

/// What the values found for one fact come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Findings<T>(Vec<Option<(T, Source)>>);

impl<T> Default for Findings<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + PartialEq> Findings<T> {
    /// Adds a place that states the fact: its value, or `None` where that is no valid value.
    pub(super) fn add(&mut self, found: Option<(T, Source)>) {
        self.0.push(found);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value that every place states; missing where there is none, one is invalid, or two differ.
    fn fact(&self) -> Fact<T> {
        let unparsable = Fact::Missing(MissingReason::Unparsable);
        let Some(Some((value, source))) = self.0.last().copied() else { return unparsable };
        let agree = self.0.iter().all(|found| found.is_some_and(|(other, _)| other == value));
        if agree { Fact::known(value, source) } else { unparsable }
    }
}

/// Reads an answer. The confidence, where known, lies in [0, 1].
///
/// | answer | confidence, claim |
/// |---|---|
/// | empty | missing: no answer |
/// | the JSON object asked for, alone, in a code fence or in text | stated |
/// | a value in another notation (`"80%"`, `Not done`), or words (`confidence: 0.8`, `80 % sure`, `claim: done`) | parsed |
/// | out of range, not a number, several values that differ, or no value | missing: unparsable |
///
/// Where the answer holds `</think>`, only what follows the last one counts.
pub fn parse(answer: &str) -> Elicited {
    let answer = answer.rsplit("</think>").next().unwrap_or_default().trim();
    if answer.is_empty() {
        let missing = MissingReason::NoAnswer;
        return Elicited {
            confidence: Fact::Missing(missing),
            claim: Fact::Missing(missing),
            parsing: Parsing::Empty,
        };
    }
    if let Some((confidence, claim)) = json::whole(answer) {
        return elicited(&confidence, &claim, Parsing::Json);
    }
    let end = tail(answer);
    let (confidence, claim) = json::embedded(end);
    if !confidence.is_empty() || !claim.is_empty() {
        return elicited(&confidence, &claim, Parsing::EmbeddedJson);
    }
    elicited(&free_text::confidence(end), &free_text::claim(end), Parsing::FreeText)
}

fn elicited(confidence: &Findings<f64>, claim: &Findings<Claim>, parsing: Parsing) -> Elicited {
    let (confidence, claim) = (confidence.fact(), claim.fact());
    let read = confidence.value().is_some() || claim.value().is_some();
    Elicited { confidence, claim, parsing: if read { parsing } else { Parsing::Unreadable } }
}

fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(SEARCHED_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn confidence(answer: &str) -> Fact<f64> {
        parse(answer).confidence
    }

    fn claim(answer: &str) -> Fact<Claim> {
        parse(answer).claim
    }

    const UNPARSABLE: MissingReason = MissingReason::Unparsable;

    #[test]
    fn the_form_that_was_asked_for_is_stated() {
        let read = parse(" {\"confidence\": 0.85, \"claim\": \"done\"}\n");
        assert_eq!(read.confidence, Fact::known(0.85, Source::Stated));
        assert_eq!(read.claim, Fact::known(Claim::Done, Source::Stated));
        assert_eq!(read.parsing, Parsing::Json);
        assert_eq!(confidence(r#"{"confidence": 1, "claim": "not_done"}"#), Fact::known(1.0, Source::Stated));
    }

    #[test]
    fn the_form_inside_a_fence_or_a_text_is_stated_as_well() {
        for text in [
            "```json\n{\"confidence\": 0, \"claim\": \"needs_human\"}\n```",
            "All tests {pass}.\n{\"confidence\": 0, \"claim\": \"needs_human\"}",
            "<think>maybe {\"confidence\": 1}</think>So: {\"confidence\": 0.0, \"claim\": \"needs_human\"} .",
        ] {
            let read = parse(text);
            assert_eq!(read.confidence, Fact::known(0.0, Source::Stated), "{text}");
            assert_eq!(read.claim, Fact::known(Claim::NeedsHuman, Source::Stated), "{text}");
        }
        assert_eq!(parse("ok {\"confidence\": 0.5, \"claim\": \"done\"}").parsing, Parsing::EmbeddedJson);
    }

    #[test]
    fn other_notations_and_words_are_parsed() {
        for (text, value) in [
            (r#"{"confidence": "80%", "claim": "Done"}"#, 0.8),
            (r#"{"confidence": "0.8"}"#, 0.8),
            ("Confidence: 0.8. Claim: done", 0.8),
            ("**Confidence:** 80%", 0.8),
            ("My confidence is about 80 %, I think", 0.8),
            ("I am 80% confident that it passes", 0.8),
            ("80%", 0.8),
            ("0.8", 0.8),
            ("confidence = 1", 1.0),
            ("confidence: 100%", 1.0),
        ] {
            assert_eq!(confidence(text), Fact::known(value, Source::Parsed), "{text}");
        }
        assert_eq!(claim("Confidence: 0.8. Claim: done"), Fact::known(Claim::Done, Source::Parsed));
        assert_eq!(claim("claim: \"not done\""), Fact::known(Claim::NotDone, Source::Parsed));
        assert_eq!(claim("Needs human"), Fact::known(Claim::NeedsHuman, Source::Parsed));
        assert_eq!(claim(r#"{"claim": "needs-human"}"#), Fact::known(Claim::NeedsHuman, Source::Parsed));
    }

    #[test]
    fn a_confidence_that_is_not_one_plain_probability_is_missing() {
        for text in [
            r#"{"confidence": 1.2, "claim": "done"}"#,
            r#"{"confidence": 80, "claim": "done"}"#,
            r#"{"confidence": -0.1, "claim": "done"}"#,
            r#"{"confidence": null, "claim": "done"}"#,
            r#"{"confidence": "NaN", "claim": "done"}"#,
            r#"{"confidence": NaN, "claim": "done"}"#,
            r#"{"confidence": "high", "claim": "done"}"#,
            r#"{"claim": "done"}"#,
            r#"{"confidence": 0.2, "confidence": 0.9, "claim": "done"}"#,
            "{\"confidence\": 0.2}\n{\"confidence\": 0.9}",
            "confidence: 0.2, no, confidence: 0.9",
            "confidence: 8/10",
            "confidence: 0.7-0.9",
            "confidence: 70% to 90%",
            "confidence: 0,8",
            "confidence: -0.8",
            "confidence: 120%",
            "confidence: 1e-3",
            "confidence: inf",
            "I ran 12 tests.",
            "1",
        ] {
            assert_eq!(confidence(text), Fact::Missing(UNPARSABLE), "{text}");
        }
    }

    #[test]
    fn claims_that_contradict_each_other_are_missing() {
        for text in
            ["claim: done\nclaim: not done", "{\"claim\":\"done\"} {\"claim\":\"not_done\"}", "It is done."]
        {
            assert_eq!(claim(text), Fact::Missing(UNPARSABLE), "{text}");
        }
    }

    #[test]
    fn one_missing_fact_does_not_lose_the_other() {
        let read = parse(r#"{"confidence": 7, "claim": "done"}"#);
        assert_eq!(read.confidence, Fact::Missing(UNPARSABLE));
        assert_eq!(read.claim, Fact::known(Claim::Done, Source::Stated));
    }

    #[test]
    fn silence_is_no_answer() {
        for text in ["", "  \n", "<think>0.8</think> "] {
            assert_eq!(confidence(text), Fact::Missing(MissingReason::NoAnswer), "{text:?}");
            assert_eq!(parse(text).parsing, Parsing::Empty);
        }
    }

    #[test]
    fn the_questions_own_form_is_no_answer_to_it() {
        let read = parse(super::super::QUESTION);
        assert_eq!((read.confidence, read.claim), (Fact::Missing(UNPARSABLE), Fact::Missing(UNPARSABLE)));
    }

    proptest! {
        #[test]
        fn a_known_confidence_is_a_probability(text in "(confidence|claim|done|[0-9]{1,3}|[.,%/:\\- {}\"é]|not|e){0,24}") {
            if let Some(value) = confidence(&text).value() {
                prop_assert!((0.0..=1.0).contains(value));
            }
        }

        #[test]
        fn any_text_can_be_read(text in ".*") {
            if let Some(value) = confidence(&text).value() {
                prop_assert!((0.0..=1.0).contains(value));
            }
        }

        #[test]
        fn every_probability_survives_the_form(value in 0.0..=1.0f64) {
            let text = serde_json::json!({"confidence": value, "claim": "done"}).to_string();
            prop_assert_eq!(confidence(&text), Fact::known(value, Source::Stated));
        }
    }
}
