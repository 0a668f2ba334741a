//! What every record is held to, whatever brought it.

use std::borrow::Cow;

use crate::Millis;

/// The longest id that is taken, in bytes.
pub const LONGEST_ID: usize = 512;

/// Of a list of texts, or of custom fields, no more is read: a record of nothing but empty items would need many times
/// its size. Far above what is kept of any.
pub const MOST_ITEMS: usize = 10_000;

/// 2000-01-01T00:00:00Z: nothing that happened to a ticket is older.
pub const EARLIEST_INSTANT: Millis = 946_684_800_000;

const MARK: &str = "…";

/// The text itself where it has at most `max_bytes`, else its beginning, cut between two characters, with `…` at its
/// end; the whole has at most `max_bytes`, and the mark alone where there is no room for more.
pub fn cut(text: &str, max_bytes: usize) -> Cow<'_, str> {
    if text.len() <= max_bytes {
        return Cow::Borrowed(text);
    }
    let mut kept = max_bytes.saturating_sub(MARK.len());
    // Ends at 0 at the latest, which is a boundary of every text.
    while !text.is_char_boundary(kept) {
        kept -= 1;
    }
    Cow::Owned([&text[..kept], MARK].concat())
}

/// The instant that counts: the earlier of what the source says and when the log took the record.
///
/// # Errors
/// [`AbsurdTime`] where the source's instant is more than `max_future` milliseconds past the append time, or before
/// [`EARLIEST_INSTANT`].
pub fn check_instant(occurred_at: Millis, appended_at: Millis, max_future: Millis) -> Result<Millis, AbsurdTime> {
    if occurred_at < EARLIEST_INSTANT {
        return Err(AbsurdTime { occurred_at, reason: "before the year 2000".to_owned() });
    }
    if occurred_at > appended_at.saturating_add(max_future) {
        let reason = format!("more than {} after the record arrived", length(max_future));
        return Err(AbsurdTime { occurred_at, reason });
    }
    Ok(occurred_at.min(appended_at))
}

/// `1 h`, `90 min`: in the greatest unit that leaves no rest.
fn length(of: Millis) -> String {
    const UNITS: [(Millis, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| of != 0 && of % unit == 0).unwrap_or((1, "ms"));
    format!("{} {name}", of / unit)
}

/// An instant that no clock can have meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`occurred_at` is {}, which is {reason}", crate::instant_text(*.occurred_at))]
pub struct AbsurdTime {
    /// What the source said, epoch milliseconds.
    pub occurred_at: Millis,
    reason: String,
}

impl AbsurdTime {
    /// The header `tierline.error` of its dead letter.
    pub const CODE: &'static str = "absurd_time";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cut_text_ends_between_two_characters_and_says_so() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("grüße an alle", 6), "gr…");
        assert_eq!(cut("grüße an alle", 7), "grü…");
        assert_eq!(cut("long", 0), "…");
    }

    proptest! {
        #[test]
        fn a_cut_text_is_never_longer_than_asked(text in ".*", max in 3usize..40) {
            let kept = cut(&text, max);
            prop_assert!(kept.len() <= max);
            prop_assert!(text == kept || text.starts_with(kept.strip_suffix('…').unwrap()));
        }
    }

    #[test]
    fn the_earlier_of_both_instants_counts() {
        const NOW: Millis = 1_772_416_800_000;
        assert_eq!(check_instant(NOW - 5, NOW, 1_000), Ok(NOW - 5));
        assert_eq!(check_instant(NOW + 1_000, NOW, 1_000), Ok(NOW));
        assert!(check_instant(NOW + 1_001, NOW, 1_000).is_err());
        assert_eq!(check_instant(EARLIEST_INSTANT, NOW, 1_000), Ok(EARLIEST_INSTANT));
        assert!(check_instant(EARLIEST_INSTANT - 1, NOW, 1_000).is_err());
        assert!(check_instant(i64::MAX, i64::MAX - 5, 1_000).is_ok());
    }

    #[test]
    fn an_absurd_instant_is_shown_as_people_read_it() {
        let error = check_instant(-62_135_596_800_000, 1_772_416_800_000, 0).unwrap_err();
        assert_eq!(error.to_string(), "`occurred_at` is 0001-01-01T00:00:00.000Z, which is before the year 2000");
    }

    #[test]
    fn how_far_in_the_future_is_told_in_units_that_people_use() {
        const HOUR: Millis = 3_600_000;
        let told = |max_future| check_instant(1_772_416_800_000, 0, max_future).unwrap_err().to_string();
        assert!(told(HOUR).ends_with("more than 1 h after the record arrived"), "{}", told(HOUR));
        assert!(told(HOUR + HOUR / 2).contains("more than 90 min after"), "{}", told(HOUR + HOUR / 2));
        assert!(told(1_500).contains("more than 1500 ms after"), "{}", told(1_500));
    }
}
