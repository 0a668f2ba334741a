//! The directory of a process: read whole from its topics, followed from then on, written beside it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use tierline_stream::client::{Client, From, Outgoing, Seen};
use tierline_stream::log::{Failure, Offset, Partition};
use tierline_stream::topics::Names;

use super::pending::{News, Pending};
use super::{Directory, Entry, EntryKind, Table, Unsettled};
use crate::identity::{Aliases, Fact, Identity};
use crate::{Outbox, content_id};

/// The directory of a process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Shared(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: RwLock<Table>,
    /// Which topics have been read to the end that they had.
    read: [AtomicBool; 2],
    follows: AtomicBool,
    /// Marks what this process writes: it knows that already, and newer things perhaps.
    by: String,
    pending: Pending,
    /// What others have left, and since when the first of it waits.
    unsettled: Mutex<Option<(Instant, Unsettled)>>,
}

/// What is read whole and followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// What sources remember.
    Directory,
    /// Who is who.
    Aliases,
}

/// How far a topic has been read, by partition.
pub type Reached = Vec<(Partition, Offset)>;

/// Who wrote an entry.
const BY: &str = "tierline.by";
/// What its writer knew before, of an organisation: a hash of that.
const UPON: &str = "tierline.upon";

impl Shared {
    /// An empty one of a process that calls itself so, and of those who are who so by configuration.
    pub fn new(by: impl Into<String>, aliases: Aliases) -> Shared {
        Shared(Arc::new(Inner { by: by.into(), table: RwLock::new(Table::new(aliases)), ..Inner::default() }))
    }

    /// Whether the topics have been read to the end that they had.
    pub fn is_ready(&self) -> bool {
        self.0.read.iter().all(|read| read.load(Ordering::Acquire))
    }

    /// What is known now.
    pub fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.0.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an entry. What was known of the same thing before, as an entry.
    pub fn put(&self, entry: Entry) -> Entry {
        let (source, kind, id) = (entry.source.clone(), entry.kind, entry.id.clone());
        let mut table = self.write();
        let known = table.find(&source, kind, &id).cloned();
        table.put(entry);
        Entry { source, kind, id, known }
    }

    /// Takes an entry and puts it into an outbox, for `topic`. What was known of the same thing before, as an entry.
    ///
    /// Where a log can't write all topics in one step, most entries go first: a ticket is on the log only once it is
    /// remembered where it lies. Those go last that say that something was told, or that a ticket lies elsewhere: who is
    /// killed in between tells it again, and keeps nothing back.
    pub fn remember(&self, entry: Entry, topic: &str, outbox: &mut Outbox) -> Entry {
        let record = self.outgoing(&entry);
        let moves = |entry: &Entry| entry.known.as_ref().map_or(0, |known| known.moves);
        let (kind, to, before) = (entry.kind, moves(&entry), self.put(entry));
        match kind {
            EntryKind::Position | EntryKind::Organisation | EntryKind::Item => outbox.conclude(topic, record),
            EntryKind::Ticket if to > moves(&before) => outbox.conclude(topic, record),
            _ => outbox.push_keyed(topic, record),
        }
        before
    }

    /// Takes a fact. What was told before, and whose account is another now.
    pub fn put_fact(&self, fact: Fact) -> (Fact, Vec<Identity>) {
        self.write().aliases.put(fact)
    }

    /// Takes back what was not written: `before` is what was known.
    pub fn restore(&self, before: Entry) {
        if is_shared(&before) {
            self.0.pending.took_back(&before.key());
        }
        self.put(before);
    }

    /// The same of a fact.
    pub fn restore_fact(&self, before: Fact) {
        self.0.pending.took_back(&before.key());
        self.put_fact(before);
    }

    /// An entry as a record of its topic, which is about to be written.
    pub fn outgoing(&self, entry: &Entry) -> Outgoing {
        let mut record = self.record(entry.key(), entry.value(), is_shared(entry));
        if entry.kind == EntryKind::Organisation {
            let known = self.table().find(&entry.source, entry.kind, &entry.id).cloned();
            let upon = hash(&Entry { known, ..entry.clone() });
            record.headers.push((UPON.to_owned(), upon.into_bytes()));
        }
        record
    }

    /// A fact as a record of its topic, which is about to be written.
    pub fn outgoing_fact(&self, fact: &Fact) -> Outgoing {
        self.record(fact.key(), fact.value(), true)
    }

    fn record(&self, key: String, value: Option<Vec<u8>>, is_shared: bool) -> Outgoing {
        if is_shared && self.0.follows.load(Ordering::Relaxed) {
            self.0.pending.wrote(key.clone());
        }
        let headers = vec![(BY.to_owned(), self.0.by.clone().into_bytes())];
        Outgoing { partition: None, key: Some(key.into_bytes()), value, headers }
    }

    /// Reads the topics to the ends that they have now.
    ///
    /// # Errors
    /// What the log says.
    pub fn load(&self, client: &mut dyn Client, names: &Names) -> Result<(), Failure> {
        Topic::ALL.iter().try_for_each(|topic| self.load_topic(client, names, *topic).map(drop))
    }

    /// Reads one of the topics to the end that it has now. How far.
    ///
    /// # Errors
    /// What the log says.
    pub fn load_topic(&self, client: &mut dyn Client, names: &Names, topic: Topic) -> Result<Reached, Failure> {
        let mut reached = Reached::default();
        client.read(topic.name(names), From::Start, true, PATIENCE, &mut |seen| {
            if let Some(seen) = seen {
                note(&mut reached, &seen);
                // Who lies elsewhere is looked up when all is read; who was written of twice at once is seen here only.
                let left = self.take(topic, &seen);
                self.leave_unsettled(Unsettled { of: BTreeSet::new(), ..left });
            }
            ControlFlow::Continue(())
        })?;
        self.0.read[topic as usize].store(true, Ordering::Release);
        Ok(reached)
    }

    /// Whether one of the topics has been read to the end that it had.
    pub fn has_read(&self, topic: Topic) -> bool {
        self.0.read[topic as usize].load(Ordering::Acquire)
    }

    /// Takes what others write to one of the topics from now on, until it is told to stop. `reached`: what has been read.
    ///
    /// # Errors
    /// What the log says.
    pub fn follow(
        &self,
        client: &mut dyn Client,
        names: &Names,
        topic: Topic,
        reached: &mut Reached,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        self.0.follows.store(true, Ordering::Relaxed);
        client.read(topic.name(names), From::Start, false, PATIENCE, &mut |seen| {
            if let Some(seen) = seen
                && note(reached, &seen)
            {
                let left = match self.news(topic, &seen) {
                    News::Known => Unsettled::default(),
                    News::New => self.take(topic, &seen),
                    News::Overtaken => self.overtaken(topic, &seen),
                };
                self.leave_unsettled(left);
            }
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    /// Whose account others changed so long ago that they should have moved what lies elsewhere; whoever is named here
    /// is named once.
    pub fn unsettled(&self, since: Duration) -> Unsettled {
        let mut unsettled = self.0.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        unsettled.take_if(|(first, _)| first.elapsed() >= since).map(|(_, all)| all).unwrap_or_default()
    }

    /// Whether nothing waits that others have left.
    pub fn is_settled(&self) -> bool {
        self.0.unsettled.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn leave_unsettled(&self, left: Unsettled) {
        if !left.is_empty() {
            let mut unsettled = self.0.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
            unsettled.get_or_insert_with(|| (Instant::now(), Unsettled::default())).1.extend(left);
        }
    }

    /// Takes a record of another process. What it may have left.
    fn take(&self, topic: Topic, seen: &Seen<'_>) -> Unsettled {
        let mut left = Unsettled::default();
        let taken = seen.key.and_then(|key| match topic {
            Topic::Directory => Entry::read(key, seen.value).map(|entry| {
                let now = entry.known.clone();
                let before = self.put(entry);
                left.note(&before, now.as_ref());
                if !is_upon(&before, seen) {
                    left.part(before, now.as_ref());
                }
            }),
            Topic::Aliases => Fact::read(key, seen.value).map(|fact| left.of.extend(self.put_fact(fact).1)),
        });
        if taken.is_none() {
            let (topic, partition, offset) = (seen.topic, seen.partition, seen.offset);
            tracing::warn!(topic, partition, offset, "a record of what is to be remembered is none of ours");
        }
        left
    }

    /// A record of another process that one of this process, written without knowing of it, stands behind. What that one
    /// has left: the other may be gone before it looks.
    fn overtaken(&self, topic: Topic, seen: &Seen<'_>) -> Unsettled {
        let mut left = Unsettled::default();
        if topic == Topic::Directory
            && let Some(theirs) = seen.key.and_then(|key| Entry::read(key, seen.value))
        {
            let ours = self.table().find(&theirs.source, theirs.kind, &theirs.id).cloned();
            left.note(&theirs, ours.as_ref());
            left.part(theirs, ours.as_ref());
        }
        left
    }

    fn news(&self, topic: Topic, seen: &Seen<'_>) -> News {
        let mut ours = false;
        seen.headers.each(&mut |name, value| ours |= name == BY && value == Some(self.0.by.as_bytes()));
        let Some(key) = seen.key.and_then(|key| std::str::from_utf8(key).ok()) else { return News::New };
        let is_shared =
            topic == Topic::Aliases || Entry::read(key.as_bytes(), None).is_some_and(|entry| is_shared(&entry));
        match (is_shared, ours) {
            (true, _) => self.0.pending.news(key, ours),
            (false, true) => News::Known,
            (false, false) => News::New,
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topic {
    /// Both.
    pub const ALL: [Topic; 2] = [Topic::Directory, Topic::Aliases];

    /// What it is called.
    pub fn name(self, names: &Names) -> &str {
        match self {
            Topic::Directory => &names.directory,
            Topic::Aliases => &names.aliases,
        }
    }
}

/// How soon it is seen that there is nothing more, and that it is to stop.
const PATIENCE: Duration = Duration::from_millis(200);

/// Whether several processes write it, each for its own reasons: then all must end with the same.
fn is_shared(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Ticket | EntryKind::Organisation)
}

/// Whether the writer of a record knew this before; older versions did not say.
fn is_upon(before: &Entry, seen: &Seen<'_>) -> bool {
    if before.kind != EntryKind::Organisation || before.known.is_none() {
        return true;
    }
    let (mut said, before) = (None, hash(before));
    seen.headers.each(&mut |name, value| {
        if name == UPON {
            said = Some(value == Some(before.as_bytes()));
        }
    });
    said.unwrap_or(true)
}

/// Of what is known; of nothing too.
fn hash(entry: &Entry) -> String {
    content_id(&entry.value().unwrap_or_default())
}

/// Whether a record is past what has been read; it counts as read then.
fn note(reached: &mut Reached, seen: &Seen<'_>) -> bool {
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
