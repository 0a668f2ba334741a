//! What a message says, cue by cue: the longest phrase that begins at each word, else the word's own valence, both
//! turned by what stands before.

use crate::cues::{Cue, Cues, Known, Modifier, Node};
use crate::kinds::Kind;
use crate::words::{Class, Gap, Marks, Token, cut};

/// How much of a general valence (−4 to 4) goes into log-odds.
const GENERAL: f64 = -0.28;
/// What remains of praise behind `not`: a reproach, if a weak one.
const NOT_GOOD: f64 = -0.6;
/// What remains of a reproach behind `not`.
const NOT_BAD: f64 = -0.4;
/// Capitals, in a message that isn't all capitals.
const CAPITALS: f64 = 1.2;
/// Praise before a `but`.
const BEFORE_BUT: f64 = 0.5;
/// How many words a negation reaches.
const REACH: usize = 3;

/// A message, read.
#[derive(Debug, Default)]
pub struct Reading<'t> {
    /// The pieces.
    pub tokens: Vec<Token<'t>>,
    /// What was found, in the order of the text.
    pub hits: Vec<Hit>,
    /// How it was said.
    pub marks: Marks,
    /// Words of Latin letters.
    pub words: usize,
    /// Those of them that speak for English.
    pub english: usize,
    /// Those of them that stand in a list.
    pub listed: usize,
    /// Words of other letters.
    pub foreign: usize,
    /// Words in capitals, of four letters and more.
    pub capitals: usize,
    /// The sum of the general lexicon's valences.
    pub valence: f64,
}

/// A cue in a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The first of its words.
    pub from: usize,
    /// How many they are.
    pub length: usize,
    /// What it speaks of.
    pub kind: Kind,
    /// What it adds to the log-odds that the message is negative.
    pub weight: f64,
    /// Whether a negation turned it.
    pub negated: bool,
}

/// Reads a message.
pub fn read<'t>(cues: &Cues, text: &'t str) -> Reading<'t> {
    let (tokens, marks) = cut(text);
    let mut word = String::new();
    let known: Vec<Known> = tokens.iter().map(|token| cues.known(token, &mut word)).collect();
    let mut reading = Reading { marks, ..Reading::default() };
    for (token, known) in tokens.iter().zip(&known) {
        reading.count(token, known);
    }
    let shouts = reading.capitals * 2 > reading.words;
    let mut last_but = None;
    let mut at = 0;
    while at < tokens.len() {
        let (length, cue) = match longest(cues, &tokens, &known, at) {
            Some(found) => found,
            None => (1, Cue { kind: Kind::General, weight: GENERAL * known[at].valence }),
        };
        if cue.weight != 0.0 {
            let before = reading.hits.last().map_or(0, |hit| if hit.length > 1 { hit.from + hit.length } else { 0 });
            let mut hit = Hit { from: at, length, kind: cue.kind, weight: cue.weight, negated: false };
            hit.turn(&tokens, &known, before);
            if length == 1 && !shouts && is_capitals(&tokens[at]) {
                hit.weight *= CAPITALS;
            }
            reading.hits.push(hit);
        }
        if tokens[at].text.eq_ignore_ascii_case("but") {
            last_but = Some(at);
        }
        at += length;
    }
    let praise_before = |hit: &&mut Hit| hit.weight < 0.0 && last_but.is_some_and(|but| hit.from < but);
    reading.hits.iter_mut().filter(praise_before).for_each(|hit| hit.weight *= BEFORE_BUT);
    reading.tokens = tokens;
    reading
}

impl Reading<'_> {
    fn count(&mut self, token: &Token<'_>, known: &Known) {
        self.valence += known.valence;
        if token.class != Class::Word {
            return;
        }
        // Up to here the blocks hold Latin letters.
        if token.text.chars().next().is_some_and(|first| first < '\u{250}') {
            self.words += 1;
            self.english += usize::from(known.english);
            self.listed += usize::from(known.id != 0);
            self.capitals += usize::from(token.text.len() > 3 && is_capitals(token));
        } else {
            // One written word may be many where no spaces are set.
            self.foreign += 1 + token.text.chars().count() / 4;
        }
    }
}

/// The longest phrase of the lists that begins here.
fn longest(cues: &Cues, tokens: &[Token<'_>], known: &[Known], at: usize) -> Option<(usize, Cue)> {
    match known[at].begins {
        0 => None,
        node => reached(cues, tokens, known, at, node),
    }
}

/// The longest that comes by this node, whose last word stands here.
fn reached(cues: &Cues, tokens: &[Token<'_>], known: &[Known], at: usize, node: Node) -> Option<(usize, Cue)> {
    let here = cues.end(node).map(|cue| (1, cue));
    let Some(next) = tokens.get(at + 1).filter(|next| next.gap != Gap::Stop) else { return here };
    let id = if next.class == Class::Link { 0 } else { known[at + 1].id };
    let ways = cues.step(node, id).into_iter().flatten();
    let further = ways.filter_map(|way| reached(cues, tokens, known, at + 1, way));
    let further = further.reduce(|best, other| if other.0 > best.0 { other } else { best });
    further.map(|(length, cue)| (length + 1, cue)).or(here)
}

impl Hit {
    /// Applies `not`, `very` and their kin, which stand before it, but not before `bound`.
    fn turn(&mut self, tokens: &[Token<'_>], known: &[Known], bound: usize) {
        let feels = matches!(self.kind, Kind::General | Kind::Anger | Kind::Service | Kind::Praise | Kind::Thanks);
        let mut gap = tokens[self.from].gap;
        for back in 1..=REACH.min(self.from - bound.min(self.from)) {
            if gap != Gap::None {
                return;
            }
            let before = self.from - back;
            match known[before].modifier {
                Some(Modifier::Negates) if self.kind.turns() => {
                    self.negated = true;
                    self.weight *= match self.kind {
                        Kind::Cancellation => 0.0,
                        _ if self.weight < 0.0 => NOT_GOOD,
                        _ => NOT_BAD,
                    };
                    return;
                }
                Some(Modifier::Scales(times)) if feels && back < REACH => self.weight *= times,
                _ => {}
            }
            gap = tokens[before].gap;
        }
    }
}

fn is_capitals(token: &Token<'_>) -> bool {
    token.class == Class::Word
        && token.text.len() > 1
        && token.text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'\'')
}
