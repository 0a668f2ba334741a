//! What stages have to write, encoded and waiting for the log: a record's place in one buffer, and who caused it.

use std::ops::Range;

use crate::log::{Failure, InputId, Log, Offset, OutputId, Partition, Write};

/// The input record that a write came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// Which input.
    pub input: InputId,
    /// Which task.
    pub partition: Partition,
    /// Its place.
    pub offset: Offset,
}

/// The writes of a lane that the log hasn't been given yet.
#[derive(Default)]
pub struct Pending {
    buffer: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    output: OutputId,
    partition: Partition,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Vec<(String, Vec<u8>)>,
    cause: Option<Cause>,
}

/// Where one task puts what one record (or the clock: no cause) made it write.
pub struct Outbox<'a> {
    pending: &'a mut Pending,
    partition: Partition,
    cause: Option<Cause>,
}

/// Appends a value's bytes to a buffer.
pub type Encode<'a> = dyn FnMut(&mut Vec<u8>) + 'a;

impl Outbox<'_> {
    /// Adds a record to the task's partition of an output. `value` appends its bytes to the buffer that it is handed;
    /// none: a tombstone.
    pub fn put(&mut self, output: OutputId, key: Option<&[u8]>, value: Option<&mut Encode<'_>>) {
        let key = key.map(|key| self.pending.append(|buffer| buffer.extend_from_slice(key)));
        let value = value.map(|encode| self.pending.append(encode));
        self.push(output, key, value, Vec::new());
    }

    /// Adds a record to another task's partition of an output: what one task hands to another.
    pub fn put_elsewhere(&mut self, output: OutputId, partition: Partition, key: &[u8], value: &[u8]) {
        let own = std::mem::replace(&mut self.partition, partition);
        self.put_with_headers(output, Some(key), Some(value), Vec::new());
        self.partition = own;
    }

    /// Adds a record with headers.
    pub fn put_with_headers(
        &mut self,
        output: OutputId,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: Vec<(String, Vec<u8>)>,
    ) {
        let key = key.map(|key| self.pending.append(|buffer| buffer.extend_from_slice(key)));
        let value = value.map(|value| self.pending.append(|buffer| buffer.extend_from_slice(value)));
        self.push(output, key, value, headers);
    }

    fn push(
        &mut self,
        output: OutputId,
        key: Option<Range<usize>>,
        value: Option<Range<usize>>,
        headers: Vec<(String, Vec<u8>)>,
    ) {
        let (partition, cause) = (self.partition, self.cause);
        self.pending.entries.push(Entry { output, partition, key, value, headers, cause });
    }
}

impl Pending {
    /// The outbox of a task for what this record causes.
    pub fn outbox(&mut self, partition: Partition, cause: Option<Cause>) -> Outbox<'_> {
        Outbox { pending: self, partition, cause }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.buffer.clear();
    }

    /// Gives everything to the log, in order. `each` is told the cause, the output and the size of every write just
    /// before it.
    pub fn write_to<L: Log>(
        &mut self,
        log: &mut L,
        mut each: impl FnMut(Option<Cause>, OutputId, usize),
    ) -> Result<(), Failure> {
        self.each(|cause, write| {
            each(cause, write.output, size(&write));
            log.write(write)
        })?;
        self.clear();
        Ok(())
    }

    /// Hands over everything, in order, with the record that caused it, up to the first error. Nothing is forgotten.
    pub fn each<E>(&self, mut each: impl FnMut(Option<Cause>, Write<'_>) -> Result<(), E>) -> Result<(), E> {
        for entry in &self.entries {
            let part = |range: &Option<Range<usize>>| range.clone().map(|range| &self.buffer[range]);
            let headers: Vec<(&str, &[u8])> =
                entry.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
            let write = Write {
                output: entry.output,
                partition: entry.partition,
                key: part(&entry.key),
                value: part(&entry.value),
                headers: &headers,
            };
            each(entry.cause, write)?;
        }
        Ok(())
    }

    fn append(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let start = self.buffer.len();
        encode(&mut self.buffer);
        start..self.buffer.len()
    }
}

/// What a write weighs, bytes.
pub fn size(write: &Write<'_>) -> usize {
    let headers: usize = write.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    write.key.unwrap_or_default().len() + write.value.unwrap_or_default().len() + headers
}
