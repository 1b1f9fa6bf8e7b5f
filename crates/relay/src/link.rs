//! The relay's end of the control connection.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::protocol::{Command, FrameBuffer, Report};

/// The connection to the host. Sending waits until the host takes it; the host always reads.
pub(crate) struct Link {
    stream: UnixStream,
    buffer: FrameBuffer,
    chunk: Vec<u8>,
}

impl Link {
    pub(crate) fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        Ok(Self { stream, buffer: FrameBuffer::default(), chunk: vec![0; 256 << 10] })
    }

    pub(crate) fn send(&mut self, report: &Report) -> io::Result<()> {
        self.stream.write_all(&report.encode())
    }

    /// Reads once; call it when the connection is readable. The end of the connection is an error, for without the
    /// host there is nothing left to do.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        let n = self.stream.read(&mut self.chunk)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.push(&self.chunk[..n]);
        Ok(())
    }

    /// Returns the next command that has arrived whole.
    pub(crate) fn next(&mut self) -> io::Result<Option<Command>> {
        let malformed = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        match self.buffer.next_frame().map_err(malformed)? {
            Some(frame) => Command::decode(frame).map(Some).map_err(malformed),
            None => Ok(None),
        }
    }
}

impl AsRawFd for Link {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

/// Reads from a descriptor that does not wait; `None` when there is nothing at the moment.
pub(crate) fn read_ready(file: &mut File, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match file.read(buffer) {
            Ok(n) => return Ok(Some(n)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
