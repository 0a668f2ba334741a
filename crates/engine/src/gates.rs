//! Which of many rules a ticket's own words leave open. Most rules ask for one of a few texts in some field; a ticket
//! that says another is passed by all of them at once, whatever their number.
//!
//! One with an untold gate cannot become *yes* before a record tells it, so that time needs not be waited for.
//!
//! What must never be in here: a rule that might be *yes*, left out.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use tierline_rules::{FOREIGN, Facts, FieldRef, Rule, Told, Value};

/// The gates of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    fields: Vec<Behind>,
    /// Rules without a gate, in order.
    free: Vec<u16>,
    /// By rule, its gates but the first: the place of the field, and the texts.
    others: Vec<Others>,
}

type Others = Box<[(usize, Box<[u32]>)]>;

/// The rules whose first gate is a field.
#[derive(Debug)]
struct Behind {
    field: FieldRef,
    all: Vec<u16>,
    by_text: FxHashMap<u32, Vec<u16>>,
}

/// Which rules are asked for: a bit each.
#[derive(Debug, Default)]
pub(crate) struct Asked(Vec<u64>);

/// What the gates leave of the rules that are asked for, in no order.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// May be other than *no*; some of them twice.
    open: Vec<u16>,
    /// Are *unknown*: no gate is shut, some field is untold, and what else is asked is not *no*.
    pub undecided: Vec<u16>,
}

/// What a ticket tells of a field.
enum Says {
    Untold,
    /// What no number stands for.
    Unclear,
    Texts(SmallVec<[u32; 8]>),
}

impl Gates {
    pub fn of(rules: &[Rule]) -> Gates {
        let mut gates = Gates::default();
        for (number, rule) in (0..).zip(rules) {
            let mut own = rule.gates().into_iter();
            match own.next() {
                None => gates.free.push(number),
                Some(first) => {
                    let place = gates.place(first.field);
                    let behind = &mut gates.fields[place];
                    behind.all.push(number);
                    for &text in &first.texts {
                        behind.by_text.entry(text).or_default().push(number);
                    }
                }
            }
            let others = own.map(|gate| (gates.place(gate.field), gate.texts)).collect();
            gates.others.push(others);
        }
        gates
    }

    fn place(&mut self, field: FieldRef) -> usize {
        self.fields.iter().position(|behind| behind.field == field).unwrap_or_else(|| {
            self.fields.push(Behind { field, all: Vec::new(), by_text: FxHashMap::default() });
            self.fields.len() - 1
        })
    }

    /// What a ticket leaves of the rules asked for.
    pub fn leave(&self, rules: &[Rule], facts: &dyn Facts, asked: &Asked, left: &mut Left) {
        left.open.clear();
        left.undecided.clear();
        left.open.extend(self.free.iter().filter(|&&rule| asked.has(rule)));
        let mut said = Said { rules, facts, gates: self, fields: SmallVec::new() };
        said.fields.resize_with(self.fields.len(), || None);
        for (place, behind) in self.fields.iter().enumerate().filter(|(_, behind)| !behind.all.is_empty()) {
            match said.of(place) {
                Says::Texts(texts) => {
                    let texts = texts.clone();
                    for &rule in texts.iter().filter_map(|text| behind.by_text.get(text)).flatten() {
                        said.sort(rule, false, asked, left);
                    }
                }
                Says::Unclear => left.open.extend(behind.all.iter().filter(|&&rule| asked.has(rule))),
                Says::Untold => behind.all.iter().for_each(|&rule| said.sort(rule, true, asked, left)),
            }
        }
    }
}

/// What a ticket tells of the fields of the gates, each looked at once.
struct Said<'g> {
    rules: &'g [Rule],
    facts: &'g dyn Facts,
    gates: &'g Gates,
    fields: SmallVec<[Option<Says>; 16]>,
}

impl Said<'_> {
    fn of(&mut self, place: usize) -> &Says {
        self.fields[place].get_or_insert_with(|| Says::of(self.facts, &self.gates.fields[place].field))
    }

    /// Puts a rule whose first gate is not shut where its other gates say.
    fn sort(&mut self, rule: u16, first_untold: bool, asked: &Asked, left: &mut Left) {
        if !asked.has(rule) {
            return;
        }
        let (mut untold, mut unclear) = (first_untold, false);
        for (place, texts) in &self.gates.others[usize::from(rule)] {
            match self.of(*place) {
                Says::Untold => untold = true,
                Says::Unclear => unclear = true,
                Says::Texts(told) if told.iter().any(|text| texts.contains(text)) => {}
                Says::Texts(_) => return,
            }
        }
        if !untold || unclear {
            left.open.push(rule);
        } else if self.rules[usize::from(rule)].is_open_beside_gates(self.facts) {
            left.undecided.push(rule);
        }
    }
}

impl Left {
    /// These are looked at, too.
    pub fn open(&mut self, rules: impl Iterator<Item = u16>) {
        let before = self.open.len();
        self.open.extend(rules);
        let added = &self.open[before..];
        if !added.is_empty() {
            self.undecided.retain(|rule| !added.contains(rule));
        }
    }

    /// So is whatever is undecided.
    pub fn open_all(&mut self) {
        self.open.append(&mut self.undecided);
    }

    /// Those to be looked at, each once.
    pub fn in_order(&mut self) -> &[u16] {
        self.open.sort_unstable();
        self.open.dedup();
        &self.open
    }
}

impl Says {
    fn of(facts: &dyn Facts, field: &FieldRef) -> Says {
        let texts = |texts: SmallVec<[u32; 8]>| match texts.contains(&FOREIGN) {
            true => Says::Unclear,
            false => Says::Texts(texts),
        };
        match facts.field(field) {
            Told::Value(Value::Text(word), _) => texts(SmallVec::from_slice(&[word.folded])),
            Told::Value(Value::List(list), _) => texts(list.iter().map(|word| word.folded).collect()),
            Told::Empty(_) => Says::Texts(SmallVec::new()),
            Told::Untold(_) => Says::Untold,
            Told::Value(..) => Says::Unclear,
        }
    }
}

impl Asked {
    /// These, of so many.
    pub fn set(&mut self, rules: &[u16], of: usize) {
        self.0.clear();
        self.0.resize(of.div_ceil(64), if rules.len() == of { u64::MAX } else { 0 });
        if rules.len() < of {
            rules.iter().for_each(|&rule| self.0[usize::from(rule) / 64] |= 1 << (rule % 64));
        }
    }

    pub fn has(&self, rule: u16) -> bool {
        self.0[usize::from(rule) / 64] >> (rule % 64) & 1 == 1
    }
}
