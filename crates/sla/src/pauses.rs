//! When a clock stood.

use tierline_model::Millis;

/// Half-open intervals in which time does not count; what overlaps counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    spans: Vec<(Millis, Millis)>,
}

impl Pauses {
    /// In order, merged.
    pub(crate) fn spans(&self) -> &[(Millis, Millis)] {
        &self.spans
    }
}

impl FromIterator<(Millis, Millis)> for Pauses {
    /// Each from its beginning to its end, UTC, in any order; one that ends before it begins is none.
    fn from_iter<I: IntoIterator<Item = (Millis, Millis)>>(spans: I) -> Pauses {
        let mut all: Vec<_> = spans.into_iter().filter(|(begins, ends)| begins < ends).collect();
        all.sort_unstable();
        let mut spans: Vec<(Millis, Millis)> = Vec::with_capacity(all.len());
        for (begins, ends) in all {
            match spans.last_mut() {
                Some(last) if begins <= last.1 => last.1 = last.1.max(ends),
                _ => spans.push((begins, ends)),
            }
        }
        Pauses { spans }
    }
}
