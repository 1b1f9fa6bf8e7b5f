//! Simulated models over the wire: they do what their plan says, and everything is recorded.

use crate::common::{CHAT, Client, World, bash, commands, play, request, user};
use retrial_gateway::simulate::Profile;
use retrial_gateway::{AskError, Gateway, PriceTable, Upstream};
use retrial_spec::Budget;
use retrial_spec::{Claim, Fact, MissingReason, Purpose, Usage};
use serde_json::{Value, json};

const QUESTION: &str =
    r#"How sure are you? Answer with {"confidence": <0..1>, "claim": "done"|"not_done"|"needs_human"}."#;

#[tokio::test]
async fn an_agent_is_led_through_the_plan_and_the_wire_says_the_same() {
    for streams in [false, true] {
        let world = World::new();
        let (gateway, simulated) = world.open_simulated(&Profile::flaky()).await;
        let messages = play(&gateway, "fix it", streams).await;
        let planned: Vec<&str> = simulated.plan().commands().collect();
        assert_eq!(commands(&messages), planned);

        let wire = gateway.finish().await.unwrap();
        assert_eq!(wire.exchanges, simulated.plan().turns.len() as u64);
        assert_eq!(wire.usage.value(), Some(&simulated.plan().usage()), "streams: {streams}");
        assert!(wire.cost.value().unwrap().usd_micros > 0);
        assert_eq!(wire.last_text.as_deref(), messages.last().unwrap()["content"].as_str());
        assert_eq!((wire.last_fault, wire.over_budget, wire.refused), (None, false, false));
        assert!(u128::from(wire.model_ms) >= simulated.plan().delay().as_millis());

        let log = world.log();
        assert_eq!(log.len() as u64, wire.exchanges);
        assert!(log.iter().zip(1..).all(|(exchange, number)| exchange.number == number));
        let calls: Vec<_> = log.iter().flat_map(|exchange| &exchange.reply.tool_calls).collect();
        assert_eq!(calls.len(), planned.len());
        assert!(calls.iter().zip(&planned).all(|(call, command)| {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
            call.name == "bash" && arguments == json!({"command": command})
        }));
        assert_eq!(log[2].request, request(&messages[..5], streams));
        assert_eq!(log[0].reply.model.as_deref(), Some("m-1"));
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_gets_the_same_answer() {
    for streams in [false, true] {
        let world = World::new();
        let (gateway, _) = world.open_simulated(&Profile::wanderer()).await;
        let mut client = Client::connect(gateway.socket()).await;
        let timeless = |text: &str| {
            let created = text.split("\"created\":").skip(1).filter_map(|rest| rest.get(..10));
            created.fold(text.to_owned(), |text, created| text.replace(created, "now"))
        };
        let first = client.post(CHAT, &request(&[user("fix it")], streams)).await;
        let other = client.post(CHAT, &request(&[user("fix that")], streams)).await;
        let again = client.post(CHAT, &request(&[user("fix it")], streams)).await;
        assert_eq!(timeless(first.text()), timeless(again.text()));
        // The turn counts, not the words of the instruction.
        assert_eq!(timeless(first.text()), timeless(other.text()));
        let wire = gateway.finish().await.unwrap();
        let log = world.log();
        assert_eq!((wire.exchanges, log[2].retry_of), (3, Some(1)));
        assert_eq!(log[0].reply.tool_calls, log[2].reply.tool_calls);
        assert_eq!(log[0].reply.tool_calls.len(), 1);
    }
}

#[tokio::test]
async fn the_question_after_the_end_is_answered_and_paid_apart() {
    let world = World::new();
    let (gateway, simulated) = world.open_simulated(&Profile::steady()).await;
    play(&gateway, "fix it", true).await;
    let answer = gateway.ask(QUESTION).await.unwrap();
    let stated: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(stated["confidence"], json!(simulated.plan().confidence));
    let claim: Claim = serde_json::from_value(stated["claim"].clone()).unwrap();
    assert_eq!(claim, simulated.plan().claim);

    let wire = gateway.finish().await.unwrap();
    assert_eq!(wire.usage.value(), Some(&simulated.plan().usage()));
    assert_eq!(wire.elicitation_usage.value(), Some(&simulated.plan().question));
    assert!(wire.elicitation_cost.value().unwrap().usd_micros > 0);
    let log = world.log();
    let last = log.last().unwrap();
    assert_eq!((last.purpose, last.number), (Purpose::Elicitation, answer.exchange));
    assert_eq!(last.request["tool_choice"], json!("none"));
    assert_eq!(last.request["stream"], json!(false));
    assert_eq!(last.request["messages"].as_array().unwrap().last().unwrap()["content"], json!(QUESTION));
}

#[tokio::test]
async fn a_conversation_that_was_broken_off_can_still_be_asked() {
    let world = World::new();
    let (gateway, simulated) = world.open_simulated(&Profile::steady()).await;
    assert!(matches!(gateway.ask(QUESTION).await, Err(AskError::NoConversation)));
    let mut client = Client::connect(gateway.socket()).await;
    client.post(CHAT, &request(&[user("fix it")], true)).await;
    let answer = gateway.ask(QUESTION).await.unwrap();
    assert!(answer.text.contains(&simulated.plan().confidence.to_string()));
    gateway.finish().await.unwrap();
    let messages = world.log()[1].request["messages"].clone();
    assert_eq!(messages[1]["tool_calls"][0]["id"], messages[2]["tool_call_id"]);
    assert_eq!(messages[2]["role"], json!("tool"));
}

#[tokio::test]
async fn an_instruction_that_asks_is_answered_at_the_end_of_the_last_message() {
    let world = World::new();
    let (gateway, simulated) = world.open_simulated(&Profile::overconfident()).await;
    let messages = play(&gateway, &format!("Fix it. {QUESTION}"), true).await;
    assert_eq!(commands(&messages).len(), simulated.plan().turns.len() - 1);
    let text = messages.last().unwrap()["content"].as_str().unwrap();
    let stated: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(stated["confidence"], json!(simulated.plan().confidence));
    gateway.finish().await.unwrap();
}

#[tokio::test]
async fn a_spent_budget_turns_requests_away_and_is_told() {
    let world = World::new();
    let (_, simulated) = World::new().open_simulated(&Profile::steady()).await;
    let mut access = world.access(Upstream::Simulated(simulated));
    access.budget = Budget::of_requests(2);
    let gateway = Gateway::new(PriceTable::builtin()).open(access).await.unwrap();
    let mut client = Client::connect(gateway.socket()).await;
    let body = request(&[user("fix it")], false);
    assert_eq!(client.post(CHAT, &body).await.status, 200);
    assert_eq!(client.post(CHAT, &body).await.status, 200);
    let refused = client.post(CHAT, &body).await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        refused.json()["error"]["message"],
        json!("retrial: the trial's budget of 2 requests is spent")
    );
    // The question after the end is not the agent's and spends nothing.
    assert!(gateway.ask(QUESTION).await.is_ok());
    let wire = gateway.finish().await.unwrap();
    assert_eq!((wire.exchanges, wire.turned_away, wire.over_budget), (2, 1, true));
}

#[tokio::test]
async fn requests_beside_the_work_get_a_short_text_and_leave_the_conversation_alone() {
    let world = World::new();
    let (gateway, _) = world.open_simulated(&Profile::steady()).await;
    let messages = play(&gateway, "fix it", false).await;
    let mut client = Client::connect(gateway.socket()).await;
    let title = client.post(CHAT, &json!({"model": "m-1", "messages": [user("a title, please")]})).await;
    let title = title.message();
    assert!(title.get("tool_calls").is_none());
    assert!(title["content"].as_str().unwrap().len() < 40);
    let mut no_calls = request(&[user("fix it")], false);
    no_calls["tool_choice"] = json!("none");
    assert!(client.post(CHAT, &no_calls).await.message().get("tool_calls").is_none());
    gateway.ask(QUESTION).await.unwrap();
    gateway.finish().await.unwrap();
    let calls: usize = world.log().iter().map(|exchange| exchange.reply.tool_calls.len()).sum();
    assert_eq!(calls, commands(&messages).len());
}

#[tokio::test]
async fn nothing_in_an_answer_says_that_the_model_is_simulated() {
    let world = World::new();
    let (gateway, _) = world.open_simulated(&Profile::overconfident()).await;
    let mut client = Client::connect(gateway.socket()).await;
    let mut all = Vec::new();
    for streams in [false, true] {
        let received = client.post(CHAT, &request(&[user("fix it")], streams)).await;
        all.push(format!("{:?} {}", received.headers, received.text()));
    }
    for path in ["/v1/models", "/v1/models/m-1", "/v1/embeddings", CHAT] {
        let received = client.get(path).await;
        all.push(format!("{:?} {}", received.headers, received.text()));
    }
    all.push(client.post(CHAT, &json!({})).await.text().to_owned());
    let all = all.concat();
    for word in ["simul", "overconf", "retrial", "plan", "fake"] {
        assert!(!all.to_ascii_lowercase().contains(word), "{word}: {all}");
    }
}

#[tokio::test]
async fn what_is_no_chat_request_gets_an_error_in_the_providers_shape() {
    let world = World::new();
    let (gateway, _) = world.open_simulated(&Profile::steady()).await;
    let mut client = Client::connect(gateway.socket()).await;
    assert_eq!(client.get("/v1/models").await.json()["data"][0]["id"], json!("m-1"));
    assert_eq!(client.get("/v1/models/m-1").await.json()["id"], json!("m-1"));
    let mut status = async |path: &str, body: &str| {
        let received = client.send(crate::common::post(path, body.to_owned())).await;
        assert!(received.json()["error"]["message"].is_string());
        received.status
    };
    assert_eq!(status("/v1/embeddings", "{}").await, 404);
    assert_eq!(status("/v1/responses", "{\"model\": \"m\"}").await, 400);
    assert_eq!(status("/v1/messages", "{\"model\": \"m\", \"max_tokens\": 1}").await, 400);
    assert_eq!(status(CHAT, "{\"model\": ").await, 400);
    assert_eq!(status(CHAT, "{\"model\": \"m\"}").await, 400);
    assert_eq!(status("/v1/../v1/chat/completions", "{}").await, 400);
    assert_eq!(client.get(CHAT).await.status, 405);
    let wire = gateway.finish().await.unwrap();
    assert_eq!(wire.usage, Fact::Missing(MissingReason::NoUsage));
    assert!(world.log().iter().all(|exchange| exchange.reply.tool_calls.is_empty()));
}

#[tokio::test]
async fn a_stream_looks_like_a_providers() {
    let world = World::new();
    let (gateway, simulated) = world.open_simulated(&Profile::steady()).await;
    let mut client = Client::connect(gateway.socket()).await;
    let received = client.post(CHAT, &request(&[user("fix it")], true)).await;
    let events = received.events();
    assert_eq!(events[0]["choices"][0]["delta"]["role"], json!("assistant"));
    let calls: Vec<&Value> =
        events.iter().filter(|event| event["choices"][0]["delta"].get("tool_calls").is_some()).collect();
    assert!(calls.len() > 1 && calls[0]["choices"][0]["delta"]["tool_calls"][0]["id"].is_string());
    let last = events.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    let Usage { uncached_input, cache_read, output, .. } = simulated.plan().turns[0].usage;
    assert_eq!(last["usage"]["prompt_tokens"], json!(uncached_input + cache_read.unwrap()));
    assert_eq!(last["usage"]["completion_tokens"], json!(output));
    // Who does not ask for usage gets none, and then it is missing.
    let mut silent = request(&[user("fix it")], true);
    silent.as_object_mut().unwrap().remove("stream_options");
    assert!(client.post(CHAT, &silent).await.events().iter().all(|event| event.get("usage").is_none()));
    assert_eq!(gateway.finish().await.unwrap().usage, Fact::Missing(MissingReason::NoUsage));
}

#[tokio::test]
async fn a_real_agents_tool_definition_is_filled_in() {
    let world = World::new();
    let (gateway, simulated) = world.open_simulated(&Profile::steady()).await;
    let mut client = Client::connect(gateway.socket()).await;
    let mut body = request(&[user("fix it")], false);
    let mut tools = bash();
    tools[0]["function"]["parameters"]["properties"]["description"] = json!({"type": "string"});
    tools[0]["function"]["parameters"]["required"] = json!(["command", "description"]);
    body["tools"] = tools;
    let message = client.post(CHAT, &body).await.message();
    let arguments: Value =
        serde_json::from_str(message["tool_calls"][0]["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments["command"].as_str(), simulated.plan().commands().next());
    assert!(arguments["description"].as_str().unwrap().len() > 5);
    gateway.finish().await.unwrap();
}
