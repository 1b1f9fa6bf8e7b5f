//! Checks of running commands: output, ends, environment, limits of time.

use std::io;
use std::time::Duration;

use retrial_sandbox::{
    BackendKind, Capture, Discard, ExecRequest, Outcome, OutputSink, SandboxError, Stream,
};

use crate::Place;

pub(crate) async fn a_started_sandbox_runs_a_command(place: &Place) {
    let sandbox = place.sandbox().await;
    assert_eq!(place.ok(&*sandbox, "echo hello").await, "hello\n");
    sandbox.stop().await.unwrap();
}

/// Remembers in which order what came.
#[derive(Default)]
struct Order(Vec<(Stream, String)>);

impl OutputSink for Order {
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        self.0.push((stream, String::from_utf8_lossy(bytes).into_owned()));
        Ok(())
    }
}

pub(crate) async fn output_is_streamed_and_standard_error_is_kept_apart(place: &Place) {
    let sandbox = place.sandbox().await;
    let mut order = Order::default();
    let script = place.shell("echo first; sleep 0.3; echo problem >&2; sleep 0.3; echo last");
    let result = sandbox.exec(script, &mut order).await.unwrap();
    assert_eq!((result.stdout_bytes, result.stderr_bytes), (11, 8));
    if !place.is(BackendKind::Fake) {
        let came: Vec<_> = order.0.iter().map(|(stream, text)| (*stream, text.as_str())).collect();
        assert_eq!(
            came,
            [(Stream::Stdout, "first\n"), (Stream::Stderr, "problem\n"), (Stream::Stdout, "last\n")]
        );
    }
    sandbox.stop().await.unwrap();
}

pub(crate) async fn exit_codes_and_signals_are_told_apart(place: &Place) {
    let sandbox = place.sandbox().await;
    for (script, expected) in [
        ("exit 0", Outcome::Exited(0)),
        ("exit 7", Outcome::Exited(7)),
        ("exit 137", Outcome::Exited(137)),
        ("kill -9 $$", Outcome::Signaled(9)),
    ] {
        assert_eq!(place.sh(&*sandbox, script).await.0.outcome, expected, "{script}");
    }
    sandbox.stop().await.unwrap();
}

pub(crate) async fn commands_start_with_no_signal_blocked_or_ignored(place: &Place) {
    if place.is(BackendKind::Fake) {
        return;
    }
    let sandbox = place.sandbox().await;
    let script = "while read -r key value; do case $key in SigBlk:|SigIgn:) echo $value;; esac; done </proc/self/status";
    let masks = place.ok(&*sandbox, script).await;
    assert_eq!(masks.lines().count(), 2);
    for mask in masks.lines() {
        // Those beyond 31 have no names, and the C library keeps them to itself.
        assert_eq!(u64::from_str_radix(mask, 16).unwrap() & 0x7fff_ffff, 0, "{masks}");
    }
    sandbox.stop().await.unwrap();
}

pub(crate) async fn the_environment_is_exactly_what_was_given(place: &Place) {
    let sandbox = place.sandbox().await;
    let mut env = place.request().base_env();
    env.insert("ODD".into(), "a=b c\"d".into());
    assert_eq!(env.get("FROM_IMAGE").map(String::as_str), Some("yes"));
    let mut capture = Capture::default();
    sandbox.exec(ExecRequest::new(["env"], "/app").env(env.clone()), &mut capture).await.unwrap();
    let mut lines: Vec<_> = String::from_utf8(capture.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    let expected: Vec<_> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(lines, expected);
    sandbox.stop().await.unwrap();
}

pub(crate) async fn output_beyond_its_cap_is_counted_and_dropped(place: &Place) {
    let sandbox = place.sandbox().await;
    let mut request = place.shell("head -c 3000000 /dev/zero");
    request.stdout_cap = 1000;
    let mut capture = Capture::default();
    let result = sandbox.exec(request, &mut capture).await.unwrap();
    assert_eq!((result.stdout_bytes, capture.stdout.len()), (3_000_000, 1000));
    assert!(result.stdout_truncated && !result.stderr_truncated);
    sandbox.stop().await.unwrap();
}

/// Returns this process's resident memory in bytes.
fn resident() -> u64 {
    let statm = fs_err::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

pub(crate) async fn a_gigabyte_of_output_costs_no_memory(place: &Place) {
    let mut small = place.request();
    small.limits.memory_mb = 64;
    let sandbox = place.start(&small).await;
    let before = resident();
    let mut request = place.shell("head -c 1000000000 /dev/zero");
    request.stdout_cap = 1 << 20;
    let result = sandbox.exec(request, &mut Discard).await.unwrap();
    assert_eq!((result.outcome, result.stdout_bytes), (Outcome::Exited(0), 1_000_000_000));
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "grew by {grown} bytes");
    sandbox.stop().await.unwrap();
}

pub(crate) async fn a_command_that_cannot_start_is_the_callers_error(place: &Place) {
    let sandbox = place.sandbox().await;
    let env = place.request().base_env();
    let nowhere = ExecRequest::new(["sh", "-c", "exit 0"], "/no/such/directory").env(env.clone());
    let nothing = ExecRequest::new(["no-such-program"], "/app").env(env);
    for request in [nowhere, nothing] {
        let error = sandbox.exec(request, &mut Discard).await.unwrap_err();
        assert!(matches!(error, SandboxError::Command { .. }), "{error:?}");
        assert!(!error.is_infrastructure());
    }
    assert_eq!(place.ok(&*sandbox, "echo alive").await, "alive\n");
    sandbox.stop().await.unwrap();
}

pub(crate) async fn the_time_limit_ends_the_whole_tree(place: &Place) {
    let sandbox = place.sandbox().await;
    let script = if place.is(BackendKind::Fake) {
        "echo begun; sleep 1000"
    } else {
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 1000; done' &
         (trap '' TERM HUP INT; while :; do sleep 1000; done) &
         echo begun; trap '' TERM; while :; do sleep 1000; done"
    };
    let mut request = place.shell(script).time_limit(Duration::from_millis(500));
    request.grace = Duration::from_millis(200);
    let mut capture = Capture::default();
    let result = sandbox.exec(request, &mut capture).await.unwrap();
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert_eq!(capture.stdout, b"begun\n");
    assert!(result.wall >= Duration::from_millis(500));
    assert_eq!(place.processes(&*sandbox).await, Vec::<String>::new());
    sandbox.stop().await.unwrap();
}

pub(crate) async fn background_processes_live_until_they_are_all_killed(place: &Place) {
    let sandbox = place.sandbox().await;
    assert_eq!(place.ok(&*sandbox, &place.nap(300)).await, "begun\n");
    assert_eq!(place.processes(&*sandbox).await, ["sleep 300"]);
    let (one, two) = tokio::join!(sandbox.kill_all(), sandbox.kill_all());
    one.and(two).unwrap();
    assert_eq!(place.processes(&*sandbox).await, Vec::<String>::new());
    sandbox.kill_all().await.unwrap();
    sandbox.stop().await.unwrap();
}

pub(crate) async fn starting_files_are_in_place_and_writable(place: &Place) {
    let sandbox = place.sandbox().await;
    assert_eq!(place.ok(&*sandbox, "cat /app/start.txt").await, "hello\n");
    place.ok(&*sandbox, "echo changed > /app/start.txt").await;
    place.ok(&*sandbox, "echo new > /app/new.txt").await;
    assert_eq!(place.ok(&*sandbox, "cat /app/start.txt").await, "changed\n");
    sandbox.stop().await.unwrap();
}

pub(crate) async fn standard_input_is_what_was_given_and_otherwise_empty(place: &Place) {
    let sandbox = place.sandbox().await;
    assert_eq!(place.ok(&*sandbox, "cat; readlink /proc/self/fd/0").await, "/dev/null\n");
    let mut request = place.shell("wc -c");
    request.stdin = vec![b'x'; 3_000_000];
    let mut capture = Capture::default();
    sandbox.exec(request, &mut capture).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&capture.stdout).trim(), "3000000");
    sandbox.stop().await.unwrap();
}

pub(crate) async fn several_commands_run_side_by_side(place: &Place) {
    let sandbox = place.sandbox().await;
    place.ok(&*sandbox, "mkfifo /tmp/there /tmp/back").await;
    // Each waits for the other, so neither would end if they ran one after the other.
    let (ping, pong) = tokio::join!(
        place.ok(&*sandbox, "echo ping > /tmp/there; cat /tmp/back"),
        place.ok(&*sandbox, "cat /tmp/there; echo pong > /tmp/back"),
    );
    assert_eq!((ping.as_str(), pong.as_str()), ("pong\n", "ping\n"));
    sandbox.stop().await.unwrap();
}
