//! What accounts' and bills' snapshots and changes do: the joined view moves, and every open ticket of the account is
//! looked at again.

use tierline_model::{
    AccountChange, AccountField, AccountFields, AccountSnapshot, BillingChange, BillingField, BillingFields,
    BillingSnapshot, Cleared, DateOrInstant, Millis, Text, Value as Told, cut,
};
use tierline_rules::{ALWAYS, FieldRef, Reads, Topic};

use crate::engine::Engine;
use crate::fire::Cause;
use crate::joined::{CHANGES, Joined, Key, Statement, Value};
use crate::judge::Rising;
use crate::texts::{Symbol, Texts};
use crate::tickets::kept;

/// Which of an account's two joined views.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Account,
    Billing,
}

impl Engine {
    pub(crate) fn take_account(&mut self, topic: u8, snapshot: &AccountSnapshot<'_>, appended_at: Option<Millis>) {
        let as_of = snapshot.updated_at.or(appended_at).unwrap_or(ALWAYS);
        let source = self.texts.intern(&cut(&snapshot.source, kept::WORD));
        let said = account_statements(&mut self.texts, &snapshot.fields, &snapshot.cleared, as_of, topic);
        self.take_told(&snapshot.account_id, Side::Account, appended_at, |joined| joined.replace(source, said));
    }

    pub(crate) fn take_account_gone(&mut self, topic: u8, account_id: &str, appended_at: Option<Millis>) {
        self.take_told(account_id, Side::Account, appended_at, |joined| joined.forget_topic(topic));
    }

    pub(crate) fn take_billing(&mut self, topic: u8, snapshot: &BillingSnapshot<'_>, appended_at: Option<Millis>) {
        let as_of = snapshot.updated_at.or(appended_at).unwrap_or(ALWAYS);
        let source = self.texts.intern(&cut(&snapshot.source, kept::WORD));
        let said = billing_statements(&mut self.texts, &snapshot.fields, &snapshot.cleared, as_of, topic);
        self.take_told(&snapshot.account_id, Side::Billing, appended_at, |joined| joined.replace(source, said));
    }

    pub(crate) fn take_billing_gone(&mut self, topic: u8, account_id: &str, appended_at: Option<Millis>) {
        self.take_told(account_id, Side::Billing, appended_at, |joined| joined.forget_topic(topic));
    }

    pub(crate) fn take_account_change(&mut self, change: &AccountChange<'_>, appended_at: Option<Millis>) {
        let as_of = change.updated_at.or(appended_at).unwrap_or(ALWAYS);
        let source = self.texts.intern(&cut(&change.source, kept::WORD));
        let said = account_statements(&mut self.texts, &change.set, &change.cleared, as_of, CHANGES);
        self.take_told(&change.account_id, Side::Account, appended_at, |joined| {
            take_change(joined, source, said, change.deleted);
        });
    }

    pub(crate) fn take_billing_change(&mut self, change: &BillingChange<'_>, appended_at: Option<Millis>) {
        let as_of = change.updated_at.or(appended_at).unwrap_or(ALWAYS);
        let source = self.texts.intern(&cut(&change.source, kept::WORD));
        let said = billing_statements(&mut self.texts, &change.set, &change.cleared, as_of, CHANGES);
        self.take_told(&change.account_id, Side::Billing, appended_at, |joined| {
            take_change(joined, source, said, change.deleted);
        });
    }

    fn take_told(
        &mut self,
        account_id: &str,
        side: Side,
        appended_at: Option<Millis>,
        change: impl FnOnce(&mut Joined),
    ) {
        let a = self.account(account_id);
        let mut late = None;
        if let Some(at) = appended_at {
            self.before_record(a, at);
            late = Some(at).filter(|&at| self.is_late(a, at));
            self.arrive(a, at);
            self.follows = if late.is_some() { Millis::MIN } else { at };
        }
        let mut joined = std::mem::take(self.side(a, side));
        change(&mut joined);
        let reads = self.resolve(&mut joined, appended_at.unwrap_or(ALWAYS));
        *self.side(a, side) = joined;
        self.work_out_zone(a);
        self.mark_account(a);
        if reads != Reads::default() {
            self.follow_policies(a, reads, appended_at.unwrap_or(self.accounts[a].now.at));
        }
        if self.live && reads != Reads::default() {
            if let Some(at) = late {
                self.disprove_held(a, None, at, reads, &[]);
            }
            self.judge_account(a, reads, Rising::Collect);
            self.conclude(a, Cause::Record);
        }
        self.schedule(a);
    }

    fn side(&mut self, a: u32, side: Side) -> &mut Joined {
        let account = &mut self.accounts[a];
        if side == Side::Account { &mut account.account } else { &mut account.billing }
    }

    /// Works a view out anew by the configured precedence; what of it is something else now.
    pub(crate) fn resolve(&self, joined: &mut Joined, at: Millis) -> Reads {
        let precedence = &self.settings.precedence;
        let texts = &self.texts;
        let rank = |key: Key, source: Symbol| {
            let name = match key {
                Key::Account(field) => format!("account.{field}"),
                Key::Billing(field) => format!("billing.{field}"),
                Key::Custom(name) => format!("account.custom.{}", texts.text(name)),
            };
            let order = precedence.iter().find(|(field, _)| *field == name).map(|(_, order)| order);
            let place = order.and_then(|order| order.iter().position(|other| other == texts.text(source)));
            place.unwrap_or(usize::MAX)
        };
        let rank: crate::joined::Rank<'_> = if precedence.is_empty() { &|_, _| 0 } else { &rank };
        let by_source = |key: Key| {
            self.rules.mappings.of(&self.field_of(key)).is_some_and(tierline_rules::Mapping::differs_by_source)
        };
        let mut reads = Reads::default();
        joined.resolve(at, rank, &by_source, &mut |key| {
            reads = match key {
                Key::Account(AccountField::TimeZone) => Engine::EVERYTHING,
                Key::Account(field) => reads.and_field(&FieldRef::Account(field)),
                Key::Billing(field) => reads.and_field(&FieldRef::Billing(field)),
                Key::Custom(_) => reads.and(Topic::AccountCustom),
            };
        });
        reads
    }

    fn field_of(&self, key: Key) -> FieldRef {
        match key {
            Key::Account(field) => FieldRef::Account(field),
            Key::Billing(field) => FieldRef::Billing(field),
            Key::Custom(name) => FieldRef::AccountCustom(self.texts.text(name).to_owned()),
        }
    }

    /// The account's zone follows its field.
    pub(crate) fn work_out_zone(&mut self, a: u32) {
        let account = &mut self.accounts[a];
        account.zone = match account.account.find(Key::Account(AccountField::TimeZone)).map(|told| &told.value) {
            Some(Some(Value::Symbol(zone))) => self.texts.text(*zone).parse().ok(),
            _ => None,
        };
    }
}

fn take_change(joined: &mut Joined, source: Symbol, said: Vec<Statement>, deleted: bool) {
    if deleted {
        joined.forget_source(source);
    }
    if !said.is_empty() {
        joined.change(source, said);
    }
}

fn account_statements(
    texts: &mut Texts,
    told: &AccountFields<'_>,
    cleared: &Cleared<'_, AccountField>,
    as_of: Millis,
    topic: u8,
) -> Vec<Statement> {
    use AccountField::*;
    let mut said = Statements { texts, as_of, topic, said: Vec::new() };
    for (field, text) in [
        (Name, &told.name),
        (Plan, &told.plan),
        (Segment, &told.segment),
        (Currency, &told.currency),
        (Owner, &told.owner),
        (Region, &told.region),
        (TimeZone, &told.time_zone),
    ] {
        said.text(Key::Account(field), text);
    }
    said.number(Key::Account(Arr), told.arr.map(|arr| arr as f64));
    said.number(Key::Account(Health), told.health);
    said.number(Key::Account(ChurnRisk), told.churn_risk);
    said.date(Key::Account(RenewalDate), told.renewal_date);
    if let Some(flags) = &told.flags {
        let flags = said.symbols(flags);
        said.say(Key::Account(Flags), Some(flags));
    }
    for (name, value) in told.custom.iter().take(kept::LIST) {
        let key = Key::Custom(said.texts.intern(&cut(name, kept::WORD)));
        let value = match value {
            Told::Text(text) => Value::Symbol(said.texts.intern(&cut(text, kept::WORD))),
            Told::Number(number) => Value::Number(*number),
            Told::Bool(yes) => Value::Bool(*yes),
            Told::List(list) => said.symbols(list),
        };
        said.say(key, Some(value));
    }
    cleared.fields.iter().for_each(|&field| said.say(Key::Account(field), None));
    for name in &cleared.custom {
        let key = Key::Custom(said.texts.intern(&cut(name, kept::WORD)));
        said.say(key, None);
    }
    said.said
}

fn billing_statements(
    texts: &mut Texts,
    told: &BillingFields<'_>,
    cleared: &Cleared<'_, BillingField>,
    as_of: Millis,
    topic: u8,
) -> Vec<Statement> {
    use BillingField::*;
    let mut said = Statements { texts, as_of, topic, said: Vec::new() };
    if let Some(state) = told.state {
        said.say(Key::Billing(State), Some(Value::Symbol(state as u32)));
    }
    if let Some(change) = told.plan_change {
        said.say(Key::Billing(PlanChange), Some(Value::Symbol(change as u32)));
    }
    said.number(Key::Billing(AmountDue), told.amount_due.map(|due| due as f64));
    said.text(Key::Billing(Currency), &told.currency);
    said.text(Key::Billing(Plan), &told.plan);
    for (field, date) in [
        (PastDueSince, told.past_due_since),
        (PlanChangedAt, told.plan_changed_at),
        (RenewsAt, told.renews_at),
        (CancelsAt, told.cancels_at),
    ] {
        said.date(Key::Billing(field), date);
    }
    cleared.fields.iter().for_each(|&field| said.say(Key::Billing(field), None));
    said.said
}

/// Statements as they are gathered.
struct Statements<'t> {
    texts: &'t mut Texts,
    as_of: Millis,
    topic: u8,
    said: Vec<Statement>,
}

impl Statements<'_> {
    fn say(&mut self, key: Key, value: Option<Value>) {
        self.said.push(Statement { key, value, as_of: self.as_of, topic: self.topic });
    }

    fn text(&mut self, key: Key, text: &Option<Text<'_>>) {
        if let Some(text) = text {
            let value = Value::Symbol(self.texts.intern(&cut(text, kept::WORD)));
            self.say(key, Some(value));
        }
    }

    fn number(&mut self, key: Key, number: Option<f64>) {
        if let Some(number) = number {
            self.say(key, Some(Value::Number(number)));
        }
    }

    fn date(&mut self, key: Key, date: Option<DateOrInstant>) {
        if let Some(date) = date {
            self.say(key, Some(Value::Date(date)));
        }
    }

    fn symbols(&mut self, texts: &[Text<'_>]) -> Value {
        Value::Symbols(texts.iter().take(kept::LIST).map(|text| self.texts.intern(&cut(text, kept::WORD))).collect())
    }
}
