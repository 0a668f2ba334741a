//! Threads of a gateway that follow topics: what is remembered, who is who, what connectors write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tierline_intake::directory::{Shared, Topic};
use tierline_intake::gateway::{Queue, Tap};
use tierline_intake::{Opener, Source};
use tierline_observe::{Health, IntakeMetrics};
use tierline_stream::topics::Names;

use crate::ended::Untried;
use crate::hooks::now;

/// A thread that follows a topic. It ends when dropped.
pub struct Follower {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A log that is away is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// Whoever says who is who moves what lies elsewhere by it; after so long, anybody does.
const OTHERS_SETTLE: Duration = Duration::from_secs(5);

impl Follower {
    /// Of a topic of what is remembered. `part` is what waits for it.
    pub fn of_directory(
        directory: Shared,
        opener: Opener,
        names: Names,
        topic: Topic,
        health: Health,
        part: &'static str,
    ) -> Result<Follower, Untried> {
        Follower::start(topic.name(&names).to_owned(), move |stop| {
            follow(&directory, opener, &names, topic, (&health, part), stop);
        })
    }

    /// Of a topic that a connector writes to.
    pub fn of_topic(
        topic: String,
        source: Arc<dyn Source>,
        queue: Queue,
        directory: Shared,
        metrics: IntakeMetrics,
        mut opener: Opener,
    ) -> Result<Follower, Untried> {
        Follower::start("tap".to_owned(), move |stop| {
            let (topic, source) = (topic.as_str(), source.as_ref());
            let (queue, directory, metrics) = (&queue, &directory, &metrics);
            tap(&Tap { topic, source, queue, directory, metrics, now, stop }, &mut opener);
        })
    }

    /// Of nothing: has moved what lies elsewhere than who is who says, at the start and where others did not.
    pub fn settling(directory: Shared, queue: Queue) -> Result<Follower, Untried> {
        Follower::start("settle".to_owned(), move |stop| settle(&directory, &queue, stop))
    }

    fn start(name: String, work: impl FnOnce(&AtomicBool) + Send + 'static) -> Result<Follower, Untried> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name(name).spawn(move || work(&stopped))?;
        Ok(Follower { stop, thread: Some(thread) })
    }
}

fn tap(tap: &Tap<'_>, opener: &mut Opener) {
    while !tap.stop.load(Ordering::Relaxed) {
        if !tap.directory.is_ready() {
            std::thread::sleep(AGAIN);
            continue;
        }
        if let Err(failure) = opener().and_then(|mut client| tap.follow(client.as_mut())) {
            tracing::warn!(%failure, topic = tap.topic, "a topic of payloads cannot be read; it is tried again");
            std::thread::sleep(AGAIN);
        }
    }
}

fn follow(
    directory: &Shared,
    mut opener: Opener,
    names: &Names,
    topic: Topic,
    (health, part): (&Health, &'static str),
    stop: &AtomicBool,
) {
    let mut reached = Vec::new();
    let name = topic.name(names);
    while !stop.load(Ordering::Relaxed) {
        let followed = opener().and_then(|mut client| {
            if !directory.has_read(topic) {
                reached = directory.load_topic(client.as_mut(), names, topic)?;
                if directory.is_ready() {
                    health.part(part, None);
                }
            }
            directory.follow(client.as_mut(), names, topic, &mut reached, stop)
        });
        if let Err(failure) = followed {
            tracing::warn!(%failure, topic = name, "what is remembered cannot be read; it is tried again");
            if !directory.has_read(topic) {
                health.part(part, Some(format!("cannot read {name}: {failure}")));
            }
            std::thread::sleep(AGAIN);
        }
    }
}

fn settle(directory: &Shared, queue: &Queue, stop: &AtomicBool) {
    // The first time all there is: the configuration may call accounts otherwise, or somebody was killed in between.
    let mut left = None;
    let mut is_first = true;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(AGAIN / 4);
        if is_first {
            is_first = !directory.is_ready() || !queue.settle(None);
            continue;
        }
        let of = left.take().unwrap_or_else(|| directory.unsettled(OTHERS_SETTLE));
        if !of.is_empty() && !queue.settle(Some(of.clone())) {
            left = Some(of);
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic was reported when it happened.
            let _ = thread.join();
        }
    }
}
