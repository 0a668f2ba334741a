//! A gateway on a free port in front of an embedded log that can be taken away.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tierline_embedded::{Embedded, EmbeddedSettings};
use tierline_intake::directory::Shared;
use tierline_intake::gateway::{Gateway, Queue, Settings, Trusted, Worker};
use tierline_intake::identity::Aliases;
use tierline_intake::proof::hmac_sha256;
use tierline_intake::reconcile::{self, Around, Reconciler};
use tierline_intake::{Accounts, Basics, Desk, Encoder, EncodingOf, Opener, Secrets, Source, sources};
use tierline_model::{Decoder, Encoding, Millis, RecordType};
use tierline_observe::{IntakeMetrics, Metrics};
use tierline_rules::source::{self, Diagnostics, Keys};
use tierline_stream::client::{Client, From, Outgoing, Seen};
use tierline_stream::log::{Failure, Offset, Partition};
use tierline_stream::topics::{Names, TopicSpec, detect_topics, intake_topics};
use tokio::sync::oneshot;

/// A help desk that signs.
pub const DESK: &str = r#"
kind: mapping
signature: { header: x-signature }
records:
  - to: tickets
    when: { /type: [created, updated] }
    set:
      kind: /type
      event_id: /id
      ticket_id: /ticket/id
      account_id: /ticket/org
      occurred_at: /at
      ticket.subject: /ticket/subject
      ticket.priority: { from: /ticket/priority, values: { urgent: p1, normal: p2 } }
  - to: tickets
    when: { /type: message }
    set:
      kind: message
      event_id: /id
      ticket_id: /ticket/id
      account_id: /ticket/org
      occurred_at: /at
      message.id: /message/id
      message.author: { from: /message/by, values: { customer: user, agent: staff } }
      message.text: /message/text
  - to: account-changes
    when: { /type: company }
    set: { account_id: /company/id, name: /company/name }
    identifiers: { domain: /company/site }
"#;

/// The secrets of the desk: the old one and the new one.
pub const SECRETS: [&str; 2] = ["the old one", "the new one"];

/// The topic of a connector.
pub const CONNECTOR: &str = "desk-events";

/// A log, and what stands between it and the gateway.
pub struct World {
    folder: tempfile::TempDir,
    embedded: Embedded,
    sources: Arc<BTreeMap<String, Arc<dyn Source>>>,
    pub weather: Arc<Weather>,
    pub body_limit: usize,
    pub bodies: usize,
    pub timeout: Duration,
}

/// Whether the log answers.
#[derive(Default)]
pub struct Weather {
    pub down: AtomicBool,
    /// So many writes still get through whose writer hears that they failed.
    pub lying: AtomicU32,
    /// Bytes of the longest value that the log takes; 0: of any.
    pub longest: AtomicUsize,
    /// The log goes away behind the first topic of a write.
    pub torn: AtomicBool,
    /// So many milliseconds a write takes.
    pub slow: AtomicU32,
}

/// A gateway at work; it ends in order when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub metrics: Metrics,
    pub intake: IntakeMetrics,
    pub queue: Queue,
    pub directory: Shared,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<tokio::runtime::Runtime>,
    server: Option<tokio::task::JoinHandle<()>>,
    _worker: Worker,
}

impl World {
    pub fn new() -> World {
        World::of(desk())
    }

    /// With this source alone.
    pub fn of(source: Arc<dyn Source>) -> World {
        World::of_all(vec![source])
    }

    /// With these.
    pub fn of_all(sources: Vec<Arc<dyn Source>>) -> World {
        let sources = Arc::new(sources.into_iter().map(|source| (source.basics().name.clone(), source)).collect());
        let folder = tempfile::tempdir().expect("a folder can be made");
        let embedded = open(folder.path());
        let timeout = Duration::from_secs(5);
        World { folder, embedded, sources, weather: Arc::default(), body_limit: 4_096, bodies: 1 << 20, timeout }
    }

    /// A gateway as a fresh process would be.
    pub fn start(&self) -> Running {
        let sources = Arc::clone(&self.sources);
        static PROCESSES: AtomicU32 = AtomicU32::new(0);
        let by = format!("process {}", PROCESSES.fetch_add(1, Ordering::Relaxed));
        let directory = Shared::new(by, Aliases::default());
        let names = Names::default();
        directory.load(&mut self.embedded.client(), &names).expect("the directory can be read");
        let metrics = Metrics::new("test", 0);
        let intake = IntakeMetrics::new(metrics.clone(), sources.keys().map(String::as_str), now());
        let encoder = Encoder::new(names, Box::new(|_, _| Ok(Encoding::SingleObject)));
        let desk = Desk::new(Arc::clone(&sources), encoder, directory.clone(), self.opener(), Some(intake.clone()));
        let settings = Settings {
            body_limit: self.body_limit,
            bodies: self.bodies,
            timeout: self.timeout,
            tls: None,
            trusted: Trusted::default(),
        };
        let (gateway, worker) =
            Gateway::new(sources, desk, directory.clone(), intake.clone(), settings, now, Box::new(|| ()))
                .expect("a thread can be had");
        let queue = gateway.queue();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let (stop, stopped) = oneshot::channel();
        let server = runtime.spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            gateway.serve(listener, stopped).await.expect("it listens to its end");
        });
        Running {
            address,
            metrics,
            intake,
            queue,
            directory,
            stop: Some(stop),
            runtime: Some(runtime),
            server: Some(server),
            _worker: worker,
        }
    }

    /// Who asks its source for what has changed, as this process.
    pub fn reconciler(&self, gateway: &Running, settings: reconcile::Settings, by: &str) -> Reconciler {
        let source = self.sources.values().next().map(Arc::clone).expect("there is one");
        let around = Around {
            source,
            queue: gateway.queue.clone(),
            directory: gateway.directory.clone(),
            metrics: gateway.intake.clone(),
            now,
            by: by.to_owned(),
        };
        let encoder = Encoder::new(Names::default(), Box::new(|_, _| Ok(Encoding::SingleObject)));
        Reconciler::new(around, settings, encoder, self.opener())
    }

    /// Who works deliveries off, without a gateway before it.
    pub fn desk(&self, encoding: EncodingOf) -> Desk {
        let encoder = Encoder::new(Names::default(), encoding);
        let directory = Shared::new("a desk", Aliases::default());
        Desk::new(Arc::clone(&self.sources), encoder, directory, self.opener(), None)
    }

    /// What opens clients of the log in its weather.
    pub fn opener(&self) -> Opener {
        let (embedded, weather) = (self.embedded.clone(), Arc::clone(&self.weather));
        Box::new(move || match weather.down.load(Ordering::SeqCst) {
            true => Err(Failure::Fatal("the log is away".to_owned())),
            false => Ok(Box::new(Exposed { client: embedded.client(), weather: Arc::clone(&weather) })),
        })
    }

    /// What lies on `tickets`, in the order of writing within each partition.
    pub fn tickets(&self) -> Vec<Value> {
        let mut decoder = Decoder::new();
        let records = self.records("tickets").into_iter();
        records.map(|(_, value)| decoder.to_json(RecordType::Tickets, &value).expect("it is ours")).collect()
    }

    /// Keys and values of a topic.
    pub fn records(&self, topic: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut records = Vec::new();
        let read = self.embedded.client().read(topic, From::Start, true, Duration::ZERO, &mut |seen| {
            if let Some(seen) = seen {
                records.push((seen.key.unwrap_or_default().to_vec(), seen.value.unwrap_or_default().to_vec()));
            }
            ControlFlow::Continue(())
        });
        read.expect("the topic is there");
        records
    }

    /// The headers of the records of a topic.
    pub fn headers(&self, topic: &str) -> Vec<BTreeMap<String, String>> {
        let mut all = Vec::new();
        let read = self.embedded.client().read(topic, From::Start, true, Duration::ZERO, &mut |seen| {
            if let Some(seen) = seen {
                let mut headers = BTreeMap::new();
                seen.headers.each(&mut |name, value| {
                    headers.insert(name.to_owned(), String::from_utf8_lossy(value.unwrap_or_default()).into_owned());
                });
                all.push(headers);
            }
            ControlFlow::Continue(())
        });
        read.expect("the topic is there");
        all
    }

    /// A client that no weather reaches.
    pub fn client(&self) -> impl Client + Send + use<> {
        self.embedded.client()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn open(folder: &Path) -> Embedded {
    let names = Names::default();
    let connector = TopicSpec { name: CONNECTOR.to_owned(), ..intake_topics(&names)[1].clone() };
    let topics = [detect_topics(&names), intake_topics(&names), vec![connector]].concat();
    let settings = EmbeddedSettings { path: folder.join("log"), topics, partitions: 3, now: Arc::new(now) };
    Embedded::open(settings).expect("the folder can be opened")
}

/// The wall clock.
pub fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

pub fn desk() -> Arc<dyn Source> {
    source_of("mapping", DESK)
}

/// A header by which Stripe proves a body.
pub fn stripe_signature(body: &str) -> String {
    let at = (now() / 1_000).to_string();
    let signature = hmac_sha256(SECRETS[0].as_bytes(), &[at.as_bytes(), b".", body.as_bytes()]);
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={signature}")
}

/// A source of this kind, called `desk`.
pub fn source_of(kind: &str, text: &str) -> Arc<dyn Source> {
    named("desk", kind, text)
}

/// A source of this kind that is called so.
pub fn named(name: &str, kind: &str, text: &str) -> Arc<dyn Source> {
    let mut found = Diagnostics::default();
    let root = source::parse(&source::Source::new("desk.yaml", text), &mut found).expect("it is YAML");
    let mut keys = Keys::of(&root, "the source `desk`", &mut found).expect("it is a map");
    let _ = keys.optional("kind");
    let accounts = Accounts::default();
    let basics = Basics { name: name.to_owned(), secrets: Secrets::new(SECRETS), accounts };
    let built = (sources::kind(kind).expect("it is known").build)(basics, &mut keys, &mut found);
    built.unwrap_or_else(|| panic!("{found}"))
}

impl Running {
    /// Posts a payload with a signature by one of the secrets: the status and the body.
    pub fn post(&self, payload: &Value, secret: &str) -> (u16, Value) {
        let body = payload.to_string();
        let signature = hmac_sha256(secret.as_bytes(), &[body.as_bytes()]);
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        self.send("desk", &body, &[("x-signature", &signature), ("content-type", "application/json")])
    }

    /// Posts anything.
    pub fn send(&self, name: &str, body: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(SOON));
        let agent = ureq::Agent::new_with_config(config.build());
        let mut request = agent.post(format!("http://{}/hooks/{name}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body).expect("it answers");
        let status = response.status().as_u16();
        if matches!(status, 429 | 503) {
            assert!(response.headers().contains_key("retry-after"), "{status} says when to come again");
        }
        (status, response.body_mut().read_json().unwrap_or(Value::Null))
    }
}

const SOON: Duration = Duration::from_secs(20);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let (Some(runtime), Some(server)) = (self.runtime.take(), self.server.take()) {
            let _ = runtime.block_on(server);
        }
    }
}

/// A client of the log in the weather.
struct Exposed {
    client: tierline_embedded::EmbeddedClient,
    weather: Arc<Weather>,
}

impl Client for Exposed {
    fn send(
        &mut self,
        topic: &str,
        partition: Option<Partition>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(Partition, Offset), Failure> {
        self.client.send(topic, partition, key, value, headers)
    }

    fn send_topics(&mut self, topics: &[(String, Vec<Outgoing>)]) -> Result<(), Failure> {
        if self.weather.down.load(Ordering::SeqCst) {
            return Err(Failure::Fatal("the log is away".to_owned()));
        }
        let longest = self.weather.longest.load(Ordering::SeqCst);
        let values = topics.iter().flat_map(|(_, records)| records).filter_map(|record| record.value.as_ref());
        if longest > 0 && values.map(Vec::len).any(|length| length > longest) {
            return Err(Failure::Refused("a record is too large".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(self.weather.slow.load(Ordering::SeqCst).into()));
        if self.weather.torn.load(Ordering::SeqCst) {
            self.client.send_topics(&topics[..topics.len().min(1)])?;
            return Err(Failure::Fatal("the log went away in the middle".to_owned()));
        }
        self.client.send_topics(topics)?;
        let lies = self.weather.lying.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if lies.is_ok() { Err(Failure::Fatal("nobody knows whether it was written".to_owned())) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.client.flush()
    }

    fn read(
        &mut self,
        topic: &str,
        from: From,
        until_end: bool,
        idle: Duration,
        each: &mut dyn FnMut(Option<Seen<'_>>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        self.client.read(topic, from, until_end, idle, each)
    }

    fn partitions(&mut self, topic: &str) -> Result<Option<i32>, Failure> {
        self.client.partitions(topic)
    }
}
