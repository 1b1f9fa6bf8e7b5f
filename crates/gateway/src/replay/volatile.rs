//! What may differ between two runs that do the same: dates, durations, ids, temporary paths.
//!
//! The two tables here are the documentation's as well (`docs/design/replay.md`); an experiment adds to them with `[replay] ignore`.

use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

/// Fields of a request that are taken out, as JSON pointers in which `*` stands for every element.
const FIELDS: [&str; 7] = [
    // Routing to a cache, by session or at random.
    "/prompt_cache_key",
    "/session_id",
    // Who asks, often with a session's or machine's id.
    "/user",
    "/metadata/user_id",
    "/metadata/session_id",
    "/safety_identifier",
    // Version, time and session of the client.
    "/client_metadata",
];

/// What is replaced in every text, in this order, and by what.
const PATTERNS: [(&str, &str); 18] = [
    // 3f2504e0-4f89-41d3-9a0c-0305e82c3301
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<uuid>"),
    // 2026-11-21T13:08:18.5Z, 2026-11-21 13:08
    (r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?( ?(Z|UTC|[+-]\d{2}:?\d{2})\b)?", "<time>"),
    // 2026-11-21, 2026/11/21
    (r"\b\d{4}[-/]\d{2}[-/]\d{2}\b", "<date>"),
    // Sat Nov 21 13:08:18 UTC 2026, Saturday, November 21, 2026
    (
        r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +\d{1,2}\b(,? +\d{4}\b)?( +\d{2}:\d{2}(:\d{2})?)?( [AP]M)?( +[A-Z]{3,4})?( +\d{4}\b)?",
        "<date>",
    ),
    // Sat, 21 Nov 2026 13:08:18 GMT, 21 November 2026
    (
        r"\b((Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*,? \d{4}( \d{2}:\d{2}(:\d{2})?)?( (GMT|UTC|[+-]\d{4}))?",
        "<date>",
    ),
    // Nov 21 13:08, November 21, 2026, as lists of files and reports have it
    (
        r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +\d{1,2},? +(\d{2}:\d{2}|\d{4})\b",
        "<date>",
    ),
    // 11/21/2026
    (r"\b\d{1,2}/\d{1,2}/\d{4}\b", "<date>"),
    // 13:08:18, 1:08:18 PM
    (r"\b\d{1,2}:\d{2}:\d{2}([.,]\d+)?( [AP]M)?\b", "<time>"),
    // 0m0.012s
    (r"\b\d+m\d+([.,]\d+)?s\b", "<duration>"),
    // 12 ms, 0.03s, 4 seconds
    (r"\b\d+([.,]\d+)? ?(ns|us|µs|ms|s|secs?|seconds?|mins?|minutes?)\b", "<duration>"),
    // Seconds or milliseconds since 1970, of the years 2017 to 2033
    (r"\b1[5-9]\d{8}(\d{3}|\.\d+)?\b", "<epoch>"),
    // ses_5f0d2c1a9ffeWq3Xo7bN, as agents name sessions, messages and parts
    (r"\b(ses|sess|session|msg|prt|thread|conv|run)[_-][0-9A-Za-z]{12,}\b", "<id>"),
    // /tmp/tmp.Xa31
    (r#"(/private)?(/tmp|/var/tmp|/var/folders)/[^\s"'`:;,)\\]*"#, "<temporary>"),
    // 0x7f3a9c2d1e40
    (r"\b0x[0-9a-fA-F]{6,16}\b", "<address>"),
    // A commit, which holds its time
    (r"\b[0-9a-f]{40}\b", "<commit>"),
    // [main 1a2b3c4] and the lines of a short log
    (r"(?m)(^|\[[^\s\]]+ (\(root-commit\) )?)[0-9a-f]{7,12}\b", "$1<commit>"),
    // 127.0.0.1:43121
    (r"\b(127\.0\.0\.1|localhost|0\.0\.0\.0):\d{4,5}\b", "$1:<port>"),
    // pid 4711, PID=4711
    (r"(?i)\b(pid)([ =:]+)\d+\b", "$1$2<pid>"),
];

/// What does not count when two requests are compared. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Volatile(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    fields: Vec<Vec<String>>,
    patterns: Vec<(Regex, String)>,
}

/// An entry of `[replay] ignore` that is neither a JSON pointer nor a regular expression.
#[derive(Debug, thiserror::Error)]
#[error("`{entry}` is neither a JSON pointer nor a regular expression: {reason}")]
pub struct InvalidIgnore {
    /// The entry's place, from 0.
    pub index: usize,
    entry: String,
    reason: String,
}

impl Volatile {
    /// Makes the rules of the tables and an experiment's own: a JSON pointer (it begins with `/`; `*` stands for every element) takes
    /// a field out, anything else is a regular expression whose matches do not count in any text.
    ///
    /// # Errors
    /// [`InvalidIgnore`] for the first expression that cannot be read.
    pub fn new(ignore: &[String]) -> Result<Self, InvalidIgnore> {
        let mut fields: Vec<Vec<String>> = FIELDS.iter().map(|pointer| steps(pointer)).collect();
        let mut patterns: Vec<(Regex, String)> = Vec::new();
        for (index, entry) in ignore.iter().enumerate() {
            if entry.starts_with('/') {
                fields.push(steps(entry));
                continue;
            }
            patterns.push((compiled(index, entry)?, "<ignored>".to_owned()));
        }
        // After the experiment's own, which know more of what they look for.
        for (index, (pattern, by)) in PATTERNS.iter().enumerate() {
            patterns.push((compiled(index, pattern)?, (*by).to_owned()));
        }
        Ok(Self(Arc::new(Rules { fields, patterns })))
    }

    /// Returns a body without what does not count.
    pub(super) fn without(&self, mut body: Value) -> Value {
        for field in &self.0.fields {
            remove(&mut body, field);
        }
        self.replace(&mut body);
        body
    }

    fn replace(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for (pattern, by) in &self.0.patterns {
                    if let std::borrow::Cow::Owned(replaced) = pattern.replace_all(text, by) {
                        *text = replaced;
                    }
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.replace(element)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.replace(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn compiled(index: usize, entry: &str) -> Result<Regex, InvalidIgnore> {
    Regex::new(entry).map_err(|error| InvalidIgnore {
        index,
        entry: entry.to_owned(),
        reason: error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

/// The steps of a JSON pointer.
fn steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

fn remove(value: &mut Value, steps: &[String]) {
    let Some((step, rest)) = steps.split_first() else { return };
    let is_last = rest.is_empty();
    match value {
        Value::Object(fields) if step == "*" && is_last => fields.clear(),
        Value::Object(fields) if step == "*" => fields.values_mut().for_each(|field| remove(field, rest)),
        Value::Object(fields) if is_last => drop(fields.remove(step)),
        Value::Object(fields) => {
            if let Some(field) = fields.get_mut(step) {
                remove(field, rest);
            }
        }
        Value::Array(elements) if step == "*" && is_last => elements.clear(),
        Value::Array(elements) if step == "*" => {
            for element in elements {
                remove(element, rest);
            }
        }
        Value::Array(elements) => {
            // Taking an element out would move the others: it is emptied.
            if let Some(element) = step.parse().ok().and_then(|place: usize| elements.get_mut(place)) {
                if is_last { *element = Value::Null } else { remove(element, rest) }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn without(ignore: &[&str], body: Value) -> Value {
        let ignore: Vec<String> = ignore.iter().map(|entry| (*entry).to_owned()).collect();
        Volatile::new(&ignore).unwrap().without(body)
    }

    #[test]
    fn every_pattern_of_the_table_hides_what_it_is_for() {
        for (text, hidden) in [
            ("id 3f2504e0-4f89-41d3-9a0c-0305e82c3301.", "id <uuid>."),
            ("at 2026-11-21T13:08:18.5Z, 2026-11-21 13:08 and 2026-11-21", "at <time>, <time> and <date>"),
            ("Sat Nov 21 13:08:18 UTC 2026|Saturday, November 21, 2026", "<date>|<date>"),
            ("Sat, 21 Nov 2026 13:08:18 GMT|21 November 2026", "<date>|<date>"),
            ("-rw-r--r-- 1 a a 12 Nov  2 13:08 x", "-rw-r--r-- 1 a a 12 <date> x"),
            ("11/21/2026, 1:08:18 PM", "<date>, <time>"),
            (
                "real\t0m0.012s; 3 passed in 0.03s; 12 ms",
                "real\t<duration>; 3 passed in <duration>; <duration>",
            ),
            ("1763730498 1763730498.25 1763730498123", "<epoch> <epoch> <epoch>"),
            ("ses_5f0d2c1a9ffeWq3Xo7bN", "<id>"),
            ("(/tmp/tmp.Xa31/f) /var/tmp/x:1", "(<temporary>) <temporary>:1"),
            ("<f at 0x7f3a9c2d1e40>", "<f at <address>>"),
            ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "<commit>"),
            ("[main 1a2b3c4] x\n5d6e7f8 y", "[main <commit>] x\n<commit> y"),
            ("http://127.0.0.1:43121/v1", "http://127.0.0.1:<port>/v1"),
            ("pid 4711 PID=4711", "pid <pid> PID=<pid>"),
        ] {
            assert_eq!(without(&[], json!({"x": [text]})), json!({"x": [hidden]}));
        }
    }

    #[test]
    fn what_an_agent_did_differently_still_shows() {
        let body = json!({"messages": [{"content": "ls src && sed -i 's/12/13/' a.py # 42 tests, v1.2.3"}], "n": 1_763_730_498});
        assert_eq!(without(&[], body.clone()), body);
    }

    #[test]
    fn fields_of_the_table_and_of_the_experiment_are_taken_out() {
        let body = json!({
            "model": "m", "user": "u", "metadata": {"user_id": 1, "kept": 2}, "prompt_cache_key": "k",
            "messages": [{"id": 1, "content": "build 77a"}, {"id": 2, "content": "b"}],
        });
        assert_eq!(
            without(&["/messages/*/id", "build [0-9a-f]+", "/messages/1"], body),
            json!({"model": "m", "metadata": {"kept": 2}, "messages": [{"content": "<ignored>"}, null]})
        );
        let error = Volatile::new(&["/ok".to_owned(), "(".to_owned()]).unwrap_err();
        assert_eq!(error.index, 1);
    }
}
