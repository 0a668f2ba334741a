//! The log in one process and one folder: the default for a laptop, a demo, a small team.
//!
//! It promises what the log on Kafka promises (see [`tierline_stream::log`]): outputs, changelog and positions become
//! durable and visible in one step or not at all. Here that step is one transaction of [redb], synced before anything
//! is said to be done. The folder holds `log.redb`, `lock` and, while an instance runs, the socket `tierline.sock`
//! through which `send`, `tail` and `dead-letters` work beside it.
//!
//! A record's way: framed (`frame`) into a `batch`, committed with whatever else waits (`commit`), kept in the
//! `store`, handed out by the lane's `log` or a `client`, swept when its time is over (`sweep`).
//!
//! What must never be in here: what a record means; a clock other than the one handed in with the settings.

mod batch;
mod client;
mod commit;
#[doc(hidden)]
pub mod foreign;
mod frame;
mod lock;
mod log;
mod run;
mod socket;
mod store;
mod sweep;
mod tables;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use tierline_model::Millis;
use tierline_stream::log::Failure;
use tierline_stream::topics::TopicSpec;

pub use client::EmbeddedClient;
pub use log::EmbeddedLog;
pub use socket::Server;

/// What stamps the records: the wall clock, or the demo's fast one. UTC milliseconds.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Where the log lies and what is in it.
#[derive(Clone)]
pub struct EmbeddedSettings {
    /// The folder; made where there is none.
    pub path: PathBuf,
    /// All topics. Every one gets `partitions` partitions, so that task *i* writes partition *i* of each.
    pub topics: Vec<TopicSpec>,
    /// How many; the same as when the folder was made. At least 1.
    pub partitions: i32,
    /// The time of appending.
    pub now: Clock,
}

impl std::fmt::Debug for EmbeddedSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedSettings")
            .field("path", &self.path)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

/// An open folder. Cheap to clone; the folder is closed when the last lane, client, server and clone are gone.
#[derive(Clone)]
pub struct Embedded {
    store: Arc<store::Store>,
    path: PathBuf,
}

impl Embedded {
    /// Opens the folder, or makes it. Another process on it, another partition count than its own, or a topic whose
    /// cleanup changed between by time and by key is [`Failure::Fatal`] and says so.
    pub fn open(settings: EmbeddedSettings) -> Result<Self, Failure> {
        let path = settings.path.clone();
        Ok(Embedded { store: Arc::new(store::Store::open(settings)?), path })
    }

    /// Lane `lane` of `lanes` of the detect stage: see [`Self::stage_lane`].
    pub fn lane(
        &self,
        lane: usize,
        lanes: usize,
        inputs: Vec<String>,
        outputs: Vec<String>,
    ) -> Result<EmbeddedLog, Failure> {
        self.stage_lane("detect", lane, lanes, inputs, outputs)
    }

    /// Lane `lane` of `lanes` of a stage, from 0. It owns every partition *i* with *i* mod `lanes` = `lane` at once,
    /// and whoever of the same stage owned one of them before is fenced. `inputs` begins with the driver.
    pub fn stage_lane(
        &self,
        stage: &str,
        lane: usize,
        lanes: usize,
        inputs: Vec<String>,
        outputs: Vec<String>,
    ) -> Result<EmbeddedLog, Failure> {
        EmbeddedLog::open(Arc::clone(&self.store), stage, lane, lanes, &inputs, &outputs)
    }

    /// A client in this process.
    pub fn client(&self) -> EmbeddedClient {
        EmbeddedClient::here(Arc::clone(&self.store))
    }

    /// Listens on the folder's socket, on threads of its own, until the server is dropped.
    pub fn serve(&self) -> Result<Server, Failure> {
        Server::start(Arc::clone(&self.store), &self.path)
    }

    /// Where a stage's driver was committed to: the next offset to read; `None`: never. For metrics.
    pub fn committed(&self, stage: &str, driver: &str, partition: i32) -> Option<i64> {
        self.store.committed(stage, self.store.topic(driver)?, partition)
    }
}
