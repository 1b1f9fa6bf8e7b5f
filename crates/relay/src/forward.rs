//! Forwarding `127.0.0.1:8099` to the gateway's socket, byte for byte, each direction closed on its own.
//!
//! One thread serves all connections, so that a sandbox at its limit of processes still reaches its model.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;

use crate::protocol::{CONTROL_DIR, GATEWAY_SOCKET};
use crate::sys::{self, POLLIN, POLLOUT, PollFd};

/// Connections at once; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 256;

/// Bytes under way in one direction of one connection.
const BUFFER: usize = 64 << 10;

/// Starts the forwarder's thread.
pub(crate) fn spawn(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let gateway = PathBuf::from(CONTROL_DIR).join(GATEWAY_SOCKET);
    let forwarder = Forwarder { listener, gateway, connections: Vec::new() };
    thread::Builder::new().name("forward".into()).stack_size(128 << 10).spawn(|| forwarder.serve())?;
    Ok(())
}

struct Forwarder {
    listener: TcpListener,
    gateway: PathBuf,
    connections: Vec<Connection>,
}

impl Forwarder {
    fn serve(mut self) {
        let mut fds = Vec::new();
        loop {
            fds.clear();
            let accepting = self.connections.len() < MAX_CONNECTIONS;
            fds.push(PollFd::new(&self.listener, if accepting { POLLIN } else { 0 }));
            for connection in &self.connections {
                fds.extend(connection.poll_entries());
            }
            if sys::wait(&mut fds, -1).is_err() {
                return;
            }
            let mut ready = fds[1..].chunks_exact(2);
            self.connections.retain_mut(|connection| {
                let Some([inside, outside]) = ready.next() else { return true };
                if !inside.is_ready() && !outside.is_ready() {
                    return true;
                }
                connection.advance().is_ok_and(|open| open)
            });
            if fds[0].is_ready() {
                self.accept();
            }
        }
    }

    /// Accepts one connection; where the gateway does not listen, it is closed at once.
    fn accept(&mut self) {
        let Ok((inside, _)) = self.listener.accept() else { return };
        let connected = UnixStream::connect(&self.gateway).and_then(|outside| {
            inside.set_nonblocking(true)?;
            inside.set_nodelay(true)?;
            outside.set_nonblocking(true)?;
            Ok(Connection { inside, outside, out: Direction::default(), back: Direction::default() })
        });
        self.connections.extend(connected);
    }
}

struct Connection {
    inside: TcpStream,
    outside: UnixStream,
    out: Direction,
    back: Direction,
}

impl Connection {
    fn poll_entries(&self) -> [PollFd; 2] {
        [
            PollFd::new(&self.inside, self.out.wants_read() | self.back.wants_write()),
            PollFd::new(&self.outside, self.back.wants_read() | self.out.wants_write()),
        ]
    }

    /// Moves what can be moved; returns whether the connection is still of use.
    fn advance(&mut self) -> io::Result<bool> {
        let (inside, outside) = (&self.inside, &self.outside);
        self.out.advance(inside, outside, || outside.shutdown(Shutdown::Write))?;
        self.back.advance(outside, inside, || inside.shutdown(Shutdown::Write))?;
        Ok(!(self.out.closed && self.back.closed))
    }
}

/// One direction of a connection: what was read and not yet written.
#[derive(Default)]
struct Direction {
    pending: Vec<u8>,
    written: usize,
    ended: bool,
    closed: bool,
}

impl Direction {
    fn wants_read(&self) -> i16 {
        if !self.ended && self.pending.is_empty() { POLLIN } else { 0 }
    }

    fn wants_write(&self) -> i16 {
        if self.pending.is_empty() { 0 } else { POLLOUT }
    }

    fn advance(
        &mut self,
        mut from: impl Read,
        mut to: impl Write,
        close: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        if !self.ended && self.pending.is_empty() {
            self.pending.resize(BUFFER, 0);
            let read = unless_waiting(from.read(&mut self.pending));
            self.pending.truncate(if let Ok(Some(n)) = read { n } else { 0 });
            self.ended = read? == Some(0);
        }
        while self.written < self.pending.len() {
            match unless_waiting(to.write(&self.pending[self.written..]))? {
                Some(n) => self.written += n,
                None => return Ok(()),
            }
        }
        self.pending.clear();
        self.written = 0;
        if self.ended && !self.closed {
            self.closed = true;
            // The other side may have gone first.
            let _ = close();
        }
        Ok(())
    }
}

/// Returns `None` where the call would have to wait.
fn unless_waiting(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(n) => Ok(Some(n)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn forwarder() -> (std::net::SocketAddr, UnixListener, tempdir::Dir) {
        let dir = tempdir::Dir::new();
        let gateway = dir.path().join("g");
        let socket = UnixListener::bind(&gateway).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(|| Forwarder { listener, gateway, connections: Vec::new() }.serve());
        (address, socket, dir)
    }

    /// A directory that removes itself; the crate takes no dependency for it.
    mod tempdir {
        use std::path::{Path, PathBuf};
        use std::sync::atomic::{AtomicU32, Ordering};

        pub(super) struct Dir(PathBuf);

        impl Dir {
            pub(super) fn new() -> Self {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let path = std::env::temp_dir().join(format!("relay-{}-{number}", std::process::id()));
                std::fs::create_dir(&path).unwrap();
                Self(path)
            }

            pub(super) fn path(&self) -> &Path {
                &self.0
            }
        }

        impl Drop for Dir {
            fn drop(&mut self) {
                let _ = std::fs::remove_dir_all(&self.0);
            }
        }
    }

    #[test]
    fn a_large_body_and_its_answer_pass_unchanged_after_a_half_close() {
        let (address, socket, _dir) = forwarder();
        let server = thread::spawn(move || {
            let (mut stream, _) = socket.accept().unwrap();
            let mut body = Vec::new();
            stream.read_to_end(&mut body).unwrap();
            body.reverse();
            stream.write_all(&body).unwrap();
        });
        let body: Vec<u8> = (0..3_000_000u32).map(|i| (i % 253) as u8).collect();
        let mut client = TcpStream::connect(address).unwrap();
        let mut writer = client.try_clone().unwrap();
        let sent = body.clone();
        let upload = thread::spawn(move || {
            writer.write_all(&sent).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        upload.join().unwrap();
        server.join().unwrap();
        answer.reverse();
        assert_eq!(answer, body);
    }

    #[test]
    fn many_connections_are_served_side_by_side() {
        let (address, socket, _dir) = forwarder();
        thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                thread::spawn(move || {
                    let mut byte = [0];
                    while let Ok(1) = (&stream).read(&mut byte) {
                        (&stream).write_all(&byte).unwrap();
                    }
                });
            }
        });
        let mut clients: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
        for round in 0..3u8 {
            for client in &mut clients {
                client.write_all(&[round]).unwrap();
            }
            for client in &mut clients {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                assert_eq!(byte, [round]);
            }
        }
    }

    #[test]
    fn without_a_gateway_a_connection_is_closed_rather_than_left_hanging() {
        let (address, socket, dir) = forwarder();
        drop(socket);
        std::fs::remove_file(dir.path().join("g")).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        let mut answer = Vec::new();
        let read = client.read_to_end(&mut answer);
        assert!(read.is_err() || answer.is_empty());
    }
}
