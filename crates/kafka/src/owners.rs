//! Who has which share of the group's work, and where they answer: read from what each commit is signed with (see the
//! module `heir`). It is who committed last; one that has just died is named until its heir has committed.

use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use tierline_stream::log::{Failure, Partition};

use crate::cluster::Cluster;
use crate::heir;
use crate::settings::Settings;

/// How long each of the two questions to the cluster is asked again. Somebody waits for the answer over HTTP.
const PATIENCE: Duration = Duration::from_secs(3);

/// For how long an answer is given again: one committed a moment ago, and who asks for many tickets asks in a row.
const FRESH: Duration = Duration::from_secs(2);

/// Whoever asks. Connects at the first question.
pub struct Owners {
    settings: Settings,
    driver: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    cluster: Option<Cluster>,
    owners: Option<(Instant, Vec<Owner>)>,
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
        let settings = Settings { patience: settings.patience.min(PATIENCE), ..settings };
        Owners { settings, driver: driver.into(), known: Mutex::default() }
    }

    /// The owners of all partitions that ever were committed, as of now or of a moment ago.
    ///
    /// # Errors
    /// The cluster does not answer, or may not be asked, or is being asked by another thread: nobody queues here.
    pub fn ask(&self) -> Result<Vec<Owner>, Failure> {
        // A client is whole, or it is not there.
        let mut known = match self.known.try_lock() {
            Ok(known) => known,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Fatal("the cluster is being asked just now; try again".to_owned()));
            }
        };
        if let Some((at, owners)) = &known.owners
            && at.elapsed() < FRESH
        {
            return Ok(owners.clone());
        }
        let connected = match known.cluster.take() {
            Some(connected) => connected,
            None => Cluster::connect(&self.settings)?,
        };
        let connected = known.cluster.insert(connected);
        let signed = connected.signatures(&self.driver)?.into_iter();
        let owner = |(partition, signature): (Partition, String)| {
            let heir::Signed { instance, address, .. } = heir::read(&signature)?;
            Some(Owner { partition, instance, address })
        };
        let owners: Vec<Owner> = signed.filter_map(owner).collect();
        known.owners = Some((Instant::now(), owners.clone()));
        Ok(owners)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_who_asks_already_and_a_fresh_answer_is_given_again() {
        let owners = Owners::new(Settings::new("localhost:1", "tierline"), "tickets");
        assert_eq!(owners.settings.patience, PATIENCE);
        let mut known = owners.known.lock().unwrap();
        assert!(owners.ask().is_err_and(|error| error.to_string().contains("try again")));
        let told = vec![Owner { partition: 0, instance: "pod-1".to_owned(), address: None }];
        known.owners = Some((Instant::now(), told.clone()));
        drop(known);
        assert_eq!(owners.ask().unwrap(), told);
    }
}
