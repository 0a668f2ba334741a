//! Records of the inputs, in the three encodings.

use std::cell::RefCell;
use std::sync::Arc;

use tierline_model::{Decoder, Encoding, RecordType, SchemaSource, SourceUnavailable, transcode};

/// Our schemas, under ids that are their places.
struct OurSchemas;

impl SchemaSource for OurSchemas {
    fn schema(&self, id: u32) -> Result<Option<String>, SourceUnavailable> {
        Ok(RecordType::ALL.get(id as usize).map(|record| record.schema().to_owned()))
    }
}

thread_local! {
    static DECODER: RefCell<Decoder> = RefCell::new(Decoder::with_registry(Arc::new(OurSchemas)));
}

/// The first byte says which record it is, the rest is its datum.
pub fn confluent(bytes: &[u8]) {
    if let Some((record, datum)) = pick(bytes) {
        let mut framed = vec![0];
        framed.extend((record as u32).to_be_bytes());
        framed.extend(datum);
        take(record, &framed);
    }
}

/// The first byte says which record it is, the rest is its datum.
pub fn single_object(bytes: &[u8]) {
    if let Some((record, datum)) = pick(bytes) {
        let mut framed = vec![0xC3, 0x01];
        framed.extend(record.fingerprint().to_le_bytes());
        framed.extend(datum);
        take(record, &framed);
    }
}

/// The first byte says which record it is, the rest is all of it.
pub fn any(bytes: &[u8]) {
    if let Some((record, bytes)) = pick(bytes) {
        take(record, bytes);
    }
}

/// Which record the first byte names, and the rest. The letter `a` is the first, so that a corpus can be read.
fn pick(bytes: &[u8]) -> Option<(RecordType, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let place = usize::from(first.wrapping_sub(b'a')) % RecordType::ALL.len();
    Some((RecordType::ALL[place], rest))
}

/// Whatever is taken can be written, and what was written is taken as the same.
fn take(record: RecordType, bytes: &[u8]) {
    DECODER.with_borrow_mut(|decoder| {
        let (mut once, mut twice) = (Vec::new(), Vec::new());
        if let Ok(sent) = transcode(decoder, record, bytes, Encoding::SingleObject, &mut once) {
            let again = transcode(decoder, record, &once, Encoding::SingleObject, &mut twice);
            assert_eq!(again.map(|sent| sent.key), Ok(sent.key));
            assert_eq!(once, twice);
        }
        let _ = decoder.to_json(record, bytes);
    });
}
