//! Whether what was promised held, by what a `read_committed` reader finds in the cluster.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;
use tierline_invariants::letters::{Inputs, Place};
use tierline_invariants::outcome::Grain;
use tierline_invariants::{Outcome, escalations, queue};
use tierline_stream::partitioner::partition_of;
use tierline_testkit::Cluster;

use crate::oracle::{self, instant, tail};
use crate::story::Told;
use crate::world::{GROUP, OUTPUT, World};

/// Characters of a violation that are told; the records are in the folder that is left behind.
const MOST: usize = 3_000;
const PATIENCE: Duration = Duration::from_secs(30);

/// What was compared, and what was found broken.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Input records, snapshots included.
    pub inputs: usize,
    /// Ticket events that lie there once more, because the producer never heard that the cluster had them.
    pub repeats: usize,
    /// Committed records of the output.
    pub outputs: usize,
    /// Dead letters.
    pub letters: usize,
    /// The kinds of output records that occurred: what the comparison is worth.
    pub kinds: Vec<String>,
    /// Each invariant that does not hold, in words.
    pub broken: Vec<String>,
}

/// Runs the pipeline on to `until`, and compares. Nothing else may run any more. `told` is everything that was sent,
/// in order.
///
/// # Errors
/// Nothing can be said: the inputs are not what was sent, or the uninterrupted run failed.
pub fn judge(world: &World, folder: &Path, binary: &Path, told: &[Told], until: i64) -> Result<Verdict, String> {
    let (cluster, partitions) = (&world.cluster, world.plan.partitions);
    let ended = world.tools.answer(["run", "--until", &instant(until)]);
    let mut verdict = Verdict { inputs: told.len(), ..Verdict::default() };
    if ended.code != Some(0) {
        verdict.broken.push(format!("the run to the end of the inputs failed: {}{}", ended.out, ended.err));
        return Ok(verdict);
    }

    let Lying { inputs, told, repeats } = lying(cluster, partitions, told)?;
    verdict.repeats = repeats;
    let letters = letters(cluster, partitions)?;
    verdict.letters = letters.len();
    note(&mut verdict, inputs.are_buried(letters));
    let committed: BTreeMap<i32, i64> = cluster.committed(GROUP, "tickets")?.into_iter().collect();
    note(&mut verdict, inputs.are_passed(|_, partition| committed.get(&partition).copied()));

    let lines = tail(&world.tools, OUTPUT);
    verdict.outputs = lines.len();
    if let Err(why) = seen_live(world, &lines) {
        verdict.broken.push(why);
    }
    let lines_as_text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    // For whoever looks into a failure.
    world.tools.write("escalations.jsonl", &lines_as_text);
    drop(lines_as_text);
    let records: Vec<Value> = lines.into_iter().map(|mut line| line["value"].take()).collect();
    note(&mut verdict, escalations(&records));
    note(&mut verdict, queue::agrees(&queue_of(world), &records));
    match Outcome::of(records) {
        Err(broken) => verdict.broken.push(broken.to_string()),
        Ok(outcome) => {
            verdict.kinds = outcome.kinds().into_iter().map(str::to_owned).collect();
            let expected = oracle::outcome(folder, binary, partitions, &told, until)?;
            note(&mut verdict, outcome.compare(&expected, Grain::Account));
        }
    }
    Ok(verdict)
}

fn note(verdict: &mut Verdict, holds: Result<(), tierline_invariants::Violation>) {
    verdict.broken.extend(holds.err().map(|broken| broken.to_string().chars().take(MOST).collect()));
}

/// The inputs as they lie in the cluster.
struct Lying {
    inputs: Inputs,
    /// What lies there: of each partition of `tickets` in its order, and all that was sent to other topics.
    told: Vec<Told>,
    repeats: usize,
}

/// How far back a producer can begin anew: what it may have under way of one partition, and some more.
const UNDER_WAY: usize = 20_000;

/// What lies there must be what was sent, in order. A producer that loses the answer to a request and its session with
/// it sends the same once more, under a new epoch: such repeats are inputs like all others, and the uninterrupted run
/// has to take them as well.
fn lying(cluster: &Cluster, partitions: i32, told: &[Told]) -> Result<Lying, String> {
    let mut sent: BTreeMap<i32, Vec<&Told>> = BTreeMap::new();
    for told in told.iter().filter(|told| told.stream == "tickets") {
        sent.entry(partition_of(told.key.as_bytes(), partitions)).or_default().push(told);
    }
    let others = told.iter().filter(|told| told.stream != "tickets").cloned().collect();
    let mut lying = Lying { inputs: Inputs::default(), told: others, repeats: 0 };
    let mut nexts: BTreeMap<i32, usize> = BTreeMap::new();
    let mut differs = None;
    read(cluster.client(), "tickets", partitions, &mut |message| {
        let all = sent.get(&message.partition()).map_or(&[][..], Vec::as_slice);
        let next = nexts.entry(message.partition()).or_default();
        let is_it = |told: &&&Told| message.payload() == Some(told.value.as_bytes());
        let found = match all.get(*next).filter(is_it) {
            Some(found) => {
                *next += 1;
                Some(found)
            }
            None => {
                lying.repeats += 1;
                all[next.saturating_sub(UNDER_WAY)..*next].iter().rfind(is_it)
            }
        };
        match found {
            Some(&found) => {
                lying.inputs.sent("tickets", message.partition(), message.offset(), !found.is_bad);
                lying.told.push(found.clone());
            }
            None => differs = differs.or(Some((message.partition(), message.offset()))),
        }
    })?;
    if let Some((partition, offset)) = differs {
        return Err(format!("record {offset} of partition {partition} of tickets is not what was sent there"));
    }
    for (partition, all) in sent {
        let there = nexts.get(&partition).copied().unwrap_or(0);
        if there != all.len() {
            return Err(format!("partition {partition} of tickets has {there} records; {} were sent", all.len()));
        }
    }
    Ok(lying)
}

/// Where each dead letter says that it comes from.
fn letters(cluster: &Cluster, partitions: i32) -> Result<Vec<Place>, String> {
    let mut places = Vec::new();
    read(cluster.client(), "dead-letters", partitions, &mut |message| {
        let header = |name: &str| {
            let mut headers = message.headers().into_iter().flat_map(|headers| headers.iter());
            let found = headers.find(|header| header.key == name).and_then(|header| header.value);
            found.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
        };
        let number = |name: &str| header(name).parse().unwrap_or(-1);
        let partition = i32::try_from(number("tierline.partition")).unwrap_or(-1);
        places.push((header("tierline.topic"), partition, number("tierline.offset")));
    })?;
    Ok(places)
}

/// A reader that was there all the time saw what is there now, in the same order, and nothing else.
fn seen_live(world: &World, lines: &[Value]) -> Result<(), String> {
    let mut there: Vec<Vec<i64>> = vec![Vec::new(); world.plan.partitions as usize];
    for line in lines {
        let place = (line["partition"].as_u64(), line["offset"].as_i64());
        if let (Some(partition), Some(offset)) = place
            && let Some(partition) = there.get_mut(partition as usize)
        {
            partition.push(offset);
        }
    }
    for (partition, (seen, there)) in world.watch.offsets().iter().zip(&there).enumerate() {
        // The last ones it may not have read yet.
        if !there.starts_with(seen) {
            let at = seen.iter().zip(there).position(|(seen, there)| seen != there).unwrap_or(there.len());
            return Err(format!(
                "SameOutcome: a live reader of partition {partition} of the output saw record {:?} where {:?} is now",
                seen.get(at),
                there.get(at)
            ));
        }
    }
    Ok(())
}

/// What is left of `escalation-queue`, by key.
fn queue_of(world: &World) -> BTreeMap<String, Value> {
    let mut queue = BTreeMap::new();
    for mut line in tail(&world.tools, "escalation-queue") {
        let key = line["key"].as_str().unwrap_or_default().to_owned();
        match line["value"].take() {
            Value::Null => drop(queue.remove(&key)),
            entry => drop(queue.insert(key, entry)),
        }
    }
    queue
}

/// Hands over the committed records of a topic, up to its present end: partition by partition, in order.
fn read(
    mut client: ClientConfig,
    topic: &str,
    partitions: i32,
    each: &mut dyn FnMut(&rdkafka::message::BorrowedMessage<'_>),
) -> Result<(), String> {
    let text = |error: rdkafka::error::KafkaError| format!("cannot read {topic}: {error}");
    client.set("group.id", "the-verdict").set("isolation.level", "read_committed").set("enable.auto.commit", "false");
    let mut uncommitted = client.clone();
    let ends: BaseConsumer = uncommitted.set("isolation.level", "read_uncommitted").create().map_err(text)?;
    let consumer: BaseConsumer = client.create().map_err(text)?;
    let began = Instant::now();
    for partition in 0..partitions {
        let (low, end) = ends.fetch_watermarks(topic, partition, PATIENCE).map_err(text)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(low)).map_err(text)?;
        consumer.assign(&list).map_err(text)?;
        // The position passes over markers and aborted records as well.
        let position = || {
            let positions = consumer.position().ok()?;
            positions.find_partition(topic, partition)?.offset().to_raw()
        };
        while low < end && position().unwrap_or(low) < end {
            match consumer.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => each(&message),
                // Brokers may have come back a moment ago.
                Some(Err(error)) if began.elapsed() > PATIENCE => return Err(text(error)),
                Some(Err(_)) | None => {}
            }
        }
    }
    Ok(())
}
