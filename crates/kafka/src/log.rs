//! A lane's end of the log: the contract's calls, each given to the part that keeps it.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::BaseConsumer;
use tierline_model::Millis;
use tierline_stream::log::{
    Committed, Ends, Failure, InputId, Log, Offset, OutputId, Ownership, Partition, Record, Source, Trouble, Write,
};

use crate::admin::Admin;
use crate::cluster::Cluster;
use crate::ends::EndsAsker;
use crate::errors::{Heard, Listening, not_made};
use crate::group::Driver;
use crate::producer::Limits;
use crate::reader::Reader;
use crate::replay::Replayer;
use crate::settings::Settings;
use crate::transaction::Transactions;

/// A lane's end of the log on Kafka. Belongs to one thread.
pub struct KafkaLog {
    inputs: Vec<String>,
    outputs: Vec<String>,
    cluster: Arc<Cluster>,
    transactions: Transactions,
    /// Only the group's member; `None` once closed.
    driver: Option<Driver>,
    side: Reader<Listening>,
    ends: EndsAsker,
    /// Made when the first restore needs it.
    replayer: Option<Replayer>,
}

impl KafkaLog {
    /// Connects a lane. `inputs` are topic names by `InputId` (the driver's first), `outputs` by `OutputId`.
    ///
    /// # Errors
    /// `Fatal`, with what is to be done: a setting that may not be set, brokers that do not answer, a refused
    /// identity, a missing right, missing topics (all of them at once).
    ///
    /// Initialises both transactional ids before it joins the group: what a predecessor left open is aborted then.
    pub fn connect(settings: Settings, inputs: Vec<String>, outputs: Vec<String>) -> Result<KafkaLog, Failure> {
        settings.check()?;
        let Some(driver) = inputs.first().cloned() else {
            return Err(Failure::Fatal("a log needs an input to drive it; this is a bug".into()));
        };
        let cluster = Arc::new(Cluster::connect(&settings)?);
        refuse_missing(&cluster, inputs.iter().chain(&outputs))?;
        let limits = limits(&settings, &outputs);
        let transactions = Transactions::start(&settings, &driver, outputs.clone(), limits)?;
        let side = side_reader(&cluster, &inputs)?;
        let ends = EndsAsker::start(Arc::clone(&cluster), inputs.clone())?;
        let driver = Some(Driver::join(Arc::clone(&cluster), &driver)?);
        Ok(KafkaLog { inputs, outputs, cluster, transactions, driver, side, ends, replayer: None })
    }

    fn driver(&mut self) -> Result<&mut Driver, Failure> {
        self.driver.as_mut().ok_or_else(|| Failure::Fatal("the log is closed".into()))
    }

    fn input(&self, input: InputId) -> Result<&str, Failure> {
        let name = self.inputs.get(usize::from(input.0));
        name.map(String::as_str).ok_or_else(|| Failure::Fatal(format!("there is no input {}; this is a bug", input.0)))
    }

    fn output(&self, output: OutputId) -> Result<&str, Failure> {
        let name = self.outputs.get(usize::from(output.0));
        let bug = || Failure::Fatal(format!("there is no output {}; this is a bug", output.0));
        name.map(String::as_str).ok_or_else(bug)
    }
}

impl Log for KafkaLog {
    fn poll(
        &mut self,
        from: Source,
        wait: Duration,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Ownership>, Failure> {
        match from {
            Source::Driver => self.driver()?.poll(wait, each),
            Source::Side => self.side.poll(wait, each).map(|()| None),
        }
    }

    fn position(&mut self, input: InputId, partition: Partition) -> Option<Offset> {
        match (input, &mut self.driver) {
            (InputId::DRIVER, Some(driver)) => driver.position(partition),
            (InputId::DRIVER, None) => None,
            _ => self.side.position(input, partition),
        }
    }

    fn range(&mut self, input: InputId, partition: Partition) -> Result<(Offset, Offset), Failure> {
        self.cluster.range_now(self.input(input)?, partition)
    }

    fn start(&mut self, partition: Partition, positions: &[(InputId, Option<Offset>)]) -> Result<(), Failure> {
        let mut driver = 0;
        let mut side = Vec::with_capacity(self.inputs.len());
        for index in 0..self.inputs.len() {
            let input = InputId(index as u16);
            let told = positions.iter().find(|&&(other, _)| other == input).and_then(|&(_, position)| position);
            let from = match told {
                Some(from) => from,
                // Asked, not left to the consumer: so its position is known even where nothing is.
                None => self.range(input, partition)?.0,
            };
            if input == InputId::DRIVER {
                driver = from;
            } else {
                side.push((input, partition, from));
            }
        }
        self.side.start(&side)?;
        self.driver()?.start(partition, driver)
    }

    fn pause(&mut self, input: InputId, partition: Partition) -> Result<(), Failure> {
        match input {
            InputId::DRIVER => self.driver()?.pause(partition),
            _ => self.side.pause(input, partition),
        }
    }

    fn resume(&mut self, input: InputId, partition: Partition, from: Offset) -> Result<(), Failure> {
        match input {
            InputId::DRIVER => self.driver()?.resume(partition, from),
            _ => self.side.resume(input, partition, from),
        }
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        let mut side = self.side.partitions();
        side.retain(|(_, partition)| partitions.contains(partition));
        if !side.is_empty() {
            self.side.stop(&side)?;
        }
        self.driver()?.release(partitions)
    }

    fn ask_ends(&mut self, now: Millis) {
        let mut of = self.side.partitions();
        of.extend(self.driver.iter().flat_map(Driver::partitions));
        self.ends.ask(now, of);
    }

    fn ends(&mut self) -> Option<Ends> {
        self.ends.take()
    }

    fn write(&mut self, write: Write<'_>) -> Result<(), Failure> {
        self.transactions.write(write)
    }

    fn commit(&mut self, positions: &[(Partition, Offset)]) -> Result<Committed, Failure> {
        let driver = self.driver.as_ref();
        self.transactions.commit(positions, || driver.and_then(Driver::metadata))
    }

    fn abort(&mut self) -> Result<(), Failure> {
        self.transactions.abort()
    }

    fn replay(
        &mut self,
        output: OutputId,
        partition: Partition,
        from: Option<Offset>,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Offset>, Failure> {
        let topic = self.output(output)?.to_owned();
        let mut replayer = match self.replayer.take() {
            Some(replayer) => replayer,
            None => Replayer::new(Arc::clone(&self.cluster), self.input(InputId::DRIVER)?)?,
        };
        let (driver, mut dozed) = (&mut self.driver, false);
        let reached = replayer.replay((output, &topic, partition), from, each, &mut || match driver {
            Some(driver) => {
                dozed = true;
                driver.doze()
            }
            None => Ok(()),
        });
        self.replayer = Some(replayer);
        if dozed && let Some(driver) = &mut self.driver {
            driver.wake()?;
        }
        reached
    }

    fn output_end(&mut self, output: OutputId, partition: Partition) -> Result<Offset, Failure> {
        Ok(self.cluster.range_now(self.output(output)?, partition)?.1)
    }

    fn partitions(&mut self) -> Result<Vec<(InputId, i32)>, Failure> {
        let mut counts = Vec::with_capacity(self.inputs.len());
        for (index, topic) in self.inputs.iter().enumerate() {
            let Some(count) = self.cluster.partitions_still(topic)? else {
                return Err(Failure::Fatal(missing(&[topic])));
            };
            counts.push((InputId(index as u16), count));
        }
        Ok(counts)
    }

    fn troubles(&mut self, each: &mut dyn FnMut(Trouble)) {
        self.transactions.troubles().chain(self.replayer.iter_mut().flat_map(Replayer::troubles)).for_each(each);
    }

    fn close(&mut self) -> Result<(), Failure> {
        let aborted = self.transactions.abort();
        self.driver = None;
        aborted
    }
}

fn refuse_missing<'a>(cluster: &Cluster, topics: impl Iterator<Item = &'a String>) -> Result<(), Failure> {
    let mut absent: Vec<&str> = Vec::new();
    for topic in topics {
        if cluster.partitions(topic)?.is_none() && !absent.contains(&topic.as_str()) {
            absent.push(topic);
        }
    }
    if absent.is_empty() { Ok(()) } else { Err(Failure::Fatal(missing(&absent))) }
}

fn missing(topics: &[&str]) -> String {
    format!("topics that do not exist: {}; make them with `tierline topics create`", topics.join(", "))
}

/// What the outputs take; where that may not be asked, what brokers take unless told otherwise.
fn limits(settings: &Settings, outputs: &[String]) -> Limits {
    let names: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let told = Admin::connect(settings).and_then(|admin| admin.max_message_bytes(&names));
    let outputs = told.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot read max.message.bytes of the outputs; assuming the broker's default");
        vec![Limits::DEFAULT; outputs.len()]
    });
    Limits { outputs }
}

fn side_reader(cluster: &Arc<Cluster>, inputs: &[String]) -> Result<Reader<Listening>, Failure> {
    let heard = Heard::by("side");
    let consumer: BaseConsumer<Listening> = cluster
        .settings()
        .assigned_consumer("side")
        .create_with_context(Listening(Arc::clone(&heard)))
        .map_err(|error| not_made(&error))?;
    let side: Vec<(InputId, String)> =
        inputs.iter().enumerate().skip(1).map(|(index, topic)| (InputId(index as u16), topic.clone())).collect();
    Ok(Reader::new(consumer, side, heard, Arc::clone(cluster)))
}
