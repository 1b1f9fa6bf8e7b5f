//! Python's JSON: the words `NaN`, `Infinity` and `-Infinity`, which stand for numbers there and which JSON does not have, are put
//! in quotes while a text is read.

use std::io::{BufRead, Read, Result};

/// The words that JSON does not have.
const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

/// Reads a JSON text with its bare words in quotes; everything else stays as it is.
#[derive(Debug)]
pub(super) struct BareNumbers<R> {
    inner: R,
    /// Whether what follows lies within quotes.
    is_text: bool,
    /// Whether the next byte of a text is escaped.
    is_escaped: bool,
    /// The beginning of what may become one of the words.
    begun: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
}

impl<R: BufRead> BareNumbers<R> {
    /// Returns a reader of what `inner` reads.
    pub(super) fn new(inner: R) -> Self {
        Self { inner, is_text: false, is_escaped: false, begun: Vec::new(), ready: Vec::new(), given: 0 }
    }

    fn turn(&mut self, mut rest: &[u8]) {
        while !rest.is_empty() {
            rest = if self.is_text { self.text(rest) } else { self.outside(rest) };
        }
    }

    /// Passes on the rest of a text, up to its closing quote.
    fn text<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.is_escaped {
            self.is_escaped = false;
            self.ready.push(bytes[0]);
            return &bytes[1..];
        }
        let Some(end) = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
            self.ready.extend_from_slice(bytes);
            return &[];
        };
        self.is_text = bytes[end] == b'\\';
        self.is_escaped = self.is_text;
        self.ready.extend_from_slice(&bytes[..=end]);
        &bytes[end + 1..]
    }

    /// Passes on what lies outside of texts, up to an opening quote or the end of what may be a word.
    fn outside<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if !self.begun.is_empty() {
            return self.word(bytes);
        }
        let stop = |byte: &u8| matches!(byte, b'"' | b'N' | b'I' | b'-');
        let Some(end) = bytes.iter().position(stop) else {
            self.ready.extend_from_slice(bytes);
            return &[];
        };
        self.ready.extend_from_slice(&bytes[..end]);
        if bytes[end] == b'"' {
            self.is_text = true;
            self.ready.push(b'"');
        } else {
            self.begun.push(bytes[end]);
        }
        &bytes[end + 1..]
    }

    /// Goes on with what may be a word.
    fn word<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        self.begun.push(bytes[0]);
        if WORDS.iter().any(|word| word.starts_with(&self.begun)) {
            return &bytes[1..];
        }
        self.begun.pop();
        let goes_on = bytes[0].is_ascii_alphanumeric() || bytes[0] == b'_';
        self.end_word(!goes_on);
        bytes
    }

    fn end_word(&mut self, is_whole: bool) {
        let is_word = is_whole && WORDS.contains(&self.begun.as_slice());
        if is_word {
            self.ready.push(b'"');
        }
        self.ready.append(&mut self.begun);
        if is_word {
            self.ready.push(b'"');
        }
    }
}

impl<R: BufRead> Read for BareNumbers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
            // Taken out, so that it can be walked while the state changes; put back for its allocation.
            let chunk = self.inner.fill_buf()?.to_vec();
            if chunk.is_empty() {
                self.end_word(true);
                if self.ready.is_empty() {
                    return Ok(0);
                }
                break;
            }
            self.inner.consume(chunk.len());
            self.turn(&chunk);
        }
        let length = buffer.len().min(self.ready.len() - self.given);
        buffer[..length].copy_from_slice(&self.ready[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn filtered(text: &[u8], chunk: usize) -> Vec<u8> {
        let mut out = Vec::new();
        BareNumbers::new(BufReader::with_capacity(chunk, text)).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn bare_words_are_quoted_outside_of_texts_alone() {
        let text =
            br#"{"a": NaN, "NaN": [Infinity,-Infinity], "t": "NaN \" -Infinity \\", "n": -1e-5, "x": NaN}"#;
        let read: Value = serde_json::from_slice(&filtered(text, 3)).unwrap();
        let expected = json!({"a": "NaN", "NaN": ["Infinity", "-Infinity"], "t": "NaN \" -Infinity \\", "n": -1e-5, "x": "NaN"});
        assert_eq!(read, expected);
    }

    #[test]
    fn what_only_begins_like_a_word_stays_wrong() {
        for text in ["NaNs", "Infinit", "-Inf", "NNaN", "[-]", "Na"] {
            assert!(serde_json::from_slice::<Value>(&filtered(text.as_bytes(), 2)).is_err(), "{text}");
        }
        assert_eq!(filtered(b"NaN", 1), b"\"NaN\"");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[\\PC\"\\\\NaIfinty-]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[NaI\"\\\\-]{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// As Python writes it: a number that is none stands bare.
    fn python(value: &Value, words: &mut impl Iterator<Item = usize>) -> String {
        match value {
            Value::Null => ["null", "NaN", "Infinity", "-Infinity"][words.next().unwrap() % 4].to_owned(),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| python(item, words)).collect();
                format!("[{}]", items.join(","))
            }
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| {
                    format!("{}:{}", Value::from(name.as_str()), python(value, &mut *words))
                };
                let fields: Vec<String> = fields.iter().map(field).collect();
                format!("{{{}}}", fields.join(", "))
            }
            other => other.to_string(),
        }
    }

    /// What `python` wrote, as it should read.
    fn quoted(value: &Value, words: &mut impl Iterator<Item = usize>) -> Value {
        match value {
            Value::Null => [json!(null), json!("NaN"), json!("Infinity"), json!("-Infinity")]
                [words.next().unwrap() % 4]
                .clone(),
            Value::Array(items) => items.iter().map(|item| quoted(item, words)).collect(),
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| (name.clone(), quoted(value, &mut *words));
                Value::Object(fields.iter().map(field).collect())
            }
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn valid_json_passes_unchanged(value in values(), chunk in 1_usize..20) {
            let text = serde_json::to_vec_pretty(&value).unwrap();
            prop_assert_eq!(filtered(&text, chunk), text);
        }

        #[test]
        fn every_bare_word_reads_as_its_text(value in values(), chunk in 1_usize..20, seed in 0_usize..1000) {
            let text = python(&value, &mut (seed..));
            let read: Value = serde_json::from_slice(&filtered(text.as_bytes(), chunk)).unwrap();
            prop_assert_eq!(read, quoted(&value, &mut (seed..)));
        }
    }
}
