//! The webhook gateway of a process: its desk, its directory, its address; and who asks for what webhooks missed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tierline_config::{Config, Intake};
use tierline_intake::directory::Shared;
use tierline_intake::gateway::{self, Gateway, Queue, Settings, Tap, Trusted, Worker};
use tierline_intake::reconcile::Around;
use tierline_intake::{Desk, Encoder, Opener, Source};
use tierline_model::Millis;
use tierline_observe::{Health, IntakeMetrics};
use tokio::sync::oneshot;

use crate::asking::Askers;
use crate::ended::Untried;
use crate::host::Host;
use crate::records::Encodings;

/// A gateway that takes webhooks until it is ended.
pub struct Hooks {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<()>,
    /// The directory's, and those of the topics that connectors write to.
    followers: Vec<Follower>,
    askers: Askers,
    _worker: Worker,
}

/// A thread that follows a topic.
struct Follower {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the process calls itself where it is waited for.
const PART: &str = "gateway";
/// A log that is away is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);

impl Hooks {
    /// Starts one, if a source is configured. `opener` makes what opens clients of the log.
    ///
    /// # Errors
    /// Its address is taken, its TLS can't be used.
    pub fn start(
        config: &Config,
        host: &Host,
        opener: &dyn Fn() -> Result<Opener, Untried>,
    ) -> Result<Option<Hooks>, Untried> {
        if config.intake.sources.is_empty() {
            return Ok(None);
        }
        let settings = settings(&config.intake)?;
        let listener = host.listen_for(config.intake.listen, "intake.listen")?;
        let address = listener.local_addr()?;
        let by = uuid();
        let directory = Shared::new(by.clone());
        let sources = Arc::new(config.intake.sources.clone());
        let metrics = IntakeMetrics::new(host.metrics(), sources.keys().map(String::as_str), now());
        let desk =
            Desk::new(Arc::clone(&sources), encoder(config), directory.clone(), opener()?, Some(metrics.clone()));
        let asked_by = metrics.clone();
        let mut followers =
            vec![Follower::of_directory(directory.clone(), opener()?, config.topics.directory.clone(), host.health())?];
        let health = host.health();
        let died = Box::new(move || health.part_ended(PART, "nobody works deliveries off; the reason stands above"));
        let (gateway, worker) =
            Gateway::new(Arc::clone(&sources), desk, directory.clone(), metrics, settings, now, died)?;
        for (topic, source) in &config.intake.topics {
            let source = Arc::clone(&sources[source]);
            followers.push(Follower::of_topic(topic.clone(), source, gateway.queue(), directory.clone(), opener()?)?);
        }
        let askers = Askers::start(config, opener, |source| Around {
            source: Arc::clone(source),
            queue: gateway.queue(),
            directory: directory.clone(),
            metrics: asked_by.clone(),
            now,
            by: by.clone(),
        })?;
        let (stop, stopped) = oneshot::channel();
        let server = host.spawn(async move {
            let stopped = async {
                // Its sender is dropped only when the process ends anyway.
                let _ = stopped.await;
            };
            if let Err(error) = gateway.serve(listener, stopped).await {
                tracing::error!(%error, "webhooks are not taken any more");
            }
        });
        let scheme = if config.intake.tls.is_some() { "https" } else { "http" };
        for source in config.intake.sources.keys() {
            tracing::info!(source, "webhooks are taken at {scheme}://{address}/hooks/{source}");
        }
        Ok(Some(Hooks { address, stop, server, followers, askers, _worker: worker }))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Finishes what was begun.
    pub fn end(self, host: &Host) {
        self.askers.end();
        // A server that has ended hears nothing.
        let _ = self.stop.send(());
        let _ = host.block_on(self.server);
        drop(self.followers);
    }
}

/// How records are encoded, as the configuration says.
pub fn encoder(config: &Config) -> Encoder {
    let mut encodings = Encodings::new(config);
    let encoding = move |record, topic: &str| encodings.of(record, topic).map_err(|error| error.to_string());
    Encoder::new(config.topics.clone(), Box::new(encoding))
}

/// The wall clock, UTC.
pub fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

fn uuid() -> String {
    format!("{}-{}", std::process::id(), now())
}

fn settings(intake: &Intake) -> Result<Settings, Untried> {
    let tls = intake.tls.as_ref().map(|tls| gateway::tls(&tls.certificate, &tls.key));
    let trusted = &intake.trusted;
    Ok(Settings {
        body_limit: intake.body_limit,
        timeout: intake.timeout,
        tls: tls.transpose().map_err(|error| Untried::because(format!("intake.tls: {error}")))?,
        trusted: Trusted { scheme: trusted.scheme.clone(), host: trusted.host.clone(), path: trusted.path.clone() },
    })
}

impl Follower {
    fn of_directory(directory: Shared, opener: Opener, topic: String, health: Health) -> Result<Follower, Untried> {
        health.part(PART, Some("reading what it must remember".to_owned()));
        Follower::start("directory", move |stop| follow(&directory, opener, &topic, &health, stop))
    }

    fn of_topic(
        topic: String,
        source: Arc<dyn Source>,
        queue: Queue,
        directory: Shared,
        opener: Opener,
    ) -> Result<Follower, Untried> {
        Follower::start("tap", move |stop| tap(&topic, source.as_ref(), &queue, &directory, opener, stop))
    }

    fn start(name: &str, work: impl FnOnce(&AtomicBool) + Send + 'static) -> Result<Follower, Untried> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&stopped))?;
        Ok(Follower { stop, thread: Some(thread) })
    }
}

/// Takes what a connector writes to a topic, from where it was read to.
fn tap(topic: &str, source: &dyn Source, queue: &Queue, directory: &Shared, mut opener: Opener, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        if !directory.is_ready() {
            std::thread::sleep(AGAIN);
            continue;
        }
        let tap = Tap { topic, source, queue, directory, stop };
        if let Err(failure) = opener().and_then(|mut client| tap.follow(client.as_mut())) {
            tracing::warn!(%failure, topic, "a topic of payloads cannot be read; it is tried again");
            std::thread::sleep(AGAIN);
        }
    }
}

fn follow(directory: &Shared, mut opener: Opener, topic: &str, health: &Health, stop: &AtomicBool) {
    let mut reached = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let followed = opener().and_then(|mut client| {
            if !directory.is_ready() {
                reached = directory.load(client.as_mut(), topic)?;
                health.part(PART, None);
            }
            directory.follow(client.as_mut(), topic, &mut reached, stop)
        });
        if let Err(failure) = followed {
            tracing::warn!(%failure, topic, "the directory cannot be read; it is tried again");
            if !directory.is_ready() {
                health.part(PART, Some(format!("cannot read {topic}: {failure}")));
            }
            std::thread::sleep(AGAIN);
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
