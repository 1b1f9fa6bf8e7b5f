//! Checks of copying trees in and out, friendly and hostile.

use retrial_sandbox::{EntryKind, SandboxError, TreeArchive, TreeBuilder, TreeCaps, TreeError, User};

use crate::Place;

fn sample() -> TreeArchive {
    let mut tree = TreeBuilder::new(TreeCaps::default());
    tree.directory("empty", 0o750).unwrap();
    tree.directory("nested", 0o755).unwrap();
    tree.file("nested/script.sh", 0o755, b"#!/bin/sh\n").unwrap();
    tree.file("private", 0o600, b"secret").unwrap();
    tree.file("big", 0o644, &vec![b'b'; 6 << 20]).unwrap();
    tree.file("no bytes", 0o444, b"").unwrap();
    tree.symlink("absolute", "/etc/passwd").unwrap();
    tree.symlink("dangling", "../../nowhere").unwrap();
    tree.finish()
}

pub(crate) async fn a_tree_comes_back_as_it_went_in(place: &Place) {
    let sandbox = place.sandbox().await;
    let tree = sample();
    sandbox.copy_in(&tree, "/app/tree", User::Agent).await.unwrap();
    let back = sandbox.copy_out("/app/tree", TreeCaps::default()).await.unwrap();
    assert_eq!(back.digest().unwrap(), tree.digest().unwrap());
    // A second time over what is there already.
    sandbox.copy_in(&tree, "/app/tree", User::Agent).await.unwrap();
    let back = sandbox.copy_out("/app/tree", TreeCaps::default()).await.unwrap();
    assert_eq!(back.digest().unwrap(), tree.digest().unwrap());
    sandbox.stop().await.unwrap();
}

pub(crate) async fn a_single_file_and_a_missing_path_are_told_apart(place: &Place) {
    let sandbox = place.sandbox().await;
    place.ok(&*sandbox, "echo 0.5 > /logs/reward.txt").await;
    let tree = sandbox.copy_out("/logs/reward.txt", TreeCaps::default()).await.unwrap();
    assert_eq!(tree.read("reward.txt", 100).unwrap().unwrap(), b"0.5\n");
    let missing = sandbox.copy_out("/logs/reward.json", TreeCaps::default()).await.unwrap_err();
    assert!(matches!(missing, SandboxError::Tree { source: TreeError::Missing, .. }), "{missing:?}");
    assert!(!missing.is_infrastructure());
    sandbox.stop().await.unwrap();
}

pub(crate) async fn every_cap_of_a_copy_has_its_own_error(place: &Place) {
    let sandbox = place.sandbox().await;
    sandbox.copy_in(&sample(), "/app/tree", User::Agent).await.unwrap();
    let copy = async |caps| match sandbox.copy_out("/app/tree", caps).await.unwrap_err() {
        SandboxError::Tree { source, .. } => source,
        other => panic!("{other:?}"),
    };
    let default = TreeCaps::default();
    assert!(matches!(copy(TreeCaps { bytes: 1 << 20, ..default }).await, TreeError::TooLarge { .. }));
    assert!(matches!(copy(TreeCaps { entries: 3, ..default }).await, TreeError::TooManyEntries { .. }));
    assert!(matches!(copy(TreeCaps { path_bytes: 5, ..default }).await, TreeError::PathTooLong { .. }));
    // The link is still in step.
    sandbox.copy_out("/app/tree", default).await.unwrap();
    sandbox.stop().await.unwrap();
}

const HOSTILE: &str = r"
import os, socket
os.mkdir(b'/app/h'); os.chdir(b'/app/h')
for name in [b'new\nline', b'\xff\xfe', b'-rf', b'n'*255, b'...', b' ', b'\x1b[31m']:
    open(name, 'wb').write(name)
os.symlink('/etc/passwd', 'absolute'); os.symlink('../../../../etc/shadow', 'up')
os.symlink('loop', 'loop'); os.symlink('/proc/1/root', 'proc'); os.symlink('.', 'here')
os.mkfifo('fifo'); os.link(b'-rf', 'hard')
socket.socket(socket.AF_UNIX).bind('socket')
os.mkdir('locked'); open('locked/inside', 'w').write('x'); os.chmod('locked', 0)
open('unreadable', 'w').write('y'); os.chmod('unreadable', 0)
os.mkdir('deep'); os.chdir('deep')
for i in range(40): os.mkdir('d'*40); os.chdir('d'*40)
";

pub(crate) async fn hostile_names_and_links_neither_escape_nor_hang(place: &Place) {
    let sandbox = place.sandbox().await;
    let script = place.ok(&*sandbox, &format!("python3 - <<'EOF'\n{HOSTILE}\nEOF")).await;
    assert_eq!(script, "");
    let tree = sandbox.copy_out("/app/h", TreeCaps::default()).await.unwrap();
    for name in [&b"new\nline"[..], b"\xff\xfe", b"-rf", &[b'n'; 255], b"...", b" ", b"\x1b[31m"] {
        assert_eq!(tree.read(name, 1000).unwrap().as_deref(), Some(name));
    }
    assert_eq!(tree.read("hard", 1000).unwrap().unwrap(), b"-rf");
    assert_eq!(tree.read("locked/inside", 10).unwrap().unwrap(), b"x");
    assert_eq!(tree.read("unreadable", 10).unwrap().unwrap(), b"y");
    for (link, target) in [("absolute", "/etc/passwd"), ("up", "../../../../etc/shadow"), ("loop", "loop")] {
        let kind = tree.find(link).unwrap().kind().clone();
        assert_eq!(kind, EntryKind::Symlink { target: target.into() });
    }
    let mut skipped: Vec<_> = tree.skipped().iter().map(|skipped| skipped.what.as_str()).collect();
    skipped.sort_unstable();
    assert_eq!(skipped, ["fifo", "socket"]);
    // Reading changed no mode.
    assert_eq!(place.ok(&*sandbox, "stat -c %a h/locked h/unreadable").await, "0\n0\n");

    // It can be written into another sandbox, and comes out of that as it was.
    let other = place.sandbox().await;
    other.copy_in(&tree, "/app/h", User::Agent).await.unwrap();
    let again = other.copy_out("/app/h", TreeCaps::default()).await.unwrap();
    assert_eq!(again.digest().unwrap(), tree.digest().unwrap());
    other.stop().await.unwrap();

    // Huge files without content and endless nesting meet the caps.
    place.ok(&*sandbox, "mkdir /app/s && truncate -s 1G /app/s/sparse").await;
    let caps = TreeCaps { bytes: 1 << 20, ..TreeCaps::default() };
    let error = sandbox.copy_out("/app/s", caps).await.unwrap_err();
    assert!(matches!(error, SandboxError::Tree { source: TreeError::TooLarge { .. }, .. }), "{error:?}");
    let nest = "import os\nos.mkdir('/app/n'); os.chdir('/app/n')\nfor i in range(300): os.mkdir('d'*30); os.chdir('d'*30)";
    place.ok(&*sandbox, &format!("python3 -c \"{nest}\"")).await;
    let error = sandbox.copy_out("/app/n", TreeCaps::default()).await.unwrap_err();
    assert!(matches!(error, SandboxError::Tree { source: TreeError::PathTooLong { .. }, .. }), "{error:?}");
    sandbox.stop().await.unwrap();
}

pub(crate) async fn planted_links_do_not_redirect_what_is_copied_in(place: &Place) {
    let sandbox = place.sandbox().await;
    place.ok(&*sandbox, "mkdir /tmp/elsewhere /app/t && ln -s /tmp/elsewhere /app/t/sub && ln -s /tmp/elsewhere/file /app/t/test.sh").await;
    place.ok(&*sandbox, "ln -s /tmp/elsewhere /app/whole && mkdir /app/t/dir && echo x > /app/t/dir/x").await;
    let mut tree = TreeBuilder::new(TreeCaps::default());
    tree.directory("sub", 0o755).unwrap();
    tree.file("sub/inner", 0o644, b"1").unwrap();
    tree.file("test.sh", 0o755, b"2").unwrap();
    tree.file("dir", 0o644, b"3").unwrap();
    let tree = tree.finish();
    sandbox.copy_in(&tree, "/app/t", User::Agent).await.unwrap();
    sandbox.copy_in(&tree, "/app/whole", User::Agent).await.unwrap();
    assert_eq!(place.ok(&*sandbox, "ls -A /tmp/elsewhere").await, "");
    let back = sandbox.copy_out("/app/t", TreeCaps::default()).await.unwrap();
    assert_eq!(back.digest().unwrap(), tree.digest().unwrap());
    sandbox.stop().await.unwrap();
}

pub(crate) async fn a_cleared_directory_is_empty_and_still_there(place: &Place) {
    let sandbox = place.sandbox().await;
    sandbox.copy_in(&sample(), "/app/tree", User::Agent).await.unwrap();
    sandbox.clear("/app/tree").await.unwrap();
    assert!(sandbox.copy_out("/app/tree", TreeCaps::default()).await.unwrap().is_empty());
    sandbox.clear("/app/no/such/directory").await.unwrap();
    assert_eq!(place.ok(&*sandbox, "cat /app/start.txt").await, "hello\n");
    sandbox.stop().await.unwrap();
}

pub(crate) async fn clearing_follows_no_planted_link_and_opens_what_is_locked(place: &Place) {
    let sandbox = place.sandbox().await;
    place.ok(&*sandbox, "mkdir /app/keep && echo x > /app/keep/file && ln -s /app/keep /logs/link").await;
    sandbox.clear("/logs/link").await.unwrap();
    assert_eq!(place.ok(&*sandbox, "ls /app/keep; test -d /logs/link -a ! -L /logs/link").await, "file\n");
    let locked = "mkdir -p /logs/v/a/b && ln -s /app/keep /logs/v/out && touch /logs/v/a/b/c && chmod 0 /logs/v/a/b /logs/v/a /logs/v";
    place.ok(&*sandbox, locked).await;
    sandbox.clear("/logs/v").await.unwrap();
    assert!(sandbox.copy_out("/logs/v", TreeCaps::default()).await.unwrap().is_empty());
    assert_eq!(place.ok(&*sandbox, "cat /app/keep/file").await, "x\n");
    sandbox.stop().await.unwrap();
}
