//! From a plan and a request to what the model says, whatever the protocol.

use std::time::Duration;

use retrial_spec::{Claim, FileEdit, Role, Usage};
use serde_json::json;

use super::blocks::{block, edits_by_text, is_made};
use super::ids::Ids;
use super::plan::{PlannedStep, StepKind, Turn};
use super::request::Request;
use super::tools::ShellTool;
use super::trial::SimulatedTrial;
use super::words;

/// What some agents want to see run when the work is done.
const SUBMIT: &str = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT";

/// What a simulated model says.
#[derive(Debug, Clone)]
pub(super) struct Saying {
    /// Makes the identifiers of the reply.
    pub(super) ids: Ids,
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
    /// The tool's name.
    pub(super) name: String,
    /// The arguments as JSON text.
    pub(super) arguments: String,
}

/// Returns what the model says to a request; the same to the same request.
///
/// | the request | the reply |
/// |---|---|
/// | ends with the user asking for confidence and claim, after the model has spoken | both |
/// | offers no tools, and its instructions ask for edit blocks | the edits that are not made yet, otherwise the closing message |
/// | offers no tools | a title |
/// | offers a shell, or what takes a command | the step of its turn, or the closing message after the last step |
/// | offers other tools alone, or forbids calls | the closing message |
pub(super) fn say(trial: &SimulatedTrial, request: &Request, body_length: usize) -> Saying {
    let by_text = edits_by_text(request);
    let has_spoken = if by_text { says_again(trial, request) > 0 } else { request.turns() > 0 };
    if has_spoken && request.asks_last() {
        return question(trial);
    }
    if by_text {
        return edit(trial, request);
    }
    if !request.offers_tools() {
        return aside(trial, body_length);
    }
    let Some(tool) = ShellTool::find(&request.tools).filter(|_| request.may_call) else {
        return close(trial, request, None);
    };
    let turn = request.turns();
    match trial.plan().turns.get(turn) {
        Some(Turn { step: Some(step), usage, delay }) => work(trial, turn, (step, &tool), (*usage, *delay)),
        _ => close(trial, request, Some(&tool)),
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
    let call = Call { name: tool.name.clone(), arguments };
    Saying { ids: Ids::of(trial, purpose), text, call: Some(call), usage, delay }
}

/// The closing message, with the command that the agent asks for at the end.
fn close(trial: &SimulatedTrial, request: &Request, tool: Option<&ShellTool>) -> Saying {
    let call = tool.zip(submission(request)).map(|(tool, command)| {
        let description = words::purpose(&mut trial.random("closing purpose"));
        Call { name: tool.name.clone(), arguments: tool.arguments(&command, &description) }
    });
    let last = trial.plan().turns.last();
    Saying {
        ids: Ids::of(trial, "closing"),
        text: with_statement(trial, request, words::closing(&mut trial.random("closing"))),
        call,
        usage: last.map(|turn| turn.usage).unwrap_or_default(),
        delay: last.map(|turn| turn.delay).unwrap_or_default(),
    }
}

/// The command that ends the work, as the agent's first words quote it.
fn submission(request: &Request) -> Option<String> {
    let told = request.texts(Role::System).chain(request.texts(Role::User));
    let line = told.flat_map(str::lines).find(|line| line.contains(SUBMIT))?;
    let quoted = line.split('`').skip(1).step_by(2).find(|part| part.contains(SUBMIT));
    let command = quoted.unwrap_or(line).trim();
    Some(if command.starts_with("echo ") { command.to_owned() } else { format!("echo {SUBMIT}") })
}

/// All edits that are not made yet, in one reply: an agent that edits by text has the turn when it has applied them.
fn edit(trial: &SimulatedTrial, request: &Request) -> Saying {
    let steps = trial.plan().turns.iter().filter_map(|turn| turn.step.as_ref());
    let edits: Vec<&FileEdit> = steps.flat_map(|step| &step.edits).collect();
    let outstanding: Vec<&FileEdit> = edits.into_iter().filter(|edit| !is_made(edit, request)).collect();
    if outstanding.is_empty() {
        return close(trial, request, None);
    }
    let blocks = outstanding.into_iter().map(block).collect::<Vec<_>>().join("\n\n");
    let closing = with_statement(trial, request, words::closing(&mut trial.random("closing")));
    // The whole trial's tokens and time, so that a trial takes what its profile says however the agent edits.
    let (usage, delay) = match says_again(trial, request) {
        0 => (trial.plan().usage(), trial.plan().delay()),
        _ => (trial.plan().question, Duration::from_millis(5)),
    };
    let text = format!("{}\n\n{blocks}\n\n{closing}", opening(trial));
    Saying { ids: Ids::of(trial, format!("edits {}", request.turns())), text, call: None, usage, delay }
}

/// The first sentence of a reply that edits by text.
fn opening(trial: &SimulatedTrial) -> String {
    words::before(StepKind::Edit, &mut trial.random("words of edits"))
}

/// How often the model has spoken in a conversation in which the agent also puts examples into its mouth.
fn says_again(trial: &SimulatedTrial, request: &Request) -> usize {
    let (opening, closing) = (opening(trial), words::closing(&mut trial.random("closing")));
    let is_own = |said: &&str| said.starts_with(&opening) || said.starts_with(&closing);
    request.texts(Role::Assistant).filter(is_own).count()
}

fn aside(trial: &SimulatedTrial, body_length: usize) -> Saying {
    Saying {
        ids: Ids::of(trial, "aside"),
        text: words::aside(&mut trial.random("aside")),
        call: None,
        usage: Usage {
            uncached_input: tokens(body_length),
            cache_read: Some(0),
            cache_write: None,
            output: 5,
            reasoning: Some(0),
        },
        delay: Duration::from_millis(3),
    }
}

/// About how many tokens a text is: four bytes make one.
pub(super) fn tokens(length: usize) -> u64 {
    (length as u64 / 4).max(1)
}

fn question(trial: &SimulatedTrial) -> Saying {
    Saying {
        ids: Ids::of(trial, "question"),
        text: statement(trial),
        call: None,
        usage: trial.plan().question,
        delay: Duration::from_millis(5),
    }
}

/// A last message, with confidence and claim where the instruction asks for them.
fn with_statement(trial: &SimulatedTrial, request: &Request, text: String) -> String {
    if request.asks_somewhere() { format!("{text}\n\n{}", statement(trial)) } else { text }
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
