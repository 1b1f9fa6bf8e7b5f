//! A model endpoint over HTTP: its key stays on the host, and its failures are nobody's but its own.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use retrial_spec::{Ending, UngradedReason, Verdict};
use support::{Place, experiment, records};

const KEY: &str = "sk-very-secret-0123456789";

/// A provider on loopback that gives every request the same answer and remembers what it was sent as its key.
struct Provider {
    base_url: String,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    fn start(status: &'static str, body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let keys: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&keys);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(stream, status, body, &seen));
            }
        });
        Self { base_url, keys }
    }
}

fn serve(stream: TcpStream, status: &str, body: &str, keys: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
            let lower = line.to_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if lower.starts_with("authorization:") {
                keys.lock().expect("a lock").push(line["authorization:".len()..].trim().to_owned());
            }
            line.clear();
        }
        if line.is_empty() {
            return;
        }
        let mut request = vec![0; length];
        if reader.read_exact(&mut request).is_err() {
            return;
        }
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// One trial of the reference agent with the provider's model.
fn one_trial(place: &Place, provider: &Provider) -> support::Ran {
    let text = experiment("fake", 1, &[]).replace("/*\"", "/fix-torn-tail\"");
    let text = format!(
        "{text}\n[limits]\ninfrastructure_retries = 0\n\n[[models]]\nname = \"m\"\nbase_url = \"{}\"\nmodel = \"m-1\"\n\
         key_env = \"THE_KEY\"\n\n[[agents]]\nname = \"a\"\nmodel = \"m\"\n",
        provider.base_url
    );
    place.write("e.toml", &text);
    let mut command = place.command(&["run", "e.toml", "--out", "run"]);
    support::Ran::from(command.env("THE_KEY", KEY).output().expect("the command starts"))
}

#[test]
fn a_provider_that_fails_for_good_is_an_infrastructure_failure_and_no_verdict_on_the_agent() {
    let place = Place::new();
    let provider = Provider::start("503 Service Unavailable", "{\"error\":{\"message\":\"overloaded\"}}");
    let ran = one_trial(&place, &provider);
    let records = records(&place.join("run"));
    assert_eq!(records.len(), 1, "{}", ran.stderr);
    assert!(
        matches!(&records[0].ending, Ending::Infrastructure { cause, .. } if cause.contains("overloaded")),
        "{records:?}"
    );
    assert_eq!(records[0].verdict, Verdict::Ungraded(UngradedReason::Infrastructure));
    assert_eq!(ran.code, Some(4), "nothing was evaluated: {}", ran.stderr);
}

#[test]
fn a_providers_key_reaches_the_provider_and_no_file() {
    let place = Place::new();
    let answer = "{\"model\":\"m-1\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":\
                  \"assistant\",\"content\":\"{\\\"confidence\\\": 0.25, \\\"claim\\\": \\\"not_done\\\"}\"}}],\"usage\":\
                  {\"prompt_tokens\":12,\"completion_tokens\":3}}";
    let provider = Provider::start("200 OK", answer);
    let ran = one_trial(&place, &provider).expect(0);
    assert!(provider.keys.lock().expect("a lock").iter().all(|key| key == &format!("Bearer {KEY}")));
    assert_eq!(provider.keys.lock().expect("a lock").len(), 2, "one request and the question");
    let records = records(&place.join("run"));
    assert_eq!(records[0].usage.value().expect("tokens").total(), 15);
    assert!(records[0].cost.value().is_none(), "the price table does not know the model");
    assert_eq!(records[0].confidence.value(), Some(&0.25));
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY));
    let mut files = vec![place.join("run")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs_err::read_dir(&path).expect("a directory").flatten().map(|entry| entry.path()));
            continue;
        }
        let mut bytes = fs_err::read(&path).expect("a file");
        if path.extension().is_some_and(|extension| extension == "zst") {
            bytes = zstd::decode_all(bytes.as_slice()).expect("zstd");
        }
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(KEY), "the key is in {}", path.display());
    }
}

#[test]
fn a_key_that_is_not_set_is_said_before_anything_runs() {
    let place = Place::new();
    place.write(
        "e.toml",
        &format!(
            "{}\n[[models]]\nname = \"m\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\nkey_env = \"NO_SUCH_KEY\"\n\n\
             [[agents]]\nname = \"a\"\nmodel = \"m\"\n",
            experiment("fake", 1, &[])
        ),
    );
    let ran = place.run(&["run", "e.toml", "--out", "run"]).expect(2);
    assert!(ran.stderr.contains("`NO_SUCH_KEY`"), "{}", ran.stderr);
    assert!(!place.join("run").exists());
}
