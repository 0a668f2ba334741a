//! `log: { kind: kafka, … }`: how to reach a cluster, and as whom.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tierline_rules::source::{Keys, Node, codes, text, texts};

use crate::time::within;
use crate::{Reading, Secret, properties};

/// How to reach a cluster, and as whom.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// `host:port`, comma-separated.
    pub brokers: String,
    /// The consumer group: who is in it shares the work.
    pub group: String,
    /// This process's name: unique in the group, and the same after a restart.
    pub instance: String,
    /// How long a question to the cluster may take before it counts as unreachable; 1 s to 10 min.
    pub patience: Duration,
    /// librdkafka's properties that may be shown.
    pub properties: BTreeMap<String, String>,
    /// Those that may not.
    pub secrets: BTreeMap<String, Secret>,
}

impl Kafka {
    /// All properties, the secret ones with them: for the clients, not for messages.
    pub fn all_properties(&self) -> BTreeMap<String, String> {
        let secrets = self.secrets.iter().map(|(name, secret)| (name.clone(), secret.expose().to_owned()));
        self.properties.clone().into_iter().chain(secrets).collect()
    }

    /// Reads its keys of `log`.
    pub(crate) fn read(keys: &mut Keys<'_>, commit_interval: Duration, reading: &mut Reading<'_>) -> Option<Kafka> {
        let brokers = keys.required("brokers", reading.found).and_then(|node| brokers(node, reading));
        let group = keys.optional("group").map(|node| name(node, "`log.group`", reading));
        let instance = keys.optional("instance").map(|node| name(node, "`log.instance`", reading));
        let patience = keys.optional("patience");
        let patience = patience.and_then(|node| within(node, "`log.patience`", (1_000, 600_000), reading));
        let properties = keys.optional("properties");
        let (properties, secrets) =
            properties.map(|node| properties::read(node, commit_interval, reading)).unwrap_or_default();
        Some(Kafka {
            brokers: brokers?,
            group: group.unwrap_or_else(|| Some("tierline".to_owned()))?,
            instance: instance.unwrap_or_else(|| Some(machine(reading)))?,
            patience: Duration::from_millis(patience.unwrap_or(30_000).unsigned_abs()),
            properties,
            secrets,
        })
    }
}

/// One text or a list, of `host:port`.
fn brokers(node: &Node, reading: &mut Reading<'_>) -> Option<String> {
    let written = texts(node, "`log.brokers`", reading.found)?;
    let each: Vec<&str> = written.iter().flat_map(|some| some.split(',')).map(str::trim).collect();
    let wrong = each.iter().find(|broker| !is_host_and_port(broker)).copied().or(each.is_empty().then_some(""));
    if let Some(wrong) = wrong {
        reading
            .found
            .mistake(codes::WRONG_KIND, &node.span, "`log.brokers` lists brokers as `host:port`")
            .label(format!("`{wrong}` is none"))
            .help("write `kafka-1:9092,kafka-2:9092`, or a list");
        return None;
    }
    Some(each.join(","))
}

fn is_host_and_port(broker: &str) -> bool {
    let letters = |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b));
    broker
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && letters(host) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// A name that is part of transactional ids and of folders' names.
fn name(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<String> {
    let name = text(node, what, reading.found)?;
    if !is_name(name) {
        let message = format!("{what} has 1 to 200 letters, digits, dots, hyphens and underscores");
        reading.found.mistake(codes::ID, &node.span, message);
        return None;
    }
    Some(name.to_owned())
}

fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    letters && (1..=200).contains(&name.len()) && name.bytes().any(|byte| byte != b'.')
}

/// What this machine is called: the same after a restart, and another than that of the next one.
fn machine(reading: &Reading<'_>) -> String {
    let variable = reading.surroundings.variable("HOSTNAME");
    let named = variable.or_else(|| reading.surroundings.file(Path::new("/etc/hostname")).ok());
    named.map(|name| name.trim().to_owned()).filter(|name| is_name(name)).unwrap_or_else(|| "0".to_owned())
}
