//! What a condition sees of one ticket at one moment: the engine's answers to [`Facts`].

use std::cell::{Cell, OnceCell};

use smallvec::SmallVec;
use tierline_model::{
    Author, BillingField, BillingState, DateOrInstant, HandledBy, Millis, PlanChange, Priority, SlaMetric, Status,
    TicketField,
};
use tierline_rules::{
    ALWAYS, Age, Calendar, Clock, FOREIGN, Facts, FieldRef, Handoff, Happened, List, Mappings, Moment, NamedCalendar,
    OpenEscalation, Pauses, Reach, Recurring, RuleSet, SignalValue, SlaPolicy, Stamp, Standing, Told, Untold, Value,
    Wait, Word,
};

use crate::account::Account;
use crate::arena::Arena;
use crate::cells::{CellValue, Seen, SeenValue};
use crate::clocks;
use crate::heard::Heard;
use crate::joined::{self, Joined, Key};
use crate::marks::Waiting;
use crate::texts::{Symbol, Texts};
use crate::ticket::{CustomList, CustomValue, SignalCell, Ticket};

/// One ticket of one account at one moment.
pub(crate) struct View<'e> {
    pub texts: &'e Texts,
    pub tickets: &'e Arena<Ticket>,
    pub account: &'e Account,
    pub ticket: &'e Ticket,
    /// What words are called before a rule sees them.
    pub mappings: &'e Mappings,
    heard: &'e Heard,
    /// Since when all tickets are known.
    covered_since: Millis,
    /// With the hours that they had before.
    calendars: &'e [NamedCalendar],
    /// The ticket's policy at that moment, and with which priority its targets are looked up.
    pub policy: Option<&'e SlaPolicy>,
    priority: Option<Priority>,
    rules: Option<&'e RuleSet>,
    /// As of when its clocks are asked.
    clocks_at: Millis,
    pub moment: Moment,
    /// Up to when absences are believed.
    believed: Millis,
    /// The earliest absence that was asked for and is due later than that; `MAX`: none.
    pub unheard: Cell<Millis>,
    /// Worked out when first asked for.
    pub waiting: OnceCell<Waiting>,
    pub contacts: OnceCell<Vec<Millis>>,
    tags: OnceCell<SymbolList<'e>>,
    /// The lists that are told of the account, each by its field.
    lists: OnceCell<Vec<(Key, SymbolList<'e>)>>,
}

/// What the views of one engine have in common.
#[derive(Clone, Copy)]
pub(crate) struct Around<'e> {
    pub texts: &'e Texts,
    pub tickets: &'e Arena<Ticket>,
    pub mappings: &'e Mappings,
    pub heard: &'e Heard,
    pub covered_since: Millis,
    pub calendars: &'e [NamedCalendar],
}

impl<'e> View<'e> {
    pub fn new(
        engine: Around<'e>,
        account: &'e Account,
        ticket: &'e Ticket,
        rules: Option<&'e RuleSet>,
        moment: Moment,
    ) -> View<'e> {
        let Around { texts, tickets, mappings, heard, covered_since, calendars } = engine;
        let applied = ticket.clocks.as_ref().and_then(|clocks| clocks.policy);
        let clocks = ticket.clocks.as_deref();
        let former = clocks.and_then(|clocks| clocks.former_at(moment.at));
        // What comes with a ticket from elsewhere may lie ahead of its account's time.
        let former = former.filter(|former| former.until <= account.now.at).map(|former| former.by);
        let clocks_at = match (former, clocks) {
            (None, Some(clocks)) => clocks.present_at(moment.at),
            _ => moment.at,
        };
        let place = former.map_or_else(|| applied.and_then(|applied| applied.policy), |former| former.policy);
        let policy = rules.zip(place).and_then(|(rules, place)| rules.policy(place));
        View {
            texts,
            tickets,
            account,
            ticket,
            mappings,
            policy,
            priority: former.map_or_else(|| ticket.priority(), |former| former.priority),
            rules,
            clocks_at,
            moment,
            heard,
            covered_since,
            calendars,
            believed: heard.believed(ticket.source),
            unheard: Cell::new(Millis::MAX),
            waiting: OnceCell::new(),
            contacts: OnceCell::new(),
            tags: OnceCell::new(),
            lists: OnceCell::new(),
        }
    }

    fn around(&self) -> Around<'e> {
        Around {
            texts: self.texts,
            tickets: self.tickets,
            mappings: self.mappings,
            heard: self.heard,
            covered_since: self.covered_since,
            calendars: self.calendars,
        }
    }

    pub fn waiting(&self) -> &Waiting {
        self.waiting.get_or_init(|| self.ticket.marks.as_of(self.moment.at))
    }

    fn of_ticket(&self, field: TicketField) -> Told<'_> {
        let Some(seen) = self.ticket.cells.field(field) else { return Told::Untold(ALWAYS) };
        let stamp = Stamp {
            since: seen.since,
            as_of: Some(seen.said.at),
            source: self.ticket.source.map(|source| self.texts.text(source)),
        };
        match seen.value {
            None => Told::Empty(stamp),
            Some(SeenValue::Small(value)) => Told::Value(self.small(field, value), stamp),
            Some(SeenValue::Large(CellValue::Text(text))) => {
                Told::Value(Value::Text(Word::plain(text, FOREIGN)), stamp)
            }
            Some(SeenValue::Large(CellValue::Instant(at))) => Told::Value(Value::Instant(*at), stamp),
            // A list of nothing is told to be empty.
            Some(SeenValue::Large(CellValue::Symbols(tags))) if tags.is_empty() => Told::Empty(stamp),
            Some(SeenValue::Large(CellValue::Symbols(tags))) => {
                Told::Value(Value::List(List::plain(self.tags.get_or_init(|| self.list(tags)))), stamp)
            }
            Some(SeenValue::Large(CellValue::Small(value))) => Told::Value(self.small(field, *value), stamp),
        }
    }

    fn small(&self, field: TicketField, value: u32) -> Value<'_> {
        let words = self.texts.words();
        match field {
            TicketField::Status => self.word(Status::ALL[value as usize].word(), &words.status, value),
            TicketField::Priority => self.word(Priority::ALL[value as usize].word(), &words.priority, value),
            TicketField::OpenedBy => self.word(Author::ALL[value as usize].word(), &words.author, value),
            TicketField::HandledBy => self.word(HandledBy::ALL[value as usize].word(), &words.handled_by, value),
            TicketField::Spam => Value::Bool(value == 1),
            TicketField::Rating => Value::Number(f64::from(value)),
            _ => self.symbol(value),
        }
    }

    /// A word of the contract; no text is touched to compare it.
    fn word(&self, text: &'static str, numbers: &[Symbol], value: u32) -> Value<'_> {
        Value::Text(Word::plain(text, numbers[value as usize]))
    }

    fn list(&self, symbols: &'e [Symbol]) -> SymbolList<'e> {
        SymbolList { texts: self.texts, symbols }
    }

    fn symbol(&self, symbol: Symbol) -> Value<'_> {
        Value::Text(Word::plain(self.texts.text(symbol), self.texts.folded(symbol)))
    }

    fn of_joined(&self, joined: &'e Joined, key: Key) -> Told<'_> {
        let Some(resolved) = joined.find(key) else { return Told::Untold(joined.untold_since(key)) };
        let stamp = Stamp {
            since: resolved.since,
            as_of: Some(resolved.as_of).filter(|&as_of| as_of != ALWAYS),
            source: Some(self.texts.text(resolved.source)),
        };
        let value = match &resolved.value {
            None => return Told::Empty(stamp),
            Some(joined::Value::Symbol(word)) => match key {
                Key::Billing(BillingField::State) => {
                    self.word(BillingState::ALL[*word as usize].word(), &self.texts.words().billing_state, *word)
                }
                Key::Billing(BillingField::PlanChange) => {
                    self.word(PlanChange::ALL[*word as usize].word(), &self.texts.words().plan_change, *word)
                }
                _ => self.symbol(*word),
            },
            Some(joined::Value::Number(number)) => Value::Number(*number),
            Some(joined::Value::Bool(yes)) => Value::Bool(*yes),
            Some(joined::Value::Date(date)) => Value::Instant(instant(*date, self.account.zone)),
            Some(joined::Value::Symbols(_)) => match self.list_of(key) {
                Some(list) => Value::List(List::plain(list)),
                None => return Told::Empty(stamp),
            },
        };
        Told::Value(value, stamp)
    }

    /// What is told in a field of the account that is a list; none: nothing.
    fn list_of(&self, key: Key) -> Option<&SymbolList<'e>> {
        let lists = self.lists.get_or_init(|| {
            let told = self.account.account.view.iter().chain(&self.account.billing.view);
            let list = |resolved: &'e joined::Resolved| match &resolved.value {
                Some(joined::Value::Symbols(symbols)) if !symbols.is_empty() => {
                    Some((resolved.key, self.list(symbols)))
                }
                _ => None,
            };
            told.filter_map(list).collect()
        });
        lists.iter().find(|(other, _)| *other == key).map(|(_, list)| list)
    }
}

/// A date is midnight in the account's zone, else in UTC; where that midnight does not exist, the first instant after.
pub(crate) fn instant(date: DateOrInstant, zone: Option<chrono_tz::Tz>) -> Millis {
    const DAY: Millis = 86_400_000;
    match date {
        DateOrInstant::Instant(at) => at,
        DateOrInstant::Date(days) => {
            let utc = Millis::from(days) * DAY;
            zone.and_then(|zone| midnight(utc, zone)).unwrap_or(utc)
        }
    }
}

fn midnight(utc: Millis, zone: chrono_tz::Tz) -> Option<Millis> {
    use chrono::{DateTime, Duration, TimeZone};
    let local = DateTime::from_timestamp_millis(utc)?.naive_utc();
    // No zone's gap is longer than a day; gaps begin and end at whole quarters of an hour.
    (0..=96).find_map(|quarters| {
        let later = local.checked_add_signed(Duration::minutes(15 * quarters))?;
        zone.from_local_datetime(&later).earliest().map(|at| at.timestamp_millis())
    })
}

/// Statuses whose time an open ticket does not count.
const CLOSED: [Status; 2] = [Status::Solved, Status::Closed];

impl Facts for View<'_> {
    fn moment(&self) -> Moment {
        self.moment
    }

    fn reach(&self, due: Millis) -> Reach {
        if !self.moment.reached(due) {
            return Reach::Ahead;
        }
        if due <= self.believed {
            return Reach::Reached;
        }
        self.unheard.set(self.unheard.get().min(due));
        Reach::Unheard
    }

    fn field(&self, field: &FieldRef) -> Told<'_> {
        self.mappings.apply(field, self.as_told(field))
    }

    fn wait(&self) -> Wait {
        self.waiting().wait
    }

    fn unanswered_by_customer_since(&self) -> Result<Option<Millis>, Untold> {
        match self.waiting().wait {
            Wait::Unknown => Err(Untold),
            Wait::Nobody(_) => Ok(self.waiting().unanswered),
            Wait::Since(_) => Ok(None),
        }
    }

    fn age(&self) -> Result<Age, Untold> {
        let created_at = self.ticket.created_at.ok_or(Untold)?;
        Ok(Age { created_at, solved_for: self.ticket.solved_for })
    }

    fn solved(&self) -> Pauses {
        let Ticket { solved_for, open_since, clocks, .. } = self.ticket;
        if *solved_for == 0 {
            return Pauses::default();
        }
        let spells = clocks.as_ref().map(|clocks| clocks.statuses.while_in(&CLOSED, self.moment.at));
        let spells = spells.unwrap_or_default().into_iter().filter(|&(_, ends)| ends < Millis::MAX);
        let known: SmallVec<[(Millis, Millis); 4]> = spells.collect();
        if known.iter().map(|(begins, ends)| ends - begins).sum::<Millis>() == *solved_for {
            known.into_iter().collect()
        } else {
            // The line of statuses was not kept all along.
            [(open_since.saturating_sub(*solved_for), *open_since)].into_iter().collect()
        }
    }

    fn unassigned_since(&self) -> Result<Option<Millis>, Untold> {
        match self.ticket.cells.field(TicketField::Assignee) {
            None => Err(Untold),
            Some(Seen { value: Some(_), .. }) => Ok(None),
            Some(Seen { value: None, since, .. }) => Ok(Some(since)),
        }
    }

    fn last_touched(&self) -> Result<Millis, Untold> {
        self.ticket.touched_at.ok_or(Untold)
    }

    fn contacts_of_wait(&self) -> &[Millis] {
        self.contacts.get_or_init(|| {
            let mut contacts = Vec::new();
            self.ticket.marks.contacts_of_wait(self.moment.at, &mut contacts);
            contacts
        })
    }

    fn tickets_created(&self) -> &[Millis] {
        &self.account.created
    }

    fn covered_since(&self) -> Millis {
        self.covered_since
    }

    fn sla(&self, metric: SlaMetric) -> (Clock, Option<&str>) {
        let Some(policy) = self.policy else { return (Clock::None, None) };
        (self.clock(metric, policy), Some(&policy.id))
    }

    fn sla_reaches(&self, metric: SlaMetric, used: Millis) -> Option<Millis> {
        let policy = self.policy?;
        let target = policy.target(metric, self.priority)?;
        match self.ticket.standing(metric, self.waiting(), self.moment.at) {
            clocks::Standing::Running { started } => {
                self.ticket.run(self.rules?, metric, started, (policy, target), self.clocks_at).reaches(used)
            }
            clocks::Standing::Unknown | clocks::Standing::None | clocks::Standing::Stopped { .. } => None,
        }
    }

    fn calendar(&self, place: usize) -> Option<&Calendar> {
        self.calendars.get(place).map(|named| &named.calendar)
    }

    fn policy_calendar(&self) -> Option<(&Calendar, Millis)> {
        let applied = self.ticket.clocks.as_ref().and_then(|clocks| clocks.policy)?;
        Some((&self.policy?.calendar, applied.since))
    }

    fn signals(&self, name: &str, each: &mut dyn FnMut(SignalValue<'_>)) {
        let Some(name) = self.texts.find(name) else { return };
        let of_ticket = self.ticket.rare.as_ref().map_or(&[][..], |rare| &rare.signals);
        let told = |cells: &[SignalCell]| cells.iter().any(|cell| cell.name == name);
        let cells = if told(of_ticket) { of_ticket } else { &self.account.signals };
        for cell in cells.iter().filter(|cell| cell.name == name) {
            each(SignalValue {
                at: cell.at,
                value: cell.value,
                label: cell.label.map(|label| self.texts.text(label)),
                model: cell.model.map(|model| self.texts.text(model)),
                explanation: cell.why.as_deref(),
            });
        }
    }

    fn happened(&self, what: Recurring) -> Happened<'_> {
        let at = self.ticket.rare.as_ref().map_or(&[][..], |rare| match what {
            Recurring::Reopened => &rare.reopened,
            Recurring::Reassigned => &rare.reassigned,
        });
        Happened { at, known_from: if self.ticket.met { ALWAYS } else { self.ticket.open_since } }
    }

    fn handoff(&self) -> Option<Handoff<'_>> {
        let handoff = self.ticket.rare.as_ref()?.handoff.as_ref()?;
        Some(Handoff { at: handoff.at, wants_human: handoff.wants_human, broke_down: handoff.broke_down.as_deref() })
    }

    fn phrase(&self, phrase: u16) -> &[Millis] {
        let cells = self.ticket.rare.as_ref().map_or(&[][..], |rare| &rare.phrases);
        cells.iter().find(|cell| cell.phrase == phrase).map_or(&[], |cell| &cell.at)
    }

    fn each_ticket(&self, each: &mut dyn FnMut(&dyn Facts, Standing)) {
        for &slot in &self.account.tickets {
            let ticket = &self.tickets[slot];
            if ticket.counts_at_all() {
                let open_since = Some(ticket.open_since).filter(|_| ticket.open);
                // `where` asks for fields alone: no clock, and so no policy.
                let view = View::new(self.around(), self.account, ticket, None, self.moment);
                each(&view, Standing { created_at: ticket.created_at, open_since });
            }
        }
    }

    fn midnight(&self, days: i32) -> Millis {
        instant(DateOrInstant::Date(days), self.account.zone)
    }

    fn escalation(&self) -> Option<OpenEscalation> {
        self.ticket.escalation().map(|open| OpenEscalation {
            tier: open.tier,
            opened_at: open.opened_at,
            at_tier_since: open.at_tier_since,
            acknowledged_at: open.acknowledged_at,
        })
    }
}

impl View<'_> {
    /// What is known of a field, in the words of who told it.
    fn as_told(&self, field: &FieldRef) -> Told<'_> {
        match field {
            FieldRef::Ticket(TicketField::CreatedAt) => match self.ticket.created_at {
                Some(at) => Told::Value(Value::Instant(at), Stamp { since: at, as_of: Some(at), source: None }),
                None => Told::Untold(ALWAYS),
            },
            FieldRef::Ticket(TicketField::Source) => match self.ticket.source {
                Some(source) => Told::Value(self.symbol(source), Stamp { since: ALWAYS, as_of: None, source: None }),
                None => Told::Untold(ALWAYS),
            },
            FieldRef::Ticket(field) => self.of_ticket(*field),
            FieldRef::Account(field) => self.of_joined(&self.account.account, Key::Account(*field)),
            FieldRef::Billing(field) => self.of_joined(&self.account.billing, Key::Billing(*field)),
            FieldRef::AccountCustom(name) => match self.texts.find(name) {
                Some(name) => self.of_joined(&self.account.account, Key::Custom(name)),
                None => Told::Untold(ALWAYS),
            },
            FieldRef::TicketCustom(name) => self.of_custom(name),
        }
    }

    fn of_custom(&self, name: &str) -> Told<'_> {
        let cell = self
            .texts
            .find(name)
            .and_then(|name| self.ticket.rare.as_ref()?.custom.iter().find(|cell| cell.name == name));
        let Some(cell) = cell else { return Told::Untold(ALWAYS) };
        let stamp = Stamp {
            since: cell.since,
            as_of: Some(cell.said.at),
            source: self.ticket.source.map(|source| self.texts.text(source)),
        };
        match &cell.value {
            None => Told::Empty(stamp),
            Some(CustomValue::Text(text)) => Told::Value(Value::Text(Word::plain(text, FOREIGN)), stamp),
            Some(CustomValue::Number(number)) => Told::Value(Value::Number(*number), stamp),
            Some(CustomValue::Bool(yes)) => Told::Value(Value::Bool(*yes), stamp),
            Some(CustomValue::List(list)) if list.0.is_empty() => Told::Empty(stamp),
            Some(CustomValue::List(list)) => Told::Value(Value::List(List::plain(list)), stamp),
        }
    }

    /// When a clock that pauses would be due if it went on now.
    pub(crate) fn due_from_now(&self, metric: SlaMetric) -> Option<Millis> {
        let policy = self.policy?;
        let target = policy.target(metric, self.priority)?;
        let clocks::Standing::Running { started } = self.ticket.standing(metric, self.waiting(), self.moment.at) else {
            return None;
        };
        self.ticket.run(self.rules?, metric, started, (policy, target), self.clocks_at).due_from(self.moment.at)
    }

    /// Where one of the ticket's clocks stands by its policy. SEMANTICS §5.
    fn clock(&self, metric: SlaMetric, policy: &SlaPolicy) -> Clock {
        let ticket = self.ticket;
        let started = match ticket.standing(metric, self.waiting(), self.moment.at) {
            clocks::Standing::Unknown => return Clock::Unknown,
            clocks::Standing::None => return Clock::None,
            clocks::Standing::Stopped { at } => return Clock::Stopped { at },
            clocks::Standing::Running { started } => started,
        };
        let target = self.rules.zip(policy.target(metric, self.priority));
        let Some((rules, target)) = target else { return Clock::None };
        let run = ticket.run(rules, metric, started, (policy, target), self.clocks_at);
        let told = ticket.cells.field(TicketField::Priority).map_or(started, |seen| seen.since);
        let applied = ticket.clocks.as_ref().and_then(|clocks| clocks.policy).map_or(started, |applied| applied.since);
        Clock::Running {
            started,
            target: run.target,
            due: run.reaches(run.target),
            target_since: started.max(told).max(applied),
        }
    }
}

/// Symbols as the list of texts that they are.
#[derive(Debug)]
pub(crate) struct SymbolList<'e> {
    texts: &'e Texts,
    symbols: &'e [Symbol],
}

impl tierline_rules::Texts for SymbolList<'_> {
    fn len(&self) -> usize {
        self.symbols.len()
    }

    fn text(&self, index: usize) -> (&str, u32) {
        let symbol = self.symbols[index];
        (self.texts.text(symbol), self.texts.folded(symbol))
    }
}

impl tierline_rules::Texts for CustomList {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn text(&self, index: usize) -> (&str, u32) {
        (&self.0[index], FOREIGN)
    }
}
