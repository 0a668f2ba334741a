//! What a reconciler itself writes: its cursor, heartbeats, ends of imports.

use std::sync::Arc;

use serde_json::json;
use tierline_model::Millis;
use tierline_stream::client::{Client, Outgoing};

use super::{Cursor, Halt};
use crate::directory::Shared;
use crate::{Encoder, Opener, Outbox};

/// Writes what a reconciler itself has to say of a source.
pub(super) struct Marks {
    source: String,
    encoder: Encoder,
    directory: Shared,
    opener: Opener,
    client: Option<Box<dyn Client + Send>>,
}

/// What is to be said at once, in this order: that imports ended, up to when all is there, how far it was asked for.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// An import, and when what it brought was asked for.
    pub import: Option<(Arc<str>, Millis)>,
    /// How far the source has been heard; none: that is nobody's to say.
    pub heard_until: Option<Millis>,
    /// How far it was asked for.
    pub cursor: Option<Cursor>,
}

impl Marks {
    pub fn new(source: &str, encoder: Encoder, directory: Shared, opener: Opener) -> Marks {
        Marks { source: source.to_owned(), encoder, directory, opener, client: None }
    }

    /// Writes it; it is durable when this returns. What it speaks of must have been so before.
    pub fn write(&mut self, said: &Said) -> Result<(), Halt> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => (self.opener)().map_err(|failure| Halt::Log(failure.to_string()))?,
        };
        let mut outbox = self.outbox(said, client.as_mut())?;
        // One that failed is not asked again: another is opened.
        outbox.send(client.as_mut()).map_err(|failure| Halt::Log(failure.to_string()))?;
        self.client = Some(client);
        if let Some(cursor) = &said.cursor {
            self.directory.put(cursor.entry(&self.source));
        }
        Ok(())
    }

    fn outbox(&mut self, said: &Said, client: &mut dyn Client) -> Result<Outbox, Halt> {
        let mut outbox = Outbox::default();
        let names = self.encoder.names().clone();
        if said.import.is_some() || said.heard_until.is_some() {
            let partitions = client.partitions(&names.tickets).map_err(|failure| Halt::Log(failure.to_string()))?;
            let partitions = partitions.ok_or_else(|| Halt::Log(format!("there is no topic '{}'", names.tickets)))?;
            let finished = said.import.as_ref().map(|(id, began_at)| {
                json!({"kind": "import_finished", "source": self.source, "import_id": &**id,
                    "import_began_at": began_at})
            });
            let heard =
                said.heard_until.map(|until| json!({"kind": "heartbeat", "source": self.source, "heard_until": until}));
            for mark in finished.into_iter().chain(heard) {
                let (topic, value) = self.encoder.encode_mark(&mark).map_err(Halt::Log)?;
                for partition in 0..partitions {
                    let partition = Some(partition);
                    outbox.push(&topic, Outgoing { partition, value: Some(value.clone()), ..Outgoing::default() });
                }
            }
        }
        if let Some(cursor) = &said.cursor {
            // Behind all others, where a log writes topic by topic: who is killed in between says it again.
            outbox.conclude(&names.directory, self.directory.outgoing(&cursor.entry(&self.source)));
        }
        Ok(outbox)
    }
}
