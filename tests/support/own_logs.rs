//! What agents' own logs say of a session, in the words of the wire: tool calls in order, and tokens.
//!
//! Where a log counts otherwise than the wire, the difference is one of [`RULES`], which `docs/agents.md` explains.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The differences between the agents' own logs and the wire, as the documentation states them.
pub(crate) const RULES: [&str; 8] = [
    CODEX_INPUT_HOLDS_CACHE,
    OPENCODE_OUTPUT_WITHOUT_REASONING,
    OPENCODE_HIDES_TITLES,
    QWEN_INPUT_HOLDS_CACHE,
    CLAUDE_REPEATS_USAGE,
    MINI_INPUT_HOLDS_CACHE,
    AIDER_KEEPS_TEXT,
    AIDER_HIDES_SUMMARIES,
];

const CODEX_INPUT_HOLDS_CACHE: &str = "codex: `input_tokens` holds what was read from a cache";
const OPENCODE_OUTPUT_WITHOUT_REASONING: &str = "opencode: `output` is without reasoning";
const OPENCODE_HIDES_TITLES: &str = "opencode: a request for a title is not among the events";
const QWEN_INPUT_HOLDS_CACHE: &str = "qwen-code: `promptTokenCount` holds what was read from a cache";
const CLAUDE_REPEATS_USAGE: &str =
    "claude-code: one line per block of a reply, each with the whole reply's usage";
const MINI_INPUT_HOLDS_CACHE: &str =
    "mini-swe-agent: `prompt_tokens` holds what was read from a cache, in each protocol";
const AIDER_KEEPS_TEXT: &str = "aider: the text of the replies is kept, and tokens only rounded";
const AIDER_HIDES_SUMMARIES: &str =
    "aider: a request for a summary of its own history is not in that history";

/// How aider begins such a request.
pub(crate) const AIDER_SUMMARY: &str = "*Briefly* summarize this partial conversation about programming.";

/// A session as one side tells it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Name and arguments of every call that the model made.
    pub(crate) calls: Vec<(String, Value)>,
    /// Tokens, all replies together.
    pub(crate) tokens: Tokens,
}

/// Tokens of a session: all input, what of it was read from a cache, all output.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
}

impl Tokens {
    fn add(&mut self, input: u64, cached: u64, output: u64) {
        self.input += input;
        self.cached += cached;
        self.output += output;
    }
}

/// Reads arguments as JSON; a text that is none stands for itself.
pub(crate) fn arguments(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn lines(text: &str) -> impl Iterator<Item = Value> + '_ {
    text.lines().filter_map(|line| serde_json::from_str(line).ok())
}

fn count(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or(0)
}

fn name(value: &Value) -> String {
    value["name"].as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Codex's rollout file. [`CODEX_INPUT_HOLDS_CACHE`]
pub(crate) fn codex(rollout: &str) -> Account {
    let mut account = Account::default();
    for line in lines(rollout) {
        let payload = &line["payload"];
        match payload["type"].as_str() {
            Some("function_call") => {
                let text = payload["arguments"].as_str().unwrap_or_default();
                account.calls.push((name(payload), arguments(text)));
            }
            Some("custom_tool_call") => account.calls.push((name(payload), payload["input"].clone())),
            _ => {}
        }
        if line["type"] == "token_usage_record" {
            let usage = &payload["usage"];
            account.tokens.add(
                count(usage, "input_tokens"),
                count(usage, "cached_input_tokens"),
                count(usage, "output_tokens"),
            );
        }
    }
    account
}

/// Whether a request is one that opencode keeps to itself. [`OPENCODE_HIDES_TITLES`]
pub(crate) fn is_title_request(body: &Value) -> bool {
    items(&body["tools"]).next().is_none()
        && body["messages"][0]["content"].as_str().is_some_and(|text| text.to_lowercase().contains("title"))
}

/// opencode's events on its standard output. [`OPENCODE_OUTPUT_WITHOUT_REASONING`]
pub(crate) fn opencode(events: &str) -> Account {
    let mut account = Account::default();
    for event in lines(events) {
        let part = &event["part"];
        match event["type"].as_str() {
            Some("tool_use") => {
                let tool = part["tool"].as_str().unwrap_or_default().to_owned();
                account.calls.push((tool, part["state"]["input"].clone()));
            }
            Some("step_finish") => {
                let tokens = &part["tokens"];
                let cached = count(&tokens["cache"], "read");
                let written = count(&tokens["cache"], "write");
                let output = count(tokens, "output") + count(tokens, "reasoning");
                account.tokens.add(count(tokens, "input") + cached + written, cached, output);
            }
            _ => {}
        }
    }
    account
}

/// Qwen Code's chat file. [`QWEN_INPUT_HOLDS_CACHE`]
pub(crate) fn qwen(chat: &str) -> Account {
    let mut account = Account::default();
    for line in lines(chat).filter(|line| line["type"] == "assistant") {
        for call in items(&line["message"]["parts"]).map(|part| &part["functionCall"]) {
            if call.is_object() {
                account.calls.push((name(call), call["args"].clone()));
            }
        }
        let usage = &line["usageMetadata"];
        account.tokens.add(
            count(usage, "promptTokenCount"),
            count(usage, "cachedContentTokenCount"),
            count(usage, "candidatesTokenCount"),
        );
    }
    account
}

/// Claude Code's session file. [`CLAUDE_REPEATS_USAGE`]
pub(crate) fn claude(session: &str) -> Account {
    let mut account = Account::default();
    let mut counted = Vec::new();
    for line in lines(session).filter(|line| line["type"] == "assistant") {
        let message = &line["message"];
        for block in items(&message["content"]).filter(|block| block["type"] == "tool_use") {
            account.calls.push((name(block), block["input"].clone()));
        }
        if counted.contains(&message["id"]) {
            continue;
        }
        counted.push(message["id"].clone());
        let usage = &message["usage"];
        let cached = count(usage, "cache_read_input_tokens");
        let written = count(usage, "cache_creation_input_tokens");
        account.tokens.add(
            count(usage, "input_tokens") + cached + written,
            cached,
            count(usage, "output_tokens"),
        );
    }
    account
}

/// mini-swe-agent's trajectory. [`MINI_INPUT_HOLDS_CACHE`]
pub(crate) fn mini(trajectory: &str) -> Account {
    let mut account = Account::default();
    let whole: Value = serde_json::from_str(trajectory).expect("a trajectory is JSON");
    for message in items(&whole["messages"]) {
        let calls = items(&message["tool_calls"]).map(|call| &call["function"]);
        let in_output = items(&message["output"]).filter(|item| item["type"] == "function_call");
        for call in calls.chain(in_output) {
            account.calls.push((name(call), arguments(call["arguments"].as_str().unwrap_or_default())));
        }
        let usage = match &message["extra"]["response"]["usage"] {
            Value::Null => &message["usage"],
            usage => usage,
        };
        let cached = |details: &str| count(&usage[details], "cached_tokens");
        account.tokens.add(
            count(usage, "prompt_tokens") + count(usage, "input_tokens"),
            cached("prompt_tokens_details") + cached("input_tokens_details"),
            count(usage, "completion_tokens") + count(usage, "output_tokens"),
        );
    }
    account
}

/// The own account of an attempt; none for aider. [`AIDER_KEEPS_TEXT`]
pub(crate) fn of_attempt(agent: &str, attempt: &Path) -> Option<Account> {
    let native = attempt.join("native");
    let read = |path: PathBuf| fs_err::read_to_string(path).expect("the agent's own log was kept");
    let only = |directory: &str, end: &str| read(one_file(&native.join(directory), end));
    Some(match agent {
        "codex" => codex(&only(".codex/sessions", ".jsonl")),
        "opencode" => opencode(&read(attempt.join("stdout.log"))),
        "qwen-code" => qwen(&only(".qwen/projects", ".jsonl")),
        "claude-code" => claude(&only(".claude/projects", ".jsonl")),
        "mini-swe-agent" => mini(&read(native.join(".local/share/retrial/trajectory.json"))),
        _ => return None,
    })
}

/// aider's history of a chat.
pub(crate) fn aider_history(attempt: &Path) -> String {
    fs_err::read_to_string(attempt.join("native/.aider-retrial/chat.md")).expect("aider's history was kept")
}

/// Returns the one file below a directory whose name ends so.
fn one_file(directory: &Path, end: &str) -> PathBuf {
    let mut open = vec![directory.to_owned()];
    let mut found = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs_err::read_dir(&directory).expect("a directory").flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path if path.to_string_lossy().ends_with(end) => found.push(path),
                _ => {}
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}
