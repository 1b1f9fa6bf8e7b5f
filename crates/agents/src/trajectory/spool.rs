//! The steps of one conversation, written down as they come: in memory while they are few, in a temporary file afterwards.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write};

use tempfile::SpooledTempFile;

use super::atif::Step;

/// Bytes of steps that are held in memory.
const IN_MEMORY: usize = 256 << 10;

/// Steps in order, as JSON with commas between them.
pub(super) struct Spool {
    file: SpooledTempFile,
    steps: u64,
}

impl Spool {
    pub(super) fn new() -> Self {
        Self { file: tempfile::spooled_tempfile(IN_MEMORY), steps: 0 }
    }

    /// Returns how many steps there are.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Gives a step its number and writes it.
    pub(super) fn write(&mut self, mut step: Step) -> io::Result<()> {
        self.steps += 1;
        step.number = self.steps;
        if self.steps > 1 {
            self.file.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut self.file, &step)?;
        Ok(())
    }

    /// Copies the steps out.
    pub(super) fn copy_to(mut self, out: &mut impl Write) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = self.file.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            out.write_all(&buffer[..read])?;
        }
    }
}
