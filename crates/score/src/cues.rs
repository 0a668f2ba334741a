//! The lists of cues, made into one table: each word a number, each phrase a path through a tree.
//!
//! A line of a list is `kind<TAB>weight<TAB>phrases`, with commas between the phrases. A phrase is words in lower case;
//! `a|b` stands for either, `#` for a number, `#th` for an ordinal, `$` for an amount of money, `_` for any one word,
//! `@` for a handle. A weight is what the phrase adds to the log-odds that a message is negative.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::kinds::Kind;
use crate::words::{Class, Token, normal};

const LISTS: [&str; 6] = [
    include_str!("../data/complaints.tsv"),
    include_str!("../data/risks.tsv"),
    include_str!("../data/staff.tsv"),
    include_str!("../data/content.tsv"),
    include_str!("../data/requests.tsv"),
    include_str!("../data/wording.tsv"),
];
const MODIFIERS: &str = include_str!("../data/modifiers.tsv");

/// Where a phrase has begun and may go on; 0 is the beginning.
pub type Node = u32;

/// A phrase that stands in a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cue {
    /// What it speaks of.
    pub kind: Kind,
    /// What it adds to the log-odds that a message is negative.
    pub weight: f64,
}

/// What the lists know of a word by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// Its number; 0 is a word that no list has.
    pub id: u32,
    /// Where a phrase goes on that it begins; 0 is nowhere.
    pub begins: Node,
    /// Its valence in the general lexicon, −4 to 4.
    pub valence: f64,
    /// What it does to the words after it.
    pub modifier: Option<Modifier>,
    /// Whether it speaks for English.
    pub english: bool,
}

/// What a word does to the words after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Modifier {
    /// `not`
    Negates,
    /// `very`, or, below 1, `slightly`: times so much.
    Scales(f64),
}

/// All lists.
#[derive(Debug, Default)]
pub struct Cues {
    words: FxHashMap<Box<str>, Known>,
    paths: FxHashMap<(Node, u32), Node>,
    /// Where a node goes on by whatever word.
    by_any: Vec<Option<Node>>,
    ends: Vec<Option<Cue>>,
}

impl Cues {
    /// The lists that are built in.
    pub fn built_in() -> &'static Cues {
        static CUES: OnceLock<Cues> = OnceLock::new();
        CUES.get_or_init(Cues::read)
    }

    fn read() -> Cues {
        let mut cues = Cues { ends: vec![None], ..Cues::default() };
        for (word, valence) in vader_sentiment::LEXICON.iter() {
            let word = word.to_lowercase();
            cues.id(&word);
            cues.known_mut(&word).valence = *valence;
        }
        for line in lines(MODIFIERS) {
            let modifier = match line.kind {
                "negates" => Modifier::Negates,
                _ => Modifier::Scales(line.weight),
            };
            line.phrases.for_each(|word| cues.known_mut(word).modifier = Some(modifier));
        }
        for line in LISTS.into_iter().flat_map(lines) {
            // A test reads every line.
            let Some(kind) = Kind::named(line.kind) else { continue };
            let cue = Cue { kind, weight: line.weight };
            line.phrases.for_each(|phrase| cues.add(phrase, cue));
        }
        crate::language::mark_english(&mut cues);
        cues.index();
        cues
    }

    /// What is known of a piece of a message. `word` is room to write in.
    pub fn known(&self, token: &Token<'_>, word: &mut String) -> Known {
        match token.class {
            Class::Number => self.known_word("#"),
            Class::Ordinal => self.known_word("#th"),
            Class::Money => self.known_word("$"),
            Class::Handle => self.known_word("@"),
            Class::Link => Known::default(),
            Class::Face => self.words.get(token.text).copied().unwrap_or_default(),
            Class::Word | Class::Code | Class::Hashtag => {
                normal(token.text, word);
                self.known_word(word)
            }
        }
    }

    fn known_word(&self, word: &str) -> Known {
        self.words.get(word).copied().unwrap_or_else(|| match without_runs(word, 2) {
            None => Known::default(),
            // `sooo` is `so`, `goooood` is `good`.
            Some(twice) => {
                let once = || without_runs(word, 1).and_then(|once| self.words.get(once.as_str()));
                self.words.get(twice.as_str()).or_else(once).copied().unwrap_or_default()
            }
        })
    }

    /// The nodes that a phrase reaches by one more word: this one, or any.
    pub fn step(&self, from: Node, id: u32) -> [Option<Node>; 2] {
        let exact = if id == 0 { None } else { self.paths.get(&(from, id)).copied() };
        [exact, self.by_any[from as usize]]
    }

    /// The cue that ends at a node.
    pub fn end(&self, node: Node) -> Option<Cue> {
        self.ends[node as usize]
    }

    pub(crate) fn known_mut(&mut self, word: &str) -> &mut Known {
        self.id(word);
        // It has just been put there.
        self.words.get_mut(word).expect("a word with an id")
    }

    /// Lays beside each word and node what is asked of it most.
    fn index(&mut self) {
        let any = self.id("_");
        self.by_any = (0..self.ends.len()).map(|node| self.paths.get(&(node as Node, any)).copied()).collect();
        for known in self.words.values_mut() {
            known.begins = self.paths.get(&(0, known.id)).copied().unwrap_or(0);
        }
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(|word| &**word)
    }

    fn id(&mut self, word: &str) -> u32 {
        let next = self.words.len() as u32 + 1;
        self.words.entry(word.into()).or_insert(Known { id: next, ..Known::default() }).id
    }

    fn add(&mut self, phrase: &str, cue: Cue) {
        let mut nodes = vec![0];
        for slot in phrase.split_ascii_whitespace() {
            let ids: Vec<u32> = slot.split('|').map(|word| self.spelt(word)).collect();
            let mut reached = Vec::with_capacity(nodes.len() * ids.len());
            for &node in &nodes {
                for &id in &ids {
                    let next = self.ends.len() as Node;
                    let to = *self.paths.entry((node, id)).or_insert(next);
                    if to == next {
                        self.ends.push(None);
                    }
                    reached.push(to);
                }
            }
            nodes = reached;
        }
        nodes.into_iter().for_each(|node| self.ends[node as usize] = Some(cue));
    }

    fn spelt(&mut self, word: &str) -> u32 {
        let mut spelt = String::new();
        normal(word, &mut spelt);
        // A face is written as it is.
        let as_it_is = word.starts_with([':', ';', '=']) || !word.contains(char::is_alphanumeric);
        self.id(if as_it_is { word } else { &spelt })
    }
}

/// A line of a list.
struct Line<'l> {
    kind: &'l str,
    weight: f64,
    phrases: std::iter::Map<std::str::Split<'l, char>, fn(&'l str) -> &'l str>,
}

fn lines(list: &'static str) -> impl Iterator<Item = Line<'static>> {
    list.lines().filter(|line| !line.starts_with("# ") && !line.is_empty()).filter_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (kind, weight, phrases) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Line { kind, weight: weight.parse().ok()?, phrases: phrases.split(',').map(str::trim) })
    })
}

/// The word with no letter more than `most` times in a row; `None` if none is three times in a row.
fn without_runs(word: &str, most: usize) -> Option<String> {
    let drawn_out = word.as_bytes().windows(3).any(|run| run[0] == run[1] && run[1] == run[2]);
    if !drawn_out {
        return None;
    }
    let mut short = String::with_capacity(word.len());
    let (mut last, mut run) = (None, 0);
    for char in word.chars() {
        run = if last == Some(char) { run + 1 } else { 1 };
        last = Some(char);
        if run <= most {
            short.push(char);
        }
    }
    Some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_list_can_be_read() {
        for list in LISTS.into_iter().chain([MODIFIERS]) {
            let written = list.lines().filter(|line| !line.starts_with("# ") && !line.is_empty());
            let read = lines(list).collect::<Vec<_>>();
            assert_eq!(written.count(), read.len());
            for line in read {
                let modifies = ["negates", "scales"].contains(&line.kind);
                assert!(modifies || Kind::named(line.kind).is_some(), "{}", line.kind);
                line.phrases.for_each(|phrase| assert!(!phrase.is_empty(), "{}", line.kind));
            }
        }
    }

    #[test]
    fn a_phrase_is_found_by_its_words() {
        let cues = Cues::built_in();
        let node = ["still", "waiting"].iter().fold(0, |node, word| {
            cues.step(node, cues.known_word(word).id)[0].unwrap_or_else(|| panic!("no path by {word}"))
        });
        assert_eq!(cues.end(node).map(|cue| cue.kind), Some(Kind::Waiting));
    }

    #[test]
    fn a_drawn_out_word_is_the_word() {
        let cues = Cues::built_in();
        assert_eq!(cues.known_word("sooooo"), cues.known_word("so"));
        assert_eq!(cues.known_word("goooood"), cues.known_word("good"));
    }
}
