//! Why a record cannot be taken, by stable codes.

/// Why a record was not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The record itself is at fault: a dead letter.
    #[error("{reason}")]
    Invalid {
        /// Stable; the header `tierline.error`: one of [`code`].
        code: &'static str,
        /// For people; of the record's own words it quotes at most one that stands where a closed set of them does.
        reason: String,
    },
    /// Its schema cannot be had just now. The record may be good: wait and try again.
    #[error("the schema registry does not answer: {reason}")]
    Unavailable {
        /// What was tried and what came back.
        reason: String,
    },
}

impl DecodeError {
    pub(crate) fn invalid(code: &'static str, reason: impl Into<String>) -> Self {
        DecodeError::Invalid { code, reason: reason.into() }
    }

    /// The field, if it is told.
    pub(crate) fn required<T>(field: &str, value: Option<T>) -> Result<T, DecodeError> {
        value.ok_or_else(|| DecodeError::invalid(code::MISSING_FIELD, format!("`{field}` is missing")))
    }

    /// The code of a record that is at fault.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            DecodeError::Invalid { code, .. } => Some(code),
            DecodeError::Unavailable { .. } => None,
        }
    }
}

/// The codes of [`DecodeError::Invalid`].
pub mod code {
    /// The bytes are none of the three encodings, or end early, or go on after their end.
    pub const UNDECODABLE: &str = "undecodable";
    /// Nobody knows the writer's schema.
    pub const UNKNOWN_SCHEMA: &str = "unknown_schema";
    /// A word outside its closed set, in JSON.
    pub const UNKNOWN_WORD: &str = "unknown_word";
    /// A kind of record that this version does not know, in any encoding.
    pub const UNKNOWN_KIND: &str = "unknown_kind";
    /// A field is not told without which the record means nothing.
    pub const MISSING_FIELD: &str = "missing_field";
    /// A field's value is of the wrong type, out of its range, empty or too long.
    pub const BAD_VALUE: &str = "bad_value";
}
