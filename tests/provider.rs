//! A model endpoint over HTTP: its key stays on the host, and its failures are nobody's but its own.

mod support;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use retrial_spec::{Ending, UngradedReason, Verdict};
use support::provider::{Provider, answer, calls};
use support::{Place, experiment, records};

const KEY: &str = "sk-very-secret-0123456789";

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

/// Every file below a directory, zstd taken off.
fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut waiting, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(path) = waiting.pop() {
        if path.is_dir() && !path.is_symlink() {
            waiting.extend(fs_err::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            continue;
        }
        // Sockets cannot be read, and some files go while the run works.
        let Ok(mut bytes) = fs_err::read(&path) else { continue };
        if path.extension().is_some_and(|extension| extension == "zst") {
            bytes = zstd::decode_all(bytes.as_slice()).unwrap_or(bytes);
        }
        found.push((path, bytes));
    }
    found
}

fn holds(bytes: &[u8], key: &str) -> bool {
    bytes.windows(key.len()).any(|window| window == key.as_bytes())
}

#[track_caller]
fn assert_no_key_below(root: &Path, key: &str) {
    let files = files(root);
    assert!(!files.is_empty(), "nothing below {}", root.display());
    for (path, bytes) in files {
        assert!(!holds(&bytes, key), "the key is in {}", path.display());
    }
}

/// Writes every form of the run's report into its directory; what lies compressed in the page does not hold the key either.
#[track_caller]
fn report_without(place: &Place, key: &str) {
    place.run(&["report", "run", "--format", "html,md,json,svg,junit,csv,parquet,badge"]);
    let page = fs_err::read_to_string(place.join("run/report/report.html")).expect("a page");
    let mut pieces = page.split("id=\"details-").skip(1).peekable();
    assert!(pieces.peek().is_some(), "the page has no details");
    for piece in pieces {
        let (_, rest) = piece.split_once('>').expect("an element");
        let (data, _) = rest.split_once('<').expect("its end");
        let bytes = BASE64_STANDARD.decode(data.trim()).expect("base64");
        let mut details = Vec::new();
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut details).expect("gzip");
        assert!(details.starts_with(b"{") && !holds(&details, key), "the key is in the page's details");
    }
}

/// The processes of the host that show the key in their arguments or environment.
fn processes_with(key: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir("/proc").expect("/proc").flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let shows = |what: &str| fs_err::read(entry.path().join(what)).is_ok_and(|bytes| holds(&bytes, key));
        if shows("cmdline") || shows("environ") {
            found.push(id);
        }
    }
    found.sort_unstable();
    found
}

/// The processes that showed the key while the agent worked, and what was said of its sandbox.
type Look = (Vec<u32>, String);

/// Runs the agent in real sandboxes with a provider that sends the key back wherever it can, and looks for it everywhere while the
/// agent works and afterwards.
fn look_for_the_key(sandbox: &str, inspect: fn() -> String) {
    let place = Place::new();
    // One that no other test uses, for all processes of the host are looked at.
    let key = format!("sk-looked-for-{sandbox}-{}", std::process::id());
    let echo = format!("the key is {key}");
    // The agent looks around in its sandbox, and the provider looks around on the host whenever it is asked.
    let command = "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; \
                   grep -rs looked-for /tmp /home /.retrial /app 2>/dev/null; true";
    let body = calls(command).replace("\"content\":\"\"", &format!("\"content\":\"{echo}\""));
    assert!(body.contains(&key));
    let seen: Arc<Mutex<Vec<Look>>> = Arc::default();
    let looks = Arc::clone(&seen);
    let looked_for = key.clone();
    let provider = Provider::with("200 OK", &format!("X-Echo: Bearer {key}\r\n"), &body, move |_| {
        looks.lock().expect("a lock").push((processes_with(&looked_for), inspect()));
    });
    let text = experiment(sandbox, 1, &[]).replace("/*\"", "/fix-torn-tail\"");
    let text = format!(
        "{text}\n[limits]\nrequests = 3\ninfrastructure_retries = 0\n\n[[models]]\nname = \"m\"\nbase_url = \"{}\"\n\
         model = \"m-1\"\nkey_env = \"THE_KEY\"\n\n[[agents]]\nname = \"a\"\nmodel = \"m\"\n",
        provider.base_url
    );
    place.write("e.toml", &text);
    let mut command = place.command(&["run", "e.toml", "--out", "run"]);
    command.env("THE_KEY", &key).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the command starts");
    let id = child.id();
    let ran = support::Ran::from(child.wait_with_output().expect("an end")).expect(0);
    let records = records(&place.join("run"));
    assert_eq!(
        (&records[0].ending, records[0].requests.copied()),
        (&Ending::OverBudget, Some(3)),
        "{}",
        ran.stderr
    );
    let seen = seen.lock().expect("a lock");
    assert!(seen.len() >= 3);
    for (processes, inspected) in seen.iter() {
        assert_eq!(*processes, [id], "processes besides the command itself show the key");
        assert!(!inspected.contains(&key), "{inspected}");
    }
    assert!(!ran.stdout.contains(&key) && !ran.stderr.contains(&key));
    report_without(&place, &key);
    assert_no_key_below(&place.join("run"), &key);
    let wire = place.join(&format!("run/trials/{}/attempt-1/wire.jsonl.zst", records[0].trial));
    let wire = zstd::decode_all(fs_err::read(wire).expect("a log").as_slice()).expect("zstd");
    let wire = String::from_utf8(wire).expect("a text");
    // What the agent found in its sandbox went back to the model, so it stands in the log.
    assert!(wire.contains("the key is ***") && wire.contains("PATH="), "{wire}");
}

#[test]
fn a_providers_key_reaches_the_provider_and_no_file() {
    let place = Place::new();
    let provider =
        Provider::start("200 OK", &answer("{\"confidence\": 0.25, \"claim\": \"not_done\"}", (12, 3)));
    let ran = one_trial(&place, &provider).expect(0);
    assert!(provider.keys.lock().expect("a lock").iter().all(|key| key == &format!("Bearer {KEY}")));
    assert_eq!(provider.requests(), 2, "one request and the question");
    let records = records(&place.join("run"));
    assert_eq!(records[0].usage.value().expect("tokens").total(), 15);
    assert!(records[0].cost.value().is_none(), "the price table does not know the model");
    assert_eq!(records[0].confidence.value(), Some(&0.25));
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY));
    assert_no_key_below(&place.join("run"), KEY);
}

#[test]
fn a_key_that_the_provider_sends_back_in_an_error_is_in_no_message_and_no_file() {
    let place = Place::new();
    let error = format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {KEY}\"}}}}");
    let provider = Provider::with("401 Unauthorized", &format!("X-Echo: {KEY}\r\n"), &error, |_| {});
    let ran = one_trial(&place, &provider).expect(4);
    assert!(ran.stderr.contains("Incorrect API key provided: ***"), "{}", ran.stderr);
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY));
    assert_no_key_below(&place.join("run"), KEY);
    for args in
        [&["audit", "run"][..], &["audit", "run", "--json"], &["status", "run"], &["score", "run", "--json"]]
    {
        let ran = place.run(args);
        assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{args:?}");
    }
}

#[test]
fn a_providers_key_is_in_no_namespace_sandbox_nor_in_a_process_that_the_run_starts() {
    look_for_the_key("namespace", String::new);
}

#[test]
fn a_providers_key_is_in_no_container_nor_in_what_the_engine_says_of_it() {
    if !support::docker_or_skip("a_providers_key_is_in_no_container_nor_in_what_the_engine_says_of_it") {
        return;
    }
    look_for_the_key("docker", || {
        let ids =
            Command::new("docker").args(["ps", "--quiet", "--no-trunc"]).output().expect("docker").stdout;
        let ids = String::from_utf8(ids).expect("ids");
        // Containers of others may go meanwhile, which makes the command fail and says nothing of ours.
        let inspected =
            Command::new("docker").arg("inspect").args(ids.split_whitespace()).output().expect("docker");
        String::from_utf8_lossy(&inspected.stdout).into_owned()
    });
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
