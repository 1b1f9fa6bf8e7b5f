//! Trajectories from exchanges: what becomes a step, which conversation it belongs to, and the format's rules.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and say what they skip"
)]

use proptest::prelude::*;
use retrial_agents::{
    ActionTable, Observed, TrajectoryFacts, TrajectoryWriter, Written, validate_trajectory,
};
use retrial_spec::{
    Cost, Exchange, Fact, Message, MissingReason, Protocol, Purpose, Reply, Role, Source, ToolCall,
    ToolResult, Usage,
};
use serde_json::{Value, json};

/// An exchange with the messages of its request.
#[derive(Debug, Clone)]
struct Case {
    exchange: Exchange,
    messages: Vec<Message>,
    cost: Fact<Cost>,
}

fn message(role: Role, text: &str) -> Message {
    Message { role, text: text.to_owned(), tool_calls: Vec::new(), tool_results: Vec::new() }
}

fn called(text: &str, calls: &[(&str, &str)]) -> Message {
    let tool_calls = calls.iter().map(|(id, line)| bash(id, line)).collect();
    Message { tool_calls, ..message(Role::Assistant, text) }
}

fn result(id: &str, text: &str) -> Message {
    let result = ToolResult { call_id: id.to_owned(), text: text.to_owned(), is_error: None };
    Message { tool_results: vec![result], ..message(Role::Tool, "") }
}

fn bash(id: &str, line: &str) -> ToolCall {
    ToolCall::function(id, "bash", json!({"command": line}).to_string())
}

/// A whole exchange of an agent with one tool.
fn case(number: u32, messages: &[Message], text: &str, calls: &[(&str, &str)]) -> Case {
    let usage =
        Usage { uncached_input: 100, cache_read: Some(20), cache_write: None, output: 7, reasoning: Some(2) };
    let exchange = Exchange {
        number,
        purpose: Purpose::Work,
        started_at: jiff::Timestamp::from_second(1_800_000_000 + i64::from(number)).unwrap(),
        protocol: Protocol::OpenaiChat,
        path: "/v1/chat/completions".to_owned(),
        request: json!({"tools": [{"name": "bash", "description": "Runs.", "input_schema": {"type": "object"}}]}),
        retry_of: None,
        status: Some(200),
        reply: Reply {
            model: Some("m".to_owned()),
            text: text.to_owned(),
            tool_calls: calls.iter().map(|(id, line)| bash(id, line)).collect(),
            usage: Fact::known(usage, Source::Parsed),
            ..Reply::default()
        },
        first_byte_ms: Some(1),
        total_ms: 300,
        waited_ms: 200,
        upstream_attempts: Vec::new(),
        injected: None,
        fault: None,
    };
    Case { exchange, messages: messages.to_vec(), cost: cost(1500, Source::Computed) }
}

fn cost(usd_micros: u64, source: Source) -> Fact<Cost> {
    Fact::known(Cost { usd_micros, priced_on: None }, source)
}

fn bytes(cases: &[Case]) -> (Vec<u8>, Written) {
    let table = ActionTable::builtin();
    let mut writer = TrajectoryWriter::new(&table);
    for case in cases {
        writer.add(Observed::new(&case.exchange, &case.messages, case.cost)).unwrap();
    }
    let facts =
        TrajectoryFacts { session: "t~a~baseline~1#1", agent: "reference", version: "0.1.0", model: "m" };
    let mut bytes = Vec::new();
    let written = writer.finish(&facts, &mut bytes).unwrap();
    (bytes, written)
}

/// The trajectory, which is valid with all that lies in it, and the actions by kind and name.
fn trajectory(cases: &[Case]) -> (Value, String) {
    let (bytes, written) = bytes(cases);
    let trajectory: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(validate_trajectory(&trajectory), [], "{trajectory:#}");
    for side in
        trajectory.pointer("/extra/side_conversations").and_then(Value::as_array).into_iter().flatten()
    {
        assert_eq!(validate_trajectory(side), [], "{side:#}");
    }
    let actions: Vec<String> =
        written.actions.iter().map(|action| format!("{} {}", action.kind.as_str(), action.name)).collect();
    (trajectory, actions.join(", "))
}

/// The steps in short: who, what, calls, results.
fn steps(trajectory: &Value) -> Vec<String> {
    let of = |step: &Value| {
        let list =
            |pointer: &str| step.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let calls: Vec<String> = list("/tool_calls")
            .iter()
            .map(|call| format!(" !{}", call["tool_call_id"].as_str().unwrap()))
            .collect();
        let results: Vec<String> = list("/observation/results")
            .iter()
            .map(|result| {
                format!(
                    " {}={}",
                    result["source_call_id"].as_str().unwrap_or("?"),
                    result["content"].as_str().unwrap_or("?")
                )
            })
            .collect();
        let copied = if step["is_copied_context"] == json!(true) { "copied " } else { "" };
        format!(
            "{copied}{}: {}{}{}",
            step["source"].as_str().unwrap(),
            step["message"].as_str().unwrap(),
            calls.concat(),
            results.concat()
        )
    };
    trajectory["steps"].as_array().unwrap().iter().map(of).collect()
}

fn start() -> Vec<Message> {
    vec![message(Role::System, "You are."), message(Role::User, "Do it.")]
}

/// The conversation's messages after a reply and its results.
fn after(messages: &[Message], text: &str, calls: &[(&str, &str)], results: &[(&str, &str)]) -> Vec<Message> {
    let mut messages = messages.to_vec();
    messages.push(called(text, calls));
    messages.extend(results.iter().map(|(id, text)| result(id, text)));
    messages
}

#[test]
fn a_conversation_becomes_steps_with_what_its_calls_came_to() {
    let calls = [("c1", "cat a.py"), ("c2", "pytest && git diff")];
    let second = after(&start(), "Looking.", &calls, &[("c1", "x"), ("c2", "ok")]);
    let (trajectory, actions) =
        trajectory(&[case(1, &start(), "Looking.", &calls), case(2, &second, "Done.", &[])]);
    assert_eq!(
        steps(&trajectory),
        ["system: You are.", "user: Do it.", "agent: Looking. !c1 !c2 c1=x c2=ok", "agent: Done."]
    );
    assert_eq!(actions, "read cat:source, test pytest, vcs git diff");
    let first = &trajectory["steps"][2];
    assert_eq!(
        first["metrics"],
        json!({"prompt_tokens": 120, "completion_tokens": 7, "cached_tokens": 20, "cost_usd": 0.0015,
            "extra": {"reasoning_tokens": 2, "cost_source": "computed"}})
    );
    assert_eq!(
        (&first["timestamp"], &first["llm_call_count"]),
        (&json!("2027-01-15T08:00:01.5Z"), &json!(1))
    );
    assert_eq!(
        trajectory["final_metrics"],
        json!({"total_prompt_tokens": 240, "total_completion_tokens": 14, "total_cached_tokens": 40, "total_cost_usd": 0.003, "total_steps": 4,
            "extra": {"cost_source": "computed"}})
    );
    let tools = json!([{"type": "function", "function": {"name": "bash", "description": "Runs.", "parameters": {"type": "object"}}}]);
    assert_eq!(
        trajectory["agent"],
        json!({"name": "reference", "version": "0.1.0", "model_name": "m", "tool_definitions": tools})
    );
}

#[test]
fn a_request_sent_again_is_one_step_and_its_last_whole_reply_counts() {
    let mut limited = case(1, &start(), "", &[]);
    limited.exchange.status = Some(429);
    let mut cut = case(2, &start(), "Loo", &[("c0", "rm -rf x")]);
    cut.exchange.fault = Some("the stream was cut".to_owned());
    let whole = case(3, &start(), "Looking.", &[("c1", "ls")]);
    let second = after(&start(), "Looking.", &[("c1", "ls")], &[("c1", "a")]);
    let (trajectory, actions) = trajectory(&[limited, cut, whole, case(4, &second, "Done.", &[])]);
    assert_eq!(
        steps(&trajectory),
        ["system: You are.", "user: Do it.", "agent: Looking. !c1 c1=a", "agent: Done."]
    );
    assert_eq!(actions, "search ls");
    let failed = &trajectory["steps"][2]["extra"]["failed_requests"];
    assert_eq!(failed[0], json!({"exchange": 1, "status": 429, "fault": null}));
    assert_eq!(failed[1], json!({"exchange": 2, "replaced": true}));
}

#[test]
fn a_cut_reply_that_the_agent_acted_on_is_a_step() {
    let mut cut = case(1, &start(), "Looking.", &[("c1", "ls")]);
    cut.exchange.fault = Some("no last event".to_owned());
    cut.exchange.reply.usage = Fact::Missing(MissingReason::NoUsage);
    cut.cost = Fact::Missing(MissingReason::NoUsage);
    let second = after(&start(), "Looking.", &[("c1", "ls")], &[("c1", "a")]);
    let (trajectory, actions) = trajectory(&[cut, case(2, &second, "Done.", &[])]);
    assert_eq!(steps(&trajectory)[2], "agent: Looking. !c1 c1=a");
    assert_eq!(actions, "search ls");
    assert!(trajectory["steps"][2].get("metrics").is_none());
    assert_eq!(trajectory["final_metrics"], json!({"total_steps": 4, "extra": {"steps_without_usage": 1}}));
}

#[test]
fn money_says_where_it_comes_from_and_is_not_added_up_over_sources() {
    let second = after(&start(), "Looking.", &[("c1", "ls")], &[("c1", "a")]);
    let mut cases = [case(1, &start(), "Looking.", &[("c1", "ls")]), case(2, &second, "Done.", &[])];
    cases[0].cost = cost(40, Source::Stated);
    // Its tokens are not stated, its money is.
    cases[1].exchange.reply.usage = Fact::Missing(MissingReason::NoUsage);
    cases[1].cost = cost(2, Source::Stated);
    let (stated, _) = trajectory(&cases);
    assert_eq!(stated["steps"][2]["metrics"]["extra"]["cost_source"], "stated");
    assert_eq!(stated["steps"][3]["metrics"], json!({"cost_usd": 2e-6, "extra": {"cost_source": "stated"}}));
    let metrics = &stated["final_metrics"];
    assert_eq!(
        (&metrics["total_cost_usd"], &metrics["extra"]["cost_source"]),
        (&json!(42e-6), &json!("stated"))
    );
    cases[1].cost = cost(2, Source::Computed);
    let (mixed, _) = trajectory(&cases);
    assert_eq!(mixed["final_metrics"].get("total_cost_usd"), None);
}

#[test]
fn requests_that_nobody_answered_are_said() {
    let mut refused = case(1, &start(), "", &[]);
    (refused.exchange.status, refused.exchange.fault) = (None, Some("unreachable".to_owned()));
    let (trajectory, actions) = trajectory(&[refused]);
    assert_eq!((steps(&trajectory).len(), actions.as_str()), (2, ""));
    assert_eq!(
        trajectory["extra"]["unanswered_requests"],
        json!([{"exchange": 1, "status": null, "fault": "unreachable"}])
    );
}

#[test]
fn a_request_for_a_title_stands_beside_the_main_conversation() {
    let mut title =
        case(1, &[message(Role::System, "Give a title."), message(Role::User, "Do it.")], "Doing", &[]);
    title.exchange.request = json!({});
    let mut asked = case(4, &start(), "0.9", &[]);
    asked.exchange.purpose = Purpose::Elicitation;
    let second = after(&start(), "Go.", &[("c1", "ls")], &[("c1", "a")]);
    let main = [case(2, &start(), "Go.", &[("c1", "ls")]), case(3, &second, "Done.", &[])];
    let (trajectory, _) = trajectory(&[main[0].clone(), title, main[1].clone(), asked]);
    assert_eq!(steps(&trajectory).len(), 4);
    let side = &trajectory["extra"]["side_conversations"][0];
    assert_eq!(
        (steps(side), &side["trajectory_id"]),
        (
            vec!["system: Give a title.".to_owned(), "user: Do it.".to_owned(), "agent: Doing".to_owned()],
            &json!("exchange-1")
        )
    );
    assert_eq!(trajectory["extra"]["elicitation_exchanges"], json!([4]));
    assert_eq!(trajectory["final_metrics"]["total_cost_usd"], json!(0.0045));
}

#[test]
fn a_sub_agent_is_named_by_the_call_that_started_it() {
    let prompt = "Find every use of the old name.";
    let mut first = case(1, &start(), "", &[]);
    let arguments = json!({"prompt": prompt}).to_string();
    first.exchange.reply.tool_calls = vec![ToolCall::function("t1", "task", &*arguments)];
    let sub = [message(Role::System, "You are."), message(Role::User, prompt)];
    let sub_second = after(&sub, "", &[("s1", "grep -r old .")], &[("s1", "a.py")]);
    let mut second = start();
    second.push(Message {
        tool_calls: first.exchange.reply.tool_calls.clone(),
        ..message(Role::Assistant, "")
    });
    second.push(result("t1", "In a.py."));
    let cases = [
        first,
        case(2, &sub, "", &[("s1", "grep -r old .")]),
        case(3, &sub_second, "In a.py.", &[]),
        case(4, &second, "Done.", &[]),
    ];
    let (trajectory, actions) = trajectory(&cases);
    assert_eq!(actions, "other task, search grep");
    assert_eq!(steps(&trajectory).len(), 4);
    let result = &trajectory["steps"][2]["observation"]["results"][0];
    assert_eq!(
        *result,
        json!({"source_call_id": "t1", "content": "In a.py.", "subagent_trajectory_ref": [{"trajectory_id": "exchange-2"}]})
    );
    let sub = &trajectory["subagent_trajectories"][0];
    assert_eq!((steps(sub).len(), &sub["trajectory_id"]), (4, &json!("exchange-2")));
}

#[test]
fn what_a_compacted_conversation_repeats_is_copied_context() {
    let second = after(&start(), "Go.", &[("c1", "ls")], &[("c1", "a lot")]);
    // The past is shortened: the result of the first call is cut, and a summary stands for what was asked.
    let mut third =
        vec![message(Role::System, "You are."), message(Role::User, "Summary: it was to be done.")];
    third.push(called("Go.", &[("c1", "ls")]));
    third.push(result("c1", "(cut)"));
    third.push(called("More.", &[("c2", "pytest")]));
    third.push(result("c2", "ok"));
    let cases = [
        case(1, &start(), "Go.", &[("c1", "ls")]),
        case(2, &second, "More.", &[("c2", "pytest")]),
        case(3, &third, "Done.", &[]),
    ];
    let (trajectory, actions) = trajectory(&cases);
    assert_eq!(actions, "search ls, test pytest");
    assert_eq!(
        steps(&trajectory)[2..],
        [
            "agent: Go. !c1 c1=a lot",
            "agent: More. !c2 c2=ok",
            "copied user: Summary: it was to be done.",
            "copied agent: Go. !c1 c1=(cut)",
            "copied agent: More. !c2 c2=ok",
            "agent: Done.",
        ]
    );
    assert_eq!(trajectory["final_metrics"]["total_prompt_tokens"], json!(360));
}

#[test]
fn a_summary_that_takes_the_place_of_everything_goes_on_with_the_conversation() {
    let summary = "The task is to do it; the file a.py was looked at and holds the fault.";
    let mut second = after(&start(), "Go.", &[("c1", "ls")], &[("c1", "a")]);
    second.push(message(Role::User, "Sum up."));
    let third = [message(Role::System, "You are."), message(Role::User, &format!("Earlier:\n{summary}"))];
    let cases = [
        case(1, &start(), "Go.", &[("c1", "ls")]),
        case(2, &second, summary, &[]),
        case(3, &third, "Done.", &[]),
    ];
    let (trajectory, _) = trajectory(&cases);
    let steps = steps(&trajectory);
    assert!(steps[5].starts_with("copied user: Earlier:") && steps[6] == "agent: Done.", "{steps:#?}");
    assert!(trajectory.get("subagent_trajectories").is_none());
}

#[test]
fn arguments_that_are_no_object_are_kept_as_a_text() {
    let mut only = case(1, &start(), "", &[]);
    only.exchange.reply.tool_calls = vec![ToolCall::function("c1", "bash", "{\"comm")];
    let (trajectory, actions) = trajectory(&[only]);
    let call = &trajectory["steps"][2]["tool_calls"][0];
    assert_eq!(
        (&call["arguments"], &call["extra"]),
        (&json!({"input": "{\"comm"}), &json!({"arguments_not_an_object": true}))
    );
    assert_eq!(actions, "other bash");
}

#[test]
fn edits_in_text_are_actions_where_the_instructions_ask_for_them() {
    let block = "src/a.py\n```python\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n```\n";
    let asks =
        [message(Role::System, "Answer with a *SEARCH/REPLACE block*."), message(Role::User, "Do it.")];
    let mut edits = case(1, &asks, &format!("{block}\n{block}"), &[]);
    edits.exchange.request = json!({});
    assert_eq!(trajectory(&[edits.clone()]).1, "edit search_replace:source, edit search_replace:source");
    edits.messages = start();
    assert_eq!(trajectory(&[edits]).1, "");
    let mut with_tools = case(1, &asks, block, &[]);
    assert_eq!(trajectory(&[with_tools.clone()]).1, "");
    with_tools.exchange.request = json!({"tools": []});
    assert_eq!(trajectory(&[with_tools]).1, "edit search_replace:source");
}

#[test]
fn nothing_is_written_where_nothing_was_said() {
    let (bytes, written) = bytes(&[]);
    assert_eq!((bytes.len(), written), (0, Written { actions: Vec::new(), has_steps: false }));
}

#[test]
fn a_long_trajectory_is_held_outside_of_memory_and_comes_back_whole() {
    let mut messages = start();
    let mut cases = Vec::new();
    let long = "x".repeat(20_000);
    for number in 1..=40 {
        let id = format!("c{number}");
        cases.push(case(number, &messages, &long, &[(&id, "ls")]));
        messages = after(&messages, &long, &[(&id, "ls")], &[(&id, &long)]);
    }
    let (trajectory, actions) = trajectory(&cases);
    assert_eq!(trajectory["steps"].as_array().unwrap().len(), 42);
    assert_eq!(actions.matches("search ls").count(), 40);
}

fn any_message() -> impl Strategy<Value = Message> {
    let role = prop_oneof![Just(Role::System), Just(Role::User), Just(Role::Assistant), Just(Role::Tool)];
    (role, "[ab]{0,2}", prop::collection::vec("[xyz]?", 0..3), prop::collection::vec("[xyz]?", 0..3))
        .prop_map(|(role, text, calls, results)| {
            let calls: Vec<(&str, &str)> = calls.iter().map(|id| (id.as_str(), "ls")).collect();
            let mut made = called(&text, if role == Role::Assistant { &calls } else { &[] });
            made.role = role;
            if role == Role::Tool {
                made.tool_results = results.iter().flat_map(|id| result(id, "r").tool_results).collect();
            }
            made
        })
}

fn any_case() -> impl Strategy<Value = Case> {
    let status = prop_oneof![4 => Just(Some(200)), 1 => Just(Some(429)), 1 => Just(None)];
    let messages = prop::collection::vec(any_message(), 0..7);
    (messages, status, any::<bool>(), prop::collection::vec("[xyz]?", 0..3), any::<bool>(), "[ab]{0,60}")
        .prop_map(|(messages, status, is_cut, calls, tools, text)| {
            let calls: Vec<(&str, &str)> = calls.iter().map(|id| (id.as_str(), "cat a")).collect();
            let mut case = case(1, &messages, &text, &calls);
            case.exchange.status = status;
            case.exchange.fault = is_cut.then(|| "cut".to_owned());
            if !tools {
                case.exchange.request = json!("no JSON");
            }
            case
        })
}

proptest! {
    #[test]
    fn any_exchanges_make_a_valid_trajectory_and_always_the_same(mut cases in prop::collection::vec(any_case(), 0..8)) {
        for (number, case) in (1..).zip(&mut cases) {
            case.exchange.number = number;
        }
        let (once, written) = bytes(&cases);
        prop_assert_eq!(&once, &bytes(&cases).0);
        prop_assert_eq!(once.is_empty(), !written.has_steps);
        if written.has_steps {
            trajectory(&cases);
        }
    }

    #[test]
    fn growing_conversations_are_one_with_every_reply_once(texts in prop::collection::vec("[a-z]{1,9}", 1..12)) {
        let mut messages = start();
        let mut cases = Vec::new();
        for (number, text) in (1..).zip(&texts) {
            let id = format!("c{number}");
            cases.push(case(number, &messages, text, &[(&id, "ls")]));
            messages = after(&messages, text, &[(&id, "ls")], &[(&id, text)]);
        }
        let (trajectory, _) = trajectory(&cases);
        prop_assert_eq!(trajectory["steps"].as_array().unwrap().len(), texts.len() + 2);
        prop_assert!(trajectory.get("extra").is_none() && trajectory.get("subagent_trajectories").is_none());
    }
}

/// A valid trajectory with every object of the format.
fn full() -> Value {
    json!({
        "schema_version": "ATIF-v1.8", "session_id": "s", "trajectory_id": "t", "notes": "n", "extra": {"x": 1},
        "agent": {"name": "a", "version": "1", "model_name": "m", "tool_definitions": [{}], "extra": {}},
        "steps": [
            {"step_id": 1, "timestamp": "2026-01-02T03:04:05Z", "source": "user", "message": [
                {"type": "text", "text": "t"},
                {"type": "image", "source": {"media_type": "image/png", "path": "a.png"}},
                {"type": "audio", "source": {"media_type": "audio/mp3", "path": "a.mp3", "duration_sec": 1.5}},
            ]},
            {"step_id": 2, "source": "agent", "message": "", "model_name": "m", "reasoning_effort": 0.5, "reasoning_content": "r",
             "tool_calls": [{"tool_call_id": "c", "function_name": "f", "arguments": {}, "extra": {}}],
             "observation": {"results": [{"source_call_id": "c", "content": null, "subagent_trajectory_ref": [{"trajectory_id": "u"}]}, {"content": [{"type": "text", "text": "x"}]}]},
             "metrics": {"prompt_tokens": 1, "completion_tokens": 1, "cached_tokens": 0, "cost_usd": 0.1, "prompt_token_ids": [1], "completion_token_ids": [2], "logprobs": [-0.1], "extra": {}},
             "is_copied_context": false, "llm_call_count": 1, "extra": {}},
        ],
        "final_metrics": {"total_prompt_tokens": 1, "total_completion_tokens": 1, "total_cached_tokens": 0, "total_cost_usd": 0.1, "total_steps": 2, "extra": {}},
        "continued_trajectory_ref": "next.json",
        "subagent_trajectories": [{"trajectory_id": "u", "agent": {"name": "b", "version": "1"}, "steps": [{"step_id": 1, "source": "system", "message": "m"}]}],
    })
}

#[test]
fn a_trajectory_with_every_object_of_the_format_is_valid() {
    assert_eq!(validate_trajectory(&full()), []);
}

#[test]
fn every_rule_of_the_format_is_checked() {
    let broken = [
        ("/schema_version", json!("ATIF-v1.9"), "/schema_version"),
        ("/schema_version", json!("ATIF-v1.08"), "/schema_version"),
        ("/schema_version", json!(1.8), "/schema_version"),
        ("/agent", json!(null), ""),
        ("/agent/version", json!(null), "/agent"),
        ("/agent/tool_definitions", json!([1]), "/agent/tool_definitions"),
        ("/agent/surprise", json!(1), "/agent"),
        ("/surprise", json!(1), ""),
        ("/steps", json!([]), "/steps"),
        ("/steps/0/step_id", json!(2), "/steps/0/step_id"),
        ("/steps/0/step_id", json!(0), "/steps/0/step_id"),
        ("/steps/1/step_id", json!("2"), "/steps/1/step_id"),
        ("/steps/0/timestamp", json!("yesterday"), "/steps/0/timestamp"),
        ("/steps/0/source", json!("tool"), "/steps/0/source"),
        ("/steps/0/message", json!(null), "/steps/0"),
        ("/steps/0/message", json!(3), "/steps/0/message"),
        ("/steps/0/metrics", json!({}), "/steps/0/metrics"),
        ("/steps/0/model_name", json!("m"), "/steps/0/model_name"),
        ("/steps/0/tool_calls", json!([]), "/steps/0/tool_calls"),
        ("/steps/0/surprise", json!(null), "/steps/0"),
        ("/steps/0/message/0/text", json!(null), "/steps/0/message/0"),
        ("/steps/0/message/0/type", json!("video"), "/steps/0/message/0/type"),
        ("/steps/0/message/1/text", json!("t"), "/steps/0/message/1"),
        ("/steps/0/message/1/source/media_type", json!("image/bmp"), "/steps/0/message/1/source/media_type"),
        ("/steps/0/message/1/source/duration_sec", json!(1), "/steps/0/message/1/source"),
        ("/steps/0/message/2/source/media_type", json!("image/png"), "/steps/0/message/2/source/media_type"),
        ("/steps/0/message/2/source/duration_sec", json!(-1), "/steps/0/message/2/source/duration_sec"),
        ("/steps/1/llm_call_count", json!(0), "/steps/1/metrics"),
        ("/steps/1/llm_call_count", json!(-1), "/steps/1/llm_call_count"),
        ("/steps/1/metrics/prompt_tokens", json!(1.5), "/steps/1/metrics/prompt_tokens"),
        ("/steps/1/tool_calls/0/arguments", json!("{}"), "/steps/1/tool_calls/0/arguments"),
        ("/steps/1/tool_calls/0/tool_call_id", json!("d"), "/steps/1/observation/results/0/source_call_id"),
        ("/steps/1/observation/results", json!(null), "/steps/1/observation"),
        ("/steps/1/observation/results/0/surprise", json!(1), "/steps/1/observation/results/0"),
        (
            "/steps/1/observation/results/0/subagent_trajectory_ref/0/trajectory_id",
            json!(null),
            "/steps/1/observation/results/0/subagent_trajectory_ref/0",
        ),
        ("/final_metrics/total_steps", json!("2"), "/final_metrics/total_steps"),
        ("/subagent_trajectories/0/trajectory_id", json!(null), "/subagent_trajectories/0"),
        ("/subagent_trajectories/0/steps/0/step_id", json!(2), "/subagent_trajectories/0/steps/0/step_id"),
    ];
    for (pointer, value, place) in broken {
        let mut trajectory = full();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        trajectory.pointer_mut(parent).unwrap()[key] = value.clone();
        let faults = validate_trajectory(&trajectory);
        assert!(faults.iter().any(|fault| fault.pointer == place), "{pointer} = {value}: {faults:?}");
    }
    let mut twice = full();
    let inner = twice["subagent_trajectories"][0].clone();
    twice["subagent_trajectories"].as_array_mut().unwrap().push(inner);
    assert_eq!(validate_trajectory(&twice)[0].pointer, "/subagent_trajectories/1");
    let mut old = full();
    old["schema_version"] = json!("ATIF-v1.6");
    old["session_id"] = json!(null);
    assert!(validate_trajectory(&old)[0].message.contains("session_id"));
}

#[test]
fn a_trajectory_of_another_tool_is_valid() {
    let fixture = "fixtures/harbor/jobs/2026-01-02__03-04-05/hello__aaaaaa0/agent/trajectory.json";
    let Some(path) = retrial_testkit::shared(fixture) else { return };
    let trajectory: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    assert_eq!(validate_trajectory(&trajectory), []);
}
