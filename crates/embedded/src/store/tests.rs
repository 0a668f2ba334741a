//! The store on a disk that fills up, and on one that loses its power.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use redb::{Database, StorageBackend};
use tierline_stream::log::{InputId, Log, OutputId, Source, Write};
use tierline_stream::topics::TopicSpec;

use super::*;
use crate::log::EmbeddedLog;

const OUT: OutputId = OutputId(0);
const STATE: OutputId = OutputId(1);
const EACH_COMMIT: i64 = 5;

#[test]
fn a_full_disk_is_said_and_nothing_is_confirmed_from_then_on() {
    let disk = Disk::default();
    let store = open(&disk).unwrap();
    let mut lane = lane(&store);
    commit(&mut lane, 1).unwrap();
    disk.suffers(Faults::Full);
    let why = commit(&mut lane, 2).unwrap_err().to_string();
    assert!(why.contains("the disk that holds the log is full") && why.contains("make room"), "{why}");

    disk.suffers(Faults::None);
    assert_eq!(commit(&mut lane, 2).unwrap_err().to_string(), why, "room alone does not make it go on");
    let poll = lane.poll(Source::Driver, Duration::ZERO, &mut |_| {}).unwrap_err();
    assert_eq!(poll.to_string(), why);
    assert_eq!(position(&store), 1, "nothing more is shown");

    drop((lane, store));
    assert_eq!(agreed(&open(&disk).unwrap()).unwrap(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_a_power_cut_what_was_confirmed_is_there_and_all_of_it_agrees(
        writes_left in 0usize..200, survives in prop::collection::vec(any::<bool>(), 64),
    ) {
        let disk = Disk::default();
        let store = open(&disk).unwrap();
        let mut lane = lane(&store);
        disk.suffers(Faults::PowerCut { writes_left });
        let confirmed = (1..1_000).take_while(|&number| commit(&mut lane, number).is_ok()).last().unwrap_or(0);
        drop((lane, store));
        let store = open(&disk.after_a_power_cut(&survives)).unwrap();
        let there = agreed(&store)?;
        // What was being written when the power went may be there as well.
        prop_assert!((confirmed..=confirmed + 1).contains(&there), "{} were confirmed, {} are there", confirmed, there);
        let mut lane = self::lane(&store);
        commit(&mut lane, there + 1).unwrap();
        prop_assert_eq!(agreed(&store)?, there + 1);
    }
}

#[test]
fn what_lies_in_one_row_is_read_from_its_middle_on() {
    let store = open(&Disk::default()).unwrap();
    let mut lane = lane(&store);
    (1..=3).for_each(|number| commit(&mut lane, number).unwrap());
    let all = 3 * EACH_COMMIT;
    for (from, upto) in (0..=all).flat_map(|from| (from..=all).map(move |upto| (from, upto))) {
        let wanted: Vec<_> = (from..upto).map(|n| (n, n.to_string())).collect();
        assert_eq!(read(&store, "escalations", from, upto), wanted, "{from} to {upto}");
    }
    let rows = redb::ReadableTableMetadata::len(&store.view().unwrap().records).unwrap();
    assert_eq!(rows, 3 + 1, "each commit's in one row, and the state of the one key");
}

#[test]
fn a_folder_that_had_a_row_for_each_record_goes_on() {
    let disk = Disk::default();
    drop(open(&disk).unwrap());
    let db = Database::builder().create_with_backend(disk.clone()).unwrap();
    let transaction = db.begin_write().unwrap();
    {
        let (mut records, mut ends) = (transaction.open_table(RECORDS).unwrap(), transaction.open_table(ENDS).unwrap());
        for n in 0..EACH_COMMIT {
            let mut frame = Vec::new();
            crate::frame::append(&mut frame, Some(b"acme"), Some(n.to_string().as_bytes()), &[]).unwrap();
            records.insert(&tables::place(1, 0, n), frame.as_slice()).unwrap();
        }
        ends.insert(&tables::shelf(1, 0), EACH_COMMIT).unwrap();
        transaction.open_table(FACTS).unwrap().insert("format", 1).unwrap();
    }
    transaction.commit().unwrap();
    drop(db);
    let store = open(&disk).unwrap();
    commit(&mut lane(&store), 2).unwrap();
    let wanted: Vec<_> = (0..2 * EACH_COMMIT).map(|n| (n, n.to_string())).collect();
    assert_eq!(read(&store, "escalations", 0, 2 * EACH_COMMIT), wanted);
}

fn open(disk: &Disk) -> Result<Arc<Store>, Failure> {
    let db = Database::builder().create_with_backend(disk.clone()).unwrap();
    let topic = |name: &str, cleanup| TopicSpec {
        name: name.to_owned(),
        co_partitioned: true,
        cleanup,
        append_time: false,
        written: true,
        read: true,
    };
    let by_time = Cleanup::Delete { retention_ms: -1 };
    let by_key = Cleanup::Compact { max_compaction_lag_ms: 0, delete_retention_ms: 0 };
    let settings = EmbeddedSettings {
        path: "the folder".into(),
        topics: vec![topic("tickets", by_time), topic("escalations", by_time), topic("detect-state", by_key)],
        partitions: 1,
        now: Arc::new(|| 0),
    };
    Store::on(db, None, settings).map(Arc::new)
}

fn lane(store: &Arc<Store>) -> EmbeddedLog {
    let (inputs, outputs) = (["tickets".to_owned()], ["escalations".to_owned(), "detect-state".to_owned()]);
    let mut lane = EmbeddedLog::open(Arc::clone(store), "detect", 0, 1, &inputs, &outputs).unwrap();
    lane.poll(Source::Driver, Duration::ZERO, &mut |_| {}).unwrap();
    lane.start(0, &[(InputId::DRIVER, None)]).unwrap();
    lane
}

/// Writes numbers in a row, how many there are now, and a position that says which commit it was.
fn commit(lane: &mut EmbeddedLog, number: i64) -> Result<(), Failure> {
    let mut write = |output, key: &str, value: i64| {
        let value = value.to_string();
        let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
        lane.write(Write { output, partition: 0, key, value, headers: &[] })
    };
    for n in (number - 1) * EACH_COMMIT..number * EACH_COMMIT {
        write(OUT, "acme", n)?;
    }
    write(STATE, "count", number * EACH_COMMIT)?;
    lane.commit(&[(0, number)]).map(drop)
}

fn position(store: &Store) -> i64 {
    store.committed("detect", store.topic("tickets").unwrap(), 0).unwrap_or(0)
}

/// How many commits are there, if outputs, changelog and position say the same.
fn agreed(store: &Store) -> Result<i64, TestCaseError> {
    let all = |topic: &str| -> Vec<String> {
        let end = store.part(store.topic(topic).unwrap(), 0).visible;
        read(store, topic, 0, end).into_iter().map(|(_, value)| value).collect()
    };
    let commits = position(store);
    let numbers: Vec<_> = (0..commits * EACH_COMMIT).map(|n| n.to_string()).collect();
    prop_assert_eq!(all("escalations"), numbers);
    let count: Vec<_> = (commits > 0).then(|| (commits * EACH_COMMIT).to_string()).into_iter().collect();
    prop_assert_eq!(all("detect-state"), count);
    Ok(commits)
}

/// The records of a partition in `[from, upto)`: their offsets and values.
fn read(store: &Store, topic: &str, from: Offset, upto: Offset) -> Vec<(Offset, String)> {
    let topic = store.topic_at(store.topic(topic).unwrap());
    let mut found = Vec::new();
    let mut each = |offset, frame: Frame<'_>| {
        found.push((offset, String::from_utf8(frame.value.unwrap().to_vec()).unwrap()));
        ControlFlow::Continue(())
    };
    store.view().unwrap().read(topic, 0, from, upto, &mut each).unwrap();
    found
}

/// A disk in memory. What is not synced is on its way to it only.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    /// What a reader sees.
    bytes: Vec<u8>,
    /// What is safe.
    synced: Vec<u8>,
    /// What came since: where, and what; a length alone is an empty write at its end.
    unsynced: Vec<(usize, Vec<u8>)>,
    faults: Faults,
}

#[derive(Debug, Default)]
enum Faults {
    #[default]
    None,
    /// There is no room.
    Full,
    /// The power goes after so many writes.
    PowerCut { writes_left: usize },
}

impl Disk {
    fn platter(&self) -> std::sync::MutexGuard<'_, Platter> {
        self.0.lock().unwrap()
    }

    fn suffers(&self, faults: Faults) {
        self.platter().faults = faults;
    }

    /// A disk with what was synced, and of the rest what happened to get there, in pieces of a page.
    fn after_a_power_cut(&self, survives: &[bool]) -> Disk {
        const PAGE: usize = 4096;
        let platter = self.platter();
        let mut bytes = platter.synced.clone();
        let mut survives = survives.iter().cycle();
        for (at, written) in &platter.unsynced {
            if bytes.len() < at + written.len() {
                bytes.resize(at + written.len(), 0);
            }
            for (n, piece) in written.chunks(PAGE).enumerate() {
                if *survives.next().expect("a cycle") {
                    let at = at + n * PAGE;
                    bytes[at..at + piece.len()].copy_from_slice(piece);
                }
            }
        }
        let platter = Platter { synced: bytes.clone(), bytes, ..Platter::default() };
        Disk(Arc::new(Mutex::new(platter)))
    }
}

impl Platter {
    fn change(&mut self) -> io::Result<()> {
        match &mut self.faults {
            Faults::None => Ok(()),
            Faults::Full => Err(io::ErrorKind::StorageFull.into()),
            Faults::PowerCut { writes_left } => {
                *writes_left = writes_left.checked_sub(1).ok_or_else(|| io::Error::other("no power"))?;
                Ok(())
            }
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platter().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = offset as usize;
        out.copy_from_slice(&self.platter().bytes[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut platter = self.platter();
        platter.change()?;
        platter.bytes.resize(len as usize, 0);
        platter.unsynced.push((len as usize, Vec::new()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.platter();
        platter.change()?;
        platter.synced = platter.bytes.clone();
        platter.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut platter = self.platter();
        platter.change()?;
        let offset = offset as usize;
        platter.bytes[offset..offset + data.len()].copy_from_slice(data);
        platter.unsynced.push((offset, data.to_vec()));
        Ok(())
    }
}
