//! Signals while a process starts: it waits for brokers, a registry or a folder in calls that nothing interrupts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::ended::Untried;
use crate::signals::Signals;

/// Hears signals from the moment it is made: by itself the system ends no process that is a container's first.
pub struct Starting {
    /// For when the start is over. It hears what comes before, too.
    signals: Signals,
    told: Arc<AtomicBool>,
    watch: JoinHandle<()>,
}

/// How long a start that is told to end has to come to where it ends in order. Whatever waits longer has begun nothing.
const PATIENCE: Duration = Duration::from_secs(2);

impl Starting {
    /// Begins to listen. Within a tokio runtime only.
    pub fn begin() -> Result<Starting, Untried> {
        let (signals, mut first) = (Signals::listen()?, Signals::listen()?);
        let told = Arc::new(AtomicBool::new(false));
        let is_told = Arc::clone(&told);
        let watch = tokio::spawn(async move {
            let signal = first.next().await.name();
            tracing::info!(signal, "ending before the start is complete");
            is_told.store(true, Ordering::Relaxed);
            tokio::select! {
                () = tokio::time::sleep(PATIENCE) => {}
                _ = first.next() => {}
            }
            std::process::exit(0);
        });
        Ok(Starting { signals, told, watch })
    }

    /// From now on the caller hears signals. None: one has come already, and there is nothing to run.
    pub fn over(&mut self) -> Option<&mut Signals> {
        // Its end is bounded as the rest of the start is.
        if self.told.load(Ordering::Relaxed) {
            return None;
        }
        // One that it has not told yet is heard by the caller.
        self.watch.abort();
        (!self.told.load(Ordering::Relaxed)).then_some(&mut self.signals)
    }
}
