//! Who has which share of the group's work, and where they answer: read from what each commit is signed with (see the
//! module `heir`). It is who committed last; one that has just died is named until its heir has committed.

use std::sync::{Mutex, PoisonError};

use tierline_stream::log::{Failure, Partition};

use crate::cluster::Cluster;
use crate::heir;
use crate::settings::Settings;

/// Whoever asks. Connects at the first question.
pub struct Owners {
    settings: Settings,
    driver: String,
    cluster: Mutex<Option<Cluster>>,
}

/// Who committed a partition last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Which partition.
    pub partition: Partition,
    /// The instance's name.
    pub instance: String,
    /// Where it answers over HTTP, if it says so.
    pub address: Option<String>,
}

impl Owners {
    /// Asks about the partitions of this topic, the driver's.
    pub fn new(settings: Settings, driver: impl Into<String>) -> Owners {
        Owners { settings, driver: driver.into(), cluster: Mutex::new(None) }
    }

    /// The owners of all partitions that ever were committed.
    ///
    /// # Errors
    /// The cluster does not answer, or may not be asked.
    pub fn ask(&self) -> Result<Vec<Owner>, Failure> {
        // A client is whole, or it is not there.
        let mut cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let connected = match cluster.take() {
            Some(connected) => connected,
            None => Cluster::connect(&self.settings)?,
        };
        let connected = cluster.insert(connected);
        let signed = connected.signatures(&self.driver)?.into_iter();
        let owner = |(partition, signature): (Partition, String)| {
            let heir::Signed { instance, address, .. } = heir::read(&signature)?;
            Some(Owner { partition, instance, address })
        };
        Ok(signed.filter_map(owner).collect())
    }
}
