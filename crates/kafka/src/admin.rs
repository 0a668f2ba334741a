//! Makes topics as they should be, and tells how those that are there differ, with what would mend them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tierline_stream::log::Failure;
use tierline_stream::topics::{Cleanup, TopicSpec};

use crate::cluster::Cluster;
pub use crate::differences::{Difference, Severity};
use crate::differences::{Present, differences};
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
    /// default. With three replicas or more a commit needs two of them (`min.insync.replicas`). Answers for each, in
    /// order.
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
        let wanted = wanted(spec, replication);
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
        let mut layouts = Vec::with_capacity(specs.len());
        for spec in specs {
            layouts.push(self.cluster.layout(&spec.name)?);
        }
        let there = specs.iter().zip(&layouts).filter(|(_, layout)| layout.is_some());
        let there: Vec<&str> = there.map(|(spec, _)| spec.name.as_str()).collect();
        let configs = self.configs(&there)?;
        let found = specs.iter().zip(layouts).map(|(spec, layout)| {
            let config = configs.get(&spec.name).cloned().unwrap_or_default();
            (spec, layout.map(|layout| Present { layout, config }))
        });
        Ok(differences(&self.settings.brokers, &found.collect::<Vec<_>>()))
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

    /// How long a compacted topic keeps its tombstones; `None`: for ever, or it says nothing that can be read.
    ///
    /// # Errors
    /// `Fatal`: the cluster does not answer, or may not be asked.
    pub fn tombstones_kept(&self, topic: &str) -> Result<Option<Duration>, Failure> {
        let configs = self.configs(&[topic])?;
        let kept = configs.get(topic).and_then(|config| config.get("delete.retention.ms")?.parse().ok());
        Ok(kept.map(Duration::from_millis))
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

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.settings.patience))
    }
}

/// The configuration with which a topic of so many replicas is made.
fn wanted(spec: &TopicSpec, replication: Option<i32>) -> Vec<(&'static str, String)> {
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
    // With two, one broker away would stop everything; with the brokers' default, theirs decides.
    if replication.is_some_and(|replicas| replicas >= 3) {
        wanted.push(("min.insync.replicas", "2".to_owned()));
    }
    wanted
}

fn values(resource: &ConfigResource) -> HashMap<String, String> {
    let told = resource.entries.iter();
    told.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_needs_two_of_three_replicas() {
        let cleanup = Cleanup::Delete { retention_ms: 1 };
        let name = "escalations".to_owned();
        let spec = TopicSpec { name, co_partitioned: true, cleanup, append_time: false, written: true, read: false };
        let least = |replication| {
            let wanted = wanted(&spec, replication);
            wanted.into_iter().find(|(name, _)| *name == "min.insync.replicas").map(|(_, least)| least)
        };
        assert_eq!(least(Some(3)).as_deref(), Some("2"));
        assert_eq!([least(None), least(Some(1)), least(Some(2))], [None, None, None]);
    }
}
