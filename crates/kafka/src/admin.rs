//! Makes topics as they should be, and tells how those that are there differ, with what would mend them.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tierline_stream::log::Failure;
use tierline_stream::topics::{Cleanup, TopicSpec};

use crate::cluster::Cluster;
use crate::errors::{Heard, Listening, about_topic, denied, not_made};
use crate::producer::Limits;
use crate::settings::Settings;

/// Whoever makes and inspects topics.
pub struct Admin {
    client: AdminClient<Listening>,
    cluster: Cluster,
    settings: Settings,
}

/// What [`Admin::create`] did about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is new.
    Created,
    /// It was there, and is as it was.
    Existed,
}

/// How a topic differs from what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The topic.
    pub topic: String,
    /// Whether a start may go on with it.
    pub severity: Severity,
    /// What is, and what should be.
    pub what: String,
    /// The command that mends it, where one does.
    pub mend: Option<String>,
}

/// Whether a start may go on with a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It may not.
    Mistake,
    /// It may; something is weaker than it should be.
    Warning,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "topic `{}`: {}", self.topic, self.what)?;
        match &self.mend {
            Some(mend) => write!(f, "; mend it with: {mend}"),
            None => Ok(()),
        }
    }
}

impl Admin {
    /// Connects. Asks nothing yet.
    ///
    /// # Errors
    /// `Fatal`: a setting that may not be set or that the client does not know.
    pub fn connect(settings: &Settings) -> Result<Admin, Failure> {
        settings.check()?;
        let context = Listening(Heard::by("admin"));
        let client = settings.admin().create_with_context(context).map_err(|error| not_made(&error))?;
        Ok(Admin { client, cluster: Cluster::connect(settings)?, settings: settings.clone() })
    }

    /// Makes the topics that are not there, each with so many partitions; `replication`: none means the brokers'
    /// default. Answers for each, in order.
    ///
    /// # Errors
    /// `Fatal` at the first that cannot be made; those before it are.
    pub fn create(
        &self,
        specs: &[TopicSpec],
        partitions: i32,
        replication: Option<i32>,
    ) -> Result<Vec<(String, Made)>, Failure> {
        // Asks first whether anybody answers: with patience, and with a better message.
        if let Some(first) = specs.first() {
            self.cluster.partitions(&first.name)?;
        }
        specs.iter().map(|spec| Ok((spec.name.clone(), self.create_one(spec, partitions, replication)?))).collect()
    }

    fn create_one(&self, spec: &TopicSpec, partitions: i32, replication: Option<i32>) -> Result<Made, Failure> {
        let wanted = wanted(spec);
        let mut topic = NewTopic::new(&spec.name, partitions, TopicReplication::Fixed(replication.unwrap_or(-1)));
        for (name, value) in &wanted {
            topic = topic.set(name, value);
        }
        let made = block_on(self.client.create_topics([&topic], &self.options()));
        let made = made.map_err(|error| about_topic(&error, &self.settings, &spec.name, "CREATE"))?;
        match made.into_iter().next() {
            Some(Ok(_)) => self.await_topic(&spec.name, partitions).map(|()| Made::Created),
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(Made::Existed),
            Some(Err((_, code))) => Err(denied(code, &self.settings, &spec.name, "CREATE")
                .unwrap_or_else(|| Failure::Fatal(format!("cannot make topic `{}`: {code}", spec.name)))),
            None => Err(Failure::Fatal(format!("cannot make topic `{}`: no answer", spec.name))),
        }
    }

    /// A topic is made before all brokers know of it; whoever writes to it next should not have to wait.
    fn await_topic(&self, topic: &str, partitions: i32) -> Result<(), Failure> {
        let began = Instant::now();
        while self.cluster.partitions(topic)? != Some(partitions) {
            if began.elapsed() > self.settings.patience {
                return Err(Failure::Fatal(format!("topic `{topic}` was made, but cannot be seen yet; try again")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What a start asks: refuses topics that it may not go on with, all of them in one message, each with the command
    /// that mends it. Returns what is only weaker than it should be.
    ///
    /// # Errors
    /// `Fatal`: that message, or as [`check`](Self::check).
    pub fn refuse_mistakes(&self, specs: &[TopicSpec]) -> Result<Vec<Difference>, Failure> {
        let found = self.check(specs)?;
        let (mistakes, warnings): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|difference| difference.severity == Severity::Mistake);
        if mistakes.is_empty() {
            return Ok(warnings);
        }
        let lines: Vec<String> = mistakes.iter().map(|mistake| format!("\n  {mistake}")).collect();
        Err(Failure::Fatal(format!("the topics are not as they must be:{}", lines.concat())))
    }

    /// How the topics differ from what they should be: all of it. The first co-partitioned one sets the number of
    /// partitions.
    ///
    /// # Errors
    /// `Fatal`: the cluster does not answer, or may not be asked.
    pub fn check(&self, specs: &[TopicSpec]) -> Result<Vec<Difference>, Failure> {
        let mut counts = Vec::with_capacity(specs.len());
        for spec in specs {
            counts.push(self.cluster.partitions(&spec.name)?);
        }
        let lead = specs.iter().zip(&counts).find(|(spec, count)| spec.co_partitioned && count.is_some());
        let lead = lead.and_then(|(spec, count)| count.map(|count| (spec.name.as_str(), count)));
        let there: Vec<&str> = specs
            .iter()
            .zip(&counts)
            .filter(|(_, count)| count.is_some())
            .map(|(spec, _)| spec.name.as_str())
            .collect();
        let configs = self.configs(&there)?;
        let mut found = Vec::new();
        for (spec, count) in specs.iter().zip(counts) {
            let Some(count) = count else {
                found.push(difference(
                    spec,
                    Severity::Mistake,
                    "does not exist",
                    Some("tierline topics create".into()),
                ));
                continue;
            };
            if let Some((leader, wanted)) = lead
                && spec.co_partitioned
                && count != wanted
            {
                found.push(self.partitions_differ(spec, count, leader, wanted));
            }
            if let Some(config) = configs.get(&spec.name) {
                self.compare(spec, config, &mut found);
            }
        }
        Ok(found)
    }

    /// The first of the topics that must have as many partitions as the others and is there, and how many it has.
    ///
    /// # Errors
    /// `Fatal`: the cluster does not answer, or may not be asked.
    pub fn co_partitions(&self, specs: &[TopicSpec]) -> Result<Option<(String, i32)>, Failure> {
        for spec in specs.iter().filter(|spec| spec.co_partitioned) {
            if let Some(count) = self.cluster.partitions(&spec.name)? {
                return Ok(Some((spec.name.clone(), count)));
            }
        }
        Ok(None)
    }

    /// `max.message.bytes` of each topic, in order.
    ///
    /// # Errors
    /// `Fatal`: the cluster does not answer, or may not be asked.
    pub fn max_message_bytes(&self, topics: &[&str]) -> Result<Vec<usize>, Failure> {
        let configs = self.configs(topics)?;
        let read = |topic: &&str| configs.get(*topic)?.get("max.message.bytes")?.parse().ok();
        Ok(topics.iter().map(|topic| read(topic).unwrap_or(Limits::DEFAULT)).collect())
    }

    fn configs(&self, topics: &[&str]) -> Result<HashMap<String, HashMap<String, String>>, Failure> {
        if topics.is_empty() {
            return Ok(HashMap::new());
        }
        let which: Vec<ResourceSpecifier<'_>> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
        let told = block_on(self.client.describe_configs(&which, &self.options()));
        let told =
            told.map_err(|error| about_topic(&error, &self.settings, &topics.join("`, `"), "DESCRIBE_CONFIGS"))?;
        let (mut configs, mut untold) = (HashMap::new(), Vec::new());
        for resource in told.into_iter().flatten() {
            let OwnedResourceSpecifier::Topic(name) = &resource.specifier else { continue };
            // The binding passes over an error of a single topic: such a one has no entries.
            match values(&resource) {
                values if values.is_empty() => untold.push(name.clone()),
                values => drop(configs.insert(name.clone(), values)),
            }
        }
        if !untold.is_empty() {
            let denied = KafkaError::AdminOp(RDKafkaErrorCode::TopicAuthorizationFailed);
            return Err(about_topic(&denied, &self.settings, &untold.join("`, `"), "DESCRIBE_CONFIGS"));
        }
        Ok(configs)
    }

    fn compare(&self, spec: &TopicSpec, config: &HashMap<String, String>, found: &mut Vec<Difference>) {
        let is = |name: &str| config.get(name).map_or("", String::as_str);
        let number = |name: &str| is(name).parse::<i64>().ok();
        let mut tell = |severity, name: &str, what: String, value: &str| {
            found.push(difference(spec, severity, &what, Some(self.alter(spec, name, value))));
        };
        let policy = is("cleanup.policy");
        match spec.cleanup {
            Cleanup::Delete { retention_ms } => {
                if policy != "delete" {
                    let what = format!("cleanup.policy is {policy}, should be delete: compaction would drop events");
                    tell(Severity::Mistake, "cleanup.policy", what, "delete");
                }
                if let Some(kept) = number("retention.ms").filter(|&kept| kept >= 0 && kept < retention_ms) {
                    let what = format!("keeps records for {kept} ms, should be at least {retention_ms}");
                    tell(Severity::Warning, "retention.ms", what, &retention_ms.to_string());
                }
            }
            Cleanup::Compact { max_compaction_lag_ms, delete_retention_ms } => {
                if policy != "compact" {
                    let what = format!("cleanup.policy is {policy}, should be compact: state would be lost to time");
                    tell(Severity::Mistake, "cleanup.policy", what, "compact");
                }
                if let Some(lag) = number("max.compaction.lag.ms").filter(|&lag| lag > max_compaction_lag_ms) {
                    let what = format!(
                        "what was forgotten may linger for {lag} ms, should be at most {max_compaction_lag_ms}"
                    );
                    tell(Severity::Warning, "max.compaction.lag.ms", what, &max_compaction_lag_ms.to_string());
                }
                if let Some(kept) = number("delete.retention.ms").filter(|&kept| kept < delete_retention_ms) {
                    let what = format!("keeps tombstones for {kept} ms, should be at least {delete_retention_ms}");
                    tell(Severity::Warning, "delete.retention.ms", what, &delete_retention_ms.to_string());
                }
            }
        }
        let stamp = is("message.timestamp.type");
        if spec.append_time && stamp != "LogAppendTime" {
            let what = format!("message.timestamp.type is {stamp}, should be LogAppendTime: producers' clocks count");
            tell(Severity::Warning, "message.timestamp.type", what, "LogAppendTime");
        }
    }

    fn partitions_differ(&self, spec: &TopicSpec, count: i32, leader: &str, wanted: i32) -> Difference {
        let what = format!("has {count} partitions, `{leader}` has {wanted}: they must be equal");
        let (brokers, topic) = (&self.settings.brokers, &spec.name);
        let mend = if count < wanted {
            format!("kafka-topics.sh --bootstrap-server {brokers} --alter --topic {topic} --partitions {wanted}")
        } else {
            format!(
                "kafka-topics.sh --bootstrap-server {brokers} --delete --topic {topic}, then tierline topics create"
            )
        };
        difference(spec, Severity::Mistake, &what, Some(mend))
    }

    fn alter(&self, spec: &TopicSpec, name: &str, value: &str) -> String {
        format!(
            "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config {name}={value}",
            self.settings.brokers, spec.name
        )
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.settings.patience))
    }
}

fn difference(spec: &TopicSpec, severity: Severity, what: &str, mend: Option<String>) -> Difference {
    Difference { topic: spec.name.clone(), severity, what: what.to_owned(), mend }
}

/// The configuration with which a topic is made.
fn wanted(spec: &TopicSpec) -> Vec<(&'static str, String)> {
    let mut wanted = match spec.cleanup {
        Cleanup::Delete { retention_ms } => {
            vec![("cleanup.policy", "delete".to_owned()), ("retention.ms", retention_ms.to_string())]
        }
        Cleanup::Compact { max_compaction_lag_ms, delete_retention_ms } => vec![
            ("cleanup.policy", "compact".to_owned()),
            ("max.compaction.lag.ms", max_compaction_lag_ms.to_string()),
            ("delete.retention.ms", delete_retention_ms.to_string()),
        ],
    };
    if spec.append_time {
        wanted.push(("message.timestamp.type", "LogAppendTime".to_owned()));
    }
    wanted
}

fn values(resource: &ConfigResource) -> HashMap<String, String> {
    let told = resource.entries.iter();
    told.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}
