//! `retrial view` as a browser meets it, on a run that goes on.

#[path = "support/runs.rs"]
mod runs;
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use retrial_spec::{Event, StopReason};
use retrial_testkit::{browser_script, run, trial};
use runs::write_run;
use serde_json::Value;
use support::{Place, experiment};

/// A server under test, ended when dropped.
struct Viewed {
    child: Child,
    /// Host and port.
    host: String,
}

impl Viewed {
    fn start(place: &Place, run: &str) -> Self {
        let mut command = place.command(&["view", run]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let host = line.trim().strip_prefix("http://").and_then(|url| url.strip_suffix('/'));
        Self { host: host.expect("an address").to_owned(), child }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        stream
    }

    /// Sends a request line with headers and returns the whole reply.
    fn ask(&self, line: &str, headers: &[&str]) -> String {
        let mut stream = self.connect();
        let first = format!("{line} HTTP/1.1");
        let head = [&[first.as_str()], headers, &["Connection: close", "", ""]].concat();
        stream.write_all(head.join("\r\n").as_bytes()).expect("it is sent");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("a reply");
        String::from_utf8_lossy(&reply).into_owned()
    }

    fn page(&self) -> String {
        self.ask("GET /", &[&format!("Host: {}", self.host)])
    }

    /// Follows the stream of changes until one of them is as wanted.
    fn changes_until(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut stream = self.connect();
        write!(stream, "GET /changes HTTP/1.1\r\nHost: {}\r\n\r\n", self.host).expect("it is sent");
        let mut seen = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.expect("a line");
            if let Some(data) = line.strip_prefix("data: ") {
                let change: Value = serde_json::from_str(data).expect("JSON");
                seen.push(change.clone());
                if wanted(&change) {
                    return seen;
                }
            }
        }
        panic!("the stream ended after {seen:?}");
    }
}

impl Drop for Viewed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn written(place: &Place, trials: u32) {
    let manifest = run(&["agent"], &["task"], 4);
    let records: Vec<_> = (1..=trials).map(|number| trial("task", "agent", number)).collect();
    write_run(place, "run", &manifest, &records);
}

#[test]
fn the_page_is_served_to_this_machines_browsers_alone() {
    let place = Place::new();
    written(&place, 2);
    let viewed = Viewed::start(&place, "run");
    assert!(viewed.host.starts_with("127.0.0.1:"), "{}", viewed.host);
    let page = viewed.page();
    assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("</html>"), "{page}");
    for header in ["cache-control: no-store", "x-content-type-options: nosniff", "x-frame-options: DENY"] {
        assert!(page.contains(header), "{header} is missing");
    }
    let host = format!("Host: {}", viewed.host);
    let origin = format!("Origin: http://{}", viewed.host);
    assert!(viewed.ask("GET /", &[&host, &origin]).starts_with("HTTP/1.1 200"));
    for (line, headers, status) in [
        ("GET /", vec!["Host: evil.example"], "403"),
        ("GET /changes", vec!["Host: evil.example"], "403"),
        ("GET /", vec![host.as_str(), "Origin: http://evil.example"], "403"),
        ("POST /", vec![host.as_str()], "405"),
        ("DELETE /changes", vec![host.as_str()], "405"),
        ("GET /run.json", vec![host.as_str()], "404"),
        ("GET /../run.json", vec![host.as_str()], "404"),
    ] {
        let reply = viewed.ask(line, &headers);
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{line} {headers:?}: {reply}");
    }
}

#[test]
fn a_page_that_comes_late_is_told_where_things_stand_and_then_of_every_change() {
    let place = Place::new();
    written(&place, 1);
    let viewed = Viewed::start(&place, "run");
    let first = viewed.changes_until(|_| true);
    assert_eq!((&first[0]["finished"], &first[0]["planned"]), (&Value::from(1), &Value::from(4)));
    written(&place, 3);
    let changes = viewed.changes_until(|change| change["finished"] == 3);
    assert!(changes.last().unwrap()["version"].as_u64() > first[0]["version"].as_u64());
}

#[test]
fn a_live_run_of_five_hundred_trials_is_followed_to_its_end() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 100, &["steady"]));
    let mut going_on = place.spawn(&["run", "e.toml", "--out", "run"]);
    let patience = Instant::now();
    while !place.join("run/run.json").exists() {
        assert!(patience.elapsed() < Duration::from_mins(1), "the run does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    let viewed = Viewed::start(&place, "run");
    let changes = viewed.changes_until(|change| change["is_over"] == true);
    let finished: Vec<u64> = changes.iter().filter_map(|change| change["finished"].as_u64()).collect();
    assert!(finished.is_sorted() && finished.last() == Some(&500), "{finished:?}");
    assert!(finished.len() > 3, "it was not shown while it went on: {finished:?}");
    assert!(going_on.wait().expect("it ends").success());
}

#[test]
fn a_browser_shows_new_trials_and_keeps_what_was_chosen() {
    let place = Place::new();
    written(&place, 2);
    let viewed = Viewed::start(&place, "run");
    let Some(mut script) = browser_script("live.mjs") else { return };
    let address = format!("http://{}/", viewed.host);
    let mut script =
        script.arg(address).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(script.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    if line == "ready\n" {
        written(&place, 4);
        let end = Event::SessionEnded {
            at: "2026-01-02T03:04:05Z".parse().expect("a time"),
            reason: StopReason::Complete,
            finished: 4,
            load: None,
        };
        let path = place.join("run/events.jsonl");
        let mut events = fs_err::OpenOptions::new().append(true).open(path).expect("the events");
        events
            .write_all((serde_json::to_string(&end).expect("an event") + "\n").as_bytes())
            .expect("written");
    }
    let ended = script.wait_with_output().expect("it ends");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn what_is_no_run_cannot_be_viewed() {
    let place = Place::new();
    let ran = place.run(&["view", "nowhere"]).expect(2);
    assert!(ran.stderr.contains("run directory"), "{}", ran.stderr);
}

#[test]
fn a_request_to_end_ends_it() {
    let place = Place::new();
    written(&place, 1);
    let mut viewed = Viewed::start(&place, "run");
    let ended = std::process::Command::new("kill").arg(viewed.child.id().to_string()).status();
    assert!(ended.expect("kill").success());
    assert!(viewed.child.wait().expect("it ends").success());
}
