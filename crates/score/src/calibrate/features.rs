//! A message as numbers for the linear model: its words, word pairs and letter groups, and what the built-in scorer
//! makes of it.
//!
//! Words and pairs count by how rare they are and are scaled to length 1 together, so that a long message has no more
//! of them than a short one; so are letter groups, which catch endings and misspellings, at a lower weight.

use rustc_hash::{FxHashMap, FxHashSet};

use super::logistic::Row;
use crate::kinds::Kind;
use crate::reading::Reading;
use crate::scorer::View;
use crate::words::{Class, Gap, Token, normal};

/// So many letters are a group.
const GROUP: usize = 4;
const GROUPS_WEIGHT: f64 = 0.6;
/// A word or pair of fewer messages teaches nothing; nor does a group of fewer than one more.
const SEEN: usize = 2;

/// What a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// A word.
    Word,
    /// Two words in a row.
    Pair,
    /// Letters in a row; a space is a word's end.
    Group,
}

impl Family {
    /// As a model file has it.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Word => "word",
            Family::Pair => "pair",
            Family::Group => "letters",
        }
    }

    /// The family of that name.
    pub fn named(name: &str) -> Option<Family> {
        [Family::Word, Family::Pair, Family::Group].into_iter().find(|family| family.name() == name)
    }
}

/// The terms that count, and how rare each is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vocabulary {
    terms: Vec<(Family, Box<str>)>,
    rarity: Vec<f64>,
    /// The first group; words and pairs stand before.
    groups_from: u32,
    /// By the hash of a term, so that a look-up reads one place in memory.
    index: FxHashMap<u64, u32>,
}

impl Vocabulary {
    /// The terms of these messages.
    pub fn of<'r>(readings: impl ExactSizeIterator<Item = &'r Reading<'r>>) -> Vocabulary {
        let all = readings.len() as f64;
        let mut seen: FxHashMap<(Family, Box<str>), usize> = FxHashMap::default();
        for reading in readings {
            let mut here = FxHashSet::default();
            each_term(reading, |family, term| {
                here.insert((family, Box::<str>::from(term)));
            });
            here.into_iter().for_each(|term| *seen.entry(term).or_default() += 1);
        }
        let least = |family| if family == Family::Group { SEEN + 1 } else { SEEN };
        let mut kept: Vec<_> = seen.into_iter().filter(|((family, _), times)| *times >= least(*family)).collect();
        kept.sort();
        let mut vocabulary = Vocabulary::default();
        for ((family, term), times) in kept {
            vocabulary.push(family, &term, ((1.0 + all) / (1.0 + times as f64)).ln() + 1.0);
        }
        vocabulary
    }

    /// Adds a term; groups come last.
    pub fn push(&mut self, family: Family, term: &str, rarity: f64) {
        self.index.insert(hash(family, term), self.terms.len() as u32);
        self.terms.push((family, term.into()));
        self.rarity.push(rarity);
        if family != Family::Group {
            self.groups_from = self.terms.len() as u32;
        }
    }

    /// All terms in order, each with how rare it is.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = (Family, &str, f64)> {
        self.terms.iter().zip(&self.rarity).map(|((family, term), rarity)| (*family, &**term, *rarity))
    }

    /// How many features a row may have.
    pub fn features(&self) -> usize {
        self.terms.len() + BUILT_IN
    }

    /// The term of a feature; `None` if it is one of the built-in scorer's.
    pub fn term(&self, feature: u32) -> Option<(Family, &str)> {
        self.terms.get(feature as usize).map(|(family, term)| (*family, &**term))
    }

    /// A message as numbers.
    pub fn row(&self, reading: &Reading<'_>) -> Row {
        let mut places: Vec<u32> = Vec::with_capacity(reading.tokens.len() * 7);
        each_term(reading, |family, term| places.extend(self.index.get(&hash(family, term))));
        places.sort_unstable();
        let value = |same: &[u32]| {
            let rarity = self.rarity[same[0] as usize];
            (same[0], if same.len() == 1 { rarity } else { (1.0 + (same.len() as f64).ln()) * rarity })
        };
        let mut row: Row = places.chunk_by(|a, b| a == b).map(value).collect();
        let groups = row.partition_point(|(feature, _)| *feature < self.groups_from);
        let (words, groups) = row.split_at_mut(groups);
        for (block, weight) in [(words, 1.0), (groups, GROUPS_WEIGHT)] {
            let length = block.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
            block.iter_mut().for_each(|(_, value)| *value *= weight / length);
        }
        let from = self.terms.len() as u32;
        row.extend((from..).zip(built_in(reading)).filter(|(_, value)| *value != 0.0));
        row
    }
}

fn hash(family: Family, term: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(term.as_bytes(), family as u64)
}

/// How many numbers the built-in scorer gives.
pub const BUILT_IN: usize = Kind::ALL.len() + 12;

/// What the built-in scorer makes of a message, each number near 1 where it says much.
fn built_in(reading: &Reading<'_>) -> [f64; BUILT_IN] {
    let view = View::of(reading);
    let count = |class| reading.tokens.iter().filter(|token| token.class == class).count();
    let some = |number: usize, most: usize| number.min(most) as f64 / most as f64;
    let mut numbers = [0.0; BUILT_IN];
    let (kinds, others) = numbers.split_at_mut(Kind::ALL.len());
    reading.hits.iter().for_each(|hit| kinds[hit.kind as usize] += hit.weight / 2.0);
    others.copy_from_slice(&[
        view.log_odds() / 1.5,
        view.against / 4.0,
        view.content / 4.0,
        view.manner,
        reading.valence / (reading.valence * reading.valence + 15.0).sqrt(),
        ((reading.words as f64 + 1.0).ln() - 15f64.ln()) / 2.0,
        some(reading.marks.exclamations, 3),
        some(reading.marks.questions, 2),
        some(reading.marks.ellipses, 1),
        some(reading.capitals, 3),
        some(count(Class::Link), 1),
        some(count(Class::Handle), 3),
    ]);
    numbers
}

/// Names every term of a message, as often as it occurs.
fn each_term(reading: &Reading<'_>, mut named: impl FnMut(Family, &str)) {
    let (mut word, mut pair, mut group) = (String::new(), String::new(), String::new());
    for token in &reading.tokens {
        if token.gap == Gap::Stop {
            pair.clear();
        }
        written(token, &mut word);
        named(Family::Word, &word);
        if !pair.is_empty() {
            pair.push(' ');
            pair.push_str(&word);
            named(Family::Pair, &pair);
        }
        pair.clear();
        pair.push_str(&word);
        if matches!(token.class, Class::Word | Class::Hashtag) {
            group.clear();
            group.push(' ');
            group.push_str(&word);
            group.push(' ');
            let starts = group.char_indices().map(|(at, _)| at);
            let ends = group.char_indices().map(|(at, _)| at).chain([group.len()]).skip(GROUP);
            for (start, end) in starts.zip(ends) {
                named(Family::Group, &group[start..end]);
            }
        }
    }
}

/// A piece as a term: what differs from message to message without a meaning is one term.
fn written(token: &Token<'_>, into: &mut String) {
    let class = match token.class {
        Class::Word | Class::Hashtag | Class::Code => {
            normal(token.text, into);
            return;
        }
        Class::Number => "#",
        Class::Ordinal => "#th",
        Class::Money => "$",
        Class::Handle => "@",
        Class::Link => "://",
        Class::Face => token.text,
    };
    into.clear();
    into.push_str(class);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scorer;

    #[test]
    fn a_message_has_words_pairs_and_letters() {
        let scorer = Scorer::built_in();
        let reading = scorer.read("@desk No app. 2nd day");
        let mut terms = Vec::new();
        each_term(&reading, |family, term| terms.push(format!("{} {term}", family.name())));
        let words: Vec<_> = terms.iter().filter(|term| !term.starts_with("letters")).collect();
        assert_eq!(
            words,
            ["word @", "word no", "pair @ no", "word app", "pair no app", "word #th", "word day", "pair #th day"]
        );
        assert!(terms.contains(&"letters  app".to_owned()) && terms.contains(&"letters app ".to_owned()), "{terms:?}");
    }

    #[test]
    fn a_long_message_has_no_more_words_than_a_short_one() {
        let scorer = Scorer::built_in();
        let readings =
            [scorer.read("my bag is lost"), scorer.read("my bag is lost and my bag is lost again and again")];
        let vocabulary = Vocabulary::of(readings.iter());
        for reading in &readings {
            let words = vocabulary
                .row(reading)
                .into_iter()
                .filter(|(feature, _)| vocabulary.term(*feature).is_some_and(|(family, _)| family != Family::Group));
            let length = words.map(|(_, value)| value * value).sum::<f64>();
            assert!((length - 1.0).abs() < 1e-9, "{length}");
        }
    }
}
