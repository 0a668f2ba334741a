//! A log in memory, small and obvious: partitions that grow, transactions, what is hidden behind an open one, and the
//! mishaps that a test asks for. Whoever connects last is the only one that may write.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use tierline_model::Millis;
use tierline_stream::log::{
    Committed, Ends, Failure, Headers, InputId, Log, Offset, OutputId, Ownership, Partition, Record, Source, Trouble,
    Write,
};

/// All topics, and what may go wrong next.
#[derive(Default)]
pub struct Cluster {
    pub topics: BTreeMap<String, Vec<Part>>,
    /// The driver's committed positions, by partition: what fences and shows lag.
    pub positions: BTreeMap<Partition, Offset>,
    /// Of inputs named here nothing is handed over, as if their broker were slow.
    pub slow: Vec<String>,
    /// Questions for ends get no answer.
    pub silent: bool,
    /// What is answered to that lies there until this is over.
    pub unheard: bool,
    /// Of inputs named here nobody says where they end.
    pub untold: Vec<String>,
    /// These have no leader: nobody can tell where they begin and end, nor read them from there.
    pub leaderless: Vec<(String, Partition)>,
    /// What is told of once.
    pub troubles: Vec<Trouble>,
    /// The next so many commits don't take effect.
    pub aborts: u32,
    /// The next so many writes to this topic fail.
    pub write_fails: Option<(String, u32)>,
    /// Writes to this topic that are larger are refused: at once, or not before the commit.
    pub refuses: Option<(String, usize, When)>,
    /// Each write moves this wall on by so much.
    pub slow_writes: Option<(Rc<Cell<Millis>>, Millis)>,
    /// One poll hands over no more than this.
    pub records_a_poll: usize,
    newest_connection: u32,
}

#[derive(Clone, Copy, PartialEq)]
pub enum When {
    AtOnce,
    AtCommit,
}

/// A partition of a topic.
#[derive(Clone, Default)]
pub struct Part {
    /// What was there before was deleted.
    pub start: Offset,
    pub next: Offset,
    pub records: Vec<Stored>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub offset: Offset,
    pub appended_at: Millis,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    Committed,
    Aborted,
    /// In the open transaction of this writer.
    Open(u32),
}

impl Cluster {
    pub fn with_topics<'a>(names: impl IntoIterator<Item = &'a String>, partitions: usize) -> Cluster {
        let topics = names.into_iter().map(|name| (name.clone(), vec![Part::default(); partitions])).collect();
        Cluster { topics, records_a_poll: 1_000, ..Cluster::default() }
    }

    fn led(&mut self, topic: &str, partition: Partition) -> Result<&mut Part, Failure> {
        match self.leaderless.iter().any(|(other, nth)| other == topic && *nth == partition) {
            true => Err(Failure::Later(format!("partition {partition} of {topic} has no leader"))),
            false => Ok(self.part(topic, partition)),
        }
    }

    pub fn part(&mut self, topic: &str, partition: Partition) -> &mut Part {
        &mut self.topics.get_mut(topic).unwrap_or_else(|| panic!("no topic {topic}"))[partition as usize]
    }

    /// Ends the open transactions of a writer.
    pub fn end(&mut self, writer: u32, as_what: State) {
        for part in self.topics.values_mut().flatten() {
            let mut touched = false;
            for record in part.records.iter_mut().filter(|record| record.state == State::Open(writer)) {
                record.state = as_what;
                touched = true;
            }
            // A marker takes an offset too.
            part.next += Offset::from(touched);
        }
    }
}

impl Part {
    pub fn append(&mut self, mut record: Stored) -> Offset {
        record.offset = self.next;
        self.next += 1;
        self.records.push(record);
        self.next - 1
    }

    pub fn committed(&self) -> impl Iterator<Item = &Stored> {
        self.records.iter().filter(|record| record.state == State::Committed)
    }

    /// Up to here a reader of committed records sees.
    fn stable_end(&self) -> Offset {
        let open = |record: &&Stored| matches!(record.state, State::Open(_));
        self.records.iter().find(open).map_or(self.next, |record| record.offset)
    }
}

impl Headers for Stored {
    fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>)) {
        self.headers.iter().for_each(|(name, value)| to(name, Some(value)));
    }
}

fn shown(stored: &Stored, input: InputId, partition: Partition) -> Record<'_> {
    Record {
        input,
        partition,
        offset: stored.offset,
        appended_at: stored.appended_at,
        key: stored.key.as_deref(),
        value: stored.value.as_deref(),
        headers: stored,
    }
}

/// A lane's end of it.
pub struct MemoryLog {
    cluster: Rc<RefCell<Cluster>>,
    connection: u32,
    inputs: Vec<String>,
    outputs: Vec<String>,
    pub ownership: VecDeque<Ownership>,
    readers: BTreeMap<(InputId, Partition), Reader>,
    ends: Option<Ends>,
    too_large: bool,
    now: Rc<dyn Fn() -> Millis>,
}

#[derive(Clone, Copy)]
struct Reader {
    next: Offset,
    paused: bool,
}

impl MemoryLog {
    /// Takes the place of whoever was connected before; what that one left open is aborted.
    pub fn connect(
        cluster: &Rc<RefCell<Cluster>>,
        inputs: Vec<String>,
        outputs: Vec<String>,
        owned: Vec<Partition>,
        now: Rc<dyn Fn() -> Millis>,
    ) -> MemoryLog {
        let mut all = cluster.borrow_mut();
        let before = all.newest_connection;
        all.end(before, State::Aborted);
        all.newest_connection += 1;
        MemoryLog {
            cluster: Rc::clone(cluster),
            connection: all.newest_connection,
            inputs,
            outputs,
            ownership: VecDeque::from([Ownership::Assigned(owned)]),
            readers: BTreeMap::new(),
            ends: None,
            too_large: false,
            now,
        }
    }

    fn check_fence(&self) -> Result<(), Failure> {
        match self.cluster.borrow().newest_connection == self.connection {
            true => Ok(()),
            false => Err(Failure::Fenced("another connection is newer".to_owned())),
        }
    }
}

impl Log for MemoryLog {
    fn poll(
        &mut self,
        from: Source,
        _wait: Duration,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Ownership>, Failure> {
        if let Some(change) = self.ownership.pop_front() {
            return Ok(Some(change));
        }
        let cluster = self.cluster.borrow();
        let mut left = cluster.records_a_poll;
        for (&(input, partition), reader) in &mut self.readers {
            let topic = &self.inputs[usize::from(input.0)];
            let is_driver = input == InputId::DRIVER;
            if reader.paused || cluster.slow.contains(topic) || is_driver != (from == Source::Driver) {
                continue;
            }
            let part = &cluster.topics[topic][partition as usize];
            let (from, end) = (reader.next, part.stable_end());
            for stored in part.records.iter().filter(|stored| (from..end).contains(&stored.offset)) {
                if left == 0 {
                    break;
                }
                left -= 1;
                reader.next = stored.offset + 1;
                if stored.state == State::Committed {
                    each(shown(stored, input, partition));
                }
            }
            if left > 0 {
                reader.next = end;
            }
        }
        Ok(None)
    }

    fn position(&mut self, input: InputId, partition: Partition) -> Option<Offset> {
        self.readers.get(&(input, partition)).map(|reader| reader.next)
    }

    fn range(&mut self, input: InputId, partition: Partition) -> Result<(Offset, Offset), Failure> {
        let mut cluster = self.cluster.borrow_mut();
        let part = cluster.led(&self.inputs[usize::from(input.0)], partition)?;
        Ok((part.start, part.next))
    }

    fn start(&mut self, partition: Partition, positions: &[(InputId, Option<Offset>)]) -> Result<(), Failure> {
        for &(input, position) in positions {
            let (start, _) = self.range(input, partition)?;
            let next = position.unwrap_or(start);
            self.readers.insert((input, partition), Reader { next, paused: false });
        }
        Ok(())
    }

    fn pause(&mut self, input: InputId, partition: Partition) -> Result<(), Failure> {
        self.readers.entry((input, partition)).and_modify(|reader| reader.paused = true);
        Ok(())
    }

    fn resume(&mut self, input: InputId, partition: Partition, from: Offset) -> Result<(), Failure> {
        self.readers.insert((input, partition), Reader { next: from, paused: false });
        Ok(())
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        self.readers.retain(|(_, partition), _| !partitions.contains(partition));
        Ok(())
    }

    fn ask_ends(&mut self, now: Millis) {
        let mut cluster = self.cluster.borrow_mut();
        if cluster.silent {
            return;
        }
        let end = |&(input, partition): &(InputId, Partition)| {
            (input, partition, cluster.part(&self.inputs[usize::from(input.0)], partition).next)
        };
        let mut offsets: Vec<_> = self.readers.keys().map(end).collect();
        offsets.retain(|(input, ..)| !cluster.untold.contains(&self.inputs[usize::from(input.0)]));
        self.ends = Some(Ends { asked_at: now, offsets });
    }

    fn ends(&mut self) -> Option<Ends> {
        if self.cluster.borrow().unheard { None } else { self.ends.take() }
    }

    fn write(&mut self, write: Write<'_>) -> Result<(), Failure> {
        self.check_fence()?;
        let topic = &self.outputs[usize::from(write.output.0)];
        let size = tierline_stream::outbox::size(&write);
        let mut cluster = self.cluster.borrow_mut();
        if let Some((wall, takes)) = &cluster.slow_writes {
            wall.set(wall.get() + takes);
        }
        match &mut cluster.write_fails {
            Some((name, left)) if name == topic && *left > 0 => {
                *left -= 1;
                return Err(Failure::Abort("a write failed".to_owned()));
            }
            _ => {}
        }
        match &cluster.refuses {
            Some((name, most, When::AtOnce)) if name == topic && size > *most => {
                return Err(Failure::Refused(format!("{size} bytes are too many")));
            }
            Some((name, most, When::AtCommit)) if name == topic && size > *most => self.too_large = true,
            _ => {}
        }
        let appended_at = (self.now)();
        cluster.part(topic, write.partition).append(Stored {
            offset: 0,
            appended_at,
            key: write.key.map(<[u8]>::to_vec),
            value: write.value.map(<[u8]>::to_vec),
            headers: write.headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect(),
            state: State::Open(self.connection),
        });
        Ok(())
    }

    fn commit(&mut self, positions: &[(Partition, Offset)]) -> Result<Committed, Failure> {
        self.check_fence()?;
        if std::mem::take(&mut self.too_large) {
            return Err(Failure::Refused("a record is too large".to_owned()));
        }
        let mut cluster = self.cluster.borrow_mut();
        if cluster.aborts > 0 {
            cluster.aborts -= 1;
            cluster.end(self.connection, State::Aborted);
            return Ok(Committed::Aborted);
        }
        cluster.end(self.connection, State::Committed);
        cluster.positions.extend(positions.iter().copied());
        Ok(Committed::Yes)
    }

    fn abort(&mut self) -> Result<(), Failure> {
        self.too_large = false;
        self.cluster.borrow_mut().end(self.connection, State::Aborted);
        Ok(())
    }

    fn replay(
        &mut self,
        output: OutputId,
        partition: Partition,
        from: Option<Offset>,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Offset>, Failure> {
        let mut cluster = self.cluster.borrow_mut();
        let part = cluster.led(&self.outputs[usize::from(output.0)], partition)?;
        if from.is_some_and(|from| !(part.start..=part.next).contains(&from)) {
            return Ok(None);
        }
        for stored in part.committed().filter(|stored| stored.offset >= from.unwrap_or(part.start)) {
            each(shown(stored, InputId(u16::MAX), partition));
        }
        Ok(Some(part.next))
    }

    fn output_end(&mut self, output: OutputId, partition: Partition) -> Result<Offset, Failure> {
        Ok(self.cluster.borrow_mut().led(&self.outputs[usize::from(output.0)], partition)?.next)
    }

    fn partitions(&mut self) -> Result<Vec<(InputId, i32)>, Failure> {
        let partitions = self.cluster.borrow().topics[&self.inputs[0]].len() as i32;
        Ok((0..self.inputs.len()).map(|place| (InputId(place as u16), partitions)).collect())
    }

    fn troubles(&mut self, each: &mut dyn FnMut(Trouble)) {
        self.cluster.borrow_mut().troubles.drain(..).for_each(each);
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.readers.clear();
        Ok(())
    }
}
