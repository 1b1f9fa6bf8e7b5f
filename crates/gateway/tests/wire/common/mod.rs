//! What the tests of the gateway share: a trial behind a real socket, a plain client, and an upstream that is told what to say.

mod client;
mod memory;
mod spoken;
mod upstream;

use std::path::PathBuf;

use retrial_gateway::simulate::{Profile, SimulatedTrial};
use retrial_gateway::{
    FaultPlan, Gateway, HttpUpstream, PriceTable, RateLimits, Revocation, Token, TrialAccess, TrialGateway,
    Upstream, read_wire_log,
};
use retrial_spec::{
    AuditAccount, AuditEntry, AuditLine, Budget, Exchange, FaultSettings, RunId, Simulation, TrialId,
    verify_audit,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use client::{Client, Received, post, raw, raw_and_wait};
pub(crate) use memory::{alone, growth};
pub(crate) use spoken::{SPOKEN, Spoken, stream};
pub(crate) use upstream::{DecidingUpstream, Script, ScriptedUpstream, reply};

pub(crate) const TOKEN: &str = "sk-the-trials-token";
pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const RESPONSES: &str = "/v1/responses";
pub(crate) const MESSAGES: &str = "/v1/messages";

/// A directory with a trial's socket and wire log.
pub(crate) struct World {
    directory: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        end_with_a_panic_of_the_gateway();
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn wire_log(&self) -> PathBuf {
        self.directory.path().join("wire.jsonl.zst")
    }

    pub(crate) fn audit_log(&self) -> PathBuf {
        self.directory.path().join("audit.jsonl")
    }

    /// What the audit log says so far, as far as its chain holds.
    pub(crate) fn account(&self) -> AuditAccount {
        let text = fs_err::read(self.audit_log()).unwrap();
        verify_audit(&text[..], &RunId::new("run-1").unwrap(), &trial(1), 1).unwrap()
    }

    /// The entries of the audit log.
    pub(crate) fn audit(&self) -> Vec<AuditEntry> {
        let text = fs_err::read_to_string(self.audit_log()).unwrap();
        text.lines().map(|line| serde_json::from_str::<AuditLine>(line).unwrap().entry).collect()
    }

    pub(crate) fn access(&self, upstream: Upstream) -> TrialAccess {
        TrialAccess {
            run: RunId::new("run-1").unwrap(),
            trial: trial(1),
            attempt: 1,
            socket: self.directory.path().join("s"),
            socket_owner: None,
            token: Token::new(TOKEN),
            model: "m-1".to_owned(),
            upstream,
            budget: Budget::default(),
            faults: None,
            reservation: None,
            revocation: Revocation::default(),
            wire_log: self.wire_log(),
            audit_log: self.audit_log(),
            recording: None,
        }
    }

    pub(crate) async fn open(&self, upstream: Upstream) -> TrialGateway {
        Gateway::new(PriceTable::builtin()).open(self.access(upstream)).await.unwrap()
    }

    /// Opens a trial some of whose requests are failed on purpose.
    pub(crate) async fn open_faulty(&self, upstream: Upstream, settings: FaultSettings) -> TrialGateway {
        let faults = Some(FaultPlan::new(settings, 7, &trial(1)));
        let access = TrialAccess { faults, ..self.access(upstream) };
        Gateway::new(PriceTable::builtin()).open(access).await.unwrap()
    }

    pub(crate) async fn open_simulated(&self, profile: &Profile) -> (TrialGateway, SimulatedTrial) {
        let simulated = SimulatedTrial::new(profile, &simulation(), 7, &trial(1));
        (self.open(Upstream::Simulated(simulated.clone())).await, simulated)
    }

    pub(crate) async fn open_in(&self, gateway: &Gateway, token: &str, upstream: Upstream) -> TrialGateway {
        gateway.open(TrialAccess { token: Token::new(token), ..self.access(upstream) }).await.unwrap()
    }

    pub(crate) fn log(&self) -> Vec<Exchange> {
        read_wire_log(&self.wire_log()).unwrap().map(Result::unwrap).collect()
    }
}

/// Ends the process where anything but a test panics: a panic in a task of the gateway's is no more than a closed connection otherwise.
fn end_with_a_panic_of_the_gateway() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            if info.location().is_some_and(|location| !location.file().contains("tests/")) {
                std::process::abort();
            }
        }));
    });
}

pub(crate) fn http(base: &str, model: Option<&str>) -> Upstream {
    let key = retrial_gateway::Secret::new("sk-the-providers-key");
    Upstream::Http(HttpUpstream::new(base, model.map(str::to_owned), Some(key)).unwrap())
}

/// A provider whose rate limits are kept so.
pub(crate) fn limited_http(base: &str, limits: RateLimits) -> Upstream {
    let Upstream::Http(upstream) = http(base, None) else { panic!("it is a provider") };
    Upstream::Http(upstream.rate_limits(limits))
}

pub(crate) fn trial(number: u32) -> TrialId {
    format!("task~agent~baseline~{number}").parse().unwrap()
}

pub(crate) fn simulation() -> Simulation {
    let steps = |name: &str, number: usize| -> String {
        (0..number)
            .map(|step| format!("[[{name}]]\ncommand = '{name} {step}'\n"))
            .collect::<Vec<_>>()
            .concat()
    };
    let text = [steps("look", 6), steps("correct", 5), steps("wrong", 5)].concat();
    Simulation::parse("simulation.toml", &text, |_| None).unwrap()
}

/// The definition of a shell tool.
pub(crate) fn bash() -> Value {
    json!([{"type": "function", "function": {"name": "bash", "parameters":
        {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}}}])
}

/// A request as a small agent sends it.
pub(crate) fn request(messages: &[Value], streams: bool) -> Value {
    let mut body = json!({"model": "m-1", "messages": messages, "tools": bash(), "stream": streams});
    if streams {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

/// Plays an agent until the model calls no tool any more; returns the whole conversation.
pub(crate) async fn play(gateway: &TrialGateway, instruction: &str, streams: bool) -> Vec<Value> {
    let mut client = Client::connect(gateway.socket()).await;
    let mut messages = vec![user(instruction)];
    loop {
        let received = client.post(CHAT, &request(&messages, streams)).await;
        assert_eq!(received.status, 200, "{received:?}");
        let message = received.message();
        messages.push(message.clone());
        let Some(calls) = message.get("tool_calls").and_then(Value::as_array) else { return messages };
        for call in calls {
            messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "ok"}));
        }
    }
}

/// The commands that a conversation ran.
pub(crate) fn commands(messages: &[Value]) -> Vec<String> {
    let calls = messages.iter().filter_map(|message| message.get("tool_calls")?.as_array()).flatten();
    calls
        .map(|call| {
            let arguments: Value =
                serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            arguments["command"].as_str().unwrap().to_owned()
        })
        .collect()
}
