//! Which of many rules a ticket's own words leave open. Most rules ask for one of a few texts in some field; a ticket
//! that says another is passed by all of them at once, whatever their number.
//!
//! What must never be in here: a rule's truth. One that is left out is *no*, and stays so until a record says otherwise.

use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};
use tierline_rules::{FOREIGN, Facts, FieldRef, Rule, Told, Value};

/// The gates of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    fields: Vec<Behind>,
    /// By rule: it has no gate.
    free: Vec<bool>,
    /// By rule: another gate of it, for tickets of which the first is untold.
    second: Vec<Option<(usize, Box<[u32]>)>>,
}

/// The rules whose first gate is a field.
#[derive(Debug)]
struct Behind {
    field: FieldRef,
    all: Vec<u16>,
    by_text: FxHashMap<u32, Vec<u16>>,
}

/// What a ticket tells of a field.
enum Says {
    /// No more than that any of them may be open.
    Anything,
    /// These.
    Texts(SmallVec<[u32; 8]>),
}

impl Gates {
    pub fn of(rules: &[Rule]) -> Gates {
        let mut gates = Gates::default();
        for (number, rule) in (0..).zip(rules) {
            let mut own = rule.gates().into_iter();
            let first = own.next();
            gates.free.push(first.is_none());
            if let Some(first) = first {
                let place = gates.place(first.field);
                let behind = &mut gates.fields[place];
                behind.all.push(number);
                for &text in &first.texts {
                    behind.by_text.entry(text).or_default().push(number);
                }
            }
            let second = own.next().map(|second| (gates.place(second.field), second.texts));
            gates.second.push(second);
        }
        gates
    }

    fn place(&mut self, field: FieldRef) -> usize {
        self.fields.iter().position(|behind| behind.field == field).unwrap_or_else(|| {
            self.fields.push(Behind { field, all: Vec::new(), by_text: FxHashMap::default() });
            self.fields.len() - 1
        })
    }

    /// Those of `rules`, which are in order, that may be other than *no* on a ticket; in no order, some of them twice.
    pub fn open(&self, facts: &dyn Facts, rules: &[u16], into: &mut Vec<u16>) {
        into.extend(rules.iter().filter(|&&rule| self.free[usize::from(rule)]));
        let is_asked = |rule: &u16| rules.binary_search(rule).is_ok();
        let mut said: SmallVec<[Option<Says>; 16]> = smallvec![];
        said.resize_with(self.fields.len(), || None);
        for (place, behind) in self.fields.iter().enumerate().filter(|(_, behind)| !behind.all.is_empty()) {
            match said[place].get_or_insert_with(|| Says::of(facts, &behind.field)) {
                Says::Texts(texts) => {
                    let open = texts.iter().filter_map(|text| behind.by_text.get(text)).flatten();
                    into.extend(open.copied().filter(is_asked));
                }
                Says::Anything => {
                    for &rule in behind.all.iter().filter(|&rule| is_asked(rule)) {
                        let is_shut = self.second[usize::from(rule)].as_ref().is_some_and(|(place, texts)| {
                            said[*place].get_or_insert_with(|| Says::of(facts, &self.fields[*place].field)).shuts(texts)
                        });
                        into.extend(Some(rule).filter(|_| !is_shut));
                    }
                }
            }
        }
    }
}

impl Says {
    fn of(facts: &dyn Facts, field: &FieldRef) -> Says {
        let texts = |texts: SmallVec<[u32; 8]>| match texts.contains(&FOREIGN) {
            true => Says::Anything,
            false => Says::Texts(texts),
        };
        match facts.field(field) {
            Told::Value(Value::Text(word), _) => texts(smallvec![word.folded]),
            Told::Value(Value::List(list), _) => texts(list.iter().map(|word| word.folded).collect()),
            Told::Empty(_) => Says::Texts(SmallVec::new()),
            Told::Untold(_) | Told::Value(..) => Says::Anything,
        }
    }

    /// Whether it is told, and none of these.
    fn shuts(&self, texts: &[u32]) -> bool {
        matches!(self, Says::Texts(told) if !told.iter().any(|text| texts.contains(text)))
    }
}
