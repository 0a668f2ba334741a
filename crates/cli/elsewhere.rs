//! Who else has a share of a cluster's work, for those who ask this instance about a ticket that it does not own.

use tierline_kafka::{Owners, Settings};
use tierline_observe::why::{Elsewhere, Owner};

/// The other instances of a group.
pub struct Others {
    owners: Owners,
    own: String,
}

impl Others {
    /// Those who share the partitions of `driver` with the instance of these settings.
    pub fn of(settings: &Settings, driver: &str) -> Others {
        Others { own: settings.instance.clone(), owners: Owners::new(settings.clone(), driver) }
    }
}

impl Elsewhere for Others {
    fn owners(&self) -> Result<Vec<Owner>, String> {
        let owners = self.owners.ask().map_err(|error| format!("who that is cannot be asked: {error}"))?;
        let others = owners.into_iter().filter(|owner| owner.instance != self.own);
        Ok(others.map(|owner| Owner { partition: owner.partition, address: owner.address }).collect())
    }
}
