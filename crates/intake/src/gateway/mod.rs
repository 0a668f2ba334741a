//! The webhook gateway: `POST /hooks/{name}`, in front of a [`Desk`].
//!
//! A request is let in by the server (`server`: connections, TLS, how long its head may take), read and verified by its
//! handler (`hook`, whose `body` bounds what is held of senders that nobody knows yet), put into a bounded queue and worked off by one thread (`work`), which answers all that wait with one
//! write to the log. 2xx is said only when the records are durable.
//!
//! What must never be in here: what a vendor's payload means; a secret or a customer's words in a log line or an answer.

mod body;
mod hook;
pub(crate) mod insist;
pub(crate) mod recent;
mod server;
mod tap;
mod work;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tierline_model::Millis;
use tierline_observe::IntakeMetrics;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::directory::Shared;
use crate::{Desk, Source};

pub use server::{Tls, TlsError, tls};
pub use tap::Tap;
pub use work::{Clock, Died, Queue, Worker};

/// How requests are taken.
#[derive(Clone)]
pub struct Settings {
    /// Longest body, bytes.
    pub body_limit: usize,
    /// Bytes of bodies that are held before it is known who sends them, of all connections together.
    pub bodies: usize,
    /// How long a head, a body, an answer may take.
    pub timeout: Duration,
    /// With what TLS is spoken; none: plainly.
    pub tls: Option<Tls>,
    /// Headers in which a proxy says what was called, in lower case.
    pub trusted: Trusted,
}

/// Headers in which a proxy in front of us says what was called; none of them is believed unless it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The path with its query.
    pub path: Option<String>,
}

/// A gateway whose desk is at work.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) sources: Arc<BTreeMap<String, Arc<dyn Source>>>,
    pub(crate) queue: Queue,
    pub(crate) directory: Shared,
    pub(crate) metrics: IntakeMetrics,
    pub(crate) settings: Settings,
    pub(crate) now: fn() -> Millis,
    /// What is left of [`Settings::bodies`].
    pub(crate) bodies: Arc<Semaphore>,
    /// When it was last told of a source that its deliveries are not taken.
    told: Arc<Mutex<BTreeMap<String, Millis>>>,
}

/// So often a log line says that a source's deliveries are not taken, milliseconds: whoever sends them may send many.
const TOLD_EVERY: Millis = 60_000;

impl Gateway {
    /// Whether it is time to say again that a source's deliveries are not taken.
    pub(crate) fn is_to_be_told(&self, source: &str, now: Millis) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told.get(source).is_none_or(|last| now.saturating_sub(*last) >= TOLD_EVERY);
        if is_due {
            told.insert(source.to_owned(), now);
        }
        is_due
    }

    /// In front of a desk; its worker answers until it is dropped, or panics: then `died` is told.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn new(
        sources: Arc<BTreeMap<String, Arc<dyn Source>>>,
        desk: Desk,
        directory: Shared,
        metrics: IntakeMetrics,
        settings: Settings,
        now: fn() -> Millis,
        died: Died,
    ) -> io::Result<(Gateway, Worker)> {
        let (queue, worker) = Worker::start(desk, now, died)?;
        let bodies = Arc::new(Semaphore::new(settings.bodies.min(Semaphore::MAX_PERMITS)));
        Ok((Gateway { sources, queue, directory, metrics, settings, now, bodies, told: Arc::default() }, worker))
    }

    /// Where deliveries are worked off, for those that come otherwise than by HTTP.
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Answers until `stop` is ready, then ends what was begun.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
        server::serve(self, listener, stop).await
    }
}
