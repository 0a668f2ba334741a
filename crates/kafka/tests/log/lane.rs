//! A lane without a stage: answers ownership, keeps what it reads.

use std::time::Duration;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tierline_kafka::{KafkaLog, Settings};
use tierline_stream::log::{
    Committed, Failure, InputId, Log, Offset, OutputId, Ownership, Partition, Record, Source, Write,
};
use tierline_testkit::{Broker, Raw, eventually, unique};

/// The driver of every test.
pub const TICKETS: InputId = InputId::DRIVER;
/// The side input of every test.
pub const ACCOUNTS: InputId = InputId(1);
/// The changelog of every test.
pub const STATE: OutputId = OutputId(0);
/// Another output.
pub const OUT: OutputId = OutputId(1);

/// The topics and the group of one test.
pub struct Place {
    pub broker: &'static Broker,
    pub tickets: String,
    pub accounts: String,
    pub state: String,
    pub out: String,
    pub group: String,
}

impl Place {
    pub fn new(partitions: i32) -> Place {
        Place::on(Broker::shared(), partitions)
    }

    pub fn on(broker: &'static Broker, partitions: i32) -> Place {
        let place = Place {
            broker,
            tickets: unique("tickets"),
            accounts: unique("accounts"),
            state: unique("state"),
            out: unique("out"),
            group: unique("group"),
        };
        std::thread::scope(|scope| {
            for topic in [&place.tickets, &place.accounts, &place.state] {
                scope.spawn(move || broker.create_topic(topic, partitions, &[]));
            }
            broker.create_topic(&place.out, partitions, &[("max.message.bytes", "20000")]);
        });
        place
    }

    /// Settings of a member of the group. Rebalances are heard of soon.
    pub fn settings(&self, instance: &str) -> Settings {
        let mut settings = Settings::new(self.broker.address(), &self.group);
        settings.instance = instance.into();
        settings.properties.insert("heartbeat.interval.ms".into(), "100".into());
        settings
    }

    pub fn connect(&self, settings: Settings) -> Result<KafkaLog, Failure> {
        let inputs = vec![self.tickets.clone(), self.accounts.clone()];
        KafkaLog::connect(settings, inputs, vec![self.state.clone(), self.out.clone()])
    }

    /// A lane that owns nothing yet.
    pub fn lane(&self, instance: &str) -> Lane {
        Lane::over(self.connect(self.settings(instance)).expect("the broker is there"))
    }

    /// A lane that owns every partition, each started from its earliest record.
    pub fn only_lane(&self) -> Lane {
        let mut lane = self.lane("only");
        lane.comes_to_own(self.partitions());
        lane
    }

    pub fn partitions(&self) -> usize {
        self.broker.ends(&self.tickets).len()
    }

    /// Sends values to a partition of a topic, one record each.
    pub fn send(&self, topic: &str, partition: Partition, values: &[&str]) {
        let records: Vec<Raw> = values.iter().map(|value| Raw::new(topic, "k", *value).at(partition)).collect();
        self.broker.send(&records);
    }

    /// Opens a transaction of somebody else's, and waits until its records are in the log.
    pub fn transaction(&self, topic: &str, partition: Partition, values: &[&str]) -> BaseProducer {
        let producer: BaseProducer =
            self.broker.client().set("transactional.id", unique("other")).create().expect("legal settings");
        producer.init_transactions(Duration::from_secs(30)).expect("the broker is there");
        producer.begin_transaction().expect("it is initialised");
        for value in values {
            let record = BaseRecord::<str, str>::to(topic).partition(partition).key("k").payload(value);
            producer.send(record).map_err(|(error, _)| error).expect("the queue is empty");
        }
        producer.flush(Duration::from_secs(30)).expect("the broker is there");
        producer
    }

    /// What is committed in a topic, as text.
    pub fn committed(&self, topic: &str) -> Vec<String> {
        let records = self.broker.records(topic);
        records.into_iter().map(|raw| text(raw.value.as_deref())).collect()
    }

    /// Waits until these are committed in a topic, and nothing else: a commit is decided before its markers are written.
    pub fn comes_to_hold<T: AsRef<str>>(&self, topic: &str, values: &[T]) {
        let wanted: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        eventually(&format!("{wanted:?} in {topic}"), || {
            let committed = self.committed(topic);
            if committed == wanted { Ok(()) } else { Err(format!("it holds {committed:?}")) }
        });
    }

    /// What the group has committed for the driver.
    pub fn positions(&self) -> i64 {
        self.broker.committed(&self.group, &self.tickets)
    }
}

/// A lane's log, and what it has handed over.
pub struct Lane {
    pub log: KafkaLog,
    pub owned: Vec<Partition>,
    /// Input, partition, offset, value.
    pub read: Vec<(InputId, Partition, Offset, String)>,
}

impl Lane {
    pub fn over(log: KafkaLog) -> Lane {
        Lane { log, owned: Vec::new(), read: Vec::new() }
    }

    /// Polls both sources once. Starts what is assigned at its earliest record; what is taken is for the test to let
    /// go of.
    pub fn poll(&mut self) -> Result<Option<Ownership>, Failure> {
        let Lane { log, owned, read } = self;
        let mut each = |record: Record<'_>| {
            read.push((record.input, record.partition, record.offset, text(record.value)));
        };
        let change = log.poll(Source::Driver, Duration::from_millis(20), &mut each)?;
        assert_eq!(log.poll(Source::Side, Duration::ZERO, &mut each)?, None, "side inputs have no owner");
        if let Some(Ownership::Assigned(partitions)) = &change {
            for &partition in partitions {
                log.start(partition, &[])?;
            }
            owned.extend(partitions);
        }
        Ok(change)
    }

    /// Lets go of partitions that were taken.
    pub fn let_go(&mut self, partitions: &[Partition]) {
        self.log.release(partitions).expect("they were taken");
        self.owned.retain(|partition| !partitions.contains(partition));
    }

    pub fn comes_to_own(&mut self, count: usize) {
        eventually(&format!("{count} partitions"), || {
            self.poll().map_err(|failure| failure.to_string())?;
            if self.owned.len() == count { Ok(()) } else { Err(format!("owns {:?}", self.owned)) }
        });
    }

    /// Polls until so many records have come, and hands their values over.
    pub fn reads(&mut self, count: usize) -> Vec<String> {
        eventually(&format!("{count} records"), || {
            self.poll().map_err(|failure| failure.to_string())?;
            if self.read.len() >= count { Ok(()) } else { Err(format!("{:?}", self.read)) }
        });
        assert_eq!(self.read.len(), count, "{:?}", self.read);
        self.read.drain(..).map(|(_, _, _, value)| value).collect()
    }

    /// Polls until an input's partition stands there.
    pub fn stands_at(&mut self, input: InputId, partition: Partition, offset: Offset) {
        eventually(&format!("position {offset}"), || {
            self.poll().map_err(|failure| failure.to_string())?;
            let position = self.log.position(input, partition);
            if position == Some(offset) { Ok(()) } else { Err(format!("{position:?}")) }
        });
    }

    pub fn write(&mut self, output: OutputId, value: &str) -> Result<(), Failure> {
        let value = Some(value.as_bytes());
        self.log.write(Write { output, partition: 0, key: Some(b"k"), value, headers: &[("h", b"x")] })
    }

    /// Commits with positions of every owned partition.
    pub fn commit(&mut self, offset: Offset) -> Result<Committed, Failure> {
        let positions: Vec<_> = self.owned.iter().map(|&partition| (partition, offset)).collect();
        self.log.commit(&positions)
    }
}

pub fn text(bytes: Option<&[u8]>) -> String {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}
