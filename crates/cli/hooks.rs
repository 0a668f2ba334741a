//! The webhook gateway of a process: its desk, its directory, its address; and who asks for what webhooks missed.

use std::net::SocketAddr;
use std::sync::Arc;

use tierline_config::{Config, Intake};
use tierline_intake::directory::{Shared, Topic};
use tierline_intake::gateway::{Gateway, Settings, Trusted, Worker};
use tierline_intake::identity::Aliases;
use tierline_intake::reconcile::Around;
use tierline_intake::{Desk, Encoder, Opener};
use tierline_model::Millis;
use tierline_observe::IntakeMetrics;
use tokio::sync::oneshot;

use crate::asking::Askers;
use crate::ended::Untried;
use crate::following::Follower;
use crate::host::Host;
use crate::records::Encodings;

/// A gateway that takes webhooks until it is ended.
pub struct Hooks {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<()>,
    /// Of what is remembered, and of the topics that connectors write to.
    followers: Vec<Follower>,
    askers: Askers,
    _worker: Worker,
}

/// What the process calls itself where it is waited for.
const PART: &str = "gateway";

impl Hooks {
    /// Starts one, if a source is configured. `opener` makes what opens clients of the log.
    ///
    /// # Errors
    /// Its address is taken.
    pub fn start(
        config: &Config,
        host: &Host,
        opener: &dyn Fn() -> Result<Opener, Untried>,
    ) -> Result<Option<Hooks>, Untried> {
        if config.intake.sources.is_empty() {
            return Ok(None);
        }
        let settings = settings(&config.intake);
        let listener = host.listen_for(config.intake.listen, "intake.listen")?;
        let address = listener.local_addr()?;
        let by = uuid();
        let directory = directory(config, by.clone());
        let sources = Arc::new(config.intake.sources.clone());
        let metrics = IntakeMetrics::new(host.metrics(), sources.keys().map(String::as_str), now());
        let desk =
            Desk::new(Arc::clone(&sources), encoder(config), directory.clone(), opener()?, Some(metrics.clone()));
        let (asked_by, tapped_by) = (metrics.clone(), metrics.clone());
        let health = host.health();
        let died = Box::new(move || health.part_ended(PART, "nobody works deliveries off; the reason stands above"));
        let (gateway, worker) =
            Gateway::new(Arc::clone(&sources), desk, directory.clone(), metrics, settings, now, died)?;
        host.health().part(PART, Some("reading what it must remember".to_owned()));
        let mut followers = vec![Follower::settling(directory.clone(), gateway.queue())?];
        for topic in Topic::ALL {
            let (directory, names) = (directory.clone(), config.topics.clone());
            followers.push(Follower::of_directory(directory, opener()?, names, topic, host.health(), PART)?);
        }
        for (topic, source) in &config.intake.topics {
            let source = Arc::clone(&sources[source]);
            let (queue, directory, heard) = (gateway.queue(), directory.clone(), tapped_by.clone());
            followers.push(Follower::of_topic(topic.clone(), source, queue, directory, heard, opener()?)?);
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

/// What a process that calls itself so remembers: nothing yet, but what the configuration calls accounts.
pub fn directory(config: &Config, by: impl Into<String>) -> Shared {
    let sources = config.intake.sources.iter();
    let accounts = sources.map(|(name, source)| (name.as_str(), &source.basics().accounts));
    Shared::new(by, Aliases::new(accounts, config.identity.free_mail.clone()))
}

/// The wall clock, UTC.
pub fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

fn uuid() -> String {
    format!("{}-{}", std::process::id(), now())
}

/// Bytes of bodies on their way, of all connections together; more only where two bodies may be longer.
const MOST_BODIES: usize = 64 << 20;

fn settings(intake: &Intake) -> Settings {
    let trusted = &intake.trusted;
    Settings {
        body_limit: intake.body_limit,
        bodies: MOST_BODIES.max(2 * intake.body_limit),
        timeout: intake.timeout,
        tls: intake.tls.clone(),
        trusted: Trusted { scheme: trusted.scheme.clone(), host: trusted.host.clone(), path: trusted.path.clone() },
    }
}
