//! What a record becomes that can never be taken: itself, untouched, with where it stood and why.

use tierline_model::{AbsurdTime, Millis, code};

use crate::log::{OutputId, Record};
use crate::outbox::Outbox;
use crate::place::code as place;

/// Why, as a stable code.
pub const ERROR: &str = "tierline.error";
/// Why, for people.
pub const REASON: &str = "tierline.reason";
/// Where it stood: the topic.
pub const TOPIC: &str = "tierline.topic";
/// Where it stood: the partition.
pub const PARTITION: &str = "tierline.partition";
/// Where it stood: the offset.
pub const OFFSET: &str = "tierline.offset";
/// When it was given up: RFC 3339, UTC.
pub const FAILED_AT: &str = "tierline.failed_at";
/// What was cut for its size, with its original length: `value:20971520`; several, comma between them.
pub const CUT: &str = "tierline.cut";

/// The code of a record that the cluster refused for its size.
pub const TOO_LARGE: &str = "too_large";

/// The codes of all dead letters that a stage writes.
pub const CODES: [&str; 10] = [
    code::UNDECODABLE,
    code::UNKNOWN_SCHEMA,
    code::UNKNOWN_WORD,
    code::UNKNOWN_KIND,
    code::MISSING_FIELD,
    code::BAD_VALUE,
    AbsurdTime::CODE,
    place::WRONG_KEY,
    place::WRONG_PARTITION,
    TOO_LARGE,
];

/// Whether a header is one of ours: a replay leaves them behind.
pub fn is_ours(header: &str) -> bool {
    [ERROR, REASON, TOPIC, PARTITION, OFFSET, FAILED_AT, CUT].contains(&header)
}

/// Why and when a record was given up.
pub struct Verdict<'a> {
    /// A stable code.
    pub code: &'a str,
    /// For people.
    pub reason: &'a str,
    /// The input topic's name.
    pub topic: &'a str,
    /// The wall clock, UTC.
    pub failed_at: Millis,
}

/// Puts a record's dead letter into the outbox. Key, value and headers together are cut to about `bound` bytes.
///
/// A dead letter that comes back (a replay that failed again) keeps one set of our headers: the newest.
pub fn put(to: &mut Outbox<'_>, output: OutputId, record: &Record<'_>, verdict: &Verdict<'_>, bound: usize) {
    let mut left = bound;
    let mut cuts = Vec::new();
    let key = record.key.map(|key| cut("key", key, bound / 4, &mut left, &mut cuts));
    let mut headers = original_headers(record, bound / 4, &mut left, &mut cuts);
    let rest = left;
    let value = record.value.map(|value| cut("value", value, rest, &mut left, &mut cuts));
    let mut ours = |name: &str, value: String| headers.push((name.to_owned(), value.into_bytes()));
    ours(ERROR, verdict.code.to_owned());
    ours(REASON, verdict.reason.to_owned());
    ours(TOPIC, verdict.topic.to_owned());
    ours(PARTITION, record.partition.to_string());
    ours(OFFSET, record.offset.to_string());
    ours(FAILED_AT, tierline_model::instant_text(verdict.failed_at));
    if !cuts.is_empty() {
        ours(CUT, cuts.join(","));
    }
    to.put_with_headers(output, key, value, headers);
}

/// The first `most` bytes of a part, if it is longer, and a note of that.
fn cut<'a>(what: &str, part: &'a [u8], most: usize, left: &mut usize, cuts: &mut Vec<String>) -> &'a [u8] {
    let kept = &part[..part.len().min(most)];
    if kept.len() < part.len() {
        cuts.push(format!("{what}:{}", part.len()));
    }
    *left = left.saturating_sub(kept.len());
    kept
}

/// The record's own headers, while they fit.
fn original_headers(
    record: &Record<'_>,
    most: usize,
    left: &mut usize,
    cuts: &mut Vec<String>,
) -> Vec<(String, Vec<u8>)> {
    let (mut kept, mut size, mut dropped) = (Vec::new(), 0, 0);
    record.headers.each(&mut |name, value| {
        if is_ours(name) {
            return;
        }
        let value = value.unwrap_or_default();
        if size + name.len() + value.len() > most {
            dropped += 1;
            return;
        }
        size += name.len() + value.len();
        kept.push((name.to_owned(), value.to_vec()));
    });
    if dropped > 0 {
        cuts.push(format!("headers:{dropped}"));
    }
    *left = left.saturating_sub(size);
    kept
}
