//! Texts by number: what is compared on every event is a number, and a word that a million tickets share is kept once.
//!
//! The first numbers are the rules' own constants, lower-cased and in the rule set's order, so a matcher compares
//! numbers that it knew before the first record.

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::{BuildHasher, BuildHasherDefault};
use tierline_model::{Author, BillingState, HandledBy, PlanChange, Priority, Status};

/// The number of a text in [`Texts`].
pub(crate) type Symbol = u32;

/// What tables of this crate hash with: fast, and no table is filled by strangers without a bound.
pub(crate) type Hasher = BuildHasherDefault<FxHasher>;

/// All texts of a task's state that are short and recur.
#[derive(Debug)]
pub(crate) struct Texts {
    entries: Vec<Entry>,
    by_text: HashTable<Symbol>,
    hasher: Hasher,
    words: Words,
    /// How many of the first are never forgotten: the rules' constants and the contract's words.
    constants: usize,
    free: Vec<Symbol>,
    sweep_at: usize,
}

/// The numbers of the contract's own words, by their place in their enumeration.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub status: Vec<Symbol>,
    pub priority: Vec<Symbol>,
    pub author: Vec<Symbol>,
    pub handled_by: Vec<Symbol>,
    pub billing_state: Vec<Symbol>,
    pub plan_change: Vec<Symbol>,
}

#[derive(Debug)]
struct Entry {
    text: Box<str>,
    /// The number of the lower-cased text.
    folded: Symbol,
}

/// Fewer texts than this are never worth a sweep.
const SWEEP_FROM: usize = 1 << 16;

impl Texts {
    /// With the rules' constants as the first numbers, and the contract's words after them.
    pub fn new(constants: &[String]) -> Texts {
        let mut texts = Texts {
            entries: Vec::new(),
            by_text: HashTable::new(),
            hasher: Hasher::default(),
            words: Words::default(),
            constants: 0,
            free: Vec::new(),
            sweep_at: SWEEP_FROM,
        };
        for constant in constants {
            let symbol = texts.entries.len() as Symbol;
            texts.entries.push(Entry { text: constant.as_str().into(), folded: symbol });
            texts.enlist(symbol);
        }
        texts.words = Words {
            status: texts.intern_all(Status::ALL.iter().map(|word| word.word())),
            priority: texts.intern_all(Priority::ALL.iter().map(|word| word.word())),
            author: texts.intern_all(Author::ALL.iter().map(|word| word.word())),
            handled_by: texts.intern_all(HandledBy::ALL.iter().map(|word| word.word())),
            billing_state: texts.intern_all(BillingState::ALL.iter().map(|word| word.word())),
            plan_change: texts.intern_all(PlanChange::ALL.iter().map(|word| word.word())),
        };
        texts.constants = texts.entries.len();
        texts
    }

    /// The numbers of the contract's words.
    pub fn words(&self) -> &Words {
        &self.words
    }

    fn intern_all(&mut self, words: impl Iterator<Item = &'static str>) -> Vec<Symbol> {
        words.map(|word| self.intern(word)).collect()
    }

    /// The number of a text; the same text always has the same number while anything refers to it.
    pub fn intern(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.find(text) {
            return symbol;
        }
        let folded = tierline_rules::fold(text);
        let folded = if folded == text { None } else { Some(self.intern(&folded)) };
        let symbol = self.free.pop().unwrap_or(self.entries.len() as Symbol);
        let entry = Entry { text: text.into(), folded: folded.unwrap_or(symbol) };
        match self.entries.get_mut(symbol as usize) {
            Some(free) => *free = entry,
            None => self.entries.push(entry),
        }
        self.enlist(symbol);
        symbol
    }

    /// The text as it was told.
    pub fn text(&self, symbol: Symbol) -> &str {
        &self.entries[symbol as usize].text
    }

    /// The number of the text without regard to case.
    pub fn folded(&self, symbol: Symbol) -> Symbol {
        self.entries[symbol as usize].folded
    }

    /// The number of a text, if it has one.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        let hash = self.hasher.hash_one(text);
        self.by_text.find(hash, |&symbol| &*self.entries[symbol as usize].text == text).copied()
    }

    /// Whether so much has come since the last sweep that one is due.
    pub fn wants_sweep(&self) -> bool {
        self.entries.len() - self.free.len() > self.sweep_at
    }

    /// Forgets what `mark` does not name: it hands every symbol in use to the function that it is given.
    pub fn sweep(&mut self, mark: impl FnOnce(&mut dyn FnMut(Symbol))) {
        let mut used = vec![false; self.entries.len()];
        used[..self.constants].fill(true);
        self.free.iter().for_each(|&symbol| used[symbol as usize] = true);
        let folded: Vec<Symbol> = self.entries.iter().map(|entry| entry.folded).collect();
        mark(&mut |symbol| {
            used[symbol as usize] = true;
            used[folded[symbol as usize] as usize] = true;
        });
        for (symbol, _) in used.iter().enumerate().filter(|(_, used)| !**used) {
            let entry =
                std::mem::replace(&mut self.entries[symbol], Entry { text: Box::default(), folded: symbol as Symbol });
            let hash = self.hasher.hash_one(&*entry.text);
            if let Ok(found) = self.by_text.find_entry(hash, |&other| other as usize == symbol) {
                found.remove();
            }
            self.free.push(symbol as Symbol);
        }
        self.sweep_at = SWEEP_FROM.max(2 * (self.entries.len() - self.free.len()));
    }

    fn enlist(&mut self, symbol: Symbol) {
        let hash = self.hasher.hash_one(&*self.entries[symbol as usize].text);
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.by_text.insert_unique(hash, symbol, |&other| hasher.hash_one(&*entries[other as usize].text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_come_first_and_case_does_not_matter_to_the_folded_number() {
        let mut texts = Texts::new(&["billing".into(), "enterprise".into()]);
        let billing = texts.intern("Billing");
        assert_eq!(texts.folded(billing), 0);
        assert_eq!(texts.text(billing), "Billing");
        assert_eq!(texts.intern("enterprise"), 1);
    }

    #[test]
    fn a_sweep_forgets_only_what_nobody_uses_and_numbers_are_used_again() {
        let mut texts = Texts::new(&["kept".into()]);
        let (used, unused) = (texts.intern("Used"), texts.intern("unused"));
        texts.sweep(|mark| mark(used));
        assert_eq!(texts.find("unused"), None);
        assert_eq!(texts.find("Used"), Some(used));
        assert_eq!(texts.find("used"), Some(texts.folded(used)));
        assert_eq!(texts.intern("fresh"), unused);
        assert_eq!(texts.find("kept"), Some(0));
    }
}
