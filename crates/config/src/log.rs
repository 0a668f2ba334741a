//! `log:`: where records come from and go to, and how they are worked off.

use std::path::PathBuf;
use std::time::Duration;

use tierline_rules::source::{Keys, Node, boolean, codes, text, whole, word};
use tierline_stream::Checkpoints;

use crate::time::within;
use crate::{Kafka, Reading};

/// Where records come from and go to.
#[derive(Clone, Debug)]
pub enum Log {
    /// One process and one folder.
    Embedded {
        /// The folder; a relative one counts from where the program is started.
        path: PathBuf,
        /// How many partitions each topic gets when the folder is made; 1 to 1,000.
        partitions: i32,
    },
    /// A Kafka cluster.
    Kafka(Kafka),
}

/// How records are worked off.
#[derive(Clone, Debug)]
pub struct Work {
    /// Threads, each with its share of the partitions; 1 to 64.
    pub lanes: usize,
    /// A transaction lasts no longer than this; 1 ms to 5 s.
    pub commit_interval: Duration,
    /// When and where checkpoints are made, in a folder that no other instance uses; none: every start reads the whole
    /// changelog.
    pub checkpoints: Option<Checkpoints>,
}

/// The folder of an embedded log that isn't told.
const FOLDER: &str = "tierline-data";
/// The folder under which each instance on Kafka keeps its checkpoints.
const CHECKPOINTS: &str = "tierline-checkpoints";
const SECOND: i64 = 1_000;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Embedded,
    Kafka,
}

/// Reads the section.
pub(crate) fn read(node: Option<&Node>, reading: &mut Reading<'_>) -> (Log, Work) {
    let mut work = Work { lanes: 1, commit_interval: Duration::from_millis(100), checkpoints: None };
    let unset = Log::Embedded { path: PathBuf::from(FOLDER), partitions: 4 };
    let keys = node.and_then(|node| Keys::of(node, "`log`", reading.found));
    let Some(mut keys) = keys else {
        work.checkpoints = Some(Checkpoints::in_folder(own_folder(&unset, None)));
        return (unset, work);
    };
    let kind = keys.required("kind", reading.found);
    let kinds = [("embedded", Kind::Embedded), ("kafka", Kind::Kafka)];
    let kind = kind.and_then(|node| word(node, "`log.kind`", &kinds, reading.found));
    if let Some(node) = keys.optional("commit_interval")
        && let Some(length) = within(node, "`log.commit_interval`", (1, 5 * SECOND), reading)
    {
        work.commit_interval = Duration::from_millis(length.unsigned_abs());
    }
    let lanes = keys.optional("lanes");
    if let Some(lanes) = lanes.and_then(|node| whole(node, "`log.lanes`", (1, 64), reading.found)) {
        work.lanes = lanes as usize;
    }
    let foreign: &[_] = match kind {
        Some(Kind::Embedded) => &["brokers", "group", "instance", "patience", "properties"],
        Some(Kind::Kafka) => &["path", "partitions"],
        None => &[],
    };
    for entry in foreign.iter().filter_map(|key| keys.entry(key)) {
        let message = format!("`log.{}` is not for this kind of log", entry.key.text);
        let help = match entry.key.text.as_str() {
            "partitions" => "the partitions are those of the topics: `tierline topics create --partitions 12`",
            "path" => "records are kept by the cluster; checkpoints have a folder: `checkpoints: { folder: PATH }`",
            _ => "write `kind: kafka`, or leave it out",
        };
        reading.found.mistake(codes::CONTRADICTION, &entry.key.span, message).help(help);
    }
    let log = match kind {
        Some(Kind::Embedded) => embedded(&mut keys, reading),
        Some(Kind::Kafka) => Kafka::read(&mut keys, work.commit_interval, reading).map_or(unset, Log::Kafka),
        None => {
            // Without its kind, none of its keys can be called wrong.
            checkpoints(keys.optional("checkpoints"), &unset, reading);
            return (unset, work);
        }
    };
    if let (Log::Embedded { partitions, .. }, Some(node)) = (&log, lanes)
        && work.lanes > partitions.unsigned_abs() as usize
    {
        let message = format!("{} lanes share {partitions} partitions: some would have nothing to do", work.lanes);
        reading.found.mistake(codes::CONTRADICTION, &node.span, message).help("raise `partitions`, or lower `lanes`");
    }
    work.checkpoints = checkpoints(keys.optional("checkpoints"), &log, reading);
    keys.finish(reading.found);
    (log, work)
}

fn embedded(keys: &mut Keys<'_>, reading: &mut Reading<'_>) -> Log {
    let path = keys.optional("path").and_then(|node| folder(node, "`log.path`", reading));
    let partitions = keys.optional("partitions");
    let partitions = partitions.and_then(|node| whole(node, "`log.partitions`", (1, 1_000), reading.found));
    Log::Embedded {
        path: path.unwrap_or_else(|| PathBuf::from(FOLDER)),
        // At most 1,000.
        partitions: partitions.map_or(4, |number| number as i32),
    }
}

fn folder(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<PathBuf> {
    let path = text(node, what, reading.found)?;
    if path.is_empty() {
        reading.found.mistake(codes::FILE, &node.span, format!("{what} names a folder"));
        return None;
    }
    Some(PathBuf::from(path))
}

/// `checkpoints: false`, or `{ folder, interval }`.
fn checkpoints(node: Option<&Node>, log: &Log, reading: &mut Reading<'_>) -> Option<Checkpoints> {
    let mut checkpoints = Checkpoints::in_folder(own_folder(log, None));
    let Some(node) = node else { return Some(checkpoints) };
    if node.scalar().is_some() {
        return boolean(node, "`log.checkpoints`", reading.found)?.then_some(checkpoints);
    }
    let mut keys = Keys::of(node, "`log.checkpoints`", reading.found)?;
    if let Some(base) = keys.optional("folder").and_then(|node| folder(node, "`log.checkpoints.folder`", reading)) {
        checkpoints.folder = own_folder(log, Some(base));
    }
    if let Some(node) = keys.optional("interval")
        && let Some(length) = within(node, "`log.checkpoints.interval`", (SECOND, 6 * 3_600 * SECOND), reading)
    {
        checkpoints.interval = Duration::from_millis(length.unsigned_abs());
    }
    keys.finish(reading.found);
    Some(checkpoints)
}

/// A folder that no other instance uses, even if they are started in the same place.
fn own_folder(log: &Log, base: Option<PathBuf>) -> PathBuf {
    match log {
        Log::Embedded { path, .. } => base.unwrap_or_else(|| path.join("checkpoints")),
        Log::Kafka(Kafka { group, instance, .. }) => {
            base.unwrap_or_else(|| PathBuf::from(CHECKPOINTS)).join(format!("{group}-{instance}"))
        }
    }
}
