//! A dead letter: the record that could not be taken, with where and why.

use serde_json::{Value, json};
use tierline_model::Millis;
use tierline_stream::client::{Outgoing, Seen};
use tierline_stream::log::{Offset, Partition};

use crate::print::instant;

/// What the headers of a dead letter are called begins so; everything else is the original's own, and so is what intake
/// keeps beside a payload.
const OURS: &str = "tierline.";

/// Where the original of a replay stood first. The pipeline keeps this header where the replay fails again, so that its
/// dead letter is known as one of the same original.
const REPLAY_OF: &str = "tierline.replay_of";

/// A dead letter as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// Its own place in `dead-letters`.
    pub partition: Partition,
    /// Its own place in `dead-letters`.
    pub offset: Offset,
    /// When the log took it, UTC.
    pub appended_at: Millis,
    /// The stable code.
    pub error: String,
    /// For people.
    pub reason: String,
    /// Where the original stood.
    pub topic: String,
    /// Where the original stood.
    pub from_partition: Option<Partition>,
    /// Where the original stood.
    pub from_offset: Option<Offset>,
    /// When it failed, as its header says.
    pub failed_at: String,
    /// Where the original stood before anybody replayed it, if that has been done.
    pub replay_of: Option<String>,
    /// The mark of what was cut.
    pub marks: Vec<(String, String)>,
    /// The original, headers included.
    pub original: Outgoing,
}

impl Letter {
    /// Takes it apart. Headers that are missing are empty.
    pub fn read(seen: &Seen<'_>) -> Letter {
        let mut letter = Letter {
            partition: seen.partition,
            offset: seen.offset,
            appended_at: seen.appended_at,
            original: Outgoing {
                partition: None,
                key: seen.key.map(<[u8]>::to_vec),
                value: seen.value.map(<[u8]>::to_vec),
                headers: Vec::new(),
            },
            ..Letter::default()
        };
        seen.headers.each(&mut |name, value| letter.take_header(name, value.unwrap_or_default()));
        letter
    }

    fn take_header(&mut self, name: &str, value: &[u8]) {
        let text = || String::from_utf8_lossy(value).into_owned();
        match name.strip_prefix(OURS) {
            Some("error") => self.error = text(),
            Some("reason") => self.reason = text(),
            Some("topic") => self.topic = text(),
            Some("partition") => self.from_partition = text().parse().ok(),
            Some("offset") => self.from_offset = text().parse().ok(),
            Some("failed_at") => self.failed_at = failed_at(text()),
            Some("replay_of") => self.replay_of = Some(text()),
            Some("cut" | "truncated") => self.marks.push((name.to_owned(), text())),
            // What intake keeps beside a payload belongs to it.
            Some(_) | None => self.original.headers.push((name.to_owned(), value.to_vec())),
        }
    }

    /// Whether less of it is left than there was, so that it cannot be sent again.
    pub fn is_cut(&self) -> bool {
        self.marks.iter().any(|(name, _)| name == "tierline.cut" || name == "tierline.truncated")
    }

    /// What is sent to its topic again: the original without our headers but one, placed by its key; without a key,
    /// where it was.
    pub fn again(&self) -> Outgoing {
        let mut original = self.original.clone();
        original.headers.push((REPLAY_OF.to_owned(), self.root().into_bytes()));
        original.partition = if original.key.is_none() { self.from_partition } else { None };
        original
    }

    /// What all letters of one original have in common: where it stood first, or else the letter's own place.
    pub fn root(&self) -> String {
        let known = !self.topic.is_empty() && self.from_partition.is_some() && self.from_offset.is_some();
        match &self.replay_of {
            Some(root) => root.clone(),
            None if known => self.origin(),
            None => format!("? {}", self.place()),
        }
    }

    /// Greater is newer. Places only set those of one instant in an order.
    pub fn age(&self) -> (Millis, Partition, Offset) {
        (self.appended_at, self.partition, self.offset)
    }

    /// `0:17`, as `show` and `replay` take it.
    pub fn place(&self) -> String {
        format!("{}:{}", self.partition, self.offset)
    }

    /// Where the original stood: `tickets 0:17`.
    pub fn origin(&self) -> String {
        let or_unknown = |number: Option<i64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
        format!("{} {}:{}", self.topic, or_unknown(self.from_partition.map(Into::into)), or_unknown(self.from_offset))
    }

    /// Everything but the original's value and headers.
    pub fn to_json(&self) -> Value {
        json!({
            "place": self.place(), "error": self.error, "reason": self.reason, "topic": self.topic,
            "partition": self.from_partition, "offset": self.from_offset, "failed_at": self.failed_at, "replay_of": self.replay_of,
            "key": self.original.key.as_deref().map(String::from_utf8_lossy),
            "bytes": self.original.value.as_ref().map(Vec::len), "cut": self.is_cut(),
        })
    }
}

/// Milliseconds or RFC 3339 in the header; RFC 3339 for people.
fn failed_at(text: String) -> String {
    text.parse().map(instant).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tierline_stream::log::Headers;

    struct Pairs(&'static [(&'static str, &'static [u8])]);

    impl Headers for Pairs {
        fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>)) {
            self.0.iter().for_each(|(name, value)| to(name, Some(value)));
        }
    }

    #[test]
    fn what_is_sent_again_is_the_original_alone() {
        let headers = Pairs(&[
            ("trace", b"abc"),
            ("tierline.error", b"wrong_partition"),
            ("tierline.reason", b"the key belongs to partition 3"),
            ("tierline.topic", b"tickets"),
            ("tierline.partition", b"2"),
            ("tierline.offset", b"17"),
            ("tierline.failed_at", b"1772417045000"),
        ]);
        let seen = |key| Seen {
            topic: "dead-letters",
            partition: 2,
            offset: 5,
            appended_at: 0,
            key,
            value: Some(b"{}"),
            headers: &headers,
        };
        let letter = Letter::read(&seen(Some(b"acme")));
        assert_eq!(letter.origin(), "tickets 2:17");
        assert_eq!(letter.failed_at, "2026-03-02T02:04:05Z");
        assert!(!letter.is_cut());
        let again = letter.again();
        assert_eq!(again.partition, None);
        let root = ("tierline.replay_of".to_owned(), b"tickets 2:17".to_vec());
        assert_eq!(again.headers, [("trace".to_owned(), b"abc".to_vec()), root]);
        assert_eq!(Letter::read(&seen(None)).again().partition, Some(2));
    }

    #[test]
    fn what_intake_keeps_beside_a_payload_goes_back_with_it() {
        let mut letter = Letter::default();
        for name in
            ["tierline.error", "tierline.source", "tierline.received_at", "tierline.header.date", "tierline.cut"]
        {
            letter.take_header(name, b"x");
        }
        let sent: Vec<String> = letter.again().headers.into_iter().map(|(name, _)| name).collect();
        let kept = ["tierline.source", "tierline.received_at", "tierline.header.date", "tierline.replay_of"];
        assert_eq!(sent, kept);
        assert!(letter.is_cut());
    }

    #[test]
    fn a_replay_that_fails_again_is_a_letter_of_the_same_original() {
        let mut first = Letter { topic: "tickets".to_owned(), from_partition: Some(2), ..Letter::default() };
        assert_eq!(first.root(), "? 0:0", "half a place is shared by strangers");
        first.from_offset = Some(17);
        let mut second = Letter { from_offset: Some(18), ..first.clone() };
        assert_ne!(second.root(), first.root());
        let (name, value) = first.again().headers.remove(0);
        second.take_header(&name, &value);
        assert_eq!(second.root(), first.root());
        assert_eq!(second.again().headers, first.again().headers);
    }
}
