//! Tierline as somebody deploys it: a configuration, topics, one or more instances.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;
use tierline_testkit::{Answer, Broker, Process, Program, free_address, unique, within};

use crate::outcome::Outcome;
use crate::story::Story;

/// The reference rules, which most tests run.
pub const REFERENCE_RULES: &str = r"
rules:
  - id: enterprise-billing-silence
    tier: 3
    when: { all: [ { account.plan: enterprise }, { ticket.category: billing }, { ticket.no_agent_reply_for: 2h } ] }
  - id: urgent-past-due
    tier: 3
    when: { all: [ { ticket.priority: urgent }, { billing.state: past_due } ] }
  - id: repeat-trouble
    tier: 2
    once_per: account
    when:
      all:
        - account.tickets: { at_least: 5, within: 7d }
        - any: [ { account.health: { below: 50 } }, { ticket.sentiment: { at_most: -0.5 } } ]
  - id: first-reply-due
    tier: 2
    when: { sla.first_reply: { due_within: 30m } }
sla:
  - id: standard
    targets: { first_reply: { urgent: 1h, high: 4h, default: 8h } }
";

/// The clock of comparisons: the events' own, and everything fires.
pub const EVENT_TIME: &str = "time: { clock: events, start: replay, grace: 0s }";
/// The clock of users, with next to no grace, so that a test need not wait for it.
pub const WALL_TIME: &str = "time: { clock: wall, start: replay, grace: 100ms }";

const OBSERVE: &str = "observe: { listen: \"${LISTEN:-127.0.0.1:0}\" }\n";

/// The first instance of a test, and the one that takes its place.
pub const FIRST: &str = "first";
pub const SECOND: &str = "second";

/// Longer than a start, a rebalance and a backlog take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Topics, a group and a folder.
pub struct Deployment {
    program: Program,
    config: String,
    topics: String,
    on_kafka: bool,
    lanes: u32,
}

/// A running instance.
pub struct Instance {
    pub process: Process,
    listen: String,
}

/// A broker that serves many tests at once makes a topic known late.
const PATIENT: &str = "  patience: 90s\n";

impl Deployment {
    /// On the shared broker, with its topics made. `config`: everything but the log, the topics and the addresses.
    pub fn on_kafka(partitions: u32, config: &str) -> Deployment {
        Deployment::without_topics(Broker::shared().address(), PATIENT, config).with_topics(partitions)
    }

    /// The same, which commits after every few records: so a test can find it in the middle of a short backlog.
    pub fn slow(partitions: u32, config: &str) -> Deployment {
        let properties = format!("{PATIENT}  commit_interval: 1ms\n");
        Deployment::without_topics(Broker::shared().address(), &properties, config).with_topics(partitions)
    }

    /// On a broker, with more lines at the end of `log`, which are its `properties`, without topics.
    pub fn without_topics(brokers: &str, properties: &str, config: &str) -> Deployment {
        let topics = unique("t") + ".";
        let config = format!(
            "log:\n  kind: kafka\n  brokers: {brokers}\n  group: {topics}group\n  instance: ${{INSTANCE:-commands}}\n  \
             lanes: ${{LANES:-1}}\n  properties:\n    session.timeout.ms: 4000\n    heartbeat.interval.ms: 500\n{properties}\
             topics: {{ prefix: {topics} }}\n{OBSERVE}{config}\n"
        );
        Deployment { program: Program::new(binary(), &config), config, topics, on_kafka: true, lanes: 1 }
    }

    fn with_topics(self, partitions: u32) -> Deployment {
        self.command(&["topics", "create", "--partitions", &partitions.to_string()]).well();
        self
    }

    /// Another configuration of the same topics and the same group: everything but the log, the topics and the
    /// addresses is told anew.
    pub fn beside(&self, config: &str) -> Deployment {
        let place = self.config.split_inclusive('\n').take_while(|line| !line.starts_with("observe:"));
        let config = format!("{}{OBSERVE}{config}\n", place.collect::<String>());
        let program = Program::new(binary(), &config);
        Deployment { program, config, topics: self.topics.clone(), on_kafka: self.on_kafka, lanes: self.lanes }
    }

    /// In one folder, without a broker.
    pub fn embedded(partitions: u32, config: &str) -> Deployment {
        let config = format!("log: {{ kind: embedded, path: data, partitions: {partitions} }}\n{OBSERVE}{config}\n");
        Deployment {
            program: Program::new(binary(), &config),
            config,
            topics: String::new(),
            on_kafka: false,
            lanes: 1,
        }
    }

    /// The same with so many lanes in each instance.
    pub fn with_lanes(self, lanes: u32) -> Deployment {
        Deployment { lanes, ..self }
    }

    /// What a topic is called on the broker.
    pub fn topic(&self, stream: &str) -> String {
        format!("{}{stream}", self.topics)
    }

    /// What the group is called.
    pub fn group(&self) -> String {
        format!("{}group", self.topics)
    }

    /// Writes a file beside the configuration.
    pub fn write(&self, name: &str, content: &str) {
        self.program.write(name, content);
    }

    /// Runs a command to its end.
    pub fn command(&self, arguments: &[&str]) -> Answer {
        self.program.answer(arguments)
    }

    /// Sends records as a user would.
    pub fn send(&self, stream: &str, records: &[Value]) {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        if !records.is_empty() {
            self.program.answer_to(["send", stream], &lines).well();
        }
    }

    /// Sends what a story knows of its accounts.
    pub fn send_known(&self, story: &Story) {
        self.send("accounts", &story.accounts);
        self.send("billing", &story.billing);
    }

    /// Sends a whole story.
    pub fn send_all(&self, story: &Story) {
        self.send_known(story);
        self.send("signals", &story.signals);
        self.send("commands", &story.commands);
        self.send("tickets", &story.tickets);
    }

    /// Starts an instance and waits until it is ready.
    pub fn run(&self, instance: &str) -> Instance {
        let mut started = self.start(instance);
        started.wait_ready();
        started
    }

    /// Starts an instance.
    pub fn start(&self, instance: &str) -> Instance {
        self.start_with(instance, self.lanes, &["run"])
    }

    fn start_with(&self, instance: &str, lanes: u32, arguments: &[&str]) -> Instance {
        let listen = free_address();
        let told =
            [("INSTANCE:-commands", instance), ("LANES:-1", &lanes.to_string()), ("LISTEN:-127.0.0.1:0", &listen)];
        let config = told
            .iter()
            .fold(self.config.clone(), |config, (variable, value)| config.replace(&format!("${{{variable}}}"), value));
        let file = format!("{instance}.yaml");
        self.program.write(&file, &config);
        let process = self.program.start(instance, ["--config", &file].iter().chain(arguments));
        Instance { process, listen }
    }

    /// Runs until everything that was sent has been taken and the clock stands at `until`, epoch milliseconds.
    pub fn run_until(&self, until: i64) {
        let mut instance = self.start_with("until", 1, &["run", "--until", &instant(until)]);
        let ended = instance.process.wait_ended(PATIENCE);
        assert!(ended.success(), "{}", instance.process.log());
    }

    /// The decoded records of a topic, committed ones only.
    pub fn records(&self, stream: &str) -> Vec<Value> {
        let answer = self.command(&["tail", stream, "--from-start", "--until-end", "--output", "json"]).well();
        let mut seen: Vec<Value> =
            answer.out.lines().map(|line| serde_json::from_str(line).expect("tail prints JSON")).collect();
        // Stable: within a partition they stay in order.
        seen.sort_by_key(|record| record["partition"].as_i64());
        seen.into_iter().map(|mut record| record["value"].take()).collect()
    }

    /// What came out.
    pub fn outcome(&self) -> Outcome {
        Outcome::new(self.records("escalations"))
    }

    /// How many records of `tickets` the group has passed, and how many there are.
    pub fn progress(&self) -> (i64, i64) {
        assert!(self.on_kafka, "the embedded log has no group");
        let (broker, topic) = (Broker::shared(), self.topic("tickets"));
        (broker.committed(&self.group(), &topic), broker.ends(&topic).iter().map(|(_, end)| end).sum())
    }

    /// Waits until the group has passed so many records of `tickets`.
    pub fn wait_passed(&self, instance: &mut Instance, wanted: i64) {
        instance.wait_for(&format!("{wanted} records to be passed"), || match self.progress() {
            (passed, _) if passed >= wanted => Ok(()),
            (passed, all) => Err(format!("{passed} of {all} are")),
        });
    }

    /// Waits until the group has passed everything on `tickets`.
    pub fn wait_drained(&self, instance: &mut Instance) {
        self.wait_passed(instance, self.progress().1);
    }

    /// Waits until the group stands still with so many members.
    pub fn wait_members(&self, instance: &mut Instance, members: u32) {
        instance.wait_for(&format!("a group of {members}"), || match Broker::shared().group(&self.group()) {
            (seen, state) if seen == members as usize && state == "Stable" => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    /// Waits until an escalation record satisfies `wanted`, and returns all there are.
    pub fn wait_for_escalation(
        &self,
        instance: &mut Instance,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Vec<Value> {
        instance.wait_for(what, || {
            let records = self.records("escalations");
            if records.iter().any(&wanted) { Ok(records) } else { Err(format!("there are {}", Value::from(records))) }
        })
    }
}

impl Instance {
    /// Waits for a condition while it runs.
    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
        within(PATIENCE, what, || match look() {
            Err(instead) if self.process.has_ended().is_none() => Err(instead),
            Err(instead) => panic!("waited for {what}, but {instead}, and it ended:\n{}", self.process.log()),
            found => found,
        })
    }

    /// Waits until it is restored and owns its share.
    pub fn wait_ready(&mut self) {
        self.process.wait_ready(&self.listen);
    }

    /// A metric's value, summed over the series whose labels contain `labels`; 0 where there are none.
    pub fn metric(&self, name: &str, labels: &str) -> f64 {
        let text = self.says("/metrics");
        let series = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(labels)
        });
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Where it answers over HTTP.
    pub fn address(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// What it says at this path of its address, whatever the status.
    pub fn says(&self, path: &str) -> String {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let answer = agent.get(format!("http://{}{path}", self.listen)).call();
        answer.and_then(|mut answer| answer.body_mut().read_to_string()).unwrap_or_default()
    }

    /// Ends it in order.
    pub fn end(self) {
        let mut process = self.process;
        process.ask_to_end();
        let ended = process.wait_ended(Duration::from_secs(20));
        assert!(ended.success(), "it ended with {ended}:\n{}", process.log_tail());
    }
}

/// The same events through the embedded log, in one piece and undisturbed: what must come out.
pub fn oracle(partitions: u32, story: &Story, config: &str) -> Outcome {
    let quiet = Deployment::embedded(partitions, config);
    quiet.send_all(story);
    quiet.run_until(story.end);
    quiet.outcome()
}

/// RFC 3339, of epoch milliseconds.
pub fn instant(millis: i64) -> String {
    let at = DateTime::from_timestamp_millis(millis).expect("an instant that people live to see");
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Epoch milliseconds, of RFC 3339.
pub fn millis(text: &Value) -> i64 {
    let text = text.as_str().unwrap_or_default();
    DateTime::parse_from_rfc3339(text).unwrap_or_else(|error| panic!("'{text}': {error}")).timestamp_millis()
}

/// Now, epoch milliseconds.
pub fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// The build under test: this one, or the one that the variable `TIERLINE_BINARY` names.
fn binary() -> PathBuf {
    env::var_os("TIERLINE_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_tierline").into(), PathBuf::from)
}
