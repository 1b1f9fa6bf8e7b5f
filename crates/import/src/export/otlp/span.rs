//! A span as JSON.

use jiff::Timestamp;
use retrial_spec::digest_bytes;
use serde_json::{Value, json};

/// The kind of a span that calls another service.
pub(super) const CLIENT: u8 = 3;
/// The kind of a span within the agent.
pub(super) const INTERNAL: u8 = 1;

/// The status of a span that failed.
const ERROR: u8 = 2;
const TRACE_DIGITS: usize = 32;
const SPAN_DIGITS: usize = 16;

/// The ids of the spans of a trace, made of what the trace is of: the same trial has the same ids.
#[derive(Debug)]
pub(super) struct Ids {
    origin: String,
    trace: String,
    next: u64,
}

impl Ids {
    /// The ids of what has this name.
    pub(super) fn of(origin: String) -> Self {
        let trace = digits(&origin, TRACE_DIGITS);
        Self { origin, trace, next: 0 }
    }

    fn span(&mut self) -> String {
        self.next += 1;
        digits(&format!("{}#{}", self.origin, self.next), SPAN_DIGITS)
    }
}

fn digits(text: &str, count: usize) -> String {
    digest_bytes(text.as_bytes()).as_str().chars().take(count).collect()
}

/// From when to when something was, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) source: &'static str,
}

/// A span in the making.
#[derive(Debug)]
pub(super) struct Span {
    value: Value,
    attributes: Vec<Value>,
}

impl Span {
    /// Begins a span of a kind below another.
    pub(super) fn new(ids: &mut Ids, parent: Option<&str>, name: &str, kind: u8, at: Interval) -> Self {
        let mut value = json!({
            "traceId": ids.trace,
            "spanId": ids.span(),
            "name": name,
            "kind": kind,
            "startTimeUnixNano": nanos(at.start),
            "endTimeUnixNano": nanos(at.end.max(at.start)),
        });
        if let Some(parent) = parent {
            value["parentSpanId"] = json!(parent);
        }
        let mut span = Self { value, attributes: Vec::new() };
        span.text("retrial.time", Some(at.source));
        span
    }

    /// Returns the span's id.
    pub(super) fn id(&self) -> String {
        self.value["spanId"].as_str().unwrap_or_default().to_owned()
    }

    /// Adds a text where there is one.
    pub(super) fn text(&mut self, key: &str, text: Option<&str>) {
        self.attribute(key, text.map(|text| json!({ "stringValue": text })));
    }

    /// Adds a count where there is one; the form has them as texts.
    pub(super) fn count(&mut self, key: &str, count: Option<u64>) {
        let count = count.and_then(|count| i64::try_from(count).ok());
        self.attribute(key, count.map(|count| json!({ "intValue": count.to_string() })));
    }

    /// Adds a number where there is one.
    pub(super) fn number(&mut self, key: &str, number: Option<f64>) {
        self.attribute(key, number.map(|number| json!({ "doubleValue": number })));
    }

    fn attribute(&mut self, key: &str, value: Option<Value>) {
        self.attributes.extend(value.map(|value| json!({ "key": key, "value": value })));
    }

    /// Marks the span as failed.
    pub(super) fn failed(&mut self, kind: &str, message: Option<&str>) {
        self.text("error.type", Some(kind));
        self.value["status"] = json!({ "code": ERROR });
        if let Some(message) = message {
            self.value["status"]["message"] = json!(message);
        }
    }

    /// Returns the span as JSON.
    pub(super) fn finish(mut self) -> Value {
        self.value["attributes"] = Value::Array(self.attributes);
        self.value
    }
}

/// Nanoseconds since 1970 as a text; moments before that cannot be said.
fn nanos(at: Timestamp) -> String {
    at.as_nanosecond().max(0).to_string()
}
