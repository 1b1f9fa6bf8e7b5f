//! A reply of Responses, whole or put together from the events of a stream.

use std::collections::BTreeMap;

use retrial_spec::Reply;
use serde_json::{Value, json};

use super::item::{kind, refusals, texts, tool_call};
use super::usage::usage;
use crate::protocol::conversation::text_at;
use crate::protocol::error_text;
use crate::protocol::kept::{Kept, PIECE_COST, weight};
use crate::protocol::plain::ResponsesText;
use crate::protocol::reader::Parts;

/// Puts a reply together.
#[derive(Debug, Default)]
pub(in crate::protocol) struct ResponsesReply {
    reply: Reply,
    items: BTreeMap<u64, Item>,
}

/// An item of the output: first as it was announced, with the pieces that came since; then whole.
#[derive(Debug, Default)]
struct Item {
    value: Value,
    cost: usize,
    text: String,
    refusal: String,
    reasoning: String,
    arguments: String,
}

impl Parts for ResponsesReply {
    fn text(&mut self, data: &str, kept: &mut Kept) -> bool {
        let Some(event) = ResponsesText::of(data) else { return false };
        self.extend(event.place, |item| &mut item.text, &event.text, kept);
        true
    }

    fn event(&mut self, mut event: Value, kept: &mut Kept) {
        let kind = text_at(&event, "type");
        let place = event.get("output_index").and_then(Value::as_u64).unwrap_or(0);
        match kind.as_str() {
            "response.output_item.added" | "response.output_item.done" => {
                let item = event.get_mut("item").map(Value::take).unwrap_or_default();
                self.put(place, item, kept);
            }
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                let response = event.get_mut("response").map(Value::take).unwrap_or_default();
                self.response(response, kept);
                kept.done();
            }
            "error" => {
                let error = event.get("error").filter(|error| !error.is_null()).unwrap_or(&event);
                kept.fail(format!("the reply holds an error: {}", error_text(error)));
                kept.done();
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                self.model(event.get("response"));
            }
            _ => self.piece(place, &kind, &event, kept),
        }
    }

    fn whole(&mut self, body: Value, kept: &mut Kept) {
        if !body.get("output").is_some_and(Value::is_array) {
            kept.fail("the reply has no output".to_owned());
        }
        self.response(body, kept);
    }

    fn finish(self: Box<Self>) -> (Reply, Value) {
        let Self { mut reply, items } = *self;
        let items: Vec<Value> = items.into_values().map(Item::whole).collect();
        let (mut messages, mut reasonings, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for item in &items {
            match kind(item) {
                "message" => messages.push(texts(item, "content").collect::<String>()),
                "reasoning" => reasonings.extend(texts(item, "summary").chain(texts(item, "content"))),
                _ => {}
            }
            refused.extend(refusals(item));
            reply.tool_calls.extend(tool_call(item));
        }
        messages.retain(|text| !text.is_empty());
        reply.text = if messages.is_empty() { refused.concat() } else { messages.join("\n\n") };
        reply.reasoning = Some(reasonings.join("\n\n")).filter(|reasoning| !reasoning.is_empty());
        reply.refused = !refused.is_empty() || reply.stop_reason.as_deref() == Some("content_filter");
        (reply, Value::Array(items))
    }
}

impl ResponsesReply {
    fn model(&mut self, response: Option<&Value>) {
        if let Some(model) = response.and_then(|response| response.get("model")).and_then(Value::as_str) {
            self.reply.model = Some(model.to_owned());
        }
    }

    /// Takes the object of the whole response. Its output stands for all items before, unless it is left out or empty.
    fn response(&mut self, mut response: Value, kept: &mut Kept) {
        self.model(Some(&response));
        if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
            kept.fail(format!("the reply holds an error: {}", error_text(error)));
        }
        if let Some(stated) = response.get("usage").filter(|usage| !usage.is_null()) {
            self.reply.usage = usage(stated);
        }
        let status = response.get("status").and_then(Value::as_str);
        if let Some(status) = status.filter(|status| !matches!(*status, "completed" | "incomplete")) {
            kept.fail(format!("the reply's status is `{status}`"));
        }
        let reason = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
        self.reply.stop_reason = reason.or(status).map(str::to_owned);
        let output = response.get_mut("output").and_then(Value::as_array_mut).map(std::mem::take);
        let items: BTreeMap<u64, Item> =
            (0..).zip(output.unwrap_or_default().into_iter().map(Item::new)).collect();
        let cost = |items: &BTreeMap<u64, Item>| items.values().map(|item| item.cost).sum();
        if !items.is_empty() && kept.replace(cost(&self.items), cost(&items)) {
            self.items = items;
        }
    }

    /// Takes an item in place of the one before and its pieces.
    fn put(&mut self, place: u64, value: Value, kept: &mut Kept) {
        let item = Item::new(value);
        let before = self.items.get(&place).map_or(0, |item| item.cost);
        if kept.replace(before, item.cost) {
            self.items.insert(place, item);
        }
    }

    /// Takes a piece of an item.
    fn piece(&mut self, place: u64, kind: &str, event: &Value, kept: &mut Kept) {
        let Some(piece) = event.get("delta").and_then(Value::as_str) else { return };
        let part: fn(&mut Item) -> &mut String = match kind {
            "response.output_text.delta" => |item| &mut item.text,
            "response.refusal.delta" => |item| &mut item.refusal,
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                |item| &mut item.reasoning
            }
            "response.function_call_arguments.delta"
            | "response.custom_tool_call_input.delta"
            | "response.mcp_call_arguments.delta" => |item| &mut item.arguments,
            _ => return,
        };
        self.extend(place, part, piece, kept);
    }

    fn extend(&mut self, place: u64, part: fn(&mut Item) -> &mut String, piece: &str, kept: &mut Kept) {
        let is_new = !self.items.contains_key(&place);
        let cost = piece.len() + if is_new { PIECE_COST } else { 0 };
        if kept.take(cost) {
            let item = self.items.entry(place).or_default();
            item.cost += cost;
            part(item).push_str(piece);
        }
    }
}

impl Item {
    fn new(value: Value) -> Self {
        Self { cost: PIECE_COST + weight(&value), value, ..Self::default() }
    }

    /// Returns the item with the pieces that came since it was announced.
    fn whole(mut self) -> Value {
        let arguments = if kind(&self.value) == "custom_tool_call" { "input" } else { "arguments" };
        let parts = [
            ("content", self.text, "output_text", "text"),
            ("content", self.refusal, "refusal", "refusal"),
            ("summary", self.reasoning, "summary_text", "text"),
        ];
        if self.value.is_null() {
            let kind = if parts[2].1.is_empty() { "message" } else { "reasoning" };
            self.value = json!({"type": kind});
        }
        let Some(fields) = self.value.as_object_mut() else { return self.value };
        for (list, text, kind, name) in parts.into_iter().filter(|(_, text, ..)| !text.is_empty()) {
            let list = fields.entry(list).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(json!({"type": kind, name: text}));
            }
        }
        if !self.arguments.is_empty() {
            fields.insert(arguments.to_owned(), self.arguments.into());
        }
        self.value
    }
}
