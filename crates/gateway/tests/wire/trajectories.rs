//! Trajectories of real agents: their captured traffic through the gateway, from its wire log to actions and steps, and what the
//! agents' own logs say of the same runs.

use std::path::{Path, PathBuf};

use retrial_agents::{ActionTable, Observed, TrajectoryFacts, TrajectoryWriter, validate_trajectory};
use retrial_gateway::{PriceTable, conversation};
use serde_json::{Value, json};

use crate::captures::{captures, reply};
use crate::common::{Client, Script, ScriptedUpstream, World, http, post};

/// The actions of every captured run, and the agent's own log of the same run where there is one.
const RUNS: [(&str, &str, Option<&str>); 11] = [
    ("anthropic/mini-nonstream", "edit echo:doc, other echo", None),
    (
        "anthropic/opencode-stream",
        "edit echo:doc, read read:doc, edit edit:doc, edit write:doc, search ls",
        None,
    ),
    (
        "chat/mini-nonstream",
        "edit echo:doc, read cat:doc, edit sed:doc, edit printf:doc, search ls, other echo",
        Some("mini/native/multi.traj.json"),
    ),
    ("chat/opencode-parallel-calls", "edit echo:doc, edit echo:doc", Some("opencode/parallel.stdout")),
    (
        "chat/opencode-stream",
        "edit echo:doc, read read:doc, edit edit:doc, edit write:doc, search ls",
        Some("opencode/multi.stdout"),
    ),
    (
        "responses/codex-apply-patch",
        "edit printf:doc, edit sed:doc, edit apply_patch update:doc, other echo",
        Some("codex/native/patch.rollout.jsonl"),
    ),
    ("responses/codex-parallel-calls", "edit echo:doc, edit echo:doc", None),
    (
        "responses/codex-stream",
        "edit echo:doc, read cat:doc, edit sed:doc, edit printf:doc, search ls",
        Some("codex/native/multi.rollout.jsonl"),
    ),
    ("responses/codex-websocket-attempt", "edit echo:doc", None),
    ("responses/mini-nonstream", "edit echo:doc, other echo", None),
    (
        "responses/opencode-stream",
        "edit echo:doc, read read:doc, edit edit:doc, edit write:doc, search ls",
        None,
    ),
];

/// A tool call with what it came to: id, tool, arguments, result.
type Done = (String, String, Value, Option<String>);

/// The requests of a capture that were answered.
fn entries(path: &Path) -> Vec<Value> {
    let text = fs_err::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|entry| entry.get("status") == Some(&json!(200))).collect()
}

/// Sends a captured run through the gateway and reads its trajectory and actions from the wire log.
async fn replayed(path: &Path) -> (Value, String) {
    let entries = entries(path);
    let scripts = entries.iter().map(|entry| {
        let (content_type, body) = reply(entry);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        Script::Bytes([head.as_bytes(), &body].concat())
    });
    let upstream = ScriptedUpstream::start(scripts).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    for entry in &entries {
        let mut client = Client::connect(gateway.socket()).await;
        let path = entry["path"].as_str().unwrap();
        assert_eq!(client.send(post(path, entry["body"].to_string())).await.status, 200);
    }
    gateway.finish().await.unwrap();
    written(&world)
}

fn written(world: &World) -> (Value, String) {
    let (table, prices) = (ActionTable::builtin(), PriceTable::builtin());
    let mut writer = TrajectoryWriter::new(&table);
    for exchange in world.log() {
        let messages = conversation(exchange.protocol, &exchange.request);
        let cost = prices.cost_of("simulated/steady", &exchange);
        writer.add(Observed::new(&exchange, &messages, cost)).unwrap();
    }
    let facts = TrajectoryFacts { session: "s", agent: "a", version: "1", model: "fake-model" };
    let mut bytes = Vec::new();
    let written = writer.finish(&facts, &mut bytes).unwrap();
    let actions: Vec<String> =
        written.actions.iter().map(|action| format!("{} {}", action.kind.as_str(), action.name)).collect();
    (serde_json::from_slice(&bytes).unwrap(), actions.join(", "))
}

/// The tool calls of a trajectory's main conversation.
fn done(trajectory: &Value) -> Vec<Done> {
    let steps = trajectory["steps"].as_array().unwrap().iter();
    let calls = steps.flat_map(|step| {
        let calls = step.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        calls.map(move |call| {
            let results =
                step.pointer("/observation/results").and_then(Value::as_array).into_iter().flatten();
            let id = text(&call["tool_call_id"]);
            let mut results = results.filter(|result| result["source_call_id"] == call["tool_call_id"]);
            let result = results.next().map(|result| text(&result["content"]));
            (id, text(&call["function_name"]), call["arguments"].clone(), result)
        })
    });
    calls.collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The tool calls that an agent wrote down itself.
fn logged(path: &Path) -> Vec<Done> {
    let content = fs_err::read_to_string(path).unwrap();
    if path.ends_with("multi.traj.json") {
        return mini(&serde_json::from_str(&content).unwrap());
    }
    let lines: Vec<Value> = content.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    if path.extension().is_some_and(|kind| kind == "stdout") { opencode(&lines) } else { codex(&lines) }
}

fn mini(log: &Value) -> Vec<Done> {
    let messages = log["messages"].as_array().unwrap();
    let actions =
        messages.iter().filter_map(|message| message.pointer("/extra/actions")?.as_array()).flatten();
    let of = |action: &Value| {
        let id = text(&action["tool_call_id"]);
        let result = messages.iter().find(|message| message["tool_call_id"] == json!(id));
        (
            id,
            "bash".to_owned(),
            json!({"command": action["command"]}),
            result.map(|result| text(&result["content"])),
        )
    };
    // The command that submits is answered by the end of the run, not by a result.
    actions
        .map(of)
        .map(|(id, tool, arguments, result)| {
            let submits = arguments["command"] == "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT";
            (id, tool, arguments, result.filter(|_| !submits))
        })
        .collect()
}

fn opencode(lines: &[Value]) -> Vec<Done> {
    let uses = lines.iter().filter(|line| line["type"] == "tool_use").map(|line| &line["part"]);
    let of = |part: &Value| {
        let state = &part["state"];
        (text(&part["callID"]), text(&part["tool"]), state["input"].clone(), Some(text(&state["output"])))
    };
    uses.map(of).collect()
}

fn codex(lines: &[Value]) -> Vec<Done> {
    let items = || lines.iter().filter(|line| line["type"] == "response_item").map(|line| &line["payload"]);
    let of = |item: &Value| {
        let output = items()
            .find(|other| other["type"] == "function_call_output" && other["call_id"] == item["call_id"]);
        let arguments = serde_json::from_str(item["arguments"].as_str().unwrap()).unwrap();
        (text(&item["call_id"]), text(&item["name"]), arguments, output.map(|output| text(&output["output"])))
    };
    items().filter(|item| item["type"] == "function_call").map(of).collect()
}

#[tokio::test]
async fn captured_runs_have_the_actions_and_trajectories_that_they_should() {
    let Some(chat) = captures("chat") else { return };
    let wire = chat.parent().unwrap();
    let events: PathBuf = wire.join("../events");
    for (run, expected, log) in RUNS {
        let (trajectory, actions) = replayed(&wire.join(format!("{run}.jsonl"))).await;
        assert_eq!(actions, expected, "{run}");
        assert_eq!(validate_trajectory(&trajectory), [], "{run}");
        let metrics = &trajectory["final_metrics"];
        assert!(
            metrics["total_prompt_tokens"].is_u64() && metrics["total_cost_usd"].is_f64(),
            "{run}: {metrics}"
        );
        assert!(trajectory.get("subagent_trajectories").is_none(), "{run}");
        let sides =
            trajectory.pointer("/extra/side_conversations").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(sides, usize::from(run.contains("opencode")), "{run}: the request for a title");
        let copied = trajectory["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step.get("is_copied_context").is_some());
        assert!(!copied, "{run}");
        let calls = done(&trajectory);
        assert!(calls.iter().rev().skip(1).all(|(.., result)| result.is_some()), "{run}: {calls:?}");
        if let Some(log) = log {
            assert_eq!(calls, logged(&events.join(log)), "{run}");
        }
    }
}
