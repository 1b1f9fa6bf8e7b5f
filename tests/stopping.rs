//! Stopping: Ctrl-C once and twice, a second process, a full disk. The run can always go on and nothing is left behind.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use support::{Place, experiment, records};

/// Starts a run in namespaces and waits until trials are under way.
fn under_way(place: &Place) -> Child {
    place.write("e.toml", &experiment("namespace", 6, &["steady", "flaky"]));
    let child = place.spawn(&["run", "e.toml", "--out", "run", "--concurrency", "2"]);
    let begin = Instant::now();
    while fs_err::read_to_string(place.join("run/trials.jsonl")).unwrap_or_default().lines().count() < 2 {
        assert!(begin.elapsed() < Duration::from_mins(1), "no trial finishes");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.expect("kill").success());
}

/// Checks that a stopped run left nothing and goes on to its end.
fn goes_on(place: &Place) {
    assert_eq!(place.leftovers(), Vec::<PathBuf>::new());
    let before = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    assert!(before.lines().count() < 60, "it was stopped before its end");
    place.run(&["run", "--resume", "run"]).expect(0);
    let after = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    assert!(after.starts_with(&before), "finished records are unchanged");
    assert_eq!(records(&place.join("run")).len(), 60);
    assert_eq!(place.leftovers(), Vec::<PathBuf>::new());
}

#[test]
fn one_interrupt_finishes_running_trials_and_the_run_goes_on_later() {
    let place = Place::new();
    let mut child = under_way(&place);
    interrupt(&child);
    assert_eq!(child.wait().expect("a child").code(), Some(130));
    let events = fs_err::read_to_string(place.join("run/events.jsonl")).expect("events");
    let count = |what: &str| events.matches(&format!("\"event\":\"{what}\"")).count();
    assert_eq!(count("attempt_started"), count("trial_finished"), "running trials were finished");
    goes_on(&place);
}

#[test]
fn two_interrupts_stop_now_and_the_run_goes_on_later() {
    let place = Place::new();
    let mut child = under_way(&place);
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(30));
    interrupt(&child);
    assert_eq!(child.wait().expect("a child").code(), Some(130));
    goes_on(&place);
}

#[test]
fn a_second_process_on_the_same_run_is_refused() {
    let place = Place::new();
    let mut child = under_way(&place);
    let ran = place.run(&["run", "--resume", "run"]).expect(2);
    assert!(ran.stderr.contains("another process works on the run"), "{}", ran.stderr);
    let status = place.run(&["status", "run"]).expect(0);
    assert!(status.stdout.contains("running"), "{}", status.stdout);
    interrupt(&child);
    child.wait().expect("a child");
}

/// A file system of a few hundred kilobytes, taken away at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, kilobytes: u32) -> Option<Self> {
        fs_err::create_dir(path).expect("a directory");
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path.to_owned()))
    }

    fn grow(&self, kilobytes: u32) {
        let size = format!("remount,size={kilobytes}k");
        let status = Command::new("mount").args(["-o", &size]).arg(&self.0).status();
        assert!(status.expect("mount").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_run_with_whole_records_and_room_lets_it_go_on() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 40, &["steady"]));
    let Some(disk) = SmallDisk::mount(&place.join("disk"), 400) else {
        assert_ne!(
            std::env::var("RETRIAL_REQUIRE_DOCKER").as_deref(),
            Ok("1"),
            "cannot mount a small file system"
        );
        eprintln!("skipped: this user cannot mount a small file system");
        return;
    };
    let ran = place.run(&["run", "e.toml", "--out", "disk/run"]).expect(5);
    assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    let before = fs_err::read_to_string(place.join("disk/run/trials.jsonl")).expect("records");
    assert!(before.is_empty() || before.ends_with('\n'), "a record is torn");
    disk.grow(64_000);
    place.run(&["run", "--resume", "disk/run"]).expect(0);
    let after = fs_err::read_to_string(place.join("disk/run/trials.jsonl")).expect("records");
    assert!(after.starts_with(&before));
    assert_eq!(records(&place.join("disk/run")).len(), 200);
}

#[test]
fn a_request_to_terminate_stops_now_and_the_run_goes_on_later() {
    let place = Place::new();
    let mut child = under_way(&place);
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(status.expect("kill").success());
    assert_eq!(child.wait().expect("a child").code(), Some(130));
    goes_on(&place);
}
