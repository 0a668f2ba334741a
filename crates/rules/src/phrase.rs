//! What customers' messages are matched with as they arrive: the other half of `message.text`.

use crate::matcher::Matcher;

/// Something that a customer's message may say.
#[derive(Clone, Debug)]
pub struct Phrase {
    matcher: Matcher,
    /// Two phrases that mean the same by their words have the same: what is remembered of a ticket goes by it.
    pub key: String,
}

impl Phrase {
    pub(crate) fn new(matcher: Matcher) -> Phrase {
        let key = matcher.normal();
        Phrase { matcher, key }
    }

    /// Whether a message says it.
    pub fn is_in(&self, text: &str) -> bool {
        self.matcher.holds_text(text)
    }
}
