//! A log in memory, as much of it as a directory needs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tierline_stream::client::{Client, From, Outgoing, Seen};
use tierline_stream::log::{Failure, Headers, Offset, Partition};

/// One partition a topic. Cheap to clone.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<BTreeMap<String, Vec<Outgoing>>>>);

impl Log {
    /// All records of a topic, oldest first.
    pub fn records(&self, topic: &str) -> Vec<Outgoing> {
        self.0.borrow().get(topic).cloned().unwrap_or_default()
    }

    /// Of what is remembered, the last of each key alone stays, where it stood.
    pub fn compact(&self) {
        let mut topics = self.0.borrow_mut();
        for (_, records) in topics.iter_mut().filter(|(topic, _)| *topic != "tickets") {
            let last: BTreeMap<_, _> =
                records.iter().enumerate().map(|(place, record)| (record.key.clone(), place)).collect();
            for (place, record) in records.iter_mut().enumerate() {
                if last[&record.key] != place {
                    *record = Outgoing::default();
                }
            }
        }
    }
}

/// Reads the log, and to its end only: then it says `stop`.
pub struct Reader<'s> {
    pub log: Log,
    pub stop: &'s AtomicBool,
}

struct Named<'r>(&'r Outgoing);

impl Headers for Named<'_> {
    fn each(&self, with: &mut dyn FnMut(&str, Option<&[u8]>)) {
        self.0.headers.iter().for_each(|(name, value)| with(name, Some(value)));
    }
}

impl Client for Reader<'_> {
    fn send(
        &mut self,
        topic: &str,
        _: Option<Partition>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(Partition, Offset), Failure> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        let (key, value) = (key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec));
        let mut topics = self.log.0.borrow_mut();
        let records = topics.entry(topic.to_owned()).or_default();
        records.push(Outgoing { partition: None, key, value, headers });
        Ok((0, records.len() as Offset - 1))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn read(
        &mut self,
        topic: &str,
        _: From,
        until_end: bool,
        _: Duration,
        each: &mut dyn FnMut(Option<Seen<'_>>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        for (offset, record) in self.log.records(topic).iter().enumerate().filter(|(_, record)| record.key.is_some()) {
            let seen = Seen {
                topic,
                partition: 0,
                offset: offset as Offset,
                appended_at: 0,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers: &Named(record),
            };
            if each(Some(seen)).is_break() {
                return Ok(());
            }
        }
        if !until_end {
            self.stop.store(true, Ordering::Relaxed);
            while each(None).is_continue() {}
        }
        Ok(())
    }

    fn partitions(&mut self, _: &str) -> Result<Option<i32>, Failure> {
        Ok(Some(1))
    }
}
