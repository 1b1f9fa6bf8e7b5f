//! From a plan and a request to what the model says.

use std::time::Duration;

use rand::RngExt as _;
use retrial_spec::{Claim, Usage};
use serde_json::json;

use super::conversation::{Request, Wants};
use super::plan::{PlannedStep, Turn};
use super::tools::ShellTool;
use super::trial::SimulatedTrial;
use super::words;

/// What a simulated model says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Saying {
    /// The completion's id.
    pub(super) id: String,
    /// The text.
    pub(super) text: String,
    /// The tool call.
    pub(super) call: Option<Call>,
    /// The tokens.
    pub(super) usage: Usage,
    /// How long it takes.
    pub(super) delay: Duration,
}

/// A tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// The call's id.
    pub(super) id: String,
    /// The tool's name.
    pub(super) name: String,
    /// The arguments as JSON text.
    pub(super) arguments: String,
}

/// Returns what the model says to a request; the same to the same request.
pub(super) fn say(trial: &SimulatedTrial, request: &Request, body_length: usize) -> Saying {
    match &request.wants {
        Wants::Step(turn, tool) => match trial.plan().turns.get(*turn) {
            Some(Turn { step: Some(step), usage, delay }) => {
                work(trial, *turn, (step, tool), (*usage, *delay))
            }
            _ => close(trial, request),
        },
        Wants::Message => close(trial, request),
        Wants::Aside => aside(trial, body_length),
        Wants::Question => question(trial),
    }
}

fn work(
    trial: &SimulatedTrial,
    turn: usize,
    (step, tool): (&PlannedStep, &ShellTool),
    (usage, delay): (Usage, Duration),
) -> Saying {
    let purpose = format!("words {turn}");
    let mut random = trial.random(&purpose);
    let text = words::before(step.kind, &mut random);
    let description = words::purpose(&mut random);
    let arguments = tool.arguments(step.command.trim(), &description);
    let call = Call {
        id: format!("call_{}", letters(trial, &format!("call {turn}"), 24)),
        name: tool.name.clone(),
        arguments,
    };
    Saying { id: id(trial, &purpose), text, call: Some(call), usage, delay }
}

fn close(trial: &SimulatedTrial, request: &Request) -> Saying {
    let mut text = words::closing(&mut trial.random("closing"));
    if request.asked_in_prompt {
        text = format!("{text}\n\n{}", statement(trial));
    }
    let last = trial.plan().turns.last();
    Saying {
        id: id(trial, "closing"),
        text,
        call: None,
        usage: last.map(|turn| turn.usage).unwrap_or_default(),
        delay: last.map(|turn| turn.delay).unwrap_or_default(),
    }
}

fn aside(trial: &SimulatedTrial, body_length: usize) -> Saying {
    // About four bytes of text make a token.
    let uncached_input = (body_length as u64 / 4).max(1);
    Saying {
        id: id(trial, "aside"),
        text: words::aside(&mut trial.random("aside")),
        call: None,
        usage: Usage {
            uncached_input,
            cache_read: Some(0),
            cache_write: None,
            output: 5,
            reasoning: Some(0),
        },
        delay: Duration::from_millis(3),
    }
}

fn question(trial: &SimulatedTrial) -> Saying {
    Saying {
        id: id(trial, "question"),
        text: statement(trial),
        call: None,
        usage: trial.plan().question,
        delay: Duration::from_millis(5),
    }
}

/// Confidence and claim in the asked form.
fn statement(trial: &SimulatedTrial) -> String {
    let claim = match trial.plan().claim {
        Claim::Done => "done",
        Claim::NotDone => "not_done",
        Claim::NeedsHuman => "needs_human",
    };
    format!("{{\"confidence\": {}, \"claim\": {}}}", json!(trial.plan().confidence), json!(claim))
}

fn id(trial: &SimulatedTrial, purpose: &str) -> String {
    format!("chatcmpl-{}", letters(trial, &format!("id {purpose}"), 29))
}

fn letters(trial: &SimulatedTrial, purpose: &str, length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = trial.random(purpose);
    (0..length).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}
