//! The directory of a process: read whole from its topic, followed from then on, written beside it.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tierline_stream::client::{Client, From, Outgoing, Seen};
use tierline_stream::log::{Failure, Offset, Partition};

use super::{Directory, Entry, Table};

/// The directory of a process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Shared(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: RwLock<Table>,
    ready: AtomicBool,
    /// Marks what this process writes: it knows that already, and newer things perhaps.
    by: String,
}

/// Who wrote an entry.
const BY: &str = "tierline.by";

impl Shared {
    /// An empty one of a process that calls itself so.
    pub fn new(by: impl Into<String>) -> Shared {
        Shared(Arc::new(Inner { by: by.into(), ..Inner::default() }))
    }

    /// Whether the topic has been read to the end that it had.
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Acquire)
    }

    /// What is known now.
    pub fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an entry. What was known of the same thing before, as an entry.
    pub fn put(&self, entry: Entry) -> Entry {
        let (source, kind, id) = (entry.source.clone(), entry.kind, entry.id.clone());
        let mut table = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        let known = table.find(&source, kind, &id).cloned();
        table.put(entry);
        Entry { source, kind, id, known }
    }

    /// An entry as a record of the topic.
    pub fn outgoing(&self, entry: &Entry) -> Outgoing {
        Outgoing {
            partition: None,
            key: Some(entry.key().into_bytes()),
            value: entry.value(),
            headers: vec![(BY.to_owned(), self.0.by.clone().into_bytes())],
        }
    }

    /// Reads the topic to the end that it has now. How far, by partition.
    ///
    /// # Errors
    /// What the log says.
    pub fn load(&self, client: &mut dyn Client, topic: &str) -> Result<Vec<(Partition, Offset)>, Failure> {
        let mut reached: Vec<(Partition, Offset)> = Vec::new();
        client.read(topic, From::Start, true, PATIENCE, &mut |seen| {
            if let Some(seen) = seen {
                note(&mut reached, &seen);
                self.take(&seen);
            }
            ControlFlow::Continue(())
        })?;
        self.0.ready.store(true, Ordering::Release);
        Ok(reached)
    }

    /// Takes what others write from now on, until it is told to stop. `reached`: what has been read.
    ///
    /// # Errors
    /// What the log says.
    pub fn follow(
        &self,
        client: &mut dyn Client,
        topic: &str,
        reached: &mut Vec<(Partition, Offset)>,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        client.read(topic, From::Start, false, PATIENCE, &mut |seen| {
            if let Some(seen) = seen
                && note(reached, &seen)
                && !self.is_ours(&seen)
            {
                self.take(&seen);
            }
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    fn take(&self, seen: &Seen<'_>) {
        match seen.key.and_then(|key| Entry::read(key, seen.value)) {
            Some(entry) => {
                self.put(entry);
            }
            None => tracing::warn!(
                topic = seen.topic,
                partition = seen.partition,
                offset = seen.offset,
                "a record of the directory is none of ours"
            ),
        }
    }

    fn is_ours(&self, seen: &Seen<'_>) -> bool {
        let mut ours = false;
        seen.headers.each(&mut |name, value| ours |= name == BY && value == Some(self.0.by.as_bytes()));
        ours
    }
}

/// How soon it is seen that there is nothing more, and that it is to stop.
const PATIENCE: Duration = Duration::from_millis(200);

/// Whether a record is past what has been read; it counts as read then.
fn note(reached: &mut Vec<(Partition, Offset)>, seen: &Seen<'_>) -> bool {
    match reached.iter_mut().find(|(partition, _)| *partition == seen.partition) {
        Some((_, offset)) if seen.offset <= *offset => false,
        Some((_, offset)) => {
            *offset = seen.offset;
            true
        }
        None => {
            reached.push((seen.partition, seen.offset));
            true
        }
    }
}
