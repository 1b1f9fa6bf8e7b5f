//! Tests of the link against a relay that has been taken over: it may say anything, and the host must neither panic,
//! hang, nor believe it.

use std::time::Duration;

use retrial_relay::protocol::{Command, Ending, FrameBuffer, Report, Stream, TreePart, VERSION};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::link::Link;
use crate::error::SandboxError;
use crate::exec::{Capture, ExecRequest, Outcome};
use crate::tree::{TreeCaps, TreeError};

const HELLO: Report = Report::Hello { version: VERSION, uid: 0 };

/// A relay that says hello and then answers every command with the same bytes.
async fn answering(answer: Vec<u8>) -> Link {
    let (host, mut relay) = UnixStream::pair().unwrap();
    tokio::spawn(async move {
        relay.write_all(&HELLO.encode()).await.unwrap();
        let (mut buffer, mut chunk) = (FrameBuffer::default(), vec![0; 1 << 16]);
        while let Ok(n @ 1..) = relay.read(&mut chunk).await {
            buffer.push(&chunk[..n]);
            while let Some(frame) = buffer.next_frame().unwrap() {
                Command::decode(frame).unwrap();
                if relay.write_all(&answer).await.is_err() {
                    return;
                }
            }
        }
    });
    Link::greet(host).await.unwrap()
}

fn exited(id: u32) -> Report {
    Report::Exited { id, ending: Ending::Exited(0), stdout_bytes: 0, stderr_bytes: 0, oom_kills: 0 }
}

fn request() -> ExecRequest {
    ExecRequest::new(["true"], "/").time_limit(Duration::from_secs(20))
}

#[tokio::test]
async fn another_version_and_anything_but_hello_are_refused() {
    for first in [Report::Hello { version: VERSION + 1, uid: 0 }, Report::Done, Report::Broken("no".into())] {
        let (host, mut relay) = UnixStream::pair().unwrap();
        relay.write_all(&first.encode()).await.unwrap();
        assert!(Link::greet(host).await.is_err(), "{first:?}");
    }
}

#[tokio::test]
async fn garbage_loses_the_link_and_nothing_else() {
    for garbage in [vec![0xff; 64], vec![1, 0, 0, 0, 99], vec![0; 4], b"HTTP/1.1 200 OK\r\n\r\n".to_vec()] {
        let link = answering(garbage).await;
        let lost = link.exec(request(), &mut Capture::default()).await.unwrap_err();
        assert!(matches!(lost, SandboxError::LinkLost { .. }), "{lost:?}");
        let lost = link.kill_all(Duration::ZERO).await.unwrap_err();
        assert!(lost.is_infrastructure(), "{lost:?}");
    }
}

#[tokio::test]
async fn output_beyond_the_cap_is_not_believed() {
    let flood = Report::Output { id: 1, stream: Stream::Stdout, bytes: vec![b'x'; 1000] }.encode();
    let mut answer = flood.repeat(50);
    answer.extend(exited(1).encode());
    let link = answering(answer).await;
    let mut request = request();
    request.stdout_cap = 1234;
    let mut capture = Capture::default();
    let result = link.exec(request, &mut capture).await.unwrap();
    assert_eq!((result.outcome, capture.stdout.len()), (Outcome::Exited(0), 1234));
}

#[tokio::test]
async fn answers_nobody_asked_for_are_dropped() {
    let stray = [exited(77), Report::Done, Report::Killed { left: 3 }, HELLO, exited(1)];
    let link = answering(stray.iter().flat_map(Report::encode).collect()).await;
    let result = link.exec(request(), &mut Capture::default()).await.unwrap();
    assert_eq!(result.outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn a_tree_with_paths_that_leave_it_is_refused_and_the_link_stays_in_step() {
    let parts = [
        Report::Part(TreePart::File { path: b"../../etc/passwd".to_vec(), mode: 0o644 }),
        Report::Part(TreePart::Content(b"x".to_vec())),
        Report::Done,
    ];
    let link = answering(parts.iter().flat_map(Report::encode).collect()).await;
    for _ in 0..2 {
        let refused = link.read_tree("/app", TreeCaps::default()).await.unwrap_err();
        let SandboxError::Tree { source, .. } = refused else { panic!("{refused:?}") };
        assert!(matches!(source, TreeError::BadPath { .. }), "{source:?}");
    }
}

#[tokio::test]
async fn a_tree_larger_than_asked_for_is_refused_by_the_host_too() {
    let mut answer = Report::Part(TreePart::File { path: b"f".to_vec(), mode: 0o644 }).encode();
    answer.extend(Report::Part(TreePart::Content(vec![0; 60_000])).encode().repeat(20));
    answer.extend(Report::Done.encode());
    let link = answering(answer).await;
    let caps = TreeCaps { bytes: 1_000_000, ..TreeCaps::default() };
    let refused = link.read_tree("/app", caps).await.unwrap_err();
    assert!(matches!(refused, SandboxError::Tree { source: TreeError::TooLarge { .. }, .. }), "{refused:?}");
}
