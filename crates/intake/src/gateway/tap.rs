//! Payloads that a connector delivers by a topic of the log, instead of the vendor by HTTP.
//!
//! They take the same way as webhooks, in their order; how far a topic has been read is remembered in the directory, in
//! the same write as what its payloads became.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Map, Value};
use tierline_observe::IntakeMetrics;
use tierline_stream::client::{Client, From, Seen};
use tierline_stream::log::{Failure, Offset, Partition};

use super::insist::insist;
use super::{Clock, Queue};
use crate::directory::{Directory, Entry, EntryKind, Known, Shared};
use crate::{Arrived, Source};

/// Payloads that are worked off before the next are read.
const BATCH: usize = 256;
/// How long nothing must come before what has come is waited for.
const IDLE: Duration = Duration::from_millis(100);

/// A topic whose payloads are those of a source.
pub struct Tap<'t> {
    /// The topic.
    pub topic: &'t str,
    /// Whose payloads it carries.
    pub source: &'t dyn Source,
    /// Where they are worked off.
    pub queue: &'t Queue,
    /// Where it is remembered how far it has been read.
    pub directory: &'t Shared,
    /// What is told that the source was heard.
    pub metrics: &'t IntakeMetrics,
    /// The wall clock.
    pub now: Clock,
    /// Whether it is to stop.
    pub stop: &'t AtomicBool,
}

impl Tap<'_> {
    /// Reads what comes until it is told to stop.
    ///
    /// # Errors
    /// What the log says.
    pub fn follow(&self, client: &mut dyn Client) -> Result<(), Failure> {
        let partitions = client.partitions(self.topic)?.unwrap_or(0);
        let from = (0..partitions).filter_map(|partition| Some((partition, self.next(partition)?))).collect();
        let mut waiting = Vec::new();
        client.read(self.topic, From::Each(from), false, IDLE, &mut |seen| {
            match seen {
                Some(seen) => {
                    if let Some(arrived) = self.arrived(&seen) {
                        waiting.push(arrived);
                    }
                    if waiting.len() >= BATCH {
                        self.work_off(&mut waiting);
                    }
                }
                None => self.work_off(&mut waiting),
            }
            if self.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    /// Has all of these written. Only the last of a partition says how far that has been read, and only when all before
    /// it are durable: who is killed in between reads some of them again, and passes over none.
    fn work_off(&self, waiting: &mut Vec<Arrived>) {
        let mut lasts: Vec<Arrived> = Vec::new();
        let mut earlier = Vec::with_capacity(waiting.len());
        for arrived in waiting.drain(..) {
            let is_of = |last: &Arrived| place(last) == place(&arrived);
            match lasts.iter_mut().find(|last| is_of(last)) {
                None => lasts.push(arrived),
                Some(last) => {
                    let before = std::mem::replace(last, arrived);
                    earlier.push(Arrived { position: None, ..before });
                }
            }
        }
        self.write(earlier);
        self.write(lasts);
    }

    /// Waits until all of these are durable, however often they must be tried.
    fn write(&self, waiting: Vec<Arrived>) {
        if waiting.is_empty() {
            return;
        }
        let pause = |long| {
            std::thread::sleep(long);
            !self.stopped()
        };
        // Where it is told to stop, the rest is read again.
        if insist(self.queue, waiting, pause).is_some() {
            // No delivery says so: without this, a source that only a connector brings would seem silent from the start.
            self.metrics.heard(&self.source.basics().name, (self.now)());
        }
    }

    fn arrived(&self, seen: &Seen<'_>) -> Option<Arrived> {
        let kept = self.source.kept_headers();
        let mut headers = Vec::new();
        seen.headers.each(&mut |name, value| {
            let name = name.to_ascii_lowercase();
            if let (true, Some(value)) =
                (kept.contains(&name.as_str()), value.and_then(|it| std::str::from_utf8(it).ok()))
            {
                headers.push((name, value.to_owned()));
            }
        });
        Some(Arrived {
            source: self.source.basics().name.clone(),
            headers,
            // A tombstone says that a record is gone from the topic, not that anything happened.
            body: unframed(seen.value?).to_vec().into(),
            received_at: seen.appended_at,
            position: Some(self.position(seen.partition, seen.offset + 1)),
            asked: None,
        })
    }

    /// The first record of a partition that has not been read.
    fn next(&self, partition: Partition) -> Option<Offset> {
        let table = self.directory.table();
        let known = table.find(&self.source.basics().name, EntryKind::Position, &self.id(partition))?;
        known.more.as_ref()?.get("next")?.as_i64()
    }

    fn position(&self, partition: Partition, next: Offset) -> Entry {
        let more = Map::from_iter([("next".to_owned(), Value::from(next))]);
        Entry {
            source: self.source.basics().name.clone(),
            kind: EntryKind::Position,
            id: self.id(partition),
            known: Some(Known { more: Some(Box::new(more)), ..Known::default() }),
        }
    }

    fn id(&self, partition: Partition) -> String {
        format!("{}/{partition}", self.topic)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// JSON without the schema's id that a connector writes before it.
fn unframed(value: &[u8]) -> &[u8] {
    match value {
        [0, _, _, _, _, json @ ..] if json.first().is_some_and(|first| b"{[".contains(first)) => json,
        _ => value,
    }
}

/// The partition that it comes from, as its position is called.
fn place(arrived: &Arrived) -> Option<&str> {
    arrived.position.as_ref().map(|position| &*position.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schemas_id_before_json_is_left_out() {
        assert_eq!(unframed(b"\0\0\0\0\x07{\"a\":1}"), b"{\"a\":1}");
        assert_eq!(unframed(b"{\"a\":1}"), b"{\"a\":1}");
        assert_eq!(unframed(b"\0\0\0\0\x07\x02"), b"\0\0\0\0\x07\x02");
    }
}
