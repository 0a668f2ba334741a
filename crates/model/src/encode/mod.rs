//! Typed records out as Avro by our own schemas, framed as single objects or in Confluent's wire format.
//!
//! Each function writes its schema's fields in their order; a test reads everything back by the schema itself.
//!
//! What must never be in here: a registry, a topic's name, a check (what is typed is legal).

mod input;
mod output;

pub use input::{
    Sent, encode_account, encode_account_change, encode_billing, encode_billing_change, encode_command, encode_signal,
    encode_ticket, transcode, transcode_told,
};
pub use output::{encode_escalation, encode_queue_entry, encode_sla_event};

use crate::RecordType;
use crate::avro::Writer;

/// What stands before a datum, so that its reader finds the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Avro's single-object encoding: 0xC3 0x01 and the schema's fingerprint.
    SingleObject,
    /// Confluent's wire format: 0x00 and the schema's id in the registry.
    Confluent {
        /// The id of our schema of that record.
        id: u32,
    },
}

impl Encoding {
    /// Appends the frame; the datum is to follow.
    fn begin(self, record: RecordType, out: &mut Vec<u8>) -> Writer<'_> {
        match self {
            Encoding::SingleObject => {
                out.extend_from_slice(&[0xC3, 0x01]);
                out.extend_from_slice(&record.fingerprint().to_le_bytes());
            }
            Encoding::Confluent { id } => {
                out.push(0);
                out.extend_from_slice(&id.to_be_bytes());
            }
        }
        Writer::new(out)
    }
}
