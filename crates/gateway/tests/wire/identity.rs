//! Identity: whose token opens which door, until when, and what the audit logs say of it.

use retrial_gateway::{AskError, Gateway, PriceTable, Revocation, Token};
use retrial_spec::{AuditEntry, Fact, RefusalReason, RunId, verify_audit};
use serde_json::json;

use super::common::{CHAT, Client, Script, ScriptedUpstream, World, http, post, request, trial, user};

const OTHER: &str = "sk-another-trials-token";
const KEY: &str = "sk-the-providers-key";

fn refusals<'a>(entries: &'a [AuditEntry]) -> Vec<&'a RefusalReason> {
    let reason = |entry: &'a AuditEntry| match entry {
        AuditEntry::Refused { reason, .. } => Some(reason),
        _ => None,
    };
    entries.iter().filter_map(reason).collect()
}

fn bearing(token: &str) -> http::Request<http_body_util::Full<bytes::Bytes>> {
    let mut request = post(CHAT, request(&[user("hello")], false).to_string());
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

#[tokio::test]
async fn a_token_opens_its_own_door_alone_and_both_trials_logs_say_who_tried() {
    let (ours, theirs) = (World::new(), World::new());
    let provider = ScriptedUpstream::start([]).await;
    let gateway = Gateway::new(PriceTable::builtin());
    let a = gateway.open(ours.access(http(&provider.base(), None))).await.unwrap();
    let mut access = theirs.access(http(&provider.base(), None));
    (access.trial, access.token) = (trial(2), Token::new(OTHER));
    let b = gateway.open(access).await.unwrap();

    let mut client = Client::connect(b.socket()).await;
    let refused = client.post(CHAT, &request(&[user("hello")], false)).await;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (401, Some("invalid_api_key")));
    assert_eq!(client.send(bearing("sk-nobodys")).await.status, 401);
    let mut bare = bearing(OTHER);
    bare.headers_mut().remove("authorization");
    assert_eq!(client.send(bare).await.status, 401);

    let wire = a.finish().await.unwrap();
    // The token is dead with its trial, and nobody's from then on.
    let after = client.post(CHAT, &request(&[user("hello")], false)).await;
    assert_eq!(after.status, 401);
    assert_eq!(wire.exchanges, 0);
    let wire = b.finish().await.unwrap();
    assert_eq!((wire.exchanges, provider.received().len()), (0, 0));

    let of_a = ours.account();
    assert_eq!((of_a.misused, of_a.totals.refused), (1, 0), "A's log tells of its token");
    assert!(ours.audit().contains(&AuditEntry::Misused { door: trial(2) }));
    let text = fs_err::read(theirs.audit_log()).unwrap();
    verify_audit(&text[..], &RunId::new("run-1").unwrap(), &trial(2), 1).unwrap();
    let theirs = theirs.audit();
    assert_eq!(
        refusals(&theirs),
        [
            &RefusalReason::OtherTrial { trial: trial(1) },
            &RefusalReason::UnknownToken,
            &RefusalReason::NoToken,
            &RefusalReason::UnknownToken,
        ]
    );
    assert!(!String::from_utf8(text).unwrap().contains("sk-"), "no token is written down");
}

#[tokio::test]
async fn a_revoked_token_is_turned_away_in_the_protocols_shape_and_what_is_under_way_is_cut() {
    let world = World::new();
    let (pieces, script) = tokio::sync::mpsc::channel(4);
    let provider = ScriptedUpstream::start([Script::Pieces(script)]).await;
    let mut access = world.access(http(&provider.base(), None));
    let revocation = Revocation::default();
    access.revocation = revocation.clone();
    let gateway = Gateway::new(PriceTable::builtin()).open(access).await.unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    pieces.send(head.as_bytes().to_vec()).await.unwrap();
    let mut client = Client::connect(gateway.socket()).await;
    let under_way = client.start(post(CHAT, request(&[user("hello")], true).to_string())).await;
    assert_eq!(under_way.status(), 200);

    revocation.revoke();
    let cut = http_body_util::BodyExt::collect(under_way.into_body()).await;
    assert!(cut.is_err(), "the stream does not end in order");
    let mut client = Client::connect(gateway.socket()).await;
    let refused = client.post(CHAT, &request(&[user("again")], false)).await;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (401, Some("token_revoked")));
    let refused = client.post("/v1/messages", &json!({"model": "m", "messages": [], "max_tokens": 1})).await;
    assert_eq!((refused.status, refused.json()["type"].as_str()), (401, Some("error")));
    assert!(matches!(gateway.ask("how sure?").await, Err(AskError::Revoked)));

    let wire = gateway.finish().await.unwrap();
    assert_eq!((wire.exchanges, provider.received().len()), (1, 1));
    assert!(wire.last_fault.is_some_and(|fault| fault.contains("revoked")));
    let account = world.account();
    assert!(account.revoked && account.closed);
    assert_eq!(refusals(&world.audit()), [&RefusalReason::Revoked, &RefusalReason::Revoked]);
    assert_eq!(wire.audit.value(), Some(&account.seal));
}

#[tokio::test]
async fn an_audit_log_tells_what_was_done_and_holds_no_text_of_it() {
    let world = World::new();
    let answer = json!({"choices": [{"message": {"content": "secret answer"}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3}});
    let provider = ScriptedUpstream::saying("application/json", &[answer.to_string().as_bytes()]).await;
    let gateway = world.open(http(&provider.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    client.get("/v1/models").await;
    let body = request(&[user("secret question")], false);
    client.post(&format!("{CHAT}?key=sk-in-the-query"), &body).await;
    gateway.finish().await.unwrap();
    let entries = world.audit();
    let AuditEntry::Request { number: 1, call: true, method, path, body: digest, .. } = &entries[2] else {
        panic!("{entries:?}");
    };
    assert_eq!((method.as_str(), path.as_str()), ("POST", CHAT));
    assert_eq!(*digest, retrial_spec::digest_bytes(body.to_string().as_bytes()));
    assert!(matches!(&entries[1], AuditEntry::Local { status: 200, .. }));
    assert!(matches!(
        &entries[3],
        AuditEntry::Reply { status: Some(200), tokens: Fact::Known { value: 10, .. }, .. }
    ));
    let text = fs_err::read_to_string(world.audit_log()).unwrap();
    assert!(!text.contains("secret") && !text.contains("sk-"), "{text}");
}

#[tokio::test]
async fn a_key_that_the_provider_sends_back_reaches_neither_the_agent_nor_a_record() {
    let echo = json!({"choices": [{"message": {"content": format!("your key is {KEY}!")}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3}});
    let error = json!({"error": {"message": format!("Incorrect API key provided: {KEY}")}});
    let reply = |status: &str, body: String| {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-echo: Bearer {KEY}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        Script::Bytes([head.into_bytes(), body.into_bytes()].concat())
    };
    let (pieces, script) = tokio::sync::mpsc::channel(8);
    let replies = [
        reply("200 OK", echo.to_string()),
        reply("401 Unauthorized", error.to_string()),
        Script::Pieces(script),
    ];
    let provider = ScriptedUpstream::start(replies).await;
    let world = World::new();
    let gateway = world.open(http(&provider.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    for status in [200, 401] {
        let received = client.post(CHAT, &request(&[user(&status.to_string())], false)).await;
        assert_eq!(received.status, status);
        assert_eq!(received.headers["x-echo"], format!("Bearer {}", "*".repeat(KEY.len())));
        assert!(!received.text().contains(KEY) && received.text().contains("****"), "{received:?}");
    }
    // In a stream that cuts the key in two.
    let (left, right) = KEY.split_at(9);
    let event = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let streamed = event(&format!("{left}CUT{right}"));
    let (first, second) = streamed.split_once("CUT").unwrap();
    pieces.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec()).await.unwrap();
    pieces.send(first.as_bytes().to_vec()).await.unwrap();
    pieces.send(second.as_bytes().to_vec()).await.unwrap();
    pieces.send(b"data: [DONE]\n\n".to_vec()).await.unwrap();
    drop(pieces);
    let received = client.post(CHAT, &request(&[user("stream")], true)).await;
    assert_eq!(received.text(), format!("{}data: [DONE]\n\n", event(&"*".repeat(KEY.len()))));

    gateway.finish().await.unwrap();
    let logged = format!("{:?}", world.log());
    assert!(!logged.contains(KEY) && logged.contains("****"), "{logged}");
    let sent = provider.received();
    assert!(sent.iter().all(|(head, _)| head.to_lowercase().contains(&format!("bearer {KEY}"))));
}
