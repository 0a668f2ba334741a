//! What is remembered of a company: the value of each field that was told, and as of when. So what comes late does not
//! undo what is newer, and what comes in parts is told as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tierline_model::{AccountField, Millis};

use super::Of;
use crate::directory::{EntryKind, Known};
use crate::identity::{Identity, Told};
use crate::records::{AccountChange, AccountSnapshot, Fields};
use crate::{Basics, Context, Reading};

/// A company of a source, while a payload that speaks of it is read.
pub struct Company<'b> {
    basics: &'b Basics,
    id: String,
    account: String,
    remembered: Remembered,
}

/// What a payload says of one field; no value: it is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Which.
    pub of: Of,
    /// Its value.
    pub value: Option<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Remembered {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, Kept>,
    /// When its source deleted it, or merged it into another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone_at: Option<Millis>,
    /// It was told whole once, so that there is something on `accounts`.
    #[serde(default)]
    whole: bool,
    /// It goes on under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goes_on_as: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    at: Millis,
    /// Null: empty.
    value: Value,
}

impl<'b> Company<'b> {
    /// What is known of it.
    pub fn of(basics: &'b Basics, id: &str, context: &Context<'_>, reading: &Reading) -> Company<'b> {
        let known = reading.known(context, &basics.name, EntryKind::Organisation, id);
        let account = known.and_then(|known| known.account.clone());
        Company {
            basics,
            id: id.to_owned(),
            account: account.unwrap_or_else(|| basics.account_id(id, context)),
            remembered: known.map(Remembered::of).unwrap_or_default(),
        }
    }

    /// The source's id of it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it goes on under another id: what the source says of this one means nothing any more.
    pub fn goes_on(&self) -> bool {
        self.remembered.goes_on_as.is_some()
    }

    /// Whether it was deleted at this instant or later.
    pub fn is_gone(&self, at: Millis) -> bool {
        self.remembered.gone_at.is_some_and(|gone_at| gone_at >= at)
    }

    /// Single fields, as of `at`. Says whether any of them is news: what is older than what is known is not.
    pub fn change(&mut self, said: Vec<Said>, at: Millis, context: &Context<'_>, reading: &mut Reading) -> bool {
        let news = self.take(said, at);
        if news.is_empty() {
            return false;
        }
        let mut change = self.a_change(at);
        for Said { of, value } in news {
            put(&mut change.fields, &of, value);
        }
        reading.push(change);
        self.save(context, reading);
        true
    }

    /// All that the source says, as of `at`; what it leaves out is as it was told before. Says whether it is news.
    pub fn snapshot(&mut self, said: Vec<Said>, at: Millis, context: &Context<'_>, reading: &mut Reading) -> bool {
        if self.is_gone(at) {
            return false;
        }
        self.take(said, at);
        self.remembered.whole = true;
        let mut snapshot = AccountSnapshot::new(&*self.account, &self.basics.name);
        snapshot.updated_at = Some(at.max(self.remembered.fields.values().map(|kept| kept.at).max().unwrap_or(at)));
        self.remembered.fill(&mut snapshot.fields);
        reading.push(snapshot);
        self.save(context, reading);
        true
    }

    /// The source has deleted it: what it had told is told no more, but for what it told later. Says whether it is news.
    pub fn delete(&mut self, at: Millis, context: &Context<'_>, reading: &mut Reading) -> bool {
        if self.is_gone(at) {
            return false;
        }
        self.remembered.fields.retain(|_, kept| kept.at > at);
        self.remembered.gone_at = Some(at);
        self.tell_gone(at, reading);
        if let Some(newest) = self.remembered.fields.values().map(|kept| kept.at).max() {
            let mut change = self.a_change(newest);
            self.remembered.fill(&mut change.fields);
            reading.push(change);
        }
        self.save(context, reading);
        true
    }

    /// From `at` on it goes on under another id, and under this account still.
    pub fn go_on_as(mut self, id: &str, at: Millis, context: &Context<'_>, reading: &mut Reading) {
        if id == self.id {
            return;
        }
        let heir = Company {
            basics: self.basics,
            id: id.to_owned(),
            account: self.account.clone(),
            remembered: Remembered { gone_at: None, goes_on_as: None, ..self.remembered.clone() },
        };
        heir.save(context, reading);
        reading.told.push(Told::GoesOn { of: Identity::new(&self.basics.name, &self.id), heir: id.to_owned() });
        self.remembered = Remembered { goes_on_as: Some(id.to_owned()), gone_at: Some(at), ..Remembered::default() };
        self.save(context, reading);
    }

    /// Takes what another process remembered of it, where neither knew of the other's. What both were told differently is
    /// told once more, for nobody knows whose record was written last.
    pub fn unite(mut self, other: &Known, context: &Context<'_>, reading: &mut Reading) {
        let other = Remembered::of(other);
        let ours = self.remembered.clone();
        let all = &mut self.remembered;
        for (word, theirs) in &other.fields {
            if all.fields.get(word).is_none_or(|ours| ours.at < theirs.at) {
                all.fields.insert(word.clone(), theirs.clone());
            }
        }
        all.gone_at = ours.gone_at.max(other.gone_at);
        all.fields.retain(|_, kept| all.gone_at.is_none_or(|gone_at| kept.at > gone_at));
        all.whole |= other.whole;
        all.goes_on_as = all.goes_on_as.take().or(other.goes_on_as);
        if self.goes_on() {
            self.remembered.fields.clear();
        } else if let Some(gone_at) = self.remembered.gone_at.filter(|_| self.remembered.fields.is_empty()) {
            self.tell_gone(gone_at, reading);
        } else if self.remembered.whole {
            self.tell_whole(reading);
        } else {
            let differ = |word: &String| ours.fields.get(word) != other.fields.get(word);
            let mut changes: BTreeMap<Millis, AccountChange> = BTreeMap::new();
            for (word, kept) in self.remembered.fields.iter().filter(|(word, _)| differ(word)) {
                let change = changes.entry(kept.at).or_insert_with(|| self.a_change(kept.at));
                kept.fill(word, &mut change.fields);
            }
            changes.into_values().for_each(|change| reading.push(change));
        }
        self.save(context, reading);
    }

    fn tell_whole(&self, reading: &mut Reading) {
        let mut snapshot = AccountSnapshot::new(&*self.account, &self.basics.name);
        snapshot.updated_at = self.remembered.fields.values().map(|kept| kept.at).max();
        self.remembered.fill(&mut snapshot.fields);
        reading.push(snapshot);
    }

    /// That its source has deleted it, and what it had told with it.
    fn tell_gone(&mut self, at: Millis, reading: &mut Reading) {
        let mut change = self.a_change(at);
        change.deleted = true;
        reading.push(change);
        if std::mem::take(&mut self.remembered.whole) {
            // A snapshot of nothing takes the place of what a compacted topic would keep.
            let mut nothing = AccountSnapshot::new(&*self.account, &self.basics.name);
            nothing.updated_at = Some(at);
            reading.push(nothing);
        }
    }

    fn a_change(&self, at: Millis) -> AccountChange {
        let mut change = AccountChange::new(&*self.account, &self.basics.name);
        change.source_id = Some(self.id.clone());
        change.updated_at = Some(at);
        change
    }

    /// Keeps what is news.
    fn take(&mut self, said: Vec<Said>, at: Millis) -> Vec<Said> {
        if self.is_gone(at) {
            return Vec::new();
        }
        let fields = &mut self.remembered.fields;
        let mut news = said;
        news.retain(|said| {
            let word = said.of.word();
            let is_news = fields.get(&word).is_none_or(|kept| kept.at <= at);
            if is_news {
                fields.insert(word, Kept { at, value: said.value.clone().unwrap_or(Value::Null) });
            }
            is_news
        });
        news
    }

    fn save(&self, context: &Context<'_>, reading: &mut Reading) {
        let name = self.remembered.fields.get(AccountField::Name.word());
        let more = match serde_json::to_value(&self.remembered) {
            Ok(Value::Object(more)) => Some(Box::new(more)),
            // Maps with texts for keys have no way to fail.
            _ => None,
        };
        let known = Known {
            account: Some(self.account.clone()),
            name: name.and_then(|kept| kept.value.as_str()).map(str::to_owned),
            more,
            ..Known::default()
        };
        self.basics.remember_organisation(&self.id, known, context, reading);
    }
}

impl Remembered {
    /// What an entry says.
    fn of(known: &Known) -> Remembered {
        let more = known.more.as_deref();
        let remembered = more.and_then(|more| serde_json::from_value(Value::Object(more.clone())).ok());
        remembered.unwrap_or_default()
    }

    fn fill(&self, fields: &mut Fields<AccountField>) {
        self.fields.iter().for_each(|(word, kept)| kept.fill(word, fields));
    }
}

impl Kept {
    fn fill(&self, word: &str, fields: &mut Fields<AccountField>) {
        if let Some(of) = Of::from_word(word) {
            put(fields, &of, Some(self.value.clone()).filter(|value| !value.is_null()));
        }
    }
}

fn put(fields: &mut Fields<AccountField>, of: &Of, value: Option<Value>) {
    match of {
        Of::Field(field) => fields.set_or_clear(*field, value),
        Of::Custom(name) => fields.set_custom(name, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Delivery;
    use crate::directory::{Directory, Table};
    use serde_json::json;

    fn plan(value: &str) -> Vec<Said> {
        vec![Said { of: Of::Field(AccountField::Plan), value: Some(json!(value)) }]
    }

    fn told(table: &mut Table, tell: impl FnOnce(Company<'_>, &Context<'_>, &mut Reading)) -> Vec<Value> {
        let delivery = Delivery::bare(b"", 0);
        let basics = Basics { name: "crm".to_owned(), ..Basics::default() };
        let mut reading = Reading::default();
        {
            let context = Context { delivery: &delivery, directory: &*table };
            tell(Company::of(&basics, "1", &context, &reading), &context, &mut reading);
        }
        for entry in reading.directory {
            table.put(entry);
        }
        reading.records.into_iter().map(|record| Value::Object(record.told)).collect()
    }

    #[test]
    fn what_comes_late_does_not_undo_what_is_newer() {
        let mut table = Table::default();
        let first = told(&mut table, |mut company, context, reading| {
            assert!(company.change(plan("pro"), 200, context, reading));
        });
        assert_eq!(first[0]["set"], json!({"plan": "pro"}));
        let late = told(&mut table, |mut company, context, reading| {
            assert!(!company.change(plan("free"), 100, context, reading));
        });
        assert!(late.is_empty());
    }

    #[test]
    fn a_whole_keeps_what_it_leaves_out() {
        let mut table = Table::default();
        told(&mut table, |mut company, context, reading| {
            company.change(plan("pro"), 200, context, reading);
        });
        let whole = told(&mut table, |mut company, context, reading| {
            let name = Said { of: Of::Field(AccountField::Name), value: Some(json!("Acme")) };
            company.snapshot(vec![name], 300, context, reading);
        });
        assert_eq!((&whole[0]["name"], &whole[0]["plan"]), (&json!("Acme"), &json!("pro")));
    }

    #[test]
    fn what_is_deleted_is_gone_from_both_topics_and_comes_back_with_what_is_newer() {
        let mut table = Table::default();
        told(&mut table, |mut company, context, reading| {
            company.snapshot(plan("pro"), 200, context, reading);
        });
        let gone = told(&mut table, |mut company, context, reading| assert!(company.delete(300, context, reading)));
        assert_eq!((gone.len(), &gone[0]["deleted"], gone[1].get("plan")), (2, &json!(true), None));
        let late = told(&mut table, |mut company, context, reading| {
            assert!(!company.change(plan("late"), 250, context, reading));
        });
        assert!(late.is_empty());
        let back = told(&mut table, |mut company, context, reading| {
            assert!(company.change(plan("free"), 400, context, reading));
        });
        assert_eq!(back[0]["set"], json!({"plan": "free"}));
        let again = told(&mut table, |mut company, context, reading| assert!(!company.delete(300, context, reading)));
        assert!(again.is_empty());
        let late = told(&mut table, |mut company, context, reading| assert!(company.delete(350, context, reading)));
        assert_eq!((late.len(), &late[1]["set"]), (2, &json!({"plan": "free"})));
    }

    #[test]
    fn what_two_processes_were_told_is_put_together_from_either_side() {
        let region = || vec![Said { of: Of::Field(AccountField::Region), value: Some(json!("emea")) }];
        let remembered = |is_whole: bool, said: Vec<Said>, at: Millis| {
            let mut table = Table::default();
            told(&mut table, |mut company, context, reading| {
                company.change(plan("free"), 100, context, reading);
                match is_whole {
                    true => company.snapshot(said, at, context, reading),
                    false => company.change(said, at, context, reading),
                };
            });
            table
        };
        let united = |ours: &mut Table, theirs: &Table| {
            let theirs = theirs.find("crm", EntryKind::Organisation, "1").cloned().unwrap();
            told(ours, |company, context, reading| company.unite(&theirs, context, reading))
        };
        for is_whole in [false, true] {
            let tables = || [remembered(is_whole, plan("pro"), 200), remembered(false, region(), 150)];
            let [mut one, other] = tables();
            let [another, mut same] = tables();
            let (from_one, from_other) = (united(&mut one, &other), united(&mut same, &another));
            assert_eq!(from_one, from_other);
            let said: Vec<_> = from_one.iter().map(|record| record.get("set").unwrap_or(record)).collect();
            let has = |field: &str, value: &str| said.iter().any(|said| said.get(field) == Some(&json!(value)));
            assert!(has("plan", "pro") && has("region", "emea"), "{from_one:?}");
            assert_eq!(from_one.len(), if is_whole { 1 } else { 2 }, "each change is as of when it was told");
        }
    }
}
