//! A real Apache Kafka broker, shared by all tests or for one of them alone.

use std::fmt::Display;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rustix::process::Signal;

use crate::certificates::Certificates;
use crate::guard::{Guarded, Start};
use crate::java;
use crate::kafka_jars::kit_folder;
use crate::names::{free_port, unique};
use crate::wait::attempt;

/// Seconds that the shared broker waits for another test process after the last one.
const LINGER: u64 = 5;

/// A running broker. It ends with the last process that holds one.
pub struct Broker {
    guarded: Guarded,
    /// The plain listener, which the kit itself uses.
    plain: String,
    certificates: Option<Certificates>,
}

/// What a broker of one's own is like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most heap that it may take, MB.
    pub heap_mb: u32,
    /// What its clients connect to.
    pub listener: Listener,
    /// More lines of its `server.properties`; they win.
    pub properties: Vec<(String, String)>,
}

/// What a broker's clients connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listener {
    /// No TLS, no password.
    Plain,
    /// TLS with a certificate for `localhost`, and this user by SCRAM-SHA-512.
    Scram {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { heap_mb: 512, listener: Listener::Plain, properties: Vec::new() }
    }
}

impl Settings {
    fn certificates(&self, folder: &Path) -> Option<Certificates> {
        let secure = self.listener != Listener::Plain;
        secure.then(|| Certificates::in_folder(&folder.join("certificates")))
    }
}

impl Broker {
    /// The broker of this run of the tests: started by the first process that asks, found by the others. Make topics
    /// of your own on it ([`unique`]); change nothing else.
    ///
    /// # Panics
    /// With what to install, or the end of the broker's log, when there can be none.
    pub fn shared() -> &'static Broker {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| Broker::start(&kit_folder().join("shared-broker"), LINGER, &Settings::default()))
    }

    /// A broker for one test. It ends, and its data goes, when this value is dropped.
    ///
    /// # Panics
    /// As [`Broker::shared`].
    pub fn own(settings: &Settings) -> Broker {
        let folder = kit_folder().join(unique("broker"));
        fs::create_dir_all(&folder).expect("the target folder can be written");
        File::create(folder.join("temporary")).expect("our own folder");
        Broker::start(&folder, 0, settings)
    }

    fn start(folder: &Path, linger: u64, settings: &Settings) -> Broker {
        let guarded = Guarded::join(folder, linger, || Layout::new(folder, settings).prepare())
            .unwrap_or_else(|why| panic!("Apache Kafka did not start: {why}"));
        // What runs may have been started by another process, on its ports.
        let plain = guarded.address.lines().next().unwrap_or_default().to_owned();
        Broker { plain, certificates: settings.certificates(folder), guarded }
    }

    /// Where clients connect: `bootstrap.servers`, `log.brokers`.
    pub fn address(&self) -> &str {
        self.guarded.address.lines().last().unwrap_or_default()
    }

    /// The plain listener, which the kit itself uses.
    pub(crate) fn plain(&self) -> &str {
        &self.plain
    }

    /// Stops the broker's process where it is (`SIGSTOP`): connections stay, and nothing answers. Only one's own.
    pub fn freeze(&self) {
        self.guarded.signal(Signal::STOP);
    }

    /// Lets a frozen broker go on.
    pub fn thaw(&self) {
        self.guarded.signal(Signal::CONT);
    }

    /// What a client must trust, with [`Listener::Scram`].
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// A client's configuration for the kit's own purposes: it knows the broker's plain listener and nothing else.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.plain);
        config
    }

    /// Makes a topic, and returns when it is there.
    pub fn create_topic(&self, name: &str, partitions: i32, config: &[(&str, &str)]) {
        let topic = NewTopic {
            name,
            num_partitions: partitions,
            replication: TopicReplication::Fixed(1),
            config: config.to_vec(),
        };
        let made = self.wait_for(self.admin().create_topics([&topic], &AdminOptions::new()));
        for result in made {
            result.unwrap_or_else(|(topic, code)| panic!("cannot make topic {topic}: {code}"));
        }
        self.wait_led(name, partitions);
    }

    /// Gives a topic more partitions, and returns when they are there.
    pub fn add_partitions(&self, name: &str, all: i32) {
        let wanted = NewPartitions::new(name, all as usize);
        for result in self.wait_for(self.admin().create_partitions([&wanted], &AdminOptions::new())) {
            result.unwrap_or_else(|(topic, code)| panic!("cannot give topic {topic} more partitions: {code}"));
        }
        self.wait_led(name, all);
    }

    /// Deletes topics; those that aren't there are no error.
    pub fn delete_topics(&self, names: &[&str]) {
        // A topic that isn't there is answered with an error of its own.
        let _answers = self.wait_for(self.admin().delete_topics(names, &AdminOptions::new()));
    }

    /// An administrator's client.
    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("the kit's own configuration is right")
    }

    /// Waits for a condition for at most a minute; the failure's message holds the end of the broker's log.
    ///
    /// # Panics
    /// When it does not come.
    pub fn eventually<T, E: Display>(&self, what: &str, look: impl FnMut() -> Result<T, E>) -> T {
        attempt(Duration::from_secs(60), look)
            .unwrap_or_else(|instead| panic!("waited a minute for {what}, but: {instead}\n{}", self.log_tail()))
    }

    /// The last lines of the broker's log.
    pub fn log_tail(&self) -> String {
        format!("the broker's log ends with:\n{}", self.guarded.log_tail())
    }

    fn wait_led(&self, name: &str, partitions: i32) {
        self.eventually(&format!("{partitions} partitions of {name} with leaders"), || {
            let admin = self.admin();
            let metadata =
                admin.inner().fetch_metadata(Some(name), Duration::from_secs(10)).map_err(|e| e.to_string())?;
            let led = metadata.topics().iter().flat_map(|topic| topic.partitions()).filter(|p| p.leader() >= 0).count();
            if led == partitions as usize { Ok(()) } else { Err(format!("{led} have one")) }
        });
    }

    fn wait_for<T>(&self, answer: impl Future<Output = Result<T, rdkafka::error::KafkaError>>) -> T {
        futures_executor::block_on(answer).unwrap_or_else(|error| panic!("{error}; {}", self.log_tail()))
    }
}

/// A broker's folder as it will be, and its ports.
struct Layout<'a> {
    folder: &'a Path,
    settings: &'a Settings,
    plain: u16,
    secure: u16,
    controller: u16,
}

impl<'a> Layout<'a> {
    fn new(folder: &'a Path, settings: &'a Settings) -> Layout<'a> {
        Layout { folder, settings, plain: free_port(), secure: free_port(), controller: free_port() }
    }

    /// Lays the folder out, with fresh data, and says how to start.
    fn prepare(&self) -> Start<'static> {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let _ = fs::remove_dir_all(self.folder.join("data"));
        fs::write(file("server.properties"), self.properties()).expect("our own folder");
        let java = java::command(self.folder, self.settings.heap_mb);
        let with = |more: &[&str]| java.iter().cloned().chain(more.iter().map(|&s| s.to_owned())).collect::<Vec<_>>();
        let properties = file("server.properties");
        let mut format = with(&["kafka.tools.StorageTool", "format", "-t", java::CLUSTER, "-c", &properties]);
        if let Listener::Scram { user, password } = &self.settings.listener {
            format.push("--add-scram".to_owned());
            format.push(format!("SCRAM-SHA-512=[name={user},password={password}]"));
        }
        let formatted = Command::new(&format[0]).args(&format[1..]).output().expect("java ran a moment ago");
        let said = String::from_utf8_lossy(&formatted.stderr);
        assert!(formatted.status.success(), "cannot format the broker's storage: {said}");
        let address = match self.settings.listener {
            Listener::Plain => format!("127.0.0.1:{}", self.plain),
            Listener::Scram { .. } => format!("127.0.0.1:{}\nlocalhost:{}", self.plain, self.secure),
        };
        Start { command: with(&["kafka.Kafka", &properties]), address, is_ready: &|log| log.contains(java::READY) }
    }

    fn properties(&self) -> String {
        let Layout { plain, secure, controller, .. } = self;
        let mut lines = vec![
            "process.roles=broker,controller".to_owned(),
            "node.id=1".to_owned(),
            format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
            "controller.listener.names=CONTROLLER".to_owned(),
            "inter.broker.listener.name=PLAINTEXT".to_owned(),
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL".to_owned(),
            format!("log.dirs={}", self.folder.join("data").display()),
            "auto.create.topics.enable=false".to_owned(),
            "group.initial.rebalance.delay.ms=0".to_owned(),
            // So that a test need not wait long for a member that it killed.
            "group.min.session.timeout.ms=1000".to_owned(),
            "num.partitions=1".to_owned(),
        ];
        for topic in ["offsets.topic", "transaction.state.log", "share.coordinator.state.topic"] {
            lines.push(format!("{topic}.num.partitions=4"));
            lines.push(format!("{topic}.replication.factor=1"));
            lines.push(format!("{topic}.min.isr=1"));
        }
        let secure = match self.settings.certificates(self.folder) {
            None => String::new(),
            Some(certificates) => {
                certificates.make();
                lines.push("ssl.keystore.type=PEM".to_owned());
                lines.push(format!("ssl.keystore.location={}", certificates.server().display()));
                lines.push("sasl.enabled.mechanisms=SCRAM-SHA-512".to_owned());
                lines.push(
                    "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
                     org.apache.kafka.common.security.scram.ScramLoginModule required;"
                        .to_owned(),
                );
                format!(",SASL_SSL://localhost:{secure}")
            }
        };
        lines.push(format!("listeners=PLAINTEXT://127.0.0.1:{plain}{secure},CONTROLLER://127.0.0.1:{controller}"));
        lines.push(format!("advertised.listeners=PLAINTEXT://127.0.0.1:{plain}{secure}"));
        lines.extend(self.settings.properties.iter().map(|(name, value)| format!("{name}={value}")));
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_broker_makes_topics_and_enlarges_them() {
        let (broker, topic) = (Broker::shared(), unique("kit"));
        broker.create_topic(&topic, 3, &[("cleanup.policy", "compact")]);
        broker.add_partitions(&topic, 4);
        assert_eq!(broker.ends(&topic).len(), 4);
        broker.delete_topics(&[&topic]);
    }

    #[test]
    fn a_broker_of_ones_own_ends_with_its_value() {
        let broker = Broker::own(&Settings::default());
        let folder = broker.guarded.folder().to_path_buf();
        broker.create_topic("mine", 1, &[]);
        drop(broker);
        crate::eventually(
            "the broker's folder to be gone",
            || {
                if folder.exists() { Err("it is there") } else { Ok(()) }
            },
        );
    }
}
