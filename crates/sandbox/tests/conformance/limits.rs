//! Checks that limits bite, and only where they should.

use std::time::Duration;

use retrial_sandbox::{BackendKind, Outcome, SandboxError, TreeBuilder, TreeCaps, User};

use crate::Place;

pub(crate) async fn nothing_outside_is_reachable(place: &Place) {
    let sandbox = place.sandbox().await;
    let interfaces = place.ok(&*sandbox, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '").await;
    // Some kernels put a tunnel into every network namespace; none of them is up.
    let up = "import socket,fcntl,struct\nfor _,n in socket.if_nameindex():\n s=socket.socket()\n \
              f=struct.unpack('16xH14x',fcntl.ioctl(s,0x8913,struct.pack('16sH14x',n.encode(),0)))[0]\n \
              print(n) if f&1 else None";
    assert_eq!(place.ok(&*sandbox, &format!("python3 -c \"{up}\"")).await, "lo\n", "{interfaces}");
    let connect = |address: &str| {
        format!("python3 -c \"import socket; socket.create_connection(('{address}', 80), 5)\"")
    };
    for address in ["1.1.1.1", "172.17.0.1", "169.254.169.254"] {
        let (result, capture) = place.sh(&*sandbox, &connect(address)).await;
        let said = String::from_utf8_lossy(&capture.stderr).into_owned();
        assert!(!result.is_success() && said.contains("unreachable"), "{address}: {said}");
    }
    let (lookup, _) = place.sh(&*sandbox, "getent hosts example.com").await;
    assert!(!lookup.is_success());
    sandbox.stop().await.unwrap();
}

pub(crate) async fn the_memory_limit_bites_and_is_reported(place: &Place) {
    let mut request = place.request();
    request.limits.memory_mb = 96;
    let sandbox = place.start(&request).await;
    let hog = "exec python3 -c \"x=[]\nwhile True: x.append(b'x'*1000000)\"";
    let (result, capture) = place.sh(&*sandbox, hog).await;
    let told = String::from_utf8_lossy(&capture.stderr).contains("MemoryError");
    assert!(result.outcome == Outcome::OutOfMemory || told, "{result:?}");
    if result.outcome == Outcome::OutOfMemory {
        assert!(result.oom_kills >= 1);
    }
    // The sandbox lives on, and an ordinary SIGKILL is not mistaken for lack of memory.
    assert_eq!(place.sh(&*sandbox, "kill -9 $$").await.0.outcome, Outcome::Signaled(9));
    sandbox.stop().await.unwrap();
}

pub(crate) async fn a_fork_bomb_is_stopped_and_disturbs_nobody_else(place: &Place) {
    let mut request = place.request();
    request.limits.pids = 64;
    request.limits.memory_mb = 512;
    let bombed = place.start(&request).await;
    let bystander = place.sandbox().await;
    let bomb = place.shell("bomb() { bomb | bomb & }; bomb; sleep 1000").time_limit(Duration::from_secs(2));
    let mut discard = retrial_sandbox::Discard;
    let (result, ()) = tokio::join!(bombed.exec(bomb, &mut discard), async {
        for _ in 0..20 {
            assert_eq!(place.ok(&*bystander, "echo fine | cat").await, "fine\n");
        }
    });
    // The shell may give up by itself when it cannot fork; either way nothing may be left of the bomb.
    result.unwrap();
    bombed.kill_all().await.unwrap();
    assert_eq!(place.processes(&*bombed).await, Vec::<String>::new());
    let fork = "python3 -c \"import os,time\nn=0\ntry:\n for _ in range(1000):\n  if os.fork()==0: time.sleep(60); os._exit(0)\n  n+=1\nexcept OSError: print(n)\"";
    let born: u32 = place.ok(&*bombed, fork).await.trim().parse().unwrap();
    assert!((32..=66).contains(&born), "{born}");
    bombed.stop().await.unwrap();
    bystander.stop().await.unwrap();
}

pub(crate) async fn a_full_disk_is_an_error_inside(place: &Place) {
    let mut request = place.request();
    request.limits.disk_mb = 8;
    let sandbox = place.start(&request).await;
    // Docker bounds each file, namespaces each directory.
    let (result, _) = place.sh(&*sandbox, "head -c 20000000 /dev/zero > /app/big").await;
    assert!(!result.is_success(), "{result:?}");
    if place.is(BackendKind::Namespace) {
        let mut tree = TreeBuilder::new(TreeCaps::default());
        tree.file("more", 0o644, &vec![1; 9 << 20]).unwrap();
        let error = sandbox.copy_in(&tree.finish(), "/app", User::Agent).await.unwrap_err();
        assert!(matches!(error, SandboxError::Tree { .. }) && !error.is_infrastructure(), "{error:?}");
    }
    place.ok(&*sandbox, "rm -f /app/big").await;
    sandbox.stop().await.unwrap();
}
