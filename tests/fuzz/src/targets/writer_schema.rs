//! A schema that a registry hands out, and records that say they are written by it.

use std::sync::Arc;

use tierline_model::{Decoder, RecordType, SchemaSource, SourceUnavailable};

/// A registry with one answer.
struct Answer(String);

impl SchemaSource for Answer {
    fn schema(&self, _: u32) -> Result<Option<String>, SourceUnavailable> {
        Ok(Some(self.0.clone()))
    }
}

/// The schema, a NUL, and the datum.
pub fn run(bytes: &[u8]) {
    let cut = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let Ok(schema) = std::str::from_utf8(&bytes[..cut]) else { return };
    let mut framed = vec![0, 0, 0, 0, 1];
    framed.extend(bytes.get(cut + 1..).unwrap_or_default());
    let mut decoder = Decoder::with_registry(Arc::new(Answer(schema.to_owned())));
    let _ = decoder.ticket(&framed);
    let _ = decoder.account(&framed);
    let _ = decoder.billing_change(&framed);
    let _ = decoder.signal(&framed);
    let _ = decoder.to_json(RecordType::Tickets, &framed);
}
