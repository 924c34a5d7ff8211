//! A thread of its own for the writer and its connection to the store.
//!
//! A commit is a few hundred short waits. Among the tasks that read requests each of them would wait for its turn behind every connection that has something to read: with a
//! thousand of them what was accepted waited 13 s for its answer, on a thread of its own 2 s (`bench overload`). The system's scheduler shares cores by thread, so beside them it doesn't.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Runs tasks on one thread; what is left of them when it is dropped is broken off.
pub struct Aside(Option<Runtime>);

impl Aside {
    /// Starts the thread.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a task there.
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn(task),
            None => unreachable!("taken by drop alone"),
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Waiting for it isn't allowed where tasks run, and there is nothing to wait for.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
