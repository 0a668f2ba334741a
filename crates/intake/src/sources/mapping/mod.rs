//! Any system at all, by a mapping in the configuration: places in its payload → fields of the contract, tables of
//! words, templates.
//!
//! ```yaml
//! oddesk:
//!   kind: mapping
//!   secret: ${ODDESK_TOKEN}
//!   records:
//!     - to: tickets
//!       when: { /event: [ticket.created, ticket.updated] }
//!       set:
//!         kind: { from: /event, values: { created: ticket.created, updated: ticket.updated } }
//!         ticket_id: /ticket/number
//!         account_id: /ticket/company/id
//!         occurred_at: /ticket/changed_at
//!         ticket.status: { from: /ticket/state, values: { open: [active, waiting], solved: done }, else: open }
//! ```
//!
//! An id at a place is the system's own and becomes `oddesk:17`; one by a template or a constant stands as it is.

mod expression;
mod proof;
mod read;
mod target;
mod times;
mod write;

use std::sync::Arc;

use tierline_model::{Millis, RecordType};
use tierline_rules::source::{Diagnostics, Keys};

use crate::identity::Identifier;
use crate::{Basics, Context, Delivery, Json, Kind, Reading, Refused, Source, Unreadable, content_id};
use expression::{Expression, Place, Scene, spoken};
use proof::Proof;
use target::Target;
pub(crate) use times::Time;

/// `kind: mapping`.
pub const KIND: Kind = Kind { word: "mapping", what: "a mapping of your own", build };

/// A system that is known by its mapping alone.
#[derive(Clone, Debug)]
pub struct Mapping {
    basics: Basics,
    proof: Proof,
    records: Vec<Template>,
}

/// How one record is made of a payload.
#[derive(Clone, Debug)]
struct Template {
    to: RecordType,
    /// The list whose items are read one by one.
    each: Option<Place>,
    /// All of these must hold.
    when: Vec<When>,
    set: Vec<(Target, Expression)>,
    /// By what else the system knows whose record it is.
    identifiers: Vec<KnownBy>,
}

/// Something that an organisation shares with other systems.
#[derive(Clone, Debug)]
struct KnownBy {
    /// What it is called in the configuration.
    field: &'static str,
    read: fn(&str) -> Option<Identifier>,
    at: Expression,
}

/// A place must have one of these words; of none: it must say something.
#[derive(Clone, Debug)]
struct When {
    at: Place,
    words: Vec<String>,
}

fn build(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let proof = Proof::read(keys, found);
    let records = read::records(keys, found)?;
    Some(Arc::new(Mapping { basics, proof: proof?, records }))
}

/// The records of a mapping alone, for what is no webhook: rows of a file as objects of texts.
pub fn of_rows(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let records = read::records(keys, found)?;
    Some(Arc::new(Mapping { basics, proof: Proof::default(), records }))
}

impl Source for Mapping {
    fn basics(&self) -> &Basics {
        &self.basics
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused> {
        self.proof.verify(delivery, &self.basics.secrets)
    }

    fn read(&self, payload: Json<'_>, context: &Context<'_>) -> Result<Reading, Unreadable> {
        let mut reading = Reading::default();
        let mut identity = Identity::of(context.delivery);
        for template in &self.records {
            match &template.each {
                None => self.one(template, payload, payload, context, &mut identity, &mut reading)?,
                Some(place) => {
                    for item in place.find(Scene { top: payload, item: payload }).items() {
                        self.one(template, payload, item, context, &mut identity, &mut reading)?;
                    }
                }
            }
        }
        if reading.records.is_empty() {
            reading.ignore("", "no record of the mapping is for this payload");
        }
        Ok(reading)
    }
}

impl Mapping {
    fn one(
        &self,
        template: &Template,
        top: Json<'_>,
        item: Json<'_>,
        context: &Context<'_>,
        identity: &mut Identity,
        reading: &mut Reading,
    ) -> Result<(), Unreadable> {
        let scene = Scene { top, item };
        if template.when.iter().all(|when| when.holds(scene)) {
            let record = write::record(self, template, scene, context, identity, reading)?;
            reading.push(record);
        }
        Ok(())
    }
}

impl When {
    fn holds(&self, scene: Scene<'_>) -> bool {
        let found = self.at.find(scene);
        match found.raw() {
            None => false,
            Some(value) if self.words.is_empty() => !value.is_null() && !found.is_empty(),
            Some(value) => self.words.iter().any(|word| *word == spoken(value)),
        }
    }
}

/// Ids of what has none: of the content and the place of the record within what became of it.
struct Identity {
    content: String,
    next: u32,
    received_at: Millis,
}

impl Identity {
    fn of(delivery: &Delivery<'_>) -> Identity {
        Identity { content: content_id(delivery.body), next: 0, received_at: delivery.received_at }
    }

    fn next(&mut self) -> String {
        self.next += 1;
        format!("{}-{}", self.content, self.next)
    }
}
