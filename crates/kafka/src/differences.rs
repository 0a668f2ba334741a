//! How topics differ from what they should be: a comparison, apart from whoever asks the cluster.
//!
//! A mistake stops a start. A warning is about a promise that holds only while nothing breaks: it never does, because
//! whether to run on fewer replicas is the cluster's owner's to say.

use std::collections::HashMap;
use std::fmt;

use tierline_stream::topics::{Cleanup, TopicSpec};

use crate::cluster::Layout;

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

/// A topic as it is.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    pub(crate) layout: Layout,
    /// Its configuration, names and values; without entries where the cluster tells none.
    pub(crate) config: HashMap<String, String>,
}

/// All differences, in the order of the topics. The first co-partitioned topic that is there sets the number of
/// partitions. `brokers` is what the commands that mend it connect to.
pub(crate) fn differences(brokers: &str, topics: &[(&TopicSpec, Option<Present>)]) -> Vec<Difference> {
    let lead = topics.iter().filter(|(spec, _)| spec.co_partitioned);
    let lead = lead.flat_map(|(spec, is)| Some((spec.name.as_str(), is.as_ref()?.layout.partitions))).next();
    let mut found = Vec::new();
    for (spec, is) in topics {
        let topic = Topic { brokers, spec };
        match is {
            None => found.push(topic.mistake("does not exist".into(), Some("tierline topics create".into()))),
            Some(is) => {
                found.extend(lead.and_then(|lead| topic.partitions_differ(is.layout.partitions, lead)));
                topic.compare_configuration(&is.config, &mut found);
                topic.compare_durability(is, &mut found);
            }
        }
    }
    found
}

struct Topic<'a> {
    brokers: &'a str,
    spec: &'a TopicSpec,
}

impl Topic<'_> {
    fn compare_configuration(&self, config: &HashMap<String, String>, found: &mut Vec<Difference>) {
        let is = |name: &str| config.get(name).map_or("", String::as_str);
        let number = |name: &str| is(name).parse::<i64>().ok();
        let policy = is("cleanup.policy");
        match self.spec.cleanup {
            Cleanup::Delete { retention_ms } => {
                if policy != "delete" {
                    let what = format!("cleanup.policy is {policy}, should be delete: compaction would drop events");
                    found.push(self.mistake(what, Some(self.alter("cleanup.policy", "delete"))));
                }
                if let Some(kept) = number("retention.ms").filter(|&kept| kept >= 0 && kept < retention_ms) {
                    let what = format!("keeps records for {kept} ms, should be at least {retention_ms}");
                    found.push(self.warning(what, "retention.ms", &retention_ms.to_string()));
                }
            }
            Cleanup::Compact { max_compaction_lag_ms, delete_retention_ms } => {
                if policy != "compact" {
                    let what = format!("cleanup.policy is {policy}, should be compact: state would be lost to time");
                    found.push(self.mistake(what, Some(self.alter("cleanup.policy", "compact"))));
                }
                if let Some(lag) = number("max.compaction.lag.ms").filter(|&lag| lag > max_compaction_lag_ms) {
                    let what = format!(
                        "what was forgotten may linger for {lag} ms, should be at most {max_compaction_lag_ms}"
                    );
                    found.push(self.warning(what, "max.compaction.lag.ms", &max_compaction_lag_ms.to_string()));
                }
                if let Some(kept) = number("delete.retention.ms").filter(|&kept| kept < delete_retention_ms) {
                    let what = format!("keeps tombstones for {kept} ms, should be at least {delete_retention_ms}");
                    found.push(self.warning(what, "delete.retention.ms", &delete_retention_ms.to_string()));
                }
            }
        }
        let stamp = is("message.timestamp.type");
        if self.spec.append_time && stamp != "LogAppendTime" {
            let what = format!("message.timestamp.type is {stamp}, should be LogAppendTime: producers' clocks count");
            found.push(self.warning(what, "message.timestamp.type", "LogAppendTime"));
        }
    }

    /// What `acks=all` is worth. Where there is one broker there is nothing to compare: its owner knows.
    fn compare_durability(&self, Present { layout, config }: &Present, found: &mut Vec<Difference>) {
        if layout.brokers < 2 {
            return;
        }
        if layout.replicas < 2 {
            let what = "has one replica of some partition, should have 3: what that broker's disk loses is lost".into();
            let mend = "kafka-reassign-partitions.sh, or delete it and tierline topics create --replication 3".into();
            found.push(Difference { mend: Some(mend), ..self.difference(Severity::Warning, what) });
        } else if config.get("min.insync.replicas").is_some_and(|least| least == "1") {
            let what = "min.insync.replicas is 1, should be 2: what is committed may be on one disk alone".into();
            found.push(self.warning(what, "min.insync.replicas", "2"));
        }
        if config.get("unclean.leader.election.enable").is_some_and(|may| may == "true") {
            let what =
                "unclean.leader.election.enable is true: a replica that lags may lead, and drop what is committed";
            found.push(self.warning(what.into(), "unclean.leader.election.enable", "false"));
        }
    }

    fn partitions_differ(&self, count: i32, (leader, wanted): (&str, i32)) -> Option<Difference> {
        if !self.spec.co_partitioned || count == wanted {
            return None;
        }
        let what = format!("has {count} partitions, `{leader}` has {wanted}: they must be equal");
        let (brokers, topic) = (self.brokers, &self.spec.name);
        let mend = if count < wanted {
            format!("kafka-topics.sh --bootstrap-server {brokers} --alter --topic {topic} --partitions {wanted}")
        } else {
            format!(
                "kafka-topics.sh --bootstrap-server {brokers} --delete --topic {topic}, then tierline topics create"
            )
        };
        Some(self.mistake(what, Some(mend)))
    }

    fn mistake(&self, what: String, mend: Option<String>) -> Difference {
        Difference { mend, ..self.difference(Severity::Mistake, what) }
    }

    /// One that a value of the topic's configuration mends.
    fn warning(&self, what: String, name: &str, value: &str) -> Difference {
        Difference { mend: Some(self.alter(name, value)), ..self.difference(Severity::Warning, what) }
    }

    fn difference(&self, severity: Severity, what: String) -> Difference {
        Difference { topic: self.spec.name.clone(), severity, what, mend: None }
    }

    fn alter(&self, name: &str, value: &str) -> String {
        format!(
            "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config {name}={value}",
            self.brokers, self.spec.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tierline_stream::topics::{Names, detect_topics};

    fn told(brokers: usize, replicas: usize, config: &[(&str, &str)]) -> Vec<String> {
        let specs = detect_topics(&Names::with_prefix(""));
        let state = specs.iter().find(|spec| spec.name == "detect-state").expect("it is one of them");
        let usual = [("cleanup.policy", "compact"), ("min.insync.replicas", "2")];
        let config = usual.iter().chain(config).map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let is = Present { layout: Layout { partitions: 3, replicas, brokers }, config };
        let found = differences("b:9092", &[(state, Some(is))]);
        assert!(found.iter().all(|difference| difference.severity == Severity::Warning), "{found:?}");
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_replica_where_there_could_be_more_is_warned_of() {
        let told = told(3, 1, &[]);
        assert!(told.len() == 1 && told[0].contains("`detect-state`: has one replica"), "{told:?}");
    }

    #[test]
    fn commits_that_one_disk_alone_may_hold_are_warned_of_with_what_mends_it() {
        let told = told(3, 3, &[("min.insync.replicas", "1")]);
        assert!(told.len() == 1 && told[0].ends_with("--add-config min.insync.replicas=2"), "{told:?}");
    }

    #[test]
    fn a_leader_that_may_have_missed_commits_is_warned_of() {
        let told = told(3, 3, &[("unclean.leader.election.enable", "true")]);
        assert!(told.len() == 1 && told[0].ends_with("unclean.leader.election.enable=false"), "{told:?}");
    }

    #[test]
    fn a_cluster_as_it_should_be_and_one_of_a_single_broker_are_told_nothing() {
        assert_eq!(told(3, 3, &[]), [""; 0]);
        assert_eq!(told(1, 1, &[("min.insync.replicas", "1")]), [""; 0]);
    }
}
