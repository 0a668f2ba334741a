//! Facts made by hand, and rules read from a text.

use std::collections::HashMap;

use tierline_model::SlaMetric;
use tierline_rules::source::{Diagnostics, Source, parse};
use tierline_rules::{
    ALWAYS, Age, Calendar, Clock, Dated, Edge, FOREIGN, Facts, FieldRef, Handoff, Happened, List, Moment,
    OpenEscalation, Pauses, Recurring, Rule, RuleSet, Sections, SignalValue, Stamp, Standing, Texts, Told, Truth,
    Untold, Value, Wait, Word, fold, rule_set,
};

pub type Millis = i64;
pub const DAY: Millis = 86_400_000;

/// What a field was told.
#[derive(Clone, Debug)]
pub enum Tell {
    Empty,
    Text(&'static str),
    Number(f64),
    Bool(bool),
    Instant(Millis),
    List(Words),
}

/// A list of texts that the engine does not number.
#[derive(Clone, Debug)]
pub struct Words(pub Vec<&'static str>);

impl Texts for Words {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn text(&self, index: usize) -> (&str, u32) {
        (self.0[index], FOREIGN)
    }
}

/// A value of a signal.
#[derive(Clone, Copy, Debug)]
pub struct SignalTold {
    pub name: &'static str,
    pub at: Millis,
    pub value: Option<f64>,
    pub label: Option<&'static str>,
}

/// One ticket as the engine would show it.
#[derive(Clone, Debug)]
pub struct Sample {
    pub moment: Moment,
    pub fields: HashMap<FieldRef, (Tell, Millis)>,
    /// The rule set's texts: told texts are numbered by them; none: they are compared letter by letter.
    pub texts: Vec<String>,
    pub wait: Wait,
    pub unanswered: Result<Option<Millis>, Untold>,
    pub age: Result<Age, Untold>,
    pub solved: Vec<(Millis, Millis)>,
    pub unassigned: Result<Option<Millis>, Untold>,
    pub touched: Result<Millis, Untold>,
    pub contacts: Vec<Millis>,
    pub tickets: Vec<Millis>,
    pub clock: Clock,
    /// Of the ticket's policy, and since when.
    pub policy_calendar: Option<(Calendar, Millis)>,
    pub signals: Vec<SignalTold>,
    pub reopened: Vec<Millis>,
    pub reassigned: Vec<Millis>,
    pub known_from: Millis,
    pub handoff: Option<Handoff<'static>>,
    /// Of every phrase.
    pub phrases: Vec<Millis>,
    /// The account's tickets and where each stands; they are asked at the moment of this one.
    pub others: Vec<(Sample, Standing)>,
    pub escalation: Option<OpenEscalation>,
}

impl Default for Sample {
    fn default() -> Sample {
        Sample {
            moment: Moment { at: 0, edge: Edge::Bounds },
            fields: HashMap::new(),
            texts: Vec::new(),
            wait: Wait::Unknown,
            unanswered: Err(Untold),
            age: Err(Untold),
            solved: Vec::new(),
            unassigned: Err(Untold),
            touched: Err(Untold),
            contacts: Vec::new(),
            tickets: Vec::new(),
            clock: Clock::Unknown,
            policy_calendar: Some((Calendar::Always, ALWAYS)),
            signals: Vec::new(),
            reopened: Vec::new(),
            reassigned: Vec::new(),
            known_from: ALWAYS,
            handoff: None,
            phrases: Vec::new(),
            others: Vec::new(),
            escalation: None,
        }
    }
}

impl Sample {
    /// The same at another instant, all of it reached.
    pub fn at(&self, at: Millis) -> Sample {
        Sample { moment: Moment { at, edge: Edge::Bounds }, ..self.clone() }
    }

    /// The same at another instant, with what is due then not reached yet.
    pub fn just_at(&self, at: Millis) -> Sample {
        Sample { moment: Moment { at, edge: Edge::Records }, ..self.clone() }
    }
}

impl Facts for Sample {
    fn moment(&self) -> Moment {
        self.moment
    }

    fn field(&self, field: &FieldRef) -> Told<'_> {
        let Some((tell, since)) = self.fields.get(field) else { return Told::Untold(ALWAYS) };
        let stamp = Stamp { since: *since, as_of: Some(*since), source: Some("crm") };
        let number = |text: &str| self.texts.iter().position(|other| *other == fold(text)).map(|place| place as u32);
        Told::Value(
            match tell {
                Tell::Empty => return Told::Empty(stamp),
                Tell::Text(text) if self.texts.is_empty() => Value::Text(Word::plain(text, FOREIGN)),
                Tell::Text(text) => Value::Text(Word::plain(text, number(text).unwrap_or(FOREIGN - 1))),
                Tell::Number(number) => Value::Number(*number),
                Tell::Bool(bool) => Value::Bool(*bool),
                Tell::Instant(at) => Value::Instant(*at),
                Tell::List(words) => Value::List(List::plain(words)),
            },
            stamp,
        )
    }

    fn wait(&self) -> Wait {
        self.wait
    }

    fn unanswered_by_customer_since(&self) -> Result<Option<Millis>, Untold> {
        self.unanswered
    }

    fn age(&self) -> Result<Age, Untold> {
        self.age
    }

    fn solved(&self) -> Pauses {
        self.solved.iter().copied().collect()
    }

    fn unassigned_since(&self) -> Result<Option<Millis>, Untold> {
        self.unassigned
    }

    fn last_touched(&self) -> Result<Millis, Untold> {
        self.touched
    }

    fn contacts_of_wait(&self) -> &[Millis] {
        &self.contacts
    }

    fn tickets_created(&self) -> &[Millis] {
        &self.tickets
    }

    fn sla(&self, _: SlaMetric) -> (Clock, Option<&str>) {
        (self.clock, Some("standard"))
    }

    /// The clock never pauses, and its time is that of the wall.
    fn sla_reaches(&self, _: SlaMetric, used: Millis) -> Option<Millis> {
        match self.clock {
            Clock::Running { started, .. } => Some(started + used),
            Clock::Unknown | Clock::None | Clock::Stopped { .. } => None,
        }
    }

    fn policy_calendar(&self) -> Option<(&Calendar, Millis)> {
        self.policy_calendar.as_ref().map(|(calendar, since)| (calendar, *since))
    }

    fn signals(&self, name: &str, each: &mut dyn FnMut(SignalValue<'_>)) {
        for told in self.signals.iter().filter(|told| told.name == name) {
            let (model, explanation) = (Some("tone-2"), None);
            each(SignalValue { at: told.at, value: told.value, label: told.label, model, explanation });
        }
    }

    fn happened(&self, what: Recurring) -> Happened<'_> {
        let at = match what {
            Recurring::Reopened => &self.reopened,
            Recurring::Reassigned => &self.reassigned,
        };
        Happened { at, known_from: self.known_from }
    }

    fn handoff(&self) -> Option<Handoff<'_>> {
        self.handoff
    }

    fn phrase(&self, _: u16) -> &[Millis] {
        &self.phrases
    }

    fn each_ticket(&self, each: &mut dyn FnMut(&dyn Facts, Standing)) {
        for (other, standing) in &self.others {
            each(&Sample { moment: self.moment, texts: self.texts.clone(), ..other.clone() }, *standing);
        }
    }

    fn escalation(&self) -> Option<OpenEscalation> {
        self.escalation
    }
}

/// What a text says, and what is wrong with it.
pub fn read_all(text: &str) -> (RuleSet, Diagnostics) {
    let mut found = Diagnostics::default();
    let root = parse(&Source::new("rules.yaml", text), &mut found);
    let at = |key: &str| root.as_ref().and_then(|root| root.at(key));
    let sections = Sections {
        rules: at("rules"),
        terms: at("terms"),
        sla: at("sla"),
        escalation_sla: at("escalation_sla"),
        calendars: at("calendars"),
        tags: at("tags"),
        fields: at("fields"),
        sources: at("sources"),
        history: 35 * DAY,
    };
    let set = rule_set(&sections, &mut found);
    (set, found)
}

/// What a text without mistakes says.
pub fn read(text: &str) -> RuleSet {
    let (set, found) = read_all(text);
    assert_eq!(found.mistakes(), 0, "{found}");
    set
}

/// Whether what a `when` and, perhaps, an `unless` want can be at all.
pub fn is_possible(when: &str, unless: Option<&str>) -> bool {
    let unless = unless.map(|unless| format!(", unless: {unless}")).unwrap_or_default();
    let (_, found) = read_all(&format!("{}rules: [{{ id: r, tier: 2, when: {when}{unless} }}]\n", around(when)));
    found.mistakes() == 0
}

/// A rule with this `when`, and the texts of its set.
pub fn rule(when: &str) -> (Rule, Vec<String>) {
    let mut set = read(&format!("{}rules: [{{ id: r, tier: 2, when: {when} }}]\n", around(when)));
    (set.rules.remove(0), set.texts)
}

/// A rule with this `when` and, perhaps, this `unless`.
pub fn rule_unless(when: &str, unless: Option<&str>) -> Rule {
    let unless = unless.map(|unless| format!(", unless: {unless}")).unwrap_or_default();
    read(&format!("{}rules: [{{ id: r, tier: 2, when: {when}{unless} }}]\n", around(when))).rules.remove(0)
}

/// A policy with a target for every metric; and a calendar, which takes a while to read, where it is named.
fn around(when: &str) -> String {
    let calendars = if when.contains("calendar: emea") { CALENDARS } else { "" };
    format!("{calendars}{POLICY}")
}

/// One that is open in bits of the night of Thursdays, too.
pub const CALENDARS: &str = "calendars: { emea: { time_zone: UTC, hours: { thu: ['00:00-00:07', '00:11-00:20', \
    '00:31-01:00'], mon-wed: '09:00-17:00' } } }\n";

const POLICY: &str = "sla: [{ id: standard, targets: { first_reply: { default: 4h }, next_reply: { default: 4h }, \
    periodic_update: { default: 4h }, pausable_update: { default: 4h }, requester_wait: { default: 4h }, \
    agent_work: { default: 4h }, resolution: { default: 4h } } }]\n";

/// A clock that started then and is due so much later.
pub fn running(started: Millis, target: Millis, target_since: Millis) -> Clock {
    Clock::Running { started, target, due: Some(started + target), target_since }
}

/// What a `when` is on a sample.
pub fn dated(when: &str, sample: &Sample) -> Dated {
    let (rule, texts) = rule(when);
    rule.evaluate(&Sample { texts, ..sample.clone() })
}

pub fn yes(since: Millis, until: Millis) -> Dated {
    Dated { truth: Truth::Yes, since, until }
}

pub fn no(since: Millis, until: Millis) -> Dated {
    Dated { truth: Truth::No, since, until }
}

pub fn unknown() -> Dated {
    Dated::fixed(Truth::Unknown, ALWAYS)
}
