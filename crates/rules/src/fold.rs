//! Texts without regard to case. The one definition of it: numbers given to texts depend on it.

use std::hash::Hasher;

/// The text in the form in which texts are compared.
pub fn fold(text: &str) -> String {
    folded(text).collect()
}

/// Whether two texts are the same without regard to case.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one == other || folded(one).eq(folded(other))
}

/// Whether `part`, already folded, occurs in `text`. Allocates nothing.
pub(crate) fn contains(text: &str, part: &str) -> bool {
    let mut rest = folded(text);
    loop {
        let mut here = rest.clone();
        if part.chars().all(|wanted| here.next() == Some(wanted)) {
            return true;
        }
        if rest.next().is_none() {
            return false;
        }
    }
}

/// A hash that is the same for texts that are the same without regard to case. Allocates nothing.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    folded(text).for_each(|letter| hasher.write_u32(u32::from(letter)));
    hasher.finish()
}

fn folded(text: &str) -> impl Iterator<Item = char> + Clone {
    text.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_case_of_a_letter_does_not_count_wherever_it_stands() {
        assert!(same("ΣΊΣΥΦΟΣ", "σίσυφοσ"));
        assert!(!same("billing", "billings"));
        assert!(contains("Export of the Invoices fails", "invoice"));
        assert!(!contains("Export", "exports"));
        assert!(contains("", ""));
    }

    proptest! {
        #[test]
        fn a_text_is_the_same_as_another_just_when_their_folds_are(one in "\\PC{0,4}", other in "\\PC{0,4}") {
            prop_assert_eq!(same(&one, &other), fold(&one) == fold(&other));
            prop_assert!(!same(&one, &other) || hash(&one) == hash(&other));
        }

        #[test]
        fn a_part_is_found_just_where_its_fold_is(text in "[aAbBßẞİ]{0,8}", part in "[aAbBßẞİ]{0,3}") {
            prop_assert_eq!(contains(&text, &fold(&part)), fold(&text).contains(&fold(&part)));
        }
    }
}
