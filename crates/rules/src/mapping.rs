//! What the company calls things: the words of its systems, each in its own. `tags:` and `fields:` of a configuration.
//!
//! The state keeps what the sources said; what they say is called otherwise as it is read, in one place
//! ([`Mapping::apply`]). So a changed mapping is true of what was told before it, and evidence shows both words.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{FieldRef, List, Reads, Told, Value, Word, fold, text};

/// The mappings of all fields that have one.
#[derive(Clone, Debug, Default)]
pub struct Mappings {
    each: Vec<Mapping>,
    /// Which fields: what is asked of every field that is read.
    fields: Reads,
}

/// What the words of one field are called.
#[derive(Clone, Debug)]
pub struct Mapping {
    field: FieldRef,
    everywhere: Words,
    /// What differs by source: all that counts for it.
    by_source: Vec<(String, Words)>,
    normal: String,
}

/// What words are called.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// By the [hash](fold::hash) of what is called otherwise.
    calls: FxHashMap<u64, Vec<Call>>,
    blank: Option<Name>,
}

#[derive(Clone, Debug)]
struct Call {
    word: String,
    name: Name,
}

/// A word of the company's own.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: Arc<str>,
    /// The number of its fold among the texts of the rule set.
    pub(crate) folded: u32,
}

impl Mappings {
    /// These; each is of another field.
    pub(crate) fn new(each: Vec<Mapping>) -> Mappings {
        let fields = each.iter().fold(Reads::default(), |reads, mapping| reads.and_field(&mapping.field));
        Mappings { each, fields }
    }

    /// That of a field, if it has one.
    pub fn of(&self, field: &FieldRef) -> Option<&Mapping> {
        // Asked of every field that is read, and most deployments map nothing.
        if self.each.is_empty() || !self.fields.overlaps(Reads::default().and_field(field)) {
            return None;
        }
        self.each.iter().find(|mapping| mapping.field == *field)
    }

    /// What is known of a field, in the company's own words.
    pub fn apply<'a>(&'a self, field: &FieldRef, told: Told<'a>) -> Told<'a> {
        self.of(field).map_or(told, |mapping| mapping.apply(told))
    }

    /// What is called otherwise than by `old` of what these read, a sentence each.
    pub(crate) fn differences(&self, old: &Mappings, reads: Reads) -> Vec<String> {
        let fields = self.each.iter().chain(&old.each).map(|mapping| &mapping.field);
        let read = fields.filter(|field| reads.overlaps(Reads::default().and_field(field)));
        let keys: BTreeMap<String, &FieldRef> = read.map(|field| (field.key(), field)).collect();
        let calls = |of: &Mappings, field| of.of(field).map(Mapping::calls).unwrap_or_default();
        keys.iter().flat_map(|(key, field)| called_otherwise(key, &calls(old, field), &calls(self, field))).collect()
    }

    /// Those of these fields (`ticket.category`) in one fixed spelling; empty where none of them has one.
    pub(crate) fn normal(&self, fields: impl Iterator<Item = String>) -> String {
        let fields: Vec<String> = fields.collect();
        let read = self.each.iter().filter(|mapping| fields.iter().any(|field| *field == mapping.field.key()));
        read.map(|mapping| mapping.normal.as_str()).collect()
    }
}

/// By source and word: what it is called.
type Calls = BTreeMap<(String, String), String>;

/// What of a field is called otherwise now. What a source says like everybody is said once.
fn called_otherwise(key: &str, old: &Calls, new: &Calls) -> Vec<String> {
    let mut sentences = Vec::new();
    let everybody = |calls: &Calls, word: &str| calls.get(&(String::new(), word.to_owned())).cloned();
    for place @ (source, word) in old.keys().chain(new.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (was, is) = (old.get(place), new.get(place));
        let like_everybody = everybody(old, word).as_ref() == was && everybody(new, word).as_ref() == is;
        if was == is || (!source.is_empty() && like_everybody) {
            continue;
        }
        let what = if word.is_empty() { "a blank".to_owned() } else { text::quoted(word) };
        let by = if source.is_empty() { String::new() } else { format!(" of {}", text::quoted(source)) };
        let called = |name: Option<&String>| name.map_or("itself".to_owned(), |name| text::quoted(name));
        sentences.push(format!("In {key}{by}, {what} is called {}; it was called {}.", called(is), called(was)));
    }
    sentences
}

impl Mapping {
    pub(crate) fn new(field: FieldRef, everywhere: Words, mut by_source: Vec<(String, Words)>) -> Mapping {
        by_source.sort_by(|(one, _), (other, _)| one.cmp(other));
        let spelled = by_source.iter().map(|(source, words)| format!("{source:?}:{}", words.normal()));
        let normal = format!(" {} {} {}", field.key(), everywhere.normal(), spelled.collect::<Vec<_>>().join(" "));
        Mapping { field, everywhere, by_source, normal }
    }

    /// Whether what a word is called depends on who says it.
    pub fn differs_by_source(&self) -> bool {
        !self.by_source.is_empty()
    }

    /// What is known of the field, in the company's own words. What nobody has told stays untold.
    pub fn apply<'a>(&'a self, told: Told<'a>) -> Told<'a> {
        let (Told::Empty(stamp) | Told::Value(_, stamp)) = told else { return told };
        let words = self.words(stamp.source);
        let value = match told {
            Told::Value(Value::Text(word), _) => Some(Value::Text(words.word(word))),
            Told::Value(Value::List(list), _) if !list.is_empty() => Some(Value::List(list.in_words(words))),
            Told::Value(Value::List(_), _) | Told::Empty(_) => words.blank().map(Value::Text),
            Told::Value(..) | Told::Untold(_) => None,
        };
        value.map_or(told, |value| Told::Value(value, stamp))
    }

    /// What a word is called, if otherwise: then no rule ever sees it. Words that only some sources map are seen, and so
    /// are those by which some source's are called.
    pub(crate) fn calls_otherwise(&self, word: &str) -> Option<&str> {
        if self.by_source.iter().any(|(_, words)| words.names(word)) {
            return None;
        }
        let name = self.everywhere.find(word)?;
        (!fold::same(&name.text, word)).then_some(&*name.text)
    }

    /// What each word is called, by the source that calls it so; the empty source is everybody, the empty word a blank.
    fn calls(&self) -> Calls {
        let all =
            std::iter::once(("", &self.everywhere)).chain(self.by_source.iter().map(|(name, words)| (&**name, words)));
        let each = all.flat_map(|(source, words)| words.each().map(move |(word, name)| (source, word, name)));
        let otherwise = each.filter(|(_, word, name)| !fold::same(word, name));
        otherwise.map(|(source, word, name)| ((source.to_owned(), word.to_owned()), name.to_owned())).collect()
    }

    fn words(&self, source: Option<&str>) -> &Words {
        let own = source.and_then(|source| self.by_source.iter().find(|(name, _)| name == source));
        own.map_or(&self.everywhere, |(_, words)| words)
    }
}

impl Words {
    /// From now on `word` is called `name`; the first that says so counts.
    pub(crate) fn call(&mut self, word: &str, name: &Name) {
        let word = fold(word.trim());
        if self.find(&word).is_none() {
            self.calls.entry(fold::hash(&word)).or_default().push(Call { word, name: name.clone() });
        }
    }

    /// From now on what is empty is called `name`; the first that says so counts.
    pub(crate) fn call_blank(&mut self, name: &Name) {
        self.blank.get_or_insert_with(|| name.clone());
    }

    /// What is not called anything here is called what it is there.
    pub(crate) fn or(mut self, there: &Words) -> Words {
        for call in there.calls.values().flatten() {
            self.call(&call.word, &call.name);
        }
        there.blank.iter().for_each(|name| self.call_blank(name));
        self
    }

    /// A word in the company's own. Allocates nothing.
    pub(crate) fn word<'a>(&'a self, word: Word<'a>) -> Word<'a> {
        let text = word.text.trim();
        if text.is_empty() {
            return self.blank().unwrap_or(word);
        }
        let Some(name) = self.find(text) else { return word };
        // Another case of the same word is no other word.
        let told = (!fold::same(text, &name.text)).then_some(word.text);
        Word { text: &name.text, folded: name.folded, told }
    }

    fn blank(&self) -> Option<Word<'_>> {
        self.blank.as_ref().map(|name| Word { text: &name.text, folded: name.folded, told: Some("") })
    }

    /// What a word is called, whatever its case.
    pub(crate) fn find(&self, word: &str) -> Option<&Name> {
        let calls = self.calls.get(&fold::hash(word))?;
        calls.iter().find(|call| fold::same(&call.word, word)).map(|call| &call.name)
    }

    /// Whether anything is called this.
    fn names(&self, word: &str) -> bool {
        self.each().any(|(_, name)| fold::same(name, word))
    }

    /// Every word and what it is called; a blank is the empty word.
    fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        let blank = self.blank.iter().map(|name| ("", &*name.text));
        self.calls.values().flatten().map(|call| (&*call.word, &*call.name.text)).chain(blank)
    }

    fn normal(&self) -> String {
        let mut calls: Vec<_> =
            self.calls.values().flatten().map(|call| format!("{:?}>{:?}", call.word, call.name.text)).collect();
        calls.sort();
        format!("{}|{:?}", calls.join(","), self.blank.as_ref().map(|name| &name.text))
    }
}

impl<'a> List<'a> {
    fn in_words(self, words: &'a Words) -> List<'a> {
        List { words: Some(words), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ALWAYS, FOREIGN, Stamp};
    use tierline_model::TicketField::{Category, Severity};

    const CATEGORY: FieldRef = FieldRef::Ticket(Category);

    fn name(text: &str, folded: u32) -> Name {
        Name { text: text.into(), folded }
    }

    fn category() -> Mappings {
        let mut everywhere = Words::default();
        everywhere.call("Billing", &name("Billing", 1));
        everywhere.call("payment", &name("Billing", 1));
        everywhere.call_blank(&name("unclassified", 2));
        let mut desk = Words::default();
        desk.call("payment", &name("checkout", 3));
        Mappings::new(vec![Mapping::new(CATEGORY, everywhere.clone(), vec![("desk".into(), desk.or(&everywhere))])])
    }

    fn called<'a>(mappings: &'a Mappings, text: &'a str, source: &'a str) -> (&'a str, u32, Option<&'a str>) {
        let stamp = Stamp { since: ALWAYS, as_of: None, source: Some(source) };
        match mappings.apply(&CATEGORY, Told::Value(Value::Text(Word::plain(text, FOREIGN)), stamp)) {
            Told::Value(Value::Text(word), _) => (word.text, word.folded, word.told),
            other => panic!("a text stays a text: {other:?}"),
        }
    }

    #[test]
    fn a_word_is_called_what_the_company_calls_it_whatever_its_case_and_the_space_around_it() {
        let mappings = category();
        assert_eq!(called(&mappings, " PAYMENT", "mail"), ("Billing", 1, Some(" PAYMENT")));
        assert_eq!(called(&mappings, "billing", "mail"), ("Billing", 1, None));
        assert_eq!(called(&mappings, "refunds", "mail"), ("refunds", FOREIGN, None));
        assert_eq!(called(&mappings, "  ", "mail"), ("unclassified", 2, Some("")));
    }

    #[test]
    fn what_a_source_calls_otherwise_counts_before_what_all_do() {
        let mappings = category();
        assert_eq!(called(&mappings, "payment", "desk"), ("checkout", 3, Some("payment")));
        assert_eq!(called(&mappings, "", "desk"), ("unclassified", 2, Some("")));
    }

    #[test]
    fn what_is_empty_may_have_a_name_and_what_nobody_told_has_none() {
        let mappings = category();
        let stamp = Stamp { since: 7, as_of: None, source: None };
        let name = Word { text: "unclassified", folded: 2, told: Some("") };
        assert_eq!(mappings.apply(&CATEGORY, Told::Empty(stamp)), Told::Value(Value::Text(name), stamp));
        assert_eq!(mappings.apply(&CATEGORY, Told::Untold(7)), Told::Untold(7));
        assert_eq!(mappings.apply(&FieldRef::Ticket(Severity), Told::Empty(stamp)), Told::Empty(stamp));
    }

    #[test]
    fn the_order_of_sources_is_no_difference_and_a_word_of_one_of_them_is_seen() {
        let mut everywhere = Words::default();
        everywhere.call("payment", &name("Billing", 1));
        let (mut old, mut new) = (Words::default(), Words::default());
        old.call("zahlung", &name("payment", 2));
        new.call("pay", &name("Billing", 1));
        let of = |sources: [(&str, &Words); 2]| {
            let sources = sources.map(|(source, words)| (source.to_owned(), words.clone().or(&everywhere)));
            Mapping::new(CATEGORY, everywhere.clone(), sources.to_vec())
        };
        let (one, other) = (of([("old", &old), ("new", &new)]), of([("new", &new), ("old", &old)]));
        assert_eq!(one.normal, other.normal);
        assert_eq!(one.calls_otherwise("payment"), None);
        assert_eq!(of([("new", &new), ("newer", &new)]).calls_otherwise("payment"), Some("Billing"));
    }

    #[test]
    fn only_rules_that_read_what_is_mapped_differ_by_it() {
        let normal = |field: &str| category().normal([field.to_owned()].into_iter());
        assert_eq!(normal("ticket.severity"), "");
        assert!(normal("ticket.category").contains(r#""payment">"Billing""#));
    }
}
