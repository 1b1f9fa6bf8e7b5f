//! Simulated models take what real agents once sent for the turns they were.

use crate::common::{Client, World, post};
use retrial_gateway::simulate::Profile;
use retrial_testkit::shared;
use serde_json::Value;

/// The requests for replies in a file of the captures; none where it is absent and need not be there.
fn requests(file: &str) -> Option<Vec<Value>> {
    let text = fs_err::read_to_string(shared(&format!("captures/wire/{file}"))?).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    Some(lines.filter(|line| line.get("body").is_some_and(Value::is_object)).collect())
}

/// Which step of the plan a simulated model takes on a request; none where it calls no tool.
async fn turn(request: &Value, shell: &str) -> Option<usize> {
    let world = World::new();
    let (gateway, simulated) = world.open_simulated(&Profile::steady()).await;
    let mut client = Client::connect(gateway.socket()).await;
    let sent = post(request["path"].as_str().unwrap(), request["body"].to_string());
    assert_eq!(client.send(sent).await.status, 200);
    gateway.finish().await.unwrap();
    let exchange = world.log().remove(0);
    assert_eq!(exchange.fault, None);
    assert!(!exchange.reply.text.is_empty());
    let call = exchange.reply.tool_calls.first()?;
    assert_eq!((exchange.reply.tool_calls.len(), call.name.as_str()), (1, shell));
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
    let command = arguments["command"].as_str().or(arguments["cmd"].as_str()).unwrap();
    Some(simulated.plan().commands().position(|planned| planned == command).unwrap())
}

#[tokio::test]
async fn requests_of_every_agent_and_protocol_are_taken_for_the_turns_they_are() {
    for (file, shell, count) in [
        ("chat/opencode-stream.jsonl", "bash", 7),
        ("chat/opencode-parallel-calls.jsonl", "bash", 3),
        ("chat/mini-nonstream.jsonl", "bash", 6),
        ("responses/codex-stream.jsonl", "exec_command", 6),
        ("responses/codex-apply-patch.jsonl", "exec_command", 5),
        ("responses/codex-parallel-calls.jsonl", "exec_command", 2),
        ("responses/opencode-stream.jsonl", "bash", 7),
        ("responses/mini-nonstream.jsonl", "bash", 2),
        ("anthropic/opencode-stream.jsonl", "bash", 7),
        ("anthropic/mini-nonstream.jsonl", "bash", 2),
    ] {
        let Some(requests) = requests(file) else { return };
        assert_eq!(requests.len(), count, "{file}");
        let mut next = 0;
        for request in &requests {
            // Requests for a title offer no tools.
            let works = request["body"]["tools"].as_array().is_some_and(|tools| !tools.is_empty());
            let expected = works.then_some(next);
            next += usize::from(works);
            assert_eq!(turn(request, shell).await, expected, "{file}");
        }
    }
}
