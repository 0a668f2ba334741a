//! The same history through the real engine, in any of the ways in which it must not matter how.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::firing::Expected;
use super::history::{Record, START, Tick, TicketNo, What, instant};
use super::rules::rule_id;
use tierline_engine::{Arrival, Engine, Input, Output, Settings};
use tierline_model::{
    AccountFields, AccountSnapshot, BillingFields, BillingSnapshot, Cleared, Command, CommandKind, Escalation,
    EscalationKind, Handoff, Message, Millis, Signal, TicketEvent, TicketEventKind, TicketField,
};
use tierline_rules::source::{Diagnostics, Keys, Source, parse};
use tierline_rules::{Edge, RuleSet, Sections, rule_set as read};

/// Rules and policies from YAML.
pub fn rule_set(text: &str) -> Arc<RuleSet> {
    let (set, found) = read_all(text);
    assert_eq!(found.mistakes(), 0, "{found}\n{text}");
    Arc::new(set)
}

/// Whether each rule can hold at all.
pub fn is_possible(text: &str) -> bool {
    read_all(text).1.mistakes() == 0
}

fn read_all(text: &str) -> (RuleSet, Diagnostics) {
    let mut found = Diagnostics::default();
    let root = parse(&Source::new("rules.yaml", text), &mut found).expect("it is YAML");
    let mut keys = Keys::of(&root, "the rules", &mut found).expect("it is a map");
    let sections = Sections {
        rules: keys.optional("rules"),
        terms: keys.optional("terms"),
        sla: keys.optional("sla"),
        escalation_sla: keys.optional("escalation_sla"),
        calendars: keys.optional("calendars"),
        history: HISTORY,
        ..Sections::default()
    };
    let set = read(&sections, &mut found);
    (set, found)
}

const HISTORY: Millis = 35 * 86_400_000;

/// How a history is fed.
#[derive(Clone, Debug)]
pub struct Way {
    /// How long rises at bounds are held, ticks.
    pub grace: Tick,
    /// After the records at these places of the order of arrival, the clock is told to the engine.
    pub advances: Vec<usize>,
    /// After the records at the first places, the ones so many before them come once more.
    pub repeats: Vec<(usize, usize)>,
    /// After the records at these places, the engine is lost, and restored from what it wrote.
    pub restarts: Vec<usize>,
    /// Whether a restore reads what was written bit by bit, or a snapshot of all.
    pub from_changes: bool,
    /// Whether the clock stops at every deadline that the engine names, or runs straight to the end.
    pub by_deadlines: bool,
    /// Whether the clock is told by arrivals, or by occurrences.
    pub wall: bool,
}

impl Way {
    /// The shortest way: every record, then the end.
    pub fn plain() -> Way {
        Way {
            grace: 0,
            advances: Vec::new(),
            restarts: Vec::new(),
            repeats: Vec::new(),
            from_changes: false,
            by_deadlines: false,
            wall: false,
        }
    }
}

/// Everything that goes out up to `until`, for records in the order of their arrival.
pub fn run(rules: &Arc<RuleSet>, records: &[Record], until: Tick, way: &Way) -> Vec<Escalation> {
    run_both(rules, records, until, way).0
}

/// The same, and what goes out in the shadow.
pub fn run_both(
    rules: &Arc<RuleSet>,
    records: &[Record],
    until: Tick,
    way: &Way,
) -> (Vec<Escalation>, Vec<Escalation>) {
    let mut running = Running::new(Arc::clone(rules), way);
    for (place, record) in records.iter().enumerate() {
        if way.wall && running.clock < instant(record.arrives) {
            running.run_to(instant(record.arrives) - 1, way);
        }
        let told = if way.wall { Some(record.arrives) } else { record.what.has_instant().then_some(record.at) };
        running.clock = running.clock.max(told.map_or(running.clock, instant));
        running.take(place, record);
        for (_, back) in way.repeats.iter().filter(|(at, back)| *at == place && *back <= place) {
            let again = place - back;
            if records[again].what.has_instant() {
                running.take(again, &records[again]);
            }
        }
        if way.advances.contains(&place) {
            let more = records[place + 1..].iter().any(|next| instant(next.at) <= running.clock);
            running.tell_clock(running.clock, if more { Edge::Records } else { Edge::Bounds });
        }
        if way.restarts.contains(&place) {
            running.restart(way.from_changes);
        }
    }
    running.run_to(instant(until), way);
    (running.out, running.shadow)
}

/// An engine with what it has written.
pub struct Running {
    rules: Arc<RuleSet>,
    settings: Arc<Settings>,
    engine: Engine,
    pub clock: Millis,
    /// What its changelog would hold.
    changelog: BTreeMap<Vec<u8>, Vec<u8>>,
    pub out: Vec<Escalation>,
    /// What shadow rules would have done.
    pub shadow: Vec<Escalation>,
}

impl Running {
    pub fn new(rules: Arc<RuleSet>, way: &Way) -> Running {
        let settings = Arc::new(Settings {
            grace: way.grace * 1_000,
            stale_after: 120_000,
            import_timeout: 86_400_000,
            history: HISTORY,
            start_quietly: false,
            precedence: Vec::new(),
        });
        let mut engine = Engine::new(Arc::clone(&rules), Arc::clone(&settings));
        engine.caught_up(START);
        Running {
            rules,
            settings,
            engine,
            clock: START,
            changelog: BTreeMap::new(),
            out: Vec::new(),
            shadow: Vec::new(),
        }
    }

    /// The clock comes to this instant; everything up to it has been read.
    pub fn run_to(&mut self, clock: Millis, way: &Way) {
        let next = |engine: &Engine| engine.next_deadline().filter(|deadline| way.by_deadlines && *deadline < clock);
        while let Some(deadline) = next(&self.engine) {
            self.clock = self.clock.max(deadline);
            self.engine.advance(self.clock, Edge::Bounds);
            self.collect();
            assert_ne!(self.engine.next_deadline(), Some(deadline), "woken at {deadline} again and again");
        }
        self.tell_clock(clock, Edge::Bounds);
    }

    /// The clock comes to this instant; with [`Edge::Records`], more records of it may follow.
    fn tell_clock(&mut self, clock: Millis, edge: Edge) {
        self.clock = self.clock.max(clock);
        self.engine.advance(self.clock, edge);
        self.collect();
    }

    pub fn restart(&mut self, from_changes: bool) {
        self.restart_with(Arc::clone(&self.rules.clone()), from_changes);
    }

    /// Loses the engine; the next one has other rules.
    pub fn restart_with(&mut self, rules: Arc<RuleSet>, from_changes: bool) {
        self.collect();
        if !from_changes {
            self.changelog.clear();
            self.engine.snapshot(&mut |key, value| {
                self.changelog.insert(key.to_vec(), value.to_vec());
            });
        }
        let memory = self.engine.memory();
        self.rules = rules;
        self.engine = Engine::new(Arc::clone(&self.rules), Arc::clone(&self.settings));
        for (key, value) in &self.changelog {
            self.engine.restore(key, Some(value)).expect("it reads what it wrote");
        }
        self.engine.restored(self.clock, Edge::Bounds, Some(&memory)).expect("it reads what it remembered");
        self.engine.caught_up(self.clock);
        self.collect();
    }

    pub fn take(&mut self, place: usize, record: &Record) {
        let appended_at = Some(instant(record.arrives));
        let applied = with_input(place, record, |input| self.engine.apply(self.clock, Arrival { appended_at, input }));
        applied.expect("histories hold nothing that is refused");
        self.collect();
    }

    fn collect(&mut self) {
        for output in self.engine.outputs() {
            match output {
                Output::Escalation(escalation) => self.out.push(*escalation),
                Output::Shadow(escalation) => self.shadow.push(*escalation),
                Output::Queue(..) | Output::Sla(_) | Output::Move { .. } => {}
            }
        }
        self.engine.changes(&mut |key, value| {
            match value {
                Some(value) => self.changelog.insert(key.to_vec(), value.to_vec()),
                None => self.changelog.remove(key),
            };
        });
    }
}

/// The id of a ticket.
pub fn ticket_id(no: TicketNo) -> String {
    format!("T{no}")
}

fn with_input<T>(place: usize, record: &Record, take: impl FnOnce(Input<'_>) -> T) -> T {
    let occurred_at = instant(record.at);
    let account_id = || "acme".into();
    let (event_id, ticket) = (format!("e{place}"), record.what.ticket().map(ticket_id).unwrap_or_default());
    let mut event = TicketEvent::new(TicketEventKind::Updated, event_id, ticket, account_id(), "desk", occurred_at);
    let message = |said: super::history::Said| Message {
        id: Some(format!("m{place}").into()),
        author: said.author,
        author_name: None,
        public: said.public,
        text: Some(if said.leaving { "We cancel our contract" } else { "hello" }.into()),
        automated: said.automated,
    };
    match &record.what {
        What::Created(_, birth) => {
            event.kind = TicketEventKind::Created;
            event.ticket.status = Some(birth.status);
            event.ticket.opened_by = birth.opened_by;
            event.ticket.handled_by = birth.handled_by;
            event.ticket.priority = birth.priority;
            match birth.category {
                None => {}
                Some(None) => event.cleared.fields.push(TicketField::Category),
                Some(Some(category)) => event.ticket.category = Some(category.into()),
            }
            event.message = birth.message.map(message);
        }
        What::Status(_, status) => event.ticket.status = Some(*status),
        What::Priority(_, Some(priority)) => event.ticket.priority = Some(*priority),
        What::Priority(_, None) => event.cleared.fields.push(TicketField::Priority),
        What::Category(_, Some(category)) => event.ticket.category = Some((*category).into()),
        What::Category(_, None) => event.cleared.fields.push(TicketField::Category),
        What::HandledBy(_, by) => event.ticket.handled_by = Some(*by),
        What::Assignee(_, Some(assignee)) => event.ticket.assignee = Some((*assignee).into()),
        What::Assignee(_, None) => event.cleared.fields.push(TicketField::Assignee),
        What::Message(_, said) => {
            event.kind = TicketEventKind::Message;
            event.message = Some(message(*said));
        }
        What::Merged(_, into) => {
            event.kind = TicketEventKind::Merged;
            event.merged_into = Some(ticket_id(*into).into());
        }
        What::Deleted(_) => event.kind = TicketEventKind::Deleted,
        What::Account { source, plan, health } => {
            let fields = AccountFields {
                plan: plan.map(Into::into),
                health: health.map(|health| health as f64),
                ..AccountFields::default()
            };
            return take(Input::Account {
                topic: u8::from(*source != "crm"),
                snapshot: &AccountSnapshot {
                    account_id: account_id(),
                    source: (*source).into(),
                    updated_at: None,
                    fields,
                    cleared: Cleared::default(),
                },
            });
        }
        What::Billing { state } => {
            return take(Input::Billing {
                topic: 0,
                snapshot: &BillingSnapshot {
                    account_id: account_id(),
                    source: "invoicing".into(),
                    updated_at: None,
                    fields: BillingFields { state: *state, ..BillingFields::default() },
                    cleared: Cleared::default(),
                },
            });
        }
        What::Sentiment(ticket, tenths) => {
            return take(Input::Signal(&Signal {
                signal_id: format!("s{place}").into(),
                account_id: account_id(),
                ticket_id: ticket.map(|no| ticket_id(no).into()),
                occurred_at,
                name: "sentiment".into(),
                value: Some(f64::from(*tenths) / 10.0),
                label: None,
                model: None,
                explanation: None,
                handoff: None,
            }));
        }
        What::Handoff(ticket, wants_human) => {
            return take(Input::Signal(&Signal {
                signal_id: format!("s{place}").into(),
                account_id: account_id(),
                ticket_id: Some(ticket_id(*ticket).into()),
                occurred_at,
                name: "handoff".into(),
                value: None,
                label: None,
                model: None,
                explanation: None,
                handoff: Some(Handoff { wants_human: *wants_human, ..Handoff::default() }),
            }));
        }
        What::Command(ticket, kind, number) => {
            let snoozes = *kind == CommandKind::Snooze;
            return take(Input::Command(&Command {
                command_id: format!("c{place}").into(),
                account_id: account_id(),
                ticket_id: Some(ticket_id(*ticket).into()),
                escalation_id: None,
                occurred_at,
                kind: *kind,
                by: Some("sam".into()),
                reason: None,
                tier: number.filter(|_| !snoozes),
                until: number.filter(|_| snoozes).map(|ticks| occurred_at + Millis::from(ticks) * 1_000),
            }));
        }
    }
    take(Input::Ticket(&event))
}

/// What of a record the oracle foretells, as one line; equal lines are equal records.
#[derive(Clone, Debug, PartialEq)]
pub struct Line(pub String);

/// What went out, ticket by ticket, each in its order. Escalations are numbered as they come.
pub fn lines(out: &[Escalation]) -> BTreeMap<String, Vec<Line>> {
    lines_from(out, 0)
}

/// The same for rules that stand behind so many others.
pub fn lines_from(out: &[Escalation], first: usize) -> BTreeMap<String, Vec<Line>> {
    let mut ids = Vec::new();
    let mut lines: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for record in out {
        if !ids.contains(&record.escalation_id) {
            ids.push(record.escalation_id);
        }
        let tick = (record.became_true_at - START) / 1_000;
        let kind = record.kind;
        let number = record.rule.as_ref().and_then(|id| id.strip_prefix('r')?.parse::<usize>().ok());
        let rule = number.map(|number| rule_id(number - first));
        let line = line(tick, kind, record.tier, rule, record.sequence);
        lines.entry(record.ticket_id.clone()).or_default().push(line);
    }
    lines
}

/// The same of what was foretold.
pub fn foretold_lines(expected: &[Expected]) -> BTreeMap<String, Vec<Line>> {
    let mut lines: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for record in expected {
        let line = line(record.at, record.kind, record.tier, record.rule.map(rule_id), record.sequence);
        lines.entry(ticket_id(record.ticket)).or_default().push(line);
    }
    lines
}

fn line(tick: Tick, kind: EscalationKind, tier: u8, rule: Option<String>, sequence: u32) -> Line {
    let fires = matches!(kind, EscalationKind::Opened | EscalationKind::Raised | EscalationKind::Joined);
    let rule = rule.filter(|_| fires).unwrap_or_default();
    let tier = if kind == EscalationKind::Resolved { 1 } else { tier };
    Line(format!("{tick} {kind} tier {tier} {rule} #{sequence}"))
}
