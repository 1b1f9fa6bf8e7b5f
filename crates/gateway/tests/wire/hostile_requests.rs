//! Agents that send what they should not, in every protocol: a clear refusal or a closed connection, nothing recorded for anybody, and
//! the next request is served as ever.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::HeaderValue;
use retrial_gateway::simulate::{Profile, SimulatedTrial};
use retrial_gateway::{Gateway, PriceTable, TrialGateway, Upstream, conversation};
use retrial_spec::AuditEntry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::common::{
    Client, SPOKEN, Script, ScriptedUpstream, Spoken, TOKEN, World, alone, growth, http, post, raw,
    raw_and_wait, simulation, stream, trial,
};

/// Long enough for anything here; a test that reaches it fails.
const LIMIT: Duration = Duration::from_mins(1);

const OTHER: &str = "sk-another-trials-token";

/// Two trials of one run with simulated models.
struct Pair {
    here: World,
    there: World,
    gateway: TrialGateway,
    other: TrialGateway,
}

impl Pair {
    async fn open() -> Self {
        let (here, there) = (World::new(), World::new());
        let gateway = Gateway::new(PriceTable::builtin());
        let simulated =
            || Upstream::Simulated(SimulatedTrial::new(&Profile::steady(), &simulation(), 7, &trial(1)));
        let other = there.open_in(&gateway, OTHER, simulated()).await;
        let gateway = here.open_in(&gateway, TOKEN, simulated()).await;
        Self { here, there, gateway, other }
    }

    /// Checks that a good request is answered, that it is the only one recorded, and that the other trial saw nothing but how often
    /// its token was presented.
    async fn end(self, spoken: &Spoken, misused: usize) {
        let mut client = Client::connect(self.gateway.socket()).await;
        let received = client.send(post(spoken.path, (spoken.request)().to_string())).await;
        assert_eq!(received.status, 200, "{}: {}", spoken.path, received.text());
        let (here, there) = (self.gateway.finish().await.unwrap(), self.other.finish().await.unwrap());
        assert_eq!((here.exchanges, self.here.log().len()), (1, 1), "{}", spoken.path);
        assert_eq!(
            (there.exchanges, there.turned_away, self.there.log().len()),
            (0, 0, 0),
            "{}",
            spoken.path
        );
        let entries = self.there.audit();
        let is_misuse = |entry: &&AuditEntry| matches!(entry, AuditEntry::Misused { .. });
        assert_eq!(entries.iter().filter(is_misuse).count(), misused, "{}", spoken.path);
        assert_eq!(entries.len(), misused + 2, "{}: {entries:?}", spoken.path);
    }
}

/// A request as bytes: its first line without the version, its headers each with its end, and its body.
fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("{line} HTTP/1.1\r\nhost: a\r\n{headers}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn with_token(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    request(line, &format!("authorization: Bearer {TOKEN}\r\n{headers}"), body)
}

#[tokio::test]
async fn strangers_are_refused_in_the_shape_of_the_protocol() {
    for spoken in &SPOKEN {
        let pair = Pair::open().await;
        let body = (spoken.request)().to_string();
        let line = format!("POST {}", spoken.path);
        let presented = [
            request(&line, &format!("authorization: Bearer {OTHER}\r\n"), body.as_bytes()),
            request(&line, &format!("x-api-key: {OTHER}\r\n"), body.as_bytes()),
            request(&format!("POST /{OTHER}{}", spoken.path), "", body.as_bytes()),
        ];
        let unknown = [
            request(&line, "", body.as_bytes()),
            request(&line, "authorization: Bearer sk-nobodys\r\n", body.as_bytes()),
            request(&line, "authorization: Bearer\r\nx-api-key:\r\n", body.as_bytes()),
            request(&format!("POST /sk-nobodys{}", spoken.path), "", body.as_bytes()),
            // The gateway's answer comes before the body is read, however long it is to be.
            format!("{line} HTTP/1.1\r\nhost: a\r\ncontent-length: 104857600\r\n\r\n").into_bytes(),
        ];
        for bytes in presented.iter().chain(&unknown) {
            let answer = raw(pair.gateway.socket(), bytes).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
            assert!(answer.contains(&format!("\"type\":\"{}\"", spoken.stranger)), "{answer}");
        }
        pair.end(spoken, presented.len()).await;
    }
}

#[tokio::test]
async fn requests_that_would_lead_elsewhere_are_refused() {
    for Spoken { path, .. } in &SPOKEN {
        let pair = Pair::open().await;
        let upgrade = "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
        let h2c =
            "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
        let mut cases = vec![
            (with_token(&format!("GET {path}"), upgrade, b""), "426"),
            (request(&format!("GET /{TOKEN}{path}"), upgrade, b""), "426"),
            (with_token(&format!("POST {path}"), h2c, b"{}"), "426"),
            (with_token("CONNECT 127.0.0.1:22", "", b""), "405"),
            (with_token("CONNECT api.example.com:443", "", b""), "405"),
        ];
        let ways =
            ["/..", "/.", "/v1/../..", "/%2e%2E", "/.%2e", "/v1/..%2f..", "/v1/%2e%2e%2Fx", "/v1/..%5c.."];
        for way in ways {
            cases.push((with_token(&format!("POST {way}{path}"), "", b"{}"), "400"));
            cases.push((with_token(&format!("POST {path}{way}"), "", b"{}"), "400"));
            cases.push((with_token(&format!("POST {path}{way}?x=/"), "", b"{}"), "400"));
        }
        for (bytes, status) in &cases {
            let answer = raw(pair.gateway.socket(), bytes).await;
            let line = String::from_utf8_lossy(bytes).lines().next().unwrap().to_owned();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
        }
        pair.end(SPOKEN.iter().find(|spoken| spoken.path == *path).unwrap(), 0).await;
    }
}

#[tokio::test]
async fn a_target_with_a_host_of_its_own_goes_to_the_provider_all_the_same() {
    for spoken in &SPOKEN {
        let upstream = ScriptedUpstream::saying("application/json", &[b"{}"]).await;
        let world = World::new();
        let gateway = world.open(http(&upstream.base(), None)).await;
        let mut client = Client::connect(gateway.socket()).await;
        let target = format!("http://other.example{}", spoken.path);
        assert_eq!(client.send(post(&target, "{}")).await.status, 200);
        gateway.finish().await.unwrap();
        let (head, _) = upstream.received().remove(0);
        assert!(head.starts_with(&format!("POST {} ", spoken.path)), "{head}");
        assert!(!head.contains("other.example") && !head.contains(TOKEN), "{head}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_a_4xx_or_a_closed_connection() {
    for spoken in &SPOKEN {
        let pair = Pair::open().await;
        let line = format!("POST {}", spoken.path);
        let head = format!("{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n");
        let cases: [Vec<u8>; 12] = [
            b"\x16\x03\x01\x02\x00".to_vec(),
            b"\r\n\r\n\r\n".to_vec(),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            b"GET\xff / HTTP/1.1\r\n\r\n".to_vec(),
            [line.as_bytes(), b"\xff\xfe HTTP/1.1\r\n\r\n"].concat(),
            format!("{line}\0 HTTP/1.1\r\n\r\n").into_bytes(),
            format!("{head}x: {}", "y".repeat(1 << 20)).into_bytes(),
            format!("{head}{}\r\n", "x: y\r\n".repeat(500)).into_bytes(),
            format!("{head}content-length: 50\r\n\r\n{{\"model\"").into_bytes(),
            format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!").into_bytes(),
            format!("{head}content-length: -1\r\n\r\n").into_bytes(),
            format!("{head}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n").into_bytes(),
        ];
        for bytes in &cases {
            let answer = raw(pair.gateway.socket(), bytes).await;
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown}: {answer}");
        }
        pair.end(spoken, 0).await;
    }
}

/// A hundred megabytes of the same byte, compressed.
fn bombs() -> [(&'static str, Vec<u8>); 3] {
    let body = vec![b' '; 100 << 20];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&body).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&body).unwrap();
    let zstd = zstd::encode_all(body.as_slice(), 1).unwrap();
    [("gzip", gzip.finish().unwrap()), ("deflate", zlib.finish().unwrap()), ("zstd", zstd)]
}

/// Sends 100 MB of a body in pieces without saying how many there are; returns the answer, and whether all of it was taken.
async fn pour(gateway: &TrialGateway, path: &str) -> (String, bool) {
    let stream = UnixStream::connect(gateway.socket()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let head = with_token(&format!("POST {path}"), "transfer-encoding: chunked\r\n", b"");
    let head = String::from_utf8(head).unwrap().replace("content-length: 0\r\n", "");
    let writer = tokio::spawn(async move {
        let _ = write.write_all(head.as_bytes()).await;
        let chunk = [b"100000\r\n".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
        for _ in 0..100 {
            if write.write_all(&chunk).await.is_err() {
                return false;
            }
        }
        true
    });
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LIMIT, read.read_to_end(&mut answer)).await.unwrap();
    drop(read);
    (String::from_utf8_lossy(&answer).into_owned(), writer.await.unwrap())
}

#[test]
fn bodies_of_100_megabytes_are_refused_announced_or_not_compressed_or_not() {
    alone(
        "hostile_requests::bodies_of_100_megabytes_are_refused_announced_or_not_compressed_or_not",
        async {
            let bombs = bombs();
            for spoken in &SPOKEN {
                let pair = Pair::open().await;
                let grown = growth();
                let line = format!("POST {}", spoken.path);
                let announced = format!(
                    "{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 104857600\r\n\r\n"
                );
                let answer = raw(pair.gateway.socket(), announced.as_bytes()).await;
                assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
                for _ in 0..3 {
                    let (answer, is_taken) = pour(&pair.gateway, spoken.path).await;
                    assert!(answer.starts_with("HTTP/1.1 413 ") && !is_taken, "{is_taken}, {answer}");
                    for (coding, body) in &bombs {
                        let bytes = with_token(
                            &line,
                            &format!("connection: close\r\ncontent-encoding: {coding}\r\n"),
                            body,
                        );
                        let answer = raw_and_wait(pair.gateway.socket(), &bytes).await;
                        assert!(answer.starts_with("HTTP/1.1 400 "), "{coding}: {answer}");
                        let bytes = with_token(&line, &format!("content-encoding: {coding}, gzip\r\n"), body);
                        let answer = raw(pair.gateway.socket(), &bytes).await;
                        // Its body is not read, so that the connection may be gone before the answer is.
                        assert!(
                            answer.is_empty() || answer.starts_with("HTTP/1.1 415 "),
                            "{coding}: {answer}"
                        );
                    }
                }
                // What one body may take, and its copy while it is put together.
                let grown = grown.megabytes();
                assert!(grown < 160, "{}: {grown} MB more", spoken.path);
                pair.end(spoken, 0).await;
            }
        },
    );
}

/// Bodies that are hard on parsers, with a value put where `~` stands.
fn hard(spoken: &Spoken) -> Vec<Vec<u8>> {
    let request = (spoken.request)();
    let mut bodies = vec![
        vec![b'['; 200_000],
        b"{\"a\":".repeat(200_000),
        [vec![b'['; 200_000], vec![b']'; 200_000]].concat(),
        format!("{{\"model\": {}", "9".repeat(100_000)).into_bytes(),
        b"{\"model\": 1e999999, \"max_tokens\": 18446744073709551616}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"model\": \"\\ud800\", \"messages\": [], \"input\": \"\\udfff\"}".to_vec(),
        b"{\"messages\": 3, \"input\": {}, \"tools\": \"x\", \"model\": []}".to_vec(),
    ];
    // What lies just within and just beyond what parsers take, also once it stands within a line of a log.
    for depth in (118..132).chain([200_000]) {
        let nest = "[".repeat(depth) + &"]".repeat(depth);
        for key in ["metadata", "tools", "messages", "input"] {
            let mut request = request.clone();
            request[key] = "~".into();
            bodies.push(request.to_string().replace("\"~\"", &nest).into_bytes());
        }
    }
    bodies
}

#[tokio::test]
async fn bodies_that_are_hard_to_parse_pass_and_leave_a_log_that_can_be_read() {
    for spoken in &SPOKEN {
        let bodies = hard(spoken);
        let said = stream((spoken.start)().into_iter().chain((spoken.end)()));
        let replies: Vec<&[u8]> = bodies.iter().map(|_| said.as_slice()).collect();
        let upstream = ScriptedUpstream::saying("text/event-stream", &replies).await;
        let world = World::new();
        let gateway = world.open(http(&upstream.base(), Some("m-2"))).await;
        for body in &bodies {
            let mut client = Client::connect(gateway.socket()).await;
            assert_eq!(client.send(post(spoken.path, body.clone())).await.status, 200);
        }
        assert_eq!(upstream.received().len(), bodies.len());
        // What cannot be continued cannot; what can is a request like any other, which this upstream does not answer.
        let asked = gateway.ask("How sure are you?").await;
        assert!(asked.is_err());
        gateway.finish().await.unwrap();
        let log = world.log();
        assert!((bodies.len()..=bodies.len() + 1).contains(&log.len()), "{}", spoken.path);
        for exchange in &log {
            let _ = conversation(exchange.protocol, &exchange.request);
        }
    }
}

#[tokio::test]
async fn simulated_models_refuse_what_they_cannot_read() {
    for spoken in &SPOKEN {
        let pair = Pair::open().await;
        let mut client = Client::connect(pair.gateway.socket()).await;
        let bodies = hard(spoken);
        for body in &bodies {
            let status = client.send(post(spoken.path, body.clone())).await.status;
            assert!(matches!(status, 200 | 400), "{status}");
        }
        pair.gateway.finish().await.unwrap();
        assert_eq!(pair.here.log().len(), bodies.len());
    }
}

#[tokio::test]
async fn a_model_named_twice_is_replaced_twice() {
    for spoken in &SPOKEN {
        let upstream = ScriptedUpstream::saying("application/json", &[b"{}"]).await;
        let world = World::new();
        let gateway = world.open(http(&upstream.base(), Some("m-2"))).await;
        let request = (spoken.request)().to_string();
        let body = request.replacen('{', "{\"model\":\"best\",\"mod\\u0065l\":\"better\",", 1);
        let mut client = Client::connect(gateway.socket()).await;
        assert_eq!(client.send(post(spoken.path, body)).await.status, 200);
        gateway.finish().await.unwrap();
        let sent = String::from_utf8(upstream.received().remove(0).1).unwrap();
        assert_eq!(sent.matches("\"m-2\"").count(), 3, "{sent}");
        assert!(!sent.contains("best") && !sent.contains("better") && !sent.contains("m-1"), "{sent}");
        assert_eq!(world.log().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_in_time_is_given_up() {
    for spoken in &SPOKEN {
        let pair = Pair::open().await;
        let mut stream = UnixStream::connect(pair.gateway.socket()).await.unwrap();
        let whole = with_token(&format!("POST {}", spoken.path), "", &[b' '; 1000]);
        stream.write_all(&whole[..whole.len() - 900]).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        // A byte now and then does not help.
        let trickle = tokio::spawn(async move {
            for _ in 0..900 {
                tokio::time::sleep(Duration::from_secs(15)).await;
                if write.write_all(b" ").await.is_err() {
                    return;
                }
            }
        });
        let mut answer = Vec::new();
        let _ = read.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        trickle.abort();
        pair.end(spoken, 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_in_time_is_given_up() {
    let pair = Pair::open().await;
    for start in ["", "POST /v1/messages HTTP/1.1\r\nhost: a\r\nauthorization: Bearer"] {
        let mut stream = UnixStream::connect(pair.gateway.socket()).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    pair.end(&SPOKEN[2], 0).await;
}

#[tokio::test]
async fn an_agent_that_reads_nothing_holds_the_provider_back() {
    for spoken in &SPOKEN {
        let (say, script) = tokio::sync::mpsc::channel(1);
        let upstream = ScriptedUpstream::start([Script::Pieces(script)]).await;
        let world = World::new();
        let gateway = world.open(http(&upstream.base(), None)).await;
        let mut client = Client::connect(gateway.socket()).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        say.send(head.to_vec()).await.unwrap();
        let mut body = client.start(post(spoken.path, (spoken.request)().to_string())).await.into_body();
        let piece = stream([(spoken.text)(&"x".repeat(64 << 10))]);
        let mut said = 0;
        // Nobody reads, so that the provider cannot go on saying; on a slow machine it stops earlier.
        while said < 200 << 20 {
            let sent = tokio::time::timeout(Duration::from_secs(1), say.send(piece.clone())).await;
            if sent.is_err() {
                break;
            }
            said += piece.len();
        }
        assert!(said < 32 << 20, "{}: {said} bytes with nobody to read them", spoken.path);
        drop(say);
        let mut received = 0;
        while let Some(Ok(frame)) = http_body_util::BodyExt::frame(&mut body).await {
            received += frame.into_data().unwrap().len();
        }
        assert!(received >= said, "{}", spoken.path);
        gateway.finish().await.unwrap();
    }
}

#[tokio::test]
async fn a_path_without_a_protocol_needs_the_token_too() {
    let pair = Pair::open().await;
    let mut client = Client::connect(pair.gateway.socket()).await;
    for path in ["/", "/v1/files", "/admin", "//", "/v1/models"] {
        let mut request = post(path, "{}");
        request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer sk-nobodys"));
        assert_eq!(client.send(request).await.status, 401, "{path}");
    }
    pair.end(&SPOKEN[0], 0).await;
}
