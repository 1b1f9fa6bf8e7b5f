//! The threads on which recorders work, so that no connection waits for one.

use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use super::recorder::{Message, Recorder};
use crate::ledger::Ledger;

/// The threads on which the recorders of a run work: as many as there are cores, and none before the first trial. Cheap to clone.
///
/// Parsing and compressing a long body takes milliseconds. On the threads that serve connections, other requests would wait for that; a
/// thread of each recorder's own would have to be woken for every exchange, however much there is to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording(Arc<OnceCell<Threads>>);

impl Recording {
    /// Starts a recorder.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub(super) async fn start(
        &self,
        recorder: Recorder,
        messages: UnboundedReceiver<Message>,
    ) -> io::Result<Recorded> {
        let threads = self.0.get_or_try_init(|| async { Threads::start() }).await?;
        Ok(Recorded { task: threads.handle.spawn(recorder.run(messages)), _threads: self.clone() })
    }
}

/// A recorder at work.
#[derive(Debug)]
pub(super) struct Recorded {
    task: JoinHandle<io::Result<Ledger>>,
    /// The gateway may go before its trials do.
    _threads: Recording,
}

impl Recorded {
    /// Waits until everybody who could tell it something is gone; returns the ledger.
    ///
    /// # Errors
    /// Why the log is not whole.
    pub(super) async fn end(self) -> io::Result<Ledger> {
        self.task.await.map_err(io::Error::other)?
    }
}

/// A runtime that may be dropped within another. Recorders that nobody waits for any more end with it.
#[derive(Debug)]
struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Threads {
    fn start() -> io::Result<Self> {
        let threads = available_parallelism().map_or(1, usize::from);
        let runtime = Builder::new_multi_thread().worker_threads(threads).thread_name("recorder").build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
