//! The gateway that is called: as `tierline gateway` has it, on an embedded log in a folder of its own.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tierline_embedded::{Embedded, EmbeddedSettings};
use tierline_intake::directory::{Shared, Table};
use tierline_intake::gateway::{Gateway, Settings, Trusted};
use tierline_intake::identity::Aliases;
use tierline_intake::{Basics, Delivery, Desk, Encoder, Secrets, read_delivery, sources};
use tierline_model::Encoding;
use tierline_observe::{IntakeMetrics, Metrics};
use tierline_rules::source::{self, Diagnostics, Keys};
use tierline_stream::topics::{Names, detect_topics, intake_topics};

use crate::callers::{SECRET, payload};

const DESK: &str = r#"
signature: { header: x-signature }
records:
  - to: tickets
    set:
      kind: { from: /type, values: { created: ticket.created, updated: ticket.updated } }
      event_id: /id
      ticket_id: /ticket/id
      account_id: /ticket/organization_id
      occurred_at: /time
      ticket.subject: /ticket/subject
      ticket.status: { from: /ticket/status, values: { new: new, open: open, pending: pending, solved: solved } }
      ticket.priority: { from: /ticket/priority, values: { urgent: urgent, high: high, normal: normal, low: low } }
      ticket.requester: /ticket/requester_id
      ticket.assignee: /ticket/assignee_id
      ticket.tags: /ticket/tags
"#;

/// Serves until its input ends.
pub fn serve() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let names = Names::default();
    let topics = [detect_topics(&names), intake_topics(&names)].concat();
    let settings = EmbeddedSettings { path: folder.path().join("log"), topics, partitions: 4, now: Arc::new(now) };
    let embedded = Embedded::open(settings).map_err(std::io::Error::other)?;
    let directory = Shared::new("bench", Aliases::default());
    directory.load(&mut embedded.client(), &names).map_err(std::io::Error::other)?;
    let sources = Arc::new([("desk".to_owned(), desk())].into());
    let metrics = IntakeMetrics::new(Metrics::new("bench", 0), ["desk"], now());
    let encoder = Encoder::new(names, Box::new(|_, _| Ok(Encoding::SingleObject)));
    let opener = Box::new(move || Ok(Box::new(embedded.client()) as Box<_>));
    let desk = Desk::new(Arc::clone(&sources), encoder, directory.clone(), opener, Some(metrics.clone()));
    let settings = Settings {
        body_limit: 1 << 20,
        bodies: 64 << 20,
        timeout: Duration::from_secs(10),
        tls: None,
        trusted: Trusted::default(),
    };
    let (gateway, _worker) = Gateway::new(sources, desk, directory, metrics, settings, now, Box::new(|| ()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))?;
    println!("{}", listener.local_addr()?);
    runtime.spawn(gateway.serve(listener, std::future::pending()));
    std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// How long it takes to make records of a payload: JSON to records, nothing before it and nothing behind.
pub fn mapping() -> Duration {
    const PAYLOADS: u32 = 50_000;
    let (desk, directory) = (desk(), Table::default());
    let payloads: Vec<_> = (0..64).map(payload).collect();
    let began = Instant::now();
    for payload in payloads.iter().cycle().take(PAYLOADS as usize) {
        let reading = read_delivery(desk.as_ref(), &Delivery::bare(payload, 0), &directory).expect("it can be read");
        assert_eq!(reading.records.len(), 1);
    }
    began.elapsed() / PAYLOADS
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

fn desk() -> Arc<dyn tierline_intake::Source> {
    let mut found = Diagnostics::default();
    let root = source::parse(&source::Source::new("desk", DESK), &mut found).expect("it is YAML");
    let mut keys = Keys::of(&root, "the source `desk`", &mut found).expect("it is a map");
    let basics = Basics { name: "desk".to_owned(), secrets: Secrets::new([SECRET]), ..Basics::default() };
    let built = (sources::kind("mapping").expect("it is known").build)(basics, &mut keys, &mut found);
    built.unwrap_or_else(|| panic!("{found}"))
}
