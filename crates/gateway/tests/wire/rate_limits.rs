//! A provider that limits its rate: the gateway waits for all trials and shares what there is, and agents see but slower replies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{HeaderValue, Request};
use http_body_util::Full;
use retrial_gateway::{Gateway, HttpUpstream, PriceTable, RateLimits, Secret, TrialGateway, Upstream};

use crate::common::{CHAT, Client, DecidingUpstream, World, limited_http, post, reply};

const GOOD: &str = r#"{"model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 10, "completion_tokens": 2}}"#;

/// The key, which the provider sends back and the agent does not get.
const KEY: &str = "sk-the-providers-key";

const SLOW_DOWN: &str =
    r#"{"error": {"message": "slow down, sk-the-providers-key", "type": "rate_limit_error"}}"#;

fn good() -> Vec<u8> {
    reply("200 OK", "", GOOD)
}

fn slow_down(headers: &str) -> Vec<u8> {
    reply("429 Too Many Requests", headers, SLOW_DOWN)
}

/// A request that tells its trial from others.
fn request(trial: usize, body: &str) -> Request<Full<bytes::Bytes>> {
    let mut request = post(CHAT, format!("{{\"model\": \"m\", \"n\": {body:?}}}"));
    request.headers_mut().insert("x-trial", HeaderValue::from(trial));
    request
}

fn trial_of(head: &str) -> usize {
    head.lines().find_map(|line| line.strip_prefix("x-trial: ")).unwrap().parse().unwrap()
}

async fn open(gateway: &Gateway, upstream: Upstream) -> (World, TrialGateway) {
    let world = World::new();
    let trial = gateway.open(world.access(upstream)).await.unwrap();
    (world, trial)
}

#[tokio::test]
async fn a_storm_of_refusals_reaches_no_agent_and_no_trial_starves() {
    const ANSWERED: u32 = 80;
    let answered = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&answered);
    // Two of three requests are refused, whoever sends them.
    let upstream = DecidingUpstream::start(Duration::from_millis(4), move |number, _| {
        if number % 3 < 2 {
            return slow_down("retry-after-ms: 1\r\n");
        }
        count.fetch_add(1, Ordering::Relaxed);
        good()
    })
    .await;
    let limits = RateLimits { concurrent_requests: Some(1), max_attempts: 1000, ..RateLimits::default() };
    let gateway = Gateway::new(PriceTable::builtin());
    let mut trials = Vec::new();
    let mut agents = tokio::task::JoinSet::new();
    for trial in 0..4 {
        let (world, door) = open(&gateway, limited_http(&upstream.base(), limits)).await;
        // The first trial keeps twelve requests waiting, the others one each.
        for lane in 0..if trial == 0 { 12 } else { 1 } {
            let (socket, answered) = (door.socket().to_owned(), Arc::clone(&answered));
            agents.spawn(async move {
                let mut client = Client::connect(&socket).await;
                let mut served = 0;
                while answered.load(Ordering::Relaxed) < ANSWERED {
                    let received = client.send(request(trial, &format!("{lane} {served}"))).await;
                    assert_eq!(received.status, 200, "{received:?}");
                    served += 1;
                }
                (trial, served)
            });
        }
        trials.push((world, door));
    }
    let mut served: BTreeMap<usize, u32> = BTreeMap::new();
    for (trial, count) in agents.join_all().await {
        *served.entry(trial).or_default() += count;
    }
    // Served by requests and not by trials, each of the three would get a fifteenth of what there is.
    for trial in 1..4 {
        assert!(served[&trial] * 15 >= 2 * ANSWERED, "{served:?}");
    }
    let mut absorbed = 0;
    for (world, door) in trials {
        let waited = door.patience().so_far();
        let wire = door.finish().await.unwrap();
        assert!(wire.waiting_ms > 0 && waited > Duration::ZERO, "{wire:?}");
        let log = world.log();
        assert!(log.iter().all(|exchange| exchange.status == Some(200) && exchange.retry_of.is_none()));
        absorbed += log.iter().map(|exchange| exchange.upstream_attempts.len()).sum::<usize>();
    }
    let heads = upstream.heads();
    assert_eq!(absorbed, heads.len() - served.values().sum::<u32>() as usize, "every refusal is in a log");
    assert!((0..4).all(|trial| heads.iter().any(|head| trial_of(head) == trial)));
}

#[tokio::test]
async fn a_date_is_waited_for_by_the_providers_own_clock_and_the_wait_is_no_time_of_the_model() {
    let upstream = DecidingUpstream::start(Duration::ZERO, |number, _| match number {
        0 => {
            slow_down("date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:38 GMT\r\n")
        }
        1 => reply("529 Overloaded", "retry-after-ms: 30\r\n", "{}"),
        2 => reply("503 Unavailable", "retry-after: 0.02\r\n", "busy"),
        _ => good(),
    })
    .await;
    let gateway = Gateway::new(PriceTable::builtin());
    let (world, door) = open(&gateway, limited_http(&upstream.base(), RateLimits::default())).await;
    let mut client = Client::connect(door.socket()).await;
    assert_eq!(client.send(request(1, "a")).await.status, 200);
    assert!(door.patience().so_far() >= Duration::from_millis(1050));
    let wire = door.finish().await.unwrap();
    assert!(wire.waiting_ms >= 1050 && wire.exchanges == 1, "{wire:?}");
    let exchange = world.log().remove(0);
    assert!(exchange.waited_ms >= 1050, "{exchange:?}");
    let said: Vec<_> = exchange
        .upstream_attempts
        .iter()
        .map(|attempt| (attempt.status, attempt.retry_after_ms, attempt.message.as_str()))
        .collect();
    assert_eq!(said, [(429, Some(1000), "slow down, ***"), (529, Some(30), "{}"), (503, Some(20), "busy")]);
    let names: Vec<_> = upstream.heads().iter().map(|head| trial_of(head)).collect();
    assert_eq!(names, [1; 4], "the same request each time");
}

#[tokio::test]
async fn a_wait_beyond_the_bound_is_the_agents_and_the_provider_is_left_alone_by_all() {
    let upstream = DecidingUpstream::start(Duration::ZERO, |_, _| slow_down("retry-after: 3600\r\n")).await;
    let gateway = Gateway::new(PriceTable::builtin());
    let (world, first) = open(&gateway, limited_http(&upstream.base(), RateLimits::default())).await;
    let (_other_world, second) = open(&gateway, limited_http(&upstream.base(), RateLimits::default())).await;
    for door in [&first, &second] {
        let received = Client::connect(door.socket()).await.send(request(1, "a")).await;
        let body = SLOW_DOWN.replace(KEY, &"*".repeat(KEY.len()));
        assert_eq!((received.status, received.text()), (429, body.as_str()));
        assert!(["3599", "3600"].contains(&received.headers["retry-after"].to_str().unwrap()));
    }
    assert_eq!(upstream.heads().len(), 1);
    let wire = second.finish().await.unwrap();
    assert!(wire.provider_failure.unwrap().cause.starts_with("status 429: slow down"));
    first.finish().await.unwrap();
    let exchange = world.log().remove(0);
    assert_eq!((exchange.waited_ms, exchange.upstream_attempts.len()), (0, 0));
}

#[tokio::test]
async fn a_request_is_sent_so_often_and_no_oftener_and_the_last_refusal_passes() {
    let upstream =
        DecidingUpstream::start(Duration::ZERO, |_, _| slow_down("retry-after-ms: 2\r\nx-last: 1\r\n")).await;
    let gateway = Gateway::new(PriceTable::builtin());
    let limits = RateLimits { max_attempts: 3, ..RateLimits::default() };
    let (world, door) = open(&gateway, limited_http(&upstream.base(), limits)).await;
    let received = Client::connect(door.socket()).await.send(request(1, "a")).await;
    assert_eq!((received.status, received.headers["x-last"].to_str().unwrap()), (429, "1"));
    assert_eq!(upstream.heads().len(), 3);
    door.finish().await.unwrap();
    let exchange = world.log().remove(0);
    assert_eq!((exchange.status, exchange.upstream_attempts.len()), (Some(429), 2));
}

#[tokio::test]
async fn waiting_mends_no_spent_account() {
    let spent = r#"{"error": {"message": "pay first", "code": "insufficient_quota"}}"#;
    let upstream = DecidingUpstream::start(Duration::ZERO, move |number, _| match number {
        0 => reply("429 Too Many Requests", "retry-after: 60\r\n", spent),
        _ => good(),
    })
    .await;
    let gateway = Gateway::new(PriceTable::builtin());
    let (_world, door) = open(&gateway, limited_http(&upstream.base(), RateLimits::default())).await;
    let mut client = Client::connect(door.socket()).await;
    assert_eq!(client.send(request(1, "a")).await.text(), spent);
    assert_eq!(client.send(request(1, "b")).await.status, 200);
    door.finish().await.unwrap();
}

#[tokio::test]
async fn an_agent_that_goes_away_while_it_is_kept_waiting_is_recorded_so() {
    let upstream = DecidingUpstream::start(Duration::ZERO, |_, _| slow_down("retry-after: 100\r\n")).await;
    let gateway = Gateway::new(PriceTable::builtin());
    let (world, door) = open(&gateway, limited_http(&upstream.base(), RateLimits::default())).await;
    let mut client = Client::connect(door.socket()).await;
    let waiting = tokio::spawn(async move { client.send(request(1, "a")).await });
    while door.patience().so_far().is_zero() {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    let _ = waiting.await;
    let wire = door.finish().await.unwrap();
    assert_eq!((wire.exchanges, wire.provider_failure), (1, None));
    let exchange = world.log().remove(0);
    assert_eq!((exchange.status, exchange.upstream_attempts.len()), (None, 1));
}

#[tokio::test]
async fn the_key_goes_in_the_header_of_the_requests_protocol() {
    let upstream = DecidingUpstream::start(Duration::ZERO, |_, _| good()).await;
    let gateway = Gateway::new(PriceTable::builtin());
    let key = Secret::new("sk-the-providers-key");
    // Without its version part, as clients of the Anthropic protocol have it.
    let base = upstream.base().replace("/v1", "");
    let provider = HttpUpstream::new(&base, None, Some(key)).unwrap();
    let (_world, door) = open(&gateway, Upstream::Http(provider)).await;
    let mut client = Client::connect(door.socket()).await;
    for path in ["/v1/messages?beta=true", CHAT] {
        let mut request = post(path, "{}");
        request.headers_mut().insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        client.send(request).await;
    }
    door.finish().await.unwrap();
    let heads = upstream.heads();
    assert!(heads[0].starts_with("POST /v1/messages?beta=true "), "{}", heads[0]);
    assert!(heads[0].contains("x-api-key: sk-the-providers-key\r\n") && !heads[0].contains("authorization:"));
    assert!(heads[0].contains("anthropic-version: 2023-06-01\r\n"));
    assert!(
        heads[1].contains("authorization: Bearer sk-the-providers-key\r\n")
            && !heads[1].contains("x-api-key")
    );
}
