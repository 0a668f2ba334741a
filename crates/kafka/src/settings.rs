//! How each of a lane's clients is configured: in one place, with the reason beside what looks odd.
//!
//! A user may set any librdkafka property, save those on which exactly once rests: [`GUARDED`] lists them, and a
//! setting that names one is refused here even if whoever read the configuration forgot to.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use tierline_stream::log::Failure;

/// What a lane, an administrator or a person's client needs to reach a cluster.
#[derive(Clone)]
pub struct Settings {
    /// `host:port`, comma-separated.
    pub brokers: String,
    /// The consumer group: who is in it shares the work. That of a stage other than `detect` is
    /// [called after it](Settings::consumer_group).
    pub group: String,
    /// The stage's name, part of the transactional ids.
    pub stage: String,
    /// This process's name. Unique in the group, and the same after a restart: then a restart need not wait for its
    /// own crashed transactions.
    pub instance: String,
    /// Which lane of the process this is, from 0.
    pub lane: u32,
    /// Where this process answers over HTTP; its commits tell it to the other members. None: they tell nothing.
    pub advertise: Option<String>,
    /// librdkafka properties, over the defaults below; none of [`GUARDED`].
    pub properties: BTreeMap<String, String>,
    /// How long a question to the cluster may take before it counts as unreachable. 30 s by default.
    pub patience: Duration,
}

impl Settings {
    /// Settings with nothing special: lane 0, no properties, 30 s of patience.
    pub fn new(brokers: impl Into<String>, group: impl Into<String>) -> Settings {
        Settings {
            brokers: brokers.into(),
            group: group.into(),
            stage: DETECT.into(),
            instance: "0".into(),
            lane: 0,
            advertise: None,
            properties: BTreeMap::new(),
            patience: Duration::from_secs(30),
        }
    }

    /// The same for another lane of the process.
    pub fn for_lane(&self, lane: u32) -> Settings {
        Settings { lane, ..self.clone() }
    }

    /// The same for a stage of the process. Only detect's commits tell where questions are answered.
    pub fn for_stage(&self, stage: &str) -> Settings {
        let advertise = self.advertise.clone().filter(|_| stage == DETECT);
        Settings { stage: stage.into(), advertise, ..self.clone() }
    }

    /// The group that this stage's lanes join: `group`, or `group-stage`, so that who owns a partition of one stage says
    /// nothing of the others.
    pub fn consumer_group(&self) -> String {
        match self.stage.as_str() {
            DETECT => self.group.clone(),
            other => format!("{}-{other}", self.group),
        }
    }

    /// The id under which the cluster knows one of the lane's two producers: `group-stage-instance-lane-a|b`.
    pub fn transactional_id(&self, which: Which) -> String {
        let letter = match which {
            Which::A => 'a',
            Which::B => 'b',
        };
        format!("{}-{}-{}-{}-{letter}", self.group, self.stage, self.instance, self.lane)
    }

    /// The group's member that reads the driver's partitions.
    pub fn driver_consumer(&self) -> ClientConfig {
        let mut config = self.fetching();
        config
            .set("group.id", self.consumer_group())
            .set("client.id", self.driver_client_id())
            // Low, because a member hears of a rebalance only at its next heartbeat.
            .set("heartbeat.interval.ms", "500")
            // Longer than the group can be without a coordinator when a broker dies (9 s by default until that is noticed,
            // two or three more for another controller): a member that gives its session up meanwhile comes back as a new
            // one, and the group waits for the old one's session too.
            .set("session.timeout.ms", "15000");
        self.with_properties(&mut config, Role::Consumer);
        config.set("partition.assignment.strategy", "cooperative-sticky");
        fixed_reading(&mut config);
        config
    }

    /// The consumer of the side inputs, and of a restore: assigned by hand, member of nothing. librdkafka wants a
    /// group's name of every consumer; none is joined, because nothing is subscribed to.
    pub fn assigned_consumer(&self, purpose: &str) -> ClientConfig {
        let mut config = self.fetching();
        config.set("group.id", self.consumer_group()).set("client.id", self.client_id(purpose));
        self.with_properties(&mut config, Role::Consumer);
        fixed_reading(&mut config);
        config
    }

    /// The client that asks where inputs really end: it sees what is uncommitted.
    pub fn ends_consumer(&self) -> ClientConfig {
        let mut config = self.assigned_consumer("ends");
        config.set("isolation.level", "read_uncommitted");
        config
    }

    /// One of the two transactional producers.
    pub fn transactional_producer(&self, which: Which) -> ClientConfig {
        let mut config = self.common();
        config
            .set("client.id", self.client_id(if which == Which::A { "a" } else { "b" }))
            // Longer than a dead broker's partitions are without a leader, so that a transaction outlasts that. What a
            // crash leaves open need not wait for it: see the module `heir`.
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT.to_string())
            // Batches form by themselves within a drain.
            .set("linger.ms", "0")
            // 100–200 KB cost up to half the throughput.
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "100000")
            .set("queue.buffering.max.kbytes", "65536");
        self.with_properties(&mut config, Role::Producer);
        // Below the transaction's: a lane that gives up must do so before the cluster does.
        let message_timeout = Settings::transaction_timeout(&config) / 10 * 9;
        config
            .set("message.timeout.ms", message_timeout.to_string())
            .set("transactional.id", self.transactional_id(which))
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("delivery.report.only.error", "true");
        config
    }

    /// How long a transaction of this producer may stand open, milliseconds.
    pub(crate) fn transaction_timeout(producer: &ClientConfig) -> u64 {
        let told = producer.get("transaction.timeout.ms").and_then(|millis| millis.parse().ok());
        told.unwrap_or(TRANSACTION_TIMEOUT)
    }

    /// The producer of a person's command: idempotent, and landing where Java's default partitioner would.
    pub fn plain_producer(&self) -> ClientConfig {
        let mut config = self.common();
        config
            .set("client.id", self.client_id("send"))
            .set("linger.ms", "0")
            .set("batch.size", "1000000")
            // The topic's own limit is the broker's to tell.
            .set("message.max.bytes", "100000000");
        self.with_properties(&mut config, Role::Producer);
        config.remove("transaction.timeout.ms");
        config
            .set("message.timeout.ms", self.patience.as_millis().to_string())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random");
        config
    }

    /// The client that makes and inspects topics.
    pub fn admin(&self) -> ClientConfig {
        let mut config = self.common();
        config.set("client.id", self.client_id("admin"));
        self.with_properties(&mut config, Role::Producer);
        config.remove("transaction.timeout.ms");
        config
    }

    /// Refuses what would break the guarantees, and TLS where this build has none.
    pub fn check(&self) -> Result<(), Failure> {
        for name in self.properties.keys() {
            if GUARDED.contains(&name.as_str()) {
                return Err(Failure::Fatal(format!(
                    "log.properties: `{name}` may not be set: exactly once rests on it; remove it"
                )));
            }
        }
        if !cfg!(any(feature = "tls", feature = "tls-vendored")) && self.needs_tls() {
            return Err(Failure::Fatal(
                "log.properties: this build has neither TLS nor SCRAM; rebuild with `--features tls` (needs libssl-dev \
                 and pkg-config) or `--features tls-vendored`"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Whether the properties ask for what the client has from OpenSSL: TLS, and the digests of SCRAM.
    fn needs_tls(&self) -> bool {
        let asks = |names: &[&str], for_what: &str| {
            names
                .iter()
                .filter_map(|&name| self.properties.get(name))
                .any(|value| value.to_lowercase().contains(for_what))
        };
        asks(&["security.protocol"], "ssl") || asks(&["sasl.mechanism", "sasl.mechanisms"], "scram")
    }

    /// By which a lane is known among the members of its group.
    pub(crate) fn driver_client_id(&self) -> String {
        self.client_id("driver")
    }

    fn client_id(&self, purpose: &str) -> String {
        format!("tierline-{}-{}-{}-{purpose}", self.stage, self.instance, self.lane)
    }

    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("socket.keepalive.enable", "true");
        // A client that is told less of one of these pairs' second than of its first is not made.
        for (least, most, millis) in [
            // How late a client may notice that who has died is back, or that another has taken over.
            ("reconnect.backoff.ms", "reconnect.backoff.max.ms", "500"),
            // By this the client also asks who leads a partition now.
            ("retry.backoff.ms", "retry.backoff.max.ms", "250"),
        ] {
            if !self.properties.contains_key(least) {
                config.set(most, millis);
            }
        }
        config
    }

    fn fetching(&self) -> ClientConfig {
        let mut config = self.common();
        config
            .set("queued.min.messages", "50000")
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.message.max.bytes", "1000000")
            .set("fetch.queue.backoff.ms", "2")
            // Half a second by default, on top of what it takes to find who leads instead of a dead broker.
            .set("fetch.error.backoff.ms", "50")
            .set("fetch.wait.max.ms", "100");
        config
    }

    /// Each client gets the properties that its kind knows; librdkafka only warns of the others, once a client.
    fn with_properties(&self, config: &mut ClientConfig, role: Role) {
        for (name, value) in &self.properties {
            let foreign = match role {
                Role::Consumer => PRODUCERS_ONLY.contains(&name.as_str()),
                Role::Producer => CONSUMERS_ONLY.contains(&name.as_str()),
            };
            if !foreign {
                config.set(name, value);
            }
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Any value may be a secret; which properties are set is what helps.
        f.debug_struct("Settings")
            .field("brokers", &self.brokers)
            .field("group", &self.group)
            .field("instance", &self.instance)
            .field("lane", &self.lane)
            .field("properties", &self.properties.keys())
            .finish_non_exhaustive()
    }
}

/// The stage whose group is called as it is configured.
const DETECT: &str = "detect";

/// `transaction.timeout.ms`, unless it is set.
const TRANSACTION_TIMEOUT: u64 = 30_000;

/// Which of a lane's two producers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    A,
    /// The second.
    B,
}

/// The properties on which the guarantees rest: refused when set.
pub const GUARDED: &[&str] = &[
    "acks",
    "request.required.acks",
    "auto.offset.reset",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.protocol",
    "group.remote.assignor",
    "group.instance.id",
    "isolation.level",
    "partition.assignment.strategy",
    "partitioner",
    "transactional.id",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "delivery.report.only.error",
    "bootstrap.servers",
    "metadata.broker.list",
];

/// Properties that librdkafka knows of producers alone.
const PRODUCERS_ONLY: &[&str] = &[
    "transaction.timeout.ms",
    "linger.ms",
    "queue.buffering.max.ms",
    "queue.buffering.max.messages",
    "queue.buffering.max.kbytes",
    "batch.size",
    "batch.num.messages",
    "compression.codec",
    "compression.type",
    "compression.level",
    "message.send.max.retries",
    "retries",
    "request.timeout.ms",
    "sticky.partitioning.linger.ms",
];

/// Properties that librdkafka knows of consumers alone.
const CONSUMERS_ONLY: &[&str] = &[
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "queued.min.messages",
    "queued.max.messages.kbytes",
    "fetch.message.max.bytes",
    "max.partition.fetch.bytes",
    "fetch.max.bytes",
    "fetch.min.bytes",
    "fetch.wait.max.ms",
    "fetch.error.backoff.ms",
    "fetch.queue.backoff.ms",
    "check.crcs",
    "client.rack",
];

#[derive(Clone, Copy)]
enum Role {
    Consumer,
    Producer,
}

/// What no property may change. A position out of range is an error to be told, never a silent jump.
fn fixed_reading(config: &mut ClientConfig) {
    config
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "false");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ids_survive_a_restart_and_differ_by_lane_and_turn() {
        let lane = Settings { instance: "pod-1".into(), lane: 2, ..Settings::new("localhost:9092", "tierline") };
        assert_eq!(lane.transactional_id(Which::A), "tierline-detect-pod-1-2-a");
        assert_eq!(lane.transactional_id(Which::B), "tierline-detect-pod-1-2-b");
    }

    #[test]
    fn another_stage_has_a_group_and_ids_of_its_own() {
        let detect = Settings { advertise: Some("http://a".into()), ..Settings::new("localhost:9092", "tierline") };
        let score = detect.for_stage("score");
        assert_eq!((detect.consumer_group(), score.consumer_group()), ("tierline".into(), "tierline-score".into()));
        assert_eq!(score.driver_consumer().get("group.id"), Some("tierline-score"));
        assert_eq!(score.assigned_consumer("side").get("group.id"), Some("tierline-score"));
        assert_eq!(score.transactional_id(Which::A), "tierline-score-0-0-a");
        assert_eq!((score.advertise, detect.for_stage("detect").advertise), (None, detect.advertise));
    }

    #[test]
    fn what_the_guarantees_rest_on_is_refused() {
        for name in GUARDED {
            let mut settings = Settings::new("localhost:9092", "tierline");
            settings.properties.insert((*name).into(), "whatever".into());
            let refusal = settings.check().expect_err(name).to_string();
            assert!(refusal.contains(name), "{refusal}");
        }
    }

    #[test]
    fn harmless_properties_win_over_the_defaults() {
        let mut settings = Settings::new("localhost:9092", "tierline");
        settings.properties.insert("session.timeout.ms".into(), "6000".into());
        settings.properties.insert("transaction.timeout.ms".into(), "8000".into());
        settings.check().expect("both are harmless");
        assert_eq!(settings.driver_consumer().get("session.timeout.ms"), Some("6000"));
        let producer = settings.transactional_producer(Which::A);
        assert_eq!(producer.get("transaction.timeout.ms"), Some("8000"));
        assert_eq!(producer.get("message.timeout.ms"), Some("7200"));
        assert_eq!(producer.get("session.timeout.ms"), None);
    }

    #[test]
    fn a_longer_wait_between_tries_makes_no_client_impossible() {
        for name in ["reconnect.backoff.ms", "retry.backoff.ms"] {
            let mut settings = Settings::new("localhost:9092", "tierline");
            settings.properties.insert(name.into(), "900".into());
            let made: Result<rdkafka::consumer::BaseConsumer, _> = settings.driver_consumer().create();
            made.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn a_member_outlives_a_coordinator_that_is_missed_by_kafkas_defaults() {
        const MISSED_AFTER: u64 = 9_000;
        const ANOTHER_CONTROLLER: u64 = 3_000;
        let member = Settings::new("localhost:9092", "tierline").driver_consumer();
        let session: u64 = member.get("session.timeout.ms").expect("it is set").parse().expect("a number");
        assert!(session > MISSED_AFTER / 4 * 5 + ANOTHER_CONTROLLER);
    }

    #[cfg(not(any(feature = "tls", feature = "tls-vendored")))]
    #[test]
    fn a_build_without_tls_says_how_to_get_it() {
        let mut settings = Settings::new("localhost:9092", "tierline");
        settings.properties.insert("security.protocol".into(), "SASL_SSL".into());
        assert!(settings.check().expect_err("no TLS here").to_string().contains("--features tls"));
    }

    #[test]
    fn no_value_of_a_property_is_printed() {
        let mut settings = Settings::new("broker:9092", "tierline");
        settings.properties.insert("sasl.password".into(), "hunter2".into());
        let shown = format!("{settings:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }
}
