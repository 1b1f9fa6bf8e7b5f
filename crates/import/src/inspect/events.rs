//! What happened in a sample, kept of its events one by one: calls of models and of tools, and which of them were the scorers'.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use retrial_spec::Phase;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::fields::Amount;
use super::sample::{ModelUsage, Output};

/// Fields of events that are large and say nothing a trial needs.
const SKIPPED: [&str; 13] = [
    "input",
    "input_refs",
    "tools",
    "call",
    "changes",
    "state",
    "sample",
    "config",
    "target",
    "score",
    "result",
    "content",
    "metadata",
];

/// What happened in a sample.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The calls of models by the agent, in order.
    pub(super) model_calls: Vec<ModelCall>,
    /// The calls of tools by the agent, in order, those of its sub-agents among them.
    pub(super) tool_calls: Vec<ToolEvent>,
    /// What scorers' calls of models took.
    pub(super) scoring: Vec<(String, ModelUsage)>,
    /// Milliseconds that scoring took.
    pub(super) scoring_ms: Option<u64>,
    /// When the first of them was.
    pub(super) first_at: Option<String>,
    /// How far the sample came.
    pub(super) phase: Option<Phase>,
    /// How far it had come when it met its error.
    pub(super) error_phase: Option<Phase>,
    spans: HashMap<String, Span>,
    /// How many steps of scorers are open, in old logs.
    open_scorers: u32,
}

/// A call of a model.
#[derive(Debug)]
pub(super) struct ModelCall {
    /// The message that it gave.
    pub(super) message: Option<String>,
    /// When it ended, or else began.
    pub(super) at: Option<String>,
    /// Milliseconds without waiting.
    pub(super) working_ms: Option<u64>,
    /// What it took.
    pub(super) usage: Option<ModelUsage>,
}

/// A call of a tool.
#[derive(Debug)]
pub(super) struct ToolEvent {
    pub(super) id: String,
    pub(super) function: String,
    pub(super) arguments: Value,
    /// When it ended, or else began.
    pub(super) at: Option<String>,
}

#[derive(Debug)]
struct Span {
    is_scoring: bool,
    /// When it began, where it is the outermost of scoring.
    scoring_since: Option<Timestamp>,
}

/// One event: its fields without the large ones, and the events within it in old logs.
struct RawEvent {
    fields: Map<String, Value>,
    inner: Vec<RawEvent>,
}

impl Events {
    /// Returns whether no event was recorded.
    pub(super) fn is_empty(&self) -> bool {
        self.first_at.is_none() && self.phase.is_none()
    }

    fn take(&mut self, raw: RawEvent) -> Result<(), serde_json::Error> {
        let RawEvent { fields, inner } = raw;
        let kind = text(&fields, "event").unwrap_or_default().to_owned();
        self.phase.get_or_insert(Phase::Setup);
        if self.first_at.is_none() {
            self.first_at = text(&fields, "timestamp").map(str::to_owned);
        }
        match kind.as_str() {
            "span_begin" => self.begin(&fields),
            "span_end" => self.end(&fields),
            "step" => self.step(&fields),
            "model" => self.model(fields)?,
            "tool" => self.tool(fields),
            "error" => self.error_phase = self.error_phase.or(self.phase),
            _ => {}
        }
        inner.into_iter().try_for_each(|event| self.take(event))
    }

    fn is_scoring(&self, fields: &Map<String, Value>, name: &str) -> bool {
        self.open_scorers > 0
            || text(fields, name).and_then(|span| self.spans.get(span)).is_some_and(|span| span.is_scoring)
    }

    fn begin(&mut self, fields: &Map<String, Value>) {
        let kind = text(fields, "type").unwrap_or_default();
        self.reach(kind);
        let is_within = self.is_scoring(fields, "parent_id");
        let is_scoring = is_within || matches!(kind, "scorers" | "scorer");
        let scoring_since = if is_scoring && !is_within { time(fields) } else { None };
        if let Some(id) = text(fields, "id") {
            self.spans.insert(id.to_owned(), Span { is_scoring, scoring_since });
        }
    }

    fn end(&mut self, fields: &Map<String, Value>) {
        let since = text(fields, "id").and_then(|id| self.spans.get(id)?.scoring_since);
        if let (Some(since), Some(at)) = (since, time(fields))
            && let Ok(taken) = u64::try_from(at.duration_since(since).as_millis())
        {
            self.scoring_ms = Some(self.scoring_ms.unwrap_or(0).saturating_add(taken));
        }
    }

    fn step(&mut self, fields: &Map<String, Value>) {
        let kind = text(fields, "type").unwrap_or_default();
        let is_begin = text(fields, "action") == Some("begin");
        if is_begin {
            self.reach(kind);
        }
        if kind == "scorer" {
            let open = self.open_scorers;
            self.open_scorers = if is_begin { open.saturating_add(1) } else { open.saturating_sub(1) };
        }
    }

    /// Notes how far the sample came. Scores within the agent's work do not end it.
    fn reach(&mut self, kind: &str) {
        match kind {
            // What is no word of Inspect is how exports of runs say it.
            "scorers" | "verify" => self.phase = Some(Phase::Verify),
            "scorer" if self.spans.is_empty() => self.phase = Some(Phase::Verify),
            "solvers" | "solver" | "agent" if self.phase != Some(Phase::Verify) => {
                self.phase = Some(Phase::Agent);
            }
            "build" => self.phase = Some(Phase::Build),
            "record" => self.phase = Some(Phase::Record),
            _ => {}
        }
    }

    fn model(&mut self, mut fields: Map<String, Value>) -> Result<(), serde_json::Error> {
        #[derive(Deserialize)]
        struct Used {
            usage: Option<ModelUsage>,
        }
        // A cache of Inspect's own answered: nothing was sent.
        if text(&fields, "cache") == Some("read") {
            return Ok(());
        }
        let output = fields.remove("output").filter(Value::is_object);
        let usage = output.as_ref().map(Used::deserialize).transpose()?.and_then(|used| used.usage);
        if self.is_scoring(&fields, "span_id") {
            let model = text(&fields, "model").unwrap_or_default().to_owned();
            self.scoring.extend(usage.map(|usage| (model, usage)));
            return Ok(());
        }
        let output = output.as_ref().map(Output::deserialize).transpose()?;
        let choice = output.and_then(|output| output.choices?.into_iter().next());
        let working = fields.get("working_time").filter(|value| !value.is_null());
        self.model_calls.push(ModelCall {
            message: choice.and_then(|choice| choice.message?.id),
            at: at(&fields),
            working_ms: working.map(Amount::deserialize).transpose()?.and_then(Amount::thousandths),
            usage,
        });
        Ok(())
    }

    fn tool(&mut self, mut fields: Map<String, Value>) {
        if self.is_scoring(&fields, "span_id") {
            return;
        }
        self.tool_calls.push(ToolEvent {
            id: text(&fields, "id").unwrap_or_default().to_owned(),
            function: text(&fields, "function").unwrap_or_default().to_owned(),
            at: at(&fields),
            arguments: fields.remove("arguments").unwrap_or_default(),
        });
    }
}

fn text<'f>(fields: &'f Map<String, Value>, name: &str) -> Option<&'f str> {
    fields.get(name)?.as_str()
}

fn time(fields: &Map<String, Value>) -> Option<Timestamp> {
    text(fields, "timestamp")?.parse().ok()
}

fn at(fields: &Map<String, Value>) -> Option<String> {
    text(fields, "completed").or_else(|| text(fields, "timestamp")).map(str::to_owned)
}

/// Takes a list of events one by one.
impl<'de> DeserializeSeed<'de> for &mut Events {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Events {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        while let Some(event) = events.next_element()? {
            self.take(event).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut events = Self::default();
        (&mut events).deserialize(deserializer)?;
        Ok(events)
    }
}

impl<'de> Deserialize<'de> for RawEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = RawEvent;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an event, a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawEvent, A::Error> {
                let mut event = RawEvent { fields: Map::new(), inner: Vec::new() };
                while let Some(name) = map.next_key::<String>()? {
                    if name == "events" {
                        event.inner = map.next_value::<Option<Vec<RawEvent>>>()?.unwrap_or_default();
                    } else if SKIPPED.contains(&name.as_str()) {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        event.fields.insert(name, map.next_value()?);
                    }
                }
                Ok(event)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
