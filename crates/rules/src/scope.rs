//! What the reading of a rule needs besides the rule.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use tierline_model::{Millis, SlaMetric};
use tierline_sla::Calendar;

use crate::source::{self, Diagnostics, Entry, Node, codes};
use crate::tree::Expression;
use crate::{FOREIGN, Mappings, NamedCalendar, Phrase, Sources};

/// Everything that conditions may ask for while they are read.
pub(crate) struct Scope<'s> {
    pub(crate) found: &'s mut Diagnostics,
    pub(crate) texts: TextNumbers,
    pub(crate) phrases: Vec<Phrase>,
    /// Milliseconds for which solved tickets count.
    pub(crate) history: Millis,
    /// The metrics that some policy has a target for.
    pub(crate) metrics: Vec<SlaMetric>,
    pub(crate) calendars: Calendars,
    /// What words are called before a rule sees them.
    pub(crate) mappings: Mappings,
    /// Who tells what.
    pub(crate) sources: Sources,
    pub(crate) terms: BTreeMap<&'s str, Term<'s>>,
    /// The terms that are being read, each within the one before it.
    pub(crate) reading: Vec<&'s str>,
}

impl<'s> Scope<'s> {
    /// One without policies, terms and texts.
    #[cfg(test)]
    pub(crate) fn bare(found: &'s mut Diagnostics, texts: TextNumbers) -> Scope<'s> {
        Scope {
            found,
            texts,
            phrases: Vec::new(),
            history: 0,
            metrics: Vec::new(),
            calendars: Calendars::default(),
            mappings: Mappings::default(),
            sources: Sources::default(),
            terms: BTreeMap::new(),
            reading: Vec::new(),
        }
    }

    /// The place of a phrase among those of the rule set; the same for each condition that means it.
    pub(crate) fn phrase(&mut self, phrase: Phrase) -> Option<u16> {
        let place = self.phrases.iter().position(|other| other.key == phrase.key).unwrap_or_else(|| {
            self.phrases.push(phrase);
            self.phrases.len() - 1
        });
        u16::try_from(place).ok()
    }
}

/// A term, as far as it has been read.
pub(crate) enum Term<'s> {
    /// Not yet.
    Written(&'s Entry),
    /// Its reading has begun: who meets it now goes round in a circle.
    Begun,
    /// It has been; `None`: with mistakes, which have been told.
    Read(Option<Expression>),
}

/// The calendars by name; of those with mistakes, which have been told, only the name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendars {
    pub(crate) named: Vec<NamedCalendar>,
    pub(crate) mistaken: Vec<String>,
}

impl Calendars {
    /// The calendar that is built in.
    pub(crate) const ALWAYS: &str = "always";

    /// The calendar that a node names; [`None`]: there is none, which has been told.
    pub(crate) fn find(&self, node: &Node, found: &mut Diagnostics) -> Option<Calendar> {
        let name = source::text(node, "`calendar`", found)?;
        if name == Calendars::ALWAYS {
            return Some(Calendar::Always);
        }
        if let Some(place) = self.place(name) {
            return Some(self.named[place].calendar.clone());
        }
        if !self.mistaken.iter().any(|other| other == name) {
            let names = || self.named.iter().map(|named| named.name.as_str()).chain([Calendars::ALWAYS]);
            let help = source::did_you_mean(name, names())
                .unwrap_or_else(|| format!("the calendars are {}", source::listed(names())));
            found.mistake(codes::UNKNOWN_WORD, &node.span, format!("there is no calendar `{name}`")).help(help);
        }
        None
    }

    /// Which of the named ones it is.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.named.iter().position(|named| named.name == name)
    }
}

/// Texts that conditions compare for equality, each with its number.
#[derive(Default)]
pub(crate) struct TextNumbers {
    numbers: FxHashMap<String, u32>,
    texts: Vec<String>,
}

impl TextNumbers {
    /// The number of a folded text.
    pub(crate) fn number(&mut self, folded: &str) -> u32 {
        if let Some(&number) = self.numbers.get(folded) {
            return number;
        }
        // Sources are bounded far below 2^32 values.
        let number = u32::try_from(self.texts.len()).unwrap_or(FOREIGN);
        self.texts.push(folded.to_owned());
        self.numbers.insert(folded.to_owned(), number);
        number
    }

    /// The folded text that has a number.
    pub(crate) fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }

    pub(crate) fn into_texts(self) -> Vec<String> {
        self.texts
    }
}
