//! Crashes: the process is really killed at random moments, and the run goes on as if nothing had been.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::{Place, experiment, records};

/// How often the process is killed, per back end.
const KILLS: u32 = 50;

/// The whole lines of `trials.jsonl`, by trial.
fn lines(run: &Path) -> BTreeMap<String, String> {
    let text = fs_err::read_to_string(run.join("trials.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    whole
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect("a whole record");
            (value["trial"].as_str().expect("an id").to_owned(), line.to_owned())
        })
        .collect()
}

/// Kills runs of the experiment at random moments until it has done so often enough, resuming each until it is complete.
fn kill_and_resume(sandbox: &str, trials: u32, tasks: &[&str], moments_ms: std::ops::Range<u64>) {
    let place = Place::new();
    place.write("e.toml", &experiment(sandbox, trials, &["steady", "flaky"]));
    let mut random = ChaCha8Rng::seed_from_u64(20);
    let (mut kills, mut runs) = (0, 0);
    while kills < KILLS {
        runs += 1;
        let run = place.join(&format!("run-{runs}"));
        let shown = run.display().to_string();
        let mut fresh = vec!["run", "e.toml", "--out", &shown];
        for task in tasks {
            fresh.extend(["--task", task]);
        }
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        loop {
            let started = run.join("run.json").exists();
            let mut child =
                if started { place.spawn(&["run", "--resume", &shown]) } else { place.spawn(&fresh) };
            std::thread::sleep(Duration::from_millis(random.random_range(moments_ms.clone())));
            let ended = child.try_wait().expect("a child").is_some();
            child.kill().expect("a kill");
            child.wait().expect("a child");
            kills += u32::from(!ended);
            let now = lines(&run);
            for (trial, line) in &known {
                assert_eq!(now.get(trial), Some(line), "a finished trial changed");
            }
            known = now;
            if ended || kills >= KILLS {
                break;
            }
        }
        if run.join("run.json").exists() {
            place.run(&["run", "--resume", &shown]).expect(0);
        } else {
            place.run(&fresh).expect(0);
        }
        for (trial, line) in &known {
            assert_eq!(lines(&run).get(trial), Some(line), "a finished trial changed");
        }
        let records = records(&run);
        let distinct: BTreeSet<_> = records.iter().map(|record| record.trial.to_string()).collect();
        assert_eq!(distinct.len(), records.len(), "a trial was counted twice");
        assert_eq!(records.len(), tasks.len() * 2 * trials as usize, "a planned trial is missing");
    }
    assert_eq!(place.leftovers(), Vec::<PathBuf>::new(), "something was left behind");
    assert_eq!(processes_in(&place), Vec::<String>::new(), "a process was left behind");
}

/// Processes that name the place on their command line.
fn processes_in(place: &Place) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir("/proc").expect("proc").flatten() {
        let Ok(bytes) = fs_err::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
        if line.contains(&place.path().display().to_string()) {
            found.push(line);
        }
    }
    found
}

#[test]
fn killed_runs_on_fake_sandboxes_lose_and_repeat_nothing() {
    kill_and_resume("fake", 10, &["fix-torn-tail", "add-time-summary"], 20..700);
}

#[test]
fn killed_runs_in_namespaces_lose_and_repeat_nothing() {
    kill_and_resume("namespace", 4, &["fix-torn-tail"], 20..1200);
}
