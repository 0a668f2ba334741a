//! A log in memory with one partition: its inputs are made as they are read, and of what is written only the changelog
//! is kept, one run of bytes.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use tierline_model::Millis;
use tierline_stream::log::{
    Committed, Ends, Failure, InputId, Log, NoHeaders, Offset, OutputId, Ownership, Partition, Record, Source, Write,
};
use tierline_stream::topics::{Names, detect_inputs, output};

use crate::traffic::{START, Traffic};

/// The second of the stage's inputs.
const ACCOUNTS: InputId = InputId(1);
const A_POLL: usize = 2_048;

/// What a partition of the changelog holds.
#[derive(Default)]
pub struct Changelog {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    next: Offset,
    read: u64,
}

struct Entry {
    offset: Offset,
    key: Range<usize>,
    value: Option<Range<usize>>,
}

impl Changelog {
    fn append(&mut self, key: &[u8], value: Option<&[u8]>) {
        let key = self.lay_down(key);
        let value = value.map(|value| self.lay_down(value));
        self.entries.push(Entry { offset: self.next, key, value });
        self.next += 1;
    }

    fn lay_down(&mut self, bytes: &[u8]) -> Range<usize> {
        let from = self.bytes.len();
        self.bytes.extend(bytes);
        from..self.bytes.len()
    }

    /// Keeps the last entry of each key, as a broker does in time; what was a tombstone is gone.
    pub fn compact(&mut self) {
        let mut last: HashMap<&[u8], Offset> = HashMap::new();
        for entry in &self.entries {
            last.insert(&self.bytes[entry.key.clone()], entry.offset);
        }
        let mut kept = Changelog { next: self.next, ..Changelog::default() };
        for entry in &self.entries {
            let key = &self.bytes[entry.key.clone()];
            if let Some(value) = entry.value.clone().filter(|_| last[key] == entry.offset) {
                let (key, value) = (kept.lay_down(key), Some(kept.lay_down(&self.bytes[value])));
                kept.entries.push(Entry { offset: entry.offset, key, value });
            }
        }
        *self = kept;
    }

    /// How many bytes of keys and values the last replay read.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }
}

/// A lane's end of it.
pub struct MemoryLog<'l> {
    changelog: &'l mut Changelog,
    traffic: &'l Traffic,
    /// By input: the next offset to hand over.
    next: Vec<Offset>,
    assigned: bool,
    ends: Option<Ends>,
    value: Vec<u8>,
}

impl<'l> MemoryLog<'l> {
    pub fn new(changelog: &'l mut Changelog, traffic: &'l Traffic) -> MemoryLog<'l> {
        let next = vec![0; detect_inputs(&Names::default()).len()];
        MemoryLog { changelog, traffic, next, assigned: false, ends: None, value: Vec::new() }
    }

    fn inputs(&self) -> impl Iterator<Item = InputId> + use<> {
        (0..self.next.len() as u16).map(InputId)
    }

    fn end(&self, input: InputId) -> Offset {
        let records = match input {
            InputId::DRIVER => self.traffic.events(),
            ACCOUNTS => self.traffic.accounts(),
            _ => 0,
        };
        records as Offset
    }
}

impl Log for MemoryLog<'_> {
    fn poll(
        &mut self,
        from: Source,
        _: Duration,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Ownership>, Failure> {
        if !std::mem::replace(&mut self.assigned, true) {
            return Ok(Some(Ownership::Assigned(vec![0])));
        }
        let input = if from == Source::Driver { InputId::DRIVER } else { ACCOUNTS };
        for _ in 0..A_POLL {
            let offset = self.next[usize::from(input.0)];
            if offset >= self.end(input) {
                break;
            }
            self.value.clear();
            let key = match input {
                InputId::DRIVER => self.traffic.event(offset as usize, &mut self.value),
                _ => self.traffic.account(offset as usize, &mut self.value),
            };
            self.next[usize::from(input.0)] += 1;
            each(Record {
                input,
                partition: 0,
                offset,
                appended_at: START,
                key: Some(key.as_bytes()),
                value: Some(&self.value),
                headers: &NoHeaders,
            });
        }
        Ok(None)
    }

    fn position(&mut self, input: InputId, _: Partition) -> Option<Offset> {
        Some(self.next[usize::from(input.0)])
    }

    fn range(&mut self, input: InputId, _: Partition) -> Result<(Offset, Offset), Failure> {
        Ok((0, self.end(input)))
    }

    fn start(&mut self, _: Partition, positions: &[(InputId, Option<Offset>)]) -> Result<(), Failure> {
        for &(input, position) in positions {
            self.next[usize::from(input.0)] = position.unwrap_or(0);
        }
        Ok(())
    }

    fn pause(&mut self, _: InputId, _: Partition) -> Result<(), Failure> {
        Ok(())
    }

    fn resume(&mut self, input: InputId, _: Partition, from: Offset) -> Result<(), Failure> {
        self.next[usize::from(input.0)] = from;
        Ok(())
    }

    fn release(&mut self, _: &[Partition]) -> Result<(), Failure> {
        Ok(())
    }

    fn ask_ends(&mut self, now: Millis) {
        let ends = self.inputs().map(|input| (input, 0, self.end(input)));
        self.ends = Some(Ends { asked_at: now, offsets: ends.collect() });
    }

    fn ends(&mut self) -> Option<Ends> {
        self.ends.take()
    }

    fn write(&mut self, write: Write<'_>) -> Result<(), Failure> {
        if let (output::CHANGELOG, Some(key)) = (write.output, write.key) {
            self.changelog.append(key, write.value);
        }
        Ok(())
    }

    fn commit(&mut self, _: &[(Partition, Offset)]) -> Result<Committed, Failure> {
        Ok(Committed::Yes)
    }

    fn abort(&mut self) -> Result<(), Failure> {
        Err(Failure::Fatal("nothing is aborted here".to_owned()))
    }

    fn replay(
        &mut self,
        _: OutputId,
        _: Partition,
        from: Option<Offset>,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Offset>, Failure> {
        let Changelog { bytes, entries, next, read } = &mut *self.changelog;
        *read = 0;
        let first = entries.partition_point(|entry| entry.offset < from.unwrap_or(0));
        for entry in &entries[first..] {
            *read += (entry.key.len() + entry.value.as_ref().map_or(0, Range::len)) as u64;
            each(Record {
                input: InputId(u16::MAX),
                partition: 0,
                offset: entry.offset,
                appended_at: START,
                key: Some(&bytes[entry.key.clone()]),
                value: entry.value.clone().map(|value| &bytes[value]),
                headers: &NoHeaders,
            });
        }
        Ok(Some(*next))
    }

    fn output_end(&mut self, _: OutputId, _: Partition) -> Result<Offset, Failure> {
        Ok(self.changelog.next)
    }

    fn partitions(&mut self) -> Result<Vec<(InputId, i32)>, Failure> {
        Ok(self.inputs().map(|input| (input, 1)).collect())
    }

    fn close(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}
