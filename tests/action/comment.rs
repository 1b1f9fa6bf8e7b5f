//! The comment on a change.

use std::path::Path;
use std::process::Command;

use crate::service::Service;
use crate::support::Ran;

/// A service of GitHub or of GitLab, and what a token of it may do.
struct Forge {
    kind: &'static str,
    /// How the requests carry the token.
    token: &'static str,
    added: &'static str,
    replaced: &'static str,
    /// What it answers who the token's user is: none where it says no.
    user: Option<&'static str>,
    /// Notes of others, that the token's user has not written, and one that it has.
    others: &'static str,
    own: &'static str,
}

const FORGES: [Forge; 3] = [
    // The token of a job: it belongs to an app.
    Forge {
        kind: "github",
        token: "\r\nauthorization: bearer hidden-token\r\n",
        added: "POST /repos/me/service/issues/7/comments ",
        replaced: "PATCH /repos/me/service/issues/comments/5 ",
        user: None,
        others: r#"{"id": 4, "body": "<!-- retrial: x -->\nforged", "user": {"id": 9, "type": "User"}}"#,
        own: r#"{"id": 5, "body": "<!-- retrial: x -->\nold", "user": {"id": 1, "type": "Bot"}}"#,
    },
    // A token of a user.
    Forge {
        kind: "github",
        token: "\r\nauthorization: bearer hidden-token\r\n",
        added: "POST /repos/me/service/issues/7/comments ",
        replaced: "PATCH /repos/me/service/issues/comments/5 ",
        user: Some(r#"{"id": 3}"#),
        others: r#"{"id": 4, "body": "<!-- retrial: x -->\nforged", "user": {"id": 9, "type": "Bot"}}"#,
        own: r#"{"id": 5, "body": "<!-- retrial: x -->\nold", "user": {"id": 3, "type": "User"}}"#,
    },
    Forge {
        kind: "gitlab",
        token: "\r\nprivate-token: hidden-token\r\n",
        added: "POST /projects/3/merge_requests/7/notes ",
        replaced: "PUT /projects/3/merge_requests/7/notes/5 ",
        user: Some(r#"{"id": 3}"#),
        others: r#"{"id": 4, "body": "<!-- retrial: x -->\nforged", "author": {"id": 9}}"#,
        own: r#"{"id": 5, "body": "<!-- retrial: x -->\nold", "author": {"id": 3}}"#,
    },
];

#[test]
fn a_comment_is_put_once_and_then_replaced_and_those_of_others_are_left_alone() {
    let service = Service::new();
    let body = service.place.write("body.md", "<!-- retrial: x -->\nhello\n");
    let other = r#"{"id": 2, "body": "other"}"#;
    for forge in FORGES {
        let Forge { others, own, .. } = forge;
        for (there, wanted) in [
            (format!("[{other}, {others}]"), forge.added),
            (format!("[{other}, {others}, {own}]"), forge.replaced),
        ] {
            let user = forge.user.map_or((403, "{}"), |user| (200, user));
            let (address, seen) =
                serve(vec![(user.0, user.1.to_owned()), (200, there), (200, "{}".to_owned())]);
            let ran = comment(&service, &body, forge.kind, &address);
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hidden-token"));
            let seen = seen.join().expect("the server");
            assert!(seen[0].starts_with("GET /user ") && seen[1].starts_with("GET "), "{seen:?}");
            assert!(seen[2].starts_with(wanted), "{seen:?}");
            assert!(seen[2].to_lowercase().contains(forge.token), "{seen:?}");
            assert!(seen[2].contains(r#"{"body": "<!-- retrial: x -->\nhello\n"}"#), "{seen:?}");
        }
    }
    // A service that says no is told, and nothing of what it says.
    let ran = comment(&service, &body, "github", "http://127.0.0.1:9");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "no comment: URLError\n"));
}

/// The first line of the body that the step writes with these settings.
fn mark(service: &Service, env: &[(&str, &str)]) -> String {
    let mut command = Command::new("bash");
    command.arg(service.checkout.join("ci/comment.sh")).current_dir(&service.root);
    Ran::from(command.envs(env.iter().copied()).output().expect("bash starts")).expect(0);
    service.text("retrial-out/comment.md").lines().next().expect("a mark").to_owned()
}

#[test]
fn two_names_never_have_the_same_mark() {
    let service = Service::new();
    let long = "long/".repeat(40);
    let paths = [
        "a b.toml",
        "a%20b.toml",
        "ab.toml",
        "a--b.toml",
        "a-b.toml",
        "ü.toml",
        "-->\n.toml",
        &long,
        &(long.clone() + "x"),
    ];
    let marks = paths.map(|path| mark(&service, &[("INPUT_EXPERIMENT", path)]));
    for (number, one) in marks.iter().enumerate() {
        let inner = one.strip_prefix("<!-- retrial: ").and_then(|rest| rest.strip_suffix(" -->"));
        assert!(inner.is_some_and(|inner| !inner.contains('>') && inner.len() <= 100), "{one}");
        assert!(!marks[..number].contains(one), "{one}");
    }
    // Jobs of one workflow have artifacts of different names; a name of its own is the whole mark.
    let artifact = |name| mark(&service, &[("INPUT_EXPERIMENT", "x.toml"), ("INPUT_ARTIFACT", name)]);
    assert_eq!(artifact("nightly"), "<!-- retrial: nightly x.toml -->");
    let named = [("INPUT_NAME", "mine"), ("INPUT_ARTIFACT", "nightly")];
    assert_eq!(mark(&service, &named), "<!-- retrial: mine -->");
}

fn comment(service: &Service, body: &Path, kind: &str, address: &str) -> Ran {
    let mut command = Command::new("python3");
    command.arg(service.checkout.join("ci/comment.py")).arg(body).arg("<!-- retrial: x -->").env_clear();
    command.env("PATH", std::env::var_os("PATH").expect("a path"));
    if kind == "github" {
        command.envs(service.event("me/service")).env("GITHUB_TOKEN", "hidden-token");
        command.env("GITHUB_REPOSITORY", "me/service").env("GITHUB_API_URL", address);
    } else {
        command.env("GITLAB_CI", "true").env("RETRIAL_GITLAB_TOKEN", "hidden-token");
        command.env("CI_PROJECT_ID", "3").env("CI_MERGE_REQUEST_IID", "7").env("CI_API_V4_URL", address);
    }
    Ran::from(command.output().expect("python3 starts"))
}

/// Answers as many requests with these codes and texts, and returns them as they came.
fn serve(replies: Vec<(u16, String)>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = move |(code, reply): (u16, String)| {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut seen = Vec::new();
        let mut part = [0; 4096];
        let whole = |seen: &[u8]| {
            let text = String::from_utf8_lossy(seen).into_owned();
            let (head, body) = text.split_once("\r\n\r\n")?;
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            (body.len() >= length.unwrap_or(0)).then_some(text)
        };
        loop {
            let read = stream.read(&mut part).expect("bytes");
            seen.extend_from_slice(&part[..read]);
            if let Some(text) = whole(&seen) {
                let head = format!(
                    "HTTP/1.1 {code} \r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    reply.len()
                );
                stream.write_all((head + &reply).as_bytes()).expect("an answer");
                return text;
            }
            assert!(read > 0, "the request ended early");
        }
    };
    (address, std::thread::spawn(move || replies.into_iter().map(answer).collect()))
}
