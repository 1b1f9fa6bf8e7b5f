//! Budgets: what a trial and a run may use, whatever is sent how many at a time.

use std::sync::Arc;

use retrial_gateway::{AskError, Gateway, PriceTable, Purse, TrialGateway, Upstream};
use retrial_spec::{AuditEntry, Budget, BudgetKind, Charge, Fact, MissingReason, RefusalReason, Source};
use serde_json::{Value, json};

use super::common::{CHAT, Client, Script, ScriptedUpstream, World, http, request, user};

const PRICES: &str =
    "version = 1\ndate = \"2026-01-02\"\n[[models]]\nname = \"m-1\"\ninput = 1\noutput = 10\n";

fn tokens(tokens: u64) -> Budget {
    Budget { tokens: Some(tokens), ..Budget::default() }
}

/// A reply that states 100 input tokens and so much output, and perhaps what it cost.
fn reply(output: u64, cost: Option<f64>) -> Vec<u8> {
    let mut usage = json!({"prompt_tokens": 100, "completion_tokens": output});
    if let Some(cost) = cost {
        usage["cost"] = json!(cost);
    }
    let message = json!({"role": "assistant", "content": "ok"});
    let body =
        json!({"model": "m-1", "choices": [{"finish_reason": "stop", "message": message}], "usage": usage});
    body.to_string().into_bytes()
}

async fn upstream(replies: &[Vec<u8>]) -> ScriptedUpstream {
    let bodies: Vec<&[u8]> = replies.iter().map(Vec::as_slice).collect();
    ScriptedUpstream::saying("application/json", &bodies).await
}

async fn open(world: &World, upstream: Upstream, budget: Budget, purse: Option<&Purse>) -> TrialGateway {
    let prices = PriceTable::builtin().with_own("p", PRICES).unwrap();
    let mut access = world.access(upstream);
    access.budget = budget;
    access.reservation = purse.map(|purse| Arc::new(purse.reserve(budget).unwrap()));
    Gateway::new(prices).open(access).await.unwrap()
}

fn body(text: &str) -> Value {
    request(&[user(text)], false)
}

#[tokio::test]
async fn a_spent_token_budget_turns_requests_away_and_says_so_in_the_audit_log() {
    let world = World::new();
    let provider = upstream(&[reply(50, None), reply(50, None)]).await;
    let gateway = open(&world, http(&provider.base(), Some("m-1")), tokens(250), None).await;
    let mut client = Client::connect(gateway.socket()).await;
    assert_eq!(client.post(CHAT, &body("one")).await.status, 200);
    assert_eq!(client.post(CHAT, &body("two")).await.status, 200);
    let turned_away = client.post(CHAT, &body("three")).await;
    assert_eq!(turned_away.status, 429);
    assert_eq!(turned_away.json()["error"]["code"], "insufficient_quota");
    assert!(turned_away.text().contains("250 tokens"), "{turned_away:?}");
    let wire = gateway.finish().await.unwrap();
    assert!(wire.over_budget);
    assert_eq!((wire.exchanges, wire.turned_away, provider.received().len()), (2, 1, 2));
    let refused = world.audit().into_iter().find_map(|entry| match entry {
        AuditEntry::Refused { body: Some(_), status: 429, reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(refused, Some(RefusalReason::OverBudget { budget: BudgetKind::Tokens }));
    let account = world.account();
    assert_eq!((account.totals.tokens.value(), account.totals.refused), (Some(&300), 1));
    assert_eq!(wire.audit.value(), Some(&account.seal));
}

#[tokio::test]
async fn a_spent_money_budget_turns_requests_away() {
    let world = World::new();
    // 100 · 1 + 50 · 10 = 600 millionths each.
    let provider = upstream(&[reply(50, None), reply(50, None)]).await;
    let budget = Budget { usd_micros: Some(1100), ..Budget::default() };
    let gateway = open(&world, http(&provider.base(), Some("m-1")), budget, None).await;
    let mut client = Client::connect(gateway.socket()).await;
    for status in [200, 200, 429] {
        assert_eq!(client.post(CHAT, &body(&status.to_string())).await.status, status);
    }
    let wire = gateway.finish().await.unwrap();
    let cost = wire.cost.value().unwrap();
    assert_eq!((cost.usd_micros, cost.priced_on), (1200, "2026-01-02".parse().ok()));
    assert_eq!(world.account().totals.charged.usd_micros, 1200);
}

#[tokio::test]
async fn a_request_whose_length_nobody_knows_waits_for_the_one_before() {
    let world = World::new();
    let (first, pieces) = tokio::sync::mpsc::channel(4);
    let whole = |output| {
        let body = reply(output, None);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    };
    let provider = ScriptedUpstream::start([Script::Pieces(pieces), Script::Bytes(whole(1))]).await;
    let gateway = open(&world, http(&provider.base(), Some("m-1")), tokens(100_000), None).await;
    let socket = gateway.socket().to_owned();
    let spawn = |text: &'static str| {
        let socket = socket.clone();
        tokio::spawn(async move { Client::connect(&socket).await.post(CHAT, &body(text)).await.status })
    };
    let one = spawn("one");
    while provider.received().is_empty() {
        // The scripted provider keeps a request once it has read it whole.
        tokio::task::yield_now().await;
        if world.audit().len() > 1 {
            break;
        }
    }
    let two = spawn("two");
    for _ in 0..50 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let sent = |world: &World| {
        world.audit().iter().filter(|entry| matches!(entry, AuditEntry::Request { .. })).count()
    };
    assert_eq!(sent(&world), 1, "the second waits");
    first.send(whole(99_500)).await.unwrap();
    drop(first);
    assert_eq!(one.await.unwrap(), 200);
    assert_eq!(two.await.unwrap(), 200, "the least that it costs still fits");
    assert_eq!(sent(&world), 2);
    gateway.finish().await.unwrap();
}

#[tokio::test]
async fn a_reply_without_usage_is_charged_by_its_bytes_and_stays_missing_in_the_record() {
    let world = World::new();
    let silent = json!({"choices": [{"message": {"content": "x".repeat(300)}}]}).to_string().into_bytes();
    let provider = upstream(&[silent.clone(), reply(1, None)]).await;
    let purse = Purse::new(tokens(10_000), Charge::default());
    let gateway = open(&world, http(&provider.base(), Some("m-1")), tokens(600), Some(&purse)).await;
    let mut client = Client::connect(gateway.socket()).await;
    assert_eq!(client.post(CHAT, &body("one")).await.status, 200);
    let charged = body("one").to_string().len() as u64 + silent.len() as u64;
    assert_eq!(purse.spent(), Charge { requests: 1, tokens: charged, usd_micros: purse.spent().usd_micros });
    assert!(purse.spent().usd_micros > 0);
    let wire = gateway.finish().await.unwrap();
    assert_eq!(wire.usage, Fact::Missing(MissingReason::NoUsage));
    assert_eq!(wire.cost, Fact::Missing(MissingReason::NoUsage));
}

#[tokio::test]
async fn what_trials_use_is_charged_to_the_run_and_the_rest_comes_back() {
    let purse = Purse::new(tokens(500), Charge::default());
    let world = World::new();
    let provider = upstream(&[reply(50, None), reply(10, None)]).await;
    let gateway = open(&world, http(&provider.base(), Some("m-1")), tokens(300), Some(&purse)).await;
    assert!(purse.reserve(tokens(300)).is_err(), "it is set aside for the first");
    Client::connect(gateway.socket()).await.post(CHAT, &body("one")).await;
    gateway.ask("how sure are you?").await.unwrap();
    gateway.finish().await.unwrap();
    assert_eq!((purse.spent().tokens, purse.spent().requests), (260, 2), "the question is the run's");
    assert!(purse.reserve(tokens(240)).is_ok());
}

#[tokio::test]
async fn a_run_without_room_puts_no_question() {
    let purse = Purse::new(tokens(140), Charge::default());
    let world = World::new();
    let provider = upstream(&[reply(50, None)]).await;
    let gateway = open(&world, http(&provider.base(), Some("m-1")), tokens(140), Some(&purse)).await;
    assert_eq!(Client::connect(gateway.socket()).await.post(CHAT, &body("one")).await.status, 200);
    assert!(matches!(gateway.ask("how sure are you?").await, Err(AskError::OverBudget)));
    gateway.finish().await.unwrap();
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test]
async fn a_cost_that_the_provider_states_is_stated_and_one_mixed_with_computed_ones_is_missing() {
    for (costs, expected) in [
        ([Some(0.25), Some(0.5)], Some((750_000, Source::Stated))),
        ([None, None], Some((1200, Source::Computed))),
        ([Some(0.25), None], None),
    ] {
        let world = World::new();
        let provider = upstream(&costs.map(|cost| reply(50, cost))).await;
        let gateway = open(&world, http(&provider.base(), Some("m-1")), Budget::default(), None).await;
        let mut client = Client::connect(gateway.socket()).await;
        for number in 0..2 {
            client.post(CHAT, &body(&number.to_string())).await;
        }
        let wire = gateway.finish().await.unwrap();
        match (wire.cost, expected) {
            (Fact::Known { value, source }, Some(expected)) => {
                assert_eq!((value.usd_micros, source), expected);
            }
            (cost, None) => assert_eq!(cost, Fact::Missing(MissingReason::MixedSources)),
            (cost, _) => panic!("{cost:?}"),
        }
    }
}
