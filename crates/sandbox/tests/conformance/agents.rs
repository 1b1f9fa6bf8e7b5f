//! Checks of what an agent can reach: the gateway, and nothing it should not.

use retrial_sandbox::{Capture, Mount, SandboxError, TreeBuilder, TreeCaps, User};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::Place;

const CLIENT: &str = r"
import socket, threading, hashlib
def one(i):
    body = bytes([i]) * 3000000
    s = socket.create_connection(('127.0.0.1', 8099))
    threading.Thread(target=lambda: (s.sendall(body), s.shutdown(socket.SHUT_WR))).start()
    back = b''
    while True:
        piece = s.recv(65536)
        if not piece: break
        back += piece
    assert back == body, len(back)
threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print('same')
";

pub(crate) async fn the_relay_forwards_to_the_gateway(place: &Place) {
    let sandbox = place.backend.create(&place.request()).await.unwrap();
    let listener = UnixListener::bind(sandbox.gateway_socket().unwrap()).unwrap();
    let server = tokio::spawn(async move {
        let mut served = 0;
        while served < 8 {
            let (mut stream, _) = listener.accept().await.unwrap();
            served += 1;
            tokio::spawn(async move {
                let mut body = Vec::new();
                stream.read_to_end(&mut body).await.unwrap();
                stream.write_all(&body).await.unwrap();
            });
        }
    });
    sandbox.start().await.unwrap();
    assert_eq!(place.ok(&*sandbox, &format!("python3 - <<'EOF'\n{CLIENT}\nEOF")).await, "same\n");
    server.await.unwrap();
    sandbox.stop().await.unwrap();
}

pub(crate) async fn an_agent_has_no_privileges_and_cannot_touch_the_relay(place: &Place) {
    let sandbox = place.sandbox().await;
    let status = place.ok(&*sandbox, "cat /proc/self/status").await;
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    for name in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(field(name).trim_start_matches('0'), "", "{name}");
    }
    assert_eq!((field("NoNewPrivs:").as_str(), field("Uid:").as_str()), ("1", "1000\t1000\t1000\t1000"));
    assert!(matches!(field("Groups:").as_str(), "" | "1000" | "65534"), "{}", field("Groups:"));

    for attempt in [
        "cat /proc/1/environ",
        "head -c 1 /proc/1/mem",
        "ls /proc/1/fd",
        "echo 1000 > /proc/1/oom_score_adj",
        "ls /proc/1/root",
        "echo x > /.retrial/relay",
        "touch /.retrial/new",
        "unshare --user --map-root-user true",
        "mount -t tmpfs none /tmp",
        "echo 1 > /proc/sys/vm/drop_caches",
        "echo x > /usr/bin/planted",
    ] {
        let (result, _) = place.sh(&*sandbox, attempt).await;
        assert!(!result.is_success(), "`{attempt}` succeeded");
    }
    place.sh(&*sandbox, "kill -9 1; kill -STOP 1; kill -TERM 1; kill -9 -1").await;
    assert_eq!(place.ok(&*sandbox, "echo alive").await, "alive\n");
    sandbox.stop().await.unwrap();
}

pub(crate) async fn the_hosts_secrets_are_out_of_reach(place: &Place) {
    let secret = tempfile::Builder::new().prefix("host-secret").tempfile_in("/tmp").unwrap();
    let sandbox = place.sandbox().await;
    let path = secret.path().display();
    for attempt in [
        "cat /etc/shadow".to_owned(),
        "cat /etc/ssh/ssh_host_ed25519_key".to_owned(),
        "ls -A /root | grep .".to_owned(),
        "ls -A /home | grep -v '^agent$'".to_owned(),
        format!("ls {path}"),
        "ls /var/run/docker.sock".to_owned(),
        "cat /proc/kcore".to_owned(),
        "cat /dev/mem /dev/kmsg /dev/vda /dev/sda".to_owned(),
    ] {
        let (result, capture) = place.sh(&*sandbox, &attempt).await;
        assert!(!result.is_success(), "`{attempt}`: {}", String::from_utf8_lossy(&capture.stdout));
    }
    sandbox.stop().await.unwrap();
}

pub(crate) async fn mounts_are_read_only(place: &Place) {
    let kit = tempfile::tempdir().unwrap();
    fs_err::write(kit.path().join("tool"), "kit\n").unwrap();
    fs_err::set_permissions(kit.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let mut request = place.request();
    request.mounts.push(Mount { source: kit.path().to_path_buf(), target: "/opt/kit".into() });
    let sandbox = place.start(&request).await;
    assert_eq!(place.ok(&*sandbox, "cat /opt/kit/tool").await, "kit\n");
    let (result, _) = place.sh(&*sandbox, "touch /opt/kit/new").await;
    assert!(!result.is_success());
    sandbox.stop().await.unwrap();
}

pub(crate) async fn users_are_kept_apart(place: &Place) {
    let sandbox = place.sandbox().await;
    let mut tests = TreeBuilder::new(TreeCaps::default());
    tests.file("secret.sh", 0o700, b"echo graded").unwrap();
    sandbox.copy_in(&tests.finish(), "/tests", User::Root).await.unwrap();
    for attempt in ["cat /tests/secret.sh", "touch /tests/new", "rm -rf /tests"] {
        assert!(!place.sh(&*sandbox, attempt).await.0.is_success(), "`{attempt}` succeeded");
    }
    for (user, script, expected) in [
        (User::Root, "id -u; sh /tests/secret.sh", "0\ngraded\n"),
        (User::Name("nobody".into()), "id -u; id -G", "65534\n65534\n"),
        (User::Id(1234, 4321), "id -u; id -g", "1234\n4321\n"),
    ] {
        let mut capture = Capture::default();
        sandbox.exec(place.shell(script).user(user), &mut capture).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&capture.stdout), expected);
    }
    let stranger = place.shell("true").user(User::Name("stranger".into()));
    let error = sandbox.exec(stranger, &mut Capture::default()).await.unwrap_err();
    assert!(matches!(error, SandboxError::Command { .. }), "{error:?}");
    sandbox.stop().await.unwrap();
}
