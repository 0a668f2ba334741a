//! Reads what is committed, as it becomes visible: what a consumer downstream sees, and how long it sees nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

/// What [`Watch::flows`] looks back to.
const LATELY: Duration = Duration::from_millis(1_500);

/// A reader of one topic on a thread of its own. It ends when it is dropped.
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    /// By partition: offset, and when it became visible, in the order of arrival.
    partitions: Vec<Vec<(i64, Instant)>>,
}

impl Watch {
    /// Begins to read a topic from its beginning.
    pub fn start(mut client: ClientConfig, topic: &str, partitions: i32) -> Result<Watch, String> {
        client
            .set("group.id", "the-watch")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "50")
            .set("fetch.error.backoff.ms", "50")
            .set("retry.backoff.max.ms", "250");
        let consumer: BaseConsumer = client.create().map_err(|error| error.to_string())?;
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).map_err(|error| error.to_string())?;
        }
        consumer.assign(&list).map_err(|error| error.to_string())?;
        let seen = Arc::new(Mutex::new(Seen { partitions: vec![Vec::new(); partitions as usize] }));
        let stop = Arc::new(AtomicBool::new(false));
        let (to, until) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                // An error is a broker that is away, which is what this is about.
                let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
                let mut seen = to.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(partition) = seen.partitions.get_mut(message.partition() as usize) {
                    partition.push((message.offset(), Instant::now()));
                }
            }
        });
        Ok(Watch { seen, stop, thread: Some(thread) })
    }

    /// How many records became visible.
    pub fn count(&self) -> usize {
        self.seen().partitions.iter().map(Vec::len).sum()
    }

    /// Whether every partition has spoken lately; else the first that has not.
    pub fn flows(&self) -> Result<(), String> {
        let (seen, now) = (self.seen(), Instant::now());
        for (number, partition) in seen.partitions.iter().enumerate() {
            let lately = partition.iter().rev().take_while(|(_, at)| now.duration_since(*at) < LATELY).count();
            if lately < 2 {
                return Err(format!("partition {number} of the output is silent"));
            }
        }
        Ok(())
    }

    /// The longest that any partition said nothing, of what overlaps this time.
    pub fn silence(&self, from: Instant, to: Instant) -> Duration {
        let seen = self.seen();
        let arrivals = |partition: &Vec<(i64, Instant)>| partition.iter().map(|&(_, at)| at).collect::<Vec<_>>();
        seen.partitions.iter().map(|partition| silence(&arrivals(partition), from, to)).max().unwrap_or_default()
    }

    /// The offsets that became visible, by partition, in the order of arrival.
    pub fn offsets(&self) -> Vec<Vec<i64>> {
        self.seen().partitions.iter().map(|partition| partition.iter().map(|&(offset, _)| offset).collect()).collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The longest gap between two arrivals, of those gaps that overlap the time; its ends count as arrivals where there
/// are none beyond.
fn silence(arrivals: &[Instant], from: Instant, to: Instant) -> Duration {
    let first = arrivals.partition_point(|&at| at <= from);
    let mut last = if first > 0 { arrivals[first - 1] } else { from };
    let mut longest = Duration::ZERO;
    for &at in &arrivals[first..] {
        longest = longest.max(at.duration_since(last));
        last = at;
        if at >= to {
            return longest;
        }
    }
    longest.max(to.saturating_duration_since(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_the_longest_gap_that_overlaps_the_time() {
        let began = Instant::now();
        let at = |second| began + Duration::from_secs(second);
        let arrivals = [at(1), at(2), at(6), at(7), at(20)];
        let seconds = |from, to| silence(&arrivals, at(from), at(to)).as_secs();
        assert_eq!(seconds(3, 7), 4, "it began before");
        assert_eq!(seconds(6, 8), 13, "it ended afterwards");
        assert_eq!(seconds(1, 3), 4, "it goes on beyond");
        assert_eq!(seconds(20, 25), 5, "it has not ended");
        assert_eq!(seconds(0, 1), 1);
    }
}
