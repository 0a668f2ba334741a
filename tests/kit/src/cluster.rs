//! Several real brokers of one cluster, each of which a test may kill, end and start again.
//!
//! Brokers are controllers as well (KRaft, static voters), topics are replicated over all of them, and a write needs
//! all but one. Beside the listener that the kit itself uses, each broker has *doors*: listeners that are advertised at
//! another address, so that whoever enters by one comes through what stands there (a proxy that can be cut).

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, TopicPartitionList};

use crate::java;
use crate::kafka_jars::tail;
use crate::names::lasting_port;
use crate::process::{Process, Program};
use crate::wait::within;

const PATIENCE: Duration = Duration::from_secs(10);
/// Several cold JVMs on two busy cores take their time.
const START: Duration = Duration::from_secs(120);
/// Partitions of the topic in which groups keep their offsets.
const OFFSETS_PARTITIONS: u32 = 8;
const OFFSETS: &str = "__consumer_offsets";

/// What a cluster is like.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// How many brokers.
    pub brokers: usize,
    /// The most heap that each may take, MB.
    pub heap_mb: u32,
    /// For each door, the port of 127.0.0.1 at which each broker is advertised.
    pub doors: Vec<Vec<u16>>,
}

impl Default for ClusterSettings {
    fn default() -> ClusterSettings {
        ClusterSettings { brokers: 3, heap_mb: 384, doors: Vec::new() }
    }
}

/// Running brokers, numbered from 0. They end with this value; their folder stays, with their logs in it.
pub struct Cluster {
    nodes: Vec<Node>,
    /// A client for questions: never a member of a group.
    asks: BaseConsumer,
}

struct Node {
    program: Program,
    command: Vec<String>,
    process: Option<Process>,
    plain: u16,
    controller: u16,
    doors: Vec<u16>,
    /// How long its log was when it was started last.
    log_before: usize,
}

impl Cluster {
    /// Starts the brokers in this folder, and returns when all of them serve.
    ///
    /// # Panics
    /// With what to install, or the end of a broker's log, when there can be none.
    pub fn start(folder: &Path, settings: &ClusterSettings) -> Cluster {
        let nodes: Vec<Node> = (0..settings.brokers).map(|number| Node::new(folder, number, settings)).collect();
        let asks = client(&nodes).set("group.id", "the-test-itself").create();
        let mut cluster = Cluster { asks: asks.expect("the kit's own configuration is right"), nodes };
        cluster.lay_out(settings);
        (0..settings.brokers).for_each(|broker| cluster.start_again(broker));
        (0..settings.brokers).for_each(|broker| cluster.wait_up(broker));
        cluster.eventually("the brokers to know each other", || cluster.all_known());
        cluster
    }

    /// Each broker must know all of them: who makes a topic may ask any.
    fn all_known(&self) -> Result<(), String> {
        for (broker, node) in self.nodes.iter().enumerate() {
            let mut config = ClientConfig::new();
            config.set("bootstrap.servers", format!("127.0.0.1:{}", node.plain)).set("group.id", "the-test-itself");
            let consumer: BaseConsumer = config.create().map_err(|error| error.to_string())?;
            let metadata = consumer.fetch_metadata(None, PATIENCE).map_err(|error| error.to_string())?;
            let known = metadata.brokers().len();
            if known < self.nodes.len() {
                return Err(format!("broker {broker} knows {known} of them"));
            }
        }
        Ok(())
    }

    /// How many brokers there are, running or not.
    pub fn brokers(&self) -> usize {
        self.nodes.len()
    }

    /// Where the kit and other undisturbed clients connect.
    pub fn address(&self) -> String {
        address(&self.nodes)
    }

    /// The port of 127.0.0.1 at which a broker really listens for those who come by a door.
    pub fn door(&self, door: usize, broker: usize) -> u16 {
        self.nodes[broker].doors[door]
    }

    /// A client's configuration for the kit's own purposes.
    pub fn client(&self) -> ClientConfig {
        client(&self.nodes)
    }

    /// Kills a broker (SIGKILL), and waits until it is gone. Nothing, if it does not run.
    pub fn kill(&mut self, broker: usize) {
        if let Some(process) = self.nodes[broker].process.take() {
            process.kill();
        }
    }

    /// Ends a broker in order, which hands its partitions over, and waits until it is gone.
    pub fn stop(&mut self, broker: usize) {
        if let Some(process) = self.nodes[broker].process.take() {
            process.terminate(Duration::from_secs(60));
        }
    }

    /// Starts a broker that does not run, on its data and its ports, and does not wait for it.
    pub fn start_again(&mut self, broker: usize) {
        let node = &mut self.nodes[broker];
        node.log_before = node.log().len();
        node.process = Some(node.program.start("broker", &node.command[1..]));
    }

    /// Whether a broker that was started serves.
    pub fn is_up(&self, broker: usize) -> bool {
        let node = &self.nodes[broker];
        node.process.is_some() && node.log().get(node.log_before..).is_some_and(|log| log.contains(java::READY))
    }

    /// Waits until a broker that was started serves.
    ///
    /// # Panics
    /// When it does not, or ends: with the end of its log.
    pub fn wait_up(&mut self, broker: usize) {
        within(START, &format!("broker {broker} to serve"), || {
            let ended = self.nodes[broker].process.as_mut().is_none_or(|process| process.has_ended().is_some());
            assert!(!ended, "broker {broker} ended; {}", self.log_tail(broker));
            if self.is_up(broker) { Ok(()) } else { Err(self.log_tail(broker)) }
        });
    }

    /// The broker whose controller is the active one: that of the newest epoch, if it runs.
    pub fn controller(&self) -> Option<usize> {
        let epoch = |node: &Node| {
            let log = node.log();
            let told = log.rsplit_once(java::ACTIVE)?.1;
            told.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
        };
        let newest = (0..self.nodes.len()).max_by_key(|&broker| epoch(&self.nodes[broker]))?;
        self.nodes[newest].process.is_some().then_some(newest)
    }

    /// The broker that coordinates a group; none while that is being decided.
    pub fn coordinator(&self, group: &str) -> Option<usize> {
        let partition = (java_hash(group) & 0x7fff_ffff) as u32 % OFFSETS_PARTITIONS;
        self.leader(OFFSETS, partition as i32)
    }

    /// The broker that leads a partition; none while that is being decided.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<usize> {
        let metadata = self.asks.fetch_metadata(Some(topic), PATIENCE).ok()?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        let leader = partitions.filter(|found| found.id() == partition).map(|found| found.leader()).next()?;
        usize::try_from(leader - 1).ok()
    }

    /// Whether every partition of every topic has a leader and all its replicas in sync; else what lacks.
    pub fn in_sync(&self) -> Result<(), String> {
        let metadata = self.asks.fetch_metadata(None, PATIENCE).map_err(|error| error.to_string())?;
        for topic in metadata.topics() {
            for partition in topic.partitions() {
                if partition.leader() < 0 || partition.isr().len() < partition.replicas().len() {
                    let (in_sync, all) = (partition.isr().len(), partition.replicas().len());
                    return Err(format!("{}-{} has {in_sync} of {all} in sync", topic.name(), partition.id()));
                }
            }
        }
        Ok(())
    }

    /// What a group has committed for a topic, by partition; partitions without a position are left out.
    pub fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, i64)>, String> {
        let metadata = self.asks.fetch_metadata(Some(topic), PATIENCE).map_err(|error| error.to_string())?;
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            list.add_partition(topic, partition.id());
        }
        let member: BaseConsumer =
            self.client().set("group.id", group).create().expect("the kit's own configuration is right");
        let committed = member.committed_offsets(list, PATIENCE).map_err(|error| error.to_string())?;
        let found = committed.elements().into_iter();
        Ok(found.filter_map(|element| Some((element.partition(), element.offset().to_raw()?))).collect())
    }

    /// Waits for a condition for at most two minutes.
    ///
    /// # Panics
    /// When it does not come: with the last thing that `look` said instead.
    pub fn eventually<T, E: Display>(&self, what: &str, look: impl FnMut() -> Result<T, E>) -> T {
        within(START, what, look)
    }

    /// The last lines of a broker's log.
    pub fn log_tail(&self, broker: usize) -> String {
        format!("its log ends with:\n{}", tail(&self.nodes[broker].log(), 40))
    }

    /// Writes each broker's configuration and formats its storage, all at once.
    fn lay_out(&mut self, settings: &ClusterSettings) {
        let voters: Vec<String> = self.nodes.iter().enumerate().map(|(number, node)| node.voter(number)).collect();
        let mut formatting: Vec<Child> = Vec::new();
        for (number, node) in self.nodes.iter_mut().enumerate() {
            let properties = node.program.write("server.properties", &node.properties(number, &voters, settings));
            let properties = properties.display().to_string();
            let java = java::command(node.program.folder(), settings.heap_mb);
            let format = ["kafka.tools.StorageTool", "format", "-t", java::CLUSTER, "-c", &properties];
            let mut command = Command::new(&java[0]);
            command.args(&java[1..]).args(format).stdout(Stdio::null()).stderr(Stdio::piped());
            formatting.push(command.spawn().expect("java ran a moment ago"));
            node.command = java.into_iter().chain(["kafka.Kafka".to_owned(), properties]).collect();
        }
        for child in formatting {
            let formatted = child.wait_with_output().expect("a child of our own can be waited for");
            let said = String::from_utf8_lossy(&formatted.stderr);
            assert!(formatted.status.success(), "cannot format a broker's storage: {said}");
        }
    }
}

impl Node {
    fn new(folder: &Path, number: usize, settings: &ClusterSettings) -> Node {
        Node {
            program: Program::within(&folder.join(format!("broker-{number}")), "java", ""),
            command: Vec::new(),
            process: None,
            plain: lasting_port(),
            controller: lasting_port(),
            doors: settings.doors.iter().map(|_| lasting_port()).collect(),
            log_before: 0,
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.program.folder().join("broker.log")).unwrap_or_default()
    }

    fn voter(&self, number: usize) -> String {
        format!("{}@127.0.0.1:{}", number + 1, self.controller)
    }

    fn properties(&self, number: usize, voters: &[String], settings: &ClusterSettings) -> String {
        let (mut listeners, mut advertised) = (String::new(), String::new());
        let mut protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
        for (door, port) in self.doors.iter().enumerate() {
            listeners += &format!(",DOOR{door}://127.0.0.1:{port}");
            advertised += &format!(",DOOR{door}://127.0.0.1:{}", settings.doors[door][number]);
            protocols += &format!(",DOOR{door}:PLAINTEXT");
        }
        let (plain, controller) = (self.plain, self.controller);
        let (all, most) = (settings.brokers, settings.brokers.div_ceil(2));
        let mut lines = vec![
            "process.roles=broker,controller".to_owned(),
            format!("node.id={}", number + 1),
            format!("controller.quorum.voters={}", voters.join(",")),
            "controller.listener.names=CONTROLLER".to_owned(),
            "inter.broker.listener.name=PLAINTEXT".to_owned(),
            format!("listener.security.protocol.map={protocols}"),
            format!("listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller}{listeners}"),
            format!("advertised.listeners=PLAINTEXT://127.0.0.1:{plain}{advertised}"),
            format!("log.dirs={}", self.program.folder().join("data").display()),
            "auto.create.topics.enable=false".to_owned(),
            format!("default.replication.factor={all}"),
            format!("min.insync.replicas={most}"),
            // A dead broker is found out after so long, and up to a quarter more.
            "broker.session.timeout.ms=4000".to_owned(),
            "broker.heartbeat.interval.ms=500".to_owned(),
            "group.initial.rebalance.delay.ms=0".to_owned(),
            "group.min.session.timeout.ms=1000".to_owned(),
            format!("offsets.topic.num.partitions={OFFSETS_PARTITIONS}"),
            "transaction.state.log.num.partitions=8".to_owned(),
            "share.coordinator.state.topic.num.partitions=1".to_owned(),
        ];
        for topic in ["offsets.topic", "transaction.state.log", "share.coordinator.state.topic"] {
            lines.push(format!("{topic}.replication.factor={all}"));
            if topic != "offsets.topic" {
                lines.push(format!("{topic}.min.isr={most}"));
            }
        }
        lines.join("\n") + "\n"
    }
}

fn address(nodes: &[Node]) -> String {
    let addresses: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.plain)).collect();
    addresses.join(",")
}

fn client(nodes: &[Node]) -> ClientConfig {
    let mut config = ClientConfig::new();
    // Brokers come and go.
    config.set("bootstrap.servers", address(nodes)).set("reconnect.backoff.max.ms", "1000");
    config
}

/// `String.hashCode` of Java, for names in ASCII: by it a group finds its coordinator.
fn java_hash(text: &str) -> i32 {
    text.bytes().fold(0_i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_hashed_as_java_does_it() {
        assert_eq!(java_hash("hello"), 99_162_322);
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
    }

    #[test]
    fn a_broker_that_is_killed_comes_back_and_is_in_sync_again() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut cluster = Cluster::start(folder.path(), &ClusterSettings::default());
        let controller = cluster.eventually("a controller", || cluster.controller().ok_or("there is none"));
        cluster.kill(controller);
        let next = cluster.eventually("another controller", || match cluster.controller() {
            Some(next) if next != controller => Ok(next),
            other => Err(format!("it is {other:?}")),
        });
        assert_ne!(next, controller);
        cluster.start_again(controller);
        cluster.wait_up(controller);
        cluster.eventually("all to be in sync", || cluster.in_sync());
    }
}
